"""Repairing an interview whose interviewer cannot come: what is proposed, done with one click, and undone with one.

Owns how proposals are shown, with the difference that each makes, and what one click undoes. Must not know what is
proposed (`app/repair.py`), or how an interview is stored.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode

from rowen.api.headers.conditional import document_etag
from rowen.api.identifiers import read_identifier
from rowen.app.repair import (
    MOST_REORDERED,
    Broken,
    Moved,
    Proposals,
    Repair,
    propose,
    repair,
    undo_repair,
)
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.changes import Kind
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import Interviewer, InterviewId, Moment, ResponseStatus, ScheduledInterview, Status
from rowen.interviews.moments import LATEST, Instant
from rowen.interviews.scheduling import UNSET, InterviewerInput, InterviewFields
from rowen.web.directory import PlannedInterview
from rowen.web.editing import UNSEEN, Editing, identifier_of
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Redirected, Rendered, WebRequest
from rowen.web.schedule import Detail, Entry, HistoryEntry
from rowen.web.views import Viewer, local, name_of, shown, when

KEPT: Final = "repair"
"""What the address of an interview says if a repair was not undone because somebody had changed an interview since."""

_DAY: Final = timedelta(days=1)
_MOST_SEATED: Final = 200
_UNDONE: Final = frozenset({Kind.RESCHEDULED, Kind.PANEL_CHANGED})


class Difference(NamedTuple):
    """One thing that differs: what, before and after."""

    what: str
    before: str
    after: str


class Proposal(NamedTuple):
    """A proposal: its title, the reason, the difference, and the fields of its form."""

    title: str
    why: str
    lines: Sequence[Difference]
    joining: str
    moves: str


class Other(NamedTuple):
    """An interview that was moved with another one, and its `ETag` just after that."""

    interview: InterviewId
    version: str


class RepairPage:
    """The page that proposes what to do, and the forms that do and undo it."""

    def __init__(self, ports: PagePorts, editing: Editing) -> None:
        self._ports = ports
        self._editing = editing

    async def show(self, request: WebRequest) -> Answer:
        """Show what is proposed for the person in the address."""
        request.require_own_records()
        return await self._page(request, read_identifier(request.query.get("person", "")))

    async def save(self, request: WebRequest) -> Answer:
        """Do what was proposed. Raises Refusal as `Editing.open` does, and invalid for what no page proposes."""
        request.require_own_records()
        await self._editing.open(request)
        identifier, form = identifier_of(request), request.form
        leaving, moves = read_identifier(form.get("person", "")), _moves(form.get("moves", ""))
        joining = read_identifier(form.get("joining", ""))
        if leaving is None or (joining is None and not moves):
            raise Refusal(Code.INVALID)
        session, services = request.session, self._ports.services
        user = session.person.user.id
        wanted = Repair(identifier, leaving, joining, [] if joining else moves, user)
        written: dict[InterviewId, str] = {}

        async def work(unit: UnitOfWork) -> WriteResult:
            await _require_version(unit, identifier, form.get("version", ""))
            codec, freshness = services.scorecard_codec, services.planner.freshness
            result = WriteResult(await repair(unit, codec, wanted, session.name, freshness))
            for each in (identifier, *(one.interview for one in wanted.moves)):
                stored = await unit.interview(each)
                written[each] = document_etag(stored.document) if stored else UNSEEN
            return result

        try:
            await self._ports.writing.write(session.person.organization, work)
        except Refusal as refusal:
            if refusal.code not in (Code.CONFLICT, Code.STALE):
                raise
            return await self._page(request, leaving, "repair.overtaken")
        detail = await self._ports.schedule.detail(session.person, identifier)
        if detail.version != written.pop(identifier):  # the newest change is no longer this one
            return Redirected(f"/interviews/{identifier}", message="saved")
        others = [f"{each}:{version}" for each, version in written.items()]
        done = urlencode({"repaired": detail.revision, "with": others}, doseq=True)
        return Redirected(f"/interviews/{identifier}?{done}")

    async def undo(self, request: WebRequest) -> Answer:
        """Put the interview back, and those that were moved with it, unless it has changed since."""
        request.require_own_records()
        identifier, session = identifier_of(request), request.session
        await self._editing.open(request)
        seen = {identifier: request.form.get("version", "")}  # the first that is put back
        for other in _others(request.form.all("with")):
            seen.setdefault(other.interview, other.version)

        async def work(unit: UnitOfWork) -> WriteResult:
            # Nothing has changed since, so what was read before is of these versions.
            for each, version in seen.items():
                await _require_version(unit, each, version)
            await undo_repair(unit, self._ports.services.scorecard_codec, earlier, session.name)
            return WriteResult(b"")

        try:
            earlier = await self._before(request, seen)
            await self._ports.writing.write(session.person.organization, work)
        except Refusal as refusal:
            if refusal.code not in (Code.CONFLICT, Code.STALE):
                raise
            kept = KEPT if refusal.code is Code.STALE else refusal.code.value
            return Redirected(f"/interviews/{identifier}?kept={kept}")
        return Redirected(f"/interviews/{identifier}", message="undone")

    async def _before(self, request: WebRequest, seen: Mapping[InterviewId, str]) -> dict[InterviewId, InterviewFields]:
        """Return what puts interviews back, by their ids. Raises Refusal: not found; stale; invalid."""
        person = request.session.person
        found: dict[InterviewId, InterviewFields] = {}
        applications: set[int] = set()
        for each, version in seen.items():
            one = await self._ports.schedule.detail(person, each)
            if one.version != version or one.cancelled_at is not None:
                raise Refusal(Code.STALE)
            applications.add(one.entry.interview.application_id)
            if len(applications) > 1 or not one.history or one.history[0].kind not in _UNDONE:
                raise Refusal(Code.INVALID)
            found[each] = _earlier(one.entry.interview, one.history[0], person.user.id)
        return found

    async def _page(self, request: WebRequest, leaving: int | None, problem: str = "") -> Answer:
        detail = await self._editing.open(request)
        viewer, entry = request.viewer, detail.entry
        seat = None if leaving is None else entry.seat(leaving)
        if leaving is None or seat is None or not can_repair(entry.interview):
            raise Refusal(Code.NOT_FOUND)
        day = await self._that_day(request, detail)
        instead = await self._instead(request, entry, leaving)
        broken = Broken(entry.interview, leaving, instead, [each.interview for each in day])
        planner = self._ports.services.planner
        organization = request.session.person.organization
        found = await propose(planner.facts, organization, broken, int(self._ports.now()), planner.freshness)
        values = {
            "interview": shown(viewer, entry),
            "when": when(viewer, entry.interview),
            "leaving": leaving,
            "name": name_of(seat),
            "declined": seat.response_status is ResponseStatus.DECLINED,
            "proposals": _proposals(viewer, (entry, *day), seat, found),
            "version": detail.version,
            "problem": problem,
            "has_seat": bool(instead),
        }
        return Rendered("repair.html", values, 409 if problem else 200)

    async def _instead(self, request: WebRequest, entry: Entry, leaving: int) -> dict[int, int]:
        """Return who may sit there instead, with their weights: of the same pools, and who usually holds it."""
        organization = request.session.person.organization
        planned = await self._planned(request, entry.interview)
        found: dict[int, int] = {}
        for pool in await self._ports.directory.pools(organization):
            fills = planned is not None and pool.seats_of(planned.id)
            if fills or any(each.user_id == leaving for each in pool.members):
                found |= {each.user_id: each.weight for each in pool.members}
        for each in planned.defaults if planned else []:
            found.setdefault(each, 1)
        found.pop(leaving, None)
        return dict(list(found.items())[:_MOST_SEATED])

    async def _planned(self, request: WebRequest, interview: ScheduledInterview) -> PlannedInterview | None:
        """Return the interview of the plan."""
        organization, reference = request.session.person.organization, interview.interview
        applicant = await self._ports.directory.applicant(organization, interview.application_id)
        if reference is None or applicant is None or applicant.job is None:
            return None
        stages = await self._ports.directory.plan(organization, applicant.job.id)
        return next((each for stage in stages for each in stage.interviews if each.id == reference.id), None)

    async def _that_day(self, request: WebRequest, detail: Detail) -> list[Entry]:
        """Return the candidate's interviews of that day that can be moved, in the order of time."""
        viewer, interview = request.viewer, detail.entry.interview
        start = interview.start.instant(viewer.zone)
        midnight = local(viewer, start).replace(hour=0, minute=0, second=0, microsecond=0)
        ends = [Instant.of(each) for each in (midnight, midnight + _DAY)]
        found = await self._ports.schedule.visible(request.session.person, ends[0], ends[1])
        same = [
            each
            for each in found.found
            if each.interview.application_id == interview.application_id and each.open and can_repair(each.interview)
        ]
        return sorted(same, key=lambda each: each.interview.start.instant(viewer.zone))


def can_repair(interview: ScheduledInterview) -> bool:
    """Return whether an interview is still to come, and has a time of day."""
    return interview.status is Status.SCHEDULED and interview.start.date_time is not None


def undoable(request: WebRequest, detail: Detail) -> tuple[str, list[Other]] | None:
    """Return what was just done to an interview, in words, and which others were moved with it; None if nothing was."""
    newest = detail.history[0] if detail.history else None
    if newest is None or request.query.get("repaired") != str(newest.revision) or newest.kind not in _UNDONE:
        return None
    if newest.kind == Kind.RESCHEDULED:
        words = request.language.text("repair.moved", time=when(request.viewer, detail.entry.interview))
    else:
        words = request.language.text("repair.swapped")
    return words, _others(request.query.all("with"))


def _others(texts: Sequence[str]) -> list[Other]:
    """Return the interviews that an address or a form names: `7:"d2f1"`, each with its `ETag`."""
    found = {}
    for text in texts[:MOST_REORDERED]:
        number, _, version = text.partition(":")
        identifier = read_identifier(number)
        if identifier is not None:
            found[InterviewId(identifier)] = version
    return [Other(*each) for each in found.items()]


def _moves(text: str) -> list[Moved]:
    """Return the moves of a form: `7-1743000000000-1743003600000`, several with a space between them."""
    found = []
    for each in text.split()[:MOST_REORDERED]:
        numbers = [read_identifier(part) for part in each.split("-")]
        if len(numbers) != len(Moved._fields) or None in numbers:
            return []
        identifier, start, end = (number or 0 for number in numbers)
        if not start < end <= LATEST:
            return []
        found.append(Moved(InterviewId(identifier), start, end))
    return found


async def _require_version(unit: UnitOfWork, identifier: InterviewId, version: str) -> None:
    """Raise Refusal (stale) if an interview is not as its person saw it; not found if there is none."""
    stored = await unit.interview(identifier)
    if stored is None:
        raise Refusal(Code.NOT_FOUND)
    if document_etag(stored.document) != version:
        raise Refusal(Code.STALE)


def _proposals(viewer: Viewer, entries: Sequence[Entry], leaving: Interviewer, found: Proposals) -> list[Proposal]:
    language = viewer.language
    swaps = [
        Proposal(
            language.text("repair.swap", joining=each.name, leaving=name_of(leaving)),
            language.counted("repair.load", each.load),
            [Difference(language.text("answer.panel"), name_of(leaving), each.name)],
            str(each.joining),
            "",
        )
        for each in found.swaps
    ]
    by_id = {each.interview.id: each for each in entries}
    return [*swaps, *(_of_moves(viewer, by_id, moved) for moved in found.moves)]


def _of_moves(viewer: Viewer, entries: Mapping[int, Entry], moved: Sequence[Moved]) -> Proposal:
    """Return the proposal of a move, or of several."""
    language = viewer.language
    lines = []
    for each in moved:
        entry = entries[each.interview]
        after = _at(entry.interview, each)
        lines.append(Difference(shown(viewer, entry).title, when(viewer, entry.interview), when(viewer, after)))
    title = language.text("repair.order")
    if len(moved) == 1:
        start = entries[moved[0].interview].interview.start.date_time or Instant(0)
        minutes = (moved[0].start - start) // 60_000
        title = language.text("repair.later" if minutes > 0 else "repair.earlier", minutes=abs(minutes))
    written = " ".join(f"{each.interview}-{each.start}-{each.end}" for each in moved)
    return Proposal(title, language.text("repair.same_people"), lines, "", written)


def _at(interview: ScheduledInterview, moved: Moved) -> ScheduledInterview:
    start, end = (Moment(date_time=Instant(each)) for each in moved[1:])
    return interview.__replace__(start=start, end=end)


def _earlier(interview: ScheduledInterview, newest: HistoryEntry, user: int) -> InterviewFields:
    """Return the fields that put an interview back where it was before its newest change."""
    before = {each.field: each.before for each in newest.fields}
    return InterviewFields(
        interviewers=_panel_before(interview, newest),
        start=_moment(before["start"]) if "start" in before else UNSET,
        end=_moment(before["end"]) if "end" in before else UNSET,
        on_behalf_of=user,
        knows_guests=True,
    )


def _panel_before(interview: ScheduledInterview, newest: HistoryEntry) -> tuple[InterviewerInput, ...]:
    """Return the panel before a change: who left comes back, in the place of who joined."""
    fields = {each.field: each for each in newest.fields}
    left = [
        InterviewerInput(
            user_id=each.before.get("id"),
            email=each.before.get("email") if each.before.get("id") is None else None,
            response_status=ResponseStatus(each.before["response_status"]),
        )
        for path, each in fields.items()
        if path.startswith("interviewers.") and isinstance(each.before, dict)
    ]
    panel = []
    for each in interview.interviewers:
        path = f"interviewers.{each.id if each.id is not None else each.email}"
        if path in fields:  # joined
            panel += left[:1]
            left = left[1:]
            continue
        answer = fields.get(f"{path}.response_status")
        given = None if answer is None else ResponseStatus(answer.before)
        named = InterviewerInput(user_id=each.id, response_status=given)
        panel.append(named if each.id is not None else InterviewerInput(email=each.email, name=each.name))
    return (*panel, *left)


def _moment(value: object) -> Moment:
    """Return an end of an interview, as the log has it."""
    text = value if isinstance(value, dict) else {}
    if isinstance(text.get("date"), str):
        return Moment(date=date.fromisoformat(text["date"]))
    return Moment(date_time=Instant.parse(str(text.get("date_time"))))
