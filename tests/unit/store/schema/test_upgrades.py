"""A database of the schema before the newest is upgraded with its content."""

from pathlib import Path
from typing import Any, Final

import pytest

from rowen.app.deliveries import DeliveryState, OneDelivery
from rowen.app.subscriptions import Action, WebhookId
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant
from rowen.store.database import locate, open_engine, upgrade
from rowen.store.webhooks.deliveries import DeliveryTable
from rowen.store.webhooks.subscriptions import WebhookTable
from rowen.wiring import check
from tests.support.old_schema import database_of, insert
from tests.support.sql import fetch
from tests.support.storage import Storage

pytestmark = pytest.mark.slow

HERE: Final = OrganizationId(1)
HOOK: Final = WebhookId(1)
NOW: Final = Instant(1_700_000_000_000)
BODY: Final = b'{"action":"interview_updated"}'


@pytest.fixture
def old(storage: Storage, tmp_path: Path) -> str:
    """Return a database of schema 0003 with a webhook and its deliveries."""
    database = database_of("0003", storage, tmp_path)
    insert(database, "organizations", 1, "one", "UTC", 0, 5, 1_700_000_000_000, 5, 0, "allow", 0)
    url = "https://a.example/"
    insert(database, "webhooks", 1, 1, url, "interview_updated", "s", None, None, True, None, 0)
    for revision, state in ((3, "delivered"), (4, "failed"), (5, "pending")):
        event = (f"msg_{revision}", state, 10, 0, 204, None, 0, 7, BODY)
        insert(database, "deliveries", 1, 1, revision, "interview_updated", *event)
        insert(database, "changes", 1, revision, 7, "cancelled", 100 + revision, b"{}", None)
    return database


async def test_deliveries_of_an_older_database_are_shown_and_sent_again(old: str) -> None:
    before: list[tuple[Any, ...]] = fetch(old, "SELECT * FROM deliveries ORDER BY revision")
    assert upgrade(locate(old))
    assert not upgrade(locate(old))
    assert check(locate(old)) == []
    after = fetch(old, "SELECT * FROM deliveries ORDER BY revision")
    assert after == [(*row, None, None) for row in before]

    engine = open_engine(locate(old))
    log = DeliveryTable(engine)
    found = await WebhookTable(engine).find(HERE, HOOK)
    assert found is not None
    assert found.allowed_host is None
    listed = await log.newest(HERE, HOOK, 10)
    assert [each.interview_id for each in listed] == [105, 104, 103]
    assert {each.action for each in listed} == {Action.INTERVIEW_UPDATED}
    assert await log.resend(HERE, HOOK, OneDelivery("msg_4"), NOW) == 1
    detail = await log.find(HERE, HOOK, "msg_4")
    assert detail is not None
    assert (detail.body, detail.last_answer, detail.delivery.state) == (BODY, None, DeliveryState.PENDING)
    await engine.close()
