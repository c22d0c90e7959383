"""Requests that are sent again, at the desk: how long an answer is kept, and what happens meanwhile."""

import asyncio

import pytest

from rowen.app.desk import Desk, Repetition, Written
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.moments import Instant
from rowen.store.repetitions import KEPT
from tests.unit.app.office import BEFORE, Office

KEY = Repetition(1, "key", b"asked")


class Counter:
    """Work that is done a number of times."""

    def __init__(self) -> None:
        self.done = 0

    async def __call__(self, desk: Desk) -> Written:
        """Do it once more."""
        self.done += 1
        await desk.stamp()
        return Written(b"%d" % self.done, "tag", "warning")


def test_an_answer_is_kept_for_a_day_and_then_forgotten(office: Office) -> None:
    work = Counter()
    first = office.run(office.writing.write(office.organization, work, KEY))
    assert first == Written(b"1", "tag", "warning")
    for later in (0, 1, KEPT):
        office.now = Instant(BEFORE + later)
        assert office.run(office.writing.write(office.organization, work, KEY)) == first
    office.now = Instant(BEFORE + KEPT + 1)
    assert office.run(office.writing.write(office.organization, work, KEY)).body == b"2"
    assert office.run(office.writing.write(office.organization, work, KEY)).body == b"2"


def test_after_a_day_the_key_stands_for_another_request(office: Office) -> None:
    work = Counter()
    other = KEY._replace(fingerprint=b"else")
    office.run(office.writing.write(office.organization, work, KEY))
    with pytest.raises(Refusal) as refused:
        office.run(office.writing.write(office.organization, work, other))
    assert (refused.value.code, refused.value.problems[0].field) == (Code.INVALID, "Idempotency-Key")
    office.now = Instant(BEFORE + KEPT + 1)
    assert office.run(office.writing.write(office.organization, work, other)).body == b"2"


def test_the_clock_lets_go_of_what_is_a_day_old(office: Office) -> None:
    work = Counter()
    office.run(office.writing.write(office.organization, work, KEY))
    office.now = Instant(BEFORE + KEPT + 1)
    office.tick()
    office.now = BEFORE  # were it still kept, it would answer now
    assert office.run(office.writing.write(office.organization, work, KEY)).body == b"2"


def test_one_in_flight_holds_its_key(office: Office) -> None:
    work = Counter()

    async def at_once() -> list[Written | BaseException]:
        writes = [office.writing.write(office.organization, work, KEY) for _ in range(3)]
        other = office.writing.write(office.organization, work, KEY._replace(key="another"))
        return await asyncio.gather(*writes, other, return_exceptions=True)

    first, *refused, other = office.run(at_once())
    assert isinstance(first, Written)
    assert isinstance(other, Written)
    assert [isinstance(each, Refusal) and each.code for each in refused] == [Code.IN_FLIGHT] * 2
    assert office.run(office.writing.write(office.organization, work, KEY)) == first


def test_what_is_refused_is_not_kept_and_its_key_is_free(office: Office) -> None:
    async def refuse(desk: Desk) -> Written:
        await desk.stamp()
        raise Refusal(Code.CONFLICT)

    before = office.fresh()
    for _ in range(2):
        with pytest.raises(Refusal):
            office.run(office.writing.write(office.organization, refuse, KEY))
    assert office.fresh() == before
    assert office.run(office.writing.write(office.organization, Counter(), KEY)).body == b"1"


def test_keys_belong_to_an_api_key_of_an_organization(office: Office) -> None:
    work = Counter()
    other = office.run(office.store.organizations.create("other", "UTC", BEFORE))
    for organization, key in ((office.organization, KEY), (other, KEY), (office.organization, KEY._replace(api_key=2))):
        office.run(office.writing.write(organization, work, key))
    assert work.done == 3
