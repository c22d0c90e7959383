"""An endpoint with handlers that return something other than JSON: a calendar and a table."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

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
from rowen.app.services import Services
from rowen.http import metrics
from rowen.http.authentication import ApiKeyAuthenticator, Authentication
from rowen.http.connections import ConnectionLimits, Connections
from rowen.http.edge import Edge, EdgePolicy
from rowen.http.endpoint import ApiContext, Endpoint, Gate
from rowen.http.rate_limit import RateLimiter
from rowen.interviews.interview import InterviewId
from tests.support.harness import opened
from tests.support.in_process import Ask, asking
from tests.support.storage import SQLITE

PERMISSION: Final = "scheduled_interviews:retrieve"
CALENDAR: Final = f"/interviews/{TIMED['id']}.ics"
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


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Return a function that sends a request to one of both endpoints, whose database holds the examples."""
    with opened(SQLITE.new_database(tmp_path)) as harness:
        tenant = harness.tenant()
        tenant.merge([TIMED, ALL_DAY])
        authentication = Authentication([ApiKeyAuthenticator(harness.store.keys, wiring.now)])
        connections = Connections(ConnectionLimits(), None, metrics.observe_connections)
        gates = {Generation.V1: Gate(authentication, RateLimiter(0))}
        operations = (
            Operation("GET", "/interviews/{id}.ics", PERMISSION, calendar, "Retrieve a calendar", "Tests", REPLY),
            Operation("GET", "/interviews.csv", PERMISSION, table, "List a table", "Tests", REPLY),
        )

        def made(services: Services) -> Edge:
            api = ApiContext(services, gates, connections, None)
            router = Router([Route(each.path, Endpoint(api, {each.method: each})) for each in operations])
            return Edge(router, EdgePolicy(None, False, 0, False), connections, metrics.observe)

        with asking(harness, made) as ask:
            key = harness.new_key(tenant.organization, "reader", [PERMISSION])
            yield partial(ask, auth=(key, ""))


def test_a_calendar_is_served_with_its_media_type(ask: Ask) -> None:
    answer = ask("GET", CALENDAR)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar;charset=utf-8"
    assert answer.text.split("\r\n")[2:4] == [f"UID:{TIMED['id']}", f"LOCATION:{TIMED['location']}"]
    assert answer.headers["etag"] == document_etag(answer.content)
    assert "content-encoding" not in answer.headers, "a strong tag stands for these very bytes"


def test_a_copy_of_a_calendar_that_is_still_good_is_not_sent_again(ask: Ask) -> None:
    etag = ask("GET", CALENDAR).headers["etag"]
    again = ask("GET", CALENDAR, headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert "content-type" not in again.headers


@pytest.mark.parametrize("path", [CALENDAR, "/interviews.csv"])
def test_head_has_the_headers_of_get(ask: Ask, path: str) -> None:
    get, head = ask("GET", path), ask("HEAD", path)
    assert head.content == b""
    for name in ("content-type", "content-length", "etag"):
        assert head.headers[name] == get.headers[name]


def test_a_table_is_compressed_for_clients_that_accept_gzip(ask: Ask) -> None:
    plain = ask("GET", "/interviews.csv", headers={"accept-encoding": "identity"})
    packed = ask("GET", "/interviews.csv", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content)
    for answer in (plain, packed):
        assert answer.content == b"id,name\r\n" * ROWS
        assert answer.headers["content-type"] == "text/csv;charset=utf-8;header=present"
        assert answer.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] == packed.headers["etag"]


def test_a_refusal_is_json_whatever_the_handler_returns(ask: Ask) -> None:
    answer = ask("GET", "/interviews/1.ics")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    assert answer.json() == {"message": "Resource not found"}
