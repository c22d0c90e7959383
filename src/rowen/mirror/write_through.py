"""Passing the writes of clients through to the account, one after the other.

Owns the steps of a write, each of which may be cut off: what was sent is looked for in the account, and what was
accepted is stored as the mirror stores any change. Must not know the wire or SQL. See
docs/decisions/0041-writes-pass-through-the-mirror.md.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from rowen.api.codec import scorecards
from rowen.api.headers.acting_user import UNKNOWN
from rowen.app.account_writes import AccountWrite, AccountWrites, Failure, WriteAction, WriteState, failure_of
from rowen.app.changes import Commits
from rowen.app.mirror import MirroredRow, Pending, RowLink
from rowen.app.mirroring import follow_interview
from rowen.app.organizations import Organization
from rowen.app.records import INTERVIEWS
from rowen.app.scheduling import actor_of
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.app.write_through import PassedPlan, plan
from rowen.imports.errors import SourceError
from rowen.interviews.changes import Actor, ActorKind
from rowen.interviews.errors import Code, FieldProblem, Refusal, Unavailable, UnknownUserError
from rowen.interviews.interview import InterviewId, ScheduledInterview
from rowen.interviews.moments import Instant
from rowen.interviews.people import UserId
from rowen.mirror.account import Account, AccountPage
from rowen.mirror.account_writes import (
    AccountWriter,
    NotMadeError,
    UnknownError,
    body_of,
    failure_of_reading,
)
from rowen.mirror.joiner import Joiner
from rowen.mirror.rows import content_of, read_page
from rowen.mirror.threads import in_thread
from rowen.mirror.turns import Turns
from rowen.mirror.writing import MirrorPorts

LOST_AFTER: Final = 120_000
"""How long a new interview whose answer was lost is looked for in the account, in milliseconds."""

KEPT: Final = 2 * 86_400_000
"""How long a write that has ended is kept, in milliseconds: longer than idempotency keys."""

_LIST: Final = "interviews"
_MOST_MEMBERS: Final = 1_000
_LOOK_AGAIN: Final = 5_000
_IDLE_SECONDS: Final = 2.0
_AFTER_FAILURE: Final = 1.0
_TAKEN: Final = FieldProblem("external_event_id", "Must be unique (another request with it is not finished yet)")

_log = structlog.stdlib.get_logger("rowen.mirror")


@dataclass(frozen=True, slots=True)
class PassingDeps:
    """What is needed to pass writes through.

    `reading` and `sending` are the account; `turns` are shared with the follower.
    `try_lead` returns whether this process mirrors the organization. `pause` sleeps for seconds.
    """

    writes: AccountWrites
    reading: Account
    sending: AccountWriter
    turns: Turns
    try_lead: Callable[[], Awaitable[bool]]
    commits: Commits
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


class WriteThrough:
    """Passes the writes of one mirrored organization through to its account."""

    def __init__(self, destination: MirrorPorts, organization: Organization, deps: PassingDeps) -> None:
        self._to = destination
        self._organization = organization
        self._deps = deps
        self._writes = deps.writes
        self._joiner = Joiner(destination.mirrors, organization)
        self._looked: dict[str, int] = {}

    async def run(self) -> None:
        """Pass writes through until cancelled, while this process mirrors the organization."""
        while True:
            seen = self._deps.commits.state
            try:
                if await self._deps.try_lead():
                    await self.step()
            except Unavailable as error:
                _log.error("writes cannot be passed through now", reason=str(error))
                await self._deps.pause(_AFTER_FAILURE)
            except Exception:  # whatever failed, the next write is passed through
                _log.exception("passing writes through failed")
                await self._deps.pause(_AFTER_FAILURE)
            await self._deps.commits.wait(seen, _IDLE_SECONDS)

    async def step(self) -> None:
        """Go on with every write that has not ended, as far as each can go now."""
        if await self._writes.allowed(self._organization.id) is None:
            return
        for write in await self._writes.open(self._organization.id):
            if not await self._deps.try_lead():
                return
            try:
                await self._go_on(write)
            except SourceError as error:  # the account cannot be read now: this write waits for the next step
                _log.warning("a write waits for the account", write=write.id, state=write.state, reason=str(error))
        await self._writes.forget(self._organization.id, Instant(self._to.now() - KEPT))

    async def _go_on(self, write: AccountWrite) -> None:
        if write.state is WriteState.QUEUED and write.expires_at <= self._to.now():  # its server died, too
            await self._writes.withdraw(self._organization.id, write.id)
        elif write.state is WriteState.QUEUED:
            await self._begin(write)
        elif write.state is WriteState.ACCEPTED:
            await self._store(write)
        elif write.request.action is WriteAction.CREATE:
            await self._look_for(write)
        elif write.expires_at > self._to.now():  # sent by a process that died: to send it again changes nothing more
            await self._begin(write)
        else:
            await self._follow(write.request.interview or 0)
            await self._end(write, WriteState.LOST, Failure(Code.ACCOUNT_SILENT))

    # --- sending

    async def _begin(self, write: AccountWrite) -> None:
        """Check a write as of now, and send it."""
        try:
            made = await self._prepare(write)
        except Refusal as refusal:
            problems = (UNKNOWN,) if isinstance(refusal, UnknownUserError) else refusal.problems
            await self._end(write, WriteState.REFUSED, failure_of(Refusal(refusal.code, problems=problems)))
            return
        except NotMadeError as error:
            await self._end(write, WriteState.REFUSED, error.failure)
            return
        except SourceError as error:
            _log.warning("a write was not sent", write=write.id, reason=str(error))
            await self._end(write, WriteState.REFUSED, failure_of_reading(error))
            return
        if isinstance(made, int):  # it was made before
            await self._accept(write, made)
            return
        body = body_of(write, made)
        if not body and write.request.action is WriteAction.CHANGE:
            await self._end(write._replace(interview=write.request.interview), WriteState.STORED)
        elif await self._writes.claim(self._organization.id, write.id, self._to.now()):
            await self._send(write, body)

    async def _prepare(self, write: AccountWrite) -> PassedPlan | int:
        """Return what a write comes to, or the interview that an earlier attempt at it has made.

        Raises Refusal, NotMadeError and SourceError.
        """
        request = write.request
        if request.action is not WriteAction.CREATE:
            if request.known_at is not None and write.state is WriteState.QUEUED:
                await self._follow(request.interview or 0)  # so that the version is that of the account
            return await self._planned(write)
        if not write.names_event and not write.attempts:
            return await self._planned(write)  # nobody has seen its event id
        if not write.names_event:
            held = await self._held(write.event_id)
            if held is not None:
                return held
        planned = await self._planned(write)
        if await self._writes.is_claimed(self._organization.id, write.event_id, write.id):
            raise Refusal(Code.CONFLICT, problems=(_TAKEN,))
        found = await self._find(write.event_id)
        if found is None:
            return planned
        if planned.after is None or not _is_same(found, planned.after):
            problem = FieldProblem("external_event_id", f"Must be unique (interview {found.id} has it)")
            raise Refusal(Code.INVALID, problems=(problem,))
        return found.id

    async def _send(self, write: AccountWrite, body: dict[str, Any]) -> None:
        try:
            answer = await in_thread(partial(self._deps.sending.send, write, body))
        except NotMadeError as error:
            if error.failure.code is Code.NOT_FOUND and write.request.interview is not None:
                if write.request.action is WriteAction.CANCEL and write.attempts > 0:  # sent before: it is done
                    await self._accept(write, write.request.interview)
                    return
                await self._follow(write.request.interview)
            await self._end(write, WriteState.REFUSED, error.failure)
        except UnknownError as error:
            if write.request.action is WriteAction.CREATE:
                doubted = write._replace(state=WriteState.SENT, failure=error.failure, sent_at=int(self._to.now()))
                await self._look_for(doubted)
            else:
                await self._follow(write.request.interview or 0)
                await self._end(write, WriteState.REFUSED, error.failure)
        else:
            row = _row_of(answer)
            if write.request.interview is not None:
                await self._accept(write, write.request.interview, row)
            elif row is not None:
                await self._accept(write, row.id, row)
            else:  # accepted, but the answer does not say under which id
                doubted = write._replace(
                    state=WriteState.SENT, failure=Failure(Code.ACCOUNT_FAILED), sent_at=int(self._to.now())
                )
                await self._look_for(doubted)

    # --- what was sent

    async def _look_for(self, write: AccountWrite) -> None:
        """Look for a new interview in the account, after its answer was lost; give up after a while."""
        now = int(self._to.now())
        if write.state is WriteState.IN_DOUBT and now < self._looked.get(write.id, 0) + _LOOK_AGAIN:
            return
        self._looked[write.id] = now
        if write.state is WriteState.SENT:
            failure = write.failure or Failure(Code.ACCOUNT_SILENT)
            write = write._replace(state=WriteState.IN_DOUBT, failure=failure)
            found = await self._find_or_none(write.event_id)
            if found is None:
                await self._writes.note(self._organization.id, write, self._to.now())
        else:
            found = await self._find(write.event_id)
        if found is not None:
            await self._accept(write, found.id)
        elif self._is_late(write):
            await self._end(write, WriteState.LOST, Failure(Code.ACCOUNT_UNREACHABLE))

    async def _find_or_none(self, event_id: str) -> MirroredRow | None:
        try:
            return await self._find(event_id)
        except SourceError as error:
            _log.warning("the account cannot be searched now", reason=str(error))
            return None

    async def _find(self, event_id: str) -> MirroredRow | None:
        """Return the account's interview with an event id, the oldest one of several. Raises SourceError."""
        page = await in_thread(partial(self._deps.reading.page, _LIST, {"external_event_id": event_id}))
        named = [row for row in page.content.rows if content_of(row).external_event_id == event_id]
        return min(named, key=lambda row: row.id, default=None)

    async def _accept(self, write: AccountWrite, interview: int, row: MirroredRow | None = None) -> None:
        accepted = write._replace(state=WriteState.ACCEPTED, interview=interview, failure=None)
        await self._writes.note(self._organization.id, accepted, self._to.now())
        await self._store(accepted, row)

    async def _store(self, write: AccountWrite, row: MirroredRow | None = None) -> None:
        """Store what the account has accepted, as the change of the user who made it. Raises SourceError."""
        gone = write.request.action is WriteAction.CANCEL
        found = await self._follow(write.interview or 0, write, row, gone=gone)
        if not found and write.request.action is WriteAction.CREATE and not self._is_late(write):
            return  # it may become visible a little later
        await self._end(write, WriteState.STORED)

    def _is_late(self, write: AccountWrite) -> bool:
        return self._to.now() > (write.sent_at or 0) + LOST_AFTER

    async def _end(self, write: AccountWrite, state: WriteState, failure: Failure | None = None) -> None:
        ended = write._replace(state=state, failure=failure)
        await self._writes.note(self._organization.id, ended, self._to.now())
        self._looked.pop(write.id, None)
        _log.info(
            "a write has ended",
            organization=self._organization.name,
            write=write.id,
            action=write.request.action,
            state=state,
            interview=ended.interview or write.request.interview,
            reason=None if failure is None else failure.code,
        )

    # --- storing

    async def _follow(
        self, identifier: int, write: AccountWrite | None = None, row: MirroredRow | None = None, *, gone: bool = False
    ) -> bool:
        """Read an interview and its panel from the account, and store both; return whether it is there.

        `row` is the interview, if it is known; `gone` that it was deleted; `write` made the change. Raises SourceError.
        """
        mirrors, organization = self._to.mirrors, self._organization.id
        async with self._deps.turns.interrupting():
            found, members = ([], []) if gone else await self._read(identifier, row)
            if not found:
                members = []
            kept = {each.id for each in members}
            held = await mirrors.linked(organization, "interviewers", RowLink.PARENT, [identifier])
            lost = [each for each in held if each.id not in kept]
            if not found:
                lost += (await mirrors.rows(organization, _LIST, [identifier])).values()
            now = self._to.now()
            await mirrors.replace(organization, [*found, *members], lost, now)
            joined = await self._joiner.join(INTERVIEWS, [identifier])

            async def work(unit: UnitOfWork) -> WriteResult:
                actor = await _actor(unit, write)
                after = joined.interviews.get(identifier)
                await follow_interview(unit, InterviewId(identifier), after, self._to.now(), actor)
                return WriteResult(b"")

            await self._to.writing.write(self._organization, work)
            await mirrors.settle(organization, INTERVIEWS, [Pending(identifier, int(now))])
        return bool(found)

    async def _read(self, identifier: int, row: MirroredRow | None) -> tuple[list[MirroredRow], list[MirroredRow]]:
        """Return the rows of an interview and of its panel. Raises SourceError."""
        reading = self._deps.reading
        found = [] if row is None else [row]
        if row is None:
            found = (await in_thread(partial(reading.existing, _LIST, [identifier]))).content.rows
        members: list[MirroredRow] = []
        page: AccountPage = await in_thread(partial(reading.page, "interviewers", {"interview_ids": str(identifier)}))
        members += page.content.rows
        while page.cursor is not None and len(members) < _MOST_MEMBERS:
            page = await in_thread(partial(reading.next_page, "interviewers", page.cursor))
            members += page.content.rows
        return found, [each for each in members if each.parent_id == identifier]

    async def _planned(self, write: AccountWrite) -> PassedPlan:
        """Return what a write comes to by the rules of this server. Raises Refusal."""
        made: list[PassedPlan] = []
        request = write.request
        if write.state is WriteState.SENT and request.known_at is not None:
            request = msgspec.structs.replace(
                request, known_at=None
            )  # it was checked before it was sent the first time

        async def work(unit: UnitOfWork) -> WriteResult:
            made[:] = [await plan(unit, scorecards, request)]
            return WriteResult(b"")

        await self._to.writing.write(self._organization, work)
        return made[0]

    async def _held(self, event_id: str) -> int | None:
        """Return the interview that has an event id here."""
        found: list[int | None] = []

        async def work(unit: UnitOfWork) -> WriteResult:
            found[:] = [await unit.find_by_event_id(event_id)]
            return WriteResult(b"")

        await self._to.writing.write(self._organization, work)
        return found[0]


async def _actor(unit: UnitOfWork, write: AccountWrite | None) -> Actor:
    """Return the actor of a change that was found in the account, or that a write made there."""
    if write is None:
        return Actor(ActorKind.MIRROR)
    user = None if write.request.user is None else await unit.user(UserId(write.request.user))
    return actor_of(user, write.request.api_key)


def _is_same(row: MirroredRow, wanted: ScheduledInterview) -> bool:
    """Return whether an interview of the account is the one that a write was to make."""
    found = content_of(row)
    step = None if wanted.interview is None else wanted.interview.id
    return bool(found.application_id == wanted.application_id and found.job_interview_id == step)


def _row_of(answer: bytes) -> MirroredRow | None:
    """Return the row in an answer to a write; None if it holds none."""
    try:
        rows = read_page(_LIST, b"[%b]" % answer).rows
    except (ValueError, RecursionError):  # of msgspec, too
        return None
    return rows[0] if len(rows) == 1 else None
