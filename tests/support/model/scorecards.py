"""Scorecards and the life of an interview in plain Python, according to the contract.

Owns the effect of submitting and deleting a scorecard on an interview, and status updates. Must not use anything of
Rowen's, as Rowen is compared with it.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.support.model.ledger import LedgerModel, RefusedError
from tests.support.model.lists import StoredRecord
from tests.support.model.rules import json_text, organizer, ratings, time_text
from tests.support.records import Record

_OF_ATTRIBUTE: Final = ("name", "type", "note", "rating")
_OF_QUESTION: Final = ("id", "question", "answer")
CLOCK: Final = {"kind": "clock", "id": None, "name": None, "api_key": None}


class CommandResult(NamedTuple):
    """The response to a command that succeeds."""

    body: bytes
    warning: str | None = None


class Card(NamedTuple):
    """A scorecard: its interview, and itself; a draft has no time of submission."""

    interview: int
    record: Record

    @property
    def is_final(self) -> bool:
        """Whether it was submitted."""
        return self.record["submitted_at"] is not None


@dataclass
class ScorecardModel(LedgerModel):
    """One organization, its clock, and its scorecards."""

    api_key: str = "test"
    grace: int = 0
    cards: dict[int, Card] = field(default_factory=dict)

    def pass_time(self, now: int) -> int:
        """Update the statuses that are due, and return how many."""
        due = sorted((self._due(self.kept[i].record), i) for i in self.watched)
        moved = [identifier for when, identifier in due if when <= now]
        for identifier in moved:
            self.move(now, identifier)
        return len(moved)

    def move(self, now: int, identifier: int) -> bytes:
        """Update the status of one interview."""
        before = self.kept[identifier].record
        self._stamp(now)
        return self._keep(before, {**before, "status": self._status(before, now)}, "status_changed", CLOCK)

    def create_scorecard(self, now: int, user: int | None, body: Record) -> CommandResult:
        """Create a scorecard, and submit it if requested."""
        wrong = self._wrong_user(user)
        kept = self.kept.get(body["scheduled_interview_id"])
        interviewer = self.users.get(body["interviewer_id"])
        if kept is None:
            wrong.append("scheduled_interview_id")
        if interviewer is None or (kept is not None and not self._owes(kept.record, interviewer["id"])):
            wrong.append("interviewer_id")
        if body.get("submit") and "overall_recommendation" not in body:
            wrong.append("overall_recommendation")
        if wrong or kept is None or interviewer is None or user is None:
            raise RefusedError(422, *wrong)
        self.last_id += 1
        time = time_text(self._stamp(now))
        of = kept.record
        made = {
            "id": self.last_id,
            "updated_at": time,
            "created_at": time,
            "interview": of["interview"]["name"],
            "interview_step": of["interview"],
            "candidate_id": self.candidates.get(of["application_id"]),
            "application_id": of["application_id"],
            "interviewed_at": time_text(self.begins(of["start"])),
            "submitted_by": organizer(self.users[user]),
            "interviewer": organizer(interviewer),
            "submitted_at": time if body.get("submit") else None,
            "overall_recommendation": "no_decision",
            "attributes": [],
            "ratings": ratings(()),
            "questions": [],
            **_answers(body),
        }
        return self._keep_card(now, user, Card(of["id"], made))

    def change_scorecard(self, now: int, user: int | None, identifier: int, body: Record) -> CommandResult:
        """Change a draft, and submit it if requested."""
        card = self._card(identifier)
        wrong = self._wrong_user(user)
        if card.is_final:
            wrong.append("submitted_at")
        kept = self.kept.get(card.interview)
        if kept is None:
            wrong.append("scheduled_interview_id")
        elif all(
            seat["id"] != card.record["interviewer"]["id"] or (seat["scorecard_id"] is not None and not card.is_final)
            for seat in kept.record["interviewers"]
        ):
            wrong.append("interviewer_id")
        if wrong or user is None:
            raise RefusedError(422, *wrong)
        time = time_text(self._stamp(now))
        after = {**card.record, **_answers(body), "updated_at": time, "submitted_by": organizer(self.users[user])}
        after["submitted_at"] = time if body.get("submit") else None
        return self._keep_card(now, user, Card(card.interview, after))

    def delete_scorecard(self, now: int, user: int | None, identifier: int) -> CommandResult:
        """Delete a scorecard, and revert the effect of its submission on the interview."""
        if user is None:
            raise RefusedError(422, "On-Behalf-Of")
        card = self._card(identifier)
        self._wrong_user(user)
        self._stamp(now)
        del self.cards[identifier]
        kept = self.kept.get(card.interview)
        if kept is not None and card.is_final:
            interviewer = card.record["interviewer"]["id"]
            self._score(now, kept.record, (interviewer, identifier, None), ("score_removed", self._by(user)))
        return CommandResult(json_text({"message": f"Scorecard {identifier} has been deleted."}))

    def _owes(self, interview: Record, user: int) -> bool:
        """Return whether an interviewer owes a scorecard, and has not begun one."""
        sits = any(seat["id"] == user and seat["scorecard_id"] is None for seat in interview["interviewers"])
        begun = any(
            card.interview == interview["id"] and card.record["interviewer"]["id"] == user
            for card in self.cards.values()
        )
        return sits and not begun

    def _keep_card(self, now: int, user: int, card: Card) -> CommandResult:
        identifier = card.record["id"]
        self.cards[identifier] = card
        if card.is_final:
            seat = (card.record["interviewer"]["id"], None, identifier)
            self._score(now, self.kept[card.interview].record, seat, ("scored", self._by(user)))
        return CommandResult(json_text(card.record))

    def _score(
        self, now: int, before: Record, seat: tuple[int, int | None, int | None], entry: tuple[str, Record]
    ) -> None:
        """Replace the scorecard of an interviewer; `seat` is the interviewer, the old one and the new one."""
        user, old, new = seat
        panel = [
            {**each, "scorecard_id": new} if (each["id"], each["scorecard_id"]) == (user, old) else each
            for each in before["interviewers"]
        ]
        after = {**before, "interviewers": panel}
        if entry[0] == "score_removed" or before["status"] != "complete":
            after["status"] = self._status(after, now)
        self._keep(before, after, *entry)

    def _card(self, identifier: int) -> Card:
        if identifier not in self.cards:
            raise RefusedError(404)
        return self.cards[identifier]

    def scorecards(self) -> bytes:
        """Return the submitted scorecards."""
        return json_text([self.cards[i].record for i in sorted(self.cards) if self.cards[i].is_final])

    def _kept(self, identifier: int) -> StoredRecord:
        if identifier not in self.kept:
            raise RefusedError(404)
        return self.kept[identifier]

    def _wrong_user(self, user: int | None) -> list[str]:
        if user is not None and user not in self.users:
            raise RefusedError(404, "On-Behalf-Of")
        return ["On-Behalf-Of"] if user is None else []

    def _due(self, record: Record) -> int:
        return self.begins(record["end"]) + self.grace

    def _status(self, record: Record, now: int) -> str:
        owing = [each for each in record["interviewers"] if each["id"] is not None]
        if owing and all(each["scorecard_id"] is not None for each in owing):
            return "complete"
        return "awaiting_feedback" if self._due(record) <= now else "scheduled"

    def _by(self, user: int) -> Record:
        return {"kind": "user", "id": user, "name": self.users[user]["name"], "api_key": self.api_key}


def _answers(body: Record) -> Record:
    """Return a body's part of a scorecard, as it is served."""
    found: Record = {name: body[name] for name in ("overall_recommendation",) if name in body}
    if "attributes" in body:
        found["attributes"] = [{name: each.get(name) for name in _OF_ATTRIBUTE} for each in body["attributes"]]
        found["ratings"] = ratings(body["attributes"])
    if "questions" in body:
        found["questions"] = [{name: each.get(name) for name in _OF_QUESTION} for each in body["questions"]]
    return found
