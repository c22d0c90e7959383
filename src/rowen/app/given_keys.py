"""API keys that another system made, stored so that its clients need no new one.

Owns which texts can be a key. No message quotes the text. Must not know where it comes from.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from rowen.app.keys import PERMISSIONS, NewKey, expanded, stored_key
from rowen.interviews.errors import Code, FieldProblem, Refusal

_SHORTEST: Final = 24  # hexadecimal: 96 bits, of which 80 remain if four characters are known
_LONGEST: Final = 255
_FEWEST_DIFFERENT: Final = 8


def given_key(name: str, key: str, *, allow: Iterable[str] = (), rate_limit: int | None = None) -> NewKey:
    """Return the record to store for a key that another system made, with permissions as for `new_key`.

    Raises Refusal (invalid) for a text that clients cannot send as a user name, or that can be guessed.
    """
    wrong = _unusable(key) or _guessable(key)
    if wrong is not None:
        raise Refusal(Code.INVALID, "unusable key", (FieldProblem("the key", wrong),))
    return stored_key(name, key, expanded(allow) or frozenset(PERMISSIONS), rate_limit)


def _unusable(key: str) -> str | None:
    """Return why clients cannot send a key as a user name (RFC 7617 section 2), worded to follow "the key"."""
    if not key:
        return "Is empty"
    if not key.isascii() or not key.isprintable():
        return "Must be one line of printable ASCII characters"
    for character, name in ((" ", "spaces"), (":", "colons")):
        if character in key:
            return f"Must not contain {name}"
    return f"Must have at most {_LONGEST} characters" if len(key) > _LONGEST else None


def _guessable(key: str) -> str | None:
    """Return why a key is too weak: only a plain SHA-256 protects it, and attempts to log in are not limited."""
    if len(key) < _SHORTEST:
        return f"Must have at least {_SHORTEST} characters (it has {len(key)})"
    different = len(set(key))
    if different < _FEWEST_DIFFERENT:
        return f"Must have at least {_FEWEST_DIFFERENT} different characters (it has {different})"
    if key in (key + key)[1:-1]:
        return "Must not be a shorter text repeated"
    steps = [ord(following) - ord(character) for character, following in pairwise(key)]
    if max(map(steps.count, set(steps))) > len(steps) // 2:
        return "Must be random, not a sequence"
    return None
