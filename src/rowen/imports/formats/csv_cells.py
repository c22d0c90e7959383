"""Text in the cells of CSV files.

Owns the escaping that keeps spreadsheets from running text as a formula, and the mark of their UTF-8. Must not know
columns or records.

A spreadsheet evaluates a cell that begins with `=`, `+`, `-` or `@`, with one of their full-width variants, or with
a tab or line break and then one of these. Some programs first drop white space, invisible characters or quotes; and
a program that separates cells by semicolons or tabs begins a cell in the middle of ours. An apostrophe before the
dangerous character makes the cell plain text (OWASP, "CSV Injection"). Text that already has apostrophes there gets
one more, so that reading removes exactly the one that writing added.
"""

import re
from typing import Final

UTF8_MARK: Final = b"\xef\xbb\xbf"
"""The byte-order mark: with it spreadsheets read a file as UTF-8. Other files may begin with it, too."""

_FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207b\u207c\u208a\u208b\u208c\u2212"
_IGNORED: Final = '\\s"\\x00-\\x1f\\x7f-\\xa0\\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff'

# The second and third alternatives consume what needs no escape: without them a long run of white space would be
# scanned again from each of its characters.
_TOKENS: Final = re.compile(
    f"(?P<lead>[{_IGNORED};]*+)(?P<quotes>'*+)(?P<formula>[{_FORMULA}])|[{_IGNORED};]++'*+|[^{_IGNORED};]++"
)
_START: Final = re.compile(f"[{_IGNORED}]*+'*+[{_FORMULA}]")
_BEGINS_CELL: Final = re.compile(r"[;\t\r\n]")
_HEAD: Final = re.compile(r"'*+(?:[\t\r\n]|\Z)")


def escape(text: str) -> str:
    """Return text as it is written into a cell. Only an empty cell means None: empty text becomes an apostrophe."""
    if _may_hold_formula(text):
        text = _TOKENS.sub(_escaped, text)
    return f"'{text}" if _HEAD.match(text) else text


def unescape(cell: str) -> str:
    """Return the text that `escape` made a cell of. Text that was never escaped is almost always returned unchanged."""
    if "'" not in cell:
        return cell
    if cell.startswith("'") and _HEAD.match(cell):
        cell = cell[1:]
    return _TOKENS.sub(_unescaped, cell) if _may_hold_formula(cell) else cell


def _may_hold_formula(text: str) -> bool:
    """Return whether any part of the text may begin with a formula: a cheap test that almost no text passes."""
    return _BEGINS_CELL.search(text) is not None or _START.match(text) is not None


def _escaped(token: re.Match[str]) -> str:
    return f"{token['lead']}{token['quotes']}'{token['formula']}" if _is_formula(token) else token[0]


def _unescaped(token: re.Match[str]) -> str:
    return f"{token['lead']}{token['quotes'][1:]}{token['formula']}" if _is_formula(token) else token[0]


def _is_formula(token: re.Match[str]) -> bool:
    """Return whether the token begins a cell, in this program or in one that separates cells differently."""
    return token["formula"] is not None and (token.start() == 0 or _BEGINS_CELL.search(token["lead"]) is not None)
