"""The whole of writing against a model: any commands in any order, at any time, on a real database.

The calls of the API are made without a server, so that the present is a parameter: what each answers, what is told of
it in the feed and the history, who is booked, and what is listed are compared byte for byte with plain Python.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from math import ceil
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from rowen import wiring
from rowen.app.clock import Clock
from rowen.app.ports import DoubleBooking, Organization
from rowen.app.services import Services
from rowen.harvest import conflicts, documents, feed, feedback, resources, v1, v1_records, v2
from rowen.harvest.calls import Answer, Call
from rowen.harvest.problems import PROBLEMS
from rowen.interviews.errors import Refusal
from rowen.interviews.moments import Instant
from rowen.store.database import locate, upgrade
from rowen.store.desk import DeskWriting
from rowen.store.due import DueInterviews
from tests.property import world
from tests.property.ledger import Refused
from tests.property.model import ListRequest
from tests.property.rules import json_text
from tests.property.schedule import Schedule
from tests.property.scorecards import Done
from tests.property.strategies import PROFILE
from tests.property.test_model import ZONES, requests
from tests.property.world import MINUTE, SEASON, picks, users
from tests.support.records import Record
from tests.support.storage import Storage

pytestmark = pytest.mark.heavy

Result = TypeVar("Result")
Handler = Callable[[Services, Call], Awaitable[Answer]]

SHARDS: Final = 4
RUNS: Final = 500
STEPS: Final = 50
URL: Final = "http://rowen.test"
START: Final = Instant(SEASON)

_numbers = count(1)

graces = st.sampled_from([None, 0, 60, 1_500])
"""Minutes; the last more than a day."""


@dataclass
class Office:
    """A database, the ports on it, and the present, which is the same for all of them."""

    runner: asyncio.Runner
    store: wiring.Store
    services: Services
    due: DueInterviews
    present: Instant = START

    def now(self) -> Instant:
        """Return the present."""
        return self.present

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a use of the store to its end."""
        return self.runner.run(work)


@pytest.fixture(scope="module")
def office(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Return the ports on a database of its own; every run makes an organization in it."""
    location = locate(storage.new_database(tmp_path_factory.mktemp("commands")))
    upgrade(location)
    runner = asyncio.Runner()
    store = wiring.open_store(location)
    messenger = wiring.messenger(())
    office = Office(runner, store, wiring.services(store, messenger), DueInterviews(store.engine))
    office.services = replace(office.services, writing=DeskWriting(store.engine, documents, office.now))
    yield office
    runner.run(messenger.aclose())
    runner.run(store.engine.close())
    runner.close()


async def answered(handler: Handler, services: Services, call: Call) -> Any:
    """Return what a call is answered, as the model says it: the body and the warning, or what is refused."""
    try:
        answer = await handler(services, call)
    except Refusal as refusal:
        return PROBLEMS[refusal.code].status, sorted(problem.field for problem in refusal.problems)
    return Done(answer.body or b"", answer.warning)


def expected(command: Callable[[], Done]) -> Any:
    """Return what the model answers."""
    try:
        return command()
    except Refused as refused:
        return refused.status, refused.fields


class _OneOrganization:
    """What is due of one organization: those of earlier runs stay as they were left."""

    def __init__(self, due: DueInterviews, name: str) -> None:
        self._due = due
        self._name = name
        self.forget = due.forget

    async def organizations(self, now: Instant) -> Sequence[Organization]:
        """Return the organization if it has interviews due."""
        return [each for each in await self._due.organizations(now) if each.name == self._name]


class CommandMachine(RuleBasedStateMachine):
    """Any commands to one organization."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self.office = office
        number = next(_numbers)
        self.name = f"organization-{number}"
        zone = ZONES[number % len(ZONES)]
        self.present = office.present = START
        organizations = office.store.organizations
        organization = office.run(organizations.create(self.name, zone, self.present))
        self.model = Schedule(zone=ZoneInfo(zone), last=SEASON, policy="allow")
        self.organization = organization
        self._import("users", [world.user(i, 0) for i in world.USERS], self.model.take_in_users)
        self._import(
            "applications", [world.application(i, 0) for i in world.APPLICATIONS], self.model.take_in_applications
        )
        self._import("job_stages", [world.stage(i) for i in (1, 2)], self.model.take_in_stages)

    def _find(self) -> Organization:
        found = self.office.run(self.office.store.organizations.find(self.name))
        assert found is not None
        return found

    def call(self, method: str, target: str, body: Record | None = None, user: int | None = None) -> Call:
        path, _, query = target.partition("?")
        headers = {} if user is None else {b"on-behalf-of": str(user).encode()}
        named = re.search(r"/(\d+)(/|$)", path)
        identifiers = {} if named is None else {"id": named[1]}
        document = b"" if body is None else json_text(body)
        return Call(self.organization, 1, "test", method, identifiers, URL + path, query, headers, document)

    def read(self, handler: Handler, target: str) -> Any:
        self.organization = self._find()
        return self.office.run(answered(handler, self.office.services, self.call("GET", target)))

    def write(self, handler: Handler, call: Call, command: Callable[[], Done]) -> None:
        before = self.model.revision
        wanted = expected(command)
        assert self.office.run(answered(handler, self.office.services, call)) == wanted
        self.check_ledger(before)

    def check_ledger(self, before: int) -> None:
        """Compare the ledger, and what was told of what happened behind a revision."""
        told = self.read(feed.list_changes, f"/rowen/v1/changes?after={before}")
        assert told.body.decode() == self.model.feed(before, 100).decode()
        found = self.organization
        assert found.version == (self.model.revision, self.model.last)
        assert found.interview_count == len(self.model.kept)

    def chosen(self, pick: int) -> int:
        """Return the id of an interview, or of none."""
        there = sorted(self.model.kept)
        return there[pick % len(there)] if there and pick < 97 else 999

    def chosen_card(self, pick: int) -> int:
        there = sorted(self.model.cards)
        return there[pick % len(there)] if there and pick < 97 else 999

    @rule(
        bodies=st.lists(world.new_interviews(), min_size=1, max_size=3),
        user=users,
        guests=st.sampled_from([True] * 4 + [False]),
    )
    def create(self, bodies: list[Record], user: int | None, guests: bool) -> None:
        handler = v2.create_interview if guests else v2.create_interview_strictly
        for body in bodies:
            call = self.call("POST", "/v2/scheduled_interviews", body, user)
            self.write(handler, call, partial(self.model.create, self.present, user, body, guests=guests))

    @precondition(lambda self: bool(self.model.kept))
    @rule(pick=picks, body=world.changes(), user=users, guests=st.sampled_from([True] * 4 + [False]))
    def change(self, pick: int, body: Record, user: int | None, guests: bool) -> None:
        identifier = self.chosen(pick)
        handler = v2.change_interview if guests else v2.change_interview_strictly
        call = self.call("PATCH", f"/v2/scheduled_interviews/{identifier}", body, user)
        self.write(handler, call, lambda: self.model.change(self.present, user, identifier, body, guests=guests))

    @precondition(lambda self: bool(self.model.kept))
    @rule(pick=picks, seat=picks, response=st.sampled_from(world.RESPONSES))
    def respond(self, pick: int, seat: int, response: str) -> None:
        """Answer for one interviewer, the others staying as they are."""
        identifier = self.chosen(pick)
        kept = self.model.kept.get(identifier)
        panel = [] if kept is None else kept.record["interviewers"]
        if panel:
            body = {"interviewers": [_again(each) for each in panel]}
            body["interviewers"][seat % len(panel)]["response_status"] = response
            call = self.call("PATCH", f"/v2/scheduled_interviews/{identifier}", body, 1)
            self.write(v2.change_interview, call, lambda: self.model.change(self.present, 1, identifier, body))

    @precondition(lambda self: bool(self.model.kept))
    @rule(pick=picks, user=users)
    def cancel(self, pick: int, user: int | None) -> None:
        identifier = self.chosen(pick)
        call = self.call("DELETE", f"/v1/scheduled_interviews/{identifier}", None, user)
        self.write(v2.delete_interview, call, lambda: self.model.cancel(self.present, user, identifier))

    @precondition(lambda self: bool(self.model.kept))
    @rule(pick=picks, seat=picks, body=world.scorecard_changes(), user=users)
    def hand_in_a_scorecard(self, pick: int, seat: int, body: Record, user: int | None) -> None:
        identifier = self.chosen(pick)
        kept = self.model.kept.get(identifier)
        panel = [] if kept is None else [each["id"] for each in kept.record["interviewers"] if each["id"]]
        interviewer = panel[seat % len(panel)] if panel and seat < 90 else seat % 7 + 1
        body = {"scheduled_interview_id": identifier, "interviewer_id": interviewer, **body}
        call = self.call("POST", "/rowen/v1/scorecards", body, user)
        self.write(feedback.create_scorecard, call, lambda: self.model.create_scorecard(self.present, user, body))

    @precondition(lambda self: bool(self.model.cards))
    @rule(pick=picks, body=world.scorecard_changes(), user=users)
    def change_a_scorecard(self, pick: int, body: Record, user: int | None) -> None:
        identifier = self.chosen_card(pick)
        call = self.call("PATCH", f"/rowen/v1/scorecards/{identifier}", body, user)
        command = self.model.change_scorecard
        self.write(feedback.change_scorecard, call, lambda: command(self.present, user, identifier, body))

    @precondition(lambda self: bool(self.model.cards))
    @rule(pick=picks, user=users)
    def delete_a_scorecard(self, pick: int, user: int | None) -> None:
        identifier = self.chosen_card(pick)
        call = self.call("DELETE", f"/rowen/v1/scorecards/{identifier}", None, user)
        self.write(feedback.delete_scorecard, call, lambda: self.model.delete_scorecard(self.present, user, identifier))

    @rule(minutes=st.sampled_from([1, 29, 30, 31, 600]), ticks=st.booleans())
    def let_time_pass(self, minutes: int, ticks: bool) -> None:
        """Let the clock look, or be off for a while."""
        self.present = self.office.present = Instant(self.present + minutes * MINUTE)
        if ticks:
            before = self.model.revision
            moved = self.model.pass_time(self.present)
            clock = Clock(_OneOrganization(self.office.due, self.name), self.office.services.writing, self.office.now)
            assert self.office.run(clock.tick()) == moved
            self.check_ledger(before)

    @rule(records=st.lists(world.imported(), min_size=1, max_size=3), through_api=st.sampled_from([True] * 4 + [False]))
    def import_interviews(self, records: list[Record], through_api: bool) -> None:
        before = self.model.revision
        wanted = self.model.take_in(self.present, records, created_through_api=through_api)
        zone = self.model.zone
        drafts = [documents.draft(documents.decode(json_text(each)), zone) for each in records]
        merge = self.office.store.merger.merge
        counts = self.office.run(merge(self.organization, drafts, now=self.present, created_through_api=through_api))
        assert (counts.new, counts.changed) == wanted
        self.check_ledger(before)

    @rule(chosen=st.lists(st.sampled_from(world.USERS), min_size=1, max_size=2, unique=True), version=st.integers(0, 4))
    def import_users(self, chosen: list[int], version: int) -> None:
        self._import("users", [world.user(i, version) for i in sorted(chosen)], self.model.take_in_users)

    @rule(chosen=st.sampled_from(world.APPLICATIONS), version=st.integers(0, 8))
    def import_an_application(self, chosen: int, version: int) -> None:
        self._import("applications", [world.application(chosen, version)], self.model.take_in_applications)

    def _import(
        self, resource: str, records: list[Record], command: Callable[[int, list[Record]], tuple[int, int]]
    ) -> None:
        before = self.model.revision
        wanted = command(self.present, records)
        drafts = [resources.draft(resource, msgspec.json.encode(each)) for each in records]
        counts = self.office.run(self.office.store.record_merger.merge(self.organization, drafts, now=self.present))
        assert (counts.new, counts.changed) == wanted
        self.check_ledger(before)

    @initialize(policy=st.sampled_from(DoubleBooking), grace=graces)
    def begin(self, policy: DoubleBooking, grace: int | None) -> None:
        self.change_settings(policy, grace)

    @rule(policy=st.sampled_from(DoubleBooking), grace=graces)
    def change_settings(self, policy: DoubleBooking, grace: int | None) -> None:
        self.model.policy = policy.value
        milliseconds = None if grace is None else grace * MINUTE
        self.model.grace = self.model.grace if milliseconds is None else milliseconds
        self.office.run(self.office.store.organizations.change(self.name, policy, milliseconds))

    @rule(request=requests(), after=st.integers(0, 60), size=st.sampled_from([1, 3, 100]), pick=picks)
    def look(self, request: ListRequest, after: int, size: int, pick: int) -> None:
        of = v1.list_interviews if request.application is None else v1.list_interviews_for_application
        if request.application is None or request.application in self.model.applications:
            listed = self.model.listed(request, URL)
            assert self.read(of, request.target).body == listed.body
        told = self.read(feed.list_changes, f"/rowen/v1/changes?after={after}&limit={size}")
        assert told.body == self.model.feed(min(after, self.model.revision), size)
        identifier = self.chosen(pick) if pick % 2 else pick
        target = f"/rowen/v1/scheduled_interviews/{identifier}/history"
        assert self.read(feed.list_history, target) == expected(lambda: Done(self.model.history(identifier)))
        kept = self.model.kept.get(identifier)
        found = self.read(v1.retrieve_interview, f"/v1/scheduled_interviews/{identifier}")
        assert found == ((404, []) if kept is None else Done(kept.document))

    @rule()
    def list_who_is_booked_twice(self) -> None:
        found = msgspec.json.decode(self.read(conflicts.list_conflicts, "/rowen/v1/conflicts?limit=500").body)
        assert found["more"] is False
        assert sorted(found["conflicts"], key=repr) == self.model.conflicts()

    def teardown(self) -> None:
        """Compare all there is in the end, whatever was looked at before."""
        self.list_who_is_booked_twice()
        everything = ListRequest(None, {}, (), size=500)
        assert self.read(v1.list_interviews, everything.target).body == self.model.listed(everything, URL).body
        listed = self.read(v1_records.list_scorecards, "/v1/scorecards")
        assert listed.body == self.model.scorecards()
        told = self.read(feed.list_changes, "/rowen/v1/changes?limit=500")
        assert told.body == self.model.feed(0, 500)


def _again(seat: Record) -> Record:
    """Return a seat of an answer as a client sends it back."""
    named = {"email": seat["email"]} if seat["id"] is None else {"user_id": seat["id"]}
    return {**named, "response_status": seat["response_status"]}


@pytest.mark.timeout(900)  # what fails is shrunk for up to five minutes
@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_schedule_becomes_what_the_model_says(storage: Storage, office: Office, shard: int) -> None:
    class Machine(CommandMachine):
        def __init__(self) -> None:
            super().__init__(office)

    profile = settings(
        PROFILE,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        max_examples=ceil(storage.quantity(RUNS) / SHARDS),
        stateful_step_count=STEPS,
    )
    run_state_machine_as_test(seed(shard)(Machine), settings=profile)
