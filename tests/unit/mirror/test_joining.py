"""Records that another process joins are those that this one would join, whatever becomes of it."""

import asyncio
import os
import subprocess
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, Final

import msgspec
import pytest

from rowen.app.records import INTERVIEWS, USERS
from rowen.mirror import joining, writing
from rowen.mirror.joiner import Joiner
from rowen.mirror.joining import JoiningProcess
from rowen.mirror.joining_process import Beginning, Request, Result, receive, send, serve
from tests.support.harness import Tenant
from tests.support.mirroring import Mirroring, mirroring_of
from tests.support.programs import interrupt_writing
from tests.support.v3_account import ALL_DAY, ANN, BOB, TIMED, UNSCHEDULED

ELSEWHERE: Final = 999_999
"""The id of nothing."""


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be processors enough, and a few rows be many."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(joining, "MANY", 1)


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
def beginning(tenant: Tenant) -> Beginning:
    return Beginning(tenant.harness.database, tenant.organization.name)


@pytest.fixture
def beside(mirroring: Mirroring, beginning: Beginning) -> Iterator[JoiningProcess]:
    """Return the process beside a mirror that has not begun."""
    mirroring.beside = JoiningProcess(beginning)
    mirroring.restart()
    yield mirroring.beside
    mirroring.beside.close()


def process_of(beside: JoiningProcess) -> "subprocess.Popen[bytes]":
    process = beside._process  # noqa: SLF001  (nobody else may know it)
    assert process is not None
    return process


def expect_all(mirroring: Mirroring) -> None:
    """Require the mirror to have what one without another process has."""
    with mirroring_of(mirroring.tenant.harness.tenant(), mirroring.upstream) as other:
        other.round()
        assert mirroring.interviews() == other.interviews()
        assert mirroring.interviews().keys() == {TIMED, ALL_DAY}


def test_a_first_load_is_joined_by_the_other_process(
    mirroring: Mirroring, beside: JoiningProcess, joined_here: list[str]
) -> None:
    mirroring.round()
    assert joined_here == []
    assert beside._process is None, "it ends with the load"  # noqa: SLF001
    expect_all(mirroring)
    joined_here.clear()
    mirroring.upstream.put("users", {"id": BOB, "name": "Robert Reed"})
    mirroring.round()
    assert USERS in joined_here, "changes are joined here"


def test_a_process_that_dies_is_not_missed(
    mirroring: Mirroring, beside: JoiningProcess, joined_here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = JoiningProcess.prepare

    def prepare_and_die(self: JoiningProcess, rows: int) -> None:
        prepare(self, rows)
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    monkeypatch.setattr(JoiningProcess, "prepare", prepare_and_die)
    mirroring.round()
    assert {USERS, INTERVIEWS} <= {*joined_here}
    expect_all(mirroring)


def test_a_process_that_cannot_start_is_not_missed(
    mirroring: Mirroring, beside: JoiningProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    mirroring.round()
    assert capsys.readouterr().out.count("records are joined in this process only") == 1
    expect_all(mirroring)


@pytest.mark.usefixtures("beside")
def test_records_that_cannot_be_merged_are_written_one_by_one(
    mirroring: Mirroring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def merge(*_: Any) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(writing.Writer, "_merge", merge)
    mirroring.round()
    assert mirroring.interviews().keys() == {TIMED, ALL_DAY}


def test_few_rows_start_no_process(beginning: Beginning, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MANY", 100)
    beside = JoiningProcess(beginning)
    beside.prepare(99)
    assert beside._process is None  # noqa: SLF001


def test_one_processor_starts_no_process(beginning: Beginning, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    beside = JoiningProcess(beginning)
    beside.prepare(100)
    assert beside._process is None  # noqa: SLF001


def test_it_ends_when_nobody_can_ask_any_more(beginning: Beginning) -> None:
    beside = JoiningProcess(beginning)
    beside.prepare(100)
    process = process_of(beside)
    assert process.stdin is not None
    process.stdin.close()  # as the death of this process does
    assert process.wait(60) == 0
    beside.close()


def test_a_signal_cuts_nothing_off(beginning: Beginning, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")  # as images of containers do
    beside = JoiningProcess(beginning)
    beside.prepare(100)
    process = process_of(beside)
    assert process.stdin is not None
    assert process.stdout is not None
    missing = list(range(2**40, 2**40 + 20_000))
    send(process.stdin, Request(INTERVIEWS, missing))  # type: ignore[arg-type]  # a pipe
    interrupt_writing(process)
    result = msgspec.msgpack.decode(receive(process.stdout), type=Result)  # type: ignore[arg-type]  # a pipe
    assert sorted(result.none) == missing
    beside.close()


def test_messages(mirroring: Mirroring, beginning: Beginning) -> None:
    mirroring.round()
    source, target = BytesIO(), BytesIO()
    send(source, beginning)
    send(source, Request(INTERVIEWS, [TIMED, ALL_DAY, UNSCHEDULED, ELSEWHERE]))
    send(source, Request(USERS, [ANN, ELSEWHERE]))
    source.seek(0)
    asyncio.run(serve(source, target))
    target.seek(0)
    interviews, users = (msgspec.msgpack.decode(receive(target), type=Result).joined() for _ in range(2))
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
