"""What networks and servers do to a background fetch, and how it comes through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from swruntime import WaitingForUser
from swruntime.network.conditions import Conditions
from swruntime.testing.pattern import Pattern
from tests.agent.conftest import Lab

HOME = "http://localhost:8400"
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.fixture(params=["in process", "sockets", "sockets and disk"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    """The same tests with either interpreter of the scripted origin, and with a profile on the disk."""
    return Lab(
        tmp_path, on_sockets=request.param != "in process", on_disk=request.param == "sockets and disk"
    )


CHECKED = """
async def onbackgroundfetchsuccess(event):
    for record in await event.registration.match_all():
        body = await (await record.response_ready).bytes()
        print(record.request.url, len(body), sum(body) % 65521)
def onbackgroundfetchfail(event):
    print(event.registration.failure_reason)
"""


def check(pattern: Pattern) -> str:
    """What the worker CHECKED says of a body that is `pattern`."""
    body = bytes(pattern)
    return f"{len(body)} {sum(body) % 65521}"


def ranges(lab: Lab, path: str) -> list[str | None]:
    return [request.range for request in lab.origin.requests if request.path == path]


async def run(lab: Lab, *requests: Any, **options: Any) -> Any:
    """One background fetch, until it is settled."""
    lab.worker(CHECKED)
    async with lab.open(**options) as agent:
        fetch = await lab.manager.fetch("f", requests)
        await agent.settled()
        return fetch


# Offline


async def test_offline_in_the_middle(lab: Lab, autojump_clock: object) -> None:
    body = Pattern(500_000)
    lab.origin.add("/big", body, stall_after=[200_000], chunk=50_000, etag='"one"')
    lab.worker(CHECKED)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("off", "/big")
        await trio.sleep(1)
        agent.network.go_offline()
        assert not agent.network.online
        with pytest.raises(WaitingForUser) as caught:
            await agent.settled()
        assert caught.value.waiting == (f"background fetch 'off': {HOME}/big waits: offline",)
        await trio.sleep(3600)
        assert (fetch.result, fetch.downloaded) == ("", 200_000)
        assert await lab.manager.get_ids() == ["off"]
        agent.network.go_online()
        await agent.settled()
        assert fetch.result == "success"
    lab.said(f"{{}}/big {check(body)}")
    first, second = [r for r in lab.origin.requests if r.path == "/big"]
    assert (first.range, "if-range" in first.headers) == (None, False)
    assert (second.range, second.headers["if-range"]) == ("bytes=200000-", '"one"')
    assert second.headers["accept-encoding"] == "identity"
    lab.one("record.wait", reason="offline", until=None)
    lab.one("record.start", range_start=200_000, attempt=2)
    assert [line["action"] for line in lab.of("network.change")] == ["offline", "online"]


async def test_offline_from_the_start_holds_for_a_post_too(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/post", b"ok")
    async with lab.open() as agent:
        agent.network.go_offline()
        fetch = await lab.manager.fetch("off", [lab.request("/post", method="POST", body="x"), "/missing"])
        await trio.sleep(10_000)
        with pytest.raises(WaitingForUser):
            await agent.settled()
        agent.network.go_online()
        await agent.settled()
        assert fetch.failure_reason == "bad-status"
    lab.said(
        "backgroundfetchfail off failure bad-status",
        "{}/post 200 2",
        "{}/missing 404 0",
    )


async def test_conditions_slow_a_transfer_down(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", Pattern(500_000))
    async with lab.open() as agent:
        agent.network.conditions = Conditions("slow", latency=2.0, download=50_000)
        await lab.manager.fetch("slow", "/big")
        await agent.settled()
        agent.network.conditions = "offline"
        assert not agent.network.online
        with pytest.raises(ValueError, match="expected one of"):
            agent.network.conditions = "no-such"
    assert 12 <= lab.one("fetch.settle", result="success")["time"] < 13
    assert [line["action"] for line in lab.of("network.change")] == ["conditions", "offline"]
    many = lab.of("fetch.progress")
    assert 50 < len(many) < 150


# Failures that are temporary


async def test_a_host_that_does_not_exist_is_given_up(lab: Lab, autojump_clock: object) -> None:
    fetch = await run(lab, "http://nowhere.example/f", give_up=600)
    assert (fetch.result, fetch.failure_reason) == ("failure", "fetch-error")
    waits = lab.of("record.wait", reason="dns")
    assert 10 < len(waits) < 40
    assert all(line["until"] > line["time"] for line in waits)
    settled = lab.one("record.settle", result="fetch-error", cause="dns", status=None)
    assert "nowhere.example" in settled["message"]
    assert "gave up after 600 s" in settled["message"]
    assert 600 <= settled["time"] < 602


async def test_a_host_that_refuses(lab: Lab, autojump_clock: object) -> None:
    await run(lab, "http://localhost:1234/f", give_up=30)
    assert {line["reason"] for line in lab.of("record.wait")} == {"connect"}
    assert 30 <= lab.one("record.settle", result="fetch-error", cause="connect")["time"] < 31


async def test_a_host_that_refuses_for_a_while(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/f", b"abc")
    lab.worker(CHECKED)
    async with lab.open() as agent:
        lab.origin.refuse = True
        fetch = await lab.manager.fetch("f", "/f")
        await trio.sleep(100)
        lab.origin.refuse = False
        await agent.settled()
        assert fetch.result == "success"
    assert ranges(lab, "/f") == [None]


async def test_a_connection_that_breaks_again_and_again(lab: Lab, autojump_clock: object) -> None:
    body = Pattern(1_000_000, seed=3)
    lab.origin.add("/big", body, drop_after=[300_000] * 3, chunk=100_000)
    fetch = await run(lab, "/big")
    assert (fetch.result, fetch.downloaded) == ("success", 1_000_000)
    lab.said(f"{{}}/big {check(body)}")
    assert ranges(lab, "/big") == [None, *(f"bytes={n}-" for n in (300_000, 600_000, 900_000))]
    assert {line["reason"] for line in lab.of("record.wait")} == {"reset"}


async def test_a_connection_that_breaks_without_progress_is_given_up(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/big", Pattern(100_000), drop_after=[50_000, *[0] * 1000])
    fetch = await run(lab, "/big", give_up=100)
    assert fetch.failure_reason == "fetch-error"
    assert fetch.downloaded == 50_000
    assert 100 <= lab.one("record.settle", cause="reset", status=200)["time"] < 101


async def test_a_body_shorter_than_its_length_never_succeeds(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/short", b"x" * 1000, content_length=2000, etag=None)
    fetch = await run(lab, "/short", give_up=20)
    assert fetch.failure_reason == "fetch-error"
    lab.one("record.settle", cause="truncated", result="fetch-error")
    assert set(ranges(lab, "/short")) == {None}


async def test_a_server_that_stalls(lab: Lab, autojump_clock: object) -> None:
    body = Pattern(200_000)
    lab.origin.add("/stall", body, stall_after=[100_000, 50_000], chunk=50_000)
    fetch = await run(lab, "/stall")
    assert fetch.result == "success"
    lab.said(f"{{}}/stall {check(body)}")
    assert {line["reason"] for line in lab.of("record.wait")} == {"timeout"}
    assert 120 <= lab.one("fetch.settle")["time"] < 125


async def test_a_server_that_never_answers(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/never", delay=100_000)
    await run(lab, "/never", give_up=300)
    settled = lab.one("record.settle", cause="timeout", result="fetch-error")
    assert 300 <= settled["time"] < 365


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after(lab: Lab, autojump_clock: object, status: int) -> None:
    lab.origin.add("/busy", responses=[{"status": status, "retry_after": 120}, {"body": b"abc"}])
    fetch = await run(lab, "/busy")
    assert (fetch.result, fetch.downloaded) == ("success", 3)
    wait = lab.one("record.wait", reason="retry-after")
    assert wait["until"] >= 120
    assert str(status) in wait["message"]
    assert lab.of("record.start")[1]["time"] == wait["until"]


async def test_retry_after_for_ever_is_a_bad_status(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/busy", b"go away", retry_after=50, headers={"X-Why": "tired"})
    lab.worker(
        "async def onbackgroundfetchfail(event):\n"
        "    response = await (await event.registration.match('/busy')).response_ready\n"
        "    print(response.status, response.headers.get('X-Why'), await response.text() == '')\n"
    )
    async with lab.open(give_up=200) as agent:
        fetch = await lab.manager.fetch("busy", "/busy")
        await agent.settled()
        assert fetch.failure_reason == "bad-status"
    lab.said("503 tired True")
    assert 200 <= lab.one("record.settle", status=503)["time"] < 260


async def test_503_without_retry_after_is_final(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/busy", status=503)
    fetch = await run(lab, "/busy")
    assert fetch.failure_reason == "bad-status"
    assert len(ranges(lab, "/busy")) == 1


async def test_a_status_that_is_not_ok_is_not_final_while_the_rest_is_asked_for(
    lab: Lab, autojump_clock: object
) -> None:
    body = Pattern(100_000)
    good = {"body": body}
    lab.origin.add(
        "/f", responses=[{**good, "drop_after": 50_000}, {"status": 500}, {"status": 404}, good], chunk=10_000
    )
    fetch = await run(lab, "/f")
    assert fetch.result == "success"
    lab.said(f"{{}}/f {check(body)}")
    assert ranges(lab, "/f") == [None, *["bytes=50000-"] * 3]


# Ranges


async def test_416_at_the_very_end_is_a_success(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/f", b"x" * 1000, chunked=True, drop_after=1000)
    fetch = await run(lab, "/f")
    assert (fetch.result, fetch.downloaded) == ("success", 1000)
    assert ranges(lab, "/f") == [None, "bytes=1000-"]


async def test_416_starts_over_once(lab: Lab, autojump_clock: object) -> None:
    refused = {"status": 416, "headers": {"Content-Range": "bytes */5"}}
    whole = {"body": b"x" * 1000}
    lab.origin.add("/f", responses=[{**whole, "drop_after": 500}, refused, whole])
    lab.origin.add(
        "/g", responses=[{**whole, "drop_after": 500}, refused, {**whole, "drop_after": 500}, refused]
    )
    fetch = await run(lab, "/f", "/g")
    assert fetch.failure_reason == "fetch-error"
    lab.one("record.settle", index=0, result="success", bytes=1000)
    lab.one("record.settle", index=1, result="fetch-error", cause="changed")
    assert ranges(lab, "/f") == [None, "bytes=500-", None]


async def test_another_etag_in_the_middle_is_never_stitched_together(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/f", b"x" * 1000, drop_after=500, range_etag='"other"')
    fetch = await run(lab, "/f")
    assert fetch.failure_reason == "fetch-error"
    lab.one("record.settle", result="fetch-error", cause="changed")


async def test_a_file_that_changed_starts_over(lab: Lab, autojump_clock: object) -> None:
    """If-Range with the old ETag: the server sends the whole new file."""
    old = {"body": b"old" * 1000, "stall_after": 1500, "chunk": 1500}
    lab.origin.add("/f", responses=[old, {"body": b"new!" * 1000}])
    lab.worker(CHECKED)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/f")
        record = await fetch.match("/f")
        response = await record.response_ready
        pieces = aiter(response.body)
        assert await anext(pieces) == b"old" * 500
        await agent.settled()
        with pytest.raises(TypeError, match="started over"):
            await anext(pieces)
        assert (fetch.result, fetch.downloaded) == ("success", 4000)
    lab.said(f"{{}}/f 4000 {sum(b'new!' * 1000) % 65521}")


async def test_a_server_that_ignores_range(lab: Lab, autojump_clock: object) -> None:
    body = Pattern(100_000)
    lab.origin.add("/f", body, drop_after=[30_000, 60_000], ignore_range=True, chunk=10_000)
    fetch = await run(lab, "/f")
    assert (fetch.result, fetch.downloaded) == ("success", 100_000)
    lab.said(f"{{}}/f {check(body)}")
    assert ranges(lab, "/f") == [None, "bytes=30000-", "bytes=60000-"]


async def test_without_a_validator_no_range_is_asked_for(lab: Lab, autojump_clock: object) -> None:
    body = Pattern(100_000)
    lab.origin.add("/weak", body, drop_after=30_000, etag='W/"weak"')
    dates: dict[str, dict[str, Any]] = {
        "dated": {"date": "Thu, 01 Jan 2026 00:00:01 GMT"},
        "same-second": {"date": DATE},
        "undated": {"date": None},
        "beside-a-weak-etag": {"date": "Fri, 02 Jan 2026 00:00:00 GMT", "etag": 'W/"weak"'},
    }
    for name, said in dates.items():
        lab.origin.add(
            f"/{name}", body, **{"drop_after": 30_000, "etag": None, "last_modified": DATE, **said}
        )
    lab.origin.add("/coded", body, drop_after=30_000, coding="gzip")
    fetch = await run(lab, "/weak", *(f"/{name}" for name in dates), "/coded")
    assert fetch.result == "success"
    assert ranges(lab, "/dated") == [None, "bytes=30000-"]
    for name in ("weak", "same-second", "undated", "beside-a-weak-etag", "coded"):
        assert ranges(lab, f"/{name}") == [None, None]
    lab.said(*(f"{{}}/{name} {check(body)}" for name in ("weak", *dates, "coded")))


async def test_content_range_with_an_asterisk(lab: Lab, autojump_clock: object) -> None:
    body = Pattern(100_000)
    star = "bytes {start}-{end}/*"
    lab.origin.add("/unknown", body, drop_after=30_000, content_range=star, chunked=True)
    lab.origin.add("/known", body, drop_after=30_000, content_range=star)
    fetch = await run(lab, "/unknown", "/known")
    assert fetch.result == "success"
    lab.one("record.settle", index=0, result="success", bytes=100_000)
    lab.one("record.settle", index=1, result="success", bytes=100_000)


async def test_a_request_with_a_range_of_its_own_is_whole_and_never_resumed(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/f", b"0123456789", drop_after=[2])
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    (record,) = await event.registration.match_all()\n"
        "    response = await record.response_ready\n"
        "    print(response.status, await response.text(), record.request.headers.get('Range'))\n"
    )
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("own", [lab.request("/f", headers={"Range": "bytes=2-5"})])
        await agent.settled()
        assert fetch.result == "success"
    lab.said("206 2345 bytes=2-5")
    assert ranges(lab, "/f") == ["bytes=2-5"] * 2


# Redirects, HEAD, 204


async def test_redirects_are_followed_and_resumed_from_the_original_url(
    lab: Lab, autojump_clock: object
) -> None:
    body = Pattern(100_000)
    lab.origin.add("/old", redirect="/new")
    lab.origin.add("/new", body, drop_after=50_000, chunk=10_000)
    fetch = await run(lab, "/old")
    assert fetch.result == "success"
    lab.said(f"{{}}/old {check(body)}")
    assert ranges(lab, "/old") == ranges(lab, "/new") == [None, "bytes=50000-"]


async def test_redirect_modes_and_loops(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/old", redirect="/new")
    lab.origin.add("/loop", redirect="/loop")
    lab.origin.add("/new", b"new")
    async with lab.open() as agent:
        error = lab.request("/old", redirect="error")
        manual = lab.request("/old", redirect="manual")
        fetch = await lab.manager.fetch("modes", [error, manual, "/loop", "/old"])
        await agent.settled()
        assert fetch.result == "failure"
    by_index = {line["index"]: (line["result"], line["cause"]) for line in lab.of("record.settle")}
    assert by_index == {
        0: ("fetch-error", "redirect"),
        1: ("bad-status", "status"),
        2: ("fetch-error", "redirect"),
        3: ("success", None),
    }


async def test_head_and_204_have_no_body(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/f", b"x" * 1000)
    lab.origin.add("/none", status=204)
    lab.origin.add("/empty", b"")
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    for record in await event.registration.match_all():\n"
        "        response = await record.response_ready\n"
        "        print(record.request.method, response.status, response.body is None, await response.text() == '',\n"
        "              response.headers.get('Content-Length'))\n"
    )
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("empty", [lab.request("/f", method="HEAD"), "/none", "/empty"])
        await agent.settled()
        assert (fetch.result, fetch.downloaded) == ("success", 0)
    lab.said("HEAD 200 True True None", "GET 204 True True None", "GET 200 False True None")


# Uploads


async def test_a_post_with_a_body(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/post", b"thanks")
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    (record,) = await event.registration.match_all()\n"
        "    print(record.request.method, len(await record.request.bytes()),\n"
        "          await (await record.response_ready).text(), event.registration.uploaded)\n"
    )
    async with lab.open() as agent:
        request = lab.request("/post", method="POST", body=b"u" * 200_000, headers={"Content-Type": "x/y"})
        fetch = await lab.manager.fetch("post", [request])
        assert (fetch.upload_total, fetch.uploaded) == (200_000, 0)
        assert request.body_used
        assert lab.bodies == 200_000
        await agent.settled()
        assert (fetch.uploaded, fetch.downloaded) == (200_000, 6)
    lab.said("POST 200000 thanks 200000")
    (sent,) = [r for r in lab.origin.requests if r.path == "/post"]
    assert (sent.method, sent.body, sent.headers["content-length"]) == ("POST", b"u" * 200_000, "200000")
    assert sent.headers["content-type"] == "x/y"
    lab.one("fetch.start", upload_total=200_000)


async def test_a_body_that_fails_or_is_used_rejects_fetch(lab: Lab, autojump_clock: object) -> None:
    async def broken() -> Any:
        yield b"x"
        raise ValueError("the camera is gone")

    async with lab.open():
        good = lab.request("/post", method="POST", body=b"good")
        bad = lab.request("/post", method="POST", body=broken())
        with pytest.raises(ValueError, match="camera"):
            await lab.manager.fetch("broken", [good, bad])
        with pytest.raises(TypeError, match="used already"):
            await lab.manager.fetch("used", [good])
        assert await lab.manager.get_ids() == []
        assert lab.bodies == 0


@pytest.mark.parametrize("how", [{"drop_after": 2}, {"delay": 1e6}, {"status": 206}, {"retry_after": 1}])
async def test_a_post_is_never_sent_twice(lab: Lab, autojump_clock: object, how: dict[str, Any]) -> None:
    lab.origin.add("/post", b"thanks", **how)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("post", [lab.request("/post", method="POST", body="x")])
        await agent.settled()
        assert fetch.result == "failure"
    assert len([r for r in lab.origin.requests if r.path == "/post"]) == 1
    assert lab.of("record.wait") == []


async def test_a_post_is_not_sent_again_after_offline(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/post", b"thanks", delay=100)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("post", [lab.request("/post", method="POST", body="x")])
        await trio.sleep(1)
        agent.network.go_offline()
        await agent.settled()
        assert fetch.failure_reason == "fetch-error"
    lab.one("record.settle", cause="offline", result="fetch-error")


async def test_a_redirected_post_keeps_or_drops_its_body(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/307", redirect="/sink", status=307)
    lab.origin.add("/303", redirect="/sink", status=303)
    lab.origin.add("/sink", b"ok")
    async with lab.open() as agent:
        paths = ["/307", "/303"]
        fetch = await lab.manager.fetch("post", [lab.request(p, method="POST", body="x") for p in paths])
        await agent.settled()
        assert fetch.result == "success"
    assert sorted((r.method, r.body) for r in lab.origin.requests if r.path == "/sink") == [
        ("GET", b""),
        ("POST", b"x"),
    ]


async def test_offline_for_no_time_at_all(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1_000_000, delay=1)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        await trio.sleep(0.5)
        agent.network.go_offline()
        agent.network.go_online()
        await agent.settled()
        assert fetch.result == "success"
    assert lab.one("record.wait")["reason"] == "offline"
    assert [start["attempt"] for start in lab.of("record.start")] == [1, 2]


# The network comes back by itself


async def test_what_answers_again_wakes_what_waits_elsewhere(lab: Lab, autojump_clock: object) -> None:
    """Two hosts, both unreachable; a page's request finds one of them back, and the other is tried at once."""
    files = lab.internet.origin_at("http://files.example")
    files.add("/a", b"x", cors="*")
    lab.origin.add("/ping", b"")
    async with lab.open() as agent:
        lab.origin.refuse = files.refuse = True
        await lab.manager.fetch("f", "http://files.example/a")
        with pytest.raises(TypeError):
            await lab.window.fetch("/ping")
        await trio.sleep(100)
        lab.origin.refuse = files.refuse = False
        assert lab.of("record.wait")[-1]["until"] > lab.lines[-1]["time"] + 1
        await lab.window.fetch("/ping")
        back = lab.one("network.change", action="reachable", name=HOME)["time"]
        await agent.settled()
    assert lab.one("record.settle", result="success")["time"] < back + 0.1


async def test_a_host_that_always_answers_cuts_no_backoff_short(lab: Lab, autojump_clock: object) -> None:
    files = lab.internet.origin_at("http://files.example")
    files.add("/a", b"x", cors="*")
    lab.origin.add("/ping", b"")
    files.refuse = True
    async with lab.open() as agent:
        await lab.manager.fetch("f", "http://files.example/a")
        for _ in range(100):
            await lab.window.fetch("/ping")
            await trio.sleep(1)
        assert len(lab.of("record.start")) < 10
        files.refuse = False
        await agent.settled()
    assert lab.of("network.change", action="reachable") == []


async def test_retry_after_and_the_users_switch_are_waited_for(lab: Lab, autojump_clock: object) -> None:
    files = lab.internet.origin_at("http://files.example")
    files.add("/later", cors="*", responses=[{"retry_after": 300}, {"body": b"x"}])
    files.add("/a", b"x", cors="*")
    async with lab.open() as agent:
        await lab.manager.fetch("later", "http://files.example/later")
        await trio.sleep(1)
        begun = lab.one("record.start", id="later")["time"]
        files.refuse = True
        await lab.manager.fetch("f", "http://files.example/a")
        await trio.sleep(1)
        agent.network.go_offline()
        files.refuse = False
        agent.network_returned("route")
        assert lab.of("network.change", action="reachable") == []
        agent.network.go_online()
        await agent.settled()
    assert begun is not None
    assert {line["id"] for line in lab.of("record.settle", result="success")} == {"later", "f"}


async def test_a_route_wakes_what_waits(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x")
    lab.origin.add("/later", responses=[{"retry_after": 300}, {"body": b"x"}])
    async with lab.open() as agent:
        await lab.manager.fetch("later", "/later")
        await trio.sleep(1)
        lab.origin.refuse = True
        await lab.manager.fetch("f", "/a")
        await trio.sleep(50)
        lab.origin.refuse = False
        agent.network_returned("route")
        agent.network_returned("route")  # by now nobody waits
        await trio.sleep(0.1)
        assert lab.one("record.settle", id="f")["result"] == "success"
        await agent.settled()
    lab.one("network.change", action="reachable", name="route")
    assert lab.one("record.settle", id="later")["time"] > 299, "a server's own word is kept"
