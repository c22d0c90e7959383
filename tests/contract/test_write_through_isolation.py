"""Two organizations whose writes pass through to accounts of their own: neither reaches the other's.

An address or a name of the other organization gets the answer of one that nobody has, nothing is queued, and no account
is asked.
"""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.support import v3_account
from tests.support.harness import Tenant
from tests.support.passing import Passing, passing
from tests.support.sql import fetch
from tests.support.v3_account import ANN, BOB, NEW, NEW_V3, TIMED, bearer
from tests.support.v3_upstream import V3Upstream, v3_upstream

pytestmark = pytest.mark.slow

FOREIGN: Final = {"interview": 9555, "user": 2555, "application": 7555}
NOBODYS: Final = {"interview": 9666, "user": 2666, "application": 7666}
CHANGES: Final[list[tuple[str, str]]] = [
    ("PATCH", "/v1/scheduled_interviews/{interview}"),
    ("PATCH", "/v2/scheduled_interviews/{interview}"),
    ("PATCH", "/v3/interviews/{interview}"),
    ("DELETE", "/v1/scheduled_interviews/{interview}"),
    ("DELETE", "/v3/interviews/{interview}"),
    ("POST", "/v1/applications/{application}/scheduled_interviews"),
]
CREATIONS: Final = [
    (name, path)
    for name in ("application", "user", "acting user")
    for path in ("/v1/scheduled_interviews", "/v2/scheduled_interviews", "/v3/interviews")
    if (name, path) != ("acting user", "/v3/interviews")  # the token names the user
]


@pytest.fixture
def upstream(upstream: V3Upstream) -> V3Upstream:
    """Return an account whose timed interview is scheduled."""
    upstream.put("interviews", {"id": TIMED, "status": "scheduled"})
    return upstream


@pytest.fixture
def accounts(tenant: Tenant, upstream: V3Upstream) -> Iterator[tuple[Passing, Passing]]:
    """Pass the writes of the tenant through to one account, and those of another organization to another."""
    with v3_upstream() as other:
        v3_account.fill(other)
        other.put("users", v3_account.user(FOREIGN["user"], "Eve"))
        other.put("applications", {"id": FOREIGN["application"], "candidate_id": 80, "job_id": 40, "prospect": False})
        foreign = {"application_id": FOREIGN["application"], "status": "scheduled"}
        other.put("interviews", v3_account.interview(FOREIGN["interview"], **foreign))
        with passing(tenant, upstream) as mine, passing(tenant.harness.tenant(), other) as theirs:
            yield mine, theirs


def sent(client: httpx.Client, tenant: Tenant, method: str, path: str, body: Any, user: int = ANN) -> tuple[int, str]:
    """Send a write on behalf of a user, and return its status and its answer."""
    headers = bearer(tenant, client) if path.startswith("/v3") else {"On-Behalf-Of": str(user)}
    content = {} if method == "DELETE" else {"json": body}
    answer = client.request(method, path, headers=headers, **content)
    return answer.status_code, answer.text


def require_silence(tenant: Tenant, accounts: tuple[Passing, Passing]) -> None:
    """Require that nothing was queued, and that no account was written to."""
    organizations = [each.mirroring.tenant.organization.id for each in accounts]
    statement = "SELECT state FROM account_writes WHERE organization_id IN (?, ?)"
    assert fetch(tenant.harness.database, statement, *organizations) == []
    assert [each.upstream.written for each in accounts] == [[], []]


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_an_address_of_another_organization_leads_nowhere(
    tenant: Tenant, accounts: tuple[Passing, Passing], method: str, path: str
) -> None:
    body = {"location": "Oven"} if method == "PATCH" else {k: v for k, v in NEW.items() if k != "application_id"}
    with tenant.open_client() as client:
        foreign = sent(client, tenant, method, path.format(**FOREIGN), body)
        missing = sent(client, tenant, method, path.format(**NOBODYS), body)
    assert foreign == missing
    assert foreign[0] == 404
    require_silence(tenant, accounts)


@pytest.mark.parametrize(("name", "path"), CREATIONS)
def test_a_name_of_another_organization_is_nobodys(
    tenant: Tenant, accounts: tuple[Passing, Passing], path: str, name: str
) -> None:
    def create(client: httpx.Client, ids: dict[str, int]) -> tuple[int, str]:
        body: dict[str, Any] = {**(NEW_V3 if path.startswith("/v3") else NEW)}
        if name == "application":
            body["application_id"] = ids["application"]
        if name == "user":
            body["interviewers"] = [{"user_id": ids["user"], "response_status": "tentative"}]
        status, text = sent(client, tenant, "POST", path, body, ids["user"] if name == "acting user" else ANN)
        return status, text.replace(str(ids["application"]), "-").replace(str(ids["user"]), "-")

    with tenant.open_client() as client:
        foreign, missing = create(client, FOREIGN), create(client, NOBODYS)
    assert foreign == missing
    assert foreign[0] in (404, 422)
    require_silence(tenant, accounts)


def test_the_same_ids_of_two_organizations_lead_to_the_own_account(
    tenant: Tenant, accounts: tuple[Passing, Passing]
) -> None:
    mine, theirs = accounts
    with tenant.open_client() as client:
        status, text = sent(client, tenant, "PATCH", f"/v2/scheduled_interviews/{TIMED}", {"location": "Oven"}, BOB)
    assert status == 200, text
    assert [each.path for each in mine.upstream.written] == [f"/v3/interviews/{TIMED}"]
    assert theirs.upstream.written == []
    assert theirs.upstream.rows["interviews"][TIMED]["location"] != "Oven"
