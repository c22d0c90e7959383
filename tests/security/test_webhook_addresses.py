"""Webhooks lead to the internet, and nowhere else (server-side request forgery), unless the operator allows it."""

import ssl
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from itertools import chain

import pytest

from rowen import wiring
from rowen.app.delivery_attempts import AttemptResult, WebhookMessage
from rowen.app.subscriptions import new_secret
from rowen.webhooks.addresses import Address, AllowedHosts, InvalidUrlError, is_public, read_url
from rowen.webhooks.sender import FORBIDDEN, HttpWebhookSender
from tests.support.receiver import receiving

TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no certificates: reading them takes long
PUBLIC = "93.184.215.14"
MAPPED = "2606:4700:4700::1111"

HOSTILE_ADDRESSES = (
    # This machine, this network, no address and broadcast.
    *("127.0.0.1", "127.1.2.3", "127.255.255.255", "0.0.0.0", "0.1.2.3", "255.255.255.255"),
    *("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"),
    # Clouds serve their secrets here.
    *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("100.64.0.1", "100.127.255.255", "198.18.0.1", "198.19.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1"),
    *("192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "192.0.0.1"),
    *("[::1]", "[::]", "[fe80::1]", "[febf::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[ff0e::1]"),
    # Embedded addresses: mapped, compatible, 6to4, Teredo, NAT64, ISATAP.
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:93.184.215.14]", "[::127.0.0.1]"),
    *("[::ffff:0:127.0.0.1]", "[2002:7f00:1::]", "[2002:0a00:1::1]", "[2002:a9fe:a9fe::]", "[2002:5db8:d70e::]"),
    *("[2001:0:7f00:1::]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]"),
    *("[64:ff9b::10.0.0.1]", "[64:ff9b:1::7f00:1]", "[2606:4700::5efe:7f00:1]", "[2606:4700::200:5efe:a00:1]"),
    *("[100::1]", "[2001:db8::1]", "[3fff::1]", "[2001:10::1]", "[5f00::1]", "[4000::1]", "[fe80::1%25eth0]"),
)
HOSTILE_NAMES = (
    *("localhost", "LOCALHOST", "a.localhost", "localhost.", "127.0.0.1.", "metadata.google.internal", "printer.local"),
    *("localhost.localdomain", "a..b", ".a", "-a.example", "a-.example", "a" * 64 + ".example", "a." * 127 + "com"),
    # Some parsers take these for 127.0.0.1 or another address, and others do not.
    *("2130706433", "017700000001", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1", "127.0.0.01"),
    *("0x7f.0.0.1", "0x", "1", "0", "00000", "127.0.0.1.1", "256.0.0.1", "0.0x7f", "169.254.43518", "a.0x1"),
    *(
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "bücher.example",
        "\uff4cocalhost",
        "127.0.0.1%2f",
        "%31%32%37.0.0.1",
        "a%00b.example",
    ),
    *("[127.0.0.1]", "[::1", "::1", "[]", "[::1]a", "[v1.a]", "[::1%eth0]", "a_b_.example:", "", "a,b.example", "a*b"),
)
HOSTILE_URLS = (
    *("", " ", "http://", "https://", "http:///a", "http:a", "http:/a.example", "//a.example", "a.example", "/a", "?"),
    *(
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://a.example/",
        "javascript:alert(1)",
        "data:,x",
        "ws://a.example",
    ),
    *("unix:///run/x.sock", "http+unix://%2frun/", "jar:http://a.example!/", "https:https://a.example/"),
    *("http://user@a.example/", "http://user:pw@a.example/", "http://:@a.example/", "http://@a.example/"),
    *("http://a.example@127.0.0.1/", "http://127.0.0.1@a.example/", "http://127.0.0.1#@a.example/"),
    *("http://a.example\\@127.0.0.1/", "http:\\\\a.example/", "http://a.example\\.b.example/", "http://a.example/#f"),
    *(
        "http://a.example:0/",
        "http://a.example:65536/",
        "http://a.example:-1/",
        "http://a.example:/",
        "http://a.example:a",
    ),
    *("http://a.example:080000/", "http://a.example:80:80/", "http://a.example: 80/", "http://a.example:\uff18\uff10/"),
    *("http://a.example/\r\nHost: b.example", "http://a.example/\x00", "http://a.example/\t", "http://a.example/ b"),
    *(
        "http://a.exam\nple/",
        " http://a.example/",
        "http://a.example/\x7f",
        "http://a.example/é",
        "\ufeffhttp://a.example/",
    ),
    "http://a.example/" + "a" * 2000,
)


def written(host: str) -> str:
    return f"http://{host}/hook"


HOSTILE = tuple(dict.fromkeys(chain(map(written, HOSTILE_ADDRESSES), map(written, HOSTILE_NAMES), HOSTILE_URLS)))


class Rebinding:
    """A resolver whose first answer differs from the next."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers: Iterator[Sequence[str]] = iter(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        return [ip_address(address) for address in next(self._answers)]


def post(resolver: Rebinding, *allowed: str) -> HttpWebhookSender:
    return HttpWebhookSender(AllowedHosts(allowed), resolver, wiring.now, trust=lambda: TRUST)


def message(url: str) -> WebhookMessage:
    return WebhookMessage(url, "msg_1", b"{}", (new_secret(),))


def test_there_are_many() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("url", HOSTILE)
async def test_a_hostile_url_is_refused_at_add_and_at_connect(url: str) -> None:
    resolver = Rebinding()  # resolves nothing: none of these names is looked up
    found = post(resolver, "allowed.example", "10.9.8.7")
    url_error, outcome = await found.url_error(url), await found.send(message(url))
    await found.aclose()
    assert resolver.asked == []
    assert url_error is not None
    assert url_error.startswith("Must ")
    assert outcome in (AttemptResult(None, FORBIDDEN), AttemptResult(None, "the URL is not valid"))


FINE = {
    "http://a.example": ("a.example", 80, "/"),
    "https://a.example": ("a.example", 443, "/"),
    "HTTPS://A.Example:8443/Path?q=http://127.0.0.1/": ("a.example", 8443, "/Path?q=http://127.0.0.1/"),
    "http://a.example?q": ("a.example", 80, "/?q"),
    "https://xn--bcher-kva.example/": ("xn--bcher-kva.example", 443, "/"),
    "https://a_b.example/": ("a_b.example", 443, "/"),
    "https://1.example/": ("1.example", 443, "/"),
    "https://8.8.8.8:1/": ("8.8.8.8", 1, "/"),
    "https://[2606:4700:4700:0:0:0:0:1111]:65535/": (MAPPED, 65535, "/"),
    "https://[64:ff9b::8.8.8.8]/": ("64:ff9b::808:808", 443, "/"),
    "https://localhost.example/": ("localhost.example", 443, "/"),
}


@pytest.mark.parametrize("url", FINE)
async def test_a_fine_url_is_read_in_one_way(url: str) -> None:
    target = read_url(url)
    assert (target.host, target.port, target.target) == FINE[url]
    resolver = Rebinding([PUBLIC, MAPPED])
    assert await post(resolver).url_error(url) is None


@pytest.mark.parametrize("address", [each.strip("[]") for each in HOSTILE_ADDRESSES if "%" not in each])
async def test_a_name_that_leads_to_a_hostile_address_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    for answer in ([address], [PUBLIC, address], [address, PUBLIC]):
        assert await post(Rebinding(answer)).url_error("http://a.example/") is not None
        assert await post(Rebinding(answer)).send(message("http://a.example/")) == AttemptResult(None, FORBIDDEN)


@pytest.mark.parametrize("address", [PUBLIC, MAPPED, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2a00:1450:4001::200e"])
def test_a_public_address(address: str) -> None:
    assert is_public(ip_address(address))


async def test_a_name_that_means_something_else_at_connect_is_refused() -> None:
    with receiving() as receiver:
        url = f"http://rebinding.example:{receiver.port}/hook"
        resolver = Rebinding([PUBLIC], ["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1"])
        found = post(resolver)
        assert await found.url_error(url) is None, "public at add"
        for _ in range(3):
            assert await found.send(message(url)) == AttemptResult(None, FORBIDDEN)
        assert resolver.asked == ["rebinding.example"] * 4
        assert receiver.received == []


async def test_the_address_that_was_judged_is_the_one_connected_to() -> None:
    with receiving() as receiver:
        url = f"http://once.example:{receiver.port}/hook"
        resolver = Rebinding(["127.0.0.1"])  # a second lookup would fail
        found = post(resolver, "once.example")
        assert await found.send(message(url)) == AttemptResult(204)
        assert len(receiver.received) == 1
        await found.aclose()


@pytest.mark.parametrize("allowed", ["printer.internal", "PRINTER.internal", " printer.internal "])
async def test_the_operator_allows_hosts_by_name(allowed: str) -> None:
    with receiving() as receiver:
        found = post(Rebinding(["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"]), allowed)
        assert await found.url_error("http://printer.internal/") is None
        assert await found.send(message(f"http://Printer.internal:{receiver.port}/")) == AttemptResult(204)
        for other in ("a.printer.internal", "printer.internal.example", "xprinter.internal", "127.0.0.1"):
            assert await found.url_error(f"http://{other}/") is not None
        await found.aclose()


@pytest.mark.parametrize(
    ("allowed", "host", "fine"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("[::1]", "[0:0:0:0:0:0:0:1]", True),
        ("::1", "[::1]", True),
        ("127.0.0.1", "[::ffff:127.0.0.1]", False),
        ("localhost", "localhost", True),
        ("*", "localhost", False),
        ("0.0.0.0/0", "127.0.0.1", False),
        ("2130706433", "2130706433", False),
    ],
)
async def test_a_permission_covers_one_host(allowed: str, host: str, fine: bool) -> None:
    found = post(Rebinding(["127.0.0.1"]), allowed)
    assert (await found.url_error(f"http://{host}/") is None) is fine


async def test_a_name_that_cannot_be_resolved_is_judged_later() -> None:
    async def nobody(host: str) -> Sequence[Address]:
        raise OSError("no such name")

    found = HttpWebhookSender(AllowedHosts(), nobody, wiring.now, trust=lambda: TRUST)
    assert await found.url_error("http://later.example/") is None
    assert await found.send(message("http://later.example/")) == AttemptResult(None, "the host cannot be resolved")


def test_reading_reports_what_is_wrong() -> None:
    with pytest.raises(InvalidUrlError, match="user name or password"):
        read_url("https://key@a.example/")
    with pytest.raises(InvalidUrlError, match="four decimal numbers"):
        read_url("https://127.1/")
