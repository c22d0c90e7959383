"""The tests keep to their layout: what several suites use is in tests/support, and nothing else is shared."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]
FILES: Final = sorted(TESTS.rglob("*.py"))


@cache
def imported(file: Path) -> frozenset[tuple[str, ...]]:
    """Return what a file imports from the tests, each as the path below tests/."""
    return frozenset(_imported(ast.parse(file.read_text())))


def _imported(module: ast.Module) -> Iterator[tuple[str, ...]]:
    for node in ast.walk(module):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{each.name}" for each in node.names]
        yield from (tuple(name.split(".")[1:]) for name in names if name.startswith("tests."))


@pytest.mark.slow  # it reads all tests
def test_no_suite_imports_from_another() -> None:
    for file in FILES:
        suite = file.relative_to(TESTS).parts[0]
        assert {module for module in imported(file) if module[0] not in (suite, "support")} == set(), file


@pytest.mark.slow
def test_no_test_module_is_imported() -> None:
    for file in FILES:
        assert [module for module in imported(file) if any(part.startswith("test_") for part in module)] == [], file
