"""The calls of the API, as one table.

Owns which method of which path is which call, and the permission that it needs. Routing, the OpenAPI document
and the tests of isolation are made from it. Must not know how calls work.
"""

from dataclasses import dataclass
from typing import Final

from rowen.harvest import v1


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: where it is, what it needs, and what answers it."""

    method: str
    path: str
    permission: str
    handler: v1.Handler
    summary: str


OPERATIONS: Final = (
    Operation(
        "GET",
        "/v1/scheduled_interviews",
        "scheduled_interviews:list",
        v1.list_interviews,
        "List scheduled interviews",
    ),
    Operation(
        "GET",
        "/v1/scheduled_interviews/{id}",
        "scheduled_interviews:retrieve",
        v1.retrieve_interview,
        "Retrieve a scheduled interview",
    ),
    Operation(
        "GET",
        "/v1/applications/{id}/scheduled_interviews",
        "scheduled_interviews:list_for_application",
        v1.list_interviews_for_application,
        "List an application's scheduled interviews",
    ),
)
