"""An endpoint with handlers that return something other than JSON: a calendar and a table."""

import asyncio
import gzip
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest
from starlette.routing import Route, Router

from rowen import wiring
from rowen.api.codec import documents
from rowen.api.declarations import Operation, Reply
from rowen.api.examples import ALL_DAY, TIMED
from rowen.api.generations import Generation
from rowen.api.headers.conditional import document_etag, list_etag
from rowen.api.request import ApiRequest
from rowen.api.response import Message, Response
from rowen.app.interviews import retrieve_interview
from rowen.app.keys import Identity, digest
from rowen.app.organizations import Organization
from rowen.app.services import Services
from rowen.http import metrics
from rowen.http.authentication import ApiKeyAuthenticator, Authentication
from rowen.http.connections import ConnectionLimits, Connections
from rowen.http.edge import Edge, EdgePolicy
from rowen.http.endpoint import ApiContext, Endpoint, Gate
from rowen.http.rate_limit import RateLimiter
from rowen.interviews.interview import InterviewId
from rowen.interviews.moments import Instant
from rowen.store.database import locate, upgrade
from tests.support.storage import SQLITE

PERMISSION: Final = "scheduled_interviews:retrieve"
AUTHORIZATION: Final = {"authorization": "Basic " + b64encode(b"calendar:").decode()}
ROWS: Final = 200
REPLY: Final = Reply(Message, {}, "No JSON")


async def calendar(services: Services, request: ApiRequest) -> Response:
    """Return one interview as an iCalendar object (RFC 5545)."""
    identifier = InterviewId(request.identifier())
    document = await retrieve_interview(services.interviews, request.organization, identifier)
    interview = documents.decode(document)
    lines = ("BEGIN:VCALENDAR", "BEGIN:VEVENT", f"UID:{interview.id}", f"LOCATION:{interview.location}")
    body = "\r\n".join((*lines, "END:VEVENT", "END:VCALENDAR", "")).encode()
    etag = document_etag(body)
    if request.has_copy(etag):
        return Response(None, etag)
    return Response(body, etag, media_type="text/calendar;charset=utf-8")


async def table(services: Services, request: ApiRequest) -> Response:
    """Return a table that is long enough to be compressed."""
    etag = list_etag(request.organization, request.address)
    if request.has_copy(etag):
        return Response(None, etag)
    return Response(b"id,name\r\n" * ROWS, etag, media_type="text/csv;charset=utf-8;header=present")


class Keyring:
    """A keyring with one key."""

    def __init__(self, organization: Organization) -> None:
        self._identity = Identity(1, "calendar", frozenset({PERMISSION}), None, organization)

    async def authenticate(self, digest_: bytes) -> Identity | None:
        """Return the identity of the key."""
        return self._identity if digest_ == digest("calendar") else None

    async def record_use(self, uses: object) -> None:
        """Keep nothing."""


Session = Callable[[httpx.AsyncClient], Awaitable[None]]


def serve(folder: Path, session: Session) -> None:
    """Run a session of a client with both endpoints over a database that holds the examples."""

    async def run() -> None:
        location = locate(SQLITE.new_database(folder))
        upgrade(location)
        store, sender = wiring.open_store(location), wiring.sender(())
        try:
            organization = await store.organizations.create("one", "UTC", Instant(0))
            rows = [documents.draft(documents.decode(msgspec.json.encode(each)), UTC) for each in (TIMED, ALL_DAY)]
            await store.merger.merge(organization, rows, now=wiring.now(), created_through_api=False)
            authentication = Authentication([ApiKeyAuthenticator(Keyring(organization), wiring.now)])
            connections = Connections(ConnectionLimits(), None, metrics.observe_connections)
            gates = {Generation.V1: Gate(authentication, RateLimiter(0))}
            api = ApiContext(wiring.services(store, sender), gates, connections, None)
            operations = (
                Operation("GET", "/interviews/{id}.ics", PERMISSION, calendar, "Retrieve a calendar", "Tests", REPLY),
                Operation("GET", "/interviews.csv", PERMISSION, table, "List a table", "Tests", REPLY),
            )
            router = Router([Route(each.path, Endpoint(api, {each.method: each})) for each in operations])
            edge = Edge(router, EdgePolicy(None, False, 0, False), connections, metrics.observe)
            transport = httpx.ASGITransport(edge)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://rowen.example", headers=AUTHORIZATION
            ) as client:
                await session(client)
        finally:
            await sender.aclose()
            await store.engine.close()

    asyncio.run(run())


def test_a_calendar_is_served_with_its_media_type(tmp_path: Path) -> None:
    async def session(client: httpx.AsyncClient) -> None:
        answer = await client.get(f"/interviews/{TIMED['id']}.ics")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/calendar;charset=utf-8"
        assert answer.text.split("\r\n")[2:4] == [f"UID:{TIMED['id']}", f"LOCATION:{TIMED['location']}"]
        assert answer.headers["etag"] == document_etag(answer.content)
        assert "content-encoding" not in answer.headers, "a strong tag stands for these very bytes"

    serve(tmp_path, session)


def test_a_copy_of_a_calendar_that_is_still_good_is_not_sent_again(tmp_path: Path) -> None:
    async def session(client: httpx.AsyncClient) -> None:
        path = f"/interviews/{TIMED['id']}.ics"
        etag = (await client.get(path)).headers["etag"]
        again = await client.get(path, headers={"if-none-match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert "content-type" not in again.headers

    serve(tmp_path, session)


@pytest.mark.parametrize("path", [f"/interviews/{TIMED['id']}.ics", "/interviews.csv"])
def test_head_has_the_headers_of_get(tmp_path: Path, path: str) -> None:
    async def session(client: httpx.AsyncClient) -> None:
        get, head = await client.get(path), await client.head(path)
        assert head.content == b""
        for name in ("content-type", "content-length", "etag"):
            assert head.headers[name] == get.headers[name]

    serve(tmp_path, session)


def test_a_table_is_compressed_for_clients_that_accept_gzip(tmp_path: Path) -> None:
    async def session(client: httpx.AsyncClient) -> None:
        plain = await client.get("/interviews.csv", headers={"accept-encoding": "identity"})
        async with client.stream("GET", "/interviews.csv", headers={"accept-encoding": "gzip"}) as packed:
            content = b"".join([piece async for piece in packed.aiter_raw()])
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(content) == plain.content == b"id,name\r\n" * ROWS
        for answer in (plain, packed):
            assert answer.headers["content-type"] == "text/csv;charset=utf-8;header=present"
            assert answer.headers["vary"] == "Accept-Encoding"
        assert plain.headers["etag"] == packed.headers["etag"]

    serve(tmp_path, session)


def test_a_refusal_is_json_whatever_the_handler_returns(tmp_path: Path) -> None:
    async def session(client: httpx.AsyncClient) -> None:
        answer = await client.get("/interviews/1.ics")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/json;charset=utf-8"
        assert answer.json() == {"message": "Resource not found"}

    serve(tmp_path, session)
