"""Keys and organizations: unique names, immediate revocation, lookup only by digest."""

import pytest

from rowen.app.keys import PERMISSIONS, digest, new_key
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from tests.support.harness import Harness

NOW = Instant(1_700_000_000_000)
LATER = Instant(NOW + 1)


def test_an_organization_is_found_as_it_was_made(harness: Harness) -> None:
    made = harness.run(harness.store.organizations.create("Größe 😀", "Asia/Tokyo", NOW))
    assert harness.run(harness.store.organizations.find("Größe 😀")) == made
    assert harness.run(harness.store.organizations.find("größe 😀")) is None
    assert (made.revision, made.interview_count, made.created_at) == (0, 0, NOW)


def test_organizations_are_listed_by_name(harness: Harness) -> None:
    for name in ("b", "a", "c"):
        harness.run(harness.store.organizations.create(name, "UTC", NOW))
    assert [each.name for each in harness.run(harness.store.organizations.all())] == ["a", "b", "c"]


def test_a_name_that_is_taken_is_a_conflict(harness: Harness) -> None:
    one = harness.run(harness.store.organizations.create("one", "UTC", NOW))
    with pytest.raises(Refusal, match="organization 'one' already") as refused:
        harness.run(harness.store.organizations.create("one", "UTC", NOW))
    assert refused.value.code is Code.CONFLICT
    harness.run(harness.store.keys.create(one.id, new_key("etl")[1], NOW))
    with pytest.raises(Refusal, match="key 'etl' already") as refused:
        harness.run(harness.store.keys.create(one.id, new_key("etl")[1], NOW))
    assert refused.value.code is Code.CONFLICT
    two = harness.run(harness.store.organizations.create("two", "UTC", NOW))
    harness.run(harness.store.keys.create(two.id, new_key("etl")[1], NOW))
    assert len(harness.run(harness.store.keys.all())) == 2


def test_a_key_opens_its_organization_until_it_is_revoked(harness: Harness) -> None:
    one = harness.run(harness.store.organizations.create("one", "UTC", NOW))
    key, stored = new_key("etl", allow=["scheduled_interviews:list"], rate_limit=7)
    harness.run(harness.store.keys.create(one.id, stored, NOW))
    access = harness.run(harness.store.keys.authenticate(digest(key)))
    assert access is not None
    assert (access.organization, access.permissions, access.rate_limit) == (
        one,
        frozenset(["scheduled_interviews:list"]),
        7,
    )
    assert harness.run(harness.store.keys.authenticate(digest(key + "x"))) is None
    assert not harness.run(harness.store.keys.revoke(OrganizationId(99), "etl", LATER))
    assert harness.run(harness.store.keys.revoke(one.id, "etl", LATER))
    assert harness.run(harness.store.keys.authenticate(digest(key))) is None
    assert not harness.run(harness.store.keys.revoke(one.id, "etl", LATER)), "it is revoked already"
    (listed,) = harness.run(harness.store.keys.all())
    assert (listed.revoked_at, listed.prefix) == (LATER, key[:12])


def test_the_use_of_keys_is_kept(harness: Harness) -> None:
    one = harness.run(harness.store.organizations.create("one", "UTC", NOW))
    for name in ("a", "b"):
        harness.run(harness.store.keys.create(one.id, new_key(name)[1], NOW))
    harness.run(harness.store.keys.record_use([(one.id, 2, LATER)]))
    found = {each.name: (each.last_used_at, each.permissions) for each in harness.run(harness.store.keys.all())}
    assert found == {"a": (None, frozenset(PERMISSIONS)), "b": (LATER, frozenset(PERMISSIONS))}
    assert harness.run(harness.store.organizations.find("one")) == one, "reading is no commit"
