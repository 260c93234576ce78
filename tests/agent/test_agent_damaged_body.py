"""A stored body loses bytes while an agent runs: whoever reads it is told, and nobody takes a part for the whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from swruntime.errors import BodyDamaged

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

CONTENT = b"x" * 200_000


def biggest(lab: Lab) -> Path:
    return max((lab.profile / "bodies").iterdir(), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("left", [0, 10, 150_000])
async def test_a_cached_response(lab: Lab, autojump_clock: object, left: int) -> None:
    lab.origin.add("/a", CONTENT)
    async with lab.open(profile=lab.profile):
        window = lab.window
        cache = await window.caches.open("c")
        await cache.add("/a")
        assert await (await cache.match("/a")).array_buffer() == CONTENT
        os.truncate(biggest(lab), left)
        response = await cache.match("/a")
        with pytest.raises(TypeError, match=f"has {left} bytes of 200000|is missing"):
            await response.array_buffer()
        # A copy of it is as whole as it is.
        await cache.put("/copy", await cache.match("/a"))
        with pytest.raises(TypeError):
            await (await cache.match("/copy")).text()


async def test_a_record(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", CONTENT)
    lab.origin.add("/b", b"b", delay=60)
    async with lab.open(profile=lab.profile) as agent:
        fetch = await lab.manager.fetch("f", ["/a", "/b"])
        await trio.sleep(30)
        record = await fetch.match("/a")
        os.truncate(biggest(lab), 100_000)
        with pytest.raises(TypeError, match="has 100000 bytes of 200000"):
            await (await record.response_ready).array_buffer()
        await agent.settled()


async def test_a_body_that_still_grows_ends_the_agent(lab: Lab, autojump_clock: object) -> None:
    """What would be appended now would not be where it belongs. The next process goes on from what is there."""
    lab.origin.add("/a", CONTENT, chunk=1000, pace=0.1)
    with pytest.RaisesGroup(pytest.RaisesExc(BodyDamaged), flatten_subgroups=True, allow_unwrapped=True):
        async with lab.open(profile=lab.profile) as agent:
            await lab.manager.fetch("f", "/a")
            await trio.sleep(5)
            biggest(lab).unlink()
            await agent.settled()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    (line,) = lab.of("record.settle")
    assert (line["result"], line["bytes"]) == ("success", len(CONTENT))


async def test_an_upload(lab: Lab, autojump_clock: object) -> None:
    """Nothing that is short is ever taken for what should be sent."""
    lab.origin.add("/post", b"ok")
    async with lab.open(profile=lab.profile) as agent:
        agent.network.go_offline()
        request = lab.request("/post", method="POST", body="x" * 200_000)
        fetch = await lab.manager.fetch("post", [request])
        os.truncate(biggest(lab), 100_000)
        agent.network.go_online()
        await agent.settled()
        assert (fetch.result, fetch.failure_reason) == ("failure", "fetch-error")
    line = lab.one("record.settle")
    assert line["result"] == "fetch-error"
    assert "has 100000 bytes of 200000" in str(line["message"])
