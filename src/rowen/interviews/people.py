"""Users, and the persons on a panel.

Owns what the schedule has to know of people, under the names that documents have for it. Must not know where users come
from.
"""

from collections.abc import Iterable
from hashlib import blake2b
from operator import attrgetter
from typing import Final, NamedTuple, NewType

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Identifier, Interviewer, Organizer, ResponseStatus
from rowen.interviews.scheduling import UNSET, Unset

UserId = NewType("UserId", int)
Person = NewType("Person", int)
"""A person who can be booked: a user by id, a guest by a negative number hashed from the e-mail address."""

_DECLINED: Final = ResponseStatus.DECLINED


class User(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A user, as far as interviews name it. `emails` includes the primary address."""

    id: Identifier
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    employee_id: str | None = None
    email: str | None = msgspec.field(default=None, name="primary_email_address")
    emails: tuple[str, ...] = ()
    disabled: bool = False

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


class PanelSeat(NamedTuple):
    """A member of a panel as a row of its own: who it is, the answer to the invitation, and the scorecard."""

    user_id: int | None
    email: str | None
    response_status: str
    scorecard_id: int | None


_SEAT: Final = attrgetter("id", "email", "response_status._value_", "scorecard_id")
_new: Final = tuple.__new__


def seats_of(interviewers: Iterable[Interviewer]) -> tuple[PanelSeat, ...]:
    """Return the seats of a panel, in its order."""
    return tuple([_new(PanelSeat, each) for each in map(_SEAT, interviewers)])  # a third of the time of `PanelSeat(…)`


class UserFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a user that a client sets; those that are UNSET stay as they are.

    `problems` are those of the request itself: they are reported together with those that only the other users reveal.
    `on_behalf_of` is the acting user, None only if that is among the problems, or for the first user.
    """

    first_name: str | Unset = UNSET
    last_name: str | Unset = UNSET
    email: str | Unset = UNSET
    employee_id: str | Unset | None = UNSET
    disabled: bool | Unset = UNSET
    on_behalf_of: int | None = None
    problems: tuple[FieldProblem, ...] = ()


class UserReference(NamedTuple):
    """A user as a client names one: by the `user_id`, an `email` or the `employee_id`."""

    field: str
    value: int | str


def person_of(identifier: int | None, email: str | None) -> Person:
    """Return the person with a user's id, or the guest with an e-mail address."""
    if identifier is not None:
        return Person(identifier)
    digest = blake2b(fold(email or "").encode(), digest_size=8).digest()
    return Person(-1 - (int.from_bytes(digest) >> 1))


def fold(email: str) -> str:
    """Return an e-mail address in the form used for comparisons: case makes no difference."""
    return email.strip().casefold()


def booked(interviewers: tuple[Interviewer, ...]) -> tuple[Person, ...]:
    """Return the persons that an interview keeps busy: all but those who declined."""
    # Called for every interview of an import: most have one or two interviewers, all of them users.
    busy = [
        person_of(None, each.email) if each.id is None else Person(each.id)
        for each in interviewers
        if each.response_status is not _DECLINED
    ]
    return tuple(busy) if len(busy) < 2 else tuple(dict.fromkeys(busy))
