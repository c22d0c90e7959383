"""A database with rows of every kind, and the content of a database.

Owns values that engines store in different ways: booleans, bytes, text beyond ASCII in the order of its bytes, numbers
beyond 32 bits and below zero, and nulls. The database passes `rowen db check`.
"""

from collections.abc import Iterator
from typing import Any, Final

from rowen.interviews.changes import FieldChange, Kind
from rowen.store.transfer import COPIED
from tests.support.harness import SampleChange, opened
from tests.support.records import Record, record
from tests.support.sql import fetch

ORGANIZATIONS: Final = ("lisbon", "Zürich", "ålesund", "\N{REPLACEMENT CHARACTER}", "😀")
"""In the order of their bytes, which differs from that of any language and from that of 16-bit units."""

Rows = dict[str, list[tuple[Any, ...]]]

_LARGEST: Final = 2**53 - 1
_BYTES: Final = bytes(range(256))


def fill(database: str, interviews: int = 40) -> None:
    """Put rows of every kind into a database, and `interviews` interviews into each organization."""
    with opened(database) as harness:
        tenants = [harness.tenant(name, "Pacific/Auckland") for name in ORGANIZATIONS]
        tenants[0].revoke("test")
        for tenant in tenants:
            tenant.merge(_interviews(interviews))
            tenant.merge([record(_LARGEST, external_event_id="😀")], created_through_api=True)
            tenant.merge_records("users", [_user(4080), _user(_LARGEST)])
            tenant.merge_records("candidates", [{"id": _LARGEST, "email_addresses": [{"value": "Ö@example.com"}]}])
            tenant.merge_records("jobs", [{"id": _LARGEST, "requisition_id": "😀", "departments": [None]}])
            tenant.merge_records("offers", [{"id": _LARGEST, "version": 1.5, "note": "ö", "application_id": 7}])
            field = FieldChange("location", None, "ü")
            tenant.log_changes(SampleChange(Kind.CANCELLED, 12, '{"id":12,"ö":null}'.encode(), [field]))
    for tenant in tenants:
        for table, values in (*_others(tenant.organization.id), *_busy_sources(tenant.organization.id)):
            marks = ", ".join("?" * len(values))
            fetch(database, f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", *values.values())


def rows_of(database: str) -> Rows:
    """Return all that a copy must contain: by table, its rows in the order of their keys."""
    found: Rows = {}
    for table in COPIED:
        columns = ", ".join(table.columns.keys())
        found[table.name] = sorted(fetch(database, f"SELECT {columns} FROM {table.name}"), key=_key)
    return found


def _key(row: tuple[Any, ...]) -> list[tuple[bool, Any]]:
    return [(value is not None, value) for value in row]


def _interviews(count: int) -> Iterator[Record]:
    for number in range(1, count + 1):
        guest = {"id": None, "employee_id": None, "name": None, "email": f"guest{number}@example.com"}
        seats = [*record(number)["interviewers"], {**guest, "response_status": "accepted", "scorecard_id": None}]
        yield record(
            number * 1_000_000_007,
            external_event_id=None if number % 3 == 0 else f"größe {number}",
            updated_at=None if number % 5 == 0 else "2024-05-23T20:43:11.679Z",
            interviewers=seats,
        )


def _user(identifier: int) -> Record:
    addresses = [f"{letter}@example.com" for letter in ("\N{REPLACEMENT CHARACTER}", "😀", "Z", "a")]
    return {"id": identifier, "first_name": "Łukasz", "last_name": "Żółć", "emails": addresses}


def _busy_sources(organization: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield sources of busy times, each with its table."""
    for source, url, read_at in (("größe", None, 2**41), ("https", "https://ö.example/a.ics", None)):
        shown = {"user_id": _LARGEST, "source": source, "read_at": read_at, "url": url}
        polled = {"next_read_at": url and 2**41, "etag": url, "last_modified": url, "failures": 2, "error": url}
        kept = {"windows": _BYTES, "busy": b""}
        yield "busy_sources", {"organization_id": organization, **shown, **polled, **kept}


def _others(organization: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield rows that only servers write, each with its table."""
    one: dict[str, Any] = {"organization_id": organization}
    for hook, enabled, reason in ((1, True, None), (2, False, "gone: 410")):
        until = None if enabled else 2**41
        hidden = {"secret": "whsec_ü", "previous_secret": reason, "previous_secret_until": until}
        shown = {"id": hook, "url": "https://ö.example/", "actions": "", "enabled": enabled, "reason": reason}
        yield "webhooks", {**one, **shown, **hidden, "created_at": 2**40, "allowed_host": reason and "ö.example"}
        for state, status in (("pending", None), ("delivered", 204), ("failed", 503)):
            event = {"webhook_id": hook, "revision": 1, "action": state, "event_id": f"event {state}", "state": state}
            tried = {"attempts": 3, "next_attempt_at": 2**41, "last_status": status, "last_error": reason}
            answered = {"last_attempt_at": status and 2**41, "last_answer": status and _BYTES}
            kept = {"created_at": 2**40, "settled_at": status, "body": _BYTES}
            yield "deliveries", {**one, **event, **tried, **kept, **answered}
    times = {"started_at": 2**40, "loaded_at": None, "followed_at": 2**41, "error": "größe", "error_at": 2**41}
    yield (
        "mirrors",
        {**one, "source": "https://ö.example/v3", **times, "counters": b'{"rows":1}', "write_through": True},
    )
    for state, ended in (("in_doubt", None), ("stored", 2**41)):
        asked = {"id": f"größe {state}", "state": state, "event_id": "ö", "request": _BYTES, "queued_at": 2**40}
        told = {"expires_at": 2**41, "sent_at": ended, "attempts": 1, "interview_id": ended, "failure": b"{}"}
        yield "account_writes", {**one, **asked, **told, "ended_at": ended}
    swept = {"newest": 2**41, "sweep_cursor": None, "sweep_above": 2**53, "swept_at": None, "held": 2}
    for resource, loaded in (("interviews", True), ("users", False)):
        yield "mirror_positions", {**one, "resource": resource, "cursor": "ä=", "loaded": loaded, **swept}
        for identifier, parent in ((1, None), (_LARGEST, 7)):
            links = {"parent_id": parent, "person_id": None, "subject_id": parent, "other_person_id": parent}
            yield (
                "mirror_rows",
                {**one, "resource": resource, "id": identifier, "updated_at": -1, "document": _BYTES, **links},
            )
            yield "mirror_pending", {**one, "resource": resource, "id": identifier, "marked_at": 2**41}
    for client, user, revoked in ((1, None, None), (2, 2**53 - 1, 2**41)):
        digests = {"secret_digest": _BYTES, "refresh_digest": b"\0", "signing_key": _BYTES[::-1]}
        shown = {"id": client, "name": f"größe {client}", "client_id": f"{organization}-{client}", "scopes": "a b"}
        times = {"created_at": 2**40, "last_used_at": revoked, "revoked_at": revoked}
        yield "clients", {**one, **shown, **digests, "user_id": user, **times}
    for calendar, kind, subject in ((1, "organization", None), (2, "user", _LARGEST)):
        shown = {"id": calendar, "kind": kind, "subject_id": subject, "digest": f"{organization} {kind}".encode()}
        yield "calendars", {**one, **shown, "created_at": 2**40, "last_used_at": subject}
    for person, role, revoked in ((1, "admin", None), (2, "interviewer", 2**41)):
        yield (
            "people",
            {**one, "id": person, "user_id": person, "role": role, "created_at": 2**40, "revoked_at": revoked},
        )
        secret = {"digest": _BYTES + bytes([person]), "person_id": person, "created_at": 2**40}
        yield "sign_in_links", {**one, **secret, "expires_at": 2**41, "used_at": revoked}
        provided = {"confirmed_at": revoked, "asked_at": revoked, "held_grant": revoked and _BYTES}
        yield "sessions", {**one, **secret, **provided, "used_at": 2**41}
    for key in ("", "a", "B", "ä", "\N{REPLACEMENT CHARACTER}", "😀"):
        kept = {"fingerprint": _BYTES, "created_at": 2**40, "answer": b""}
        yield "idempotency_keys", {**one, "api_key_id": 1, "key": key, **kept}
        yield "import_positions", {**one, "source": f"https://{key}", "next": f"page {key}"}
