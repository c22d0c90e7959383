"""The codec, for all documents: decoding and encoding are inverse, and errors are named."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.api.codec.diagnosis import shown
from rowen.api.codec.documents import InvalidDocumentError, decode, encode, unknown
from rowen.interviews.interview import ScheduledInterview
from rowen.interviews.moments import Instant
from tests.support import records as examples
from tests.support.strategies import PROFILE, interviews, junk, records, texts

Path = tuple[str | int, ...]
TIMES = ("created_at", "updated_at", "date_time")


def loosely(value: Any, chance: random.Random) -> str:
    """Return JSON in another of its many spellings: keys in any order, white space, escapes."""
    blank = chance.choice(["", " ", "\n\t ", "\r\n"])
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        fields = [f"{loosely(name, chance)}{blank}:{loosely(item, chance)}" for name, item in items]
        return f"{{{blank}{','.join(fields)}{blank}}}"
    if isinstance(value, list):
        return f"[{blank}{f',{blank}'.join(loosely(item, chance) for item in value)}]"
    return json.dumps(value, ensure_ascii=chance.random() < 0.5)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of everything within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield (*path, name)
        yield from places(item, (*path, name))


def name_of(path: Path) -> str:
    """Return a path as problems name it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def replaced(record: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return a copy of a record with another value at a path."""
    copy: dict[str, Any] = json.loads(json.dumps(record))
    inner: Any = copy
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return copy


def with_instants(value: Any) -> Any:
    """Return a value with parsed timestamps, so that two spellings of one instant are equal."""
    if isinstance(value, list):
        return [with_instants(item) for item in value]
    if isinstance(value, dict):
        return {
            name: Instant.parse(item) if name in TIMES and isinstance(item, str) else with_instants(item)
            for name, item in value.items()
        }
    return value


@PROFILE
@given(interviews())
def test_encoding_and_decoding_lose_nothing(interview: ScheduledInterview) -> None:
    document = encode(interview)
    assert decode(document) == interview
    assert encode(decode(document)) == document


@PROFILE
@given(records)
def test_a_document_is_plain_json_with_every_key_in_order(record: dict[str, Any]) -> None:
    document = encode(decode(json.dumps(record).encode()))
    assert document.decode() == json.dumps(json.loads(document), ensure_ascii=False, separators=(",", ":"))
    assert tuple(json.loads(document)) == ScheduledInterview.__struct_fields__


@PROFILE
@given(records, st.randoms(use_true_random=False))
def test_neither_the_order_of_keys_nor_white_space_nor_escapes_matter(
    record: dict[str, Any], chance: random.Random
) -> None:
    document = encode(decode(json.dumps(record).encode()))
    body = loosely(record, chance).encode()
    assert encode(decode(body)) == document
    assert unknown(body, document) == []


@PROFILE
@given(records, st.data())
def test_a_field_replaced_by_junk_is_kept_or_named(record: dict[str, Any], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(places(record))))
    value = data.draw(junk)
    mutated = replaced(record, path, value)
    body = json.dumps(mutated).encode()
    try:
        interview = decode(body)
    except InvalidDocumentError as error:
        wrong = name_of(path)
        # A start of another kind or time makes its end wrong, and a wrong field within it makes it wrong.
        related = {wrong.rpartition(".")[0] or wrong, "end"} if wrong.startswith(("start", "end")) else set()
        related |= {f"{wrong.removesuffix('.id')}.email"} if wrong.startswith("interviewers[") else set()
        for problem in error.problems:
            assert problem.field.startswith(wrong) or problem.field in related, (wrong, error.problems)
            assert problem.message
        return
    document = encode(interview)
    assert decode(document) == interview
    lost = unknown(body, document)
    if not lost and value is not None:
        kept: Any = with_instants(json.loads(document))
        for part in path:
            kept = kept[part]
        expected = with_instants({path[-1]: value})[path[-1]]
        assert kept == (expected if not isinstance(expected, dict) else {**kept, **expected})


@PROFILE
@given(records, st.lists(texts, max_size=4), st.data())
def test_unknown_fields_are_all_reported(record: dict[str, Any], names: list[str], data: st.DataObject) -> None:
    objects = [(), *(path for path in places(record) if isinstance(_at(record, path), dict))]
    expected = set()
    for name in names:
        path = data.draw(st.sampled_from(objects))
        if name not in ("id", "name", "email", "date", "date_time"):
            record = replaced(record, (*path, f"our_{name}"), data.draw(junk))
            steps = ["[]" if isinstance(part, int) else f".{part}" for part in (*path, f"our_{name}")]
            expected.add(shown("".join(steps).removeprefix(".")))
    body = json.dumps(record).encode()
    assert set(unknown(body, encode(decode(body)))) == expected


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


@PROFILE
@given(st.one_of(st.binary(max_size=200), texts.map(str.encode), junk.map(lambda value: json.dumps(value).encode())))
def test_any_other_value_is_an_invalid_document(body: bytes) -> None:
    with pytest.raises(InvalidDocumentError) as refused:
        decode(body)
    assert refused.value.problems


@PROFILE
@given(records, st.integers(0, 2_000))
def test_a_record_cut_short_is_an_invalid_document(record: dict[str, Any], cut: int) -> None:
    whole = json.dumps(record, ensure_ascii=False).encode()
    body = whole[: cut % len(whole)]
    with pytest.raises(InvalidDocumentError) as refused:
        decode(body)
    assert [problem.field for problem in refused.value.problems] == ["record"]


@pytest.mark.parametrize(
    "broken",
    [
        "[" * 100_000,
        '{"id":1,"ours":' + "[" * 100_000,
        '{"id":' + "[" * 990 + "]" * 990 + "}",
        '{"id":"\\ud800"}',
        '{"id":1e400}',
        '{"id":1' + "0" * 5_000 + "}",
    ],
    ids=["deep", "deep_field", "deep_id", "surrogate", "huge_float", "huge_integer"],
)
def test_hostile_json_is_an_invalid_document(broken: str) -> None:
    with pytest.raises(InvalidDocumentError):
        decode(broken.encode())


@pytest.mark.parametrize("value", ["[" * 700 + "]" * 700, '"\\ud800"', "1e400", "[1,]"])
def test_an_unknown_field_that_is_broken_is_an_invalid_document(value: str) -> None:
    body = examples.canonical(examples.record(1))[:-1] + f',"ours":{value}}}'.encode()
    try:
        assert unknown(body, encode(decode(body))) == ["ours"]
    except InvalidDocumentError as error:
        assert [problem.field for problem in error.problems] == ["record"]
