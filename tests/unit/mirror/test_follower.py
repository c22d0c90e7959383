"""Rounds: what a failure leaves, how long the next one is waited for, and who does them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeAlias

import msgspec
import pytest

from rowen.app.imports import MergeCounts
from rowen.app.mirror import REACHES, Mirror, Position, reported
from rowen.app.organizations import Organization
from rowen.app.subscriptions import Action, new_secret
from rowen.app.unit_of_work import IdempotentRequest, UnitOfWorks, WriteOperation, WriteResult
from rowen.imports.errors import ServerRefusedError, ServerResponseError, ServerUnavailableError, SourceError
from rowen.interviews.moments import Instant
from rowen.mirror import walks
from rowen.mirror.errors import LeaderLostError
from rowen.mirror.follower import MirroredElsewhereError, MirrorEndedError
from rowen.mirror.writing import STEP, Writer
from rowen.store.webhooks.deliveries import DeliveryTable
from rowen.store.webhooks.subscriptions import WebhookTable
from tests.support import v3_account
from tests.support.mirroring import Mirroring
from tests.support.v3_account import TIMED
from tests.support.v3_upstream import Fault, body, status, truncated

EVERY: Final = 10.0


class EnoughError(Exception):
    """The test has seen enough pauses."""


def state(mirroring: Mirroring) -> Mirror:
    """Return the mirror as it is stored."""
    harness = mirroring.tenant.harness
    found = harness.run(harness.store.mirrors.find(mirroring.tenant.organization.id))
    assert found is not None
    return found


FAULTS: Final[list[tuple[str, list[Fault]]]] = [
    ("500", [status(500), status(500)]),
    ("429", [status(429, {"Retry-After": "3"})]),
    ("truncated", [truncated]),
    ("revoked", [status(401)]),
]


@pytest.mark.parametrize("faults", [each[1] for each in FAULTS], ids=[each[0] for each in FAULTS])
@pytest.mark.parametrize("before", [5, 14])
def test_a_fault_that_passes_changes_nothing(mirroring: Mirroring, faults: list[Fault], before: int) -> None:
    upstream = mirroring.upstream
    upstream.before = lambda count: upstream.faults.extend(faults) if count == before + 1 else None
    mirroring.round()
    assert set(mirroring.interviews()) == {v3_account.TIMED, v3_account.ALL_DAY}
    assert state(mirroring).error is None


def test_a_fault_that_stays_is_noted_until_it_is_over(mirroring: Mirroring) -> None:
    mirroring.round()
    loaded = state(mirroring)
    mirroring.upstream.faults.append(status(403, message="no scope"))
    with pytest.raises(ServerRefusedError):
        mirroring.round()
    failed = state(mirroring)
    assert (failed.loaded_at, failed.followed_at) == (loaded.loaded_at, loaded.followed_at)
    assert failed.error is not None
    assert "no permission to read this: 403" in failed.error
    mirroring.round()
    assert state(mirroring).error is None
    assert state(mirroring).counters["requests"] == len(mirroring.upstream.asked)


def test_a_lost_cursor_begins_a_list_again(mirroring: Mirroring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "LOAD_PAGES", 4)
    many = range(20_000, 22_600)  # more pages than are stored at once
    mirroring.upstream.put("interviews", *[v3_account.interview(each) for each in many])
    lost = 0

    def lose(_: int) -> None:
        nonlocal lost
        if "interviews?cursor=" in mirroring.upstream.asked[-1] and not lost:
            lost += 1
            mirroring.upstream.forget_cursors()

    mirroring.upstream.before = lose
    mirroring.round()
    assert lost == 1
    positions = mirroring.tenant.harness.run(mirroring.destination.mirrors.positions(mirroring.tenant.organization.id))
    assert all(each.loaded for each in positions.values())
    harness = mirroring.tenant.harness
    found = harness.run(harness.store.organizations.find(mirroring.tenant.organization.name))
    assert found is not None
    assert found.interview_count == len(many) + 2


def test_a_page_that_is_none_ends_the_load_while_the_next_is_requested(
    mirroring: Mirroring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "LOAD_PAGES", 1)
    upstream = mirroring.upstream
    upstream.put("interviews", *[v3_account.interview(each) for each in range(20_000, 21_100)])

    def spoil(_: int) -> None:
        if upstream.asked[-1].startswith("/v3/interviews?per_page"):
            link = f'<{upstream.base}/interviews?cursor=lost>; rel="next"'
            upstream.faults.append(body(b'[{"id": "none"}]', {"Link": link}))

    upstream.before = spoil
    with pytest.raises(ServerResponseError, match="not a list of rows"):
        mirroring.round()
    upstream.before = lambda _: None
    mirroring.round()
    found = mirroring.tenant.harness.run(
        mirroring.tenant.harness.store.organizations.find(mirroring.tenant.organization.name)
    )
    assert found is not None
    assert found.interview_count == 1_102


def test_a_load_that_is_cut_off_goes_on_from_the_last_page_that_was_read(mirroring: Mirroring) -> None:
    upstream = mirroring.upstream
    upstream.put("interviews", *[v3_account.interview(each) for each in range(20_000, 21_100)])

    def cursors() -> list[str]:
        return [each for each in upstream.asked if each.startswith("/v3/interviews?cursor=")]

    def refuse(_: int) -> None:
        if "interviews?cursor=" in upstream.asked[-1] and len(cursors()) == 2:
            upstream.faults.append(status(403))

    upstream.before = refuse
    with pytest.raises(ServerRefusedError):
        mirroring.round()
    upstream.before = lambda _: None
    mirroring.round()
    first, refused, *others = cursors()
    assert others[0] == refused
    assert first not in others
    harness = mirroring.tenant.harness
    found = harness.run(harness.store.organizations.find(mirroring.tenant.organization.name))
    assert found is not None
    assert found.interview_count == 1_102


def test_a_mark_that_is_set_again_meanwhile_stays(mirroring: Mirroring) -> None:
    mirroring.round()
    run, mirrors = mirroring.tenant.harness.run, mirroring.destination.mirrors
    name, organization = mirroring.tenant.organization.name, mirroring.tenant.organization.id
    for identifier, time in ((1, 10), (2, 20), (3, 20)):
        run(mirrors.report(name, "interviews", identifier, Instant(time)))
    marked = run(mirrors.pending(organization, reported("interviews"), 10))
    run(mirrors.report(name, "interviews", 2, Instant(21)))
    run(mirrors.settle(organization, reported("interviews"), marked))
    assert run(mirrors.pending(organization, reported("interviews"), 10)) == [(2, 21)]


def test_a_list_in_another_order_is_refused(mirroring: Mirroring) -> None:
    mirroring.upstream.faults.append(body(rows_with(1, 2)))
    with pytest.raises(ServerResponseError, match="not ordered by id"):
        mirroring.round()


def test_a_row_that_a_page_repeats_is_one(mirroring: Mirroring) -> None:
    mirroring.upstream.faults.append(body(rows_with(3, 3, 1)))
    mirroring.round()
    harness, organization = mirroring.tenant.harness, mirroring.tenant.organization.id
    assert sorted(harness.run(mirroring.destination.mirrors.rows(organization, "users", [1, 2, 3]))) == [1, 3]


def rows_with(*identifiers: int) -> bytes:
    """Return a page of rows with these ids."""
    times = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
    return msgspec.json.encode([{"id": each, **times} for each in identifiers])


Pages: TypeAlias = Callable[[list[int]], bytes]

CIRCLES: Final[list[tuple[str, Pages]]] = [("the same rows", lambda ids: rows_with(*ids)), ("no rows", lambda _: b"[]")]


@pytest.mark.parametrize("page", [each[1] for each in CIRCLES], ids=[each[0] for each in CIRCLES])
def test_a_sweep_without_an_end_leaves_the_other_lists_their_turn(mirroring: Mirroring, page: Pages) -> None:
    mirroring.round()
    upstream = mirroring.upstream
    upstream.remove("interviews", TIMED)
    next_page = {"Link": f'<{upstream.base}/users?cursor=c0=>; rel="next"'}

    def circle(_: int) -> None:
        if "/users?" in upstream.asked[-1] and "updated_at" not in upstream.asked[-1]:
            upstream.faults.append(body(page(sorted(upstream.rows["users"], reverse=True)), next_page))

    upstream.before = circle
    before = len(upstream.asked)
    with pytest.raises(ServerResponseError, match="list of users"):
        mirroring.sweep()
    assert len(upstream.asked) - before <= len(REACHES) + 2
    mirroring.round()
    assert TIMED not in mirroring.interviews(), "the other lists were compared"
    mirroring.upstream.before = lambda _: None
    upstream.remove("users", v3_account.BOB)
    mirroring.sweep()
    assert state(mirroring).counters["gone"] == 2


def test_a_clock_that_was_ahead_once_hides_no_change(mirroring: Mirroring) -> None:
    mirroring.round()
    upstream, right = mirroring.upstream, mirroring.upstream.now
    upstream.advance(20 * 3_600_000)
    mirroring.round()
    upstream.now = right
    for location in ("Garden", "Roof"):
        upstream.advance(60_000)
        mirroring.clock.advance(60_000)
        upstream.put("interviews", {"id": TIMED, "location": location})
        mirroring.round()
        assert mirroring.interviews()[TIMED]["location"] == location


def test_a_position_that_is_ahead_falls_back(mirroring: Mirroring) -> None:
    mirroring.round()
    harness, mirrors = mirroring.tenant.harness, mirroring.destination.mirrors
    organization = mirroring.tenant.organization.id
    position = harness.run(mirrors.positions(organization))["interviews"]
    ahead = position._replace(newest=mirroring.clock() + 20 * 3_600_000)
    harness.run(mirrors.put(organization, [], ahead, mirroring.clock()))
    mirroring.upstream.put("interviews", {"id": TIMED, "location": "Garden"})
    mirroring.round()
    assert mirroring.interviews()[TIMED]["location"] == "Garden"


def test_a_long_wait_that_the_account_asks_for_is_waited(mirroring: Mirroring) -> None:
    upstream = mirroring.upstream
    first, busy = 2 * len(REACHES), [status(429, {"Retry-After": each}) for each in ("1800", "31536000")]
    upstream.before = lambda count: upstream.faults.append(busy.pop(0)) if first < count <= first + 2 else None
    assert run_until(mirroring, 4) == [10.0, 1800.0, 3600.0, 10.0]


def test_a_process_that_takes_over_while_the_account_is_down_goes_on(mirroring: Mirroring) -> None:
    mirroring.round()
    first = len(mirroring.upstream.asked)
    mirroring.upstream.before = lambda count: (
        mirroring.upstream.faults.append(status(403)) if count == first + 1 else None
    )
    assert run_until(mirroring, 2) == [20.0, 10.0]


def test_a_first_writing_that_was_cut_off_goes_on_with_changes(mirroring: Mirroring) -> None:
    early = str(Instant(mirroring.upstream.now - 86_400_000))
    mirroring.upstream.put("interviews", v3_account.interview(9010, updated_at=early))
    mirroring.restart_with(lambda ports: replace(ports, merger=_DyingMerger()))
    with pytest.raises(KilledError):
        mirroring.round()
    mirroring.restart()
    mirroring.round()
    seen = str(mirroring.upstream.now)
    assert [each["id"] for each in mirroring.interviews().values() if each["updated_at"] <= seen] == []
    assert len(mirroring.interviews()) == 3


def test_a_first_writing_that_is_cut_off_again_and_again_comes_to_an_end(mirroring: Mirroring) -> None:
    """Each run marked everything again: one that was cut off soon never got beyond the first records."""
    many = range(9_100, 9_100 + 3 * STEP)
    mirroring.upstream.put("interviews", *(v3_account.interview(each) for each in many))
    mirroring.restart_with(lambda ports: replace(ports, merger=_DyingMerger()))
    with pytest.raises(KilledError):
        mirroring.round()
    runs = 0
    while state(mirroring).loaded_at is None:
        runs += 1
        assert runs < 30
        mirroring.restart_with(lambda ports: replace(ports, writing=_DyingUnits(ports.writing)))
        with suppress(KilledError):
            mirroring.round()
    assert runs > 1
    assert {*many} <= mirroring.interviews().keys()


def test_a_list_that_is_new_after_a_first_writing_was_cut_off_marks_everything(
    mirroring: Mirroring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that reads another list meets records without marks, which do not have what that list brings."""
    mirroring.restart_with(lambda ports: replace(ports, merger=_DyingMerger()))
    with pytest.raises(KilledError):
        mirroring.round()
    mirroring.restart_with(lambda ports: replace(ports, writing=_DyingUnits(ports.writing)))
    with pytest.raises(KilledError):
        mirroring.round()
    harness, identifier = mirroring.tenant.harness, mirroring.tenant.organization.id
    harness.run(harness.store.mirrors.put(identifier, [], Position("job_interviews"), mirroring.clock()))
    marked: list[bool] = []
    mark = Writer.mark_everything

    async def noted(self: Writer) -> None:
        marked.append(True)
        await mark(self)

    monkeypatch.setattr(Writer, "mark_everything", noted)
    mirroring.restart()
    mirroring.round()
    assert marked == [True]
    assert state(mirroring).loaded_at is not None


class KilledError(BaseException):
    """The process is dead."""


class _DyingMerger:
    async def merge(self, *_: object, **__: object) -> MergeCounts:
        raise KilledError

    async def preview(self, *_: object, **__: object) -> MergeCounts:
        raise NotImplementedError

    async def checkpoint(self, *_: object) -> str | None:
        raise NotImplementedError


class _DyingUnits:
    """Does one unit of work, and dies at the next."""

    def __init__(self, units: UnitOfWorks) -> None:
        self._units = units
        self._done = 0

    async def write(
        self, organization: Organization, work: WriteOperation, idempotent: IdempotentRequest | None = None
    ) -> WriteResult:
        if self._done:
            raise KilledError
        self._done += 1
        return await self._units.write(organization, work, idempotent)

    async def delete_expired_keys(self, now: Instant) -> None:
        raise NotImplementedError


def run_until(mirroring: Mirroring, pauses: int) -> list[float]:
    """Follow until there were that number of pauses, and return them."""
    found: list[float] = []

    async def pause(seconds: float) -> None:
        found.append(seconds)
        if len(found) == pauses:
            raise EnoughError

    mirroring.pause = pause
    mirroring.restart()
    with pytest.raises(EnoughError):
        mirroring.tenant.harness.run(mirroring.follower.run(EVERY))
    return found


def test_rounds_follow_each_other_at_the_interval(mirroring: Mirroring) -> None:
    assert run_until(mirroring, 3) == [EVERY, EVERY, EVERY]
    assert len(mirroring.upstream.asked) == (1 + 3) * len(REACHES)


def test_failed_rounds_are_repeated_after_growing_pauses(mirroring: Mirroring) -> None:
    upstream = mirroring.upstream
    first = 2 * len(REACHES)
    upstream.before = lambda count: upstream.faults.append(status(403)) if first < count <= first + 6 else None
    assert run_until(mirroring, 8) == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 10.0]
    assert state(mirroring).error is None


def test_a_first_round_that_fails_is_raised(mirroring: Mirroring) -> None:
    mirroring.upstream.secret = "another"
    with pytest.raises(SourceError):
        mirroring.tenant.harness.run(mirroring.follower.run(EVERY))
    mirroring.upstream.faults.extend(20 * [status(500)])
    mirroring.upstream.secret = "upstream-client-s3cret"
    with pytest.raises(ServerUnavailableError):
        mirroring.tenant.harness.run(mirroring.follower.run(EVERY))


def test_a_process_that_does_not_lead_waits(mirroring: Mirroring) -> None:
    mirroring.leads = False
    assert run_until(mirroring, 2) == [1.0, 1.0]
    assert mirroring.upstream.asked == []
    with pytest.raises(MirroredElsewhereError):
        mirroring.round()


def test_a_process_that_lost_its_lead_writes_nothing(mirroring: Mirroring) -> None:
    mirroring.round()
    mirroring.upstream.put("interviews", {"id": TIMED, "location": "Garden"})

    def lose(_: int) -> None:
        mirroring.leads = False

    mirroring.upstream.before = lose
    with pytest.raises(LeaderLostError):
        mirroring.round()
    assert mirroring.interviews()[TIMED]["location"] == "Kitchen"
    mirroring.leads = True
    mirroring.upstream.before = lambda _: None
    mirroring.round()
    assert mirroring.interviews()[TIMED]["location"] == "Garden"


def test_a_mirror_that_was_ended_is_not_followed(mirroring: Mirroring) -> None:
    harness = mirroring.tenant.harness

    async def pause(_: float) -> None:
        await harness.store.mirrors.end(mirroring.tenant.organization)

    mirroring.pause = pause
    mirroring.restart()
    with pytest.raises(MirrorEndedError):
        harness.run(mirroring.follower.run(EVERY))


def test_a_change_is_owed_to_webhooks(mirroring: Mirroring) -> None:
    harness = mirroring.tenant.harness
    organization = mirroring.tenant.organization.id
    mirroring.round()
    engine = harness.store.engine
    added = harness.run(
        WebhookTable(engine).add(organization, "https://example.com", frozenset(Action), new_secret(), harness.clock())
    )
    assert added is not None
    mirroring.upstream.put("scorecards", {"id": v3_account.DRAFT, "status": "complete"})
    mirroring.round()
    owed = harness.run(DeliveryTable(engine).newest(organization, added.id, 10))
    assert sorted(each.action for each in owed) == [Action.INTERVIEW_UPDATED, Action.SCORECARD_SUBMITTED]


def test_requests_leave_the_loop_free(mirroring: Mirroring) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async def work() -> None:
        ticking = asyncio.create_task(tick())
        await mirroring.follower.run_once()
        ticking.cancel()

    mirroring.tenant.harness.run(work())
    assert ticks > len(mirroring.upstream.asked)
