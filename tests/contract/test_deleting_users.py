"""`rowen users delete`, from a client's view: users that nothing refers to are gone at once, all others stay."""

from pathlib import Path
from typing import Any

import pytest

from rowen.imports.formats.csv_interviews import COLUMNS
from tests.support.command import rowen
from tests.support.imports import results
from tests.support.records import record
from tests.support.served_schedule import import_records, make_key
from tests.support.server import serving
from tests.support.storage import Storage

pytestmark = pytest.mark.slow

PHANTOMS = [101, 102, 103]


def test_phantom_users_can_be_deleted(storage: Storage, tmp_path: Path) -> None:
    """Users left by a misread file could act, and nothing could delete them."""
    database = storage.new_database(tmp_path)
    key = make_key(database, "one", "all")
    at = ("--organization", "one", "--database", database)
    import_records(database, "one", tmp_path, [record(101), record(104, organizer=None)])
    import_records(database, "one", tmp_path, [{"id": each} for each in PHANTOMS], "--resource", "users")
    with serving(database) as server, server.client(key) as client:

        def status_of(user: int) -> int:
            return client.get(f"/v1/users/{user}").status_code

        assert [status_of(each) for each in PHANTOMS] == [200, 200, 200]
        tag = client.get("/v1/users").headers["ETag"]
        assert rowen("users", "delete", "--nameless", "--dry-run", *at).stderr == "3 users would be deleted\n"
        assert client.get("/v1/users", headers={"If-None-Match": tag}).status_code == 304
        assert rowen("users", "delete", "--nameless", *at).stderr == "3 users deleted\n"
        assert [status_of(each) for each in PHANTOMS] == [404, 404, 404]
        assert client.get("/v1/users", headers={"If-None-Match": tag}).status_code == 200
        assert {each["id"] for each in client.get("/v1/users").json()} == {2000, 4080}
        assert len(client.get("/v1/scheduled_interviews").json()) == 2
    assert rowen("users", "delete", "--nameless", *at).stderr == "0 users deleted\n"
    assert rowen("db", "check", "--database", database).stdout == "ok\n"


def test_users_that_something_refers_to_stay(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    seat = {**record(1)["interviewers"][0], "id": 2}
    interview = record(9, organizer={**record(1)["organizer"], "id": 1}, interviewers=[seat])
    stage = {"id": 5, "job_id": 1, "interviews": [{"id": 6, "default_interviewer_users": [{"id": 5}]}]}
    around: list[Any] = [
        {"id": 7, "application_id": 8, "overall_recommendation": "yes", "interviewer": {"id": 3}, "submitted_by": None},
        {"id": 8, "applied_at": None, "prospect": False, "recruiter": {"id": 4}, "coordinator": "nobody"},
        {**stage, "priority": 0},
        {"id": 9, "is_private": False, "applications": [{"id": 8, "credited_to": {"id": 8}}]},
        {"id": 10, "openings": [], "hiring_team": {"recruiters": [{"id": 9}], "sourcers": None, "coordinators": []}},
    ]
    users = [{"id": each, "name": "Somebody", "site_admin": False} for each in range(1, 10)]
    make_key(database, "default", "all")
    import_records(database, "default", tmp_path, [interview, *around, *users])
    done = rowen("users", "delete", *map(str, range(1, 11)), "--database", database, status=1)
    assert done.stderr.splitlines() == [
        "rowen: there is no user 10",
        "rowen: user 1 cannot be deleted: interview 9 refers to them",
        "rowen: user 2 cannot be deleted: interview 9 refers to them",
        "rowen: user 3 cannot be deleted: scorecard 7 refers to them",
        "rowen: user 4 cannot be deleted: application 8 refers to them",
        "rowen: user 5 cannot be deleted: job stage 5 refers to them",
        "rowen: user 8 cannot be deleted: candidate 9 refers to them",
        "rowen: user 9 cannot be deleted: job 10 refers to them",
    ]
    assert rowen("users", "delete", "6", "7", "--database", database).stderr == "2 users deleted\n"
    assert "there is no user 6" in rowen("users", "delete", "6", "--database", database, status=1).stderr
    assert rowen("users", "delete", "--nameless", "--database", database).stderr == "0 users deleted\n"


@pytest.mark.parametrize("arguments", [[], ["1", "--nameless"]])
def test_ids_or_nameless(tmp_path: Path, arguments: list[str]) -> None:
    done = rowen("users", "delete", *arguments, "--database", f"sqlite:///{tmp_path}/rowen.db", status=2)
    assert "either ids or --nameless" in done.stderr


def test_no_csv_header_makes_phantom_users(storage: Storage, tmp_path: Path) -> None:
    """Every CSV was imported as users: now the remaining columns of an interview create none."""
    database = storage.new_database(tmp_path)
    headers = [",".join(COLUMNS[:number]) for number in (1, 2, 5, 10, 15, len(COLUMNS) - 1)]
    others = ["id,name", "id,first_name,last_name", "id,email,department", "id;title", "name,telephone", "1,a@b"]
    files = [tmp_path / f"{number}.csv" for number in range(len(headers) + len(others))]
    for file, header in zip(files, headers + others, strict=True):
        file.write_text(f"{header}\n{header.replace('id', '5', 1)}\n")
    for options, refused in ((["--keep-going"], files), (["--resource", "users"], files[: len(headers)])):
        status = 1
        done = rowen("import", *refused, *options, "--database", database, cwd=tmp_path, status=status)
        assert [file for file in refused if f"{file}:1: " not in done.stderr] == []
        resource = "users" if "users" in options else "unknown"
        assert results(done) == {resource: [len(refused), 0, 0, 0, 0, len(refused)]}
    rowen("organizations", "create", "default", "--database", database)
    assert rowen("users", "delete", "5", "--database", database, status=1).stderr == "rowen: there is no user 5\n"
