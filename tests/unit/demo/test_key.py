"""The demo's key works in the demo, and is stored nowhere."""

from rowen import wiring
from rowen.app.keys import digest, new_key
from rowen.demo.key import DEMO_KEY, DEMO_ORGANIZATION, DemoKeyring
from rowen.interviews.moments import Instant
from rowen.store.database import locate, upgrade

NOW = Instant(0)


async def test_the_demo_key_opens_the_demo_only(database: str) -> None:
    upgrade(locate(database))

    async def use(store: wiring.Store) -> None:
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
        await keyring.record_use([(demo.id, access.id, NOW), (other.id, real.id, NOW)])
        assert [each.last_used_at for each in await store.keys.all()] == [NOW]
        assert await store.keys.authenticate(digest(DEMO_KEY)) is None, "no other server accepts it"

    async with wiring.opened(locate(database)) as store:
        await use(store)
