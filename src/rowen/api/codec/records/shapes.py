"""The resources of records, and which of them a record belongs to.

Owns the table of resources. Must not know how a document is made of a record.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from rowen.api.codec.records import applications, candidates, job_stages, jobs, scorecards, users
from rowen.api.codec.records.shape import Shape
from rowen.app.records import APPLICATIONS, CANDIDATES, JOB_STAGES, JOBS, SCORECARDS, USERS

SHAPES: Final[Mapping[str, Shape]] = {
    USERS: users.SHAPE,
    APPLICATIONS: applications.SHAPE,
    JOB_STAGES: job_stages.SHAPE,
    SCORECARDS: scorecards.SHAPE,
    CANDIDATES: candidates.SHAPE,
    JOBS: jobs.SHAPE,
}
"""The resources, by their names in URLs."""

_OF_INTERVIEWS: Final = frozenset({"start", "end", "interviewers", "organizer", "external_event_id"})
_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def detect_resource(body: bytes) -> str | None:
    """Return the resource of a record by its keys; None for an interview and for unknown records."""
    try:
        keys = _keys.decode(body).keys()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not _OF_INTERVIEWS.isdisjoint(keys):
        return None
    likeness = {name: len(shape.marks & keys) for name, shape in SHAPES.items()}
    best = max(likeness, key=lambda name: likeness[name])
    # Other resources of an export have a job or a priority, too: offers, job posts, tasks.
    return best if likeness[best] > (best == JOB_STAGES and "interviews" not in keys) else None
