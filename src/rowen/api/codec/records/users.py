"""The fields of users ("The user object").

Owns their order, their types and their search terms. Must not know other resources.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rowen.api.codec.records.shape import Json, Shape, Term
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import Instant
from rowen.interviews.people import fold


class UserRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A user, without the custom fields, which are shown on request only."""

    id: Identifier
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    primary_email_address: str | None = None
    updated_at: Instant | None = None
    created_at: Instant | None = None
    disabled: bool = False
    site_admin: bool = False
    emails: list[str] = []
    employee_id: str | None = None
    linked_candidate_ids: list[Any] = []
    offices: list[Any] = []
    departments: list[Any] = []


def complete_user(document: Json) -> None:
    """Fill in the fields that follow from others: the full name, and the primary address among all addresses."""
    parts = [part for part in (document["first_name"], document["last_name"]) if part]
    if document["name"] is None and parts:
        document["name"] = " ".join(parts)
    primary = document["primary_email_address"]
    if primary is None and document["emails"]:
        document["primary_email_address"] = document["emails"][0]
    elif primary is not None and primary not in document["emails"]:
        document["emails"] = [primary, *document["emails"]]


def _terms(document: Json) -> Iterator[Term]:
    for email in document["emails"]:
        yield "email", fold(email)
    if document["employee_id"] is not None:
        yield "employee_id", document["employee_id"]


SHAPE: Final = Shape(
    UserRecord,
    frozenset({"primary_email_address", "emails", "site_admin", "disabled"}),
    "created_at",
    "updated_at",
    lambda _: None,
    _terms,
)
