"""Values that no page sends: numbers of thousands of digits, digits of other scripts, and days at the end of time."""

from typing import Final

import pytest

from rowen.app.roles import Role
from rowen.web.cookies import ZONE
from tests.support.hiring_teams import ADA, HiringTeam
from tests.support.people import signed_in, submit

_LONG: Final = "9" * 5_000
_NEW: Final = f"/interviews/new?application=5001&interview=7001&person={ADA}"
_WINDOW: Final = {"action": "times", "panel": str(ADA), "times_from": "2049-03-22", "times_until": "2049-03-22"}
_LAST: Final = {"day": "9999-12-31", "location": "", "video": ""}


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        (_NEW, {**_WINDOW, "relax": "shorter", "minutes": "\N{SUPERSCRIPT TWO}"}, 422),
        (_NEW, {**_WINDOW, "minutes": "60", "times_from": "9999-12-01", "times_until": "9999-12-31"}, 422),
        (_NEW, {"panel": str(ADA), "minutes": "60", "slot": f"253402300799999-{ADA}-"}, 200),
        (_NEW, {"panel": str(ADA), "minutes": "60", "slot": f"{_LONG}-{ADA}-"}, 200),
        ("move", {**_LAST, "kind": "timed", "start": "23:59", "minutes": "1440"}, 422),
        ("move", {**_LAST, "kind": "all_day", "last_day": "9999-12-31"}, 422),
        ("board", {"start": "2049-03-26T09:00", "end": "2049-03-26T10:00", "seen_at": _LONG}, 412),
    ],
    ids=["shorter", "window", "slot", "long slot", "move", "all day", "seen at"],
)
def test_odd_values_change_nothing_and_are_no_fault(
    team: HiringTeam, path: str, fields: dict[str, str], status: int
) -> None:
    jobs, later = [{"id": 8001, "name": "Pilot"}], "2020-01-16T12:00:00.000Z"
    application = {"id": 5001, "candidate_id": 50_010, "jobs": jobs, "status": "active", "last_activity_at": later}
    team.merge_records("applications", [application])
    made = team.schedule()["id"]
    target = {"move": f"/interviews/{made}/move", "board": f"/board/interviews/{made}"}.get(path, path)
    with signed_in(team, ADA, Role.COORDINATOR) as browser, team.unchanged():
        browser.cookies.set(ZONE, "Pacific/Kiritimati")
        answer = submit(browser, target, **fields)
        assert answer.status_code == status, answer.text


def test_a_revision_of_thousands_of_digits_is_refused(team: HiringTeam) -> None:
    with signed_in(team, ADA, Role.COORDINATOR) as browser:
        assert browser.get("/board/changes", params={"after": _LONG}).status_code == 422
