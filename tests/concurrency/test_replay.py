"""Ten thousand random writes of many clients at once, told again in the order of their revisions.

The feed says in which order things happened, the log who asked for what: both together, through the model, give the
database byte for byte. Meanwhile one reader syncs by `updated_after`, another follows the feed live; each ends with
what the database holds.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest
import uvloop

from tests.concurrency.clerks import CLERKS, FUTURE, PEOPLE, V2, Board, Clerk, Logged
from tests.concurrency.conftest import Served
from tests.concurrency.test_races import person
from tests.concurrency.writer import NOW, Client, writing
from tests.property import world
from tests.property.model import milliseconds
from tests.property.schedule import Schedule
from tests.support.command import rowen
from tests.support.records import Record
from tests.support.server import serving
from tests.support.storage import Storage
from tests.support.wire import Connection, connections

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]

WRITES: Final = 10_000
FEWEST_WRITES: Final = 1_200
"""So many that everything happens some times."""

RENAMES: Final = 4
SOON: Final = 40
SOON_MILLISECONDS: Final = 4_000
START: Final = "1970-01-01T00:00:00.000Z"

Key = tuple[float, int]


class Told(NamedTuple):
    """Everything that was answered: the feed, the log, and the copies of the readers."""

    client: Client
    writes: int
    feed: list[Record]
    log: list[Logged]
    synced: dict[int, bytes]
    followed: dict[int, bytes]


class Reader:
    """A copy of the schedule, kept by syncs; only the feed tells it what was cancelled."""

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
        self._told: set[tuple[str, int | None]] = set()
        self._heard = asyncio.Condition()
        self._revision = 0
        self.copy: dict[int, bytes] = {}

    async def run(self) -> None:
        """Follow until cancelled, going on where a stream ended."""
        while True:
            await self._hear_out()

    async def _hear_out(self) -> None:
        async for data in self._connection.events(f"/rowen/v1/changes?after={self._revision}"):
            change = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
            self._revision = msgspec.json.decode(change["revision"], type=int)
            kind: str = msgspec.json.decode(change["kind"])
            identifier: int | None = msgspec.json.decode(change["scheduled_interview_id"])
            if kind == "cancelled":
                self.copy.pop(identifier or 0)
            elif identifier is not None:
                self.copy[identifier] = bytes(change["document"])
            async with self._heard:
                self._told.add((kind, identifier))
                self._heard.notify_all()

    async def wait_for(self, expected: set[tuple[str, int]]) -> None:
        """Return once all of this was told: kinds, and of which interviews."""
        async with self._heard:
            await self._heard.wait_for(lambda: expected <= self._told)


@pytest.fixture(scope="module")
def told(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Told]]:
    """Return what was answered when all was over, and the server."""
    database = storage.new_database(tmp_path_factory.mktemp("replay"))
    with writing(database) as writer:
        writer.new_client("first")
        with serving(database, ["--rate-limit", "0", "--workers", "2"]) as server:
            office = Served(server, writer, database)
            client = writer.new_client("replayed")
            writer.merge_records(client, "users", people(0))
            writer.merge_records(client, "applications", [world.application(i, 0) for i in world.APPLICATIONS])
            writer.merge_records(client, "job_stages", [world.stage(1), world.stage(2)])
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                answered = runner.run(write_and_read(office, client, max(FEWEST_WRITES, storage.quantity(WRITES))))
            yield office, answered


def people(version: int) -> list[Record]:
    """Return the users as of one version: of each but the first a third has another name."""
    changed = [i for i in range(1, PEOPLE + 1) if version == 0 or i % 3 == version % 3]
    return [person(i) | {n: world.user(i, version)[n] for n in ("name", "first_name", "updated_at")} for i in changed]


async def write_and_read(office: Served, client: Client, writes: int) -> Told:
    """Let the clerks write, the readers read, and people be renamed, all at once."""
    board = Board(writes)
    expected: set[tuple[str, int]] = set()
    async with connections(office.server.port, client.key, CLERKS + 2) as opened, asyncio.TaskGroup() as tasks:
        reader, follower = Reader(opened[-2]), Follower(opened[-1])
        following = tasks.create_task(follower.run())
        clerks = [Clerk(number, board, each) for number, each in enumerate(opened[:CLERKS], 1)]
        for clerk in clerks:
            # Nobody but the clock touches these.
            soon = round(time.time() * 1000) + SOON_MILLISECONDS
            made = [await clerk.create(soon - 1000, soon + more) for more in range(SOON // CLERKS + 1)]
            expected |= {("status_changed", each["id"]) for each in made}
        working = asyncio.gather(*(clerk.work() for clerk in clerks), rename(office, client, board, writes))
        while not working.done():
            await reader.sync()
        await working
        last = await clerks[0].create(FUTURE, FUTURE)
        expected.add(("created", last["id"]))
        await follower.wait_for(expected)
        following.cancel()
        await reader.sync()
    return Told(client, writes, reader.feed, board.log, reader.copy, follower.copy)


async def rename(office: Served, client: Client, board: Board, writes: int) -> None:
    """Import people under other names, spread over all the writing."""
    for version in range(1, RENAMES + 1):
        await board.reaches(version * writes // (RENAMES + 1))
        await asyncio.to_thread(office.writer.merge_records, client, "users", people(version))


def ordered(feed: Sequence[Record], log: Sequence[Logged]) -> list[tuple[Key, Record | None, Logged | None]]:
    """Return what happened, in order: the row of the feed, if there is one, and the request, if it was one.

    A clerk asks one thing after the other, so that its rows are in the order of its log. What is written names its
    time; what is deleted is the clerk's next row. Scorecards that nobody sees may go without a row: a draft as early
    as possible, one of an interview that is gone as late as possible.
    """
    found: list[tuple[Key, Record | None, Logged | None]] = []
    rows: dict[int, deque[Record]] = {clerk: deque() for clerk in range(1, CLERKS + 1)}
    for row in feed:
        if row["actor"]["kind"] == "user":
            rows[row["actor"]["id"]].append(row)
        elif row["kind"] != "person_renamed":
            found.append(((at(row["time"]), 0), row, None))
    for clerk, mine in rows.items():
        previous = 0.0
        late: list[Logged] = []
        for entry in (each for each in log if each.clerk == clerk):
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
    """Return when something happened."""
    return float(milliseconds(text) or 0)


def is_of(row: Record, entry: Logged) -> bool:
    """Tell whether a clerk's next row is of its next request."""
    if entry.method != "DELETE":
        return bool(row["time"] == entry.answer["updated_at"])
    of = ("cancelled", entry.of) if entry.card is None else ("score_removed", entry.card.interview)
    return (row["kind"], row["scheduled_interview_id"]) == of


def carry_out(model: Schedule, now: int, entry: Logged) -> bytes:
    """Do in the model what a client asked for, and return the answer."""
    by, body = entry.clerk, entry.body or {}
    if entry.method == "POST":
        command = model.create if entry.target == V2 else model.create_scorecard
        return command(now, by, body).body
    of_card = entry.target.startswith("/rowen")
    if entry.method == "PATCH":
        change = model.change_scorecard if of_card else model.change
        return change(now, by, entry.of, body).body
    return (model.delete_scorecard if of_card else model.cancel)(now, by, entry.of).body


def replay(told: Told) -> Schedule:
    """Return the model after all that happened."""
    model = Schedule(zone=ZoneInfo("UTC"), last=NOW)
    model.take_in_users(NOW, people(0))
    model.take_in_applications(NOW, [world.application(i, 0) for i in world.APPLICATIONS])
    model.take_in_stages(NOW, [world.stage(1), world.stage(2)])
    version = 0
    for (when, place), row, entry in ordered([each for each in told.feed if each["revision"] > 3], told.log):
        if place == 0 and when < float("inf"):
            # What has no row is stamped, too, at a time that is not known.
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
def exported(told: tuple[Served, Told], tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Return the interviews that the database holds, byte for byte."""
    file = tmp_path_factory.mktemp("export") / "interviews.jsonl"
    rowen("export", "--database", told[0].database, "--organization", "replayed", "--output", file)
    return file.read_bytes().split(b"\n")[:-1]


def test_told_again_in_order_it_gives_the_database(told: tuple[Served, Told], exported: list[bytes]) -> None:
    office, answered = told
    assert len(answered.log) >= answered.writes
    model = replay(answered)
    assert answered.feed == [_row(each.summary, each.document) for each in model.happened]
    assert exported == [model.kept[i].document for i in sorted(model.kept)]
    kinds = Counter(each["kind"] for each in answered.feed)
    assert min(kinds[kind] for kind in KINDS) > 0, kinds
    with office.server.client(answered.client.key) as http:
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


def test_a_reader_that_syncs_ends_with_the_database(told: tuple[Served, Told], exported: list[bytes]) -> None:
    copy = told[1].synced
    assert [copy[i] for i in sorted(copy)] == exported


def test_a_follower_ends_with_the_database(told: tuple[Served, Told], exported: list[bytes]) -> None:
    copy = told[1].followed
    assert [copy[i] for i in sorted(copy)] == exported
