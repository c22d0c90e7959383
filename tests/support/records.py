"""Interview records for tests, in the form that Harvest serves."""

from pathlib import Path
from typing import Any

import msgspec

Record = dict[str, Any]


def record(identifier: int, **changes: Any) -> Record:
    """Return a complete record; `changes` replace its fields."""
    return {
        "id": identifier,
        "application_id": 1000 + identifier % 7,
        "external_event_id": f"event-{identifier}",
        "start": {"date_time": "2024-03-26T22:15:00.000Z"},
        "end": {"date_time": "2024-03-26T22:30:00.000Z"},
        "location": "Big Conference Room",
        "video_conferencing_url": None,
        "status": "awaiting_feedback",
        "created_at": "2024-02-10T14:31:51.019Z",
        "updated_at": "2024-05-23T20:43:11.679Z",
        "interview": {"id": 7001, "name": "Culture Fit"},
        "organizer": {
            "id": 2000,
            "first_name": "Jack",
            "last_name": "Shepard",
            "name": "Jack Shepard",
            "employee_id": "12345",
        },
        "interviewers": [
            {
                "id": 4080,
                "employee_id": "employee123",
                "name": "Kate Austen",
                "email": "kate.austen@example.com",
                "response_status": "needs_action",
                "scorecard_id": 11274,
            }
        ],
        **changes,
    }


def canonical(found: Record) -> bytes:
    """Return a record as Rowen serves it."""
    return msgspec.json.encode(found)


def write_json_lines(path: Path, records: list[Record]) -> Path:
    """Write records as JSON Lines."""
    path.write_bytes(b"".join(canonical(each) + b"\n" for each in records))
    return path
