"""The feed of changes, as pages and live, and the history of one interview.

Owns their parameters and responses (WHATWG HTML, section 9.2 "Server-sent events"). Must not know HTTP's transport,
authentication or SQL.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final, NamedTuple

import msgspec

from rowen.api import examples
from rowen.api.declarations import Operation, Reply
from rowen.api.headers.conditional import list_etag
from rowen.api.parameters import Parameter, path_id
from rowen.api.reading.query import QueryParameter, by_name, limit_parameter, read_values
from rowen.api.request import ApiRequest
from rowen.api.response import More, Response
from rowen.api.schemas import LARGEST_INTEGER, REVISION, TEXT
from rowen.app import changes
from rowen.app.changes import DEFAULT_FEED_PAGE, FeedEntry, FeedPage, Subscription
from rowen.app.services import Services
from rowen.interviews.changes import ChangeSummary
from rowen.interviews.errors import Code, FieldProblem, Refusal
from rowen.interviews.interview import InterviewId, ScheduledInterview

EVENT_STREAM: Final = "text/event-stream"
NOW: Final = "now"
SILENCE_SECONDS: Final = 15.0
"""The heartbeat interval of a live feed in seconds: proxies close connections that are silent for a minute."""

_RETRY: Final = b"retry: 1000\n\n"  # milliseconds after which a disconnected client tries again
_HEARTBEAT: Final = b": still here\n\n"
_DIGITS: Final = re.compile(r"[0-9]{1,19}")


class ChangeRecord(
    ChangeSummary, frozen=True, kw_only=True
):  # describes what the store keeps as bytes: none is ever built
    """A change as the feed shows it."""

    document: Annotated[
        ScheduledInterview | None,
        msgspec.Meta(description="The interview after the change; its last state where it was cancelled"),
    ]


class ChangePage(msgspec.Struct, frozen=True):
    """A page of the feed."""

    changes: list[ChangeRecord]
    last_revision: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_INTEGER)]
    more: More


class FeedParameters(NamedTuple):
    """A request to the feed: the changes after a revision (None for the newest), at most `limit` per page."""

    after: int | None
    limit: int


async def list_changes(services: Services, request: ApiRequest) -> Response:
    """Return the changes in the order of commits: a page, or a live stream for clients that accept events."""
    live = _accepts_events(request.header(b"accept"))
    parameters = read_feed_parameters(request.query, request.header(b"last-event-id") if live else "")
    after = request.organization.revision if parameters.after is None else parameters.after
    if live:
        return Response(b"", stream=_events(services, request, after))
    full_address = f"{request.address}?{request.query}"
    etag = list_etag(request.organization, full_address)
    if request.has_copy(etag):
        return Response(None, etag)
    page = await services.feed.after(request.organization, after, parameters.limit)
    return Response(_page_body(page), list_etag(page.organization, full_address))


async def list_history(services: Services, request: ApiRequest) -> Response:
    """Return the changes of an interview: actor, time, and each field before and after."""
    etag = list_etag(request.organization, request.address)
    interview = InterviewId(request.identifier())
    summaries = await changes.history(services.feed, services.interviews, request.organization, interview)
    if request.has_copy(etag):
        return Response(None, etag)
    return Response(b"".join((b"[", b",".join(summaries), b"]")), etag)


def read_feed_parameters(query_string: str, last_event_id: str = "") -> FeedParameters:
    """Return the parameters of the feed; the id of the last event overrides `after`.

    Raises Refusal (invalid) that names every bad field.
    """
    values = read_values(query_string, _PARAMETERS)
    after = values["after"]
    if last_event_id:
        try:
            after = _position(last_event_id)
        except ValueError as error:
            raise Refusal(Code.INVALID, problems=(FieldProblem(_LAST_EVENT_ID.name, str(error)),)) from None
    return FeedParameters(after, values["limit"])


def _position(text: str) -> int | None:
    if text == NOW:
        return None
    if _DIGITS.fullmatch(text) and int(text) <= LARGEST_INTEGER:
        return int(text)
    raise ValueError(f"Must be an integer between 0 and {LARGEST_INTEGER}, or `{NOW}`")


_PARAMETERS: Final = by_name(
    QueryParameter(
        "after",
        "Only what happened after this revision, the `last_revision` of the page before; `now`: what is still to come",
        {"anyOf": [REVISION, {"const": NOW}]},
        default=0,
        read=_position,
    ),
    limit_parameter(DEFAULT_FEED_PAGE),
)
_LAST_EVENT_ID: Final = Parameter(
    "Last-Event-ID",
    "The id of the last event received, or `now`: a live stream continues after it. Overrides `after`",
    TEXT,
)


def _accepts_events(accept: str) -> bool:
    """Return whether an `Accept` header names events explicitly; `*/*` does not."""
    for part in accept.lower().split(","):
        kind, _, parameters = part.partition(";")
        if kind.strip() == EVENT_STREAM:
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", parameters) is None
    return False


def _page_body(page: FeedPage) -> bytes:
    return b'{"changes":[%b],"last_revision":%d,"more":%b}' % (
        b",".join(map(entry_body, page.entries)),
        page.last_revision,
        b"true" if page.more else b"false",
    )


def entry_body(entry: FeedEntry) -> bytes:
    """Return the JSON of a change: its summary, and the document after it, which may be null."""
    # The summary is an object: the document is inserted before its closing brace.
    return b"".join((entry.summary[:-1], b',"document":', entry.document or b"null", b"}"))


async def _events(services: Services, request: ApiRequest, after: int) -> AsyncGenerator[bytes, None]:
    """Yield the feed as events; empty bytes after other commits, so that the edge checks the key again."""
    yield _RETRY
    subscription = Subscription(after, SILENCE_SECONDS)
    async with aclosing(changes.follow(services.feed, services.commits, request.organization, subscription)) as runs:
        async for entries in runs:
            yield _HEARTBEAT if entries is None else b"".join(map(_event, entries))


def _event(entry: FeedEntry) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (entry.revision, entry.kind.encode(), entry_body(entry))


OPERATIONS: Final = (
    Operation(
        "GET",
        "/rowen/v1/changes",
        "changes:list",
        list_changes,
        "List changes, or follow them live",
        "Changes",
        Reply(
            ChangePage,
            examples.CHANGES_PAGE,
            "The changes, in the order of commits. With `Accept: text/event-stream`, a live stream: one event for each"
            " change, with its revision as id and a `Change` as data",
            events=examples.EVENTS,
        ),
        query=_PARAMETERS,
        headers=(_LAST_EVENT_ID,),
    ),
    Operation(
        "GET",
        "/rowen/v1/scheduled_interviews/{id}/history",
        "scheduled_interviews:history",
        list_history,
        "List the changes of a scheduled interview",
        "Changes",
        Reply(list[ChangeSummary], [examples.HAPPENING], "The changes of the interview, oldest first"),
        path_parameters=(path_id("scheduled interview", examples.TIMED["id"]),),
    ),
)
