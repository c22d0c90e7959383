"""The rows of scorecards, their attributes and the answers to their questions in Harvest v3 (contract section 12).

Owns their fields, their order, and how they follow from a document of v1. What v1 does not have is null, and so is what
the draft of a scorecard says: v1 shows no drafts (docs/decisions/0037).

Attributes and answers have no ids in v1: theirs follow from that of the scorecard and their place in it.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rowen.api.codec.v3.rows import Json, Times, derived_id, id_of, list_of, text_of
from rowen.app.records import RecordRow
from rowen.app.rows import LARGEST_WHOLE, MOST_PARTS, part_id

KEY_TAKE_AWAYS: Final = "Key Take-Aways"
PRIVATE_NOTES: Final = "Private Notes"
"""The questions of v1 that every scorecard has, without an id; v3 shows their answers as notes of the scorecard."""


class ScorecardRow(msgspec.Struct, frozen=True):
    """A scorecard; `interviewer_id` is the id of a user. Only Rowen names the interview of the stage."""

    id: int
    created_at: str
    updated_at: str
    interview_kit_id: int | None
    interviewer_id: int | None
    interviewed_at: str | None
    notes: str | None
    submitter_id: int | None
    candidate_rating: str | None
    private_notes: str | None
    status: str
    public_notes: str | None
    application_id: int | None
    submitted_at: str | None
    notes_with_tags: str | None
    private_notes_with_tags: str | None
    public_notes_with_tags: str | None
    job_interview_id: int | None


class AttributeRow(msgspec.Struct, frozen=True):
    """An attribute of a scorecard with its rating. Only Rowen names it here; equal names have the same id."""

    id: int
    created_at: str
    updated_at: str
    scorecard_id: int
    job_candidate_attribute_id: int
    candidate_attribute_rating: str | None
    note: str | None
    name: str | None
    type: str | None


class AnswerRow(msgspec.Struct, frozen=True):
    """The answer to a question of a scorecard. Only Rowen shows the question here."""

    id: int
    created_at: str
    updated_at: str
    scorecard_id: int
    scorecard_question_id: int | None
    answer: str | None
    boolean_value: bool | None
    question: str | None


_RATINGS: Final = {"definitely_not": "strong_no"}


def scorecard(source: RecordRow, found: Json, at: Times) -> Iterator[Any]:
    """Make the row of a scorecard."""
    is_draft = found["submitted_at"] is None
    rating = None if is_draft else found["overall_recommendation"]
    notes = {} if is_draft else _notes(found)
    yield ScorecardRow(
        source.id,
        *at,
        None,
        id_of(found["interviewer"]),
        found["interviewed_at"],
        notes.get(KEY_TAKE_AWAYS),
        id_of(found["submitted_by"]),
        rating if rating is None else _RATINGS.get(rating, rating),
        notes.get(PRIVATE_NOTES),
        "draft" if is_draft else "complete",
        None,
        found["application_id"],
        found["submitted_at"],
        None,
        None,
        None,
        id_of(found["interview_step"]),
    )


def _notes(found: Json) -> dict[str | None, str | None]:
    """Return the answers to the questions without ids."""
    questions = [each for each in list_of(found["questions"]) if isinstance(each, dict) and each.get("id") is None]
    return {text_of(each.get("question")): text_of(each.get("answer")) for each in questions}


def attributes(source: RecordRow, found: Json, at: Times) -> Iterator[Any]:
    """Make the rows of a scorecard's attributes."""
    for identifier, each in _parts(source, found, "attributes"):
        name, kind = text_of(each.get("name")), text_of(each.get("type"))
        named = derived_id("job_candidate_attributes", kind or "", name or "")
        rating, note = text_of(each.get("rating")), text_of(each.get("note"))
        yield AttributeRow(identifier, *at, source.id, named, rating, note, name, kind)


def answers(source: RecordRow, found: Json, at: Times) -> Iterator[Any]:
    """Make the rows of the answers to a scorecard's questions."""
    for identifier, each in _parts(source, found, "questions"):
        question, answer = text_of(each.get("question")), text_of(each.get("answer"))
        yield AnswerRow(identifier, *at, source.id, id_of(each), answer, None, question)


def _parts(source: RecordRow, found: Json, name: str) -> Iterator[tuple[int, Json]]:
    """Yield the objects in an array of a scorecard that was submitted, with their ids."""
    if found["submitted_at"] is not None and source.id <= LARGEST_WHOLE:
        for position, each in enumerate(list_of(found[name])[: MOST_PARTS - 1], 1):
            if isinstance(each, dict):
                yield part_id(source.id, position), each
