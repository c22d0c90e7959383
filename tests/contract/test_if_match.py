"""`If-Match` (RFC 9110, section 13.1.1): a version that is no longer current is not changed (contract section 4)."""

from collections.abc import Callable

import httpx
import pytest

from tests.support.hiring_teams import (
    GRACE,
    INTERVIEWS,
    LONG_AGO,
    STRICT,
    HiringTeam,
    accepted,
    body,
)

STALE = {"message": "The record has changed since: If-Match names an older version of it"}

HOLDS: list[Callable[[str], str]] = [
    lambda tag: tag,
    lambda tag: f"{tag} , {tag}",
    lambda tag: f'"other", {tag}',
    lambda tag: f'W/"weak",{tag},"another"',
    lambda _: "*",
]
FAILS: list[Callable[[str], str]] = [
    lambda tag: f"W/{tag}",
    lambda tag: tag.strip('"'),
    lambda tag: tag[:-2] + '"',
    lambda tag: tag.upper(),
    lambda _: '"other"',
    lambda _: '"other", W/"*"',
    lambda _: '"*"',
    lambda tag: f'"other", W/{tag}',
]


def calls(team: HiringTeam, identifier: int, tag: str) -> list[httpx.Response]:
    """Change an interview in both forms, then delete it, each with the given tag."""
    return [
        team.patch(f"{INTERVIEWS}/{identifier}", {"location": "Here"}, If_Match=tag),
        team.patch(f"{STRICT}/{identifier}", {"location": "There"}, If_Match=tag),
        team.delete(f"{STRICT}/{identifier}", If_Match=tag),
    ]


@pytest.mark.parametrize("header", HOLDS)
def test_valid_commands_are_executed(team: HiringTeam, header: Callable[[str], str]) -> None:
    answer = team.post(INTERVIEWS, body())
    identifier = accepted(answer)["id"]
    for path, location in ((INTERVIEWS, "Here"), (STRICT, "There")):
        answer = team.patch(f"{path}/{identifier}", {"location": location}, If_Match=header(answer.headers["etag"]))
        assert accepted(answer)["location"] == location
    accepted(team.delete(f"{STRICT}/{identifier}", If_Match=header(answer.headers["etag"])))


@pytest.mark.parametrize("header", FAILS)
def test_violated_rules_are_refused(team: HiringTeam, header: Callable[[str], str]) -> None:
    answer = team.post(INTERVIEWS, body())
    with team.unchanged():
        for refused in calls(team, accepted(answer)["id"], header(answer.headers["etag"])):
            assert (refused.status_code, refused.json()) == (412, STALE)


def test_the_tag_of_a_retrieve_holds_until_the_next_change(team: HiringTeam) -> None:
    made = team.schedule()
    path = f"{STRICT}/{made['id']}"
    retrieved = team.client.get(path)
    old = retrieved.headers["etag"]
    assert old.startswith('"'), "strong"
    head = team.client.head(path)
    assert head.headers["etag"] == old
    changed = team.patch(f"{INTERVIEWS}/{made['id']}", {"location": "Here"}, If_Match=old)
    new = changed.headers["etag"]
    assert accepted(changed)["location"] == "Here"
    assert new != old
    assert team.client.get(path).headers["etag"] == new
    with team.unchanged():
        for refused in calls(team, made["id"], old):
            assert refused.status_code == 412
    accepted(team.delete(path, If_Match=new))


def test_a_scorecard_and_the_clock_make_tags_stale_too(team: HiringTeam) -> None:
    answer = team.post(INTERVIEWS, body(**LONG_AGO, interviewers=[{"user_id": GRACE, "response_status": "accepted"}]))
    made = accepted(answer)
    scorecard = team.score(made["id"], GRACE)
    with team.unchanged():
        assert team.delete(f"{STRICT}/{made['id']}", If_Match=answer.headers["etag"]).status_code == 412
    accepted(team.delete(f"/rowen/v1/scorecards/{scorecard['id']}"))
    now = team.client.get(f"{STRICT}/{made['id']}").headers["etag"]
    assert now != answer.headers["etag"], "the time of the change differs"
    accepted(team.delete(f"{STRICT}/{made['id']}", If_Match=now))


def test_a_change_that_changes_nothing_needs_the_tag_too(team: HiringTeam) -> None:
    made = team.schedule()
    with team.unchanged():
        assert team.patch(f"{INTERVIEWS}/{made['id']}", {}, If_Match='"other"').status_code == 412


def test_two_header_lines_are_one_list(team: HiringTeam) -> None:
    answer = team.post(INTERVIEWS, body())
    headers = [("If-Match", '"other"'), ("If-Match", answer.headers["etag"]), ("On-Behalf-Of", str(GRACE))]
    path = f"{STRICT}/{accepted(answer)['id']}"
    assert team.client.delete(path, headers=headers).status_code == 200


def test_a_missing_record_is_not_found_whatever_the_tag(team: HiringTeam) -> None:
    for refused in calls(team, 987_654_321, "*"):
        assert refused.status_code == 404


def test_a_stale_tag_counts_more_than_bad_fields(team: HiringTeam) -> None:
    made = team.schedule()
    with team.unchanged():
        answer = team.patch(f"{INTERVIEWS}/{made['id']}", {"location": 1}, If_Match='"other"')
        assert answer.status_code == 412
