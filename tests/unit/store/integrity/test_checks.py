"""`rowen db check`: databases written here are sound, and inconsistencies are reported."""

import msgspec
import pytest

from rowen import wiring
from rowen.api.codec import scorecards, setups
from rowen.app import scheduling
from rowen.app.rooms import create_room
from rowen.app.setups import OPERATOR
from rowen.app.unit_of_work import UnitOfWork, WriteOperation, WriteResult
from rowen.interviews.interview import LARGEST_ID, InterviewId, Moment, ResponseStatus
from rowen.interviews.moments import Instant
from rowen.interviews.rooms import RoomFields
from rowen.interviews.scheduling import InterviewerInput, InterviewFields
from rowen.store.database import locate
from rowen.wiring import check
from tests.support.harness import Tenant
from tests.support.records import Record, record
from tests.support.sql import execute
from tests.support.storage import Storage

JACK = 2000
KATE = 4080
SEED_INTERVIEW = record(1)
SEATS = (
    InterviewerInput(user_id=KATE, response_status=ResponseStatus.ACCEPTED),
    InterviewerInput(user_id=JACK, response_status=ResponseStatus.DECLINED),
    InterviewerInput(email="guest@example.org", response_status=ResponseStatus.TENTATIVE),
)


class Scheduler:
    """An organization that schedules by the machine's clock, and its database."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self.database = tenant.harness.database
        self.location = locate(self.database)

    def create(self, event: str) -> Record:
        """Scheduler an interview."""
        fields = InterviewFields(
            application_id=SEED_INTERVIEW["application_id"],
            interview_id=SEED_INTERVIEW["interview"]["id"],
            interviewers=SEATS,
            start=Moment(date_time=Instant.parse("2999-01-01T10:00:00Z")),
            end=Moment(date_time=Instant.parse("2999-01-01T11:00:00Z")),
            external_event_id=event,
            on_behalf_of=JACK,
        )

        async def work(unit: UnitOfWork) -> WriteResult:
            return WriteResult((await scheduling.schedule(unit, fields, "key")).document)

        return self._write(work)

    def move(self, interview: int, location: str) -> Record:
        """Change an interview."""
        fields = InterviewFields(location=location, on_behalf_of=JACK)

        async def work(unit: UnitOfWork) -> WriteResult:
            stored = await unit.interview(InterviewId(interview))
            assert stored is not None
            return WriteResult((await scheduling.change(unit, scorecards, stored, fields, "key")).document)

        return self._write(work)

    def add_room(self, name: str) -> int:
        """Add a room, and return its id."""

        async def work(unit: UnitOfWork) -> WriteResult:
            room = await create_room(unit, setups, RoomFields(name=name), OPERATOR)
            return WriteResult(room.document or b"")

        identifier: int = self._write(work)["id"]
        return identifier

    def cancel(self, interview: int) -> None:
        """Cancel an interview."""

        async def work(unit: UnitOfWork) -> WriteResult:
            stored = await unit.interview(InterviewId(interview))
            assert stored is not None
            await scheduling.cancel(unit, stored, JACK, "key")
            return WriteResult(b"{}")

        self._write(work)

    def _write(self, work: WriteOperation) -> Record:
        harness = self._tenant.harness
        written = harness.run(harness.store.writing.write(self._tenant.organization, work))
        found: Record = msgspec.json.decode(written.body)
        return found

    def execute(self, *statements: str) -> None:
        """Modify the database without Rowen."""
        execute(self.database, *statements)


@pytest.fixture
def scheduler(tenant: Tenant) -> Scheduler:
    """Return an organization with an imported interview, two created here of which one was moved, and one cancelled."""
    tenant.merge([SEED_INTERVIEW])
    tenant.harness.clock.instant = None
    found = Scheduler(tenant)
    for number in (2, 3, 4):
        assert found.create(f"event {number}")["id"] == number
    found.move(3, "Dharma")
    found.cancel(4)
    return found


def test_written_databases_are_sound(scheduler: Scheduler) -> None:
    assert check(scheduler.location) == []


def test_later_imports_are_sound(scheduler: Scheduler, tenant: Tenant) -> None:
    """A newer record may replace one written here, and restore a cancelled one."""
    now = wiring.now()
    latest = str(Instant(now + 3_600_000))
    records = [record(each, updated_at=latest, external_event_id=f"event {each}") for each in (2, 4)]
    tenant.merge(records, now=now)
    assert check(scheduler.location) == []
    scheduler.move(3, "Hydra")
    assert check(scheduler.location) == []


REPLACED = {
    "sqlite": "CAST(replace(document, '{}', '{}') AS BLOB)",
    "postgres": "convert_to(replace(convert_from(document, 'UTF8'), '{}', '{}'), 'UTF8')",
}
"""A document with other words, in the form of each engine."""

TAMPERED = {
    "a document without its change": (
        "DELETE FROM changes WHERE interview_id = 2",
        ["interview 2 of organization 1: it was written without a change"],
    ),
    "a document older than its change": (
        "UPDATE scheduled_interviews SET updated_at = updated_at - 1, document = (SELECT document FROM changes "
        "WHERE interview_id = 3 ORDER BY revision LIMIT 1) WHERE id = 3",
        [
            "interview 3 of organization 1: its document does not match its row",
            "interview 3 of organization 1: its document is not that of its newest change",
        ],
    ),
    "a document without a change": (
        "UPDATE scheduled_interviews SET document = REPLACED WHERE id = 3",
        ["interview 3 of organization 1: its document is not that of its newest change"],
    ),
    "a time that its document does not say": (
        "UPDATE scheduled_interviews SET created_at = created_at - 1 WHERE id = 1",
        ["interview 1 of organization 1: its document does not match its row"],
    ),
    "a change without its document": (
        "DELETE FROM scheduled_interviews WHERE id = 3; DELETE FROM panel WHERE interview_id = 3; "
        "DELETE FROM interviewers WHERE interview_id = 3; "
        "UPDATE organizations SET interview_count = 2",
        ["interview 3 of organization 1: it has changes, but does not exist"],
    ),
    "a cancelled interview that is there": (
        "DELETE FROM changes WHERE revision = (SELECT max(revision) FROM changes); "
        "UPDATE changes SET kind = 'cancelled' WHERE interview_id = 2",
        [
            "interview 2 of organization 1: its document is not that of its newest change",
            "interview 4 of organization 1: it has changes, but does not exist",
        ],
    ),
    "a ledger behind its changes": (
        "UPDATE organizations SET revision = revision - 1",
        ["organization one: its ledger is at revision 5, but there is a change 6"],
    ),
    "a ledger before its changes": (
        "UPDATE organizations SET last_updated_at = last_updated_at - 1",
        ["organization one: its ledger is older than its change 6"],
    ),
    "a booking of nothing": (
        "UPDATE panel SET interview_id = 99 WHERE interview_id = 2 AND person < 0",
        ["interview 99 of organization 1: it is booked at times other than its own"],
    ),
    "a booking at another time": (
        "UPDATE panel SET starts_at = starts_at - 1 WHERE interview_id = 2 AND person > 0",
        ["interview 2 of organization 1: it is booked at times other than its own"],
    ),
    "an interviewer who is not booked": (
        f"DELETE FROM panel WHERE interview_id = 2 AND person = {KATE}",
        [f"interview 2 of organization 1: its interviewer {KATE} is not booked"],
    ),
    "a term of no record": (
        "INSERT INTO terms VALUES (1, 'users', 'email', 'nobody@example.com', 99)",
        ["organization 1: users have search terms that belong to no record"],
    ),
    "a delivery of no change": (
        "INSERT INTO deliveries VALUES "
        "(1, 1, 99, 'interview_updated', 'msg_1', 'pending', 0, 0, NULL, NULL, 0, NULL, '', NULL, NULL)",
        ["organization 1: a webhook has a delivery for change 99, which does not exist"],
    ),
}


@pytest.mark.parametrize("hurt", TAMPERED)
def test_inconsistencies_are_found(storage: Storage, scheduler: Scheduler, hurt: str) -> None:
    statements, faults = TAMPERED[hurt]
    other = REPLACED[storage.name].format("Dharma", "Hydra")
    scheduler.execute(*statements.replace("REPLACED", other).split("; "))
    assert sorted(check(scheduler.location)) == faults


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('.000Z"', 'Z"'),
        ('.000Z"', '.000+00:00"'),
        ('"video_conferencing_url":null,', ""),
        ('"organizer":', ' "organizer":'),
        ('{"id":', '{"id":x'),
    ],
)
def test_a_document_that_is_not_as_it_would_be_stored_is_found(
    storage: Storage, scheduler: Scheduler, before: str, after: str
) -> None:
    document = REPLACED[storage.name].format(before, after)
    scheduler.execute(f"UPDATE scheduled_interviews SET document = {document} WHERE id = 1")
    assert check(scheduler.location) == ["interview 1 of organization 1: its document does not match its row"]


def test_a_room_that_is_not_booked_is_found(scheduler: Scheduler) -> None:
    room = scheduler.add_room("Dharma")
    assert check(scheduler.location) == []
    scheduler.execute(f"DELETE FROM panel WHERE person > {LARGEST_ID}")
    assert check(scheduler.location) == [f"interview 3 of organization 1: its room {room} is not booked"]
