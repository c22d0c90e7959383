"""The calls of the API in-process, on a real database, with a clock that tests move.

Owns how a request becomes a result that a model can predict, and how an ASGI application is called. Must not know a
call, or a model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NamedTuple

import httpx
from starlette.types import ASGIApp

from rowen import wiring
from rowen.api.declarations import Handler
from rowen.api.errors import ERROR_RESPONSES
from rowen.api.operations import OPERATIONS
from rowen.api.request import ApiRequest
from rowen.app.services import Services
from rowen.interviews.errors import Refusal
from rowen.interviews.moments import Instant
from rowen.store.unit_of_work.due_interviews import DueInterviewFinder
from tests.support.harness import FakeClock, Harness, opened
from tests.support.model.scorecards import CommandResult

Ask = Callable[..., httpx.Response]
"""Sends a request; it has the parameters of `httpx.request`."""

HANDLERS: Final = {operation.name: operation.handler for operation in OPERATIONS}


class Application(NamedTuple):
    """The calls of the API in-process, on a database in which every run makes an organization."""

    harness: Harness
    services: Services
    due: DueInterviewFinder


@contextmanager
def application_on(database: str, start: Instant) -> Iterator[Application]:
    """Return the calls of the API by a clock that begins at a time."""
    with opened(database, FakeClock(start)) as harness:
        sender = wiring.sender(())
        services = wiring.services(harness.store, sender)
        planner = replace(services.planner, now=harness.clock)
        links = replace(services.booking_links, planner=planner, now=harness.clock)
        services = replace(services, planner=planner, booking_links=links)
        yield Application(harness, services, DueInterviewFinder(harness.store.engine))
        harness.run(sender.aclose())


@contextmanager
def asking(harness: Harness, made: Callable[[Services], ASGIApp]) -> Iterator[Ask]:
    """Return a function that sends requests to the application that is made of the services of a database."""
    sender = wiring.sender(())
    transport = httpx.ASGITransport(made(wiring.services(harness.store, sender)))
    client = httpx.AsyncClient(transport=transport, base_url="http://rowen.example")
    try:
        yield lambda *given, **options: harness.run(client.request(*given, **options))
    finally:
        harness.run(client.aclose())
        harness.run(sender.aclose())


async def answered(handler: Handler, services: Services, request: ApiRequest) -> Any:
    """Return a call's response in the model's form: the body and the warning, or the refusal."""
    try:
        response = await handler(services, request)
    except Refusal as refusal:
        return ERROR_RESPONSES[refusal.code].status, sorted(problem.field for problem in refusal.problems)
    return CommandResult(response.body or b"", response.warning)
