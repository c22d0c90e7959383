"""Where the elements of a JSON array end: two ways through a block.

The fast one guesses the border of the last complete element and has `msgspec` decode everything before it as one array:
if that succeeds, the guess was right, because text that is a complete array has all its brackets and quotes closed.
Where no guess holds (an error, a long element, a string that looks like a border) the exact one walks from bracket to
bracket.

Owns the two. Must not know what stands between elements, on which line they are, or what is made of them.
"""

import re
from typing import Final

import msgspec

from rowen.imports.formats.envelopes import is_utf8

GUESSES: Final = 12
DEEPEST: Final = 1_000
"""How many brackets may be open in an element. Walking from bracket to bracket is slow, and nobody could decode it."""
BORDER_SPACE: Final = 256
"""How far apart the comma and the braces of a border may be for the fast way to recognise it, in bytes."""

_rest_of_string: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_structure: Final = re.compile(rb'[{}\[\]"]')
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])


class ElementWalker:
    """The exact way: the element that is open, its brackets, and how far its bytes have been walked (`at`)."""

    def __init__(self) -> None:
        self.at = 0
        self._depth = 0
        self._in_string = False

    @property
    def is_inside(self) -> bool:
        """Whether an element is open."""
        return self._depth > 0 or self._in_string

    @property
    def is_too_deep(self) -> bool:
        """Whether more brackets are open than an element may have: its end is not looked for."""
        return self._depth > DEEPEST

    def begin(self, byte: bytes, at: int) -> None:
        """Begin at an offset of the buffer, where a brace, a bracket or a quote opens an element."""
        self.at = at + 1
        self._depth, self._in_string = (0, True) if byte == b'"' else (1, False)

    def give_up(self) -> None:
        """Leave the element."""
        self._depth = 0

    def walk(self, buffer: bytes) -> bool:
        """Walk on; return whether the end was reached. Otherwise more bytes are needed, or it is too deep."""
        while self.is_inside and not self.is_too_deep:
            if self._in_string:
                found = _rest_of_string.match(buffer, self.at)
                end = found.end() if found else self.at
                if buffer[end : end + 1] != b'"':
                    # Either the walk is complete, or a backslash is last and its partner comes with the next block.
                    self.at = end
                    return False
                self._in_string = False
                self.at = end + 1
            elif structure := _structure.search(buffer, self.at):
                self._step(structure[0])
                self.at = structure.end()
            else:
                self.at = len(buffer)
                return False
        return not self.is_inside

    def _step(self, byte: bytes) -> None:
        if byte == b'"':
            self._in_string = True
        else:
            self._depth += 1 if byte in (b"{", b"[") else -1


def guess_elements(buffer: bytes, start: int) -> list[msgspec.Raw]:
    """Return the elements from an offset to a guessed border, the fast way; none where no border holds."""
    limit = len(buffer)
    for _ in range(GUESSES):
        limit = _guess_border(buffer, start, limit)
        if limit < 0:
            break
        text = b"".join((b"[", memoryview(buffer)[start:limit], b"]"))
        try:
            if is_utf8(text) and (elements := _elements.decode(text)):
                return elements
        except (msgspec.DecodeError, RecursionError):
            continue
    return []


def _guess_border(buffer: bytes, start: int, limit: int) -> int:
    """Return the end of the last `}` that has a comma and a `{` after it, before the limit; -1 where none has."""
    brace = limit
    while (brace := buffer.rfind(b"{", start + 1, brace)) > 0:
        before = buffer[max(start, brace - BORDER_SPACE) : brace]
        gap = before.rstrip(b" \t\r\n")
        if gap.endswith(b","):
            gap = gap[:-1].rstrip(b" \t\r\n")
            if gap.endswith(b"}"):
                return brace - len(before) + len(gap)
    return -1
