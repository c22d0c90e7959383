"""Undoing a cancellation (contract section 4)."""

from typing import Final

from rowen.app.organizations import DoubleBooking
from rowen.app.restoring import UNDO_TIME
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    GRACE,
    INTERVIEWS,
    KATE,
    OTHER_ACTIVE,
    STRICT,
    UNKNOWN,
    HiringTeam,
    accepted,
    body,
    errors_of,
    seat,
)
from tests.support.sql import fetch

_RESTORE: Final = "/rowen/v1/scheduled_interviews/{}/restore"


def _cancelled(team: HiringTeam, **changes: object) -> dict[str, object]:
    made = team.schedule(**changes)
    accepted(team.delete(f"{STRICT}/{made['id']}"))
    return made


def test_a_cancelled_interview_comes_back_as_it_was(team: HiringTeam) -> None:
    made = _cancelled(team, interviewers=[seat(KATE, "accepted"), seat(ADA)], location="Room 2")
    restored = accepted(team.post(_RESTORE.format(made["id"]), b"", GRACE))
    assert restored == {**made, "updated_at": restored["updated_at"]}
    assert restored["updated_at"] > made["updated_at"]
    assert team.get(int(str(made["id"]))) == restored
    assert team.kinds() == ["created", "cancelled", "created"]
    last = team.changes()[-1]
    assert (last["actor"]["id"], last["scheduled_interview_id"]) == (GRACE, made["id"])
    assert accepted(team.post(INTERVIEWS, body()))["id"] > made["id"]


def test_only_a_cancelled_interview_can_be_restored(team: HiringTeam) -> None:
    made = team.schedule()
    with team.unchanged():
        assert errors_of(team.post(_RESTORE.format(made["id"]), b"")) == {
            "id": "Is of an interview that is not cancelled"
        }
        for unknown in (UNKNOWN, 0, "x"):
            assert team.post(_RESTORE.format(unknown), b"").status_code == 404
        assert list(errors_of(team.post(_RESTORE.format(made["id"]), b"", None))) == ["On-Behalf-Of"]
        assert list(errors_of(team.post(_RESTORE.format(made["id"]), {"location": "Here"}))) == ["location"]


def test_after_ten_minutes_it_is_too_late(team: HiringTeam) -> None:
    made = _cancelled(team)
    statement = "UPDATE changes SET time = time - ? WHERE organization_id = ? AND kind = 'cancelled'"
    fetch(team.harness.database, statement, UNDO_TIME, team.organization.id)
    with team.unchanged():
        problems = errors_of(team.post(_RESTORE.format(made["id"]), b""))
    assert problems == {"id": "Was cancelled more than 10 minutes ago: schedule the interview again"}


def test_what_became_impossible_since_is_refused(team: HiringTeam) -> None:
    made = _cancelled(team, interviewers=[seat(KATE)], external_event_id="taken")
    other = team.schedule(external_event_id="taken", application_id=OTHER_ACTIVE)
    path = _RESTORE.format(made["id"])
    assert errors_of(team.post(path, b"")) == {"external_event_id": f"Must be unique (interview {other['id']} has it)"}
    accepted(team.delete(f"{STRICT}/{other['id']}"))
    team.set_active(ACTIVE, active=False)
    assert errors_of(team.post(path, b"")) == {"application_id": "The application is rejected"}
    team.set_active(ACTIVE, active=True)
    team.change_settings(DoubleBooking.REJECT)
    busy = team.schedule(interviewers=[seat(KATE)])
    assert errors_of(team.post(path, b""), 409) == {"interviewers[0]": f"Overlaps interview {busy['id']}"}
    team.change_settings(DoubleBooking.WARN)
    restored = team.post(path, b"")
    assert restored.headers["warning"] == f'199 rowen "Double booking: overlaps interview {busy["id"]}"'
    assert accepted(restored)["external_event_id"] == "taken"


def test_the_same_key_restores_once(team: HiringTeam) -> None:
    made = _cancelled(team)
    first, second = (team.post(_RESTORE.format(made["id"]), b"", Idempotency_Key="undo") for _ in range(2))
    assert accepted(first) == accepted(second)
    assert team.kinds() == ["created", "cancelled", "created"]
