"""The commands of clients on users in plain Python: adding and changing them, and their interviews with them.

Owns whose address or employee id is taken, and what the feed shows of a user. Must not use anything of Rowen's, as
Rowen is compared with it.
"""

from dataclasses import dataclass
from typing import Final

from tests.support.model.ledger import RefusedError
from tests.support.model.rules import fold, json_text, renaming, time_text, with_names
from tests.support.model.schedule import ScheduleModel
from tests.support.model.scorecards import CommandResult
from tests.support.records import Record

_TIMES: Final = ("id", "created_at", "updated_at")


@dataclass
class UserModel(ScheduleModel):
    """One organization with the commands on its users, too."""

    def create_user(self, now: int, acting: int | None, body: Record) -> CommandResult:
        """Add a user."""
        wrong = self._wrong_user(acting) + self._taken(body, None)
        if wrong or acting is None:
            raise RefusedError(422, *wrong)
        by = self._by(acting)
        self.last_id = identifier = max([self.last_id, *self.users]) + 1
        time = time_text(self._stamp(now))
        return self._record(None, _with({"id": identifier, "created_at": time}, body, time), by)

    def change_user(self, now: int, acting: int | None, identifier: int, body: Record) -> CommandResult:
        """Change a user, and rename the user in every interview."""
        before = self.users.get(identifier)
        if before is None:
            raise RefusedError(404)
        wrong = self._wrong_user(acting) + self._taken(body, before)
        if wrong or acting is None:
            raise RefusedError(422, *wrong)
        after = _with(before, body, before["updated_at"])
        if after == before:
            return CommandResult(json_text(before))
        by = self._by(acting)
        after["updated_at"] = time_text(self._stamp(now))
        result = self._record(before, after, by)
        names = {identifier: renaming(before, after)}
        for each in sorted(self.kept) if names[identifier] else ():
            interview = self.kept[each].record
            renamed = with_names(interview, names)
            if renamed != interview:
                self._stamp(now)
                self._keep(interview, renamed, "person_renamed", by, watch=False)
        return result

    def _taken(self, body: Record, before: Record | None) -> list[str]:
        """Return the fields whose value another user has; a user may keep the own."""
        others = [each for each in self.users.values() if before is None or each["id"] != before["id"]]
        wrong = []
        if "email" in body:
            email = fold(body["email"])
            own = before is not None and email in map(fold, before["emails"])
            if not own and any(email in map(fold, each["emails"]) for each in others):
                wrong.append("email")
        employee = body.get("employee_id")
        kept = employee is None or (before is not None and employee == before["employee_id"])
        if not kept and any(each["employee_id"] == employee for each in others):
            wrong.append("employee_id")
        return wrong

    def _record(self, before: Record | None, after: Record, by: Record) -> CommandResult:
        """Keep a user as the change stamped last."""
        self.users[after["id"]] = after
        self.versions["users", after["id"]] = self.last
        old: Record = before or {}
        fields = [
            {"field": f"{after['id']}.{name}", "before": old.get(name), "after": value}
            for name, value in after.items()
            if name not in _TIMES and old.get(name) != value and (old or value)
        ]
        self._append("recorded", by, None, fields, None)
        counts = {"new": int(before is None), "changed": int(before is not None)}
        self.happened[-1].summary.update(resource="users", counts=counts)
        return CommandResult(json_text(after))


def _with(user: Record, body: Record, time: str) -> Record:
    """Return a user as of a body, its fields in the order in which they are served."""
    first, last = (body.get(name, user.get(name)) for name in ("first_name", "last_name"))
    named = not body.keys().isdisjoint({"first_name", "last_name"})
    emails = user.get("emails", [])
    if "email" in body:
        emails = [body["email"], *(each for each in emails if fold(each) != fold(body["email"]))]
    return {
        "id": user["id"],
        "name": f"{first} {last}" if named else user["name"],
        "first_name": first,
        "last_name": last,
        "primary_email_address": body.get("email", user.get("primary_email_address")),
        "updated_at": time,
        "created_at": user["created_at"],
        "disabled": user.get("disabled", False),
        "site_admin": user.get("site_admin", False),
        "emails": emails,
        "employee_id": body.get("employee_id", user.get("employee_id")),
        "linked_candidate_ids": [],
        "offices": [],
        "departments": [],
    }
