"""Bad input gets a refusal that names each field, and nothing is written."""

import json
from typing import Any, Final

import httpx
import pytest

from tests.support.hiring_teams import (
    ADA,
    INTERVIEWS,
    SCORECARDS,
    START,
    STRICT,
    HiringTeam,
    accepted,
    body,
    errors_of,
    refused_fields,
    seat,
)
from tests.support.records import Record

LARGEST: Final = 2**20
TOO_DEEP: Final = {"body": "Must not be nested more than 32 levels deep"}
HUGE: Final = "9" * 5_000


def nested(levels: int, kind: str = "[") -> bytes:
    """Return a POST that is nested this many levels deep, including itself."""
    opening, closing = (b"[", b"]") if kind == "[" else (b'{"a":', b"}")
    inner = opening * (levels - 1) + b"1" * (kind != "[") + closing * (levels - 1)
    return b'{"location":' + inner + b"}"


def raw(**values: str) -> bytes:
    """Return a POST with fields whose JSON is given literally."""
    whole = {name: json.dumps(value) for name, value in body().items()} | values
    return ("{" + ",".join(f'"{name}":{value}' for name, value in whole.items()) + "}").encode()


def in_every_call(team: HiringTeam, content: bytes) -> list[httpx.Response]:
    """Send a body to every call that reads one of interviews and scorecards."""
    calls = [
        ("POST", INTERVIEWS),
        ("POST", STRICT),
        ("POST", "/v1/applications/5001/scheduled_interviews"),
        ("PATCH", f"{INTERVIEWS}/1"),
        ("PATCH", f"{STRICT}/1"),
        ("POST", SCORECARDS),
        ("PATCH", f"{SCORECARDS}/1"),
    ]
    return [team.send(method, path, content) for method, path in calls]


# --- not JSON, or not an object


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":01}',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"location":"\xff"}',
        b'{"location":"\xed\xa0\x80"}',
        b'{"location":"a\x00b"}',
        b'{"location":"a\nb"}',
        b'{"location":"\\x"}',
        b"application_id=5001",
    ],
)
def test_a_body_that_is_not_json_is_malformed(refusing: HiringTeam, content: bytes) -> None:
    with refusing.unchanged():
        for answer in in_every_call(refusing, content):
            assert refused_fields(answer, 400) == ["body"]
            assert answer.json()["message"] == "The request's body is not JSON"


@pytest.mark.parametrize("content", [b"[]", b"null", b"1", b'"{}"', b"true", b"[{}]"])
def test_a_body_that_is_not_an_object_is_refused(refusing: HiringTeam, content: bytes) -> None:
    with refusing.unchanged():
        for answer in in_every_call(refusing, content):
            assert errors_of(answer) == {"body": "Must be an object"}


# --- depth


@pytest.mark.parametrize("kind", ["[", "{"])
def test_thirty_two_levels_are_read_and_no_more(refusing: HiringTeam, kind: str) -> None:
    with refusing.unchanged():
        assert "location" in refused_fields(refusing.post(INTERVIEWS, nested(32, kind)))
        for levels in (33, 34, 1_000):
            for answer in in_every_call(refusing, nested(levels, kind)):
                assert errors_of(answer) == TOO_DEEP


@pytest.mark.parametrize(
    "content", [b"[" * LARGEST, nested(100_000, "["), b'{"interviewers":[' + b"{}," * 20_000 + b"{}]}"]
)
def test_more_parts_than_anybody_needs_are_refused_at_once(refusing: HiringTeam, content: bytes) -> None:
    with refusing.unchanged():
        assert errors_of(refusing.post(INTERVIEWS, content)).keys() == {"body"}


def test_a_thousand_problems_hide_no_fault(refusing: HiringTeam) -> None:
    unknown = {f"unknown{number}": 1 for number in range(1_000)}
    with refusing.unchanged():
        answer = refusing.post(INTERVIEWS, body(**unknown, interviewers=5))
        assert len(errors_of(answer)) == 1_000


# --- size


def test_a_body_of_one_mebibyte_is_read(team: HiringTeam) -> None:
    content = raw()
    padded = content[:-1] + b" " * (LARGEST - len(content)) + b"}"
    assert len(padded) == LARGEST
    accepted(team.post(INTERVIEWS, padded))


def test_one_byte_more_is_too_large(refusing: HiringTeam) -> None:
    content = raw()
    padded = content[:-1] + b" " * (LARGEST + 1 - len(content)) + b"}"
    chunks = [padded[:1_000], padded[1_000:]]
    headers = {"Content-Type": "application/json", "On-Behalf-Of": str(ADA)}
    with refusing.unchanged():
        chunked = refusing.client.post(INTERVIEWS, content=iter(chunks), headers=headers)
        for answer in (chunked, refusing.post(INTERVIEWS, padded), refusing.patch(f"{INTERVIEWS}/1", padded)):
            assert errors_of(answer, 413) == {"body": "is larger than 1 MiB"}
            assert answer.headers["connection"] == "close", "the rest of the body is not read"


def test_a_refusal_says_that_it_leaves_a_body_unread(refusing: HiringTeam) -> None:
    """The server closed the connection without a word, and the next request on it failed."""
    client = refusing.client
    stranger = client.post(INTERVIEWS, json={}, auth=("nobody", ""))
    for answer, status in (
        (client.put(INTERVIEWS, json={}), 405),
        (stranger, 401),
        (client.post("/v1/no", json={}), 404),
    ):
        assert answer.status_code == status
        assert answer.headers["connection"] == "close"


def test_a_connection_stays_open_if_no_body_is_left(refusing: HiringTeam) -> None:
    client = refusing.client
    for answer in (refusing.post(INTERVIEWS, b"{}"), client.put(INTERVIEWS), client.get("/v1/no")):
        assert answer.is_client_error
        assert "connection" not in answer.headers


def test_a_body_in_pieces_is_read(team: HiringTeam) -> None:
    content = raw()
    headers = {"Content-Type": "application/json", "On-Behalf-Of": str(ADA)}
    pieces = iter([content[:10], content[10:11], content[11:]])
    accepted(team.client.post(INTERVIEWS, content=pieces, headers=headers))


# --- duplicate and unknown fields


def test_duplicate_fields_are_named(refusing: HiringTeam) -> None:
    twice = raw(interviewers=f'[{{"user_id":{ADA},"user_id":{ADA},"response_status":"accepted"}}]')
    twice = twice[:-1] + b',"location":"Here","location":"Here","\\u0065nd":"2049-03-27"}'
    with refusing.unchanged():
        assert errors_of(refusing.post(INTERVIEWS, twice)) == dict.fromkeys(
            ["end", "location", "interviewers[0].user_id"], "Must be given once"
        )


def test_a_body_of_nothing_but_duplicates_is_refused_as_soon(refusing: HiringTeam) -> None:
    with refusing.unchanged():
        answer = refusing.post(INTERVIEWS, raw()[:-1] + b',"location":null' * 60_000 + b"}")
        assert errors_of(answer) == {"location": "Must be given once"}


@pytest.mark.parametrize("path", [INTERVIEWS, STRICT])
def test_unknown_fields_are_named_wherever_they_are(refusing: HiringTeam, path: str) -> None:
    asked = body(
        locaton="Here",
        id=1,
        start={"date_time": START, "zone": "UTC"},
        end={"date": "2049-03-27", "date_time": START},
        interviewers=[seat(ADA, optional=True, scorecard_id=7)],
        **{"": 1, "a\u202eb\u0000\ud800": 2, "x" * 100: 3},
    )
    with refusing.unchanged():
        found = errors_of(refusing.post(path, asked))
    unknown = ["locaton", "id", "", "a\ufffdb\ufffd\ufffd", "x" * 60]
    unknown += ["interviewers[0].optional", "interviewers[0].scorecard_id"]
    assert {name for name, message in found.items() if message == "Is not a field of this request"} == set(unknown)
    assert found.keys() - set(unknown) == {"start", "end"}


# --- values

LONG_TEXT = {
    "location": 2_000,
    "video_conferencing_url": 2_000,
    "external_event_id": 255,
}


@pytest.mark.parametrize("name", LONG_TEXT)
def test_text_has_a_limit(team: HiringTeam, name: str) -> None:
    start = "https://video.example/" if name == "video_conferencing_url" else "面"
    longest = start.ljust(LONG_TEXT[name], "x")
    assert team.schedule(**{name: longest})[name] == longest
    with team.unchanged():
        for bad in (longest + "x", "x" * 10_000):
            assert refused_fields(team.post(INTERVIEWS, body(**{name: bad}))) == [name]


def test_a_blank_value_is_none(team: HiringTeam) -> None:
    made = team.schedule(location="", video_conferencing_url="")
    assert (made["location"], made["video_conferencing_url"]) == (None, None)
    with team.unchanged():
        assert refused_fields(team.post(INTERVIEWS, body(external_event_id=""))) == ["external_event_id"]


@pytest.mark.parametrize(
    "letter", ["\u0000", "\u0007", "\t", "\n", "\r", "\u001b", "\u007f", "\u0085", "\ud800", "\udfff"]
)
def test_control_characters_and_lone_surrogates_are_refused(refusing: HiringTeam, letter: str) -> None:
    asked = body(
        location=f"a{letter}b",
        video_conferencing_url=f"https://video.example/{letter}",
        external_event_id=letter,
        start=letter,
        end={"date": letter},
        application_id=letter,
        interviewers=[{"user_id": letter, "response_status": letter, "email": f"a{letter}@b", "name": letter}],
    )
    with refusing.unchanged():
        named = refused_fields(refusing.post(INTERVIEWS, asked))
    members = ["user_id", "response_status", "email", "name"]
    expected = ["location", "video_conferencing_url", "external_event_id", "start", "end", "application_id"]
    assert set(named) == {*expected, *(f"interviewers[0].{name}" for name in members)}


def test_all_other_text_is_kept_as_it_came(team: HiringTeam) -> None:
    text = '面接 🌲 e\u0301 \u2028 <b>&amp;</b> "\\" ﷽ \U0010ffff'
    assert team.schedule(location=text, external_event_id=text)["location"] == text


@pytest.mark.parametrize(
    "address",
    [
        "video.example/1",
        "//video.example/1",
        "ftp://video.example/1",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://?query",
        "https://user@",
        "http:video.example",
        "https://video.example:port/",
        "https://video.example:99999/",
        "http://[::1",
        "https://video example/",
        " https://video.example/",
        "mailto:a@b.example",
        7,
        True,
        [],
    ],
)
def test_an_invalid_web_address_is_refused(refusing: HiringTeam, address: Any) -> None:
    with refusing.unchanged():
        assert refused_fields(refusing.post(INTERVIEWS, body(video_conferencing_url=address))) == [
            "video_conferencing_url"
        ]


@pytest.mark.parametrize("address", ["HTTP://video.example", "https://[::1]:8443/a?b=c#d", "https://münchen.example/ü"])
def test_web_addresses_are_kept_as_they_came(team: HiringTeam, address: str) -> None:
    assert team.schedule(video_conferencing_url=address)["video_conferencing_url"] == address


@pytest.mark.parametrize(
    "number",
    [
        *("true", "false", "0", "-1", "1.0", "5001.5", "1e3", "1e999", HUGE, f"-{HUGE}", "9007199254740992"),
        *('"x"', '"-1"', '"1.0"', '""', '"12345678901234567"', '"\uff19"', "null", "[]", "{}", "[5001]"),
    ],
)
def test_an_invalid_id_is_refused(refusing: HiringTeam, number: str) -> None:
    content = raw(
        application_id=number,
        interview_id=number,
        interviewers=f'[{{"id":{number},"response_status":"accepted"}},{{"user_id":{number},"employee_id":"E1"}}]',
    )
    seats = ["interviewers[1].response_status"]
    if number == "null":
        seats.append("interviewers[0]")  # where null names nobody
    else:
        seats += ["interviewers[0].user_id", "interviewers[1].user_id"]
    with refusing.unchanged():
        assert set(refused_fields(refusing.post(INTERVIEWS, content))) == {"application_id", "interview_id", *seats}


@pytest.mark.parametrize(
    "time",
    [
        None,
        0,
        1_700_000_000,
        True,
        "",
        "soon",
        "2049-13-01",
        "2049-02-30T10:00:00Z",
        "2049-03-26T25:00:00Z",
        "2049-03-26T10:00:00+99:00",
        "0001-01-01T00:00:00+14:00",
        "+12049-03-26T10:00:00Z",
        "2049-03-26T22:15:00Z" + "0" * 1_000,
        [],
        ["2049-03-26"],
        {},
        {"date": None},
        {"date_time": None},
        {"date": 20490326},
        {"date": "2049-03-26T10:00:00Z"},
        {"date": "2049-02-30"},
        {"date_time": "soon"},
        {"date": "2049-03-26", "date_time": START},
        {"dateTime": START},
    ],
)
def test_an_invalid_time_is_refused(refusing: HiringTeam, time: Any) -> None:
    with refusing.unchanged():
        assert refused_fields(refusing.post(INTERVIEWS, body(start=time, end=time))) == ["start", "end"]


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}, ["x"]])
def test_every_wrong_type_is_named_at_once(refusing: HiringTeam, value: Any) -> None:
    names = ["application_id", "interview_id", "start", "end", "external_event_id", "location", "interviewers"]
    names.append("video_conferencing_url")
    asked: Record = dict.fromkeys(names, value)
    expected = set(names)
    if value == ["x"]:
        expected = expected - {"interviewers"} | {"interviewers[0]"}
    elif value == 1:
        asked |= {"application_id": 1.5, "interview_id": 1.5}
    with refusing.unchanged():
        assert set(refused_fields(refusing.post(INTERVIEWS, asked))) == expected


def test_problems_of_the_body_and_of_the_schedule_are_reported_together(refusing: HiringTeam) -> None:
    asked = body(application_id=987_654_321, interview_id="x", location=1, interviewers=[seat(4999), seat(ADA, "x")])
    with refusing.unchanged():
        assert set(refused_fields(refusing.post(INTERVIEWS, asked, None))) == {
            "interview_id",
            "location",
            "interviewers[1].response_status",
            "On-Behalf-Of",
            "application_id",
            "interviewers[0].user_id",
        }
