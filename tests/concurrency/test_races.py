"""Many clients that want the same thing at once: of those who race for it, one gets it.

Each race uses a real server with two workers. The responses to the clients, the schedule, its history and its feed must
agree.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from random import Random
from typing import Any, Final

import pytest
import uvloop

from rowen.app.organizations import DoubleBooking
from tests.support import bodies
from tests.support.harness import Harness, Tenant
from tests.support.model.rules import organizer, time_text
from tests.support.records import Record
from tests.support.storage import Storage
from tests.support.wire import Connection, Reply, connections

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]

CLIENTS: Final = 64
SLOTS: Final = 300
KEYS: Final = 1_000
SENT: Final = 8
INTERVIEWS: Final = 50
TURNS: Final = 20
HOUR: Final = 3_600_000
FUTURE: Final = 4_102_444_800_000
"""2100-01-01: no status update is due during the tests."""

V2: Final = "/v2/scheduled_interviews"
ON_BEHALF: Final = {"On-Behalf-Of": "1"}

_names = count(1)


def new_tenant(harness: Harness) -> Tenant:
    """Create an organization with users 1 to 30, applications 1 to 3, and the interviews 7001 and 7002."""
    tenant = harness.tenant(f"race-{next(_names)}")
    bodies.populate(tenant, [bodies.person(each) for each in range(1, 31)])
    return tenant


def race(tenant: Tenant, clients: int, work: Callable[[list[Connection]], Awaitable[None]]) -> None:
    """Run work with this many connections to the server."""

    async def run() -> None:
        async with connections(tenant.harness.server.port, tenant.key, clients) as opened:
            await work(opened)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def everything(tenant: Tenant) -> list[Record]:
    """Return all interviews of an organization, as the API lists them."""
    found: list[Record] = []
    target: str | None = "/v1/scheduled_interviews?per_page=500"
    with tenant.open_client() as http:
        while target is not None:
            response = http.get(target)
            found += response.json()
            target = response.links.get("next", {}).get("url")
    return found


def body_of(number: int, user: int, start: int, end: int, response_status: str = "accepted") -> Record:
    """Return the body of a POST with one interviewer."""
    return {
        "application_id": 1,
        "interview_id": 7001,
        "interviewers": [{"user_id": user, "response_status": response_status}],
        "start": time_text(start),
        "end": time_text(end),
        "external_event_id": f"race {number}",
    }


# Slots


class Slots:
    """The slots of ten people, two hours apart, and the clients that race for them: by creating, moving and accepting.

    The movers have an interview elsewhere, those who accept have one in the slot, declined. Of the 64 clients a third
    each race for every fourth slot. The slots between have one kind each, so that each kind wins some.
    """

    def __init__(self, seed: int, number: int) -> None:
        self._chance = Random(seed)
        self.imported: list[Record] = []
        self.rounds = [[self._entry(slot, client) for client in range(CLIENTS)] for slot in range(number)]

    @staticmethod
    def place(slot: int) -> tuple[int, int]:
        """Return the person of a slot, and its middle."""
        return slot % 10 + 1, FUTURE + slot // 10 * 2 * HOUR

    @staticmethod
    def kind(slot: int, client: int) -> int:
        """Return what a client does to get a slot: 0 creates, 1 moves, 2 accepts."""
        return client % 3 if slot % 4 == 3 else slot % 4

    def _entry(self, slot: int, client: int) -> tuple[str, str, Record]:
        """Return the request by which a client tries to get a slot; each interview covers the slot's middle."""
        user, middle = self.place(slot)
        start, end = middle - self._minutes(), middle + self._minutes()
        number = slot * CLIENTS + client + 1
        kind = self.kind(slot, client)
        if kind == 0:
            return "POST", V2, body_of(number, user, start, end)
        if kind == 1:
            elsewhere = FUTURE - (number + 1) * 2 * HOUR
            self._import(number, user, (elsewhere, elsewhere + HOUR), "accepted")
            return "PATCH", f"{V2}/{number}", {"start": time_text(start), "end": time_text(end)}
        self._import(number, user, (start, end), "declined")
        seat = {"user_id": user, "response_status": self._chance.choice(["accepted", "tentative"])}
        return "PATCH", f"{V2}/{number}", {"interviewers": [seat]}

    def _minutes(self) -> int:
        return self._chance.randint(1, 60) * bodies.MINUTE

    def _import(self, number: int, user: int, times: tuple[int, int], response_status: str) -> None:
        known = bodies.person(user)
        seat = {name: known[name] for name in ("id", "employee_id", "name")}
        seat |= {"email": known["primary_email_address"], "response_status": response_status, "scorecard_id": None}
        self.imported.append(
            {
                **dict.fromkeys(("location", "video_conferencing_url")),
                "id": number,
                "application_id": 1,
                "external_event_id": f"imported {number}",
                "start": {"date_time": time_text(times[0])},
                "end": {"date_time": time_text(times[1])},
                "status": "scheduled",
                "created_at": time_text(bodies.SEASON),
                "updated_at": time_text(bodies.SEASON),
                "interview": {"id": 7001, "name": "Interview 1"},
                "organizer": organizer(bodies.person(1)),
                "interviewers": [seat],
            }
        )


def test_one_of_all_clients_that_want_a_slot_gets_it(storage: Storage, two_workers: Harness) -> None:
    number = storage.scaled(SLOTS)
    tenant = new_tenant(two_workers)
    tenant.change_settings(DoubleBooking.REJECT)
    slots = Slots(1, number)
    tenant.merge(slots.imported, created_through_api=True)
    replies: list[list[Reply]] = []

    async def work(opened: list[Connection]) -> None:
        for slot, entries in enumerate(slots.rounds):
            # The first one often wins: each client is first in turn.
            order = [(slot + place) % CLIENTS for place in range(CLIENTS)]
            asked = await asyncio.gather(*(opened[place].ask(*entries[place], ON_BEHALF) for place in order))
            answered = dict(zip(order, asked, strict=True))
            replies.append([answered[place] for place in range(CLIENTS)])

    race(tenant, CLIENTS, work)
    holders = _holders(everything(tenant), number)
    winners: set[int] = set()
    for slot, found in enumerate(replies):
        assert Counter(each.status for each in found) == {200: 1, 409: CLIENTS - 1}, f"slot {slot}"
        place = next(index for index, each in enumerate(found) if each.status == 200)
        winner = found[place].json["id"]
        winners.add(slots.kind(slot, place))
        assert holders[slots.place(slot)] == [winner]
        refusal = [{"message": f"Overlaps interview {winner}", "field": "interviewers[0]"}]
        assert all(each.json["errors"] == refusal for each in found if each.status == 409)
    assert winners == {0, 1, 2}
    with tenant.open_client() as http:
        assert http.get("/rowen/v1/conflicts").json() == {"conflicts": [], "more": False}
        assert len(_changes(http.get)) == number


def _holders(found: list[Record], slots: int) -> dict[tuple[int, int], list[int]]:
    """Return, for each slot, the interviews that keep its person busy at its middle."""
    holders: dict[tuple[int, int], list[int]] = {Slots.place(slot): [] for slot in range(slots)}
    texts = {(user, middle): time_text(middle) for user, middle in holders}
    busy: dict[int, list[Record]] = {}
    for each in found:
        if each["interviewers"][0]["response_status"] != "declined":
            busy.setdefault(each["interviewers"][0]["id"], []).append(each)
    for (user, middle), text in texts.items():
        holders[user, middle] = [
            each["id"] for each in busy[user] if each["start"]["date_time"] < text < each["end"]["date_time"]
        ]
    return holders


def _changes(get: Callable[[str], Any]) -> list[Record]:
    """Return the changes, except imports."""
    found: list[Record] = []
    after, more = 0, True
    while more:
        page = get(f"/rowen/v1/changes?limit=500&after={after}").json()
        found += [each for each in page["changes"] if each["kind"] != "imported"]
        after, more = page["last_revision"], page["more"]
    return found


# Idempotency keys


async def until_answered(connection: Connection, body: Record, headers: dict[str, str]) -> Reply:
    """Repeat a request while another one with its key is in progress."""
    while True:
        reply = await connection.ask("POST", V2, body, headers)
        if reply.status != 409:
            return reply
        assert b"Idempotency-Key" in reply.body


def test_a_request_that_is_sent_eight_times_is_carried_out_once(storage: Storage, two_workers: Harness) -> None:
    keys = storage.scaled(KEYS)
    tenant = new_tenant(two_workers)
    answers: list[list[Reply]] = []

    async def work(opened: list[Connection]) -> None:
        for number in range(0, keys, len(opened) // SENT):
            sent = [
                until_answered(opened[(key - number) * SENT + turn], _repeated(key), _keyed(key))
                for key in range(number, min(number + len(opened) // SENT, keys))
                for turn in range(SENT)
            ]
            found = await asyncio.gather(*sent)
            answers.extend(found[place : place + SENT] for place in range(0, len(found), SENT))
        other = await asyncio.gather(
            *(
                each.ask("POST", V2, _repeated(keys), _keyed(key))
                for key, each in zip(range(keys), opened, strict=False)
            )
        )
        assert {each.status for each in other} == {422}
        assert all(each.json["errors"][0]["field"] == "Idempotency-Key" for each in other)

    race(tenant, CLIENTS, work)
    assert len(answers) == keys
    assert all({each.status for each in found} == {200} for found in answers)
    assert all(len({(each.body, each.headers["etag"]) for each in found}) == 1 for found in answers)
    stored = everything(tenant)
    assert sorted(found[0].json["id"] for found in answers) == [each["id"] for each in stored]
    with tenant.open_client() as http:
        assert len(_changes(http.get)) == keys


def _repeated(number: int) -> Record:
    return body_of(number, number % 30 + 1, FUTURE, FUTURE + HOUR)


def _keyed(number: int) -> dict[str, str]:
    return {**ON_BEHALF, "Idempotency-Key": f"key {number}"}


# If-Match


def test_no_update_is_lost(storage: Storage, two_workers: Harness) -> None:
    """Eight clients that have seen the same version change it: one succeeds.

    In the end half of them, or of every fifth interview all, delete it.
    """
    tenant = new_tenant(two_workers)
    turns = storage.scaled(TURNS)
    won: dict[int, list[str]] = {}
    deleted: set[int] = set()

    async def compete(opened: list[Connection], seen: Reply, turn: int, deleting: set[int]) -> Reply:
        identifier = seen.json["id"]
        headers = {**ON_BEHALF, "If-Match": seen.headers["etag"]}
        asked = [
            each.ask("DELETE", f"/v1/scheduled_interviews/{identifier}", None, headers)
            if place in deleting
            else each.ask("PATCH", f"{V2}/{identifier}", {"location": f"{turn} by {place}"}, headers)
            for place, each in enumerate(opened)
        ]
        replies = await asyncio.gather(*asked)
        winners = [place for place, each in enumerate(replies) if each.status == 200]
        assert len(winners) == 1, Counter(each.status for each in replies)
        gone = winners[0] in deleting
        assert {each.status for each in replies} <= ({200, 404, 412} if gone else {200, 412})
        if gone:
            deleted.add(identifier)
        else:
            won[identifier].append(f"{turn} by {winners[0]}")
        return replies[winners[0]]

    async def work(opened: list[Connection]) -> None:
        groups = [opened[place : place + SENT] for place in range(0, len(opened), SENT)]

        async def serve(group: list[Connection], numbers: range) -> None:
            for number in numbers:
                seen = await group[0].ask("POST", V2, body_of(number, 1, FUTURE, FUTURE + HOUR), ON_BEHALF)
                won[seen.json["id"]] = []
                for turn in range(turns - 1):
                    seen = await compete(group, seen, turn, set())
                deleting = range(SENT) if number % 5 == 0 else range(1, SENT, 2)
                await compete(group, seen, turns - 1, set(deleting))

        await asyncio.gather(
            *(serve(group, range(place, INTERVIEWS, len(groups))) for place, group in enumerate(groups))
        )

    race(tenant, CLIENTS, work)
    with tenant.open_client() as http:
        changes: dict[int, list[Any]] = {identifier: [] for identifier in won}
        for each in _changes(http.get):
            changes[each["scheduled_interview_id"]] += [
                (field["before"], field["after"]) for field in each["fields"] if field["field"] == "location"
            ]
    for identifier, locations in won.items():
        steps = list(zip([None, *locations], locations, strict=False))
        assert changes[identifier] == steps + [(each, None) for each in locations[-1:] if identifier in deleted]
    assert deleted
    assert {each["id"]: each["location"] for each in everything(tenant)} == {
        identifier: next(reversed(locations), None)
        for identifier, locations in won.items()
        if identifier not in deleted
    }
