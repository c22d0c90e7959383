"""Scheduling an interview: a candidate, an interview of the plan, then panel and time.

Owns the steps, and what is asked in each. Must not know how records are made (`new_records.py`), or how a local time
becomes an instant. Everything chosen so far is in the address, so that the back button and a reload lose nothing.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from rowen.api.codec.documents import read_instant
from rowen.api.identifiers import read_identifier
from rowen.app.organizations import Organization
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.hiring import JobStatus
from rowen.interviews.interview import ApplicationId, ScheduledInterview
from rowen.interviews.people import User
from rowen.interviews.query import LARGEST_PAGE_SIZE, InterviewQuery, PageRequest
from rowen.web.calls import Calls
from rowen.web.directory import Applicant, PlannedInterview, StageChoice, person_name
from rowen.web.forms import Form
from rowen.web.languages import zone_name
from rowen.web.link_list import links_of
from rowen.web.local_times import read_day, read_time
from rowen.web.new_records import NewRecords
from rowen.web.ports import PagePorts
from rowen.web.request import Answer, Fields, Redirected, Rendered, WebRequest
from rowen.web.scheduling_form import MINUTES, ScheduleForm, Scheduling
from rowen.web.time_search import Search, TimeSearch, add_defaults, fill
from rowen.web.usual_panel import default_pools, panel_words, pool_fields, seats_of
from rowen.web.views import initials, local, when

PATH: Final = "/interviews/new"
_CARRIED: Final = ("day", "start", "minutes", "person", "location")
_UNPLANNED: Final = "none"
"""What the address has in place of an interview of the plan if there is none."""

_interviews: Final = msgspec.json.Decoder(tuple[ScheduledInterview, ...], dec_hook=read_instant)


class InterviewChoice(NamedTuple):
    """What was chosen so far; `interview` is None if the plan has none that fits."""

    applicant: Applicant
    interview: PlannedInterview | None


class OfferedPerson(NamedTuple):
    """A person who may be on the panel."""

    id: int
    name: str
    email: str
    initials: str
    is_chosen: bool
    is_default: bool


class NewInterviewPage:
    """The page of a new interview."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._directory = ports.directory
        self._records = NewRecords(ports)
        self._scheduling = Scheduling(ports, calls)
        self._search = TimeSearch(ports)

    async def show(self, request: WebRequest) -> Answer:
        """Show the step that comes next."""
        _require_writable(request)
        form = Form(request.language)
        applicant = await self._applicant(request)
        if applicant is None:
            return await self._candidates(request, form)
        if "interview" not in request.query:
            return await self._plan(request, applicant, form)
        choice = await self._choice(request, applicant)
        defaults = choice.interview.defaults if choice.interview else []
        default_pools(form, await self._directory.pools(_organization(request)), choice.interview)
        given = read_identifier(request.query.get("person", ""))
        panel = [*defaults, *([given] if given is not None and given not in defaults else [])]
        return await self._panel(request, choice, form, panel)

    async def submit(self, request: WebRequest) -> Answer:
        """Take the form of a step: make what is needed, or schedule the interview."""
        _require_writable(request)
        form = Form(request.language, request.form)
        applicant = await self._applicant(request)
        if applicant is None:
            made = await self._records.candidate(request, form)
            if made is None:
                return await self._candidates(request, form)
            return Redirected(_address(request, application=made))
        if "interview" not in request.query:
            planned = await self._records.planned_interview(request, form, applicant)
            if planned is None:
                return await self._plan(request, applicant, form)
            return Redirected(_address(request, application=applicant.application, interview=planned))
        return await self._take_panel(request, await self._choice(request, applicant), form)

    async def _take_panel(self, request: WebRequest, choice: InterviewChoice, form: Form) -> Answer:
        panel = [found for text in form.all("panel") if (found := read_identifier(text)) is not None]
        action = form.value("action")
        if action == "times" or form.value("relax"):
            left_out = form.value("relax").removeprefix("person:")
            panel = [each for each in panel if str(each) != left_out]
            return await self._panel(request, choice, form, panel, searches=True)
        if form.value("slot"):
            pools = await self._directory.pools(_organization(request))
            return await self._panel(request, choice, form, fill(request, form, pools) or panel)
        if action == "person" or form.text("person_name") or form.text("person_email"):
            person = await self._records.person(request, form)
            if person is not None:
                panel = [*panel, *([person] if person not in panel else [])]
                form.clear("person_name", "person_email", "find")
        # Enter in the field for searching presses the first button, whatever that is.
        if action in ("person", "find") or form.text("find") != form.text("found") or form.problems:
            return await self._panel(request, choice, form, panel)
        planned = choice.interview.id if choice.interview else None
        wanted = ScheduleForm(form, choice.applicant.application, planned, tuple(panel))
        identifier = await self._scheduling.schedule(request, wanted)
        if identifier is None:
            return await self._panel(request, choice, form, panel)
        return Redirected(f"/interviews/{identifier}", message="scheduled")

    async def _candidates(self, request: WebRequest, form: Form) -> Answer:
        organization = request.session.person.organization
        search = request.query.get("search", "").strip()
        found, more = await self._directory.search(organization, search)
        jobs = [each for each in await self._directory.jobs(organization) if each.status == JobStatus.OPEN]
        offered = [(_address(request, application=each.application), each) for each in found]
        values = {
            "form": form,
            "search": search,
            "offered": offered,
            "more": more,
            "jobs": [(str(each.id), each.name or str(each.id)) for each in jobs],
            "carried": _carried(request),
            "chosen": await self._chosen(request),
            "adding": bool(form.problems) or not (found or search),
        }
        return Rendered("new_candidate.html", values, form.status)

    async def _plan(self, request: WebRequest, applicant: Applicant, form: Form) -> Answer:
        stages = await self._stages(request, applicant)
        application = applicant.application
        names = {each.id: person_name(each) for each in await self._directory.people(_organization(request))}
        pools = await self._directory.pools(_organization(request))
        planned = [
            (
                each,
                _address(request, application=application, interview=one.id),
                one,
                ", ".join(panel_words(request.language, one, names, pools)),
            )
            for each in stages
            for one in each.interviews
        ]
        values = {
            "form": form,
            "applicant": applicant,
            "planned": planned,
            "choices": [(str(each.id), each.name or str(each.id)) for each in stages],
            "chosen": await self._chosen(request),
            "back": _address(request),
            "unplanned": _address(request, application=application, interview=_UNPLANNED),
            "action": _address(request, application=application),
            "adding": bool(form.problems) or not planned,
            "links": await links_of(self._ports, request, application),
            "held": await self._held(request, application),
            "linkable": any(one.minutes and seats_of(one, names, pools) for _, _, one, _ in planned),
        }
        return Rendered("new_plan.html", values, form.status)

    async def _held(self, request: WebRequest, application: int) -> dict[int, str]:
        """Return the newest interview of a candidate for each interview of the plan, in words: its state, and when."""
        query, size = InterviewQuery(application_id=ApplicationId(application)), LARGEST_PAGE_SIZE
        page = await self._ports.services.interviews.page(
            _organization(request), query, PageRequest(size=size, counted=False)
        )
        viewer = request.viewer
        found = sorted(_interviews.decode(page.body), key=lambda each: each.start.instant(viewer.zone))
        return {
            each.interview.id: f"{request.language.text(f'status.{each.status}')}: {when(viewer, each)}"
            for each in found
            if each.interview is not None and each.interview.id is not None
        }

    async def _panel(
        self, request: WebRequest, choice: InterviewChoice, form: Form, panel: Sequence[int], *, searches: bool = False
    ) -> Answer:
        viewer, person = request.viewer, request.session.person
        people = await self._directory.people(person.organization)
        rooms = await self._directory.rooms(person.organization)
        pools = await self._directory.pools(person.organization)
        planned = choice.interview
        interview = planned.id if planned else _UNPLANNED
        application = choice.applicant.application
        now = local(viewer, self._ports.now())
        minutes = planned.minutes if planned else None
        form.default("day", request.query.get("day", ""))
        form.default("start", request.query.get("start", ""))
        form.default("minutes", request.query.get("minutes") or str(minutes or MINUTES))
        form.default("location", request.query.get("location", ""))
        form.default("organizer", str(person.user.id))
        add_defaults(form, request, self._ports.now())
        search = Search(application, tuple(panel), pools, rooms)
        times = await self._search.find(request, form, search) if searches else None
        values = {
            "form": form,
            "applicant": choice.applicant,
            "interview": planned,
            "offered": _offered(people, panel, planned.defaults if planned else [], form.text("find")),
            "organizers": [(str(each.id), person_name(each)) for each in people],
            "rooms": [each.name for each in rooms],
            "pools": pool_fields(pools, planned),
            "times": times,
            "chosen": _slot(request, form, [each for each in people if each.id in panel]),
            "zone": zone_name(viewer.zone_key, now),
            "today": now.date().isoformat(),
            "candidates": _address(request),
            "plan": _address(request, application=application),
            "action": _address(request, application=application, interview=interview),
        }
        return Rendered("new_panel.html", values, form.status)

    async def _applicant(self, request: WebRequest) -> Applicant | None:
        """Return the candidate chosen. Raises Refusal (not found) for an application that is none, or closed."""
        if "application" not in request.query:
            return None
        identifier = read_identifier(request.query["application"])
        found = identifier and await self._directory.applicant(_organization(request), identifier)
        if not found:
            raise Refusal(Code.NOT_FOUND)
        return found

    async def _chosen(self, request: WebRequest) -> str:
        """Write what the address gives for the last step, so that people see that it is kept."""
        language, query = request.language, request.query
        day, at = read_day(query.get("day", "")), read_time(query.get("start", ""))
        given = read_identifier(query.get("person", ""))
        person = None if given is None else await self._directory.user(_organization(request), given)
        words = [
            None if day is None else language.full_day(day),
            None if at is None else language.time(datetime.combine(date.min, at)),
            None if person is None else person_name(person),
            query.get("location"),
        ]
        return " · ".join(each for each in words if each)

    async def _stages(self, request: WebRequest, applicant: Applicant) -> list[StageChoice]:
        """Return the plan of a candidate's job, the current stage first."""
        if applicant.job is None:
            return []
        stages = await self._directory.plan(_organization(request), applicant.job.id)
        return sorted(stages, key=lambda each: each.id != applicant.stage)

    async def _choice(self, request: WebRequest, applicant: Applicant) -> InterviewChoice:
        """Return the interview chosen. Raises Refusal (not found) for one that the plan lacks."""
        text = request.query["interview"]
        if text == _UNPLANNED:
            return InterviewChoice(applicant, None)
        stages = await self._stages(request, applicant)
        found = next((each for stage in stages for each in stage.interviews if str(each.id) == text), None)
        if found is None:
            raise Refusal(Code.NOT_FOUND)
        return InterviewChoice(applicant, found)


def _organization(request: WebRequest) -> Organization:
    return request.session.person.organization


def _require_writable(request: WebRequest) -> None:
    """Raise Refusal: forbidden without the permission to schedule; read-only in a mirror."""
    request.require("scheduled_interviews:create")
    request.require_writable()


def _offered(people: Sequence[User], panel: Sequence[int], defaults: Sequence[int], find: str) -> list[OfferedPerson]:
    """Return the people to choose from: those chosen first, then those who usually hold the interview."""
    words = find.casefold().split()
    found = []
    for each in people:
        name = person_name(each)
        chosen = each.id in panel
        if chosen or all(word in f"{name} {each.email or ''}".casefold() for word in words):
            email = each.email if each.email != name else None
            found.append(OfferedPerson(each.id, name, email or "", initials(name), chosen, each.id in defaults))
    return sorted(found, key=lambda each: (not each.is_chosen, not each.is_default))


def _slot(request: WebRequest, form: Form, panel: Sequence[User]) -> str:
    """Return the time whose button was pressed, in words, with its people; empty if none was."""
    day, start = read_day(form.text("day")), read_time(form.text("start"))
    if not form.value("slot") or day is None or start is None:
        return ""
    time = request.language.time(datetime.combine(day, start))
    return f"{request.language.full_day(day)}, {time} · {', '.join(map(person_name, panel))}"


def _carried(request: WebRequest) -> Fields:
    """Return what the address gives for later steps: a day, a time, somebody for the panel."""
    return Fields([(name, request.query[name]) for name in _CARRIED if request.query.get(name)])


def _address(request: WebRequest, **chosen: int | str) -> str:
    """Return the address of a step."""
    query = urlencode({**{name: str(value) for name, value in chosen.items()}, **_carried(request)})
    return f"{PATH}?{query}" if query else PATH
