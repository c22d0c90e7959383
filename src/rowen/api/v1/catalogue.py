"""The calls of Harvest v1 that read something else than the schedule and what belongs to it, as one table.

Owns their paths (public Harvest v1 reference), and which of them have filters by time. What is served from records of
its own (users, applications, candidates, jobs, job stages, scorecards, interviews) is not in it. Must not know how a
call is answered.
"""

from dataclasses import dataclass
from typing import Final

from rowen.app.archive import ARCHIVED, Parent, singular, title


@dataclass(frozen=True, slots=True)
class ArchiveCall:
    """One call: its path, the resource that it reads, and its action, as in the name of its permission."""

    path: str
    resource: str
    action: str

    @property
    def permission(self) -> str:
        """The permission that it needs."""
        return f"{self.resource}:{self.action}"

    @property
    def is_list(self) -> bool:
        """Whether it returns an array."""
        return self.action.startswith("list")

    @property
    def parent(self) -> Parent | None:
        """What the id in its path is the id of; None if it is no parent's."""
        if "_for_" in self.action or self.action == "retrieve_current":
            return ARCHIVED[self.resource].parent
        return _OWNERS.get(self.resource) if self.action == "retrieve" else None

    @property
    def name(self) -> str:
        """The name of its operation, such as `list_offers_for_application`."""
        if self.action == "retrieve_current":
            return "retrieve_current_offer"
        noun = title(self.resource) if self.is_list else singular(self.resource)
        verb, _, owner = self.action.partition("_")
        return "_".join(filter(None, (verb, noun.lower().replace(" ", "_"), owner)))


_OWNERS: Final = {"activity_feeds": Parent.CANDIDATE, "eeoc": Parent.APPLICATION}
"""The resources of which each parent has one document, found by the parent's id."""

FIELD_TYPES: Final = (
    *("job", "candidate", "application", "offer", "opening"),
    *("rejection_question", "referral_question", "user_attribute"),
)
"""The types of custom fields, which are parts of a path."""

TIMED: Final = frozenset(("offers", "job_posts", "email_templates", "demographics_answers"))
"""The resources whose documents have `created_at` and `updated_at`: their lists have filters by both."""

_PATHS: Final = (
    ("/v1/offers", "offers", "list"),
    ("/v1/offers/{id}", "offers", "retrieve"),
    ("/v1/applications/{id}/offers", "offers", "list_for_application"),
    ("/v1/applications/{id}/offers/current_offer", "offers", "retrieve_current"),
    ("/v1/job_posts", "job_posts", "list"),
    ("/v1/job_posts/{id}", "job_posts", "retrieve"),
    ("/v1/jobs/{id}/job_posts", "job_posts", "list_for_job"),
    ("/v1/jobs/{id}/job_post", "job_posts", "retrieve_for_job"),
    ("/v1/job_posts/{id}/custom_locations", "job_post_custom_locations", "list_for_job_post"),
    ("/v1/departments", "departments", "list"),
    ("/v1/departments/{id}", "departments", "retrieve"),
    ("/v1/offices", "offices", "list"),
    ("/v1/offices/{id}", "offices", "retrieve"),
    ("/v1/sources", "sources", "list"),
    ("/v1/rejection_reasons", "rejection_reasons", "list"),
    ("/v1/close_reasons", "close_reasons", "list"),
    ("/v1/user_roles", "user_roles", "list"),
    ("/v1/users/{id}/permissions/jobs", "user_job_permissions", "list_for_user"),
    ("/v1/users/{id}/permissions/future_jobs", "user_future_job_permissions", "list_for_user"),
    ("/v1/custom_fields", "custom_fields", "list"),
    ("/v1/custom_fields/{field_type}", "custom_fields", "list_for_type"),
    ("/v1/custom_field/{id}", "custom_fields", "retrieve"),
    ("/v1/custom_field/{id}/custom_field_options", "custom_field_options", "list_for_custom_field"),
    ("/v1/tags/candidate", "tags", "list"),
    ("/v1/candidates/{id}/tags", "candidate_tags", "list_for_candidate"),
    ("/v1/candidates/{id}/activity_feed", "activity_feeds", "retrieve"),
    ("/v1/approval_flows", "approval_flows", "list"),
    ("/v1/approval_flows/{id}", "approval_flows", "retrieve"),
    ("/v1/jobs/{id}/approval_flows", "approval_flows", "list_for_job"),
    ("/v1/users/{id}/pending_approvals", "pending_approvals", "list_for_user"),
    ("/v1/email_templates", "email_templates", "list"),
    ("/v1/email_templates/{id}", "email_templates", "retrieve"),
    ("/v1/prospect_pools", "prospect_pools", "list"),
    ("/v1/prospect_pools/{id}", "prospect_pools", "retrieve"),
    ("/v1/tracking_links/{token}", "tracking_links", "retrieve"),
    ("/v1/degrees", "degrees", "list"),
    ("/v1/disciplines", "disciplines", "list"),
    ("/v1/schools", "schools", "list"),
    ("/v1/eeoc", "eeoc", "list"),
    ("/v1/applications/{id}/eeoc", "eeoc", "retrieve"),
    ("/v1/demographics/question_sets", "demographics_question_sets", "list"),
    ("/v1/demographics/question_sets/{id}", "demographics_question_sets", "retrieve"),
    ("/v1/demographics/question_sets/{id}/questions", "demographics_questions", "list_for_question_set"),
    ("/v1/demographics/questions", "demographics_questions", "list"),
    ("/v1/demographics/questions/{id}", "demographics_questions", "retrieve"),
    ("/v1/demographics/questions/{id}/answer_options", "demographics_answer_options", "list_for_question"),
    ("/v1/demographics/answer_options", "demographics_answer_options", "list"),
    ("/v1/demographics/answer_options/{id}", "demographics_answer_options", "retrieve"),
    ("/v1/demographics/answers", "demographics_answers", "list"),
    ("/v1/demographics/answers/{id}", "demographics_answers", "retrieve"),
    ("/v1/applications/{id}/demographics/answers", "demographics_answers", "list_for_application"),
)

CATALOGUE: Final[tuple[ArchiveCall, ...]] = tuple(ArchiveCall(*each) for each in _PATHS)
"""Every call of the archive, those of a resource together. All are `GET`."""
