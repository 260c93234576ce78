"""What would pass the quota is refused in each API's own way, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from swruntime.agent.services import QUOTA_RESERVE
from swruntime.errors import QuotaExceededError
from tests.agent.conftest import Lab

BIG = "x" * 10_000
ROOM = 5000

Action = Callable[[Lab], Awaitable[Any]]


async def open_a_cache(lab: Lab) -> None:
    await lab.window.caches.open(BIG)


async def put(lab: Lab, url: str, request_headers: dict[str, str], response_headers: dict[str, str]) -> None:
    cache = await lab.window.caches.open("c")
    request = lab.request(url, headers=request_headers)
    await cache.put(request, lab.window.Response(None, headers=response_headers))


async def put_a_url(lab: Lab) -> None:
    await put(lab, f"/?{BIG}", {}, {})


async def put_request_headers(lab: Lab) -> None:
    await put(lab, "/", {"X": BIG}, {})


async def put_response_headers(lab: Lab) -> None:
    await put(lab, "/", {}, {"X": BIG})


async def add_two(lab: Lab) -> None:
    cache = await lab.window.caches.open("c")
    await cache.add_all(["/fits", "/headers"])


async def notify(lab: Lab) -> None:
    await lab.registration.show_notification("n", data={"a": [BIG]})


async def sync(lab: Lab) -> None:
    await lab.registration.sync.register(BIG)


async def periodic_sync(lab: Lab) -> None:
    await lab.registration.periodic_sync.register(BIG)


async def background_fetch(lab: Lab) -> None:
    await lab.manager.fetch("f", [lab.request("/", headers={"X": "x" * (QUOTA_RESERVE + ROOM)})])


async def background_fetch_id(lab: Lab) -> None:
    await lab.manager.fetch("x" * (QUOTA_RESERVE + ROOM), "/")


async def background_fetch_title(lab: Lab) -> None:
    await lab.manager.fetch("f", "/", title="x" * (QUOTA_RESERVE + ROOM))


async def register(lab: Lab) -> None:
    scope = f"/{'x' * QUOTA_RESERVE}"
    await lab.window.navigator.service_worker.register("/worker.py", scope=scope)


ACTIONS: tuple[Action, ...] = (
    open_a_cache, put_a_url, put_request_headers, put_response_headers, add_two, notify, sync, periodic_sync,
    background_fetch, background_fetch_id, background_fetch_title, register,
)  # fmt: skip


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("action", ACTIONS)
async def test_it_is_refused_and_nothing_is_kept(
    lab: Lab, autojump_clock: object, action: Action, on_disk: bool
) -> None:
    lab.origin.add("/fits", b"fits")
    lab.origin.add("/headers", b"x", headers={"X": BIG})
    async with lab.open(profile=lab.profile if on_disk else None) as agent:
        await lab.window.caches.open("c")
        before = agent.storage.estimate().usage
        assert before > 0, "the registration counts"
        agent.storage.quota = before + ROOM
        with pytest.raises(QuotaExceededError, match=r"room for|does not fit"):
            await action(lab)
        await agent.settled()
        assert agent.storage.estimate().usage == before
        assert lab.bodies == 0
        assert agent.background_fetches == []
        assert len(agent.registrations.all()) == 1
        estimate = await lab.window.navigator.storage.estimate()
        assert (estimate.usage, estimate.quota) == (before, before + ROOM)
        agent.storage.quota = 10_000_000
        await action(lab)  # with more room it is not refused


async def test_a_full_origin_still_deletes_replaces_and_is_told(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 100)
    async with lab.open() as agent:
        await put(lab, "/a", {}, {"X": BIG})
        agent.storage.quota = 1
        await put(lab, "/a", {}, {"X": "smaller"})
        fetch = await lab.manager.fetch("f", "/a")
        await agent.settled()
        assert fetch.failure_reason == "quota-exceeded"
        lab.said("backgroundfetchfail f failure quota-exceeded", "{}/a TypeError")
        await lab.window.navigator.service_worker.register("/worker.py", scope="/other/")
        assert await lab.window.caches.delete("c") is True
        assert await lab.registration.unregister() is True


async def test_what_a_server_writes_into_its_answer_counts(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/small", b"x")
    lab.origin.add("/big", b"x", headers={f"X-{each}": "x" * 3000 for each in range(10)})
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", ["/small", *(f"/big?{each}" for each in range(9))])
        agent.storage.quota = agent.storage.estimate().usage
        await agent.settled()
        assert fetch.failure_reason == "quota-exceeded"
    assert lab.one("fetch.settle", cause="quota")


async def test_the_reserve_is_not_there_for_each(lab: Lab, autojump_clock: object) -> None:
    """Registrations and background fetches may pass the quota by it together, and no further."""

    async def fetch(number: int) -> None:
        await lab.manager.fetch(f"{number}", f"/{'x' * 1000}")

    async def register(number: int) -> None:
        scope = f"/{number}/{'x' * 1000}"
        await lab.window.navigator.service_worker.register("/worker.py", scope=scope)

    async with lab.open() as agent:
        agent.storage.quota = 0
        agent.network.go_offline()
        assert 5 < await until_refused(fetch) < 60
        assert agent.storage.estimate().usage <= QUOTA_RESERVE
        assert await until_refused(register) < 20


async def until_refused(action: Callable[[int], Awaitable[None]]) -> int:
    """How often it was not."""
    for number in range(200):
        try:
            await action(number)
        except QuotaExceededError:
            return number
    raise AssertionError("it was never refused")


async def test_a_login_is_kept_only_where_the_answer_varies_with_it(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        store = agent.services.store
        cache = await lab.window.caches.open("c")
        headers = {"Authorization": "Bearer S3CR3T", "X": "kept"}
        for url, vary in (("/a", None), ("/b", "Accept, authorization"), ("/c", "X")):
            response = lab.window.Response("x", headers={} if vary is None else {"Vary": vary})
            await cache.put(lab.request(url, headers=headers), response)
        entries = store.cache_entries(store.open_cache(agent.origin, "c"))
        assert [entry.request.headers.get("Authorization") for entry in entries] == [
            None,
            "Bearer S3CR3T",
            None,
        ]
        assert [entry.request.headers.get("X") for entry in entries] == ["kept"] * 3
        for url in ("/a", "/b", "/c"):
            assert await cache.match(lab.request(url, headers=headers)) is not None
        assert await cache.match(lab.request("/b", headers={"X": "kept"})) is None


async def test_a_background_fetchs_headers_are_gone_when_it_is(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1000, drop_after=[500])
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    (record,) = await event.registration.match_all()\n"
        "    console.log(record.request.headers.get('Authorization'))\n"
        "    cache = await caches.open('c')\n"
        "    await cache.put(record.request, await record.response_ready)\n"
    )

    def found() -> list[str]:
        files = (path for path in lab.profile.rglob("*") if path.is_file())
        return [path.name for path in files if b"S3CR3T" in path.read_bytes()]

    async with lab.open(profile=lab.profile) as agent:
        request = lab.request("/a", headers={"Authorization": "Bearer S3CR3T"})
        await lab.manager.fetch("f", [request])
        assert found() == ["profile.sqlite3-wal"]
        await agent.settled()
        assert lab.console[-1] == "Bearer S3CR3T", "the script has it as long as there is a record"
        assert found() == []
    assert found() == []
    assert [each.headers.get("authorization") for each in lab.origin.requests if each.path == "/a"] == [
        "Bearer S3CR3T"
    ] * 2
