"""Writing to an account of Harvest v3: one request, sent once.

Owns tokens for the users who act, what a body is on the wire, and what an answer means: made, refused, or not known.
Must not know when something is written, or what follows. Nothing that the account says is passed on but its reasons.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import httpx
import msgspec
import structlog

from rowen.app.account_writes import AccountWrite, Failure, WriteAction
from rowen.app.write_through import PassedPlan
from rowen.imports.errors import ServerRefusedError, ServerResponseError, ServerUnavailableError, SourceError
from rowen.imports.formats.envelopes import bounded
from rowen.imports.sources.http_client import (
    BoundedClient,
    InterruptedTransferError,
    TransferError,
    TransferLimits,
    UnreachableHostError,
)
from rowen.imports.sources.retries import retry_after
from rowen.interviews.errors import Code, FieldProblem
from rowen.interviews.interview import Interviewer, Moment
from rowen.interviews.moments import Clock
from rowen.interviews.scheduling import UNSET, InterviewFields
from rowen.mirror.account import AccountPolicy
from rowen.mirror.credentials import USER_AGENT, AccountClient, Credentials, TokenServerBusyError

LIMITS: Final = TransferLimits(silent_seconds=10.0, window_seconds=10.0, window_bytes=1, total_seconds=15.0)
"""How slow the account may be: a client waits."""

LARGEST_ANSWER: Final = 256 * 1024
_MOST_USERS: Final = 100
_MOST_PROBLEMS: Final = 50
_LONGEST_WAIT: Final = 3_600

_METHODS: Final = {WriteAction.CREATE: "POST", WriteAction.CHANGE: "PATCH", WriteAction.CANCEL: "DELETE"}
_NAMES: Final = {
    "starts_at": "start",
    "ends_at": "end",
    "all_day_start_on": "start",
    "all_day_end_on": "end",
    "job_interview_id": "interview_id",
    "sub": "On-Behalf-Of",
}
"""The names of fields in v1 and v2, by those in v3."""

_log = structlog.stdlib.get_logger("rowen.mirror")


def prompt(policy: AccountPolicy) -> AccountPolicy:
    """Return how an account is read while a client waits: soon, or not at all."""
    retries = replace(policy.retries, attempts=2, connection_attempts=1, longest_asked_wait=2.0)
    return replace(policy, limits=LIMITS, retries=retries, margin=0)


class NotMadeError(Exception):
    """The account has not made a change, for a reason that a client is given."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code.value)
        self.failure = failure


class UnknownError(Exception):
    """Whether the account has made a change is not known."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code.value)
        self.failure = failure


class _Answer(NamedTuple):
    status: int
    headers: httpx.Headers
    body: bytes


class _Refusal(msgspec.Struct):
    message: str = ""
    errors: list[Any] = []


class AccountWriter:
    """Writes to one account. `send` blocks: it is called in a thread of its own, one at a time."""

    def __init__(self, base: httpx.URL, client: AccountClient, now: Clock, limits: TransferLimits = LIMITS) -> None:
        self._base = base
        self._client = client
        self._now = now
        self._limits = limits
        self._credentials: OrderedDict[int | None, Credentials] = OrderedDict()

    def send(self, write: AccountWrite, body: Mapping[str, Any]) -> bytes:
        """Make a change, on behalf of its user, and return the account's answer: a row, or nothing.

        Raises NotMadeError and UnknownError.
        """
        request = write.request
        path = f"{self._base.path}/interviews" + ("" if request.interview is None else f"/{request.interview}")
        method, url = _METHODS[request.action], self._base.copy_with(path=path)
        content = msgspec.json.encode(body) if body else b""
        credentials = self._credentials_of(request.user)
        answer = self._send(method, url, content, credentials)
        if answer.status == 401:  # the token was revoked: nothing was done
            credentials.drop()
            answer = self._send(method, url, content, credentials)
        if answer.status in (200, 201, 204):
            return answer.body
        raise self._error_of(answer, credentials)

    def _credentials_of(self, user: int | None) -> Credentials:
        found = self._credentials.pop(user, None)
        if found is None:
            client = self._client if user is None else replace(self._client, user=user)
            found = Credentials(client, self._limits)
        self._credentials[user] = found
        if len(self._credentials) > _MOST_USERS:
            self._credentials.popitem(last=False)
        return found

    def _send(self, method: str, url: httpx.URL, content: bytes, credentials: Credentials) -> _Answer:
        authorization = self._authorization(credentials)
        headers = {
            "Authorization": authorization,
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
            **({"Content-Type": "application/json"} if content else {}),
        }
        try:
            # A connection of its own: one that was kept may be closed while the request is under way.
            with (
                BoundedClient(url, {}, self._limits) as http,
                http.write(method, url, content, headers) as response,
            ):
                return _Answer(response.status, response.headers, bytes(response.read(LARGEST_ANSWER)))
        except (UnreachableHostError, InterruptedTransferError) as error:
            _log.warning("the account did not answer a write", reason=str(error))
            if isinstance(error, UnreachableHostError) or not error.connected:
                raise NotMadeError(Failure(Code.ACCOUNT_UNREACHABLE)) from None
            raise UnknownError(Failure(Code.ACCOUNT_SILENT)) from None
        except TransferError as error:
            _log.warning("the account gave no valid answer to a write", reason=str(error))
            raise UnknownError(Failure(Code.ACCOUNT_FAILED)) from None

    def _authorization(self, credentials: Credentials) -> str:
        """Return the header with a token. Raises NotMadeError."""
        try:
            return credentials.authorization()
        except TokenServerBusyError as busy:
            _log.warning("no token for a write", reason=str(busy))
            raise NotMadeError(Failure(Code.ACCOUNT_BUSY, (), self._wait(busy.retry_after))) from None
        except (TransferError, SourceError) as error:
            _log.warning("no token for a write", reason=str(error))
            code = Code.ACCOUNT_FORBIDS if isinstance(error, ServerRefusedError) else Code.ACCOUNT_UNREACHABLE
            raise NotMadeError(Failure(code)) from None

    def _error_of(self, answer: _Answer, credentials: Credentials) -> NotMadeError | UnknownError:
        """Return what an answer means that is no success."""
        status = answer.status
        problems = _problems_of(answer.body, credentials)
        _log.warning("the account did not take a write", status=status)
        if status == 429:
            wait = self._wait(answer.headers.get("Retry-After"))
            return NotMadeError(Failure(Code.ACCOUNT_BUSY, (), wait))
        if status in (400, 422):
            return NotMadeError(Failure(Code.INVALID, problems))
        codes = {401: Code.ACCOUNT_FORBIDS, 403: Code.ACCOUNT_FORBIDS, 404: Code.NOT_FOUND, 409: Code.CONFLICT}
        if status in codes:
            return NotMadeError(Failure(codes[status], problems if status in (403, 409) else ()))
        if 400 <= status < 500 and status not in (408, 425):
            return NotMadeError(Failure(Code.INVALID, problems))
        code = Code.ACCOUNT_SILENT if status in (408, 504) else Code.ACCOUNT_FAILED
        return UnknownError(Failure(code))

    def _wait(self, header: str | None) -> int | None:
        seconds = retry_after(header, self._now() / 1000)
        return None if seconds is None else min(max(1, round(seconds)), _LONGEST_WAIT)


def failure_of_reading(error: SourceError) -> Failure:
    """Return why a change was not made because the account could not be read."""
    if isinstance(error, ServerRefusedError):
        return Failure(Code.ACCOUNT_FORBIDS)
    wait = error.retry_after if isinstance(error, ServerUnavailableError) else None
    asked = None if wait is None else min(max(1, round(wait)), _LONGEST_WAIT)
    return Failure(
        Code.ACCOUNT_FAILED if isinstance(error, ServerResponseError) else Code.ACCOUNT_UNREACHABLE, (), asked
    )


def body_of(write: AccountWrite, plan: PassedPlan) -> dict[str, Any]:
    """Return the body of a write in Harvest v3: of a change only what the client gave."""
    fields, after = write.request.fields or InterviewFields(), plan.after
    if after is None:
        return {}
    body: dict[str, Any] = {}
    is_new = plan.before is None
    if is_new:
        body["application_id"] = after.application_id
        body["job_interview_id"] = None if after.interview is None else after.interview.id
        body["external_event_id"] = write.event_id
    if fields.interviewers is not UNSET:
        body["interviewers"] = [_member(each) for each in after.interviewers]
    for name in ("start", "end"):
        moment: Moment = getattr(after, name)
        if getattr(fields, name) is UNSET:
            continue
        if moment.date is None:
            body[f"{name}s_at"] = str(moment.date_time)
        elif is_new:  # all-day times do not change
            body[f"all_day_{name}_on"] = moment.date.isoformat()
    for name in ("location", "video_conferencing_url"):
        value = getattr(fields, name)
        if value is not UNSET and not (is_new and value is None):
            body[name] = value
    return body


def _member(member: Interviewer) -> dict[str, Any]:
    named = {"email": member.email} if member.id is None else {"user_id": member.id}
    return {**named, "response_status": member.response_status.value}


def _problems_of(body: bytes, credentials: Credentials) -> tuple[FieldProblem, ...]:
    """Return the reasons in an answer, under the names that fields have in v1, without a secret."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    found = []
    for error in refusal.errors[:_MOST_PROBLEMS]:
        pairs: Mapping[Any, Any] = error if isinstance(error, dict) else {"": error}
        if set(pairs) == {"message", "field"}:  # as v1 writes them
            pairs = {pairs["field"]: pairs["message"]}
        found += [(str(field), reason) for field, reason in pairs.items() if isinstance(reason, str)]
    if not found and refusal.message:
        found = [("", refusal.message)]
    return tuple(
        FieldProblem(bounded(_NAMES.get(field, field)), bounded(credentials.hide(reason))) for field, reason in found
    )
