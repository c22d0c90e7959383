"""Dumps of Harvest v3: files of rows that belong together, joined into v1 documents.

Owns which files are a dump, reading their rows into a database of their own, and writing what is joined of them. Must
not know where that database is, or where documents go.

The rows are joined in a database and not in memory: a dump may be larger than that.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from rowen.api.codec import documents
from rowen.app.mirror import TARGETS, Mirrors, Position
from rowen.app.organizations import Organization
from rowen.app.records import INTERVIEWS
from rowen.imports.archive_names import bare_file_name
from rowen.imports.formats.envelopes import describe_broken_json
from rowen.imports.formats.json_texts import may_hold_texts, without_texts
from rowen.imports.items import Batch, Source, SourceFault, SourceRecord
from rowen.imports.pipeline import Rejection
from rowen.imports.sources.files import FileSource
from rowen.interviews.moments import Clock
from rowen.mirror.joiner import Joined, Joiner
from rowen.mirror.rows import KINDS, PageRows, read_page

_MARKS: Final = frozenset({"interviews", "interviewers"})
"""The files that make others of their folder a dump: no list of Harvest v1 is named `interviewers`."""

_AT_ONCE: Final = 2_000
_MOST_REASONS: Final = 20
_OTHER_REASON: Final = "other reasons"


class Dump(NamedTuple):
    """A folder with files of rows, each with its resource."""

    folder: str
    files: Sequence[tuple[str, FileSource]]


class Divided(NamedTuple):
    """Sources that are imported as they are, and dumps."""

    others: Sequence[Source]
    dumps: Sequence[Dump]


def divide(sources: Sequence[Source]) -> Divided:
    """Find the dumps among sources: files of one folder named after lists of v3, interviews and interviewers too."""
    folders: dict[Path, list[tuple[str, FileSource]]] = {}
    for source in sources:
        if isinstance(source, FileSource) and source.rereadable:
            path = Path(source.name)
            resource = bare_file_name(path.name)
            if resource in KINDS:
                folders.setdefault(path.parent, []).append((resource, source))
    dumps = [
        Dump(str(folder), files)
        for folder, files in folders.items()
        if _MARKS.issubset(resource for resource, _ in files)
    ]
    taken = {id(source) for dump in dumps for _, source in dump.files}
    return Divided([source for source in sources if id(source) not in taken], dumps)


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
            with self.path(target).open("rb") as file:
                while lines := file.readlines(128 * 1024):
                    self.position += sum(map(len, lines))
                    yield [self._record(target, line.rstrip(b"\n")) for line in lines]

    def _record(self, target: str, body: bytes) -> SourceRecord:
        return SourceRecord(f"{self.name}: {target} {_identifier.decode(body).id}", 0, body, resource=target)


class _Identified(msgspec.Struct, gc=False):
    id: int


_identifier: Final = msgspec.json.Decoder(_Identified)


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

    async def read(self, dump: Dump) -> None:
        """Store the rows of a dump. Raises SourceError if a file cannot be read."""
        await self._mirrors.begin(self._organization, dump.folder, self._now())
        for resource, file in dump.files:
            for items in file.batches():
                await self._put(resource, items)

    async def _put(self, resource: str, items: Batch) -> None:
        found: list[SourceRecord] = []
        for item in items:
            if isinstance(item, SourceFault):
                self._reject(resource, Rejection(item.place, [item.message], item.body))
            elif isinstance(item, SourceRecord):
                found.append(_with_json(resource, item))
        page = self._page(resource, found)
        await self._mirrors.put(self._organization.id, page.rows, Position(resource), self._now())

    def _page(self, resource: str, found: Sequence[SourceRecord]) -> PageRows:
        """Return all rows that can be read, and report the others."""
        try:
            page = read_page(resource, b"[%b]" % b",".join(each.body for each in found))
        except ValueError:  # of msgspec, too: there is an element that has no id, or is no object
            page = PageRows([], [])
        if len(page.rows) == len(found):
            return page
        singles = [self._single(resource, each) for each in found]
        rows = [row for single in singles for row in single.rows]
        return PageRows(rows, [row.id for row in rows])

    def _single(self, resource: str, record: SourceRecord) -> PageRows:
        fault = describe_broken_json(record.body)
        if fault is None:
            try:
                page = read_page(resource, b"[%b]" % record.body)
            except ValueError as error:
                fault = f"{resource}: {error}"
            else:
                if not page.unusable:
                    return page
                fault = page.fault
        self._reject(resource, Rejection(record.place, [fault], record.body))
        return PageRows([], [])

    async def join(self, into: JoinedSource) -> None:
        """Write everything that follows from the rows into the files of a source."""
        for target in TARGETS:
            after = 0
            with into.path(target).open("wb") as file:
                while pending := await self._mirrors.pending(self._organization.id, target, _AT_ONCE, after):
                    joined = await self._joiner.join(target, [each.id for each in pending])
                    file.writelines(b"%b\n" % each for each in _documents(target, joined))
                    for reason in joined.left_out.values():
                        label = f"rows of {target} without a v1 form: {reason}"
                        many = len(into.left_out) >= _MOST_REASONS
                        into.left_out[f"rows of {target}: {_OTHER_REASON}" if many else label] += 1
                    after = pending[-1].id


def _with_json(resource: str, item: SourceRecord) -> SourceRecord:
    """Return a row with the JSON that warehouses store as text."""
    if not may_hold_texts(item.body):
        return item
    return msgspec.structs.replace(item, body=without_texts(item.body, KINDS[resource].type))


def _documents(target: str, joined: Joined) -> Iterator[bytes]:
    if target == INTERVIEWS:
        yield from (documents.encode(each) for each in joined.interviews.values() if each is not None)
    else:
        yield from (each.document for each in joined.records.values() if each is not None and each.document)
