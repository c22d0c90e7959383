"""The archive: lists of Harvest v1 that are kept as they were imported, and served read-only.

Owns their names, which calls of each there are, and which parents are known. Must not know paths, the content of a
document, HTTP or SQL.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from rowen.app.interviews import Interviews, require_application
from rowen.app.organizations import Organization
from rowen.app.records import APPLICATIONS, CANDIDATES, USERS, RecordQuery, Records, require_job, retrieve_record
from rowen.interviews.interview import ApplicationId


class Parent(StrEnum):
    """What a list may belong to; its documents name their parent by the field `{parent}_id`."""

    APPLICATION = "application"
    CANDIDATE = "candidate"
    CUSTOM_FIELD = "custom_field"
    JOB = "job"
    JOB_POST = "job_post"
    QUESTION = "demographic_question"
    QUESTION_SET = "demographic_question_set"
    USER = "user"

    @property
    def term(self) -> str:
        """The name of the field and of the term that hold the parent's id."""
        return f"{self}_id"


class Archived(NamedTuple):
    """A resource of the archive: the calls that it has, and the fields of its documents that these need.

    `parent` is what its lists below something are below, `key` the field that identifies a document, and `terms` are
    other fields that documents are found by. What is not `kept` cannot be imported, as nothing in its documents
    identifies them: its calls are always answered as empty.
    """

    actions: tuple[str, ...]
    parent: Parent | None = None
    key: str = "id"
    terms: tuple[str, ...] = ()
    kept: bool = True


_LIST: Final = Archived(("list",))
_BOTH: Final = Archived(("list", "retrieve"))
ARCHIVED: Final[Mapping[str, Archived]] = {
    "offers": Archived(
        ("list", "list_for_application", "retrieve", "retrieve_current"), Parent.APPLICATION, terms=("status",)
    ),
    "job_posts": Archived(
        ("list", "list_for_job", "retrieve", "retrieve_for_job"), Parent.JOB, terms=("active", "live")
    ),
    "job_post_custom_locations": Archived(("list_for_job_post",), Parent.JOB_POST, kept=False),
    "departments": Archived(("list", "retrieve"), terms=("external_id",)),
    "offices": Archived(("list", "retrieve"), terms=("external_id",)),
    "sources": _LIST,
    "rejection_reasons": _LIST,
    "close_reasons": _LIST,
    "user_roles": _LIST,
    "user_job_permissions": Archived(("list_for_user",), Parent.USER),
    "user_future_job_permissions": Archived(("list_for_user",), Parent.USER),
    "custom_fields": Archived(("list", "list_for_type", "retrieve"), terms=("field_type",)),
    "custom_field_options": Archived(("list_for_custom_field",), Parent.CUSTOM_FIELD),
    "tags": _LIST,
    "candidate_tags": Archived(("list_for_candidate",), Parent.CANDIDATE, kept=False),
    "activity_feeds": Archived(("retrieve",), key="candidate_id"),
    "approval_flows": Archived(("list", "list_for_job", "retrieve"), Parent.JOB),
    "pending_approvals": Archived(("list_for_user",), Parent.USER),
    "email_templates": _BOTH,
    "prospect_pools": _BOTH,
    "tracking_links": Archived(("retrieve",), terms=("token",)),
    "degrees": _LIST,
    "disciplines": _LIST,
    "schools": _LIST,
    "eeoc": Archived(("list", "retrieve"), key="application_id"),
    "demographics_question_sets": _BOTH,
    "demographics_questions": Archived(("list", "list_for_question_set", "retrieve"), Parent.QUESTION_SET),
    "demographics_answer_options": Archived(("list", "list_for_question", "retrieve"), Parent.QUESTION),
    "demographics_answers": Archived(("list", "list_for_application", "retrieve"), Parent.APPLICATION),
}
"""The resources of the archive: their names and those of their calls are in the names of permissions."""

KEPT: Final = tuple(name for name, archived in ARCHIVED.items() if archived.kept)
"""The resources that can be imported."""

_TITLES: Final = {"eeoc": "EEOC answers"}


def title(resource: str) -> str:
    """Return the name of a resource in words, in the plural: `demographic question sets`."""
    return _TITLES.get(resource) or resource.replace("demographics_", "demographic_").replace("_", " ")


def singular(resource: str) -> str:
    """Return the name of one record of a resource in words: `demographic question set`."""
    return title(resource).removesuffix("s")


def permissions() -> dict[str, str]:
    """Return the permissions of the archive, one for each call, with a description."""
    return {
        f"{resource}:{action}": _description(resource, action)
        for resource, archived in ARCHIVED.items()
        for action in archived.actions
    }


def _description(resource: str, action: str) -> str:
    verb, _, rest = action.partition("_")
    kind, _, owner = rest.replace("_", " ").partition(" ")
    if kind == "for":
        what = title(resource) if verb == "list" else singular(resource)
        return f"{verb.capitalize()} {_with_article(owner)}'s {what.removeprefix(f'{owner} ')}"
    if kind:
        return f"Retrieve the {kind} {singular(resource)} of an application"
    return f"List {title(resource)}" if verb == "list" else f"Retrieve {_with_article(singular(resource))}"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeioE' else 'a'} {noun}"


_HOLDERS: Final = {
    Parent.CANDIDATE: CANDIDATES,
    Parent.CUSTOM_FIELD: "custom_fields",
    Parent.JOB_POST: "job_posts",
    Parent.QUESTION: "demographics_questions",
    Parent.QUESTION_SET: "demographics_question_sets",
    Parent.USER: USERS,
}
"""The resource of each parent."""


async def require_parent(
    interviews: Interviews, records: Records, organization: Organization, parent: Parent, identifier: int
) -> None:
    """Raise Refusal (not found) unless the parent of a list exists, or a record names it."""
    if parent is Parent.APPLICATION:
        await require_application(interviews, organization, ApplicationId(identifier))
    elif parent is Parent.JOB:
        await require_job(records, organization, identifier)
    elif not await _is_named(records, organization, parent, identifier):
        await retrieve_record(records, organization, RecordQuery(_HOLDERS[parent]), identifier)


async def _is_named(records: Records, organization: Organization, parent: Parent, identifier: int) -> bool:
    if parent is not Parent.CANDIDATE:
        return False
    return await records.is_named(organization, APPLICATIONS, parent.term, str(identifier))
