"""`make torture TARGET=frames`: a realm's process says anything, and nothing happens but that the realm ends.

Each episode is an agent of its own. In it the worker's process and a page's take turns; each lives until it is ended.
What is held: no exception of ours is seen; no secret is in anything that the process gets; no server is asked what no
script may have it asked; and after each end the others work as before.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import Any

import attrs
import trio

from swruntime.errors import DOMException
from swruntime.realms.javascript.engine import Engine
from swruntime.testing.virtual_time import run
from tests.torture.frames_made import next_frame
from tests.torture.frames_process import RESPONSE, Frame, StandIn
from tests.torture.frames_world import OTHER, World, behaves, behaves_but_answers_nobody, open_world

COUNTED = "frames"
PER_CORE = 1
TURNS = 12
"""Lives of a process in an episode."""
LIFE = 150
"""Frames that one says at most."""
OURS = re.compile("the runtime failed at|failed in the runtime|^[\\w.]+ failed: ")
"""What an exception of ours is told with."""


@attrs.define
class Found:
    """What came of an episode."""

    frames: int = 0
    ended: int = 0
    tracebacks: list[str] = attrs.field(factory=list)
    leaks: list[str] = attrs.field(factory=list)
    broken: list[str] = attrs.field(factory=list)
    """Others that did not work, and requests that no script may make."""

    @property
    def counts(self) -> dict[str, int]:
        bad = {"tracebacks": len(self.tracebacks), "leaks": len(self.leaks), "broken": len(self.broken)}
        return {"frames": self.frames, "ended": self.ended, "episodes": 1, **bad}

    @property
    def findings(self) -> list[str]:
        return [*self.tracebacks, *self.leaks, *self.broken]


def sentence(run: Mapping[str, int], all: Mapping[str, int]) -> str:
    """The closing figure."""
    told = "{frames:,} frames sent, {ended:,} realms ended, {tracebacks} tracebacks, {leaks} times bytes wrongly handed out"
    told += ", {broken} times another realm or a server was reached; {episodes:,} episodes"
    zero = dict.fromkeys(Found().counts, 0)
    return f"{told.format(**{**zero, **run})}\nin all runs: {told.format(**{**zero, **all})}"


def episode(seed: str, *, turns: int = TURNS) -> Found:
    """All of it follows from `seed`."""
    found = Found()
    try:
        run(_episode, Random(seed), found, turns)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        found.tracebacks.append("".join(traceback.format_exception(error)))
    return found


async def _episode(random: Random, found: Found, turns: int) -> None:
    async with open_world(random.randrange(2**32)) as world:
        for _ in range(turns):
            starts_wrongly = random.randrange(10) == 0
            world.react = (lambda frame: _wrong_start(random, frame)) if starts_wrongly else behaves
            process = await (world.start_worker() if random.randrange(3) else world.open_page())
            world.react = random.choice([behaves, behaves_but_answers_nobody])
            if process is None and starts_wrongly:
                continue  # it was ended before it had run
            if process is None:
                found.broken.append("a realm does not start")
                break
            engine = world.engine_of(process)
            assert engine is not None
            with trio.move_on_after(600):
                await _life(random, world, process, engine, found)
            found.broken += await world.others_work()
            found.broken += world.wrongly_sent()
        found.leaks += world.leaks
        for line in world.lab.trace:
            text = str(line.get("message", "")) + str(line.get("text", ""))
            if OURS.search(text):
                found.tracebacks.append(text)


async def _life(random: Random, world: World, process: StandIn, engine: Engine, found: Found) -> None:
    await gather(world, process)
    others = world.bystander.numbers
    while process.said < LIFE and not process.killed.is_set():
        for _ in range(random.randint(1, 5)):
            process.say(next_frame(random, process, engine, others))
        await world.run(process)
        if random.randrange(10) == 0:
            await _stimulate(random, world)
    found.frames += process.said
    if process.killed.is_set():
        found.ended += 1
    elif process.kind == "worker":
        await world.lab.user_agent.terminate_worker(world.registration)
    else:
        engine.realm.context.discard("the window was closed")


def _wrong_start(random: Random, frame: Frame) -> list[Frame]:
    """What a process answers that does not even run its script as it should."""
    if frame["t"] != "run":
        return behaves(frame)
    wrong: list[Any] = [
        None,
        1,
        [],
        {},
        {"events": None},
        {"events": [["a"]]},
        {"events": [[1, None]]},
        {"events": [], "kept": 1},
    ]
    wrong += [
        {"events": [], "kept": {"kept": 1}},
        {"events": [], "pending": 1},
        {"events": [["a", ["b", "c", "d"]]]},
    ]
    errors: list[Any] = [
        {},
        {"text": 1},
        {"name": "a", "message": "b", "dom": False},
        {"name": 1, "message": 1, "dom": 1, "text": ""},
    ]
    if random.randrange(2):
        return [{"t": "answer", "id": frame["id"], "error": random.choice(errors)}]
    return [{"t": "answer", "id": frame["id"], "value": random.choice(wrong)}]


async def gather(world: World, process: StandIn) -> None:
    """Real objects of all kinds, which the script has come by as scripts do."""

    def one(interface: str) -> int:
        return process.objects[interface][0]

    def request(url: str, **members: str) -> dict[str, object]:
        return {"url": url, "method": "GET", "headers": [], "body": None, **members}

    process.call("CacheStorage.open", one("CacheStorage"), "its own")
    for url, members in (
        ("/data", {}),
        (f"{OTHER}/opaque", {"mode": "no-cors", "credentials": "include"}),
        (f"{OTHER}/cors", {"mode": "cors"}),
        ("/away", {"redirect": "manual"}),
    ):
        process.call("fetch", request(url, **members), 1000 + process.last_call)
    process.post("MessageChannel.new", -1, -2)
    process.post("BroadcastChannel.new", -3, "all")
    process.objects |= {"MessagePort": [-1, -2], "BroadcastChannel": [-3]}
    if process.kind == "window":
        process.call("ServiceWorkerContainer.getRegistrations", one("ServiceWorkerContainer"))
    else:
        process.call("Clients.matchAll", one("Clients"), {"includeUncontrolled": True})
    process.call("idb.open", {"request": 1, "name": f"db of {process.name}", "version": 1})
    await world.run(process)
    if "ServiceWorkerRegistration" in process.objects:
        registration = one("ServiceWorkerRegistration")
        process.call("ServiceWorkerRegistration.showNotification", registration, "a title", {"tag": "a"})
        process.call("ServiceWorkerRegistration.getNotifications", registration, {})
        process.call("PushManager.subscribe", one("PushManager"), {"userVisibleOnly": True})
        process.call(
            "BackgroundFetchManager.fetch", one("BackgroundFetchManager"), "an id", ["/data", "/more"], {}
        )
        process.call("BackgroundFetchManager.get", one("BackgroundFetchManager"), "an id")
    for number in [each for each in process.objects.get(RESPONSE, ()) if process.types[each] == "basic"]:
        process.call("Cache.put", one("Cache"), request("/kept"), {"handle": number})
    process.call(
        "idb.requests",
        {
            "transaction": -1,
            "requests": [["createStore", 1, "s", None, False], ["createIndex", 1, 2, "i", "a", False, False]],
        },
    )
    process.call("idb.commit", {"transaction": -1})
    await world.run(process)
    for number in process.objects.get("BackgroundFetchRegistration", ()):
        process.call("BackgroundFetchRegistration.matchAll", number)
    await world.run(process)


async def _stimulate(random: Random, world: World) -> None:
    """What comes from outside: a message, a request of a page, a push, a sync, a click."""
    agent = world.lab.user_agent
    # The attacker's worker answers as it likes, or is ended meanwhile.
    with trio.move_on_after(5), suppress(TypeError, DOMException):
        match random.randrange(6):
            case 0:
                world.registration.active.post_message({"a": [1]})
            case 1:
                await world.worker_page.fetch(random.choice(["/data", f"{OTHER}/cors"]))
            case 2:
                await agent.push(world.registration, b"pushed")
            case 3:
                await agent.sync(world.registration, "tag")
            case 4:
                for shown in agent.notifications[:1]:
                    await shown.click()
            case _:
                await agent.periodic_sync(world.registration, "tag")
