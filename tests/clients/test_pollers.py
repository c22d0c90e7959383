"""Scripts that people write: counting pages, large pages, keys without a password (contract section 6)."""

from base64 import b64encode

import httpx
import pytest
import requests

from tests.support.records import Record
from tests.support.served_schedule import HOME, ServedSchedule

LIST = "/v1/scheduled_interviews"


@pytest.mark.parametrize("size", [None, 60, 500])
@pytest.mark.parametrize("path", [LIST, "/v1/applications/7003/scheduled_interviews"])
def test_counting_pages_up_to_an_empty_list(schedule: ServedSchedule, path: str, size: int | None) -> None:
    found: list[Record] = []
    page = 1
    while True:
        parameters = {"page": page, **({"per_page": size} if size else {})}
        answer = requests.get(schedule.server.url + path, params=parameters, auth=(schedule.keys[HOME], ""), timeout=30)
        assert answer.status_code == 200
        if not answer.json():
            break
        found += answer.json()
        page += 1
    assert found == [each for each in schedule.home if path == LIST or each["application_id"] == 7_003]
    assert page == 1 + -(-len(found) // (size or 100))


def test_importers_that_read_500_a_page_until_one_is_short(schedule: ServedSchedule, home: httpx.Client) -> None:
    found: list[Record] = []
    while len(found) % 500 == 0:
        page = home.get(LIST, params={"per_page": 500, "page": len(found) // 500 + 1, "skip_count": "true"})
        found += page.json()
    assert found == list(schedule.home)


@pytest.mark.parametrize("credentials", ["{}:", "{}"])
def test_the_ruby_gem_sends_no_password(schedule: ServedSchedule, credentials: str) -> None:
    text = b64encode(credentials.format(schedule.keys[HOME]).encode()).decode()
    answer = httpx.get(
        f"{schedule.server.url}{LIST}",
        params={"per_page": 100, "page": 1},
        headers={
            "Authorization": f"Basic {text}",
            "Content-Type": "application/json",
            "User-Agent": "Ruby",
            "Accept": "*/*",
            "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
        },
    )
    assert answer.status_code == 200
    assert answer.json() == list(schedule.home)[:100]
    assert 0 < int(answer.headers["X-RateLimit-Remaining"]) < int(answer.headers["X-RateLimit-Limit"])
    last = [part for part in answer.headers["Link"].split(",") if 'rel="last"' in part]
    assert len(last) == 1


def test_links_split_at_commas_and_angle_brackets_as_scripts_do(schedule: ServedSchedule, home: httpx.Client) -> None:
    address: str | None = LIST + "?per_page=50&note=a,b&created_after=2023-12-05T00:00:00,5Z"
    found: list[Record] = []
    while address:
        answer = home.get(address)
        found += answer.json()
        links = {}
        for part in answer.headers["link"].split(","):
            url, _, relation = part.partition("; ")
            links[relation] = url.strip("<>")
        address = links.get('rel="next"')
    whole = home.get(LIST, params={"per_page": 500, "created_after": "2023-12-05T00:00:00.5Z"})
    assert found == whole.json()
