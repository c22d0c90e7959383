"""A few people, applications and stages to schedule with: what tests of writing draw records and request bodies from.

Owns users, applications and stages in versions, each determined by its number, and the bodies that clients send. They
are few, so that commands concern the same people, times and events again and again.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st

from tests.support.harness import Tenant
from tests.support.model.rules import interviewer, organizer, time_text
from tests.support.records import Record

SEASON: Final = round(datetime(2024, 3, 9, tzinfo=UTC).timestamp()) * 1000
"""The day before New York's clocks change, in milliseconds."""

HALF_HOUR: Final = 1_800_000
MINUTE: Final = 60_000
EVENTS: Final = ("event-1", "event-2", "Größe, 1/2 + 100%&a=b", "😀")
NAMES: Final = ("Kate Austen", "Łukasz Żółć", "😀\u2028", '"\\')
RESPONSES: Final = ("needs_action", "declined", "tentative", "accepted")
APPLICATIONS: Final = range(1, 4)
USERS: Final = range(1, 6)
GUESTS: Final = ("guest@example.com", "GUEST@example.com", "other@example.com")
_STATUSES: Final = ("active", "rejected", "active", "active", "active", "hired", "active", "active", "active")


def user(identifier: int, version: int) -> Record:
    """Return a user as of one version; some share an address or an employee id."""
    first, last = NAMES[(identifier + version) % len(NAMES)], f"No. {identifier}"
    address = f"user{identifier}.{version % 2}@example.com"
    shared = ["shared@example.com"] if identifier in (3, 4) else []
    return {
        "id": identifier,
        "name": f"{first} {last}",
        "first_name": first,
        "last_name": last,
        "primary_email_address": address,
        "updated_at": _versioned(version),
        "created_at": time_text(SEASON),
        "disabled": False,
        "site_admin": False,
        "emails": [address, *shared],
        "employee_id": (None, "shared", f"e{identifier}")[(identifier + version // 2) % 3],
        "linked_candidate_ids": [],
        "offices": [],
        "departments": [],
    }


def application(identifier: int, version: int) -> Record:
    """Return an application as of one version."""
    return {
        "id": identifier,
        "candidate_id": 9000 + identifier,
        "last_activity_at": _versioned(version),
        "status": _STATUSES[version % len(_STATUSES)],
    }


def stage(identifier: int) -> Record:
    """Return a stage of one interview."""
    interview = {"id": 7000 + identifier, "name": f"Interview {identifier}"}
    return {"id": identifier, "updated_at": _versioned(0), "job_id": 1, "interviews": [interview]}


def person(identifier: int) -> Record:
    """Return a user as of version 0 that nothing but its id and one address identifies."""
    address = f"person{identifier}@example.com"
    return {**user(identifier, 0), "employee_id": None, "primary_email_address": address, "emails": [address]}


def populate(tenant: Tenant, users: Iterable[Record]) -> None:
    """Import users, all applications, and the stages 1 and 2, whose interviews are 7001 and 7002."""
    tenant.merge_records("users", users)
    tenant.merge_records("applications", [application(each, 0) for each in APPLICATIONS])
    tenant.merge_records("job_stages", [stage(1), stage(2)])


def _versioned(version: int) -> str:
    return time_text(SEASON + version * 1000)


half_hours = st.sampled_from([0, 1, 10, 21, 26, 38, 48, 56, 57, 96])
users = st.sampled_from([*USERS] * 4 + [9, None])
"""The user of a request: sometimes an unknown one, or none."""

picks = st.integers(0, 99)


@st.composite
def ends(draw: st.DrawFn) -> tuple[Any, Any]:
    """Draw a start and an end: sometimes of different kinds, or in the wrong order."""
    first, second = draw(st.tuples(half_hours, half_hours))
    if draw(st.integers(0, 19)):
        first, second = min(first, second), max(first, second)
    texts = [time_text(SEASON + each * HALF_HOUR) for each in (first, second)]
    kind = draw(st.sampled_from(["flat"] * 9 + ["time"] * 5 + ["day"] * 5 + ["mixed"]))
    start, end = ({"date": text[:10]} if kind == "day" else {"date_time": text} for text in texts)
    return (texts[0], texts[1]) if kind == "flat" else (start, {"date": texts[1][:10]} if kind == "mixed" else end)


@st.composite
def seats(draw: st.DrawFn, one: int) -> Record:
    """Draw one interviewer of a body: usually by id, else by a value that a user has, or had once, or nobody has."""
    named = user(one, draw(st.integers(0, 1)))
    by = draw(
        st.sampled_from(["id"] * 40 + ["email", "both", "shared", "employee_id", "all", "name", "guest", "guest"])
    )
    seat: Record = {"user_id": one}
    if by in ("email", "both"):
        seat = {"email": named["primary_email_address"].upper(), **(seat if by == "both" else {})}
    elif by in ("employee_id", "all"):
        seat = {**(seat if by == "all" else {}), "employee_id": named["employee_id"] or "nobody"}
    elif by == "name":
        seat["name"] = named["name"]
    elif by == "shared":
        seat = {"email": "shared@example.com"}
    elif by == "guest":
        seat = {"email": draw(st.sampled_from(GUESTS)), "name": "Guest"}
    return {**seat, "response_status": draw(st.sampled_from(RESPONSES))}


@st.composite
def panels(draw: st.DrawFn) -> list[Record]:
    """Draw the interviewers of a body: usually different known people."""
    people = st.sampled_from(USERS) if draw(st.integers(0, 14)) else st.just(9)
    unique = draw(st.integers(0, 14)) > 0
    return [draw(seats(one)) for one in draw(st.lists(people, min_size=1, max_size=3, unique=unique))]


_events = st.integers(0, 40).map(lambda each: EVENTS[each] if each < len(EVENTS) else f"event {each}")


@st.composite
def new_interviews(draw: st.DrawFn) -> Record:
    """Draw the body of a POST."""
    start, end = draw(ends())
    return {
        "application_id": draw(st.sampled_from([*APPLICATIONS] * 5 + [8])),
        "interview_id": draw(st.sampled_from([7001, 7002] * 8 + [7009])),
        "interviewers": draw(panels()),
        "start": start,
        "end": end,
        "external_event_id": draw(_events),
        **draw(st.fixed_dictionaries({}, optional=_EXTRAS)),
    }


_EXTRAS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "location": st.sampled_from([None, *NAMES[:2]]),
    "video_conferencing_url": st.sampled_from([None, "https://example.com/room?a=b&c=ü"]),
}


@st.composite
def changes(draw: st.DrawFn) -> Record:
    """Draw the body of a PATCH."""
    body: Record = draw(st.fixed_dictionaries({}, optional=_EXTRAS))
    if draw(st.booleans()):
        start, end = draw(ends())
        body |= draw(st.sampled_from([{"start": start, "end": end}, {"start": start, "end": end}, {"end": end}]))
    if draw(st.booleans()):
        body["interviewers"] = [
            {name: value for name, value in each.items() if name != "response_status" or draw(st.integers(0, 3))}
            for each in draw(panels())
        ]
    if draw(st.integers(0, 5)) == 0:
        body["external_event_id"] = draw(_events)
    return body


_USER_FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "first_name": st.sampled_from(NAMES[:3]),
    "last_name": st.sampled_from(["No. 1", "Ford"]),
    "email": st.sampled_from(
        ["shared@example.com", *(f"user{one}.{version}@example.com" for one in USERS for version in (0, 1))]
    )
    | st.integers(0, 9).map(lambda each: f"new{each}@example.com"),
    "employee_id": st.sampled_from([None, "shared", "e1", "n1", "n2"]),
}


def new_users() -> st.SearchStrategy[Record]:
    """Return the bodies of users to add."""
    required = {name: _USER_FIELDS[name] for name in ("first_name", "last_name", "email")}
    return st.fixed_dictionaries(required, optional={"employee_id": _USER_FIELDS["employee_id"]})


def user_changes() -> st.SearchStrategy[Record]:
    """Return the bodies of changes of users."""
    return st.fixed_dictionaries({}, optional=_USER_FIELDS)


@st.composite
def scorecard_changes(draw: st.DrawFn) -> Record:
    """Draw the body of a scorecard's PATCH."""
    attribute = st.fixed_dictionaries(
        {
            "name": st.sampled_from(NAMES[:2]),
            "type": st.sampled_from([None, "Skills"]),
            "note": st.none(),
            "rating": st.sampled_from(["no", "mixed", "strong_yes", "no_decision"]),
        }
    )
    question = st.fixed_dictionaries(
        {"id": st.sampled_from([None, 5]), "question": st.just("Why?"), "answer": st.none()}
    )
    body: Record = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "attributes": st.lists(attribute, max_size=2),
                "questions": st.lists(question, max_size=1),
                "overall_recommendation": st.sampled_from(["yes", "definitely_not"]),
            },
        )
    )
    if draw(st.integers(0, 2)) == 0:
        return body
    recommendation = {"overall_recommendation": "no"} if draw(st.integers(0, 7)) else {}
    return {**recommendation, **body, "submit": True}


@st.composite
def imported(draw: st.DrawFn) -> Record:
    """Draw an interview from another server, with known people and a known application."""
    first, second = sorted(draw(st.tuples(half_hours, half_hours)))
    kind = draw(st.sampled_from(["date_time", "date_time", "date"]))
    times = [time_text(SEASON + each * HALF_HOUR) for each in (first, second)]
    start, end = ({kind: text if kind == "date_time" else text[:10]} for text in times)
    number = draw(st.sampled_from([1, 2]))
    panel = [_sitting(draw, one) for one in draw(st.lists(st.sampled_from(USERS), max_size=3, unique=True))]
    return {
        "id": draw(st.integers(1, 8) | st.just(60)),
        "application_id": draw(st.sampled_from(APPLICATIONS)),
        "external_event_id": draw(st.sampled_from([None, *EVENTS])),
        "start": start,
        "end": end,
        "location": None,
        "video_conferencing_url": None,
        "status": draw(st.sampled_from(["scheduled", "scheduled", "awaiting_feedback", "complete"])),
        "created_at": draw(st.none() | half_hours.map(lambda each: time_text(SEASON + each * HALF_HOUR))),
        "updated_at": draw(st.none() | half_hours.map(lambda each: time_text(SEASON + each * HALF_HOUR))),
        "interview": {"id": 7000 + number, "name": f"Interview {number}"},
        "organizer": organizer(user(draw(st.sampled_from(USERS)), draw(st.integers(0, 3)))),
        "interviewers": panel,
    }


def _sitting(draw: st.DrawFn, identifier: int) -> Record:
    known = user(identifier, draw(st.integers(0, 3)))
    person = {**known, "email": known["primary_email_address"]}
    seat = interviewer(person, {"response_status": draw(st.sampled_from(RESPONSES))})
    return {**seat, "scorecard_id": draw(st.sampled_from([None, None, 5]))}


_JOB_FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "name": st.sampled_from(NAMES),
    "status": st.sampled_from(["open", "closed", "draft"]),
    "requisition_id": st.sampled_from([None, "", "R1"]),
    "notes": st.sampled_from([None, "", "Two\nlines"]),
}
_STAGE_FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "name": st.sampled_from(NAMES),
    "priority": st.integers(0, 2),
    "active": st.booleans(),
    "interviews": st.lists(
        st.fixed_dictionaries(
            {"name": st.sampled_from(NAMES)},
            optional={
                "estimated_minutes": st.sampled_from([None, 30]),
                "default_interviewer_users": st.lists(st.sampled_from([*USERS] * 3 + [9]), max_size=2, unique=True),
            },
        ),
        max_size=2,
    ),
}


def _named(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Record]:
    """Return objects with some of the fields, and always with a name."""
    optional = {name: values for name, values in fields.items() if name != "name"}
    return st.fixed_dictionaries({"name": fields["name"]}, optional=optional)


def new_jobs() -> st.SearchStrategy[Record]:
    """Return the bodies of jobs to add."""
    return _named(_JOB_FIELDS)


def job_changes() -> st.SearchStrategy[Record]:
    """Return the bodies of changes of jobs."""
    return st.fixed_dictionaries({}, optional=_JOB_FIELDS)


def new_stages() -> st.SearchStrategy[Record]:
    """Return the bodies of stages to add, without their job."""
    return _named(_STAGE_FIELDS)


def stage_changes() -> st.SearchStrategy[Record]:
    """Return the bodies of changes of stages; all interviews in them are new."""
    return st.fixed_dictionaries({}, optional=_STAGE_FIELDS)


def new_candidates() -> st.SearchStrategy[Record]:
    """Return the bodies of candidates to add, without their applications."""
    contact = st.fixed_dictionaries({"value": st.sampled_from(GUESTS)}, optional={"type": st.just("personal")})
    optional = {"email_addresses": st.lists(contact, max_size=2), "tags": st.just(["x"]), "is_private": st.booleans()}
    return st.fixed_dictionaries({"first_name": st.just("Ida"), "last_name": st.just("Rhodes")}, optional=optional)
