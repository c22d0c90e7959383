"""Records with times of creation or change in the future.

Owns their rejection, and the count of those rejected. Must not know where a record comes from, or where a rejected one
goes.
"""

from collections.abc import Callable

from rowen.api.codec.diagnosis import quote
from rowen.api.codec.documents import InvalidDocumentError
from rowen.api.codec.records import SHAPES
from rowen.app.interviews import InterviewRow
from rowen.app.records import RecordRow
from rowen.interviews.clock_skew import is_ahead
from rowen.interviews.errors import FieldProblem
from rowen.interviews.moments import Instant


class FutureTimes:
    """Rejects records whose times are more than a day ahead of the clock; `count` is how many were rejected so far."""

    def __init__(self, now: Callable[[], Instant]) -> None:
        self.count = 0
        self._clock = now
        self._now = now()

    def reject(self, draft: InterviewRow | RecordRow) -> None:
        """Raise InvalidDocumentError if any time is too far ahead; its text names each of them."""
        if not self._is_ahead(draft):
            return
        self._now = self._clock()  # read again only when needed: an import from a server may run for days
        if self._is_ahead(draft):
            self.count += 1
            raise InvalidDocumentError(list(self._problems(draft)))

    def _is_ahead(self, draft: InterviewRow | RecordRow) -> bool:
        return is_ahead(draft.updated_at, self._now) or is_ahead(draft.created_at, self._now)

    def _problems(self, draft: InterviewRow | RecordRow) -> list[FieldProblem]:
        created, updated = "created_at", "updated_at"
        if isinstance(draft, RecordRow) and draft.resource in SHAPES:
            created, updated = SHAPES[draft.resource].created, SHAPES[draft.resource].updated
        return [
            FieldProblem(name, f"is more than a day in the future ({quote(str(Instant(time)))})")
            for name, time in ((created, draft.created_at), (updated, draft.updated_at))
            if time is not None and is_ahead(time, self._now)
        ]
