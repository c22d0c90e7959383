"""Records pulled from a Harvest-compatible server, page by page.

Owns the conversation with the server: the key, the pages by `Link` (RFC 8288) and nothing else, patience with
a busy server, and the refusal to take the key anywhere but the origin it was given for. Must not know how
records are decoded or stored, nor where a checkpoint is kept.
"""

import re
import ssl
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

import httpx
import msgspec

from rowen import __version__
from rowen.app.records import INTERVIEWS, JOB_STAGES, RESOURCES
from rowen.exchange.envelopes import bounded, is_utf8, item_of
from rowen.exchange.errors import (
    ServerAnswerInvalid,
    ServerRefused,
    ServerUnavailable,
    SourceAddressInvalid,
)
from rowen.exchange.records import Batch, Checkpoint
from rowen.exchange.retries import Patience, retry_after

PAGE_SIZE: Final = 500
LARGEST_PAGE: Final = 64 * 1024 * 1024
LARGEST_ERROR: Final = 64 * 1024
REDIRECTS: Final = 5
DEFAULT_PATH: Final = "/v1/scheduled_interviews"

_RESOURCES: Final = {INTERVIEWS: INTERVIEWS, **{name: name for name in RESOURCES}, "stages": JOB_STAGES}
"""What a list holds, by the end of its path."""

_link: Final = re.compile(r'<([^<>]*)>((?:"[^"]*"|[^",<])*)')
_parameter: Final = re.compile(r""";\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))""")
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])
_WORDS: Final = {
    401: "the server does not accept this API key",
    403: "this API key may not read this there",
    404: "the server knows nothing at this address",
    422: "the server does not accept the filters of this address",
}


class _Problem(msgspec.Struct):
    message: str = ""
    field: str = ""


class _ErrorBody(msgspec.Struct):
    """What the API answers instead of a page."""

    message: str = ""
    errors: list[_Problem] = []


class _Answer(NamedTuple):
    """An answer that was read to its end; `body` holds decompressed bytes."""

    status: int
    headers: httpx.Headers
    body: bytes


class ServerSource:
    """The records of a list endpoint, for example `https://key:@host/v1/scheduled_interviews?updated_after=…`.

    Each batch is one page and ends with the Checkpoint that it leads to. A source with `start`, the address
    out of such a checkpoint, goes on from there.
    """

    rereadable: Final = False
    size: Final = None

    def __init__(self, address: str, *, start: str | None = None, patience: Patience | None = None) -> None:
        """Take an address with the key as its user name; connects later. Raises SourceAddressInvalid."""
        self.position = 0
        self.passed_over: Counter[str] = Counter()
        self._patience = patience or Patience()
        self._address = address
        url = _parse(address, "the address")
        self._secrets, self._authorization = _credentials(url)
        self._first = _bare(url)
        self.name = str(self._first)
        self.resource = _RESOURCES.get(self._first.path.rstrip("/").rpartition("/")[2])
        self._start = _with_page_size(self._first)
        if start is not None:
            following = _bare(_parse(start, "the address to go on from"))
            self._start = self._same_origin(following, "the checkpoint")

    def __repr__(self) -> str:
        return f"ServerSource({self.name!r})"

    def resumed(self, start: str) -> "ServerSource":
        """Return this source, going on from a checkpoint's address. Raises SourceError on another origin."""
        return ServerSource(self._address, start=start, patience=self._patience)

    def batches(self) -> Iterator[Batch]:
        """Hand out page after page, each with its Checkpoint last. Raises SourceError if one fails."""
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        headers |= {"User-Agent": f"rowen/{__version__}"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        with httpx.Client(headers=headers, timeout=self._patience.timeout, follow_redirects=False) as client:
            url: httpx.URL | None = self._start
            landmark, pages, interval = url, 0, 1
            while url is not None:
                answer = self._ask_patiently(client, url)
                batch = self._records(url, answer)
                url = self._next(url, answer.headers)
                # Brent's way to notice a circle of pages without remembering them all.
                pages += 1
                if url == landmark:
                    raise ServerAnswerInvalid(f"{url}: the server's next pages lead in a circle")
                if pages == interval:
                    landmark, interval = url, interval * 2
                batch.append(Checkpoint(str(url) if url else None))
                yield batch

    # --- pages

    def _records(self, url: httpx.URL, answer: _Answer) -> Batch:
        """Return the records of a page."""
        name = str(url)
        try:
            if not is_utf8(answer.body):
                raise ServerAnswerInvalid(f"{name}: the server's answer is not valid UTF-8 text")
            elements = _elements.decode(answer.body)
        except (msgspec.DecodeError, RecursionError):
            raise ServerAnswerInvalid(
                f"{name}: the server's answer is no list of records; is this the address of a Harvest API?"
            ) from None
        numbered = enumerate((bytes(element) for element in elements), 1)
        items = (item_of(name, 0, element, self.passed_over, number) for number, element in numbered)
        return [item for item in items if item is not None]

    def _next(self, url: httpx.URL, headers: httpx.Headers) -> httpx.URL | None:
        """Return the next page's address; None where the server names none."""
        target = next_link(headers.get("Link", ""))
        if target is None:
            return None
        try:
            return self._same_origin(_bare(url.join(target)), "the server's next page")
        except httpx.InvalidURL:
            raise ServerAnswerInvalid(f"{url}: the server's next page has no valid address") from None

    def _same_origin(self, url: httpx.URL, what: str) -> httpx.URL:
        """Refuse to take the key to another scheme, host or port."""
        if _origin(url) == _origin(self._first):
            return url
        raise ServerAnswerInvalid(
            f"{self.name}: {what} is on {_origin_text(url)}, not on {_origin_text(self._first)}; "
            "the API key is not sent there"
        )

    # --- answers

    def _ask_patiently(self, client: httpx.Client, url: httpx.URL) -> _Answer:
        """Return the page's answer, however often it takes within the bounds of patience."""
        patience = self._patience
        for attempt in range(patience.attempts):
            asked: float | None = None
            try:
                answer = self._ask(client, url)
            except (httpx.TransportError, httpx.DecodingError) as error:
                reason = _connection_trouble(url, error)
            else:
                if answer.status == 200:
                    return answer
                reason = self._trouble(url, answer)
                if answer.status in (429, 503):
                    asked = retry_after(answer.headers.get("Retry-After"), patience.now())
            if asked is not None and asked > patience.longest_asked_wait:
                raise ServerUnavailable(f"{reason}; it asks to wait {asked:.0f} seconds: try again later")
            if attempt + 1 < patience.attempts:
                patience.wait(reason, patience.delay(attempt, asked))
        raise ServerUnavailable(f"{reason}; gave up after {patience.attempts} attempts")

    def _ask(self, client: httpx.Client, url: httpx.URL) -> _Answer:
        """Send one request, following redirects within the origin."""
        for _ in range(REDIRECTS):
            with client.stream("GET", url) as response:
                if not response.has_redirect_location:
                    return self._read(url, response)
                # The client has refused an address that is not valid by itself, as a protocol error.
                target = _bare(url.join(response.headers["Location"]))
                if _origin(target) != _origin(self._first):
                    raise ServerRefused(
                        f"{self.name}: the server redirects to {_origin_text(target)}; the API key is not "
                        "sent there. If you trust it, name that address"
                    )
            url = target
        raise ServerRefused(f"{self.name}: the server redirects again and again")

    def _read(self, url: httpx.URL, response: httpx.Response) -> _Answer:
        largest = LARGEST_PAGE if response.status_code == 200 else LARGEST_ERROR
        body = bytearray()
        for chunk in response.iter_bytes(64 * 1024):
            body += chunk
            if len(body) > largest:
                if response.status_code != 200:
                    break
                raise ServerAnswerInvalid(f"{url}: the page is larger than {LARGEST_PAGE // 1024**2} MiB")
        self.position += response.num_bytes_downloaded
        return _Answer(response.status_code, response.headers, bytes(body[:largest]))

    def _trouble(self, url: httpx.URL, answer: _Answer) -> str:
        """Say what an answer other than 200 means. Raises ServerRefused where asking again is of no use."""
        status = answer.status
        message = self._message(answer.body)
        said = f' ("{message}")' if message else ""
        if status in (408, 425, 429) or status >= 500:
            busy = "has too many requests to answer" if status == 429 else "cannot answer now"
            return f"{url}: the server {busy}: {status}{said}"
        words = _WORDS.get(status, "the server does not answer this with a list")
        raise ServerRefused(f"{url}: {words}: {status}{said}")

    def _message(self, body: bytes) -> str:
        """Return the server's own words, bounded, and without the key should it repeat that."""
        try:
            error = msgspec.json.decode(body, type=_ErrorBody)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ""
        details = "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in error.errors)
        text = ". ".join(part for part in (error.message, details) if part)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return bounded(text)


def next_link(header: str) -> str | None:
    """Return the target of the link with the relation `next` in a `Link` header; None if there is none."""
    # The parser of httpx splits targets at the semicolons and commas in them.
    for target, parameters in _link.findall(header):
        for name, quoted, plain in _parameter.findall(parameters):
            if name.lower() == "rel" and "next" in (quoted or plain).lower().split():
                return str(target)
    return None


def _connection_trouble(url: httpx.URL, error: httpx.TransportError | httpx.DecodingError) -> str:
    """Say why no answer came. Raises ServerUnavailable where asking again is of no use."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message
            raise ServerUnavailable(f"{url}: the server's certificate is not valid: {why}") from None
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException):
        return f"{url}: the server did not answer in time"
    if isinstance(error, httpx.ConnectError):
        return f"{url}: cannot connect to the server: {bounded(str(error))}"
    return f"{url}: the server's answer broke off or is not valid HTTP"


def _parse(address: str, what: str) -> httpx.URL:
    if not address.isprintable() or " " in address:
        raise SourceAddressInvalid(f"{what} of the server is not a valid URL: there is white space in it")
    # The text of the parser's error is not passed on: it may quote the address with its key.
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise SourceAddressInvalid(f"{what} of the server is not a valid URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceAddressInvalid(f"{what} of the server is not a valid http:// or https:// URL")
    return url


def _credentials(url: httpx.URL) -> tuple[list[str], str]:
    """Return what must never be shown, and the value of the Authorization header (empty without a key)."""
    if not url.username:
        return [], ""
    pair = f"{url.username}:{url.password}".encode()
    encoded = b64encode(pair).decode()
    secrets = [encoded, encoded.rstrip("="), url.username, url.password]
    return [secret for secret in secrets if secret], f"Basic {encoded}"


def _bare(url: httpx.URL) -> httpx.URL:
    """Return an address without credentials and fragment, and with the usual path where it has none."""
    bare = url.copy_with(username="", password="", fragment=None)
    return bare.copy_with(path=DEFAULT_PATH) if bare.path in ("", "/") else bare


def _with_page_size(url: httpx.URL) -> httpx.URL:
    """Ask for large pages unless the address names a size; the rest of the query stays as written."""
    if "per_page" in url.params:
        return url
    query = url.query + b"&" if url.query else b""
    return url.copy_with(query=query + b"per_page=%d" % PAGE_SIZE)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host.lower(), url.port or (443 if url.scheme == "https" else 80)


def _origin_text(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
