"""Servers and files made to exhaust their reader: each ends with a clear message, in bounded memory.

The operating system limits the memory far below what each attack would take.
"""

import gzip
import os
import resource
import subprocess
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

from tests.support.command import ROWEN, environment
from tests.support.hostile_server import Answer, forever, head, hostile
from tests.support.processes import finish, one_sentence, start
from tests.support.scale import sample

MIB: Final = 1024 * 1024
LIMIT: Final = 352 * MIB
"""How much memory a command may use: its own 70 MiB, and a page of 64 MiB in pieces."""
BOMB: Final = 384 * MIB
FILE_LIMIT: Final = 288 * MIB
"""The same for files, of which no more than a record of 4 MiB has to be held."""
FILE_BOMB: Final = 256 * MIB
KEY: Final = "upstream-s3cret-key"

Chunks = Callable[[], Iterable[bytes]]


def with_little_memory() -> None:
    """Limit the memory of the process; to be called in it."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))


def with_the_memory_for_a_file() -> None:
    """Limit the memory of the process; to be called in it."""
    resource.setrlimit(resource.RLIMIT_DATA, (FILE_LIMIT, FILE_LIMIT))


@cache
def packed(unit: bytes, times: int = 1, size: int = BOMB) -> bytes:
    """Return data that becomes `size` bytes after being decompressed that many times."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = unit * (MIB // len(unit))
    found = b"".join([*(compressor.compress(block) for _ in range(size // MIB)), compressor.flush()])
    for _ in range(times - 1):
        found = gzip.compress(found, 9)
    return found


def packed_file(unit: bytes, times: int = 1) -> bytes:
    """Return the same for a file."""
    return packed(unit, times, FILE_BOMB)


def body(*headers: str, chunks: Chunks) -> Answer:
    return lambda _: chain([head(*headers)], chunks())


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def records(count: int) -> Iterator[bytes]:
    yield b"["
    for _ in range(count // 10_000):
        yield b"{}," * 10_000
    yield b"{}]"


def empty_pages() -> Answer:
    """Serve empty pages, each with another next one."""
    numbers = iter(range(1_000_000))
    return lambda _: [head("Content-Length: 2", f'Link: </?page={next(numbers)}>; rel="next"'), b"[]"]


def same_pages() -> Answer:
    """Serve the same page again and again, each time with another next one."""
    numbers = iter(range(1_000_000))
    page = b'[{"id":1}]'
    return lambda _: [head(f"Content-Length: {len(page)}", f'Link: </?page={next(numbers)}>; rel="next"'), page]


SERVERS: Final[dict[str, tuple[Callable[[], Answer], str]]] = {
    "compressed twice": (
        lambda: body("Content-Encoding: gzip, gzip", chunks=lambda: [packed(b" ", 2)]),
        'has the Content-Encoding "gzip, gzip"; only gzip, once, is accepted',
    ),
    "compressed twice, in two headers": (
        lambda: body("Content-Encoding: gzip", "Content-Encoding: gzip", chunks=lambda: [packed(b" ", 2)]),
        "only gzip, once, is accepted",
    ),
    "compressed by something else": (
        lambda: body("Content-Encoding: br", chunks=lambda: [b"[]"]),
        'has the Content-Encoding "br"',
    ),
    "a bomb": (
        lambda: body("Content-Encoding: gzip", chunks=lambda: [packed(b" ")]),
        "the server's answer is larger than 64 MiB",
    ),
    "members of gzip without end": (
        lambda: body("Content-Encoding: gzip", chunks=lambda: forever(gzip.compress(b"[" + b" " * 1000))),
        "the server's answer is larger than 64 MiB",
    ),
    "empty members of gzip without end": (
        lambda: body("Content-Encoding: gzip", chunks=lambda: forever(gzip.compress(b""))),
        "the server's answer is larger than 64 MiB",
    ),
    "a page without end": (lambda: body(chunks=lambda: forever(b" ")), "the server's answer is larger than 64 MiB"),
    "a page of a billion records": (
        lambda: body(chunks=lambda: records(20_000_000)),
        "the page has more than 1,000,000 values",
    ),
    "a page of too many records": (
        lambda: body("Connection: close", "Content-Length: 60004", chunks=lambda: records(20_000)),
        "the page has more than 10,000 records",
    ),
    "a page that is nested deeply": (
        lambda: body("Content-Length: 20000000", chunks=lambda: [b"[" * 20_000_000]),
        "the server's answer is not a list of records",
    ),
    "headers without end": (
        lambda: lambda _: chain([b"HTTP/1.1 200 OK\r\n"], forever(b"X-Header: value\r\n")),
        "the headers of the server's answer are larger than 64 KiB",
    ),
    "a header without end": (
        lambda: lambda _: chain([b"HTTP/1.1 200 OK\r\nX-Header: "], forever(b"x")),
        "the headers of the server's answer are larger than 64 KiB",
    ),
    "a status line without end": (
        lambda: lambda _: chain([b"HTTP/1.1 200 "], forever(b"x")),
        "the headers of the server's answer are larger than 64 KiB",
    ),
    "too many headers": (
        lambda: body(*["A: b"] * 5000, chunks=lambda: [b"[]"]),
        "the server's answer has more than 200 headers",
    ),
    "interim responses without end": (
        lambda: lambda _: forever(b"HTTP/1.1 100 Continue\r\n\r\n"),
        "the headers of the server's answer are larger than 64 KiB",
    ),
    "a chunk extension without end": (
        lambda: body("Transfer-Encoding: chunked", chunks=lambda: chain([b"1;x="], forever(b"x"))),
        "the server's answer is not valid HTTP",
    ),
    "trailers without end": (
        lambda: body("Transfer-Encoding: chunked", chunks=lambda: chain([b"0\r\n"], forever(b"A: b\r\n"))),
        "the server's answer is not valid HTTP",
    ),
    "a length of a million digits": (
        lambda: body("Content-Length: " + "9" * 60_000, chunks=lambda: [b"[]"]),
        "the server's answer is not valid HTTP",
    ),
    "no HTTP": (lambda: lambda _: [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], "the server's answer is not valid HTTP"),
    "a next page of a million bytes": (
        lambda: body("Content-Length: 2", f'Link: </{"x" * 40_000}>; rel="next"', chunks=lambda: [b"[]"]),
        "the server's next page has no valid address",
    ),
    "empty pages without end": (empty_pages, "the server has sent 101 empty pages, each with a next one"),
    "the same page without end": (same_pages, "the server has sent the same page 11 times"),
}


@pytest.mark.parametrize("attack", SERVERS)
def test_a_hostile_server_is_left_in_bounded_memory(attack: str, tmp_path: Path) -> None:
    answer, message = SERVERS[attack]
    with hostile(answer()) as server:
        address = f"http://{KEY}:@127.0.0.1:{server.port}/v1/scheduled_interviews"
        options = ("--keep-going", "--database", f"sqlite:///{tmp_path / 'rowen.db'}")
        process = start("import", address, *options, preparation=with_little_memory, cwd=tmp_path)
        said = finish(process, status=1)
    assert message in one_sentence(said)
    assert KEY not in said


STREAM: Final = "Content-Type: text/event-stream"
FEEDS: Final[dict[str, tuple[Answer, str]]] = {
    "a line without end": (body(STREAM, chunks=lambda: forever(b"x")), "has sent 16 MiB without an event"),
    "a comment without end": (
        body(STREAM, chunks=lambda: chain([b":"], forever(b"x"))),
        "has sent 16 MiB without an event",
    ),
    "an event without end": (
        body(STREAM, chunks=lambda: forever(b"data: {}\n")),
        "has sent 16 MiB without an event",
    ),
    "an event of empty lines without end": (
        body(STREAM, chunks=lambda: forever(b"data\n")),
        "has sent 16 MiB without an event",
    ),
    "comments without end": (body(STREAM, chunks=lambda: forever(b":\n")), "has sent 16 MiB without an event"),
    "events without data, without end": (
        body(STREAM, chunks=lambda: forever(b"retry: 1\r\n\r\n")),
        "has sent 16 MiB without an event",
    ),
    "one event, again and again": (
        body(STREAM, chunks=lambda: forever(b"id: 5\ndata: {}\n\n")),
        "the server keeps sending the same events",
    ),
    "an id of a million digits": (
        body(STREAM, chunks=lambda: [b"id: " + b"9" * 1_000_000 + b"\ndata: {}\n\n"]),
        "an event whose id is not a revision",
    ),
    "an id that is no header": (
        body(STREAM, chunks=lambda: [b"id: 1\x00\x1b\ndata: {}\n\n"]),
        "an event whose id is not a revision",
    ),
    "data that is no change": (
        body(STREAM, chunks=lambda: [b"id: 8\ndata: {\x1b]0;x\n\n"]),
        "the server sent a change that cannot be read",
    ),
    "data that is nested deeply": (
        body(STREAM, chunks=lambda: [b"id: 8\ndata: " + b'{"document":' * 500_000 + b"\n\n"]),
        "the server sent a change that cannot be read",
    ),
    "a compressed stream": (
        body(STREAM, "Content-Encoding: gzip", chunks=lambda: [packed(b" ")]),
        "the Content-Encoding",
    ),
    "headers without end": (
        lambda _: chain([b"HTTP/1.1 200 OK\r\n"], forever(b"X-Header: value\r\n")),
        "the headers of the server's answer are larger than 64 KiB",
    ),
    "no stream": (body("Content-Type: text/html", chunks=lambda: forever(b"<p>")), "is not an event stream"),
    "a redirect": (
        lambda _: [head("Location: http://127.0.0.1:1/", "Content-Length: 0", status="302 Found")],
        "the API key is not sent elsewhere",
    ),
}


@pytest.mark.parametrize("attack", FEEDS)
def test_a_hostile_feed_is_left_in_bounded_memory(attack: str) -> None:
    answer, message = FEEDS[attack]
    with hostile(answer) as server:
        said = followed(server.url, "--after", "7")
    assert message in one_sentence(said)
    assert KEY not in said


def followed(*arguments: str) -> str:
    """Follow a hostile server to the end; return standard error."""
    with subprocess.Popen(
        [*ROWEN, "follow", *arguments[1:], "--server", arguments[0]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment({"ROWEN_KEY": KEY}), "COVERAGE_PROCESS_START": ""},
        preexec_fn=with_little_memory,
    ) as process:
        return finish(process, status=1)


@pytest.mark.parametrize("page", [forever(b" "), [b'{"last_revision":' + b"9" * 500_000 + b"}"], [b"[" * 900_000]])
def test_a_hostile_page_of_the_feed_is_left_in_bounded_memory(page: Iterable[bytes]) -> None:
    with hostile(body(chunks=lambda: page)) as server:
        server.answer = lambda _: chain([head("Connection: close")], page)
        said = followed(server.url)
    assert "larger than 1 MiB" in said or "is not a feed" in said or "broke off" in said


def large_records() -> Iterator[bytes]:
    """Yield an array, never closed, of interviews of almost four MiB each."""
    text, end = gzip.compress(b"x" * (4 * MIB - 1000)), gzip.compress(b'"},')
    yield gzip.compress(b"[")
    for number in range(1, FILE_BOMB // (4 * MIB) + 10):
        yield gzip.compress(
            b'{"id":%d,"application_id":1,"start":{"date":"2024-01-05"},"end":{"date":"2024-01-06"},'
            b'"status":"complete","interviewers":[],"location":"' % number
        )
        yield text
        yield end


FILES: Final[dict[str, tuple[Chunks, str]]] = {
    "a line without end": (lambda: [packed_file(b'{"id":')], "the record is larger than 4 MiB"),
    "blank lines": (lambda: [packed_file(b"\n")], ""),
    "an array that is never closed": (lambda: [packed_file(b"[")], "nested too deeply"),
    "a text without end": (lambda: [gzip.compress(b'["'), packed_file(b"x")], "is never closed"),
    "a number without end": (lambda: [gzip.compress(b"["), packed_file(b"1")], "expected a record in braces"),
    "a file name in gzip without end": (
        lambda: [b"\x1f\x8b\x08\x08\0\0\0\0\0\x03", *[b"n" * MIB] * 64],
        "the compressed data is damaged",
    ),
    "gzip in gzip": (lambda: [packed_file(b" ", 2)], "neither a JSON array"),
    "empty members of gzip": (lambda: [gzip.compress(b"") * 500_000], ""),
    "records of the largest size": (
        large_records,
        'the closing "]" of the array is missing',
    ),
}


@pytest.mark.parametrize(
    ("attack", "way"),
    [*((each, "file") for each in FILES), *((each, "standard input") for each in sample(list(FILES)))],
)
def test_a_hostile_file_is_read_in_bounded_memory(attack: str, way: str, tmp_path: Path) -> None:
    chunks, message = FILES[attack]
    source = tmp_path / "hostile.json.gz"
    with source.open("wb") as file:
        for chunk in chunks():
            file.write(chunk)
    with source.open("rb") as file:
        process = start(
            *("import", source if way == "file" else "-", "--dry-run"),
            *("--database", f"sqlite:///{tmp_path / 'rowen.db'}"),
            stdin=file.fileno(),
            preparation=with_the_memory_for_a_file,
        )
        said = finish(process, status=1 if message else 0)
    assert message in said


def test_memory_does_not_grow_with_rejected_records(tmp_path: Path) -> None:
    source = tmp_path / "bad.jsonl"
    with source.open("wb") as file:
        for number in range(200_000):
            file.write(b'{"id":%d,"status":"lost","start":5}\n' % number)
    options = ("--keep-going", "--database", f"sqlite:///{tmp_path / 'rowen.db'}")
    process = start("import", source, *options, preparation=with_less_memory, cwd=tmp_path)
    said = finish(process)
    assert "200000 rejected: see rejected.jsonl" in said
    with (tmp_path / "rejected.jsonl").open("rb") as rejected:
        assert sum(1 for _ in rejected) == 200_000


def with_less_memory() -> None:
    """Limit the memory of the process to little more than it starts with; to be called in it."""
    os.environ["MALLOC_ARENA_MAX"] = "1"
    resource.setrlimit(resource.RLIMIT_DATA, (120 * MIB, 120 * MIB))
