"""JSON Lines are split at line ends whatever the blocks, and each line has its number."""

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.imports.formats.json_lines import LineSplitter
from rowen.imports.items import LARGEST_RECORD, Batch, SourceFault, SourceRecord

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def split(blocks: list[bytes]) -> Batch:
    splitter = LineSplitter("f", Counter())
    batch = [item for block in blocks for item in splitter.feed(block)]
    return batch + splitter.finish()


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """Return bytes as blocks, cut at the given offsets."""
    borders = [0, *sorted(offset % (len(data) + 1) for offset in at), len(data)]
    return [data[a:b] for a, b in pairwise(borders)]


@pytest.mark.slow
@given(st.data())
def test_any_lines_in_any_blocks_come_out_with_their_numbers(data: st.DataObject) -> None:
    text, expected = b"", []
    for number in range(1, data.draw(st.integers(0, 6)) + 1):
        if data.draw(st.booleans()):
            document = {"id": number, "x": data.draw(json_values)}
            raw = json.dumps(document, ensure_ascii=data.draw(st.booleans()))
            body = raw.encode("utf-8", "replace")
            expected.append(SourceRecord("f", number, body))
            text += data.draw(st.sampled_from([b"", b" ", b"\t"])) + body
        text += data.draw(st.sampled_from([b"\n", b"\r\n", b" \n", b" \r\n"]))
    if data.draw(st.booleans()):
        text = text.rstrip(b"\r\n")
    assert split(cut(text, data.draw(st.lists(st.integers(0, 1000), max_size=8)))) == expected


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_no_bytes_at_all_make_it_fail(blocks: list[bytes]) -> None:
    items = split(blocks)
    for item in items:
        assert isinstance(item, SourceFault | SourceRecord)
        assert 1 <= item.line <= b"".join(blocks).count(b"\n") + 1


def test_a_last_line_without_line_feed_is_a_record() -> None:
    assert split([b'{"id":1}\n{"id":2}']) == [SourceRecord("f", 1, b'{"id":1}'), SourceRecord("f", 2, b'{"id":2}')]


@pytest.mark.parametrize("length", range(1, len(b'{"id":2,"a":"x"}')))
def test_a_half_last_line_is_a_fault(length: int) -> None:
    first, fault = split([b'{"id":1}\n' + b'{"id":2,"a":"x"}'[:length]])
    assert first == SourceRecord("f", 1, b'{"id":1}')
    assert isinstance(fault, SourceFault)
    assert fault.place == "f:2"
    assert "the file may be incomplete" in fault.message


def test_a_broken_line_does_not_hide_the_next() -> None:
    items = split([b'{"id":1}\n{"id":2\nnonsense\n\n[]\n{"id":6}\n'])
    assert [(type(item).__name__, item.line) for item in items if not hasattr(item, "next_url")] == [
        ("SourceRecord", 1),
        ("SourceFault", 2),
        ("SourceFault", 3),
        ("SourceFault", 5),
        ("SourceRecord", 6),
    ]


def test_invalid_utf8_is_a_fault_of_its_line_only() -> None:
    first, fault, last = split([b'{"id":1,"a":"\xc3\xa9"}\n{"id":2,"a":"\xff"}\n{"id":3}\n'])
    assert fault == SourceFault("f", 2, "this is not valid UTF-8 text", b'{"id":2,"a":"\xff"}')
    assert isinstance(first, SourceRecord)
    assert last == SourceRecord("f", 3, b'{"id":3}')


def test_invalid_utf8_in_a_last_line_without_line_feed_is_a_fault() -> None:
    (fault,) = split([b'{"id":2,"a":"\xff"}'])
    assert isinstance(fault, SourceFault)
    assert "UTF-8" in fault.message


@pytest.mark.parametrize("block", [64 * 1024, 3 * LARGEST_RECORD])
@pytest.mark.parametrize("excess", [0, LARGEST_RECORD])
def test_an_oversize_line_is_a_fault_and_is_not_kept(block: int, excess: int) -> None:
    text = b'{"id":1}\n{"id":2,"a":"' + b"x" * (LARGEST_RECORD + excess) + b'"}\n{"id":3}\n'
    splitter = LineSplitter("f", Counter())
    items: Batch = []
    for start in range(0, len(text), block):
        items += splitter.feed(text[start : start + block])
    items += splitter.finish()
    assert items[0] == SourceRecord("f", 1, b'{"id":1}')
    assert isinstance(items[1], SourceFault)
    assert items[1].line == 2
    assert "larger than 4 MiB" in items[1].message
    assert items[2:] == [SourceRecord("f", 3, b'{"id":3}')]


def test_two_oversize_lines_one_after_the_other_are_two_faults() -> None:
    long = b'{"id":2,"a":"' + b"x" * (2 * LARGEST_RECORD) + b'"}\n'
    text = long + long + b'{"id":3}\n' + b"x" * 70_000
    items = split([text[at : at + 65_536] for at in range(0, len(text), 65_536)])
    assert [(type(item), item.line) for item in items if isinstance(item, SourceFault | SourceRecord)] == [
        (SourceFault, 1),
        (SourceFault, 2),
        (SourceRecord, 3),
        (SourceFault, 4),
    ]


def test_an_oversize_last_line_is_one_fault() -> None:
    blocks = [b'{"id":1,"a":"', *[b"x" * 65536] * 100]
    (fault,) = split(blocks)
    assert isinstance(fault, SourceFault)
    assert fault.line == 1
