"""Scorecards: what came back of an interview.

Owns the fields and values of a scorecard (public Harvest v1 reference, "The scorecard object"). Must not know how
scorecards are stored or asked for.
"""

from enum import StrEnum
from typing import Final

import msgspec

from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import Identifier, InterviewReference, Organizer
from rowen.interviews.moments import Instant
from rowen.interviews.scheduling import UNSET, Unset


class Recommendation(StrEnum):
    """What an interviewer recommends over all."""

    DEFINITELY_NOT = "definitely_not"
    NO = "no"
    YES = "yes"
    STRONG_YES = "strong_yes"
    NO_DECISION = "no_decision"


class Rating(StrEnum):
    """How a candidate did in one attribute."""

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
        """Sort attributes by rating; those without a decision are in none."""
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
    """What a client sets of a scorecard; what is UNSET it leaves as it is.

    `problems` are those of the request itself: they are told together with those that only the schedule can tell.
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
"""Whether a scorecard is final, in the words of its search column."""
