"""Booking links, and what a candidate does at their addresses (contract section 17)."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from rowen.store.schema.base import metadata
from tests.support.booking_links import LINKS, ONSITE, candidate, new_link
from tests.support.hiring_teams import (
    ACTIVE,
    ADA,
    GRACE,
    KATE,
    NOBODY,
    OTHER_ACTIVE,
    REJECTED,
    STRICT,
    HiringTeam,
    accepted,
    guest,
    refused_fields,
    seat,
)
from tests.support.planning_people import MONDAY, at, make_available
from tests.support.records import Record
from tests.support.sql import fetch


def test_a_link_is_made_listed_and_removed(team: HiringTeam) -> None:
    made = accepted(team.post(LINKS, ONSITE))
    path = urlsplit(made["url"]).path
    secret = path.rpartition("-")[2]
    assert len(bytes.fromhex(secret)) * 8 >= 128
    listed = team.client.get(LINKS)
    assert listed.json() == [{name: value for name, value in made.items() if name != "url"}]
    assert secret not in listed.text
    with candidate(team) as client:
        assert accepted(client.get(path))["booked"] == []
        accepted(team.delete(f"{LINKS}/{made['id']}"))
        unknown = client.get(f"{path[:-1]}x")
        removed = client.get(path)
        assert (removed.status_code, removed.content) == (unknown.status_code, unknown.content)
        assert removed.status_code == 404
    assert team.delete(f"{LINKS}/{made['id']}").status_code == 404


def test_a_candidate_books_moves_and_cancels_a_whole_onsite(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team, moves=1)
    with candidate(team) as client:
        offered = accepted(client.get(path, params={"time_zone": "Asia/Kolkata"}))
        assert offered["sessions"] == [{"name": "Talk", "minutes": 60}, {"name": "Code", "minutes": 45}]
        assert offered["slots"][0] == {
            "start": at("09:00"),
            "end": at("10:45"),
            "local": f"{MONDAY}T14:30:00+05:30",
        }
        assert len(offered["slots"]) == 6
        assert "Hopper" not in client.get(path).text
        assert offered["contact"]["name"] == "Ada Lovelace", "who made the link"
        booked = accepted(client.post(path, json={"start": offered["slots"][1]["start"]}))
        assert [each["name"] for each in booked["booked"]] == ["Culture Fit", None]
        assert (booked["booked"][0]["start"], booked["may_move"]) == (offered["slots"][1]["start"], True)
        ids = [each["id"] for each in team.client.get("/v1/scheduled_interviews").json()]
        calendar = client.get(f"{path}/calendar.ics")
        assert calendar.headers["content-type"].startswith("text/calendar")
        assert calendar.text.count("BEGIN:VEVENT") == 2
        moved = accepted(client.post(path, json={"start": at("09:00")}))
        assert (moved["booked"][0]["start"], moved["may_move"], moved["slots"]) == (at("09:00"), False, [])
        assert [each["id"] for each in team.client.get("/v1/scheduled_interviews").json()] == ids
        assert client.post(path, json={"start": at("10:00")}).status_code == 403
        accepted(client.delete(path))
        assert team.client.get("/v1/scheduled_interviews").json() == []
        assert accepted(client.get(path))["booked"] == []
        assert client.delete(path).status_code == 403


def test_a_slot_that_was_taken_meanwhile_is_refused(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team)
    team.schedule(start=at("09:00"), end=at("10:00"))
    with candidate(team) as client:
        assert refused_fields(client.post(path, json={"start": at("09:00")}), 409) == ["start"]
        assert refused_fields(client.post(path, json={"start": at("09:07")}), 409) == ["start"]
        assert refused_fields(client.post(path, json={})) == ["start"]
        assert refused_fields(client.get(path, params={"time_zone": "Mars/Base"})) == ["time_zone"]


def test_all_times_that_are_offered_for_a_move_suit_the_guests(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team, moves=20, sessions=ONSITE["sessions"][:1])
    with candidate(team) as client:
        accepted(client.post(path, json={"start": at("09:00")}))
        (booked,) = team.client.get(STRICT).json()
        observer = guest("observer@example.com")
        team.change(booked["id"], interviewers=[seat(ADA), observer])
        before = accepted(client.get(path))["slots"]
        team.schedule(
            application_id=OTHER_ACTIVE, interviewers=[seat(KATE), observer], start=at("12:00"), end=at("16:00")
        )
        offered = [each["start"] for each in accepted(client.get(path))["slots"]]
        assert at("16:00") in offered
        assert [each["start"] for each in before] != offered
        for start in offered:
            accepted(client.post(path, json={"start": start}))
        assert refused_fields(client.post(path, json={"start": at("12:00")}), 409) == ["start"]


def test_near_its_start_a_booking_cannot_be_changed(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team, change_notice_minutes=43_200, window={"from": "2020-01-01", "to": "2020-02-01"})
    with candidate(team) as client:
        assert accepted(client.get(path))["slots"] == []


def test_an_address_opens_nothing_else(team: HiringTeam) -> None:
    path = new_link(team)
    with candidate(team) as client:
        assert client.patch(path, json={}).status_code == 405
        assert client.get("/rowen/v1/booking_links").status_code == 401


def test_every_bad_field_of_a_link_is_named(team: HiringTeam) -> None:
    assert refused_fields(team.post(LINKS, {})) == ["application_id", "window", "sessions"]
    bad = {**ONSITE, "limit": 5, "moves": -1, "expires_in_days": 0}
    assert refused_fields(team.post(LINKS, bad)) == ["limit", "moves", "expires_in_days"]
    assert refused_fields(team.post(LINKS, {**ONSITE, "application_id": REJECTED})) == ["application_id"]
    unknown = {**ONSITE, "sessions": [{"minutes": 60, "seats": [{"users": [NOBODY]}]}]}
    assert refused_fields(team.post(LINKS, unknown)) == ["sessions[0].seats[0].users[0]"]
    assert refused_fields(team.post(LINKS, ONSITE, user=None)) == ["On-Behalf-Of"]


def test_a_start_that_the_link_does_not_offer_is_refused(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team, window={"from": at("09:00"), "to": at("12:00")})
    past = new_link(team, window={"from": "2020-02-03T00:00Z", "to": "2020-02-04T00:00Z"})
    years = [f"{year}-02-03T09:00:00.000Z" for year in ("1970", "1969", "0001", "9999")]
    with candidate(team) as client, team.unchanged():
        for start in (*years, "1970-01-01T00:00:00.000Z", at("08:45"), at("10:30"), at("11:45"), at("13:00")):
            assert refused_fields(client.post(path, json={"start": start}), 409) == ["start"], start
        assert refused_fields(client.post(path, json={"start": f"{at('09:00')[:-5]}.001Z"}), 409) == ["start"]
        assert refused_fields(client.post(past, json={"start": at("09:00", "2020-02-03")}), 409) == ["start"]
    with candidate(team) as client:
        accepted(client.post(path, json={"start": at("10:15")}))


def test_the_last_day_of_a_loop_can_be_far_from_its_start(team: HiringTeam) -> None:
    make_available(team, ADA)
    make_available(team, GRACE, time_off=[{"from": "2031-02-03", "to": "2031-02-09"}])
    path = new_link(team, days=2, window={"from": at("00:00"), "to": at("00:00", "2031-02-15")})
    with candidate(team) as client:
        booked = accepted(client.post(path, json={"start": at("09:00")}))["booked"]
        assert [each["start"] for each in booked] == [at("09:00"), at("09:00", "2031-02-10")]


def test_of_clients_that_book_at_one_address_at_once_one_wins(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team, moves=100)
    with ExitStack() as stack:
        clients = [stack.enter_context(candidate(team)) for _ in range(6)]
        offers = [accepted(each.get(path)) for each in clients]  # all are connected
        starts = [slot["start"] for slot in offers[0]["slots"]]
        together = Barrier(len(clients))

        def book(client: httpx.Client, start: str) -> httpx.Response:
            together.wait()
            return client.post(path, json={"start": start})

        with ThreadPoolExecutor(len(clients)) as threads:
            answers = list(threads.map(book, clients, starts))
    done = [each for each in answers if each.status_code == 200]
    assert done
    assert all(refused_fields(each, 409) == ["start"] for each in answers if each not in done)
    (link,) = team.client.get(LINKS).json()
    assert [each["id"] for each in team.client.get(STRICT).json()] == link["scheduled_interview_ids"]
    assert len(link["scheduled_interview_ids"]) == 2
    assert link["moves"] == 100 - (len(done) - 1), "each further success is a move"


def test_a_booking_that_is_sent_again_changes_nothing(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team, moves=1)
    with ExitStack() as stack:
        clients = [stack.enter_context(candidate(team)) for _ in range(4)]
        for each in clients:
            accepted(each.get(path))  # all are connected
        for clock in ("09:00", "10:00"):
            with ThreadPoolExecutor(len(clients)) as threads:
                answers = list(threads.map(lambda each: each.post(path, json={"start": at(clock)}), clients))  # noqa: B023
            answers.append(clients[0].post(path, json={"start": at(clock)}))
            assert {accepted(each)["booked"][0]["start"] for each in answers} == {at(clock)}
    (link,) = team.client.get(LINKS).json()
    assert (len(link["scheduled_interview_ids"]), link["moves"]) == (2, 0), "one move was made"


def test_a_candidate_books_again_what_staff_cancelled(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team, sessions=ONSITE["sessions"][:1])
    with candidate(team) as client:
        assert client.get(f"{path}/calendar.ics").status_code == 404
        accepted(client.post(path, json={"start": at("09:00")}))
        (first,) = team.client.get(STRICT).json()
        accepted(team.delete(f"{STRICT}/{first['id']}"))
        offered = accepted(client.get(path))
        assert (offered["booked"], offered["may_move"], offered["may_cancel"]) == ([], False, False)
        assert offered["slots"][0]["start"] == at("09:00")
        assert client.get(f"{path}/calendar.ics").status_code == 404
        assert client.delete(path).status_code == 403
        assert accepted(client.post(path, json={"start": at("10:00")}))["booked"][0]["start"] == at("10:00")
        (second,) = team.client.get(STRICT).json()
        assert second["id"] != first["id"]
        assert client.get(f"{path}/calendar.ics").status_code == 200


def test_what_one_link_has_booked_no_other_one_books_again(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    first, second, other = new_link(team), new_link(team), new_link(team, sessions=ONSITE["sessions"][1:])
    with candidate(team) as client:
        assert accepted(client.get(second))["booked_elsewhere"] is False
        accepted(client.post(first, json={"start": at("09:00")}))
        offered = accepted(client.get(second))
        assert (offered["booked_elsewhere"], offered["slots"], offered["booked"]) == (True, [], [])
        with team.unchanged():
            assert refused_fields(client.post(second, json={"start": at("14:00")}), 409) == ["start"]
        accepted(client.post(first, json={"start": at("10:00")}))
        accepted(client.post(other, json={"start": at("14:00")}))
        accepted(client.delete(first))
        accepted(client.post(second, json={"start": at("14:45")}))


def test_a_booking_stands_as_long_as_its_interviews_are_to_come_whatever_was_booked(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    first, second = new_link(team), new_link(team)
    with candidate(team) as client:
        accepted(client.post(first, json={"start": at("09:00")}))
        number = team.client.get(LINKS).json()[0]["id"]
        named = (team.organization.id, number)
        of = "FROM records WHERE organization_id = ? AND resource = 'booking_links' AND id = ?"
        ((document,),) = fetch(team.harness.database, f"SELECT document {of}", *named)
        passed = msgspec.json.encode({**msgspec.json.decode(document), "starts_at": 1})  # staff have moved it since
        fetch(
            team.harness.database, f"UPDATE records SET document = ? {of.removeprefix('FROM records ')}", passed, *named
        )
        assert accepted(client.get(second))["booked_elsewhere"] is True
        assert refused_fields(client.post(second, json={"start": at("14:00")}), 409) == ["start"]


def test_a_candidate_keeps_a_booking_whose_pool_is_gone(team: HiringTeam) -> None:
    make_available(team, ADA)
    pool = accepted(team.post("/rowen/v1/pools", {"name": "Talkers", "members": [{"user_id": ADA}]}))["id"]
    path = new_link(team, sessions=[{"name": "Talk", "minutes": 60, "seats": [{"pool": pool}]}])
    with candidate(team) as client:
        accepted(client.post(path, json={"start": at("09:00")}))
        accepted(team.delete(f"/rowen/v1/pools/{pool}"))
        offered = accepted(client.get(path))
        assert (offered["slots"], len(offered["booked"]), offered["may_cancel"]) == ([], 1, True)
        assert refused_fields(client.post(path, json={"start": at("11:00")}), 409) == ["start"]
        accepted(client.delete(path))


def test_a_candidate_learns_of_no_decision(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team)
    rejected = {"id": ACTIVE, "status": "rejected", "last_activity_at": "2020-01-16T12:00:00.000Z"}
    team.merge_records("applications", [rejected])
    with candidate(team) as client:
        assert accepted(client.get(path))["slots"] == []
        refused = client.post(path, json={"start": at("09:00")})
        assert refused_fields(refused, 409) == ["start"]
        assert "rejected" not in refused.text


def test_a_candidate_is_offered_times_by_day_where_there_are_any(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team)
    with candidate(team) as client:
        slots = accepted(client.get(path, params={"time_zone": "America/New_York"}))["slots"]
        assert slots[0]["local"] == f"{MONDAY}T08:00:00-05:00"
        far = accepted(client.get(path, params={"time_zone": "Pacific/Auckland"}))["slots"]
        assert far[0]["local"].startswith(f"{MONDAY}T22:00:00"), "there are no others"


def test_an_onsite_on_two_dates_begins_by_day(team: HiringTeam) -> None:
    make_available(team, ADA)
    make_available(team, GRACE, time_off=[{"from": "2031-02-03", "to": "2031-02-04"}])
    path = new_link(team, days=2, window={"from": at("00:00"), "to": at("00:00", "2031-02-15")})
    with candidate(team) as client:
        slots = accepted(client.get(path, params={"time_zone": "America/New_York"}))["slots"]
        starts = [each["local"] for each in slots if each["local"].startswith(MONDAY)]
        assert starts
        assert all("T08:00" <= each[len(MONDAY) :] < "T20:00" for each in starts)


def test_when_staff_move_a_booking_its_notice_counts_from_the_new_time(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    path = new_link(team, sessions=ONSITE["sessions"][:1])
    with candidate(team) as client:
        accepted(client.post(path, json={"start": at("09:00")}))
        (booked,) = team.client.get(STRICT).json()
        team.change(booked["id"], start=at("09:00", "2020-02-03"), end=at("10:00", "2020-02-03"))
        offered = accepted(client.get(path))
        assert (offered["may_move"], offered["may_cancel"]) == (False, False)
        assert client.delete(path).status_code == 403


def test_a_candidate_uses_up_the_hold_of_the_application(team: HiringTeam) -> None:
    make_available(team, ADA)
    path = new_link(team, sessions=ONSITE["sessions"][:1])
    session = {"start": at("09:00"), "end": at("10:00"), "interviewers": [{"user_id": ADA}]}
    accepted(team.post("/rowen/v1/holds", {"application_id": ACTIVE, "sessions": [session]}))
    with candidate(team) as client:
        accepted(client.post(path, json={"start": at("09:00")}))
    assert team.client.get("/rowen/v1/holds").json() == []


def test_in_a_mirror_nothing_is_booked_or_cancelled(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    fresh, booked = new_link(team), new_link(team)
    with candidate(team) as client:
        accepted(client.post(booked, json={"start": at("09:00")}))
        mirror = "UPDATE organizations SET mirrored_from = ? WHERE id = ?"
        fetch(team.harness.database, mirror, "https://account.example", team.organization.id)
        with team.unchanged():
            for answer in (client.post(fresh, json={"start": at("14:00")}), client.delete(booked)):
                assert answer.status_code == 403
                assert "read-only" in answer.json()["message"], answer.text


def test_an_address_that_begins_with_many_digits_is_unknown(team: HiringTeam) -> None:
    with candidate(team) as client:
        for number in ("9" * 4_400, "0" * 4_400, "9" * 10, "2147483648"):
            assert client.get(f"/book/{number}-x").status_code == 404


@pytest.mark.parametrize(
    "window",
    [
        {"from": f"{MONDAY}T09:00:10Z", "to": f"{MONDAY}T09:00:50Z"},
        {"from": f"{MONDAY}T09:00:10Z", "to": f"{MONDAY}T09:01:50Z"},
        {"from": "9999-12-01", "to": "9999-12-31T23:59:59.999Z"},
        {"from": "9998-12-01", "to": "9999-01-02"},
    ],
)
def test_a_window_without_a_whole_minute_or_in_the_last_year_is_refused(team: HiringTeam, window: Record) -> None:
    assert refused_fields(team.post(LINKS, {**ONSITE, "window": window})) == ["window.to"]


def test_the_secret_of_a_link_is_stored_nowhere(team: HiringTeam) -> None:
    make_available(team, ADA, GRACE)
    secret = new_link(team).rpartition("-")[2]
    stored = repr([fetch(team.harness.database, f"SELECT * FROM {table}") for table in metadata.tables])
    assert str(ACTIVE) in stored
    assert secret not in stored
