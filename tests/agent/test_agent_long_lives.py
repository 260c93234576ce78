"""What a long-lived page makes many of goes when no script can reach it and no event for it can come.

Live objects are counted, and the lengths of tables: a second half of a life may not add to the first.
"""

from __future__ import annotations

import gc
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from swruntime.agent.background_fetch import BackgroundFetch
from swruntime.agent.clients import Client
from swruntime.agent.messaging import Port
from swruntime.agent.workers import Worker
from swruntime.realms.javascript.engine import Engine
from swruntime.realms.python.background_fetch import BackgroundFetchRecord, BackgroundFetchRegistration
from swruntime.realms.python.broadcast_channel import BroadcastChannel
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.message_ports import MessagePort
from swruntime.realms.python.notifications import Notification
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response
from swruntime.realms.python.service_worker import ServiceWorker, ServiceWorkerRegistration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.agent.conftest import Lab

COUNTED = (
    *(BackgroundFetch, BackgroundFetchRecord, BackgroundFetchRegistration, BroadcastChannel, Client, Engine),
    *(MessagePort, Notification, Port, RealmContext, Request, Response, ServiceWorker),
    *(ServiceWorkerRegistration, Worker, trio.lowlevel.Task),
)

WORKER = """
async def onbackgroundfetchsuccess(event):
    for record in await event.registration.match_all():
        response = await record.response_ready
        response.clone()
        await response.bytes()

async def onbackgroundfetchabort(event):
    pass

async def onmessage(event):
    for port in event.ports:
        port.post_message("pong")

async def onnotificationclick(event):
    event.notification.close()
"""
MANY = 12


def live() -> Counter[str]:
    gc.collect()
    gc.collect()
    return Counter(
        each.__name__ for object in gc.get_objects() for each in COUNTED if isinstance(object, each)
    )


async def grows(step: Callable[[int], Awaitable[None]]) -> Counter[str]:
    """What there is more of after twice as many steps."""
    for n in range(MANY):
        await step(n)
    await trio.sleep(3600)
    before = live()
    for n in range(MANY, 2 * MANY):
        await step(n)
    await trio.sleep(3600)
    return Counter({name: count for name, count in (live() - before).items() if count > 2})


def steps(lab: Lab, agent: Any) -> dict[str, Callable[[int], Awaitable[None]]]:
    window, registration = lab.window, lab.registration

    async def fetch(n: int) -> None:
        made = await lab.manager.fetch(f"fetch {n}", ["/file", "/other"])
        made.onprogress = lambda event: made
        await agent.settled()

    async def abort(n: int) -> None:
        await (await lab.manager.fetch(f"abort {n}", "/file")).abort()
        await agent.settled()

    async def unread(n: int) -> None:
        await window.fetch("/file")
        (await window.fetch("/file")).clone()
        await agent.settled()

    async def message(n: int) -> None:
        channel, answered = window.MessageChannel(), trio.Event()
        channel.port1.onmessage = lambda event: answered.set()
        registration.active.post_message("ping", [channel.port2])
        await answered.wait()
        window.BroadcastChannel("channel").close()

    async def notification(n: int) -> None:
        await registration.show_notification("title")
        await agent.notifications[0].click()
        for each in await registration.get_notifications():
            each.close()
        await agent.settled()

    async def stop(n: int) -> None:
        await agent.terminate_worker(registration)
        registration.active.post_message("start")
        await agent.settled()

    async def close(n: int) -> None:
        page = await agent.open_window("/another")
        await page.navigator.service_worker.ready
        page.close()

    async def update(n: int) -> None:
        script = f"async def oninstall(event): await skip_waiting()\nversion = {n}\n"
        lab.worker(WORKER + script)
        await registration.update()
        await agent.settled()

    async def scope(n: int) -> None:
        other = await window.navigator.service_worker.register("/worker.py", scope=f"/scope-{n}/")
        other.onupdatefound = lambda event: other
        await agent.settled()
        await other.unregister()
        await agent.settled()

    return {
        each.__name__: each
        for each in (fetch, abort, unread, message, notification, stop, close, update, scope)
    }


@pytest.mark.parametrize(
    "name",
    [
        *("fetch", "unread", "stop"),
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("abort", "message", "notification", "close", "update", "scope")
        ),
    ],
)
async def test_a_page_keeps_nothing_that_is_over(
    lab: Lab, autojump_clock: trio.testing.MockClock, name: str
) -> None:
    lab.worker(WORKER)
    lab.origin.add("/file", b"x" * 100_000)
    lab.origin.add("/other", b"y")
    async with lab.open() as agent:
        assert not await grows(steps(lab, agent)[name])


async def test_what_a_script_holds_stays_and_is_the_same(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.origin.add("/file", b"x")
    async with lab.open() as agent:
        agent.network.go_offline()
        seen: list[str] = []
        listened = await lab.manager.fetch("listened", "/file")
        listened.onprogress = lambda event: seen.append(event.target.id)
        listened.mine = "an attribute of the script's"
        number = id(listened)
        del listened
        gc.collect()
        # Nobody holds it, and its events have still to come: it is the same.
        again = await lab.manager.get("listened")
        assert (id(again), again.mine) == (number, "an attribute of the script's")
        held = await lab.manager.fetch("held", "/file")
        agent.network.go_online()
        await agent.settled()
        assert seen
        assert set(seen) == {"listened"}
        gc.collect()
        assert (held.id, held.result, held.records_available) == ("held", "success", False)


JAVASCRIPT_STEPS = {
    "fetch": """
        const fetch = await ready.backgroundFetch.fetch(id, ["/file"]);
        fetch.addEventListener("progress", () => {});
    """,
    "unread": "await fetch('/file'); (await fetch('/file')).clone();",
    "message": """
        const { port1, port2 } = new MessageChannel();
        await new Promise((resolve) => {
            port1.onmessage = resolve;
            ready.active.postMessage("ping", [port2]);
        });
    """,
    "channel": """
        const { port1, port2 } = new MessageChannel();
        await new Promise((resolve) => { port1.onmessage = resolve; port2.postMessage("here"); });
    """,
    "notification": """
        await ready.showNotification(id);
        for (const each of await ready.getNotifications()) { each.onclick = () => {}; each.close(); }
    """,
}
# The engine notices what nobody can reach when its heap has grown.
COLLECT = """
    for (let round = 0; round < 6; round++) {
        for (let n = 0; n < 100; n++) new ArrayBuffer(2 ** 21);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", list(JAVASCRIPT_STEPS))
async def test_a_page_in_javascript_keeps_nothing_that_is_over(
    lab: Lab, autojump_clock: trio.testing.MockClock, name: str
) -> None:
    lab.worker(WORKER)
    lab.origin.add("/file", b"x" * 100_000)

    async def run(body: str) -> None:
        script = "globalThis.n = (globalThis.n ?? 0) + 1; const id = `id ${n}`;"
        script += "const ready = await navigator.serviceWorker.ready;"
        (lab.site / "page.js").write_text(f"(async () => {{ {script} {body} }})()")
        await lab.window.run("/page.js")
        await agent.settled()

    async with lab.open() as agent:
        for _ in range(MANY):
            await run(JAVASCRIPT_STEPS[name])
        await trio.sleep(3600)
        await run(COLLECT)
        (engine,) = [
            each for each in gc.get_objects() if isinstance(each, Engine) and not each.channel.closed
        ]
        known = len(engine.handles)
        before = live()
        for _ in range(MANY):
            await run(JAVASCRIPT_STEPS[name])
        await trio.sleep(3600)
        for _ in range(30):  # the engine looks when it likes
            await run(COLLECT)
            if len(engine.handles) <= known + 2:
                break
        assert len(engine.handles) <= known + 2
        assert not Counter({each: count for each, count in (live() - before).items() if count > 2})


@pytest.mark.slow
async def test_a_worker_in_javascript_leaves_nothing_when_it_is_stopped(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    (lab.site / "sw.js").write_text("self.onmessage = () => {};\n")
    async with lab.open(ready=False) as agent:
        page = await agent.open_window("/")
        await page.navigator.service_worker.register("/sw.js")
        registration = await page.navigator.service_worker.ready

        async def stop(n: int) -> None:
            await agent.terminate_worker(registration)
            registration.active.post_message("start")
            await agent.settled()

        assert not await grows(stop)
