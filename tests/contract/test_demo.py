"""The demo: the three calls of the Harvest reference, with only the host changed."""

import httpx
import msgspec
import pytest

from rowen.api.examples import ALL_DAY, TIMED
from tests.support.server import serving

SEED_AUTHORIZATION = "Basic MGQwMzFkODIyN2VhZmE2MWRjMzc1YTZjMmUwNjdlMjQ6"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/scheduled_interviews?per_page=2", [TIMED, ALL_DAY]),
        ("/v1/applications/432905/scheduled_interviews", [ALL_DAY]),
        ("/v1/scheduled_interviews/9128481", TIMED),
    ],
)
def test_the_calls_of_the_harvest_reference(database: str, path: str, expected: object) -> None:
    with serving(database, ["--demo"]) as server:
        answer = httpx.get(server.url + path, headers={"Authorization": SEED_AUTHORIZATION})
    assert answer.status_code == 200
    assert answer.content == msgspec.json.encode(expected)
