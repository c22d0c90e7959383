"""What is said of each call besides where it is.

Owns one table, from a call's handler to its parameters, its body and its answer. Must not know how a description is
written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rowen.app.records import APPLICATIONS, JOB_STAGES, SCORECARDS, USERS
from rowen.harvest import conflicts, feed, feedback, v1, v1_records, v2, webhooks
from rowen.harvest.calls import Handler
from rowen.harvest.examples import TIMED
from rowen.http.openapi import examples
from rowen.http.openapi.parameters import (
    CHANGES,
    CONFLICTS,
    DELIVERIES,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    INTERVIEWS,
    LAST_EVENT_ID,
    ON_BEHALF_OF,
    Parameters,
    of_records,
)
from rowen.http.openapi.schemas import array, reference

Json = dict[str, Any]

TAGS: Final = (
    "Scheduled interviews",
    "Users",
    "Applications",
    "Job stages",
    "Scorecards",
    "Changes",
    "Conflicts",
    "Webhooks",
)


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: the name of its schema, and an example."""

    schema: str
    example: Json
    required: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered where all is well: its schema, an example, and what it is."""

    schema: Json
    example: Any
    description: str
    paged: bool = False
    warns: bool = False
    events: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """One call. `leads_to` are calls that take the `id` of what it answers."""

    tag: str
    reply: Reply
    parameters: Parameters = ()
    body: Body | None = None
    leads_to: tuple[Handler, ...] = ()


def _page(name: str, example: list[Json], what: str) -> Reply:
    return Reply(array(name), example, f"A page of {what}, ordered by id", paged=True)


def _message(example: Json, what: str) -> Reply:
    return Reply(reference("Message"), example, f"The {what} is deleted")


_READ: Final = (IF_NONE_MATCH,)
_WRITE: Final = (ON_BEHALF_OF, IDEMPOTENCY_KEY)
_MATCHED_WRITE: Final = (*_WRITE, IF_MATCH)

_INTERVIEWS: Final = _page("ScheduledInterview", examples.INTERVIEWS, "scheduled interviews")
_INTERVIEW: Final = Reply(reference("ScheduledInterview"), TIMED, "The scheduled interview")
_WRITTEN_INTERVIEW: Final = Reply(
    reference("ScheduledInterview"), TIMED, "The scheduled interview as it is now", warns=True
)
_USERS: Final = _page("User", [examples.USER], "users")
_APPLICATIONS: Final = _page("Application", [examples.APPLICATION], "applications")
_JOB_STAGES: Final = _page("JobStage", [examples.JOB_STAGE], "job stages")
_SCORECARDS: Final = _page("Scorecard", [examples.SCORECARD], "submitted scorecards")
_OWN_SCORECARD: Final = Reply(reference("OwnScorecard"), examples.SCORECARD, "The scorecard as it is now")
_CHANGES: Final = Reply(
    reference("Changes"),
    examples.CHANGES_PAGE,
    "What happened, in the order of commits; live for who accepts `text/event-stream`: an event for each change, its"
    " id the revision, its data a `Change`",
    events=examples.EVENTS,
)
_SECRET: Final = Reply(
    reference("WebhookWithSecret"), examples.WEBHOOK_WITH_SECRET, "The webhook, with the secret that is shown once"
)
_NOTHING: Final = Body("Nothing", {}, required=False)
_NEW_INTERVIEW: Final = Body("NewInterview", examples.NEW_INTERVIEW)
_CHANGED_INTERVIEW: Final = Body("InterviewChanges", examples.INTERVIEW_CHANGES)

_OF_INTERVIEW: Final[tuple[Handler, ...]] = (
    v1.retrieve_interview,
    v2.change_interview,
    v2.delete_interview,
    feed.list_history,
)
_OF_SCORECARD: Final[tuple[Handler, ...]] = (feedback.change_scorecard, feedback.delete_scorecard)
_OF_WEBHOOK: Final[tuple[Handler, ...]] = (
    webhooks.retrieve_webhook,
    webhooks.change_webhook,
    webhooks.rotate_webhook,
    webhooks.list_deliveries,
    webhooks.delete_webhook,
)


def _reads() -> Mapping[Handler, Description]:
    retrieved = (
        (v1_records.retrieve_user, "Users", "User", examples.USER, "user"),
        (v1_records.retrieve_application, "Applications", "Application", examples.APPLICATION, "application"),
        (v1_records.retrieve_job_stage, "Job stages", "JobStage", examples.JOB_STAGE, "job stage"),
        (v1_records.retrieve_scorecard, "Scorecards", "Scorecard", examples.SCORECARD, "scorecard"),
    )
    interviews, stages, scorecards = (*INTERVIEWS, *_READ), of_records(JOB_STAGES), of_records(SCORECARDS)
    return {
        v1.list_interviews: Description("Scheduled interviews", _INTERVIEWS, interviews),
        v1.list_interviews_for_application: Description("Scheduled interviews", _INTERVIEWS, interviews),
        v1.retrieve_interview: Description("Scheduled interviews", _INTERVIEW, _READ),
        v1_records.list_users: Description("Users", _USERS, (*of_records(USERS), *_READ)),
        v1_records.list_applications: Description("Applications", _APPLICATIONS, (*of_records(APPLICATIONS), *_READ)),
        v1_records.list_job_stages: Description("Job stages", _JOB_STAGES, (*stages, *_READ)),
        v1_records.list_job_stages_for_job: Description("Job stages", _JOB_STAGES, (*stages, *_READ)),
        v1_records.list_scorecards: Description("Scorecards", _SCORECARDS, (*scorecards, *_READ)),
        v1_records.list_scorecards_for_application: Description("Scorecards", _SCORECARDS, (*scorecards, *_READ)),
        **{
            handler: Description(tag, Reply(reference(name), example, f"The {what}"), _READ)
            for handler, tag, name, example, what in retrieved
        },
    }


def _writes() -> Mapping[Handler, Description]:
    tag = "Scheduled interviews"
    of_application = Body("NewInterviewOfApplication", examples.NEW_INTERVIEW_OF_APPLICATION)
    made = Description(tag, _WRITTEN_INTERVIEW, _WRITE, _NEW_INTERVIEW, _OF_INTERVIEW)
    changed = Description(tag, _WRITTEN_INTERVIEW, _MATCHED_WRITE, _CHANGED_INTERVIEW)
    new_scorecard = Body("NewScorecard", examples.NEW_SCORECARD)
    scorecard_changes = Body("ScorecardChanges", examples.SCORECARD_CHANGES)
    scorecard_deleted = _message(examples.SCORECARD_DELETED, "scorecard")
    return {
        v2.create_interview: made,
        v2.create_interview_strictly: made,
        v2.create_interview_for_application: Description(
            tag, _WRITTEN_INTERVIEW, _WRITE, of_application, _OF_INTERVIEW
        ),
        v2.change_interview: changed,
        v2.change_interview_strictly: changed,
        v2.delete_interview: Description(tag, _message(examples.INTERVIEW_DELETED, "interview"), _MATCHED_WRITE),
        feedback.create_scorecard: Description("Scorecards", _OWN_SCORECARD, _WRITE, new_scorecard, _OF_SCORECARD),
        feedback.change_scorecard: Description("Scorecards", _OWN_SCORECARD, _WRITE, scorecard_changes),
        feedback.delete_scorecard: Description("Scorecards", scorecard_deleted, _WRITE),
    }


def _following() -> Mapping[Handler, Description]:
    overlaps = Reply(reference("Conflicts"), examples.CONFLICTS, "The overlaps, ordered by person and start")
    history = Reply(array("HistoryEntry"), [examples.HAPPENING], "What happened to the interview, oldest first")
    return {
        conflicts.list_conflicts: Description("Conflicts", overlaps, (*CONFLICTS, *_READ)),
        feed.list_changes: Description("Changes", _CHANGES, (*CHANGES, LAST_EVENT_ID, *_READ)),
        feed.list_history: Description("Changes", history, _READ),
    }


def _telling() -> Mapping[Handler, Description]:
    tag = "Webhooks"
    webhook = Reply(reference("Webhook"), examples.WEBHOOK, "The webhook as it is now")
    every = Reply(array("Webhook"), [examples.WEBHOOK], "The webhooks, ordered by id")
    deliveries = Reply(array("Delivery"), [examples.DELIVERY], "The newest deliveries, the newest first")
    return {
        webhooks.list_webhooks: Description(tag, every, _READ),
        webhooks.create_webhook: Description(
            tag, _SECRET, body=Body("NewWebhook", examples.NEW_WEBHOOK), leads_to=_OF_WEBHOOK
        ),
        webhooks.retrieve_webhook: Description(tag, webhook, _READ),
        webhooks.change_webhook: Description(tag, webhook, body=Body("WebhookChanges", examples.WEBHOOK_CHANGES)),
        webhooks.delete_webhook: Description(tag, _message(examples.WEBHOOK_DELETED, "webhook")),
        webhooks.test_webhook: Description(
            tag, Reply(reference("Ping"), examples.PING, "How the test ended"), body=_NOTHING
        ),
        webhooks.rotate_webhook: Description(tag, _SECRET, body=_NOTHING),
        webhooks.list_deliveries: Description(tag, deliveries, (*DELIVERIES, *_READ)),
    }


DESCRIPTIONS: Final[Mapping[Handler, Description]] = {**_reads(), **_writes(), **_following(), **_telling()}
"""What is said of each call, by its handler."""
