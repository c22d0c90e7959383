"""The OpenAPI document is true of Harvest v3 (Schemathesis with all its checks).

Lists differ in their names, parameters and fields: some of them stand for all.
"""

from pathlib import Path
from typing import Final

import pytest

from rowen.api import examples
from tests.support import v3_account
from tests.support.described import configured, violations
from tests.support.harness import Harness, Tenant
from tests.support.passing import passing
from tests.support.storage import Storage
from tests.support.tokens import new_token
from tests.support.v3_upstream import V3Upstream

pytestmark = pytest.mark.slow

CONFIGURATION: Final = Path(__file__).with_name("schemathesis_v3.toml")
TRIED: Final = "^/v3/(interviews|interviewers|applications|users|offers|departments|application_stages|jobs)(/|$)"


@pytest.mark.heavy
def test_schemathesis_finds_nothing(storage: Storage, harness: Harness, tmp_path: Path) -> None:
    tenant = harness.tenant()
    tenant.merge([examples.TIMED, examples.ALL_DAY])
    for resource, example in (("applications", examples.APPLICATION), ("users", examples.USER)):
        tenant.merge_records(resource, [example])
    token = new_token(tenant)
    options = ("--header", f"Authorization: Bearer {token}", "--include-path-regex", TRIED)
    assert violations(harness.server, configured(CONFIGURATION.read_text(), storage), tmp_path, *options) == ""


@pytest.mark.heavy
def test_schemathesis_finds_nothing_in_writes_through_a_mirror(
    storage: Storage, tenant: Tenant, upstream: V3Upstream, tmp_path: Path
) -> None:
    new = examples.NEW_INTERVIEW
    upstream.put("applications", {"id": new["application_id"], "candidate_id": 80, "job_id": 40, "prospect": False})
    upstream.put("users", v3_account.user(examples.USER_ID, "Jack"), v3_account.user(examples.INTERVIEWER_ID, "Kate"))
    upstream.put("job_interviews", v3_account.job_interview(new["interview_id"], "Rye"))
    upstream.put("interviews", v3_account.interview(examples.TIMED["id"], status="scheduled"))
    with passing(tenant, upstream):
        token = new_token(tenant)
        options = ("--header", f"Authorization: Bearer {token}", "--include-path-regex", "^/v3/interviews(/|$)")
        configuration = configured(CONFIGURATION.read_text(), storage)
        assert violations(tenant.harness.server, configuration, tmp_path, *options) == ""
    assert {each.method for each in upstream.written} == {"POST", "PATCH", "DELETE"}
