"""How often a key may call (contract section 3)."""

import time

import httpx
import pytest

from tests.support.served_schedule import HOME, RATE_LIMIT, ServedSchedule, make_key
from tests.support.server import serving

pytestmark = pytest.mark.slow

LIST = "/v1/scheduled_interviews?per_page=1"
WINDOW = 10


def exhaust(client: httpx.Client, limit: int) -> httpx.Response:
    """Call until the limit is reached, checking the remaining count on the way; return the refusal."""
    for remaining in reversed(range(limit)):
        answer = client.get(LIST)
        assert answer.status_code == 200
        assert answer.headers["x-ratelimit-limit"] == str(limit)
        assert answer.headers["x-ratelimit-remaining"] == str(remaining)
        assert "retry-after" not in answer.headers
    return client.get(LIST)


def test_a_key_over_its_limit_learns_when_to_try_again_and_may(schedule: ServedSchedule) -> None:
    key = make_key(schedule.database, HOME, "limited", rate_limit=3)
    with schedule.server.client(key) as client:
        refused = exhaust(client, 3)
        assert refused.status_code == 429
        assert refused.content == b'{"message":"Rate limit exceeded"}'
        assert refused.headers["content-type"] == "application/json;charset=utf-8"
        assert refused.headers["x-ratelimit-limit"] == "3"
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert refused.headers["x-request-id"]
        wait, reset = int(refused.headers["retry-after"]), int(refused.headers["x-ratelimit-reset"])
        assert 1 <= wait <= WINDOW
        assert abs(reset - time.time() - wait) <= WINDOW
        for path in (LIST, "/v1/scheduled_interviews/9001", "/v1/applications/7003/scheduled_interviews"):
            assert client.get(path).status_code == 429
        assert client.get("/healthz").status_code == 200
        time.sleep(wait)  # the only real wait: it tests the promise of `Retry-After`
        back = client.get(LIST)
    assert back.status_code == 200
    assert back.headers["x-ratelimit-remaining"] == "2"


def test_each_key_has_its_own_window(schedule: ServedSchedule, home: httpx.Client) -> None:
    one, other = (make_key(schedule.database, HOME, name, rate_limit=2) for name in ("one", "other"))
    with schedule.server.client(one) as first, schedule.server.client(other) as second:
        assert exhaust(first, 2).status_code == 429
        assert exhaust(second, 2).status_code == 429
    assert home.get(LIST).headers["x-ratelimit-limit"] == str(RATE_LIMIT)


def test_refused_requests_count_too(schedule: ServedSchedule) -> None:
    key = make_key(schedule.database, HOME, "no list", allow=["scheduled_interviews:retrieve"], rate_limit=2)
    with schedule.server.client(key) as client:
        assert [client.get(LIST).status_code for _ in range(3)] == [403, 403, 429]


def test_a_copy_that_is_still_good_counts_too(schedule: ServedSchedule) -> None:
    key = make_key(schedule.database, HOME, "conditional", rate_limit=2)
    with schedule.server.client(key) as client:
        condition = {"If-None-Match": "*"}
        assert [client.get(LIST, headers=condition).status_code for _ in range(3)] == [304, 304, 429]


def test_a_key_may_be_without_limit(schedule: ServedSchedule) -> None:
    key = make_key(schedule.database, HOME, "unlimited", rate_limit=0)
    with schedule.server.client(key) as client:
        answers = [client.get(LIST) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-ratelimit-remaining"] for answer in answers} == {answers[0].headers["x-ratelimit-limit"]}
    assert int(answers[0].headers["x-ratelimit-limit"]) > 0


@pytest.mark.parametrize(("option", "expected"), [("2", [200, 200, 429, 429]), ("0", [200, 200, 200, 200])])
def test_the_server_has_a_limit_for_keys_without_their_own(
    schedule: ServedSchedule, option: str, expected: list[int]
) -> None:
    with (
        serving(schedule.database, ["--rate-limit", option]) as server,
        server.client(schedule.keys[HOME]) as client,
        server.client(make_key(schedule.database, HOME, f"own {option}", rate_limit=3)) as own,
    ):
        assert [client.get(LIST).status_code for _ in range(4)] == expected
        assert [own.get(LIST).status_code for _ in range(4)] == [200, 200, 200, 429]
