"""What interviews reveal about people and job stages, combined.

Owns a last-write-wins register for each field: of two observations the one from the newer interview counts, in whatever
order they arrive. Must not know how interviews or users are stored.
"""

from typing import Final, NamedTuple, TypeAlias

import msgspec

from rowen.interviews.interview import InterviewReference


class Observation(msgspec.Struct, frozen=True, gc=False):
    """What an interview reveals about its organizer or an interviewer; None for an unknown field."""

    id: int | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    employee_id: str | None = None
    email: str | None = None


class Observations(msgspec.Struct, frozen=True, gc=False):
    """Everything that one interview reveals about people and its job stage."""

    interview: InterviewReference | None = None
    organizer: Observation | None = None
    interviewers: tuple[Observation, ...] = ()


Fact: TypeAlias = tuple[int, str]
"""A field's text, preceded by the `updated_at` of the newest interview that has it (Unix time in milliseconds).

If two interviews were updated at the same time, the greater text wins, so that the order of arrival makes no
difference.
"""


class PersonFacts(NamedTuple):
    """What interviews have revealed about a person, each field with its time."""

    name: Fact | None = None
    first_name: Fact | None = None
    last_name: Fact | None = None
    employee_id: Fact | None = None
    email: Fact | None = None

    def texts(self) -> tuple[str | None, ...]:
        """Return the fields without their times."""
        return tuple(None if fact is None else fact[1] for fact in self)


NO_FACTS: Final = PersonFacts()


def observe(facts: PersonFacts, observation: Observation, time: int) -> PersonFacts:
    """Return the facts after one more observation of a person, in an interview updated at `time`."""
    return PersonFacts(
        latest(facts.name, observation.name, time),
        latest(facts.first_name, observation.first_name, time),
        latest(facts.last_name, observation.last_name, time),
        latest(facts.employee_id, observation.employee_id, time),
        latest(facts.email, observation.email, time),
    )


def latest(fact: Fact | None, text: str | None, time: int) -> Fact | None:
    """Return the newer one of a fact and of `text` as of `time`."""
    if text is None or (fact is not None and fact >= (time, text)):
        return fact
    return time, text
