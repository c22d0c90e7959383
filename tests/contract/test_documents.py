"""What one interview looks like on the wire, byte for byte (contract section 1)."""

from pathlib import Path

import httpx
import msgspec
import pytest

from tests.support.command import rowen
from tests.support.records import canonical
from tests.support.served_schedule import HOME, LARGEST_ID, ServedSchedule, identifiers, make_key

pytestmark = pytest.mark.slow

KEYS = (
    "id,application_id,external_event_id,start,end,location,video_conferencing_url,status,created_at,updated_at,"
    "interview,organizer,interviewers"
)
RAW = """[{
    "interviewers": [
        {"response_status": "needs_action", "email": "kate@example.com", "id": 4080, "scorecard_id": 11274},
        {"email": "gast@example.com", "response_status": "accepted", "name": "Der Gäst"}
    ],
    "organizer": {"name": "J\\u00e4ck", "id": 40387397003},
    "status": "complete", "application_id": 4684156, "id": 9007199254740991,
    "start": {"date_time": "2014-03-26T23:15:00+01:00"}, "end": {"date_time": "2014-03-26T22:30:00.5Z"},
    "updated_at": "2016-05-23 20:43:11.6799999",
    "location": "\\u9762\\u63a5 \\ud83c\\udf32 <a&b> / \\\\ \\" \\t \\u007f"
}]"""
SERVED = (
    '{"id":9007199254740991,"application_id":4684156,"external_event_id":null,'
    '"start":{"date_time":"2014-03-26T22:15:00.000Z"},"end":{"date_time":"2014-03-26T22:30:00.500Z"},'
    '"location":"面接 🌲 <a&b> / \\\\ \\" \\t \x7f","video_conferencing_url":null,"status":"complete",'
    '"created_at":null,"updated_at":"2016-05-23T20:43:11.679Z","interview":null,'
    '"organizer":{"id":40387397003,"first_name":null,"last_name":null,"name":"Jäck","employee_id":null},'
    '"interviewers":[{"id":4080,"employee_id":null,"name":null,"email":"kate@example.com",'
    '"response_status":"needs_action","scorecard_id":11274},'
    '{"id":null,"employee_id":null,"name":"Der Gäst","email":"gast@example.com",'
    '"response_status":"accepted","scorecard_id":null}]}'
).encode()


def test_a_list_holds_the_documents_byte_for_byte_in_the_order_of_their_ids(
    schedule: ServedSchedule, home: httpx.Client
) -> None:
    answer = home.get("/v1/scheduled_interviews", params={"per_page": 500})
    assert answer.content == b"[" + b",".join(canonical(each) for each in schedule.home) + b"]"
    assert identifiers(answer.json()) == sorted(identifiers(schedule.home))


@pytest.mark.parametrize("place", [0, 2, 5, 100, 338, -4, -3, -2, -1])
def test_an_interview_is_the_same_bytes_alone_as_in_a_list(
    schedule: ServedSchedule, home: httpx.Client, place: int
) -> None:
    wanted = schedule.home[place]
    answer = home.get(f"/v1/scheduled_interviews/{wanted['id']}")
    assert answer.status_code == 200
    assert answer.content == canonical(wanted)
    assert ",".join(answer.json()) == KEYS


def test_every_answer_is_utf_8_json_by_name(schedule: ServedSchedule, home: httpx.Client) -> None:
    for path in ("/v1/scheduled_interviews", f"/v1/scheduled_interviews/{LARGEST_ID}", "/v1/none"):
        assert home.get(path).headers["content-type"] == "application/json;charset=utf-8"


def test_ids_beyond_32_bits_are_found(schedule: ServedSchedule, home: httpx.Client) -> None:
    large = [each for each in schedule.home if each["id"] > 2**31]
    assert len(large) > 1
    for wanted in large:
        assert home.get(f"/v1/scheduled_interviews/{wanted['id']}").json() == wanted


def test_whatever_form_a_record_came_in_it_is_served_in_one(schedule: ServedSchedule, tmp_path: Path) -> None:
    key = make_key(schedule.database, "documents", "reader")
    file = tmp_path / "raw.json"
    file.write_text(RAW)
    rowen("import", file, "--organization", "documents", "--database", schedule.database)
    with schedule.server.client(key) as client:
        assert client.get("/v1/scheduled_interviews").content == b"[" + SERVED + b"]"
        assert client.get(f"/v1/scheduled_interviews/{LARGEST_ID}").content == SERVED
        assert client.get("/v1/applications/4684156/scheduled_interviews").content == b"[" + SERVED + b"]"


def test_all_day_and_timed_interviews_have_ends_of_one_kind(home: httpx.Client) -> None:
    kinds = set()
    for each in home.get("/v1/scheduled_interviews", params={"per_page": 500}).json():
        assert len(each["start"]) == 1
        assert each["start"].keys() == each["end"].keys()
        kinds.update(each["start"])
    assert kinds == {"date", "date_time"}


def test_head_has_the_headers_of_get_and_no_body(schedule: ServedSchedule, home: httpx.Client) -> None:
    for path in ("/v1/scheduled_interviews?per_page=3&page=2", f"/v1/scheduled_interviews/{LARGEST_ID}", "/v1/none"):
        got, headed = home.get(path), home.head(path)
        assert headed.content == b""
        assert headed.status_code == got.status_code
        for name in ("content-type", "content-length", "etag", "link", "x-ratelimit-limit", "vary"):
            assert headed.headers.get(name) == got.headers.get(name), name


def test_an_application_lists_its_interviews(schedule: ServedSchedule, home: httpx.Client) -> None:
    wanted = [each for each in schedule.home if each["application_id"] == 7_003]
    answer = home.get("/v1/applications/7003/scheduled_interviews")
    assert answer.content == msgspec.json.encode(wanted)
    assert "link" not in answer.headers


def test_the_organization_of_a_key_is_all_it_sees(schedule: ServedSchedule) -> None:
    for name, records in schedule.records.items():
        with schedule.server.client(schedule.keys[name]) as client:
            answer = client.get("/v1/scheduled_interviews", params={"per_page": 500})
        assert answer.json() == list(records)
    assert set(identifiers(schedule.records[HOME])) & set(identifiers(schedule.records["auckland"]))
