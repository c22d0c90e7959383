"""Addresses of PostgreSQL databases, as libpq, managed services and other programs write them.

Owns the meaning of each parameter of an address. Must not know what a connection is used for. A parameter that protects
the connection is honoured, replaced by something stronger, or refused by name, and never ignored.
"""

import re
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import asyncpg

_LONGEST_SECONDS: Final = 60
_SYSTEM: Final = "system"  # libpq's word for the certificate authorities that this machine trusts
_VERIFIED: Final = "verify-full"
_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", _VERIFIED),
    "target_session_attrs": ("any", "primary", "read-write", "standby", "read-only", "prefer-standby"),
    "channel_binding": ("disable", "prefer", "require"),
    "sslnegotiation": ("postgres", "direct"),
}
_HONOURED: Final = frozenset(
    {
        "host",
        "port",
        "dbname",
        "database",
        "user",
        "password",
        "passfile",
        "service",
        "sslmode",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslnegotiation",
        "sslcrl",
        "sslpassword",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
        "options",
        "connect_timeout",
    }
)
_HARMLESS: Final[Mapping[str, tuple[str, ...]]] = {
    # Sessions have a fixed name by which nodes find one that hangs.
    "application_name": (),
    "fallback_application_name": (),
    # Statements and connections have time limits, which detect a dead peer sooner.
    "keepalives": (),
    "keepalives_idle": (),
    "keepalives_interval": (),
    "keepalives_count": (),
    "tcp_user_timeout": (),
    # Replicas are named by --replica, and writing needs the primary.
    "load_balance_hosts": (),
    # The encoding is always UTF-8, and nothing is compressed.
    "client_encoding": ("utf8", "utf-8", "unicode", "auto"),
    "sslcompression": (),
    "sslsni": ("1",),
    "sslcertmode": ("allow",),
    "gssencmode": ("disable", "prefer"),
    # For other programs: a pooler is detected, and the pool is Rowen's own.
    "pgbouncer": (),
    "connection_limit": (),
    "pool_timeout": (),
    "socket_timeout": (),
    "statement_cache_size": (),
    "supa": (),
    "workaround": (),
    "uselibpqcompat": (),
    "schema": ("public",),
}
"""Parameters without effect here, with the values for which that is so; an empty tuple means all values."""

_INSTEAD: Final[Mapping[str, str]] = {
    "ssl": "write sslmode=require or sslmode=verify-full",
    "sslaccept": "write sslmode=verify-full",
    "schema": "write options=-csearch_path%3DNAME",
    "require_auth": "it cannot be honoured: leave the choice to pg_hba.conf, or use sslmode=verify-full",
    "requirepeer": "it cannot be honoured",
    "sslcrldir": "it cannot be honoured: write sslcrl=FILE",
    "hostaddr": "it cannot be honoured: name the address as host",
    "gssencmode": "encryption by GSSAPI cannot be honoured: use sslmode=verify-full",
}
_GUARDS: Final = re.compile(r"ssl|gss|channel|require|krb|scram|oauth", re.IGNORECASE)
_SETTING: Final = re.compile(r"[a-z_]+(\.[a-z_]+)?")


def read_parameters(query: str) -> str:
    """Return the parameters of an address in the form that `connect` takes. Raises ValueError naming the bad one."""
    try:
        found = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise ValueError("what follows ? must look like sslmode=require&connect_timeout=10") from None
    kept: dict[str, str] = {}
    for name, value in found:
        if name in kept:
            raise ValueError(f"names {name} twice")
        if not value:
            raise ValueError(f"gives {name} no value")
        _require_known(name, value)
        kept[name] = value
    if kept.get("channel_binding") == "require":
        _verify_instead(kept)
    if kept.get("sslrootcert") == _SYSTEM and kept.setdefault("sslmode", _VERIFIED) != _VERIFIED:
        raise ValueError("sslrootcert=system needs sslmode=verify-full: anybody can get a certificate of some name")
    return urlencode(
        {name: value for name, value in kept.items() if name not in _HARMLESS and name != "channel_binding"},
        quote_via=quote,
    )


def _require_known(name: str, value: str) -> None:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise ValueError(f"{name} must be one of {', '.join(_CHOICES[name])}")
    elif name == "connect_timeout":
        if not value.isascii() or not value.isdigit():
            raise ValueError("connect_timeout must be a number of seconds")
    elif name in _HARMLESS:
        if _HARMLESS[name] and value.lower() not in _HARMLESS[name]:
            raise ValueError(f"cannot have this {name}: {_INSTEAD.get(name, 'it cannot be honoured')}")
    elif name in _INSTEAD:
        raise ValueError(f"cannot have {name}: {_INSTEAD[name]}")
    elif name not in _HONOURED and (_GUARDS.match(name) or not _SETTING.fullmatch(name)):
        raise ValueError(f"has an unknown parameter: {name}")


def _verify_instead(parameters: dict[str, str]) -> None:
    """Require verification of the server's certificate instead of channel binding, which the driver lacks.

    Both prevent a man in the middle: this is never weaker than requested.
    """
    if parameters.get("sslmode") == "disable":
        raise ValueError("channel_binding=require and sslmode=disable contradict each other")
    parameters["sslmode"] = _VERIFIED
    parameters.setdefault("sslrootcert", _SYSTEM)


def database_name(address: str) -> str:
    """Return the hosts and the database of an address, `db.internal:5432/rowen`: without user, password, parameters."""
    parts = urlsplit(address)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


async def connect(address: str, seconds: float, **options: Any) -> asyncpg.Connection:
    """Connect to one server, within `seconds` unless the address has a limit of its own.

    Raises what asyncpg raises, and OSError.
    """
    parts = urlsplit(address)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    asked = int(parameters.pop("connect_timeout", 0))  # libpq takes a missing value and 0 as no limit
    if parameters.get("sslrootcert") == _SYSTEM:
        del parameters["sslrootcert"], parameters["sslmode"]
        options["ssl"] = _trusting_system(parameters)
    bare = parts._replace(query=urlencode(parameters, quote_via=quote)).geturl()
    connection: asyncpg.Connection = await asyncpg.connect(
        bare, timeout=min(asked, _LONGEST_SECONDS) or seconds, **options
    )
    return connection


def _trusting_system(parameters: dict[str, str]) -> ssl.SSLContext:
    """Return a context that verifies a server's certificate and name by the authorities that this machine trusts.

    The driver ignores the address's other TLS parameters when it gets a context: all of them are handled here.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["postgresql"])  # required for sslnegotiation=direct
    certificate, key = parameters.pop("sslcert", None), parameters.pop("sslkey", None)
    if certificate is not None:
        context.load_cert_chain(certificate, key, parameters.pop("sslpassword", ""))
    if (revoked := parameters.pop("sslcrl", None)) is not None:
        context.load_verify_locations(revoked)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    context.minimum_version = _version(parameters.pop("ssl_min_protocol_version", "TLSv1.2"))
    if (highest := parameters.pop("ssl_max_protocol_version", None)) is not None:
        context.maximum_version = _version(highest)
    return context


def _version(name: str) -> ssl.TLSVersion:
    try:
        return _VERSIONS[name]
    except KeyError:
        raise asyncpg.exceptions.ClientConfigurationError(
            f"a TLS version must be one of {', '.join(_VERSIONS)}"
        ) from None
