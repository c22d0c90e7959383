"""Requests to an account: tokens, waits, its rate limit, and answers that are none."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import httpx
import pytest

from rowen.imports.errors import (
    ServerRefusedError,
    ServerResponseError,
    ServerUnavailableError,
    SourceAddressError,
    SourceError,
)
from rowen.imports.sources.http_client import TransferLimits
from rowen.imports.sources.retries import RetryPolicy
from rowen.mirror.account import LONGEST_WINDOW, Account, AccountPolicy, read_address
from rowen.mirror.credentials import AccountClient
from rowen.mirror.errors import CursorLostError, StoppedError
from tests.support import v3_account
from tests.support.v3_upstream import (
    CLIENT_ID,
    CLIENT_SECRET,
    Fault,
    V3Upstream,
    body,
    endless,
    status,
    truncated,
    v3_upstream,
)

QUICK: Final = TransferLimits(silent_seconds=10.0, total_seconds=30.0)


@dataclass
class Asking:
    """An account, and the waits that it was asked for."""

    upstream: V3Upstream
    waits: list[float] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)
    stopped: bool = False

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.upstream.advance(round(seconds * 1000))
        return self.stopped

    def open(self, secret: str = CLIENT_SECRET, user: int | None = None, margin: int = 20) -> Account:
        retries = RetryPolicy(
            chance=lambda: 0.0,
            now=lambda: self.upstream.now / 1000,
            on_retry=lambda reason, _: self.retries.append(reason),
        )
        client = AccountClient(CLIENT_ID, secret, httpx.URL(self.upstream.token_url), user)
        return Account(httpx.URL(self.upstream.base), client, AccountPolicy(QUICK, retries, margin, self.wait))


@pytest.fixture
def asking() -> Iterator[Asking]:
    with v3_upstream() as upstream:
        v3_account.fill(upstream)
        yield Asking(upstream)


@pytest.fixture
def account(asking: Asking) -> Iterator[Account]:
    account = asking.open()
    yield account
    account.close()


def names(account: Account) -> list[int]:
    """Return the ids of the account's users."""
    return account.page("users", {}).content.identifiers


EVERYBODY: Final = [v3_account.BOB, v3_account.ANN]


def test_one_token_serves_many_requests(asking: Asking, account: Account) -> None:
    assert [names(account) for _ in range(3)] == 3 * [EVERYBODY]
    assert asking.upstream.minted == [{"grant_type": "client_credentials"}]
    assert account.statistics.requests == 3


def test_the_user_who_reads_is_named(asking: Asking) -> None:
    account = asking.open(user=v3_account.ANN)
    assert names(account) == EVERYBODY
    assert asking.upstream.minted == [{"grant_type": "client_credentials", "sub": str(v3_account.ANN)}]
    account.close()


def test_a_token_is_replaced_before_it_ends(asking: Asking, account: Account) -> None:
    asking.upstream.expires_in = 0
    assert names(account) == names(account)
    assert len(asking.upstream.minted) == 2


def test_a_revoked_token_is_replaced_once(asking: Asking, account: Account) -> None:
    names(account)
    asking.upstream.revoke_tokens()
    assert names(account) == EVERYBODY
    assert (len(asking.upstream.minted), asking.waits) == (2, [])
    asking.upstream.faults.extend([status(401), status(401)])
    with pytest.raises(ServerRefusedError, match="does not accept its own token: 401"):
        names(account)


def test_a_wrong_secret_is_refused_without_another_attempt(asking: Asking) -> None:
    account = asking.open(secret="a-wrong-secret")
    with pytest.raises(ServerRefusedError, match=r"no token for this client id and secret: 401 \(.invalid_client.\)"):
        names(account)
    assert asking.waits == []
    account.close()


def test_a_server_of_tokens_that_is_busy_is_asked_again(asking: Asking, account: Account) -> None:
    asking.upstream.token_faults.extend([status(503, {"Retry-After": "9"}), status(500)])
    assert names(account) == EVERYBODY
    assert asking.waits == [9.0, 0.5]


def test_retry_after_is_honoured(asking: Asking, account: Account) -> None:
    asking.upstream.faults.append(status(429, {"Retry-After": "11"}))
    assert names(account) == EVERYBODY
    assert asking.waits == [11.0]
    assert account.statistics.throttled == 1


@pytest.mark.parametrize("fault", [status(500), status(502), truncated], ids=["500", "502", "truncated"])
def test_a_fault_that_passes_is_waited_for(asking: Asking, account: Account, fault: Fault) -> None:
    asking.upstream.faults.extend([fault, fault])
    assert names(account) == EVERYBODY
    assert len(asking.waits) == 2


def test_a_fault_that_stays_ends_the_request(asking: Asking, account: Account) -> None:
    asking.upstream.faults.extend(20 * [status(500)])
    with pytest.raises(ServerUnavailableError, match="gave up after 7 attempts"):
        names(account)


BAD: Final[list[tuple[str, Fault, type[SourceError], str]]] = [
    ("endless", endless, ServerResponseError, "larger than 64 MiB"),
    ("html", body(b"<html>"), ServerResponseError, "not a list of rows"),
    ("object", body(b'{"id":1}'), ServerResponseError, "not a list of rows"),
    ("no id", body(b'[{"name":"x"}]'), ServerResponseError, "not a list of rows"),
    ("no cursor", body(b"[]", {"Link": '<http://x/y?page=2>; rel="next"'}), ServerResponseError, "has no cursor"),
    ("redirect", status(302, {"Location": "http://evil.example/"}), ServerRefusedError, "which is not followed: 302"),
    ("forbidden", status(403, message="no scope"), ServerRefusedError, r"no permission to read this: 403 \(.no scope"),
]


@pytest.mark.parametrize(("fault", "error", "text"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_an_answer_that_is_none_is_refused(
    asking: Asking, account: Account, fault: Fault, error: type[SourceError], text: str
) -> None:
    asking.upstream.faults.append(fault)
    with pytest.raises(error, match=text):
        names(account)
    assert asking.waits == []


def test_more_rows_than_a_page_has_are_refused(asking: Asking, account: Account) -> None:
    rows = ",".join(f'{{"id":{each},"created_at":"2026-01-01T00:00:00.000Z"}}' for each in range(1, 502))
    asking.upstream.faults.append(body(f"[{rows}]".encode()))
    with pytest.raises(ServerResponseError, match="more than 500 rows"):
        names(account)


@pytest.mark.parametrize("element", ["0", '{"id":1,"created_at":"","updated_at":""}'])
def test_a_page_of_very_many_elements_is_not_read(asking: Asking, account: Account, element: str) -> None:
    asking.upstream.faults.append(body(f"[{','.join(120_000 * [element])}]".encode()))
    with pytest.raises(ServerResponseError, match="more than 500 rows"):
        names(account)


def test_a_large_page_of_few_rows_is_read(asking: Asking, account: Account) -> None:
    asking.upstream.put("jobs", {"id": 41, "name": 120_000 * ","})
    assert account.page("jobs", {}).content.identifiers == [41, 40]


@pytest.mark.parametrize("wrong", [{"name": 7}, {"created_at": None}, {"updated_at": None}])
def test_a_row_that_cannot_be_read_leaves_the_others(
    asking: Asking, account: Account, wrong: dict[str, object]
) -> None:
    asking.upstream.put("users", {**v3_account.user(2003, "Eve"), **wrong})
    page = account.page("users", {})
    assert page.content.identifiers == [2003, *EVERYBODY]
    assert [row.id for row in page.content.rows] == EVERYBODY
    assert (page.content.unusable, page.content.fault[:11]) == (1, "users 2003:")


def test_a_cursor_leads_on_and_a_lost_one_is_reported(asking: Asking, account: Account) -> None:
    first = account.page("users", {"per_page": "1"})
    assert first.cursor is not None
    second = account.next_page("users", first.cursor)
    assert [*first.content.identifiers, *second.content.identifiers] == EVERYBODY
    assert second.cursor is None
    asking.upstream.forget_cursors()
    with pytest.raises(CursorLostError):
        account.next_page("users", first.cursor)


def test_a_part_of_the_rate_limit_is_left_to_others(asking: Asking) -> None:
    asking.upstream.limit = 10
    account = asking.open(margin=30)
    for _ in range(7):
        names(account)
    assert (asking.waits, account.spare) == ([], 0.3)
    names(account)
    assert asking.waits == [6.0], "until the next window, by the account's clock"
    assert asking.upstream.used == 1
    assert account.statistics.throttled == 0
    account.close()


def test_no_answer_makes_it_wait_long(asking: Asking, account: Account) -> None:
    headers = {"X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}
    asking.upstream.faults.append(body(b"[]", {**headers, "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}))
    names(account)
    names(account)
    assert asking.waits == [LONGEST_WINDOW]


def test_stopping_ends_a_wait(asking: Asking, account: Account) -> None:
    asking.stopped = True
    asking.upstream.faults.append(status(503))
    with pytest.raises(StoppedError):
        names(account)
    account.stop()
    with pytest.raises(StoppedError):
        names(account)


def test_no_secret_is_in_an_error(asking: Asking, account: Account) -> None:
    names(account)
    (token,) = asking.upstream.valid
    asking.upstream.faults.append(status(403, message=f"{token} {CLIENT_SECRET}"))
    with pytest.raises(ServerRefusedError) as raised:
        names(account)
    asking.upstream.faults.append(body(b"[]", {"Link": f'<http://x/y?cursor={token}>; rel="next"'}))
    with pytest.raises(ServerResponseError) as repeated:
        names(account)
    for shown in (
        str(raised.value),
        str(repeated.value),
        repr(AccountClient(CLIENT_ID, CLIENT_SECRET, httpx.URL("x"))),
    ):
        assert token not in shown
        assert CLIENT_SECRET not in shown


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://harvest.example.com/v3", "plain http"),
        ("https://id:secret@harvest.example.com/v3", "no credentials"),
        ("https://harvest.example.com/v3?cursor=1", "must look like"),
        ("harvest.example.com", "must look like"),
        ("https://harvest.example.com:port/v3", "not a valid URL"),
    ],
)
def test_an_address_is_checked(address: str, reason: str) -> None:
    with pytest.raises(SourceAddressError, match=reason):
        read_address(address, "--from", insecure=False)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:80/v3/", "http://[::1]/v3", "http://localhost/v3", "https://x.example/v3"]
)
def test_plain_http_leads_to_this_machine(address: str) -> None:
    assert read_address(address, "--from", insecure=False).path == "/v3"
    assert read_address("http://other.example/v3", "--from", insecure=True).host == "other.example"
