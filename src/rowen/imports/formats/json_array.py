"""Splitting a JSON array of any size into its elements.

Owns what stands between elements, and the numbers of lines, in constant memory; `json_elements.py` finds where an
element ends. It also splits what `jq` writes: objects one after the other with nothing but white space between them.
Must not know where blocks come from.

It takes a third to two fifths of the time of ijson on yajl2, which gives no line numbers and ends at the first error
(benchmarks/README.md, figure `array`).
"""

import re
from collections import Counter
from enum import Enum, auto
from typing import Final

import msgspec

from rowen.imports.formats.envelopes import INVALID_UTF8, bounded, describe_broken_json, is_utf8, item_of, oversize
from rowen.imports.formats.json_elements import ElementWalker, guess_elements
from rowen.imports.items import LARGEST_RECORD, Batch, SourceFault

_spaces: Final = re.compile(rb"[ \t\r\n]*")
_between: Final = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_bare_word: Final = re.compile(rb'[^\s,\[\]{}"]+')


def _end(pattern: re.Pattern[bytes], buffer: bytes, at: int) -> int:
    """Return the offset at which a match of the pattern ends, or the given offset if it does not match there."""
    found = pattern.match(buffer, at)
    return found.end() if found else at


class _State(Enum):
    """What may come next outside of an element."""

    ARRAY = auto()
    """`[`, or the end of the file."""
    FIRST = auto()
    """An element, or `]`."""
    NEXT = auto()
    """An element."""
    COMMA = auto()
    """An object or the end of the file: no array encloses the objects."""
    OBJECT = auto()
    """An object or the end of the file: there is no array around it."""
    BROKEN = auto()
    """Nothing: the elements that follow can no longer be separated."""


class ArraySplitter:
    """Takes a file block by block and returns the records of the elements that are complete.

    `line` is the number of the line reached. With `bracketed=False` the file is a sequence of objects instead of an
    array. A sequence of arrays, as when pages of responses were appended to one file, is read as one.
    """

    def __init__(self, name: str, skipped: Counter[str], first_line: int = 1, *, bracketed: bool = True) -> None:
        self.line = first_line
        self._name = name
        self._skipped = skipped
        self._state = _State.ARRAY if bracketed else _State.OBJECT
        self._after_element = _State.COMMA if bracketed else _State.OBJECT
        self._buffer = b""
        self._at = 0
        self._batch: Batch = []
        # The element that is open, its number and its line, and whether it is too large to be kept.
        self._walker = ElementWalker()
        self._index = 0
        self._element_line = 0
        self._dropping = False
        self._in_word = False
        self._guesses_hold = True

    def feed(self, block: bytes) -> Batch:
        """Take the next bytes and return the elements that they complete."""
        self._buffer = self._buffer[self._at :] + block if self._at < len(self._buffer) else block
        self._walker.at = max(0, self._walker.at - self._at)
        self._at = 0
        self._batch = []
        self._guesses_hold = True
        if self._state is not _State.BROKEN:
            self._advance()
        else:
            self._at = len(self._buffer)
        return self._batch

    def finish(self) -> Batch:
        """Return the fault of a file that ends too early."""
        if self._walker.is_inside:
            message = "the record that begins here is never closed; the file may be incomplete"
            body = self._buffer[self._at :]
            return [SourceFault(self._name, self._element_line, message, body, final=True, index=self._index)]
        if self._state in (_State.FIRST, _State.NEXT, _State.COMMA):
            message = 'the closing "]" of the array is missing; the file may be incomplete'
            return [SourceFault(self._name, self.line, message, final=True)]
        return []

    def _advance(self) -> None:
        """Process the buffer as far as it is understood."""
        while True:
            if self._walker.is_inside and not self._walk():
                return
            if self._in_word:
                self._pass_word()
            self._move(_end(_spaces, self._buffer, self._at))
            if self._at == len(self._buffer) or self._state is _State.BROKEN:
                self._at = len(self._buffer)
                return
            if self._guesses_hold and self._take_many():
                continue
            self._take()

    def _move(self, to: int) -> None:
        """Advance to an offset of the buffer, counting lines."""
        self.line += self._buffer.count(b"\n", self._at, to)
        self._at = to

    # --- between elements

    def _take(self) -> None:
        """Process the next byte outside of an element."""
        byte = self._buffer[self._at : self._at + 1]
        if self._state is _State.ARRAY:
            self._open_array(byte)
        elif byte == b"," and self._state is not _State.OBJECT:
            self._comma()
        elif byte == b"]" and self._state is not _State.OBJECT:
            self._close_array()
        else:
            self._value(byte)

    def _open_array(self, byte: bytes) -> None:
        if byte != b"[":
            near = bounded(self._buffer[self._at : self._at + 24].decode("utf-8", "replace"))
            self._break(f"there is text after the end of the array: {near!r}")
            return
        self._move(self._at + 1)
        self._state = _State.FIRST

    def _comma(self) -> None:
        if self._state is not _State.COMMA:
            self._fault("a record is missing before this comma")
        self._move(self._at + 1)
        self._state = _State.NEXT

    def _close_array(self) -> None:
        if self._state is _State.NEXT:
            self._fault("there is a comma before the closing bracket, but no record between them")
        self._move(self._at + 1)
        self._state = _State.ARRAY

    def _value(self, byte: bytes) -> None:
        if self._state is _State.COMMA:
            self._fault("a comma is missing between this record and the one before it")
        self._state = self._after_element
        self._element_line = self.line
        self._index += 1
        if byte in (b"{", b"[", b'"'):
            self._walker.begin(byte, self._at)
        elif word := _bare_word.match(self._buffer, self._at):
            text = bounded(word[0][:24].decode("utf-8", "replace"))
            self._fault(f"expected a record in braces, found {text!r}")
            self._pass_word()
        else:
            self._break(f'there is a "{byte.decode()}" here that closes nothing')

    def _pass_word(self) -> None:
        """Skip a number, a `null` or the like, which may continue in the next block."""
        self._move(_end(_bare_word, self._buffer, self._at))
        self._in_word = self._at == len(self._buffer)

    def _fault(self, message: str) -> None:
        self._batch.append(SourceFault(self._name, self.line, message, index=self._index))

    def _break(self, message: str, line: int | None = None, index: int = 0) -> None:
        """End with a fault: what follows cannot be understood."""
        self._batch.append(SourceFault(self._name, line or self.line, message, final=True, index=index))
        self._state = _State.BROKEN

    # --- elements

    def _walk(self) -> bool:
        """Go on to the end of the open element; return False where it is not in the buffer."""
        if self._walker.walk(self._buffer):
            self._close_element()
            return True
        if self._walker.is_too_deep:
            self._break("the record that begins here is nested too deeply", self._element_line, self._index)
            self._walker.give_up()
            self._at = len(self._buffer)
        else:
            self._keep()
        return False

    def _keep(self) -> None:
        """Keep the bytes of an incomplete element, unless it exceeds the limit of a record."""
        if not self._dropping and self._walker.at - self._at > LARGEST_RECORD:
            self._batch.append(SourceFault(self._name, self._element_line, oversize(), index=self._index))
            self._dropping = True
        if self._dropping:
            self._move(self._walker.at)

    def _close_element(self) -> None:
        body, line = self._buffer[self._at : self._walker.at], self._element_line
        self._move(self._walker.at)
        if self._dropping:
            self._dropping = False
            return
        reason = describe_broken_json(body)
        if not is_utf8(body):
            reason = INVALID_UTF8
        if reason:
            self._batch.append(SourceFault(self._name, line, reason, body, index=self._index))
            return
        item = item_of(self._name, line, body, self._skipped, self._index)
        if item is not None:
            self._batch.append(item)

    def _take_many(self) -> bool:
        """Take all elements up to a guessed border in one go; return False where there is no border that holds."""
        if self._state not in (_State.FIRST, _State.NEXT) or self._buffer[self._at : self._at + 1] != b"{":
            return False
        elements = guess_elements(self._buffer, self._at)
        # One vain search per block is enough: another for each of its elements would take too long.
        self._guesses_hold = bool(elements)
        if elements:
            self._hand_out(elements)
            self._state = _State.COMMA
        return self._guesses_hold

    def _hand_out(self, elements: list[msgspec.Raw]) -> None:
        for count, raw in enumerate(elements):
            if count and (between := _between.match(self._buffer, self._at)):
                self._move(between.end())
            body, line = bytes(raw), self.line
            self._index += 1
            self._move(self._at + len(body))
            item = item_of(self._name, line, body, self._skipped, self._index)
            if item is not None:
                self._batch.append(item)
