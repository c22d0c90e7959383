"""The wrappers of ELT tools are removed, and other lines are reported or skipped."""

import json
from collections import Counter

import pytest

from rowen.imports.formats.envelopes import bounded, describe_broken_json, item_of
from rowen.imports.items import LARGEST_RECORD, Item, SourceFault, SourceRecord

INTERVIEW = b'{"id":7,"location":"Room \\u00e9 \xc3\xa9","interviewers":[{"id":1}]}'


def take(body: bytes) -> tuple[Item | None, Counter[str]]:
    skipped: Counter[str] = Counter()
    return item_of("f", 3, body, skipped), skipped


@pytest.mark.parametrize(
    "wrapped",
    [
        b"%s",
        b'{"record":%s}',
        b'{ "data" : %s }',
        b'{"type":"RECORD","stream":"scheduled_interviews","record":%s,"time_extracted":"2024-01-01"}',
        b'{"type":"RECORD","record":{"stream":"interviews","data":%s,"emitted_at":1700000000000}}',
        b'{"_airbyte_raw_id":"0a","_airbyte_extracted_at":1,"_airbyte_meta":{},"_airbyte_data":%s}',
        b'{"data":%s,"type":7}',
        b'{"record":{"record":{"data":%s}}}',
    ],
)
def test_a_wrapped_record_comes_out_byte_for_byte(wrapped: bytes) -> None:
    item, skipped = take(wrapped % INTERVIEW)
    assert item == SourceRecord("f", 3, INTERVIEW)
    assert not skipped


@pytest.mark.parametrize(
    "interview",
    [
        b'{"application_id":1,"id":7}',
        b'{"id":null,"data":{"id":8}}',
        b'{"record":{"id":8},"id":7}',
        b'{"type":"STATE","id":7}',
        b'{"location":"no id at all"}',
    ],
)
def test_a_record_with_an_id_or_without_a_wrapper_is_unchanged(interview: bytes) -> None:
    assert take(interview)[0] == SourceRecord("f", 3, interview)


@pytest.mark.parametrize("kind", ["STATE", "SCHEMA", "LOG", "TRACE", "SPEC", "CATALOG", "CONNECTION_STATUS"])
def test_messages_that_carry_no_record_are_counted(kind: str) -> None:
    item, skipped = take(json.dumps({"type": kind, "record": {"id": 1}, "message": "m"}).encode())
    assert item is None
    assert skipped == {f"{kind} messages": 1}


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"RECORD","stream":"nothing_known","record":{"id":1}}',
        b'{"type":"RECORD","record":{"stream":"nothing_known","data":{"id":1}}}',
    ],
)
def test_records_of_other_streams_are_counted(line: bytes) -> None:
    item, skipped = take(line)
    assert item is None
    assert skipped == {'records of the stream "nothing_known"': 1}


@pytest.mark.parametrize(
    ("stream", "resource"),
    [
        ("offers", "offers"),
        ("list_offer", "offers"),
        ("list_job_stage", "job_stages"),
        ("greenhouse_users", "users"),
        ("raw_list_scorecard", "scorecards"),
        ("list_scheduled_interview", None),
    ],
)
def test_the_name_of_a_stream_decides_what_its_records_are(stream: str, resource: str | None) -> None:
    item, skipped = take(b'{"type":"RECORD","stream":"%b","record":{"id":1}}' % stream.encode())
    assert item == SourceRecord("f", 3, b'{"id":1}', resource=resource)
    assert not skipped


def test_the_names_of_streams_do_not_fill_the_memory() -> None:
    skipped: Counter[str] = Counter()
    for number in range(500):
        item_of("f", 1, b'{"stream":"s%d","record":{"id":1}}' % number, skipped)
    assert skipped.total() == 500
    assert len(skipped) == 101


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"[1]", "found a list in brackets"),
        (b"17", "found a number"),
        (b'"text"', "found a text in quotes"),
        (b"null", "found null"),
        (b"true", "found true or false"),
        (b'{"a":1', "ends in the middle"),
        (b'{"a" 1}', "expected ':' at byte 6 of the record, near '1}'"),
        (b'{\n"a": nul}', "in line 2 of the record"),
        (b'{"data":[{"id":1}]}', "under `data`: expected a record in braces, found a list"),
        (b'{"record":"x"}', "under `record`: expected a record in braces, found a text"),
        (b'{"a":' * 690_000 + b"1" + b"}" * 690_000, "nested too deeply"),
        (b'{"data":' * 9 + b'{"x":1}' + b"}" * 9, "wrapped too deeply"),
        (b'{"message":"Invalid Basic Auth credentials"}', 'server, not an interview: "Invalid Basic Auth cred'),
        (b'{"x":"' + b"a" * LARGEST_RECORD + b'"}', "larger than 4 MiB"),
    ],
)
def test_a_value_that_is_no_record_is_a_fault_in_plain_words(body: bytes, part: str) -> None:
    item, _ = take(body)
    assert isinstance(item, SourceFault)
    assert part in item.message
    assert item.place == "f:3"
    assert not item.final


def test_json_that_is_whole_is_not_called_broken() -> None:
    assert describe_broken_json(INTERVIEW) is None


def test_foreign_text_is_made_fit_for_a_message() -> None:
    assert bounded("a\x1b[31m\r\n  b\u202e\x00") == "a [31m b"
    assert len(bounded("x" * 10_000)) == 300
