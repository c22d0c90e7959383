"""Sound databases for fault injection, and a small disk."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import rowen
from tests.support.crash_runs import populated
from tests.support.records import write_json_lines
from tests.support.sound_database import RECORDS


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a sound database with 2,000 interviews, and a key; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("filled")
    database = f"sqlite:///{folder / 'rowen.db'}"
    rowen("import", write_json_lines(folder / "records.jsonl", RECORDS), "--database", database)
    return folder / "rowen.db", rowen("keys", "create", "poller", "--database", database).stdout.strip()


@pytest.fixture
def copied(filled: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """Return a copy of that database for fault injection."""
    path, key = filled
    return Path(shutil.copy(path, tmp_path / "rowen.db")), key


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a database with the people that interviews need, and a key; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("seeded")
    _, key = populated(folder)
    return folder / "rowen.db", key


@pytest.fixture
def writable(seeded: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """Return a copy of that database for writing."""
    path, key = seeded
    return Path(shutil.copy(path, tmp_path / "rowen.db")), key


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that has room for two mebibytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
