"""Every list of a Harvest v1 server, from the address of the server alone.

Owns which addresses stand for a whole server, and the order in which its lists are read. Must not know how a list is
read, or what is in it.
"""

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from rowen.api.v1.catalogue import CATALOGUE
from rowen.app.archive import KEPT
from rowen.app.records import APPLICATIONS, CANDIDATES, INTERVIEWS, JOB_STAGES, JOBS, SCORECARDS, USERS
from rowen.imports.sources.retries import RetryPolicy
from rowen.imports.sources.server import ServerSource

_SERVED: Final = tuple(
    f"/v1/{name}" for name in (USERS, JOBS, JOB_STAGES, CANDIDATES, APPLICATIONS, INTERVIEWS, SCORECARDS)
)
_ARCHIVED: Final = tuple(call.path for call in CATALOGUE if call.action == "list" and call.resource in KEPT)
LISTS: Final = (*_SERVED, *_ARCHIVED)
"""The paths of the lists of a server: first those that others refer to."""

_QUERIES: Final = {f"/v1/{USERS}": "user_attributes=true"}  # the custom fields of users, which are left out otherwise

UNLISTED: Final = tuple(
    name for name in KEPT if not any(call.action == "list" and call.resource == name for call in CATALOGUE)
)
"""What a server lists only below each user or candidate: it is not asked for, as that takes a request for each."""


def server_sources(
    address: str, key: str | None = None, retry_policy: RetryPolicy | None = None
) -> Sequence[ServerSource]:
    """Return the source of a list, or if the address is that of a whole server those of all its lists.

    `key` is the API key where the address has none. A list of a whole server that is refused is left out. Raises
    SourceAddressError.
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # the source itself refuses it, without showing the key in it
        return [ServerSource(address, key=key, retry_policy=retry_policy)]
    path = parts.path.rstrip("/")
    if path and not path.endswith("/v1"):
        return [ServerSource(address, key=key, retry_policy=retry_policy)]
    base, sources = path.removesuffix("/v1"), []
    for each in LISTS:
        query = "&".join(filter(None, (parts.query, _QUERIES.get(each))))
        one = urlunsplit(parts._replace(path=base + each, query=query))
        sources.append(ServerSource(one, key=key, retry_policy=retry_policy, optional=True))
    return sources


SourcesOfServer = Callable[[str], Sequence[ServerSource]]
"""Returns the sources of the address of a list or of a server."""
