"""Rows of mirrors of schema 0008 are found by their people after the upgrade, and counted."""

from pathlib import Path

from rowen.store.database import locate, upgrade
from tests.support.old_schema import database_of, insert
from tests.support.sql import fetch
from tests.support.storage import Storage


def test_rows_of_mirrors_are_found_by_their_people_and_counted(storage: Storage, tmp_path: Path) -> None:
    database = database_of("0008", storage, tmp_path)
    insert(database, "mirrors", 1, "https://example.com/v3", 5, 5, 5, None, None, b"{}")
    for resource in ("applications", "scorecards", "users"):
        insert(database, "mirror_positions", 1, resource, None, True, 5, None, None, None)
    for resource, identifier, document, person in (
        ("applications", 1, b'{"id":1,"recruiter_id":7,"coordinator_id":8}', None),
        ("applications", 2, b'{"id":2}', None),
        ("scorecards", 3, b'{"id":3,"submitter_id":9}', 6),
    ):
        insert(database, "mirror_rows", 1, resource, identifier, 5, document, None, person, None)
    assert upgrade(locate(database))
    assert fetch(database, "SELECT id, person_id, other_person_id FROM mirror_rows ORDER BY id") == [
        (1, 7, 8),
        (2, None, None),
        (3, 6, 9),
    ]
    assert fetch(database, "SELECT resource, held FROM mirror_positions ORDER BY resource") == [
        ("applications", 2),
        ("scorecards", 1),
        ("users", 0),
    ]
