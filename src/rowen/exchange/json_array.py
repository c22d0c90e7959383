"""Splitting a JSON array of any size into its elements.

Owns the finding of element borders, with line numbers, in constant memory. It also splits what `jq` writes:
objects one after the other with nothing but white space between them. Must not know where blocks come from.

There are two ways through a block. The fast one guesses the border of the last complete element and has
`msgspec` decode everything before it as one array: if that succeeds, the guess was right, because text that
is a complete array has all its brackets and quotes closed. Where no guess holds (an error, a long element, a
string that looks like a border) the exact one walks from bracket to bracket.
"""

import re
from collections import Counter
from enum import Enum, auto
from typing import Final

import msgspec

from rowen.exchange.envelopes import INVALID_UTF8, bounded, describe_broken_json, is_utf8, item_of, oversize
from rowen.exchange.records import LARGEST_RECORD, Batch, SourceFault

GUESSES: Final = 12
BORDER_SPACE: Final = 256
"""How far apart the comma and the braces of a border may stand for the fast way to see them."""

_spaces: Final = re.compile(rb"[ \t\r\n]*")
_between: Final = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_bare_word: Final = re.compile(rb'[^\s,\[\]{}"]+')
_rest_of_string: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_structure: Final = re.compile(rb'[{}\[\]"]')
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])


def _end(pattern: re.Pattern[bytes], buffer: bytes, at: int) -> int:
    """Return where a pattern that matches at an offset ends; the offset itself where it does not match."""
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
    """`,` or `]`."""
    OBJECT = auto()
    """An object or the end of the file: there is no array around it."""
    BROKEN = auto()
    """Nothing: what follows cannot be told apart any more."""


class ArraySplitter:
    """Takes a file block by block and hands back the records of the elements that are complete.

    `line` is the number of the line reached. With `bracketed=False` the file is objects one after the other
    instead of an array. Arrays one after the other, as when pages of answers were appended to one file, are
    read as one.
    """

    def __init__(self, name: str, passed_over: Counter[str], first_line: int = 1, *, bracketed: bool = True) -> None:
        self.line = first_line
        self._name = name
        self._passed_over = passed_over
        self._state = _State.ARRAY if bracketed else _State.OBJECT
        self._after_element = _State.COMMA if bracketed else _State.OBJECT
        self._buffer = b""
        self._at = 0
        self._batch: Batch = []
        # The element that is open: its brackets, its line, and how far its bytes have been walked.
        self._depth = 0
        self._in_string = False
        self._index = 0
        self._element_line = 0
        self._walked = 0
        self._dropping = False
        self._in_word = False
        self._guesses_hold = True

    def feed(self, block: bytes) -> Batch:
        """Take the next bytes and return what they complete."""
        self._buffer = self._buffer[self._at :] + block if self._at < len(self._buffer) else block
        self._walked = max(0, self._walked - self._at)
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
        if self._depth or self._in_string:
            message = "the record that begins here is never closed; the file may be incomplete"
            body = self._buffer[self._at :]
            return [SourceFault(self._name, self._element_line, message, body, final=True, index=self._index)]
        if self._state in (_State.FIRST, _State.NEXT, _State.COMMA):
            message = 'the closing "]" of the array is missing; the file may be incomplete'
            return [SourceFault(self._name, self.line, message, final=True)]
        return []

    @property
    def _is_inside(self) -> bool:
        return self._depth > 0 or self._in_string

    def _advance(self) -> None:
        """Go through the buffer as far as it can be understood."""
        while True:
            if self._is_inside:
                if not self._walk():
                    return
                continue
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
        """Go on to an offset of the buffer, counting lines."""
        self.line += self._buffer.count(b"\n", self._at, to)
        self._at = to

    # --- between elements

    def _take(self) -> None:
        """Deal with the next byte outside of an element."""
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
            self._break(f"there is something behind the end of the array: {near!r}")
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
            self._walked = self._at + 1
            self._depth, self._in_string = (0, True) if byte == b'"' else (1, False)
        elif word := _bare_word.match(self._buffer, self._at):
            text = bounded(word[0][:24].decode("utf-8", "replace"))
            self._fault(f"expected a record in braces, found {text!r}")
            self._pass_word()
        else:
            self._break(f'there is a "{byte.decode()}" here that belongs to nothing before it')

    def _pass_word(self) -> None:
        """Skip a number, a `null` or the like, which may go on in the next block."""
        self._move(_end(_bare_word, self._buffer, self._at))
        self._in_word = self._at == len(self._buffer)

    def _fault(self, message: str) -> None:
        self._batch.append(SourceFault(self._name, self.line, message, index=self._index))

    def _break(self, message: str) -> None:
        self._batch.append(SourceFault(self._name, self.line, message, final=True))
        self._state = _State.BROKEN

    # --- elements, the exact way

    def _walk(self) -> bool:
        """Walk on inside the open element; True if its end was reached, False if more bytes are needed."""
        buffer = self._buffer
        while True:
            if self._in_string:
                end = _end(_rest_of_string, buffer, self._walked)
                if buffer[end : end + 1] != b'"':
                    # Either all was walked, or a backslash is last and its partner comes with the next block.
                    self._walked = end
                    return self._keep()
                self._in_string = False
                self._walked = end + 1
            elif found := _structure.search(buffer, self._walked):
                self._step(found[0])
                self._walked = found.end()
            else:
                self._walked = len(buffer)
                return self._keep()
            if not self._is_inside:
                self._close_element()
                return True

    def _step(self, byte: bytes) -> None:
        if byte == b'"':
            self._in_string = True
        else:
            self._depth += 1 if byte in (b"{", b"[") else -1

    def _keep(self) -> bool:
        """Keep the bytes of an incomplete element, unless it grows beyond what a record may have."""
        if not self._dropping and self._walked - self._at > LARGEST_RECORD:
            self._batch.append(SourceFault(self._name, self._element_line, oversize(), index=self._index))
            self._dropping = True
        if self._dropping:
            self._move(self._walked)
        return False

    def _close_element(self) -> None:
        body, line = self._buffer[self._at : self._walked], self._element_line
        self._move(self._walked)
        if self._dropping:
            self._dropping = False
            return
        reason = describe_broken_json(body)
        if not is_utf8(body):
            reason = INVALID_UTF8
        if reason:
            self._batch.append(SourceFault(self._name, line, reason, body, index=self._index))
            return
        item = item_of(self._name, line, body, self._passed_over, self._index)
        if item is not None:
            self._batch.append(item)

    # --- elements, the fast way

    def _take_many(self) -> bool:
        """Take all elements up to a guessed border in one go; False if there is no border that holds."""
        if self._state not in (_State.FIRST, _State.NEXT) or self._buffer[self._at : self._at + 1] != b"{":
            return False
        limit = len(self._buffer)
        for _ in range(GUESSES):
            border = self._guess(limit)
            if border < 0:
                break
            elements = self._decode(border)
            if elements:
                self._hand_out(elements)
                return True
            limit = border
        # One vain search is enough for a block: another for each of its elements would take forever.
        self._guesses_hold = False
        return False

    def _guess(self, limit: int) -> int:
        """Return the end of the last `}` that has a comma and a `{` behind it before the limit, or -1."""
        brace = limit
        while (brace := self._buffer.rfind(b"{", self._at + 1, brace)) > 0:
            before = self._buffer[max(self._at, brace - BORDER_SPACE) : brace]
            gap = before.rstrip(b" \t\r\n")
            if gap.endswith(b","):
                gap = gap[:-1].rstrip(b" \t\r\n")
                if gap.endswith(b"}"):
                    return brace - len(before) + len(gap)
        return -1

    def _decode(self, border: int) -> list[msgspec.Raw]:
        """Decode all between here and the border; an empty list if those are no complete elements."""
        text = b"".join((b"[", memoryview(self._buffer)[self._at : border], b"]"))
        try:
            return _elements.decode(text) if is_utf8(text) else []
        except (msgspec.DecodeError, RecursionError):
            return []

    def _hand_out(self, elements: list[msgspec.Raw]) -> None:
        for count, raw in enumerate(elements):
            if count and (between := _between.match(self._buffer, self._at)):
                self._move(between.end())
            body, line = bytes(raw), self.line
            self._index += 1
            self._move(self._at + len(body))
            item = item_of(self._name, line, body, self._passed_over, self._index)
            if item is not None:
                self._batch.append(item)
        self._state = _State.COMMA
