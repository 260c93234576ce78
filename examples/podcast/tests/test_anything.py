"""Not one story but hundreds: whatever server, line and listener there are, an episode is whole or not there."""

from pathlib import Path
from typing import ClassVar

import pytest
import trio
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from swruntime.testing import (
    Pattern,
    ScenarioPlayer,
    UserAgentStateMachine,
    check_trace,
    laboratory,
    parse_scenario,
    stop_worker_everywhere,
    strategies,
)

PODCAST = Path(__file__).parents[1]
SOUND = bytes(Pattern(50_000))

servers = st.fixed_dictionaries(
    {},
    optional={
        "delay": st.sampled_from([1, 30]),
        "drop_after": st.lists(st.integers(0, len(SOUND)) | st.none(), max_size=5),
        "etag": st.none(),
        "ignore_range": st.booleans(),
    },
)


async def cached(window):
    episode = await window.caches.match("/ep-5.mp3")
    return episode and await episode.bytes()


def test_the_worker_may_be_stopped_anywhere():
    async def story(lab):
        lab.origin.add("/ep-5.mp3", SOUND, drop_after=20_000)
        lab.origin.add("/ep-5-artwork.jpg", b"\xff\xd8\xff\xe0")
        window = await lab.window()
        registration = await window.navigator.service_worker.ready
        await registration.background_fetch.fetch("ep-5", ["/ep-5.mp3", "/ep-5-artwork.jpg"])
        await lab.user_agent.settled()
        about = await window.caches.match("/about")
        return await cached(window) == SOUND, await about.text()

    sweep = stop_worker_everywhere(story, site=PODCAST)
    assert len(sweep.deaths) > 5
    assert not sweep, str(sweep)


@pytest.mark.swruntime_virtual_time
@given(server=servers, line=strategies.conditions())
@settings(max_examples=200, deadline=None)
async def test_whatever_server_and_line(server, line):
    async with laboratory(site=PODCAST) as lab, trio.open_nursery() as nursery:
        lab.origin.add("/ep-5.mp3", SOUND, **server)
        window = await lab.window()
        registration = await window.navigator.service_worker.ready
        ScenarioPlayer(lab.user_agent, parse_scenario({"step": line})).start(nursery)
        fetch = await registration.background_fetch.fetch("ep-5", "/ep-5.mp3")
        await lab.user_agent.settled()
        assert fetch.result == "success"
        assert await cached(window) == SOUND
    check_trace(lab.trace, complete=True)


class Listener(UserAgentStateMachine):
    """Somebody with a thumb, on a train."""

    options: ClassVar = {"site": PODCAST}

    @initialize(server=servers)
    async def arrive(self, server):
        self.lab.origin.add("/ep-5.mp3", SOUND, **server)
        self.window = await self.lab.window()
        self.registration = await self.window.navigator.service_worker.ready
        self.agent = self.lab.user_agent
        self.agent.network.conditions = "slow-3g"

    def downloading(self):
        return any(fetch.active for fetch in self.agent.background_fetches)

    @precondition(lambda self: not self.downloading())
    @rule()
    async def download(self):
        await self.registration.background_fetch.fetch("ep-5", "/ep-5.mp3")

    @precondition(downloading)
    @rule(what=st.sampled_from(["pause", "resume", "abort", "click"]))
    async def touch(self, what):
        for fetch in self.agent.background_fetches:
            await getattr(fetch, what)()

    @rule(tunnel=st.booleans(), seconds=st.integers(0, 60))
    async def ride_on(self, tunnel, seconds):
        network = self.agent.network
        network.go_offline() if tunnel else network.go_online()
        await trio.sleep(seconds)

    @rule()
    async def forget_the_worker(self):
        await self.agent.terminate_worker(self.registration)

    @invariant()
    async def an_episode_is_whole_or_not_there(self):
        assert await cached(self.window) in (None, SOUND)

    async def teardown(self):
        self.agent.network.go_online()
        for fetch in self.agent.background_fetches:
            await fetch.resume()
        await self.agent.settled()
        await self.an_episode_is_whole_or_not_there()
        kept = any(line["kind"] == "fetch.settle" and line["result"] == "success" for line in self.lab.trace)
        assert (await cached(self.window) is not None) == kept
        check_trace(self.lab.trace)


TestListener = Listener.TestCase
TestListener.settings = settings(max_examples=200, stateful_step_count=8, deadline=None)
