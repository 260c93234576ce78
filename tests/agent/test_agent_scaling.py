"""A hundred of them cost a hundred times one: what is looked at is counted, and no time is measured."""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest
import trio.testing
from hypothesis import given, strategies as st

from swruntime.agent.registrations import RegistrationMap
from swruntime.algorithms import matching, scopes
from swruntime.realms.python.realm import PythonRealm
from swruntime.storage import caches as stored_caches
from swruntime.storage.values import from_json

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

MANY = 100


async def test_an_entry_is_found_without_a_look_at_the_others(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    looked_at = 0
    real = matching.matches_cache_entry

    def counted(*arguments: Any) -> bool:
        nonlocal looked_at
        looked_at += 1
        return real(*arguments)

    monkeypatch.setattr(matching, "matches_cache_entry", counted)
    async with lab.open() as agent:
        cache = await lab.window.caches.open("entries")
        for n in range(MANY):
            await cache.put(f"/{n}", lab.window.Response(""))
            assert await cache.match(f"/{n}") is not None
        for n in range(MANY):
            assert await cache.delete(f"/{n}")
        await agent.settled()
    assert looked_at == 2 * MANY


async def test_a_match_in_all_caches_lists_them_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    listed: list[object] = []
    real = stored_caches.CacheRows.names

    def counted(rows: Any, storage_key: str) -> Any:
        listed.append(rows)
        return real(rows, storage_key)

    async with lab.open():
        for n in range(MANY):
            cache = await lab.window.caches.open(f"{n}")
        await cache.put("/x", lab.window.Response("found"))
        monkeypatch.setattr(stored_caches.CacheRows, "names", counted)
        found = await lab.window.caches.match("/x")
        assert await found.text() == "found"
    assert len(listed) == 1


async def test_the_keys_of_a_cache_are_made_when_they_are_looked_at(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    made: list[str] = []
    real = from_json

    def counted(text: str, kind: Any) -> Any:
        made.append(kind.__name__)
        return real(text, kind)

    async with lab.open():
        window = lab.window
        cache = await window.caches.open("entries")
        for n in range(MANY):
            await cache.put(window.Request(f"/{n}", headers={"X-N": str(n)}), window.Response(""))
        monkeypatch.setattr(stored_caches, "from_json", counted)
        keys = await cache.keys()
        assert len(keys) == MANY
        assert made == []
        first, second, third = keys[:3]
        assert isinstance(first, window.Request)
        assert first.url.endswith("/0")
        assert first.headers.get("X-N") == "0"
        assert second.headers.get("X-N") == "1"
        assert made == ["Request"] * 2
        # Whatever is touched first, it is the same request.
        assert second.signal is second.signal
        assert not second.signal.aborted
        assert first.body is None
        assert not first.body_used
        assert await third.text() == ""
        with pytest.raises(TypeError, match="immutable"):
            first.headers.set("X-N", "2")
        assert keys[3].clone().headers.get("X-N") == "3"
        assert window.Request(keys[4]).headers.get("X-N") == "4"
        assert await (await cache.match(keys[5])).text() == ""
        assert repr(keys[6]).endswith("/6>")
        with pytest.raises(AttributeError, match="nothing"):
            getattr(keys[7], "nothing")  # noqa: B009


async def test_a_page_that_knows_nothing_of_a_worker_is_not_woken(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    async with lab.open() as agent:
        for n in range(MANY):
            await agent.open_window(f"/{n}")
        await agent.settled()
        woken: set[PythonRealm] = set()
        real = PythonRealm._enqueue

        def counted(realm: PythonRealm, task: Any) -> None:
            woken.add(realm)
            real(realm, task)

        monkeypatch.setattr(PythonRealm, "_enqueue", counted)
        lab.worker("version = 2")
        await lab.registration.update()
        await agent.settled()
    # The page that asked, and the new worker.
    assert len(woken) <= 3


async def test_a_new_controller_is_told_to_each_page_by_itself(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    told = 0
    real = PythonRealm._enqueue

    def counted(realm: PythonRealm, task: Any) -> None:
        nonlocal told
        told += 1
        real(realm, task)

    async with lab.open() as agent:
        changed: list[str] = []
        for n in range(MANY):
            window = await agent.open_window(f"/{n}")
            window.navigator.service_worker.oncontrollerchange = lambda event: changed.append(event.type)
        await agent.settled()
        monkeypatch.setattr(PythonRealm, "_enqueue", counted)
        lab.worker("def oninstall(event): event.wait_until(skip_waiting())")
        await lab.registration.update()
        await agent.settled()
    assert len(changed) == MANY
    # A few for each page, and not one for each page and each other page.
    assert told < 10 * MANY


@pytest.mark.parametrize(("few", "many"), [(100, 800), pytest.param(500, 4000, marks=pytest.mark.slow)])
async def test_a_fetch_looks_at_no_other_active_one(
    few: int, many: int, lab: Lab, autojump_clock: object
) -> None:
    async with lab.open() as agent:
        agent.network.go_offline()

        async def calls_of_one_fetch(id: str) -> int:
            calls = 0

            def counted(frame: FrameType, event: str, argument: object) -> None:
                nonlocal calls
                calls += event in ("call", "c_call")

            sys.setprofile(counted)
            try:
                await lab.manager.fetch(id, "/file")
                await trio.testing.wait_all_tasks_blocked()
                assert await lab.manager.get(id) is not None
            finally:
                sys.setprofile(None)
            return calls

        work: dict[int, int] = {}
        for active in (few, many):
            for n in range(len(agent.background_fetches), active):
                await lab.manager.fetch(f"fetch {n}", "/file")
            work[active] = await calls_of_one_fetch(f"measured with {active}")
        assert len(agent.background_fetches) == many + 1
        with pytest.raises(TypeError, match="in use"):
            await lab.manager.fetch("fetch 0", "/file")
    assert work[many] < 1.1 * work[few]


async def test_an_id_is_of_the_fetch_that_was_begun_last(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        lab.origin.add("/file", body=b"x")
        agent.network.go_offline()
        first = await lab.manager.fetch("id", "/file")
        assert await lab.manager.get("id") is first
        assert await first.abort()
        assert await lab.manager.get("id") is None
        second = await lab.manager.fetch("id", "/file")
        assert await lab.manager.get("id") is second is not first
        with pytest.raises(TypeError, match="in use"):
            await lab.manager.fetch("id", "/file")
        agent.network.go_online()
        await agent.settled()
        assert await lab.manager.get("id") is None
        # Nothing of them is left.
        assert not agent.fetches._of
        assert not agent.fetches._latest


@given(st.dictionaries(st.text("ab/", max_size=5), st.booleans()), st.text("ab/", max_size=8))
def test_the_longest_scope_wins_whatever_came_and_went(known: dict[str, bool], url: str) -> None:
    registrations = RegistrationMap()
    for scope in known:
        registrations["key", scope] = scope  # type: ignore[assignment]
        registrations["another", scope] = None  # type: ignore[assignment]
    for scope, stays in known.items():
        if not stays:
            taken: Any = registrations.take(("key", scope))
            assert taken == scope
    left: list[Any] = [scope for scope, stays in known.items() if stays]
    found: Any = registrations.match("key", url)
    assert found == scopes.match_scope(left, url)
