"""Scopes: what a client or a token may do in Harvest v3.

Owns the table of scopes, one for each endpoint of v3, with the permission of API keys that includes each: a token that
was made with an API key has the scopes of the key's permissions. Must not know tokens or endpoints.

A list that v1 has, too, belongs to v1's permission for it, and any other to that of the nearest list of v1, so that a
narrow key gets a narrow token.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from rowen.app.keys import ALL
from rowen.interviews.errors import Code, FieldProblem, Refusal

_PREFIX: Final = "harvest:"
_LISTS: Final = {
    "scheduled_interviews:list": (
        "interviews",
        "interviewers",
    ),
    "applications:list": (
        "applications",
        "application_stages",
        "attachments",
        "prospect_details",
        "referrers",
        "rejection_details",
    ),
    "approval_flows:list": (
        "approval_flows",
        "approver_groups",
        "approvers",
    ),
    "demographics_answer_options:list": ("demographic_answer_options",),
    "demographics_answers:list": ("demographic_answers",),
    "demographics_question_sets:list": ("demographic_question_sets",),
    "demographics_questions:list": ("demographic_questions",),
    "eeoc:list": ("eeoc",),
    "activity_feeds:retrieve": ("notes",),
    "offers:list": ("offers",),
    "prospect_pools:list": (
        "prospect_pool_stages",
        "prospect_pools",
    ),
    "rejection_reasons:list": ("rejection_reasons",),
    "sources:list": ("sources",),
    "candidates:list": (
        "candidates",
        "candidate_educations",
        "candidate_employments",
    ),
    "tags:list": ("candidate_tags",),
    "candidate_tags:list_for_candidate": ("applied_candidate_tags",),
    "jobs:list": (
        "jobs",
        "job_notes",
    ),
    "job_posts:list": (
        "job_boards",
        "job_board_custom_locations",
        "job_post_locations",
        "job_post_searchable_locations",
        "job_posts",
        "pay_input_ranges",
        "pay_inputs",
    ),
    "jobs:list_hiring_team": (
        "job_hiring_managers",
        "job_owners",
    ),
    "jobs:list_openings": ("openings",),
    "close_reasons:list": ("close_reasons",),
    "tracking_links:retrieve": ("tracking_links",),
    "job_stages:list": (
        "job_interview_stages",
        "job_interviews",
        "interview_kits",
        "default_interviewers",
        "interviewer_tags",
        "candidate_attribute_types",
        "job_candidate_attributes",
        "focus_candidate_attributes",
    ),
    "scorecards:list": (
        "scorecards",
        "scorecard_candidate_attributes",
        "scorecard_question_answers",
        "scorecard_question_answer_options",
        "scorecard_question_candidate_attributes",
        "scorecard_question_options",
        "scorecard_questions",
    ),
    "users:list": (
        "users",
        "user_emails",
        "blocked_spam_sources",
        "bulk_requests",
    ),
    "user_job_permissions:list_for_user": ("user_job_permissions",),
    "user_roles:list": ("user_roles",),
    "user_future_job_permissions:list_for_user": ("future_job_permissions",),
    "custom_fields:list": (
        "custom_field_departments",
        "custom_field_offices",
        "custom_fields",
    ),
    "custom_field_options:list_for_custom_field": ("custom_field_options",),
    "departments:list": ("departments",),
    "email_templates:list": ("email_templates",),
    "offices:list": ("offices",),
}
"""The lists of v3, by the permission of API keys that includes reading them."""

SCOPES: Final = {
    **{f"{_PREFIX}{resource}:list": permission for permission, resources in _LISTS.items() for resource in resources},
    f"{_PREFIX}interviews:create": "scheduled_interviews:create",
    f"{_PREFIX}interviews:update": "scheduled_interviews:update",
    f"{_PREFIX}interviews:destroy": "scheduled_interviews:delete",
}
"""Every scope, with the permission of API keys that includes it."""

READING: Final = frozenset(scope for scope in SCOPES if scope.endswith(":list"))
"""Every scope to read."""


def described(scope: str) -> str:
    """Return a scope in words: `List interview kits`."""
    _, resource, action = scope.split(":")
    return f"{action.capitalize()} {resource.replace('_', ' ')}"


def expanded_scopes(names: Iterable[str]) -> frozenset[str]:
    """Return the scopes that names stand for; `harvest:interviews:*` stands for every scope of interviews.

    A group stands for the scopes that it has today. Raises Refusal (invalid) for unknown names.
    """
    found: set[str] = set()
    unknown = []
    for name in dict.fromkeys(names):
        prefix = name.removesuffix(ALL)
        named = {name} & SCOPES.keys() or (
            {scope for scope in SCOPES if scope.startswith(prefix)} if name.endswith(f":{ALL}") else set()
        )
        found |= named
        if not named:
            near = get_close_matches(name, SCOPES, n=1)
            unknown.append(f"{name!r} (did you mean {near[0]}?)" if near else repr(name))
    if unknown:
        shown = ", ".join(unknown)
        problem = FieldProblem("scope", f"Has no scope {shown}. Scopes look like {next(iter(SCOPES))}")
        raise Refusal(Code.INVALID, "unknown scope", (problem,))
    return frozenset(found)


@lru_cache(maxsize=256)
def scopes_of(permissions: frozenset[str]) -> frozenset[str]:
    """Return the scopes that the permissions of an API key include."""
    return frozenset(scope for scope, permission in SCOPES.items() if permission in permissions)


def scope_summary(scopes: frozenset[str]) -> str:
    """Return scopes in few words: `read-only`, `everything`, or the scopes, separated by spaces."""
    if scopes == READING:
        return "read-only"
    if scopes == SCOPES.keys():
        return "everything"
    return " ".join(sorted(scopes))
