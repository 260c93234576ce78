"""What `background_fetch.fetch()` takes, and what it refuses; nothing begins when it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"


async def refused(lab: Lab, match: str, *arguments: Any, **options: Any) -> None:
    """`fetch()` with these arguments rejects with a TypeError, and leaves nothing behind."""
    async with lab.open() as agent:
        promise = lab.manager.fetch(*arguments, **options)
        with pytest.raises(TypeError, match=match):
            await promise
        assert await lab.manager.get_ids() == []
        await agent.settled()
    assert lab.of("fetch.start") == []
    assert lab.of("diagnostic") == []


@pytest.mark.parametrize("id", ["", 5, None])
async def test_ids(lab: Lab, autojump_clock: object, id: object) -> None:
    await refused(lab, "id", id, "/a")


@pytest.mark.parametrize(
    ("requests", "match"),
    [
        ([], "at least one"),
        (5, "requests"),
        ([5], "requests"),
        ({"/a": 1}.values(), "requests"),
        (["/a", "http://[nonsense"], "nonsense"),
        (["http://user:pw@localhost:8400/a"], "credentials"),
        (["ftp://localhost/a"], "ftp"),
        (["file:///etc/passwd"], "file"),
        (["data:text/plain,x"], "data"),
        (["http://localhost:6667/a"], "port"),
        (["https://localhost:587/a"], "port"),
    ],
)
async def test_requests(lab: Lab, autojump_clock: object, requests: object, match: str) -> None:
    await refused(lab, match, "id", requests)


async def test_a_no_cors_request(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        with pytest.raises(TypeError, match="no-cors"):
            await lab.manager.fetch("id", [lab.request("/a", mode="no-cors")])
        await agent.settled()


@pytest.mark.parametrize("total", [-1, 2**64, 1e300, float("nan"), "5", True, None])
async def test_download_totals(lab: Lab, autojump_clock: object, total: object) -> None:
    await refused(lab, "download_total", "id", "/a", download_total=total)


async def test_the_largest_download_total(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open(quota=2**64) as agent:
        fetch = await lab.manager.fetch("id", "/a", download_total=2**53 - 1)
        assert fetch.download_total == 2**53 - 1
        await agent.settled()


@pytest.mark.parametrize("title", [5, None, b"bytes"])
async def test_titles(lab: Lab, autojump_clock: object, title: object) -> None:
    await refused(lab, "title", "id", "/a", title=title)


@pytest.mark.parametrize("icons", [[{}], [{"sizes": "1x1"}], ["/icon.png"], 5, [{"src": 5}], {"src": "/a"}])
async def test_icons(lab: Lab, autojump_clock: object, icons: object) -> None:
    await refused(lab, "icons", "id", "/a", icons=icons)


async def test_an_option_that_does_not_exist(lab: Lab, autojump_clock: object) -> None:
    async with lab.open():
        with pytest.raises(TypeError):
            lab.manager.fetch("id", "/a", titel="typo")


async def test_an_id_in_use(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open() as agent:
        first = lab.manager.fetch("id", "/a")
        second = lab.manager.fetch("id", "/a")
        assert (await first).id == "id"
        with pytest.raises(TypeError, match="in use"):
            await second
        await agent.settled()
        assert (await lab.manager.fetch("id", "/a")).result == ""
        await agent.settled()


async def test_one_url_many_urls_and_requests(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open() as agent:
        for index, requests in enumerate(["/a", ["/a"], ("a", "/a"), lab.request("/a"), iter(["/a"])]):
            fetch = await lab.manager.fetch(f"id {index}", requests)
            await agent.settled()
            assert fetch.result == "success"


async def test_urls_are_relative_to_the_page_and_keep_no_fragment_on_the_wire(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/deep/a", b"aaa")
    async with lab.open(page="/deep/page") as agent:
        fetch = await lab.manager.fetch("id", "a#fragment")
        record = await fetch.match("a")
        assert record.request.url == f"{HOME}/deep/a#fragment"
        assert (await record.response_ready).url == f"{HOME}/deep/a"
        await agent.settled()
    assert lab.origin.requests[-1].path == "/deep/a"


async def test_what_the_server_is_told(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open() as agent:
        request = lab.request("/a", headers={"X-Mine": "1", "Host": "forged.example", "Sec-Fetch-Site": "x"})
        await lab.manager.fetch("id", [request])
        await agent.settled()
    headers = lab.origin.requests[-1].headers
    assert headers["x-mine"] == "1"
    assert headers["host"] == "localhost:8400"
    assert headers["sec-fetch-site"] == "same-origin"
    assert headers["sec-fetch-mode"] == "cors"
    assert headers["referer"] == f"{HOME}/"
    assert headers["user-agent"].startswith("swruntime/")


async def test_an_id_may_be_anything_else(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    ids = [" ", "ü", "a\nb", "\ud800", "x" * 100_000]
    async with lab.open(profile=lab.profile) as agent:
        for id in ids:
            await lab.manager.fetch(id, "/a")
        assert await lab.manager.get_ids() == ids
        await agent.settled()
