"""Adding users, changing and disabling them.

Owns the rules for what clients may write: the same e-mail address means the same person, and a renamed user is renamed
in every interview (contract sections 5 and 10). Must not know JSON, HTTP or SQL.
"""

from collections.abc import Sequence
from typing import Protocol

from rowen.app.records import USERS, RecordRow
from rowen.app.scheduling import actor_of, require_user
from rowen.app.unit_of_work import UnitOfWork
from rowen.interviews.errors import Code, Problems, Refusal
from rowen.interviews.moments import Instant
from rowen.interviews.people import User, UserFields, UserId, UserReference, fold
from rowen.interviews.renaming import renaming
from rowen.interviews.scheduling import UNSET


class UserCodec(Protocol):
    """The documents of users, as the use cases need them."""

    def user(self, document: bytes) -> User:
        """Decode a stored user."""
        ...

    def new(self, identifier: int, fields: UserFields, now: Instant) -> RecordRow:
        """Return the row of a new user."""
        ...

    def changed(self, record: RecordRow, fields: UserFields, now: Instant | None) -> RecordRow:
        """Return the row of a user with other fields; `now` is the time of the change, None to keep the one before."""
        ...


async def create_user(unit: UnitOfWork, codec: UserCodec, fields: UserFields, api_key: str) -> bytes:
    """Add a user, and return the document. Raises Refusal.

    Without an acting user the new one acts: the caller has made sure that it is the first of the organization.
    """
    author = None if fields.on_behalf_of is None else await require_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    await _check_unique(unit, fields, None, problems)
    problems.raise_any()
    identifier = await unit.new_record_id(USERS)
    row = codec.new(identifier, fields, await unit.begin_change())
    document = _document(row)
    await unit.record_change(None, row, actor_of(author or codec.user(document), api_key))
    return document


async def change_user(unit: UnitOfWork, codec: UserCodec, record: RecordRow, fields: UserFields, api_key: str) -> bytes:
    """Change a user, and all interviews that name the user; return the document. Raises Refusal."""
    author = None if fields.on_behalf_of is None else await require_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    before = codec.user(_document(record))
    await _check_unique(unit, fields, before, problems)
    if problems.found or author is None:
        raise problems.refusal()
    if codec.changed(record, fields, None).document == record.document:
        return _document(record)
    row = codec.changed(record, fields, await unit.begin_change())
    document = _document(row)
    actor = actor_of(author, api_key)
    await unit.record_change(record, row, actor)
    if names := renaming(before, codec.user(document)):
        await unit.rename({before.id: names}, actor)
    return document


async def stored_user(unit: UnitOfWork, identifier: int) -> RecordRow:
    """Return the record of a user. Raises Refusal (not found)."""
    record = await unit.record(USERS, identifier)
    if record is None:
        raise Refusal(Code.NOT_FOUND)
    return record


async def named_user(unit: UnitOfWork, reference: UserReference | None, fields: UserFields) -> RecordRow:
    """Return the record of the user that a body names. Raises Refusal, with the problems of the fields."""
    if fields.on_behalf_of is not None:
        await require_user(unit, fields.on_behalf_of)
    problems = Problems(fields.problems)
    found = None if reference is None else await one_user(unit, reference, "user.", problems)
    if problems.found or found is None:
        raise problems.refusal()
    return await stored_user(unit, found.id)


async def one_user(unit: UnitOfWork, reference: UserReference, path: str, problems: Problems) -> User | None:
    """Return the one user that a client names; None, after noting a problem with the field below `path`."""
    found = await _matches(unit, reference)
    if len(found) == 1:
        return found[0]
    message = "Must name one user (several have it)" if found else "Must be a user's"
    problems.note(f"{path}{reference.field}", message)
    return None


async def _matches(unit: UnitOfWork, reference: UserReference) -> list[User]:
    if isinstance(reference.value, int):
        user = await unit.user(UserId(reference.value))
        return [] if user is None else [user]
    if reference.field == "email":
        return list(await unit.users_by_email(fold(reference.value)))
    return list(await unit.users_by_employee_id(reference.value))


async def _check_unique(unit: UnitOfWork, fields: UserFields, before: User | None, problems: Problems) -> None:
    """Note an address or employee id that another user has. Imported users may share one: each may keep it."""
    own = UserId(0) if before is None else before.id
    if fields.email is not UNSET and not (before and fold(fields.email) in map(fold, before.emails)):
        holders = await unit.users_by_email(fold(fields.email))
        _note_holder("email", holders, own, problems)
    employee = None if fields.employee_id is UNSET else fields.employee_id
    if employee is not None and not (before and employee == before.employee_id):
        _note_holder("employee_id", await unit.users_by_employee_id(employee), own, problems)


def _note_holder(field: str, holders: Sequence[User], own: int, problems: Problems) -> None:
    holder = next((each.id for each in holders if each.id != own), None)
    if holder is not None:
        problems.note(field, f"Must be unique (user {holder} has it)")


def _document(record: RecordRow) -> bytes:
    return record.document or b""
