"""Finding times: an operation that Harvest does not have.

Owns its answer (contract section 17). Must not know HTTP's transport, authentication or SQL, or how slots are found.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, repeat
from operator import itemgetter
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from rowen.api import planning_examples as examples
from rowen.api.declarations import Operation, Reply
from rowen.api.reading.slot_fields import SLOTS, read_slots
from rowen.api.request import ApiRequest
from rowen.api.response import Response
from rowen.app.planning import MINUTE
from rowen.app.services import Services
from rowen.app.slots import FoundSlots, SessionInput, SlotsInput
from rowen.interviews.interview import Identifier
from rowen.interviews.moments import Instant
from rowen.planning.bits import Coded
from rowen.planning.question import Chosen, Column, Table

TAG: Final = "Finding times"


class SlotInterviewer(msgspec.Struct, frozen=True, gc=False):
    """An interviewer, in the seat with this index in its session, and the reason for the choice."""

    user_id: Identifier
    seat: int
    why: str


class SlotSession(msgspec.Struct, frozen=True, gc=False):
    """A session of a slot: the asked one, by its index, with its times, people and room."""

    name: str | None
    index: int
    interview_id: Identifier | None
    start: Instant
    end: Instant
    interviewers: list[SlotInterviewer]
    room_id: Identifier | None


class Slot(msgspec.Struct, frozen=True, gc=False):
    """A slot; `local` is its start by the clocks of the time zones that were asked for."""

    start: Instant
    end: Instant
    local: dict[str, str]
    sessions: list[SlotSession]


class NotOfferedUser(msgspec.Struct, frozen=True):
    """A user who is not offered, or not in all of the window, why, and when that was last known."""

    user_id: Identifier
    why: str
    read_at: Instant | None


class WhyNone(msgspec.Struct, frozen=True):
    """How many slots there would be without a constraint."""

    without: str
    slots: int


class SlotsRecord(msgspec.Struct, frozen=True):
    """The first slots, how many there are in all, and why people or slots are missing."""

    slots: list[Slot]
    total: int
    not_offered: list[NotOfferedUser]
    why_none: list[WhyNone]


_Part = bytes | Iterable[bytes]
"""A part of many rows: what is the same in all of them, or that of each."""

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode
_MOST_TEXTS: Final = 2**14
"""How many instants are kept as JSON: the starts by quarters of an hour in five months."""


async def find_slots(services: Services, request: ApiRequest) -> Response:
    """Find times for sessions, with people and rooms."""
    asked = read_slots(request)
    answer = await services.planner.find(request.organization, asked)
    return Response(_Writer(asked, answer).write())


class _Texts(dict[int, bytes]):
    """Instants as JSON, by their minute, made when they are first asked for: half the time of `lru_cache`."""

    def __missing__(self, minute: int) -> bytes:
        if len(self) >= _MOST_TEXTS:
            self.clear()
        text = self[minute] = _encode(Instant(minute * MINUTE))
        return text


_TEXTS: Final = _Texts()


class _Writer:
    """Writes an answer; what slots have in common is made once."""

    def __init__(self, asked: SlotsInput, answer: FoundSlots) -> None:
        self._answer = answer
        self._zones = {name: ZoneInfo(name) for name in asked.time_zones if name is not None}
        self._named = [_named(place, each) for place, each in enumerate(asked.sessions)]

    def write(self) -> bytes:
        """Return the answer as it is served."""
        rest = SlotsRecord(
            [],
            self._answer.slots.total,
            [NotOfferedUser(*each) for each in self._answer.not_offered],
            [WhyNone(self._without(each.without, each.person), each.slots) for each in self._answer.reasons],
        )
        tables = self._answer.slots.tables
        rows: Iterable[tuple[bytes, ...]] = chain.from_iterable(_rows(self._slot(table)) for table in tables)
        if len(tables) > 1:
            starts = chain.from_iterable(table[0].starts for table in tables)
            rows = map(itemgetter(1), sorted(zip(starts, rows, strict=True), key=itemgetter(0)))
        fragments = list(chain.from_iterable(rows))
        fragments[:1] = [each.removeprefix(b",") for each in fragments[:1]]
        return b"".join([b'{"slots":[', *fragments, _encode(rest).removeprefix(b'{"slots":[')])

    def _slot(self, table: Table) -> Iterator[_Part]:
        """Yield the parts of the slots of a table, with a comma before each of them."""
        yield b',{"start":'
        yield map(_TEXTS.__getitem__, table[0].starts)
        yield b',"end":'
        yield map(_TEXTS.__getitem__, _ends(table[-1]))
        yield b',"local":'
        yield map(self._local, table[0].starts) if self._zones else b"{}"
        yield b',"sessions":['
        for number, column in enumerate(table):
            if number:
                yield b","
            yield from self._session(column)
        yield b"]}"

    def _session(self, column: Column) -> Iterator[_Part]:
        """Yield the parts of a session."""
        yield self._named[column.session]
        yield b',"start":'
        yield map(_TEXTS.__getitem__, column.starts)
        yield b',"end":'
        yield map(_TEXTS.__getitem__, _ends(column))
        yield b',"interviewers":['
        if any(0 in place.numbers for place in column.places):  # some places are empty in some slots
            people = zip(*map(_interviewers, column.places), strict=True)
            yield (b"".join(each).removeprefix(b",") for each in people)
        else:
            for number, place in enumerate(column.places):
                yield _interviewers(place, b"," if number else b"")
        yield b'],"room_id":'
        yield b"null" if column.rooms is None else map(_encode, column.rooms)
        yield b"}"

    def _local(self, start: int) -> bytes:
        moment = datetime.fromtimestamp(start * 60, UTC)
        return _encode({name: moment.astimezone(zone).isoformat() for name, zone in self._zones.items()})

    def _without(self, without: str, person: int | None) -> str:
        """Return what was left out, and whose it was."""
        if person is None:
            return without
        return f"{without} of {self._answer.names.get(person) or 'user'} (user {person})"


def _interviewers(place: Coded[Chosen | None], before: bytes = b",") -> Iterator[bytes]:
    """Yield who is chosen for a place in each slot, with what is written before them; nothing where nobody is."""
    texts = [b"" if each is None else before + _encode(SlotInterviewer(*each)) for each in place.values]
    return map(texts.__getitem__, place.numbers)


def _rows(parts: Iterable[_Part]) -> Iterator[tuple[bytes, ...]]:
    """Return the fragments of each row; those that are the same in all rows, next to each other, are one.

    The parts begin and end with such ones.
    """
    columns, same = list[Iterable[bytes]](), b""
    for part in parts:
        if isinstance(part, bytes):
            same += part
        else:
            columns += (repeat(same), part)
            same = b""
    return zip(*columns, repeat(same), strict=False)


def _ends(column: Column) -> Iterator[int]:
    """Yield when a session ends in each of its slots."""
    return map(column.minutes.__add__, column.starts)


def _named(place: int, asked: SessionInput | None) -> bytes:
    """Return the beginning of a session: its name, index and interview."""
    name, interview = (None, None) if asked is None else (asked.name, asked.interview_id)
    return _encode({"name": name, "index": place, "interview_id": interview})[:-1]


OPERATIONS: Final = (
    Operation(
        "POST",
        "/rowen/v1/slots",
        "slots:find",
        find_slots,
        "Find times for interviews",
        TAG,
        Reply(SlotsRecord, examples.ANSWER, "The slots"),
        body=SLOTS,
    ),
)
