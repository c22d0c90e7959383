"""What the documents say of the code is what the code says, and where they point is something."""

import re
from pathlib import Path
from typing import Final

import msgspec
import pytest

from rowen import __version__
from rowen.interviews.interview import ScheduledInterview
from tests.docs.documents import DOCUMENTS, ROOT, name_of
from tests.docs.generated import PARTS, parts_in, renewed

_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)
_FENCED: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SECTION_OF_OBJECT: Final = re.compile(r"^## The object$(.*?)^## ", re.MULTILINE | re.DOTALL)
_PRIVATE: Final = re.compile(r"(?<![\w/])/(?:work|tmp|home|root)/|\bregistry\.|\bindex-url\b")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_what_is_made_from_the_code_is_up_to_date(document: Path) -> None:
    assert document.read_text() == renewed(document), "run scripts/docs"


def test_every_part_stands_in_one_document() -> None:
    assert sorted(name for document in DOCUMENTS for name in parts_in(document)) == sorted(PARTS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for target in _LINK.findall(_FENCED.sub("", document.read_text())):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.is_relative_to(ROOT), target
        assert found.exists(), target
        if anchor:
            assert anchor in _anchors(found), target


def _anchors(document: Path) -> set[str]:
    headings = _HEADING.findall(_FENCED.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_nothing_private_is_named(document: Path) -> None:
    assert _PRIVATE.findall(document.read_text()) == []


def test_the_object_is_described_field_by_field() -> None:
    section = _SECTION_OF_OBJECT.search((ROOT / "docs/api.md").read_text())
    assert section is not None
    described = re.findall(r"^\| `(\w+)` \|", section[1], re.MULTILINE)
    assert described == [field.name for field in msgspec.structs.fields(ScheduledInterview)]


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_decisions_are_numbered_and_have_their_sections() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        headings = _HEADING.findall(path.read_text())
        assert headings[1:] == ["Context", "Decision", "Figures", "Consequences"], path.name
