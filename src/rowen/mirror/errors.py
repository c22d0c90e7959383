"""Why an account cannot be read.

Owns the errors of a mirror beside those of the import of a server. Their text contains no secret.
"""

from rowen.imports.errors import SourceError


class StoppedError(Exception):
    """The mirror was asked to stop while it waited."""


class CursorLostError(SourceError):
    """The account no longer knows a cursor: its list has to be read from the beginning."""


class LeaderLostError(Exception):
    """Another process mirrors the organization by now."""
