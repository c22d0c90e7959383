"""The one place where the objects of a server are built.

Owns which part of a server gets which; `wiring.py` builds what commands need, too. Must not know what a part does. Only
processes that serve import it: the other commands start in half the time without it, and prometheus-client decides on
import whether workers share their numbers.
"""

from collections.abc import Callable, Iterable

from starlette.types import ASGIApp

from rowen import wiring
from rowen.api.generations import Generation
from rowen.app.planning import Freshness
from rowen.app.roles import Role
from rowen.app.tokens import Tokens
from rowen.demo.key import DemoKeyring, DemoTokens
from rowen.http import metrics
from rowen.http.application import Beside, ProcessHooks, application
from rowen.http.authentication import (
    ApiKeyAuthenticator,
    Authentication,
    Authenticator,
    BearerAuthenticator,
    BookingLinkAuthenticator,
    SecretAddressAuthenticator,
)
from rowen.http.connections import Connections
from rowen.http.edge import EdgePolicy
from rowen.http.endpoint import ApiContext, Gate
from rowen.http.mirror_metrics import MirrorCollector
from rowen.http.mirror_webhooks import MirrorWebhookEndpoint
from rowen.http.rate_limit import V3_WINDOW, Limiter, RateLimiter
from rowen.http.sockets import SUPPORTED, Sockets
from rowen.http.token_endpoint import BRIDGE_PATH, ISSUING_PATH, TokenEndpoint
from rowen.mirror.credentials import read_secret
from rowen.settings import DEFAULT_ORGANIZATION, ServerSettings
from rowen.store.database import locate
from rowen.web.authentication import Confirmer, SessionAuthentication, SessionFinder
from rowen.web.page import PageDeps
from rowen.web.ports import Provided
from rowen.web.rendering import Renderer
from rowen.web.site import PageRouter
from rowen.wiring import Store, now


def build_application(settings: ServerSettings, beat: Callable[[], None] = lambda: None) -> ASGIApp:
    """Return the ASGI application of a server; it calls `beat` about once a second while its event loop runs."""
    store = wiring.open_store(locate(settings.database_url, settings.replicas))
    post = wiring.sender(settings.webhook_allow)
    public_url = settings.public_url.rstrip("/") if settings.public_url else None
    sockets = Sockets(settings.port) if SUPPORTED else None
    connections = Connections(wiring.connection_limits(settings), sockets, metrics.observe_connections)
    callers = _Callers(settings, store)
    freshness = Freshness(settings.busy_pushed_age * 60_000, settings.busy_address_age * 60_000)
    services = wiring.services(store, post, settings.mirror_wait, freshness)
    api = ApiContext(services, callers.gates, connections, public_url)
    site = None
    if not settings.no_pages:
        ports, streams = wiring.page_ports(store, api.services, settings, callers.provided), api.streams
        records, writable = services.records, ports.schedule.writable
        deps = PageDeps(
            callers.finder, Renderer(), callers.limiter, connections, public_url, streams, records, writable
        )
        site = PageRouter(ports, deps)

    fetcher = wiring.calendar_fetcher(settings.webhook_allow)

    async def close() -> None:
        await post.aclose()
        if callers.provided is not None:
            await callers.provided.provider.close()
        await fetcher.aclose()
        await callers.limiter.close()
        await callers.v3_limiter.close()
        await store.close()

    async def ready() -> None:
        await store.engine.require_durable()
        await store.organizations.find(DEFAULT_ORGANIZATION)  # shows whether the database responds

    async def mirrors() -> MirrorCollector:
        return MirrorCollector(await store.mirrors.all(), now())

    background = (
        connections.supervise,
        *callers.recorders,
        store.engine.maintain,
        wiring.status_updater(store).run,
        wiring.dispatcher(store, post).run,
        wiring.busy_poller(store, fetcher, settings.busy_address_age).run,
    )
    process = ProcessHooks(ready=ready, mirrors=mirrors, close=close, beat=beat, background=background)
    policy = EdgePolicy(public_url, settings.require_https, callers.limiter.shown, settings.access_log)
    reports = MirrorWebhookEndpoint(store.mirrors, _webhook_secret(settings), now)
    beside = Beside([*callers.token_endpoints, reports], settings.public_metrics, site)
    return application(api, policy, process, beside)


class _Callers:
    """How the callers of a server are recognized, and how often each may call."""

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        self.limiter, self.v3_limiter = _rate_limiters(settings)
        issued: Tokens = DemoTokens(store.tokens, store.organizations) if settings.demo else store.tokens
        keyring = DemoKeyring(store.keys, store.organizations) if settings.demo else store.keys
        keys, tokens = ApiKeyAuthenticator(keyring, now), BearerAuthenticator(issued, now)
        addresses = SecretAddressAuthenticator(store.calendars, now)
        self.recorders = (keys.record_uses, tokens.record_uses, addresses.record_uses)
        self.provided = _provided(settings, store)
        self.finder = SessionFinder(store.sessions, now, _confirmer(store, self.provided))
        own: list[Authenticator] = [keys, addresses, BookingLinkAuthenticator(store.booking_links)]
        self.gates = {
            Generation.V1: Gate(
                Authentication(own) if settings.no_pages else SessionAuthentication(own, self.finder), self.limiter
            ),
            Generation.V3: Gate(Authentication([tokens]), self.v3_limiter),
        }
        self.token_endpoints = [
            TokenEndpoint(path, issued, self.v3_limiter, now, takes_keys=path == BRIDGE_PATH)
            for path in (ISSUING_PATH, BRIDGE_PATH)
        ]


def _rate_limiters(settings: ServerSettings) -> tuple[Limiter, Limiter]:
    """Return the limiters of requests per key and per client of v3, shared with other processes if a store is set."""
    alone = RateLimiter(settings.rate_limit), RateLimiter(settings.v3_rate_limit, window=V3_WINDOW, shows_reset=True)
    if settings.rate_limit_store is None:
        return alone
    from rowen.http.shared_rate_limit import SharedRateLimiter  # Redis's client takes long to import

    of_keys, of_clients = alone
    store = settings.rate_limit_store
    return SharedRateLimiter(store, of_keys), SharedRateLimiter(store, of_clients)


def _provided(settings: ServerSettings, store: Store) -> Provided | None:
    """Return the identity provider, if one is set. Raises ValueError if a setting is missing or wrong."""
    if settings.oidc_issuer is None or settings.no_pages:
        return None
    from rowen.web.provider.client import Provider, ProviderSettings  # a server without a provider starts sooner

    if settings.oidc_client_id is None or settings.oidc_client_secret_file is None or not settings.oidc_roles:
        raise ValueError("--oidc-issuer needs --oidc-client-id, --oidc-client-secret-file and --oidc-role")
    pairs = [each.partition("=") for each in settings.oidc_roles]
    secret = read_secret(settings.oidc_client_secret_file)
    client = ProviderSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=secret,
        roles=_highest_roles((group, Role(role)) for role, _, group in pairs),
        groups_claim=settings.oidc_groups_claim,
        organization=settings.oidc_organization,
    )
    return Provided(Provider(client, now), store.provided_sessions)


def _highest_roles(pairs: Iterable[tuple[str, Role]]) -> dict[str, Role]:
    """Return the role of each group: of several the highest, which `Role` lists first."""
    found: dict[str, Role] = {}
    for group, role in pairs:
        found[group] = min(role, found.get(group, role), key=list(Role).index)
    return found


def _confirmer(store: Store, provided: Provided | None) -> Confirmer | None:
    if provided is None:
        return None
    from rowen.web.provider.confirming import ProviderConfirmer

    return ProviderConfirmer(store.sessions, provided.sessions, provided.provider, now)


def _webhook_secret(settings: ServerSettings) -> str | None:
    """Return the secret of webhooks from mirrored accounts. Raises ValueError for a file without one."""
    file = settings.mirror_webhook_secret_file
    return None if file is None else read_secret(file)
