"""A hundred of them cost a hundred times one: what is looked at is counted, and no time is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from swruntime.agent.registrations import RegistrationMap
from swruntime.algorithms import matching, scopes
from swruntime.realms.python.realm import PythonRealm

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
