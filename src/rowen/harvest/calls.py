"""What a call is: an authorised request on its way in, an answer on its way out.

Owns the shapes between the edge and the handlers, and what all handlers share. Must not know HTTP's transport,
authentication or SQL.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from rowen.app.ports import Organization
from rowen.app.services import Services
from rowen.harvest.conditional import matches
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import LARGEST_ID


class Call(NamedTuple):
    """An authorised request.

    `address` is the URL asked for without its query, as the client should see it; `query` the query string, still
    encoded; `headers` are by lower-case name; `body` is empty but for writes.
    """

    organization: Organization
    key_id: int
    key_name: str
    method: str
    identifiers: Mapping[str, str]
    address: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes = b""

    def header(self, name: bytes) -> str:
        """Return a header's value, stripped; empty where it was not sent."""
        return str(self.headers.get(name, b""), "latin-1").strip()

    @property
    def identifier(self) -> int:
        """The id in the path. Raises Refusal (not found) where it is none."""
        text = self.identifiers["id"]
        if _IDENTIFIER.fullmatch(text) is None or not 0 < int(text) <= LARGEST_ID:
            raise Refusal(Code.NOT_FOUND)
        return int(text)


class Answer(NamedTuple):
    """What to send: JSON with its tag, and the links to its neighbors.

    Without a body the client's copy is good; with `stream` the answer is Server-Sent Events until that ends.
    """

    body: bytes | None
    etag: str = ""
    link: str | None = None
    warning: str | None = None
    status: int = 200
    stream: AsyncGenerator[bytes, None] | None = None


Handler = Callable[[Services, Call], Awaitable[Answer]]

_IDENTIFIER: Final = re.compile(r"[0-9]{1,16}")


def has_copy(call: Call, etag: str) -> bool:
    """Tell whether the client says (`If-None-Match`) that it has what the tag stands for."""
    known = call.headers.get(b"if-none-match")
    return known is not None and matches(str(known, "latin-1"), etag)
