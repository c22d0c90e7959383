"""Which resource a file, a stream or an address is named after.

Owns the spellings: those of Harvest's paths and of common ELT tools. Must not know what is in a file.
"""

import re
from functools import cache
from typing import Final

from rowen.api.v1.catalogue import CATALOGUE
from rowen.app.archive import KEPT
from rowen.app.records import RESOURCES

_OTHER_NAMES: Final = {
    "tags_candidate": "tags",
    "activity_feed": "activity_feeds",
    "user_permissions": "user_job_permissions",
    "users_permissions_jobs": "user_job_permissions",
    "users_permissions_future_jobs": "user_future_job_permissions",
    "demographics_question_sets_questions": "demographics_questions",
    "demographics_answers_answer_options": "demographics_answer_options",
    "applications_demographics_answers": "demographics_answers",
    **{name.replace("demographics_", "demographic_"): name for name in KEPT if name.startswith("demographics_")},
}
_NAMES: Final = {**{name: name for name in KEPT}, **{name.removesuffix("s"): name for name in KEPT}, **_OTHER_NAMES}
_RECORDS: Final = {**{name: name for name in RESOURCES}, **{name.removesuffix("s"): name for name in RESOURCES}}
_PREFIX: Final = re.compile(r"(?:greenhouse|harvest|list|raw|v1|v3)_")
_NO_LETTERS: Final = re.compile(r"[^a-z]+")
_SUFFIXES: Final = re.compile(r"\.(?:json|jsonl|ndjson|csv)(?:\.gz)?$", re.IGNORECASE)


def resource_named(name: str) -> str | None:
    """Return the resource that a stream is named after: `offers`, `greenhouse_offers`, `list_offer`.

    Numbers are no part of a name: `offers-2026-08-31` is that of offers, too.
    """
    return _NAMES.get(_bare(name))


def record_named(name: str) -> str | None:
    """Return the resource of records that a stream is named after: `job_stages`, `greenhouse_job_stage`."""
    return _RECORDS.get(_bare(name))


def _bare(name: str) -> str:
    """Return a name without what tools put before it, and without numbers."""
    name = _NO_LETTERS.sub("_", name.lower()).strip("_")
    while prefix := _PREFIX.match(name):
        name = name[prefix.end() :]
    return name


def resource_of_file(name: str) -> str | None:
    """Return the resource that a file is named after; `name` is without its folder."""
    return resource_named(_SUFFIXES.sub("", name))


def bare_file_name(name: str) -> str:
    """Return the name of a file without its ending, what tools put before it, and numbers."""
    return _bare(_SUFFIXES.sub("", name))


def resource_of_path(path: str) -> str | None:
    """Return the resource that a list of Harvest v1 holds, by the path of its address."""
    path = path[path.find("/v1/") :].rstrip("/")
    return next((resource for pattern, resource in _patterns() if pattern.fullmatch(path)), None)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(call.path))), call.resource)
        for call in CATALOGUE
        if call.is_list and call.resource in KEPT
    ]
