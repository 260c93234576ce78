"""What an earlier process left, and waits: it is said when it is taken up, so that nobody takes it for a hang."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from swruntime import WaitingForUser
from swruntime.agent.syncs import shown_time
from swruntime.cli.session import Session, active_registration

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

FAILS = "async def onsync(event):\n    raise ValueError('no')\nonperiodicsync = onsync\n"


def told(lab: Lab) -> list[str]:
    return [line["message"] for line in lab.of("diagnostic", code="waiting")]


async def test_a_sync_that_waits_for_its_next_attempt(lab: Lab, autojump_clock: object) -> None:
    lab.on_disk = True
    lab.worker(FAILS)
    async with lab.open() as agent:
        await lab.registration.sync.register("outbox")
        await agent.until(lambda line: line["kind"] == "diagnostic" and line["code"] == "sync-retry")
    assert told(lab) == []
    async with lab.open(ready=False):
        (text,) = told(lab)
    assert text.startswith("sync 'outbox' of http://localhost:8400/ waits until ")
    assert text.endswith(" UTC (in 300 s): its event has failed")


async def test_a_sync_that_waits_for_the_network(lab: Lab, autojump_clock: object) -> None:
    lab.on_disk = True
    async with lab.open() as agent:
        agent.network.go_offline()
        await lab.registration.sync.register("outbox")
    async with lab.open(ready=False, conditions="offline") as agent:
        with pytest.raises(WaitingForUser):
            await agent.settled()
    assert told(lab) == [
        "sync 'outbox' of http://localhost:8400/ waits for the network, which is switched off"
    ]


async def test_a_sync_that_is_fired_at_once_is_not_told(lab: Lab, autojump_clock: object) -> None:
    lab.on_disk = True
    async with lab.open() as agent:
        agent.network.go_offline()
        await lab.registration.sync.register("outbox")
    async with lab.open(ready=False) as agent:
        await agent.settled()
    assert told(lab) == []
    lab.one("event.end", name="sync", outcome="fulfilled")


@pytest.mark.parametrize("conditions", [None, "offline"])
async def test_a_periodic_sync(lab: Lab, autojump_clock: object, conditions: str | None) -> None:
    lab.on_disk = True
    async with lab.open():
        await lab.registration.periodic_sync.register("news", min_interval=86_400_000)
    async with lab.open(ready=False, conditions=conditions):
        (text,) = told(lab)
    expected = "the network, which is switched off" if conditions else "(in 86400 s), as long as somebody"
    assert text.startswith("periodic sync 'news' of http://localhost:8400/ waits ")
    assert expected in text


def test_times() -> None:
    assert shown_time(0.0, -2.5) == "1970-01-01 00:00:00 UTC (in 2 s)"
    assert shown_time(1e300, 0.0).startswith("in 1")
    assert shown_time(-5.0, 0.0) == "1969-12-31 23:59:55 UTC (in 0 s)"


async def test_a_worker_whose_install_goes_on(
    lab: Lab, autojump_clock: object, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.worker("import trio\nasync def oninstall(event):\n    await trio.sleep(100)\n")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        session = Session(
            agent,
            Namespace(worker="worker.py", site=lab.site, scope=None, require_confinement=False),
            [],
            Counter(),
        )
        registration = await active_registration(session, window)
        assert registration.active is not None
    told = (
        "swruntime: the worker of http://localhost:8400/ is still being installed; its event may last 300 s\n"
    )
    assert capsys.readouterr().err == told
