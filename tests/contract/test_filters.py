"""Every filter, compared with a plain reading of the records (contract section 2)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.records import Record
from tests.support.served_schedule import (
    AUCKLAND,
    BOUNDARY,
    HOME,
    ODD_EVENT,
    SHARED_EVENT,
    ZONES,
    ServedSchedule,
    identifiers,
    instant,
    moment_of,
    written,
)

TIMES: Mapping[str, Callable[[Record, str], datetime | None]] = {
    "created": lambda found, _: moment_of(found["created_at"]),
    "updated": lambda found, _: moment_of(found["updated_at"]),
    "starts": lambda found, zone: instant(found["start"], zone),
    "ends": lambda found, zone: instant(found["end"], zone),
}
AT_BOUNDARY, AFTER_BOUNDARY = 9_001, 9_002
BOUNDARY_FORMS = (
    "2024-02-01T12:00:00Z",
    "2024-02-01T12:00:00.0Z",
    "2024-02-01T12:00:00.000Z",
    "2024-02-01T12:00:00.000000Z",
    "2024-02-01T12:00:00.000000000Z",
    "2024-02-01T12:00:00,000Z",
    "2024-02-01T12:00:00",
    "2024-02-01T12:00:00.000",
    "2024-02-01T12:00",
    "2024-02-01T12:00Z",
    "2024-02-01T12Z",
    "2024-02-01T12",
    "2024-02-01t12:00:00z",
    "2024-02-01 12:00:00",
    "2024-02-01 12:00:00Z",
    "2024-02-01T14:00:00+02:00",
    "2024-02-01T14:00:00+0200",
    "2024-02-01T14:00:00+02",
    "2024-02-01T06:30:00-05:30",
    "2024-02-01T12:00:00-00:00",
    "2024-02-02T02:00:00.000+14:00",
    "20240201T120000Z",
    "20240201T1200",
    "2024-W05-4T12:00:00Z",
    "2024W054T120000Z",
    "2024-032T12:00:00Z",
    "2024032T120000+0000",
)
MALFORMED = (
    "",
    " ",
    "yesterday",
    "1706788800",
    "2024-02-30",
    "2023-02-29T00:00:00Z",
    "2024-13-01",
    "2024-02-01T25:00:00Z",
    "2024-02-01T12:60:00Z",
    "2024-02-01T12:00:00+25:00",
    "2024-02-01T12:00:00.0000000001Z",
    "2024-02-01T12:00:00.Z",
    "2024-02-01T12:00:00Z ",
    "2024-02-01T",
    "2024-02-01T12:00:00ZZ",
    "\uff12\uff10\uff12\uff14-02-01",
    "2024-02-01\x00",
    "2024-366T00:00\n",
    "0000-01-01",
    "10000-01-01",
    "-2024-01-01",
    "2024-02-01; DROP TABLE",
    "9" * 400,
)


def matching(records: tuple[Record, ...], zone: str, filters: Mapping[str, datetime]) -> list[int]:
    """Return the ids of the records that pass time filters, in the plainest way."""
    found = []
    for each in records:
        passes = True
        for name, bound in filters.items():
            what, _, side = name.rpartition("_")
            at = TIMES[what](each, zone)
            passes = passes and at is not None and (at >= bound if side == "after" else at < bound)
        if passes:
            found.append(each["id"])
    return found


def listed(client: httpx.Client, query: Mapping[str, str] | str, path: str = "/v1/scheduled_interviews") -> list[int]:
    """Return the ids that a list shows."""
    if isinstance(query, str):
        answer = client.get(f"{path}?per_page=500&{query}")
    else:
        answer = client.get(path, params={"per_page": 500, **query})
    assert answer.status_code == 200, answer.text
    return identifiers(answer.json())


@pytest.mark.parametrize("side", ["after", "before"])
@pytest.mark.parametrize("what", TIMES)
def test_after_is_inclusive_and_before_exclusive_to_the_millisecond(
    schedule: ServedSchedule, home: httpx.Client, what: str, side: str
) -> None:
    for milliseconds in (-2, -1, 0, 1, 2):
        bound = BOUNDARY + timedelta(milliseconds=milliseconds)
        expected = matching(schedule.home, "UTC", {f"{what}_{side}": bound})
        assert 0 < len(expected) < len(schedule.home)
        assert listed(home, {f"{what}_{side}": written(bound)}) == expected


@pytest.mark.parametrize("decimals", ["0001", "000000001", "0009", "000999999"])
@pytest.mark.parametrize("what", TIMES)
def test_a_bound_finer_than_a_millisecond_is_not_cut(home: httpx.Client, what: str, decimals: str) -> None:
    bound = f"2024-02-01T12:00:00.{decimals}Z"
    after = listed(home, {f"{what}_after": bound})
    assert AT_BOUNDARY not in after
    assert AFTER_BOUNDARY in after
    before = listed(home, {f"{what}_before": bound})
    assert AT_BOUNDARY in before
    assert AFTER_BOUNDARY not in before


@pytest.mark.parametrize("form", BOUNDARY_FORMS)
def test_every_iso_8601_form_is_read(schedule: ServedSchedule, home: httpx.Client, form: str) -> None:
    assert listed(home, {"updated_after": form}) == matching(schedule.home, "UTC", {"updated_after": BOUNDARY})
    assert listed(home, {"starts_before": form}) == matching(schedule.home, "UTC", {"starts_before": BOUNDARY})


@pytest.mark.parametrize(
    "form",
    [
        "2024-02-01T14:00:00+02:00",
        "2024-02-01T14:00:00%2B02:00",
        "2024-02-01T14:00:00%2b02%3a00",
        "2024-02-01T14:00:00%2002:00",
        "2024-02-01%2014:00:00+02:00",
        "2024-02-01+14:00:00+02:00",
        "2024-02-01T14:00+0200",
        "2024-02-01T14:00:00.000+02",
    ],
)
def test_a_plus_that_arrives_as_a_space_is_a_plus(schedule: ServedSchedule, home: httpx.Client, form: str) -> None:
    assert listed(home, f"created_after={form}") == matching(schedule.home, "UTC", {"created_after": BOUNDARY})


@pytest.mark.parametrize("form", ["2024-02-01", "20240201", "2024-W05-4", "2024-032", "2024-01-31T24:00:00Z"])
def test_a_date_is_its_midnight(schedule: ServedSchedule, home: httpx.Client, form: str) -> None:
    midnight = datetime(2024, 2, 1, tzinfo=UTC)
    for name in ("created_before", "ends_after"):
        assert listed(home, {name: form}) == matching(schedule.home, "UTC", {name: midnight})


@pytest.mark.parametrize("name", [f"{what}_{side}" for what in TIMES for side in ("after", "before")])
def test_the_ends_of_time_are_bounds_too(schedule: ServedSchedule, home: httpx.Client, name: str) -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    assert listed(home, {name: "0001-01-01"}) == matching(schedule.home, "UTC", {name: first})
    assert listed(home, {name: "9999-12-31T23:59:59.999999999Z"}) == matching(schedule.home, "UTC", {name: last})


@pytest.mark.parametrize("value", MALFORMED)
@pytest.mark.parametrize("name", ["created_after", "ends_before"])
def test_an_invalid_time_is_refused_by_name(home: httpx.Client, name: str, value: str) -> None:
    for path in ("/v1/scheduled_interviews", "/v1/applications/7003/scheduled_interviews"):
        answer = home.get(path, params={name: value})
        assert answer.status_code == 422
        assert answer.json() == {
            "message": "Validation error",
            "errors": [{"message": "Must be an ISO-8601 date or timestamp", "field": name}],
        }


@pytest.mark.parametrize(
    "filters",
    [
        {"created_after": 10, "created_before": 30},
        {"created_after": 10, "updated_before": 30},
        {"starts_after": 20, "starts_before": 25, "ends_before": 24},
        {"created_after": 5, "updated_before": 70, "starts_after": 10, "ends_before": 100},
        {name: days for what in TIMES for name, days in ((f"{what}_after", 20), (f"{what}_before", 60))},
        {"created_after": 30, "created_before": 10},
        {"created_after": 30, "created_before": 30},
    ],
)
def test_filters_combine_with_and(schedule: ServedSchedule, home: httpx.Client, filters: dict[str, int]) -> None:
    bounds = {name: datetime(2023, 12, 1, tzinfo=UTC) + timedelta(days=days) for name, days in filters.items()}
    query = {name: written(bound) for name, bound in bounds.items()}
    expected = matching(schedule.home, "UTC", bounds)
    assert listed(home, query) == expected
    of_application = {each["id"] for each in schedule.home if each["application_id"] == 7_003}
    assert listed(home, query, "/v1/applications/7003/scheduled_interviews") == [
        found for found in expected if found in of_application
    ]


@pytest.mark.parametrize("hours", [0, 10, 11, 12, 13, 14, 24])
@pytest.mark.parametrize("name", ["starts_after", "starts_before", "ends_after", "ends_before"])
@pytest.mark.parametrize("organization", ZONES)
def test_an_all_day_interview_begins_at_midnight_where_the_organization_is(
    schedule: ServedSchedule, organization: str, name: str, hours: int
) -> None:
    bound = datetime(2023, 12, 10, tzinfo=UTC) + timedelta(hours=hours)
    with schedule.server.client(schedule.keys[organization]) as client:
        for moment in (bound - timedelta(milliseconds=1), bound, bound + timedelta(milliseconds=1)):
            expected = matching(schedule.records[organization], ZONES[organization], {name: moment})
            assert listed(client, {name: written(moment)}) == expected


def test_the_time_zone_matters(schedule: ServedSchedule) -> None:
    day = {"starts_after": "2023-12-09T11:00:00Z", "starts_before": "2023-12-09T11:00:00.001Z"}
    with schedule.server.client(schedule.keys[AUCKLAND]) as client:
        assert listed(client, day)
    with schedule.server.client(schedule.keys[HOME]) as client:
        assert not listed(client, day)


@pytest.mark.parametrize("event", ["event-7", SHARED_EVENT, ODD_EVENT, "", "largest"])
def test_an_external_event_is_found_by_its_exact_id(schedule: ServedSchedule, home: httpx.Client, event: str) -> None:
    expected = [each["id"] for each in schedule.home if each["external_event_id"] == event]
    assert expected
    assert listed(home, {"external_event_id": event}) == expected


@pytest.mark.parametrize("event", ["event", "EVENT-7", "event-7 ", "event_7", "%", "null", "akl-1", "\x00", "💥" * 600])
def test_an_unknown_external_event_is_an_empty_list(home: httpx.Client, event: str) -> None:
    assert listed(home, {"external_event_id": event}) == []


def test_broken_encoding_of_an_external_event_matches_nothing(home: httpx.Client) -> None:
    for broken in ("%", "%zz", "%ff", "%c3%28", "%00", "%ed%a0%80"):
        assert listed(home, f"external_event_id={broken}") == []


def test_an_external_event_combines_with_the_other_filters(schedule: ServedSchedule, home: httpx.Client) -> None:
    shared = [each for each in schedule.home if each["external_event_id"] == SHARED_EVENT]
    middle = moment_of(shared[2]["created_at"])
    assert middle is not None
    query = {"external_event_id": SHARED_EVENT, "created_after": written(middle)}
    expected = matching(tuple(shared), "UTC", {"created_after": middle})
    assert 0 < len(expected) < len(shared)
    assert listed(home, query) == expected


@pytest.mark.parametrize("spelling", ["true", "True", "TRUE", "1"])
def test_actionable_ones_came_through_the_api_and_are_not_complete(
    schedule: ServedSchedule, home: httpx.Client, spelling: str
) -> None:
    expected = [
        each["id"] for each in schedule.home if each["id"] in schedule.through_api and each["status"] != "complete"
    ]
    assert 0 < len(expected) < len(schedule.through_api)
    assert listed(home, {"actionable": spelling}) == expected


def test_actionable_combines_with_the_other_filters(schedule: ServedSchedule, home: httpx.Client) -> None:
    everything = matching(schedule.home, "UTC", {"starts_before": BOUNDARY})
    actionable = set(listed(home, {"actionable": "true"}))
    query = {"actionable": "true", "starts_before": written(BOUNDARY)}
    assert listed(home, query) == [found for found in everything if found in actionable]
    of_application = {each["id"] for each in schedule.home if each["application_id"] == 7_003}
    assert listed(home, query, "/v1/applications/7003/scheduled_interviews") == [
        found for found in everything if found in actionable & of_application
    ]


@pytest.mark.parametrize("spelling", ["false", "False", "0", ""])
def test_not_actionable_is_not_a_filter(schedule: ServedSchedule, home: httpx.Client, spelling: str) -> None:
    assert listed(home, {"actionable": spelling}) == identifiers(schedule.home)


@pytest.mark.parametrize("name", ["actionable", "skip_count"])
@pytest.mark.parametrize("value", ["maybe", "2", "-1", "true ", "\uff54rue", "\x00"])
def test_a_value_that_is_neither_true_nor_false_is_refused_by_name(home: httpx.Client, name: str, value: str) -> None:
    answer = home.get("/v1/scheduled_interviews", params={name: value})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"message": "Must be true or false", "field": name}]


@pytest.mark.parametrize(
    "query",
    [
        "unknown=1",
        "status=complete",
        "job_id=9",
        "Created_After=nonsense",
        "&&",
        "=",
        "=1",
        "created_after[]=x",
        "%00=1",
    ],
)
def test_unknown_parameters_are_ignored(schedule: ServedSchedule, home: httpx.Client, query: str) -> None:
    assert listed(home, query) == identifiers(schedule.home)


def test_of_repeated_parameters_the_last_one_wins(schedule: ServedSchedule, home: httpx.Client) -> None:
    expected = matching(schedule.home, "UTC", {"created_after": BOUNDARY})
    assert listed(home, "created_after=2000-01-01&created_after=2024-02-01T12:00:00Z") == expected
    assert listed(home, "created_after=nonsense&created%5Fafter=2024-02-01T12:00:00Z") == expected
    refused = home.get("/v1/scheduled_interviews?created_after=2024-02-01T12:00:00Z&created_after=nonsense")
    assert refused.status_code == 422


def test_records_without_a_time_pass_no_filter_of_it(schedule: ServedSchedule, home: httpx.Client) -> None:
    unknown = {each["id"] for each in schedule.home if each["created_at"] is None}
    found = set(listed(home, {"created_after": "0001-01-01"})) | set(listed(home, {"created_before": "9999-12-31"}))
    assert unknown
    assert found == set(identifiers(schedule.home)) - unknown


def test_every_bad_field_is_named_at_once(home: httpx.Client) -> None:
    answer = home.get("/v1/scheduled_interviews?page=x&created_after=y&per_page=0&actionable=z&external_event_id=fine")
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {"page", "created_after", "per_page", "actionable"}


def test_an_application_of_nobody_or_of_others_is_not_found(schedule: ServedSchedule, home: httpx.Client) -> None:
    for identifier in (
        "1",
        "60000",
        "0",
        "-7003",
        "7003.0",
        "x",
        "9" * 400,
        "\uff17\uff10\uff10\uff13",
        "%00",
        "7003%00",
    ):
        answer = home.get(f"/v1/applications/{identifier}/scheduled_interviews")
        assert answer.status_code == 404, identifier
        assert answer.content == b'{"message":"Resource not found"}'


def test_a_known_application_without_a_match_is_an_empty_list(home: httpx.Client) -> None:
    path = "/v1/applications/7003/scheduled_interviews"
    assert listed(home, {"created_after": "2200-01-01"}, path) == []
