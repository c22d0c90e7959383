"""Behind nginx, set up as the documents show: links lead back to the address, port and path that the client used."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support import programs
from tests.support.documents import ROOT, blocks_of
from tests.support.records import record
from tests.support.served_schedule import import_records, make_key
from tests.support.server import basic, is_open, serving
from tests.support.storage import SQLITE, Storage

LIST: Final = "/v1/scheduled_interviews?per_page=2"
_GUIDE: Final = ROOT / "docs/how-to/deploy.md"
_AT_ROOT, _BELOW_A_PATH = (block.text for block in blocks_of(_GUIDE) if block.language == "nginx")
_SETTINGS: Final = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        {block}
    }}
}}
"""


@pytest.fixture(scope="module")
def storage() -> Storage:
    """Return the default engine."""
    return SQLITE


@contextmanager
def nginx(block: str, port: int, server_port: int) -> Iterator[str]:
    """Run nginx with a block of the documents until the end of the block; return its URL."""
    program = programs.find("nginx")
    if program is None:
        pytest.skip("nginx is not installed")
    folder = programs.new_folder("nginx")
    settings = folder / "nginx.conf"
    settings.write_text(_SETTINGS.format(port=port, block=block.replace("127.0.0.1:8000", f"127.0.0.1:{server_port}")))
    programs.give(folder)
    process = programs.start(program, "-p", folder, "-c", settings, folder=folder, log=folder / "log")
    try:
        programs.wait_until(lambda: is_open(port) or process.poll() is not None, "nginx listens")
        assert process.poll() is None, (folder / "log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)
        programs.remove(folder)


def ids_of_all_pages(client: httpx.Client, first: str) -> list[int]:
    """Follow the links to the next page to the end."""
    found: list[int] = []
    following: str | None = first
    while following is not None:
        answer = client.get(following)
        assert answer.status_code == 200
        found += [each["id"] for each in answer.json()]
        following = answer.links.get("next", {}).get("url")
        assert following is None or following.startswith(re.sub(r"/v1/.*", "", first)), following
    return found


@pytest.mark.parametrize(("block", "path"), [(_AT_ROOT, ""), (_BELOW_A_PATH, "/rowen")], ids=["root", "path"])
def test_links_keep_the_port_and_the_path(database: str, tmp_path: Path, block: str, path: str) -> None:
    key = make_key(database, "mine", "own")
    import_records(database, "mine", tmp_path, [record(number) for number in range(1, 6)])
    port = programs.quiet_port()
    public = ["--public-url", f"http://127.0.0.1:{port}{path}/"] if path else []
    with (
        serving(database, public) as server,
        nginx(block, port, server.port) as proxy,
        httpx.Client(headers=basic(key), timeout=60) as client,
    ):
        assert ids_of_all_pages(client, f"{proxy}{path}{LIST}") == [1, 2, 3, 4, 5]
        assert client.get(f"{proxy}{path}/metrics").status_code == 404
        page = client.get(f"{proxy}{path}/docs/api/", follow_redirects=True)
        assert (str(page.url), page.status_code) == (f"{proxy}{path}/docs/api", 200)
        assert client.get(f"{proxy}{path}/docs", follow_redirects=True).status_code == 200
        for part in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert client.get(page.url.join(part)).status_code == 200
        live = {"Accept": "text/event-stream"}
        with client.stream("GET", f"{proxy}{path}/rowen/v1/changes?after=0", headers=live) as feed:
            assert next(line for line in feed.iter_lines() if line.startswith("data:"))
