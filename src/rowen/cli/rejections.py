"""Bad records of `rowen import`.

Owns how they are printed, and the file that holds them. Must not know why a record is bad.
"""

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec
import typer

from rowen.imports.pipeline import Rejection

REJECTED: Final = Path("rejected.jsonl")
_PRIVATE: Final = 0o600
_SHOWN: Final = 20
_SHOWN_REASONS: Final = 10  # of one record


class Rejections:
    """The destination of bad records: standard error for the first, and with `keep` a file only for its owner for all.

    The file gets its name at the end: until then it may be the very file that is imported.
    """

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._file: BinaryIO | None = None
        self._partial = ""
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            try:
                self._file.close()
                Path(self._partial).replace(REJECTED)
            finally:
                Path(self._partial).unlink(missing_ok=True)
            typer.echo(f"{self._count} rejected: see {REJECTED}", err=True)
        elif self._count > _SHOWN:
            typer.echo(f"… and {self._count - _SHOWN} more", err=True)

    def add(self, rejection: Rejection) -> None:
        """Add a bad record."""
        self._count += 1
        if self._count <= _SHOWN:
            for reason in rejection.reasons[:_SHOWN_REASONS]:
                typer.echo(f"{rejection.place}: {reason}", err=True)
            if (more := len(rejection.reasons) - _SHOWN_REASONS) > 0:
                typer.echo(f"{rejection.place}: … and {more} more problems", err=True)
        if self._keep:
            if self._file is None:
                self._file = self._opened()
            line = {"place": rejection.place, "reasons": rejection.reasons, "record": _raw(rejection.body)}
            self._file.write(msgspec.json.encode(line) + b"\n")

    def _opened(self) -> BinaryIO:
        """Create the file, under a name for which nobody can have prepared a link."""
        descriptor, self._partial = tempfile.mkstemp(prefix=f"{REJECTED}.", suffix=".partial", dir=".")
        os.fchmod(descriptor, _PRIVATE)  # whatever the umask
        return os.fdopen(descriptor, "wb")


def _raw(body: bytes) -> msgspec.Raw | str:
    """Return a rejected record on one line: as an object, to be corrected and imported, or as text."""
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if b"\n" in body or b"\r" in body:
            body = msgspec.json.format(body, indent=-1)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode(errors="replace")
    return msgspec.Raw(body)
