"""Does an episode come through a tunnel? An hour without a network takes no time here."""

import trio


async def test_an_episode_comes_through_a_tunnel(user_agent, window, origin, sound, autojump_clock):
    registration = await window.navigator.service_worker.ready
    await registration.background_fetch.fetch("ep-5", ["/ep-5.mp3", "/ep-5-artwork.jpg"])
    await trio.sleep(5)
    user_agent.network.go_offline()
    await trio.sleep(3600)
    user_agent.network.go_online()
    await user_agent.settled()

    episode = await window.caches.match("/ep-5.mp3")
    assert await episode.bytes() == bytes(sound)
    first, rest = (request for request in origin.requests if request.path == "/ep-5.mp3")
    assert (first.range is None, rest.range is None) == (True, False)
