"""Walks and syncs while another process writes.

A walk by `next` gives every record that was there throughout once, in order, whatever is inserted or deleted
meanwhile; a sync by `updated_after` catches up with every commit.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import Any

import httpx
import pytest

from tests.concurrency.conftest import Served
from tests.concurrency.writer import Client, Writer, writing
from tests.support.records import Record, record
from tests.support.server import Server

STAYING = range(10, 2_410, 10)
"""The ids that are there throughout; those between come and go."""

MOST_PAGES = 500

_names = count(1)


def row(identifier: int, **changes: Any) -> Record:
    """Return a record of which every filter here speaks well."""
    return record(identifier, application_id=77, status="scheduled", **changes)


def stamp(number: int) -> str:
    """Return the `updated_at` of the commit of that number: one millisecond after the last."""
    return f"2024-05-23T20:{number // 60_000:02}:{number // 1000 % 60:02}.{number % 1000:03}Z"


def new_client(served: Served, identifiers: Iterator[int] | range) -> Client:
    """Make an organization of these interviews, created through the API."""
    client = served.writer.new_client(f"walk-{next(_names)}")
    served.writer.merge(client, [row(i, updated_at=stamp(0)) for i in identifiers], created_through_api=True)
    return client


@contextmanager
def meanwhile(database: str, write: Callable[[Writer, int], None]) -> Iterator[Callable[[], None]]:
    """Write on and on beside the block, each time with the next number; what is yielded waits for one more write."""
    done = threading.Event()
    written = threading.Condition()
    numbers = [0]
    faults: list[BaseException] = []

    def work() -> None:
        try:
            with writing(database) as writer:
                for number in range(1, 100_000):
                    if done.is_set():
                        return
                    write(writer, number)
                    with written:
                        numbers[0] = number
                        written.notify_all()
        except BaseException as fault:  # told below, on the thread of the test
            faults.append(fault)
            raise
        finally:
            with written:
                written.notify_all()

    thread = threading.Thread(target=work)
    thread.start()

    def wait_for_a_write() -> None:
        with written:
            # Two: the first may have begun before the caller's last page.
            target = numbers[0] + 2
            assert written.wait_for(lambda: numbers[0] >= target or faults, 60)
            assert not faults, faults

    try:
        yield wait_for_a_write
    finally:
        done.set()
        thread.join(60)
    assert not faults, faults


def churn(client: Client, seed: int) -> Callable[[Writer, int], None]:
    """Return a write that inserts some records between those that stay, or deletes some of them."""
    chance = Random(seed)

    def write(writer: Writer, number: int) -> None:
        passing = [i for i in chance.sample(range(1, STAYING[-1] + 40), 25) if i not in STAYING]
        if number % 2:
            writer.merge(client, [row(i, updated_at=stamp(number)) for i in passing], created_through_api=True)
        else:
            writer.delete(client, passing * 2)

    return write


def walk(http: httpx.Client, target: str, after_page: Callable[[], None] = lambda: None) -> list[Record]:
    """Follow `next` to the end, and return every record in the order seen."""
    seen: list[Record] = []
    for _ in range(MOST_PAGES):
        response = http.get(target)
        assert response.status_code == 200, response.text
        seen += response.json()
        following = response.links.get("next")
        if following is None:
            return seen
        target = following["url"]
        after_page()
    raise AssertionError("the walk has no end")


WALKS = (
    "/v1/scheduled_interviews?per_page=25",
    "/v1/scheduled_interviews?per_page=25&skip_count=true",
    "/v1/scheduled_interviews?per_page=25&updated_after=2024-01-01&created_before=2025-01-01",
    "/v1/scheduled_interviews?per_page=25&actionable=true",
    "/v1/applications/77/scheduled_interviews?per_page=25",
)


@pytest.mark.parametrize("target", WALKS, ids=["all", "uncounted", "filtered", "actionable", "application"])
def test_a_walk_neither_skips_nor_repeats(served: Served, target: str) -> None:
    client = new_client(served, STAYING)
    with served.server.client(client.key) as http, meanwhile(served.database, churn(client, len(target))) as wait:
        ids = [each["id"] for each in walk(http, target, wait)]
    assert ids == sorted(set(ids)), "in order, and once"
    assert set(STAYING) <= set(ids), "all that stayed"


def test_rows_that_go_or_come_on_the_seam_move_nothing(served: Served) -> None:
    """The last record of a page, which `next` names, is deleted; another is put in its place."""
    client = new_client(served, range(1, 10))
    with served.server.client(client.key) as http:
        first = http.get("/v1/scheduled_interviews?per_page=3")
        assert [each["id"] for each in first.json()] == [1, 2, 3]
        served.writer.delete(client, [1, 3])
        second = http.get(first.links["next"]["url"])
        assert [each["id"] for each in second.json()] == [4, 5, 6]
        served.writer.merge(client, [row(3), row(1)])
        third = http.get(second.links["next"]["url"])
        assert [each["id"] for each in third.json()] == [7, 8, 9]
        assert "next" not in third.links


def test_page_keeps_its_meaning(served: Served) -> None:
    """The n-th chunk of what is there now, whichever chunks were read before it."""
    client = new_client(served, range(1, 31))
    there = list(range(1, 31))
    chance = Random(7)
    with served.server.client(client.key) as http:
        for turn in range(12):
            pages = list(range(1, -(-len(there) // 4) + 2))
            chance.shuffle(pages)
            for query in ("", "&created_after=2024-01-01"):
                for page in pages:
                    response = http.get(f"/v1/scheduled_interviews?per_page=4&page={page}{query}")
                    assert [each["id"] for each in response.json()] == there[4 * page - 4 : 4 * page]
            if turn % 2:
                added = [i for i in chance.sample(range(1, 60), 7) if i not in there]
                served.writer.merge(client, [row(i) for i in added])
                there = sorted(there + added)
            else:
                gone = chance.sample(there, 5)
                served.writer.delete(client, gone)
                there = [i for i in there if i not in gone]


def test_what_is_acknowledged_is_read_by_every_worker(served: Served) -> None:
    client = new_client(served, range(1, 2))
    for number in range(2, 15):
        served.writer.merge(client, [row(number)])
        for filtered in ("", "?created_after=2024-01-01"):
            with served.server.client(client.key) as http:  # a new connection, to any worker
                ids = [each["id"] for each in http.get(f"/v1/scheduled_interviews{filtered}").json()]
            assert ids == list(range(1, number + 1))


def test_a_page_is_of_one_moment(served: Served) -> None:
    """Every merge replaces all ten records: no page mixes two of them, nor its body with another's tag."""
    client = new_client(served, range(1, 11))

    def replace_all(writer: Writer, number: int) -> None:
        writer.merge(client, [row(i, updated_at=stamp(number), location=f"{number}") for i in range(1, 11)])

    seen: dict[str, bytes] = {}
    with served.server.client(client.key) as http, meanwhile(served.database, replace_all):
        for turn in range(300):
            query = ("", "?updated_after=2024-01-01", "?external_event_id=event-1")[turn % 3]
            response = http.get(f"/v1/scheduled_interviews{query}")
            assert len({each["location"] for each in response.json()}) == 1
            assert seen.setdefault(query + response.headers["etag"], response.content) == response.content


def update_some(client: Client, newest: dict[int, int], seed: int) -> Callable[[Writer, int], None]:
    """Return a write that gives some records a later `updated_at`, and notes in `newest` which they were."""
    chance = Random(seed)

    def write(writer: Writer, number: int) -> None:
        chosen = chance.sample(range(1, 401), 5)
        writer.merge(client, [row(i, updated_at=stamp(number)) for i in chosen])
        newest.update(dict.fromkeys(chosen, number))

    return write


def sync(http: httpx.Client, copy: dict[int, str], since: str, per_page: int, wait: Callable[[], None]) -> str:
    """Bring a copy up to date as clients do, and return the newest `updated_at` it has seen."""
    for each in walk(http, f"/v1/scheduled_interviews?per_page={per_page}&updated_after={since}", wait):
        copy[each["id"]] = each["updated_at"]
    return max(copy.values(), default=since)


def test_a_sync_by_updated_after_loses_nothing(served: Served) -> None:
    client = new_client(served, range(1, 401))
    newest = dict.fromkeys(range(1, 401), 0)
    copy: dict[int, str] = {}
    since = "1970-01-01T00:00:00.000Z"
    with served.server.client(client.key) as http:
        with meanwhile(served.database, update_some(client, newest, 3)) as wait:
            for _ in range(25):
                since = sync(http, copy, since, 500, wait)
                wait()
        sync(http, copy, since, 500, lambda: None)
    assert copy == {identifier: stamp(number) for identifier, number in newest.items()}


def test_a_sync_of_several_pages_loses_nothing(served: Served) -> None:
    client = new_client(served, range(1, 5))
    copy: dict[int, str] = {}
    writes = iter([1, 4])  # behind the walk, then ahead of it

    def write() -> None:
        identifier = next(writes, None)
        if identifier is not None:
            served.writer.merge(client, [row(identifier, updated_at=stamp(10 + identifier))])

    def write_both() -> None:
        write()
        write()

    with served.server.client(client.key) as http:
        since = sync(http, copy, "1970-01-01", 2, write_both)
        sync(http, copy, since, 2, lambda: None)
    assert copy[4] == stamp(14)
    assert copy[1] == stamp(11)


def test_a_sync_in_small_pages_catches_up_with_a_busy_writer(served: Served) -> None:
    client = new_client(served, range(1, 401))
    newest = dict.fromkeys(range(1, 401), 0)
    copy: dict[int, str] = {}
    since = "1970-01-01T00:00:00.000Z"
    with served.server.client(client.key) as http:
        with meanwhile(served.database, update_some(client, newest, 11)) as wait:
            for _ in range(4):
                since = sync(http, copy, since, 50, wait)
        sync(http, copy, since, 50, lambda: None)
    assert copy == {identifier: stamp(number) for identifier, number in newest.items()}


def test_the_pages_of_a_sync_are_as_of_its_first(served: Served) -> None:
    client = new_client(served, range(1, 7))
    target = "/v1/scheduled_interviews?per_page=2&updated_after=2024-01-01"
    with served.server.client(client.key) as http:
        first = http.get(target)
        (bound,) = httpx.URL(first.links["next"]["url"]).params.get_list("as_of")
        assert "as_of" not in first.links["last"]["url"]
        served.writer.merge(client, [row(4, updated_at=stamp(1))])
        second = http.get(first.links["next"]["url"] + "&updated_after=2024-01-01&per_page=2")  # as clients do
        assert [each["id"] for each in second.json()] == [3, 5]
        assert httpx.URL(second.links["prev"]["url"]).params.get_list("as_of") == []
        again = http.get(target)
        assert httpx.URL(again.links["next"]["url"]).params["as_of"] > bound
        assert "as_of" not in http.get("/v1/scheduled_interviews?per_page=2").links["next"]["url"]


def test_requests_beside_each_other_agree_with_one_after_the_other(served: Served) -> None:
    """Eight clients walk at once while a writer writes: each sees all that stays."""
    client = new_client(served, STAYING[:60])
    server: Server = served.server
    results: list[list[int]] = []

    def read(target: str) -> None:
        with server.client(client.key) as http:
            results.append([each["id"] for each in walk(http, target)])

    with meanwhile(served.database, churn(client, 5)) as wait:
        threads = [threading.Thread(target=read, args=(WALKS[n % len(WALKS)],)) for n in range(8)]
        for thread in threads:
            thread.start()
        wait()
        for thread in threads:
            thread.join(60)
    assert len(results) == len(threads)
    for ids in results:
        assert ids == sorted(set(ids))
        assert set(STAYING[:60]) <= set(ids)
