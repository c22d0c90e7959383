"""Clients that race for slots on two nodes: nobody is booked twice, no limit is broken, and nothing is half-booked.

That also holds if a node is killed in the middle of bookings.
"""

import asyncio
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import httpx
import pytest
import uvloop

from rowen.interviews.moments import Instant
from rowen.store.database import locate
from rowen.wiring import check
from tests.support import bodies
from tests.support.harness import FakeClock, Tenant, served
from tests.support.records import Record
from tests.support.scale import scaled
from tests.support.server import Server, serving
from tests.support.storage import Storage
from tests.support.wire import Connection, Reply, connections

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]

CLIENTS: Final = 1_000
KILLS: Final = 100
AT_ONCE: Final = 12
"""How many bookings a server is sent at once before it is killed."""

SLOTS: Final = 50
PEOPLE: Final = 10
ROOMS: Final = 3
MOST: Final = 3
"""How many interviews a person may have on a day or in a week."""
HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
MONDAY: Final = int(Instant.parse("2031-02-03T00:00:00Z"))
ON_BEHALF: Final = {"On-Behalf-Of": "1"}
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
AVAILABILITY: Final[Record] = {
    "time_zone": "UTC",
    "working_hours": {day: [{"from": "00:00", "to": "24:00"}] for day in DAYS},
    "limits": {"per_day": MOST},
}
OF_A_WEEK: Final[Record] = {**AVAILABILITY, "time_zone": "Asia/Tokyo", "limits": {"per_week": MOST}}


def prepare(tenant: Tenant, count: int, availability: Record = AVAILABILITY) -> list[int]:
    """Add people, rooms and some applications; return the ids of the rooms."""
    tenant.merge_records("users", [bodies.person(each) for each in range(1, PEOPLE + 1)])
    applications = [{"id": each, "status": "active", "candidate_id": each} for each in range(1, count + 1)]
    tenant.merge_records("applications", applications)
    rooms = []
    with tenant.open_client() as client:
        for user in range(1, PEOPLE + 1):
            path = f"/rowen/v1/users/{user}/availability"
            client.put(path, json=availability, headers=ON_BEHALF).raise_for_status()
        for number in range(ROOMS):
            made = client.post("/rowen/v1/rooms", json={"name": f"Room {number}"}, headers=ON_BEHALF)
            rooms.append(made.raise_for_status().json()["id"])
    return rooms


def booking(application: int, start: int, rooms: list[int], chance: Random) -> Record:
    """Return a booking of two sessions, one after the other."""
    people = chance.sample(range(1, PEOPLE + 1), 2)
    return {
        "application_id": application,
        "sessions": [
            {
                "start": str(Instant(start + place * HOUR)),
                "end": str(Instant(start + (place + 1) * HOUR)),
                "interviewers": [{"user_id": person}],
                "room_id": chance.choice(rooms),
            }
            for place, person in enumerate(people)
        ],
    }


async def race(ports: list[int], key: str, wanted: list[Record]) -> list[Reply]:
    """Send each booking on a connection of its own, all at once, to the servers in turn."""

    async def send(connection: Connection, content: Record) -> Reply:
        return await connection.ask("POST", "/rowen/v1/bookings", content, ON_BEHALF)

    half = (len(wanted) + 1) // 2
    async with connections(ports[0], key, half) as one, connections(ports[1], key, half) as other:
        opened = [each for pair in zip(one, other, strict=True) for each in pair]
        return await asyncio.gather(*map(send, opened, wanted))


@pytest.mark.parametrize("availability", [AVAILABILITY, OF_A_WEEK], ids=["days", "weeks in another zone"])
def test_of_all_who_race_for_slots_on_two_nodes_one_gets_each(
    storage: Storage, tmp_path_factory: pytest.TempPathFactory, availability: Record
) -> None:
    database = storage.new_database(tmp_path_factory.mktemp("bookings"))
    with served(database, clock=FakeClock()) as harness, serving(database, ["--rate-limit", "0"]) as second:
        tenant = harness.tenant("bookings")
        count = scaled(CLIENTS)
        rooms, chance = prepare(tenant, count, availability), Random(1)
        # Two or three days, and two weeks: in Tokyo Monday begins in the middle of them.
        starts = [MONDAY - DAY + chance.randrange(SLOTS) * HOUR for _ in range(count)]
        wanted = [booking(each, start, rooms, chance) for each, start in enumerate(starts, 1)]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            replies = runner.run(race([harness.server.port, second.port], tenant.key, wanted))
        with tenant.open_client() as client:
            interviews = client.get("/v1/scheduled_interviews", params={"per_page": 500}).json()
            conflicts = client.get("/rowen/v1/conflicts").json()["conflicts"]
    statuses = Counter(reply.status for reply in replies)
    assert statuses.keys() == {200, 409}
    assert len(interviews) == 2 * statuses[200]
    assert conflicts == []
    assert check(locate(database)) == []
    assert check_bookings(interviews, availability) == MOST, "somebody has as many as allowed"


async def book_until_killed(server: Server, key: str, wanted: list[Record], replies: int) -> set[int]:
    """Send bookings at once, and kill the server after some replies; return the applications that are booked."""
    booked: set[int] = set()
    left = replies

    async def send(connection: Connection, content: Record) -> None:
        nonlocal left
        try:
            reply = await connection.ask("POST", "/rowen/v1/bookings", content, ON_BEHALF)
        except (OSError, asyncio.IncompleteReadError):
            return  # killed before it replied
        assert reply.status in (200, 409), reply.body
        if reply.status == 200:
            booked.add(content["application_id"])
        left -= 1
        if left == 0:
            os.killpg(server.process.pid, signal.SIGKILL)

    async with connections(server.port, key, len(wanted)) as opened:
        await asyncio.gather(*map(send, opened, wanted))
    server.process.wait(30)
    return booked


def test_of_bookings_in_whose_middle_a_node_is_killed_all_is_booked_or_nothing(
    storage: Storage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = storage.new_database(tmp_path_factory.mktemp("killed"))
    kills, chance, booked = storage.scaled(KILLS), Random(2), set[int]()
    with served(database, clock=FakeClock()) as harness:
        tenant = harness.tenant("bookings")
        rooms = prepare(tenant, kills * AT_ONCE)
        for number in range(kills):
            applications = range(1 + number * AT_ONCE, 1 + (number + 1) * AT_ONCE)
            starts = [MONDAY + number * DAY + chance.randrange(22) * HOUR for _ in applications]
            wanted = [booking(each, start, rooms, chance) for each, start in zip(applications, starts, strict=True)]
            with serving(database, ["--rate-limit", "0"]) as node:
                booked |= asyncio.run(book_until_killed(node, tenant.key, wanted, chance.randint(1, AT_ONCE - 2)))
                assert node.process.returncode == -signal.SIGKILL
        with tenant.open_client() as client:
            interviews = [each for page in pages(client) for each in page]
            conflicts = client.get("/rowen/v1/conflicts").json()["conflicts"]
    assert booked <= {each["application_id"] for each in interviews}, "what was acknowledged is there"
    assert conflicts == []
    assert check(locate(database)) == []
    check_bookings(interviews)


def pages(client: httpx.Client) -> Iterator[list[Record]]:
    """Yield the pages of all interviews."""
    following: str | None = "/v1/scheduled_interviews?per_page=500"
    while following is not None:
        answer = client.get(following)
        yield answer.json()
        following = answer.links.get("next", {}).get("url")


def check_bookings(interviews: list[Record], availability: Record = AVAILABILITY) -> int:
    """Assert that nothing is half-booked, nobody has more interviews than allowed, and no room has two at once.

    Return the most interviews that somebody has on a day or in a week, whichever is limited.
    """
    assert set(Counter(each["application_id"] for each in interviews).values()) == {2}
    counts: Counter[tuple[int, str]] = Counter()
    rooms: dict[str, list[str]] = defaultdict(list)
    limited = "%G-%V" if "per_week" in availability["limits"] else "%F"
    for interview in interviews:
        start = interview["start"]["date_time"]
        there = datetime.fromisoformat(start).astimezone(ZoneInfo(availability["time_zone"]))
        counts[interview["interviewers"][0]["id"], f"{there:{limited}}"] += 1
        rooms[interview["location"]].append(start)
    most = max(counts.values())
    assert most <= MOST
    assert all(len(set(starts)) == len(starts) for starts in rooms.values())
    return most
