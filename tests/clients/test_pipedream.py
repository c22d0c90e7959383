"""The npm package `@pipedream/greenhouse` 1.2.0, unmodified but for its base URL: components for Harvest v1."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.foreign_clients import ClientError, ForeignClient, node, running
from tests.support.harness import Harness
from tests.support.served_schedule import HOME, ServedSchedule
from tests.support.tenants import IsolatedTenant, two_tenants

DRIVER: Final = "pipedream_greenhouse.mjs"


@pytest.fixture(scope="module")
def components(
    harness: Harness, account: IsolatedTenant, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ForeignClient]:
    """Return the components, with the key of an organization that has records of every kind."""
    own = {"GREENHOUSE_API_KEY": account.key}
    with running(node(), DRIVER, harness.server.url, tmp_path_factory.mktemp("home"), own) as client:
        yield client


def test_every_interview_is_emitted_in_the_order_of_ids(
    schedule: ServedSchedule, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = {"GREENHOUSE_API_KEY": schedule.keys[HOME]}
    with running(node(), DRIVER, schedule.server.url, tmp_path_factory.mktemp("home"), own) as client:
        emitted = client.call("new-scheduled-interview")["events"]
    # Numbers of JavaScript hold an integer of 2^53 - 1, and so every id.
    assert [each["event"] for each in emitted] == list(schedule.home)
    assert [each["meta"]["id"] for each in emitted] == [each["id"] for each in schedule.home]


def test_interviews_within_a_time(components: ForeignClient, account: IsolatedTenant) -> None:
    window = {"startsAfter": "2049-01-01T00:00:00Z", "endsBefore": "2050-01-01T00:00:00Z"}
    emitted = components.call("new-scheduled-interview", **window)["events"]
    assert [each["event"]["id"] for each in emitted] == [account.ids["scheduled"], account.ids["overlapping"]]
    assert components.call("new-scheduled-interview", startsAfter="2051-01-01T00:00:00Z")["events"] == []


def test_new_applications_are_emitted(components: ForeignClient, account: IsolatedTenant) -> None:
    emitted = components.call("new-candidate-application")["events"]
    assert [each["event"]["id"] for each in emitted] == [account.ids["application"]]
    again = components.call("new-candidate-application")["events"]
    assert [each["event"]["id"] for each in again] == [account.ids["application"]]  # at or after: it comes once more


def test_a_candidate_without_activity_emits_nothing(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> None:
    tenant = harness.tenant()
    tenant.merge_records("candidates", [{"id": 7, "first_name": "Ada", "last_name": "Lovelace"}])
    own = {"GREENHOUSE_API_KEY": tenant.key}
    with running(node(), DRIVER, harness.server.url, tmp_path_factory.mktemp("home"), own) as client:
        assert client.call("watch-candidates", candidateId=7)["events"] == []


def test_its_choices(components: ForeignClient, account: IsolatedTenant) -> None:
    assert components.call("options.userId", page=0) == [
        {"label": "Ada Home", "value": account.ids["user"]},
        {"label": "Grace Home", "value": account.ids["other_user"]},
    ]
    assert components.call("options.jobIds", page=0) == [{"label": "Pilot home", "value": account.ids["job"]}]
    assert components.call("options.candidateId", page=0) == [
        {"label": "Amelia Home", "value": account.ids["candidate"]}
    ]
    assert components.call("options.educations") == [{"label": "Archived home", "value": account.ids["archived"]}]
    assert components.call("options.userId", page=1) == []


def test_a_candidate_is_added_with_an_application(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        two_tenants(harness) as made,
        running(
            *(node(), DRIVER, harness.server.url, tmp_path_factory.mktemp("home")),
            {"GREENHOUSE_API_KEY": made.home.key},
        ) as client,
    ):
        added = client.call(
            "create-candidate",
            userId=made.home.ids["user"],
            firstName="Grace",
            lastName="Hopper",
            jobIds=[made.home.ids["job"]],
            phoneNumbers=["+14155550123"],
            emailAddresses=["grace@example.com"],
            websiteAddresses=["https://example.com"],
            tags=["navy"],
        )["returned"]
        assert added["email_addresses"] == [{"value": "grace@example.com", "type": "other"}]
        assert added["tags"] == ["navy"]
        (application,) = added["applications"]
        assert application["jobs"] == [{"id": made.home.ids["job"], "name": "Pilot home"}]
        emitted = client.call("new-candidate-application")["events"]
        assert application["id"] in [each["event"]["id"] for each in emitted]


def test_a_wrong_key_is_its_error(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> None:
    own = {"GREENHOUSE_API_KEY": "wrong"}
    with (
        running(node(), DRIVER, harness.server.url, tmp_path_factory.mktemp("home"), own) as client,
        pytest.raises(ClientError, match="Invalid Basic Auth credentials"),
    ):
        client.call("new-candidate-application")
