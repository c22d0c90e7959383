"""Moving an interview on the board: to other times, to another member of the panel, or to another place.

Owns turning times of a viewer's clock into instants, and what is asked before something is written. Must not know the
board, or the rules for changes: a move is a call of the API.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from rowen.api.errors import ERROR_RESPONSES
from rowen.api.headers.conditional import document_etag
from rowen.api.identifiers import read_identifier
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import Interviewer, InterviewId, Moment, ResponseStatus
from rowen.interviews.moments import LATEST, Instant
from rowen.interviews.people import person_of
from rowen.web.board_items import BoardInterview, board_interview
from rowen.web.calls import Calls
from rowen.web.languages import zone_name
from rowen.web.local_times import read_local_time
from rowen.web.page import OF_ACCOUNT
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Data, WebRequest
from rowen.web.schedule import Entry
from rowen.web.views import Viewer, shown_history

_CONFLICT: Final = 409
_STALE: Final = 412
_INVALID: Final = 422
_CHANGE: Final = ("PATCH", "/v2/scheduled_interviews/{id}")


class MoveMade(msgspec.Struct, frozen=True):
    """A move that was made: the interview as it is now."""

    interview: BoardInterview


class InstantChoice(msgspec.Struct, frozen=True):
    """One of the instants that a time of the clock may stand for."""

    value: str
    words: str


class MoveQuestion(msgspec.Struct, frozen=True):
    """A question to answer first: which of two instants `field` stands for."""

    field: str
    words: str
    choices: list[InstantChoice]


class MoveConflict(msgspec.Struct, frozen=True):
    """Nothing was written: others changed the interview. How it is now, None if it is gone, and what they changed."""

    interview: BoardInterview | None
    changes: Sequence[dict[str, Any]]


class Problem(msgspec.Struct, frozen=True):
    """Nothing was written: what is wrong, and with which field, empty if it is none of them."""

    field: str
    words: str


class _Move(NamedTuple):
    """A move as the board asks for it; `leaving` is the key of a member of the panel, `joining` the id of a user."""

    start: Moment
    end: Moment
    place: str | None
    leaving: str
    joining: int | None
    seen_at: int


class _AnsweredError(Exception):
    """A move comes to an answer before anything is written."""

    def __init__(self, answer: Data) -> None:
        self.answer = answer


class BoardMoves:
    """Moves interviews for the board."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def move(self, request: WebRequest) -> Answer:
        """Move an interview, unless it has changed since the board showed it. Raises Refusal."""
        identifier = read_identifier(request.parameters["id"])
        if identifier is None:
            raise Refusal(Code.NOT_FOUND)
        interview = InterviewId(identifier)
        try:
            move = _read(request.viewer, request.form)
            entry = await self._seen(request, interview, move.seen_at)
            version = document_etag(entry.document)
            await self._calls.make(request, _CHANGE, _body(move, entry), version, id=interview)
        except _AnsweredError as answered:
            return answered.answer
        except Refusal as refusal:
            if refusal.code in (Code.STALE, Code.NOT_FOUND):
                return await self._changed(request, interview, move.seen_at)
            return _refused(request.viewer, refusal)
        shown = await self._shown(request, interview)
        return _data(MoveConflict(None, []), _STALE) if shown is None else _data(MoveMade(shown), 200)

    async def _seen(self, request: WebRequest, identifier: InterviewId, seen_at: int) -> Entry:
        """Return an interview in the version that the board showed. Raises Refusal: stale, if there is another one."""
        found = await self._ports.schedule.now(request.session.person, [identifier])
        if not found or int(found[0].interview.updated_at or 0) != seen_at:
            raise Refusal(Code.STALE)
        return found[0]

    async def _changed(self, request: WebRequest, identifier: InterviewId, seen_at: int) -> Data:
        shown = await self._shown(request, identifier)
        changes: Sequence[dict[str, Any]] = []
        if shown is not None:
            detail = await self._ports.schedule.detail(request.session.person, identifier)
            missed = [each for each in detail.history if each.time > seen_at]
            changes = [each._asdict() for each in shown_history(request.viewer, detail.entry, missed)]
        return _data(MoveConflict(shown, changes), _STALE)

    async def _shown(self, request: WebRequest, identifier: InterviewId) -> BoardInterview | None:
        person = request.session.person
        found = await self._ports.schedule.now(person, [identifier])
        team_zone = ZoneInfo(person.organization.time_zone)
        return board_interview(request.viewer, found[0], team_zone) if found else None


def _data(value: object, status: int) -> Data:
    return Data(msgspec.json.encode(value), status)


def _read(viewer: Viewer, form: Mapping[str, str]) -> _Move:
    """Return the move of a form. Raises _AnsweredError with a problem or a question."""
    start = _moment(viewer, "start", form.get("start", ""), None)
    end = _moment(viewer, "end", form.get("end", ""), start)
    if start.is_date != end.is_date or end.is_before(start) or end == start:
        raise _problem(viewer, "end", "board.end_before_start")
    place = form["place"].strip() if "place" in form else None
    joining = read_identifier(form["joining"]) if form.get("joining") else None
    if form.get("joining") and joining is None:
        raise _problem(viewer, "joining", "board.no_guests")
    seen_at = form.get("seen_at", "")
    is_time = seen_at.isascii() and seen_at.isdecimal() and len(seen_at) <= len(str(LATEST))
    return _Move(start, end, place, form.get("leaving", ""), joining, int(seen_at) if is_time else 0)


def _moment(viewer: Viewer, field: str, text: str, start: Moment | None) -> Moment:
    """Return an end of an interview. Raises _AnsweredError: no time, or one that the zone lacks or has twice."""
    if "T" not in text:
        try:
            return Moment(date=date.fromisoformat(text))
        except ValueError:
            raise _problem(viewer, field, "board.no_time") from None
    wall = read_local_time(text, viewer.zone)
    if wall is None:
        raise _problem(viewer, field, "board.no_time")
    later = [each for each in wall.instants if start is None or start.date_time is None or each > start.date_time]
    if not wall.instants:
        time, free = viewer.language.time(wall.clock), viewer.language.time(wall.after or wall.clock)
        zone, day = viewer.zone_key.rpartition("/")[2].replace("_", " "), viewer.language.day(wall.clock.date())
        raise _AnsweredError(
            _data(
                Problem(field, viewer.language.text("board.no_such_time", time=time, day=day, zone=zone, next=free)),
                _INVALID,
            )
        )
    if len(later) > 1:
        raise _AnsweredError(_data(_question(viewer, field, wall.clock, later), _CONFLICT))
    return Moment(date_time=(later or wall.instants)[0])


def _question(viewer: Viewer, field: str, clock: datetime, instants: Sequence[Instant]) -> MoveQuestion:
    choices = []
    for each in instants:
        moment = datetime.fromtimestamp(each // 1_000, UTC).astimezone(viewer.zone)
        choices.append(InstantChoice(moment.isoformat(timespec="minutes"), zone_name(viewer.zone_key, moment)))
    day, time = viewer.language.day(clock.date()), viewer.language.time(clock)
    return MoveQuestion(field, viewer.language.text("board.which_time", time=time, day=day), choices)


def _problem(viewer: Viewer, field: str, key: str, **values: Any) -> _AnsweredError:
    return _AnsweredError(_data(Problem(field, viewer.language.text(key, **values)), _INVALID))


def _refused(viewer: Viewer, refusal: Refusal) -> Data:
    """Return what the rules of the schedule say against a move. Raises the refusal if it is of another kind."""
    text = viewer.language.text
    if refusal.code is Code.CONFLICT:
        return _data(Problem("start", text("board.double_booked")), _CONFLICT)
    if refusal.code is Code.INVALID:
        fields = {each.field.partition("[")[0] for each in refusal.problems}
        field = next((each for each in ("start", "end", "interviewers") if each in fields), "")
        key = "board.cannot_join" if field == "interviewers" else "error.invalid_hint"
        return _data(Problem(field, text(key)), _INVALID)
    if refusal.code in OF_ACCOUNT:
        return _data(Problem("", text(f"error.{refusal.code.value}_hint")), ERROR_RESPONSES[refusal.code].status)
    raise refusal


def _body(move: _Move, entry: Entry) -> dict[str, Any]:
    """Return the body of the call that makes a move."""
    body: dict[str, Any] = {"start": _written(move.start), "end": _written(move.end)}
    if move.place is not None:
        body["location"] = move.place or None
    if move.joining is not None:
        body["interviewers"] = list(_panel(move.leaving, move.joining, entry.interview.interviewers))
    return body


def _written(moment: Moment) -> dict[str, str]:
    """Return an end of an interview as the API reads it."""
    if moment.date is not None:
        return {"date": moment.date.isoformat()}
    return {"date_time": str(moment.date_time)}


def _panel(leaving: str, joining: int, panel: Sequence[Interviewer]) -> Iterator[dict[str, Any]]:
    """Yield a panel on which a user takes the seat of another member; the others keep their answers."""
    has_joined = any(each.id == joining for each in panel)
    for each in panel:
        if str(person_of(each.id, each.email)) != leaving:
            named = {"email": each.email, "name": each.name} if each.id is None else {"user_id": each.id}
            yield {**{name: value for name, value in named.items() if value}, "response_status": each.response_status}
        elif not has_joined:
            yield {"user_id": joining, "response_status": ResponseStatus.NEEDS_ACTION}
