"""All writes against a model: any commands in any order, at any time, on a real database.

The API's calls are made without a server, so that the present is a parameter: responses, the feed and the history,
bookings, and lists are compared byte for byte with plain Python.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from math import ceil
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from rowen.api.declarations import Handler
from rowen.api.request import ApiRequest
from rowen.app.organizations import DoubleBooking, Organization
from rowen.app.status_updates import StatusUpdater
from rowen.interviews.moments import Instant
from rowen.store.unit_of_work.due_interviews import DueInterviewFinder
from tests.support import bodies, generations
from tests.support.bodies import MINUTE, SEASON, picks, users
from tests.support.in_process import HANDLERS, Application, answered, application_on
from tests.support.list_requests import ZONES, requests
from tests.support.model.hiring import HiringModel
from tests.support.model.ledger import RefusedError
from tests.support.model.lists import ListRequest
from tests.support.model.rules import json_text
from tests.support.model.scorecards import CommandResult
from tests.support.records import Record
from tests.support.storage import Storage
from tests.support.strategies import PROFILE

pytestmark = pytest.mark.heavy

SHARDS: Final = 4
RUNS: Final = 400
STEPS: Final = 50
URL: Final = "http://rowen.test"
START: Final = Instant(SEASON)

_numbers = count(1)

graces = st.sampled_from([None, 0, 60, 1_500])
"""Minutes; the last more than a day."""


_IN_V3: Final = {"start": "starts_at", "end": "ends_at", "interview_id": "job_interview_id", "On-Behalf-Of": "sub"}


@pytest.fixture(scope="module")
def application(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Return the calls of the API by a clock that the commands move."""
    with application_on(storage.new_database(tmp_path_factory.mktemp("commands")), START) as application:
        yield application


def expected(command: Callable[[], CommandResult]) -> Any:
    """Return the model's response."""
    try:
        return command()
    except RefusedError as refused:
        return refused.status, refused.fields


class _OneOrganization:
    """The due interviews of one organization: those of earlier runs stay as they are."""

    def __init__(self, due: DueInterviewFinder, name: str) -> None:
        self._due = due
        self._name = name

    async def organizations(self, now: Instant) -> Sequence[Organization]:
        """Return the organization if it has interviews due."""
        return [each for each in await self._due.organizations(now) if each.name == self._name]


class CommandMachine(RuleBasedStateMachine):
    """Any commands to one organization."""

    def __init__(self, application: Application) -> None:
        super().__init__()
        self.application = application
        self.harness = application.harness
        self.seated: dict[int, generations.Member] = {}
        self.last_row = 0
        self.has_begun = False

    @initialize(zone=st.sampled_from(ZONES), policy=st.sampled_from(DoubleBooking), grace=graces)
    def begin(self, zone: str, policy: DoubleBooking, grace: int | None) -> None:
        """Make an organization, the same whenever an example is repeated, except for its name."""
        self.present = self.harness.clock.instant = START
        self.tenant = self.harness.tenant(f"organization-{next(_numbers)}", zone)
        self.organization = self.tenant.organization
        self.model = HiringModel(zone=ZoneInfo(zone), last=SEASON, policy="allow")
        self._import("users", [bodies.user(i, 0) for i in bodies.USERS], self.model.take_in_users)
        self._import(
            "applications",
            [bodies.application(i, 0) for i in bodies.APPLICATIONS],
            self.model.take_in_applications,
        )
        self._import("job_stages", [bodies.stage(i) for i in (1, 2)], self.model.take_in_stages)
        self.change_settings(policy, grace)
        self.has_begun = True

    def _find(self) -> Organization:
        found = self.harness.run(self.harness.store.organizations.find(self.organization.name))
        assert found is not None
        return found

    def request(self, method: str, target: str, body: Record | None = None, user: int | None = None) -> ApiRequest:
        path, _, query = target.partition("?")
        headers = {} if user is None else {b"on-behalf-of": str(user).encode()}
        named = re.search(r"/(\d+)(/|$)", path)
        identifiers = {} if named is None else {"id": named[1]}
        document = b"" if body is None else json_text(body)
        return ApiRequest(self.organization, 1, "test", method, identifiers, URL + path, query, headers, document)

    def read(self, handler: Handler, target: str) -> Any:
        self.organization = self._find()
        return self.harness.run(answered(handler, self.application.services, self.request("GET", target)))

    def write(self, handler: Handler, request: ApiRequest, command: Callable[[], CommandResult]) -> None:
        before = self.model.revision
        wanted = expected(command)
        assert self.harness.run(answered(handler, self.application.services, request)) == wanted
        self.check_ledger(before)

    def write_v3(
        self, method: str, target: str, body: Record | None, user: int | None, command: Callable[[], CommandResult]
    ) -> None:
        """Write in v3: the rules are the same, under other names; check_rows compares the row itself."""
        if user is None:
            return
        renamed = None if body is None else {_IN_V3.get(name, name): value for name, value in body.items()}
        request = self.request(method, target, renamed)._replace(acting_user=user)
        handler = HANDLERS[{"POST": "create_v3_interview", "PATCH": "change_v3_interview"}[method]]
        before = self.model.revision
        wanted = expected(command)
        found = self.harness.run(answered(handler, self.application.services, request))
        if isinstance(wanted, CommandResult):
            assert isinstance(found, CommandResult), f"v3 refuses what v2 takes: {found}"
            row, document = (msgspec.json.decode(each.body) for each in (found, wanted))
            assert (row["id"], row["updated_at"], found.warning) == (
                document["id"],
                document["updated_at"],
                wanted.warning,
            )
        else:
            status, fields = wanted
            names = sorted(_IN_V3.get(name, name) for name in fields)
            assert found == (422 if names == ["sub"] else status, names)
        self.check_ledger(before)

    def check_ledger(self, before: int) -> None:
        """Compare the ledger, and the changes after a revision."""
        page = self.read(HANDLERS["list_changes"], f"/rowen/v1/changes?after={before}")
        assert page.body.decode() == self.model.feed(before, 100).decode()
        found = self.organization
        assert found.version == (self.model.revision, self.model.last)
        assert found.interview_count == len(self.model.kept)
        self.check_rows()

    def check_rows(self) -> None:
        """Compare the rows of v3 with the interviews of v1; members who stay on a panel keep their rows."""
        listed = (
            msgspec.json.decode(self.read(HANDLERS[f"list_v3_{name}"], f"/v3/{name}?per_page=500").body)
            for name in ("interviews", "interviewers")
        )
        seated = generations.compare({each.record["id"]: each.record for each in self.model.kept.values()}, *listed)
        generations.compare_rows(self.seated, seated, self.last_row)
        self.seated, self.last_row = seated, max([self.last_row, *seated])

    def chosen(self, pick: int) -> int:
        """Return the id of an interview, or of none."""
        there = sorted(self.model.kept)
        return there[pick % len(there)] if there and pick < 97 else 999

    def chosen_card(self, pick: int) -> int:
        there = sorted(self.model.cards)
        return there[pick % len(there)] if there and pick < 97 else 999

    @rule(
        bodies=st.lists(bodies.new_interviews(), min_size=1, max_size=3),
        user=users,
        guests=st.sampled_from([True] * 4 + [False]),
    )
    def create(self, bodies: list[Record], user: int | None, guests: bool) -> None:
        handler = HANDLERS["create_interview" if guests else "create_interview_strictly"]
        for body in bodies:
            request = self.request("POST", "/v2/scheduled_interviews", body, user)
            self.write(handler, request, partial(self.model.create, self.present, user, body, guests=guests))

    @rule(body=bodies.new_interviews(), user=users)
    def create_in_v3(self, body: Record, user: int | None) -> None:
        self.write_v3("POST", "/v3/interviews", body, user, lambda: self.model.create(self.present, user, body))

    @precondition(lambda self: bool(self.model.kept))
    @rule(pick=picks, body=bodies.changes(), user=users)
    def change_in_v3(self, pick: int, body: Record, user: int | None) -> None:
        one = self.chosen(pick)
        self.write_v3(
            "PATCH", f"/v3/interviews/{one}", body, user, lambda: self.model.change(self.present, user, one, body)
        )

    @precondition(lambda self: bool(self.model.kept))
    @rule(pick=picks, body=bodies.changes(), user=users, guests=st.sampled_from([True] * 4 + [False]))
    def change(self, pick: int, body: Record, user: int | None, guests: bool) -> None:
        identifier = self.chosen(pick)
        handler = HANDLERS["change_interview" if guests else "change_interview_strictly"]
        request = self.request("PATCH", f"/v2/scheduled_interviews/{identifier}", body, user)
        self.write(handler, request, lambda: self.model.change(self.present, user, identifier, body, guests=guests))

    @precondition(lambda self: bool(self.model.kept))
    @rule(pick=picks, seat=picks, response=st.sampled_from(bodies.RESPONSES))
    def respond(self, pick: int, seat: int, response: str) -> None:
        """Answer for one interviewer; the others stay as they are."""
        identifier = self.chosen(pick)
        kept = self.model.kept.get(identifier)
        panel = [] if kept is None else kept.record["interviewers"]
        if panel:
            body = {"interviewers": [_again(each) for each in panel]}
            body["interviewers"][seat % len(panel)]["response_status"] = response
            request = self.request("PATCH", f"/v2/scheduled_interviews/{identifier}", body, 1)
            self.write(
                HANDLERS["change_interview"], request, lambda: self.model.change(self.present, 1, identifier, body)
            )

    @precondition(lambda self: bool(self.model.kept))
    @rule(pick=picks, user=users)
    def cancel(self, pick: int, user: int | None) -> None:
        identifier = self.chosen(pick)
        request = self.request("DELETE", f"/v1/scheduled_interviews/{identifier}", None, user)
        self.write(HANDLERS["delete_interview"], request, lambda: self.model.cancel(self.present, user, identifier))

    @precondition(lambda self: bool(self.model.kept))
    @rule(pick=picks, seat=picks, body=bodies.scorecard_changes(), user=users)
    def hand_in_a_scorecard(self, pick: int, seat: int, body: Record, user: int | None) -> None:
        identifier = self.chosen(pick)
        kept = self.model.kept.get(identifier)
        panel = [] if kept is None else [each["id"] for each in kept.record["interviewers"] if each["id"]]
        interviewer = panel[seat % len(panel)] if panel and seat < 90 else seat % 7 + 1
        body = {"scheduled_interview_id": identifier, "interviewer_id": interviewer, **body}
        request = self.request("POST", "/rowen/v1/scorecards", body, user)
        self.write(HANDLERS["create_scorecard"], request, lambda: self.model.create_scorecard(self.present, user, body))

    @precondition(lambda self: bool(self.model.cards))
    @rule(pick=picks, body=bodies.scorecard_changes(), user=users)
    def change_a_scorecard(self, pick: int, body: Record, user: int | None) -> None:
        identifier = self.chosen_card(pick)
        request = self.request("PATCH", f"/rowen/v1/scorecards/{identifier}", body, user)
        command = self.model.change_scorecard
        self.write(HANDLERS["change_scorecard"], request, lambda: command(self.present, user, identifier, body))

    @precondition(lambda self: bool(self.model.cards))
    @rule(pick=picks, user=users)
    def delete_a_scorecard(self, pick: int, user: int | None) -> None:
        identifier = self.chosen_card(pick)
        request = self.request("DELETE", f"/rowen/v1/scorecards/{identifier}", None, user)
        self.write(
            HANDLERS["delete_scorecard"], request, lambda: self.model.delete_scorecard(self.present, user, identifier)
        )

    @rule(body=bodies.new_users(), user=users)
    def add_a_user(self, body: Record, user: int | None) -> None:
        request = self.request("POST", "/v1/users", body, user)
        self.write(HANDLERS["create_user"], request, lambda: self.model.create_user(self.present, user, body))

    @rule(pick=picks, body=bodies.user_changes(), user=users)
    def change_a_user(self, pick: int, body: Record, user: int | None) -> None:
        there = sorted(self.model.users)
        identifier = there[pick % len(there)] if pick < 97 else 999
        request = self.request("PATCH", f"/v1/users/{identifier}", body, user)
        command = self.model.change_user
        self.write(HANDLERS["change_user"], request, lambda: command(self.present, user, identifier, body))

    def chosen_made(self, resource: str, pick: int, *others: int) -> int:
        """Return the id of a record that a command has made, or another one, or that of none."""
        there = [*others, *sorted(self.model.made[resource])]
        return there[pick % len(there)] if there and pick < 97 else 999

    def applied(self, job: int, stage: int) -> Record:
        """Return an application for a job, for which the client may name a stage."""
        named = self.chosen_made("job_stages", stage, 1, 2)
        return {"job_id": self.chosen_made("jobs", job, 1), **({"initial_stage_id": named} if stage % 2 else {})}

    @rule(body=bodies.new_jobs(), user=users)
    def add_a_job(self, body: Record, user: int | None) -> None:
        request = self.request("POST", "/rowen/v1/jobs", body, user)
        self.write(HANDLERS["create_job"], request, lambda: self.model.create_job(self.present, user, body))

    @precondition(lambda self: bool(self.model.made["jobs"]))
    @rule(pick=picks, body=bodies.job_changes(), user=users)
    def change_a_job(self, pick: int, body: Record, user: int | None) -> None:
        one = self.chosen_made("jobs", pick)
        request = self.request("PATCH", f"/rowen/v1/jobs/{one}", body, user)
        self.write(HANDLERS["change_job"], request, lambda: self.model.change_job(self.present, user, one, body))

    @rule(pick=picks, body=bodies.new_stages(), user=users)
    def add_a_stage(self, pick: int, body: Record, user: int | None) -> None:
        body = {"job_id": self.chosen_made("jobs", pick, 1), **body}
        request = self.request("POST", "/rowen/v1/job_stages", body, user)
        self.write(HANDLERS["create_job_stage"], request, lambda: self.model.create_stage(self.present, user, body))

    @precondition(lambda self: bool(self.model.made["job_stages"]))
    @rule(pick=picks, keeps=st.booleans(), body=bodies.stage_changes(), user=users)
    def change_a_stage(self, pick: int, keeps: bool, body: Record, user: int | None) -> None:
        """Change a stage, and keep its first interview if `keeps` is true."""
        one = self.chosen_made("job_stages", pick)
        there = self.model.made["job_stages"].get(one, {"interviews": []})["interviews"]
        if keeps and there and "interviews" in body:
            body = {**body, "interviews": [{"id": there[0]["id"], "name": "Kept"}, *body["interviews"]]}
        request = self.request("PATCH", f"/rowen/v1/job_stages/{one}", body, user)
        command = self.model.change_stage
        self.write(HANDLERS["change_job_stage"], request, lambda: command(self.present, user, one, body))

    @rule(job=picks, stage=picks, count=st.integers(1, 2), body=bodies.new_candidates(), user=users)
    def add_a_candidate(self, job: int, stage: int, count: int, body: Record, user: int | None) -> None:
        body = {**body, "applications": [self.applied(job + each, stage + each) for each in range(count)]}
        request = self.request("POST", "/v1/candidates", body, user)
        self.write(HANDLERS["create_candidate"], request, lambda: self.model.create_candidate(self.present, user, body))

    @precondition(lambda self: bool(self.model.made["candidates"]))
    @rule(pick=picks, job=picks, stage=picks, user=users)
    def add_an_application(self, pick: int, job: int, stage: int, user: int | None) -> None:
        one, body = self.chosen_made("candidates", pick), self.applied(job, stage)
        request = self.request("POST", f"/v1/candidates/{one}/applications", body, user)
        command = self.model.create_application
        self.write(HANDLERS["create_application"], request, lambda: command(self.present, user, one, body))

    @rule(minutes=st.sampled_from([1, 29, 30, 31, 600]), ticks=st.booleans())
    def let_time_pass(self, minutes: int, ticks: bool) -> None:
        """Update statuses, or let time pass without updates."""
        self.present = self.harness.clock.instant = Instant(self.present + minutes * MINUTE)
        if ticks:
            before = self.model.revision
            moved = self.model.pass_time(self.present)
            clock = StatusUpdater(
                _OneOrganization(self.application.due, self.organization.name),
                self.harness.store.writing,
                self.harness.clock,
            )
            assert self.harness.run(clock.tick()) == moved
            self.check_ledger(before)

    @rule(
        records=st.lists(bodies.imported(), min_size=1, max_size=3),
        through_api=st.sampled_from([True] * 4 + [False]),
    )
    def import_interviews(self, records: list[Record], through_api: bool) -> None:
        before = self.model.revision
        wanted = self.model.take_in(self.present, records, created_through_api=through_api)
        counts = self.tenant.merge(records, created_through_api=through_api)
        assert (counts.new, counts.changed) == wanted
        self.check_ledger(before)

    @rule(
        chosen=st.lists(st.sampled_from(bodies.USERS), min_size=1, max_size=2, unique=True),
        version=st.integers(0, 4),
    )
    def import_users(self, chosen: list[int], version: int) -> None:
        self._import("users", [bodies.user(i, version) for i in sorted(chosen)], self.model.take_in_users)

    @rule(chosen=st.sampled_from(bodies.APPLICATIONS), version=st.integers(0, 8))
    def import_an_application(self, chosen: int, version: int) -> None:
        self._import("applications", [bodies.application(chosen, version)], self.model.take_in_applications)

    def _import(
        self, resource: str, records: list[Record], command: Callable[[int, list[Record]], tuple[int, int]]
    ) -> None:
        before = self.model.revision
        wanted = command(self.present, records)
        counts = self.tenant.merge_records(resource, records)
        assert (counts.new, counts.changed) == wanted
        self.check_ledger(before)

    @rule(policy=st.sampled_from(DoubleBooking), grace=graces)
    def change_settings(self, policy: DoubleBooking, grace: int | None) -> None:
        self.model.policy = policy.value
        milliseconds = None if grace is None else grace * MINUTE
        self.model.grace = self.model.grace if milliseconds is None else milliseconds
        self.tenant.change_settings(policy, milliseconds)

    @rule(request=requests(), after=st.integers(0, 60), size=st.sampled_from([1, 3, 100]), pick=picks)
    def look(self, request: ListRequest, after: int, size: int, pick: int) -> None:
        of = HANDLERS["list_interviews" if request.application is None else "list_interviews_for_application"]
        if request.application is None or request.application in self.model.applications:
            listed = self.model.listed(request, URL)
            assert self.read(of, request.target).body == listed.body
        page = self.read(HANDLERS["list_changes"], f"/rowen/v1/changes?after={after}&limit={size}")
        assert page.body == self.model.feed(min(after, self.model.revision), size)
        identifier = self.chosen(pick) if pick % 2 else pick
        target = f"/rowen/v1/scheduled_interviews/{identifier}/history"
        assert self.read(HANDLERS["list_history"], target) == expected(
            lambda: CommandResult(self.model.history(identifier))
        )
        kept = self.model.kept.get(identifier)
        found = self.read(HANDLERS["retrieve_interview"], f"/v1/scheduled_interviews/{identifier}")
        assert found == ((404, []) if kept is None else CommandResult(kept.document))

    @rule()
    def list_who_is_booked_twice(self) -> None:
        found = msgspec.json.decode(self.read(HANDLERS["list_conflicts"], "/rowen/v1/conflicts?limit=500").body)
        assert found["more"] is False
        assert sorted(found["conflicts"], key=repr) == self.model.conflicts()

    def teardown(self) -> None:
        """Compare everything at the end; an example may end before it begins."""
        if not self.has_begun:
            return
        self.list_who_is_booked_twice()
        everything = ListRequest(None, {}, (), size=500)
        assert self.read(HANDLERS["list_interviews"], everything.target).body == self.model.listed(everything, URL).body
        listed = self.read(HANDLERS["list_scorecards"], "/v1/scorecards")
        assert listed.body == self.model.scorecards()
        page = self.read(HANDLERS["list_changes"], "/rowen/v1/changes?limit=500")
        assert page.body == self.model.feed(0, 500)
        for resource in ("jobs", "candidates"):
            made = [each for _, each in sorted(self.model.made[resource].items())]
            assert self.read(HANDLERS[f"list_{resource}"], f"/v1/{resource}?per_page=500").body == json_text(made)


def _again(seat: Record) -> Record:
    """Return a panel member of a response in the form that a client sends back."""
    named = {"email": seat["email"]} if seat["id"] is None else {"user_id": seat["id"]}
    return {**named, "response_status": seat["response_status"]}


@pytest.mark.timeout(900)  # shrinking a failure takes up to five minutes
@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_schedule_equals_the_model(storage: Storage, application: Application, shard: int) -> None:
    class Machine(CommandMachine):
        def __init__(self) -> None:
            super().__init__(application)

    profile = settings(
        PROFILE,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        max_examples=ceil(storage.scaled(RUNS) / SHARDS),
        stateful_step_count=STEPS,
    )
    run_state_machine_as_test(seed(shard)(Machine), settings=profile)
