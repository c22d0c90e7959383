"""Users, and the persons on a panel.

Owns what the schedule has to know of people. Must not know how they are stored or sent.
"""

from hashlib import blake2b
from typing import Final, NewType

import msgspec

from rowen.interviews.interview import Identifier, Interviewer, Organizer, ResponseStatus

UserId = NewType("UserId", int)
Person = NewType("Person", int)
"""Who can be booked: a user by its id, and who is no user by a negative number made of the e-mail address."""

_DECLINED: Final = ResponseStatus.DECLINED


class User(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A user, as far as interviews name it. `emails` holds the primary address, too."""

    id: Identifier
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    employee_id: str | None = None
    email: str | None = msgspec.field(default=None, name="primary_email_address")
    emails: tuple[str, ...] = ()

    def organizer(self) -> Organizer:
        """Return the user as the organizer of an interview."""
        return Organizer(self.id, self.first_name, self.last_name, self.name, self.employee_id)

    def interviewer(self, response_status: ResponseStatus, scorecard_id: int | None = None) -> Interviewer:
        """Return the user as a member of a panel."""
        return Interviewer(
            id=self.id,
            employee_id=self.employee_id,
            name=self.name,
            email=self.email,
            response_status=response_status,
            scorecard_id=scorecard_id,
        )


def person_of(identifier: int | None, email: str | None) -> Person:
    """Return which person an interviewer with that id, or without one with that e-mail address, is."""
    if identifier is not None:
        return Person(identifier)
    digest = blake2b(fold(email or "").encode(), digest_size=8).digest()
    return Person(-1 - (int.from_bytes(digest) >> 1))


def fold(email: str) -> str:
    """Return an e-mail address as it is compared: case makes no difference."""
    return email.strip().casefold()


def booked(interviewers: tuple[Interviewer, ...]) -> tuple[Person, ...]:
    """Return the persons that an interview keeps busy: all but those who declined."""
    # Every interview of an import comes by here: most have one or two interviewers, all of them users.
    busy = [
        person_of(None, each.email) if each.id is None else Person(each.id)
        for each in interviewers
        if each.response_status is not _DECLINED
    ]
    return tuple(busy) if len(busy) < 2 else tuple(dict.fromkeys(busy))
