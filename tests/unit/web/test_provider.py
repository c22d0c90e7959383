"""A provider that cannot be trusted with its own description, and the secrets of sessions."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from rowen import wiring
from rowen.app.roles import Role
from rowen.web.provider import fetching
from rowen.web.provider.client import Provider, ProviderSettings
from rowen.web.provider.fetching import ProviderDownError, require_safe
from rowen.web.provider.secrets import Grant, attempt_of, new_attempt, seal, unseal
from tests.support.identity_provider import IdentityProvider, providing

_SESSION = "1.abcdefghijklmnopqrstuvwxyzABCDEF"


@pytest.fixture(scope="module")
def running() -> Iterator[IdentityProvider]:
    """Return a provider for the tests of this module."""
    with providing() as provider:
        yield provider


def _ask(issuer: str) -> str:
    """Return the address at which people sign in."""
    settings = ProviderSettings(issuer, "rowen", "secret", {"it": Role.ADMIN}, "groups", "default")

    async def ask() -> str:
        provider = Provider(settings, wiring.now)
        try:
            return await provider.address(attempt_of(new_attempt()), "http://127.0.0.1/oidc/callback")
        finally:
            await provider.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("other_issuer", "calls itself https://elsewhere"), ("plain_http", "token_endpoint is not"), ("down", "500")],
)
def test_a_description_that_does_not_fit_is_refused(running: IdentityProvider, fault: str, reason: str) -> None:
    running.set(fault=fault)
    with pytest.raises(ProviderDownError, match=reason):
        _ask(running.issuer)
    running.set(fault="")
    assert _ask(running.issuer).startswith(f"{running.issuer}/authorization?response_type=code")


def test_a_provider_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(ProviderDownError, match="Timeout"):
        _ask(f"http://127.0.0.1:{listener.getsockname()[1]}")


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://id.example.com/realms/team", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost/x", True),
        ("http://id.example.com", False),
        ("ftp://localhost", False),
        ("https://", False),
        ("https://user@id.example.com", False),
        ("http://localhost.example.com", False),
        ("https://[::1", False),
    ],
)
def test_only_https_leaves_this_machine(address: str, safe: bool) -> None:
    if safe:
        assert require_safe(address, "it") == address
    else:
        with pytest.raises(ValueError, match="must be https"):
            require_safe(address, "it")


def test_a_grant_is_read_with_the_secret_of_its_session_only() -> None:
    grant = Grant("refresh", "subject")
    sealed = seal(grant, _SESSION)
    assert unseal(sealed, _SESSION) == grant
    assert sealed != seal(grant, _SESSION)
    for content, session in ((sealed, _SESSION[:-1] + "x"), (sealed[:-1], _SESSION), (b"", _SESSION)):
        assert unseal(content, session) is None


def test_the_parts_of_an_attempt_differ() -> None:
    attempt = attempt_of(new_attempt())
    assert len({*attempt}) == 3
    assert all(len(each) == 43 for each in attempt)
