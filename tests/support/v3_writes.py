"""Writes of interviews in a strict Harvest v3 account.

Owns what the account takes (contract section 13), and the rows that follow. Must not know HTTP.
"""

from typing import TYPE_CHECKING, Any, Final

from rowen.interviews.moments import Instant

if TYPE_CHECKING:
    from tests.support.v3_upstream import V3Upstream, Written

Row = dict[str, Any]

_TIMES: Final = ("starts_at", "ends_at", "all_day_start_on", "all_day_end_on")
_CHANGES: Final = frozenset({"starts_at", "ends_at", "interviewers", "location", "video_conferencing_url"})
_NEW: Final = _CHANGES | {
    "application_id",
    "job_interview_id",
    "external_event_id",
    "all_day_start_on",
    "all_day_end_on",
}
_REQUIRED: Final = ("application_id", "job_interview_id", "external_event_id", "interviewers")
_OPEN: Final = ("scheduled", "awaiting_feedback")
_ANSWERS: Final = ("needs_action", "declined", "tentative", "accepted")


class RefusedError(Exception):
    """A write that is answered with 422."""

    def __init__(self, *errors: object) -> None:
        super().__init__(str(errors))
        self.errors = errors


def write(upstream: "V3Upstream", written: "Written") -> tuple[int, object]:
    """Make a change, and return the status and the body of the answer. Raises RefusedError."""
    parts = written.path.removeprefix("/v3/").split("/")
    if parts[0] != "interviews" or len(parts) != (1 if written.method == "POST" else 2):
        return 404, {"message": "Resource not found"}
    with upstream.lock:
        if written.method == "POST":
            return 201, _create(upstream, written)
        before = upstream.rows.get("interviews", {}).get(int(parts[1]))
        if before is None:
            return 404, {"message": "Resource not found"}
        if before["status"] not in _OPEN:
            raise RefusedError({"status": f"is {before['status']}"})
        if written.method == "DELETE":
            _remove(upstream, before)
            return 200, {"message": "deleted"}
        return 200, _change(upstream, before, written.body)


def _create(upstream: "V3Upstream", written: "Written") -> Row:
    body = written.body
    _require(body, _NEW, _REQUIRED)
    if "starts_at" not in body and "all_day_start_on" not in body:
        raise RefusedError({"starts_at": "is missing"})
    application = upstream.rows["applications"].get(body["application_id"])
    if application is None:
        raise RefusedError({"application_id": "must exist"})
    if body["job_interview_id"] not in upstream.rows["job_interviews"]:
        raise RefusedError({"job_interview_id": "must exist"})
    _check_panel(upstream, body["interviewers"])
    identifier = max(upstream.rows["interviews"], default=0) + 1
    row = {
        "id": identifier,
        "job_id": application["job_id"],
        "organizer_id": written.user,
        "location": None,
        "status": "scheduled",
        "video_conferencing_url": None,
        **dict.fromkeys(_TIMES),
        **{name: value for name, value in body.items() if name != "interviewers"},
    }
    upstream.put("interviews", _timed(row))
    _seat(upstream, identifier, body["interviewers"])
    return upstream.rows["interviews"][identifier]


def _change(upstream: "V3Upstream", before: Row, body: Row) -> Row:
    _require(body, _CHANGES, ())
    _check_panel(upstream, body.get("interviewers", []))
    row = {"id": before["id"], **{name: value for name, value in body.items() if name != "interviewers"}}
    upstream.put("interviews", _timed(row))
    if "interviewers" in body:
        _seat(upstream, before["id"], body["interviewers"])
    return upstream.rows["interviews"][before["id"]]


def _timed(row: Row) -> Row:
    """Return a row with its times as lists show them."""
    return {name: str(Instant.parse(value)) if name in _TIMES[:2] and value else value for name, value in row.items()}


def _require(body: Row, known: frozenset[str], required: tuple[str, ...]) -> None:
    errors = [{name: "is not allowed"} for name in body if name not in known]
    errors += [{name: "is missing"} for name in required if name not in body]
    if errors:
        raise RefusedError(*errors)


def _check_panel(upstream: "V3Upstream", panel: list[Row]) -> None:
    for position, member in enumerate(panel):
        if set(member) not in ({"user_id", "response_status"}, {"email", "response_status"}):
            raise RefusedError({f"interviewers[{position}]": "is not allowed"})
        if member["response_status"] not in _ANSWERS:
            raise RefusedError({f"interviewers[{position}].response_status": "is not allowed"})
        if "user_id" in member and member["user_id"] not in upstream.rows["users"]:
            raise RefusedError({f"interviewers[{position}].user_id": "must exist"})


def _seat(upstream: "V3Upstream", interview: int, panel: list[Row]) -> None:
    """Replace a panel; those who stay keep their rows."""
    seats = upstream.rows.setdefault("interviewers", {})
    present = {(seat["user_id"], seat["email"]): seat for seat in seats.values() if seat["interview_id"] == interview}
    wanted = {(member.get("user_id"), member.get("email")): member for member in panel}
    upstream.remove("interviewers", *(seat["id"] for key, seat in present.items() if key not in wanted))
    for (user, email), member in wanted.items():
        kept = present.get((user, email))
        row: Row = {"id": max(seats, default=0) + 1, "scorecard_id": None} if kept is None else {"id": kept["id"]}
        named = {"interview_id": interview, "user_id": user, "email": email}
        upstream.put("interviewers", {**row, **named, "response_status": member["response_status"]})


def _remove(upstream: "V3Upstream", row: Row) -> None:
    seats = upstream.rows.get("interviewers", {}).values()
    upstream.remove("interviewers", *[seat["id"] for seat in seats if seat["interview_id"] == row["id"]])
    upstream.remove("interviews", row["id"])
