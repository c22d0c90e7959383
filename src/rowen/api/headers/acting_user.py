"""The user on whose behalf a write is made.

Owns the `On-Behalf-Of` header, and its problems (contract section 4). A request without it acts for the user of its
session, if it has one. Must not know what is written.
"""

from dataclasses import replace
from typing import Final

from rowen.api import examples
from rowen.api.identifiers import read_identifier
from rowen.api.parameters import Parameter
from rowen.api.request import ApiRequest
from rowen.api.schemas import IDENTIFIER
from rowen.interviews.errors import FieldProblem, Problems

ON_BEHALF_OF: Final = Parameter(
    "On-Behalf-Of", "The id of the user who does this", IDENTIFIER, required=True, example=examples.USER_ID
)
BUT_FOR_FIRST_USER: Final = replace(
    ON_BEHALF_OF, required=False, description=f"{ON_BEHALF_OF.description}; required unless there are no users yet"
)
MISSING: Final = FieldProblem(ON_BEHALF_OF.name, "Is required: the id of the user who does this")
UNKNOWN: Final = FieldProblem(ON_BEHALF_OF.name, "Must be the id of a user of this organization")


def read_acting_user(request: ApiRequest, problems: Problems) -> int | None:
    """Return the id in the header, or else that of the session's user; None, after noting the problem, for neither."""
    if not request.header(b"on-behalf-of") and request.acting_user is not None:
        return request.acting_user
    if not has_acting_user(request):
        problems.note(*MISSING)
        return None
    user = read_identifier(request.header(b"on-behalf-of"))
    if user is None:
        problems.note(ON_BEHALF_OF.name, "Must be the id of a user")
    return user


def require_acting_user(request: ApiRequest) -> int | None:
    """Return the same for a request without a body. Raises Refusal (invalid)."""
    problems = Problems()
    user = read_acting_user(request, problems)
    problems.raise_any()
    return user


def has_acting_user(request: ApiRequest) -> bool:
    """Return whether the header, or a session, names anybody."""
    return bool(request.header(b"on-behalf-of")) or request.acting_user is not None
