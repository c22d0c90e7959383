"""The live feed of a Rowen server.

Owns the conversation: the events as they arrive, and resuming after the id of the last one after every interruption.
Must not know how bytes are transferred, or how entries are shown.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, Final

import httpx
import msgspec

from rowen import __version__
from rowen.client.event_stream import EventStream, RevisionEvent
from rowen.imports.errors import (
    ServerRefusedError,
    ServerResponseError,
    ServerUnavailableError,
    SourceAddressError,
)
from rowen.imports.sources.http_client import (
    BoundedClient,
    BoundedResponse,
    InterruptedTransferError,
    InvalidResponseError,
    TransferLimits,
    UnreachableHostError,
)
from rowen.imports.sources.retries import Retries, RetryPolicy, retry_after

PATH: Final = "/rowen/v1/changes"
LARGEST_PAGE: Final = 1024 * 1024
MOST_REPEATED: Final = 10_000
"""How many events that were sent before a stream may repeat: they are skipped."""
FOLLOWING: Final = RetryPolicy(attempts=100, connection_attempts=5)
"""A server that has responded before may be away for the better part of an hour: nothing is lost by waiting."""
LIMITS: Final = TransferLimits(silent_seconds=45.0)
"""The server sends a heartbeat every 15 seconds."""

_WORDS: Final = {
    401: "the server does not accept this API key",
    403: "this API key has no permission to follow changes",
    404: "the server has no feed of changes: is it a Rowen server?",
}


class _Page(msgspec.Struct):
    last_revision: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class ServerFeed:
    """The changes of the organization that a key opens, as a server sends them."""

    def __init__(
        self, address: str, key: str, retry_policy: RetryPolicy = FOLLOWING, limits: TransferLimits = LIMITS
    ) -> None:
        """Take the server's base URL; connects later. Raises SourceAddressError."""
        self._url = _feed_url(address)
        self._retry_policy = retry_policy
        self._retries = Retries(retry_policy)
        self._limits = limits
        self._has_answered = False
        token = b64encode(f"{key}:".encode()).decode()
        # A compressed stream would have to be trusted to become no larger than it is.
        self._headers = {
            "Authorization": f"Basic {token}",
            "User-Agent": f"rowen/{__version__}",
            "Accept-Encoding": "identity",
        }

    @property
    def name(self) -> str:
        """The address of the feed, without credentials."""
        return str(self._url)

    def entries(self, after: int | None) -> Iterator[bytes]:
        """Yield the entries after a revision, or new ones only, as they arrive, for ever.

        Raises ServerRefusedError and ServerResponseError if trying again will not help, and ServerUnavailableError if
        the server stays away.
        """
        with BoundedClient(self._url, self._headers, self._limits) as client:
            last = after
            while True:
                asked: float | None = None
                connected = True
                try:
                    if last is None:
                        last = self._newest(client)
                    for event in self._listen(client, last):
                        last = event.revision
                        yield event.data
                    reason = "the server ended the feed"
                except (InvalidResponseError, ServerResponseError) as error:
                    raise ServerResponseError(f"{self._url}: {error}") from None
                except UnreachableHostError as error:
                    if not self._has_answered:
                        raise ServerUnavailableError(f"{self._url}: {error}") from None
                    reason = str(error)
                except InterruptedTransferError as error:
                    reason, connected = str(error), self._has_answered
                except _BusyError as busy:
                    reason, asked = str(busy), busy.asked
                self._retries.wait(f"{self._url}: {reason}", asked, connected=connected)

    def _newest(self, client: BoundedClient) -> int:
        """Return the newest revision. `after=now` at each connection would lose the changes in between."""
        with client.get(self._url.copy_with(params={"after": "now", "limit": 1})) as response:
            self._require_success(response)
            body = response.read(LARGEST_PAGE)
        try:
            return msgspec.json.decode(body, type=_Page).last_revision
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ServerResponseError("the server's answer is not a feed: is it a Rowen server?") from None

    def _listen(self, client: BoundedClient, last: int) -> Iterator[RevisionEvent]:
        """Yield the events after a revision until the server ends them. Raises SourceError and TransferError."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(last)}
        repeated = 0
        with client.get(self._url, headers, endless=True) as response:
            self._require_success(response)
            if not response.headers.get("Content-Type", "").lower().startswith("text/event-stream"):
                raise ServerResponseError("the server's answer is not an event stream: is it a Rowen server?")

            def pause() -> None:
                response.rest()
                self._retries.reset()  # a whole event or a heartbeat: this is a feed

            for event in EventStream(response.blocks(), pause):
                if event.revision > last:
                    last = event.revision
                    yield event
                elif (repeated := repeated + 1) > MOST_REPEATED:
                    raise ServerResponseError("the server keeps sending the same events")

    def _require_success(self, response: BoundedResponse) -> None:
        self._has_answered = True
        status = response.status
        if status in (408, 425, 429) or status >= 500:
            asked = retry_after(response.headers.get("Retry-After"), self._retry_policy.now())
            raise _BusyError(f"the server cannot answer now: {status}", asked)
        if status != 200:
            words = _WORDS.get(status, "the server does not send its changes")
            if response.redirect_target is not None:
                words = "the server redirects, and the API key is not sent elsewhere; name the address it leads to"
            raise ServerRefusedError(f"{self._url}: {words}: {status}")


class _BusyError(Exception):
    """A server that is busy; `asked` is its `Retry-After` in seconds, if any."""

    def __init__(self, reason: str, asked: float | None) -> None:
        super().__init__(reason)
        self.asked = asked


def _feed_url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        raise SourceAddressError("the address of the server is not a valid URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceAddressError("the address of the server is not a valid http:// or https:// URL")
    bare = url.copy_with(username="", password="", query=None, fragment=None)
    return bare.copy_with(path=bare.path.rstrip("/") + PATH)
