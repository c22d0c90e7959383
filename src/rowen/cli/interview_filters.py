"""The filters of the commands that work with interviews, as tables of settings.

Owns their options and help. Must not know which values are valid: that is the API's (`rowen.api.reading.query`).
"""

from dataclasses import asdict, dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from rowen.api.reading.query import read_parameters
from rowen.interviews.interview import LARGEST_ID, ApplicationId
from rowen.interviews.query import InterviewQuery
from rowen.settings import IsoTime, SettingRow

_Time = Annotated[IsoTime | None, SettingRow("As in the API: an ISO-8601 date or time.")]


@dataclass(frozen=True, slots=True)
class InterviewFilters:
    """Which interviews a command works with: those that match every filter that is given."""

    application_id: Annotated[
        ApplicationId | None, SettingRow("Only interviews of this application.", 1, LARGEST_ID)
    ] = None
    created_after: _Time = None
    created_before: _Time = None
    updated_after: _Time = None
    updated_before: _Time = None
    starts_after: _Time = None
    starts_before: _Time = None
    ends_after: _Time = None
    ends_before: _Time = None

    def query(self) -> InterviewQuery:
        """Return the filters as the API reads them. Raises Refusal (invalid), which names each bad one."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, False)}
        application = given.pop("application_id", None)
        given = {name: "true" if value is True else value for name, value in given.items()}
        # A variable may hold bytes that are not UTF-8.
        query = read_parameters(urlencode(given, errors="surrogateescape")).query
        return replace(query, application_id=application)


@dataclass(frozen=True, slots=True)
class ExportFilters(InterviewFilters):
    """Which interviews are exported."""

    external_event_id: Annotated[str | None, SettingRow("Only interviews of this external event.")] = None
    actionable: Annotated[bool, SettingRow("Only interviews that can still be changed.")] = False
