"""A JavaScript worker, or the whole process, that dies at each call of the worker's."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from swruntime.testing import Laboratory, kill_everywhere, stop_worker_everywhere
from tests.testing.test_testing_death import count_two

pytest.importorskip("deno")

# The diagnostics see the same holes, rightly.
pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

COUNTS = """let count = 0;
addEventListener("backgroundfetchsuccess", (event) => event.waitUntil((async () => {
    count += 1;
    const cache = await caches.open("count");
    await cache.put("/count", new Response(`${count}`));
})()));
"""

COUNTS_IN_A_CACHE = """addEventListener("backgroundfetchsuccess", (event) => event.waitUntil((async () => {
    const seen = await caches.open("seen");
    await seen.put(`/seen/${event.registration.id}`, new Response());
    const count = (await seen.keys()).length;
    await (await caches.open("count")).put("/count", new Response(`${count}`));
})()));
"""

REMEMBERS = """let name = "nobody";
addEventListener("message", (event) => { name = event.data; });
addEventListener("fetch", (event) => event.respondWith(new Response(name)));
"""

REMEMBERS_IN_A_CACHE = """addEventListener("message", (event) => event.waitUntil((async () => {
    await (await caches.open("name")).put("/name", new Response(event.data));
})()));
addEventListener("fetch", (event) => event.respondWith(caches.match("/name")));
"""


def with_worker(story: Any, worker: str) -> Any:
    async def test(lab: Laboratory) -> Any:
        (lab.site / "sw.js").write_text(worker)
        return await story(lab, await lab.window(worker="/sw.js"))

    return test


async def naming(lab: Laboratory, window: Any) -> Any:
    (await window.navigator.service_worker.ready).active.post_message("Ada")
    await lab.user_agent.settled()
    page = await lab.user_agent.open_window("/")
    return await (await page.fetch("/name")).text()


def test_what_lives_in_a_global_only_is_found_between_two_events() -> None:
    sweep = stop_worker_everywhere(with_worker(naming, REMEMBERS), events=["message"])
    (difference,) = sweep.differences
    assert difference.death.where == "idle after message"
    assert difference.changes == ("it returned 'nobody', and undisturbed 'Ada'",)


@pytest.mark.slow
def test_what_lives_in_a_global_only_is_found_at_its_line() -> None:
    sweep = stop_worker_everywhere(with_worker(count_two, COUNTS), events=["backgroundfetchsuccess"])
    found = {(d.death.where, d.death.source, d.death.events) for d in sweep.differences}
    handled = ("backgroundfetchsuccess",)
    assert found == {
        ("idle after backgroundfetchsuccess", "idle after backgroundfetchsuccess", handled),
        ("sw.js:4", 'const cache = await caches.open("count");', handled),
        ("sw.js:5", 'await cache.put("/count", new Response(`${count}`));', handled),
    }
    assert all("it returned '1', and undisturbed '2'" in d.changes for d in sweep.differences)


def test_the_mended_worker_may_lose_a_message_and_nothing_else() -> None:
    sweep = stop_worker_everywhere(with_worker(naming, REMEMBERS_IN_A_CACHE), events=["message"])
    assert {death.where for death in sweep.deaths} == {"sw.js:2", "idle after message"}
    assert {d.lost for d in sweep.differences} == {("message",)}


@pytest.mark.slow
def test_the_mended_worker_is_silent() -> None:
    sweep = stop_worker_everywhere(with_worker(count_two, COUNTS_IN_A_CACHE))
    assert not sweep, str(sweep)
    assert {death.line for death in sweep.deaths} == {None, 2, 3, 4, 5}


@pytest.mark.slow
def test_the_process_killed_everywhere() -> None:
    sweep = kill_everywhere(with_worker(count_two, COUNTS), events=["backgroundfetchsuccess"])
    assert {d.death.where for d in sweep.differences} >= {"sw.js:4", "sw.js:5"}
    assert {c for d in sweep.differences for c in d.changes if c.startswith("it ")} == {
        "it returned '1', and undisturbed '2'"
    }


@pytest.mark.slow
def test_the_process_killed_everywhere_and_nothing_is_lost() -> None:
    sweep = kill_everywhere(with_worker(count_two, COUNTS_IN_A_CACHE))
    assert not sweep, str(sweep)
    assert sweep.undisturbed.returned == "2"
    assert {death.line for death in sweep.deaths} == {None, 2, 3, 4, 5}


async def posting(lab: Laboratory, window: Any) -> Any:
    """The page asks, and has to ask again where no answer comes."""
    heard: list[object] = []
    window.navigator.service_worker.onmessage = lambda event: heard.append(event.data)
    active = (await window.navigator.service_worker.ready).active
    while not heard:
        active.post_message("there?")
        await trio.sleep(100)
    return heard[:1]


def test_a_message_and_a_timer_are_points_too() -> None:
    worker = """addEventListener("message", (event) => {
    event.waitUntil(new Promise((resolve) => {
        setTimeout(() => {
            event.source.postMessage("yes");
            resolve();
        }, 50);
    }));
});
"""
    sweep = stop_worker_everywhere(with_worker(posting, worker), events=["message"])
    assert not sweep, str(sweep)
    assert [death.line for death in sweep.deaths] == [3, 4, None]


def test_the_scripts_evaluation_is_no_point() -> None:
    async def story(lab: Laboratory, window: Any) -> Any:
        return None

    sweep = stop_worker_everywhere(with_worker(story, 'caches.open("at the top");\n'))
    assert {death.where for death in sweep.deaths} == {"idle after install", "idle after activate"}
