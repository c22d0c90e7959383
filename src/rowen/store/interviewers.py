"""The members of panels as rows of their own, in step with the interviews that they belong to.

Owns their ids: a member who stays on a panel keeps its row, whatever else is written of the interview. Members are
matched by user, guests by their folded address (docs/decisions/0031). Must not know why a panel changes.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from math import inf
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, select, update

from rowen.interviews.interview import OrganizationId
from rowen.interviews.people import PanelSeat, Person, person_of
from rowen.store.engines.base import Engine, Row, Transaction
from rowen.store.schema.tables import interviewers

_COLUMNS: Final = (
    *("organization_id", "id", "interview_id", "user_id", "email", "response_status", "scorecard_id"),
    *("created_at", "updated_at"),
)


class Panel(NamedTuple):
    """The members of an interview's panel, and the times of the rows that are written for them."""

    interview_id: int
    seats: Sequence[PanelSeat]
    created_at: int
    updated_at: int


WritePanels = Callable[[Transaction, OrganizationId, Sequence[Panel], int], Awaitable[int]]
"""Writes panels with the ids after the given one, and returns the last one."""


class _Member(NamedTuple):
    """A stored row, as far as it is compared."""

    id: int
    seat: PanelSeat


class _Changes(NamedTuple):
    """The rows to delete, by id; those to change; and the panels of those to add."""

    gone: list[int]
    changed: list[tuple[int, PanelSeat, int]]
    added: list[Panel]


class InterviewerTable:
    """Writes the rows of interviewers, within a transaction that has taken the ledger."""

    def __init__(self, engine: Engine) -> None:
        stored = interviewers.c
        of = stored.organization_id == bindparam("organization")
        one = (of, stored.id == bindparam("one"))
        self._bind = engine.bind_identifiers
        self._stored = engine.prepare(
            select(
                *(stored.id, stored.interview_id),
                *(stored.user_id, stored.email, stored.response_status, stored.scorecard_id),
            )
            .where(of, engine.id_in(stored.interview_id, "interviews"))
            .order_by(stored.id)
        )
        self._insert = engine.prepare_insert(interviewers, _COLUMNS)
        self._update = engine.prepare(
            update(interviewers)
            .where(*one)
            .values(
                user_id=bindparam("new_user_id"),
                email=bindparam("new_email"),
                response_status=bindparam("new_response_status"),
                scorecard_id=bindparam("new_scorecard_id"),
                updated_at=bindparam("new_updated_at"),
            )
        )
        self._delete = engine.prepare(delete(interviewers).where(*one))
        self._remove = engine.prepare(delete(interviewers).where(of, stored.interview_id == bindparam("interview")))

    async def add(
        self, transaction: Transaction, organization: OrganizationId, panels: Iterable[Panel], last_id: int
    ) -> int:
        """Write the panels of new interviews with the ids after `last_id`; return the last one."""
        rows = []
        number = last_id
        for interview, seats, created_at, updated_at in panels:  # runs for every interview of an import
            for seat in seats:
                number += 1
                rows.append((organization, number, interview, *seat, created_at, updated_at))
        if rows:
            await transaction.insert(self._insert, rows)
        return number

    async def replace_in_order(
        self, transaction: Transaction, organization: OrganizationId, panels: Sequence[Panel], last_id: int
    ) -> int:
        """Do what `replace` does, and let the ids ascend along each panel.

        So the mirror of a mirror, which knows the order of a panel by its ids only, has the same. A member whose id is
        too low has left the panel in the account, and come back.
        """
        return await self.replace(transaction, organization, panels, last_id, in_order=True)

    async def replace(
        self,
        transaction: Transaction,
        organization: OrganizationId,
        panels: Sequence[Panel],
        last_id: int,
        *,
        in_order: bool = False,
    ) -> int:
        """Bring the rows of interviews in step with their panels; return the last id in use.

        The rows of members who stay keep their ids; those of new ones get the next, and the time of the change. With
        `in_order` a member whose id is lower than that of one before it is a new one.
        """
        if not panels:
            return last_id
        asked = {"organization": organization, "interviews": self._bind([each.interview_id for each in panels])}
        changes = _compare(await transaction.rows(self._stored, asked), panels, in_order=in_order)
        if changes.gone:
            gone = [{"organization": organization, "one": one} for one in changes.gone]
            await transaction.run_many(self._delete, [self._delete.bind(each) for each in gone])
        if changes.changed:
            rows = [
                {
                    "organization": organization,
                    "one": one,
                    "new_updated_at": time,
                    **{f"new_{name}": value for name, value in seat._asdict().items()},
                }
                for one, seat, time in changes.changed
            ]
            await transaction.run_many(self._update, [self._update.bind(each) for each in rows])
        return await self.add(transaction, organization, changes.added, last_id)

    async def remove(self, transaction: Transaction, organization: OrganizationId, interview: int) -> None:
        """Delete the rows of an interview."""
        await transaction.run(self._remove, {"organization": organization, "interview": interview})


def _compare(stored: Iterable[Row], panels: Sequence[Panel], *, in_order: bool) -> _Changes:
    """Return what makes the stored rows of some interviews those of their panels."""
    rows: dict[tuple[int, Person], list[_Member]] = {}
    for identifier, interview, *columns in stored:
        seat = PanelSeat(*columns)
        rows.setdefault((interview, person_of(seat.user_id, seat.email)), []).append(_Member(identifier, seat))
    changes = _Changes([], [], [])
    for panel in panels:
        highest: float = 0
        for seat in panel.seats:
            known = rows.get((panel.interview_id, person_of(seat.user_id, seat.email)))
            if not known or (in_order and known[0].id < highest):
                changes.added.append(panel._replace(seats=(seat,), created_at=panel.updated_at))
                highest = inf
                continue
            member = known.pop(0)
            highest = member.id
            if member.seat != seat:
                changes.changed.append((member.id, seat, panel.updated_at))
    changes.gone.extend(member.id for members in rows.values() for member in members)
    return changes
