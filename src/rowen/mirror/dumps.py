"""Dumps: files of rows that belong together, of Harvest v3 or of an ELT connector, joined into v1 documents.

Owns which files are a dump, reading their rows into a database of their own, and writing what is joined of them. Must
not know where that database is, or where documents go.

The rows are joined in a database and not in memory: a dump may be larger than that.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from rowen.app.mirror import TARGETS, MirroredRow, Mirrors, Position
from rowen.app.organizations import Organization
from rowen.app.records import INTERVIEWS
from rowen.imports.archive_names import bare_file_name
from rowen.imports.formats.csv_tables import ROWS
from rowen.imports.formats.envelopes import describe_broken_json
from rowen.imports.formats.json_texts import may_hold_texts, without_texts
from rowen.imports.items import Batch, Source, SourceFault, SourceRecord
from rowen.imports.pipeline import Rejection
from rowen.imports.sources.files import FileSource
from rowen.interviews.moments import Clock
from rowen.mirror import elt_tables
from rowen.mirror.joiner import Joined, Joiner
from rowen.mirror.rows import KINDS, PageRows, read_page

_MARKS: Final = frozenset({elt_tables.INTERVIEWS, elt_tables.INTERVIEWERS})
"""The lists that make files of a folder a dump, if both are there: v1 has no list of interviewers."""

_LISTS: Final[Mapping[str, str]] = {name: name for name in KINDS}

_AT_ONCE: Final = 2_000
_MOST_REASONS: Final = 20
_OTHER_REASON: Final = "other reasons"


class Dump(NamedTuple):
    """A folder with files of rows, each with its list of v3.

    With `tables` they are the normalized tables of an ELT connector.
    """

    folder: str
    files: Sequence[tuple[str, FileSource]]
    tables: bool = False

    @property
    def targets(self) -> Sequence[str]:
        """Which records of ours are joined: tables of connectors hold nothing else completely."""
        return (INTERVIEWS,) if self.tables else TARGETS

    def consumes(self, source: Source) -> bool:
        """Return whether a source is not imported otherwise, too: users of connectors are complete records."""
        return any(file.name == source.name for name, file in self.files if not self.tables or name != "users")


class Divided(NamedTuple):
    """Sources that are imported as they are, and dumps."""

    others: Sequence[Source]
    dumps: Sequence[Dump]


def divide(sources: Sequence[Source]) -> Divided:
    """Find the dumps among sources: files of one folder that are named after lists of v3, or tables of a connector."""
    folders: dict[Path, list[FileSource]] = {}
    for source in sources:
        if isinstance(source, FileSource) and source.rereadable:
            folders.setdefault(Path(source.name).parent, []).append(source)
    dumps: list[Dump] = []
    for folder, files in folders.items():
        for names, tables in ((_LISTS, False), (elt_tables.TABLES, True)):
            named = [(names.get(bare_file_name(Path(each.name).name)), each) for each in files]
            found = [(name, FileSource(Path(each.name), ROWS)) for name, each in named if name is not None]
            if _MARKS.issubset(name for name, _ in found):
                dumps.append(Dump(str(folder), found, tables))
    others = [source for source in sources if not any(dump.consumes(source) for dump in dumps)]
    return Divided(others, dumps)


class JoinedSource:
    """The documents that a dump was joined into, from files in a folder of their own."""

    rereadable: Final = True
    resource: Final = None

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.skipped: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.position = 0
        self._folder = folder

    @property
    def size(self) -> int:
        """The size of the files, in bytes."""
        return sum(path.stat().st_size for path in self._folder.iterdir())

    def path(self, target: str) -> Path:
        """Return the file that holds the documents of a resource of ours, one on each line."""
        return self._folder / target

    def batches(self) -> Iterator[Batch]:
        """Yield the documents, by resource."""
        self.position = 0
        self.skipped.clear()
        self.skipped.update(self.left_out)
        for target in TARGETS:
            if not self.path(target).exists():
                continue
            with self.path(target).open("rb") as file:
                while lines := file.readlines(128 * 1024):
                    self.position += sum(map(len, lines))
                    yield [self._record(target, line.rstrip(b"\n")) for line in lines]

    def _record(self, target: str, body: bytes) -> SourceRecord:
        return SourceRecord(f"{self.name}: {target} {_identifier.decode(body).id}", 0, body, resource=target)


class _Identified(msgspec.Struct, gc=False):
    id: int


_identifier: Final = msgspec.json.Decoder(_Identified)


class _Found(NamedTuple):
    """A record of a file, and the row of v3 that it is."""

    record: SourceRecord
    row: bytes


class DumpJoiner:
    """Joins dumps by way of a database that holds nothing else; `reject` is called with each bad row."""

    def __init__(
        self, mirrors: Mirrors, organization: Organization, now: Clock, reject: Callable[[str, Rejection], None]
    ) -> None:
        self._mirrors = mirrors
        self._organization = organization
        self._now = now
        self._reject = reject
        self._joiner = Joiner(mirrors, organization)
        self._number = 0  # of the last row

    async def read(self, dump: Dump) -> None:
        """Store the rows of a dump. Raises SourceError if a file cannot be read."""
        await self._mirrors.begin(self._organization, dump.folder, self._now())
        for resource, file in dump.files:
            for items in file.batches():
                rows = self._readable(resource, self._rows(resource, items, tables=dump.tables))
                await self._put(resource, rows)
                if dump.tables and resource == elt_tables.INTERVIEWERS:
                    await self._put("scorecards", _scorecards_of(rows))

    async def _put(self, resource: str, rows: Sequence[MirroredRow]) -> None:
        await self._mirrors.put(self._organization.id, rows, Position(resource), self._now(), first=True)

    def _rows(self, resource: str, items: Batch, *, tables: bool) -> list[_Found]:
        """Return the rows of v3 in a batch, and report what is none."""
        found: list[_Found] = []
        for item in items:
            if isinstance(item, SourceFault):
                self._reject(resource, Rejection(item.place, [item.message], item.body))
            elif isinstance(item, SourceRecord):
                self._number += 1
                try:
                    body = elt_tables.row_of(resource, item.body, self._number) if tables else item.body
                except ValueError as error:
                    self._report(resource, item, describe_broken_json(item.body) or str(error))
                else:
                    if body is not None:
                        found.append(_Found(item, _with_json(resource, body)))
        return found

    def _readable(self, resource: str, found: Sequence[_Found]) -> Sequence[MirroredRow]:
        """Return all rows that can be read, and report the others."""
        try:
            page = read_page(resource, b"[%b]" % b",".join(each.row for each in found))
        except ValueError:  # of msgspec, too: there is an element that has no id, or is no object
            page = PageRows([], [])
        if len(page.rows) == len(found):
            return page.rows
        return [row for each in found for row in self._single(resource, each)]

    def _single(self, resource: str, found: _Found) -> Sequence[MirroredRow]:
        fault = describe_broken_json(found.row)
        if fault is None:
            try:
                page = read_page(resource, b"[%b]" % found.row)
            except ValueError as error:
                fault = str(error)
            else:
                if not page.unusable:
                    return page.rows
                fault = _reason(page.fault)
        self._report(resource, found.record, fault)
        return []

    def _report(self, resource: str, record: SourceRecord, fault: str) -> None:
        self._reject(resource, Rejection(record.place, [fault], record.body))

    async def join(self, targets: Sequence[str], into: JoinedSource) -> None:
        """Write all records of these resources that follow from the rows into the files of a source."""
        for target in targets:
            after = 0
            with into.path(target).open("wb") as file:
                while identifiers := await self._mirrors.own(self._organization.id, target, _AT_ONCE, after):
                    joined = await self._joiner.join(target, identifiers)
                    file.writelines(b"%b\n" % each for each in _documents(target, joined))
                    for reason in joined.left_out.values():
                        label = f"rows of {target} without a v1 form: {reason}"
                        many = len(into.left_out) >= _MOST_REASONS
                        into.left_out[f"rows of {target}: {_OTHER_REASON}" if many else label] += 1
                    after = identifiers[-1]


def _with_json(resource: str, body: bytes) -> bytes:
    """Return a row with the JSON that warehouses store as text."""
    return without_texts(body, KINDS[resource].type) if may_hold_texts(body) else body


def _reason(fault: str) -> str:
    """Return the reason in a fault of a row, with the field: one that is not of the JSON is of the last change."""
    reason = fault.partition(": ")[2]
    return reason if reason.startswith(("Expected ", "Object ")) else f"updated_at: {reason}"


def _scorecards_of(panel: Sequence[MirroredRow]) -> Sequence[MirroredRow]:
    """Return the rows of the scorecards that members of panels have submitted."""
    identifiers = {row.subject_id for row in panel if row.subject_id is not None}
    bodies = [elt_tables.completed_scorecard(each) for each in identifiers]
    return read_page("scorecards", b"[%b]" % b",".join(bodies)).rows


def _documents(target: str, joined: Joined) -> Iterator[bytes]:
    if target == INTERVIEWS:
        yield from (each.document for each in joined.drafts)
    else:
        yield from (each.document for each in joined.records.values() if each is not None and each.document)
