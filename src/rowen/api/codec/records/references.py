"""What a stored document refers to: people, candidates, interviews.

Owns reading these parts of a document. Must not know how documents are made.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from rowen.api.codec.records.shape import Json
from rowen.interviews.interview import InterviewReference
from rowen.interviews.people import User

_TEAM: Final = ("hiring_managers", "recruiters", "coordinators", "sourcers")
_PERSON_FIELDS: Final = ("interviewer", "submitted_by", "recruiter", "coordinator", "credited_to")


class _Candidate(msgspec.Struct):
    candidate_id: int | None = None


class _Stage(msgspec.Struct):
    interviews: list[InterviewReference] = []


_users: Final = msgspec.json.Decoder(User)
_candidates: Final = msgspec.json.Decoder(_Candidate)
_stages: Final = msgspec.json.Decoder(_Stage)


def user(document: bytes) -> User:
    """Decode a user's document."""
    return _users.decode(document)


def candidate_id(document: bytes) -> int | None:
    """Return the candidate of an application's document, where it names one."""
    return _candidates.decode(document).candidate_id


def interviews(document: bytes) -> Sequence[InterviewReference]:
    """Return the interviews of a job stage's document."""
    return _stages.decode(document).interviews


def people(document: bytes) -> Iterator[int]:
    """Yield the ids of the users that the document of a record names, other than a user's.

    Values of other shapes than the reference has name none.
    """
    record: Json = msgspec.json.decode(document)
    named = [part.get(name) for part in (record, *_dictionaries(record.get("applications"))) for name in _PERSON_FIELDS]
    for interview in _dictionaries(record.get("interviews")):
        named += _dictionaries(interview.get("default_interviewer_users"))
    team = record.get("hiring_team") or {}
    for group in _TEAM:
        named += _dictionaries(team.get(group))
    for member in _dictionaries(record.get("members")):  # of a pool
        if isinstance(member.get("user_id"), int):
            yield member["user_id"]
    for person in _dictionaries(named):
        if isinstance(person.get("id"), int):
            yield person["id"]


def _dictionaries(value: Any) -> Iterator[Json]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
