"""Ten thousand random writes by many concurrent clients, replayed in the order of their revisions.

The feed has the order of the changes, the log the requests: replayed together in the model, they give the database byte
for byte. Meanwhile one reader syncs by `updated_after`, another follows the feed live; each ends with the content of
the database.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest
import uvloop

from tests.support import bodies
from tests.support.command import rowen
from tests.support.concurrent_clients import CLIENTS, FUTURE, PEOPLE, V2, ConcurrentClient, Logged, SharedLog
from tests.support.harness import NOW, Harness, Tenant
from tests.support.model.lists import milliseconds
from tests.support.model.schedule import ScheduleModel
from tests.support.records import Record
from tests.support.storage import Storage
from tests.support.wire import Connection, connections

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]

WRITES: Final = 10_000
FEWEST_WRITES: Final = 1_200
"""Enough for everything to happen several times."""

RENAMES: Final = 4
SOON: Final = 40
SOON_MILLISECONDS: Final = 4_000
START: Final = "1970-01-01T00:00:00.000Z"

Key = tuple[float, int]


class Outcome(NamedTuple):
    """All responses: the feed, the log, and the copies of the readers."""

    tenant: Tenant
    writes: int
    feed: list[Record]
    log: list[Logged]
    synced: dict[int, bytes]
    followed: dict[int, bytes]


class Reader:
    """A copy of the schedule, kept by syncs; it learns only from the feed what was cancelled."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._newest = START
        self._revision = 0
        self.copy: dict[int, bytes] = {}
        self.feed: list[Record] = []

    async def sync(self) -> None:
        """Bring the copy up to date."""
        target: str | None = f"/v1/scheduled_interviews?per_page=50&updated_after={self._newest}"
        while target is not None:
            reply = await self._connection.ask("GET", target)
            assert reply.status == 200, reply.body
            for raw in msgspec.json.decode(reply.body, type=list[msgspec.Raw]):
                found = msgspec.json.decode(raw)
                self.copy[found["id"]] = bytes(raw)
                self._newest = max(self._newest, found["updated_at"])
            target = reply.next
        await self._read_feed()

    async def _read_feed(self) -> None:
        more = True
        while more:
            page = (await self._connection.ask("GET", f"/rowen/v1/changes?limit=500&after={self._revision}")).json
            self.feed += page["changes"]
            for each in page["changes"]:
                if each["kind"] == "cancelled":
                    self.copy.pop(each["scheduled_interview_id"], None)
            self._revision, more = page["last_revision"], page["more"]


class Follower:
    """A copy of the schedule, kept by the live feed alone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._received: set[tuple[str, int | None]] = set()
        self._arrived = asyncio.Condition()
        self._revision = 0
        self.copy: dict[int, bytes] = {}

    async def run(self) -> None:
        """Follow until cancelled, continuing where a stream ended."""
        while True:
            await self._follow()

    async def _follow(self) -> None:
        async for data in self._connection.events(f"/rowen/v1/changes?after={self._revision}"):
            change = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
            self._revision = msgspec.json.decode(change["revision"], type=int)
            kind: str = msgspec.json.decode(change["kind"])
            identifier: int | None = msgspec.json.decode(change["scheduled_interview_id"])
            if kind == "cancelled":
                self.copy.pop(identifier or 0)
            elif identifier is not None:
                self.copy[identifier] = bytes(change["document"])
            async with self._arrived:
                self._received.add((kind, identifier))
                self._arrived.notify_all()

    async def wait_for(self, expected: set[tuple[str, int]]) -> None:
        """Return once all of these were received: kinds, with their interviews."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: expected <= self._received)


@pytest.fixture(scope="module")
def outcome(storage: Storage, two_workers: Harness) -> Outcome:
    """Return what was answered when all was over."""
    tenant = two_workers.tenant("replayed")
    bodies.populate(tenant, people(0))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(write_and_read(tenant, max(FEWEST_WRITES, storage.scaled(WRITES))))


def people(version: int) -> list[Record]:
    """Return the users as of one version: each version but the first renames a third of them."""
    changed = [i for i in range(1, PEOPLE + 1) if version == 0 or i % 3 == version % 3]
    return [
        bodies.person(i) | {n: bodies.user(i, version)[n] for n in ("name", "first_name", "updated_at")}
        for i in changed
    ]


async def write_and_read(tenant: Tenant, writes: int) -> Outcome:
    """Let the clients write, the readers read, and people be renamed, all at once."""
    shared = SharedLog(writes)
    expected: set[tuple[str, int]] = set()
    async with connections(tenant.harness.server.port, tenant.key, CLIENTS + 2) as opened, asyncio.TaskGroup() as tasks:
        reader, follower = Reader(opened[-2]), Follower(opened[-1])
        following = tasks.create_task(follower.run())
        clients = [ConcurrentClient(number, shared, each) for number, each in enumerate(opened[:CLIENTS], 1)]
        for client in clients:
            # Only the status updates change these.
            soon = round(time.time() * 1000) + SOON_MILLISECONDS
            made = [await client.create(soon - 1000, soon + more) for more in range(SOON // CLIENTS + 1)]
            expected |= {("status_changed", each["id"]) for each in made if each["status"] == "scheduled"}
        working = asyncio.gather(*(client.work() for client in clients), rename(tenant, shared, writes))
        while not working.done():
            await reader.sync()
        await working
        last = await clients[0].create(FUTURE, FUTURE)
        expected.add(("created", last["id"]))
        await follower.wait_for(expected)
        following.cancel()
        await reader.sync()
    return Outcome(tenant, writes, reader.feed, shared.log, reader.copy, follower.copy)


async def rename(tenant: Tenant, shared: SharedLog, writes: int) -> None:
    """Import people with other names, spread over the whole time of writing."""
    for version in range(1, RENAMES + 1):
        await shared.reaches(version * writes // (RENAMES + 1))
        await asyncio.to_thread(tenant.merge_records, "users", people(version))


def ordered(feed: Sequence[Record], log: Sequence[Logged]) -> list[tuple[Key, Record | None, Logged | None]]:
    """Return the changes in order: the row of the feed, if there is one, and the request, if there was one.

    A client asks one thing after the other, so that its rows are in the order of its log. What is written names its
    time; what is deleted is the client's next row. Scorecards that nobody sees may go without a row: a draft as early
    as possible, one of an interview that is gone as late as possible.
    """
    found: list[tuple[Key, Record | None, Logged | None]] = []
    rows: dict[int, deque[Record]] = {client: deque() for client in range(1, CLIENTS + 1)}
    for row in feed:
        if row["actor"]["kind"] == "user":
            rows[row["actor"]["id"]].append(row)
        elif row["kind"] != "person_renamed":
            found.append(((at(row["time"]), 0), row, None))
    for client, mine in rows.items():
        previous = 0.0
        late: list[Logged] = []
        for entry in (each for each in log if each.client == client):
            own = mine.popleft() if mine and is_of(mine[0], entry) else None
            if own is not None:
                previous = at(own["time"])
            elif entry.method != "DELETE":
                previous = at(entry.answer["updated_at"])
            elif entry.card is not None and entry.card.is_final:
                late.append(entry)
                continue
            else:
                found.append(((previous, 1), None, entry))
                continue
            found += [((previous, -1), None, each) for each in late]
            late = []
            found.append(((previous, 0), own, entry))
        found += [((float("inf"), 0), None, each) for each in late]
        assert not mine, "every row was asked for"
    return sorted(found, key=lambda each: each[0])


def at(text: str) -> float:
    """Return the time of a change."""
    return float(milliseconds(text) or 0)


def is_of(row: Record, entry: Logged) -> bool:
    """Return whether a row belongs to a logged request."""
    if entry.method != "DELETE":
        return bool(row["time"] == entry.answer["updated_at"])
    of = ("cancelled", entry.of) if entry.card is None else ("score_removed", entry.card.interview)
    return (row["kind"], row["scheduled_interview_id"]) == of


def carry_out(model: ScheduleModel, now: int, entry: Logged) -> bytes:
    """Apply a client's request to the model, and return the response."""
    by, body = entry.client, entry.body or {}
    if entry.method == "POST":
        command = model.create if entry.target == V2 else model.create_scorecard
        return command(now, by, body).body
    of_card = entry.target.startswith("/rowen")
    if entry.method == "PATCH":
        change = model.change_scorecard if of_card else model.change
        return change(now, by, entry.of, body).body
    return (model.delete_scorecard if of_card else model.cancel)(now, by, entry.of).body


def replay(outcome: Outcome) -> ScheduleModel:
    """Return the model after all changes."""
    model = ScheduleModel(zone=ZoneInfo("UTC"), last=NOW)
    model.take_in_users(NOW, people(0))
    model.take_in_applications(NOW, [bodies.application(i, 0) for i in bodies.APPLICATIONS])
    model.take_in_stages(NOW, [bodies.stage(1), bodies.stage(2)])
    version = 0
    for (when, place), row, entry in ordered([each for each in outcome.feed if each["revision"] > 3], outcome.log):
        if place == 0 and when < float("inf"):
            # A change without a row is stamped, too, at an unknown time.
            model.last = round(when) - 1
        if row is not None:
            model.revision = row["revision"] - 1
        if entry is not None:
            now = round(when) if when < float("inf") else model.last
            assert msgspec.json.decode(carry_out(model, now, entry)) == entry.answer
        elif row is not None and row["kind"] == "imported":
            version += 1
            model.take_in_users(NOW, people(version))
        elif row is not None:
            model.move(round(when), row["scheduled_interview_id"])
    assert version == RENAMES
    return model


@pytest.fixture(scope="module")
def exported(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Return the interviews in the database, byte for byte."""
    file = tmp_path_factory.mktemp("export") / "interviews.jsonl"
    rowen("export", "--database", outcome.tenant.harness.database, "--organization", "replayed", "--output", file)
    return file.read_bytes().split(b"\n")[:-1]


def test_replayed_in_order_the_changes_give_the_database(outcome: Outcome, exported: list[bytes]) -> None:
    assert len(outcome.log) >= outcome.writes
    model = replay(outcome)
    assert outcome.feed == [_row(each.summary, each.document) for each in model.happened]
    assert exported == [model.kept[i].document for i in sorted(model.kept)]
    kinds = Counter(each["kind"] for each in outcome.feed)
    assert min(kinds[kind] for kind in KINDS) > 0, kinds
    with outcome.tenant.open_client() as http:
        cards: list[Any] = []
        target: str | None = "/v1/scorecards?per_page=500"
        while target is not None:
            response = http.get(target)
            cards += response.json()
            target = response.links.get("next", {}).get("url")
    assert cards == [card.record for _, card in sorted(model.cards.items()) if card.is_final]


KINDS: Final = (
    "created",
    "rescheduled",
    "panel_changed",
    "responded",
    "updated",
    "status_changed",
    "scored",
    "score_removed",
    "person_renamed",
    "cancelled",
)


def _row(summary: Record, document: bytes | None) -> Record:
    return {**summary, "document": None if document is None else msgspec.json.decode(document)}


def test_a_reader_that_syncs_ends_with_the_database(outcome: Outcome, exported: list[bytes]) -> None:
    copy = outcome.synced
    assert [copy[i] for i in sorted(copy)] == exported


def test_a_follower_ends_with_the_database(outcome: Outcome, exported: list[bytes]) -> None:
    copy = outcome.followed
    assert [copy[i] for i in sorted(copy)] == exported
