"""The `Idempotency-Key`: a repeated request gets the same response, and is executed once (contract section 4)."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.harness import Harness, served
from tests.support.hiring_teams import (
    ADA,
    GRACE,
    INTERVIEWS,
    LONG_AGO,
    SCORECARDS,
    STRICT,
    HiringTeam,
    accepted,
    body,
    errors_of,
    hiring_team,
    refused_fields,
)
from tests.support.server import serving

HEADERS = {"On-Behalf-Of": str(ADA), "Idempotency-Key": "again"}
OTHER_REQUEST = {"Idempotency-Key": "Was used for another request"}


def same(first: httpx.Response, again: httpx.Response) -> bool:
    """Return whether two responses are the same, byte for byte, including tags."""
    tags = [each.headers.get("etag") for each in (first, again)]
    return first.status_code == again.status_code == 200 and first.content == again.content and tags[0] == tags[1]


def test_every_call_is_done_once(team: HiringTeam) -> None:
    asked = body(**LONG_AGO)
    made = team.post(INTERVIEWS, asked, Idempotency_Key="make")
    identifier = accepted(made)["id"]
    path = f"{INTERVIEWS}/{identifier}"
    scorecard = {"scheduled_interview_id": identifier, "interviewer_id": ADA}
    calls = [
        ("POST", INTERVIEWS, asked, "make"),
        ("PATCH", path, {"location": "Here"}, "move"),
        ("PATCH", f"{STRICT}/{identifier}", {"location": "There"}, "move strictly"),
        ("POST", SCORECARDS, scorecard, "score"),
        ("DELETE", f"{STRICT}/{identifier}", {}, "delete"),
    ]
    answers = [team.send(method, target, content, Idempotency_Key=key) for method, target, content, key in calls]
    with team.unchanged():
        again = [team.send(method, target, content, Idempotency_Key=key) for method, target, content, key in calls]
    assert all(same(*each) for each in zip(answers, again, strict=True))
    assert same(made, answers[0])
    assert team.kinds() == ["created", "updated", "updated", "cancelled"]


@pytest.mark.slow
def test_an_answer_outlives_the_server(database: str) -> None:
    asked = body()
    with served(database) as harness, hiring_team(harness) as team:
        key = team.new_key()
        with harness.server.client(key) as client:
            first = client.post(INTERVIEWS, json=asked, headers=HEADERS)
    with serving(database) as server, server.client(key) as client:
        assert same(first, client.post(INTERVIEWS, json=asked, headers=HEADERS))
        assert len(client.get(STRICT).json()) == 1


def test_another_api_key_has_idempotency_keys_of_its_own(team: HiringTeam, harness: Harness) -> None:
    first = accepted(team.post(INTERVIEWS, body(), Idempotency_Key="again"))
    with harness.server.client(team.new_key()) as client:
        second = accepted(client.post(INTERVIEWS, json=body(), headers=HEADERS))
    assert first["id"] != second["id"]


def test_another_request_under_the_same_key_is_refused(team: HiringTeam) -> None:
    asked = body()
    made = accepted(team.post(INTERVIEWS, asked, Idempotency_Key="once"))
    path = f"{INTERVIEWS}/{made['id']}"
    with team.unchanged():
        for answer in (
            team.post(INTERVIEWS, body(), Idempotency_Key="once"),
            team.post(INTERVIEWS, {**asked, "location": None}, Idempotency_Key="once"),
            team.post(INTERVIEWS, asked, GRACE, Idempotency_Key="once"),
            team.post(STRICT, asked, Idempotency_Key="once"),
            team.patch(path, asked, Idempotency_Key="once"),
            team.delete(f"{STRICT}/{made['id']}", Idempotency_Key="once"),
        ):
            assert errors_of(answer) == OTHER_REQUEST


def test_one_interview_is_not_another(team: HiringTeam) -> None:
    first, second = (team.schedule()["id"] for _ in range(2))
    assert team.patch(f"{INTERVIEWS}/{first}", {}, GRACE, Idempotency_Key="k").status_code == 200
    assert errors_of(team.patch(f"{INTERVIEWS}/{second}", {}, GRACE, Idempotency_Key="k")) == OTHER_REQUEST


def test_a_refusal_is_not_remembered(team: HiringTeam) -> None:
    with team.unchanged():
        assert refused_fields(team.post(INTERVIEWS, body(location=1), Idempotency_Key="again")) == ["location"]
        assert team.post(INTERVIEWS, body(), 4999, Idempotency_Key="again").status_code == 404
    accepted(team.post(INTERVIEWS, body(location="Here"), Idempotency_Key="again"))


def test_the_answer_stays_as_it_was(team: HiringTeam) -> None:
    asked = body()
    first = team.post(INTERVIEWS, asked, Idempotency_Key="old")
    identifier = accepted(first)["id"]
    team.change(identifier, location="Elsewhere")
    assert same(first, team.post(INTERVIEWS, asked, Idempotency_Key="old"))
    accepted(team.delete(f"{STRICT}/{identifier}"))
    assert same(first, team.post(INTERVIEWS, asked, Idempotency_Key="old"))


def test_an_answer_comes_again_though_the_tag_is_stale_by_then(team: HiringTeam) -> None:
    made = team.post(INTERVIEWS, body())
    path = f"{INTERVIEWS}/{accepted(made)['id']}"
    tag = made.headers["etag"]
    first = team.patch(path, {"location": "Here"}, If_Match=tag, Idempotency_Key="matching")
    assert same(first, team.patch(path, {"location": "Here"}, If_Match=tag, Idempotency_Key="matching"))
    assert errors_of(team.patch(path, {"location": "Here"}, Idempotency_Key="matching")) == OTHER_REQUEST


@pytest.mark.parametrize("key", ["x", "x" * 255, "a b", "~!@#$%^&*()[]{}'\"\\,;", "0"])
def test_a_key_has_one_to_255_characters(team: HiringTeam, key: str) -> None:
    asked = body()
    assert same(team.post(INTERVIEWS, asked, Idempotency_Key=key), team.post(INTERVIEWS, asked, Idempotency_Key=key))
    assert len(team.changes()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "x" * 5_000, "a\tb"])
def test_an_invalid_key_is_refused(team: HiringTeam, key: str) -> None:
    made = team.schedule()
    with team.unchanged():
        for answer in (
            team.post(INTERVIEWS, body(), Idempotency_Key=key),
            team.patch(f"{INTERVIEWS}/{made['id']}", {"location": "Here"}, Idempotency_Key=key),
            team.delete(f"{STRICT}/{made['id']}", Idempotency_Key=key),
        ):
            assert refused_fields(answer) == ["Idempotency-Key"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_of_many_at_once_one_is_done(database: str, workers: str) -> None:
    with (
        served(database, "--workers", workers) as harness,
        hiring_team(harness) as team,
        ThreadPoolExecutor(8) as pool,
    ):
        for number in range(20):
            asked = body()
            answers = list(
                pool.map(lambda _, a=asked, k=number: team.post(INTERVIEWS, a, Idempotency_Key=str(k)), range(8))
            )
            done = [each for each in answers if each.status_code == 200]
            others = [each for each in answers if each.status_code != 200]
            assert done
            assert len({each.content for each in done}) == 1
            assert {each.status_code for each in others} <= {409}
        assert team.kinds() == ["created"] * 20
