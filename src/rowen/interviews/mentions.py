"""What interviews say of people and stages, put together.

Owns which of several statements counts: the newest of each field, whatever the order in which they are heard. Must
not know how interviews or users are stored.
"""

from typing import Final, NamedTuple, TypeAlias

import msgspec

from rowen.interviews.interview import InterviewReference


class Mention(msgspec.Struct, frozen=True, gc=False):
    """What an interview says of its organizer or of an interviewer; None where it says nothing."""

    id: int | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    employee_id: str | None = None
    email: str | None = None


class Mentions(msgspec.Struct, frozen=True, gc=False):
    """All that one interview says of people and of its stage."""

    interview: InterviewReference | None = None
    organizer: Mention | None = None
    interviewers: tuple[Mention, ...] = ()


Said: TypeAlias = tuple[int, str]
"""A statement: when the newest interview that makes it was updated, and what it is.

Of two as new as each other the greater text counts, which has no meaning but its constancy.
"""


class Person(NamedTuple):
    """What is known of a person from interviews, each field with its time."""

    name: Said | None = None
    first_name: Said | None = None
    last_name: Said | None = None
    employee_id: Said | None = None
    email: Said | None = None

    def texts(self) -> tuple[str | None, ...]:
        """Return what is known, without the times."""
        return tuple(None if said is None else said[1] for said in self)


UNKNOWN: Final = Person()


def hear(known: Person, mention: Mention, time: int) -> Person:
    """Return what is known after one more mention of a person by an interview updated at `time`."""
    return Person(
        newer(known.name, mention.name, time),
        newer(known.first_name, mention.first_name, time),
        newer(known.last_name, mention.last_name, time),
        newer(known.employee_id, mention.employee_id, time),
        newer(known.email, mention.email, time),
    )


def newer(known: Said | None, text: str | None, time: int) -> Said | None:
    """Return which of two statements counts: the one known, or the one heard at `time`."""
    if text is None or (known is not None and known >= (time, text)):
        return known
    return time, text
