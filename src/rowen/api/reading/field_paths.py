"""The paths of problems.

Owns how the path of a field in a body is written. Must not know how anything is read.
"""

from rowen.interviews.errors import LONGEST_QUOTE


def inside(path: str, name: str) -> str:
    """Return the path of a field in the object at `path`; a misleading or long name is escaped and cut."""
    if name.isprintable() and len(name) <= LONGEST_QUOTE:  # the common case: this runs for every field of a write
        return f"{path}.{name}" if path else name
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name[:LONGEST_QUOTE])
    return f"{path}.{shown}" if path else shown
