"""Bookings, holds and booking links against a model: any commands in any order, at any time, on a real database.

Nobody and no room is booked twice, limits hold, a hold keeps its slot from others, and v1 and v3 show the same.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, count
from typing import Any, Final

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rowen.api.request import ApiRequest
from rowen.app.organizations import DoubleBooking
from rowen.interviews.moments import Instant
from tests.support import bodies, generations
from tests.support.in_process import HANDLERS, Application, answered, application_on
from tests.support.model.planning import DAY, HOUR, STEP, Hold, Link, Person, PlanningModel, Session
from tests.support.model.scorecards import CommandResult
from tests.support.records import Record
from tests.support.storage import Storage
from tests.support.strategies import PROFILE

pytestmark = pytest.mark.heavy

RUNS: Final = 120
STEPS: Final = 40
MINUTE: Final = 60_000
MONDAY: Final = int(Instant.parse("2031-02-03T00:00:00Z")) // MINUTE
START: Final = Instant((MONDAY - 12 * HOUR) * MINUTE)
WINDOW: Final = (MONDAY, MONDAY + 2 * DAY)
PEOPLE: Final = {
    1: Person(9 * HOUR, 17 * HOUR, 0, None, None),
    2: Person(8 * HOUR, 12 * HOUR, 30, 2, None),
    3: Person(9 * HOUR, 15 * HOUR, 15, 3, 4),
}
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
URL: Final = "http://rowen.test"

_numbers = count(1)

applications = st.sampled_from(bodies.APPLICATIONS)
users = st.sampled_from([*PEOPLE])
starts = st.integers(0, 10).map(lambda each: 8 * HOUR + each * 45) | st.integers(0, 18).map(
    lambda each: 8 * HOUR + each * STEP
)
panels = st.lists(users, min_size=1, max_size=2, unique=True).map(tuple)
picks = st.integers(0, 99)


@st.composite
def sessions(draw: st.DrawFn) -> list[Session]:
    """Draw one or two sessions of a booking, usually one after the other, in rooms 0 and 1 or none."""
    begin = MONDAY + draw(st.integers(0, 1)) * DAY + draw(starts)
    found = []
    for _ in range(draw(st.integers(1, 2))):
        end = begin + draw(st.sampled_from([30, 45, HOUR]))
        found.append(Session(begin, end, draw(panels), draw(st.sampled_from([None, None, 0, 1]))))
        begin = end + draw(st.sampled_from([0, 0, 0, 15, -15]))
    return found


def written(minute: int) -> str:
    """Return a time as clients write it."""
    return str(Instant(minute * MINUTE))


def read(text: str) -> int:
    """Return a time that was served."""
    return int(Instant.parse(text)) // MINUTE


class PlanningMachine(RuleBasedStateMachine):
    """Any commands to one organization."""

    def __init__(self, application: Application) -> None:
        super().__init__()
        self.harness, self.services, _ = application
        self.has_begun = False
        self.link_ids: dict[str, int] = {}

    @initialize(policy=st.sampled_from(DoubleBooking))
    def begin(self, policy: DoubleBooking) -> None:
        """Make an organization with people, two rooms and applications."""
        self.harness.clock.instant = START
        self.tenant = self.harness.tenant(f"planning-{next(_numbers)}")
        self.tenant.merge_records("users", [bodies.person(each) for each in PEOPLE])
        self.tenant.merge_records("applications", [bodies.application(each, 0) for each in bodies.APPLICATIONS])
        self.tenant.change_settings(policy)
        self.model = PlanningModel(PEOPLE, START // MINUTE)
        self.rooms = [self.call("create_room", {"name": f"Room {each}"})["id"] for each in range(2)]
        for user, person in PEOPLE.items():
            hours = [{"from": f"{person.begins // HOUR:02}:00", "to": f"{person.ends // HOUR:02}:00"}]
            body = {
                "time_zone": "UTC",
                "working_hours": dict.fromkeys(DAYS, hours),
                "buffer_minutes": {"before": person.apart, "after": 0},
                "limits": {name: most for name in ("per_day", "per_week") if (most := getattr(person, name))},
            }
            self.call("replace_availability", body, id=user)
        self.has_begun = True

    def ask(self, name: str, body: Record | None = None, query: str = "", **identifiers: Any) -> Any:
        """Return the result of a call, or its refusal."""
        organization = self.harness.run(self.harness.store.organizations.find(self.tenant.organization.name))
        assert organization is not None
        method = "GET" if body is None else "POST"
        document = b"" if body is None else msgspec.json.encode(body)
        named = {key: str(value) for key, value in identifiers.items()}
        headers = {b"on-behalf-of": b"1"}
        address = f"{URL}/rowen/v1/booking_links" if name == "create_booking_link" else URL
        request = ApiRequest(organization, 1, "test", method, named, address, query, headers, document)
        return self.harness.run(answered(HANDLERS[name], self.services, request))

    def call(self, name: str, body: Record | None = None, query: str = "", **identifiers: Any) -> Any:
        """Return what a call that succeeds returns."""
        found = self.ask(name, body, query, **identifiers)
        assert isinstance(found, CommandResult), (name, found)
        return msgspec.json.decode(found.body)

    def body(self, application: int, wanted: Sequence[Session]) -> Record:
        """Return a booking as a client sends it."""
        asked = [
            {
                "start": written(each.start),
                "end": written(each.end),
                "interviewers": [{"user_id": user} for user in each.users],
                "room_id": None if each.room is None else self.rooms[each.room],
                "scheduled_interview_id": each.moves,
            }
            for each in wanted
        ]
        return {"application_id": application, "sessions": asked}

    @rule(application=applications, wanted=sessions())
    def book(self, application: int, wanted: list[Session]) -> None:
        self._book(application, wanted)

    def _book(self, application: int, wanted: list[Session]) -> None:
        problems = self.model.problems(application, wanted)
        found = self.ask("create_booking", self.body(application, wanted))
        if problems:
            assert found == (409, problems)
            return
        assert isinstance(found, CommandResult), found
        made = msgspec.json.decode(found.body)["scheduled_interviews"]
        self.model.book(application, wanted, [each["id"] for each in made])

    @precondition(lambda self: bool(self.model.interviews))
    @rule(pick=picks, wanted=sessions())
    def reschedule(self, pick: int, wanted: list[Session]) -> None:
        """Move interviews of an application, in rooms that are named or kept, and perhaps add another."""
        there = self.to_come()
        if there:
            application = self.model.interviews[there[pick % len(there)]].application
            moved = [each for each in there if self.model.interviews[each].application == application]
            self._book(application, [each._replace(moves=one) for each, one in zip(wanted, moved, strict=False)])

    @precondition(lambda self: bool(self.model.interviews))
    @rule(pick=picks, by=st.sampled_from([15, 30, 45, -30, DAY]))
    def shift_a_loop(self, pick: int, by: int) -> None:
        """Move all that an application has at once; its interviews overlap where they were."""
        there = self.to_come()
        if there:
            application = self.model.interviews[there[pick % len(there)]].application
            loop = [(i, self.model.interviews[i]) for i in there if self.model.interviews[i].application == application]
            moved = [Session(each.start + by, each.end + by, each.users, None, i) for i, each in loop]
            self._book(application, moved[:8])

    @rule(application=applications, wanted=sessions(), minutes=st.sampled_from([10, 300, 1_440]))
    def hold(self, application: int, wanted: list[Session], minutes: int) -> None:
        problems = self.model.problems(application, wanted)
        found = self.ask("create_hold", {**self.body(application, wanted), "minutes": minutes})
        if problems:
            assert found == (409, problems)
        else:
            made = msgspec.json.decode(found.body)
            self.model.holds[made["id"]] = Hold(application, tuple(wanted), self.model.now + minutes)

    @precondition(lambda self: bool(self.model.holds))
    @rule(pick=picks)
    def remove_a_hold(self, pick: int) -> None:
        one = sorted(self.model.holds)[pick % len(self.model.holds)]
        found = self.ask("delete_hold", id=one)
        assert (found == (404, [])) == (one not in self.model.standing_holds())
        del self.model.holds[one]

    @rule(minutes=st.sampled_from([5, 10, 60, 600]))
    def let_time_pass(self, minutes: int) -> None:
        self.model.now += minutes
        self.harness.clock.instant = Instant(self.model.now * MINUTE)

    def to_come(self) -> list[int]:
        """Return the interviews that have not begun."""
        return [each for each, interview in sorted(self.model.interviews.items()) if interview.start > self.model.now]

    @precondition(lambda self: bool(self.model.interviews))
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        there = self.to_come()
        if there:
            one = there[pick % len(there)]
            self.call("delete_interview", id=one)
            del self.model.interviews[one]

    @rule(
        application=applications,
        seats=st.lists(panels, min_size=1, max_size=2).map(tuple),
        moves=st.integers(0, 2),
        notice=st.sampled_from([0, 60, DAY]),
    )
    def make_a_link(self, application: int, seats: tuple[tuple[int, ...], ...], moves: int, notice: int) -> None:
        body = {
            "application_id": application,
            "window": {"from": written(WINDOW[0]), "to": written(WINDOW[1])},
            "step_minutes": STEP,
            "sessions": [{"minutes": HOUR, "seats": [{"users": each}]} for each in seats],
            "expires_in_days": 1,
            "moves": moves,
            "change_notice_minutes": notice,
        }
        made = self.call("create_booking_link", body)
        expires_at = self.model.now + DAY
        self.model.links[made["url"].rpartition("/")[2]] = Link(application, seats, WINDOW, expires_at, moves, notice)
        self.link_ids[made["url"].rpartition("/")[2]] = made["id"]

    def chosen_link(self, pick: int) -> tuple[str, Link | None]:
        """Return the secret of a link, and the link unless it has expired."""
        secret = sorted(self.model.links)[pick % len(self.model.links)]
        return secret, self.model.link(secret)

    @precondition(lambda self: bool(self.model.links))
    @rule(pick=picks)
    def revoke_a_link(self, pick: int) -> None:
        secret, _ = self.chosen_link(pick)
        self.call("delete_booking_link", id=self.link_ids[secret])
        del self.model.links[secret]
        assert self.ask("show_offer", token=secret) == (404, [])

    @precondition(lambda self: bool(self.model.links))
    @rule(pick=picks, place=picks, is_offered=st.booleans(), start=starts)
    def choose_a_slot(self, pick: int, place: int, is_offered: bool, start: int) -> None:
        """Book, or move what was booked, at one of the starts that are possible, or at any."""
        secret, link = self.chosen_link(pick)
        at = MONDAY + start
        if is_offered and link is not None and (possible := self.model.starts(link)):
            at = possible[place % len(possible)]
        found = self.ask("book_offer", {"start": written(at)}, token=secret)
        if link is None:
            assert found == (404, [])
        elif self.model.is_booked(link, at):
            assert isinstance(found, CommandResult), found  # it was sent again
        elif not self.model.may_choose(link):
            assert found == (403, [])
        elif not self.model.has_slot(link, at):
            assert found == (409, ["start"])
        else:
            assert isinstance(found, CommandResult), found
            self._booked_with(secret, link, at)

    def _booked_with(self, secret: str, link: Link, at: int) -> None:
        """Read what was booked, require that it obeys the rules, and remember it."""
        listed = self.call("list_booking_links")
        ids = next(each["scheduled_interview_ids"] for each in listed if each["id"] == self.link_ids[secret])
        made = [self.call("retrieve_interview", id=each) for each in ids]
        chosen = [
            Session(
                read(each["start"]["date_time"]),
                read(each["end"]["date_time"]),
                tuple(one["id"] for one in each["interviewers"]),
                None,
                each["id"] if link.interviews else None,
            )
            for each in made
        ]
        assert chosen[0].start == at
        assert all(
            each.users[0] in seat and len(each.users) == 1 for each, seat in zip(chosen, link.seats, strict=True)
        )
        assert self.model.problems(link.application, chosen) == []
        assert not link.interviews or tuple(ids) == link.interviews
        self.model.book(link.application, chosen, ids)
        moves = link.moves - bool(link.interviews)
        self.model.links[secret] = Link(
            link.application, link.seats, link.window, link.expires_at, moves, link.notice, tuple(ids)
        )

    @precondition(lambda self: bool(self.model.links))
    @rule(pick=picks)
    def cancel_what_was_booked(self, pick: int) -> None:
        secret, link = self.chosen_link(pick)
        found = self.ask("cancel_offer", token=secret)
        if link is None:
            assert found == (404, [])
        elif not self.model.may_change(link):
            assert found == (403, [])
        else:
            assert isinstance(found, CommandResult), found
            for each in link.interviews:
                del self.model.interviews[each]

    @precondition(lambda self: bool(self.model.links))
    @rule(pick=picks)
    def look_at_an_offer(self, pick: int) -> None:
        secret, link = self.chosen_link(pick)
        found = self.ask("show_offer", token=secret)
        if link is None:
            assert found == (404, [])
            return
        offered = [read(each["start"]) for each in msgspec.json.decode(found.body)["slots"]]
        possible = self.model.starts(link) if self.model.may_choose(link) else []
        assert {*offered} <= {*possible}
        assert Counter(each // DAY for each in offered) == {
            day: min(6, many) for day, many in Counter(each // DAY for each in possible).items()
        }

    @rule(application=applications, user=users)
    def find_times(self, application: int, user: int) -> None:
        """Find slots exactly where a booking would succeed."""
        body = {
            "window": {"from": written(WINDOW[0]), "to": written(WINDOW[1])},
            "step_minutes": STEP,
            "application_id": application,
            "sessions": [{"minutes": HOUR, "seats": [{"users": [user]}]}],
            "limit": 500,
            "explain": False,
        }
        found = [read(each["start"]) for each in self.call("find_slots", body)["slots"]]
        link = Link(application, ((user,),), WINDOW, 0, 0, 0)
        assert found == self.model.starts(link)

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        """Compare lists of v1 and v3 and holds, and require the limits, whatever the model says."""
        if not self.has_begun:
            return
        listed = self.call("list_interviews", query="per_page=500")
        assert {each["id"]: self.shown(each) for each in listed} == {
            identifier: (each.application, each.start, each.end, each.users, each.room)
            for identifier, each in self.model.interviews.items()
        }
        rows = (self.call(f"list_v3_{name}", query="per_page=500") for name in ("interviews", "interviewers"))
        generations.compare({each["id"]: each for each in listed}, *rows)
        assert [each["id"] for each in self.call("list_holds")] == sorted(self.model.standing_holds())
        assert self.call("list_conflicts") == {"conflicts": [], "more": False}
        self.check_limits(self.model.interviews.values())

    def shown(self, interview: Record) -> tuple[Any, ...]:
        """Return an interview as the model has it."""
        room = interview["location"]
        return (
            interview["application_id"],
            read(interview["start"]["date_time"]),
            read(interview["end"]["date_time"]),
            tuple(each["id"] for each in interview["interviewers"]),
            None if room is None else int(room.removeprefix("Room ")),
        )

    def check_limits(self, interviews: Any) -> None:
        """Require that nobody, no room and no candidate is in two at once, and that nobody has too many in a day."""
        for one, other in combinations(interviews, 2):
            if one.start < other.end and other.start < one.end:
                assert not {*one.users} & {*other.users}
                assert one.application != other.application
                assert one.room is None or one.room != other.room
        days = Counter((user, each.start // DAY) for each in interviews for user in each.users)
        for (user, _), many in days.items():
            assert many <= (PEOPLE[user].per_day or many)


@pytest.fixture(scope="module")
def application(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Return the calls of the API by a clock that the commands move."""
    with application_on(storage.new_database(tmp_path_factory.mktemp("planning")), START) as application:
        yield application


@pytest.mark.timeout(900)  # shrinking a failure takes up to five minutes
def test_bookings_holds_and_links_equal_the_model(storage: Storage, application: Application) -> None:
    class Machine(PlanningMachine):
        def __init__(self) -> None:
            super().__init__(application)

    profile = settings(
        PROFILE,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        max_examples=storage.scaled(RUNS),
        stateful_step_count=STEPS,
    )
    run_state_machine_as_test(Machine, settings=profile)
