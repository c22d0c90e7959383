# The two commands of the README are `make serve` and `make test`; each installs what it needs into .venv.
.PHONY: serve test check bench format clean
.DEFAULT_GOAL := serve

PORT ?= 8000

.venv/run: pyproject.toml constraints.txt
	scripts/install run

.venv/dev: pyproject.toml constraints.txt
	scripts/install dev

serve: .venv/run
	.venv/bin/rowen serve --demo --port $(PORT)

test: .venv/dev
	scripts/test

check: .venv/dev
	scripts/check

bench: .venv/dev
	scripts/bench

format: .venv/dev
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

clean:
	rm -rf .venv dist htmlcov .coverage*
