"""The ledger and the feed in plain Python: what is stamped, what is told, and what is imported.

Owns revisions and their times, the log of what happened, and what imports make of the interviews that are there. Must
not use anything of Rowen's: it is what Rowen is compared with. The present is given in milliseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.property.model import NEVER, Kept, Model, milliseconds
from tests.property.rules import differences, json_text, renaming, time_text, with_names
from tests.support.records import Record

YEAR: Final = 366 * 86_400_000
IMPORT: Final = {"kind": "import", "id": None, "name": None, "api_key": None}


class Refused(Exception):  # noqa: N818  (an answer, not a fault)
    """What a command is answered that is not carried out: the status, and the fields that are wrong."""

    def __init__(self, status: int, *fields: str) -> None:
        super().__init__(status, fields)
        self.status = status
        self.fields = sorted(fields)


class Happening(NamedTuple):
    """One row of the feed, but for its document: `summary` in the order in which it is served."""

    summary: Record
    document: bytes | None


@dataclass
class Ledger(Model):
    """One organization, what is known in it, and what happened."""

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
    """The interviews that the clock looks at: those scheduled here; it leaves imported ones alone."""
    happened: list[Happening] = field(default_factory=list)

    @property
    def newest(self) -> int | None:
        """When the newest change was made."""
        return self.last

    def take_in(self, now: int, records: list[Record], *, created_through_api: bool) -> tuple[int, int]:
        """Import interviews in one batch, and return how many were new and how many changed."""
        before = dict(self.kept)
        counts = self.merge(records, created_through_api)
        if counts != (0, 0):
            written = [kept.record for i, kept in self.kept.items() if kept is not before.get(i)]
            self._stamp(now)
            self._tell_import("scheduled_interviews", counts)
            self._advance(now, (milliseconds(each["updated_at"]) for each in written))
            self.last_id = max([self.last_id, *(each["id"] for each in written)])
            self.watched.difference_update(each["id"] for each in written)
        return counts

    def take_in_users(self, now: int, users: list[Record]) -> tuple[int, int]:
        """Import users of different ids in one batch; those with another name are renamed in every interview."""
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
        """Import applications of different ids in one batch."""
        counts = self._take_in(now, "applications", applications, "last_activity_at")
        if counts != (0, 0):
            self._advance(now, (milliseconds(each["last_activity_at"]) for each in applications))
        return counts

    def take_in_stages(self, now: int, stages: list[Record]) -> tuple[int, int]:
        """Import job stages of different ids in one batch."""
        counts = self._take_in(now, "job_stages", stages, "updated_at")
        if counts != (0, 0):
            self._advance(now, (milliseconds(each["updated_at"]) for each in stages))
        return counts

    def _take_in(self, now: int, resource: str, records: list[Record], changed_at: str) -> tuple[int, int]:
        """Merge records of which each version has a time of its own."""
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
            self._tell_import(resource, (new, changed))
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
        """Return a page of what happened behind a revision."""
        found = [each for each in self.happened if each.summary["revision"] > after]
        more = len(found) > limit
        page = found[:limit]
        last = page[-1].summary["revision"] if more else self.revision
        changes = b",".join(
            json_text(each.summary)[:-1] + b',"document":' + (each.document or b"null") + b"}" for each in page
        )
        return b'{"changes":[%b],"last_revision":%d,"more":%b}' % (changes, last, b"true" if more else b"false")

    def history(self, identifier: int) -> bytes:
        """Return what happened to an interview."""
        found = [each.summary for each in self.happened if each.summary["scheduled_interview_id"] == identifier]
        if not found and identifier not in self.kept:
            raise Refused(404)
        return json_text(found)

    def _stamp(self, now: int) -> int:
        self.revision += 1
        self.last = max(now, self.last + 1)
        return self.last

    def _advance(self, now: int, times: Iterable[int | None]) -> None:
        """Let what is stamped later be later than what was imported, but for times that are a year ahead."""
        self.last = max([self.last, *(time for time in times if time is not None and time < now + YEAR)])

    def _keep(self, before: Record | None, after: Record, kind: str, actor: Record, *, watch: bool = True) -> bytes:
        after = {**after, "updated_at": time_text(self.last)}
        document = json_text(after)
        identifier = after["id"]
        through_api = before is None or self.kept[identifier].created_through_api
        self.kept[identifier] = Kept(after, document, through_api)
        if watch:
            (self.watched.add if after["status"] == "scheduled" else self.watched.discard)(identifier)
        self._tell(kind, actor, identifier, differences(before, after), document)
        return document

    def _tell(
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
        self.happened.append(Happening(summary, document))

    def _tell_import(self, resource: str, counts: tuple[int, int]) -> None:
        self._tell("imported", IMPORT, None, [], None)
        self.happened[-1].summary.update(resource=resource, counts={"new": counts[0], "changed": counts[1]})
