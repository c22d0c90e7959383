"""Copies of whole databases: equal between any engines, of one moment, resumed, and refused with a reason."""

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from rowen import wiring
from rowen.exports import Format, write_export
from rowen.interviews.errors import Unavailable
from rowen.interviews.query import InterviewQuery
from rowen.store import transfer
from rowen.store.database import COPYING, locate, schema_version, upgrade
from rowen.store.schema.tables import SCHEMA_VERSION, SCHEMA_VERSIONS
from rowen.store.transfer import COPIED, Copied, copy
from rowen.wiring import check
from tests.support.full_database import ORGANIZATIONS, fill, rows_of
from tests.support.harness import opened
from tests.support.postgres import new_database, shared_postgres
from tests.support.programs import quiet_port, wait_until
from tests.support.records import record
from tests.support.sql import execute, fetch
from tests.support.storage import POSTGRES, SQLITE, STORAGES, Storage

pytestmark = pytest.mark.slow

Step = Callable[[str, int], None]
"""Called with the current step of a copy, and how much is done."""

DIRECTIONS: Final = [
    pytest.param(source, target, id=f"{source.name} to {target.name}") for source in STORAGES for target in STORAGES
]
BOTH_WAYS: Final = [each for each in DIRECTIONS if each.values[0] is not each.values[1]]


class CutError(Exception):
    """Interrupts a copy."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a copy take many steps for few rows."""
    monkeypatch.setattr(transfer, "DOCUMENT_BATCH", 41)
    monkeypatch.setattr(transfer, "ROW_BATCH", 101)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return a database with rows of every kind on each engine, to be copied and not changed."""
    made = {each.name: each.new_database(tmp_path_factory.mktemp("original")) for each in STORAGES}
    for database in made.values():
        fill(database, 20)
    return made


@pytest.fixture
def changeable(originals: dict[str, str], tmp_path: Path) -> Callable[[Storage], str]:
    """Return a function that returns such a database, which may be changed."""

    def new(storage: Storage) -> str:
        if storage is POSTGRES:
            return new_database(originals[storage.name])
        path = tmp_path / "changeable.db"
        shutil.copy(originals[storage.name].removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"

    return new


def copied(source: str, target: str, step: Step | None = None, *, resume: bool = False) -> Copied:
    def progress(doing: str, done: int, total: int | None, remark: str) -> None:
        if step is not None:
            with ThreadPoolExecutor(1) as thread:  # the current thread has a running loop
                thread.submit(step, doing, done).result()

    return asyncio.run(copy(locate(source), locate(target), resume=resume, progress=progress))


def refused(source: str, target: str, step: Step | None = None, *, resume: bool = False) -> str:
    with pytest.raises(Unavailable) as found:
        copied(source, target, step, resume=resume)
    return str(found.value)


def once(doing: str, act: Callable[[], Any]) -> Step:
    """Return a function that acts at the first step of a kind."""
    acted = False

    def step(now: str, _: int) -> None:
        nonlocal acted
        if now == doing and not acted:
            acted = True
            act()

    return step


def cut_at(doing: str, count: int = 1) -> Step:
    """Return a function that interrupts a copy at the n-th step of a kind."""
    left = count

    def step(now: str, _: int) -> None:
        nonlocal left
        left -= now == doing
        if left == 0:
            raise CutError

    return step


def exported(database: str) -> bytes:
    found = bytearray()

    async def export() -> None:
        async with wiring.opened(locate(database)) as store:
            for name in ORGANIZATIONS:
                organization = await store.organizations.find(name)
                assert organization is not None
                documents = store.interviews.documents(organization, InterviewQuery())
                await write_export(documents, Format.JSONL, found.extend)

    asyncio.run(export())
    return bytes(found)


def indexes(database: str) -> set[str]:
    if database.startswith("sqlite"):
        return {row[0] for row in fetch(database, "SELECT name FROM sqlite_master WHERE type = 'index'")}
    return {row[0] for row in fetch(database, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}


def version(database: str) -> str:
    found: str = fetch(database, "SELECT version_num FROM alembic_version")[0][0]
    return found


def require_whole(source: str, target: str) -> None:
    assert rows_of(target) == rows_of(source)
    assert version(target) == SCHEMA_VERSION
    assert fetch(target, "SELECT * FROM leases") == []
    assert check(locate(target)) == []


@pytest.mark.parametrize(("storage", "other"), DIRECTIONS)
def test_a_copy_is_like_its_source(originals: dict[str, str], storage: Storage, other: Storage, tmp_path: Path) -> None:
    source, target, fresh = originals[storage.name], other.new_database(tmp_path), other.new_database(tmp_path / "new")
    done = copied(source, target)
    require_whole(source, target)
    assert done == (len(COPIED), sum(map(len, rows_of(source).values())))
    assert exported(target) == exported(source)
    upgrade(locate(fresh))
    assert indexes(target) == indexes(fresh)


def test_a_target_is_made(originals: dict[str, str], tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'new.db'}"
    copied(originals[SQLITE.name], target)
    require_whole(originals[SQLITE.name], target)


@pytest.mark.parametrize(("storage", "other"), BOTH_WAYS)
def test_an_empty_database_is_copied(storage: Storage, other: Storage, tmp_path: Path) -> None:
    source, target = storage.new_database(tmp_path), other.new_database(tmp_path / "target")
    upgrade(locate(source))
    assert copied(source, target) == (len(COPIED), 0)
    require_whole(source, target)
    assert refused(source, source).endswith("is the source")
    assert version(source) == SCHEMA_VERSION


def test_text_that_postgresql_knows_not_comes_back(changeable: Callable[[Storage], str], tmp_path: Path) -> None:
    """Also in keys, whose order changes when they are encoded."""
    source, there, back = changeable(SQLITE), POSTGRES.new_database(tmp_path), f"sqlite:///{tmp_path / 'back.db'}"
    for text in ("a\0b", "a\0", "\0", "a\x01", "a", "\ue000", "a\ue0000", "\ue000\ue000", "a\ud7ff"):
        fetch(source, "INSERT INTO import_positions VALUES (1, ?, ?)", text, text)
        fetch(source, "INSERT INTO terms VALUES (1, 'users', 'email', ?, 4080)", text)
    fetch(source, "UPDATE scheduled_interviews SET external_event_id = ? WHERE id = 9007199254740991", "a\0b\ue000")
    copied(source, there)
    copied(there, back)
    assert rows_of(back) == rows_of(source)


@pytest.mark.parametrize("storage", STORAGES, ids=lambda each: each.name)
def test_a_copy_is_of_one_moment(changeable: Callable[[Storage], str], storage: Storage, tmp_path: Path) -> None:
    source, target = changeable(storage), SQLITE.new_database(tmp_path)
    before = rows_of(source)
    with opened(source) as harness:
        numbers = iter(range(1, 10_000))

        def write(doing: str, _: int) -> None:
            if doing == "Copying":
                tenant = harness.tenant(f"later {next(numbers)}")
                tenant.merge([record(1)])
                fetch(source, "DELETE FROM deliveries WHERE organization_id = ?", tenant.organization.id % 5 + 1)

        copied(source, target, write)
    assert rows_of(target) == before
    assert rows_of(source) != before
    assert check(locate(target)) == []


@pytest.mark.parametrize(("storage", "other"), BOTH_WAYS)
def test_a_copy_goes_on_where_it_was_cut_off(
    originals: dict[str, str], storage: Storage, other: Storage, tmp_path: Path
) -> None:
    source, target = originals[storage.name], other.new_database(tmp_path)
    for doing, count in (("Copying", 1), ("Copying", 4), ("Copying", 9), ("Indexing", 3), ("Comparing", 4)):
        with pytest.raises(CutError):
            copied(source, target, cut_at(doing, count), resume=True)
        assert version(target) == COPYING
    copied(source, target, resume=True)
    require_whole(source, target)


@pytest.mark.parametrize("other", STORAGES, ids=lambda each: each.name)
def test_an_unfinished_copy_is_no_database(originals: dict[str, str], other: Storage, tmp_path: Path) -> None:
    source, target = originals[SQLITE.name], other.new_database(tmp_path)
    with pytest.raises(CutError):
        copied(source, target, cut_at("Copying", 5))
    for use in (upgrade, check, schema_version):
        with pytest.raises(Unavailable, match="is an unfinished copy: `rowen db copy --resume` continues it"):
            use(locate(target))
    assert "is an unfinished copy" in refused(source, target)
    assert "is an unfinished copy" in refused(target, f"sqlite:///{tmp_path / 'another.db'}")


def test_unchanged_records_are_not_written_again(originals: dict[str, str], tmp_path: Path) -> None:
    source, target = originals[SQLITE.name], SQLITE.new_database(tmp_path)
    with pytest.raises(CutError):
        copied(source, target, cut_at("Indexing"))
    execute(target, "CREATE TRIGGER no_second BEFORE INSERT ON panel BEGIN SELECT RAISE(ABORT, 'again'); END")
    copied(source, target, resume=True)
    require_whole(source, target)


def test_resuming_begins_where_there_is_nothing_yet(originals: dict[str, str], tmp_path: Path) -> None:
    target = SQLITE.new_database(tmp_path)
    copied(originals[SQLITE.name], target, resume=True)
    require_whole(originals[SQLITE.name], target)
    assert "is not empty" in refused(originals[SQLITE.name], target, resume=True)


def test_a_source_that_has_changed_is_not_gone_on_with(changeable: Callable[[Storage], str], tmp_path: Path) -> None:
    source, target = changeable(SQLITE), POSTGRES.new_database(tmp_path)
    with pytest.raises(CutError):
        copied(source, target, cut_at("Copying", 5))
    changed = "the source has changed since the copy began: start again with an empty target"
    execute(source, "UPDATE organizations SET revision = revision + 1 WHERE id = 3")
    assert refused(source, target, resume=True) == changed
    execute(source, "UPDATE organizations SET revision = revision - 1 WHERE id = 3")
    with opened(source) as harness:
        harness.tenant("another")
    assert refused(source, target, resume=True) == changed


def test_tables_that_change_apart_from_the_ledgers_are_copied_again(
    changeable: Callable[[Storage], str], tmp_path: Path
) -> None:
    source, target = changeable(SQLITE), POSTGRES.new_database(tmp_path)
    with pytest.raises(CutError):
        copied(source, target, cut_at("Comparing"))
    execute(
        source,
        "UPDATE api_keys SET last_used_at = 1234567890123",
        "UPDATE deliveries SET state = 'delivered', attempts = 9 WHERE webhook_id = 1",
        "UPDATE webhooks SET enabled = NOT enabled",
        "DELETE FROM idempotency_keys WHERE organization_id = 2",
        "UPDATE import_positions SET next = 'elsewhere'",
    )
    copied(source, target, resume=True)
    require_whole(source, target)


TAMPERING: Final = {
    "scheduled_interviews": "UPDATE scheduled_interviews SET due_at = 1 WHERE organization_id = 4 AND id = 7000000049",
    "panel": "DELETE FROM panel WHERE organization_id = 2 AND person = 4080 AND interview_id = 7000000049",
    "interviewers": "UPDATE interviewers SET email = 'x' WHERE organization_id = 3 AND id = 3",
    "terms": "UPDATE terms SET value = 'b' WHERE organization_id = 1 AND id = 4080 AND value LIKE 'a@%'",
    "webhooks": "UPDATE webhooks SET enabled = NOT enabled WHERE organization_id = 5 AND id = 2",
    "deliveries": "INSERT INTO deliveries SELECT organization_id, webhook_id, 2, action, event_id, state, attempts, "
    "next_attempt_at, last_status, last_error, created_at, settled_at, body, last_attempt_at, last_answer "
    "FROM deliveries WHERE organization_id = 1 AND webhook_id = 1 AND action = 'failed'",
}


@pytest.mark.parametrize("other", STORAGES, ids=lambda each: each.name)
def test_a_row_that_is_not_like_its_original_is_noticed(
    originals: dict[str, str], other: Storage, tmp_path: Path
) -> None:
    source, target = originals[SQLITE.name], other.new_database(tmp_path)
    all_rows = sum(map(len, rows_of(source).values()))

    def tamper(doing: str, done: int) -> None:
        if (doing, done) == ("Copying", all_rows):
            execute(target, *TAMPERING.values())

    said = refused(source, target, tamper)
    assert said.endswith(f": differs from the source in {', '.join(TAMPERING)}: start again with an empty target")
    assert version(target) == COPYING


@pytest.mark.parametrize("other", STORAGES, ids=lambda each: each.name)
def test_a_target_that_holds_something_is_refused_and_left_alone(
    originals: dict[str, str], other: Storage, tmp_path: Path
) -> None:
    target = other.new_database(tmp_path)
    with opened(target) as harness:
        harness.tenant("mine")
    before = rows_of(target)
    for resume in (False, True):
        assert "is not empty; a copy needs an empty database" in refused(originals[SQLITE.name], target, resume=resume)
    assert (rows_of(target), version(target)) == (before, SCHEMA_VERSION)


@pytest.mark.parametrize("storage", STORAGES, ids=lambda each: each.name)
def test_arguments_that_are_not_sources(changeable: Callable[[Storage], str], storage: Storage, tmp_path: Path) -> None:
    source, target = changeable(storage), f"sqlite:///{tmp_path / 'target.db'}"
    assert refused(source, source).endswith("is the source")
    execute(source, f"UPDATE alembic_version SET version_num = '{SCHEMA_VERSIONS[-2]}'")
    assert "run `rowen db upgrade` first" in refused(source, target)
    nothing = new_database() if storage is POSTGRES else f"sqlite:///{tmp_path / 'missing.db'}"
    assert "there is no database" in refused(nothing, target)
    assert not (tmp_path / "target.db").exists()


@pytest.mark.parametrize("storage", STORAGES, ids=lambda each: each.name)
def test_a_database_of_another_program_is_no_target(
    originals: dict[str, str], storage: Storage, tmp_path: Path
) -> None:
    target = new_database() if storage is POSTGRES else f"sqlite:///{tmp_path / 'other.db'}"
    execute(target, "CREATE TABLE notes (text varchar(10))")
    for resume in (False, True):
        assert "belongs to another program" in refused(originals[SQLITE.name], target, resume=resume)


def test_a_server_that_is_not_there(originals: dict[str, str], tmp_path: Path) -> None:
    name, source = f"127.0.0.1:{quiet_port()}/rowen", originals[SQLITE.name]
    nowhere = f"postgresql://rowen:s3cret@{name}?sslpassword=s3cret"
    for reason in (refused(source, nowhere), refused(nowhere, f"sqlite:///{tmp_path / 'target.db'}")):
        assert reason.startswith(f"database {name}: ")
        assert "s3cret" not in reason


def test_a_row_that_postgresql_cannot_hold_is_named(changeable: Callable[[Storage], str]) -> None:
    source, target = changeable(SQLITE), new_database()
    long = "".join(f"{number:x}" for number in range(4_000))
    fetch(source, "INSERT INTO import_positions VALUES (3, ?, '')", long)
    said = refused(source, target)
    assert "cannot hold import_positions (organization_id 3, source '0123456789ab...bf9cf9df9ef9f'): index row" in said
    assert "\n" not in said
    assert version(target) == COPYING


@pytest.mark.parametrize(("storage", "other"), BOTH_WAYS)
def test_one_of_two_copies_into_one_database_fails(
    originals: dict[str, str], storage: Storage, other: Storage, tmp_path: Path
) -> None:
    source, target = originals[storage.name], other.new_database(tmp_path)
    said = refused(source, target, once("Copying", lambda: copied(source, target, resume=True)))
    assert "another process writes to it, too" in said
    require_whole(source, target)


def test_limits_of_a_server_do_not_end_a_copy(changeable: Callable[[Storage], str], tmp_path: Path) -> None:
    """Limits that an administrator has set for servers, whose statements are quick."""
    source, target = changeable(POSTGRES), POSTGRES.new_database(tmp_path)
    server = shared_postgres()
    for database in (source, target):
        name = database.rpartition("/")[2]
        server.execute(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '100ms'")
    idle = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND now() - state_change > '300ms'"
    )
    copied(source, target, once("Copying", lambda: wait_until(lambda: server.execute(idle) == "1", "it idles")))
    require_whole(source, target)
