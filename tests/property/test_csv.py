"""CSV, for all interviews: exports can be imported unchanged, and no cell is a formula."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.api.codec.documents import encode
from rowen.app.records import INTERVIEWS
from rowen.exports import Format, write_export
from rowen.imports.formats.csv_cells import escape, unescape
from rowen.imports.sources.files import SourceRecord, StreamSource
from rowen.interviews.interview import ScheduledInterview
from rowen.interviews.moments import Instant
from tests.support.command import rowen
from tests.support.imports import results
from tests.support.storage import Storage
from tests.support.strategies import PROFILE, interviews, texts

_FORMULA: Final = "=+-@\uff1d\uff0b\uff0d\uff20"
_SEPARATORS: Final = (",", ";", "\t")

hostile = st.text(st.sampled_from(f"{_FORMULA} \t\r\n\"';,x\u200b\ufeff\u00a0"), max_size=12)
"""Texts made of the characters that spreadsheets, separators and escapes use."""


def _with_hostile_texts(interview: ScheduledInterview, found: list[str]) -> ScheduledInterview:
    """Return an interview with other texts in its fields, as many as there are."""
    given_texts = iter(found)
    seats = tuple(msgspec.structs.replace(each, name=next(given_texts, None)) for each in interview.interviewers)
    return msgspec.structs.replace(
        interview,
        external_event_id=next(given_texts, interview.external_event_id),
        location=next(given_texts, interview.location),
        video_conferencing_url=next(given_texts, interview.video_conferencing_url),
        interviewers=seats,
    )


any_interviews = st.builds(_with_hostile_texts, interviews(), st.lists(hostile | texts, max_size=6))


def written(documents: list[bytes]) -> bytes:
    """Return documents as a CSV file."""

    async def batches() -> AsyncIterator[list[bytes]]:
        yield documents[:2]
        yield documents[2:]

    blocks: list[bytes] = []
    asyncio.run(write_export(batches(), Format.CSV, blocks.append))
    return b"".join(blocks)


@PROFILE
@given(st.lists(any_interviews, max_size=5), st.booleans())
def test_interviews_come_back_from_csv_as_they_were(found: list[ScheduledInterview], marked: bool) -> None:
    documents = [encode(each) for each in found]
    body = (b"\xef\xbb\xbf" if marked else b"") + written(documents)
    source = StreamSource(io.BytesIO(body))
    items = [item for batch in source.batches() for item in batch]
    assert all(isinstance(item, SourceRecord) and item.resource == INTERVIEWS for item in items), items
    assert [item.body for item in items if isinstance(item, SourceRecord)] == documents


@PROFILE
@given(hostile | texts)
def test_escaping_loses_nothing(text: str) -> None:
    assert unescape(escape(text)) == text
    assert escape(text) != ""


@PROFILE
@given(st.lists(any_interviews, min_size=1, max_size=3))
def test_no_cell_is_a_formula_whatever_separates_cells(found: list[ScheduledInterview]) -> None:
    text = written([encode(each) for each in found]).decode()
    for separator in _SEPARATORS:
        for cell in (cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row):
            bare = cell.lstrip(' \t\r\n\u00a0\u200b\ufeff"')
            assert not bare.startswith(tuple(_FORMULA)), (separator, cell)
            assert not cell.startswith(("\t", "\r", "\n")) or separator != ",", (separator, cell)


@settings(PROFILE, max_examples=4, suppress_health_check=list(HealthCheck))
@given(found=st.lists(any_interviews, max_size=60, unique_by=lambda each: each.id))
def test_a_csv_export_imported_into_an_empty_database_is_the_same_schedule(
    storage: Storage, tmp_path_factory: pytest.TempPathFactory, found: list[ScheduledInterview]
) -> None:
    """`rowen export --format csv` was imported as users, one for each interview, who could act and stayed."""
    folder = tmp_path_factory.mktemp("csv")
    before, after = (storage.new_database(_made(folder / name)) for name in ("before", "after"))
    # Times far in the future are not a matter of CSV.
    past = [
        msgspec.structs.replace(
            each,
            created_at=each.created_at and Instant(1_700_000_000_000),
            updated_at=each.updated_at and Instant(1_700_000_000_000),
        )
        for each in found
    ]
    source = folder / "interviews.jsonl"
    source.write_bytes(b"".join(encode(each) + b"\n" for each in past))
    rowen("import", source, "--database", before)
    if not past:
        rowen("organizations", "create", "default", "--database", before)
    exported = rowen("export", "--database", before).stdout
    rowen("export", "--format", "csv", "--output", folder / "interviews.csv", "--database", before)
    done = rowen("import", folder / "interviews.csv", "--database", after)
    if past:
        assert results(done) == {INTERVIEWS: [len(past), len(past), 0, 0, 0, 0]}
        assert rowen("export", "--database", after).stdout == exported
        assert results(rowen("import", folder / "interviews.csv", "--database", before)) == {
            INTERVIEWS: [len(past), 0, 0, len(past), 0, 0]
        }


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
