"""Changes of a plan: its stages, their interviews, the order of both, and the pools that fill their seats.

Owns that each is one change, made of the plan as it is then. Must not know a form. The use cases are those of the API.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from rowen.app.hiring import stored
from rowen.app.plans import change_stage
from rowen.app.pools import change_pool
from rowen.app.records import JOB_STAGES, POOLS
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.hiring import StageFields, StageInterviewInput
from rowen.interviews.people import UserId
from rowen.interviews.pools import PoolFields, PoolInterview
from rowen.web.directory import PlannedInterview, StageChoice
from rowen.web.ports import PagePorts
from rowen.web.request import WebRequest

Moved = TypeVar("Moved", StageChoice, StageInterviewInput)

_stage: Final = msgspec.json.Decoder(StageChoice)


class Plans:
    """Changes plans. Each raises Refusal: forbidden, read-only, not found."""

    def __init__(self, ports: PagePorts) -> None:
        self._codec = ports.services.hiring_codec
        self._setups = ports.services.setup_codec
        self._writing = ports.writing

    async def change_stages(self, request: WebRequest, changes: Mapping[int, StageFields]) -> None:
        """Change stages, by their ids, all or none."""
        _require(request)

        async def work(unit: UnitOfWork) -> WriteResult:
            for identifier, fields in changes.items():
                await self._change(unit, request, identifier, fields)
            return WriteResult(b"")

        await self._writing.write(request.session.person.organization, work)

    async def move_stage(self, request: WebRequest, stages: Sequence[StageChoice], identifier: int, step: int) -> None:
        """Move one of the stages of a job by some places."""
        acting = request.session.person.user.id
        ordered = enumerate(_moved(stages, identifier, step))
        await self.change_stages(
            request, {each.id: StageFields(priority=at, on_behalf_of=acting) for at, each in ordered}
        )

    async def move_interview(self, request: WebRequest, stage: int, interview: int, step: int) -> None:
        """Move an interview within its stage by some places."""
        _require(request)

        async def work(unit: UnitOfWork) -> WriteResult:
            interviews = await self._interviews(unit, stage)
            await self._put(unit, request, stage, _moved(interviews, interview, step))
            return WriteResult(b"")

        await self._writing.write(request.session.person.organization, work)

    async def replace_interview(
        self,
        request: WebRequest,
        stage: int,
        interview: int,
        wanted: StageInterviewInput | None,
        pools: Mapping[int, int],
    ) -> None:
        """Replace an interview of a stage, or remove it, and set how many of its seats each of some pools fills.

        Raises Refusal (invalid), too.
        """
        _require(request)

        async def work(unit: UnitOfWork) -> WriteResult:
            changed = (wanted if each.id == interview else each for each in await self._interviews(unit, stage))
            await self._put(unit, request, stage, [each for each in changed if each is not None])
            await self._fill(unit, request, interview, pools)
            return WriteResult(b"")

        await self._writing.write(request.session.person.organization, work)

    async def fill_from_pools(self, request: WebRequest, interview: int, pools: Mapping[int, int]) -> None:
        """Set how many seats of an interview each of some pools fills, whosever the plan is."""

        async def work(unit: UnitOfWork) -> WriteResult:
            await self._fill(unit, request, interview, pools)
            return WriteResult(b"")

        await self._writing.write(request.session.person.organization, work)

    async def _fill(self, unit: UnitOfWork, request: WebRequest, interview: int, pools: Mapping[int, int]) -> None:
        request.require("pools:update")
        for identifier, count in pools.items():
            record = await stored(unit, POOLS, identifier)
            pool = self._setups.pool(record.document or b"")
            if pool.seats_of(interview) != count:
                others = [each for each in pool.interviews if each.interview_id != interview]
                others = [
                    each for each in others if await unit.is_named(JOB_STAGES, "interview_id", str(each.interview_id))
                ]
                filled = [*others, PoolInterview(interview_id=interview, count=count)] if count else others
                fields = PoolFields(interviews=tuple(filled), on_behalf_of=request.session.person.user.id)
                await change_pool(unit, self._setups, record, fields, request.session.name)

    async def _interviews(self, unit: UnitOfWork, stage: int) -> list[StageInterviewInput]:
        record = await stored(unit, JOB_STAGES, stage)
        return [await _input(unit, each) for each in _stage.decode(record.document or b"").interviews]

    async def _put(
        self, unit: UnitOfWork, request: WebRequest, stage: int, interviews: Sequence[StageInterviewInput]
    ) -> None:
        acting = request.session.person.user.id
        await self._change(unit, request, stage, StageFields(interviews=tuple(interviews), on_behalf_of=acting))

    async def _change(self, unit: UnitOfWork, request: WebRequest, stage: int, fields: StageFields) -> None:
        record = await stored(unit, JOB_STAGES, stage)
        await change_stage(unit, self._codec, record, fields, request.session.name)


def _require(request: WebRequest) -> None:
    request.require("job_stages:update")
    request.require_own_records()


def _moved(things: Sequence[Moved], identifier: int, step: int) -> list[Moved]:
    """Return things with one of them moved by some places, at most to an end. Raises Refusal (not found)."""
    place = next((place for place, each in enumerate(things) if each.id == identifier), None)
    if place is None:
        raise Refusal(Code.NOT_FOUND)
    moved = list(things)
    moved.insert(max(place + step, 0), moved.pop(place))
    return moved


async def _input(unit: UnitOfWork, interview: PlannedInterview) -> StageInterviewInput:
    """Return an interview as it is, with those of its usual interviewers who exist."""
    users = tuple([user for user in interview.defaults if await unit.user(UserId(user)) is not None])
    return StageInterviewInput(
        id=interview.id, name=interview.name, estimated_minutes=interview.minutes, default_interviewer_users=users
    )
