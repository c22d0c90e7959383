"""The working hours of people, as pages that schedule need them.

Owns who has hours, how hours are written, and how those without any get the usual ones. Must not know a form.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Final

from rowen.app.availability import give_usual_hours
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.availability import WEEKDAYS, Availability, Hours
from rowen.interviews.people import User
from rowen.web.languages import Language
from rowen.web.ports import PagePorts
from rowen.web.request import WebRequest

PERMISSION: Final = "availability:update"
"""The permission to change the hours of others."""

_TO: Final = "\u2013"


async def availability_of(ports: PagePorts, request: WebRequest, people: Sequence[User]) -> Mapping[int, Availability]:
    """Return the availability of those people who have one, by their ids."""
    facts, organization = ports.services.planner.facts, request.session.person.organization
    return await facts.availability(organization, [each.id for each in people])


async def give_usual(ports: PagePorts, request: WebRequest, users: Collection[int]) -> None:
    """Store usual working hours for those of users who have none. Raises Refusal: forbidden, not found."""
    request.require(PERMISSION)
    session, codec = request.session, ports.services.setup_codec

    async def work(unit: UnitOfWork) -> WriteResult:
        await give_usual_hours(unit, codec, users, session.person.user.id, session.name)
        return WriteResult(b"")

    await ports.writing.write(session.person.organization, work)


def written_hours(language: Language, found: Availability) -> str:
    """Write the working hours of a week: `Mon\u2013Fri 09:00\u201317:00, Berlin`; days with the same hours together."""
    days = [(number, _written(found.working_hours.get(day, ()))) for number, day in enumerate(WEEKDAYS)]
    parts = []
    for hours, same in groupby(days, lambda each: each[1]):
        numbers = [number for number, _ in same]
        ends = dict.fromkeys((numbers[0], numbers[-1]))
        if hours:
            parts.append(f"{_TO.join(map(language.short_weekday, ends))} {hours}")
    zone = found.time_zone.rpartition("/")[2].replace("_", " ")
    return f"{'; '.join(parts) or language.text('hours.never')} \u00b7 {zone}"


def _written(hours: Sequence[Hours]) -> str:
    return ", ".join(f"{_clock(each.starts)}{_TO}{_clock(each.ends)}" for each in hours)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
