"""An account of Harvest v3, page by page.

Owns requests for lists: tokens, one more attempt after a 401, waits, the share of the account's rate limit, and what a
page may be. Must not know what is done with rows. No address that the account sends is followed: a page's cursor is
taken from its link, and sent to the address that was given.
"""

import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final, NamedTuple

import httpx
import msgspec

from rowen.imports.errors import ServerRefusedError, ServerResponseError, ServerUnavailableError, SourceAddressError
from rowen.imports.formats.envelopes import bounded
from rowen.imports.sources.http_client import (
    BoundedClient,
    InterruptedTransferError,
    InvalidResponseError,
    TransferLimits,
    UnreachableHostError,
)
from rowen.imports.sources.pages import next_link
from rowen.imports.sources.retries import Retries, RetryPolicy, retry_after
from rowen.mirror.credentials import USER_AGENT, AccountClient, Credentials, TokenServerBusyError
from rowen.mirror.errors import CursorLostError, StoppedError
from rowen.mirror.rows import PageRows, has_more_rows, read_page

PAGE_SIZE: Final = 500
MOST_IDS: Final = 50
LARGEST_PAGE: Final = 64 * 1024 * 1024
LARGEST_ERROR: Final = 64 * 1024
LONGEST_CURSOR: Final = 4 * 1024
LONGEST_WINDOW: Final = 60.0
"""How many seconds the next window of requests is waited for at most, whatever the account answers."""
_DEFAULT_WINDOW: Final = 30.0


class AccountPage(NamedTuple):
    """A page: its rows, the cursor of the next one, and when it was sent, by the account's clock, if it says."""

    content: PageRows
    cursor: str | None
    sent_at: int | None


class AccountAnswer(NamedTuple):
    """A page as it was received from the address `name`: the cursor of the next one is known before its rows are."""

    resource: str
    name: str
    body: bytearray
    cursor: str | None
    sent_at: int | None

    def page(self) -> AccountPage:
        """Read its rows. Raises ServerResponseError."""
        try:
            content = None if has_more_rows(self.body, PAGE_SIZE) else read_page(self.resource, self.body)
        except (ValueError, RecursionError):  # of msgspec, too
            raise ServerResponseError(f"{self.name}: the server's answer is not a list of rows") from None
        if content is None or len(content.identifiers) > PAGE_SIZE:
            raise ServerResponseError(f"{self.name}: the page has more than {PAGE_SIZE} rows")
        return AccountPage(content, self.cursor, self.sent_at)


@dataclass(slots=True)
class Statistics:
    """What was requested of an account: pages, and how many of the requests were too many for it (429)."""

    requests: int = 0
    throttled: int = 0


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """How an account is treated: transfers, retries, and how many percent of its rate limit are left to others.

    `wait` waits for an event or some seconds, and returns whether it was the event. `sleep` of `retries` is not used.
    """

    limits: TransferLimits = field(default_factory=TransferLimits)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    margin: int = 20
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait


class _Problems(msgspec.Struct):
    message: str = ""


class _Response(NamedTuple):
    status: int
    headers: httpx.Headers
    body: bytearray


class Account:
    """One account. Its methods block: they are called in a thread of their own. Requests are sent one at a time."""

    def __init__(self, base: httpx.URL, client: AccountClient, policy: AccountPolicy) -> None:
        self._base = base
        self._policy = replace(policy, retries=replace(policy.retries, sleep=self._wait))
        self._credentials = Credentials(client, policy.limits)
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": USER_AGENT}
        self._http = BoundedClient(base, headers, policy.limits)
        self._requesting = threading.Lock()
        self._stopping = threading.Event()
        self._free_from: float | None = None
        self._spare = 1.0
        self.statistics = Statistics()

    @property
    def spare(self) -> float:
        """The part of the current window's requests that is left, from 0 to 1."""
        return self._spare

    def stop(self) -> None:
        """End the current wait, and every later one, with StoppedError."""
        self._stopping.set()

    def close(self) -> None:
        """Stop, and close the connections."""
        self.stop()
        self._http.close()

    def answers(self, resource: str, cursor: str | None) -> Generator[AccountAnswer, None, None]:
        """Yield the pages of a list, from the first one or the one that a cursor leads to, with their rows unread.

        Raises SourceError (CursorLostError) and StoppedError.
        """
        answer = self._answer(resource, {"per_page": str(PAGE_SIZE)} if cursor is None else {"cursor": cursor})
        yield answer
        while answer.cursor is not None:
            answer = self._answer(resource, {"cursor": answer.cursor})
            yield answer

    def page(self, resource: str, query: Mapping[str, str]) -> AccountPage:
        """Return the first page of a list. Raises SourceError and StoppedError."""
        return self._answer(resource, {"per_page": str(PAGE_SIZE), **query}).page()

    def next_page(self, resource: str, cursor: str) -> AccountPage:
        """Return the page that a cursor leads to. Raises SourceError (CursorLostError) and StoppedError."""
        return self._answer(resource, {"cursor": cursor}).page()

    def existing(self, resource: str, identifiers: list[int]) -> AccountPage:
        """Return those rows of at most `MOST_IDS` that exist. Raises SourceError and StoppedError."""
        return self._answer(resource, {"ids": ",".join(map(str, identifiers))}).page()

    def _answer(self, resource: str, query: Mapping[str, str]) -> AccountAnswer:
        url = self._base.copy_with(path=f"{self._base.path}/{resource}", params=query)
        with self._requesting:
            response = self._ask_with_retries(url, has_cursor="cursor" in query)
        name = f"{self._base}/{resource}"
        return AccountAnswer(
            resource, name, response.body, self._cursor(name, response.headers), _time_of(response.headers)
        )

    def _cursor(self, name: str, headers: httpx.Headers) -> str | None:
        target = next_link(headers.get("Link", ""))
        if target is None:
            return None
        try:
            cursor = httpx.URL(target).params.get("cursor")
        except httpx.InvalidURL:
            cursor = None
        if not cursor or len(cursor) > LONGEST_CURSOR:
            raise ServerResponseError(f"{name}: the link to the next page has no cursor")
        if self._credentials.hide(cursor) != cursor:
            raise ServerResponseError(f"{name}: the link to the next page repeats a secret")
        return str(cursor)

    def _ask_with_retries(self, url: httpx.URL, *, has_cursor: bool) -> _Response:
        retries = Retries(self._policy.retries)
        renewed = False
        while True:
            asked: float | None = None
            connected = True
            self._keep_margin()
            try:
                response = self._ask(url)
            except UnreachableHostError as error:
                raise ServerUnavailableError(f"{self._name(url)}: {error}") from None
            except InvalidResponseError as error:
                raise ServerResponseError(f"{self._name(url)}: {error}") from None
            except InterruptedTransferError as error:
                reason, connected = f"{self._name(url)}: {error}", error.connected
            except TokenServerBusyError as busy:
                reason, asked = str(busy), retry_after(busy.retry_after, self._policy.retries.now())
            else:
                if response.status == 200:
                    return response
                if response.status == 401 and not renewed:
                    renewed = True
                    self._credentials.drop()
                    continue
                reason = self._trouble(url, response, has_cursor=has_cursor)
                if response.status in (429, 503):
                    asked = retry_after(response.headers.get("Retry-After"), self._policy.retries.now())
            retries.wait(self._credentials.hide(reason), asked, connected=connected)

    def _ask(self, url: httpx.URL) -> _Response:
        if self._stopping.is_set():
            raise StoppedError
        self.statistics.requests += 1
        with self._http.get(url, {"Authorization": self._credentials.authorization()}) as response:
            body = response.read(LARGEST_PAGE if response.status == 200 else LARGEST_ERROR)
        self._note_window(response.headers)
        self.statistics.throttled += response.status == 429
        return _Response(response.status, response.headers, body)

    def _trouble(self, url: httpx.URL, response: _Response, *, has_cursor: bool) -> str:
        """Return what a response means. Raises SourceError if trying again is of no use."""
        status, name = response.status, self._name(url)
        message = self._credentials.hide(_message_of(response.body))
        detail = f' ("{message}")' if message else ""
        if status in (408, 425, 429) or status >= 500:
            busy = "has too many requests to answer" if status == 429 else "cannot answer now"
            return f"{name}: the server {busy}: {status}{detail}"
        if has_cursor and status in (400, 404, 410, 422):
            raise CursorLostError(f"{name}: the server no longer knows this cursor: {status}{detail}")
        words = {
            401: "the server does not accept its own token",
            403: "this client has no permission to read this",
            404: "there is no such list: is this the address of Harvest v3?",
        }
        if 300 <= status < 400:
            raise ServerRefusedError(f"{name}: the server redirects, which is not followed: {status}")
        raise ServerRefusedError(f"{name}: {words.get(status, 'the server does not answer this')}: {status}{detail}")

    def _name(self, url: httpx.URL) -> str:
        """Return an address without its parameters: a cursor says nothing."""
        return str(url.copy_with(query=None))

    # --- the rate limit

    def _note_window(self, headers: httpx.Headers) -> None:
        """Remember how much of the window is left to us, and when the next one begins."""
        limit, remaining = _number(headers.get("X-RateLimit-Limit")), _number(headers.get("X-RateLimit-Remaining"))
        self._free_from = None
        if not limit or remaining is None:
            self._spare = 1.0
            return
        self._spare = min(1.0, remaining / limit)
        if remaining * 100 > limit * self._policy.margin:
            return
        reset, sent_at = _number(headers.get("X-RateLimit-Reset")), _time_of(headers)
        seconds = _DEFAULT_WINDOW if reset is None or sent_at is None else reset - sent_at / 1000 + 1
        self._free_from = self._policy.retries.now() + min(max(seconds, 1.0), LONGEST_WINDOW)

    def _keep_margin(self) -> None:
        """Wait for the next window, if only the others' part of this one is left."""
        if self._free_from is not None:
            seconds = self._free_from - self._policy.retries.now()
            self._free_from = None
            if seconds > 0:
                self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        if self._policy.wait(self._stopping, seconds):
            raise StoppedError


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


def _time_of(headers: httpx.Headers) -> int | None:
    """Return the `Date` of a response, in milliseconds since 1970."""
    try:
        return round(parsedate_to_datetime(headers.get("Date", "")).timestamp() * 1000)
    except (ValueError, OverflowError, TypeError):
        return None


def _message_of(body: bytes | bytearray) -> str:
    try:
        return bounded(msgspec.json.decode(body, type=_Problems).message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def read_address(text: str, what: str, *, insecure: bool) -> httpx.URL:
    """Return an address without its trailing slash. Raises SourceAddressError: plain http leads to this machine only.

    `what` names the address in messages; `insecure` allows plain http to every host.
    """
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        raise SourceAddressError(f"{what} is not a valid URL") from None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise SourceAddressError(f"{what} must look like https://harvest.greenhouse.io/v3")
    if url.userinfo:
        raise SourceAddressError(f"{what} must contain no credentials: use --client-id and --client-secret-file")
    if url.scheme == "http" and not insecure and not _is_loopback(url.host):
        remedy = "https, or --insecure" if what == "--from" else "https"
        raise SourceAddressError(f"{what} is plain http, which shows tokens to the network: use {remedy}")
    return url.copy_with(path=url.path.rstrip("/"))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
