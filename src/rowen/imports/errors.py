"""The errors that end the reading of a source.

Owns the errors of sources that cannot be read at all. Their text is for the person at the command line: it names the
file or the address and what to do, and never contains an API key. A single bad record is not an error but a
`SourceFault` (`items.py`). Must not know how a source is read.
"""


class SourceError(Exception):
    """A source cannot be read, or not completely. The text names it and contains no secret."""


class SourceMissingError(SourceError):
    """The file or folder does not exist, or the folder contains nothing that can be imported."""


class SourceUnreadableError(SourceError):
    """A file or folder exists but cannot be read: no permission, a disk error, or the file changed meanwhile."""


class SpoolWriteError(SourceError):
    """Checked records cannot be stored until they are imported: the disk is full, or there is no permission."""


class SourceAddressError(SourceError):
    """The address given as a source cannot be used."""


class ServerRefusedError(SourceError):
    """A server refuses the request: a 4xx, or a redirect to another server. Trying again will not help."""


class ListRefusedError(ServerRefusedError):
    """A server has no such list, or the key may not read it: a 404 or a 403. Other lists of it may be read."""


class ServerUnavailableError(SourceError):
    """A server cannot be reached, or keeps failing. Trying again later may help.

    `retry_after` is how many seconds later the server asks for, if it does.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerResponseError(SourceError):
    """A server's response is not a page of records, or its links lead in a circle or to another server."""


class StreamBrokenError(Exception):
    """A stream cannot be read further because of its content; the text says what is wrong with the file."""
