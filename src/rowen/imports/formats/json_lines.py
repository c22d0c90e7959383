"""Splitting JSON Lines into records.

Owns the splitting of blocks of bytes at line ends, with line numbers, in constant memory. Must not know where blocks
come from.
"""

from collections import Counter

from rowen.imports.formats.envelopes import INVALID_UTF8, describe_broken_json, is_utf8, item_of, oversize
from rowen.imports.items import LARGEST_RECORD, Batch, Item, SourceFault, SourceRecord


class LineSplitter:
    """Takes a file block by block and returns the records of the lines that are complete.

    `line` is the number of the line on which the next block begins. Blank lines are skipped; lines may end in a line
    feed with or without a carriage return.
    """

    def __init__(self, name: str, skipped: Counter[str], first_line: int = 1) -> None:
        self.line = first_line
        self._name = name
        self._passed_over = skipped
        self._carry = b""
        self._skipping = False
        self._has_gaps = False

    def feed(self, block: bytes) -> Batch:
        """Take the next bytes and return the records that they complete."""
        cut = block.rfind(b"\n")
        if cut < 0:
            return self._hold(block)
        if self._skipping:
            block, cut = self._skip(block, cut)
            if cut < 0:
                return self._hold(block)
        complete = self._carry + block[:cut]
        self._carry = b""
        batch = self._split(complete)
        if rest := self._hold(block[cut + 1 :]):
            batch += rest
        return batch

    def finish(self) -> Batch:
        """Return the record that the end of the file completes: a last line without a line feed."""
        last, self._carry = self._carry, b""
        if self._skipping or not last.strip():
            return []
        reason = describe_broken_json(last.strip())
        if reason is None or not is_utf8(last):
            return self._split(last)
        if last.lstrip().startswith(b"{"):
            reason += "; the file may be incomplete: it ends here"
        return [SourceFault(self._name, self.line, reason, last)]

    def _hold(self, rest: bytes) -> Batch:
        """Keep the beginning of a line, unless it exceeds the limit of a record."""
        if self._skipping:
            return []
        self._carry += rest
        if len(self._carry) <= LARGEST_RECORD:
            return []
        self._carry, self._skipping = b"", True
        return [SourceFault(self._name, self.line, oversize())]

    def _skip(self, block: bytes, cut: int) -> tuple[bytes, int]:
        """Drop the rest of a line that is too long."""
        self._skipping = False
        self.line += 1
        end = block.index(b"\n") + 1
        return block[end:], cut - end

    def _split(self, complete: bytes) -> Batch:
        lines = complete.replace(b"\r\n", b"\n").split(b"\n")
        first, self.line = self.line, self.line + len(lines)
        name = self._name
        if not is_utf8(complete):
            return self._check_each(lines, first)
        self._has_gaps = False
        # The test of is_plain() is inlined: a call for each line would cost more than all the rest.
        batch = [
            SourceRecord(name, number, line)
            if line.startswith(b'{"id"') and line.endswith(b"}")
            else self._item(number, line)
            for number, line in enumerate(lines, first)
        ]
        if self._has_gaps or len(complete) > LARGEST_RECORD:
            return [self._within_limit(item) for item in batch if item is not None]
        return batch  # type: ignore[return-value]  # no None is left in it

    def _within_limit(self, item: Item) -> Item:
        if isinstance(item, SourceRecord) and len(item.body) > LARGEST_RECORD:
            return SourceFault(self._name, item.line, oversize())
        return item

    def _check_each(self, lines: list[bytes], first: int) -> Batch:
        items: list[Item | None] = []
        for number, line in enumerate(lines, first):
            if is_utf8(line):
                items.append(self._item(number, line))
            else:
                items.append(SourceFault(self._name, number, INVALID_UTF8, line))
        return [item for item in items if item is not None]

    def _item(self, number: int, line: bytes) -> Item | None:
        stripped = line.strip()
        item = item_of(self._name, number, stripped, self._passed_over) if stripped else None
        self._has_gaps |= item is None
        return item
