"""Following the schedule: the feed of changes, as pages and live, and the history of one interview.

Owns their parameters and forms (WHATWG HTML, section 9.2 "Server-sent events"). Must not know HTTP's transport,
authentication or SQL.
"""

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Final, NamedTuple

from rowen.app import following
from rowen.app.following import DEFAULT_FEED_PAGE, Entry, FeedPage, Listening
from rowen.app.services import Services
from rowen.harvest.calls import Answer, Call, has_copy
from rowen.harvest.conditional import list_etag
from rowen.harvest.parameters import read_limit, read_values
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import InterviewId

EVENT_STREAM: Final = "text/event-stream"
NOW: Final = "now"
SILENCE_SECONDS: Final = 15.0
"""After how much silence a live feed says that it is still there: proxies close what says nothing for a minute."""

_RETRY: Final = b"retry: 1000\n\n"  # milliseconds until a client that lost us comes back
_HEARTBEAT: Final = b": still here\n\n"
_LARGEST_REVISION: Final = 2**63 - 1
_DIGITS: Final = re.compile(r"[0-9]{1,19}")


class FeedParameters(NamedTuple):
    """What is asked of the feed: the changes behind a revision (None for the newest), so many a page."""

    after: int | None
    limit: int


async def list_changes(services: Services, call: Call) -> Answer:
    """Return what happened, in the order of commits: a page, or live for who accepts events."""
    live = _accepts_events(call.header(b"accept"))
    parameters = read_feed_parameters(call.query, call.header(b"last-event-id") if live else "")
    after = call.organization.revision if parameters.after is None else parameters.after
    if live:
        return Answer(b"", stream=_events(services, call, after))
    full_address = f"{call.address}?{call.query}"
    etag = list_etag(call.organization, full_address)
    if has_copy(call, etag):
        return Answer(None, etag)
    page = await services.feed.after(call.organization, after, parameters.limit)
    return Answer(_page_body(page), list_etag(page.organization, full_address))


async def list_history(services: Services, call: Call) -> Answer:
    """Return who did what to an interview, when, and what each field was before and after."""
    etag = list_etag(call.organization, call.address)
    interview = InterviewId(call.identifier)
    found = await following.history(services.feed, services.interviews, call.organization, interview)
    if has_copy(call, etag):
        return Answer(None, etag)
    return Answer(b"".join((b"[", b",".join(found), b"]")), etag)


def read_feed_parameters(query_string: str, last_event_id: str = "") -> FeedParameters:
    """Read what is asked of the feed; the id of the last event seen counts more than `after`.

    Raises Refusal (invalid) that names every bad field.
    """
    values = read_values(query_string, _READERS)
    after = values.get("after", 0)
    if last_event_id:
        try:
            after = _position(last_event_id)
        except ValueError as error:
            raise Refusal(Code.INVALID, problems=(FieldProblem("Last-Event-ID", str(error)),)) from None
    return FeedParameters(after, values.get("limit", DEFAULT_FEED_PAGE))


def _position(text: str) -> int | None:
    if text == NOW:
        return None
    if _DIGITS.fullmatch(text) and int(text) <= _LARGEST_REVISION:
        return int(text)
    raise ValueError(f"Must be an integer between 0 and {_LARGEST_REVISION}, or `{NOW}`")


_READERS: Final[Mapping[str, Callable[[str], int | None]]] = {"after": _position, "limit": read_limit}


def _accepts_events(accept: str) -> bool:
    """Tell whether an `Accept` header names events; `*/*` does not: whoever wants them says so."""
    for part in accept.lower().split(","):
        kind, _, parameters = part.partition(";")
        if kind.strip() == EVENT_STREAM:
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", parameters) is None
    return False


def _page_body(page: FeedPage) -> bytes:
    changes = b",".join(entry.body for entry in page.entries)
    return b'{"changes":[%b],"last_revision":%d,"more":%b}' % (
        changes,
        page.last_revision,
        b"true" if page.more else b"false",
    )


async def _events(services: Services, call: Call, after: int) -> AsyncGenerator[bytes, None]:
    """Write the feed as events; nothing at all where something happened elsewhere, for the edge to look at the key."""
    yield _RETRY
    listening = Listening(after, SILENCE_SECONDS)
    async with aclosing(following.follow(services.feed, services.commits, call.organization, listening)) as runs:
        async for entries in runs:
            yield _HEARTBEAT if entries is None else b"".join(map(_event, entries))


def _event(entry: Entry) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (entry.revision, entry.kind.encode(), entry.body)
