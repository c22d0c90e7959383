"""Applications of schema 0007 are found by their candidates after the upgrade, as those that are imported now."""

from pathlib import Path

from rowen.store.database import locate, upgrade
from tests.support.harness import opened
from tests.support.old_schema import database_of, insert
from tests.support.sql import fetch
from tests.support.storage import Storage


def test_the_candidates_of_applications_become_terms(storage: Storage, tmp_path: Path) -> None:
    database = database_of("0007", storage, tmp_path)
    insert(database, "organizations", 1, "one", "UTC", 0, 5, 1_700_000_000_000, 5, 0, "allow", 0, 0, None)
    for identifier, document in (
        (1, b'{"id":1,"candidate_id":9007199254740991,"answers":["\\u0000 \xc3\xb6"]}'),
        (2, b'{"id":2,"candidate_id":null}'),
        (3, None),
        (4, b'{"id":4,"candidate_id":7}'),
    ):
        row = (1, "applications", identifier, None, None, "active", document is None, document, None)
        insert(database, "records", *row)
    insert(database, "records", 1, "scorecards", 4, None, None, None, False, b'{"id":4,"candidate_id":8}', None)
    insert(database, "terms", 1, "applications", "candidate_id", "7", 4)
    insert(database, "terms", 1, "applications", "job_id", "5", 1)
    assert upgrade(locate(database))
    assert fetch(database, "SELECT resource, name, value, id FROM terms ORDER BY id, name") == [
        ("applications", "candidate_id", "9007199254740991", 1),
        ("applications", "job_id", "5", 1),
        ("applications", "candidate_id", "7", 4),
    ]


def test_imports_write_the_same_terms(database: str) -> None:
    with opened(database) as harness:
        tenant = harness.tenant("one")
        tenant.merge_records("applications", [{"id": 1, "candidate_id": 9_007_199_254_740_991, "jobs": [{"id": 5}]}])
    assert fetch(database, "SELECT resource, name, value, id FROM terms ORDER BY id, name") == [
        ("applications", "candidate_id", "9007199254740991", 1),
        ("applications", "job_id", "5", 1),
    ]
