"""How a client addresses this server.

Owns reading the scheme, the host and the peer from a request, also behind a proxy. Must not know the rest of a request.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

from starlette.types import Scope

RequestHeaders = Mapping[bytes, bytes]
"""The headers of a request, by lower-case name."""

_HOST: Final = re.compile(rb"[A-Za-z0-9._\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_SCHEMES: Final = {b"http": "http", b"https": "https"}


def joined_headers(scope: Scope) -> RequestHeaders:
    """Return the headers; the values of repeated ones are joined by commas (RFC 9110 section 5.3)."""
    found: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(found)
    if len(headers) != len(found):
        values: dict[bytes, list[bytes]] = {}
        for name, value in found:
            values.setdefault(name, []).append(value)
        headers = {name: b", ".join(each) for name, each in values.items()}
    return headers


def scheme(scope: Scope, headers: RequestHeaders) -> str:
    """Return the scheme that the client used, according to its proxy if there is one."""
    forwarded = headers.get(b"x-forwarded-proto")
    if forwarded is not None:
        forwarded = forwarded.partition(b",")[0].strip().lower()
    return _SCHEMES.get(forwarded or b"") or str(scope["scheme"])


def origin(scope: Scope, headers: RequestHeaders) -> str:
    """Return `scheme://host` as the client addressed it; our own address if it sent no usable host."""
    host = _host(headers.get(b"host", b""))
    if not host:
        name, port = scope.get("server") or ("127.0.0.1", None)
        host = f"[{name}]" if ":" in name else name
        if port:
            host = f"{host}:{port}"
    return f"{scheme(scope, headers)}://{host}"


@lru_cache(maxsize=256)
def _host(value: bytes) -> str:
    """Return the `Host` if it is well-formed, or else empty text: in links anything else could do harm."""
    return value.decode() if _HOST.fullmatch(value) else ""


def is_loopback(scope: Scope) -> bool:
    """Return whether the connection comes from this machine."""
    client = scope.get("client")
    if client is None:
        return False
    address = ip_address(client[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None  # for a server that listens on `::`
    return (mapped or address).is_loopback
