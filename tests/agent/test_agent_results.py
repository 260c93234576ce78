"""How background fetches end, and what their handlers find: success, bad status, totals, quota."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime import QuotaExceededError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"


async def test_success_of_two_records(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa", delay=1)
    lab.origin.add("/b", b"bbbbb")
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("two", ["/a", "b"], title="Two")
        assert (fetch.id, fetch.result, fetch.failure_reason, fetch.records_available) == (
            "two",
            "",
            "",
            True,
        )
        await agent.settled()
        assert (fetch.result, fetch.downloaded, fetch.records_available) == ("success", 8, False)
    lab.said("backgroundfetchsuccess two success ", "{}/a 200 3", "{}/b 200 5")
    start = lab.one("fetch.start")
    assert start["requests"] == (f"{HOME}/a", f"{HOME}/b")
    assert {"scope": f"{HOME}/", "id": "two", "fetch": 1, "download_total": 0}.items() <= start.items()
    settled = lab.of("record.settle", result="success", status=200, cause=None)
    assert sorted((line["index"], line["bytes"]) for line in settled) == [(0, 3), (1, 5)]
    lab.one("fetch.settle", result="success", failure_reason="", downloaded=8, cause=None, message=None)
    lab.one("event.start", name="backgroundfetchsuccess", attempt=1, id="two", fetch=1)
    lab.one("event.end", name="backgroundfetchsuccess", outcome="fulfilled", error=None)
    assert lab.lines[-2]["kind"] == "fetch.release"
    assert lab.lines[-2]["cause"] == "event"


async def test_an_id_is_in_use_until_the_result_is_told(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open(profile=lab.profile) as agent:
        begun, go_on = trio.Event(), trio.Event()
        sync = agent.services.store.sync

        async def slow(bodies: Iterable[int], *, flush: bool = True) -> None:
            begun.set()
            await go_on.wait()
            await sync(bodies)

        agent.services.store.sync = slow
        first = await lab.manager.fetch("f", "/a")
        await begun.wait()
        assert first.result == ""
        assert await lab.manager.get("f") is first
        assert await lab.manager.get_ids() == ["f"]
        with pytest.raises(TypeError, match="id 'f' is in use"):
            await lab.manager.fetch("f", "/a")
        go_on.set()
        await agent.settled()
        assert first.result == "success"
        await lab.manager.fetch("f", "/a")
        await agent.settled()


async def test_match_all_answers_in_the_order_of_the_requests(lab: Lab, autojump_clock: object) -> None:
    for index, path in enumerate("cab"):
        lab.origin.add(f"/{path}", delay=3 - index)
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    print([r.request.url[-1] for r in await event.registration.match_all()])\n"
    )
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("order", ["/c", "/a", "/b"])
        assert [r.request.url[-1] for r in await fetch.match_all()] == ["c", "a", "b"]
        await agent.settled()
    lab.said("['c', 'a', 'b']")
    assert [line["index"] for line in lab.of("record.settle")] == [2, 1, 0]


async def test_duplicates_and_methods_as_the_upstream_match_test_counts_them(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/f", b"x")
    async with lab.open():
        put = lab.request("/f", method="PUT", body="p")
        searched = "/f?x=y"
        fetch = await lab.manager.fetch("match", ["/f", "/f", put, searched, "/other"])

        async def count(request: Any, **options: bool) -> int:
            return len(await fetch.match_all(request, **options))

        assert await count("/f") == 2
        assert await count("/f", ignore_method=True) == 3
        assert await count("/f", ignore_search=True) == 3
        assert await count("/f", ignore_method=True, ignore_search=True) == 4
        assert await count(lab.request("/f", method="PUT")) == 1
        assert len(await fetch.match_all()) == 5
        assert (await fetch.match("/f")).request.url == f"{HOME}/f"
        assert await fetch.match("/nothing") is None
        assert await fetch.match_all("/nothing") == []
        await lab.agent.settled()


async def test_vary_decides_what_matches(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/v", b"x", headers={"Vary": "X-Colour"})
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    for colour in ('red', 'blue'):\n"
        "        query = Request('/v', headers={'X-Colour': colour})\n"
        "        print(colour, len(await event.registration.match_all(query)),\n"
        "              len(await event.registration.match_all(query, ignore_vary=True)))\n"
    )
    async with lab.open() as agent:
        await lab.manager.fetch("vary", [lab.request("/v", headers={"X-Colour": "red"})])
        await agent.settled()
    lab.said("red 1 1", "blue 0 1")


async def test_a_404_beside_a_success(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/good", b"good")
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("half", ["/missing", "/good"])
        await agent.settled()
        assert (fetch.result, fetch.failure_reason, fetch.downloaded) == ("failure", "bad-status", 4)
    lab.said("backgroundfetchfail half failure bad-status", "{}/missing 404 0", "{}/good 200 4")
    lab.one("record.settle", index=0, result="bad-status", status=404, bytes=0, cause="status")
    lab.one("fetch.settle", result="failure", failure_reason="bad-status", cause="status")


async def test_a_404_longer_than_the_total_is_a_bad_status(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/long", b"x" * 5000, status=404)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("long", "/long", download_total=10)
        await agent.settled()
        assert (fetch.failure_reason, fetch.downloaded) == ("bad-status", 0)
    lab.said("backgroundfetchfail long failure bad-status", "{}/long 404 0")


async def test_the_first_failure_in_time_names_the_reason(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/slow404", status=404, delay=5)
    lab.origin.add("/redirect", redirect="/elsewhere")
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("first", ["/slow404", lab.request("/redirect", redirect="error")])
        await agent.settled()
        assert fetch.failure_reason == "fetch-error"


async def test_the_download_total_ends_all_at_once(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", b"x" * 300_000, chunk=1000)
    lab.origin.add("/slow", b"y", delay=100)
    lab.origin.add("/small", b"z" * 10)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("total", ["/slow", "/big", "/small"], download_total=100_500)
        await agent.settled()
        assert (fetch.result, fetch.failure_reason) == ("failure", "download-total-exceeded")
        assert fetch.downloaded == 100_010
    lab.said(
        "backgroundfetchfail total failure download-total-exceeded",
        "{}/slow AbortError",
        "{}/big TypeError",
        "{}/small 200 10",
    )
    assert lab.one("fetch.settle")["time"] < 1
    lab.one("record.settle", index=1, result="download-total-exceeded", cause="download-total")
    lab.one("record.settle", index=0, result="aborted", cause="aborted", status=None)


async def test_exactly_the_download_total_is_a_success(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/exact", b"x" * 1000)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("exact", "/exact", download_total=1000)
        await agent.settled()
        assert fetch.result == "success"


async def test_a_total_that_cannot_fit_is_refused_at_once(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(quota=1000):
        with pytest.raises(QuotaExceededError) as caught:
            await lab.manager.fetch("quota", "/a", download_total=1001)
        assert (caught.value.quota, caught.value.requested) == (None, None)
        assert await lab.manager.get_ids() == []
        with pytest.raises(QuotaExceededError):
            await lab.manager.fetch("upload", [lab.request("/a", method="POST", body=b"x" * 1001)])
        assert lab.bodies == 0
    assert lab.of("fetch.start") == []


async def test_quota_while_bytes_arrive(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", b"x" * 20_000, chunk=100)
    lab.origin.add("/slow", b"y", delay=100)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("quota", ["/big", "/slow"])
        agent.storage.quota = agent.storage.estimate().usage + 5000
        await agent.settled()
        assert (fetch.result, fetch.failure_reason) == ("failure", "quota-exceeded")
        assert 4000 < fetch.downloaded <= 5000, "its head counts, too"
        assert fetch.downloaded % 100 == 0, "a piece that does not fit is not stored"
        assert lab.bodies == 0
    lab.said("backgroundfetchfail quota failure quota-exceeded", "{}/big TypeError", "{}/slow AbortError")
    lab.one("record.settle", index=0, result="quota-exceeded", cause="quota", bytes=fetch.downloaded)
    assert lab.one("fetch.settle", cause="quota")["time"] < 1


async def test_quota_that_is_raised_in_time_is_enough(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", b"x" * 2000)
    async with lab.open(quota=1000) as agent:
        agent.storage.quota = 10_000
        assert (await lab.manager.fetch("quota", "/big")).result == ""
        await agent.settled()
    lab.one("fetch.settle", result="success")


async def test_two_fetches_of_a_registration_and_one_of_another(lab: Lab, autojump_clock: object) -> None:
    for path in ("/a", "/b", "/sub/c"):
        lab.origin.add(path, b"x" * 100, delay=1)
    (lab.site / "sub").mkdir()
    lab.worker(
        lab.site.joinpath("worker.py").read_text().replace("print(event.type", "print('sub', event.type"),
        "sub/worker.py",
    )
    async with lab.open() as agent:
        sub = await agent.open_window("/sub/")
        await sub.navigator.service_worker.register("/sub/worker.py")
        other = await sub.navigator.service_worker.ready
        assert other.scope == f"{HOME}/sub/"
        one = await lab.manager.fetch("one", "/a")
        two = await lab.manager.fetch("two", "/b")
        same_id = await other.background_fetch.fetch("one", "c")
        assert await lab.manager.get_ids() == ["one", "two"]
        assert await other.background_fetch.get_ids() == ["one"]
        await agent.settled()
        assert [one.result, two.result, same_id.result] == ["success"] * 3
    assert len({line["time"] for line in lab.of("fetch.settle")}) == 1
    assert sorted(lab.console) == sorted(
        [
            "backgroundfetchsuccess one success ",
            "backgroundfetchsuccess two success ",
            "sub backgroundfetchsuccess one success ",
            f"{HOME}/a 200 100",
            f"{HOME}/b 200 100",
            f"{HOME}/sub/c 200 100",
        ]
    )


async def test_a_thousand_records(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/r", b"0123456789")
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    records = await event.registration.match_all()\n"
        "    bodies = [await (await r.response_ready).bytes() for r in records]\n"
        "    print(len(records), sum(map(len, bodies)), records[999].request.url)\n"
    )
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("many", [f"/r?{i}" for i in range(1000)])
        await agent.settled()
        assert (fetch.result, fetch.downloaded) == ("success", 10_000)
    lab.said("1000 10000 {}/r?999")
    assert len(lab.of("record.settle", result="success")) == 1000
    assert len(lab.of("record.wait", reason="slot")) == 994


async def test_six_connections_an_origin_and_no_fetch_starves_another(
    lab: Lab, autojump_clock: object
) -> None:
    under_way: list[str] = []
    most = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        import trio

        nonlocal most
        under_way.append(scope["path"])
        most = max(most, len(under_way))
        await trio.sleep(1)
        under_way.remove(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    lab.origin.add("/app", app=app)
    lab.internet.origin_at("http://localhost:9000").add("/c", b"x", cors="*")
    async with lab.open() as agent:
        await lab.manager.fetch("many", [f"/app/{i}" for i in range(100)])
        await lab.manager.fetch("single", "/app/single")
        await lab.manager.fetch("elsewhere", "http://localhost:9000/c")
        await agent.settled()
    assert most == 6
    single = lab.one("record.start", id="single")
    before = [line for line in lab.of("record.start", id="many") if line["time"] < single["time"]]
    assert len(before) <= 12
    assert lab.one("record.start", id="elsewhere")["time"] < 0.1
    lab.one("record.wait", id="single", reason="slot")


async def test_records_begin_in_the_order_of_their_requests(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/r", b"x")
    async with lab.open() as agent:
        await lab.manager.fetch("many", [f"/r?{index}" for index in range(6)])
        await agent.settled()
    assert [line["index"] for line in lab.of("record.start")] == list(range(6))


async def test_stalled_connections_hold_up_no_other_background_fetch(
    lab: Lab, autojump_clock: object
) -> None:
    """All six connections of the origin stall: the others have their turn when the first time-out has come."""
    for i in range(6):
        lab.origin.add(f"/stalled/{i}", b"x" * 100, stall_after=0)
        lab.origin.add(f"/fine/{i}", b"fine")
    async with lab.open() as agent:
        stalled = await lab.manager.fetch("stalled", [f"/stalled/{i}" for i in range(6)])
        fine = await lab.manager.fetch("fine", [f"/fine/{i}" for i in range(6)])
        await agent.until(lambda line: line["kind"] == "fetch.settle" and line["id"] == "fine")
        assert stalled.result == ""
        await agent.settled()
        assert fine.result == "success"
        assert (stalled.result, stalled.failure_reason) == ("failure", "fetch-error")
    stall = agent.services.limits.stall
    assert stall <= lab.one("fetch.settle", id="fine")["time"] < stall + 1
    assert {line["cause"] for line in lab.of("record.settle", id="stalled")} == {"timeout"}
