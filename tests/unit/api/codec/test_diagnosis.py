"""The messages about a bad record."""

from typing import Any

import pytest

from rowen.api.codec.documents import InvalidDocumentError, decode, unknown
from tests.support.records import Record, canonical, record

PERSON: dict[str, Any] = record(1)["interviewers"][0]


def said(changed: Record) -> str:
    with pytest.raises(InvalidDocumentError) as refused:
        decode(canonical(changed))
    return str(refused.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": 0}, "id: must be `int` >= 1 (0)"),
        ({"id": None}, "id: must be `int`, got `null` (null)"),
        ({"id": 2**53}, "id: must be `int` <= 9007199254740991 (9007199254740992)"),
        ({"status": "done"}, "status: is an invalid enum value 'done' (\"done\")"),
        ({"created_at": "2024-02-30"}, 'created_at: is not an ISO-8601 date or time ("2024-02-30")'),
        ({"created_at": 5}, "created_at: is not an ISO-8601 date or time (5)"),
        ({"start": {}}, "start: must have either `date_time` or `date` ({})"),
        ({"start": {"date_time": "soon"}}, 'start.date_time: is not an ISO-8601 date or time ("soon")'),
        (
            {"end": {"date_time": "2024-03-26T22:14:59.999Z"}},
            'end: is before the start ({"date_time":"2024-03-26T22:14:59.999Z"})',
        ),
        ({"interviewers": [PERSON, {**PERSON, "response_status": "maybe"}]}, None),
    ],
)
def test_a_field_is_named_with_its_value(changes: Record, message: str | None) -> None:
    expected = message or "interviewers[1].response_status: is an invalid enum value 'maybe' (\"maybe\")"
    assert said(record(1, **changes)) == expected


def test_every_field_is_named_at_once() -> None:
    changed = record(1, id="1", interviewers=[{**PERSON, "id": "x"}, {"name": 5}])
    del changed["application_id"]
    fields = [part.partition(":")[0] for part in said(changed).split("; ")]
    assert fields == [
        "id",
        "application_id",
        "interviewers[0].id",
        "interviewers[1].name",
        "interviewers[1].response_status",
    ]


def test_long_values_are_cut() -> None:
    assert said(record(1, status="x" * 1000)).endswith("x…)")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "record: is not JSON"),
        (b"{", "record: is not JSON"),
        (b"[]", "record: is not an object ([])"),
        (b"5", "record: is not an object (5)"),
        (b'{"id":"\xff"}', "record: is not UTF-8"),
        (b"[" * 200_000, "record: is nested too deeply"),
    ],
)
def test_a_value_that_is_no_record_at_all_is_reported(body: bytes, message: str) -> None:
    with pytest.raises(InvalidDocumentError, match=r".") as refused:
        decode(body)
    assert str(refused.value).startswith(message)


def test_unknown_fields_are_named_by_path() -> None:
    changed = record(1, ours=1, start={**record(1)["start"], "zone": "x"}, interviewers=[{**PERSON, "x": 1}] * 2)
    assert unknown(canonical(changed), b"") == ["start.zone", "interviewers[].x", "ours"]
