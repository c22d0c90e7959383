"""The addresses that webhooks may be sent to.

Owns what a webhook's URL looks like and which network addresses are public. Must not know DNS or sockets: names are
resolved elsewhere, and every resolved address is checked here. Only addresses that are known to be public are accepted.
"""

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple

Address = IPv4Address | IPv6Address

LONGEST_URL: Final = 2_000

_URL: Final = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<target>[^#]*)", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME: Final = 253
_PORTS: Final = {"http": 80, "https": 443}

_NAMES_OF_THIS_MACHINE: Final = re.compile(r"(?:.+\.)?(?:localhost|localdomain|local|internal)")
"""RFC 6761, RFC 6762 and the name that ICANN reserves for private networks: their addresses are never public."""

_CLOSED_V4: Final = tuple(
    map(
        IPv4Network,
        (
            # The IANA registry of special-purpose addresses, and addresses that are not for unicast.
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4"),
            "168.63.129.16/32",  # Azure's host of a virtual machine: an address like any other
        ),
    )
)
_OPEN_V6: Final = IPv6Network("2000::/3")  # everything that is assigned; the rest is special, or embeds another address
_CLOSED_V6: Final = tuple(
    map(
        IPv6Network,
        (
            *("2001::/23", "2001:db8::/32", "3fff::/20", "2620:4f:8000::/48"),  # Teredo is in the first
            "2002::/16",  # 6to4
        ),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


class InvalidUrlError(ValueError):
    """A URL that nothing may be sent to; the message completes the sentence "url …"."""


class Target(NamedTuple):
    """A parsed URL: `host` in lower case without brackets; `target` is the path and query, as written."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def literal(self) -> Address | None:
        """The address, if the host is one and not a name."""
        return read_address(self.host)


def read_url(url: str) -> Target:
    """Return a webhook's URL, parsed. Raises InvalidUrlError if two parsers could understand it differently."""
    if len(url) > LONGEST_URL:
        raise InvalidUrlError(f"Must be no longer than {LONGEST_URL} characters")
    if _PRINTABLE.fullmatch(url) is None or "\\" in url:
        raise InvalidUrlError("Must be of printable ASCII without spaces: percent-encode the rest")
    found = _URL.fullmatch(url)
    if found is None:
        raise InvalidUrlError("Must be an http or https URL without a fragment")
    if "@" in found["authority"]:
        raise InvalidUrlError("Must not hold a user name or password")
    authority = _AUTHORITY.fullmatch(found["authority"])
    if authority is None:
        raise InvalidUrlError("Must have a host, and a port from 1 to 65535 if any")
    scheme = found["scheme"].lower()
    port = _PORTS[scheme] if authority["port"] is None else int(authority["port"])
    if not 1 <= port <= 65_535:
        raise InvalidUrlError("Must have a port from 1 to 65535")
    target = found["target"]
    return Target(scheme, _read_host(authority["host"].lower()), port, target if target[:1] == "/" else f"/{target}")


def _read_host(host: str) -> str:
    if host.startswith("["):
        return _read_v6(host[1:-1])
    labels = host.split(".")
    if len(host) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidUrlError("Must have a host name in ASCII, such as hooks.example.com")
    if _NUMBER.fullmatch(labels[-1]):
        # Some parsers take a name that ends in a number for an address, in octal or with parts left out.
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise InvalidUrlError("Must have an IPv4 address of four decimal numbers, or a host name") from None
    return host


def _read_v6(text: str) -> str:
    try:
        if "%" not in text:
            return str(IPv6Address(text))
    except AddressValueError:
        pass
    raise InvalidUrlError("Must have an IPv6 address without a zone in its brackets")


def read_address(host: str) -> Address | None:
    """Return the address, if the host is one and not a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_local_name(host: str) -> bool:
    """Return whether a host name stands for this machine or its network, whatever DNS returns."""
    return _NAMES_OF_THIS_MACHINE.fullmatch(host) is not None


def is_public(address: Address) -> bool:
    """Return whether an address is a public unicast address that embeds no other address.

    Only NAT64 is looked through: a machine without IPv4 reaches every IPv4 receiver by it.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    if address.scope_id is None and address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.scope_id is not None or address not in _OPEN_V6 or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return False
    return not any(address in network for network in _CLOSED_V6)


class AllowedHosts:
    """The hosts that the operator allows by name, whatever their addresses."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = frozenset(_normal(host) for host in hosts)

    def __contains__(self, host: str) -> bool:
        return host in self._hosts


def allowed_host(url: str, hosts: Iterable[str]) -> str | None:
    """Return the host of a URL if it is among those allowed; None if it is not, or if the URL is not valid."""
    try:
        host = read_url(url).host
    except InvalidUrlError:
        return None
    return host if host in AllowedHosts(hosts) else None


def _normal(host: str) -> str:
    bare = host.strip().lower().removeprefix("[").removesuffix("]")
    address = read_address(bare)
    return bare if address is None else str(address)
