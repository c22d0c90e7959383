"""A mirror that is killed at any point loses nothing, and does nothing twice.

Whatever a process does between two commits is lost with it; so there is one point of death before each commit and one
after it, and one at each request. In-process, a port that raises stands for the death of the process: what it has
committed stays, everything else is gone with its follower. A few real processes are killed, too.
"""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from rowen.mirror.writing import MirrorPorts
from tests.support import v3_account
from tests.support.command import begin, environment, rowen
from tests.support.deaths import Countdown, KilledError
from tests.support.harness import Tenant, opened
from tests.support.mirroring import Mirroring, mirror_command, mirroring_of
from tests.support.records import Record
from tests.support.scale import scaled
from tests.support.storage import SQLITE, Storage
from tests.support.v3_account import ALL_DAY, BOB, TIMED, seat
from tests.support.v3_upstream import V3Upstream, v3_upstream

WRITING: Final = frozenset({"begin", "put", "remove", "save", "settle", "merge", "write"})


def deadly(destination: MirrorPorts, countdown: Countdown) -> MirrorPorts:
    """Return ports that die together."""
    names = ("mirrors", "merger", "record_merger", "writing")
    return replace(destination, **{name: countdown.around(getattr(destination, name), WRITING) for name in names})


def change_everything(upstream: V3Upstream) -> None:
    """Make changes of every kind upstream."""
    upstream.advance(1_000)
    upstream.put("interviews", {"id": TIMED, "location": "Garden"}, v3_account.interview(9004))
    upstream.put("interviewers", {"id": 2, "response_status": "declined"}, seat(9, 9004, user_id=BOB))
    upstream.put("users", v3_account.user(BOB, "Robert"))
    upstream.put("job_interviews", {"id": 60, "name": "Rye"})
    upstream.remove("interviews", ALL_DAY)
    upstream.remove("default_interviewers", 66)


def content(mirroring: Mirroring) -> dict[int, Record]:
    """Return the interviews, without their times, which differ between upstreams and rounds."""
    return {key: {**each, "created_at": None, "updated_at": None} for key, each in mirroring.interviews().items()}


def kinds(mirroring: Mirroring) -> list[str]:
    """Return the kinds of all changes of single interviews, sorted."""
    harness = mirroring.tenant.harness
    page = harness.run(harness.store.feed.after(mirroring.tenant.organization, 0, 1_000))
    return sorted(each.kind for each in page.entries if each.kind not in ("imported", "recorded"))


def commits_of(mirroring: Mirroring, work: Any) -> int:
    """Return how many commits work makes with a follower of its own."""
    counting = Countdown(2**31, after=False)
    mirroring.restart_with(lambda ports: deadly(ports, counting))
    work()
    return 2**31 - counting.left


@pytest.mark.parametrize("after", [False, True], ids=["before a commit", "after a commit"])
def test_a_first_reading_that_dies_anywhere_is_finished_by_another_process(
    storage: Storage, tmp_path: Path, upstream: V3Upstream, after: bool
) -> None:
    with opened(storage.new_database(tmp_path)) as harness, mirroring_of(harness.tenant(), upstream) as whole:
        points = commits_of(whole, whole.round)
        expected = content(whole)
        assert len(expected) == 2
        for point in range(1, points + 1, max(1, points // storage.scaled(points))):
            with mirroring_of(harness.tenant(), upstream) as mirroring:
                countdown = Countdown(point, after=after)
                mirroring.restart_with(lambda ports, countdown=countdown: deadly(ports, countdown))  # type: ignore[misc]
                with pytest.raises(KilledError):
                    mirroring.round()
                mirroring.restart()
                mirroring.round()
                assert content(mirroring) == expected, point
                assert kinds(mirroring) in ([], ["created"], 2 * ["created"]), "everything was written once"


@pytest.mark.parametrize("after", [False, True], ids=["before a commit", "after a commit"])
def test_a_round_that_dies_anywhere_is_finished_by_another_process(
    storage: Storage, tmp_path: Path, after: bool
) -> None:
    with opened(storage.new_database(tmp_path)) as harness:
        points, expected, changes = _whole_round(harness.tenant())
        assert changes == ["cancelled", "created", "responded"]
        for point in range(1, points + 1, max(1, points // storage.scaled(points))):
            with v3_upstream() as upstream, mirroring_of(harness.tenant(), upstream) as mirroring:
                _prepare(mirroring)
                countdown = Countdown(point, after=after)
                mirroring.restart_with(lambda ports, countdown=countdown: deadly(ports, countdown))  # type: ignore[misc]
                with pytest.raises(KilledError):
                    mirroring.sweep()
                mirroring.restart()
                mirroring.sweep()
                assert content(mirroring) == expected, point
                assert kinds(mirroring) == changes, point


def _prepare(mirroring: Mirroring) -> None:
    v3_account.fill(mirroring.upstream)
    mirroring.round()
    change_everything(mirroring.upstream)
    tenant = mirroring.tenant
    reporting = tenant.harness.store.mirrors.report(tenant.organization.name, "interviews", ALL_DAY, mirroring.clock())
    assert tenant.harness.run(reporting), "one deletion is reported, the other is found by its id"


def _whole_round(tenant: Tenant) -> tuple[int, dict[int, Record], list[str]]:
    """Return how many commits a round makes, and what is there after it."""
    with v3_upstream() as upstream, mirroring_of(tenant, upstream) as whole:
        _prepare(whole)
        points = commits_of(whole, whole.sweep)
        found = content(whole)
        assert found[TIMED]["location"] == "Garden"
        return points, found, kinds(whole)


@pytest.mark.heavy
def test_a_killed_process_is_continued_by_the_next_one(tmp_path: Path, upstream: V3Upstream) -> None:
    def command(database: str) -> list[str]:
        return [*mirror_command(upstream, tmp_path, database), "--once"]

    whole = SQLITE.new_database(tmp_path / "whole")
    rowen(*command(whole))
    requests, expected = len(upstream.asked), exported(whole)
    for point in range(1, requests + 1, max(1, requests // scaled(requests))):
        database = SQLITE.new_database(tmp_path / str(point))
        start = len(upstream.asked)
        process, output = begin(*command(database), known=environment())

        def kill(count: int, victim: int = process.pid, point: int = start + point) -> None:
            if count == point:
                os.kill(victim, signal.SIGKILL)

        upstream.before = kill
        with output:
            assert process.wait(60) == -signal.SIGKILL
        upstream.before = lambda _: None
        rowen(*command(database))
        assert exported(database) == expected
        assert rowen("db", "check", "--database", database).stdout == "ok\n"


def exported(database: str) -> list[str]:
    """Return all interviews as they are exported."""
    return rowen("export", "--database", database).stdout.splitlines()
