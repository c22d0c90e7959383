"""Joining rows of Harvest v3 into the v1 document of a scorecard.

Owns its fields (contract section 12), with its attributes and the answers to its questions: pure functions of rows.
Must not know where rows come from or where the document goes.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from rowen.api.codec.v3.scorecards import KEY_TAKE_AWAYS, PRIVATE_NOTES
from rowen.interviews.moments import Instant
from rowen.mirror import rows
from rowen.mirror.join import Json, Known, person, reference

_RECOMMENDATIONS: Final[Mapping[str, str]] = {"strong_no": "definitely_not"}
_RATINGS: Final = ("definitely_not", "no", "mixed", "yes", "strong_yes")
_NO_DECISION: Final = "no_decision"


class ScorecardParts(msgspec.Struct, frozen=True):
    """The rows of one scorecard; `updated_at` is that of the newest row among them.

    `chosen` are the options that were chosen, by the id of the answer.
    """

    scorecard: rows.Scorecard
    updated_at: int
    attributes: Sequence[rows.Attribute] = ()
    answers: Sequence[rows.Answer] = ()
    chosen: Mapping[int, Sequence[rows.ChosenOption]] = {}


class Vocabulary(msgspec.Struct, frozen=True):
    """The names of what scorecards rate and ask, by id."""

    types: Mapping[int, rows.AttributeType] = {}
    attributes: Mapping[int, rows.JobAttribute] = {}
    questions: Mapping[int, rows.Question] = {}
    options: Mapping[int, rows.QuestionOption] = {}


def scorecard(parts: ScorecardParts, known: Known, vocabulary: Vocabulary) -> Json:
    """Return the v1 form of a scorecard that is complete."""
    row, updated_at = parts.scorecard, str(Instant(parts.updated_at))
    kit = None if row.interview_kit_id is None else known.kits.get(row.interview_kit_id)
    step = reference(kit.job_interview_id if row.job_interview_id is None and kit else row.job_interview_id, known)
    applied = None if row.application_id is None else known.applications.get(row.application_id)
    rating = row.candidate_rating or _NO_DECISION
    attributes = [_attribute(each, vocabulary) for each in parts.attributes]
    return {
        "id": row.id,
        "updated_at": updated_at,
        "created_at": row.created_at,
        "interview": None if step is None else step.name,
        "interview_step": None if step is None else msgspec.structs.asdict(step),
        "candidate_id": None if applied is None else applied.candidate_id,
        "application_id": row.application_id,
        "interviewed_at": row.interviewed_at,
        "submitted_by": person(row.submitter_id, known),
        "interviewer": person(row.interviewer_id, known),
        "submitted_at": row.submitted_at or updated_at,
        "overall_recommendation": _RECOMMENDATIONS.get(rating, rating),
        "attributes": attributes,
        "ratings": {name: [each["name"] for each in attributes if each["rating"] == name] for name in _RATINGS},
        "questions": [*_notes(parts), *(_question(each, parts, vocabulary) for each in parts.answers)],
    }


def _attribute(row: rows.Attribute, vocabulary: Vocabulary) -> Json:
    named = (
        None if row.job_candidate_attribute_id is None else vocabulary.attributes.get(row.job_candidate_attribute_id)
    )
    kind = None if named is None else vocabulary.types.get(named.candidate_attribute_type_id or 0)
    return {
        "name": row.name if named is None else named.name,
        "type": row.type if kind is None else kind.name,
        "note": row.note,
        "rating": row.candidate_attribute_rating or _NO_DECISION,
    }


def _notes(parts: ScorecardParts) -> list[Json]:
    """Return the questions that v3 shows as notes; Rowen shows them as answers, too."""
    answered = {each.question for each in parts.answers if each.scorecard_question_id is None}
    notes = ((KEY_TAKE_AWAYS, parts.scorecard.notes), (PRIVATE_NOTES, parts.scorecard.private_notes))
    return [
        {"id": None, "question": question, "answer": text}
        for question, text in notes
        if text is not None and question not in answered
    ]


def _question(row: rows.Answer, parts: ScorecardParts, vocabulary: Vocabulary) -> Json:
    asked = None if row.scorecard_question_id is None else vocabulary.questions.get(row.scorecard_question_id)
    return {
        "id": row.scorecard_question_id,
        "question": row.question if asked is None else asked.question,
        "answer": _answer(row, parts.chosen.get(row.id, ()), vocabulary),
    }


def _answer(row: rows.Answer, chosen: Sequence[rows.ChosenOption], vocabulary: Vocabulary) -> str | None:
    """Return an answer as the one text that v1 has: options are separated by commas."""
    if row.answer is not None:
        return row.answer
    if row.boolean_value is not None:
        return "Yes" if row.boolean_value else "No"
    options = (vocabulary.options.get(each.scorecard_question_option_id or 0) for each in chosen)
    return ", ".join(each.name for each in options if each is not None and each.name) or None
