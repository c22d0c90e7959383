"""An array of any size is split into exactly its elements, for any white space and any blocks."""

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rowen.imports.formats.json_array import ArraySplitter
from rowen.imports.items import LARGEST_RECORD, Batch, SourceFault, SourceRecord
from tests.support.scale import scaled

tricky_text = st.text(alphabet='{}[],:"\\ \n\u00e9\U0001f600ab', max_size=12) | st.text(max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | tricky_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(tricky_text, inner, max_size=4),
    max_leaves=12,
)
interviews = st.builds(lambda number, value: {"id": number, "x": value}, st.integers(), json_values)
spaces = st.text(alphabet=" \t\r\n", max_size=4).map(str.encode)


def split(blocks: list[bytes], *, bracketed: bool = True) -> Batch:
    splitter = ArraySplitter("f", Counter(), bracketed=bracketed)
    batch = [item for block in blocks for item in splitter.feed(block)]
    return batch + splitter.finish()


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """Return bytes as blocks, cut at the given offsets."""
    borders = [0, *sorted(offset % (len(data) + 1) for offset in at), len(data)]
    return [data[a:b] for a, b in pairwise(borders)]


@st.composite
def arrays(draw: st.DrawFn) -> tuple[bytes, Batch]:
    """Draw an array in any spelling, and its records with their lines."""
    text, records = draw(spaces) + b"[", Batch()
    for index, element in enumerate(draw(st.lists(interviews, max_size=6)), 1):
        text += draw(spaces)
        if index > 1:
            text += b"," + draw(spaces)
        indent, ascii_only = draw(st.sampled_from([None, 1, 2])), draw(st.booleans())
        raw = json.dumps(element, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")
        records.append(SourceRecord("f", text.count(b"\n") + 1, raw, index))
        text += raw
    return text + draw(spaces) + b"]" + draw(spaces), records


@pytest.mark.slow
@given(arrays(), st.lists(st.integers(0, 5000), max_size=12))
def test_any_array_in_any_blocks_comes_out_as_its_elements(array: tuple[bytes, Batch], borders: list[int]) -> None:
    text, records = array
    assert split(cut(text, borders)) == records


@pytest.mark.slow
@given(arrays())
def test_an_array_byte_by_byte_comes_out_as_its_elements(array: tuple[bytes, Batch]) -> None:
    text, records = array
    assert split([bytes([byte]) for byte in text]) == records


@pytest.mark.slow
@given(arrays(), st.integers(0, 5000))
def test_a_cut_off_array_is_a_fault_and_what_came_before_is_right(array: tuple[bytes, Batch], length: int) -> None:
    text, records = array
    whole = text.rstrip()
    piece = whole[: length % len(whole)]
    items = split([piece])
    if b"[" not in piece:
        assert items == []
        return
    *before, fault = items
    assert before == records[: len(before)]
    assert isinstance(fault, SourceFault)
    assert fault.final
    assert "incomplete" in fault.message


@given(st.lists(st.binary(max_size=30) | st.text(alphabet='[]{},:"\\1a \n').map(str.encode), max_size=6))
@example([b'[{"id":1}', b"]]"])
@example([b"[,,,", b"}"])
def test_no_bytes_at_all_make_it_fail_and_blocks_do_not_matter(blocks: list[bytes]) -> None:
    whole = b"".join(blocks)
    items = split([b"[", *blocks])
    places = [(type(item), item.line) for item in items if isinstance(item, SourceFault | SourceRecord)]
    assert len(places) == len(items)
    assert all(1 <= line <= whole.count(b"\n") + 1 for _, line in places)
    again = split([bytes([byte]) for byte in b"[" + whole])
    records = [item for item in items if isinstance(item, SourceRecord)]
    assert records == [item for item in again if isinstance(item, SourceRecord)]
    assert bool(items) == bool(again)


def faults(text: bytes) -> list[tuple[int, str]]:
    return [(item.line, item.message) for item in split([text]) if isinstance(item, SourceFault)]


@pytest.mark.parametrize(
    ("text", "line", "part", "records"),
    [
        (b'[{"id":1}\n{"id":2}]', 2, "a comma is missing", 2),
        (b'[{"id":1},\n,{"id":2}]', 2, "a record is missing", 2),
        (b'[\n,{"id":2}]', 2, "a record is missing", 1),
        (b'[{"id":1},\n]', 2, "comma before the closing bracket", 1),
        (b'[{"id":1}]\nx', 2, "after the end of the array: 'x'", 1),
        (b'[{"id":1}]]', 1, "after the end of the array", 1),
        (b'[{"id":1}\n', 2, 'closing "]"', 1),
        (b'[{"id":1},\n\n{"id":2', 3, "never closed", 1),
        (b'[{"id":1},\n{"id":"2', 2, "never closed", 1),
        (b'[{"id":1},\n"2', 2, "never closed", 1),
        (b'[{"id":1},}', 1, 'there is a "}" here', 1),
        (b'[\n17,{"id":1}]', 2, "found '17'", 1),
        (b"[null]", 1, "found 'null'", 0),
        (b'["text {",{"id":1}]', 1, "found a text in quotes", 1),
        (b'[[{"id":1}],{"id":1}]', 1, "found a list in brackets", 1),
        (b'[{"id":1},\n{"id" 2},{"id":3}]', 2, "not valid JSON: expected ':'", 2),
        (b'[{"id":1},\n{"id":"\xff"},{"id":3}]', 2, "not valid UTF-8", 2),
        (b'[{"id":1},\n{"a":1},{"message":"Denied"},{"id":3}]', 2, "error message of a server", 3),
    ],
)
def test_errors_are_named_with_their_line(text: bytes, line: int, part: str, records: int) -> None:
    (fault,) = faults(text)
    assert fault[0] == line
    assert part in fault[1]
    assert sum(isinstance(item, SourceRecord) for item in split([text])) == records


def test_a_word_across_a_block_border_is_one_fault() -> None:
    assert len(split([b"[nu", b"ll", b" ", b',{"id":1}]'])) == 2


def test_pages_appended_to_one_file_are_read_as_one() -> None:
    items = split([b'[{"id":1}]\n[{"id":2}][]\n'])
    assert items == [SourceRecord("f", 1, b'{"id":1}', 1), SourceRecord("f", 2, b'{"id":2}', 2)]


def test_objects_one_after_the_other_are_records() -> None:
    text = b'{\n "id": 1\n}\n{\n "id": 2\n}'
    assert split([text], bracketed=False) == [
        SourceRecord("f", 1, b'{\n "id": 1\n}', 1),
        SourceRecord("f", 4, b'{\n "id": 2\n}', 2),
    ]


@pytest.mark.parametrize("wrong", [b",", b"]", b"}"])
def test_objects_without_an_array_have_no_commas_or_brackets(wrong: bytes) -> None:
    first, fault = split([b'{\n"id":1}\n' + wrong], bracketed=False)
    assert isinstance(first, SourceRecord)
    assert isinstance(fault, SourceFault)
    assert (fault.line, fault.final) == (3, True)


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("filling", [b"x", b"\\n", b'\\"', b"},{"])
def test_an_oversize_element_is_a_fault_and_the_next_one_is_read(filling: bytes, factor: int) -> None:
    text = b'[{"id":1},\n{"a":["' + filling * (factor * LARGEST_RECORD // len(filling) + 1) + b'"]},\n{"id":3}]'
    first, fault, last = split([text[at : at + 99_991] for at in range(0, len(text), 99_991)])
    assert first == SourceRecord("f", 1, b'{"id":1}', 1)
    assert isinstance(fault, SourceFault)
    assert (fault.line, fault.index) == (2, 2)
    assert "larger than 4 MiB" in fault.message
    assert last == SourceRecord("f", 3, b'{"id":3}', 3)


@pytest.mark.heavy
def test_memory_stays_constant_however_much_there_is() -> None:
    element = json.dumps({"id": 1, "x": [{"a": "},{" * 9, "b": "é" * 50}] * 3, "y": "z" * 300}).encode()
    count = scaled(100_000_000) // len(element)
    per_block = 200

    def blocks() -> Iterator[bytes]:
        yield b"["
        for _ in range(count // per_block):
            yield (element + b",\n") * per_block
        yield element + b"]"

    splitter = ArraySplitter("f", Counter())
    records = 0
    tracemalloc.start()
    try:
        for block in blocks():
            records += len(splitter.feed(block))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert splitter.finish() == []
    assert records == count // per_block * per_block + 1
    assert peak < 8 * 1024 * 1024
