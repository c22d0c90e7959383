"""One record that nobody expected: the others are joined and written, and it is tried again."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from rowen.app import mirroring as following
from rowen.app.records import USERS
from rowen.app.unit_of_work import WriteResult
from rowen.interviews.errors import Unavailable
from rowen.mirror import join, writing
from rowen.store.records.merger import RecordTableMerger
from tests.support import v3_account
from tests.support.mirroring import Mirroring
from tests.support.v3_account import ANN, BOB
from tests.support.v3_upstream import V3Upstream

EVE: Final = 2003


@pytest.fixture
def upstream(upstream: V3Upstream) -> V3Upstream:
    """Return an account with Eve."""
    upstream.put("users", v3_account.user(EVE, "Eve"))
    return upstream


def break_joining(patch: pytest.MonkeyPatch) -> None:
    """Let Eve's row be one that cannot be joined."""
    whole = join.user

    def user(row: Any, updated_at: int) -> dict[str, Any]:
        if row.id == EVE:
            raise ZeroDivisionError("eve@example.com")
        return whole(row, updated_at)

    patch.setattr(join, "user", user)


def break_writing(patch: pytest.MonkeyPatch) -> None:
    """Let Eve's record be one that cannot be written, neither with others nor alone."""

    async def follow(unit: Any, codec: Any, resource: str, identifier: int, *state: Any) -> bool:
        if identifier == EVE:
            raise ZeroDivisionError("eve@example.com")
        return await following.follow_record(unit, codec, resource, identifier, *state)

    async def merge(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("eve@example.com")

    patch.setattr(writing, "follow_record", follow)
    patch.setattr(RecordTableMerger, "merge", merge)


def users(mirroring: Mirroring) -> dict[int, str | None]:
    """Return the names of the organization's users that are stored, by id."""
    harness, organization = mirroring.tenant.harness, mirroring.tenant.organization
    found: dict[int, str | None] = {}

    async def read() -> None:
        async def work(unit: Any) -> Any:
            for each in (ANN, BOB, EVE):
                record = await unit.record(USERS, each)
                if record is not None and not record.derived:
                    found[each] = (await unit.user(each)).name
            return WriteResult(b"")

        await harness.store.writing.write(organization, work)

    harness.run(read())
    return found


@pytest.mark.parametrize("break_it", [break_joining, break_writing])
def test_one_record_that_fails_leaves_the_others(
    mirroring: Mirroring,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    break_it: Callable[[pytest.MonkeyPatch], None],
) -> None:
    with monkeypatch.context() as patch:
        break_it(patch)
        mirroring.round()
        assert users(mirroring) == {ANN: "Ann Reed", BOB: "Bob Reed"}
        mirroring.upstream.put("users", {"id": BOB, "name": "Robert Reed"})
        mirroring.round()
        assert users(mirroring) == {ANN: "Ann Reed", BOB: "Robert Reed"}
        assert counter(mirroring, "failed") == 1
    mirroring.round()
    assert users(mirroring)[EVE] == "Eve Reed", "its mark stays until it is written"
    shown = capsys.readouterr().out
    assert shown.count("a record cannot be written") == 1
    assert "id=2003" in shown
    assert "eve@example.com" not in shown


def test_a_database_that_cannot_answer_fails_the_round(mirroring: Mirroring, monkeypatch: pytest.MonkeyPatch) -> None:
    mirroring.round()

    def unavailable(*_: Any) -> Awaitable[bool]:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(writing, "follow_record", unavailable)
    mirroring.upstream.put("users", {"id": BOB, "name": "Robert Reed"})
    with pytest.raises(Unavailable):
        mirroring.round()
    assert counter(mirroring, "failed") == 0


def counter(mirroring: Mirroring, name: str) -> int:
    """Return one of the mirror's counters."""
    harness = mirroring.tenant.harness
    found = harness.run(harness.store.mirrors.find(mirroring.tenant.organization.id))
    assert found is not None
    return found.counters[name]
