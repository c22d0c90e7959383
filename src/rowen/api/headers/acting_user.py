"""The user on whose behalf a write is made.

Owns the `On-Behalf-Of` header, and its problems (contract section 4). Must not know what is written.
"""

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
UNKNOWN: Final = FieldProblem(ON_BEHALF_OF.name, "Must be the id of a user of this organization")


def read_acting_user(request: ApiRequest, problems: Problems) -> int | None:
    """Return the id in the header; None, after noting the problem, if it holds none."""
    value = request.header(b"on-behalf-of")
    user = read_identifier(value) if value else None
    if user is None:
        message = "Must be the id of a user" if value else "Is required: the id of the user who does this"
        problems.note(ON_BEHALF_OF.name, message)
    return user
