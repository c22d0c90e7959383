"""A chain of mirrors while clients write: when they rest, the mirror of a mirror equals it byte for byte in v1.

Clients write to one organization of a server, another one mirrors it through `/v3`, and a third one mirrors that. Both
load and follow while the writing goes on. What a mirror follows has the times at which it was written there.
"""

import asyncio
import threading
from collections.abc import Iterator
from random import Random
from typing import Final

import msgspec
import pytest

from tests.support import bodies
from tests.support.concurrent_clients import PEOPLE, ConcurrentClient, SharedLog
from tests.support.harness import Harness, Tenant, served
from tests.support.mirroring import LISTS, chained, lists, undated
from tests.support.records import Record
from tests.support.storage import Storage
from tests.support.wire import connections

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]

CLIENTS: Final = 6
WRITES: Final = 2_000


@pytest.fixture(scope="module")
def harness(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a harness of a server without rate limits."""
    options = ("--v3-rate-limit", "0", "--workers", "2")
    with served(storage.new_database(tmp_path_factory.mktemp("mirrors")), *options) as harness:
        yield harness


def write(tenant: Tenant, count: int) -> None:
    """Write at random, from several clients at once."""

    async def run() -> None:
        shared = SharedLog(count)
        async with connections(tenant.harness.server.port, tenant.key, CLIENTS) as opened:
            clients = [ConcurrentClient(number, shared, each) for number, each in enumerate(opened, 1)]
            await asyncio.gather(*(each.work() for each in clients))

    asyncio.run(run())


def write_people(tenant: Tenant, done: threading.Event) -> None:
    """Rename users, add candidates, and rename jobs, until the others are done."""
    chance = Random(7)
    turn = 0
    headers = {"On-Behalf-Of": "1"}
    with tenant.open_client() as client:
        jobs: list[int] = []
        while not done.is_set():
            turn += 1
            name = {"first_name": f"Zoë {turn}", "last_name": "Ångström"}
            answers = [client.patch(f"/v1/users/{chance.randint(1, PEOPLE)}", json=name, headers=headers)]
            if turn % 5 == 1:
                made = client.post("/rowen/v1/jobs", json={"name": f"Job {turn}"}, headers=headers)
                jobs.append(made.json()["id"])
                application = {"job_id": jobs[-1]}
                candidate = {**name, "applications": [application]}
                answers += [made, client.post("/v1/candidates", json=candidate, headers=headers)]
            job = f"/rowen/v1/jobs/{chance.choice(jobs)}"
            answers.append(client.patch(job, json={"name": f"Renamed {turn}"}, headers=headers))
            for each in answers:
                assert each.status_code in (200, 201), each.text


def test_the_mirror_of_a_mirror_equals_it_when_the_writing_ends(storage: Storage, harness: Harness) -> None:
    first = harness.tenant()
    bodies.populate(first, [bodies.person(each) for each in range(1, PEOPLE + 1)])
    done = threading.Event()
    people = threading.Thread(target=write_people, args=(first, done))
    writers = threading.Thread(target=write, args=(first, storage.scaled(WRITES)))
    with chained(first, 2) as links:
        people.start()
        writers.start()
        try:
            while writers.is_alive():
                for link in links:
                    link.round()
        finally:
            done.set()
            people.join()
            writers.join()
        for link in links:
            link.settle()
        begin, middle, end = (lists(each) for each in (first, *(link.tenant for link in links)))
        for name in LISTS:
            assert undated(end[name]) == undated(middle[name]), name
        for name in ("users", "jobs"):
            assert undated(middle[name]) == undated(begin[name]), name
        assert [_written(each) for each in interviews(middle)] == [_written(each) for each in interviews(begin)]
        with chained(links[-1].tenant, 1) as (late,):
            late.round()
            assert lists(late.tenant) == end, "after a first reading the times are the same, too"


def interviews(found: dict[str, list[bytes]]) -> list[Record]:
    """Return all interviews of lists, decoded."""
    return [each for page in found["scheduled_interviews"] for each in msgspec.json.decode(page)]


def _written(interview: Record) -> Record:
    """Return an interview without what v3 does not show of one: when it was written, and the order of its panel."""
    panel = sorted(interview["interviewers"], key=lambda each: (each["id"] or 0, each["email"]))
    guests = [{**each, "name": None} if each["id"] is None else each for each in panel]
    return {**interview, "updated_at": None, "interviewers": guests}
