"""The bodies of writes of users.

Owns their fields (public Harvest v1/v2 reference, "Users"; contract section 10). Must not know the other users:
problems that only they reveal are found later, and reported together with these.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rowen.api import examples
from rowen.api.headers.acting_user import has_acting_user, read_acting_user
from rowen.api.reading import values
from rowen.api.reading.body import NOTHING, Body
from rowen.api.reading.values import ValueReader, read_fields, structure
from rowen.api.request import ApiRequest
from rowen.api.schemas import closed
from rowen.interviews.errors import Problems
from rowen.interviews.people import UserFields, UserReference


def reference_by(readers: Mapping[str, ValueReader[Any]]) -> ValueReader[UserReference]:
    """Return the reader of an object that names one user by one of these fields."""
    *others, last = readers
    fields = f"one of {', '.join(others)} and {last}"

    def read(problems: Problems, path: str, value: Any) -> UserReference | None:
        if not isinstance(value, dict):
            problems.note(path, "Must be an object")
            return None
        if len(readers.keys() & value.keys()) != 1:
            problems.note(path, f"Must name the user by {fields}")
            return None
        found = read_fields(problems, path, value, readers)
        return next((UserReference(*each) for each in found.items()), None)

    names = [f"`{name}`" for name in readers]
    schema = {
        **closed({name: reader.schema for name, reader in readers.items()}, *readers),
        "description": f"Names a user by one of {', '.join(names[:-1])} and {names[-1]}",
        "minProperties": 1,
        "maxProperties": 1,
    }
    return ValueReader(read, schema)


_REFERENCE: Final = reference_by({"user_id": values.identifier, "email": values.email, "employee_id": values.name})
_NAMES: Final[Mapping[str, ValueReader[Any]]] = {"first_name": values.name, "last_name": values.name}
_EMPLOYEE: Final[Mapping[str, ValueReader[Any]]] = {
    "employee_id": values.or_blank(values.name).described("Unique within the organization")
}
_EMAIL: Final[Mapping[str, ValueReader[Any]]] = {"email": values.email.described("Unique within the organization")}
_INVITES: Final = {
    name: values.boolean.described("Ignored: Rowen sends no e-mail") for name in ("send_email_invite", "send_email")
}
"""The name of the reference, and the one that clients in the wild send."""

NEW_USER: Final = Body(
    "NewUser",
    {**_NAMES, **_EMAIL, **_EMPLOYEE, **_INVITES},
    examples.NEW_USER,
    ("first_name", "last_name", "email"),
)
USER_CHANGES: Final = Body("UserChanges", {**_NAMES, **_EMAIL, **_EMPLOYEE}, examples.USER_CHANGES)
USER_EDIT: Final = Body(
    "UserEdit",
    {"user": _REFERENCE, "payload": structure(dict, {**_NAMES, **_EMPLOYEE})},
    examples.USER_EDIT,
    ("user", "payload"),
)
USER_CHOICE: Final = Body("UserChoice", {"user": _REFERENCE}, examples.USER_CHOICE, ("user",))


def read_new_user(request: ApiRequest) -> UserFields:
    """Read a POST. It has no acting user if the request names none: the first user needs none. Raises Refusal."""
    problems = Problems()
    given = NEW_USER.read(request.body, problems)
    fields = {name: value for name, value in given.items() if name not in _INVITES}
    user = read_acting_user(request, problems) if has_acting_user(request) else None
    return UserFields(**fields, on_behalf_of=user, problems=tuple(problems.found))


def read_user_changes(request: ApiRequest) -> UserFields:
    """Read the PATCH of the user in the path. Raises Refusal."""
    problems = Problems()
    return _with_acting_user(request, problems, USER_CHANGES.read(request.body, problems))


def read_user_edit(request: ApiRequest) -> tuple[UserReference | None, UserFields]:
    """Read a PATCH whose body names the user, None if that is among the problems. Raises Refusal."""
    problems = Problems()
    fields = USER_EDIT.read(request.body, problems)
    return fields.get("user"), _with_acting_user(request, problems, fields.get("payload") or {})


def read_user_choice(request: ApiRequest, *, disabled: bool) -> tuple[UserReference | None, UserFields]:
    """Read a PATCH that disables or enables the user whom the body names. Raises Refusal."""
    problems = Problems()
    fields = USER_CHOICE.read(request.body, problems)
    changes = _with_acting_user(request, problems, {"disabled": disabled})
    return fields.get("user"), changes


def read_user_state(request: ApiRequest, *, disabled: bool) -> UserFields:
    """Read a PATCH that disables or enables the user in the path; it needs no body. Raises Refusal."""
    problems = Problems()
    if request.body:
        NOTHING.read(request.body, problems)
    return _with_acting_user(request, problems, {"disabled": disabled})


def _with_acting_user(request: ApiRequest, problems: Problems, fields: Mapping[str, Any]) -> UserFields:
    user = read_acting_user(request, problems)
    return msgspec.structs.replace(UserFields(**fields), on_behalf_of=user, problems=tuple(problems.found))
