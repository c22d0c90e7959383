"""Records pulled from a Harvest-compatible server, page by page.

Owns the requests to the server: the key, the pages by `Link` (RFC 8288) and nothing else, retries while the server is
busy, and the refusal to send the key to any other origin. Must not know how bytes are transferred, how records are
decoded or stored, nor where a checkpoint is kept.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import quote

import httpx
import msgspec

from rowen import __version__
from rowen.app.records import INTERVIEWS, JOB_STAGES, RESOURCES
from rowen.imports.archive_names import resource_of_path
from rowen.imports.errors import (
    ListRefusedError,
    ServerRefusedError,
    ServerResponseError,
    ServerUnavailableError,
    SourceAddressError,
    SourceError,
)
from rowen.imports.formats.envelopes import bounded, is_utf8, item_of
from rowen.imports.items import LARGEST_RECORD, Batch, Checkpoint
from rowen.imports.sources.http_client import (
    BoundedClient,
    BoundedResponse,
    InterruptedTransferError,
    InvalidResponseError,
    TransferLimits,
    UnreachableHostError,
)
from rowen.imports.sources.pages import PageWalk, next_link
from rowen.imports.sources.retries import Retries, RetryPolicy, retry_after

PAGE_SIZE: Final = 500
LARGEST_PAGE: Final = 64 * 1024 * 1024
MOST_RECORDS: Final = 10_000
"""How many records a page may hold: twenty times the number requested."""
MOST_VALUES: Final = 1_000_000
"""How many commas a page may hold: each may separate two records, which take 50 times its size once decoded."""
LARGEST_ERROR: Final = 64 * 1024
LONGEST_URL: Final = 8 * 1024
REDIRECTS: Final = 5
DEFAULT_PATH: Final = "/v1/scheduled_interviews"

_RESOURCES: Final = {INTERVIEWS: INTERVIEWS, **{name: name for name in RESOURCES}, "stages": JOB_STAGES}
"""The resource of a list, by the last part of its path."""

_SECRET_PARAMETERS: Final = frozenset(("key", "api_key", "apikey", "token", "access_token", "secret", "password"))
_SHORTEST_SECRET: Final = 8  # the shortest secret that is searched for in long texts: shorter ones occur everywhere
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])
_WORDS: Final = {
    401: "the server does not accept this API key",
    403: "this API key has no permission to read this",
    404: "the server finds nothing at this address",
    422: "the server does not accept the filters of this address",
}

_NO_KEY: Final = (
    "the server requires an API key, and none was given: set ROWEN_KEY, or put it before the host, as in "
    "https://KEY:@HOST/"
)


class _Problem(msgspec.Struct):
    message: str = ""
    field: str = ""


class _ErrorBody(msgspec.Struct):
    """The body of an API error."""

    message: str = ""
    errors: list[_Problem] = []


class _Answer(NamedTuple):
    """A response that was read to its end; `body` holds decompressed bytes."""

    status: int
    headers: httpx.Headers
    body: bytearray


class ServerSource:
    """The records of a list endpoint, for example `https://key:@host/v1/scheduled_interviews?updated_after=…`.

    Each batch is one page and ends with the Checkpoint that follows it. A source with `start`, the address from such a
    checkpoint, continues there. `is_held` is false once the server has answered that it holds no record of this kind.
    """

    rereadable: Final = False
    size: Final = None

    def __init__(
        self,
        address: str,
        *,
        start: str | None = None,
        key: str | None = None,
        optional: bool = False,
        retry_policy: RetryPolicy | None = None,
        limits: TransferLimits | None = None,
    ) -> None:
        """Take an address with the key as its user name, or else in `key`; connects later. Raises SourceAddressError.

        An `optional` list is one of many: it may be missing, or refused.
        """
        self.position = 0
        self.optional = optional
        self.is_held = True
        self.skipped: Counter[str] = Counter()
        self._retry_policy = retry_policy or RetryPolicy()
        self._limits = limits or TransferLimits()
        self._has_answered = False
        self._address = address
        self._key = key
        url = _parse(address, "the address")
        if not url.username and key:
            url = url.copy_with(username=key)
        self._secrets, self._authorization = _credentials(url)
        self._first = _bare(url)
        self.name = str(self._first)
        path = self._first.path.rstrip("/")
        self.resource = _RESOURCES.get(path.rpartition("/")[2]) or resource_of_path(path)
        self._start = _with_page_size(self._first)
        if start is not None:
            following = _bare(_parse(start, "the address to continue from"))
            self._start = self._same_origin(following, "the checkpoint")

    def __repr__(self) -> str:
        return f"ServerSource({self.name!r})"

    def resumed(self, start: str) -> "ServerSource":
        """Return this source, continuing at a checkpoint's address. Raises SourceError for another origin."""
        return ServerSource(
            self._address,
            start=start,
            key=self._key,
            optional=self.optional,
            retry_policy=self._retry_policy,
            limits=self._limits,
        )

    def batches(self) -> Iterator[Batch]:
        """Yield page after page, each with its Checkpoint last. Raises SourceError if one fails."""
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        headers |= {"User-Agent": f"rowen/{__version__}"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        try:
            with BoundedClient(self._first, headers, self._limits) as client:
                yield from self._pages(client)
        except SourceError as error:
            # Any part of the text may come from the server.
            raise type(error)(self._without_secrets(str(error))) from None

    # --- pages

    def _pages(self, client: BoundedClient) -> Iterator[Batch]:
        url: httpx.URL | None = self._start
        walk = PageWalk(str(url))
        while url is not None:
            answer = self._ask_with_retries(client, url)
            self.is_held = "X-Rowen-Empty" not in answer.headers
            batch = self._records(url, answer.body)
            following = self._next(url, answer.headers)
            page = blake2b(answer.body, digest_size=16).digest() if batch else None
            fault = walk.fault_of(str(following) if following else None, page)
            if fault:
                raise ServerResponseError(f"{url}: {fault}")
            url = following
            batch.append(Checkpoint(str(url) if url else None))
            yield batch

    def _records(self, url: httpx.URL, body: bytearray) -> Batch:
        """Return the records of a page. Raises ServerResponseError."""
        name = str(url)
        if any(secret.encode() in body for secret in self._secrets if len(secret) >= _SHORTEST_SECRET):
            raise ServerResponseError(f"{name}: the server's answer repeats the API key; nothing of it is kept")
        if body.count(b",") > MOST_VALUES:
            raise ServerResponseError(f"{name}: the page has more than {MOST_VALUES:,} values")
        try:
            elements = _elements.decode(body)
        except (msgspec.DecodeError, RecursionError):
            raise ServerResponseError(
                f"{name}: the server's answer is not a list of records; is this the address of a Harvest API?"
            ) from None
        if len(elements) > MOST_RECORDS:
            raise ServerResponseError(f"{name}: the page has more than {MOST_RECORDS:,} records")
        batch: Batch = []
        for number, element in enumerate(elements, 1):
            record = bytes(element)
            if len(record) <= LARGEST_RECORD and not is_utf8(record):
                raise ServerResponseError(f"{name}: the server's answer is not valid UTF-8 text")
            item = item_of(name, 0, record, self.skipped, number)
            if item is not None:
                batch.append(item)
        return batch

    def _next(self, url: httpx.URL, headers: httpx.Headers) -> httpx.URL | None:
        """Return the next page's address, or None at the last page."""
        target = next_link(headers.get("Link", ""))
        if target is None:
            return None
        following = _joined(url, target)
        if following is None:
            raise ServerResponseError(f"{url}: the server's next page has no valid address")
        if self._without_secrets(str(following)) != str(following):
            raise ServerResponseError(f"{url}: the address of the server's next page repeats the API key")
        return self._same_origin(following, "the server's next page")

    def _same_origin(self, url: httpx.URL, what: str) -> httpx.URL:
        """Return the address. Raises ServerResponseError if its scheme, host or port differs: the key stays here."""
        if _origin(url) == _origin(self._first):
            return url
        raise ServerResponseError(
            f"{self.name}: {what} is on {_origin_text(url)}, not on {_origin_text(self._first)}; "
            "the API key is not sent there"
        )

    # --- responses

    def _ask_with_retries(self, client: BoundedClient, url: httpx.URL) -> _Answer:
        """Return the page's response, trying again within the limits. Raises SourceError."""
        retries = Retries(self._retry_policy)
        while True:
            asked: float | None = None
            connected = True
            try:
                answer = self._ask(client, url)
            except UnreachableHostError as error:
                raise ServerUnavailableError(f"{url}: {error}") from None
            except InvalidResponseError as error:
                raise ServerResponseError(f"{url}: {error}") from None
            except InterruptedTransferError as error:
                reason = f"{url}: {error}"
                connected = error.connected or self._has_answered  # one that has answered may just be starting again
            else:
                self._has_answered = True
                if answer.status == 200:
                    return answer
                reason = self._trouble(url, answer)
                if answer.status in (429, 503):
                    asked = retry_after(answer.headers.get("Retry-After"), self._retry_policy.now())
            retries.wait(self._without_secrets(reason), asked, connected=connected)

    def _ask(self, client: BoundedClient, url: httpx.URL) -> _Answer:
        """Send one request, following redirects within the origin. Raises TransferError and ServerRefusedError."""
        for _ in range(REDIRECTS):
            with client.get(url) as response:
                location = response.redirect_target
                if location is None:
                    return self._read(response)
                target = _joined(url, location)
                if target is None:
                    raise ServerRefusedError(f"{url}: the server redirects to an address that is not valid")
                if _origin(target) != _origin(self._first):
                    raise ServerRefusedError(
                        f"{self.name}: the server redirects to {_origin_text(target)}; the API key is not "
                        "sent there. If you trust it, name that address"
                    )
            url = target
        raise ServerRefusedError(f"{self.name}: the server keeps redirecting")

    def _read(self, response: BoundedResponse) -> _Answer:
        try:
            body = response.read(LARGEST_PAGE if response.status == 200 else LARGEST_ERROR)
        except InvalidResponseError:
            if response.status == 200:
                raise
            body = bytearray()
        self.position += response.wire_bytes
        return _Answer(response.status, response.headers, body)

    def _trouble(self, url: httpx.URL, answer: _Answer) -> str:
        """Return what a response other than 200 means. Raises ServerRefusedError if trying again is of no use."""
        status = answer.status
        message = self._message(answer.body)
        said = f' ("{message}")' if message else ""
        if status in (408, 425, 429) or status >= 500:
            busy = "has too many requests to answer" if status == 429 else "cannot answer now"
            return f"{url}: the server {busy}: {status}{said}"
        if status == 401 and not self._authorization:
            raise ServerRefusedError(f"{url}: {_NO_KEY}: {status}{said}")
        words = _WORDS.get(status, "the server does not answer this with a list")
        refused = ListRefusedError if status in (403, 404) else ServerRefusedError
        raise refused(f"{url}: {words}: {status}{said}")

    def _message(self, body: bytearray) -> str:
        """Return the server's own message, bounded, and without the key in case it repeats it."""
        try:
            error = msgspec.json.decode(body, type=_ErrorBody)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ""
        details = "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in error.errors)
        text = ". ".join(part for part in (error.message, details) if part)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return bounded(text)

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text


def _parse(address: str, what: str) -> httpx.URL:
    if not address.isprintable() or " " in address:
        raise SourceAddressError(f"{what} of the server is not a valid URL: there is white space in it")
    # The text of the parser's error is not passed on: it may contain the address with its key.
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise SourceAddressError(f"{what} of the server is not a valid URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceAddressError(f"{what} of the server is not a valid http:// or https:// URL")
    for name in url.params:
        if name.lower() in _SECRET_PARAMETERS:
            raise SourceAddressError(
                f"{what} of the server has a parameter {name.lower()}; write the key before the host instead, "
                "as in https://KEY:@harvest.example.com"
            )
    return url


def _joined(url: httpx.URL, target: str) -> httpx.URL | None:
    """Return the address that a link on a page leads to, or None if it is not valid."""
    try:
        joined = _bare(url.join(target))
    except (httpx.InvalidURL, ValueError):
        return None
    return joined if joined.host and len(str(joined)) <= LONGEST_URL else None


def _credentials(url: httpx.URL) -> tuple[list[str], str]:
    """Return the secrets that must never be shown, and the `Authorization` header (empty without a key)."""
    if not url.username:
        return [], ""
    pair = f"{url.username}:{url.password}".encode()
    encoded = b64encode(pair).decode()
    secrets = [encoded, encoded.rstrip("="), url.username, url.password]
    secrets += [quote(url.username, safe=""), quote(url.password, safe="")]
    return [secret for secret in dict.fromkeys(secrets) if secret], f"Basic {encoded}"


def _bare(url: httpx.URL) -> httpx.URL:
    """Return an address without credentials and fragment, with the usual path if it has none."""
    bare = url.copy_with(username="", password="", fragment=None)
    return bare.copy_with(path=DEFAULT_PATH) if bare.path in ("", "/") else bare


def _with_page_size(url: httpx.URL) -> httpx.URL:
    """Return an address that asks for large pages, unless it names a size; the rest of the query is unchanged."""
    if "per_page" in url.params:
        return url
    query = url.query + b"&" if url.query else b""
    return url.copy_with(query=query + b"per_page=%d" % PAGE_SIZE)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host.lower(), url.port or (443 if url.scheme == "https" else 80)


def _origin_text(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
