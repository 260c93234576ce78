"""BackgroundFetchRegistration and its records, as scripts see them: attributes, progress, identity, reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime import InvalidStateError
from swruntime.network.conditions import Conditions

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"


async def test_progress_events(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", b"x" * 1_000_000, chunk=10_000)
    seen: list[tuple[float, int, str]] = []
    async with lab.open() as agent:
        agent.network.conditions = Conditions("slow", download=200_000)
        fetch = await lab.manager.fetch("f", "/big")

        def listen(event: Any) -> None:
            assert event.type == "progress"
            assert event.is_trusted
            assert event.target is fetch
            seen.append((trio.current_time(), fetch.downloaded, fetch.result))

        fetch.onprogress = listen
        await agent.settled()
    sizes = [downloaded for _, downloaded, _ in seen]
    assert sizes == sorted(sizes)
    assert len(sizes) == len(set(sizes)) + (seen[-2][1] == seen[-1][1])
    assert 10 < len(seen) < 60
    assert [result for *_, result in seen[:-1]] == [""] * (len(seen) - 1)
    assert seen[-1][1:] == (1_000_000, "success")
    assert [line["downloaded"] for line in lab.of("fetch.progress")] == sizes[: len(lab.of("fetch.progress"))]


async def test_many_chunks_in_no_time_make_few_events(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", b"x" * 100_000, chunk=10)
    count = 0
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/big")

        def listen(event: Any) -> None:
            nonlocal count
            count += 1

        fetch.add_event_listener("progress", listen)
        await agent.settled()
        assert fetch.downloaded == 100_000
    assert count <= 3


async def test_attributes_change_in_tasks_only(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        told: list[str] = []
        fetch.onprogress = lambda event: told.append(fetch.result)
        line = await agent.until(lambda line: line["kind"] == "fetch.settle")
        assert line["result"] == "success"
        # Another task may have run first; then a progress event told it.
        assert fetch.result == (told[-1] if told else "")
        await agent.settled()
        assert fetch.result == told[-1] == "success"


async def test_one_instance_for_each_fetch_and_realm(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa", delay=1)
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    again = await registration.background_fetch.get('f')\n"
        "    print(again, event.registration is event.registration)\n"
    )
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        assert await lab.manager.get("f") is fetch
        other = await agent.open_window("/")
        registration = await other.navigator.service_worker.ready
        assert registration is not lab.registration
        elsewhere = await registration.background_fetch.get("f")
        assert elsewhere is not fetch
        assert elsewhere is await registration.background_fetch.get("f")
        assert (elsewhere.id, elsewhere.result) == ("f", "")
        await agent.settled()
        assert (elsewhere.result, elsewhere.records_available) == ("success", False)
        assert await lab.manager.get("f") is None
        assert await lab.manager.get_ids() == []
    lab.said("None True")


async def test_get_of_what_is_not_there(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        assert await lab.manager.get("nothing") is None
        with pytest.raises(TypeError):
            await lab.manager.get("")
        with pytest.raises(TypeError):
            await lab.manager.get(5)
        await agent.settled()


async def test_an_id_is_free_again_while_the_old_event_is_owed(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/old", b"old")
    lab.origin.add("/new", b"new!", delay=1)
    lab.worker(
        "import trio\n"
        "async def onbackgroundfetchsuccess(event):\n"
        "    await trio.sleep(10)\n"
        "    for record in await event.registration.match_all():\n"
        "        print(event.registration.id, await (await record.response_ready).text())\n"
    )
    async with lab.open() as agent:
        old = await lab.manager.fetch("f", "/old")
        await agent.until(
            lambda line: line["kind"] == "event.start" and line["name"] == "backgroundfetchsuccess"
        )
        new = await lab.manager.fetch("f", "/new")
        assert new is not old
        assert await lab.manager.get("f") is new
        assert [shown.number for shown in agent.background_fetches] == [1, 2]
        await agent.settled()
        assert (old.result, new.result) == ("success", "success")
    lab.said("f old", "f new!")
    assert [line["fetch"] for line in lab.of("fetch.release")] == [1, 2]


async def test_records_are_there_until_the_event_has_ended(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        record = await fetch.match("/a")
        await agent.settled()
        assert fetch.records_available is False
        with pytest.raises(InvalidStateError):
            await fetch.match_all()
        with pytest.raises(InvalidStateError):
            await fetch.match("/a")
        # The record that was handed out stays readable, for as long as it is held.
        assert lab.bodies == 3
        response = await record.response_ready
        assert (await response.text(), response.url, response.status) == ("aaa", f"{HOME}/a", 200)
        del record, response
        assert lab.bodies == 0


async def test_a_response_is_ready_at_its_headers_and_streams_as_it_grows(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/big", b"x" * 300_000, chunk=10_000, content_type="audio/mpeg")
    async with lab.open() as agent:
        agent.network.conditions = Conditions("slow", download=100_000)
        fetch = await lab.manager.fetch("f", "/big")
        record = await fetch.match("/big")
        response = await record.response_ready
        begun = trio.current_time()
        assert begun < 0.5
        assert (response.status, response.headers.get("Content-Type")) == (200, "audio/mpeg")
        assert response.headers.get("Content-Length") is None
        times = []
        total = 0
        async for chunk in response.body:
            total += len(chunk)
            times.append(trio.current_time() - begun)
        assert total == 300_000
        assert len(times) > 5
        assert times[0] < 1 < 2 < times[-1] < 4
        await agent.settled()


async def test_a_record_asked_for_before_the_fetch_failed(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(give_up=10) as agent:
        fetch = await lab.manager.fetch("f", "http://nowhere.example/")
        record = await fetch.match("http://nowhere.example/")
        with pytest.raises(TypeError, match="fetch-error"):
            await record.response_ready
        await agent.settled()


async def test_response_ready_is_one_promise(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        record = await fetch.match("/a")
        assert record.response_ready is record.response_ready
        assert await record.response_ready is await record.response_ready
        assert record.request is record.request
        await agent.settled()


async def test_what_is_not_awaited_makes_no_noise_but_a_rejection_does(
    lab: Lab, autojump_clock: object
) -> None:
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/missing")
        await fetch.match("/missing")
        lab.manager.fetch("f", "/again")
        await agent.settled()
    (line,) = lab.of("diagnostic")
    assert line["code"] == "unhandled-rejection"
    assert "BackgroundFetchManager.fetch" in line["message"]
    assert "in use" in line["message"]


async def test_what_the_user_sees(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 100, stall_after=60)
    async with lab.open() as agent:
        icon = {"src": "icon.png", "sizes": "10x10", "type": "image/png"}
        await lab.manager.fetch("f", "/a", title="T", icons=[icon], download_total=1000)
        await trio.sleep(1)
        (shown,) = agent.background_fetches
        assert (shown.id, shown.title, shown.scope, shown.origin) == ("f", "T", f"{HOME}/", HOME)
        assert [(i.src, i.sizes) for i in shown.icons] == [(f"{HOME}/icon.png", "10x10")]
        assert (shown.progress.downloaded, shown.progress.download_total) == (60, 1000)
        (record,) = shown.records
        assert (record.url, record.method, record.state, record.downloaded) == (
            f"{HOME}/a",
            "GET",
            "receiving",
            60,
        )
        await shown.abort()
        await agent.settled()


async def test_a_click(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 100, delay=10)
    lab.worker(
        "async def onbackgroundfetchclick(event):\n"
        "    print('click', event.registration.id, event.registration.result, hasattr(event, 'update_ui'))\n"
    )
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        await agent.background_fetches[0].click()
        await agent.background_fetches[0].click()
        await agent.settled()
    lab.said(*["click f  False"] * 2)
    assert {line["id"] for line in lab.of("event.end", name="backgroundfetchclick")} == {"f"}
