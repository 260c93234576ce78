"""JavaScript and Python at once: workers of the one, pages and tests of the other; the virtual clock; sudden deaths."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

pytest.importorskip("deno")

SNIPPET = """if(!('BackgroundFetchManager' in self)){
  // Provide fallback downloading
}
"""
FETCHING = """navigator.serviceWorker.ready.then(async (swReg) => {
  const bgFetch = await swReg.backgroundFetch.fetch('my-fetch', ['/ep-5.mp3', 'ep-5-artwork.jpg'], {
    title: 'Episode 5: Interesting things.',
    icons: [{
      sizes: '300x300',
      src: '/ep-5-icon.png',
      type: 'image/png',
    }],
    downloadTotal: 60 * 1024 * 1024,
  });
});
"""

KEEPING = """
onbackgroundfetchsuccess = (event) => event.waitUntil((async () => {
    const cache = await caches.open("kept");
    for (const record of await event.registration.matchAll()) {
        await cache.put(record.request, await record.responseReady);
    }
    console.log("kept", event.registration.id, event.registration.result);
})());
"""


async def use(lab: Lab, worker: str = "sw.js") -> Any:
    lab.window = await lab.agent.open_window("/")
    await lab.window.navigator.service_worker.register(f"/{worker}")
    lab.registration = await lab.window.navigator.service_worker.ready
    return lab.registration


async def frames_of_an_event(lab: Lab, worker: str, number: int = 1) -> list[str]:
    """What goes to the worker's process in the event of a background fetch, the second one that it has, by kind."""
    for n in range(number):
        lab.origin.add(f"/{n}", b"x" * 100)
    lab.worker(worker, "sw.js")
    sent: list[str] = []

    def counted(send: Callable[[dict[str, Any]], None], frame: dict[str, Any]) -> None:
        sent.append(frame["t"])
        send(frame)

    async with lab.open(ready=False) as agent:
        registration = await use(lab)
        for id in ("first", "second"):
            await registration.background_fetch.fetch(id, [f"/{n}" for n in range(number)])
            await trio.lowlevel.checkpoint()
            if id == "second":
                channel = registration._concept.active._realm._engine.channel
                channel.send = partial(counted, channel.send)
            await agent.settled()
        assert await (await lab.window.caches.open("kept")).match(f"/{number - 1}") is not None
    return sent


async def test_an_event_takes_few_frames(lab: Lab, autojump_clock: object) -> None:
    """Its records and their responses come with it: two calls are settled, of `caches.open` and `put`."""
    assert await frames_of_an_event(lab, KEEPING) == ["event", "settle", "settle", "update", "ended"]


async def test_many_records_come_when_they_are_asked_for_with_their_responses(
    lab: Lab, autojump_clock: object
) -> None:
    sent = await frames_of_an_event(lab, KEEPING, 11)
    assert sent == ["event", *["settle"] * (2 + 11), "update", "ended"]


async def test_what_came_with_an_event_is_answered_once_and_not_after_it(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/0", b"body")
    lab.worker(
        """
        let late;
        onbackgroundfetchsuccess = (event) => event.waitUntil((async () => {
            const { registration } = event;
            const [[one], [other], [queried]] = await Promise.all(
                [registration.matchAll(), registration.matchAll(), registration.matchAll("/0")]);
            console.log(one === other, one.request.url, other.request.url, queried.request.url);
            console.log(one.responseReady === one.responseReady, one instanceof BackgroundFetchRecord);
            console.log(await (await one.responseReady).text(), await (await other.responseReady).text());
            late = registration;
        })());
        onmessage = () => late.matchAll().catch((error) => console.log(error.name));
        """,
        "sw.js",
    )
    async with lab.open(ready=False) as agent:
        registration = await use(lab)
        await registration.background_fetch.fetch("id", "/0")
        await agent.settled()
        registration.active.post_message("after it")
        await agent.settled()
    url = "http://localhost:8400/0"
    assert lab.console == [f"false {url} {url} {url}", "true true", "body body", "InvalidStateError"]


async def test_a_failed_record_that_came_with_its_event_rejects(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/gone", b"no", status=404)
    lab.worker(
        """
        onbackgroundfetchfail = (event) => event.waitUntil((async () => {
            for (const record of await event.registration.matchAll()) {
                try {
                    console.log((await record.responseReady).status);
                } catch (error) {
                    console.log(error.name);
                }
            }
        })());
        """,
        "sw.js",
    )
    async with lab.open(ready=False) as agent:
        registration = await use(lab)
        await registration.background_fetch.fetch("id", ["/gone", "http://elsewhere.example/"])
        await agent.settled()
    assert lab.console[0] == "404"
    assert lab.console[-1] == "TypeError"


async def test_the_two_snippets_verbatim(lab: Lab, autojump_clock: object) -> None:
    for path in ("/ep-5.mp3", "/ep-5-artwork.jpg"):
        lab.origin.add(path, path.encode())
    lab.worker(SNIPPET + KEEPING, "sw.js")
    lab.worker(SNIPPET, "other.js")
    lab.worker(FETCHING, "page.js")
    async with lab.open(ready=False):
        await use(lab)
        await lab.window.run("/other.js")
        await lab.window.run("/page.js")
        (fetch,) = lab.agent.background_fetches
        assert (fetch.id, fetch.title) == ("my-fetch", "Episode 5: Interesting things.")
        await lab.agent.settled()
        assert await (await lab.window.caches.match("/ep-5.mp3")).text() == "/ep-5.mp3"
    assert lab.one("fetch.start")["download_total"] == 60 * 1024 * 1024
    assert lab.one("fetch.settle")["result"] == "success"
    lab.said("kept my-fetch success")
    assert lab.diagnostics == []


async def test_a_python_page_and_a_javascript_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        """
        onmessage = (event) => {
            if (event.ports.length) {
                const [port] = event.ports;
                port.onmessage = ({ data }) => port.postMessage(`${data} by port`);
                const channel = new MessageChannel();
                channel.port1.onmessage = ({ data }) => console.log("worker heard", data);
                port.postMessage("yours", [channel.port2]);
            }
            event.source.postMessage({ heard: event.data });
            event.waitUntil(caches.open("both").then((cache) => cache.put("/js", new Response("from JavaScript"))));
        };
        new BroadcastChannel("all").onmessage = ({ data }) => console.log("broadcast", data);
        """,
        "sw.js",
    )
    async with lab.open(ready=False):
        registration = await use(lab)
        heard: list[Any] = []
        container = lab.window.navigator.service_worker
        container.onmessage = lambda event: heard.append(event.data)
        channel = lab.window.MessageChannel()
        ports: list[Any] = []

        def on_port(event: Any) -> None:
            heard.append(event.data)
            ports.extend(event.ports)

        channel.port1.onmessage = on_port
        registration.active.post_message([1, "two", None], [channel.port2])
        lab.window.BroadcastChannel("all").post_message("to all")
        await trio.sleep(1)
        channel.port1.post_message("ping")
        ports[0].post_message("through the port it sent")
        await trio.sleep(1)
        await lab.agent.settled()
        assert {"heard": [1, "two", None]} in heard
        assert [each for each in heard if each != {"heard": [1, "two", None]}] == ["yours", "ping by port"]
        assert await (await lab.window.caches.match("/js")).text() == "from JavaScript"
        channel.port1.close()
    assert sorted(lab.console) == ["broadcast to all", "worker heard through the port it sent"]


PYTHON_WORKER = """
def onmessage(event):
    event.source.post_message({"heard": event.data})
    for port in event.ports:
        port.post_message("by port")

async def onbackgroundfetchsuccess(event):
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        await cache.put(record.request, await record.response_ready)
    print("kept", event.registration.id)
"""


async def test_a_javascript_page_and_a_python_worker(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(PYTHON_WORKER)
    lab.worker(
        """
        (async () => {
            const registration = await navigator.serviceWorker.ready;
            const { port1, port2 } = new MessageChannel();
            const answered = new Promise((resolve) => {
                navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
            });
            const byPort = new Promise((resolve) => { port1.onmessage = ({ data }) => resolve(data); });
            registration.active.postMessage({ list: [1, 2] }, [port2]);
            console.log(JSON.stringify(await answered), await byPort);
            const fetch = await registration.backgroundFetch.fetch("f", "/a");
            await new Promise((resolve) => {
                fetch.onprogress = () => { if (fetch.result && !fetch.recordsAvailable) resolve(); };
                if (fetch.result) resolve();
                setTimeout(resolve, 1000);
            });
            console.log(await (await caches.match("/a")).text());
        })();
        """,
        "page.js",
    )
    async with lab.open():
        await lab.window.run("/page.js")
        await lab.agent.settled()
    lab.said('{"heard":{"list":[1,2]}} by port', "kept f", "aaa")


async def test_background_fetches_begun_in_python_and_kept_by_javascript(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(KEEPING, "sw.js")
    async with lab.open(ready=False):
        await use(lab)
        await lab.manager.fetch("f", "/a")
        await lab.agent.settled()
        assert await (await lab.window.caches.match("/a")).text() == "aaa"
    lab.said("kept f success")


async def test_a_worker_whose_last_statement_is_a_promise(lab: Lab, autojump_clock: object) -> None:
    lab.worker("self.skipWaiting();\n", "sw.js")
    async with lab.open(ready=False):
        registration = await use(lab)
        assert registration.active is not None
    assert lab.diagnostics == []


async def test_an_hour_takes_no_time(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        """
        (async () => {
            const [date, now] = [Date.now(), performance.now()];
            await new Promise((resolve) => setTimeout(resolve, 3_600_000));
            console.log(Math.round((Date.now() - date) / 1000), Math.round((performance.now() - now) / 1000));
        })();
        """,
        "page.js",
    )
    async with lab.open():
        await lab.window.run("/page.js")
    lab.said("3600 3600")


async def test_the_clock_stands_while_a_script_computes(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        """
        (async () => {
            const before = Date.now();
            let x = 0;
            for (let i = 0; i < 100_000_000; i++) x ^= i;
            await crypto.subtle.digest("SHA-256", new Uint8Array(4_000_000));
            console.log(Date.now() - before, x >= 0);
        })();
        """,
        "page.js",
    )
    async with lab.open(), trio.open_nursery() as nursery:
        # Whoever waits for a minute does not see it pass meanwhile.
        nursery.start_soon(trio.sleep, 60)
        await lab.window.run("/page.js")
    lab.said("0 true")


@pytest.mark.parametrize("turns", range(12))
async def test_a_worker_dies_in_its_event_and_the_event_comes_again(
    lab: Lab, autojump_clock: object, turns: int
) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(
        KEEPING.replace("for (const", "await new Promise((resolve) => setTimeout(resolve, 10)); for (const"),
        "sw.js",
    )
    async with lab.open(ready=False):
        registration = await use(lab)
        await lab.manager.fetch("f", "/a")
        await lab.agent.until(lambda line: line["kind"] == "event.start" and "fetch" in line)
        await trio.sleep(turns / 1000)
        await lab.agent.terminate_worker(registration)
        await lab.agent.settled()
        assert await (await lab.window.caches.match("/a")).text() == "aaa"
    assert lab.of("event.end", name="backgroundfetchsuccess", outcome="fulfilled") != []


async def test_a_worker_is_stopped_while_it_starts(lab: Lab, autojump_clock: object) -> None:
    """That is no failure of its script, and its event comes again by itself."""
    lab.origin.add("/a", b"aaa")
    lab.worker(KEEPING, "sw.js")
    async with lab.open(ready=False):
        registration = await use(lab)
        await lab.agent.terminate_worker(registration)
        await lab.manager.fetch("f", "/a")
        await lab.agent.until(lambda line: line["kind"] == "worker.start")
        while not await lab.agent.terminate_worker(registration):
            await trio.lowlevel.checkpoint()
        await lab.agent.settled()
        assert await (await lab.window.caches.match("/a")).text() == "aaa"
        assert lab.agent.script_errors == []
    lab.said("kept f success")
    (interrupted,) = lab.of("event.end", outcome="interrupted", name="backgroundfetchsuccess")
    assert interrupted["error"] == "http://localhost:8400/sw.js was stopped while it started"


async def test_a_worker_is_stopped_at_any_moment(lab: Lab, autojump_clock: object) -> None:
    """Nothing hangs, whatever it was doing."""
    lab.worker("onmessage = (event) => event.source.postMessage(event.data);", "sw.js")
    async with lab.open(ready=False):
        registration = await use(lab)
        for turn in range(10):
            registration.active.post_message(turn)
            for _ in range(turn * 5):
                await trio.lowlevel.checkpoint()
            await lab.agent.terminate_worker(registration)
        await lab.agent.settled()
        heard: list[Any] = []
        lab.window.navigator.service_worker.onmessage = lambda event: heard.append(event.data)
        registration.active.post_message("the last")
        await lab.agent.settled()
        await trio.sleep(1)
    assert heard[-1:] == ["the last"]
