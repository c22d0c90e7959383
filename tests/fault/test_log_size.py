"""The write-ahead log of a served database: large after many writes, and soon emptied."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.command import rowen
from tests.support.records import record, write_json_lines
from tests.support.server import serving
from tests.support.single_writes import send


def test_a_server_empties_the_log_after_an_import_and_a_long_reader(writable: tuple[Path, str], tmp_path: Path) -> None:
    path, key = writable
    log = Path(f"{path}-wal")
    source = write_json_lines(tmp_path / "more.jsonl", [record(number) for number in range(5_001, 9_001)])
    with serving(f"sqlite:///{path}", ["--workers", "2"]) as server, server.client(key) as client:
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            (before,) = reader.execute("SELECT count(*) FROM scheduled_interviews").fetchone()
            rowen("import", source, "--database", f"sqlite:///{path}")
            assert log.stat().st_size > 1_000_000
            assert reader.execute("SELECT count(*) FROM scheduled_interviews").fetchone() == (before,)
            reader.execute("COMMIT")
        while log.stat().st_size > 0:
            pass
        assert send(client, "after").status_code == 200
        assert server.stop() == 0
    assert not any("database files lost" in line for line in server.log)
    assert rowen("db", "check", "--database", f"sqlite:///{path}").stdout == "ok\n"
