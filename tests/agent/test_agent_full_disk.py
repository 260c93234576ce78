"""A disk that is full, for a while, at every place where something is stored: nothing is lost, nothing breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime import QuotaExceededError
from swruntime.errors import StorageFull

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

METHODS = [
    "transaction",
    "save_record",
    "save_record_state",
    "save_fetch",
    "release_fetch",
    "append",
    "create_body",
    "sync",
]


class FullDisk:
    """Makes methods of a store raise StorageFull while `full` is set."""

    def __init__(self, store: Any, *methods: str) -> None:
        self.full = False
        self.hits = 0
        for method in methods:
            setattr(store, method, self._guarded(getattr(store, method)))

    def _guarded(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **options: Any) -> Any:
            if self.full:
                self.hits += 1
                raise StorageFull("no room on the disk")
            return method(*arguments, **options)

        return guarded


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("since", [0.0, 0.5, 1.1])
async def test_full_for_a_minute(lab: Lab, autojump_clock: object, method: str, since: float) -> None:
    """From before the heads, the middle of the bodies, or between two records' ends: it ends, one way or another."""
    lab.origin.add("/a", b"x" * 50_000, chunk=1000, drop_after=[20_000])
    lab.origin.add("/b", b"y" * 1000, delay=1.2)
    async with lab.open(profile=lab.profile) as agent:
        fetch = await lab.manager.fetch("f", ["/a", "/b"])
        disk = FullDisk(agent.services.store, method)
        await trio.sleep(since)
        disk.full = True
        await trio.sleep(60)
        disk.full = False
        await agent.settled()
        assert disk.hits
        assert fetch.result in ("success", "failure")
        assert fetch.failure_reason in ("", "quota-exceeded")
        assert fetch.records_available is False
        assert agent.background_fetches == []
        await agent.terminate_worker(lab.registration)  # with it goes what its scripts may still hold
        assert lab.bodies == 0
    async with lab.open(profile=lab.profile, ready=False) as agent:
        assert agent.background_fetches == []


async def test_an_abort_is_answered_when_it_is_stored(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1000, stall_after=500)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        await trio.sleep(1)
        disk = FullDisk(agent.services.store, "save_fetch")
        disk.full = True
        aborting = fetch.abort()
        await trio.sleep(60)
        assert not aborting.settled
        assert "no-room" in lab.diagnostics
        disk.full = False
        assert await aborting is True
        await agent.settled()


async def test_full_while_a_worker_is_registered_and_unregistered(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(profile=lab.profile, ready=False) as agent:
        disk = FullDisk(agent.services.store, "save_registration", "delete_registration")
        disk.full = True
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        await trio.sleep(60)
        assert registration.active.state == "activated"
        disk.full = False
        await agent.settled()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        disk = FullDisk(agent.services.store, "delete_registration")
        disk.full = True
        container = (await agent.open_window("http://elsewhere.example/")).navigator.service_worker
        assert await container.get_registration() is None
        window = await agent.open_window("/")
        registration = await window.navigator.service_worker.ready
        assert await registration.unregister() is True
        window.close()
        await trio.sleep(60)
        disk.full = False
        await agent.settled()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        assert agent.registrations.all() == []


async def test_no_room_for_a_new_one(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        for method in ("add_fetch", "create_body", "append"):
            disk = FullDisk(agent.services.store, method)
            disk.full = True
            with pytest.raises(QuotaExceededError):
                await lab.manager.fetch("f", [lab.request("/a", method="POST", body="x")])
            disk.full = False
        assert await lab.manager.get_ids() == []
        assert lab.bodies == 0
