"""A person at a terminal: one shell in one folder, and at most one server on each port.

Owns running the commands in documents, and comparing their output. Documents name ports 8000 to 8999; the real ones are
free ports. Must not know a document.

Output that differs between runs is normalized on both sides before the comparison: request ids, ETags, API keys and
tokens made from them, `date` and `x-ratelimit-remaining` headers, and times in 2026 and later (examples that are
compared exactly are older). White space counts only as a separator. In a document, `...` within a line matches
anything, and as a line any lines.
"""

import os
import pty
import re
import secrets
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support.command import environment
from tests.support.documents import ROOT
from tests.support.programs import quiet_port, wait_until
from tests.support.server import READY, START_SECONDS, is_open

_SERVES: Final = re.compile(r"(rowen|make) serve\b")
_ONLY_READ: Final = re.compile(r"make( (?!serve)\w+)+")
_PORT: Final = re.compile(r"((?:127\.0\.0\.1|localhost):|--port |PORT=)(8[0-9]{3})\b")
_VARIABLE: Final = (
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\r"), ""),
    (re.compile(r"^(date|x-ratelimit-remaining): .*$", re.MULTILINE), r"\1: <any>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<hexadecimal>"),
    (re.compile(r"rowen_[0-9a-f]+"), "<key>"),
    (re.compile(r"Basic cm93ZW5f[A-Za-z0-9+/]+=*"), "Basic <token>"),
    (re.compile(r"\b20(?:2[6-9]|[3-9][0-9])-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"), "<time>"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r" ?\n[\s]*"), "\n"),
)


class Session:
    """A shell that keeps its variables and its folder from command to command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports: dict[str, int] = {}
        self._servers: dict[str, tuple[int, threading.Thread]] = {}
        settings = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TERM": "dumb",
            "NO_COLOR": "1",
            "LC_ALL": "C.UTF-8",
        }
        self._terminal, inside = pty.openpty()
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=inside,
            stderr=inside,
            cwd=folder,
            # Not measured for coverage: that would take half as long again, and cover nothing new.
            env={name: value for name, value in environment(settings).items() if not name.startswith("COVERAGE_")},
            start_new_session=True,
        )
        os.close(inside)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            for port in list(self._servers):
                self._stop(port)
        # The shell leads a process group: all its processes end with it.
        os.killpg(self._shell.pid, signal.SIGTERM)
        self._shell.wait()
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        os.close(self._terminal)

    def run(self, command: str) -> tuple[str, int]:
        """Run a command; return what it prints, with the ports of the document, and its exit status."""
        if _ONLY_READ.fullmatch(command):
            # Make cannot run within itself here: a dry run shows that it knows the target.
            return "", subprocess.run([*shlex.split(command), "-C", ROOT, "-n"], capture_output=True).returncode
        if _SERVES.match(command):
            return self._start(command), 0
        output, status = self._run(_PORT.sub(self._real_port, command))
        return self._documented(output), status

    def run_file(self, interpreter: str, name: str, text: str) -> tuple[str, int]:
        """Run a program written in a document."""
        (self._folder / name).write_text(_PORT.sub(self._real_port, text))
        return self.run(f"{interpreter} {name}")

    def _run(self, command: str) -> tuple[str, int]:
        mark = secrets.token_hex(8)
        self._send(f"eval {shlex.quote(command)} </dev/null; printf '\\n{mark} %d\\n' $?\n")
        output = b""
        end = re.compile(rb"\r?\n" + mark.encode() + rb" ([0-9]+)\r?\n")
        while (found := end.search(output)) is None:
            output += os.read(self._terminal, 65_536)
        return output[: found.start()].decode(), int(found[1])

    def _send(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(text.encode())
        self._shell.stdin.flush()

    def _start(self, command: str) -> str:
        """Start a server, replacing the one on its port, and return its output until it responds."""
        asked = _PORT.search(command)
        port = asked[2] if asked else "8000"
        self._stop(port)
        self._ports[port] = quiet_port()
        command = _PORT.sub(self._real_port, command)
        if command.startswith("make "):
            command = _recipe(command if asked else f"{command} PORT={self._ports[port]}")
        elif not asked:
            command += f" --port {self._ports[port]}"
        log = self._folder.parent / f"log-{secrets.token_hex(4)}"
        os.mkfifo(log)
        lines: list[str] = []
        ready = threading.Event()

        def read() -> None:
            with log.open() as file:
                for line in file:
                    lines.append(line)
                    if READY in line:
                        ready.set()
            ready.set()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        process, _ = self._run(f"exec {command} >{shlex.quote(str(log))} 2>&1 & printf %d $!")
        self._servers[port] = int(process), reader
        assert ready.wait(START_SECONDS), "".join(lines)
        assert any(READY in line for line in lines), "".join(lines)
        wait_until(lambda: is_open(int(self._ports[port])), "the server listens")
        return self._documented("".join(lines))

    def _stop(self, port: str) -> None:
        if port in self._servers:
            process, reader = self._servers.pop(port)
            output, status = self._run(f"kill {process} && wait {process}")
            assert status == 0, output
            reader.join(10)

    def _real_port(self, found: re.Match[str]) -> str:
        return f"{found[1]}{self._ports.setdefault(found[2], quiet_port())}"

    def _documented(self, text: str) -> str:
        for documented, real in self._ports.items():
            text = text.replace(f":{real}", f":{documented}")
        return text


def _recipe(command: str) -> str:
    """Return the command that Make would finally run, with this interpreter's `rowen` instead of that in `.venv`."""
    printed = subprocess.run(
        [*shlex.split(command), "-C", ROOT, "-n", "--no-print-directory"], capture_output=True, text=True, check=True
    ).stdout
    return printed.splitlines()[-1].removeprefix(".venv/bin/")


def normalized(text: str) -> str:
    """Return output without the parts that differ from run to run."""
    for pattern, replacement in _VARIABLE:
        text = pattern.sub(replacement, text)
    return text.strip()


def agrees(expected: str, printed: str) -> bool:
    """Return whether output matches what the document shows."""
    lines = [
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in normalized(expected).splitlines()
    ]
    return re.fullmatch("".join(lines), normalized(printed) + "\n" if printed.strip() else "") is not None
