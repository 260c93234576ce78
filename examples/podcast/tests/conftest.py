from pathlib import Path

import pytest

from swruntime.testing import Pattern

MIB = 1024 * 1024


@pytest.fixture
def site():
    """The podcast itself, in place of swruntime's empty folder."""
    return Path(__file__).parents[1]


@pytest.fixture
def sound(origin):
    """Episode 5 on the podcast's server: two mebibytes are enough for a test."""
    sound = Pattern(2 * MIB)
    origin.add("/ep-5.mp3", sound)
    origin.add("/ep-5-artwork.jpg", b"\xff\xd8\xff\xe0")
    return sound


@pytest.fixture
async def window(user_agent, sound):
    """The podcast's page, on a slow line, with its worker ready."""
    window = await user_agent.open_window("/")
    await window.navigator.service_worker.register("/worker.py")
    await window.navigator.service_worker.ready
    user_agent.network.conditions = "fast-3g"
    return window


@pytest.fixture
async def manager(window):
    """What a page starts background fetches with."""
    return (await window.navigator.service_worker.ready).background_fetch
