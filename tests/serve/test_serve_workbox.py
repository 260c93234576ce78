"""A worker that is bundled with Workbox, as its users build it, behind `serve` and in process.

Its packages come from npm's registry; the bundle is made here and committed nowhere (`workbox_bundle.py`).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import swruntime
from swruntime.trace import script_diagnostic
from tests.serve.workbox_bundle import bundled

if TYPE_CHECKING:
    from tests.serve.conftest import Server, Serving

pytestmark = pytest.mark.slow

PACKAGES = ("workbox-core", "workbox-precaching", "workbox-routing", "workbox-strategies")
HTML = ("--header", "Accept: text/html", "--header", "Sec-Fetch-Mode: navigate")
STATUS = ("--output", "/dev/null", "--write-out", "%{http_code}")

SOURCE = """\
import { clientsClaim } from "workbox-core";
import { createHandlerBoundToURL, precacheAndRoute } from "workbox-precaching";
import { NavigationRoute, registerRoute } from "workbox-routing";
import { StaleWhileRevalidate } from "workbox-strategies";

self.skipWaiting();
clientsClaim();
precacheAndRoute(self.__WB_MANIFEST);
registerRoute(new NavigationRoute(createHandlerBoundToURL("/index.html")));
registerRoute(({ url }) => url.pathname.startsWith("/data/"), new StaleWhileRevalidate({ cacheName: "data" }));

self.addEventListener("message", ({ data }) => {
    console.log("told", data);
    if (data === "raise") {
        throw new Error("as it was told");
    }
    Promise.reject(new Error("seen by nobody"));
});
"""
MANIFEST = [{"url": url, "revision": "1"} for url in ("/index.html", "/style.css")]
FILES = {
    "index.html": "<h1>home</h1>\n",
    "style.css": "h1 { color: teal }\n",
    "data/news.json": '{"news": 1}\n',
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundled(tmp_path_factory.mktemp("workbox"), SOURCE, PACKAGES, MANIFEST)


@pytest.fixture
def site(tmp_path: Path, bundle: Path) -> Path:
    """A site with the bundle and its files."""
    folder = tmp_path / "site"
    shutil.copytree(bundle, folder)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def everything(server: Server) -> tuple[str, ...]:
    """What a client of `server` gets: a navigation, a precached file, and what is stale while revalidated."""
    return server.curl("/anywhere", *HTML), server.curl("/style.css"), server.curl("/data/news.json")


def test_it_serves_when_its_upstream_is_gone(site: Path, serving: Serving) -> None:
    with serving.upstream(site) as upstream:
        server = serving.serve(site, "--upstream", upstream)
        assert everything(server) == tuple(FILES.values())
        assert server.curl("/data/never-asked-for.json", *STATUS) == "404"
    assert everything(server) == tuple(FILES.values())
    assert server.curl("/data/late.json", *STATUS) == "502"
    assert server.interrupt() == 130
    # What was stored is there in the next process, too.
    port = server.url.rpartition(":")[2]
    server = serving.serve(site, "--upstream", upstream, "--port", port)
    assert everything(server) == tuple(FILES.values())


async def test_a_page_offline(site: Path, autojump_clock: object) -> None:
    lines: list[Any] = []
    async with swruntime.open_user_agent(site=site, on_trace=lines.append) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        await window.navigator.service_worker.ready
        await agent.settled()
        first = await window.fetch("/data/news.json")
        assert await first.text() == FILES["data/news.json"]
        await agent.settled()
        agent.network.go_offline()
        for path in ("/style.css", "/data/news.json"):
            response = await window.fetch(path)
            assert await response.text() == FILES[path[1:]]
        with pytest.raises(TypeError):
            await window.fetch("/data/late.json")


@pytest.mark.parametrize("worker", ["/sw.js", "/globals.js"])
async def test_nothing_is_told_of_what_is_right(site: Path, autojump_clock: object, worker: str) -> None:
    lines: list[Any] = []
    async with swruntime.open_user_agent(site=site, on_trace=lines.append) as agent:
        window: Any = await agent.open_window("/")
        await window.navigator.service_worker.register(worker)
        registration = await window.navigator.service_worker.ready
        await agent.settled()
        for _ in range(3):
            for path in ("/style.css", "/data/news.json"):
                response = await window.fetch(path)
                assert await response.text() == FILES[path[1:]]
            await agent.terminate_worker(registration)
        await agent.settled()
    assert [line for line in lines if script_diagnostic(line)] == []


def line_of(text: str) -> str:
    """Where that is in the source."""
    (number,) = (number for number, line in enumerate(SOURCE.splitlines(), 1) if text in line)
    return f"worker.js:{number}"


async def test_places_are_those_of_its_source(site: Path, autojump_clock: object) -> None:
    lines: list[Any] = []
    async with swruntime.open_user_agent(site=site, on_trace=lines.append) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        registration = await window.navigator.service_worker.ready
        for message in ("raise", "reject"):
            registration.active.post_message(message)
            await agent.settled()
    places = [(line.get("text") or line.get("error"), line["where"]) for line in lines if line.get("where")]
    assert ("told raise", line_of("console.log")) in places
    assert ("Error: as it was told", line_of("throw new")) in places
    assert ("Uncaught Error: seen by nobody", line_of("Promise.reject")) in places
