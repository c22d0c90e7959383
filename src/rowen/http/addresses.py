"""Who is calling, and how they address us.

Owns reading the scheme, the host and the caller from a request, behind a proxy too. Must not know what is asked.
"""

import re
from ipaddress import ip_address
from typing import Final

from starlette.types import Scope

_HOST: Final = re.compile(r"[A-Za-z0-9._\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def header(scope: Scope, name: bytes) -> str:
    """Return a header's first value; empty where there is none."""
    for found, value in scope["headers"]:
        if found == name:
            return str(value, "latin-1")
    return ""


def scheme(scope: Scope) -> str:
    """Return the scheme that the client used, as its proxy tells if there is one."""
    forwarded = header(scope, b"x-forwarded-proto").partition(",")[0].strip().lower()
    return forwarded if forwarded in {"http", "https"} else str(scope["scheme"])


def origin(scope: Scope) -> str:
    """Return `scheme://host` as the client addressed it; our own address where it sent no usable host."""
    host = header(scope, b"host")
    if _HOST.fullmatch(host) is None:
        name, port = scope.get("server") or ("127.0.0.1", None)
        host = f"[{name}]" if ":" in name else name
        if port:
            host = f"{host}:{port}"
    return f"{scheme(scope)}://{host}"


def is_loopback(scope: Scope) -> bool:
    """Tell whether the connection comes from this machine."""
    client = scope.get("client")
    return client is not None and ip_address(client[0]).is_loopback
