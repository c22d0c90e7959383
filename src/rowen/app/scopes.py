"""Scopes: what a client or a token may do in Harvest v3.

Owns the table of scopes, one for each endpoint of v3, with the permission of API keys that includes each: a token that
was made with an API key has the scopes of the key's permissions. Must not know tokens or endpoints.

Most lists of v3 hold no rows here. Their scopes belong to the permission of the nearest records that are held, so that
a narrow key gets a narrow token.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from rowen.app.keys import ALL
from rowen.interviews.errors import Code, FieldProblem, Refusal

_PREFIX: Final = "harvest:"
_LISTS: Final = {
    "scheduled_interviews:list": ("interviews", "interviewers"),
    "applications:list": (
        "applications",
        "application_stages",
        "approval_flows",
        "approver_groups",
        "approvers",
        "attachments",
        "demographic_answer_options",
        "demographic_answers",
        "demographic_question_sets",
        "demographic_questions",
        "eeoc",
        "notes",
        "offers",
        "prospect_details",
        "prospect_pool_stages",
        "prospect_pools",
        "referrers",
        "rejection_details",
        "rejection_reasons",
        "sources",
    ),
    "candidates:list": (
        "candidates",
        "candidate_educations",
        "candidate_employments",
        "candidate_tags",
        "applied_candidate_tags",
    ),
    "jobs:list": (
        "jobs",
        "job_boards",
        "job_board_custom_locations",
        "job_hiring_managers",
        "job_notes",
        "job_owners",
        "job_post_locations",
        "job_post_searchable_locations",
        "job_posts",
        "openings",
        "close_reasons",
        "pay_input_ranges",
        "pay_inputs",
        "tracking_links",
    ),
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
        "user_job_permissions",
        "user_roles",
        "future_job_permissions",
        "blocked_spam_sources",
        "bulk_requests",
        "custom_field_departments",
        "custom_field_offices",
        "custom_field_options",
        "custom_fields",
        "departments",
        "email_templates",
        "offices",
    ),
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
