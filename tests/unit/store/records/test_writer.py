"""Reading records within a transaction."""

from rowen.store.records.writer import RecordWriter
from tests.support.harness import Tenant
from tests.support.statements import statement_of


def test_one_row_shows_whether_a_job_is_named_however_many_applications_name_it(tenant: Tenant) -> None:
    tenant.merge_records("applications", [{"id": number, "jobs": [{"id": 52}]} for number in range(1, 4)])
    engine = tenant.harness.store.engine
    statement = statement_of(RecordWriter, engine, "SELECT terms.id", "LIMIT 1")
    asked = {"organization": tenant.organization.id, "resource": "applications", "name": "job_id"}
    for job, count in (("52", 1), ("53", 0)):
        assert len(tenant.harness.run(engine.rows(statement, {**asked, "value": job}))) == count
