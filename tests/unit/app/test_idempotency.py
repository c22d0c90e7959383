"""Repeated requests, in a unit of work: how long a result is kept, and what happens meanwhile."""

import asyncio

import pytest

from rowen.app.unit_of_work import IdempotentRequest, KeyReusedError, UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.moments import Instant
from rowen.store.unit_of_work.idempotency import KEPT
from tests.support.use_case_harness import BEFORE, UseCases

KEY = IdempotentRequest(1, "key", b"asked")


class Counter:
    """Work that counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    async def __call__(self, unit: UnitOfWork) -> WriteResult:
        """Do it once more."""
        self.done += 1
        await unit.begin_change()
        return WriteResult(b"%d" % self.done, "tag", "warning")


def test_an_answer_is_kept_for_a_day_and_then_forgotten(use_cases: UseCases) -> None:
    work = Counter()
    first = use_cases.run(use_cases.store.writing.write(use_cases.organization, work, KEY))
    assert first == WriteResult(b"1", "tag", "warning")
    for later in (0, 1, KEPT):
        use_cases.clock.instant = Instant(BEFORE + later)
        assert use_cases.run(use_cases.store.writing.write(use_cases.organization, work, KEY)) == first
    use_cases.clock.instant = Instant(BEFORE + KEPT + 1)
    assert use_cases.run(use_cases.store.writing.write(use_cases.organization, work, KEY)).body == b"2"
    assert use_cases.run(use_cases.store.writing.write(use_cases.organization, work, KEY)).body == b"2"


def test_after_a_day_the_key_stands_for_another_request(use_cases: UseCases) -> None:
    work = Counter()
    other = KEY._replace(fingerprint=b"else")
    use_cases.run(use_cases.store.writing.write(use_cases.organization, work, KEY))
    with pytest.raises(KeyReusedError):
        use_cases.run(use_cases.store.writing.write(use_cases.organization, work, other))
    use_cases.clock.instant = Instant(BEFORE + KEPT + 1)
    assert use_cases.run(use_cases.store.writing.write(use_cases.organization, work, other)).body == b"2"


def test_day_old_keys_are_deleted(use_cases: UseCases) -> None:
    work = Counter()
    use_cases.run(use_cases.store.writing.write(use_cases.organization, work, KEY))
    use_cases.clock.instant = Instant(BEFORE + KEPT + 1)
    use_cases.tick()
    use_cases.clock.instant = BEFORE  # if it were still stored, it would be returned now
    assert use_cases.run(use_cases.store.writing.write(use_cases.organization, work, KEY)).body == b"2"


def test_one_in_flight_holds_its_key(use_cases: UseCases) -> None:
    work = Counter()

    async def at_once() -> list[WriteResult | BaseException]:
        writes = [use_cases.store.writing.write(use_cases.organization, work, KEY) for _ in range(3)]
        other = use_cases.store.writing.write(use_cases.organization, work, KEY._replace(key="another"))
        return await asyncio.gather(*writes, other, return_exceptions=True)

    first, *refused, other = use_cases.run(at_once())
    assert isinstance(first, WriteResult)
    assert isinstance(other, WriteResult)
    assert [isinstance(each, Refusal) and each.code for each in refused] == [Code.IN_FLIGHT] * 2
    assert use_cases.run(use_cases.store.writing.write(use_cases.organization, work, KEY)) == first


def test_a_refusal_is_not_stored_and_its_key_is_free(use_cases: UseCases) -> None:
    async def refuse(unit: UnitOfWork) -> WriteResult:
        await unit.begin_change()
        raise Refusal(Code.CONFLICT)

    before = use_cases.fresh()
    for _ in range(2):
        with pytest.raises(Refusal):
            use_cases.run(use_cases.store.writing.write(use_cases.organization, refuse, KEY))
    assert use_cases.fresh() == before
    assert use_cases.run(use_cases.store.writing.write(use_cases.organization, Counter(), KEY)).body == b"1"


def test_keys_belong_to_an_api_key_of_an_organization(use_cases: UseCases) -> None:
    work = Counter()
    other = use_cases.run(use_cases.store.organizations.create("other", "UTC", BEFORE))
    for organization, key in (
        (use_cases.organization, KEY),
        (other, KEY),
        (use_cases.organization, KEY._replace(api_key=2)),
    ):
        use_cases.run(use_cases.store.writing.write(organization, work, key))
    assert work.done == 3
