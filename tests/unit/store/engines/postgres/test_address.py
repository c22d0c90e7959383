"""Addresses as managed services provide them: accepted, or refused by the name of the unsupported parameter."""

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from rowen.interviews.errors import Unavailable
from rowen.store.database import locate, upgrade
from rowen.store.engines.postgres.engine import PostgresEngine
from rowen.store.engines.postgres.location import PostgresDatabase
from tests.support.certificates import new_pair
from tests.support.postgres import new_database, shared_postgres
from tests.support.postgres_engine import SELECT_ONE, opened

SSL_REQUEST: Final = bytes.fromhex("0000000804d2162f")
BASE: Final = "postgresql://rowen:s3cret@db.example.com/rowen"


@pytest.fixture(scope="module")
def url() -> str:
    """Return an empty database."""
    return new_database()


@pytest.mark.parametrize(
    "query",
    [
        "connect_timeout=10",
        "connect_timeout=0",
        "sslmode=prefer&channel_binding=prefer",
        "channel_binding=disable",
        "sslmode=disable&target_session_attrs=read-write",
        "target_session_attrs=any&application_name=schedule",
        "application_name=psql&fallback_application_name=x&client_encoding=UTF8",
        "options=-c%20search_path%3Dpublic",
        "keepalives=1&keepalives_idle=30&tcp_user_timeout=10000&gssencmode=prefer",
        "pgbouncer=true&connection_limit=5&pool_timeout=10&schema=public",
        "sslsni=1&sslcompression=0&load_balance_hosts=disable",
    ],
)
@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
async def test_an_address_of_a_managed_service_is_used(url: str, scheme: str, query: str) -> None:
    address = f"{url.replace('postgresql', scheme, 1)}?{query}"
    upgrade(locate(address))

    async with opened(PostgresDatabase.parse(address).dsn) as engine:
        assert await engine.row(SELECT_ONE, {}) is not None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("sslmode=no-verify", "sslmode must be one of"),
        ("sslmode=required", "sslmode must be one of"),
        ("target_session_attrs=master", "target_session_attrs must be one of"),
        ("connect_timeout=soon", "connect_timeout must be a number of seconds"),
        ("connect_timeout=-1", "connect_timeout must be a number of seconds"),
        ("connect_timeout=", "gives connect_timeout no value"),
        ("sslmode=require&sslmode=disable", "names sslmode twice"),
        ("sslmode", "what follows"),
        ("channel_binding=maybe", "channel_binding must be one of"),
        ("channel_binding=require&sslmode=disable", "contradict each other"),
        ("sslrootcert=system&sslmode=require", "sslrootcert=system needs sslmode=verify-full"),
        ("ssl=true", "cannot have ssl: write sslmode"),
        ("sslMode=require", "unknown parameter: sslMode"),
        ("ssl_mode=require", "unknown parameter: ssl_mode"),
        ("require_auth=scram-sha-256", "cannot have require_auth"),
        ("gssencmode=require", "cannot have this gssencmode"),
        ("sslcertmode=require", "cannot have this sslcertmode"),
        ("schema=other", "search_path"),
        ("client_encoding=latin1", "cannot have this client_encoding"),
        ("currentSchema=rowen", "unknown parameter: currentSchema"),
    ],
)
def test_unsupported_parameters_are_refused_by_name(query: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        locate(f"{BASE}?{query}")
    assert "s3cret" not in str(raised.value)


def test_connecting_takes_no_longer_than_the_address_says() -> None:
    """The other side accepts and stays silent: the default would be five seconds, and the test would notice 60."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Unavailable, match="does not answer"):
            locate(f"postgresql://rowen@127.0.0.1:{port}/rowen?connect_timeout=1&sslmode=disable").tables()


class TlsFront:
    """A TLS server in front of the shared one, as the tests' own build of PostgreSQL has no TLS."""

    def __init__(self, certificate: Path, key: Path, server: int) -> None:
        self.certificate = certificate
        self.encrypted: list[bool] = []
        self.server = server
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificate, key)
        self.context.set_alpn_protocols(["postgresql"])

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection; its first bytes show whether it is to be encrypted."""
        start = await reader.readexactly(8)
        if start == SSL_REQUEST:
            writer.write(b"S")
            await writer.drain()
            try:
                await writer.start_tls(self.context)
            except (OSError, ssl.SSLError):
                return  # the client does not trust the certificate
            start = b""
        self.encrypted.append(start == b"")
        there, back = await asyncio.open_connection("127.0.0.1", self.server)
        back.write(start)
        await asyncio.gather(_forward(reader, back), _forward(there, writer))


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> TlsFront:
    """Return a TLS server for 127.0.0.1 with a self-signed certificate."""
    pair = new_pair(tmp_path_factory.mktemp("tls"), "server")
    return TlsFront(pair.certificate, pair.key, shared_postgres().port)


async def _encrypted(front: TlsFront, url: str, query: str) -> bool:
    """Use a database through the TLS server; return whether every connection was encrypted."""
    front.encrypted.clear()
    async with await asyncio.start_server(front.answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        address = PostgresDatabase.parse(url.replace(str(front.server), str(port)) + f"?{query}")
        engine = PostgresEngine(address.dsn, address.name)
        try:
            assert await engine.row(SELECT_ONE, {}) is not None
        finally:
            await engine.close()
        await asyncio.to_thread(address.tables)

    assert len(set(front.encrypted)) == 1
    return front.encrypted[0]


@pytest.mark.parametrize("query", ["sslmode=require&channel_binding=require", "sslrootcert=system"])
async def test_a_certificate_that_the_machine_trusts_stands_in_for_channel_binding(
    front: TlsFront, url: str, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    with pytest.raises(Unavailable, match="certificate verify failed"):
        await _encrypted(front, url, query)
    monkeypatch.setenv("SSL_CERT_FILE", str(front.certificate))
    assert await _encrypted(front, url, query)


async def test_no_protection_of_a_connection_is_ignored_with_trusted_authorities(
    front: TlsFront, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(front.certificate))
    monkeypatch.setattr(front.context, "maximum_version", ssl.TLSVersion.TLSv1_2)
    assert await _encrypted(front, url, "sslrootcert=system&ssl_max_protocol_version=TLSv1.2")
    refused = [
        "ssl_min_protocol_version=TLSv1.3",
        "ssl_max_protocol_version=TLSv9",
        f"sslcrl={front.certificate.parent}/missing.crl",
    ]
    if ssl.OPENSSL_VERSION_INFO < (3, 6):  # later ones do not look up whether a certificate that is trusted is revoked
        refused.append(f"sslcrl={front.certificate}")  # an empty list, which leaves that open
    for query in refused:
        with pytest.raises(Unavailable):
            await _encrypted(front, url, f"sslrootcert=system&{query}")


async def test_a_certificate_authority_of_ones_own(front: TlsFront, url: str) -> None:
    assert await _encrypted(front, url, f"channel_binding=require&sslrootcert={front.certificate}")
    assert await _encrypted(front, url, f"sslmode=verify-full&sslrootcert={front.certificate}")
    assert await _encrypted(front, url, "sslmode=require")
    assert not await _encrypted(front, url, "sslmode=disable")


def test_channel_binding_is_not_ignored_if_a_server_has_no_tls(url: str) -> None:
    with pytest.raises(Unavailable, match="SSL"):
        locate(f"{url}?sslmode=prefer&channel_binding=require").tables()
