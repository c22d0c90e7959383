"""Writing the schedule: the Harvest v1 and v2 calls that make, change and delete interviews.

Owns what each call does between an authorised request and its answer (contract section 4). Must not know HTTP's
transport, authentication or SQL.
"""

from collections.abc import Callable

import msgspec

from rowen.app import scheduling
from rowen.app.desk import Desk, Stored, Written
from rowen.app.services import Services
from rowen.harvest.bodies import Problems
from rowen.harvest.calls import Answer, Call
from rowen.harvest.conditional import document_etag, still_holds
from rowen.harvest.repetition import perform
from rowen.harvest.writing import read_changes, read_new_interview, read_user
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import ApplicationId, InterviewId
from rowen.interviews.scheduling import InterviewFields


async def create_interview(services: Services, call: Call) -> Answer:
    """Make an interview; an unknown e-mail address is a guest's (public reference, "POST: Create")."""
    return await _create(services, call, read_new_interview(call, knows_guests=True))


async def create_interview_strictly(services: Services, call: Call) -> Answer:
    """Make an interview of users only: the older form of the call."""
    return await _create(services, call, read_new_interview(call, knows_guests=False))


async def create_interview_for_application(services: Services, call: Call) -> Answer:
    """Make an interview of the application in the path, of users only: a form that some clients call."""
    application = call.identifier
    fields = read_new_interview(call, knows_guests=False, application=application)

    async def work(desk: Desk) -> Written:
        if await desk.application_status(ApplicationId(application)) is None:
            raise Refusal(Code.NOT_FOUND)
        return _written(await scheduling.schedule(desk, fields, call.key_name))

    return await perform(services, call, work)


async def change_interview(services: Services, call: Call) -> Answer:
    """Change an interview; an unknown e-mail address is a guest's (public reference, "PATCH: Update")."""
    return await _change(services, call, lambda: read_changes(call, knows_guests=True))


async def change_interview_strictly(services: Services, call: Call) -> Answer:
    """Change an interview of users only: the older form of the call."""
    return await _change(services, call, lambda: read_changes(call, knows_guests=False))


async def delete_interview(services: Services, call: Call) -> Answer:
    """Delete an interview (public reference, "Delete: Remove")."""
    identifier = InterviewId(call.identifier)
    problems = Problems()
    user = read_user(call, problems)

    async def work(desk: Desk) -> Written:
        stored = await _stored(desk, call, identifier)
        if problems.found:
            raise Refusal(Code.INVALID, problems=tuple(problems.found))
        await scheduling.cancel(desk, stored, user, call.key_name)
        return Written(msgspec.json.encode({"message": f"Interview {identifier} has been deleted."}))

    return await perform(services, call, work)


async def _create(services: Services, call: Call, fields: InterviewFields) -> Answer:
    async def work(desk: Desk) -> Written:
        return _written(await scheduling.schedule(desk, fields, call.key_name))

    return await perform(services, call, work)


async def _change(services: Services, call: Call, read: Callable[[], InterviewFields]) -> Answer:
    identifier = InterviewId(call.identifier)
    fields = read()

    async def work(desk: Desk) -> Written:
        stored = await _stored(desk, call, identifier)
        return _written(await scheduling.change(desk, stored, fields, call.key_name))

    return await perform(services, call, work)


async def _stored(desk: Desk, call: Call, identifier: InterviewId) -> Stored:
    """Return the interview that a call is about. Raises Refusal: not found; stale, where `If-Match` says so."""
    stored = await desk.interview(identifier)
    if stored is None:
        raise Refusal(Code.NOT_FOUND)
    expected = call.header(b"if-match")
    if b"if-match" in call.headers and not still_holds(expected, document_etag(stored.document)):
        raise Refusal(Code.STALE)
    return stored


def _written(outcome: scheduling.Outcome) -> Written:
    return Written(outcome.document, document_etag(outcome.document), outcome.warning)
