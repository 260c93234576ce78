"""What a power failure may take back: bodies are synced while they grow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from swruntime.agent import checkpoints
from swruntime.storage import open_profile
from swruntime.storage.store import SqlStore

if TYPE_CHECKING:
    from tests.agent.conftest import Lab


def watch(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The length of the body at each of its syncs."""
    lengths: list[int] = []
    sync = SqlStore.sync

    async def watched(store: SqlStore, bodies: Iterable[int], *, flush: bool = True) -> None:
        bodies = list(bodies)
        lengths.extend(store.length(body) for body in bodies)
        await sync(store, bodies, flush=flush)

    monkeypatch.setattr(SqlStore, "sync", watched)
    return lengths


async def test_a_body_is_synced_after_so_many_bytes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_BYTES", 300_000)
    lengths = watch(monkeypatch)
    lab.origin.add("/a", b"x" * 1_000_000)
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        await agent.settled()
    assert len(lengths) >= 3
    assert lengths == sorted(lengths)
    assert lengths[0] < 600_000


async def test_a_body_that_grows_slowly_is_synced_every_few_seconds(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    lengths = watch(monkeypatch)
    lab.origin.add("/a", b"x" * 1_000_000, chunk=10_000)
    async with lab.open() as agent:
        agent.network.conditions = swift = agent.network.conditions
        assert swift.name == "online"
        agent.network.conditions = "slow-3g"
        await lab.manager.fetch("f", "/a")
        await agent.settled()
        took = trio.current_time()
    # 1 MB at 50 kB/s: some twenty seconds, and the last sync is the result's.
    assert took > 20
    assert len(lengths) >= 4


async def test_a_power_failure_goes_back_to_the_checkpoint(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, autojump_clock: object
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_BYTES", 300_000)
    lengths = watch(monkeypatch)
    body = bytes(range(256)) * 4000
    lab.origin.add("/a", body, drop_after=900_000)
    async with lab.open(profile=lab.profile) as agent:
        await lab.manager.fetch("f", "/a")
        await agent.until(lambda line: line["kind"] == "record.wait")
        await trio.sleep(0.1)  # the clock holds until the sync that is under way has ended
    open_profile(lab.profile, boot_id="another boot").close()
    lab.lines.clear()
    async with lab.open(profile=lab.profile) as agent:
        await agent.settled()
    start = lab.of("record.start")[0]
    assert start["range_start"] in lengths
    assert 0 < start["range_start"] <= 900_000
    lab.one("fetch.settle", result="success", downloaded=len(body))
