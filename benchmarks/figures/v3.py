"""Harvest v3 next to v1, on one server and one database: pages, and single interviews by token and by key.

Owns the figures of clients of v3. Must not know how rows are made.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.accounts import create_client, rows
from benchmarks.bench import Bench, organization_name
from benchmarks.client import Request
from benchmarks.figures.throughput import pages_at_random, ratio, retrievals
from benchmarks.load import Load
from benchmarks.processes import Server
from benchmarks.report import Goal, Result
from benchmarks.subject import INTERVIEWS, listing, walk

_PAGES: Final = 400
_ONE_PAGE: Final = Goal(0.7, 1.0)
_AT_RANDOM: Final = Goal(0.4, 1.0)
_TOKEN: Final = Goal(0.9, 1.0)


def v3(bench: Bench) -> Iterator[Result]:
    """Compare pages of interviews, and single ones, in v3 by tokens with those in v1 by keys."""
    with bench.copy(bench.many, "v3") as database:
        clients = [create_client(database, organization_name(number)) for number in range(len(database.keys))]
        with bench.served(database) as rowen:
            tokens = [client.token(rowen) for client in clients]
            chosen = pages_at_random(database, rowen)
            found = retrievals(database, rowen, chosen)
            theirs = [_by_token(each, dict(zip(database.keys, tokens, strict=True))) for each in found]
            first, first_v3 = [listing(database.keys[0])], [rows(tokens[0], "interviews")]
            at_random, at_random_v3 = [page.request for page in chosen], _pages_of_v3(rowen, tokens)
            for what, ours, others, goal in (
                ("v3 interviews, one page of 100, against v1", first_v3, first, _ONE_PAGE),
                ("v3 interviews, pages of 100 at random, against v1", at_random_v3, at_random, _AT_RANDOM),
                ("retrieve one by token, the same one, against by key", theirs[:1], found[:1], _TOKEN),
                ("retrieve one by token, at random, against by key", theirs, found, _TOKEN),
            ):
                yield ratio(bench, what, Load(rowen, ours), Load(rowen, others), goal)


def _pages_of_v3(rowen: Server, tokens: Sequence[str]) -> list[Request]:
    """Return random pages of all organizations after their first ones, the same ones each time."""
    known = []
    with rowen.connect() as connection:
        for token in tokens:
            full = [request for request, answer in walk(connection, rows(token, "interviews")) if answer.link("next")]
            known += full[1:]
    return random.Random(_PAGES).sample(known, k=min(_PAGES, len(known)))


def _by_token(request: Request, tokens: dict[str, str]) -> Request:
    """Return the request for the same interview in v3."""
    return Request(request.target.replace(INTERVIEWS, "/v3/interviews"), token=tokens[request.key or ""])
