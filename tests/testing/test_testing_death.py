"""A worker, or the whole process, that dies at each of its awaits: what lived in globals only is found."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio

from swruntime import UsageError
from swruntime.testing import Laboratory, Sweep, kill_everywhere, stop_worker_everywhere

# The diagnostics see the same holes, rightly.
pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

COUNTS = """
count = 0

async def onbackgroundfetchsuccess(event):
    global count
    count += 1
    cache = await caches.open("count")
    await cache.put("/count", Response(str(count)))
"""

REMEMBERS = """
import memory

async def onbackgroundfetchsuccess(event):
    memory.seen[event.registration.id] = True
    cache = await caches.open("count")
    await cache.put("/count", Response(str(len(memory.seen))))
"""

COUNTS_IN_A_CACHE = """
async def onbackgroundfetchsuccess(event):
    cache = await caches.open("seen")
    await cache.put("/seen/" + event.registration.id, Response())
    seen = await cache.keys()
    await (await caches.open("count")).put("/count", Response(str(len(seen))))
"""

KEEPS_A_PORT = """
port = None

def onmessage(event):
    global port
    port = event.ports[0]

async def onbackgroundfetchsuccess(event):
    await event.registration.match_all()
    if port:
        port.post_message(event.registration.id)
"""

KEEPS_CLIENTS = """
pages = []

def onmessage(event):
    pages.append(event.source)

async def onbackgroundfetchsuccess(event):
    await event.registration.match_all()
    for page in pages:
        page.post_message(event.registration.id)
"""

ASKS_FOR_CLIENTS = """
async def onbackgroundfetchsuccess(event):
    for page in await clients.match_all(include_uncontrolled=True):
        page.post_message(event.registration.id)
"""


async def counting(lab: Laboratory) -> Any:
    """Two background fetches, one after the other; the worker counts them. May be begun again at any time."""
    return await count_two(lab, await lab.window())


async def count_two(lab: Laboratory, window: Any) -> Any:
    """The same in a window that is open."""
    lab.origin.add("/a", b"aaa")
    manager = (await window.navigator.service_worker.ready).background_fetch
    for id in ("first", "second"):
        if not await window.caches.has(f"asked for {id}"):
            if await manager.get(id) is None:
                await manager.fetch(id, "/a")
            await window.caches.open(f"asked for {id}")
        await lab.user_agent.settled()
    return await (await window.caches.match("/count")).text()


async def telling(lab: Laboratory) -> Any:
    """A page says hello, and is told later, by whatever way, that its background fetch has ended."""
    lab.origin.add("/a", b"aaa")
    window = await lab.window()
    registration = await window.navigator.service_worker.ready
    told = trio.Event()
    heard: list[object] = []

    def hear(event: Any) -> None:
        heard.append(event.data)
        told.set()

    channel = window.MessageChannel()
    channel.port1.onmessage = window.navigator.service_worker.onmessage = hear
    registration.active.post_message("hello", [channel.port2])
    await lab.user_agent.settled()
    await registration.background_fetch.fetch("episode", "/a")
    with trio.move_on_after(60):
        await told.wait()
    return heard[:1]


@attrs.frozen
class Hole:
    """A worker that keeps something in globals only; where that shows; the mended worker."""

    story: Any
    worker: str
    first: str
    mended: str


HOLES = {
    "a global counter": Hole(counting, COUNTS, "idle after backgroundfetchsuccess", COUNTS_IN_A_CACHE),
    "a dict in an imported module": Hole(
        counting, REMEMBERS, "idle after backgroundfetchsuccess", COUNTS_IN_A_CACHE
    ),
    "a port in a global": Hole(telling, KEEPS_A_PORT, "idle after message", ASKS_FOR_CLIENTS),
    "a list of clients": Hole(telling, KEEPS_CLIENTS, "idle after message", ASKS_FOR_CLIENTS),
}


def with_worker(story: Any, worker: str) -> Any:
    async def test(lab: Laboratory) -> Any:
        (lab.site / "worker.py").write_text(worker)
        (lab.site / "memory.py").write_text("seen = {}\n")
        return await story(lab)

    return test


@pytest.mark.parametrize("name", HOLES)
def test_what_lives_in_globals_only_is_found(name: str) -> None:
    hole = HOLES[name]
    sweep = stop_worker_everywhere(with_worker(hole.story, hole.worker))
    assert sweep
    found = [difference.death.where for difference in sweep.differences]
    assert found[0] == hole.first
    # Not only between two events: at an await of the handler, too.
    assert any(death.startswith("worker.py:") for death in found)


@pytest.mark.parametrize("name", HOLES)
def test_the_mended_worker_is_silent(name: str) -> None:
    sweep = stop_worker_everywhere(with_worker(HOLES[name].story, HOLES[name].mended))
    assert not sweep, str(sweep)
    assert len(sweep.deaths) > 2


def test_the_process_killed_everywhere() -> None:
    sweep = kill_everywhere(with_worker(counting, COUNTS), events=["backgroundfetchsuccess"])
    assert {d.death.where for d in sweep.differences} >= {"worker.py:7", "worker.py:8"}
    assert str(sweep).startswith(f"The process was killed {len(sweep.deaths)} times; ")


@pytest.mark.slow
def test_the_process_killed_everywhere_and_nothing_is_lost() -> None:
    sweep = kill_everywhere(with_worker(counting, COUNTS_IN_A_CACHE))
    assert not sweep, str(sweep)
    assert sweep.undisturbed.returned == "2"


@pytest.mark.slow
def test_what_is_run_after_a_death_may_be_something_else() -> None:
    calls: list[str] = []

    async def again(lab: Laboratory) -> str:
        calls.append("again")
        await lab.user_agent.settled()
        return "2"

    sweep = kill_everywhere(
        with_worker(counting, COUNTS_IN_A_CACHE), again=again, events=["backgroundfetchsuccess"]
    )
    assert len(calls) == len(sweep.deaths)
    # The page did not come back to ask for the second one.
    assert sweep
    assert {c for d in sweep.differences for c in d.changes if c.startswith("missing: cache 'asked")} == {
        "missing: cache 'asked for second' of http://localhost:8400"
    }


def test_the_report_names_the_line_and_what_differs() -> None:
    sweep = stop_worker_everywhere(with_worker(counting, COUNTS))
    last = sweep.differences[-1].death
    assert (last.file, last.line, last.source, last.events) == (
        "worker.py",
        8,
        'await cache.put("/count", Response(str(count)))',
        ("backgroundfetchsuccess",),
    )
    text = str(sweep)
    assert f"The worker was stopped {len(sweep.deaths)} times; {len(sweep.differences)} times" in text
    assert 'worker.py:8: await cache.put("/count", Response(str(count)))' in text
    assert "it returned '1', and undisturbed '2'" in text
    assert "missing: cache 'count' of http://localhost:8400: GET http://localhost:8400/count: 200" in text
    assert repr(sweep).startswith(f"<stopped: {len(sweep.differences)} of {len(sweep.deaths)} deaths change")


def test_it_is_the_same_each_time() -> None:
    def sweep() -> Sweep:
        return stop_worker_everywhere(with_worker(counting, REMEMBERS))

    assert str(sweep()) == str(sweep())
    assert sweep().deaths == sweep().deaths


def test_an_await_in_a_module_of_the_site_is_named_there() -> None:
    async def story(lab: Laboratory) -> object:
        (lab.site / "worker.py").write_text(
            "import steps\nasync def oninstall(event):\n    await steps.one()\n    await steps.one()\n"
        )
        (lab.site / "steps.py").write_text(
            "import trio\nn = 0\nasync def one():\n    await trio.sleep(1)\n    globals()['n'] += 1\n"
        )
        await lab.window()
        return None

    sweep = stop_worker_everywhere(story)
    assert not sweep, str(sweep)
    assert {death.where for death in sweep.deaths if death.file} == {"steps.py:4"}


def test_an_interrupted_install_is_tried_again() -> None:
    async def story(lab: Laboratory) -> object:
        script = (
            "async def oninstall(event):\n    await (await caches.open('{}')).put('/shell', Response('{}'))\n"
        )
        (lab.site / "worker.py").write_text(script.format("one", "one"))
        window = await lab.window()
        await lab.user_agent.settled()
        (lab.site / "worker.py").write_text(script.format("two", "two"))
        registration = await window.navigator.service_worker.ready
        await registration.update()
        await lab.user_agent.settled()
        return await (await window.caches.match("/shell")).text()

    sweep = stop_worker_everywhere(story)
    assert not sweep, str(sweep)
    assert {death.where for death in sweep.deaths if death.file} == {"worker.py:2"}


def test_an_event_that_was_lost_is_named() -> None:
    async def story(lab: Laboratory) -> object:
        (lab.site / "worker.py").write_text(
            "async def onfetch(event):\n    event.respond_with(answer())\n"
            "async def answer():\n    await caches.keys()\n    return Response('mine')\n"
        )
        await lab.window()
        page = await lab.user_agent.open_window("/")
        return await (await page.fetch("/a")).text()

    sweep = stop_worker_everywhere(story)
    (answers,) = {d.death.where for d in sweep.differences}
    assert answers == "worker.py:4"
    assert {d.lost for d in sweep.differences} == {("fetch",)}
    assert "a fetch event was lost: it is not dispatched again" in str(sweep)
    assert not stop_worker_everywhere(story, events=["install", "activate"])


def test_a_test_that_waits_for_ever_after_a_death() -> None:
    async def story(lab: Laboratory) -> object:
        (lab.site / "worker.py").write_text(
            "async def onmessage(event):\n    await caches.keys()\n    event.source.post_message('yes')\n"
        )
        window = await lab.window()
        answer = trio.Event()
        window.navigator.service_worker.onmessage = lambda event: answer.set()
        (await window.navigator.service_worker.ready).active.post_message("there?")
        await answer.wait()
        return "answered"

    sweep = stop_worker_everywhere(story, timeout=1000)
    (difference,) = [d for d in sweep.differences if d.death.line == 2][:1]
    assert difference.changes[0] == (
        "it raised nothing: it had not ended after 1000 s, and undisturbed it returned 'answered'"
    )
    assert difference.lost == ("message",)


def test_what_a_user_alone_could_move_is_no_end() -> None:
    async def story(lab: Laboratory) -> object:
        await counting(lab)
        lab.user_agent.network.go_offline()
        window = await lab.window(worker=None)
        manager = (await window.navigator.service_worker.ready).background_fetch
        await manager.fetch("third", "/a")
        return None

    sweep = stop_worker_everywhere(with_worker(story, COUNTS_IN_A_CACHE))
    assert not sweep, str(sweep)
    (waits,) = sweep.undisturbed.waiting
    assert "'third'" in waits


def test_an_undisturbed_run_that_fails_is_a_failure() -> None:
    async def story(lab: Laboratory) -> object:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        stop_worker_everywhere(story)


def test_an_undisturbed_run_that_never_ends_is_a_failure() -> None:
    async def story(lab: Laboratory) -> object:
        await trio.sleep_forever()

    with pytest.raises(UsageError, match="undisturbed run had not ended after 5 s"):
        kill_everywhere(story, timeout=5)


def test_without_a_worker_there_is_nothing_to_stop() -> None:
    async def story(lab: Laboratory) -> object:
        return None

    with pytest.raises(UsageError, match="no worker was started"):
        stop_worker_everywhere(story)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"test": "story"}, "test is 'story'; expected an async function"),
        ({"timeout": 0}, "timeout is 0; expected seconds, more than 0"),
        ({"events": "fetch"}, "events is 'fetch'; expected a collection of names"),
    ],
)
def test_arguments(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        stop_worker_everywhere(**{"test": counting, **arguments})


async def test_inside_of_trio_it_says_where_it_belongs() -> None:
    with pytest.raises(UsageError, match="call this in a plain def"):
        stop_worker_everywhere(counting)
