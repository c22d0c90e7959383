"""The rows of Harvest v3, made of the documents of v1: interviews, records, and candidates with jobs."""

from collections.abc import Mapping
from typing import Final

import msgspec

from rowen.api.codec.v3.interviews import InterviewerRow, InterviewRow, interviewers, interviews, stored_interviews
from rowen.api.codec.v3.matching import matching
from rowen.api.codec.v3.records import ROWS, records
from rowen.api.codec.v3.rows import encode
from rowen.app.rows import INTERVIEWERS, INTERVIEWS

__all__ = ["KINDS", "encode", "interviewers", "interviews", "matching", "records", "stored_interviews"]

KINDS: Final[Mapping[str, type[msgspec.Struct]]] = {
    INTERVIEWS: InterviewRow,
    INTERVIEWERS: InterviewerRow,
    **{name: declared.kind for name, declared in ROWS.items()},
}
"""The type of the rows of each list that is held, by name."""
