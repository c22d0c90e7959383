"""The documents agree with the code, and their links have targets."""

import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import msgspec
import pytest

from rowen.interviews.interview import ScheduledInterview
from rowen.interviews.lifecycle import TABLE, Absent, Becomes, State
from tests.support.documents import DOCUMENTS, ROOT, blocks_of, name_of
from tests.support.generated_parts import PARTS, parts_in, renewed

_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)
_FENCED: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SECTION_OF_OBJECT: Final = re.compile(r"^## The object$(.*?)^## ", re.MULTILINE | re.DOTALL)
_PRIVATE: Final = re.compile(r"(?<![\w/])/(?:work|tmp|home|root)/|\bregistry\.|\bindex-url\b")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_generated_parts_are_up_to_date(document: Path) -> None:
    assert document.read_text() == renewed(document), "run scripts/docs"


def test_every_part_is_in_one_document() -> None:
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
    section = _SECTION_OF_OBJECT.search((ROOT / "docs/reference/api.md").read_text())
    assert section is not None
    described = re.findall(r"^\| `(\w+)` \|", section[1], re.MULTILINE)
    assert described == [field.name for field in msgspec.structs.fields(ScheduledInterview)]


def test_the_picture_of_the_states_has_the_ways_of_the_table() -> None:
    drawn = re.findall(r'data-from="(\w+)" data-to="(\w+)"', (ROOT / "docs/images/lifecycle.svg").read_text())
    ways = {
        (_drawn(state), _drawn(following))
        for (state, _), rule in TABLE.items()
        if isinstance(rule, Becomes)
        for following in rule
        if following is not state
    }
    assert (len(drawn), set(drawn)) == (len(ways), ways)


def _drawn(state: State) -> str:
    return "none" if isinstance(state, Absent) else state.value


_IMPORT: Final = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)

providers = cache(packages_distributions)
"""The packages that each module is from; finding them reads the metadata of everything that is installed."""

_INSTALL: Final = re.compile(r"pip install ([\w\-]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_packages_of_python_examples_are_installed_before(document: Path) -> None:
    lines = document.read_text().splitlines()
    for block in blocks_of(document):
        if block.language == "python":
            installed = _INSTALL.findall("\n".join(lines[: block.line]))
            for module in set(_IMPORT.findall(block.text)) - sys.stdlib_module_names:
                assert set(providers()[module]) & set(installed), f"{name_of(document)}:{block.line}: {module}"


def test_decisions_are_numbered_and_have_their_sections() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    index = (ROOT / "docs/decisions/index.md").read_text()
    assert re.findall(r"\(([0-9].*\.md)\)$", index, re.MULTILINE) == [path.name for path in decisions]
    assert len({path.name[:4] for path in decisions}) == len(decisions), "two have one number"
    for path in decisions:
        headings = _HEADING.findall(path.read_text())
        assert headings[1:] == ["Context", "Decision", "Figures", "Consequences"], path.name
        assert _STATED.search(path.read_text()), f"{path.name} has no date or status"


_STATED: Final = re.compile(
    r"\A# \d+\. .*\n\nDate: \d{4}-\d\d-\d\d\. Status: (?:accepted|superseded by \[.*\]\(.*\.md\))\.\n"
)
_CITED_SECTIONS: Final = re.compile(r"contract,? (?:sections? )?(\d+)(?: and (\d+))?")
_CITED_DECISION: Final = re.compile(r"docs/decisions/(\d{4})\b")
_CITED_FILE: Final = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`")
_SOURCES: Final = [path for folder in ("src", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]


def test_cited_sections_of_the_contract_exist() -> None:
    numbers = re.findall(r"^## (\d+)\. ", (ROOT / "docs/reference/contract.md").read_text(), re.MULTILINE)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    cited = {
        (path, number)
        for path in (*_SOURCES, *DOCUMENTS)
        for found in _CITED_SECTIONS.findall(path.read_text())
        for number in found
        if number
    }
    assert cited, "the code cites the contract"
    assert [each for each in cited if each[1] not in numbers] == []


def test_cited_decisions_exist() -> None:
    decisions = {path.name[:4] for path in (ROOT / "docs/decisions").glob("[0-9]*.md")}
    cited = {(path, number) for path in _SOURCES for number in _CITED_DECISION.findall(path.read_text())}
    assert cited, "the code cites decisions"
    assert [each for each in cited if each[1] not in decisions] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_cited_files_exist(document: Path) -> None:
    text = _FENCED.sub("", document.read_text())
    known = {str(path.relative_to(ROOT)) for path in _SOURCES} | {
        str(path.relative_to(ROOT / "src/rowen")) for path in _SOURCES if path.is_relative_to(ROOT / "src/rowen")
    }
    missing = [
        each for each in _CITED_FILE.findall(text) if "/" in each and each not in known and not (ROOT / each).exists()
    ]
    assert missing == []
