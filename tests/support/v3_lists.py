"""The lists of Harvest v3 that tests serve, each with its own parameters (beside those that all lists have)."""

from collections.abc import Mapping
from typing import Final

PARAMETERS: Final[Mapping[str, frozenset[str]]] = {
    "application_stages": frozenset(["application_ids", "job_interview_stage_ids", "current"]),
    "applications": frozenset(
        [
            "candidate_ids",
            "job_ids",
            "prospective_job_ids",
            "job_post_ids",
            "source_ids",
            "referrer_ids",
            "stage_ids",
            "status",
            "stage_name",
            "custom_field_option_id",
            "last_activity_at",
            "prospect",
        ]
    ),
    "candidate_attribute_types": frozenset(["active", "is_draft"]),
    "candidates": frozenset(["last_activity_at", "custom_field_option_id", "private", "email", "tag"]),
    "default_interviewers": frozenset(["user_ids", "interview_kit_ids"]),
    "interview_kits": frozenset(["job_ids", "job_interview_ids"]),
    "interviewers": frozenset(["interview_ids", "user_ids", "scorecard_ids", "response_status"]),
    "interviews": frozenset(
        [
            "job_ids",
            "application_ids",
            "job_interview_ids",
            "organizer_ids",
            "starts_at",
            "ends_at",
            "all_day_start_on",
            "all_day_end_on",
            "external_event_id",
            "status",
        ]
    ),
    "job_candidate_attributes": frozenset(["job_ids", "candidate_attribute_type_ids", "active"]),
    "job_interview_stages": frozenset(["job_ids", "active"]),
    "job_interviews": frozenset(["job_interview_stage_ids", "job_ids", "active", "scheduling_type"]),
    "jobs": frozenset(
        [
            "opened_at",
            "closed_at",
            "requisition_id",
            "department_id",
            "office_id",
            "custom_field_option_id",
            "confidential",
            "status",
        ]
    ),
    "scorecard_candidate_attributes": frozenset(["scorecard_ids", "job_candidate_attribute_ids"]),
    "scorecard_question_answer_options": frozenset(["scorecard_question_option_ids", "scorecard_question_answer_ids"]),
    "scorecard_question_answers": frozenset(["scorecard_ids", "scorecard_question_ids"]),
    "scorecard_question_options": frozenset(["scorecard_question_ids", "active"]),
    "scorecard_questions": frozenset(["interview_kit_ids", "active"]),
    "scorecards": frozenset(
        [
            "interview_kit_ids",
            "submitter_ids",
            "application_ids",
            "interviewer_ids",
            "interviewed_at",
            "submitted_at",
            "status",
        ]
    ),
    "users": frozenset(
        [
            "agency_ids",
            "office_ids",
            "department_ids",
            "linked_candidate_ids",
            "interviewer_tag_ids",
            "employee_ids",
            "custom_field_option_id",
            "deactivated",
            "primary_email",
            "external_office_id",
            "external_department_id",
            "show_service_accounts",
        ]
    ),
}
