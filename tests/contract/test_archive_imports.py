"""Importing what the archive keeps: how its resource is known, what is refused, and which of two versions is kept."""

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from rowen.app.archive import KEPT
from tests.support.command import rowen
from tests.support.served_schedule import make_key
from tests.support.server import serving
from tests.support.storage import Storage

pytestmark = pytest.mark.slow


def bring(database: str, path: Path, content: bytes, *options: str, status: int = 0) -> tuple[str, str]:
    """Write a file and import it; return what the command prints on both streams."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    done = rowen("import", path, "--database", database, *options, status=status)
    return done.stdout, done.stderr


def served(database: str, path: str) -> Any:
    """Return what a server answers."""
    key = make_key(database, "default", "reader")
    with serving(database) as server, server.client(key) as client:
        return client.get(path)


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("offers.json", ()),
        ("Offers.JSONL", ()),
        ("greenhouse_offers-2026-08-31.ndjson", ()),
        ("list_offer.json", ()),
        ("dump.json", ("--resource", "offers")),
        ("sources.json", ("--resource", "offers")),
    ],
)
def test_the_name_of_a_file_says_what_is_in_it(
    storage: Storage, tmp_path: Path, file: str, options: tuple[str, ...]
) -> None:
    database = storage.new_database(tmp_path)
    out, _ = bring(database, tmp_path / file, b'{"id":1,"application_id":2,"job_id":3}\n', *options)
    assert "offers" in out
    assert served(database, "/v1/offers").content == b'[{"id":1,"application_id":2,"job_id":3}]'


def test_streams_of_elt_tools(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    lines = [
        {"type": "RECORD", "stream": "offers", "record": {"id": 1, "version": 1}},
        {"type": "RECORD", "record": {"stream": "departments", "data": {"id": 2, "name": "Sales"}}},
        {
            "type": "RECORD",
            "record": {"stream": "demographics_question_sets_questions", "data": {"name": "x", "id": 3}},
        },
        {"type": "RECORD", "record": {"stream": "eeoc", "data": {"application_id": 4}}},
        {"type": "RECORD", "stream": "nothing_known", "record": {"id": 5}},
        {"type": "STATE", "value": {}},
    ]
    out, err = bring(database, tmp_path / "tap.jsonl", b"\n".join(map(msgspec.json.encode, lines)))
    assert 'records of the stream "nothing_known"' in err
    for name in ("offers", "departments", "demographics_questions", "eeoc"):
        assert name in out
    assert served(database, "/v1/demographics/questions").content == b'[{"name":"x","id":3}]'


def test_a_folder_of_every_resource(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    folder = tmp_path / "dump"
    folder.mkdir()
    for name in KEPT:
        document = {"id": 1, "application_id": 1, "candidate_id": 1}
        (folder / f"{name}.json").write_bytes(msgspec.json.encode([document]))
    done = rowen("import", folder, "--database", database)
    assert all(name in done.stdout for name in KEPT)
    rowen("db", "check", "--database", database)


def test_numbers_and_text_are_kept_as_they_were(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    bring(
        database,
        tmp_path / "offers.json",
        b'[ {"z": 1.10, "id":\n1, "a": 123456789012345678901234567890, "e": 1E+400, '
        b'"t": "\\u00e9", "n": null, "l": [ 1 ,2]} ]',
    )
    assert (
        served(database, "/v1/offers").content
        == '[{"z":1.10,"id":1,"a":123456789012345678901234567890,"e":1E+400,"t":"é","n":null,"l":[1,2]}]'.encode()
    )


def test_a_post_with_a_number_of_any_size_is_shown_for_its_job(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    bring(
        database, tmp_path / "jobs.json", b'[{"id":52,"name":"Pilot","status":"open","openings":[],"hiring_team":{}}]'
    )
    posts = [b'{"id":1,"job_id":52,"live":1E+400}', b'{"id":2,"job_id":52,"live":true,"active":9E+999}']
    bring(database, tmp_path / "job_posts.json", b"[%b]" % b",".join(posts))
    assert served(database, "/v1/jobs/52/job_post").content == posts[1]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("offers.jsonl", b'{"id":1}\n{"version":1}\n', "offers.jsonl:2: id: is missing: offers are kept by it"),
        ("offers.jsonl", b'{"id":"1"}\n', 'offers.jsonl:1: id: must be an integer from 1 to 9007199254740991 ("1")'),
        (
            "offers.jsonl",
            b'{"id":1,"x":1e99999999999999999999999}\n',
            "offers.jsonl:1: record: has a number that is too",
        ),
        ("offers.jsonl", b'{"id":0}\n', "offers.jsonl:1: id: must be an integer"),
        ("offers.jsonl", b'{"id":true}\n', "offers.jsonl:1: id: must be an integer"),
        ("offers.jsonl", b'{"id":1,"created_at":"soon"}\n', "offers.jsonl:1: created_at: "),
        ("offers.jsonl", b'{"id":1,"updated_at":7}\n', "offers.jsonl:1: updated_at: "),
        ("offers.jsonl", b'{"id":1,"updated_at":"2999-01-01"}\n', "more than a day in the future"),
        ("eeoc.jsonl", b'{"id":1}\n', "eeoc.jsonl:1: application_id: is missing: EEOC answers are kept by it"),
        ("offers.json", b'[{"id":1},\n 5]', "expected a record in braces"),
        ("offers.csv", b"id,version\n1,2\n", "offers cannot be imported from CSV, only from JSON"),
    ],
)
def test_bad_documents_are_named_by_file_and_line(
    storage: Storage, tmp_path: Path, file: str, content: bytes, message: str
) -> None:
    database = storage.new_database(tmp_path)
    _, err = bring(database, tmp_path / file, content, status=1)
    assert message in err


def test_the_newer_document_is_kept_and_without_a_time_the_later_import(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    for text in (
        b'[{"id":1,"v":"new","updated_at":"2024-02-02T00:00:00Z"},{"id":2,"v":"z"}]',
        b'[{"id":1,"v":"old","updated_at":"2024-02-01T00:00:00Z"},{"id":2,"v":"a"}]',
    ):
        out, _ = bring(database, tmp_path / "offers.json", text)
    assert out.split()[-7:] == ["offers", "2", "0", "1", "0", "1", "0"]
    assert [each["v"] for each in served(database, "/v1/offers").json()] == ["new", "a"]


def test_times_in_the_future_are_clamped_and_repaired(storage: Storage, tmp_path: Path) -> None:
    database = storage.new_database(tmp_path)
    content = b'[{"id":1,"updated_at":"2999-01-01T00:00:00Z","more":1.50}]'
    bring(database, tmp_path / "offers.json", content, "--clamp-updated-at")
    answer: httpx.Response = served(database, "/v1/offers")
    assert answer.json()[0]["updated_at"] < "2999"
    assert answer.content.endswith(b',"more":1.50}]')
    rowen("db", "check", "--database", database)
