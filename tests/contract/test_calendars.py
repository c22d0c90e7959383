"""Calendars: secret addresses, whose interviews they contain, and how an interview appears in a calendar program.

Calendars are read with icalendar, as a calendar program reads them (RFC 5545).
"""

import datetime
from collections.abc import Iterator
from typing import Any, Final

import httpx
import icalendar
import pytest

from tests.support.hiring_teams import ACTIVE, ADA, GRACE, INTERVIEWS, KATE, OTHER_ACTIVE, HiringTeam, guest, seat
from tests.support.records import Record
from tests.support.sql import fetch

CALENDARS: Final = "/rowen/v1/calendars"
PILOT: Final = 8001
STRANGER: Final = "stranger@elsewhere.example"


@pytest.fixture
def visitor(team: HiringTeam) -> Iterator[httpx.Client]:
    """Return a client without any credentials."""
    with httpx.Client(base_url=str(team.client.base_url)) as client:
        yield client


def new_calendar(team: HiringTeam, **subject: int) -> str:
    """Add a calendar, and return its address."""
    answer = team.client.post(CALENDARS, json=subject)
    assert answer.status_code == 200, answer.text
    address: str = answer.json()["url"]
    return address


def read(visitor: httpx.Client, address: str) -> icalendar.Calendar:
    """Return the calendar at an address."""
    answer = visitor.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar;charset=utf-8"
    found = icalendar.Calendar.from_ical(answer.content)
    assert isinstance(found, icalendar.Calendar)
    return found


def events(calendar: icalendar.Calendar) -> dict[int, icalendar.Event]:
    """Return the events by the ids of their interviews."""
    return {int(each.uid.split("-")[1]): each for each in calendar.events}


def described(team: HiringTeam) -> None:
    """Give the active application a job and a candidate with a name."""
    times = {"created_at": "2020-01-01T00:00:00.000Z", "updated_at": "2020-01-01T00:00:00.000Z"}
    application: Record = {
        "id": ACTIVE,
        "candidate_id": 10 * ACTIVE,
        "applied_at": "2020-01-15T12:00:00.000Z",
        "last_activity_at": "2020-02-15T12:00:00.000Z",
        "prospect": False,
        "status": "active",
        "jobs": [{"id": PILOT, "name": "Pilot; first class"}],
    }
    candidate = {"id": 10 * ACTIVE, "first_name": "Amelia", "last_name": "Earhart", **times}
    job = {"id": PILOT, "name": "Pilot; first class", "status": "open", **times}
    for resource, each in (("applications", application), ("candidates", candidate), ("jobs", job)):
        team.merge_records(resource, [each])


def test_an_interview_appears_as_the_team_needs_it(team: HiringTeam, visitor: httpx.Client) -> None:
    described(team)
    made = team.schedule(
        interviewers=[seat(ADA, "accepted"), seat(GRACE), guest(STRANGER, "tentative")],
        location="Room 4, second floor",
        video_conferencing_url="https://video.example.com/j/1?a=b;c,d",
    )
    calendar = read(visitor, new_calendar(team))
    assert str(calendar["X-WR-CALNAME"]) == f"Interviews: {team.organization.name}"
    (event,) = calendar.events
    assert (event.start, event.end) == tuple(
        datetime.datetime.fromisoformat(made[name]["date_time"]) for name in ("start", "end")
    )
    assert str(event["SUMMARY"]) == "Culture Fit: Amelia Earhart, Pilot; first class"
    assert str(event["LOCATION"]) == "Room 4, second floor"
    assert str(event["URL"]) == "https://video.example.com/j/1?a=b;c,d"
    assert str(event["STATUS"]) == "CONFIRMED"
    assert str(event["DESCRIPTION"]).split("\n") == [
        "Candidate: Amelia Earhart",
        "Job: Pilot; first class",
        "Organizer: Ada Lovelace",
        f"Interviewers: Ada Lovelace (accepted), Grace Hopper (not answered), {STRANGER} (tentative)",
        "Video: https://video.example.com/j/1?a=b;c,d",
    ]


def test_a_calendar_contains_the_interviews_of_its_subject(team: HiringTeam, visitor: httpx.Client) -> None:
    described(team)
    of_ada = team.schedule(interviewers=[seat(ADA)])["id"]
    declined = team.schedule(interviewers=[seat(GRACE), seat(ADA, "declined")])["id"]
    of_grace = team.schedule(application_id=OTHER_ACTIVE, interviewers=[seat(GRACE)])["id"]
    for subject, expected in (
        ({}, {of_ada, declined, of_grace}),
        ({"user_id": ADA}, {of_ada}),
        ({"user_id": GRACE}, {declined, of_grace}),
        ({"user_id": KATE}, set()),
        ({"job_id": PILOT}, {of_ada, declined}),
        ({"application_id": OTHER_ACTIVE}, {of_grace}),
    ):
        address = new_calendar(team, **subject)
        assert events(read(visitor, address)).keys() == expected, subject
    assert str(read(visitor, new_calendar(team, user_id=ADA))["NAME"]) == "Interviews: Ada Lovelace"
    assert str(read(visitor, new_calendar(team, job_id=PILOT))["NAME"]) == "Interviews: Pilot; first class"


def test_the_calendar_of_an_application_is_safe_for_its_candidate(team: HiringTeam, visitor: httpx.Client) -> None:
    described(team)
    made = team.schedule(interviewers=[seat(ADA, "accepted"), seat(GRACE, "declined"), guest(STRANGER)])
    team.score(made["id"], ADA, overall_recommendation="definitely_not")
    address = new_calendar(team, application_id=ACTIVE)
    text = visitor.get(address).text.replace("\r\n ", "")
    (event,) = read(visitor, address).events
    assert str(event["SUMMARY"]) == f"Culture Fit: {team.organization.name}"
    assert str(event["DESCRIPTION"]) == "Interviewers: Ada Lovelace"
    for hidden in ("accepted", "declined", "Grace", STRANGER, "ada@", "definitely_not", "Earhart", "scorecard"):
        assert hidden not in text


def test_an_all_day_interview_is_dates(team: HiringTeam, visitor: httpx.Client) -> None:
    team.schedule(start={"date": "2049-03-26"}, end={"date": "2049-03-28"})
    (event,) = read(visitor, new_calendar(team)).events
    assert (event.start, event.end) == (datetime.date(2049, 3, 26), datetime.date(2049, 3, 28))


def test_a_moved_interview_keeps_its_uid(team: HiringTeam, visitor: httpx.Client) -> None:
    identifier = team.schedule()["id"]
    address = new_calendar(team)
    before = events(read(visitor, address))[identifier]
    team.change(identifier, start="2049-04-01T10:00:00Z", end="2049-04-01T11:00:00Z")
    after = events(read(visitor, address))[identifier]
    assert after.uid == before.uid
    assert after.sequence >= before.sequence
    assert after.start == datetime.datetime(2049, 4, 1, 10, tzinfo=datetime.UTC)


def test_a_cancelled_interview_stays_as_cancelled(team: HiringTeam, visitor: httpx.Client) -> None:
    described(team)
    identifier = team.schedule(interviewers=[seat(ADA)])["id"]
    addresses = [
        new_calendar(team, **subject)
        for subject in ({}, {"user_id": ADA}, {"job_id": PILOT}, {"application_id": ACTIVE})
    ]
    others = [new_calendar(team, **subject) for subject in ({"user_id": GRACE}, {"application_id": OTHER_ACTIVE})]
    before = {address: events(read(visitor, address))[identifier] for address in addresses}
    assert team.delete(f"/v1/scheduled_interviews/{identifier}").status_code == 200
    for address, event in before.items():
        after = events(read(visitor, address))[identifier]
        assert (str(after["STATUS"]), after.uid) == ("CANCELLED", event.uid)
        assert after.sequence > event.sequence
        assert after.start == event.start
    assert not any(events(read(visitor, address)) for address in others)


def test_a_cancelled_interview_is_kept_for_thirty_days(team: HiringTeam, visitor: httpx.Client) -> None:
    identifier = team.schedule()["id"]
    address = new_calendar(team)
    assert team.delete(f"/v1/scheduled_interviews/{identifier}").status_code == 200
    cancelled = "UPDATE changes SET time = ? WHERE organization_id = ? AND interview_id = ?"
    # It goes at midnight in UTC, so that a calendar changes at most once a day by itself.
    for age, kept in (({"days": 29, "hours": 23}, {identifier}), ({"days": 31}, set())):
        time = datetime.datetime.now(datetime.UTC) - datetime.timedelta(**age)
        fetch(team.harness.database, cancelled, int(time.timestamp() * 1_000), team.organization.id, identifier)
        assert events(read(visitor, address)).keys() == kept, age


def test_the_secret_of_an_address_is_stored_as_a_digest(team: HiringTeam) -> None:
    secret = new_calendar(team).rpartition("/")[2].removesuffix(".ics")
    stored = repr(fetch(team.harness.database, "SELECT * FROM calendars"))
    assert len(bytes.fromhex(secret[-32:])) * 8 >= 128
    assert secret[-32:] not in stored


def test_hostile_texts_stay_texts(team: HiringTeam, visitor: httpx.Client) -> None:
    location = "END:VEVENT\\nBEGIN:VEVENT \\, ; : \u2028 " + "ä" * 200
    identifier = team.schedule(location=location)["id"]
    team.schedule(location="Here")
    address = new_calendar(team)
    found = events(read(visitor, address))
    assert len(found) == 2
    assert str(found[identifier]["LOCATION"]) == location.replace("\u2028", " ")
    assert all(len(line) <= 75 for line in visitor.get(address).content.split(b"\r\n"))


def test_a_copy_is_current_until_something_changes(team: HiringTeam, visitor: httpx.Client) -> None:
    for _ in range(5):  # a small answer would not be compressed
        team.schedule()
    address = new_calendar(team)
    first = visitor.get(address, headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    tag = {"If-None-Match": first.headers["etag"]}
    team.new_key("users:list")  # a commit that changes no interview
    assert visitor.get(address, headers=tag).status_code == 304
    team.schedule()
    assert visitor.get(address, headers=tag).status_code == 200
    assert visitor.head(address).headers["etag"] == visitor.get(address).headers["etag"]


def test_the_list_has_no_address_and_shows_the_last_use(team: HiringTeam) -> None:
    first = team.client.post(CALENDARS, json={"user_id": ADA}).json()
    second = team.client.post(CALENDARS).json()
    assert first["url"].endswith(".ics")
    listed = team.client.get(CALENDARS).json()
    assert listed == [{name: value for name, value in each.items() if name != "url"} for each in (first, second)]
    assert [(each["user_id"], each["job_id"], each["application_id"]) for each in listed] == [
        (ADA, None, None),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"user_id": 4999}, "user_id"),
        ({"job_id": 4999}, "job_id"),
        ({"application_id": 4999}, "application_id"),
        ({"user_id": ADA, "job_id": PILOT}, "body"),
        ({"user_id": "x"}, "user_id"),
        ({"room_id": 1}, "room_id"),
    ],
)
def test_a_bad_subject_is_named(refusing: HiringTeam, content: dict[str, Any], field: str) -> None:
    answer = refusing.client.post(CALENDARS, json=content)
    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_an_unknown_or_removed_address_is_not_found(team: HiringTeam, visitor: httpx.Client) -> None:
    made = team.client.post(CALENDARS).json()
    assert visitor.get(made["url"]).status_code == 200
    assert team.client.delete(f"{CALENDARS}/{made['id']}").status_code == 200
    gone = visitor.get(made["url"])
    never = visitor.get("/calendars/" + "0" * 40 + ".ics")
    assert (gone.status_code, gone.content) == (never.status_code, never.content)
    assert gone.status_code == 404
    assert "www-authenticate" not in gone.headers
    assert team.client.delete(f"{CALENDARS}/{made['id']}").status_code == 404


def test_an_address_opens_nothing_else(team: HiringTeam, visitor: httpx.Client) -> None:
    address = new_calendar(team)
    secret = address.rpartition("/")[2].removesuffix(".ics")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert visitor.request(method, address).status_code == 405
    for path in (INTERVIEWS, CALENDARS, "/v1/users"):
        assert visitor.get(path, auth=(secret, "")).status_code in {401, 405}
        assert visitor.get(f"{path}/{secret}.ics").status_code in {401, 404}
    assert team.client.get(address).status_code == 403, "a request with a key is one of the key"


def test_an_address_has_a_rate_limit_of_its_own(team: HiringTeam, visitor: httpx.Client) -> None:
    address, other = new_calendar(team), new_calendar(team)
    statuses = [visitor.get(address).status_code for _ in range(25)]
    assert statuses.count(200) >= 10
    assert 429 in statuses
    assert visitor.get(other).status_code == 200
