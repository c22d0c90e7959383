"""Why a source cannot be read at all.

Owns the errors that end the reading of a source. Their text is written for the person at the command line: it
names the file or the address and what to do, and never holds an API key. What is wrong with one record is no
error but a `SourceFault` (`records.py`). Must not know how a source is read.
"""


class SourceError(Exception):
    """A source cannot be read, or not to its end. The text names it, and holds no secret."""


class SourceMissing(SourceError):  # noqa: N818  (names say what is the matter, as the errors of the domain do)
    """There is no such file or folder, or a folder holds nothing that can be imported."""


class SourceUnreadable(SourceError):  # noqa: N818  (says what is the matter, as the domain's errors do)
    """A file or folder exists but cannot be read: no permission, a failing disk, a file changed meanwhile."""


class SpoolUnwritable(SourceError):  # noqa: N818  (says what is the matter, as the domain's errors do)
    """A file that was checked cannot be kept until it is written: no room left, or no permission."""


class SourceAddressInvalid(SourceError):  # noqa: N818  (says what is the matter, as the domain's errors do)
    """What was given as a source is an address that cannot be used."""


class ServerRefused(SourceError):  # noqa: N818  (says what is the matter, as the domain's errors do)
    """A server will not serve this: a 4xx, a redirect elsewhere. Asking again will not help."""


class ServerUnavailable(SourceError):  # noqa: N818  (says what is the matter, as the domain's errors do)
    """A server cannot be reached, or stays unable to answer. Asking again later may help."""


class ServerAnswerInvalid(SourceError):  # noqa: N818  (says what is the matter, as the domain's errors do)
    """A server answered with no page of records, or sends us in circles or to another server."""
