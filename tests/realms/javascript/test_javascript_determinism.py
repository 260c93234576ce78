"""The same scenario and seed give the same trace, byte for byte, with processes of JavaScript's, too (DESIGN.md, promise 6)."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from swruntime.testing import Pattern, laboratory

pytest.importorskip("deno")

WORKER = """
let pieces = 0;
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
onmessage = (event) => event.waitUntil((async () => {
    await Promise.all(["/1", "/2", "/3"].map(async (path) => {
        const response = await fetch(path + ".txt");
        console.log(path, (await response.text()).length, pieces++);
    }));
    const copies = [...event.ports];
    copies[0].postMessage(pieces);
})());
onbackgroundfetchsuccess = onbackgroundfetchfail = (event) => event.waitUntil((async () => {
    const cache = await caches.open("kept");
    await Promise.all((await event.registration.matchAll()).map(async (record) => {
        await cache.put(record.request, await record.responseReady);
        console.log("kept", record.request.url);
        await new Promise((resolve) => setTimeout(resolve, 10));
        console.log("waited", record.request.url);
    }));
})());
"""
PAGE = """
(async () => {
    await navigator.serviceWorker.register("/sw.js");
    const registration = await navigator.serviceWorker.ready;
    const channel = new MessageChannel();
    registration.active.postMessage("go", [channel.port2]);
    const fetches = ["a", "b", "c"].map((id) =>
        registration.backgroundFetch.fetch(id, [`/${id}/1`, `/${id}/2`], { downloadTotal: 600_000 }));
    for (const fetch of await Promise.all(fetches)) {
        fetch.onprogress = () => { if (fetch.downloaded === 600_000) console.log("whole", fetch.id); };
    }
    channel.port1.onmessage = (event) => console.log("answer", event.data);
    await new Promise((resolve) => setTimeout(resolve, 20_000));
})();
"""


async def a_life(seed: int) -> list[dict[str, object]]:
    async with laboratory(seed=seed) as lab:
        (lab.site / "sw.js").write_text(WORKER)
        (lab.site / "page.js").write_text(PAGE)
        for id in "abc":
            lab.origin.add(f"/{id}/1", body=Pattern(300_000, seed=1), drop_after=100_000)
            lab.origin.add(f"/{id}/2", body=Pattern(300_000, seed=2))
        for number in range(1, 4):
            lab.origin.add(f"/{number}.txt", body=b"x" * 1000 * number)
        window = await lab.user_agent.open_window("/")
        await window.run("/page.js")
        registration = await window.navigator.service_worker.ready
        await lab.user_agent.terminate_worker(registration)
        await lab.user_agent.settled()
        return lab.trace


@pytest.mark.slow
def test_the_same_seed_gives_the_same_trace() -> None:
    first, *others = (trio.run(a_life, 3, clock=MockClock(autojump_threshold=0)) for _ in range(3))
    assert others == [first, first]
    assert any(line["kind"] == "console" and line["text"] == "answer 3" for line in first)
