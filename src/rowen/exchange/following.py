"""The feed of a Rowen server, live.

Owns the conversation: the events as they arrive (WHATWG HTML, section 9.2), and coming back with the id of the last
one after every interruption. Must not know how entries are shown.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import httpx
import msgspec

from rowen import __version__
from rowen.exchange.envelopes import bounded
from rowen.exchange.errors import ServerAnswerInvalid, ServerRefused, ServerUnavailable, SourceAddressInvalid
from rowen.exchange.retries import Patience, retry_after

PATH: Final = "/rowen/v1/changes"
LARGEST_EVENT: Final = 64 * 1024 * 1024
FOLLOWING: Final = Patience(attempts=100)
"""A server may be away for the better part of an hour: nothing is lost by waiting."""

_SILENCE_SECONDS: Final = 45.0  # three of the server's heartbeats
_WORDS: Final = {
    401: "the server does not accept this API key",
    403: "this API key may not follow changes there",
    404: "the server has no feed of changes: is it a Rowen?",
}


class _Page(msgspec.Struct):
    last_revision: int


class Event(NamedTuple):
    """One event: its id, and its data."""

    id: str
    data: bytes


class ServerFeed:
    """The changes of the organization that a key opens, as a server tells them."""

    def __init__(self, address: str, key: str, patience: Patience = FOLLOWING) -> None:
        """Take the server's base URL; connects later. Raises SourceAddressInvalid."""
        self._url = _feed_url(address)
        self._patience = patience
        self._failures = 0
        token = b64encode(f"{key}:".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "User-Agent": f"rowen/{__version__}"}

    def entries(self, after: int | None) -> Iterator[bytes]:
        """Hand out the entries behind a revision, or from now on, as they come, for ever.

        Raises ServerRefused where asking again will not help, ServerUnavailable where patience is at its end.
        """
        timeout = httpx.Timeout(self._patience.timeout, read=_SILENCE_SECONDS)
        with httpx.Client(headers=self._headers, timeout=timeout) as client:
            last: str | None = None if after is None else str(after)
            while True:
                asked: float | None = None
                try:
                    if last is None:
                        last = self._newest(client)
                    for event in self._listen(client, last):
                        last = event.id
                        yield event.data
                    reason = "the server ended the feed"
                except httpx.TransportError as error:
                    reason = f"no connection: {bounded(str(error)) or type(error).__name__}"
                except _Busy as busy:
                    reason, asked = str(busy), busy.asked
                self._wait(reason, asked)

    def _wait(self, reason: str, asked: float | None) -> None:
        if self._failures + 1 >= self._patience.attempts:
            raise ServerUnavailable(f"{self._url}: {reason}; gave up after {self._failures + 1} attempts")
        self._patience.wait(f"{self._url}: {reason}", self._patience.delay(self._failures, asked))
        self._failures += 1

    def _newest(self, client: httpx.Client) -> str:
        """Return the newest revision. Not left to the server at each connection: changes in between would be lost."""
        response = client.get(self._url, params={"after": "now", "limit": 1})
        self._require_success(response)
        try:
            return str(msgspec.json.decode(response.content, type=_Page).last_revision)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ServerAnswerInvalid(f"{self._url}: the server's answer is no feed: is it a Rowen?") from None

    def _listen(self, client: httpx.Client, last: str) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": last}
        with client.stream("GET", self._url, headers=headers) as response:
            self._require_success(response)
            self._failures = 0
            yield from events(response.iter_bytes())

    def _require_success(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (408, 425, 429) or status >= 500:
            asked = retry_after(response.headers.get("Retry-After"), self._patience.now())
            raise _Busy(f"the server cannot answer now: {status}", asked)
        if status != 200:
            raise ServerRefused(f"{self._url}: {_WORDS.get(status, 'the server does not tell its changes')}: {status}")


class _Busy(Exception):  # noqa: N818  (says what is the matter)
    """A server that asks to come back; after how many seconds, if it says so."""

    def __init__(self, reason: str, asked: float | None) -> None:
        super().__init__(reason)
        self.asked = asked


def events(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Return the events in what arrives, without those that were cut off. Raises ServerAnswerInvalid."""
    rest = b""
    for chunk in chunks:
        *blocks, rest = (rest + chunk.replace(b"\r\n", b"\n")).split(b"\n\n")
        if len(rest) > LARGEST_EVENT:
            raise ServerAnswerInvalid("the server sends an event without end")
        for block in blocks:
            fields = dict(_field(line) for line in block.split(b"\n"))
            if b"data" in fields:
                yield Event(fields.get(b"id", b"").decode("latin-1"), fields[b"data"])


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")


def _feed_url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise SourceAddressInvalid("the address of the server is not a valid URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceAddressInvalid("the address of the server is not a valid http:// or https:// URL")
    bare = url.copy_with(username="", password="", query=None, fragment=None)
    return bare.copy_with(path=bare.path.rstrip("/") + PATH)
