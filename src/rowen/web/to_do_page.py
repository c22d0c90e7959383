"""The page of what is left to do: answers, scorecards, double bookings and places that are missing.

Owns what is on it, and the one action that resolves each. Must not know how interviews are found. It reads the first
interviews of two weeks, and those that ended last without all scorecards: both by an index, and as many as an agenda
shows at most.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from rowen.interviews.interview import Interviewer, ResponseStatus, Status
from rowen.interviews.moments import Instant
from rowen.interviews.overlaps import Booked, overlaps
from rowen.interviews.people import booked, person_of
from rowen.interviews.rooms import Room, person_of_room
from rowen.web.ports import PagePorts
from rowen.web.repairing import can_repair
from rowen.web.request import Answer, Rendered, WebRequest
from rowen.web.schedule import Entry
from rowen.web.views import Shown, Viewer, moment, name_of, shown, when

_DAY: Final = 86_400_000
_AHEAD: Final = 14 * _DAY
_PAST: Final = 90 * _DAY
_MOST: Final = 50
_MOST_LINKS: Final = 20
_MOST_IN_MAIL: Final = 20  # programs for mail cut long addresses


class Task(NamedTuple):
    """Something to do: the interview, when it is, what is missing, and the action: where it leads, and its text.

    A task that another person has to do has no action of its own.
    """

    interview: Shown
    when: str
    what: str
    target: str = ""
    action: str = ""


class OthersTasks(NamedTuple):
    """The tasks of another person, and the mail that asks about all of them; empty for somebody without an address."""

    name: str
    tasks: Sequence[Task]
    mail: str


class Tasks(NamedTuple):
    """The tasks of a kind: those that the viewer can resolve, then those of others; `more` are not shown."""

    kind: str
    found: Sequence[Task]
    others: Sequence[OthersTasks] = ()
    more: int = 0

    @property
    def total(self) -> int:
        """The number of tasks, also those that are not shown."""
        return len(self.found) + sum(len(each.tasks) for each in self.others) + self.more


class Waiting(NamedTuple):
    """A booking link that its candidate has not used yet: whose it is, until when it works, and where it is managed."""

    candidate: str
    job: str
    until: str
    target: str


class ToDoPage:
    """The page of what is left to do."""

    def __init__(self, ports: PagePorts) -> None:
        self._ports = ports

    async def show(self, request: WebRequest) -> Answer:
        """Show what is left to do."""
        person, now = request.session.person, self._ports.now()
        ahead = await self._ports.schedule.visible(person, now, Instant(now + _AHEAD))
        ended = await self._ports.schedule.awaiting(person, Instant(now - _PAST), Instant(now - _DAY))
        coming = [each for each in ahead.found if each.interview.status is Status.SCHEDULED]
        rooms = {each.name: each for each in await self._ports.directory.rooms(person.organization)}
        users = await self._ports.directory.users(person.organization)
        writer = _Writer(request, now, rooms, frozenset(each.id for each in users if each.disabled))
        kinds = (
            _listed("declined", [task for each in coming for task in writer.declined(each)]),
            _listed("booked", writer.booked(coming)),
            writer.overdue(ended.found),
            writer.unanswered(coming),
            _listed("nowhere", [each for entry in coming if (each := writer.nowhere(entry)) is not None]),
        )
        links, more = await self._links(request, now)
        values = {"tasks": [each for each in kinds if each.total], "cut": ahead.cut or ended.cut}
        return Rendered("to_do.html", {**values, "links": links, "more_links": more})

    async def _links(self, request: WebRequest, now: Instant) -> tuple[list[Waiting], int]:
        """Return the open booking links that expire first, and how many more there are."""
        organization, directory, found = request.session.person.organization, self._ports.directory, []
        links = await directory.open_links(organization, now)
        for each in links[:_MOST_LINKS]:
            applicant = await directory.applicant(organization, each.application_id)
            if applicant is None:
                continue  # the application is closed: nobody waits for it
            unknown = request.language.text("interview.unknown_candidate", application=each.application_id)
            job = (applicant.job and applicant.job.name) or ""
            target = f"/interviews/new?application={each.application_id}"
            until = moment(request.viewer, Instant(each.expires_at))
            found.append(Waiting(applicant.candidate or unknown, job, until, target))
        return found, max(len(links) - _MOST_LINKS, 0)


def _listed(kind: str, found: Sequence[Task]) -> Tasks:
    return Tasks(kind, found[:_MOST], more=max(len(found) - _MOST, 0))


class _Writer:
    """Writes tasks in words, for a person at a time."""

    def __init__(self, request: WebRequest, now: Instant, rooms: Mapping[str, Room], disabled: frozenset[int]) -> None:
        organization = request.session.person.organization
        self._viewer: Viewer = request.viewer
        self._text = request.language.text
        self._counted = request.language.counted
        self._user = request.session.person.user.id
        self._zone = ZoneInfo(organization.time_zone)
        self._repairs = organization.mirrored_from is None
        self._address = f"{request.origin}{request.base}"
        self._now = now
        self._rooms = rooms
        self._disabled = disabled
        self._written: dict[int, tuple[Shown, str]] = {}

    def unanswered(self, entries: Sequence[Entry]) -> Tasks:
        """Return the tasks of interviews that somebody has not answered who still can."""
        found = [
            (entry, each, "")
            for entry in entries
            for each in entry.interview.interviewers
            if each.response_status is ResponseStatus.NEEDS_ACTION and each.id not in self._disabled
        ]
        return self._by_person("unanswered", found, "")

    def overdue(self, entries: Sequence[Entry]) -> Tasks:
        """Return the tasks of interviews that lack a scorecard."""
        found = []
        for entry in entries:
            days = (self._now - entry.interview.end.instant(self._zone)) // _DAY
            age = self._counted("todo.age", max(days, 1))
            found += [
                (entry, each, age)
                for each in entry.interview.interviewers
                if each.id is not None
                and each.scorecard_id is None
                and each.response_status is not ResponseStatus.DECLINED
            ]
        return self._by_person("overdue", found, "/scorecard")

    def declined(self, entry: Entry) -> list[Task]:
        """Return the tasks of an interview that somebody has declined, or whose person is disabled: to find another."""
        panel, found = entry.interview.interviewers, []
        alone = all(each.response_status is ResponseStatus.DECLINED for each in panel)
        for each in panel:
            is_disabled = each.id in self._disabled
            if is_disabled or each.response_status is ResponseStatus.DECLINED:
                key = "todo.nobody_left" if alone and len(panel) > 1 else "todo.is_declined"
                key = "todo.is_disabled" if is_disabled else key
                repairs = self._repairs and each.id is not None and can_repair(entry.interview)
                form, action = (f"repair?person={each.id}", "todo.replace") if repairs else ("panel", "edit.panel")
                found.append(self._editing(entry, self._text(key, name=name_of(each)), action, form))
        return found

    def nowhere(self, entry: Entry) -> Task | None:
        """Return the task of an interview that has neither a place nor a video link."""
        if entry.interview.location or entry.interview.video_conferencing_url:
            return None
        return self._editing(entry, "", "todo.place", "move#location")

    def booked(self, entries: Sequence[Entry]) -> list[Task]:
        """Return the tasks of people and rooms that have two interviews at once: to move one of them."""
        by_id = {each.interview.id: each for each in entries}
        found = []
        for overlap in overlaps(sorted(self._bookings(entries))):
            pair = sorted((by_id[each] for each in overlap.interviews), key=lambda each: each.open)
            name = self._name(pair[1], overlap.person)
            other, _ = self._shown(pair[0])
            what = self._text("todo.is_booked", name=name, title=other.title, candidate=other.candidate)
            found.append(self._editing(pair[1], what, "todo.move", "move"))
        return found

    def _bookings(self, entries: Iterable[Entry]) -> Iterable[Booked]:
        for entry in entries:
            interview = entry.interview
            start, end = interview.start.instant(self._zone), interview.end.instant(self._zone)
            room = self._rooms.get(interview.location or "")
            for person in (*booked(interview.interviewers), *(() if room is None else (person_of_room(room.id),))):
                yield Booked(person, start, end, interview.id)

    def _name(self, entry: Entry, person: int) -> str:
        """Return the name of a member of the panel, or of the room."""
        panel = entry.interview.interviewers
        names = [name_of(each) for each in panel if person_of(each.id, each.email) == person]
        return names[0] if names else entry.interview.location or ""

    def _by_person(self, kind: str, found: Sequence[tuple[Entry, Interviewer, str]], form: str) -> Tasks:
        """Return tasks of members of panels: the viewer's own, then those of others, who have most of them first."""
        own, asked = [], defaultdict[int, list[tuple[Entry, Interviewer, str]]](list)
        for entry, member, what in found:
            if member.id == self._user:
                path = f"/interviews/{entry.interview.id}{form}"
                own.append(self._task(entry, what, path, self._text(f"todo.own_{kind}")))
            else:
                asked[person_of(member.id, member.email)].append((entry, member, what))
        groups = sorted(asked.values(), key=lambda each: -len(each))
        others = [
            OthersTasks(
                name_of(each[0][1]),
                [self._task(entry, what) for entry, _, what in each],
                self._mail(kind, each[0][1].email, [entry for entry, *_ in each], form),
            )
            for each in groups[:_MOST]
        ]
        return Tasks(kind, own, others, sum(map(len, groups[_MOST:])))

    def _mail(self, kind: str, address: str | None, entries: Sequence[Entry], form: str) -> str:
        """Return the address of a mail about interviews."""
        if not address:
            return ""
        lines = []
        for each in entries[:_MOST_IN_MAIL]:
            one, time = self._shown(each)
            title = self._text("todo.subject", title=one.title, candidate=one.candidate)
            path = f"/interviews/{each.interview.id}{form}"
            lines.append((title, f"{time}\n{self._address}{path}"))
        subject, body = lines[0]
        if len(lines) > 1:
            subject = self._text(f"todo.subject_{kind}", count=len(entries))
            body = "\n\n".join(map("\n".join, lines))
        return f"mailto:{quote(address, safe='@')}?subject={quote(subject)}&body={quote(body)}"

    def _editing(self, entry: Entry, what: str, action: str, form: str) -> Task:
        path = f"/interviews/{entry.interview.id}"
        if not entry.open:
            return self._task(entry, what, path, self._text("todo.open"))
        return self._task(entry, what, f"{path}/{form}", self._text(action))

    def _task(self, entry: Entry, what: str, target: str = "", action: str = "") -> Task:
        return Task(*self._shown(entry), what, target, action)

    def _shown(self, entry: Entry) -> tuple[Shown, str]:
        """Return an interview as the viewer sees it, and when it is; most are in several tasks, and in a mail."""
        found = self._written.get(entry.interview.id)
        if found is None:
            found = (shown(self._viewer, entry), when(self._viewer, entry.interview))
            self._written[entry.interview.id] = found
        return found
