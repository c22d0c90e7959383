"""The project's documents, taken apart: their fenced blocks, and the steps of their console sessions.

Owns how a document is read. Must not know how a command is run.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)

_BLOCK: Final = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HERE: Final = re.compile(r"<<'(\w+)'")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and the number of its first line."""

    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a console session, what the document says it prints, and the number of its line."""

    command: str
    expected: str
    line: int


def name_of(document: Path) -> str:
    """Return the document's path within the repository."""
    return str(document.relative_to(ROOT))


def blocks_of(document: Path) -> list[Block]:
    """Return the fenced blocks of a document, in order."""
    text = document.read_text()
    return [Block(found[1], found[2], text.count("\n", 0, found.start(2)) + 1) for found in _BLOCK.finditer(text)]


def steps_of(block: Block) -> list[Step]:
    r"""Return the commands of a console block.

    A command begins with `$ `. A `\` at the end of a line or a `<<'END'` continues it on the next lines; the lines up
    to the next command are its output.
    """
    steps: list[Step] = []
    lines = block.text.splitlines()
    index = 0
    while index < len(lines):
        start = index
        assert lines[index].startswith("$ "), f"line {block.line + index}: a console block begins with a command"
        command = [lines[index].removeprefix("$ ")]
        here = _HERE.search(command[0])
        while command[-1].endswith("\\") or (here is not None and command[-1] != here[1]):
            index += 1
            command.append(lines[index])
        index += 1
        printed = []
        while index < len(lines) and not lines[index].startswith("$ "):
            printed.append(lines[index])
            index += 1
        steps.append(Step("\n".join(command), "\n".join(printed), block.line + start))
    return steps
