"""`rowen slots`.

Owns how the answer to a question for slots is printed, and its errors. Must not know how slots are found, or the wire.
"""

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import typer

from rowen import wiring
from rowen.app.organizations import Organization as FoundOrganization
from rowen.app.records import POOLS, ROOMS
from rowen.app.slots import FoundSlots
from rowen.cli.console import print_table
from rowen.cli.options import Database, Organization, with_settings
from rowen.cli.setups import all_records, all_users
from rowen.cli.slot_options import SlotOptions, SlotQuestion, read_body, read_options
from rowen.cli.store import in_organization
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.pools import Pool
from rowen.interviews.rooms import Room
from rowen.planning.question import Held
from rowen.settings import DEFAULT_DATABASE, DEFAULT_ORGANIZATION
from rowen.wiring import Store

_COLUMNS: Final = ("slot", "start", "end", "session", "people", "room", "why")
_LARGEST_FILE: Final = 1 << 20
_pools: Final = msgspec.json.Decoder(list[Pool])
_rooms: Final = msgspec.json.Decoder(list[Room])


@with_settings
def slots(
    *,
    asked: SlotOptions,
    organization: Organization = DEFAULT_ORGANIZATION,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Find times at which people, and a room, are free, as `POST /rowen/v1/slots` does. Nothing is written.

    A table has the slots, the people of each and the reasons for their choice; standard error has how many there are,
    who is not offered, and, if there are none, what keeps the most of them away. A slot of several interviews has a row
    for each.

    \b
    Examples:
      rowen slots --person ada@example.com --pool Backend=2 --from 2031-02-03 --to 2031-02-08
      rowen slots --pool Backend --minutes 45 --room 4 --time-zone Europe/Berlin --limit 5
      rowen slots --json onsite.json
    """
    if asked.json is not None and (others := asked.beside_json()):
        raise typer.BadParameter("cannot be combined with --json", param_hint=others[0])
    body = None if asked.json is None else _content(asked.json)

    async def work(store: Store, found: FoundOrganization) -> "_Printer":
        zone = asked.zone(found.time_zone)
        if body is None:
            pools = await all_records(store, found, POOLS, _pools)
            users = await all_users(store, found)
            question = read_options(asked, users, pools, zone, wiring.now() / 1000)
        else:
            question = read_body(body)
        try:
            answer = await wiring.planner(store).find(found, question.question)
        except Refusal as refusal:
            raise Refusal(refusal.code, refusal.message, tuple(map(question.named, refusal.problems))) from None
        rooms = {each.id: each.name for each in await all_records(store, found, ROOMS, _rooms)}
        return _Printer(question, answer, rooms, zone)

    in_organization(database, organization, work).print()


def _content(name: str) -> bytes:
    """Return what is in a file, or on standard input. Raises Refusal (invalid) if it is too large."""
    with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
        content = file.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise Refusal(Code.INVALID, f"--json {name} is larger than {_LARGEST_FILE >> 20} MiB")
    return content


class _Printer:
    """Prints an answer: slots on standard output, everything else on standard error."""

    def __init__(self, asked: SlotQuestion, answer: FoundSlots, rooms: Mapping[int, str], zone: str) -> None:
        self._asked, self._answer, self._rooms = asked, answer, rooms
        self._zone_name, self._zone = zone, ZoneInfo(zone)

    def print(self) -> None:
        found = self._answer.slots
        slots = found.slots
        rows = [self._row(number, held) for number, slot in enumerate(slots, 1) for held in slot]
        if rows:
            print_table("Slots", _COLUMNS, rows, foldable=("session", "people", "room", "why"))
        shown = f"; the table has the first {len(slots):,}" if len(slots) < found.total else ""
        typer.echo(f"{_count(found.total)}, by the clocks of {self._zone_name}{shown}.", err=True)
        for each in self._answer.not_offered:
            typer.echo(f"Not offered: {self._name(each.user)}. {each.why}.", err=True)
        for reason in self._answer.reasons:
            without = (
                self._asked.option(reason.without) if reason.person is None else self._of(reason.person, reason.without)
            )
            typer.echo(f"Without {without}: {_count(reason.slots)}.", err=True)

    def _row(self, number: int, held: Held) -> tuple[object, ...]:
        session = self._asked.question.sessions[held.session]
        start, end = (datetime.fromtimestamp(each * 60, self._zone) for each in held.span)
        return (
            number,
            f"{start:%a %Y-%m-%d %H:%M} {_offset(start)}",
            f"{end:%H:%M}",
            (session and session.name) or "",
            ", ".join(self._name(each.person) for each in held.interviewers),
            "" if held.room is None else self._rooms.get(held.room, held.room),
            "; ".join(dict.fromkeys(each.why for each in held.interviewers)),
        )

    def _name(self, user: int) -> str:
        return self._answer.names.get(user) or f"user {user}"

    def _of(self, person: int, without: str) -> str:
        return f"{without} of {self._name(person)}"


def _offset(moment: datetime) -> str:
    return moment.isoformat()[-6:]


def _count(slots: int) -> str:
    return f"{slots:,} slot{'' if slots == 1 else 's'}"
