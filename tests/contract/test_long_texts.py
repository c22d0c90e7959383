"""Texts by which something is found, longer than databases index: the same on both engines (contract section 2)."""

import json
from pathlib import Path
from random import Random
from string import ascii_letters
from typing import Any, Final

import pytest

from rowen.interviews.search_terms import LONGEST, is_too_long
from tests.support import v3_account
from tests.support.command import rowen
from tests.support.harness import Tenant
from tests.support.imports import results
from tests.support.mirroring import mirroring_of
from tests.support.records import record
from tests.support.storage import Storage
from tests.support.v3_account import ALL_DAY, TIMED
from tests.support.v3_upstream import v3_upstream

pytestmark = pytest.mark.slow

LONG: Final = "".join(Random(1).choices(ascii_letters, k=20_000))
LIMIT: Final = LONG[:LONGEST]


def test_the_limit_counts_bytes() -> None:
    assert not is_too_long(None)
    assert not is_too_long(LIMIT)
    assert is_too_long(LIMIT + "x")
    assert not is_too_long("é" * (LONGEST // 2))
    assert is_too_long("é" * (LONGEST // 2 + 1))


def test_a_mirror_goes_on_with_texts_that_are_too_long(tenant: Tenant) -> None:
    with v3_upstream() as upstream, mirroring_of(tenant, upstream) as mirroring, tenant.open_client() as client:
        v3_account.fill(upstream)
        upstream.put("interviews", v3_account.interview(9004, external_event_id=LONG))
        upstream.put("interviews", v3_account.interview(9005, external_event_id=LIMIT))
        upstream.put("jobs", {"id": 41, "name": "x", "requisition_id": LONG}, {"id": 42, "requisition_id": LIMIT})
        upstream.put("jobs", {"id": 43, "requisition_id": f"{LIMIT}x"})
        upstream.put("users", v3_account.user(2005, "Lee", primary_email=f"{LONG}@example.com", employee_id=LONG))
        upstream.put("interviewers", v3_account.seat(3, ALL_DAY, email=f"{LONG}@example.com"))
        mirroring.round()
        assert set(mirroring.interviews()) == {TIMED, ALL_DAY, 9005}
        assert client.get("/v1/jobs/41").json()["requisition_id"] == LONG
        assert client.get("/v1/users/2005").json()["employee_id"] == LONG
        assert [each["id"] for each in client.get("/v1/jobs", params={"requisition_id": LIMIT}).json()] == [42]
        assert client.get("/v1/jobs", params={"requisition_id": f"{LIMIT}x"}).json() == []
        upstream.put("interviews", {"id": 9004, "external_event_id": "short"})
        upstream.put("users", v3_account.user(2006, "Kim", employee_id=LONG))
        mirroring.round()
        assert mirroring.interviews()[9004]["external_event_id"] == "short"
        assert client.get("/v1/users/2006").json()["employee_id"] == LONG


def test_an_import_names_an_event_id_that_is_too_long(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    path = written(tmp_path / "interviews.jsonl", record(1), record(2, external_event_id=LONG))
    failed = rowen("import", path, "--database", database, status=1)
    assert f"{path}:2" in failed.stderr
    assert "external_event_id: must have at most 1,000 bytes" in failed.stderr
    assert LONG not in failed.stderr


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("users", {"id": 1, "name": "Ann", "emails": [LONG], "employee_id": LONG}),
        ("jobs", {"id": 1, "name": "Baker", "requisition_id": LONG, "openings": [{"id": 2, "opening_id": LONG}]}),
        ("departments", {"id": 1, "name": "Bakery", "external_id": LONG}),
    ],
)
def test_an_import_keeps_other_texts_without_their_being_found(
    storage: Storage, tmp_path: Path, name: str, document: dict[str, Any]
) -> None:
    database = storage.new_database(tmp_path)
    path = written(tmp_path / f"{name}.jsonl", document)
    done = rowen("import", path, "--resource", name, "--database", database)
    assert results(done)[name][:2] == [1, 1]
    assert rowen("db", "check", "--database", database).stdout.strip() == "ok"


def written(path: Path, *documents: object) -> Path:
    """Return a file of these documents, one a line."""
    path.write_text("".join(f"{json.dumps(each)}\n" for each in documents))
    return path
