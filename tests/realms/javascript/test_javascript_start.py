"""The process in reserve: who is started when."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from swruntime.agent.services import Limits
from swruntime.realms.javascript import start
from swruntime.realms.javascript.start import Spares


class Process:
    def __init__(self) -> None:
        self.closed = False

    async def aclose(self) -> None:
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
        self.closed = True


async def test_the_next_is_started_when_the_one_before_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def start_process() -> Any:
        started.append(Process())
        return started[-1]

    monkeypatch.setattr(start, "start_process", start_process)
    async with trio.open_nursery() as nursery:
        services = SimpleNamespace(nursery=nursery, require_confinement=False, limits=Limits())
        agent: Any = SimpleNamespace(services=services)
        spares = Spares(agent)
        idle = trio.Event()
        assert await spares.take() is started[0]
        spares.refill(idle.wait)
        await wait_all_tasks_blocked()
        assert len(started) == 1
        # Another one is wanted meanwhile: it has one of its own, and one in reserve is enough.
        assert await spares.take() is started[1]
        spares.refill(idle.wait)
        idle.set()
        await wait_all_tasks_blocked()
        assert len(started) == 3
        assert await spares.take() is started[2]
        spares.refill(idle.wait)
        await wait_all_tasks_blocked()
        assert len(started) == 4
        nursery.cancel_scope.cancel()
    # Who has taken one ends it.
    assert [process.closed for process in started] == [False, False, False, True]
