"""Importing: from the records of a source to merged interviews and other records.

Owns the order of the steps: a file is checked completely before any of it is written; a stream is imported batch by
batch; a server page by page, with its checkpoint stored along with the records. Must not know SQL or the terminal.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from rowen.api.codec import archive, records
from rowen.api.codec.documents import InvalidDocumentError, decode, draft, unknown
from rowen.app.archive import ARCHIVED
from rowen.app.imports import MergeCounts
from rowen.app.interviews import InterviewRow
from rowen.app.records import INTERVIEWS, RecordRow
from rowen.imports.batches import PreparedBatch
from rowen.imports.destination import Destination
from rowen.imports.errors import SpoolWriteError
from rowen.imports.formats.json_texts import foreign_problems, may_hold_texts, without_texts
from rowen.imports.future_times import FutureTimes
from rowen.imports.items import Checkpoint, Source, SourceFault, SourceRecord
from rowen.interviews.errors import FieldProblem
from rowen.interviews.interview import ScheduledInterview
from rowen.interviews.search_terms import LONGEST, is_too_long

BATCH: Final = 10_000
BATCH_BYTES: Final = 32 * 1024 * 1024
"""A batch ends with the record that reaches this size: ten thousand of the largest records would be 40 GB."""
UNKNOWN: Final = "unknown"
"""The resource of values that could not be read far enough to know it."""

_MOST_UNKNOWN: Final = 200  # unknown fields that are counted by name
_OTHERS: Final = "(others)"
_TOO_LONG: Final = FieldProblem("external_event_id", f"must have at most {LONGEST:,} bytes: interviews are found by it")


class Rejection(NamedTuple):
    """A record that cannot be imported: its place, every reason, and its original bytes."""

    place: str
    reasons: list[str]
    body: bytes


@dataclass(slots=True)
class Tally:
    """The counts of one resource in an import."""

    read: int = 0
    rejected: int = 0
    counts: MergeCounts = field(default_factory=MergeCounts)


@dataclass(slots=True)
class ImportReport:
    """The result of an import. `tallies` are by resource, in the order in which resources first appeared."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    stopped: list[str] = field(default_factory=list)
    """The sources that were not imported completely, by name."""
    unread: list[str] = field(default_factory=list)
    """The places in sources after which nothing could be read."""

    @property
    def read(self) -> int:
        """How many records were read."""
        return sum(tally.read for tally in self.tallies.values())

    @property
    def rejected(self) -> int:
        """How many records were rejected."""
        return sum(tally.rejected for tally in self.tallies.values())

    @property
    def interviews(self) -> MergeCounts:
        """The merge counts of interviews."""
        tally = self.tallies.get(INTERVIEWS)
        return MergeCounts() if tally is None else tally.counts

    def of(self, resource: str) -> Tally:
        """Return the tally of a resource, by its name in a URL."""
        tally = self.tallies.get(resource)
        if tally is None:
            tally = self.tallies[resource] = Tally()
        return tally


class ImportStep(NamedTuple):
    """The progress of an import: the step, the source, and how much of how much is done (None: unknown).

    `records` counts the records so far.
    """

    doing: str
    source: str
    done: int
    total: int | None
    records: int


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How to import, and into what; with `keep_going`, bad records are skipped.

    `resource` is the resource of all records, by its name in a URL; None leaves it to sources and shapes. `reject` is
    called with each bad record, `progress` with each step. `future_times` finds the times that are too far ahead; None
    accepts them.
    """

    destination: Destination
    keep_going: bool
    reject: Callable[[Rejection], None]
    progress: Callable[[ImportStep], None]
    resource: str | None = None
    future_times: FutureTimes | None = None


async def import_source(plan: ImportPlan, source: Source, report: ImportReport) -> None:
    """Import one source, adding to the report. Raises SourceError if it cannot be read at all."""
    rejected_before = report.rejected
    read_before = report.read
    prepared = _prepare(plan, source, report)
    if source.rereadable and not plan.keep_going:
        with _spool(plan.destination.spool_folder) as spool:
            complete = _check(plan, source, prepared, report, spool)
            if complete:
                await _write(plan, source, report.read - read_before, report, spool)
    else:
        complete = True
        for batch in prepared:
            if report.rejected > rejected_before and not plan.keep_going:
                complete = False
                break
            await _merge(plan, source, batch, report)
            plan.progress(ImportStep("Importing", source.name, source.position, source.size, report.read))
        complete = complete and (plan.keep_going or report.rejected == rejected_before)
    report.skipped.update(source.skipped)
    if not complete:
        report.stopped.append(source.name)


async def _merge(plan: ImportPlan, source: Source, batch: PreparedBatch, report: ImportReport) -> None:
    """Merge a batch, and add its counts to the report by resource."""
    for resource, part in batch.parts():
        counts = await plan.destination.merge(part, source.name)
        if part.size:
            report.of(resource).counts.add(counts)


@contextmanager
def _spool(folder: Path) -> Iterator[BinaryIO]:
    """Open the temporary file for records that are checked but not written yet. Raises SpoolWriteError."""
    try:
        with tempfile.TemporaryFile(dir=folder) as spool:
            yield spool
    except BrokenPipeError:  # not the spool's: the pipe that shows the progress was closed
        raise
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SpoolWriteError(f"{folder}: checked records cannot be stored here: {why}") from error


def _check(
    plan: ImportPlan, source: Source, prepared: Iterator[PreparedBatch], report: ImportReport, spool: BinaryIO
) -> bool:
    """Read a file to its end, spooling its records; return whether all of them are good."""
    rejected_before = report.rejected
    for batch in prepared:
        if report.rejected == rejected_before:
            frame = _encoder.encode((batch.drafts, batch.records))
            spool.write(len(frame).to_bytes(_FRAME_BYTES, "big"))
            spool.write(frame)
        plan.progress(ImportStep("Checking", source.name, source.position, source.size, report.read))
    spool.seek(0)
    return report.rejected == rejected_before


async def _write(plan: ImportPlan, source: Source, total: int, report: ImportReport, spool: BinaryIO) -> None:
    """Write the records that were checked."""
    done = 0
    while header := spool.read(_FRAME_BYTES):
        batch = PreparedBatch(*_decoder.decode(spool.read(int.from_bytes(header, "big"))))
        await _merge(plan, source, batch, report)
        done += batch.size
        plan.progress(ImportStep("Writing", source.name, done, total, done))


_FRAME_BYTES: Final = 8
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(tuple[list[InterviewRow], list[RecordRow]])


def _prepare(plan: ImportPlan, source: Source, report: ImportReport) -> Iterator[PreparedBatch]:
    """Decode and check a source's records; bad ones go to `plan.reject` and are not in the batches."""
    reading = _Reading(plan, plan.resource or source.resource, report)
    batch, size = PreparedBatch([], []), 0
    for items in source.batches():
        checkpoint: Checkpoint | None = None
        for item in items:
            if isinstance(item, Checkpoint):
                checkpoint = item
            else:
                reading.take(item, batch)
                size += len(item.body)
        if checkpoint is not None or batch.size >= BATCH or size >= BATCH_BYTES:
            yield batch._replace(checkpoint=checkpoint)
            batch, size = PreparedBatch([], []), 0
    if batch.size:
        yield batch


class _Reading:
    """The decoding of one source: the user, the source or the shapes of its records decide what they are."""

    def __init__(self, plan: ImportPlan, resource: str | None, report: ImportReport) -> None:
        self._plan = plan
        self._zone = plan.destination.zone
        self._fixed = resource
        self._resource = resource or INTERVIEWS  # until a shape decides otherwise; records of one kind come together
        self._counted = resource or UNKNOWN  # of the last record: a fault of unknown resource is counted with it
        self._report = report

    def take(self, item: SourceRecord | SourceFault, batch: PreparedBatch) -> None:
        """Add a record to a batch, or pass it to `plan.reject` if it is bad."""
        try:
            if isinstance(item, SourceFault):
                reasons = [item.message]
                if item.final:
                    self._report.unread.append(item.place)
            else:
                self._add(item, batch)
                self._report.of(self._counted).read += 1
                return
        except InvalidDocumentError as error:
            reasons = [f"{problem.field}: {problem.message}" for problem in error.problems]
        tally = self._report.of(self._counted)
        tally.read += 1
        tally.rejected += 1
        self._plan.reject(Rejection(item.place, reasons, item.body))

    def _add(self, item: SourceRecord, batch: PreparedBatch) -> None:
        """Decode a record as its resource. Raises InvalidDocumentError."""
        body = item.body
        fixed = self._fixed or item.resource
        if fixed is None and self._resource != INTERVIEWS:
            self._resource = records.detect_resource(body) or INTERVIEWS
        self._counted = fixed or self._resource
        if self._counted == INTERVIEWS:
            try:
                made = self._interview(body)
            except InvalidDocumentError:
                detected = None if fixed else records.detect_resource(body)
                if detected is None:
                    raise
                self._resource = self._counted = detected
            else:
                batch.drafts.append(made)
                return
        record = records.draft_by_email(body) if item.by_email else _drafted(self._counted, body)
        if self._plan.future_times is not None:
            self._plan.future_times.reject(record)
        batch.records.append(record)

    def _interview(self, body: bytes) -> InterviewRow:
        try:
            interview = decode(body)
        except InvalidDocumentError as error:
            body = without_texts(body, ScheduledInterview)
            if problems := foreign_problems(body):
                raise InvalidDocumentError(problems) from error
            interview = decode(body)
        made = draft(interview, self._zone)
        if is_too_long(made.external_event_id):
            raise InvalidDocumentError([_TOO_LONG])
        if self._plan.future_times is not None:
            self._plan.future_times.reject(made)
        unknown_fields = self._report.unknown
        for path in unknown(body, made.document):
            unknown_fields[path if len(unknown_fields) < _MOST_UNKNOWN else _OTHERS] += 1
        return made


def _drafted(resource: str, body: bytes) -> RecordRow:
    """Return the row of a record, or of a document of the archive. Raises InvalidDocumentError."""
    if resource in ARCHIVED:
        return archive.draft(resource, body)
    if may_hold_texts(body):
        body = without_texts(body, records.SHAPES[resource].kind)
    return records.draft(resource, body)
