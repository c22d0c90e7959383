"""Conditional reads, compression and caching headers (contract section 2, "Conditional reads")."""

import gzip
from pathlib import Path

import httpx
import pytest

from tests.support.records import record
from tests.support.served_schedule import HOME, LARGEST_ID, ServedSchedule, import_records, make_key

LIST = "/v1/scheduled_interviews?per_page=50"
PATHS = (
    LIST,
    "/v1/scheduled_interviews?created_after=2024-01-01&page=2&per_page=10",
    "/v1/applications/7003/scheduled_interviews",
    f"/v1/scheduled_interviews/{LARGEST_ID}",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_copy_that_is_still_good_is_not_sent_again(home: httpx.Client, path: str) -> None:
    tag = home.get(path).headers["etag"]
    for method in ("GET", "HEAD"):
        answer = home.request(method, path, headers={"If-None-Match": tag})
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == tag
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "content-type" not in answer.headers
        assert answer.headers["x-request-id"]
        assert answer.headers["x-ratelimit-remaining"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "form", ["*", '"other", {}', '{}, "other"', 'W/"a",{},W/"b"', "{weak}", "{strong}", '"with, comma", {}']
)
def test_every_form_of_the_condition_is_read(home: httpx.Client, path: str, form: str) -> None:
    tag = home.get(path).headers["etag"]
    strong = tag.removeprefix("W/")
    sent = form.replace("{}", tag).replace("{weak}", f"W/{strong}").replace("{strong}", strong)
    assert home.get(path, headers={"If-None-Match": sent}).status_code == 304


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("condition", ['"other"', 'W/"other"', '""', "", ",", "nonsense", '"unclosed', "\xff", "**"])
def test_another_copy_is_replaced(home: httpx.Client, path: str, condition: str) -> None:
    answer = home.get(path, headers={b"If-None-Match": condition.encode("latin-1")})
    assert answer.status_code == 200
    assert answer.content


def test_a_condition_does_not_hide_a_refusal(schedule: ServedSchedule, home: httpx.Client) -> None:
    condition = {"If-None-Match": "*"}
    assert home.get("/v1/scheduled_interviews?page=0", headers=condition).status_code == 422
    assert home.get("/v1/scheduled_interviews/1", headers=condition).status_code == 404
    assert home.get("/v1/applications/1/scheduled_interviews", headers=condition).status_code == 404
    with schedule.server.client() as nobody:
        assert nobody.get("/v1/scheduled_interviews", headers=condition).status_code == 401


def test_tags_differ_by_query_by_organization_and_by_document(schedule: ServedSchedule, home: httpx.Client) -> None:
    paths = ("/v1/scheduled_interviews", LIST, f"{LIST}&page=2", f"{LIST}&created_after=2024-01-01", *PATHS[2:])
    tags = {home.get(path).headers["etag"] for path in paths}
    tags.add(home.get(f"/v1/scheduled_interviews/{schedule.home[0]['id']}").headers["etag"])
    with schedule.server.client(schedule.keys["auckland"]) as other:
        tags.add(other.get("/v1/scheduled_interviews").headers["etag"])
    assert len(tags) == len(paths) + 2


def test_tags_of_lists_are_weak_and_of_documents_strong(home: httpx.Client) -> None:
    assert home.get(LIST).headers["etag"].startswith('W/"')
    assert home.get(PATHS[-1]).headers["etag"].startswith('"')
    assert home.get(LIST).headers["etag"] == home.get(LIST).headers["etag"]


def test_links_of_another_host_are_another_copy(home: httpx.Client) -> None:
    tag = home.get(LIST).headers["etag"]
    answer = home.get(LIST, headers={"If-None-Match": tag, "X-Forwarded-Proto": "https"})
    assert answer.status_code == 200
    assert answer.links["next"]["url"].startswith("https://")


@pytest.mark.slow
def test_an_import_makes_old_copies_bad_and_one_that_changes_nothing_does_not(
    schedule: ServedSchedule, tmp_path: Path
) -> None:
    key = make_key(schedule.database, "conditional", "reader")
    records = [record(number, application_id=1) for number in range(1, 31)]
    import_records(schedule.database, "conditional", tmp_path, records)
    paths = ("/v1/scheduled_interviews", "/v1/applications/1/scheduled_interviews", "/v1/scheduled_interviews/7")
    with schedule.server.client(key) as client:
        tags = {path: client.get(path).headers["etag"] for path in paths}
        import_records(schedule.database, "conditional", tmp_path, records)
        for path in paths:
            assert client.get(path, headers={"If-None-Match": tags[path]}).status_code == 304
        changed = record(7, application_id=1, location="Elsewhere", updated_at="2024-06-01T00:00:00.000Z")
        import_records(schedule.database, "conditional", tmp_path, [changed])
        for path in paths:
            answer = client.get(path, headers={"If-None-Match": tags[path]})
            assert answer.status_code == 200
            assert answer.headers["etag"] != tags[path]
            assert b"Elsewhere" in answer.content
        assert client.get("/v1/scheduled_interviews/8").headers["etag"] != tags[paths[2]]


@pytest.mark.parametrize(
    "accepted", ["gzip", "GZIP", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1", "*", "x-gzip"]
)
def test_a_page_is_compressed_for_clients_that_accept_it(home: httpx.Client, accepted: str) -> None:
    plain = home.get(LIST)
    with home.stream("GET", LIST, headers={"Accept-Encoding": accepted}) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(body) < len(plain.content) / 4
    assert gzip.decompress(body) == plain.content
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["link"] == plain.headers["link"]


@pytest.mark.parametrize(
    "refused", ["identity", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "deflate", "gzip;q=nonsense", ""]
)
def test_a_page_is_plain_for_clients_that_do_not(home: httpx.Client, refused: str) -> None:
    answer = home.get(LIST, headers={"Accept-Encoding": refused})
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.json()


def test_a_compressed_copy_is_as_good_as_a_plain_one(home: httpx.Client) -> None:
    compressed = home.get(LIST, headers={"Accept-Encoding": "gzip"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert home.get(LIST, headers={"If-None-Match": compressed.headers["etag"]}).status_code == 304


def test_a_strong_tag_identifies_one_sequence_of_bytes(home: httpx.Client) -> None:
    tags: dict[str, set[bytes]] = {}
    for accepted in ("gzip", "identity"):
        with home.stream("GET", PATHS[-1], headers={"Accept-Encoding": accepted}) as answer:
            tags.setdefault(answer.headers["etag"], set()).add(b"".join(answer.iter_raw()))
    assert all(len(bodies) == 1 for bodies in tags.values())


def test_responses_are_kept_from_shared_caches(schedule: ServedSchedule, home: httpx.Client) -> None:
    for path in PATHS:
        assert "private" in home.get(path).headers["cache-control"]
    assert schedule.keys[HOME] not in str(home.get(LIST).headers)
