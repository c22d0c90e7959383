"""The commands of clients in plain Python: their effects on a schedule according to the contract.

Owns who may change what, panels, and double bookings. Must not use anything of Rowen's, as Rowen is compared with it.
Commands take the JSON bodies that clients send, well-formed, and the present in milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.support.model.ledger import RefusedError
from tests.support.model.lists import StoredRecord
from tests.support.model.rules import (
    Person,
    busy,
    differences,
    fold,
    interviewer,
    is_named,
    json_text,
    kind_of,
    moment,
    organizer,
    time_text,
    who,
)
from tests.support.model.scorecards import CommandResult, ScorecardModel
from tests.support.records import Record

PLAIN: Final = ("start", "end", "external_event_id", "location", "video_conferencing_url")


@dataclass
class ScheduleModel(ScorecardModel):
    """One organization with all commands; `policy` is its policy for double bookings."""

    policy: str = "allow"

    def create(self, now: int, user: int | None, body: Record, *, guests: bool = True) -> CommandResult:
        """Schedule an interview."""
        wrong = self._wrong_user(user) + self._wrong_reference(body, None)
        if body["interview_id"] not in self.stages:
            wrong.append("interview_id")
        panel = self._panel(body["interviewers"], None, wrong, guests=guests)
        if wrong or user is None:
            raise RefusedError(422, *wrong)
        made: Record = {
            "id": self.last_id + 1,
            "application_id": body["application_id"],
            "external_event_id": body["external_event_id"],
            "start": moment(body["start"]),
            "end": moment(body["end"]),
            "location": body.get("location"),
            "video_conferencing_url": body.get("video_conferencing_url"),
            "status": "scheduled",
            "created_at": None,
            "updated_at": None,
            "interview": {"id": body["interview_id"], "name": self.stages[body["interview_id"]]},
            "organizer": organizer(self.users[user]),
            "interviewers": panel,
        }
        warning = self._double_booking(None, made)
        self.last_id += 1
        made["created_at"] = time_text(self._stamp(now))
        made["status"] = self._status(made, now)
        return CommandResult(self._keep(None, made, "created", self._by(user)), warning)

    def change(
        self, now: int, user: int | None, identifier: int, body: Record, *, guests: bool = True
    ) -> CommandResult:
        """Change an interview."""
        kept = self._kept(identifier)
        wrong = self._wrong_user(user)
        self._require_changeable(kept)
        before = kept.record
        wrong += self._wrong_reference(body, before)
        panel = before["interviewers"]
        if "interviewers" in body:
            panel = self._panel(body["interviewers"], before, wrong, guests=guests)
        if wrong or user is None:
            raise RefusedError(422, *wrong)
        asked: Record = {name: body[name] for name in PLAIN if name in body}
        asked |= {name: moment(body[name]) for name in ("start", "end") if name in body}
        after = {**before, **asked, "organizer": organizer(self.users[user]), "interviewers": panel}
        after["status"] = self._status(after, now)
        if after == before:
            return CommandResult(kept.document)
        warning = self._double_booking(before, after)
        self._stamp(now)
        return CommandResult(self._keep(before, after, kind_of(before, after), self._by(user)), warning)

    def cancel(self, now: int, user: int | None, identifier: int) -> CommandResult:
        """Delete an interview."""
        kept = self._kept(identifier)
        wrong = self._wrong_user(user)
        if wrong or user is None:
            raise RefusedError(422, *wrong)
        self._require_changeable(kept)
        self._stamp(now)
        del self.kept[identifier]
        self.watched.discard(identifier)
        self._append("cancelled", self._by(user), identifier, differences(kept.record, None), kept.document)
        return CommandResult(json_text({"message": f"Interview {identifier} has been deleted."}))

    def bookings(self) -> list[tuple[Person, int, int, int]]:
        """Return the bookings: the person, start and end, and the interview."""
        return sorted(
            (person, self.begins(kept.record["start"]), self.begins(kept.record["end"]), i)
            for i, kept in self.kept.items()
            for person in busy(kept.record)
        )

    def conflicts(self) -> list[Record]:
        """Return the double bookings, in an order of its own."""
        found = []
        bookings = self.bookings()
        for place, (person, start, end, one) in enumerate(bookings):
            for other_person, other_start, other_end, other in bookings[place + 1 :]:
                begin, until = max(start, other_start), min(end, other_end)
                if person == other_person and begin < until and start < end and other_start < other_end:
                    ids = sorted((one, other))
                    seat = next(s for s in self.kept[ids[0]].record["interviewers"] if who(s) == person)
                    named = {"user_id": seat["id"], "name": seat["name"], "email": seat["email"]}
                    times = {"start": time_text(begin), "end": time_text(until)}
                    found.append({"person": named, **times, "scheduled_interview_ids": ids})
        return sorted(found, key=repr)

    def _require_changeable(self, kept: StoredRecord) -> None:
        if not kept.created_through_api:
            raise RefusedError(422, "id")
        if kept.record["status"] == "complete":
            raise RefusedError(422, "status")
        if self.statuses[kept.record["application_id"]] != "active":
            raise RefusedError(422, "application_id")

    def _wrong_reference(self, body: Record, before: Record | None) -> list[str]:
        wrong = []
        if "application_id" in body and self.statuses.get(body["application_id"]) != "active":
            wrong.append("application_id")
        event = body.get("external_event_id")
        if event is not None:
            holder = min((i for i, k in self.kept.items() if k.record["external_event_id"] == event), default=None)
            if holder is not None and (before is None or holder != before["id"]):
                wrong.append("external_event_id")
        start, end = (
            moment(body[name] if before is None else body.get(name, before[name])) for name in ("start", "end")
        )
        if start.keys() != end.keys() or list(end.values()) < list(start.values()):
            wrong.append("end" if "end" in body else "start")
        return wrong

    def _seated(self, interview: Record) -> dict[Person, int | None]:
        """Return the scorecards of current panel members, and of former ones who have submitted one."""
        once = {
            who({**card.record["interviewer"], "email": None}): identifier
            for identifier, card in sorted(self.cards.items())
            if card.is_final and card.interview == interview["id"]
        }
        return {**once, **{who(each): each["scorecard_id"] for each in interview["interviewers"]}}

    def _panel(self, seats: Sequence[Record], before: Record | None, wrong: list[str], *, guests: bool) -> list[Record]:
        handed_in = {} if before is None else self._seated(before)
        present = [] if before is None else before["interviewers"]
        answers = {who(each): each["response_status"] for each in present}
        panel: dict[Person, Record] = {}
        for place, seat in enumerate(seats):
            member = self._member(seat, f"interviewers[{place}]", wrong, guests=guests)
            if member is None:
                continue
            if who(member) in panel:
                wrong.append(f"interviewers[{place}]")
                continue
            answer = seat.get("response_status", answers.get(who(member), "needs_action"))
            panel[who(member)] = {**member, "response_status": answer, "scorecard_id": handed_in.get(who(member))}
        return list(panel.values())

    def _member(self, seat: Record, place: str, wrong: list[str], *, guests: bool) -> Record | None:
        named = {
            name: {i for i, user in self.users.items() if is_named(user, name, seat[name])}
            for name in ("user_id", "email", "employee_id")
            if name in seat
        }
        nobody = [name for name, found in named.items() if not found]
        if guests and list(named) == nobody == ["email"]:
            return interviewer(
                {"id": None, "employee_id": None, "name": seat.get("name"), "email": seat["email"]}, seat
            )
        if nobody:
            wrong += [f"{place}.{name}" for name in nobody]
            return None
        agreed = set.intersection(*named.values())
        if len(agreed) != 1:
            wrong.append(f"{place}.{next(iter(named))}" if agreed else place)
            return None
        user = self.users[agreed.pop()]
        if seat.get("name") not in (None, user["name"]):
            wrong.append(f"{place}.name")
        return interviewer({**user, "email": user["primary_email_address"]}, seat)

    def _double_booking(self, before: Record | None, after: Record) -> str | None:
        if self.policy == "allow":
            return None
        clashes = self._clashes(before, after)
        if clashes and self.policy == "reject":
            raise RefusedError(409, *clashes)
        named = sorted({identifier for found in clashes.values() for identifier in found})
        numbers = ", ".join(map(str, named))
        return f'199 rowen "Double booking: overlaps interview {numbers}"' if named else None

    def _clashes(self, before: Record | None, after: Record) -> dict[str, list[int]]:
        """Return the fields that name busy persons, with the other interviews."""
        start, end = self.begins(after["start"]), self.begins(after["end"])
        stays = before is not None and (before["start"], before["end"]) == (after["start"], after["end"])
        asked = busy(before) if before is not None and stays else set[Person]()
        clashes: dict[str, list[int]] = {}
        for place, seat in enumerate(after["interviewers"]):
            if seat["response_status"] == "declined" or who(seat) in asked:
                continue
            names = {who(seat), ("guest", fold(seat["email"] or ""))}  # a user may have been a guest before
            others = [
                i
                for person, other_start, other_end, i in self.bookings()
                if person in names and (before is None or i != before["id"])
                if max(start, other_start) < min(end, other_end)
            ]
            if others:
                clashes[f"interviewers[{place}]"] = others
        return clashes
