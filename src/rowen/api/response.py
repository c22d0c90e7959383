"""A response as handlers return it.

Owns its type. Must not know how it is sent.
"""

from collections.abc import AsyncGenerator
from typing import Annotated, Final, NamedTuple

import msgspec

JSON: Final = "application/json;charset=utf-8"


class Response(NamedTuple):
    """A body of some media type, JSON if none is given, with its `ETag` and the links to other pages.

    Without a body the client's copy is current (304). With `stream` the response is Server-Sent Events, until the
    stream ends. A weak `etag` lets the server compress the body; with a strong one it is sent byte for byte.
    `is_held` is false if the body is empty because the organization holds no record of the resource at all.
    """

    body: bytes | None
    etag: str = ""
    link: str | None = None
    warning: str | None = None
    status: int = 200
    stream: AsyncGenerator[bytes, None] | None = None
    media_type: str = JSON
    is_held: bool = True


More = Annotated[bool, msgspec.Meta(description="Whether there is more")]
"""A field of lists that have a `limit`, and no pages."""


class Message(msgspec.Struct, frozen=True):
    """A sentence in place of a document that was deleted."""

    message: str


def deleted(what: str, identifier: int) -> bytes:
    """Return the JSON that confirms a deletion of a resource, such as `Interview`."""
    return msgspec.json.encode(Message(f"{what} {identifier} has been deleted."))
