"""What people and servers do to a download, and what the listener has in the end."""

import pytest
import trio

EPISODE = ["/ep-5.mp3", "/ep-5-artwork.jpg"]


async def cached(window, path):
    response = await window.caches.match(path)
    return response and await response.bytes()


async def test_a_server_that_knows_no_ranges(user_agent, window, manager, origin, sound, autojump_clock):
    origin.add("/ep-5.mp3", sound, ignore_range=True, drop_after=1_000_000)
    fetch = await manager.fetch("ep-5", EPISODE)
    await user_agent.settled()
    assert fetch.result == "success"
    assert await cached(window, "/ep-5.mp3") == bytes(sound)
    asked = [request.range for request in origin.requests if request.path == "/ep-5.mp3"]
    assert asked == [None, "bytes=1000000-"]


async def test_an_episode_that_is_not_there_yet(user_agent, window, manager, origin, autojump_clock):
    origin.add("/ep-5.mp3", status=404)
    fetch = await manager.fetch("ep-5", EPISODE)
    await user_agent.settled()
    assert (fetch.result, fetch.failure_reason) == ("failure", "bad-status")
    assert await cached(window, "/ep-5.mp3") is None
    assert await cached(window, "/ep-5-artwork.jpg") == b"\xff\xd8\xff\xe0", "what came is kept"


@pytest.mark.swruntime_user_agent(quota=1_000_000)
async def test_a_full_disk(user_agent, window, manager, autojump_clock):
    fetch = await manager.fetch("ep-5", EPISODE)
    await user_agent.settled()
    assert (fetch.result, fetch.failure_reason) == ("failure", "quota-exceeded")
    assert await cached(window, "/ep-5.mp3") is None
    estimate = user_agent.storage.estimate()
    assert estimate.usage < 10_000, "half an episode takes no room"


async def test_the_user_gives_it_up(user_agent, window, manager, autojump_clock):
    fetch = await manager.fetch("ep-5", EPISODE)
    await trio.sleep(2)
    (shown,) = user_agent.background_fetches
    await shown.abort()
    await user_agent.settled()
    assert (fetch.result, fetch.failure_reason) == ("failure", "aborted")
    assert 0 < fetch.downloaded < 2_000_000
    assert not await window.caches.has("episodes")


@pytest.mark.swruntime_user_agent(permission="prompt")
@pytest.mark.parametrize("answer", ["yes", "no"])
async def test_the_user_is_asked(answer, user_agent, window, manager, origin, sound, autojump_clock):
    fetch = await manager.fetch("ep-5", EPISODE)
    await trio.sleep(3600)
    (shown,) = user_agent.background_fetches
    assert (shown.paused, fetch.downloaded) == (True, 0)
    assert not [request for request in origin.requests if request.path in EPISODE]
    if answer == "yes":
        shown.resume()
    else:
        await shown.abort()
    await user_agent.settled()
    assert fetch.result == ("success" if answer == "yes" else "failure")
    assert await cached(window, "/ep-5.mp3") == (bytes(sound) if answer == "yes" else None)


async def test_the_worker_is_stopped_and_the_title_still_changes(user_agent, window, manager, autojump_clock):
    fetch = await manager.fetch("ep-5", EPISODE, title="Episode 5: Interesting things.")
    (shown,) = user_agent.background_fetches
    await user_agent.terminate_worker(await window.navigator.service_worker.ready)
    await user_agent.settled()
    assert fetch.result == "success"
    assert shown.title == "Episode 5 is ready"
