"""The board in a tab of the browser: opening it, and dragging on it.

Owns how a person gets there and what a drag is. Must not know what a test expects.
"""

from typing import Final

from playwright.sync_api import FloatRect, Locator, Page, expect

from rowen.app.roles import Role
from tests.support.browsers import Tab
from tests.support.documents import ROOT
from tests.support.hiring_teams import GRACE, HiringTeam
from tests.support.people import invited

INSTALLED: Final = (ROOT / "src/rowen/web/installed").is_dir()
"""Whether the calendar is installed, without which there is no board."""


def sign_in(tab: Tab, team: HiringTeam, user: int = GRACE, role: Role = Role.COORDINATOR) -> None:
    """Sign a user in by a link."""
    tab.open(invited(team, user, role))
    tab.follow("main button")
    tab.wait_for_board()


def drawn(page: Page, count: int = 1) -> Locator:
    """Wait until the board is drawn with some interviews; each is drawn once for each person."""
    events = page.locator("#board .ec-event")
    expect(events).to_have_count(count)
    return events


def box_of(what: Locator) -> FloatRect:
    """Return where something is; while the board draws it again it is nowhere."""
    while (box := what.bounding_box()) is None:
        expect(what).to_be_visible()
    return box


def drag(page: Page, what: Locator, days: float = 0, rows: float = 0, *, drop: bool = True) -> None:
    """Drag an interview by days and rows of the board."""
    box, cell = box_of(what), box_of(page.locator("#board .ec-body .ec-day").first)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for part in (0.2, 0.6, 1):
        page.mouse.move(x + days * cell["width"] * part, y + rows * cell["height"] * part)
    if drop:
        page.mouse.up()
