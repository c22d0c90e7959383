"""Busy times that are read from addresses of calendars: only times are kept, and servers that fail do no harm."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from time import monotonic, sleep
from typing import Final

import pytest

from rowen.interviews.availability import WEEKDAYS
from rowen.polling.fetching import LARGEST_CALENDAR
from tests.support.calendar_server import DAY, CalendarServer, calendar, calendars, send, tomorrow
from tests.support.harness import Harness, served
from tests.support.hiring_teams import ADA, HiringTeam, accepted, hiring_team
from tests.support.records import Record
from tests.support.sql import fetch
from tests.support.storage import Storage

pytestmark = pytest.mark.slow

_LONGEST: Final = 60.0


@pytest.fixture(scope="module")
def harness(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a harness of a server that may read from this machine, and reads often."""
    options = ("--webhook-allow", "127.0.0.1", "--busy-address-age", "4")
    with served(storage.new_database(tmp_path_factory.mktemp("polling")), *options) as harness:
        yield harness


@pytest.fixture
def team(harness: Harness) -> Iterator[HiringTeam]:
    """Return an organization of the test's own."""
    with hiring_team(harness) as made:
        yield made


@pytest.fixture(scope="module")
def remote() -> Iterator[CalendarServer]:
    """Return a server of calendars."""
    with calendars() as state:
        yield state


def put(team: HiringTeam, url: str, source: str = "calendar", user: int = ADA) -> None:
    """Name an address."""
    accepted(team.send("PUT", f"/rowen/v1/users/{user}/busy?source={source}", {"url": url}))


def source(team: HiringTeam, name: str = "calendar", user: int = ADA) -> Record:
    """Return a source."""
    return accepted(team.client.get(f"/rowen/v1/users/{user}/busy?source={name}"))


def make_due(team: HiringTeam) -> None:
    """Let all addresses be read at once."""
    statement = "UPDATE busy_sources SET next_read_at = 0 WHERE organization_id = ?"
    fetch(team.harness.database, statement, team.organization.id)


def awaited(team: HiringTeam, is_there: Callable[[Record], bool], name: str = "calendar") -> Record:
    """Return a source as soon as something holds for it."""
    ends = monotonic() + _LONGEST
    while not is_there(found := source(team, name)):
        assert monotonic() < ends, found
        sleep(0.05)
    return found


def test_times_are_kept_and_titles_are_not(team: HiringTeam, remote: CalendarServer) -> None:
    remote.answers["/ada.ics"] = lambda handler: send(handler, calendar(), ETag='"one"')
    put(team, f"{remote.url}/ada.ics")
    found = awaited(team, lambda each: each["read_at"] is not None)
    start = tomorrow()
    assert found["busy"] == [
        {"from": f"{start:%Y-%m-%dT%H:%M:%S}.000Z", "to": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}.000Z"}
    ]
    (window,) = found["windows"]
    assert datetime.fromisoformat(window["from"]) <= datetime.now(UTC) - DAY
    assert datetime.fromisoformat(window["to"]) >= datetime.now(UTC) + 365 * DAY
    assert found["error"] is None
    rows = fetch(team.harness.database, "SELECT * FROM busy_sources WHERE organization_id = ?", team.organization.id)
    assert len(rows) == 1
    assert "secret" not in repr(rows).lower()


def test_an_unchanged_calendar_is_not_sent_again(team: HiringTeam, remote: CalendarServer) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-None-Match") == '"one"':
            send(handler, b"", 304)
        else:
            send(handler, calendar(), ETag='"one"')

    remote.answers["/tagged.ics"] = answer
    put(team, f"{remote.url}/tagged.ics")
    first = awaited(team, lambda each: each["read_at"] is not None)
    make_due(team)
    second = awaited(team, lambda each: each["read_at"] != first["read_at"])
    assert second["busy"] == first["busy"]
    assert second["windows"][0]["read_at"] == second["read_at"]
    assert remote.asked["/tagged.ics"][-1]["if-none-match"] == '"one"'


def test_redirects_are_followed_a_few_times(team: HiringTeam, remote: CalendarServer) -> None:
    remote.answers["/moved"] = lambda handler: send(handler, b"", 302, Location="/there.ics")
    remote.answers["/there.ics"] = lambda handler: send(handler, calendar())
    remote.answers["/circle"] = lambda handler: send(handler, b"", 302, Location="/circle")
    remote.answers["/inside"] = lambda handler: send(handler, b"", 302, Location="http://169.254.169.254/latest")
    put(team, f"{remote.url}/moved")
    assert len(awaited(team, lambda each: each["read_at"] is not None)["busy"]) == 1
    for path, reason in (("circle", "was redirected too often"), ("inside", "private, local or reserved")):
        put(team, f"{remote.url}/{path}", path)
        found = awaited(team, lambda each: each["error"] is not None, path)
        assert reason in found["error"]
        assert (found["read_at"], found["busy"]) == (None, [])


def hang(remote: CalendarServer) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return an answer that never comes."""
    return lambda _: remote.stopping.wait() and None  # type: ignore[return-value]


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Send without end."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(4 * LARGEST_CALENDAR // (1 << 16)):
        handler.wfile.write(b"X" * (1 << 16))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda handler: send(handler, b"gone", 404), "answered 404"),
        (lambda handler: send(handler, b"<html>Sign in</html>"), "is not a calendar"),
        (lambda handler: send(handler, calendar()[:-30]), "is not a calendar"),
        (lambda handler: send(handler, calendar("RRULE:FREQ=SECONDLY;UNTIL=99991231T000000Z")), "in a year"),
        (lambda handler: send(handler, calendar(), Content_Encoding="gzip"), "compressed"),
        (endless, "is larger than 5 MiB"),
        (lambda handler: handler.wfile.write(b"rubbish\r\n\r\n"), "sent no HTTP"),
    ],
    ids=["missing", "a page", "cut off", "recurs until 9999", "compressed", "endless", "no HTTP"],
)
def test_a_source_that_fails_is_unread_and_harmless(
    team: HiringTeam, remote: CalendarServer, answer: Callable[[BaseHTTPRequestHandler], None], reason: str
) -> None:
    remote.answers["/bad.ics"] = answer
    put(team, f"{remote.url}/bad.ics")
    found = awaited(team, lambda each: each["error"] is not None)
    assert reason in found["error"]
    assert remote.url not in found["error"]
    assert (found["read_at"], found["windows"], found["busy"]) == (None, [], [])


def test_a_server_that_hangs_holds_up_no_other(team: HiringTeam, remote: CalendarServer) -> None:
    remote.answers["/hangs.ics"] = hang(remote)
    remote.answers["/works.ics"] = lambda handler: send(handler, calendar())
    put(team, f"{remote.url}/hangs.ics", "hangs")
    put(team, f"{remote.url}/works.ics", "works")
    awaited(team, lambda each: each["read_at"] is not None, "works")
    assert source(team, "hangs")["read_at"] is None


def test_what_was_known_stays_when_a_server_fails_later(team: HiringTeam, remote: CalendarServer) -> None:
    remote.answers["/later.ics"] = lambda handler: send(handler, calendar())
    put(team, f"{remote.url}/later.ics")
    first = awaited(team, lambda each: each["read_at"] is not None)
    remote.answers["/later.ics"] = lambda handler: send(handler, b"", 500)
    make_due(team)
    second = awaited(team, lambda each: each["error"] is not None)
    assert (second["read_at"], second["busy"]) == (first["read_at"], first["busy"])
    remote.answers["/later.ics"] = lambda handler: send(handler, calendar("TRANSP:TRANSPARENT"))
    make_due(team)
    third = awaited(team, lambda each: each["error"] is None)
    assert third["busy"] == []


def test_slots_keep_to_what_an_address_says(team: HiringTeam, remote: CalendarServer) -> None:
    hours = {"time_zone": "UTC", "working_hours": {day: [{"from": "00:00", "to": "24:00"}] for day in WEEKDAYS}}
    accepted(team.send("PUT", f"/rowen/v1/users/{ADA}/availability", hours))
    noon = tomorrow()
    first, last = (f"{noon + timedelta(hours=count):%Y-%m-%dT%H:%M:%SZ}" for count in (-1, 2))
    window = {"from": first, "to": last}
    asked = {"window": window, "step_minutes": 60, "sessions": [{"minutes": 60, "seats": [{"users": [ADA]}]}]}

    def starts() -> list[int]:
        found = accepted(team.post("/rowen/v1/slots", asked))
        named = [each["user_id"] for each in found["not_offered"]]
        assert named == ([] if found["total"] else [ADA]), found
        return [datetime.fromisoformat(each["start"]).hour for each in found["slots"]]

    assert starts() == [11, 12, 13]
    remote.answers["/slots.ics"] = lambda handler: send(handler, b"<html>", 200)
    put(team, f"{remote.url}/slots.ics")
    assert starts() == []
    awaited(team, lambda each: each["error"] is not None)
    assert starts() == []
    remote.answers["/slots.ics"] = lambda handler: send(handler, calendar())
    make_due(team)
    awaited(team, lambda each: each["read_at"] is not None)
    assert starts() == [11, 13]
