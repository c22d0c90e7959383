"""What another process reads and joins is what this one would, whatever becomes of that process."""

import asyncio
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any, Final

import msgspec
import pytest

from rowen.app.mirror import REACHES, MirroredRow, Position
from rowen.app.records import INTERVIEWS, USERS
from rowen.imports.errors import ServerRefusedError
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Clock, Instant
from rowen.mirror import follower, helper, walks
from rowen.mirror.account import Account
from rowen.mirror.errors import StoppedError
from rowen.mirror.follower import LARGEST
from rowen.mirror.helper import HelperProcess
from rowen.mirror.helper_process import (
    AccountAccess,
    Beginning,
    Join,
    JoinedReply,
    PartReply,
    Read,
    receive,
    send,
    serve,
)
from rowen.mirror.joiner import Joiner
from rowen.mirror.walks import ListParts
from rowen.store.interviews.merger import InterviewMerger
from rowen.store.mirror.mirrors import MirrorTables
from rowen.store.records.merger import RecordTableMerger
from tests.support.harness import Tenant
from tests.support.mirroring import Mirroring, mirroring_of
from tests.support.processes import Started, note_processes
from tests.support.programs import interrupt_writing
from tests.support.v3_account import ALL_DAY, ANN, BOB, TIMED, UNSCHEDULED
from tests.support.v3_upstream import CLIENT_ID, CLIENT_SECRET, V3Upstream, status

ELSEWHERE: Final = 999_999
"""The id of nothing."""


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be processors enough, a few rows be many, and all lists but the first be large."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(helper, "SOME", 1)
    monkeypatch.setattr(follower, "LARGEST", [each for each in REACHES if each != "users"])


@pytest.fixture
def joined_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the resources whose records this process joins."""
    targets: list[str] = []
    join = Joiner.join

    async def note(self: Joiner, target: str, identifiers: Sequence[int]) -> Any:
        targets.append(target)
        return await join(self, target, identifiers)

    monkeypatch.setattr(Joiner, "join", note)
    return targets


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lists that this process reads for the first time."""
    resources: list[str] = []
    begin = ListParts.__init__

    def note(self: ListParts, account: Account, position: Position, now: Clock) -> None:
        resources.append(position.resource)
        begin(self, account, position, now)

    monkeypatch.setattr(ListParts, "__init__", note)
    return resources


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Return the other processes that are started."""
    return note_processes(monkeypatch, "rowen.mirror.helper_process")


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch, started: Started) -> None:
    """Let the other process die as soon as it is started."""
    prepare = HelperProcess.prepare

    def prepare_and_die(self: HelperProcess, rows: int) -> None:
        prepare(self, rows)
        for each in started:
            each.kill()
            each.wait()

    monkeypatch.setattr(HelperProcess, "prepare", prepare_and_die)


@pytest.fixture
def beginning(tenant: Tenant) -> Beginning:
    return Beginning(tenant.harness.database, tenant.organization.name)


def access_to(upstream: V3Upstream) -> AccountAccess:
    return AccountAccess(upstream.base, CLIENT_ID, CLIENT_SECRET, upstream.token_url, None, 20)


@pytest.fixture
def retries() -> list[str]:
    """Return the reasons why the other process sent a request again."""
    return []


@pytest.fixture
def reading(mirroring: Mirroring, beginning: Beginning, retries: list[str]) -> Iterator[HelperProcess]:
    """Return the process that also reads the account, beside a mirror that has not begun."""
    began = replace(beginning, access=access_to(mirroring.upstream))
    mirroring.helper = HelperProcess(began, lambda reason, _: retries.append(reason))
    mirroring.restart()
    yield mirroring.helper
    mirroring.helper.close()


@pytest.fixture
def beside(mirroring: Mirroring, beginning: Beginning) -> Iterator[HelperProcess]:
    """Return the process beside a mirror that has not begun."""
    mirroring.helper = HelperProcess(beginning)
    mirroring.restart()
    yield mirroring.helper
    mirroring.helper.close()


def expect_all(mirroring: Mirroring) -> None:
    """Require the mirror to have what one without another process has."""
    with mirroring_of(mirroring.tenant.harness.tenant(), mirroring.upstream) as other:
        other.round()
        assert mirroring.interviews() == other.interviews()
        assert mirroring.interviews().keys() == {TIMED, ALL_DAY}


@pytest.mark.usefixtures("beside")
def test_a_first_load_is_joined_by_the_other_process(
    mirroring: Mirroring, started: Started, joined_here: list[str]
) -> None:
    mirroring.round()
    assert joined_here == []
    (process,) = started
    assert process.poll() is not None, "it ends with the load"
    expect_all(mirroring)
    joined_here.clear()
    mirroring.upstream.put("users", {"id": BOB, "name": "Robert Reed"})
    mirroring.round()
    assert USERS in joined_here, "changes are joined here"


@pytest.mark.usefixtures("beside", "dying")
def test_a_process_that_dies_is_not_missed(mirroring: Mirroring, joined_here: list[str]) -> None:
    mirroring.round()
    assert {USERS, INTERVIEWS} <= {*joined_here}
    expect_all(mirroring)


def many_people(mirroring: Mirroring) -> None:
    """Let the account have more candidates than are on a page."""
    mirroring.upstream.put("candidates", *({"id": 2_000_000 + each} for each in range(1_200)))


@pytest.mark.usefixtures("reading")
def test_a_first_load_is_read_by_the_other_process(
    mirroring: Mirroring, started: Started, read_here: list[str], retries: list[str]
) -> None:
    many_people(mirroring)
    mirroring.round()
    assert read_here == ["users"], "the list that shows that there are many rows"
    assert retries == []
    mirror = mirroring.tenant.harness.run(mirroring.destination.mirrors.find(mirroring.tenant.organization.id))
    assert mirror is not None
    assert mirror.counters["requests"] == len(mirroring.upstream.asked)
    assert mirror.counters["rows"] >= sum(map(len, mirroring.upstream.rows.values()))
    (process,) = started
    assert process.poll() is not None, "it ends with the load"
    expect_all(mirroring)


@pytest.mark.usefixtures("reading")
def test_the_largest_lists_are_read_beside_the_others(
    mirroring: Mirroring, read_here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account waits with the first page of candidates until interviews are read."""
    monkeypatch.setattr(follower, "LARGEST", LARGEST)
    asked, waiting = mirroring.upstream.asked, threading.Event()

    def wait(_: int) -> None:
        if "/candidates?" in asked[-1]:
            assert waiting.wait(60)
        if "/interviews?" in asked[-1]:
            waiting.set()

    mirroring.upstream.before = wait
    mirroring.round()
    assert read_here == [each for each in REACHES if each not in LARGEST]
    expect_all(mirroring)


@pytest.mark.usefixtures("reading")
def test_rows_of_two_lists_that_are_stored_at_a_time_all_count(
    mirroring: Mirroring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of candidates are stored, but not counted, when those of interviews are."""
    many_people(mirroring)
    monkeypatch.setattr(follower, "LARGEST", LARGEST)
    put, counted = MirrorTables.put, asyncio.Event()

    async def put_slowly(
        self: MirrorTables,
        organization: OrganizationId,
        rows: Sequence[MirroredRow],
        position: Position,
        now: Instant,
        *,
        first: bool = False,
    ) -> int:
        news = await put(self, organization, rows, position, now, first=first)
        if first and position.resource == "candidates":
            await counted.wait()
        if first and position.resource == "interviews":
            asyncio.get_running_loop().call_soon(counted.set)
        return news

    monkeypatch.setattr(MirrorTables, "put", put_slowly)
    mirroring.round()
    harness = mirroring.tenant.harness
    (mirror,) = (
        each
        for each in harness.run(harness.store.mirrors.all())
        if each.organization == mirroring.tenant.organization.name
    )
    assert mirror.mirror.counters["news"] == sum(each.held for each in mirror.positions)


@pytest.mark.usefixtures("reading", "dying")
def test_a_process_that_dies_before_it_has_read_is_not_missed(mirroring: Mirroring, read_here: list[str]) -> None:
    mirroring.round()
    assert read_here == list(REACHES)
    expect_all(mirroring)


@pytest.mark.usefixtures("reading")
def test_a_request_that_is_sent_again_is_announced(mirroring: Mirroring, retries: list[str]) -> None:
    upstream = mirroring.upstream
    upstream.before = lambda count: upstream.faults.append(status(500)) if count == 3 else None
    mirroring.round()
    assert [each.partition(": ")[2] for each in retries] == ['the server cannot answer now: 500 ("Server error")']
    expect_all(mirroring)


@pytest.mark.usefixtures("reading")
def test_a_list_that_is_refused_ends_the_load_as_it_does_here(mirroring: Mirroring) -> None:
    upstream = mirroring.upstream
    upstream.before = lambda count: upstream.faults.append(status(403, message="no scope")) if count == 3 else None
    with pytest.raises(ServerRefusedError, match="this client has no permission to read this: 403"):
        mirroring.round()
    upstream.before = lambda _: None
    mirroring.restart()
    mirroring.round()
    expect_all(mirroring)


def test_a_cursor_that_the_account_has_forgotten_begins_the_list_again(
    mirroring: Mirroring, reading: HelperProcess, read_here: list[str]
) -> None:
    many_people(mirroring)
    upstream = mirroring.upstream

    def forget(_: int) -> None:
        if sum("/candidates?" in each for each in upstream.asked) == 2:
            upstream.forget_cursors()
            upstream.before = lambda _: None

    upstream.before = forget
    mirroring.round()
    assert len(read_here) == 1
    assert sum("/candidates?" in each for each in upstream.asked) > 3
    expect_all(mirroring)


def test_parts_follow_each_other_until_another_list_is_asked_for(
    mirroring: Mirroring, beginning: Beginning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "LOAD_PAGES", 1)
    many_people(mirroring)
    source, target = BytesIO(), BytesIO()
    send(source, replace(beginning, access=access_to(mirroring.upstream)))
    candidates, users = Read(Position("candidates")), Read(Position("users"))
    for request in (candidates, Read(None), candidates, Read(None), Read(None), users):
        send(source, request)
    source.seek(0)
    asyncio.run(serve(source, target))
    target.seek(0)
    parts = [msgspec.msgpack.decode(receive(target), type=PartReply).part() for _ in range(6)]
    assert [len(each.rows) for each in parts[:5]] == [
        500,
        500,
        500,
        500,
        len(mirroring.upstream.rows["candidates"]) - 1_000,
    ]
    assert parts[0].rows == parts[2].rows
    assert [each.position.loaded for each in parts] == [False, False, False, False, True, True]
    assert {row.resource for row in parts[5].rows} == {"users"}


def test_a_process_that_dies_between_two_parts_is_not_missed(
    mirroring: Mirroring, reading: HelperProcess, started: Started, read_here: list[str]
) -> None:
    many_people(mirroring)
    reading.prepare(1)
    first = reading.parts(Position("users"), mirroring.account.statistics, mirroring.parts_here)
    assert {row.resource for row in next(first).rows} == {"users"}
    assert read_here == []
    parts = reading.parts(Position("candidates"), mirroring.account.statistics, mirroring.parts_here)
    (process,) = started
    process.kill()
    assert len(next(parts).rows) > 1_200
    assert read_here == ["candidates"]
    parts.close()


def test_nothing_is_read_here_after_the_end(mirroring: Mirroring, reading: HelperProcess, read_here: list[str]) -> None:
    reading.prepare(1)
    parts = reading.parts(Position("users"), mirroring.account.statistics, mirroring.parts_here)
    parts.close()
    reading.close()
    with pytest.raises(StoppedError):
        next(parts)
    assert read_here == []


def test_a_process_that_cannot_start_is_not_missed(
    mirroring: Mirroring, beside: HelperProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    mirroring.round()
    assert capsys.readouterr().out.count("this process reads and joins by itself") == 1
    expect_all(mirroring)


@pytest.mark.usefixtures("beside")
def test_records_that_cannot_be_merged_are_written_one_by_one(
    mirroring: Mirroring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def merge(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    for each in (InterviewMerger, RecordTableMerger):
        monkeypatch.setattr(each, "merge", merge)
    mirroring.round()
    assert mirroring.interviews().keys() == {TIMED, ALL_DAY}


def test_few_rows_start_no_process(beginning: Beginning, started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "SOME", 100)
    HelperProcess(beginning).prepare(99)
    assert started == []


def test_one_processor_starts_no_process(
    beginning: Beginning, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    HelperProcess(beginning).prepare(100)
    assert started == []


def test_it_ends_when_nobody_can_ask_any_more(beginning: Beginning, started: Started) -> None:
    beside = HelperProcess(beginning)
    beside.prepare(100)
    (process,) = started
    assert process.stdin is not None
    process.stdin.close()  # as the death of this process does
    assert process.wait(60) == 0
    beside.close()


def test_it_ends_while_the_account_is_waited_for(
    mirroring: Mirroring, reading: HelperProcess, started: Started
) -> None:
    """A process that went on asked an account for many seconds that another mirror read by then."""
    asked = threading.Event()
    mirroring.upstream.faults.append(status(429, {"Retry-After": "300"}))
    mirroring.upstream.before = lambda _: asked.set()
    reading.prepare(1)
    (process,) = started
    assert process.stdin is not None
    send(process.stdin, Read(Position("users")))  # type: ignore[arg-type]  # a pipe
    assert asked.wait(60)
    process.stdin.close()
    assert process.wait(30) == 0
    assert len(mirroring.upstream.asked) == 1


def test_secrets_are_not_shown(mirroring: Mirroring, beginning: Beginning) -> None:
    shown = repr(replace(beginning, access=access_to(mirroring.upstream)))
    assert beginning.organization in shown
    assert CLIENT_SECRET not in shown
    assert beginning.database not in shown


def test_a_signal_cuts_nothing_off(beginning: Beginning, started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")  # as images of containers do
    beside = HelperProcess(beginning)
    beside.prepare(100)
    (process,) = started
    assert process.stdin is not None
    assert process.stdout is not None
    missing = list(range(2**40, 2**40 + 20_000))
    send(process.stdin, Join(INTERVIEWS, missing))  # type: ignore[arg-type]  # a pipe
    interrupt_writing(process)
    result = msgspec.msgpack.decode(receive(process.stdout), type=JoinedReply)  # type: ignore[arg-type]  # a pipe
    assert sorted(result.none) == missing
    beside.close()


def test_messages(mirroring: Mirroring, beginning: Beginning) -> None:
    mirroring.round()
    source, target = BytesIO(), BytesIO()
    send(source, beginning)
    send(source, Join(INTERVIEWS, [TIMED, ALL_DAY, UNSCHEDULED, ELSEWHERE]))
    send(source, Join(USERS, [ANN, ELSEWHERE]))
    source.seek(0)
    asyncio.run(serve(source, target))
    target.seek(0)
    interviews, users = (msgspec.msgpack.decode(receive(target), type=JoinedReply).joined() for _ in range(2))
    joiner = Joiner(mirroring.tenant.harness.store.mirrors, mirroring.tenant.organization)
    whole = mirroring.tenant.harness.run(joiner.join(INTERVIEWS, [TIMED, ALL_DAY, UNSCHEDULED, ELSEWHERE]))
    assert interviews.drafts == whole.drafts
    assert interviews.interviews == {UNSCHEDULED: None, ELSEWHERE: None}
    assert interviews.left_out == whole.left_out == {UNSCHEDULED: "status that v1 lacks"}
    assert users == mirroring.tenant.harness.run(joiner.join(USERS, [ANN, ELSEWHERE]))
    with pytest.raises(EOFError):
        receive(target)


def test_an_organization_that_is_gone_is_not_joined(tenant: Tenant) -> None:
    source, target = BytesIO(), BytesIO()
    send(source, Beginning(tenant.harness.database, "gone"))
    source.seek(0)
    asyncio.run(serve(source, target))
    assert target.getvalue() == b""
