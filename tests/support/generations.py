"""Interviews of v1 and their rows in v3, compared.

Owns what "never disagree" means, field by field, and that the rows of interviewers keep their ids. Must not know how
either was read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tests.support.records import Record

_EQUAL: Final = ("id", "application_id", "external_event_id", "location", "video_conferencing_url", "status")
_OF_SEAT: Final = ("email", "response_status", "scorecard_id")

Member = tuple[int, Any]
"""The interview, and the id of a user or the folded address of a guest."""


def compare(older: Mapping[int, Record], rows: Iterable[Record], interviewers: Iterable[Record]) -> dict[int, Member]:
    """Assert that v1's interviews, by id, are the rows of v3; return the members of panels by the ids of their rows."""
    by_id = {row["id"]: row for row in rows}
    assert by_id.keys() == older.keys()
    panels: dict[int, list[Record]] = {identifier: [] for identifier in older}
    for row in interviewers:
        assert row["created_at"]
        assert row["updated_at"]
        panels[row["interview_id"]].append(row)
    members: dict[int, Member] = {}
    for identifier, first in older.items():
        panel = sorted(panels[identifier], key=lambda row: int(row["id"]))
        _compare_one(first, by_id[identifier], panel)
        members.update({row["id"]: _member(identifier, row["user_id"], row["email"]) for row in panel})
    return members


def compare_rows(before: Mapping[int, Member], after: Mapping[int, Member], last: int) -> None:
    """Assert that members who stay keep their rows, and that the ids of new rows are greater than `last`."""
    stayed = Counter(before.values()) & Counter(after.values())
    kept = [member for row, member in after.items() if row in before]
    assert all(before[row] == member for row, member in after.items() if row in before)
    assert Counter(kept) == stayed
    assert all(row > last for row in after if row not in before)


def _member(interview: int, user: int | None, email: str | None) -> Member:
    return interview, user if user is not None else str(email).strip().casefold()


def _compare_one(first: Record, row: Record, panel: Sequence[Record]) -> None:
    for name in _EQUAL:
        assert row[name] == first[name], name
    for name, other in (("created_at", "updated_at"), ("updated_at", "created_at")):
        wanted = first[name] or first[other]
        assert row[name] == wanted if wanted else row[name]
    for end in ("start", "end"):
        assert (row[f"{end}s_at"], row[f"all_day_{end}_on"]) == (first[end].get("date_time"), first[end].get("date"))
    for name, older in (("job_interview_id", "interview"), ("organizer_id", "organizer")):
        assert row[name] == (first[older] and first[older]["id"]), name
    assert row["interviewer_ids"] == [each["id"] for each in panel]
    seats = [(each["user_id"], *(each[name] for name in _OF_SEAT)) for each in panel]
    wanted_seats = [(each["id"], *(each[name] for name in _OF_SEAT)) for each in first["interviewers"]]
    assert sorted(seats, key=repr) == sorted(wanted_seats, key=repr)
