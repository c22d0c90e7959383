"""The tests keep to their layout: what several modules use is in tests/support, and nothing else is shared."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]


def imported(file: Path) -> Iterator[str]:
    """Return the names of what a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


@pytest.mark.slow  # it reads all tests
def test_only_the_support_is_imported() -> None:
    for file in TESTS.rglob("*.py"):
        assert [each for each in imported(file) if re.match(r"tests\b(?!\.support\b)", each)] == [], file
