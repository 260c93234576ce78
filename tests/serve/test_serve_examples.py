"""The sites in `examples/`, in process, with pages of the agent's own: what `serve` shows to others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import swruntime
from swruntime.trace import Line

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    site = tmp_path / "site"
    shutil.copytree(EXAMPLES / request.param, site)
    return site


async def _controlled(agent: Any) -> tuple[Any, Any]:
    """The window that registers, and one that is controlled."""
    window = await agent.open_window("/")
    await window.navigator.service_worker.register("/worker.py")
    await window.navigator.service_worker.ready
    await agent.settled()
    return window, await agent.open_window("/")


async def _text(window: Any, path: str) -> str:
    text: str = await (await window.fetch(path)).text()
    return text


@pytest.mark.parametrize("example", ["cache-first"], indirect=True)
async def test_cache_first(example: Path, autojump_clock: object) -> None:
    (example / "later.txt").write_text("later")
    async with swruntime.open_user_agent(site=example) as agent:
        first, window = await _controlled(agent)
        quote = await _text(window, "/quote.json")
        assert await _text(window, "/later.txt") == "later"
        await agent.settled()
        # What it has, it has for ever.
        (example / "quote.json").write_text("changed")
        agent.network.go_offline()
        reloaded = await agent.open_window("/")
        assert await _text(reloaded, "/quote.json") == quote
        assert await _text(reloaded, "/later.txt") == "later"
        with pytest.raises(TypeError, match="offline"):
            await _text(reloaded, "/never-asked-for")
        # Only GET is its business.
        agent.network.go_online()
        assert (await reloaded.fetch("/quote.json", method="POST", body="x")).status == 405
        # A new version is a new cache, without what the old one had.
        window.close()
        reloaded.close()
        script = (example / "worker.py").read_text()
        (example / "worker.py").write_text(script.replace("cache-first-v1", "cache-first-v2"))
        other = await agent.open_window("/")
        await (await other.navigator.service_worker.ready).update()
        other.close()
        first.close()
        await agent.settled()
        newer = await agent.open_window("/")
        assert await _text(newer, "/quote.json") == "changed"
        assert await newer.caches.keys() == ["cache-first-v2"]
    # Without an answer of its own, the worker's is the network's error.
    assert ["never-asked-for" in str(error) for error in agent.script_errors] == [True]


@pytest.mark.parametrize("example", ["stale-while-revalidate"], indirect=True)
async def test_stale_while_revalidate(example: Path, autojump_clock: object) -> None:
    lines: list[Line] = []
    async with swruntime.open_user_agent(site=example, on_trace=lines.append) as agent:
        _, window = await _controlled(agent)
        old = await _text(window, "/news.json")
        await agent.settled()
        (example / "news.json").write_text("new")
        assert await _text(window, "/news.json") == old
        await agent.settled()
        (example / "news.json").unlink()
        assert await _text(window, "/news.json") == "new"
        await agent.settled()
        # 404 is no news.
        agent.network.go_offline()
        reloaded = await agent.open_window("/")
        assert await _text(reloaded, "/news.json") == "new"
        await agent.settled()
    assert agent.script_errors == []
    told = [line["text"] for line in lines if line["kind"] == "console"]
    assert "http://localhost:8400/news.json stays as it is" in told[-1]
