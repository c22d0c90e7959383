"""The PyPI package `grnhse-api` 0.1.1, unmodified but for its base URL (contract section 6)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from typing import Any

import pytest
from grnhse import Harvest, strp_dt
from grnhse.exceptions import HTTPError
from grnhse.harvest.versions import api_versions

from tests.support.served_schedule import BOUNDARY, HOME, LARGEST_ID, ServedSchedule, identifiers, moment_of

Open = Callable[[Any], Any]


@pytest.fixture
def harvest(schedule: ServedSchedule, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the package's client, pointed here."""
    monkeypatch.setitem(api_versions["v1"], "base", f"{schedule.server.url}/v1/")
    return Harvest(schedule.keys[HOME])


@pytest.fixture
def opened() -> Iterator[Open]:
    """Yield a function that registers an endpoint of the package, to close its connection at the end."""
    with ExitStack() as stack:

        def remember(endpoint: Any) -> Any:
            stack.callback(endpoint._session.close)  # noqa: SLF001  (the package has no public way)
            return endpoint

        yield remember


def walk(endpoint: Any, **parameters: Any) -> list[dict[str, Any]]:
    """Read every page, as the package's own documentation does."""
    found: list[dict[str, Any]] = endpoint.get(**parameters)
    while endpoint.records_remaining:
        found += endpoint.get_next()
    return found


def test_the_address_is_all_that_was_changed() -> None:
    assert api_versions["v1"]["base"] == "https://harvest.greenhouse.io/v1/"


@pytest.mark.parametrize("size", [1, 7, 100, 500])
def test_a_walk_sees_every_interview_once(schedule: ServedSchedule, harvest: Any, opened: Open, size: int) -> None:
    application = {"per_page": size, "created_before": datetime(2023, 12, 10)} if size == 1 else {"per_page": size}
    found = walk(opened(harvest.interviews), **application)
    if size == 1:
        before = datetime(2023, 12, 10, tzinfo=UTC)
        expected = [each for each in schedule.home if (at := moment_of(each["created_at"])) is not None and at < before]
        assert found == expected
    else:
        assert found == list(schedule.home)


def test_iterating_gives_pages(schedule: ServedSchedule, harvest: Any, opened: Open) -> None:
    pages = list(opened(harvest.interviews))
    assert [len(page) for page in pages] == [100, 100, 100, len(schedule.home) - 300]
    assert [found for page in pages for found in page] == list(schedule.home)


def test_the_last_page_is_reached_by_its_link(schedule: ServedSchedule, harvest: Any, opened: Open) -> None:
    endpoint = opened(harvest.interviews)
    endpoint.get(per_page=50)
    assert endpoint.get_last() == list(schedule.home)[300:]
    assert not endpoint.records_remaining


@pytest.mark.parametrize("name", ["created_after", "updated_after", "created_before", "updated_before"])
def test_its_own_date_parameters_filter(schedule: ServedSchedule, harvest: Any, opened: Open, name: str) -> None:
    found = walk(opened(harvest.interviews), per_page=20, **{name: BOUNDARY.replace(tzinfo=None)})
    what, _, side = name.partition("_")
    times = {each["id"]: moment_of(each[f"{what}_at"]) for each in schedule.home}
    expected = [
        i for i, at in times.items() if at is not None and (at >= BOUNDARY if side == "after" else at < BOUNDARY)
    ]
    assert 20 < len(expected) < len(schedule.home)
    assert identifiers(found) == expected


def test_a_plain_date_is_a_date_parameter_too(schedule: ServedSchedule, harvest: Any, opened: Open) -> None:
    found = walk(opened(harvest.interviews), starts_after=date(2024, 3, 1), ends_before=date(2024, 3, 9))
    assert found
    for each in found:
        assert min(each["start"].values()) >= "2024-03-01"
        assert max(each["end"].values()) < "2024-03-10"


def test_its_own_reader_reads_every_timestamp(harvest: Any, opened: Open) -> None:
    for each in walk(opened(harvest.interviews), per_page=500):
        for text in (each["created_at"], each["updated_at"], each["start"].get("date_time")):
            assert text is None or strp_dt(text)


def test_one_interview(schedule: ServedSchedule, harvest: Any, opened: Open) -> None:
    assert opened(harvest.interviews).get(LARGEST_ID) == schedule.home[-1]
    assert opened(harvest.interviews(9001)).get()["external_event_id"] == "boundary-0"


def test_the_interviews_of_an_application(schedule: ServedSchedule, harvest: Any, opened: Open) -> None:
    application = opened(harvest.applications(7003))
    expected = [each for each in schedule.home if each["application_id"] == 7_003]
    assert walk(opened(application.interviews), per_page=10) == expected
    assert walk(opened(application.interviews)) == expected


def test_refusals_are_its_errors(schedule: ServedSchedule, harvest: Any, opened: Open) -> None:
    with pytest.raises(HTTPError, match=r"404.*Resource not found"):
        opened(harvest.interviews).get(1)
    with pytest.raises(HTTPError, match=r"422.*per_page"):
        opened(harvest.interviews).get(per_page=501)
    with pytest.raises(HTTPError, match=r"401.*Invalid Basic Auth credentials"):
        opened(Harvest("wrong").interviews).get()
