"""Requests per second of Rowen and of a peer, in turns.

Owns the figures that wrk measures: list pages of 100, the first one and random ones, and single interviews.
"""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.bench import Bench
from benchmarks.client import Answer, Request
from benchmarks.load import Load, check_wrk, compare
from benchmarks.peers.programs import agree
from benchmarks.processes import BenchmarkError, Server
from benchmarks.report import Goal, Result
from benchmarks.subject import INTERVIEWS, Database, Page, expect, listing, pages

_PAGES: Final = 400
_INTERVIEWS: Final = 2_000

_LIST: Final = Goal(0.25, 0.5)
_RETRIEVE: Final = Goal(0.35, 0.6)
_BOOK: Final = Goal(80, 200)
_BOOK_POSTGRES: Final = Goal(40, 100)
_OTHERS: Final = Goal(10, 30)


def list_against_bare(bench: Bench) -> Iterator[Result]:
    """Compare a list page with a bare application that returns the same bytes from memory."""
    with bench.served(bench.many) as rowen:
        first = listing(bench.many.keys[0])
        at_random = [page.request for page in pages_at_random(bench.many, rowen)]
        with bench.peers.bare(_answers(rowen, [first, *at_random])) as bare:
            for name, requests in (("one page", [first]), ("pages at random", at_random)):
                what = f"list of 100, {name}, against bare ASGI"
                yield ratio(bench, what, Load(rowen, requests), Load(bare, requests), _LIST)


def retrieve_against_bare(bench: Bench) -> Iterator[Result]:
    """Compare a single interview with a bare application that returns the same bytes from memory."""
    with bench.served(bench.many) as rowen:
        requests = retrievals(bench.many, rowen, pages_at_random(bench.many, rowen))
        with bench.peers.bare(_answers(rowen, requests)) as bare:
            for name, some in (("the same one", requests[:1]), ("at random", requests)):
                what = f"retrieve one, {name}, against bare ASGI"
                yield ratio(bench, what, Load(rowen, some), Load(bare, some), _RETRIEVE)


def list_against_the_book(bench: Bench) -> Iterator[Result]:
    """Compare a list page with FastAPI, the SQLAlchemy ORM and Pydantic; both return the same documents."""
    with bench.served(bench.many) as rowen, bench.peers.by_the_book(bench.corpus) as book:
        yield from _beside_the_book(bench, "by the book", (rowen, bench.many), book, _BOOK)


def list_against_the_book_on_postgres(bench: Bench) -> Iterator[Result]:
    """Compare a list page with the same peer, both on one PostgreSQL server; both return the same documents."""
    database = bench.many_on_postgres
    peer = bench.peers.by_the_book_on_postgres(bench.corpus, bench.postgres)
    with bench.served(database) as rowen, peer as book:
        yield from _beside_the_book(bench, "by the book, both on PostgreSQL", (rowen, database), book, _BOOK_POSTGRES)


def _beside_the_book(
    bench: Bench, name: str, ours: tuple[Server, Database], book: Server, goal: Goal
) -> Iterator[Result]:
    rowen, database = ours
    chosen = pages_at_random(database, rowen)
    theirs = [bench.peers.by_the_book_page(page.organization, page.number) for page in chosen]
    ours_first, theirs_first = listing(database.keys[0]), bench.peers.by_the_book_page(0)
    with rowen.connect() as here, book.connect() as there:
        for one, other in ((ours_first, theirs_first), (chosen[0].request, theirs[0])):
            if json.loads(expect(here, one).body) != json.loads(expect(there, other).body):
                raise BenchmarkError("the by-the-book peer returns other documents than Rowen")
    yield from _both(bench, name, (rowen, chosen, ours_first), (book, theirs, theirs_first), goal)


def list_against_datasette(bench: Bench) -> Iterator[Result]:
    """Compare a list page with Datasette by default and at its fastest; it continues by id, as Rowen does."""
    with bench.served(bench.many) as rowen:
        chosen = pages_at_random(bench.many, rowen)
        theirs = [bench.peers.datasette_page(bench.corpus, page.organization, page.after) for page in chosen]
        ours_first, theirs_first = listing(bench.many.keys[0]), bench.peers.datasette_page(bench.corpus, 0)
        for name, threads in (("Datasette", 3), ("Datasette without threads", 0)):
            with bench.peers.datasette(bench.corpus, threads=threads) as datasette:
                with rowen.connect() as here, datasette.connect() as there:
                    agree("Datasette", expect(here, ours_first), expect(there, theirs_first))
                    agree("Datasette", expect(here, chosen[0].request), expect(there, theirs[0]), chosen[0])
                yield from _both(bench, name, (rowen, chosen, ours_first), (datasette, theirs, theirs_first), _OTHERS)


def list_against_json_server(bench: Bench) -> Iterator[Result]:
    """Compare a list page with json-server, which has fewer interviews, as it copies all of them for each page."""
    with bench.served(bench.many) as rowen:
        chosen = pages_at_random(bench.many, rowen)
        for count in bench.scale.json_server:
            with bench.peers.json_server(bench.corpus, count) as peer:
                numbers = random.Random(count).choices(range(1, count // 100 + 1), k=_PAGES)
                theirs = [bench.peers.json_server_page(number) for number in numbers]
                yield from _both(
                    bench,
                    f"json-server with {count:,} interviews",
                    (rowen, chosen, listing(bench.many.keys[0])),
                    (peer, theirs, bench.peers.json_server_page(1)),
                    _OTHERS,
                )


def _both(
    bench: Bench,
    name: str,
    ours: tuple[Server, Sequence[Page], Request],
    theirs: tuple[Server, Sequence[Request], Request],
    goal: Goal,
) -> Iterator[Result]:
    rowen, chosen, our_first = ours
    peer, their_chosen, their_first = theirs
    yield ratio(
        bench,
        f"list of 100, one page, against {name}",
        Load(rowen, [our_first]),
        Load(peer, [their_first]),
        goal,
    )
    our_chosen = [page.request for page in chosen]
    what = f"list of 100, pages at random, against {name}"
    yield ratio(bench, what, Load(rowen, our_chosen), Load(peer, their_chosen), goal)


def ratio(bench: Bench, what: str, ours: Load, theirs: Load, goal: Goal) -> Result:
    """Compare the requests per second of two servers, in turns."""
    mine, other = compare(ours, theirs, bench.scale.rounds)
    return Result(what, f"{mine:,.0f} and {other:,.0f} requests/s", mine / other, goal)


def pages_at_random(database: Database, rowen: Server) -> list[Page]:
    """Return random pages of all organizations, the same ones each time."""
    check_wrk()
    with rowen.connect() as connection:
        known = list(pages(connection, database))
    return random.Random(_PAGES).sample(known, k=min(_PAGES, len(known)))


def retrievals(database: Database, rowen: Server, pages: Sequence[Page]) -> list[Request]:
    """Return requests for single interviews, some of each page."""
    each = -(-_INTERVIEWS // len(pages))
    chance = random.Random(_INTERVIEWS)
    found = []
    with rowen.connect() as connection:
        for page in pages:
            key = database.keys[page.organization]
            body = json.loads(expect(connection, Request(page.request.target, key)).body)
            chosen = chance.sample(body, k=min(each, len(body)))
            found += [Request(f"{INTERVIEWS}/{interview['id']}", key) for interview in chosen]
    return found


def _answers(server: Server, requests: Sequence[Request]) -> list[tuple[Request, Answer]]:
    with server.connect() as connection:
        return [(request, expect(connection, request)) for request in requests]
