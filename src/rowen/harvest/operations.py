"""The calls of the API, as one table.

Owns which method of which path is which call, and the permission that it needs. Routing, the OpenAPI document
and the tests of isolation are made from it. Must not know how calls work.
"""

from dataclasses import dataclass
from typing import Final

from rowen.harvest import conflicts, feed, feedback, v1, v1_records, v2, webhooks
from rowen.harvest.calls import Handler


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: where it is, what it needs, and what answers it."""

    method: str
    path: str
    permission: str
    handler: Handler
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
    Operation(
        "GET",
        "/v1/users",
        "users:list",
        v1_records.list_users,
        "List users",
    ),
    Operation(
        "GET",
        "/v1/users/{id}",
        "users:retrieve",
        v1_records.retrieve_user,
        "Retrieve a user",
    ),
    Operation(
        "GET",
        "/v1/applications",
        "applications:list",
        v1_records.list_applications,
        "List applications",
    ),
    Operation(
        "GET",
        "/v1/applications/{id}",
        "applications:retrieve",
        v1_records.retrieve_application,
        "Retrieve an application",
    ),
    Operation(
        "GET",
        "/v1/job_stages",
        "job_stages:list",
        v1_records.list_job_stages,
        "List job stages",
    ),
    Operation(
        "GET",
        "/v1/job_stages/{id}",
        "job_stages:retrieve",
        v1_records.retrieve_job_stage,
        "Retrieve a job stage",
    ),
    Operation(
        "GET",
        "/v1/jobs/{id}/stages",
        "job_stages:list_for_job",
        v1_records.list_job_stages_for_job,
        "List a job's stages",
    ),
    Operation(
        "GET",
        "/v1/scorecards",
        "scorecards:list",
        v1_records.list_scorecards,
        "List scorecards",
    ),
    Operation(
        "GET",
        "/v1/scorecards/{id}",
        "scorecards:retrieve",
        v1_records.retrieve_scorecard,
        "Retrieve a scorecard",
    ),
    Operation(
        "GET",
        "/v1/applications/{id}/scorecards",
        "scorecards:list_for_application",
        v1_records.list_scorecards_for_application,
        "List an application's scorecards",
    ),
    Operation(
        "POST",
        "/v2/scheduled_interviews",
        "scheduled_interviews:create",
        v2.create_interview,
        "Schedule an interview",
    ),
    Operation(
        "PATCH",
        "/v2/scheduled_interviews/{id}",
        "scheduled_interviews:update",
        v2.change_interview,
        "Change a scheduled interview",
    ),
    Operation(
        "DELETE",
        "/v1/scheduled_interviews/{id}",
        "scheduled_interviews:delete",
        v2.delete_interview,
        "Delete a scheduled interview",
    ),
    Operation(
        "POST",
        "/v1/scheduled_interviews",
        "scheduled_interviews:create",
        v2.create_interview_strictly,
        "Schedule an interview of users only (older form)",
    ),
    Operation(
        "PATCH",
        "/v1/scheduled_interviews/{id}",
        "scheduled_interviews:update",
        v2.change_interview_strictly,
        "Change a scheduled interview to users only (older form)",
    ),
    Operation(
        "POST",
        "/v1/applications/{id}/scheduled_interviews",
        "scheduled_interviews:create",
        v2.create_interview_for_application,
        "Schedule an interview of an application",
    ),
    Operation(
        "POST",
        "/rowen/v1/scorecards",
        "scorecards:create",
        feedback.create_scorecard,
        "Hand in a scorecard, or keep a draft of it",
    ),
    Operation(
        "PATCH",
        "/rowen/v1/scorecards/{id}",
        "scorecards:update",
        feedback.change_scorecard,
        "Change or submit the draft of a scorecard",
    ),
    Operation(
        "DELETE",
        "/rowen/v1/scorecards/{id}",
        "scorecards:delete",
        feedback.delete_scorecard,
        "Delete a scorecard, and take it back",
    ),
    Operation(
        "GET",
        "/rowen/v1/conflicts",
        "conflicts:list",
        conflicts.list_conflicts,
        "List who is booked twice",
    ),
    Operation(
        "GET",
        "/rowen/v1/changes",
        "changes:list",
        feed.list_changes,
        "List what happened, or follow it live",
    ),
    Operation(
        "GET",
        "/rowen/v1/scheduled_interviews/{id}/history",
        "scheduled_interviews:history",
        feed.list_history,
        "List what happened to a scheduled interview",
    ),
    Operation(
        "GET",
        "/rowen/v1/webhooks",
        "webhooks:list",
        webhooks.list_webhooks,
        "List webhooks",
    ),
    Operation(
        "POST",
        "/rowen/v1/webhooks",
        "webhooks:create",
        webhooks.create_webhook,
        "Add a webhook",
    ),
    Operation(
        "GET",
        "/rowen/v1/webhooks/{id}",
        "webhooks:retrieve",
        webhooks.retrieve_webhook,
        "Retrieve a webhook",
    ),
    Operation(
        "PATCH",
        "/rowen/v1/webhooks/{id}",
        "webhooks:update",
        webhooks.change_webhook,
        "Change, enable or disable a webhook",
    ),
    Operation(
        "DELETE",
        "/rowen/v1/webhooks/{id}",
        "webhooks:delete",
        webhooks.delete_webhook,
        "Delete a webhook",
    ),
    Operation(
        "POST",
        "/rowen/v1/webhooks/{id}/test",
        "webhooks:test",
        webhooks.test_webhook,
        "Send a test to a webhook",
    ),
    Operation(
        "POST",
        "/rowen/v1/webhooks/{id}/rotate",
        "webhooks:rotate",
        webhooks.rotate_webhook,
        "Give a webhook a new secret",
    ),
    Operation(
        "GET",
        "/rowen/v1/webhooks/{id}/deliveries",
        "webhooks:list_deliveries",
        webhooks.list_deliveries,
        "List what a webhook was told",
    ),
)
