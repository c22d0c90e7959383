"""Pages and the links between them (contract section 2, "Pages")."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.records import record
from tests.support.served_schedule import HOME, ServedSchedule, identifiers, import_records, make_key
from tests.support.server import Server, basic, serving

PATH = "/v1/scheduled_interviews"
NOT_INTEGERS = (
    "",
    " ",
    "-1",
    "+1",
    "1.0",
    "1.5",
    "1e2",
    "0x10",
    "1_0",
    " 1",
    "1 ",
    "1\n",
    "1\x00",
    "x",
    "null",
    "٣",
    "\uff11",
    "²",
    "9" * 400,
    "1;2",
    "1,2",
)
PUBLIC_URL = "https://interviews.example.com/hr"


@pytest.fixture(scope="module")
def public_server(schedule: ServedSchedule) -> Iterator[Server]:
    """Return a server of the same schedules that has a public address, with a slash too many."""
    with serving(schedule.database, ["--public-url", PUBLIC_URL + "/"]) as server:
        yield server


def walk(client: httpx.Client, first: str) -> list[httpx.Response]:
    """Follow `next` from a page to the last."""
    answers = [client.get(first)]
    while "next" in answers[-1].links:
        answers.append(client.get(answers[-1].links["next"]["url"]))
    return answers


def relations(answer: httpx.Response) -> set[str]:
    """Return the links that an answer has."""
    return {str(name) for name in answer.links}


def test_a_page_holds_100_by_default(schedule: ServedSchedule, home: httpx.Client) -> None:
    ids = identifiers(schedule.home)
    assert identifiers(home.get(PATH).json()) == ids[:100]
    assert identifiers(home.get(PATH, params={"page": 2}).json()) == ids[100:200]
    assert identifiers(home.get(PATH, params={"per_page": 500}).json()) == ids
    assert identifiers(home.get(PATH, params={"per_page": 1, "page": 7}).json()) == ids[6:7]
    assert identifiers(home.get(PATH, params={"per_page": "007", "page": "0000000000000000003"}).json()) == ids[14:21]


@pytest.mark.parametrize("query", ["", "per_page=100", "page=1", "page=1&per_page=100"])
def test_the_first_page_has_next_and_last_and_nothing_else(
    schedule: ServedSchedule, home: httpx.Client, query: str
) -> None:
    answer = home.get(f"{PATH}?{query}")
    after = identifiers(schedule.home)[99]
    assert answer.headers["link"] == (
        f'<{schedule.server.url}{PATH}?page=2&per_page=100&after={after}>; rel="next",'
        f'<{schedule.server.url}{PATH}?page=4&per_page=100>; rel="last"'
    )


def test_a_page_between_has_next_prev_and_last_in_that_order(schedule: ServedSchedule, home: httpx.Client) -> None:
    url = f"{schedule.server.url}{PATH}"
    after = identifiers(schedule.home)[19]
    assert home.get(f"{PATH}?page=2&per_page=10&unknown=%2f+x&created_after=2000-01-01").headers["link"] == (
        f'<{url}?unknown=%2f+x&created_after=2000-01-01&page=3&per_page=10&after={_created(schedule)[19]}>; rel="next",'
        f'<{url}?unknown=%2f+x&created_after=2000-01-01&page=1&per_page=10>; rel="prev",'
        f"<{url}?unknown=%2f+x&created_after=2000-01-01&page={-(-len(_created(schedule)) // 10)}&per_page=10>; "
        f'rel="last"'
    )
    assert f"after={after}>" in home.get(f"{PATH}?page=2&per_page=10").headers["link"]


def _created(schedule: ServedSchedule) -> list[int]:
    return [each["id"] for each in schedule.home if each["created_at"] is not None]


def test_the_last_page_has_prev_and_last(schedule: ServedSchedule, home: httpx.Client) -> None:
    answer = home.get(f"{PATH}?page=4")
    url = f"{schedule.server.url}{PATH}"
    assert identifiers(answer.json()) == identifiers(schedule.home)[300:]
    assert answer.headers["link"] == (
        f'<{url}?page=3&per_page=100>; rel="prev",<{url}?page=4&per_page=100>; rel="last"'
    )


def test_where_there_is_one_page_there_is_no_link(home: httpx.Client) -> None:
    for query in ("?per_page=500", "?external_event_id=largest", "?created_after=2200-01-01", "?per_page=500&after=1"):
        assert "link" not in home.get(PATH + query).headers
    assert "link" not in home.get("/v1/applications/8001/scheduled_interviews").headers


def test_a_full_last_page_has_no_next(schedule: ServedSchedule, home: httpx.Client) -> None:
    size = next(size for size in range(2, 500) if len(schedule.home) % size == 0)
    pages = len(schedule.home) // size
    assert relations(home.get(PATH, params={"per_page": size, "page": pages})) == {"prev", "last"}
    assert relations(home.get(PATH, params={"per_page": size, "page": pages - 1})) == {"next", "prev", "last"}
    assert home.get(PATH, params={"per_page": size, "page": pages + 1}).json() == []


def test_a_page_past_the_end_is_an_empty_list(schedule: ServedSchedule, home: httpx.Client) -> None:
    for number in (5, 6, 1_000, 2**31, 2**53, 2**62, 2**63 - 1):
        for query in ("", "&created_after=2000-01-01", "&external_event_id=largest", "&per_page=500"):
            answer = home.get(f"{PATH}?page={number}{query}")
            assert answer.status_code == 200
            assert answer.content == b"[]"
            assert "next" not in relations(answer)
    url = f"{schedule.server.url}{PATH}"
    assert home.get(f"{PATH}?page=9").headers["link"] == (
        f'<{url}?page=4&per_page=100>; rel="prev",<{url}?page=4&per_page=100>; rel="last"'
    )


@pytest.mark.parametrize("value", [*NOT_INTEGERS, "0", str(2**63), str(2**64)])
def test_a_bad_page_is_refused_by_name(home: httpx.Client, value: str) -> None:
    for path in (PATH, "/v1/applications/7003/scheduled_interviews"):
        answer = home.get(path, params={"page": value})
        assert answer.status_code == 422, value
        assert answer.json() == {
            "message": "Validation error",
            "errors": [{"message": f"Must be an integer between 1 and {2**63 - 1}", "field": "page"}],
        }


@pytest.mark.parametrize("value", [*NOT_INTEGERS, "0", "501", str(2**31), str(2**63)])
def test_a_bad_page_size_is_refused_by_name(home: httpx.Client, value: str) -> None:
    answer = home.get(PATH, params={"per_page": value})
    assert answer.status_code == 422
    assert answer.content == (
        b'{"message":"Validation error",'
        b'"errors":[{"message":"Must be an integer between 1 and 500","field":"per_page"}]}'
    )


@pytest.mark.parametrize("value", [*NOT_INTEGERS, str(2**63)])
def test_a_bad_continuation_is_refused_by_name(home: httpx.Client, value: str) -> None:
    answer = home.get(PATH, params={"after": value})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["after"]


def test_broken_encoding_in_a_page_is_refused_by_name(home: httpx.Client) -> None:
    for value in ("%", "%zz", "%ff", "%00", "1%", "1%00"):
        assert home.get(f"{PATH}?page={value}").status_code == 422


@pytest.mark.parametrize(
    "query",
    ["per_page=7", "per_page=1&application_id=7003", "per_page=50&skip_count=true", "per_page=11&actionable=true"],
)
def test_a_walk_by_next_sees_every_record_once(schedule: ServedSchedule, home: httpx.Client, query: str) -> None:
    path = "/v1/applications/7003/scheduled_interviews" if "application_id" in query else PATH
    answers = walk(home, f"{path}?{query}")
    whole = home.get(f"{path}?{query}&per_page=500")
    assert [each for answer in answers for each in answer.json()] == whole.json()
    assert len(answers) > 1
    assert all(answer.status_code == 200 for answer in answers)


def test_a_walk_backwards_by_prev_ends_at_the_first_page(home: httpx.Client) -> None:
    answer = home.get(home.get(f"{PATH}?per_page=60").links["last"]["url"])
    seen = 1
    while "prev" in answer.links:
        answer = home.get(answer.links["prev"]["url"])
        seen += 1
    assert seen == 6
    assert answer.content == home.get(f"{PATH}?per_page=60").content


def test_pages_by_next_are_the_pages_by_number(home: httpx.Client) -> None:
    for number, answer in enumerate(walk(home, f"{PATH}?per_page=60&created_after=2000-01-01"), start=1):
        by_number = home.get(f"{PATH}?per_page=60&created_after=2000-01-01&page={number}")
        assert by_number.content == answer.content
        assert relations(by_number) == relations(answer)


def test_without_a_count_there_is_no_last(home: httpx.Client) -> None:
    for query in ("skip_count=true", "skip_count=true&created_after=2000-01-01"):
        first = home.get(f"{PATH}?{query}")
        assert relations(first) == {"next"}
        assert "skip_count=true" in first.links["next"]["url"]
        assert relations(home.get(f"{PATH}?{query}&page=2")) == {"next", "prev"}
        assert relations(home.get(f"{PATH}?{query}&page=4")) == {"prev"}
    assert relations(home.get(f"{PATH}?skip_count=false")) == {"next", "last"}
    assert "link" not in home.get(f"{PATH}?skip_count=true&per_page=500").headers


def test_after_continues_after_an_id_whether_it_exists_or_not(schedule: ServedSchedule, home: httpx.Client) -> None:
    ids = identifiers(schedule.home)
    for after in (0, ids[0], ids[10], ids[10] + 1, ids[-1] - 1, ids[-1], 2**63 - 1):
        expected = [each for each in ids if each > after]
        assert identifiers(home.get(f"{PATH}?after={after}&per_page=500").json()) == expected
        assert identifiers(home.get(f"{PATH}?after={after}&per_page=3&page=40").json()) == expected[:3]


def test_after_combines_with_filters(schedule: ServedSchedule, home: httpx.Client) -> None:
    wanted = [each["id"] for each in schedule.home if each["application_id"] == 7_003]
    answer = home.get(f"/v1/applications/7003/scheduled_interviews?after={wanted[4]}&per_page=500")
    assert identifiers(answer.json()) == wanted[5:]
    created = [found for found in _created(schedule) if found > wanted[4]]
    answer = home.get(f"{PATH}?after={wanted[4]}&created_after=2000-01-01&per_page=500")
    assert identifiers(answer.json()) == created


def test_a_walk_neither_skips_nor_repeats_while_records_arrive(
    schedule: ServedSchedule, tmp_path_factory: pytest.TempPathFactory
) -> None:
    key = make_key(schedule.database, "walked", "reader")
    folder = tmp_path_factory.mktemp("walked")
    import_records(schedule.database, "walked", folder, [record(number) for number in range(10, 100, 2)])
    with schedule.server.client(key) as client:
        first = client.get(f"{PATH}?per_page=10")
        import_records(schedule.database, "walked", folder, [record(number) for number in (1, 2, 3, 11, 13, 31, 33)])
        rest = walk(client, first.links["next"]["url"])
    seen = [*identifiers(first.json()), *(found for answer in rest for found in identifiers(answer.json()))]
    assert seen == [*range(10, 31, 2), 31, 32, 33, *range(34, 100, 2)]


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ("created_after=2020-01-01T00:00:00%2B00:00", "created_after=2020-01-01T00:00:00%2B00:00"),
        ("created_after=2020-01-01T00:00:00+00:00", "created_after=2020-01-01T00:00:00+00:00"),
        ("created_after=2020-01-01T00%3a00%3A00Z", "created_after=2020-01-01T00%3a00%3A00Z"),
        ("x=a%20b+c&y=%C3%A9&z=%zz%", "x=a%20b+c&y=%C3%A9&z=%zz%"),
        ("flag&empty=&=value", "flag&empty=&=value"),
        ("x=1&x=2", "x=1&x=2"),
        ("ids=1,2,3", "ids=1%2C2%2C3"),
        ("a,b=1", "a%2Cb=1"),
        ('x=<>"', "x=%3C%3E%22"),
    ],
)
def test_links_echo_what_was_sent_verbatim_and_hold_no_raw_comma(
    schedule: ServedSchedule, home: httpx.Client, sent: str, echoed: str
) -> None:
    request = home.build_request("GET", schedule.server.url + PATH)
    request.url = httpx.URL(schedule.server.url + PATH).copy_with(raw_path=f"{PATH}?{sent}&per_page=50".encode())
    answer = home.send(request)
    assert answer.status_code == 200
    links = answer.headers["link"].split(",")
    assert len(links) == 2
    assert links[0].startswith(f"<{schedule.server.url}{PATH}?{echoed}&page=2&per_page=50&after=")


def test_paging_parameters_are_replaced_not_repeated(schedule: ServedSchedule, home: httpx.Client) -> None:
    url = f"{PATH}?per_page=20&page=1&per%5Fpage=30&after=1&p%61ge=3&after=2&skip_count=true"
    link = home.get(url).headers["link"]
    for part in link.split(","):
        assert part.count("per_page=") == part.count("page=") - part.count("&page=") - part.count("?page=") == 1
        assert part.count("after=") == (1 if "next" in part else 0)
        assert "%5F" not in part
        assert "%61" not in part
        assert "per_page=30" in part


def test_parameters_appended_again_do_not_pile_up(schedule: ServedSchedule, home: httpx.Client) -> None:
    again = "per_page=20&created_after=2000-01-01&custom=1"
    address, lengths, seen = f"{PATH}?{again}", set(), []
    while address:
        answer = home.get(address)
        seen += identifiers(answer.json())
        following = answer.links.get("next", {}).get("url")
        address = f"{following}&{again}" if following else ""
        lengths.add(len(following.partition("&page=")[0]) if following else 0)
    assert seen == _created(schedule)
    assert len(lengths) == 2


def test_an_appended_page_size_wins_over_that_of_the_link(schedule: ServedSchedule, home: httpx.Client) -> None:
    first = home.get(f"{PATH}?per_page=20")
    second = home.get(first.links["next"]["url"] + "&per_page=5")
    assert identifiers(second.json()) == identifiers(schedule.home)[20:25]


def test_a_request_through_a_proxy_gets_links_of_the_scheme_and_host_it_used(home: httpx.Client) -> None:
    for scheme, sent in (("https", "https"), ("https", "HTTPS"), ("https", "https, http"), ("http", "http")):
        answer = home.get(PATH, headers={"X-Forwarded-Proto": sent, "Host": "interviews.example.com"})
        assert answer.links["next"]["url"].startswith(f"{scheme}://interviews.example.com{PATH}?")


@pytest.mark.parametrize("host", ["a,b", 'x">; rel="next', "a b", "<evil>", "x/../y", "user@host", ""])
def test_a_hostile_host_does_not_reach_the_links(schedule: ServedSchedule, home: httpx.Client, host: str) -> None:
    answer = home.get(PATH, headers={"Host": host})
    if answer.status_code != 400:  # the HTTP library refuses some by itself
        assert answer.links["next"]["url"].startswith(schedule.server.url + PATH)


def test_a_hostile_scheme_does_not_reach_the_links(schedule: ServedSchedule, home: httpx.Client) -> None:
    answer = home.get(PATH, headers={"X-Forwarded-Proto": "javascript"})
    assert answer.links["next"]["url"].startswith(schedule.server.url + PATH)


def test_links_stand_on_the_public_address(schedule: ServedSchedule, public_server: Server) -> None:
    headers = {"Host": "elsewhere.example.com", "X-Forwarded-Proto": "http", **basic(schedule.keys[HOME])}
    for path in (PATH, "/v1/applications/7003/scheduled_interviews"):
        answer = httpx.get(f"{public_server.url}{path}?per_page=5&page=2", headers=headers)
        for link in ("next", "prev", "last"):
            assert answer.links[link]["url"].startswith(f"{PUBLIC_URL}{path}?")


def test_a_slash_at_the_end_changes_nothing(home: httpx.Client) -> None:
    assert home.get(f"{PATH}/?per_page=2").headers["link"] == home.get(f"{PATH}?per_page=2").headers["link"]
