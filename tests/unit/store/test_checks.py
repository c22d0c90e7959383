"""`rowen db check` on what was written here: sound through all that can happen, and told of what does not agree."""

from collections.abc import Iterator

import msgspec
import pytest

from rowen.app import scheduling
from rowen.app.desk import Desk, Work, Written
from rowen.app.ports import Organization
from rowen.interviews.interview import InterviewId, Moment, ResponseStatus
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import InterviewFields, Seat
from rowen.store.database import check, locate
from tests.concurrency.writer import Client, Writer
from tests.support.changes import Chronicler, chronicling
from tests.support.records import Record, record
from tests.support.sql import execute
from tests.support.storage import Storage

JACK = 2000
KATE = 4080
SEEDLING = record(1)
SEATS = (
    Seat(user_id=KATE, response_status=ResponseStatus.ACCEPTED),
    Seat(user_id=JACK, response_status=ResponseStatus.DECLINED),
    Seat(email="guest@example.org", response_status=ResponseStatus.TENTATIVE),
)


class Schedule:
    """An organization that schedules, and its database."""

    def __init__(self, chronicler: Chronicler, organization: Organization, database: str) -> None:
        self._chronicler = chronicler
        self._organization = organization
        self.database = database
        self.location = locate(database)

    def create(self, event: str) -> Record:
        """Schedule an interview."""
        fields = InterviewFields(
            application_id=SEEDLING["application_id"],
            interview_id=SEEDLING["interview"]["id"],
            interviewers=SEATS,
            start=Moment(date_time=Instant.parse("2999-01-01T10:00:00Z")),
            end=Moment(date_time=Instant.parse("2999-01-01T11:00:00Z")),
            external_event_id=event,
            on_behalf_of=JACK,
        )

        async def work(desk: Desk) -> Written:
            return Written((await scheduling.schedule(desk, fields, "key")).document)

        return self._write(work)

    def move(self, interview: int, location: str) -> Record:
        """Change an interview."""
        fields = InterviewFields(location=location, on_behalf_of=JACK)

        async def work(desk: Desk) -> Written:
            stored = await desk.interview(InterviewId(interview))
            assert stored is not None
            return Written((await scheduling.change(desk, stored, fields, "key")).document)

        return self._write(work)

    def cancel(self, interview: int) -> None:
        """Cancel an interview."""

        async def work(desk: Desk) -> Written:
            stored = await desk.interview(InterviewId(interview))
            assert stored is not None
            await scheduling.cancel(desk, stored, JACK, "key")
            return Written(b"{}")

        self._write(work)

    def _write(self, work: Work) -> Record:
        writing = self._chronicler.store.writing
        written = self._chronicler.run(writing.write(self._organization, work))
        found: Record = msgspec.json.decode(written.body)
        return found

    def execute(self, *statements: str) -> None:
        """Tamper with the database."""
        execute(self.database, *statements)


@pytest.fixture
def schedule(writer: Writer, client: Client, database: str) -> Iterator[Schedule]:
    """Return an organization with an imported interview, two written here of which one was moved, and one cancelled."""
    writer.merge(client, [SEEDLING])
    with chronicling(database) as chronicler:
        found = Schedule(chronicler, client.organization, database)
        for number in (2, 3, 4):
            assert found.create(f"event {number}")["id"] == number
        found.move(3, "Dharma")
        found.cancel(4)
        yield found


def test_what_was_written_is_sound(schedule: Schedule) -> None:
    assert check(schedule.location) == []


def test_what_was_imported_since_is_sound(schedule: Schedule, writer: Writer, client: Client) -> None:
    """A newer record may replace what was written here, and bring back what was cancelled."""
    newer = "2998-01-01T00:00:00.000Z"
    writer.merge(client, [record(each, updated_at=newer, external_event_id=f"event {each}") for each in (2, 4)])
    assert check(schedule.location) == []
    schedule.move(3, "Hydra")
    assert check(schedule.location) == []


REPLACED = {
    "sqlite": "CAST(replace(document, 'Dharma', 'Hydra') AS BLOB)",
    "postgres": "convert_to(replace(convert_from(document, 'UTF8'), 'Dharma', 'Hydra'), 'UTF8')",
}
"""A document with other words, as each engine says it."""

TAMPERED = {
    "a document without its change": (
        "DELETE FROM changes WHERE interview_id = 2",
        ["interview 2 of organization 1: it was written without a change"],
    ),
    "a document older than its change": (
        "UPDATE scheduled_interviews SET updated_at = updated_at - 1, document = (SELECT document FROM changes "
        "WHERE interview_id = 3 ORDER BY revision LIMIT 1) WHERE id = 3",
        ["interview 3 of organization 1: its document is not that of its newest change"],
    ),
    "a document that no change tells of": (
        "UPDATE scheduled_interviews SET document = REPLACED WHERE id = 3",
        ["interview 3 of organization 1: its document is not that of its newest change"],
    ),
    "a change without its document": (
        "DELETE FROM scheduled_interviews WHERE id = 3; DELETE FROM panel WHERE interview_id = 3; "
        "UPDATE organizations SET interview_count = 2",
        ["interview 3 of organization 1: it has changes, but is not there"],
    ),
    "a cancelled interview that is there": (
        "DELETE FROM changes WHERE revision = (SELECT max(revision) FROM changes); "
        "UPDATE changes SET kind = 'cancelled' WHERE interview_id = 2",
        [
            "interview 2 of organization 1: its document is not that of its newest change",
            "interview 4 of organization 1: it has changes, but is not there",
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
        ["interview 99 of organization 1: it is booked at times that are not its own"],
    ),
    "a booking at another time": (
        "UPDATE panel SET starts_at = starts_at - 1 WHERE interview_id = 2 AND person > 0",
        ["interview 2 of organization 1: it is booked at times that are not its own"],
    ),
    "an interviewer who is not booked": (
        f"DELETE FROM panel WHERE interview_id = 2 AND person = {KATE}",
        [f"interview 2 of organization 1: its interviewer {KATE} is not booked"],
    ),
    "a term of no record": (
        "INSERT INTO terms VALUES (1, 'users', 'email', 'nobody@example.com', 99)",
        ["organization 1: users are found by what no record of theirs says"],
    ),
    "a delivery of no change": (
        "INSERT INTO deliveries VALUES "
        "(1, 1, 99, 'interview_updated', 'msg_1', 'pending', 0, 0, NULL, NULL, 0, NULL, '')",
        ["organization 1: a webhook is to be told of a change 99 that did not happen"],
    ),
}


@pytest.mark.parametrize("hurt", TAMPERED)
def test_what_does_not_agree_is_found(storage: Storage, schedule: Schedule, hurt: str) -> None:
    statements, faults = TAMPERED[hurt]
    schedule.execute(*statements.replace("REPLACED", REPLACED[storage.name]).split("; "))
    assert sorted(check(schedule.location)) == faults
