"""Creating interviews through the API one by one, while the database may not take them.

Owns the requests of the tests in which a server's database fails. Must not know what made it fail.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx

from tests.support.crash_clients import ON_BEHALF, new_interview

POST: Final = "/v2/scheduled_interviews"
TOGETHER: Final = 16
"""How many writes are sent at the same time."""


def send(client: httpx.Client, event: str, **changes: Any) -> httpx.Response:
    return client.post(POST, json=new_interview(event, **changes), headers=ON_BEHALF)


def send_together(client: httpx.Client, events: Sequence[str]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(events)) as pool:
        return list(pool.map(lambda event: send(client, event), events))


def require_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["message"] == "The schedule is not available right now: try again in a moment"


def send_until_stored(client: httpx.Client, events: Sequence[str]) -> list[httpx.Response]:
    """Repeat each write while it is refused: one worker being ready does not mean that the others are."""

    def repeat(event: str) -> httpx.Response:
        while (answer := send(client, event)).status_code == 503:
            require_unavailable(answer)
        assert answer.status_code == 200, answer.text
        return answer

    with ThreadPoolExecutor(len(events)) as pool:
        return list(pool.map(repeat, events))
