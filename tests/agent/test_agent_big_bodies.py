"""What a big body costs: counted for each piece, so that it is not done more often again."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swruntime.machines import record
from swruntime.machines.background_fetch import Machine

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

MIB = 1 << 20
PIECES = 32


async def test_a_piece_is_one_input_one_new_state_and_one_write(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    calls: Counter[str] = Counter()
    pieces: list[int] = []
    feed_record, evolve, write = Machine.feed_record, attrs.evolve, os.write

    def fed(machine: Machine, index: int, input: record.Input) -> Any:
        pieces.extend([input.size] if isinstance(input, record.Bytes) else [])
        return feed_record(machine, index, input)

    def written(file: int, data: bytes) -> int:
        calls["write"] += len(data) == MIB
        return write(file, data)

    def evolved(value: Any, **changes: Any) -> Any:
        calls["evolve"] += isinstance(value, record.Record | record.Bytes)
        return evolve(value, **changes)

    lab.origin.add("/big", body=bytes(PIECES * MIB), chunk=MIB)
    async with lab.open(profile=lab.profile) as agent:
        monkeypatch.setattr(Machine, "feed_record", fed)
        monkeypatch.setattr(os, "write", written)
        monkeypatch.setattr(attrs, "evolve", evolved)
        fetch = await lab.manager.fetch("f", ["/big"])
        await agent.settled()
        monkeypatch.undo()
    assert fetch.result == "success"
    assert pieces == [MIB] * PIECES
    assert calls["write"] == PIECES
    assert calls["evolve"] <= PIECES + 10


async def test_a_stored_body_is_read_in_few_pieces(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", body=bytes(4 * MIB), chunk=MIB)
    reads: list[int] = []
    async with lab.open() as agent:
        await lab.manager.fetch("f", ["/big"])
        read = agent.services.store.read

        def counted(body: int, offset: int, size: int) -> bytes:
            data: bytes = read(body, offset, size)
            reads.append(len(data))
            return data

        agent.services.store.read = counted
        await agent.settled()
    assert lab.console[-1].endswith(str(4 * MIB))
    assert sum(reads) == 4 * MIB
    assert len(reads) <= 16 + 1  # and one that finds the end
