"""A sound database, to be hurt."""

import shutil
from pathlib import Path

import pytest

from tests.fault.samples import RECORDS
from tests.support.command import rowen
from tests.support.records import write_json_lines


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a sound database of 2,000 interviews, and a key to it; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("filled")
    database = f"sqlite:///{folder / 'rowen.db'}"
    rowen("import", write_json_lines(folder / "records.jsonl", RECORDS), "--database", database)
    return folder / "rowen.db", rowen("keys", "create", "poller", "--database", database).stdout.strip()


@pytest.fixture
def copied(filled: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """Return such a database, to be hurt."""
    path, key = filled
    return Path(shutil.copy(path, tmp_path / "rowen.db")), key
