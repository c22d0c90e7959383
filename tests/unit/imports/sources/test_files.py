"""Files, folders and streams of every format are read as records; an unreadable one is reported in one sentence."""

import gzip
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rowen.imports.errors import SourceAddressError, SourceError, SourceMissingError, SourceUnreadableError
from rowen.imports.sources.files import (
    FileSource,
    ServerSource,
    Source,
    SourceFault,
    SourceRecord,
    StreamSource,
    open_sources,
)

BODIES = [b'{"id":%d,"location":"Room \xc3\xa9 [%d]"}' % (number, number) for number in range(1, 8)]
LINES = b"\n".join(BODIES) + b"\n"
ARRAY = b"[" + b",".join(BODIES) + b"]"
PRETTY = json.dumps([json.loads(body) for body in BODIES], indent=2).encode()
OBJECTS = "\n".join(json.dumps(json.loads(body), indent=2) for body in BODIES).encode()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def records(source: Source) -> list[SourceRecord]:
    items = [item for batch in source.batches() for item in batch]
    assert all(isinstance(item, SourceRecord) for item in items), items
    return [item for item in items if isinstance(item, SourceRecord)]


def fault(source: Source) -> SourceFault:
    """Return the last item of a source, which has to be a fault that ends it."""
    items = [item for batch in source.batches() for item in batch]
    assert isinstance(items[-1], SourceFault)
    assert items[-1].final
    return items[-1]


def values(found: list[SourceRecord]) -> list[object]:
    return [json.loads(record.body) for record in found]


@pytest.mark.parametrize("content", [LINES, LINES.replace(b"\n", b"\r\n"), ARRAY, PRETTY, OBJECTS])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n \n"])
@pytest.mark.parametrize("name", ["plain.json", "compressed.jsonl.gz", "no suffix"])
def test_the_format_is_recognized_by_the_content(tmp_path: Path, content: bytes, mark: bytes, name: str) -> None:
    data = mark + content
    packed = gzip.compress(data) if "compressed" in name else data
    source = FileSource(write(tmp_path / name, packed))
    for _ in range(2):
        found = records(source)
        assert values(found) == [json.loads(body) for body in BODIES]
        assert source.position == source.size == len(packed)
    assert source.rereadable
    for record in found:
        line = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[record.line - 1]
        assert line.lstrip().startswith((record.body.split(b"\n")[0].strip(), b"["))


def test_gzip_of_several_members_is_one_file(tmp_path: Path) -> None:
    data = gzip.compress(LINES[:50]) + gzip.compress(b"") + gzip.compress(LINES[50:])
    assert [record.body for record in records(FileSource(write(tmp_path / "a.gz", data)))] == BODIES


@pytest.mark.parametrize("content", [LINES, ARRAY, OBJECTS])
def test_gzip_cut_off_at_any_byte_yields_no_wrong_record(tmp_path: Path, content: bytes) -> None:
    packed = gzip.compress(content, mtime=0)
    expected = values(records(FileSource(write(tmp_path / "whole.gz", packed))))
    for length in range(len(packed)):
        items = [
            item for batch in FileSource(write(tmp_path / "cut.jsonl.gz", packed[:length])).batches() for item in batch
        ]
        *before, last = items
        assert isinstance(last, SourceFault)
        assert last.final
        found = [item for item in before if isinstance(item, SourceRecord)]
        assert len(found) == len(before)
        assert values(found) == expected[: len(found)]


def test_gzip_with_any_byte_changed_yields_records_or_faults(tmp_path: Path) -> None:
    packed = gzip.compress(LINES, mtime=0)
    for offset in range(len(packed)):
        damaged = bytearray(packed)
        damaged[offset] ^= 0x55
        for batch in FileSource(write(tmp_path / "damaged.gz", bytes(damaged))).batches():
            assert all(isinstance(item, SourceRecord | SourceFault) for item in batch)


def test_the_fault_of_a_cut_off_gzip_says_where_and_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.gz", gzip.compress(LINES * 20_000)[:-9])
    source = FileSource(path)
    found = fault(source)
    assert found.line > 7
    assert found.place == f"{path}:{found.line}"
    assert sum(len(batch) for batch in source.batches()) == found.line
    assert "the file is incomplete, download or copy it again" in found.message


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"PK\x03\x04rest", "ZIP archive"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"\x28\xb5\x2f\xfd\x00", "zstd"),
        (b"identifier,location\n1,here\n" * 20_000, "nor CSV"),
        (b"<html><body>Sign in</body></html>", "neither a JSON array"),
        (b"\x00" * 1000, "neither a JSON array"),
        (b"{", "never closed"),
        (b"[", 'closing "]"'),
    ],
)
def test_files_of_another_kind_are_one_fault(tmp_path: Path, data: bytes, part: str) -> None:
    source = FileSource(write(tmp_path / "f.json", data))
    assert part in fault(source).message
    assert sum(len(batch) for batch in source.batches()) == 1


@pytest.mark.parametrize("pretty", [True, False])
def test_an_error_saved_instead_of_interviews_is_a_fault(tmp_path: Path, pretty: bool) -> None:
    error = {"message": "Invalid Basic Auth credentials"}
    data = json.dumps(error, indent=2 if pretty else None).encode()
    ((item,),) = FileSource(write(tmp_path / "f.json", data)).batches()
    assert isinstance(item, SourceFault)
    assert 'error message of a server, not an interview: "Invalid Basic Auth credentials"' in item.message


def test_lines_of_a_tool_before_the_first_record_are_faults_of_their_own(tmp_path: Path) -> None:
    items = [item for batch in FileSource(write(tmp_path / "f", b"INFO go\n" + LINES)).batches() for item in batch]
    assert isinstance(items[0], SourceFault)
    assert not items[0].final
    assert len(items) == 8


@pytest.mark.parametrize("data", [b"", b" \n\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_a_file_without_records_has_none_and_is_noted(tmp_path: Path, data: bytes) -> None:
    source = FileSource(write(tmp_path / "f.jsonl", data))
    assert records(source) == []
    assert source.skipped == {"empty sources": 1}


def test_an_empty_array_is_an_answer_without_interviews(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "f.json", b"[]\n"))
    assert records(source) == []
    assert not source.skipped


def test_each_reading_counts_the_skipped_values_again(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "f", b'{"type":"STATE","value":{}}\n' * 3 + b'{"record":{"id":1}}\n'))
    for _ in range(2):
        assert len(records(source)) == 1
        assert source.skipped == {"STATE messages": 3}


def test_a_pretty_array_far_behind_white_space_has_its_lines(tmp_path: Path) -> None:
    found = records(FileSource(write(tmp_path / "f", b"\n" * 300_000 + ARRAY)))
    assert {record.line for record in found} == {300_001}
    assert found[-1].place == f"{tmp_path / 'f'}:300001 (record 7)"


class Dripping(io.RawIOBase):
    """A pipe that yields one byte at a time."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, 1))


@pytest.mark.parametrize(
    "content", [LINES, ARRAY, PRETTY, OBJECTS, gzip.compress(LINES, mtime=0), b"\xef\xbb\xbf" + LINES]
)
def test_a_stream_may_come_byte_by_byte(content: bytes) -> None:
    source = StreamSource(Dripping(content))
    assert values(records(source)) == [json.loads(body) for body in BODIES]
    assert source.position == len(content)
    assert source.size is None
    assert not source.rereadable


def test_a_stream_is_read_once() -> None:
    source = StreamSource(io.BytesIO(LINES))
    records(source)
    with pytest.raises(SourceUnreadableError, match="standard input: this can be read only once"):
        records(source)


def test_a_failing_disk_is_a_clear_error() -> None:
    class Failing(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(SourceUnreadableError, match="standard input: this cannot be read: Input/output error"):
        records(StreamSource(Failing()))


def test_a_named_pipe_is_read_once_through(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    source = FileSource(path)
    writer = threading.Thread(target=path.write_bytes, args=(LINES,))
    writer.start()
    assert [record.body for record in records(source)] == BODIES
    writer.join()
    assert not source.rereadable
    assert source.size is None


def test_a_file_changed_between_two_readings_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", LINES)
    source = FileSource(path)
    records(source)
    path.write_bytes(LINES * 2)
    with pytest.raises(SourceUnreadableError, match="changed while it was being read"):
        records(source)


def test_a_folder_is_its_files_in_order_and_names_the_others(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/1.ndjson", "c.JSONL", "a.json.gz", "b.json", "notes.txt", "b/x.csv.gz"):
        write(tmp_path / name, LINES)
    selection = open_sources([str(tmp_path)])
    assert [source.name for source in selection.sources] == [
        str(tmp_path / name) for name in ("a.json.gz", "b.json", "c.JSONL", "b/1.ndjson")
    ]
    assert selection.skipped == [tmp_path / "notes.txt", tmp_path / "b/x.csv.gz"]
    assert len(records(selection.sources[0])) == 7


def test_several_arguments_are_read_in_their_order(tmp_path: Path) -> None:
    path = str(write(tmp_path / "f.jsonl", LINES))
    key = "s3cret"
    arguments = [f"https://{key}:@example.com/v1/scheduled_interviews", path, "-"]
    selection = open_sources(arguments, stdin=lambda: StreamSource(io.BytesIO(ARRAY)))
    server, file, stream = selection.sources
    assert isinstance(server, ServerSource)
    assert server.name == "https://example.com/v1/scheduled_interviews"
    assert file.name == path
    assert len(records(stream)) == 7
    assert key not in repr(selection)


@pytest.mark.parametrize(
    ("arguments", "kind", "part"),
    [
        (["missing.json"], SourceMissingError, "missing.json: there is no such file or folder"),
        (["empty"], SourceMissingError, "empty: there is no file to import in this folder"),
        (["file/inside"], SourceUnreadableError, "file/inside: this cannot be read: Not a directory"),
        (["-", "-"], SourceAddressError, "named twice"),
        (["ftp://user:s3cret@host/x"], SourceAddressError, "ftp://"),
        (["https://s3cret:@"], SourceAddressError, "not a valid"),
        (["https://s3cret:@host:port/"], SourceAddressError, "not a valid URL"),
    ],
)
def test_a_file_that_cannot_be_opened_is_reported_in_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    kind: type[SourceError],
    part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write(tmp_path / "file", b"")
    with pytest.raises(kind) as raised:
        open_sources(arguments)
    assert part in str(raised.value)
    assert "s3cret" not in str(raised.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_missing_permission_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "f.json", LINES)
    path.chmod(0)
    with pytest.raises(SourceUnreadableError, match="no permission"):
        open_sources([str(path)])


@pytest.mark.slow
def test_standard_input_is_a_pipe_or_a_redirected_file(tmp_path: Path) -> None:
    program = (
        "from rowen.imports.sources.files import open_sources\n"
        "(source,) = open_sources(['-']).sources\n"
        "print(sum(len(batch) for batch in source.batches()), source.size, source.position, source)\n"
    )
    command = [sys.executable, "-c", program]
    packed = gzip.compress(LINES)
    piped = subprocess.run(command, input=packed, capture_output=True, check=True)
    assert piped.stdout.decode() == f"7 None {len(packed)} StreamSource('standard input')\n"
    with write(tmp_path / "f.json", ARRAY).open("rb") as file:
        redirected = subprocess.run(command, stdin=file, capture_output=True, check=True)
    assert redirected.stdout.decode() == f"7 {len(ARRAY)} {len(ARRAY)} StreamSource('standard input')\n"


def test_an_empty_gzip_file_is_a_failed_download(tmp_path: Path) -> None:
    assert "its download may have failed" in fault(FileSource(write(tmp_path / "f.jsonl.gz", b""))).message
