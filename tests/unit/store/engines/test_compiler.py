"""Statements are compiled on first use: this test shows that all of them can be, on every engine."""

from collections.abc import Callable
from functools import partial
from inspect import getmembers
from pathlib import Path
from typing import Any

import pytest

from rowen import wiring
from rowen.api.codec import documents
from rowen.store.database import locate, open_engine
from rowen.store.engines.base import Insertion, Prepared
from rowen.store.import_checkpoints import ImportCheckpoints
from rowen.store.interviews.conflicts import ConflictFinder
from rowen.store.unit_of_work.due_interviews import DueInterviewFinder
from rowen.store.webhooks.outbox import Outbox
from rowen.store.webhooks.subscriptions import WebhookTable
from tests.support.storage import Storage


def test_every_statement_can_be_compiled(storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = locate(storage.new_database(tmp_path))
    engine = open_engine(location)
    prepared: list[Prepared | Insertion] = []

    def recorded(prepare: Callable[..., Prepared | Insertion]) -> Callable[..., Prepared | Insertion]:
        def record(*given: Any) -> Prepared | Insertion:
            prepared.append(prepare(*given))
            return prepared[-1]

        return record

    monkeypatch.setattr(engine, "prepare", recorded(engine.prepare))
    monkeypatch.setattr(engine, "prepare_insert", recorded(engine.prepare_insert))
    monkeypatch.setattr("rowen.store.database.open_engine", lambda _: engine)
    getmembers(wiring.open_store(location))  # each part is built when it is first used
    for room in (Outbox, WebhookTable, DueInterviewFinder, ImportCheckpoints, partial(ConflictFinder, codec=documents)):
        room(engine)
    assert len(prepared) > 100
    for each in prepared:
        statement = each.statement if isinstance(each, Insertion) else each
        assert statement.text
        assert statement.bind(dict.fromkeys(statement.parameters)) == [None] * len(statement.parameters)
