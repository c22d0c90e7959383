"""The npm package `@activepieces/piece-greenhouse` 0.1.0, unmodified but for its addresses: a piece for Harvest v3."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.foreign_clients import ForeignClient, node, running
from tests.support.harness import Harness
from tests.support.tenants import IsolatedTenant
from tests.support.tokens import make_client

DRIVER: Final = "activepieces_greenhouse.mjs"
A_CENTURY: Final = 36_500


@pytest.fixture(scope="module")
def piece(
    harness: Harness, account: IsolatedTenant, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ForeignClient]:
    """Return the piece, as a client of an organization that has records of every kind."""
    shown = make_client(account)
    own = {"CLIENT_ID": shown.client_id, "CLIENT_SECRET": shown.secret}
    with running(node(), DRIVER, harness.server.url, tmp_path_factory.mktemp("home"), own) as client:
        yield client


def test_new_interviews_within_a_time(piece: ForeignClient, account: IsolatedTenant) -> None:
    found = piece.call("new_scheduled_interview", days_ahead=A_CENTURY)
    assert {each["id"] for each in found} == {account.ids["scheduled"], account.ids["overlapping"]}
    assert {each["external_event_id"] for each in found} == {account.event, "home-second"}
    assert piece.call("new_scheduled_interview", days_ahead=7) == []


def test_due_scorecards(piece: ForeignClient, account: IsolatedTenant) -> None:
    assert [each["id"] for each in piece.call("new_scorecard_due")] == [account.ids["draft"]]
    found = piece.call("find_due_scorecard", scorecard_id=str(account.ids["scorecard"]))
    assert (found["id"], found["candidate_rating"]) == (account.ids["scorecard"], "yes")
    assert piece.call("find_due_scorecard", scorecard_id="987654321") is None


def test_finding_a_candidate(piece: ForeignClient, account: IsolatedTenant) -> None:
    found = piece.call("find_candidate", email="amelia@home.example")
    assert (found["found"], found["id"], found["first_name"]) == (True, account.ids["candidate"], "Amelia")
    assert found["primary_email"] == "amelia@home.example"
    assert piece.call("find_candidate", email="nobody@home.example") == {"found": False}


@pytest.mark.parametrize("trigger", ["new_candidate_application", "candidate_hired", "new_job_post", "job_updated"])
def test_triggers_without_events_of_the_last_day(piece: ForeignClient, trigger: str) -> None:
    assert piece.call(trigger) == []
