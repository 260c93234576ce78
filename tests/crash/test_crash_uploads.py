"""kill -9 while a page has an upload and downloads under way, in two registrations, with caches beside: nothing is lost,
and nothing is sent twice.

The server is in this process and counts what it got; the program is real.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from swruntime.storage import verify
from tests.crash.crash_kills import KILLED
from tests.crash.crash_site import Site

FORM = b"name=value&" * 10_000
FILE = bytes(range(256)) * 800

PAGE = """
FORM = b"name=value&" * 10_000

async def main():
    other = await navigator.service_worker.register("/worker.py", scope="/other/")
    while other.active is None or other.active.state != "activated":
        await caches.has("nothing")
    here = await navigator.service_worker.ready
    await (await caches.open("page")).put("/page", Response("a page"))
    if not EVENTS.exists():
        upload = Request("/form", method="POST", body=FORM)
        if not await here.background_fetch.get("upload"):
            await here.background_fetch.fetch("upload", [upload, "/file"])
        if not await other.background_fetch.get("download"):
            await other.background_fetch.fetch("download", ["/file"])
"""

WORKER = """
import hashlib
from pathlib import Path

EVENTS = Path({events!r})

async def keep(event):
    cache = await caches.open(event.registration.id)
    for record in await event.registration.match_all():
        said = record.request.method
        if said == "POST":
            said += " " + hashlib.sha256(await record.request.bytes()).hexdigest()
        try:
            await cache.put(record.request.url, await record.response_ready)
        except TypeError:
            said += " failed"
        with EVENTS.open("a") as file:
            file.write(f"{{event.type}} {{event.registration.id}} {{said}}\\n")

onbackgroundfetchsuccess = onbackgroundfetchfail = keep
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    posts: list[bytes]

    def do_GET(self) -> None:
        self._answer(FILE if self.path == "/file" else b"a page")

    def do_POST(self) -> None:
        self.posts.append(b"")
        self.posts[-1] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"thank you")

    def _answer(self, body: bytes) -> None:
        try:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True  # the program was killed

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    posts: list[bytes] = []
    handler = type("Posts", (Handler,), {"posts": posts})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", posts
        server.shutdown()
        thread.join()


def tell(folder: Path, server: tuple[str, list[bytes]], call: int) -> bool:
    """Kill it at the CALL-th change of the disk, and go on. Whether it was killed."""
    origin, posts = server
    posts.clear()
    site = Site(folder, f"site{call}")
    events = folder / f"events{call}"
    site.worker(WORKER.format(events=str(events)))
    page = f"from pathlib import Path\nEVENTS = Path({str(events)!r})\n{PAGE}"
    (site.folder / "page.py").write_text(page)
    killed = site.run("run", "--origin", origin, "--json", kill=("disk", str(call)))
    begun = {line["id"] for line in killed.lines("fetch.start")}
    again = site.run("resume", "--json")
    assert again.status in (0, 1), again.told
    assert "Traceback" not in again.err, again.told
    lines = events.read_text().splitlines() if events.exists() else []
    assert {line.split()[1] for line in lines} >= begun, "what was begun came to its event"
    assert len(posts) <= 1, "never sent twice"
    assert posts in ([], [FORM]) or killed.status == KILLED
    digest = hashlib.sha256(FORM).hexdigest()
    assert all(digest in line for line in lines if " POST" in line), "the stored body is intact"
    check_cached(site, origin, begun)
    return killed.status == KILLED


def check_cached(site: Site, origin: str, begun: set[str]) -> None:
    right = {
        f"{origin}/file": hashlib.sha256(FILE).hexdigest(),
        f"{origin}/form": hashlib.sha256(b"thank you").hexdigest(),
    }
    if not (site.profile / "profile.sqlite3").exists():
        return
    assert verify(site.profile) == []
    for id in ("upload", "download"):
        cached = site.cached(origin, id)
        assert cached.items() <= right.items(), "no wrong bytes"
        assert id not in begun or f"{origin}/file" in cached


SHARDS = 8
STEP = 5


def test_a_kill_beside_an_upload(tmp_path: Path, server: tuple[str, list[bytes]]) -> None:
    assert tell(tmp_path, server, 60)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_while_uploads_and_downloads_are_under_way(
    tmp_path: Path, server: tuple[str, list[bytes]], shard: int
) -> None:
    call = 1 + shard * STEP
    while tell(tmp_path, server, call):
        call += SHARDS * STEP
    assert call > 40, "the launcher counts what there is"
