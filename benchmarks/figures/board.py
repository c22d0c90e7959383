"""The speed of the board in a browser, and of the server's part in the pages.

Owns the figures of issue "the schedule as people see it" that need a browser, with the bare EventCalendar page that the
board is compared with, the data call of a week in a small and a large organization, and each page next to its API call.
"""

import functools
import http.client
import http.server
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import subject
from benchmarks.bench import Bench
from benchmarks.client import Request
from benchmarks.places import SqliteFile, fresh
from benchmarks.processes import BenchmarkError, Server, run
from benchmarks.report import Goal, Result, Unit
from benchmarks.subject import Database, expect

_INSTALLED: Final = Path(__file__).parents[2] / "src/rowen/web/installed"
_PEOPLE: Final = 200
_INTERVIEWS: Final = 300
_MONDAY: Final = datetime(2027, 3, 1)
"""The week that is shown: after those of the generated interviews."""
_CHANGES: Final = 40
_CALLS: Final = 60
_DRAWN: Final = Goal(1.5, 1.1, more_is_better=False)
_BYTES: Final = Goal(120, 90, Unit.KILOBYTES, more_is_better=False)
_SEEN: Final = Goal(500, 150, Unit.MILLISECONDS, more_is_better=False)
_WEEK: Final = Goal(1.3, 1.0, more_is_better=False)
_PAGE: Final = Goal(100, 25, Unit.MILLISECONDS, more_is_better=False)
_PAGES: Final = (
    ("board", "/?view=week&week={monday}", "/v1/scheduled_interviews?{week}&per_page=500"),
    ("agenda", "/?view=agenda&week={monday}", "/v1/scheduled_interviews?{week}&per_page=500"),
    ("interview", "/interviews/5000", "/v1/scheduled_interviews/5000"),
    ("new interview", "/interviews/new?application=900", "/v1/applications/900"),
    ("to do", "/todo", "/v1/scheduled_interviews?{week}&per_page=500"),
    ("mine", "/me", "/v1/scheduled_interviews?{week}&per_page=500"),
    ("people", "/settings/people", "/v1/users?per_page=500"),
)
"""Pages, each with a call that reads the same interviews or fewer: `week` are the times of the week."""
# Runs before the page's own scripts: notes when as many interviews as there should be have been drawn and painted.
_WATCH: Final = """
(() => {
  const look = () => {
    if (document.querySelectorAll(".ec-event").length >= %d) {
      requestAnimationFrame(() => setTimeout(() => { window.drawnAfter = performance.now(); }));
    } else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
_SEE: Final = """(text) => new Promise((resolve) => {
  const look = () => {
    if (document.body.textContent.replace(/\\s/g, " ").includes(text)) resolve(Date.now());
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
  look();
})"""
_TRANSFERRED: Final = """() => performance.getEntries()
  .filter((each) => "transferSize" in each).reduce((sum, each) => sum + each.transferSize, 0)"""


def board(bench: Bench) -> Iterator[Result]:
    """Compare the board with a bare page of the same calendar, and time changes until another browser shows them."""
    if shutil.which("chromium") is None:
        yield Result("board, from navigation to drawn", "Chromium is not installed", None, _DRAWN)
        return
    documents = [_document(number) for number in range(_INTERVIEWS)]
    database = _loaded(bench, "board", documents)
    with bench.served(database) as server, _launched() as browser, _bare(documents) as address:
        link = f"http://127.0.0.1:{server.port}{_link(database)}"
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        page = context.new_page()
        page.goto(link)
        page.click("main button")
        page.wait_for_load_state()
        cookies = context.cookies()
        shown = f"http://127.0.0.1:{server.port}/?view=week&rows=people&week={_MONDAY:%Y-%m-%d}"
        yield from _drawn(browser, cookies, shown, address, rounds=3 * bench.scale.repeats)
        yield _first_visit(browser, cookies, shown)
        yield _seen(page, server, database, shown)
    database.place.clear()


def _drawn(browser: Browser, cookies: Sequence[Any], ours: str, bare: str, rounds: int) -> Iterator[Result]:
    seats = sum(len(_document(number)["interviewers"]) for number in range(_INTERVIEWS))
    mine: list[float] = []
    other: list[float] = []
    with browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US") as context:
        context.add_cookies(list(cookies))
        context.add_init_script(_WATCH % seats)
        page = context.new_page()
        for round_ in range(rounds + 1):
            for address, taken in ((ours, mine), (bare, other)):
                page.goto(address)
                page.wait_for_function("window.drawnAfter !== undefined")
                if round_:  # the first one fills the browser's cache
                    taken.append(float(page.evaluate("window.drawnAfter")))
    a, b = median(mine), median(other)
    what = f"board with {_PEOPLE} people and {_INTERVIEWS} interviews, navigation to drawn, against bare EventCalendar"
    yield Result(what, f"{a:.0f} ms and {b:.0f} ms", a / b, _DRAWN)


def _first_visit(browser: Browser, cookies: Sequence[Any], address: str) -> Result:
    with browser.new_context(locale="en-US") as context:
        context.add_cookies(list(cookies))
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(".ec-event")
        page.wait_for_load_state("load")
        transferred = float(page.evaluate(_TRANSFERRED))
    return Result(
        "first visit of that board, all assets", "page, styles, modules, calendar", transferred / 1_000, _BYTES
    )


def _seen(page: Page, server: Server, database: Database, address: str) -> Result:
    """Time changes by the API until a browser that shows the board has drawn them."""
    page.goto(address)
    page.wait_for_selector(".ec-event")
    taken = []
    authentication = httpx.BasicAuth(database.keys[0], "")
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", auth=authentication) as client:
        for number in range(_CHANGES):
            start = _MONDAY + timedelta(hours=10, minutes=number + 1)
            body = {name: {"date_time": f"{time_.isoformat()}Z"} for name, time_ in _ends(start).items()}
            page.evaluate(f"(text) => {{ window.seen = ({_SEE})(text); }}", f"{start:%-I:%M %p}")
            begun = time.time()
            headers = {"On-Behalf-Of": "1"}
            answer = client.patch("/v2/scheduled_interviews/5000", json=body, headers=headers)
            if answer.status_code != 200:
                raise BenchmarkError(f"a change returned {answer.status_code}: {answer.text}")
            seen = page.evaluate("Promise.race([window.seen, new Promise((end) => setTimeout(end, 10_000, 0))])")
            if not seen:
                raise BenchmarkError("a change did not appear within 10 s")
            taken.append(float(seen) - begun * 1_000)
    worst = quantiles(taken, n=20)[-1]
    return Result(
        "a change by the API until another browser shows it, p95", f"median {median(taken):.0f} ms", worst, _SEEN
    )


def board_week(bench: Bench) -> Iterator[Result]:
    """Compare the data call of a week in two organizations that differ in size only."""
    documents = [_document(number) for number in range(_INTERVIEWS)]
    sizes = (bench.scale.few, bench.scale.interviews)
    databases = [_loaded(bench, f"week-{size}", documents, size) for size in sizes]
    links = [_link(database) for database in databases]
    with bench.served(databases[0]) as small, bench.served(databases[1]) as large:
        calls = [_calls(server, link) for server, link in zip((small, large), links, strict=True)]
        seconds: list[list[float]] = [[], []]
        for _ in range(_CALLS):  # in turns
            for taken, call in zip(seconds, calls, strict=True):
                taken.append(call())
    for database in databases:
        database.place.clear()
    few, many = map(median, seconds)
    what = f"the board's data call for a week, {sizes[1]:,} interviews in the organization against {sizes[0]:,}"
    yield Result(what, f"{many * 1e3:.1f} ms and {few * 1e3:.1f} ms", many / few, _WEEK)


def pages(bench: Bench) -> Iterator[Result]:
    """Time each page next to its API call, in the week after this one."""
    monday = datetime.combine(date.today(), datetime.min.time()) + timedelta(days=7 - date.today().weekday())
    documents = [_document(number, monday) for number in range(_INTERVIEWS)]
    database = _loaded(bench, "pages", documents, bench.scale.few)
    ends = {"starts_after": monday, "starts_before": monday + timedelta(days=7)}
    named = {
        "monday": f"{monday:%Y-%m-%d}",
        "week": "&".join(f"{name}={time_.isoformat()}Z" for name, time_ in ends.items()),
    }
    with bench.served(database) as server, server.connect() as connection:
        cookie = _signed_in(server, _link(database, "admin"))
        ask = _asking(server, {"Cookie": cookie, "Accept": "text/html"})
        for page, path, call in _PAGES:
            shown, called = [], []
            request = Request(call.format_map(named), key=database.keys[0])
            for _ in range(_CALLS):  # in turns
                shown.append(ask(path.format_map(named))[0])
                begun = time.perf_counter()
                expect(connection, request)
                called.append(time.perf_counter() - begun)
            mine, other = median(shown) * 1e3, median(called) * 1e3
            yield Result(f"page: {page}", f"its API call {other:.1f} ms, {mine / other:,.1f} times that", mine, _PAGE)
    database.place.clear()


def _signed_in(server: Server, link: str) -> str:
    """Sign in, and return the cookies."""
    origin = f"http://127.0.0.1:{server.port}"
    answer = httpx.post(f"{origin}{link}", headers={"Origin": origin})
    return "; ".join(f"{name}={value}" for name, value in answer.cookies.items())


def _asking(server: Server, headers: dict[str, str]) -> Callable[[str], tuple[float, bytes]]:
    """Return a function that requests a path on one connection, and returns its seconds and its body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def ask(path: str) -> tuple[float, bytes]:
        begun = time.perf_counter()
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise BenchmarkError(f"{path} returned {response.status}")
        return time.perf_counter() - begun, body

    return ask


def _calls(server: Server, link: str) -> Callable[[], float]:
    """Return a function that makes the call of a week, after signing in, and returns its seconds."""
    ask = _asking(server, {"Cookie": _signed_in(server, link)})

    def call() -> float:
        seconds, body = ask(f"/board/week?week={_MONDAY:%Y-%m-%d}")
        found = json.loads(body)["interviews"]
        if len(found) != _INTERVIEWS:
            raise BenchmarkError(f"the week has {len(found)} interviews")
        return seconds

    return call


def _ends(start: datetime) -> dict[str, datetime]:
    return {"start": start, "end": start + timedelta(minutes=45)}


def _document(number: int, monday: datetime = _MONDAY) -> dict[str, Any]:
    """Return an interview of the week, with a panel of two of the people."""
    start = monday + timedelta(days=number % 5, hours=9 + number % 8, minutes=15 * (number % 4))
    people = (number % _PEOPLE, (number * 7 + 1) % _PEOPLE)
    ends = {name: {"date_time": f"{time_.isoformat()}.000Z"} for name, time_ in _ends(start).items()}
    answers = ("accepted", "needs_action", "tentative", "accepted", "declined")
    return {
        "id": 5000 + number,
        "application_id": 900 + number % 150,
        "external_event_id": f"board-{number}",
        **ends,
        "location": f"Room {number % 12}",
        "video_conferencing_url": None,
        "status": "scheduled",
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "interview": {"id": 70 + number % 5, "name": ("Phone Screen", "System Design", "Hiring Manager")[number % 3]},
        "organizer": {
            "id": 1,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "name": "Ada Lovelace",
            "employee_id": None,
        },
        "interviewers": [
            {
                "id": 1 + person,
                "employee_id": None,
                "name": f"Person Number{person:03}",
                "email": f"person{person}@example.com",
                "response_status": answers[(number + person) % len(answers)],
                "scorecard_id": None,
            }
            for person in dict.fromkeys(people)
        ],
    }


def _loaded(bench: Bench, name: str, documents: Sequence[dict[str, Any]], beside: int = 0) -> Database:
    """Return a database with these interviews, beside as many generated ones of other weeks, in one organization."""
    file = fresh(bench.file(name).with_suffix(".jsonl"))
    with file.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(each) + "\n" for each in documents)
        if beside:
            with bench.corpus.combined.open(encoding="utf-8") as others:
                lines.writelines(line for line, _ in zip(others, range(beside - len(documents)), strict=False))
    database = subject.load(SqliteFile(bench.file(name)), {"Team": file})
    fresh(file)
    return database


def _link(database: Database, role: str = "coordinator") -> str:
    """Return the path of a link that signs somebody in."""
    invite = [*subject.ROWEN, "people", "invite", "person0@example.com", "--role", role]
    to = ["--organization", "Team", "--database", database.url]
    return run("rowen people invite", [*invite, *to]).output.strip().splitlines()[-1]


@contextmanager
def _launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def _bare(documents: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Serve a page of the calendar alone, with the same interviews in it; yield its address."""
    people = {str(each["id"]): each["name"] for document in documents for each in document["interviewers"]}
    options = {
        "view": "resourceTimelineWeek",
        "date": f"{_MONDAY:%Y-%m-%d}",
        "firstDay": 1,
        "hiddenDays": [0, 6],
        "slotDuration": {"days": 1},
        "columnWidth": "minmax(9rem, 1fr)",
        "resources": [{"id": key, "title": name} for key, name in people.items()],
        "events": [
            {
                "id": each["id"],
                "start": each["start"]["date_time"].removesuffix("Z"),
                "end": each["end"]["date_time"].removesuffix("Z"),
                "title": f"Application {each['application_id']}",
                "resourceIds": [str(member["id"]) for member in each["interviewers"]],
            }
            for each in documents
        ],
    }
    page = f"""<!doctype html><meta charset="utf-8"><title>Bare</title>
<link rel="stylesheet" href="event-calendar.min.css"><script src="event-calendar.min.js"></script>
<div id="board" style="height: 800px"></div>
<script>EventCalendar.create(document.getElementById("board"), {{...{json.dumps(options)}, height: "100%",
theme: (theme) => ({{...theme, view: "ec-resource ec-timeline ec-month-view"}})}})</script>"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.html").write_text(page, encoding="utf-8")
        for file in _INSTALLED.glob("*.min.*"):
            shutil.copy(file, folder)
        handler = functools.partial(_Quiet, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
        finally:
            server.shutdown()
            server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, lets browsers keep them, and logs nothing."""

    def end_headers(self) -> None:
        if self.path.endswith((".js", ".css")):
            self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name in the standard library)
        pass
