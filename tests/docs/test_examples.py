"""Everything that the documents show is run, and prints what they show."""

import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.support.documented_sessions import Session, agrees, normalized
from tests.support.documents import DOCUMENTS, Block, blocks_of, name_of, steps_of

_PROGRAMS: Final = {"python": ("python", "example.py"), "ruby": ("ruby", "example.rb")}
_SHOWN_ONLY: Final = {"text", "sh", "ini", "nginx", "yaml", "json"}  # JSON is only checked for being valid
_TOOLS: Final = ("bash", "cmp", "curl", "make", "openssl", "sed", "timeout")
_RUNNABLE: Final = [
    document
    for document in DOCUMENTS
    if {"console", *_PROGRAMS}.intersection(block.language for block in blocks_of(document))
]


@pytest.mark.parametrize("document", _RUNNABLE, ids=name_of)
def test_documents_show_what_happens(document: Path, tmp_path: Path) -> None:
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path / "folder"
    folder.mkdir()
    blocks = blocks_of(document)
    with Session(folder) as session:
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            if block.language == "console":
                for step in steps_of(block):
                    printed, status = session.run(step.command)
                    _compare(document, step.line, step.expected, printed)
                    assert status == 0 or step.expected, f"{name_of(document)}:{step.line}: status {status}"
            elif block.language in _PROGRAMS and shutil.which(_PROGRAMS[block.language][0]) is not None:
                printed, status = session.run_file(*_PROGRAMS[block.language], block.text)
                shown = following.text if following is not None and following.language == "text" else ""
                _compare(document, block.line, shown, printed)
                assert status == 0, printed


def _compare(document: Path, line: int, expected: str, printed: str) -> None:
    shown, found = normalized(expected), normalized(printed)
    assert agrees(expected, printed), (
        f"{name_of(document)}:{line} shows:\n{shown}\n\nbut this is printed:\n{found[:2_000]}"
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_blocks_are_of_known_languages(document: Path) -> None:
    assert {block.language for block in blocks_of(document)} <= {"console", *_PROGRAMS, *_SHOWN_ONLY}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_json_is_json(document: Path) -> None:
    for block in blocks_of(document):
        if block.language == "json":
            json.loads(block.text)


@pytest.mark.skipif(shutil.which("ruby") is None, reason="ruby is not installed: its examples are not run")
def test_examples_in_ruby_are_run() -> None:
    assert any(_is_ruby(block) for document in _RUNNABLE for block in blocks_of(document))


def _is_ruby(block: Block) -> bool:
    return block.language == "ruby"


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a  b\n\nc", "a b\nc\n", True),
        ("a ... c", "a b b c", True),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("a\n...", "a\n", True),
        ("a", "a\nb", False),
        ("", "a", False),
        ("a", "", False),
        ("rowen_0123", "rowen_4567", True),
        ("2027-01-01T00:00:00.000Z", "2026-11-23T21:30:55.371Z", True),
        ("2016-05-23T20:43:11.679Z", "2016-05-23T20:43:11.680Z", False),
        ("date: now", "date: then", True),
        ("x.y", "xzy", False),
    ],
)
def test_comparing(expected: str, printed: str, same: bool) -> None:
    assert agrees(expected, printed) is same
