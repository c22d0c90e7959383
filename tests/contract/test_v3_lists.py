"""The lists of Harvest v3: parameters, cursors, errors and rate limits (contract section 11)."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from rowen.api.reading.v3_query import next_link, read_v3_list
from rowen.api.v3.lists import LISTS
from rowen.app.scopes import SCOPES
from tests.support.harness import Harness, Tenant, served
from tests.support.storage import Storage
from tests.support.tokens import bearer, make_client, new_token, token_of

pytestmark = pytest.mark.slow

TABLE: Final = Path(__file__).parents[2] / "src/rowen/api/v3/lists.tsv"
UNPROCESSABLE: Final = "Unprocessable Content"


@pytest.fixture(scope="module")
def client(harness: Harness) -> Iterator[httpx.Client]:
    """Return a client with a token for everything, of an organization without records."""
    tenant = harness.tenant()
    with harness.server.client() as made:
        made.headers.update(bearer(new_token(tenant)))
        yield made


def problems(client: httpx.Client, query: str, name: str = "interviews") -> list[Any]:
    """Return the problems of a query."""
    answer = client.get(f"/v3/{name}?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["x-ratelimit-reset"]
    found = answer.json()
    assert found.pop("message") == UNPROCESSABLE
    errors: list[Any] = found.pop("errors")
    assert not found
    return errors


def test_every_list_of_the_reference_answers(client: httpx.Client) -> None:
    names = [line.split("\t")[0] for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    assert len(names) == 70
    assert names == list(LISTS)
    assert {f"harvest:{name}:list" for name in names} <= SCOPES.keys()
    for name in names:
        answer = client.get(f"/v3/{name}")
        assert (answer.status_code, answer.content) == (200, b"[]"), name
        assert "link" not in answer.headers
        assert client.get(f"/v3/{name}?ids=1").content == b"[]"
        assert client.get(f"/v3/{name}/1").json() == {"message": "Resource not found"}
        assert client.get(f"/v3/{name}/x").status_code == 404
        assert problems(client, "page=1", name) == [{"page": "is not a parameter of this list"}]
        bad = "&".join(f"{each}=%00{'x' * 300}" for each in LISTS[name].parameters if each != "cursor")
        named = {key for each in problems(client, bad, name) if isinstance(each, dict) for key in each}
        assert named == LISTS[name].parameters.keys() - {"cursor"}


@pytest.mark.parametrize("path", ["/v3/", "/v3/nothing", "/v3/users/1/2", "/v3/scheduled_interviews", "/v3/Users"])
def test_other_names_are_not_found_before_authentication(client: httpx.Client, harness: Harness, path: str) -> None:
    for answer in (client.get(path), httpx.get(harness.server.url + path)):
        assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})
        if path != "/v3/":
            assert int(answer.headers["x-ratelimit-reset"]) > time.time() - 60


@pytest.mark.parametrize(
    "query",
    [
        "per_page=1",
        "per_page=500",
        "ids=1",
        "ids=1,2%2C3",
        "ids=" + ",".join(map(str, range(1, 51))),
        "updated_at=gte|2024-01-01T00:00:00Z",
        "updated_at=gte%7C2024-01-01T00:00:00Z",
        "updated_at=gte|2024-01-01T00:00:00+00:00",
        "updated_at=gte|2024-01-01T00:00:00%2B01:00",
        "updated_at=gte|2024-01-01T00:00:00.123Z",
        "created_at=gte|2024-01-01T00:00:00.123456Z",
        "updated_at=gte|2024-01-01T00:00:00Z|lte|2024-02-01T00:00:00Z",
        "updated_at=gt|2024-01-01T00:00:00Z|lt|2024-02-01T00:00:00Z",
        "created_at[gte]=2024-01-01T00:00:00Z&starts_at[lte]=2024-01-01T00:00:00Z",
        "starts_at%5Bgte%5D=2024-01-01T00:00:00Z&starts_at%5Blt%5D=2025-01-01T00:00:00Z",
        "all_day_start_on=gte|2024-01-01|lte|2024-01-01",
        "fields=id,starts_at",
        "status=scheduled&job_ids=1,2&external_event_id=a%20b",
        "",
        "&",
    ],
)
def test_parameters_in_every_spelling_are_taken(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/v3/interviews?{query}")
    assert (answer.status_code, answer.content) == (200, b"[]"), answer.text


def test_a_range_up_to_the_last_moment_leaves_out_nothing_and_one_after_it_everything(tenant: Tenant) -> None:
    tenant.merge_records("users", [{"id": 7, "name": "Ann Lee", "emails": ["ann@example.com"]}])
    with tenant.harness.server.client() as client:
        client.headers.update(bearer(new_token(tenant)))
        for name in ("users", "user_emails"):
            for time in ("created_at", "updated_at"):
                for operator, count in (("gte", 0), ("gt", 0), ("lte", 1), ("lt", 1)):
                    answer = client.get(f"/v3/{name}?{time}={operator}|9999-12-31T23:59:59.999Z")
                    assert (answer.status_code, len(answer.json())) == (200, count), (name, time, operator)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("per_page=600", {"per_page": "`600` number is greater than: 500"}),
        ("per_page=0", {"per_page": "`0` number is less than: 1"}),
        ("per_page=-3", {"per_page": "`-3` number is less than: 1"}),
        ("per_page=x", {"per_page": "`x` is not an integer"}),
        ("per_page=", {"per_page": "`` is not an integer"}),
        ("page=2", {"page": "is not a parameter of this list"}),
        ("skip_count=true", {"skip_count": "is not a parameter of this list"}),
        ("ids=", {"ids": "`` is not an id"}),
        ("ids=1,x", {"ids": "`x` is not an id"}),
        ("ids=0", {"ids": "`0` is not an id"}),
        ("job_ids=" + ",".join("1" * 51), {"job_ids": "has 51 values: the number is greater than: 50"}),
        ("starts_at=2024-01-01", {"starts_at": "`2024-01-01` is not a range such as gte|2024-01-01T00:00:00Z"}),
        ("starts_at=gte|2024-01-01", {"starts_at": "`2024-01-01` is not a date-time such as 2024-01-01T00:00:00Z"}),
        ("starts_at=eq|2024-01-01T00:00:00Z", {"starts_at": "`eq` is not one of: gte, gt, lte, lt"}),
        ("starts_at[eq]=2024-01-01T00:00:00Z", {"starts_at[eq]": "is not a parameter of this list"}),
        ("all_day_start_on=gte|2024-02-30", {"all_day_start_on": "`2024-02-30` is not a date such as 2024-01-01"}),
        ("all_day_start_on=gt|9999-12-31", {"all_day_start_on": "`9999-12-31` has no day beyond it"}),
        (
            "created_at=gte|2024-01-01T00:00:00Z&updated_at=gte|2024-01-01T00:00:00Z",
            "Pass either created_at or updated_at, not both.",
        ),
        ("external_event_id=" + "x" * 256, {"external_event_id": f"`{'x' * 60}` is longer than 255 characters"}),
        ("cursor=x&per_page=2", "When passing a cursor, do not include other query params."),
        ("cursor=x", {"cursor": "is not a cursor of this list"}),
        ("cursor=", {"cursor": "is not a cursor of this list"}),
        ("cursor=%C3%A9", {"cursor": "is not a cursor of this list"}),
    ],
)
def test_bad_parameters_are_named(client: httpx.Client, query: str, expected: object) -> None:
    assert problems(client, query) == [expected]


def test_every_problem_is_named_at_once(client: httpx.Client) -> None:
    found = problems(client, "per_page=0&ids=x&more=1&fields=id,nothing")
    assert [key for each in found for key in each] == ["per_page", "ids", "more", "fields"]
    assert "is not a field of this list. Its fields: id, created_at, updated_at, " in found[-1]["fields"]


def test_a_long_query_is_refused_since_its_cursor_would_not_fit(client: httpx.Client) -> None:
    long = "&".join(
        f"{name}=" + "9" * 250 for name in ("external_event_id", "job_ids", "application_ids") for _ in "1" * 6
    )
    assert "The query string is longer than 4096 characters." in problems(client, long)


def test_a_cursor_is_taken_by_its_list_only_and_unchanged(client: httpx.Client) -> None:
    declared, query = LISTS["interviews"], "per_page=7&updated_at=gte|2024-01-01T00:00:00%2B00:00"
    link = next_link(declared, "http://x/v3/interviews", read_v3_list(declared, query), 41)
    assert link.startswith("<http://x/v3/interviews?cursor=")
    assert link.endswith('>; rel="next"')
    assert "," not in link
    cursor = link.partition("cursor=")[2].partition(">")[0]
    assert client.get(f"/v3/interviews?cursor={cursor}").content == b"[]"
    bad = {"cursor": "is not a cursor of this list"}
    assert problems(client, f"cursor={cursor}", "interviewers") == [bad]
    for changed in (cursor[:-1], cursor + "A", "B" + cursor[1:], cursor + "!", cursor[:9] + "!" + cursor[9:]):
        assert problems(client, f"cursor={changed}") == [bad]
    exclusive = "When passing a cursor, do not include other query params."
    assert problems(client, f"cursor={cursor}&per_page=7") == [exclusive]


def test_a_list_has_a_tag(client: httpx.Client) -> None:
    first = client.get("/v3/offers")
    again = client.get("/v3/offers", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-reset"]


def test_a_scope_opens_its_list_and_no_other(tenant: Tenant) -> None:
    with tenant.harness.server.client() as client:
        client.headers.update(bearer(new_token(tenant, ["harvest:offers:list"])))
        assert client.get("/v3/offers").status_code == 200
        assert client.head("/v3/offers").status_code == 200
        refused = client.get("/v3/interviews?page=1")
        assert refused.status_code == 403
        assert refused.json() == {"message": "This token does not have the scope of this endpoint"}
        assert client.get("/v3/interviews/1").status_code == 403


def test_other_methods_are_refused(client: httpx.Client) -> None:
    answer = client.post("/v3/offers")
    assert (answer.status_code, answer.json()) == (405, {"message": "Method not allowed"})
    assert answer.headers["allow"] == "GET, HEAD"


def test_tokens_are_counted_apart_in_windows_of_30_seconds(storage: Storage, tmp_path: Path) -> None:
    with served(storage.new_database(tmp_path), "--v3-rate-limit", "3") as harness:
        tenant = harness.tenant()
        tenant.merge_records("users", [{"id": 2, "name": "Ada"}])
        one, other = make_client(tenant), make_client(tenant)
        tokens = [token_of(harness.server, one), token_of(harness.server, one, sub="2")]
        with harness.server.client() as client:
            answers = [client.get("/v3/offers", headers=bearer(token)) for token in (*tokens, *tokens)]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
            assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
            ends = {answer.headers["x-ratelimit-reset"] for answer in answers}
            assert len(ends) == 1
            assert abs(int(ends.pop()) - time.time()) <= 60
            refused = answers[-1]
            assert refused.json() == {"message": "Too Many Requests"}
            assert refused.headers.get_list("x-ratelimit-reset", split_commas=True) == [
                refused.headers["x-ratelimit-reset"]
            ]
            assert 1 <= int(refused.headers["retry-after"]) <= 30
            assert client.get("/v3/offers", headers=bearer(token_of(harness.server, other))).status_code == 200
            key = harness.new_key(tenant.organization, "two", rate_limit=2)
            bridge = client.post("/auth/token", auth=(key, "")).json()["access_token"]
            counted = client.get("/v3/offers", headers=bearer(bridge))
            assert counted.headers["x-ratelimit-limit"] == "6", (
                "three times the key's own, for windows three times as long"
            )
            assert client.get("/v1/users", auth=(key, "")).headers["x-ratelimit-remaining"] == "1", "counted apart"
            for path in ("/v3/offers", "/v3/nothing", "/token"):
                shown = client.get(path)
                assert shown.headers["x-ratelimit-limit"] == "3", path
                assert shown.headers["x-ratelimit-remaining"] == "3"
                assert shown.headers["x-ratelimit-reset"]
