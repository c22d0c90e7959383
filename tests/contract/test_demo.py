"""The demo: the three calls of the Harvest reference, with only the host changed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import httpx
import msgspec
import pytest

from rowen.api.examples import ALL_DAY, TIMED
from rowen.demo.key import DEMO_KEY
from tests.support.server import basic, serving
from tests.support.tokens import bearer

pytestmark = pytest.mark.slow

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


def test_the_demos_key_gets_tokens_of_v3_in_the_demo_only(database: str) -> None:
    with serving(database, ["--demo"]) as server:
        user = httpx.get(f"{server.url}/v1/users", headers=basic(DEMO_KEY)).json()[0]["id"]
        answer = httpx.post(f"{server.url}/auth/token", json={"sub": user}, headers=basic(DEMO_KEY)).raise_for_status()
        token = answer.json()["access_token"]
        rows = httpx.get(f"{server.url}/v3/interviews?per_page=2", headers=bearer(token)).raise_for_status().json()
        assert len(rows) == 2
        assert "harvest:interviews:create" in answer.json()["scope"]
        header, content, signature = token.split(".")
        ended = msgspec.json.encode({**msgspec.json.decode(urlsafe_b64decode(content + "==")), "exp": 1})
        for bad in (
            f"{header}.{content}.{signature[:-1]}",
            f"{header}.{urlsafe_b64encode(ended).rstrip(b'=').decode()}.{signature}",
        ):
            assert httpx.get(f"{server.url}/v3/interviews", headers=bearer(bad)).status_code == 401
    with serving(database) as server:
        assert httpx.get(f"{server.url}/v3/interviews", headers=bearer(token)).status_code == 401
        assert httpx.post(f"{server.url}/auth/token", headers=basic(DEMO_KEY)).json() == {"error": "invalid_client"}
