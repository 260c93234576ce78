"""A realm to test in: its context, its SITE, and what it tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from swruntime.concepts.environment import Environment
from swruntime.realms.python.context import RealmContext
from swruntime.trace import TraceEvent


@pytest.fixture
def told() -> list[TraceEvent]:
    return []


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
async def context(site: Path, told: list[TraceEvent]) -> AsyncIterator[RealmContext]:
    async with trio.open_nursery() as agent_nursery:
        nursery: trio.Nursery = await agent_nursery.start(_hold_nursery)
        context = RealmContext(
            environment=Environment(url="http://localhost:8400/worker.py", origin="http://localhost:8400"),
            agent_nursery=agent_nursery,
            nursery=nursery,
            tell=told.append,
            site_folder=site,
        )
        yield context
        context.discard("the test is over")
        agent_nursery.cancel_scope.cancel()


async def _hold_nursery(task_status: trio.TaskStatus[trio.Nursery]) -> None:
    # In a task of its own, because discarding a realm cancels its nursery, and must not cancel the test.
    async with trio.open_nursery() as nursery:
        task_status.started(nursery)
        await trio.sleep_forever()
