"""Refusals of a name that does not exist, with suggestions.

Owns the search for similar names. Must not know where names are stored.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from rowen.app.clients import Client
from rowen.app.keys import ApiKey
from rowen.interviews.errors import Code, Refusal

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


def unknown_name(kind: str, name: str, organization: str, existing: Sequence[ApiKey] | Sequence[Client]) -> Refusal:
    """Return the refusal of a name that none of `existing`, keys or clients, has in force; `kind` is their noun."""
    own = [each for each in existing if each.organization == organization]
    revoked = next((each.revoked_at for each in own if each.name == name and each.revoked_at is not None), None)
    if revoked is not None:
        return Refusal(Code.CONFLICT, f"{kind} {name!r} of organization {organization!r} was revoked on {revoked}")
    elsewhere = [each.organization for each in existing if each.name == name and each.revoked_at is None]
    known = [each.name for each in own if each.revoked_at is None]
    rest = f", but {elsewhere[0]!r} does" if elsewhere else alternatives(name, known).rstrip(".")
    return Refusal(Code.NOT_FOUND, f"organization {organization!r} has no {kind} {name!r}{rest}")


def _similar(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names that are similar to a name, the most similar first; case does not count."""
    by_folded = {each.casefold(): each for each in known}
    return [by_folded[each] for each in get_close_matches(name.casefold(), by_folded, cutoff=0.7)]
