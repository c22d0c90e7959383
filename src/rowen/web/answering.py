"""Answering invitations: the answer of the person of a session, of one's own seat only.

Owns how an answer is stored, here or in the account that is mirrored. Must not know a page.
"""

from rowen.app.answers import answer
from rowen.app.roles import OWN_INTERVIEWS
from rowen.app.unit_of_work import UnitOfWork, WriteResult
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.interview import InterviewId, ResponseStatus
from rowen.web.calls import Calls
from rowen.web.editing import CHANGE
from rowen.web.ports import PagePorts
from rowen.web.request import WebRequest


class Answering:
    """Stores answers."""

    def __init__(self, ports: PagePorts, calls: Calls) -> None:
        self._ports = ports
        self._calls = calls

    async def give(self, request: WebRequest, interview: InterviewId, response: ResponseStatus) -> None:
        """Store the person's answer to an interview. Raises Refusal."""
        session = request.session
        if session.person.organization.mirrored_from is not None:
            request.require_writable()
            await self._pass_on(request, interview, response)
            return

        async def work(unit: UnitOfWork) -> WriteResult:
            return WriteResult(await answer(unit, interview, session.person.user.id, response, session.name))

        await self._ports.writing.write(session.person.organization, work)

    async def _pass_on(self, request: WebRequest, identifier: InterviewId, response: ResponseStatus) -> None:
        """Store the person's answer in the account that is mirrored. Raises Refusal as a change of the API does."""
        detail = await self._ports.schedule.detail(request.session.person, identifier)
        user, interview = request.session.person.user.id, detail.entry.interview
        if detail.entry.seat(user) is None:
            raise Refusal(Code.NOT_FOUND)
        panel = [
            {
                **({"user_id": each.id} if each.id is not None else {"email": each.email}),
                "response_status": response if each.id == user else each.response_status,
            }
            for each in interview.interviewers
        ]
        body = {"interviewers": panel}
        await self._calls.make(request, CHANGE, body, detail.version, own=OWN_INTERVIEWS, id=interview.id)
