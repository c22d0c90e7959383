"""Statements are compiled when they are first run: that all of them can be is proven here, on every engine."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rowen import wiring
from rowen.harvest import documents
from rowen.store.conflicts import ConflictFinder
from rowen.store.database import locate, open_engine
from rowen.store.due import DueInterviews
from rowen.store.engine import Insertion, Prepared
from rowen.store.outbox import Outbox
from rowen.store.positions import ImportPositions
from rowen.store.webhooks import WebhookTable
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
    monkeypatch.setattr(wiring, "open_engine", lambda _: engine)
    wiring.open_store(location)
    for room in (Outbox, WebhookTable, DueInterviews, ImportPositions, partial(ConflictFinder, codec=documents)):
        room(engine)
    assert len(prepared) > 100
    for each in prepared:
        statement = each.statement if isinstance(each, Insertion) else each
        assert statement.text
        assert statement.bind(dict.fromkeys(statement.parameters)) == [None] * len(statement.parameters)
