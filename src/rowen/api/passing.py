"""Writes of interviews in an organization that mirrors an account: they pass through to it.

Owns what a handler says of such a write, and how its end becomes a response. Must not know the account or SQL. See
docs/decisions/0041-writes-pass-through-the-mirror.md.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import msgspec

from rowen.api.headers.idempotency import idempotent_request, perform, write_once
from rowen.api.request import ApiRequest
from rowen.api.response import Response, deleted
from rowen.app import scheduling
from rowen.app.account_writes import UNDONE, AccountWrite, Request, WriteAction, await_end
from rowen.app.scheduling import ScheduleResult
from rowen.app.services import Services
from rowen.app.unit_of_work import IdempotentRequest, Stored, UnitOfWork, WriteOperation, WriteResult
from rowen.app.write_through import plan
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId

_TICKET: Final = "\x01"  # no key that a client sends begins with it


@dataclass(frozen=True, slots=True)
class PassedWrite:
    """A write that may have to pass through.

    `stored` returns the interview of the request, None for a new one, and checks what only the request knows. `answer`
    makes the result of an interview as it is afterwards.
    """

    wanted: Request
    stored: Callable[[UnitOfWork], Awaitable[Stored | None]]
    answer: Callable[[UnitOfWork, ScheduleResult], Awaitable[WriteResult]]


def cancellation(
    request: ApiRequest, user: int | None, stored: Callable[[UnitOfWork], Awaitable[Stored]]
) -> tuple[WriteOperation, PassedWrite]:
    """Return what `write_interview` takes to delete the interview of the path, which `stored` returns."""
    identifier = request.identifier()

    async def work(unit: UnitOfWork) -> WriteResult:
        await scheduling.cancel(unit, await stored(unit), user, request.key_name)
        return await answer()

    async def answer(*_: object) -> WriteResult:
        return WriteResult(deleted("Interview", identifier))

    wanted = Request(action=WriteAction.CANCEL, interview=identifier, user=user, api_key=request.key_name)
    return work, PassedWrite(wanted, stored, answer)


async def write_interview(
    services: Services, request: ApiRequest, work: WriteOperation, passed: PassedWrite
) -> Response:
    """Write an interview here or, if this organization mirrors an account, there first. Raises Refusal."""
    organization = request.organization
    if organization.mirrored_from is None:
        return await perform(services, request, work)
    allowed = await services.account_writes.allowed(organization.id)
    if not allowed:
        raise Refusal(Code.NOT_TAKEN if allowed is None else Code.READ_ONLY)
    key = idempotent_request(request)
    identifier = str(uuid4()) if key is None else await _ticket(services, request, key)
    overlapping = await _queue(services, request, passed, identifier)
    limits = services.account_wait
    write = await await_end(services.account_writes, services.commits, organization, identifier, limits)
    interview = InterviewId(write.interview or passed.wanted.interview or 0)

    async def finish(unit: UnitOfWork) -> WriteResult:
        if passed.wanted.action is WriteAction.CANCEL:
            return await passed.answer(unit, ScheduleResult(b""))
        stored = await unit.interview(interview)
        if stored is None:  # the account has it in a form that v1 lacks, or somebody has deleted it by now
            raise Refusal(Code.ACCOUNT_FAILED)
        return await passed.answer(unit, ScheduleResult(stored.document, overlapping))

    return await write_once(services, request, finish, key)


async def _ticket(services: Services, request: ApiRequest, key: IdempotentRequest) -> str:
    """Return the id of the write that belongs to an idempotency key, however often it is sent."""

    async def work(_: UnitOfWork) -> WriteResult:
        return WriteResult(uuid4().bytes)

    ticket = key._replace(key=f"{_TICKET}{key.key}")
    drawn = await write_once(services, request, work, ticket)
    return str(UUID(bytes=drawn.body))


async def _queue(
    services: Services, request: ApiRequest, passed: PassedWrite, identifier: str
) -> tuple[InterviewId, ...]:
    """Queue a write, unless it is on its way or done; return the interviews to warn of. Raises Refusal."""
    writes, organization = services.account_writes, request.organization
    before = await writes.find(organization.id, identifier)
    if before is not None and before.state not in UNDONE:
        return ()
    queued: list[tuple[AccountWrite, tuple[InterviewId, ...]]] = []

    async def check(unit: UnitOfWork) -> WriteResult:
        wanted, stored = passed.wanted, await passed.stored(unit)
        if stored is not None and request.header(b"if-match") not in ("", "*"):
            wanted = msgspec.structs.replace(wanted, known_at=stored.interview.updated_at)
        planned = await plan(unit, services.scorecard_codec, wanted)
        expires_at = int(unit.now) + round(services.account_wait.ended * 1000)
        write = AccountWrite(identifier, wanted, int(unit.now), expires_at)
        if before is not None:
            write = write._replace(attempts=before.attempts)
        queued[:] = [(write, planned.overlapping)]
        return WriteResult(b"")

    await write_once(services, request, check, None)
    ((write, overlapping),) = queued
    await writes.enqueue(organization.id, write)
    return overlapping
