"""A desk to work at: real storage, and a clock that stands still until a test moves it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from rowen import wiring
from rowen.app import scheduling
from rowen.app.clock import Clock
from rowen.app.desk import Desk, Repetition, Stored, Writing, Written
from rowen.app.ports import Organization, RecordDraft
from rowen.harvest import documents, resources
from rowen.interviews.interview import InterviewId, Moment, ResponseStatus, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewFields, Seat
from rowen.store.database import locate, upgrade
from rowen.store.desk import DeskWriting
from rowen.store.due import DueInterviews
from rowen.store.record_merging import RecordTableMerger
from rowen.wiring import Store
from tests.support.records import Record, canonical

Result = TypeVar("Result")

START: Final = Instant.parse("2030-05-01T10:00:00.000Z")
END: Final = Instant.parse("2030-05-01T11:00:00.000Z")
BEFORE: Final = Instant.parse("2030-04-01T00:00:00.000Z")
ADA: Final = 4001
GRACE: Final = 4002


@dataclass
class Office:
    """An open database, one organization of it, and the time."""

    runner: asyncio.Runner
    store: Store
    organization: Organization
    now: Instant
    writing: Writing
    clock: Clock

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a use of the store to its end."""
        return self.runner.run(work)

    def at_desk(self, work: Callable[[Desk], Awaitable[Result]], repetition: Repetition | None = None) -> Result:
        """Do work in a transaction and return what it returns; it must not be answered from before."""
        results: list[Result] = []

        async def unit(desk: Desk) -> Written:
            results.append(await work(desk))
            return Written(b"")

        self.run(self.writing.write(self.organization, unit, repetition))
        (result,) = results
        return result

    def schedule(self, **changes: Any) -> ScheduledInterview:
        """Make an interview."""
        asked = fields(**changes)
        return documents.decode(self.at_desk(lambda desk: scheduling.schedule(desk, asked, "test")).document)

    def change(self, interview: int, **changes: Any) -> bytes:
        """Change an interview, and return its document."""
        asked = InterviewFields(on_behalf_of=ADA, **changes)

        async def work(desk: Desk) -> bytes:
            return (await scheduling.change(desk, await stored(desk, interview), asked, "test")).document

        return self.at_desk(work)

    def get(self, interview: int) -> ScheduledInterview:
        """Return an interview as it stands."""
        return self.at_desk(lambda desk: stored(desk, interview)).interview

    def tick(self) -> int:
        """Let the clock tick once."""
        return self.run(self.clock.tick())

    def fresh(self) -> Organization:
        """Return the organization as of now."""
        found = self.run(self.store.organizations.find(self.organization.name))
        assert found is not None
        return found


async def stored(desk: Desk, interview: int) -> Stored:
    """Return an interview at the desk."""
    found = await desk.interview(InterviewId(interview))
    assert found is not None
    return found


_count = iter(range(1_000_000))


def fields(**changes: Any) -> InterviewFields:
    """Return what a client asks for; `changes` replace its fields."""
    asked: dict[str, Any] = {
        "application_id": 5001,
        "interview_id": 7001,
        "interviewers": (Seat(user_id=ADA, response_status=ResponseStatus.ACCEPTED),),
        "start": Moment(date_time=START),
        "end": Moment(date_time=END),
        "external_event_id": f"event-{next(_count)}",
        "on_behalf_of": ADA,
        **changes,
    }
    return InterviewFields(**asked)


def _user(identifier: int, name: str) -> Record:
    return {"id": identifier, "name": name, "emails": [f"{identifier}@team.example"], "site_admin": False}


def records() -> list[RecordDraft]:
    """Return the users, the application and the stage of an organization."""
    stage = {"id": 6001, "interviews": [{"id": 7001, "name": "Culture Fit"}]}
    return [
        *(resources.draft("users", canonical(_user(*each))) for each in ((ADA, "Ada"), (GRACE, "Grace"))),
        resources.draft("applications", canonical({"id": 5001, "status": "active"})),
        resources.draft("job_stages", canonical(stage)),
    ]


@contextmanager
def opened(database: str, time_zone: str = "UTC") -> Iterator[Office]:
    """Open a new database with one organization, until the end of the block."""
    upgrade(locate(database))
    runner = asyncio.Runner()
    store = wiring.open_store(locate(database))

    def now() -> Instant:
        return office.now

    writing = DeskWriting(store.engine, documents, now)
    organization = runner.run(store.organizations.create("team", time_zone, BEFORE))
    runner.run(RecordTableMerger(store.engine, documents, resources).merge(organization, records(), now=BEFORE))
    clock = Clock(DueInterviews(store.engine), writing, now)
    office = Office(runner, store, organization, BEFORE, writing, clock)
    try:
        yield office
    finally:
        runner.run(store.engine.close())
        runner.close()
