"""Importing: from the records of a source to merged interviews, users, applications, job stages and scorecards.

Owns the order of things: a file is checked whole before anything of it is written; a stream goes batch by
batch; a server page by page, its position kept with its records. Must not know SQL or what a terminal shows.
"""

import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from rowen.app.ports import Draft, ImportPosition, MergeCounts, RecordDraft
from rowen.app.records import INTERVIEWS
from rowen.exchange.errors import SpoolUnwritable
from rowen.exchange.records import Checkpoint, Source, SourceFault, SourceRecord
from rowen.harvest import resources
from rowen.harvest.documents import InvalidDocument, decode, draft, unknown

BATCH: Final = 10_000
_MOST_UNKNOWN: Final = 200  # unknown fields that are told one by one
_OTHERS: Final = "(others)"


class Rejection(NamedTuple):
    """A record that cannot be imported: where it stands, every reason, and its bytes as they were."""

    place: str
    reasons: list[str]
    body: bytes


class PreparedBatch(NamedTuple):
    """Interviews and other records ready to be merged, and the server's position behind them, if they came from one."""

    drafts: list[Draft]
    records: list[RecordDraft]
    checkpoint: Checkpoint | None = None

    @property
    def size(self) -> int:
        """How many records it holds."""
        return len(self.drafts) + len(self.records)


@dataclass(slots=True)
class ImportReport:
    """What came of an import."""

    read: int = 0
    rejected: int = 0
    counts: MergeCounts = field(default_factory=MergeCounts)
    unknown: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    stopped: list[str] = field(default_factory=list)
    """The sources that were not imported to their end, by name."""


Merge = Callable[[PreparedBatch, str], Awaitable[MergeCounts]]
"""Merges a batch of the source of that name."""


class Step(NamedTuple):
    """How far an import is: what it does, to which source, and how much of how much is done (None: not known).

    `records` counts the records so far.
    """

    doing: str
    source: str
    done: int
    total: int | None
    records: int


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How to import: the organization's time zone, and whether bad records are passed over.

    `resource` says what all records are, by its name in a URL; None lets sources and shapes tell. `merge` writes (or,
    in a dry run, only counts), `reject` is told of each bad record, `progress` of each step. `spool_folder` has room
    for a checked file until it is written.
    """

    zone: tzinfo
    keep_going: bool
    merge: Merge
    reject: Callable[[Rejection], None]
    progress: Callable[["Step"], None]
    spool_folder: Path
    resource: str | None = None


async def import_source(plan: ImportPlan, source: Source, report: ImportReport) -> None:
    """Import one source, adding to the report. Raises SourceError where it cannot be read at all."""
    rejected_before = report.rejected
    read_before = report.read
    prepared = _prepare(plan, source, report)
    if source.rereadable and not plan.keep_going:
        with _spool(plan.spool_folder) as spool:
            complete = _check(plan, source, prepared, report, spool)
            if complete:
                await _write(plan, source, report.read - read_before, report, spool)
    else:
        complete = True
        for batch in prepared:
            if report.rejected > rejected_before and not plan.keep_going:
                complete = False
                break
            report.counts.add(await plan.merge(batch, source.name))
            plan.progress(Step("Importing", source.name, source.position, source.size, report.read))
        complete = complete and (plan.keep_going or report.rejected == rejected_before)
    report.passed_over.update(source.passed_over)
    if not complete:
        report.stopped.append(source.name)


@contextmanager
def _spool(folder: Path) -> Iterator[BinaryIO]:
    """Open where a checked file is kept until it is written. Raises SpoolUnwritable."""
    try:
        with tempfile.TemporaryFile(dir=folder) as spool:
            yield spool
    except BrokenPipeError:  # not the spool's: whoever follows the progress has gone
        raise
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SpoolUnwritable(f"{folder}: what was checked cannot be kept here until it is written: {why}") from error


def _check(
    plan: ImportPlan, source: Source, prepared: Iterator[PreparedBatch], report: ImportReport, spool: BinaryIO
) -> bool:
    """Read a file to its end, keeping what is ready to be written; return whether all of it is good."""
    rejected_before = report.rejected
    for batch in prepared:
        if report.rejected == rejected_before:
            frame = _encoder.encode((batch.drafts, batch.records))
            spool.write(len(frame).to_bytes(_FRAME_BYTES, "big"))
            spool.write(frame)
        plan.progress(Step("Checking", source.name, source.position, source.size, report.read))
    spool.seek(0)
    return report.rejected == rejected_before


async def _write(plan: ImportPlan, source: Source, total: int, report: ImportReport, spool: BinaryIO) -> None:
    """Write what has been checked."""
    done = 0
    while header := spool.read(_FRAME_BYTES):
        batch = PreparedBatch(*_decoder.decode(spool.read(int.from_bytes(header, "big"))))
        report.counts.add(await plan.merge(batch, source.name))
        done += batch.size
        plan.progress(Step("Writing", source.name, done, total, done))


_FRAME_BYTES: Final = 8
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(tuple[list[Draft], list[RecordDraft]])


def _prepare(plan: ImportPlan, source: Source, report: ImportReport) -> Iterator[PreparedBatch]:
    """Decode and check a source's records; what is bad goes to `plan.reject` and is not in the batches."""
    reading = _Reading(plan, plan.resource or source.resource, report)
    batch = PreparedBatch([], [])
    for items in source.batches():
        checkpoint: Checkpoint | None = None
        for item in items:
            if isinstance(item, Checkpoint):
                checkpoint = item
            else:
                reading.take(item, batch)
        if checkpoint is not None or batch.size >= BATCH:
            yield batch._replace(checkpoint=checkpoint)
            batch = PreparedBatch([], [])
    if batch.size:
        yield batch


class _Reading:
    """The decoding of one source: what its records are is told by the user, by the source, or by their shapes."""

    def __init__(self, plan: ImportPlan, resource: str | None, report: ImportReport) -> None:
        self._plan = plan
        self._fixed = resource is not None
        self._resource = resource or INTERVIEWS  # until a shape tells otherwise; records of a kind come together
        self._report = report

    def take(self, item: SourceRecord | SourceFault, batch: PreparedBatch) -> None:
        """Add what is to be stored of a record to a batch; tell `plan.reject` where it is bad."""
        report = self._report
        report.read += 1
        try:
            if isinstance(item, SourceFault):
                reasons = [item.message]
            else:
                self._add(item.body, batch)
                return
        except InvalidDocument as error:
            reasons = [f"{problem.field}: {problem.message}" for problem in error.problems]
        report.rejected += 1
        self._plan.reject(Rejection(item.place, reasons, item.body))

    def _add(self, body: bytes, batch: PreparedBatch) -> None:
        """Decode a record as what it is. Raises InvalidDocument."""
        if self._resource != INTERVIEWS and not self._fixed:
            self._resource = resources.told(body) or INTERVIEWS
        if self._resource == INTERVIEWS:
            try:
                made = self._interview(body)
            except InvalidDocument:
                told = None if self._fixed else resources.told(body)
                if told is None:
                    raise
                self._resource = told
            else:
                batch.drafts.append(made)
                return
        batch.records.append(resources.draft(self._resource, body))

    def _interview(self, body: bytes) -> Draft:
        made = draft(decode(body), self._plan.zone)
        unknown_fields = self._report.unknown
        for path in unknown(body, made.document):
            unknown_fields[path if len(unknown_fields) < _MOST_UNKNOWN else _OTHERS] += 1
        return made


def position_of(batch: PreparedBatch, source: str) -> ImportPosition | None:
    """Return the position that is kept with a batch of the source of that name."""
    return None if batch.checkpoint is None else ImportPosition(source, batch.checkpoint.next_url)
