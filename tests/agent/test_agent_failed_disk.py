"""A disk that fails, at every place where something is stored: the agent ends, and the next one goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime.errors import StorageFailed
from tests.agent.test_agent_full_disk import METHODS, FullDisk

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

KEEP = """
async def onbackgroundfetchsuccess(event):
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        try:
            await cache.put(record.request, await record.response_ready)
        except Exception:
            pass
    print("kept")
"""


class FailedDisk(FullDisk):
    """Raises StorageFailed instead, and from the first time on for every method, as a store does."""

    def _guarded(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **options: Any) -> Any:
            if self.full:
                self.hits += 1
                raise StorageFailed("the disk is dying")
            return method(*arguments, **options)

        return guarded


def flat(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in flat(each)]
    return [error]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("since", [0.0, 0.5, 1.1])
async def test_the_agent_ends_and_the_next_one_goes_on(
    lab: Lab, autojump_clock: object, method: str, since: float
) -> None:
    lab.worker(KEEP)
    lab.origin.add("/a", b"x" * 50_000, chunk=1000, drop_after=[20_000])
    lab.origin.add("/b", b"y" * 1000, delay=1.2)
    with pytest.raises((StorageFailed, ExceptionGroup)) as raised:  # noqa: PT012 - when, is what is tested
        async with lab.open(profile=lab.profile) as agent:
            await lab.manager.fetch("f", ["/a", "/b"])
            disk = FailedDisk(agent.services.store, method)
            await trio.sleep(since)
            disk.full = True
            await trio.sleep(60)
    assert {type(error) for error in flat(raised.value)} == {StorageFailed}
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
        assert agent.background_fetches == []
        window = await agent.open_window("/")
        assert len(await (await window.caches.match("/a")).bytes()) == 50_000
        assert len(await (await window.caches.match("/b")).bytes()) == 1000
    assert "kept" in lab.console


async def test_a_script_cannot_catch_it_away(lab: Lab, autojump_clock: object) -> None:
    """Its event would be over, and what it could not keep would be gone."""
    lab.worker(KEEP)
    lab.origin.add("/a", b"x" * 1000)
    with pytest.raises((StorageFailed, ExceptionGroup)):  # noqa: PT012
        async with lab.open(profile=lab.profile) as agent:
            FailedDisk(agent.services.store, "put_entry").full = True
            await lab.manager.fetch("f", "/a")
            await agent.settled()
    lab.lines.clear()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
        window = await agent.open_window("/")
        assert len(await (await window.caches.match("/a")).bytes()) == 1000
    assert lab.of("record.start") == []


async def test_what_is_sent_once_is_not_sent_before_that_is_stored(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/form", b"thank you")
    async with lab.open() as agent:
        disk = FullDisk(agent.services.store, "save_record_state")
        disk.full = True
        fetch = await lab.manager.fetch("f", [lab.request("/form", method="POST", body="x")])
        await trio.sleep(1)
        disk.full = False
        await agent.settled()
        assert fetch.failure_reason == "fetch-error"
    assert lab.one("record.settle")["cause"] == "quota"
    assert [request.method for request in lab.origin.requests if request.path == "/form"] == []


async def test_that_something_is_sent_is_on_the_disk_before_it_is(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """The power may fail as well as the process."""
    stored: list[bool] = []
    when_it_came: list[int] = []

    def form(request: object) -> dict[str, object]:
        when_it_came.append(stored.count(True))
        return {"body": b"thank you"}

    lab.origin.add("/form", form)
    async with lab.open() as agent:
        transaction = agent.services.store.transaction

        def noted(*, durable: bool = False) -> Any:
            stored.append(durable)
            return transaction(durable=durable)

        monkeypatch.setattr(agent.services.store, "transaction", noted)
        await lab.manager.fetch("f", [lab.request("/form", method="POST", body="x")])
        await agent.settled()
    assert when_it_came == [2], "the background fetch itself, and that it is sent"
