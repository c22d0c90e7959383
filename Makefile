# The two commands of the README are `make serve` and `make test`; each installs what it needs into .venv.
.PHONY: serve test test-fast check bench site format clean
.DEFAULT_GOAL := serve

PORT ?= 8000

.venv/run: pyproject.toml constraints.txt package-lock.json scripts/install_assets.py
	scripts/install run

.venv/dev: pyproject.toml constraints.txt package-lock.json scripts/install_assets.py
	scripts/install dev

serve: .venv/run
	.venv/bin/rowen serve --demo --port $(PORT)

test: .venv/dev
	scripts/test

test-fast: .venv/dev
	scripts/test-fast

check: .venv/dev
	scripts/check

bench: .venv/dev
	scripts/bench

# The pages that a running server shows under /docs from its next start on.
site: .venv/dev
	.venv/bin/python scripts/build_site.py

format: .venv/dev
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

clean:
	rm -rf .venv dist src/rowen/site htmlcov .coverage*
