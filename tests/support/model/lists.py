"""The schedule in plain Python: the API's responses according to the contract.

Owns records in a dictionary, filters as comparisons, pages as slices, links as text. Must not use anything of Rowen's
except its names, as Rowen is compared with it.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from tests.support.records import Record

EPOCH: Final = datetime(1970, 1, 1)
NEVER: Final = -(2**63)
SIDES: Final = ("after", "before")


def milliseconds(text: str | None) -> int | None:
    """Read a timestamp of a document."""
    if text is None:
        return None
    return (datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ") - EPOCH) // timedelta(milliseconds=1)


class StoredRecord(NamedTuple):
    """A record that is stored, and whether it was created through the API."""

    record: Record
    document: bytes
    created_through_api: bool


class Expected(NamedTuple):
    """An expected response; `link` is the header's text, None for no header."""

    status: int
    body: bytes | None
    link: str | None


@dataclass
class ListModel:
    """One organization."""

    zone: ZoneInfo
    kept: dict[int, StoredRecord] = field(default_factory=dict)
    applications: dict[int, bool] = field(default_factory=dict)

    def merge(self, records: list[Record], created_through_api: bool) -> tuple[int, int]:
        """Merge records one by one, and return how many were new and how many changed."""
        before = dict(self.kept)
        for record in records:
            self.applications.setdefault(record["application_id"], True)
            document = msgspec.json.encode(record)
            rival = self.kept.get(record["id"])
            through_api = created_through_api or (rival is not None and rival.created_through_api)
            if rival is None or rank(record, document) > rank(rival.record, rival.document):
                self.kept[record["id"]] = StoredRecord(record, document, through_api)
            elif rival.created_through_api != through_api:
                self.kept[record["id"]] = rival._replace(created_through_api=through_api)
        new = self.kept.keys() - before.keys()
        changed = [i for i in before if self.kept[i].document != before[i].document]
        return len(new), len(changed)

    def begins(self, moment: dict[str, str]) -> int:
        """Return the instant of a start or end; a date is its midnight."""
        if "date_time" in moment:
            return milliseconds(moment["date_time"]) or 0
        day = date.fromisoformat(moment["date"])
        return round(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp() * 1000)

    def matches(self, kept: StoredRecord, filters: dict[str, Any]) -> bool:
        """Return whether a record meets every filter; times are given in microseconds."""
        record = kept.record
        times = {
            "created": milliseconds(record["created_at"]),
            "updated": milliseconds(record["updated_at"]),
            "starts": self.begins(record["start"]),
            "ends": self.begins(record["end"]),
        }
        for name, wanted in filters.items():
            what, _, side = name.rpartition("_")
            if side in SIDES:
                value = times[what]
                if value is None or (value * 1000 >= wanted) != (side == "after"):
                    return False
            elif name == "actionable":
                open_still = record["status"] != "complete" and self.applications[record["application_id"]]
                if wanted and not (kept.created_through_api and open_still):
                    return False
            elif record[name] != wanted:
                return False
        return True

    def listed(self, request: "ListRequest", url: str) -> Expected:
        """Return the expected response of a list."""
        if request.application is not None and request.application not in self.applications:
            return Expected(404, b'{"message":"Resource not found"}', None)
        filters = dict(request.filters)
        if request.application is not None:
            filters["application_id"] = request.application
        found = sorted(i for i, kept in self.kept.items() if self.matches(kept, filters))
        behind = found[(request.page - 1) * request.size :]
        if request.after is not None:
            behind = [i for i in found if i > request.after]
        rows = behind[: request.size]
        body = b"[" + b",".join(self.kept[i].document for i in rows) + b"]"
        as_of = self.newest if "updated_after" in filters else None
        return Expected(
            200, body, links(request, url, len(found), rows[-1] if len(behind) > len(rows) else None, as_of)
        )

    @property
    def newest(self) -> int | None:
        """The time of the newest change, which the next page of a sync carries; None if that is not modelled."""
        return None


class ListRequest(NamedTuple):
    """A list's request: `echo` is its query without paging, as written; times in `filters` are microseconds."""

    application: int | None
    filters: dict[str, Any]
    echo: tuple[str, ...]
    page: int = 1
    size: int = 100
    after: int | None = None
    counted: bool = True

    @property
    def path(self) -> str:
        """The requested path."""
        of = "" if self.application is None else f"/applications/{self.application}"
        return f"/v1{of}/scheduled_interviews"

    @property
    def target(self) -> str:
        """The requested path and query."""
        paging = [f"page={self.page}"] * (self.page != 1) + [f"per_page={self.size}"] * (self.size != 100)
        paging += [f"after={self.after}"] * (self.after is not None)
        query = "&".join([*self.echo, *paging])
        return f"{self.path}?{query}" if query else self.path


def links(request: ListRequest, url: str, total: int, following: int | None, as_of: int | None) -> str | None:
    """Return the header of a page according to the contract; the next page begins after the id `following`."""
    last = -(-total // request.size)
    start = f"{url}{request.path}?" + "".join(f"{part}&" for part in request.echo)

    def link(relation: str, page: int, further: str = "") -> str:
        return f'<{start}page={page}&per_page={request.size}{further}>; rel="{relation}"'

    found = []
    if following is not None:
        bound = "" if as_of is None else f"&as_of={as_of}"
        found.append(link("next", request.page + 1, f"&after={following}{bound}"))
    if request.page > 1:
        found.append(link("prev", min(request.page - 1, last) if request.counted else request.page - 1))
    if request.counted:
        found.append(link("last", last))
        if last <= 1 and following is None:
            return None
    return ",".join(found) or None


def rank(record: Record, document: bytes) -> tuple[int, bytes]:
    """Return a key that orders the records of one id: the newer is greater; if equally new, the greater text."""
    updated_at = milliseconds(record["updated_at"])
    return (NEVER if updated_at is None else updated_at, document)


def written(name: str, value: str) -> str:
    """Return a parameter as a careful client writes it."""
    return f"{quote(name, safe='')}={quote(value, safe='')}"
