"""Scorecards: the feedback on an interview.

Owns the fields and values of a scorecard (public Harvest v1 reference, "The scorecard object"). Must not know how
scorecards are stored or read.
"""

from enum import StrEnum
from typing import Final

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Identifier, InterviewReference, Organizer
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import UNSET, Unset


class Recommendation(StrEnum):
    """An interviewer's overall recommendation."""

    DEFINITELY_NOT = "definitely_not"
    NO = "no"
    YES = "yes"
    STRONG_YES = "strong_yes"
    NO_DECISION = "no_decision"


class Rating(StrEnum):
    """The rating of a candidate in one attribute."""

    DEFINITELY_NOT = "definitely_not"
    NO = "no"
    MIXED = "mixed"
    YES = "yes"
    STRONG_YES = "strong_yes"
    NO_DECISION = "no_decision"


class Attribute(msgspec.Struct, frozen=True):
    """One attribute of a scorecard and its rating."""

    name: str
    type: str | None = None
    note: str | None = None
    rating: Rating = Rating.NO_DECISION


class Question(msgspec.Struct, frozen=True):
    """One question of a scorecard and its answer."""

    id: Identifier | None = None
    question: str | None = None
    answer: str | None = None


class Ratings(msgspec.Struct, frozen=True, kw_only=True):
    """The names of the attributes, by rating."""

    definitely_not: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    mixed: tuple[str, ...] = ()
    yes: tuple[str, ...] = ()
    strong_yes: tuple[str, ...] = ()

    @classmethod
    def of(cls, attributes: tuple[Attribute, ...]) -> "Ratings":
        """Return attributes by rating; those without a decision are left out."""
        return cls(
            **{
                name: tuple(each.name for each in attributes if each.rating.value == name)
                for name in cls.__struct_fields__
            }
        )


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """A scorecard, its fields in the order in which they are served; a draft has no `submitted_at`."""

    id: Identifier
    updated_at: Instant
    created_at: Instant
    interview: str | None
    interview_step: InterviewReference | None
    candidate_id: Identifier | None
    application_id: Identifier
    interviewed_at: Instant
    submitted_by: Organizer | None
    interviewer: Organizer
    submitted_at: Instant | None
    overall_recommendation: Recommendation
    attributes: tuple[Attribute, ...]
    ratings: Ratings
    questions: tuple[Question, ...]


class ScorecardFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a scorecard that a client sets; those that are UNSET stay as they are.

    `problems` are those of the request itself: they are reported together with those that only the schedule reveals.
    `on_behalf_of` is the acting user, None only if that is among the problems.
    """

    scheduled_interview_id: int | Unset = UNSET
    interviewer_id: int | Unset = UNSET
    overall_recommendation: Recommendation | Unset = UNSET
    attributes: tuple[Attribute, ...] | Unset = UNSET
    questions: tuple[Question, ...] | Unset = UNSET
    submit: bool | Unset = UNSET
    on_behalf_of: int | None = None
    problems: tuple[FieldProblem, ...] = ()


DRAFT: Final = "draft"
SUBMITTED: Final = "submitted"
"""The search column that holds whether a scorecard is final."""
