"""Deletions that an account reports to its mirror, and the metrics of mirrors."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from rowen.app.mirror import REACHES
from rowen.mirror.walks import OVERLAP
from tests.support import v3_account
from tests.support.harness import Harness, served
from tests.support.mirroring import Mirroring, mirroring_of
from tests.support.storage import Storage
from tests.support.v3_account import COMPLETE, TIMED
from tests.support.v3_upstream import status, v3_upstream

pytestmark = pytest.mark.slow

SECRET: Final = "webhook-s3cret-of-the-account"
GONE: Final = {"action": "interview_deleted", "payload": {"interview": {"id": TIMED}}}


@pytest.fixture(scope="module")
def reported_to(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a harness of a server that takes reports."""
    folder = tmp_path_factory.mktemp("reports")
    secret = folder / "secret"
    secret.write_text(f"{SECRET}\n")
    with served(storage.new_database(folder), "--mirror-webhook-secret-file", str(secret)) as harness:
        yield harness


@pytest.fixture
def mirrored(reported_to: Harness) -> Iterator[Mirroring]:
    """Return a mirror that has read everything."""
    with v3_upstream() as upstream, mirroring_of(reported_to.tenant(), upstream) as mirroring:
        v3_account.fill(upstream)
        mirroring.round()
        yield mirroring


def report(mirroring: Mirroring, body: Any, *, organization: str = "", signature: str | None = None) -> httpx.Response:
    """Report to a mirror as its account does."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = f"sha256 {hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest()}"
    given = made if signature is None else signature
    headers = {b"Content-Type": b"application/json", b"Signature": given.encode("latin-1")}
    tenant = mirroring.tenant
    path = f"/mirror/webhooks/{organization or tenant.organization.name}"
    return httpx.post(tenant.harness.server.url + path, content=content, headers=headers)


PAYLOADS: Final = [
    {"interview": {"id": TIMED, "application_id": 70}},
    {"id": TIMED, "application_id": 70},
    {"interview_id": TIMED, "id": 5},
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=["an object", "the interview itself", "its id"])
def test_a_reported_deletion_is_confirmed_and_followed_in_the_next_round(
    mirrored: Mirroring, payload: dict[str, Any]
) -> None:
    mirrored.upstream.remove("interviews", TIMED)
    answer = report(mirrored, {"action": "interview_deleted", "payload": payload})
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    assert TIMED in mirrored.interviews()
    assert mirrored.round() == len(REACHES) + 1
    assert TIMED not in mirrored.interviews()
    assert report(mirrored, GONE).status_code == 200, "sent again"
    mirrored.round()
    assert mirrored.round() == len(REACHES), "the mark is removed"


def test_a_reported_deletion_of_a_scorecard_is_followed(mirrored: Mirroring) -> None:
    mirrored.upstream.remove("scorecards", COMPLETE)
    payload = {"id": COMPLETE, "interview": "Bread"}
    assert report(mirrored, {"action": "scorecard_deleted", "payload": payload}).status_code == 200
    mirrored.round()
    assert {each["scorecard_id"] for each in mirrored.interviews()[TIMED]["interviewers"]} == {None}


def test_a_deletion_that_is_reported_early_is_looked_for_until_it_shows(mirrored: Mirroring) -> None:
    report(mirrored, GONE)
    mirrored.round()
    assert TIMED in mirrored.interviews(), "the account still has it"
    mirrored.upstream.remove("interviews", TIMED)
    mirrored.round()
    assert TIMED not in mirrored.interviews()


def test_a_deletion_that_never_shows_is_forgotten(mirrored: Mirroring) -> None:
    report(mirrored, GONE)
    mirrored.clock.advance(2 * OVERLAP)
    mirrored.round()
    assert mirrored.round() == len(REACHES)
    assert TIMED in mirrored.interviews()


@pytest.mark.parametrize("signature", ["", "sha256", f"sha256 {'0' * 64}", "sha1 5", f"sha256 {'é' * 32}"])
def test_a_report_without_the_right_signature_is_refused(mirrored: Mirroring, signature: str) -> None:
    content = json.dumps(GONE).encode()
    right = hmac.new(b"another secret", content, hashlib.sha256).hexdigest()
    for each in (signature, f"sha256 {right}", right):
        answer = report(mirrored, content, signature=each)
        assert answer.status_code == 401
        assert SECRET not in answer.text
    assert mirrored.round() == len(REACHES)


BAD: Final[list[tuple[Any, int, str]]] = [
    ({"action": "interview_deleted", "payload": {"interview": {}}}, 422, "payload.interview.id"),
    ({"action": "interview_deleted", "payload": {"interview": {"id": "5"}}}, 422, "payload.interview.id"),
    ({"action": "interview_deleted", "payload": {"id": True}}, 422, "payload.interview.id"),
    ({"action": "scorecard_deleted"}, 422, "payload.scorecard.id"),
    ({"action": "ping", "payload": {}}, 200, "ignored"),
    ({}, 200, "ignored"),
    (b"nonsense", 400, "not JSON"),
    (b"[]", 422, "object"),
    (b'"' + b" " * 300_000 + b'"', 413, ""),
]


@pytest.mark.parametrize(("body", "expected", "text"), BAD)
def test_other_bodies_mark_nothing(mirrored: Mirroring, body: Any, expected: int, text: str) -> None:
    answer = report(mirrored, body)
    assert answer.status_code == expected, answer.text
    assert text in answer.text
    assert mirrored.round() == len(REACHES)


def test_reports_reach_mirrors_only(mirrored: Mirroring) -> None:
    other = mirrored.tenant.harness.tenant().organization.name
    assert report(mirrored, GONE, organization="nowhere").status_code == 404
    assert report(mirrored, GONE, organization=other).status_code == 404
    path = f"/mirror/webhooks/{mirrored.tenant.organization.name}"
    assert httpx.get(mirrored.tenant.harness.server.url + path).status_code == 405


def test_a_server_without_the_secret_takes_no_reports(harness: Harness) -> None:
    answer = httpx.post(f"{harness.server.url}/mirror/webhooks/default", json=GONE)
    assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})


def metrics_of(mirroring: Mirroring) -> dict[str, float]:
    """Return the metrics of a mirror by name and resource."""
    text = httpx.get(mirroring.tenant.harness.server.url + "/metrics").text
    name = mirroring.tenant.organization.name
    found = re.findall(rf'rowen_mirror_(\w+)\{{organization="{name}"(?:,resource="(\w+)")?\}} (\S+)', text)
    return {" ".join(filter(None, (metric, resource))): float(value) for metric, resource, value in found}


def test_metrics_show_the_mirror_of_each_organization(mirrored: Mirroring) -> None:
    found = metrics_of(mirrored)
    assert (found["loaded"], found["failing"]) == (1, 0)
    assert found["requests_total"] == len(mirrored.upstream.asked)
    assert found["last_success_timestamp_seconds"] == mirrored.clock() / 1000
    assert found["lag_seconds"] >= 0
    for resource in REACHES:
        assert found[f"rows {resource}"] == len(mirrored.upstream.rows.get(resource, {}))
    assert "last_sweep_timestamp_seconds" not in found
    mirrored.upstream.faults.append(status(429, {"Retry-After": "1"}))
    mirrored.upstream.remove("interviews", TIMED)
    mirrored.sweep()
    swept = metrics_of(mirrored)
    assert swept["throttled_requests_total"] == 1
    assert swept["last_sweep_timestamp_seconds"] == mirrored.clock() / 1000
    assert swept["rows interviews"] == found["rows interviews"] - 1


def test_metrics_show_a_mirror_that_fails(mirrored: Mirroring) -> None:
    mirrored.upstream.faults.append(status(403))
    with pytest.raises(Exception, match="permission"):
        mirrored.round()
    found = metrics_of(mirrored)
    assert (found["failing"], found["last_failure_timestamp_seconds"]) == (1, mirrored.clock() / 1000)
