"""Writes of clients of v1, v2 and v3 that pass through a mirror to a strict account."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from rowen.app.account_writes import WriteState
from rowen.app.organizations import DoubleBooking
from tests.support import v3_account
from tests.support.harness import Tenant, served
from tests.support.passing import Passing, passing
from tests.support.storage import Storage
from tests.support.v3_account import ALL_DAY, ANN, BOB, ENDS, NEW, NEW_V3, STARTS, TIMED, bearer
from tests.support.v3_upstream import CLIENT_SECRET, Fault, V3Upstream, body, endless, status, truncated

pytestmark = pytest.mark.slow

CHANGES: Final = "/rowen/v1/changes"
BY_ANN: Final = {"On-Behalf-Of": str(ANN)}


@pytest.fixture
def upstream(upstream: V3Upstream) -> V3Upstream:
    """Return an account whose timed interview is scheduled."""
    upstream.put("interviews", {"id": TIMED, "status": "scheduled"})
    return upstream


@pytest.fixture
def passed(tenant: Tenant, upstream: V3Upstream) -> Iterator[Passing]:
    with passing(tenant, upstream) as running:
        yield running


@pytest.fixture
def client(tenant: Tenant, passed: Passing) -> Iterator[httpx.Client]:
    assert passed
    with tenant.open_client() as client:
        yield client


CREATES: Final = ["v1", "v2", "v3", "of an application"]


def create(client: httpx.Client, tenant: Tenant, generation: str, **fields: Any) -> httpx.Response:
    """Create an interview as a client of a generation does."""
    if generation == "v3":
        return client.post("/v3/interviews", json={**NEW_V3, **fields}, headers=bearer(tenant, client))
    path = "/v1/applications/70" if generation == "of an application" else f"/{generation}"
    return client.post(f"{path}/scheduled_interviews", json={**NEW, **fields}, headers=BY_ANN)


def changes_after(client: httpx.Client, revision: int) -> list[dict[str, Any]]:
    """Return the changes of interviews after a revision."""
    found = client.get(CHANGES, params={"after": revision}).json()["changes"]
    return [each for each in found if each["kind"] != "recorded"]


def revision_of(client: httpx.Client) -> int:
    """Return the newest revision."""
    last: int = client.get(CHANGES).json()["last_revision"]
    return last


@pytest.mark.parametrize("generation", CREATES)
def test_an_interview_is_made_in_the_account_and_then_here(
    tenant: Tenant, client: httpx.Client, passed: Passing, generation: str
) -> None:
    before = revision_of(client)
    made = create(client, tenant, generation)
    assert made.status_code == (201 if generation == "v3" else 200), made.text
    (written,) = passed.upstream.written
    identifier = made.json()["id"]
    assert identifier in passed.upstream.rows["interviews"]
    event = written.body.pop("external_event_id")
    assert event.startswith("rowen-")
    assert (written.method, written.path, written.user) == ("POST", "/v3/interviews", ANN)
    assert written.body == NEW_V3
    found = client.get(f"/v1/scheduled_interviews/{identifier}").json()
    assert (found["organizer"]["id"], found["external_event_id"], found["location"]) == (ANN, event, "Oven")
    assert (found["start"], found["end"]) == (NEW["start"], NEW["end"])
    assert [(each["id"], each["response_status"]) for each in found["interviewers"]] == [(BOB, "tentative")]
    if generation != "v3":
        assert made.json() == found
    (change,) = changes_after(client, before)
    assert (change["kind"], change["actor"]["kind"], change["actor"]["id"]) == ("created", "user", ANN)
    after = revision_of(client)
    passed.round()
    assert revision_of(client) == after, "the mirror reads the same change, and writes nothing"


@pytest.mark.parametrize("generation", ["v1", "v2", "v3"])
def test_an_interview_is_changed_in_the_account_and_then_here(
    tenant: Tenant, client: httpx.Client, passed: Passing, generation: str
) -> None:
    before = revision_of(client)
    panel = [{"user_id": BOB, "response_status": "accepted"}]
    if generation == "v3":
        fields = {"starts_at": STARTS, "ends_at": ENDS, "interviewers": panel}
        changed = client.patch(f"/v3/interviews/{TIMED}", json=fields, headers=bearer(tenant, client))
    else:
        fields = {"start": NEW["start"], "end": NEW["end"], "interviewers": panel}
        changed = client.patch(f"/{generation}/scheduled_interviews/{TIMED}", json=fields, headers=BY_ANN)
    assert changed.status_code == 200, changed.text
    (written,) = passed.upstream.written
    assert (written.method, written.path, written.user) == ("PATCH", f"/v3/interviews/{TIMED}", ANN)
    assert written.body == {"starts_at": STARTS, "ends_at": ENDS, "interviewers": panel}
    found = client.get(f"/v1/scheduled_interviews/{TIMED}").json()
    assert [each["id"] for each in found["interviewers"]] == [BOB]
    assert found["start"] == NEW["start"]
    (change,) = changes_after(client, before)
    assert (change["kind"], change["actor"]["kind"]) == ("rescheduled", "user")
    after = revision_of(client)
    passed.round()
    assert revision_of(client) == after


@pytest.mark.parametrize("generation", ["v1", "v3"])
def test_an_interview_is_deleted_in_the_account_and_then_here(
    tenant: Tenant, client: httpx.Client, passed: Passing, generation: str
) -> None:
    before = revision_of(client)
    if generation == "v3":
        deleted = client.delete(f"/v3/interviews/{TIMED}", headers=bearer(tenant, client))
    else:
        deleted = client.delete(f"/v1/scheduled_interviews/{TIMED}", headers=BY_ANN)
    assert deleted.json() == {"message": f"Interview {TIMED} has been deleted."}
    assert TIMED not in passed.upstream.rows["interviews"]
    assert client.get(f"/v1/scheduled_interviews/{TIMED}").status_code == 404
    (change,) = changes_after(client, before)
    assert (change["kind"], change["actor"]["kind"]) == ("cancelled", "user")
    after = revision_of(client)
    passed.round()
    assert revision_of(client) == after


def test_metrics_count_writes_by_state(tenant: Tenant, client: httpx.Client, passed: Passing) -> None:
    assert create(client, tenant, "v1").status_code == 200
    passed.upstream.write_faults.append(status(403))
    assert create(client, tenant, "v1").status_code == 403
    found = dict(
        re.findall(
            rf'rowen_mirror_client_writes{{organization="{tenant.organization.name}",state="(\w+)"}} (\S+)',
            httpx.get(tenant.harness.server.url + "/metrics").text,
        )
    )
    assert found == {each.value: "0.0" for each in WriteState} | {"stored": "1.0", "refused": "1.0"}


def test_without_a_user_the_integration_acts(tenant: Tenant, client: httpx.Client, passed: Passing) -> None:
    made = client.post("/auth/token", json={}, auth=(tenant.key, ""))
    headers = {"Authorization": f"Bearer {made.json()['access_token']}"}
    made = client.post("/v3/interviews", json=NEW_V3, headers=headers)
    assert made.json()["organizer_id"] is None, made.text
    assert [each.user for each in passed.upstream.written] == [None]
    assert changes_after(client, 0)[-1]["actor"]["kind"] == "integration"


def test_an_all_day_interview_and_a_guest_reach_the_account(
    tenant: Tenant, client: httpx.Client, passed: Passing
) -> None:
    fields = {
        "start": {"date": "2030-01-01"},
        "end": {"date": "2030-01-02"},
        "interviewers": [{"email": "new@example.com", "response_status": "needs_action"}],
        "external_event_id": "ours",
    }
    made = create(client, tenant, "v2", **fields)
    assert made.status_code == 200, made.text
    (written,) = passed.upstream.written
    assert written.body["all_day_start_on"] == "2030-01-01"
    assert written.body["all_day_end_on"] == "2030-01-02"
    assert written.body["external_event_id"] == "ours"
    assert made.json()["interviewers"][0]["email"] == "new@example.com"
    assert (made.json()["start"], made.json()["external_event_id"]) == ({"date": "2030-01-01"}, "ours")


NOT_KEPT: Final[list[tuple[dict[str, Any], str]]] = [
    ({"external_event_id": "another"}, "external_event_id"),
    ({"start": {"date": "2030-01-01"}, "end": {"date": "2030-01-02"}}, "start"),
    (
        {"interviewers": [{"email": "x@example.com", "name": "X", "response_status": "accepted"}]},
        "interviewers[0].name",
    ),
]


@pytest.mark.parametrize(("fields", "named"), NOT_KEPT, ids=[named for _, named in NOT_KEPT])
def test_what_the_account_does_not_take_is_refused_by_name(
    client: httpx.Client, passed: Passing, fields: dict[str, Any], named: str
) -> None:
    refused = client.patch(f"/v2/scheduled_interviews/{TIMED}", json=fields, headers=BY_ANN)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == named
    assert passed.upstream.written == []


def test_a_change_of_nothing_reaches_nobody(client: httpx.Client, passed: Passing) -> None:
    same = {"external_event_id": f"event-{TIMED}"}
    kept = client.patch(f"/v2/scheduled_interviews/{TIMED}", json=same, headers=BY_ANN)
    assert kept.json() == client.get(f"/v1/scheduled_interviews/{TIMED}").json()
    assert passed.upstream.written == []


def test_what_is_wrong_by_the_rules_here_is_not_sent(client: httpx.Client, passed: Passing) -> None:
    fields = {**NEW, "application_id": 71, "interviewers": [{"user_id": 9, "response_status": "accepted"}]}
    refused = client.post("/v2/scheduled_interviews", json=fields, headers=BY_ANN)
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json()["errors"]] == ["application_id", "interviewers[0].user_id"]
    unknown = client.post("/v2/scheduled_interviews", json=NEW, headers={"On-Behalf-Of": "9"})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (404, "On-Behalf-Of")
    assert client.delete("/v1/scheduled_interviews/1", headers=BY_ANN).status_code == 404
    complete = client.delete(f"/v1/scheduled_interviews/{ALL_DAY}", headers={})
    assert complete.status_code == 422
    assert passed.upstream.written == []


OTHERS: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("POST", "/v1/users", {"first_name": "Eve", "last_name": "Reed", "email": "eve@example.com"}),
    ("POST", "/rowen/v1/scorecards", {"scheduled_interview_id": TIMED}),
    ("POST", "/v1/candidates", {"first_name": "Eve"}),
]


@pytest.mark.parametrize(("method", "path", "fields"), OTHERS, ids=[path for _, path, _ in OTHERS])
def test_other_writes_are_refused_with_what_can_be_written(
    client: httpx.Client, method: str, path: str, fields: dict[str, Any]
) -> None:
    refused = client.request(method, path, json=fields, headers=BY_ANN)
    assert refused.status_code == 403
    assert "scheduled interviews can be created, changed and deleted here" in refused.json()["message"]


UPSTREAM: Final[list[tuple[str, list[Fault], int, str]]] = [
    ("403", [status(403, message=f"No permission {CLIENT_SECRET}")], 403, "does not permit this change"),
    ("401 twice", [status(401), status(401)], 403, "does not permit this change"),
    ("429", [status(429, {"Retry-After": "17"})], 429, "takes no more requests now"),
    ("500", [status(500)], 502, "gave no valid answer"),
    ("503", [status(503)], 502, "gave no valid answer"),
    ("504", [status(504)], 504, "has not answered yet"),
    ("redirect", [status(302, {"Location": "https://example.com"})], 502, "gave no valid answer"),
    ("truncated", [truncated], 504, "has not answered yet"),
    ("endless", [endless], 502, "gave no valid answer"),
    ("garbage", [body(b"<html>")], 502, "gave no valid answer"),
]


@pytest.mark.parametrize(("faults", "code", "message"), [row[1:] for row in UPSTREAM], ids=[row[0] for row in UPSTREAM])
def test_a_fault_of_the_account_is_answered_as_such(
    tenant: Tenant, client: httpx.Client, passed: Passing, faults: list[Fault], code: int, message: str
) -> None:
    passed.upstream.write_faults.extend(faults)
    refused = create(client, tenant, "v2")
    assert (refused.status_code, message in refused.json()["message"]) == (code, True), refused.text
    assert CLIENT_SECRET not in refused.text
    assert "127.0.0.1" not in refused.text
    assert "upstream" not in refused.text
    if code == 429:
        assert refused.headers["Retry-After"] == "17"
    assert len(client.get("/v1/scheduled_interviews").json()) == 2
    assert create(client, tenant, "v2").is_success


def test_the_reasons_of_the_account_come_back_in_the_form_of_each_generation(
    tenant: Tenant, client: httpx.Client, passed: Passing
) -> None:
    passed.upstream.remove("job_interviews", 61)
    refused = create(client, tenant, "v2")
    assert (refused.status_code, refused.json()) == (
        422,
        {"message": "Validation error", "errors": [{"message": "must exist", "field": "interview_id"}]},
    )
    refused = create(client, tenant, "v3")
    assert (refused.status_code, refused.json()) == (
        422,
        {"message": "Unprocessable Content", "errors": [{"job_interview_id": "must exist"}]},
    )


def test_a_token_that_was_revoked_is_renewed(tenant: Tenant, client: httpx.Client, passed: Passing) -> None:
    assert create(client, tenant, "v2").is_success
    passed.upstream.revoke_tokens()
    assert create(client, tenant, "v2").is_success
    assert len(passed.upstream.written) == 2


def test_an_interview_whose_answer_was_lost_is_found_by_its_event(
    tenant: Tenant, client: httpx.Client, passed: Passing
) -> None:
    for fault in (truncated, status(500), body(b"{}")):
        passed.upstream.late_faults.append(fault)
        made = create(client, tenant, "v2")
        assert made.status_code == 200, made.text
        assert made.json()["id"] in passed.upstream.rows["interviews"]
    assert len(passed.upstream.written) == 3
    assert [each["kind"] for each in changes_after(client, 0)].count("created") == 3


def test_a_change_whose_answer_was_lost_is_stored_all_the_same(client: httpx.Client, passed: Passing) -> None:
    passed.upstream.late_faults.append(truncated)
    lost = client.patch(f"/v2/scheduled_interviews/{TIMED}", json={"location": "Garden"}, headers=BY_ANN)
    assert lost.status_code == 504
    assert client.get(f"/v1/scheduled_interviews/{TIMED}").json()["location"] == "Garden"


def test_what_the_account_has_no_more_is_gone_here_too(client: httpx.Client, passed: Passing) -> None:
    passed.upstream.remove("interviews", TIMED)
    gone = client.patch(f"/v2/scheduled_interviews/{TIMED}", json={"location": "Garden"}, headers=BY_ANN)
    assert gone.status_code == 404
    assert client.get(f"/v1/scheduled_interviews/{TIMED}").status_code == 404


def test_a_repeated_request_is_made_once(tenant: Tenant, client: httpx.Client, passed: Passing) -> None:
    keyed = {**BY_ANN, "Idempotency-Key": "one"}
    first = client.post("/v2/scheduled_interviews", json=NEW, headers=keyed)
    client.patch(f"/v2/scheduled_interviews/{first.json()['id']}", json={"location": "Garden"}, headers=BY_ANN)
    again = client.post("/v2/scheduled_interviews", json=NEW, headers=keyed)
    assert (again.status_code, again.content) == (200, first.content)
    other = client.post("/v2/scheduled_interviews", json={**NEW, "location": "Attic"}, headers=keyed)
    assert other.status_code == 422
    assert [each.method for each in passed.upstream.written] == ["POST", "PATCH"]
    assert tenant.organization.mirrored_from is None


def test_a_repeated_request_that_failed_is_tried_again(client: httpx.Client, passed: Passing) -> None:
    keyed = {**BY_ANN, "Idempotency-Key": "one"}
    passed.upstream.write_faults.append(status(429))
    assert client.post("/v2/scheduled_interviews", json=NEW, headers=keyed).status_code == 429
    made = client.post("/v2/scheduled_interviews", json=NEW, headers=keyed)
    assert made.status_code == 200, made.text


def test_an_event_that_the_account_has_is_not_made_again(tenant: Tenant, client: httpx.Client, passed: Passing) -> None:
    upstream = passed.upstream
    upstream.put("interviews", v3_account.interview(9100, external_event_id="same", job_interview_id=61))
    found = create(client, tenant, "v2", external_event_id="same")
    assert (found.status_code, found.json()["id"]) == (200, 9100), "an earlier attempt has made it"
    upstream.put("interviews", v3_account.interview(9101, external_event_id="other", job_interview_id=60))
    refused = create(client, tenant, "v2", external_event_id="other")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "external_event_id")
    assert upstream.written == []


def test_a_version_that_the_account_has_left_is_not_overwritten(client: httpx.Client, passed: Passing) -> None:
    known = client.get(f"/v1/scheduled_interviews/{TIMED}").headers["ETag"]
    passed.upstream.put("interviews", {"id": TIMED, "location": "Garden"})  # not followed yet
    headers = {**BY_ANN, "If-Match": known}
    stale = client.patch(f"/v2/scheduled_interviews/{TIMED}", json={"location": "Attic"}, headers=headers)
    assert stale.status_code == 412
    assert passed.upstream.written == []
    known = client.get(f"/v1/scheduled_interviews/{TIMED}").headers["ETag"]
    headers = {**BY_ANN, "If-Match": known}
    changed = client.patch(f"/v2/scheduled_interviews/{TIMED}", json={"location": "Attic"}, headers=headers)
    assert changed.json()["location"] == "Attic"


@pytest.mark.parametrize("policy", [DoubleBooking.WARN, DoubleBooking.REJECT])
def test_double_bookings_are_decided_here(
    tenant: Tenant, client: httpx.Client, passed: Passing, policy: DoubleBooking
) -> None:
    tenant.change_settings(double_booking=policy)
    assert create(client, tenant, "v2").is_success
    second = create(client, tenant, "v2")
    if policy is DoubleBooking.WARN:
        assert "Double booking" in second.headers["Warning"]
    else:
        assert second.status_code == 409
    assert len(passed.upstream.written) == (2 if policy is DoubleBooking.WARN else 1)


def test_many_who_write_at_once_are_served_one_after_the_other(
    tenant: Tenant, client: httpx.Client, passed: Passing
) -> None:
    keyed = {**BY_ANN, "Idempotency-Key": "one"}

    def write(number: int) -> httpx.Response:
        with tenant.open_client() as mine:
            if number < 3:  # the same request
                return mine.post("/v2/scheduled_interviews", json=NEW, headers=keyed)
            if number < 6:  # the same event
                return create(mine, tenant, "v2", external_event_id="same")
            fields = {"location": f"Room {number}"}
            return mine.patch(f"/v2/scheduled_interviews/{TIMED}", json=fields, headers=BY_ANN)

    with ThreadPoolExecutor(9) as threads:
        answers = list(threads.map(write, range(9)))
    # A request that comes while the key is being noted is a 409, to be sent again.
    same = {each.json()["id"] for each in answers[:3] if each.status_code == 200}
    assert len(same) == 1, [each.text for each in answers[:3]]
    assert {each.status_code for each in answers[:3]} <= {200, 409}
    assert sorted(each.status_code for each in answers[3:6]) == [200, 422, 422]
    assert {each.status_code for each in answers[6:]} == {200}
    methods = [each.method for each in passed.upstream.written]
    assert (methods.count("POST"), methods.count("PATCH")) == (2, 3)
    (here,) = [each for each in client.get("/v1/scheduled_interviews").json() if each["id"] == TIMED]
    assert here["location"] == passed.upstream.rows["interviews"][TIMED]["location"]


def test_without_a_mirror_nothing_is_written(storage: Storage, tmp_path: Path, upstream: V3Upstream) -> None:
    with served(storage.new_database(tmp_path), "--mirror-wait", "1") as harness:
        tenant = harness.tenant()
        with passing(tenant, upstream) as running:
            assert running.upstream.written == []
        with tenant.open_client() as client:
            keyed = {**BY_ANN, "Idempotency-Key": "one"}
            refused = client.post("/v2/scheduled_interviews", json=NEW, headers=keyed)
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
            assert "no `rowen mirror --write-through` was there" in refused.json()["message"]
            with passing(tenant, upstream) as running:
                running.round()
                assert running.upstream.written == [], "what was withdrawn is not sent later"
                while (made := client.post("/v2/scheduled_interviews", json=NEW, headers=keyed)).status_code > 500:
                    pass  # a second may be too short for a busy machine
                assert made.status_code == 200, made.text
        assert len(upstream.written) == 1
