"""The form of an interview's time and place.

Owns how its fields become the two ends of the interview, and what is asked back about local times. Must not know how
changes are saved.
"""

from datetime import timedelta
from typing import Any, Final

from rowen.app.organizations import Organization
from rowen.interviews.interview import Moment, ScheduledInterview
from rowen.web.directory import Directory
from rowen.web.editing import Edited, Editing, WantedInterview, page_of
from rowen.web.forms import Form
from rowen.web.languages import zone_name
from rowen.web.request import Answer, Fields, Redirected, WebRequest, zone_of
from rowen.web.time_fields import ALL_DAY, ends_of
from rowen.web.views import Viewer, day_of, local, name_of

TIMED: Final = "timed"
_MINUTE: Final = 60_000
_USUAL: Final = 60
_LONGEST: Final = 14 * 24 * 60
_NINE: Final = "09:00"
_KEYS: Final = {
    "location": ("location", "form.text"),
    "video_conferencing_url": ("video", "form.address"),
    "start": ("day", "form.day"),
    "end": ("day", "form.day"),
}


class MovingPage:
    """The page of an interview's time and place."""

    def __init__(self, editing: Editing, directory: Directory) -> None:
        self._editing = editing
        self._directory = directory

    async def show(self, request: WebRequest) -> Answer:
        """Show the form."""
        detail = await self._editing.open(request)
        interview = detail.entry.interview
        asked = request.query.get("kind")
        kind = asked if asked in (TIMED, ALL_DAY) else ALL_DAY if interview.start.is_date else TIMED
        defaults = {**_given(request.viewer, interview), "kind": kind, "zone": request.viewer.zone_key}
        return await self._page(request, Edited(detail, Form(request.language, defaults=defaults)))

    async def save(self, request: WebRequest) -> Answer:
        """Move the interview."""
        detail = await self._editing.open(request)
        form = Form(request.language, request.form)
        body: dict[str, Any] = {"location": form.text("location"), "video_conferencing_url": form.text("video")}
        if not _is_same_time(_viewer(request, form), form, detail.entry.interview):
            ends = ends_of(_viewer(request, form), form, 0, _LONGEST)
            if ends is None:
                return await self._page(request, Edited(detail, form))
            body |= {"start": _written(ends[0]), "end": _written(ends[1])}
        panel = [name_of(each) for each in detail.entry.interview.interviewers]
        refused = await self._editing.change(request, detail, form, WantedInterview(body, panel, _KEYS))
        if refused is not None:
            return await self._page(request, _merged(request, refused) if refused.overtaken else refused)
        return Redirected(f"/interviews/{detail.entry.interview.id}", message="saved")

    async def _page(self, request: WebRequest, edited: Edited) -> Answer:
        organization = request.session.person.organization
        rooms = await self._directory.rooms(organization)
        zones = _zones(request.viewer, organization, edited)
        opened = _given(_viewer(request, edited.form), edited.detail.entry.interview)
        if not edited.overtaken:  # as it was when the form was opened, also after a mistake in it
            opened = {name: request.form.get(f"opened_{name}", value) for name, value in opened.items()}
        shown = {"zones": zones, "rooms": [each.name for each in rooms], "opened": opened}
        return page_of(request, "move.html", edited, **shown)


def _merged(request: WebRequest, edited: Edited) -> Edited:
    """Return a form in which only what the person changed differs from the interview as it is now."""
    now = _given(_viewer(request, edited.form), edited.detail.entry.interview)
    kept = {
        name: now[name] if name in now and value == request.form.get(f"opened_{name}") else value
        for name, value in request.form.items()
    }
    return edited._replace(form=Form(request.language, Fields(tuple(kept.items()))))


def _given(viewer: Viewer, interview: ScheduledInterview) -> dict[str, str]:
    """Return the fields of an interview as it is; an all-day interview that is to get a time begins at nine."""
    first, last = day_of(viewer, interview.start), day_of(viewer, interview.end)
    begins, minutes = _NINE, _USUAL
    if interview.start.date_time is not None and interview.end.date_time is not None:
        begins = f"{local(viewer, interview.start.date_time):%H:%M}"
        minutes = (interview.end.date_time - interview.start.date_time) // _MINUTE
    else:
        last = max(first, last - timedelta(days=1))  # it ends on the day after the last one
    return {
        "day": first.isoformat(),
        "last_day": last.isoformat(),
        "start": begins,
        "minutes": str(minutes),
        "location": interview.location or "",
        "video": interview.video_conferencing_url or "",
    }


def _viewer(request: WebRequest, form: Form) -> Viewer:
    """Return how times are read: in the zone that was chosen."""
    zone = zone_of(form.value("zone")) or request.viewer.zone
    return request.viewer._replace(zone=zone, zone_key=zone.key)


def _is_same_time(viewer: Viewer, form: Form, interview: ScheduledInterview) -> bool:
    """Return whether the times in a form are those of the interview, which may have seconds that no form shows."""
    given = _given(viewer, interview)
    is_same_kind = (form.value("kind") == ALL_DAY) == interview.start.is_date
    names = ("day", "last_day") if interview.start.is_date else ("day", "start", "minutes")
    return is_same_kind and all(form.text(name) == given[name] for name in names)


def _zones(viewer: Viewer, organization: Organization, edited: Edited) -> list[tuple[str, str]]:
    """Return the time zones to choose from: the viewer's, the team's, and the one that was chosen."""
    start = edited.detail.entry.interview.start.instant(viewer.zone)
    found = []
    for key in dict.fromkeys((viewer.zone_key, organization.time_zone, edited.form.value("zone"))):
        zone = zone_of(key)
        if zone is not None:
            found.append((key, zone_name(key, local(viewer._replace(zone=zone, zone_key=key), start))))
    return found


def _written(moment: Moment) -> dict[str, str]:
    if moment.date is not None:
        return {"date": moment.date.isoformat()}
    return {"date_time": str(moment.date_time)}
