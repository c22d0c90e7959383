"""Keys and organizations: no two of one name, revoked at once, found by digest only."""

import asyncio
from collections.abc import Awaitable, Iterator
from typing import TypeVar

import pytest

from rowen import wiring
from rowen.app.keys import PERMISSIONS, digest, new_key
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.database import locate, upgrade

Result = TypeVar("Result")
NOW = Instant(1_700_000_000_000)
LATER = Instant(NOW + 1)


class Desk:
    """A store whose uses are run one by one."""

    def __init__(self, store: wiring.Store, runner: asyncio.Runner) -> None:
        self.store = store
        self.keys = store.keys
        self.organizations = store.organizations
        self._runner = runner

    def run(self, use: Awaitable[Result]) -> Result:
        async def whole() -> Result:
            return await use

        return self._runner.run(whole())


@pytest.fixture
def desk(database: str) -> Iterator[Desk]:
    location = locate(database)
    upgrade(location)
    with asyncio.Runner() as runner:
        opened = Desk(wiring.open_store(location), runner)
        yield opened
        opened.run(opened.store.engine.close())


def test_an_organization_is_found_as_it_was_made(desk: Desk) -> None:
    made = desk.run(desk.organizations.create("Größe 😀", "Asia/Tokyo", NOW))
    assert desk.run(desk.organizations.find("Größe 😀")) == made
    assert desk.run(desk.organizations.find("größe 😀")) is None
    assert (made.revision, made.interview_count, made.created_at) == (0, 0, NOW)


def test_organizations_are_listed_by_name(desk: Desk) -> None:
    for name in ("b", "a", "c"):
        desk.run(desk.organizations.create(name, "UTC", NOW))
    assert [each.name for each in desk.run(desk.organizations.all())] == ["a", "b", "c"]


def test_a_name_that_is_taken_is_a_conflict(desk: Desk) -> None:
    one = desk.run(desk.organizations.create("one", "UTC", NOW))
    with pytest.raises(Refusal, match="organization 'one' already") as refused:
        desk.run(desk.organizations.create("one", "UTC", NOW))
    assert refused.value.code is Code.CONFLICT
    desk.run(desk.keys.create(one.id, new_key("etl")[1], NOW))
    with pytest.raises(Refusal, match="key 'etl' already") as refused:
        desk.run(desk.keys.create(one.id, new_key("etl")[1], NOW))
    assert refused.value.code is Code.CONFLICT
    two = desk.run(desk.organizations.create("two", "UTC", NOW))
    desk.run(desk.keys.create(two.id, new_key("etl")[1], NOW))
    assert len(desk.run(desk.keys.all())) == 2


def test_a_key_opens_its_organization_until_it_is_revoked(desk: Desk) -> None:
    one = desk.run(desk.organizations.create("one", "UTC", NOW))
    key, stored = new_key("etl", allow=["scheduled_interviews:list"], rate_limit=7)
    desk.run(desk.keys.create(one.id, stored, NOW))
    access = desk.run(desk.keys.authenticate(digest(key)))
    assert access is not None
    assert (access.organization, access.permissions, access.rate_limit) == (
        one,
        frozenset(["scheduled_interviews:list"]),
        7,
    )
    assert desk.run(desk.keys.authenticate(digest(key + "x"))) is None
    assert not desk.run(desk.keys.revoke(OrganizationId(99), "etl", LATER))
    assert desk.run(desk.keys.revoke(one.id, "etl", LATER))
    assert desk.run(desk.keys.authenticate(digest(key))) is None
    assert not desk.run(desk.keys.revoke(one.id, "etl", LATER)), "it is revoked already"
    (listed,) = desk.run(desk.keys.all())
    assert (listed.revoked_at, listed.prefix) == (LATER, key[:12])


def test_the_use_of_keys_is_kept(desk: Desk) -> None:
    one = desk.run(desk.organizations.create("one", "UTC", NOW))
    for name in ("a", "b"):
        desk.run(desk.keys.create(one.id, new_key(name)[1], NOW))
    desk.run(desk.keys.record_use([(one.id, 2, LATER)]))
    found = {each.name: (each.last_used_at, each.permissions) for each in desk.run(desk.keys.all())}
    assert found == {"a": (None, frozenset(PERMISSIONS)), "b": (LATER, frozenset(PERMISSIONS))}
    assert desk.run(desk.organizations.find("one")) == one, "reading is no commit"
