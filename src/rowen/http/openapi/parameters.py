"""The parameters of the calls: in paths, in query strings, in headers.

Owns what is said of each. Must not know which call takes which.
"""

from typing import Any, Final

from rowen.app.following import DEFAULT_FEED_PAGE
from rowen.harvest.v1_records import RESOURCES
from rowen.harvest.webhooks import DEFAULT_DELIVERIES, MOST_DELIVERIES
from rowen.http.openapi.examples import IDS, INTERVIEWER_ID, USER_ID
from rowen.http.openapi.schemas import IDENTIFIER, REVISION
from rowen.interviews.query import DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE

Json = dict[str, Any]
Parameters = tuple[Json, ...]

_TIME: Final[Json] = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
_TEXT: Final[Json] = {"type": "string"}
_FLAG: Final[Json] = {"type": "boolean", "default": False}
_SIDES: Final = (("before", "before"), ("after", "at or after"))
_TIMED: Final = (("created", "were created"), ("updated", "were updated"), ("starts", "start"), ("ends", "end"))
_SINGULARS: Final = {
    "scheduled_interviews": "scheduled interview",
    "applications": "application",
    "users": "user",
    "job_stages": "job stage",
    "jobs": "job",
    "scorecards": "scorecard",
    "webhooks": "webhook",
}
_TERMS: Final = {
    "email": "Only users who have this e-mail address",
    "employee_id": "Only users who have this employee id",
    "job_id": "Only what is of the job with this id",
}


def path_parameter(path: str) -> Json:
    """Return the description of the `id` in a path."""
    resource = path.split("/{id}")[0].rpartition("/")[2]
    return {
        "name": "id",
        "in": "path",
        "required": True,
        "description": f"The id of the {_SINGULARS[resource]}",
        "schema": IDENTIFIER,
        "example": IDS[resource],
    }


def _query(name: str, description: str, schema: Json, **others: Any) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema, **others}


def _limit(largest: int, default: int) -> Json:
    schema = {"type": "integer", "minimum": 1, "maximum": largest, "default": default}
    return _query("limit", "How many are answered at the most", schema)


_PAGES: Final = (
    _query(
        "per_page",
        "How many of them a page holds at the most",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE},
    ),
    _query(
        "page",
        "Which page: the n-th chunk of `per_page`",
        {"type": "integer", "minimum": 1, "maximum": 2**63 - 1, "default": 1},
    ),
    _query(
        "after",
        "Continue behind the one with this id, whatever was inserted or deleted since: `next` links carry it",
        REVISION,
    ),
    _query("skip_count", "Leave out the link to the last page", _FLAG),
)

INTERVIEWS: Final = (
    *_PAGES,
    *(
        _query(f"{what}_{side}", f"Only interviews that {verb} {relation} this ISO-8601 date or time", _TIME)
        for what, verb in _TIMED
        for side, relation in _SIDES
    ),
    _query("external_event_id", "Only interviews with this id of an external event", _TEXT),
    _query(
        "actionable",
        "Only interviews that can be changed: created through the API, not complete, of an active application",
        _FLAG,
    ),
)

CONFLICTS: Final = (
    _query("user_id", "Only of this user", IDENTIFIER, example=INTERVIEWER_ID),
    _query("email", "Only of the guest with this e-mail address; not beside `user_id`", _TEXT),
    _query("from", "Only of interviews that end after this ISO-8601 date or time", _TIME),
    _query("to", "Only of interviews that start before this ISO-8601 date or time", _TIME),
    _limit(LARGEST_PAGE_SIZE, DEFAULT_PAGE_SIZE),
)

CHANGES: Final = (
    _query(
        "after",
        "Only what happened after this revision, the `last_revision` of the page before; `now`: what is still to come",
        {"anyOf": [REVISION, {"const": "now"}], "default": 0},
    ),
    _limit(LARGEST_PAGE_SIZE, DEFAULT_FEED_PAGE),
)

DELIVERIES: Final = (_limit(MOST_DELIVERIES, DEFAULT_DELIVERIES),)


def of_records(resource: str) -> Parameters:
    """Return the parameters of a list of records."""
    found = RESOURCES[resource]
    filters = [_query(name, _told_of_time(name), _TIME) for name in found.times]
    filters += [_query(name, _TERMS[name], _TEXT) for name in found.terms]
    if found.status:
        filters.append(_query("status", "Only those of this status; an unknown one is an empty list", _TEXT))
    if found.hides is not None:
        filters.append(_query(found.hides, "Show custom fields, too", _FLAG))
    return (*_PAGES, *filters)


def _told_of_time(name: str) -> str:
    what, _, side = name.rpartition("_")
    verb = {"created": "were created", "updated": "were updated", "last_activity": "had their last activity"}[what]
    return f"Only those that {verb} {dict(_SIDES)[side]} this ISO-8601 date or time"


def _header(name: str, description: str, schema: Json, **others: Any) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": schema, **others}


# What is no tag names no copy, and is no error: these take any text.
IF_NONE_MATCH: Final = _header("If-None-Match", "The `ETag` of the copy that the client has", _TEXT)
IF_MATCH: Final = _header(
    "If-Match", "The `ETag` of the version that is meant: another one is left alone, and the answer is 412", _TEXT
)
LAST_EVENT_ID: Final = _header(
    "Last-Event-ID",
    "The id of the last event heard, or `now`: a live feed goes on behind it. Counts more than `after`",
    _TEXT,
)
ON_BEHALF_OF: Final = _header(
    "On-Behalf-Of", "The id of the user who does this", IDENTIFIER, required=True, example=USER_ID
)
IDEMPOTENCY_KEY: Final = _header(
    "Idempotency-Key",
    "Any text of the client's own: the same request under the same key, within 24 hours, is answered with the same"
    " bytes and done once",
    {"type": "string", "minLength": 1, "maxLength": 255},
)
