"""The walk from page to page of a list.

Owns the reading of `Link` (RFC 8288), and the detection of walks that make no progress. Must not know how pages are
requested, or what they contain.
"""

import re
from typing import Final

MOST_EMPTY: Final = 100
"""How many empty pages with a next link may follow each other."""
MOST_REPEATED: Final = 10
"""How many pages may equal an earlier one: a record inserted meanwhile can shift another to the next page."""

_link: Final = re.compile(r'<([^<>]*)>((?:"[^"]*"|[^",<])*)')
_parameter: Final = re.compile(r""";\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))""")


def next_link(header: str) -> str | None:
    """Return the target of the link with the relation `next` in a `Link` header, or None if there is none."""
    # The parser of httpx splits targets at the semicolons and commas in them.
    for target, parameters in _link.findall(header):
        for name, quoted, plain in _parameter.findall(parameters):
            if name.lower() == "rel" and "next" in (quoted or plain).lower().split():
                return str(target)
    return None


class PageWalk:
    """Detects a walk without progress, in constant memory.

    Addresses and pages are compared with a landmark that is set again after 1, 2, 4, 8 … pages (Brent), so that a
    circle of any length is found.
    """

    def __init__(self, first_url: str) -> None:
        self._landmark_url = first_url
        self._landmark_page: bytes | None = None
        self._pages = 0
        self._interval = 1
        self._empty = 0
        self._repeated = 0

    def fault_of(self, next_url: str | None, page: bytes | None) -> str | None:
        """Take the digest of a page (None for an empty one) and the next address; return what is wrong, or None."""
        if next_url is None:
            return None
        self._pages += 1
        self._empty = 0 if page else self._empty + 1
        self._repeated += page is not None and page == self._landmark_page
        if next_url == self._landmark_url:
            return "the server's next pages lead in a circle"
        if self._empty > MOST_EMPTY:
            return f"the server has sent {self._empty} empty pages, each with a next one"
        if self._repeated > MOST_REPEATED:
            return f"the server has sent the same page {self._repeated} times under different addresses"
        if self._pages == self._interval:
            self._landmark_url, self._landmark_page, self._interval = next_url, page, self._interval * 2
        return None
