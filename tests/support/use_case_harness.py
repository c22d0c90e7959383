"""The use cases in-process: units of work in a real database, and a clock that stands still until a test moves it."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from rowen.api.codec import documents, scorecards
from rowen.app import scheduling
from rowen.app.organizations import Organization
from rowen.app.status_updates import StatusUpdater
from rowen.app.unit_of_work import IdempotentRequest, Stored, UnitOfWork, WriteResult
from rowen.interviews.interview import InterviewId, Moment, ResponseStatus, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewerInput, InterviewFields
from rowen.store.unit_of_work.due_interviews import DueInterviewFinder
from tests.support.harness import FakeClock, Tenant, opened
from tests.support.records import Record

Result = TypeVar("Result")

START: Final = Instant.parse("2030-05-01T10:00:00.000Z")
END: Final = Instant.parse("2030-05-01T11:00:00.000Z")
BEFORE: Final = Instant.parse("2030-04-01T00:00:00.000Z")
ADA: Final = 4001
GRACE: Final = 4002


class UseCases:
    """The use cases on behalf of one tenant; the clock of its harness is their clock."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.organization = tenant.organization
        self.clock = tenant.harness.clock
        self.store = tenant.harness.store
        self.run = tenant.harness.run
        self.status_updater = StatusUpdater(DueInterviewFinder(self.store.engine), self.store.writing, self.clock)

    def in_unit(
        self, work: Callable[[UnitOfWork], Awaitable[Result]], idempotent: IdempotentRequest | None = None
    ) -> Result:
        """Do work in a transaction and return its result; the request must not have an earlier result."""
        results: list[Result] = []

        async def unit(unit: UnitOfWork) -> WriteResult:
            results.append(await work(unit))
            return WriteResult(b"")

        self.run(self.store.writing.write(self.organization, unit, idempotent))
        (result,) = results
        return result

    def schedule(self, **changes: Any) -> ScheduledInterview:
        """Schedule an interview."""
        asked = fields(**changes)
        return documents.decode(self.in_unit(lambda unit: scheduling.schedule(unit, asked, "test")).document)

    def change(self, interview: int, **changes: Any) -> bytes:
        """Change an interview, and return its document."""
        asked = InterviewFields(on_behalf_of=ADA, **changes)

        async def work(unit: UnitOfWork) -> bytes:
            return (await scheduling.change(unit, scorecards, await stored(unit, interview), asked, "test")).document

        return self.in_unit(work)

    def get(self, interview: int) -> ScheduledInterview:
        """Return an interview as stored."""
        return self.in_unit(lambda unit: stored(unit, interview)).interview

    def tick(self) -> int:
        """Update what is due, and return how many interviews that were."""
        return self.run(self.status_updater.tick())

    def fresh(self) -> Organization:
        """Return the organization's current state."""
        found = self.run(self.store.organizations.find(self.organization.name))
        assert found is not None
        return found


async def stored(unit: UnitOfWork, interview: int) -> Stored:
    """Return an interview in the unit."""
    found = await unit.interview(InterviewId(interview))
    assert found is not None
    return found


_count = iter(range(1_000_000))


def fields(**changes: Any) -> InterviewFields:
    """Return the fields of a client's request; `changes` replace them."""
    asked: dict[str, Any] = {
        "application_id": 5001,
        "interview_id": 7001,
        "interviewers": (InterviewerInput(user_id=ADA, response_status=ResponseStatus.ACCEPTED),),
        "start": Moment(date_time=START),
        "end": Moment(date_time=END),
        "external_event_id": f"event-{next(_count)}",
        "on_behalf_of": ADA,
        **changes,
    }
    return InterviewFields(**asked)


def _user(identifier: int, name: str) -> Record:
    return {"id": identifier, "name": name, "emails": [f"{identifier}@team.example"], "site_admin": False}


@contextmanager
def opened_use_cases(database: str, time_zone: str = "UTC") -> Iterator[UseCases]:
    """Open a new database with one organization, `team`, of two users, one application and one stage."""
    with opened(database, FakeClock(BEFORE)) as harness:
        tenant = harness.tenant("team", time_zone)
        tenant.merge_records("users", [_user(ADA, "Ada"), _user(GRACE, "Grace")])
        tenant.merge_records("applications", [{"id": 5001, "status": "active"}])
        tenant.merge_records("job_stages", [{"id": 6001, "interviews": [{"id": 7001, "name": "Culture Fit"}]}])
        yield UseCases(tenant)
