"""The widely used ELT connector, re-enacted with the library it is made with (contract section 6).

It lists with a page size and a time, follows `next` as the library itself reads `Link`, appends its parameters to that
address again, and remembers the newest `updated_at` for the next sync.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.support.records import Record, record
from tests.support.served_schedule import HOME, ServedSchedule, identifiers, import_records, make_key

EPOCH = "1970-01-01T00:00:00.000Z"
LIST = "/v1/scheduled_interviews"


@pytest.fixture
def session(schedule: ServedSchedule) -> Iterator[requests.Session]:
    """Return a session that authenticates as the connector does."""
    with requests.Session() as opened:
        opened.auth = (schedule.keys[HOME], "")
        yield opened


def sync(
    session: requests.Session, base: str, path: str, parameters: dict[str, str | int]
) -> tuple[list[Record], list[str]]:
    """Read a stream as the connector does; return its records and the requested addresses."""
    records: list[Record] = []
    addresses: list[str] = []
    following: str | None = base + path
    while following:
        assert following.startswith(f"{base}/")  # it refuses to send its key to another origin
        answer = session.get(following, params=parameters, timeout=30)
        answer.raise_for_status()
        addresses.append(str(answer.request.url))
        records += answer.json()
        following = answer.links["next"]["url"] if "next" in answer.links else None
    return records, addresses


def test_a_first_sync_reads_every_interview_that_has_a_time(
    schedule: ServedSchedule, session: requests.Session
) -> None:
    found, addresses = sync(session, schedule.server.url, LIST, {"per_page": 100, "updated_after": EPOCH})
    assert found == [each for each in schedule.home if each["updated_at"] is not None]
    assert len(addresses) == 4
    for address in addresses[1:]:
        names = [name for name, _ in parse_qsl(urlsplit(address).query)]
        assert names.count("per_page") == names.count("updated_after") == 2  # those of the link, and its own again
    assert len({len(address.partition("after=")[0]) for address in addresses[1:]}) == 1


def test_the_full_refresh_reads_all_of_them(schedule: ServedSchedule, session: requests.Session) -> None:
    for size in (10, 100, 500):
        found, _ = sync(session, schedule.server.url, LIST, {"per_page": size})
        assert found == list(schedule.home)


def test_the_next_sync_reads_the_changes_since(schedule: ServedSchedule, tmp_path: Path) -> None:
    key = make_key(schedule.database, "synced", "connector")
    times = [f"2024-05-{day:02}T10:00:00.123Z" for day in range(1, 29)]
    records = [record(number, updated_at=at) for number, at in enumerate(times, start=1)]
    import_records(schedule.database, "synced", tmp_path, records)
    with requests.Session() as session:
        session.auth = (key, "")
        first, _ = sync(session, schedule.server.url, LIST, {"per_page": 10, "updated_after": EPOCH})
        newest = max(each["updated_at"] for each in first)
        changed = [record(3, updated_at="2024-06-01T00:00:00.001Z"), record(99, updated_at="2024-06-01T00:00:00.002Z")]
        import_records(schedule.database, "synced", tmp_path, changed)
        second, _ = sync(session, schedule.server.url, LIST, {"per_page": 10, "updated_after": newest})
    assert first == records
    assert identifiers(second) == [3, 28, 99]  # at or after: the newest record comes once more


def test_the_stream_of_each_application(schedule: ServedSchedule, session: requests.Session) -> None:
    applications = sorted({each["application_id"] for each in schedule.home})
    found: list[Record] = []
    for application in applications:
        path = f"/v1/applications/{application}/scheduled_interviews"
        parameters: dict[str, str | int] = {"per_page": 20, "created_after": EPOCH}
        found += sync(session, schedule.server.url, path, parameters)[0]
    expected = [each for each in schedule.home if each["created_at"] is not None]
    assert sorted(found, key=lambda each: each["id"]) == expected


def test_a_wrong_key_gets_a_401(schedule: ServedSchedule, session: requests.Session) -> None:
    session.auth = ("wrong", "")
    answer = session.get(schedule.server.url + LIST, timeout=30)
    assert answer.status_code == 401
    assert answer.json() == {"message": "Invalid Basic Auth credentials"}
