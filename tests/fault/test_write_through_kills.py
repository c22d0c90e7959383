"""A write that passes through is made once and stored once, wherever a process is killed on the way.

There is one point of death before and one after each commit and each request to the account. In-process, a port that
raises stands for the death; a few real processes are killed, too.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
import pytest

from rowen.app.account_writes import UNDONE, AccountWrite, Request, WriteAction, WriteState
from rowen.interviews.interview import Moment, ResponseStatus
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewerInput, InterviewFields
from rowen.mirror.write_through import LOST_AFTER, PassingDeps
from rowen.mirror.writing import MirrorPorts
from tests.support import v3_account
from tests.support.command import Process, begin, environment, rowen
from tests.support.deaths import Countdown, KilledError
from tests.support.harness import opened
from tests.support.mirroring import Mirroring, mirror_command, mirroring_of
from tests.support.passing import Change, allow, write_through_of
from tests.support.server import serving
from tests.support.storage import Storage
from tests.support.v3_account import ANN, BOB, TIMED
from tests.support.v3_upstream import (
    Fault,
    Handler,
    V3Upstream,
    status,
    truncated,
    v3_upstream,
)

COMMITS: Final = frozenset({"claim", "note", "replace", "settle", "write"})
REQUESTS: Final = frozenset({"send", "page", "existing", "next_page"})

NEW: Final = InterviewFields(
    application_id=70,
    interview_id=61,
    interviewers=(InterviewerInput(user_id=BOB, response_status=ResponseStatus.TENTATIVE),),
    start=Moment(Instant.parse("2030-01-01T09:00:00Z")),
    end=Moment(Instant.parse("2030-01-01T10:00:00Z")),
    on_behalf_of=ANN,
)
REQUESTED: Final = {
    "created": Request(action=WriteAction.CREATE, user=ANN, api_key="test", fields=NEW),
    "created with an event": Request(
        action=WriteAction.CREATE,
        user=ANN,
        api_key="test",
        fields=msgspec.structs.replace(NEW, external_event_id="ours"),
    ),
    "updated": Request(
        action=WriteAction.CHANGE,
        interview=TIMED,
        user=ANN,
        api_key="test",
        fields=InterviewFields(location="Garden", on_behalf_of=ANN),
    ),
    "cancelled": Request(action=WriteAction.CANCEL, interview=TIMED, user=ANN, api_key="test"),
}


class Account:
    """A mirror in an organization of its own, and the account that its writes pass through to."""

    def __init__(self, mirroring: Mirroring, requested: Request) -> None:
        self.mirroring = mirroring
        self.upstream = mirroring.upstream
        self.writes = mirroring.tenant.harness.store.account_writes
        self.organization = mirroring.tenant.organization.id
        self.request = requested
        self.id = str(uuid4())
        allow(mirroring)
        self.queue()

    def run(self, work: Any) -> Any:
        return self.mirroring.tenant.harness.run(work)

    def queue(self, attempts: int = 0) -> None:
        """Queue the write, as the server does for a client that sends it again with its key."""
        now = int(self.mirroring.clock())
        write = AccountWrite(self.id, self.request, now, now + 30_000, attempts=attempts)
        self.run(self.writes.enqueue(self.organization, write))

    def found(self) -> AccountWrite:
        """Return the write as it is now."""
        found = self.run(self.writes.find(self.organization, self.id))
        assert isinstance(found, AccountWrite)
        return found

    def step(self, countdown: Countdown | None = None) -> None:
        """Go on with the write, as a new process does."""
        change: Change = (lambda *ports: ports) if countdown is None else (lambda *ports: deadly(countdown, *ports))
        with write_through_of(self.mirroring, change) as through:
            self.run(through.step())

    def finish(self) -> None:
        """Go on until the write is made, as new processes and a client that repeats it do."""
        for _ in range(8):
            self.step()
            found = self.found()
            if found.state is WriteState.STORED:
                return
            if found.state in UNDONE:
                self.queue(found.attempts)
            else:
                self.mirroring.clock.advance(LOST_AFTER + 1)
        raise AssertionError(found)

    def changes(self) -> list[tuple[str, str]]:
        """Return the kinds of all changes of interviews, with the kinds of their actors."""
        harness = self.mirroring.tenant.harness
        page = self.run(harness.store.feed.after(self.mirroring.tenant.organization, 0, 1_000))
        found = [msgspec.json.decode(each.summary) for each in page.entries]
        kinds = [(each["kind"], each["actor"]["kind"]) for each in found]
        return [each for each in kinds if each[0] not in ("imported", "recorded")]


def deadly(countdown: Countdown, destination: MirrorPorts, deps: PassingDeps) -> tuple[MirrorPorts, PassingDeps]:
    """Return ports that die together."""
    names = COMMITS | REQUESTS

    def around(port: Any) -> Any:
        return countdown.around(port, names)

    destination = replace(destination, mirrors=around(destination.mirrors), writing=around(destination.writing))
    return destination, replace(
        deps, writes=around(deps.writes), reading=around(deps.reading), sending=around(deps.sending)
    )


@pytest.fixture
def upstream() -> Iterator[V3Upstream]:
    with v3_upstream() as upstream:
        fill(upstream)
        yield upstream


def fill(upstream: V3Upstream) -> None:
    """Put the account into an upstream, with an interview that can be changed."""
    v3_account.fill(upstream)
    upstream.put("interviews", {"id": TIMED, "status": "scheduled"})


@cache
def points_of(storage: Storage, kind: str) -> int:
    """Return how many points a write has at which a process may die."""
    counting = Countdown(2**31, after=False)
    with (
        TemporaryDirectory() as folder,
        opened(storage.new_database(Path(folder))) as harness,
        v3_upstream() as upstream,
    ):
        fill(upstream)
        with mirroring_of(harness.tenant(), upstream) as mirroring:
            account = Account(mirroring, REQUESTED[kind])
            account.step(counting)
            assert account.found().state is WriteState.STORED
    return 2**31 - counting.left


@pytest.mark.parametrize("mirror_first", [False, True], ids=["alone", "while the mirror follows"])
@pytest.mark.parametrize("after", [False, True], ids=["before a step", "after a step"])
@pytest.mark.parametrize("kind", REQUESTED)
def test_a_write_that_dies_anywhere_is_made_once_and_stored_once(
    storage: Storage, tmp_path: Path, kind: str, after: bool, mirror_first: bool
) -> None:
    requested = REQUESTED[kind]
    points = points_of(storage, kind)
    assert points >= 7
    with opened(storage.new_database(tmp_path)) as harness:
        for point in range(1, points + 1, max(1, points // storage.scaled(points))):
            with v3_upstream() as upstream:
                fill(upstream)
                with mirroring_of(harness.tenant(), upstream) as mirroring:
                    account = Account(mirroring, requested)
                    with pytest.raises(KilledError):
                        account.step(Countdown(point, after=after))
                    if mirror_first:
                        mirroring.round()
                    account.finish()
                    check(account, kind.split()[0], point)


def check(account: Account, kind: str, point: int) -> None:
    """Require that a write is made once in the account, stored once here, and one change."""
    rows, here = account.upstream.rows["interviews"], account.mirroring.interviews()
    identifier = account.found().interview
    assert identifier is not None, point
    mine = [each for each in rows.values() if each["id"] not in (v3_account.ALL_DAY, v3_account.UNSCHEDULED, TIMED)]
    assert len(mine) == (1 if kind == "created" else 0), (point, mine)
    if kind == "cancelled":
        assert TIMED not in rows
        assert TIMED not in here
    else:
        assert here[identifier]["external_event_id"] == rows[identifier]["external_event_id"]
        assert here[identifier]["location"] == rows[identifier]["location"]
        assert len(here[identifier]["interviewers"]) == (1 if kind == "created" else 2)
    ((found, actor),) = account.changes()
    assert found == kind, point
    assert actor in ("user", "mirror"), point
    account.mirroring.sweep()
    assert len(account.changes()) == 1, point


def test_a_write_that_was_withdrawn_is_never_sent(storage: Storage, tmp_path: Path, upstream: V3Upstream) -> None:
    with opened(storage.new_database(tmp_path)) as harness, mirroring_of(harness.tenant(), upstream) as mirroring:
        account = Account(mirroring, REQUESTED["created"])
        assert account.run(account.writes.withdraw(account.organization, account.id))
        account.step()
        assert account.found().state is WriteState.WITHDRAWN
        account.queue()
        mirroring.clock.advance(30_001)
        account.step()
        assert account.found().state is WriteState.WITHDRAWN, "nobody waits for it any more"
        assert upstream.written == []


def test_a_write_that_never_appears_is_given_up_and_can_be_repeated(
    storage: Storage, tmp_path: Path, upstream: V3Upstream
) -> None:
    with opened(storage.new_database(tmp_path)) as harness, mirroring_of(harness.tenant(), upstream) as mirroring:
        account = Account(mirroring, REQUESTED["created"])
        upstream.write_faults.append(truncated)
        account.step()
        assert account.found().state is WriteState.IN_DOUBT
        account.step()
        assert account.found().state is WriteState.IN_DOUBT
        mirroring.clock.advance(LOST_AFTER + 1)
        account.step()
        assert account.found().state is WriteState.LOST
        account.finish()
        check(account, "created", 0)


def test_a_write_that_appears_late_is_found(storage: Storage, tmp_path: Path, upstream: V3Upstream) -> None:
    with opened(storage.new_database(tmp_path)) as harness, mirroring_of(harness.tenant(), upstream) as mirroring:
        account = Account(mirroring, REQUESTED["created"])
        upstream.late_faults.append(truncated)
        upstream.faults.extend(10 * [status(500)])
        account.step()
        assert account.found().state is WriteState.IN_DOUBT
        upstream.faults.clear()
        mirroring.clock.advance(6_000)
        account.step()
        assert account.found().state is WriteState.STORED
        check(account, "created", 0)


@contextmanager
def mirrored(upstream: V3Upstream, folder: Path, database: str) -> Iterator[Process]:
    """Run a mirror that passes writes through, and kill it at the end of the block."""
    command = mirror_command(upstream, folder, database)
    process, output = begin(*command, "--every", "1", "--write-through", known=environment())
    with output:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(60)


def await_following(database: str) -> None:
    """Return once an account has been read the first time."""
    with opened(database) as harness:
        while True:
            organization = harness.run(harness.store.organizations.find("default"))
            if organization and harness.run(harness.store.account_writes.allowed(organization.id)):
                return


def killing(victim: Process) -> Fault:
    """Return a fault: the process that asks, or waits, is killed, and its request is never answered."""

    def kill(handler: Handler) -> bool:
        os.killpg(victim.pid, signal.SIGKILL)
        handler.close_connection = True
        return True

    return kill


NEW_BODY: Final = {
    "application_id": 70,
    "interview_id": 61,
    "interviewers": [{"user_id": BOB, "response_status": "tentative"}],
    "start": "2030-01-01T09:00:00Z",
    "end": "2030-01-01T10:00:00Z",
}
BY_ANN: Final = {"On-Behalf-Of": str(ANN), "Idempotency-Key": "one"}


@pytest.mark.heavy
def test_a_write_survives_the_death_of_the_mirror_and_of_the_server(
    storage: Storage, tmp_path: Path, upstream: V3Upstream
) -> None:
    database = storage.new_database(tmp_path)
    path = "/v2/scheduled_interviews"
    with mirrored(upstream, tmp_path, database) as mirror:
        await_following(database)
        key = rowen("keys", "create", "writer", "--database", database).stdout.strip()
        with serving(database, ["--mirror-wait", "9"]) as server, server.client(key) as client:
            upstream.late_faults.append(killing(mirror))
            assert client.post(path, json=NEW_BODY, headers=BY_ANN).status_code == 504
    with mirrored(upstream, tmp_path, database) as mirror:
        with serving(database) as server, server.client(key) as client:
            made = client.post(path, json=NEW_BODY, headers=BY_ANN)
            while made.status_code == 504:  # it is being looked for
                made = client.post(path, json=NEW_BODY, headers=BY_ANN)
            assert made.status_code == 200, made.text
            upstream.write_faults.append(killing(server.process))
            change, keyed = {"location": "Attic"}, {**BY_ANN, "Idempotency-Key": "two"}
            with pytest.raises(httpx.TransportError):
                client.patch(f"{path}/{TIMED}", json=change, headers=keyed)
        with serving(database) as server, server.client(key) as client:
            changed = client.patch(f"{path}/{TIMED}", json=change, headers=keyed)
            while changed.status_code in (502, 504):
                changed = client.patch(f"{path}/{TIMED}", json=change, headers=keyed)
            assert changed.json()["location"] == "Attic", changed.text
    assert [each.method for each in upstream.written] == ["POST", "PATCH"]
    assert rowen("db", "check", "--database", database).stdout == "ok\n"
