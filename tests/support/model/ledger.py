"""The ledger and the feed in plain Python: what is stamped, what the feed contains, and what is imported.

Owns revisions and their times, the log of changes, and the effect of imports on the stored interviews. Must not use
anything of Rowen's, as Rowen is compared with it. The present is given in milliseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.support.model.lists import NEVER, ListModel, StoredRecord, milliseconds
from tests.support.model.rules import differences, json_text, renaming, time_text, with_names
from tests.support.records import Record

DAY: Final = 86_400_000
IMPORT: Final = {"kind": "import", "id": None, "name": None, "api_key": None}


class RefusedError(Exception):
    """The response to a refused command: the status, and the wrong fields."""

    def __init__(self, status: int, *fields: str) -> None:
        super().__init__(status, fields)
        self.status = status
        self.fields = sorted(fields)


class FeedEntry(NamedTuple):
    """One row of the feed without its document: `summary` is in the order in which it is served."""

    summary: Record
    document: bytes | None


@dataclass
class LedgerModel(ListModel):
    """One organization, its known records, and its changes."""

    last: int = 0
    revision: int = 0
    last_id: int = 0
    users: dict[int, Record] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)
    candidates: dict[int, int] = field(default_factory=dict)
    stages: dict[int, str] = field(default_factory=dict)
    versions: dict[tuple[str, int], int] = field(default_factory=dict)
    """When each imported record was last changed, by resource and id."""
    watched: set[int] = field(default_factory=set)
    """The interviews whose status is updated: those scheduled here, not imported ones."""
    happened: list[FeedEntry] = field(default_factory=list)

    @property
    def newest(self) -> int | None:
        """The time of the newest change."""
        return self.last

    def take_in(self, now: int, records: list[Record], *, created_through_api: bool) -> tuple[int, int]:
        """Import interviews in one batch, and return how many were new and how many changed."""
        before = dict(self.kept)
        counts = self.merge(records, created_through_api)
        if (
            counts == (0, 0) and self.kept != before
        ):  # adopted: lists of interviews that can be changed differ, documents do not
            self._stamp(now)
        if counts != (0, 0):
            written = [
                kept.record for i, kept in self.kept.items() if i not in before or kept.document != before[i].document
            ]
            self._stamp(now)
            self._append_import("scheduled_interviews", counts)
            self._advance(now, (milliseconds(each["updated_at"]) for each in written))
            self.last_id = max([self.last_id, *(each["id"] for each in written)])
            self.watched.difference_update(each["id"] for each in written)
        return counts

    def take_in_users(self, now: int, users: list[Record]) -> tuple[int, int]:
        """Import users with different ids in one batch; those with another name are renamed in every interview."""
        known = dict(self.users)
        counts = self._take_in(now, "users", users, "updated_at")
        if counts != (0, 0):
            renamed = {i: renaming(known[i], user) for i, user in self.users.items() if i in known}
            start = self.last
            for identifier in sorted(self.kept) if any(renamed.values()) else ():
                before = self.kept[identifier].record
                after = with_names(before, renamed)
                if after != before:
                    self._stamp(start)
                    self._keep(before, after, "person_renamed", IMPORT, watch=False)
            self._advance(now, (milliseconds(each["updated_at"]) for each in users))
        return counts

    def take_in_applications(self, now: int, applications: list[Record]) -> tuple[int, int]:
        """Import applications with different ids in one batch."""
        counts = self._take_in(now, "applications", applications, "last_activity_at")
        if counts != (0, 0):
            self._advance(now, (milliseconds(each["last_activity_at"]) for each in applications))
        return counts

    def take_in_stages(self, now: int, stages: list[Record]) -> tuple[int, int]:
        """Import job stages with different ids in one batch."""
        counts = self._take_in(now, "job_stages", stages, "updated_at")
        if counts != (0, 0):
            self._advance(now, (milliseconds(each["updated_at"]) for each in stages))
        return counts

    def _take_in(self, now: int, resource: str, records: list[Record], changed_at: str) -> tuple[int, int]:
        """Merge records whose versions each have their own time."""
        new = changed = 0
        for each in records:
            time = milliseconds(each[changed_at]) or 0
            known = self.versions.get((resource, each["id"]), NEVER)
            if time > known:
                new, changed = (new + 1, changed) if known == NEVER else (new, changed + 1)
                self.versions[resource, each["id"]] = time
                self._learn(resource, each)
        if (new, changed) != (0, 0):
            self._stamp(now)
            self._append_import(resource, (new, changed))
        return new, changed

    def _learn(self, resource: str, record: Record) -> None:
        identifier = record["id"]
        if resource == "users":
            self.users[identifier] = record
        elif resource == "applications":
            self.statuses[identifier] = record["status"]
            self.candidates[identifier] = record["candidate_id"]
            self.applications[identifier] = record["status"] == "active"
        else:
            self.stages |= {each["id"]: each["name"] for each in record["interviews"]}

    def feed(self, after: int, limit: int) -> bytes:
        """Return a page of the changes after a revision."""
        found = [each for each in self.happened if each.summary["revision"] > after]
        more = len(found) > limit
        page = found[:limit]
        last = page[-1].summary["revision"] if more else self.revision
        changes = b",".join(
            json_text(each.summary)[:-1] + b',"document":' + (each.document or b"null") + b"}" for each in page
        )
        return b'{"changes":[%b],"last_revision":%d,"more":%b}' % (changes, last, b"true" if more else b"false")

    def history(self, identifier: int) -> bytes:
        """Return the changes of an interview."""
        found = [each.summary for each in self.happened if each.summary["scheduled_interview_id"] == identifier]
        if not found and identifier not in self.kept:
            raise RefusedError(404)
        return json_text(found)

    def _stamp(self, now: int) -> int:
        self.revision += 1
        self.last = max(now, self.last + 1)
        return self.last

    def _advance(self, now: int, times: Iterable[int | None]) -> None:
        """Make later changes later than the imported ones, except times more than a day ahead."""
        self.last = max([self.last, *(time for time in times if time is not None and time <= now + DAY)])

    def _keep(self, before: Record | None, after: Record, kind: str, actor: Record, *, watch: bool = True) -> bytes:
        after = {**after, "updated_at": time_text(self.last)}
        document = json_text(after)
        identifier = after["id"]
        through_api = before is None or self.kept[identifier].created_through_api
        self.kept[identifier] = StoredRecord(after, document, through_api)
        if watch:
            (self.watched.add if after["status"] == "scheduled" else self.watched.discard)(identifier)
        self._append(kind, actor, identifier, differences(before, after), document)
        return document

    def _append(
        self, kind: str, actor: Record, identifier: int | None, fields: list[Record], document: bytes | None
    ) -> None:
        summary = {
            "revision": self.revision,
            "time": time_text(self.last),
            "kind": kind,
            "actor": actor,
            "scheduled_interview_id": identifier,
            "resource": "scheduled_interviews",
            "counts": None,
            "fields": fields,
        }
        self.happened.append(FeedEntry(summary, document))

    def _append_import(self, resource: str, counts: tuple[int, int]) -> None:
        self._append("imported", IMPORT, None, [], None)
        self.happened[-1].summary.update(resource=resource, counts={"new": counts[0], "changed": counts[1]})
