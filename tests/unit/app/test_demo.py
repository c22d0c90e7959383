"""The demo's key opens the demo, and is stored nowhere."""

import asyncio
from collections.abc import Iterator

import pytest

from rowen import wiring
from rowen.app.demo import DEMO_KEY, DEMO_ORGANIZATION, DemoKeyring
from rowen.app.keys import digest, new_key
from rowen.interviews.moments import Instant
from rowen.store.database import Location, upgrade

NOW = Instant(0)


@pytest.fixture
def store(database: str) -> Iterator[wiring.Store]:
    upgrade(Location.parse(database))
    opened = wiring.open_store(Location.parse(database))
    yield opened
    asyncio.run(opened.engine.close())


def test_the_demo_key_opens_the_demo_only(store: wiring.Store) -> None:
    async def use() -> None:
        keyring = DemoKeyring(store.keys, store.organizations)
        assert await keyring.authenticate(digest(DEMO_KEY)) is None, "there is no demo yet"
        other = await store.organizations.create("other", "UTC", NOW)
        demo = await store.organizations.create(DEMO_ORGANIZATION, "UTC", NOW)
        key, stored = new_key("etl")
        await store.keys.create(other.id, stored, NOW)
        access = await keyring.authenticate(digest(DEMO_KEY))
        assert access is not None
        assert access.organization == demo
        real = await keyring.authenticate(digest(key))
        assert real is not None
        assert real.organization == other
        assert await keyring.authenticate(digest("nothing")) is None
        await keyring.record_use([(demo.id, access.key_id, NOW), (other.id, real.key_id, NOW)])
        assert [each.last_used_at for each in await store.keys.all()] == [NOW]
        assert await store.keys.authenticate(digest(DEMO_KEY)) is None, "no other server accepts it"

    asyncio.run(use())
