"""Compressing responses with gzip (RFC 9110 section 12.5.3).

Owns whether a client accepts gzip and which bodies are worth it. Must not know what is compressed.
"""

from functools import lru_cache
from typing import Final

from isal import igzip

_SMALLEST: Final = 1_400  # a body that fits one packet gains nothing
_LEVEL: Final = 1


@lru_cache(maxsize=128)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Return whether an `Accept-Encoding` header allows gzip."""
    quality = {"gzip": 0.0, "*": 0.0}
    named = set()
    for part in accept_encoding.decode("latin-1").lower().split(","):
        name, _, weight = part.strip().partition(";")
        name = {"x-gzip": "gzip"}.get(name.strip(), name.strip())
        named.add(name)
        try:
            quality[name] = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality[name] = 0.0
    return (quality["gzip"] if "gzip" in named else quality["*"]) > 0


def compress(body: bytes) -> bytes | None:
    """Return the compressed body, or None if that is not worth it."""
    if len(body) < _SMALLEST:
        return None
    return bytes(igzip.compress(body, compresslevel=_LEVEL, mtime=0))
