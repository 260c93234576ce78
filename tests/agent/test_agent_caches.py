"""Cache and CacheStorage, and how they share bodies with background fetches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime import InvalidStateError, QuotaExceededError
from swruntime.network.conditions import Conditions

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"


async def keys(cache: Any, *arguments: Any, **options: bool) -> list[str]:
    return [request.url.removeprefix(HOME) for request in await cache.keys(*arguments, **options)]


async def texts(responses: list[Any]) -> list[str]:
    return [await response.text() for response in responses]


async def test_names(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        caches = (await agent.open_window("/")).caches
        assert await caches.keys() == []
        assert await caches.has("a") is False
        await caches.open("b")
        await caches.open("a")
        await caches.open("b")
        assert await caches.keys() == ["b", "a"]
        assert await caches.has("a") is True
        assert await caches.delete("b") is True
        assert await caches.delete("b") is False
        assert await caches.keys() == ["a"]
        with pytest.raises(TypeError):
            await caches.open(5)


async def test_put_match_keys_delete(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("c")
        Request, Response = window.Request, window.Response
        assert await cache.match("/a") is None
        assert await cache.match_all() == []
        for url, body in (("/a", "a"), ("/b?1", "b1"), ("/b?2", "b2")):
            assert await cache.put(url, Response(body, headers={"X-Url": url})) is None
        assert await keys(cache) == ["/a", "/b?1", "/b?2"]
        found = await cache.match("/b?2")
        assert (await found.text(), found.headers.get("X-Url"), found.status) == ("b2", "/b?2", 200)
        assert await cache.match("/b") is None
        assert await texts([await cache.match("/b", ignore_search=True)]) == ["b1"]
        assert await texts(await cache.match_all("/b", ignore_search=True)) == ["b1", "b2"]
        assert await keys(cache, "/b?3", ignore_search=True) == ["/b?1", "/b?2"]
        assert await cache.match(Request("/a", method="POST")) is None
        assert await texts([await cache.match(Request("/a", method="POST"), ignore_method=True)]) == ["a"]
        # The same again takes the place of the old one.
        await cache.put("/a", Response("a2"))
        assert await keys(cache) == ["/b?1", "/b?2", "/a"]
        assert await texts(await cache.match_all("/a")) == ["a2"]
        assert await cache.delete("/nothing") is False
        assert await cache.delete(Request("/a", method="HEAD")) is False
        assert await cache.delete("/b", ignore_search=True) is True
        del found
        assert await keys(cache) == ["/a"]
        assert await texts([await window.caches.match("/a")]) == ["a2"]
        assert await window.caches.match("/a", cache_name="other") is None
        assert await window.caches.has("other") is False
        assert lab.bodies == 2


async def test_vary(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("c")

        def query(colour: str) -> Any:
            return window.Request("/v", headers={"X-Colour": colour})

        for colour in ("red", "blue"):
            await cache.put(query(colour), window.Response(colour, headers={"Vary": "X-Colour"}))
        assert len(await cache.keys()) == 2
        assert await texts([await cache.match(query("blue"))]) == ["blue"]
        assert await cache.match(query("green")) is None
        assert await texts(await cache.match_all("/v", ignore_vary=True)) == ["red", "blue"]


async def test_what_put_refuses(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("c")
        agent.storage.quota = agent.storage.estimate().usage + 10
        Request, Response = window.Request, window.Response
        used = Response("x")
        await used.text()
        for request, response in (
            (Request("/a", method="POST"), Response("x")),
            ("ftp://localhost/a", Response("x")),
            ("/a", Response("x", status=206)),
            ("/a", Response("x", headers={"Vary": "Accept, *"})),
            ("/a", used),
            ("/a", "x"),
            (5, Response("x")),
        ):
            with pytest.raises(TypeError):
                await cache.put(request, response)
        with pytest.raises(QuotaExceededError):
            await cache.put("/a", Response("x" * 11))
        assert await cache.keys() == []
        assert lab.bodies == 0


async def test_add_and_add_all(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa", delay=2)
    lab.origin.add("/b", b"bbb")
    lab.origin.add("/big", b"x" * 1_000_000)
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("c")
        await cache.add("/b")
        await cache.add_all(["/a", "/b"])
        assert await keys(cache) == ["/a", "/b"]
        with pytest.raises(TypeError, match="404"):
            await cache.add_all(["/big", "/missing"])
        with pytest.raises(TypeError):
            await cache.add("http://nowhere.example/")
        with pytest.raises(TypeError):
            await cache.add(window.Request("/a", method="POST"))
        with pytest.raises(InvalidStateError, match="/a"):
            await cache.add_all(["/a", "/a"])
        assert await keys(cache) == ["/a", "/b"]
        assert lab.bodies == 6


async def test_a_cache_that_was_deleted(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("c")
        await cache.put("/a", window.Response("a"))
        response = await cache.match("/a")
        await window.caches.delete("c")
        assert await cache.match("/a") is None
        with pytest.raises(InvalidStateError, match="the cache was deleted"):
            await cache.put("/a", window.Response("a"))
        # What was handed out stays readable.
        assert await response.text() == "a"
        del response
        assert lab.bodies == 0


# Records and caches share bodies


KEEP = """
async def onbackgroundfetchsuccess(event):
    cache = await caches.open('kept')
    for record in await event.registration.match_all():
        await cache.put(record.request, await record.response_ready)
"""


@pytest.mark.parametrize("on_disk", [False, True])
async def test_a_record_put_into_a_cache_is_not_copied(
    lab: Lab, autojump_clock: object, on_disk: bool
) -> None:
    lab.origin.add("/a", b"x" * 100_000, content_type="text/x")
    lab.worker(KEEP)
    async with lab.open(quota=150_000, profile=lab.profile if on_disk else None) as agent:
        await lab.manager.fetch("f", "/a")
        usages: list[int] = []
        agent.trace.add_sink(lambda line: usages.append(lab.bodies))
        await agent.settled()
        assert max(usages) == lab.bodies == 100_000
        response = await lab.window.caches.match("/a")
        assert await response.bytes() == b"x" * 100_000
        assert (response.url, response.headers.get("Content-Type")) == (f"{HOME}/a", "text/x")
        assert response.headers.get("Content-Length") is None
        await lab.window.caches.delete("kept")
        del response
        assert lab.bodies == 0


async def test_a_put_waits_for_the_last_byte(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 100_000, chunk=1000)
    async with lab.open() as agent:
        agent.network.conditions = Conditions("slow", download=10_000)
        fetch = await lab.manager.fetch("f", "/a")
        cache = await lab.window.caches.open("early")
        response = await (await fetch.match("/a")).response_ready
        putting = cache.put("/a", response)
        await trio.sleep(5)
        assert not putting.settled
        assert response.body_used
        assert await cache.keys() == []
        await putting
        assert fetch.downloaded > 90_000
        await agent.settled()
        assert len(await (await cache.match("/a")).bytes()) == 100_000
        assert lab.bodies == 100_000


async def test_a_put_of_a_record_that_fails(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1000, stall_after=500)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        cache = await lab.window.caches.open("c")
        putting = cache.put("/a", await (await fetch.match("/a")).response_ready)
        await trio.sleep(1)
        await fetch.abort()
        with pytest.raises(Exception, match="aborted") as caught:
            await putting
        assert getattr(caught.value, "name", "") == "AbortError"
        assert await cache.keys() == []
        await agent.settled()


async def test_cached_bytes_are_untouched_by_what_comes_later(lab: Lab, autojump_clock: object) -> None:
    """A finished record is in a cache; the same URL, fetched again, starts over and over."""
    lab.origin.add(
        "/a",
        responses=[
            {"body": b"first" * 1000},
            {"body": b"second" * 1000, "drop_after": 3000},
            {"body": b"third!" * 1000},
        ],
    )
    lab.worker(KEEP)
    async with lab.open() as agent:
        await lab.manager.fetch("one", "/a")
        await agent.settled()
        cached = await lab.window.caches.match("/a")
        lab.worker("")
        await agent.terminate_worker(lab.registration)
        two = await lab.manager.fetch("two", "/a")
        await agent.settled()
        assert (two.result, two.downloaded) == ("success", 6000)
        assert await cached.bytes() == b"first" * 1000
        assert await (await lab.window.caches.match("/a")).bytes() == b"first" * 1000
        assert lab.bodies == 5000


async def test_a_clone_of_a_record_goes_into_two_caches(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1000)
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    (record,) = await event.registration.match_all()\n"
        "    response = await record.response_ready\n"
        "    copy = response.clone()\n"
        "    await (await caches.open('one')).put('/one', response)\n"
        "    await (await caches.open('two')).put('/two', copy)\n"
    )
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        await agent.settled()
        assert agent.script_errors == []
        for path in ("/one", "/two"):
            assert len(await (await lab.window.caches.match(path)).bytes()) == 1000
        assert lab.bodies == 1000


async def test_a_fetched_response_goes_into_a_cache(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 100_000)
    lab.origin.add("/cut", b"x" * 100_000, drop_after=[50_000] * 5)
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("c")
        await cache.put("/a", await window.fetch("/a"))
        with pytest.raises(TypeError):
            await cache.put("/cut", await window.fetch("/cut"))
        assert await keys(cache) == ["/a"]
        assert lab.bodies == 100_000
