"""Suggestions for a name that does not exist.

Owns the search for similar names. Must not know what is named.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

_MOST_NAMED: Final = 5


def alternatives(name: str, known: Sequence[str]) -> str:
    """Return the end of a sentence with suggestions for a name: similar names, or else some of the known ones."""
    near = _similar(name, known)
    if near:
        return f". Did you mean {' or '.join(map(repr, near))}?"
    if not known:
        return "."
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return f", only {', '.join(map(repr, known[:_MOST_NAMED]))}{more}."


def _similar(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names that are similar to a name, the most similar first; case does not count."""
    by_folded = {each.casefold(): each for each in known}
    return [by_folded[each] for each in get_close_matches(name.casefold(), by_folded, cutoff=0.7)]
