"""The demo's year: a hiring team, generated from a seed and a date.

Owns invented records only. Must not know a clock or a database: the same seed and date give the same records.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from rowen.api.codec.documents import decode
from rowen.api.examples import ALL_DAY, TIMED
from rowen.demo.plans import PLANNED, WHOLE_DAY, by_plan
from rowen.interviews.interview import (
    Interviewer,
    InterviewReference,
    Moment,
    Organizer,
    ResponseStatus,
    ScheduledInterview,
    Status,
)
from rowen.interviews.moments import Instant

_SEED: Final = 815
TIME_ZONE: Final = "Europe/London"
"""Where the people work: interviews are from 9 to 18 o'clock there."""
_SATURDAY: Final = 5
_SUNDAY: Final = 6
_INTERVIEWS: Final = 600
_NEAR: Final = 100
"""How many of the interviews are in the week before today, and in the two after it."""
_ATTEMPTS: Final = 40
"""How often an interview is drawn again whose people, room or candidate are booked at its time."""
_DOUBLE_BOOKINGS: Final = 2
_RECENT_DAYS: Final = 14
_LATE_DAYS: Final = 60
"""How old the oldest interview without feedback is, in days."""
_COMING: Final = (ResponseStatus.ACCEPTED, ResponseStatus.TENTATIVE)
_FIRST_ID: Final = 9_200_001
_FIRST_APPLICATION: Final = 4_700_001
_PHONE: Final = "Phone call"
_PLACELESS: Final = 3
"""One of this number of phone calls has no place yet."""
_PLACES: Final = (
    (7001, "Video call"),
    (7002, "Small Conference Room"),
    (7003, _PHONE),
    (7004, "Big Conference Room"),
    (7005, "Video call"),
    (WHOLE_DAY, "Headquarters"),
)
"""The interviews of plans that are drawn: id, and place."""
_FREQUENCIES: Final = (4, 4, 5, 4, 4, 1)
ROOM_NAMES: Final = ("Small Conference Room", "Big Conference Room")
"""The places that are rooms, booked by one interview at a time."""
ORGANIZERS: Final = (
    (2000, "Jack", "Shepard", "12345"),
    (2001, "Rose", "Nadler", "12346"),
    (2002, "Daniel", "Faraday", None),
)
"""The people who schedule: id, first name, last name, and employee id."""
INTERVIEWERS: Final = (
    (4080, "Kate Austen", "employee123"),
    (3412, "Charlie Pace", "employee456"),
    (4081, "Sayid Jarrah", "employee457"),
    (4082, "Sun-Hwa Kwon", "employee458"),
    (4083, "Hugo Reyes", "employee459"),
    (4084, "Claire Littleton", None),
    (4085, "Miles Straume", "employee461"),
    (None, "Eloise Hawking", None),
)
"""The people who interview: id, name, and employee id; a guest has no id."""


def reference_interviews() -> list[ScheduledInterview]:
    """Return the two interviews of the Harvest reference."""
    return [decode(msgspec.json.encode(record)) for record in (TIMED, ALL_DAY)]


def invented_interviews(today: date) -> Iterator[ScheduledInterview]:
    """Return a year of interviews, from ten months before `today` to two months after it."""
    random = Random(_SEED)  # noqa: S311  (invented names need no secrecy)
    near = [random.randint(-7, 13) for _ in range(_NEAR)]
    days = sorted(near + [random.randint(-300, 60) for _ in range(_INTERVIEWS - _NEAR)])
    booked = _Booked()
    made = []
    for number, offset in enumerate(days):
        day = _working_day(today + timedelta(days=offset))
        for _ in range(_ATTEMPTS):
            interview = _interview(random, number, day, today)
            if booked.are_free(interview):
                break
        booked.add(interview)
        made.append(interview)
    yield from by_plan(list(_with_double_bookings(made)))


class _Booked:
    """The people, rooms and candidates of the interviews so far, and when each is booked."""

    def __init__(self) -> None:
        self._times: defaultdict[object, list[tuple[Instant, Instant]]] = defaultdict(list)

    def are_free(self, interview: ScheduledInterview) -> bool:
        """Return whether nobody and nothing that an interview needs is booked at its time."""
        start, end = _times(interview)
        return not any(
            begins < end and start < ends for each in _needed(interview) for begins, ends in self._times[each]
        )

    def add(self, interview: ScheduledInterview) -> None:
        """Book whoever and whatever an interview needs."""
        for each in _needed(interview):
            self._times[each].append(_times(interview))


def _times(interview: ScheduledInterview) -> tuple[Instant, Instant]:
    return _instant(interview.start), _instant(interview.end)


def _instant(moment: Moment) -> Instant:
    if moment.date is not None:
        return Instant.at_midnight(moment.date, UTC)
    return moment.date_time or Instant(0)  # a moment has one of them


def _needed(interview: ScheduledInterview) -> Iterator[object]:
    yield interview.application_id
    yield from (each.name for each in interview.interviewers)
    if interview.location in ROOM_NAMES:
        yield interview.location


def _with_double_bookings(made: Sequence[ScheduledInterview]) -> Iterator[ScheduledInterview]:
    """Yield interviews of which two need somebody who is in the interview before them at that time."""
    left = _DOUBLE_BOOKINGS
    before: ScheduledInterview | None = None
    for each in made:
        if each.status is Status.SCHEDULED and not each.start.is_date:
            shared = [] if before is None else [one for one in before.interviewers if one.response_status in _COMING]
            if left and shared and before is not None and before.application_id != each.application_id:
                yield msgspec.structs.replace(
                    each, start=before.start, end=before.end, location=None, interviewers=tuple(shared[:1])
                )
                left, before = left - 1, None
                continue
            before = each
        yield each


def _working_day(day: date) -> date:
    """Return the Friday before a Saturday, the Monday after a Sunday, or else the day itself."""
    return day + timedelta(days={_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0))


def _interview(random: Random, number: int, day: date, today: date) -> ScheduledInterview:
    ((planned, place),) = random.choices(_PLACES, _FREQUENCIES)
    minutes = PLANNED[planned].minutes
    clock = time(random.randint(9, 16), random.choice((0, 15, 30, 45)))
    begins = datetime.combine(day, clock, ZoneInfo(TIME_ZONE)).astimezone(UTC)
    status = _status(random, number, day, today)
    created = begins - timedelta(days=random.randint(2, 12), seconds=random.randint(0, 40_000))
    present = datetime.combine(today, time(), UTC)
    created = min(created, present - timedelta(hours=1, seconds=number % 3_000))
    settled = begins + timedelta(hours=random.randint(1, 30)) if status is not Status.SCHEDULED else created
    organizer, first_name, last_name, employee = random.choice(ORGANIZERS)
    return ScheduledInterview(
        id=_FIRST_ID + number,
        application_id=_FIRST_APPLICATION + random.randint(0, _INTERVIEWS // 4),
        external_event_id=f"rowen-demo-{number:04}",
        start=Moment(date_time=Instant.of(begins)) if minutes else Moment(date=day),
        end=(
            Moment(date_time=Instant.of(begins + timedelta(minutes=minutes)))
            if minutes
            else Moment(date=day + timedelta(days=1))
        ),
        location=None if place == _PHONE and number % _PLACELESS == 1 else place,
        video_conferencing_url=f"https://video.example.com/{_FIRST_ID + number}" if place == "Video call" else None,
        status=status,
        created_at=Instant.of(created),
        updated_at=Instant.of(min(max(created, settled), max(created, present))),
        interview=InterviewReference(id=planned, name=PLANNED[planned].name),
        organizer=Organizer(
            id=organizer,
            first_name=first_name,
            last_name=last_name,
            name=f"{first_name} {last_name}",
            employee_id=employee,
        ),
        interviewers=tuple(_panel(random, status, number)),
    )


def _status(random: Random, number: int, day: date, today: date) -> Status:
    if day >= today:
        return Status.SCHEDULED
    ago = (today - day).days
    awaits = random.choice((True, False)) if ago < _RECENT_DAYS else random.random() < 0.05
    # Feedback is overdue a day after the interview: that of few is.
    is_missing = awaits and (ago <= 1 or (ago < _LATE_DAYS and number % 2 == 0))
    return Status.AWAITING_FEEDBACK if is_missing else Status.COMPLETE


def _panel(random: Random, status: Status, number: int) -> Iterator[Interviewer]:
    for seat, (identifier, name, employee) in enumerate(random.sample(INTERVIEWERS, random.choice((1, 1, 2, 2, 3, 4)))):
        response = random.choices(tuple(ResponseStatus), (2, 1, 1, 6))[0]
        scored = status is Status.COMPLETE and identifier is not None and response is not ResponseStatus.DECLINED
        yield Interviewer(
            id=identifier,
            employee_id=employee,
            name=name,
            email=f"{name.lower().replace(' ', '.')}@example.com",
            response_status=response,
            scorecard_id=11_500 + number * 4 + seat if scored else None,
        )
