"""Other origins: CORS, mixed content, CSP; and switching them off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swruntime.testing.pattern import Pattern

if TYPE_CHECKING:
    from swruntime.testing.origin import Origin
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"
OTHER = "http://other.example"

HEADERS = """
async def report(event):
    for record in await event.registration.match_all():
        try:
            response = await record.response_ready
        except TypeError:
            print('TypeError')
            continue
        shown = [response.headers.get(name) for name in ('Content-Type', 'X-Secret', 'X-Open', 'ETag')]
        print(response.type, response.status, *shown, len(await response.bytes()))
onbackgroundfetchsuccess = onbackgroundfetchfail = report
"""


def other(lab: Lab) -> Origin:
    lab.worker(HEADERS)
    return lab.internet.origin_at(OTHER)


async def test_without_cors_headers(lab: Lab, autojump_clock: object) -> None:
    other(lab).add("/a", b"secret")
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", f"{OTHER}/a")
        await agent.settled()
        assert (fetch.failure_reason, fetch.downloaded) == ("fetch-error", 0)
    lab.said("TypeError")
    lab.one("record.settle", result="fetch-error", cause="cors", status=None)
    assert len(other(lab).requests) == 1


@pytest.mark.parametrize("allowed", ["*", HOME])
async def test_with_cors_headers_the_rest_is_filtered(lab: Lab, autojump_clock: object, allowed: str) -> None:
    headers = {"X-Secret": "s", "X-Open": "o", "Access-Control-Expose-Headers": "X-Open"}
    other(lab).add("/a", b"open", cors=allowed, headers=headers, content_type="text/plain", etag='"e"')
    async with lab.open() as agent:
        await lab.manager.fetch("f", f"{OTHER}/a")
        await agent.settled()
    lab.said("cors 200 text/plain None o None 4")
    (request,) = other(lab).requests
    assert request.headers["origin"] == HOME
    assert "sec-fetch-site" not in request.headers  # it is for secure origins only


async def test_a_wrong_cors_header(lab: Lab, autojump_clock: object) -> None:
    other(lab).add("/a", b"x", cors="http://somebody.example")
    async with lab.open() as agent:
        await lab.manager.fetch("f", f"{OTHER}/a")
        await agent.settled()
    lab.one("record.settle", result="fetch-error", cause="cors")


async def test_resuming_works_although_scripts_see_no_etag(lab: Lab, autojump_clock: object) -> None:
    other(lab).add("/a", Pattern(100_000), cors="*", drop_after=40_000, etag='"e"')
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", f"{OTHER}/a")
        await agent.settled()
        assert fetch.result == "success"
    lab.said("cors 200 None None None None 100000")
    assert [(r.method, r.range) for r in other(lab).requests] == [("GET", None), ("GET", "bytes=40000-")]


async def test_a_custom_header_is_asked_for_first(lab: Lab, autojump_clock: object) -> None:
    other(lab).add("/a", b"x", cors="*")
    other(lab).add("/closed", b"x", cors="*", headers={"Access-Control-Allow-Headers": "x-else"})
    async with lab.open() as agent:
        requests = [lab.request(f"{OTHER}{path}", headers={"X-Mine": "1"}) for path in ("/a", "/closed")]
        await lab.manager.fetch("f", requests)
        await agent.settled()
    lab.one("record.settle", index=0, result="success")
    lab.one("record.settle", index=1, result="fetch-error", cause="cors")
    asked = [r for r in other(lab).requests if r.method == "OPTIONS"]
    assert {r.headers["access-control-request-headers"] for r in asked} == {"x-mine"}
    assert [(r.path, r.headers["x-mine"]) for r in other(lab).requests if r.method == "GET"] == [("/a", "1")]


async def test_a_redirect_to_another_origin_is_checked(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/go", redirect=f"{OTHER}/a")
    other(lab).add("/a", b"x")
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/go")
        await agent.settled()
    lab.one("record.settle", result="fetch-error", cause="cors")


async def test_same_origin_mode_refuses_another_origin(lab: Lab, autojump_clock: object) -> None:
    other(lab).add("/a", b"x", cors="*")
    async with lab.open() as agent:
        await lab.manager.fetch("f", [lab.request(f"{OTHER}/a", mode="same-origin")])
        await agent.settled()
    lab.one("record.settle", result="fetch-error")
    assert other(lab).requests == []


async def test_web_security_switched_off(lab: Lab, autojump_clock: object) -> None:
    other(lab).add("/a", b"open")
    async with lab.open(web_security=False) as agent:
        fetch = await lab.manager.fetch("f", f"{OTHER}/a")
        await agent.settled()
        assert fetch.result == "success"
    assert lab.diagnostics == ["skipped-cors"]
    assert f"{OTHER}/a" in lab.one("diagnostic")["message"]


async def test_the_pages_csp(lab: Lab, autojump_clock: object) -> None:
    policy = {"Content-Security-Policy": "connect-src 'self'"}
    lab.origin.add("/strict", "<p>", headers=policy)
    lab.origin.add("/a", b"x")
    other(lab).add("/a", b"x", cors="*")
    async with lab.open(page="/strict") as agent:
        fetch = await lab.manager.fetch("f", [f"{OTHER}/a", "/a"])
        assert len(await fetch.match_all()) == 2
        await agent.settled()
        assert fetch.failure_reason == "fetch-error"
    lab.one("record.settle", index=0, result="fetch-error", cause="csp")
    lab.one("record.settle", index=1, result="success")
    assert other(lab).requests == []


async def test_the_pages_csp_switched_off(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/strict", "<p>", headers={"Content-Security-Policy": "connect-src 'none'"})
    lab.origin.add("/a", b"x")
    async with lab.open(page="/strict", web_security=False) as agent:
        fetch = await lab.manager.fetch("f", "/a")
        await agent.settled()
        assert fetch.result == "success"
    assert lab.diagnostics == ["skipped-csp"]


async def test_mixed_content(lab: Lab, autojump_clock: object) -> None:
    secure = lab.internet.origin_at("https://secure.example")
    secure.add("/", "<p>")
    other(lab).add("/a", b"x", cors="*")
    async with lab.open(origin="https://secure.example") as agent:
        fetch = await lab.manager.fetch("f", f"{OTHER}/a")
        await agent.settled()
        assert fetch.failure_reason == "fetch-error"
    lab.one("record.settle", cause="mixed-content")
    assert other(lab).requests == []
