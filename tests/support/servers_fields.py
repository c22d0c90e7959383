"""The fields that only the server sets, and the refusals that name them.

Owns a plausible value of each, so that a write which took one would succeed. Must not know which calls are tried.
"""

from typing import Final

import httpx

from tests.support.records import Record

TIME: Final = "2001-01-01T00:00:00.000Z"
SERVERS_FIELDS: Final[Record] = {
    "id": 4,
    "status": "complete",
    "created_at": TIME,
    "updated_at": TIME,
    "organizer": {"id": 4},
    "organizer_id": 4,
    "interview": {"id": 4, "name": "Mine"},
    "interviewer": {"id": 4},
    "interview_step": {"id": 4},
    "scorecard_id": 4,
    "created_through_api": True,
    "organization_id": 2,
    "organization": "auckland",
    "revision": 1,
    "due_at": 0,
    "starts_at": 0,
    "document": "{}",
    "derived": True,
    "submitted_by": {"id": 4},
    "submitted_at": TIME,
    "interviewed_at": TIME,
    "candidate_id": 4,
    "ratings": {"yes": ["Luck"]},
    "secret": "whsec_" + "A" * 43 + "=",
    "previous_secret": "whsec_" + "A" * 43 + "=",
    "previous_secret_until": TIME,
    "reason": None,
    "allowed_host": "127.0.0.1",
    "state": "delivered",
    "attempts": 0,
    "last_answer": "fine",
    "api_key_id": 1,
    "permissions": ["webhooks:list"],
    "actor": {"kind": "clock"},
    "on_behalf_of": 4,
    "problems": [],
    "knows_guests": True,
    "double_booking": "allow",
    "__class__": "Draft",
}
"""Plausible values of all fields that clients may not set, in any resource."""


def refused_fields(answer: httpx.Response) -> list[str]:
    """Return the fields that a refusal names, in the form of its generation."""
    assert answer.status_code == 422, answer.text
    return [each["field"] if "field" in each else next(iter(each)) for each in answer.json()["errors"]]
