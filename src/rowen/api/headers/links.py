"""The `Link` header of a list.

Owns its exact form (RFC 8288, as the live service writes it; contract section 2, "Pages"). Must not know what is
listed.
"""

import re
from collections.abc import Sequence
from typing import Final

from rowen.interviews.query import PageRequest

# Clients split the header at commas and read up to the first ">"; the rest is what RFC 3986 allows in no URL.
_UNSAFE: Final = re.compile(r"[^!$%&'()*+\-./0-9:;=?@A-Z_a-z~]")


def link_header(
    address: str,
    echo: Sequence[str],
    request: PageRequest,
    *,
    total: int | None,
    following: int | None,
    as_of: int | None = None,
) -> str | None:
    """Return the header, or None if there is only one page.

    `address` is the list's URL without its query, `echo` the parameters to repeat, `total` how many records match (None
    where not counted), `following` the id after which the next page begins (None where this is the last), `as_of` the
    time after which a sync's next page leaves out changes.
    """
    last = None if total is None else -(-total // request.size)
    if last is not None and last <= 1 and following is None:
        return None
    start = f"<{address}?" + "".join(f"{_safe(parameter)}&" for parameter in echo)
    end = f"&per_page={request.size}"
    links = []
    if following is not None:
        bound = "" if as_of is None else f"&as_of={int(as_of)}"
        links.append(f'{start}page={request.number + 1}{end}&after={following}{bound}>; rel="next"')
    if request.number > 1:
        previous = request.number - 1 if last is None else min(request.number - 1, last)
        links.append(f'{start}page={previous}{end}>; rel="prev"')
    if last is not None:
        links.append(f'{start}page={last}{end}>; rel="last"')
    return ",".join(links) or None


def _safe(parameter: str) -> str:
    return _UNSAFE.sub(lambda unsafe: "".join(f"%{byte:02X}" for byte in unsafe[0].encode("latin-1")), parameter)
