"""Server-owned fields in writes that pass through a mirror: all are refused by name, and the account is not asked."""

from typing import Any, Final

import httpx
import pytest

from tests.support.harness import Tenant
from tests.support.passing import Passing, passing
from tests.support.records import Record
from tests.support.servers_fields import SERVERS_FIELDS, refused_fields
from tests.support.sql import fetch
from tests.support.v3_account import ANN, NEW, NEW_V3, TIMED, bearer
from tests.support.v3_upstream import V3Upstream

pytestmark = pytest.mark.slow

MEMBER: Final = "interviewers[0]"
FOR_APPLICATION: Final = {name: value for name, value in NEW.items() if name != "application_id"}
CHANGE: Final = {name: NEW[name] for name in ("interviewers", "start", "end", "location")}
CHANGE_V3: Final = {name: NEW_V3[name] for name in ("interviewers", "starts_at", "ends_at", "location")}
WRITES: Final[list[tuple[str, str, Record]]] = [
    ("POST", "/v1/scheduled_interviews", NEW),
    ("POST", "/v2/scheduled_interviews", NEW),
    ("POST", "/v1/applications/70/scheduled_interviews", FOR_APPLICATION),
    ("POST", "/v3/interviews", NEW_V3),
    ("PATCH", f"/v1/scheduled_interviews/{TIMED}", CHANGE),
    ("PATCH", f"/v2/scheduled_interviews/{TIMED}", CHANGE),
    ("PATCH", f"/v3/interviews/{TIMED}", CHANGE_V3),
]
OWN: Final = {("", "starts_at"), (MEMBER, "id")}
"""What clients may set after all: the times of v3, and a user by `id`, as an existing client does."""


def sent(tenant: Tenant, method: str, path: str, body: Record) -> httpx.Response:
    """Send a write on behalf of Ann; with a token if it is one of v3."""
    with tenant.open_client() as client:
        headers = bearer(tenant, client) if path.startswith("/v3") else {"On-Behalf-Of": str(ANN)}
        return client.request(method, path, headers=headers, json=body)


def shown(tenant: Tenant) -> bytes:
    """Return all interviews as they are served."""
    with tenant.open_client() as client:
        return client.get("/v1/scheduled_interviews").raise_for_status().content


def owned(path: str, level: str) -> dict[str, Any]:
    """Return the fields that a client may not set at a level of a write."""
    own = OWN if path.startswith("/v3") else {(MEMBER, "id")}
    return {name: value for name, value in SERVERS_FIELDS.items() if (level, name) not in own}


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_server_owned_fields_reach_no_account(
    tenant: Tenant, upstream: V3Upstream, method: str, path: str, body: Record
) -> None:
    upstream.put("interviews", {"id": TIMED, "status": "scheduled"})
    with passing(tenant, upstream) as mirror:
        before = shown(tenant)
        member = body["interviewers"][0]
        answer = sent(tenant, method, path, {**body, **owned(path, ""), "interviewers": [member | owned(path, MEMBER)]})
        expected = {*owned(path, ""), *(f"{MEMBER}.{name}" for name in owned(path, MEMBER))}
        assert {*refused_fields(answer)} == expected
        require_silence(tenant, mirror)
        assert shown(tenant) == before
        assert sent(tenant, method, path, body).is_success, "without them it is accepted"
        assert len(upstream.written) == 1


def require_silence(tenant: Tenant, mirror: Passing) -> None:
    """Require that nothing was queued, and that the account was not written to."""
    statement = "SELECT state FROM account_writes WHERE organization_id = ?"
    assert fetch(tenant.harness.database, statement, tenant.organization.id) == []
    assert mirror.upstream.written == []
