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


async def test_a_preflight_that_is_left_out_is_told(lab: Lab, autojump_clock: object) -> None:
    """And with it what a server would have to answer."""
    other(lab).add("/a", b"open")
    async with lab.open(web_security=False) as agent:
        fetch = await lab.manager.fetch("f", [lab.request(f"{OTHER}/a", headers={"X-Mine": "1"})])
        await agent.settled()
        assert fetch.result == "success"
    assert lab.diagnostics == ["skipped-preflight", "skipped-cors"]
    told = [line["message"] for line in lab.of("diagnostic")]
    assert "Access-Control-Allow-Headers with x-mine" in told[0]
    assert "no Access-Control-Allow-Origin" in told[1]
    assert [request.method for request in other(lab).requests] == ["GET"]


async def test_a_method_that_needs_a_preflight_is_told(lab: Lab, autojump_clock: object) -> None:
    other(lab).add("/a", b"", cors="*")
    async with lab.open(web_security=False):
        await lab.window.fetch(f"{OTHER}/a", method="DELETE")
    assert "Access-Control-Allow-Methods with DELETE" in lab.one("diagnostic")["message"]


@pytest.mark.parametrize(
    ("target", "cause"),
    [
        ("https://secure.example:22/", "bad-port"),
        ("ftp://secure.example/", "redirect"),
        ("http://plain.example/a", "mixed-content"),
        ("https://user:secret@other.example/a", "cors"),
    ],
)
async def test_where_a_redirect_must_not_lead(
    lab: Lab, autojump_clock: object, target: str, cause: str
) -> None:
    secure = lab.internet.origin_at("https://secure.example")
    secure.add("/", "<p>")
    secure.add("/go", redirect=target)
    asked = [lab.internet.origin_at(url) for url in ("http://plain.example", "https://other.example")]
    async with lab.open(origin="https://secure.example") as agent:
        await lab.manager.fetch("f", "/go")
        await agent.settled()
    lab.one("record.settle", result="fetch-error", cause=cause)
    assert [origin.requests for origin in asked] == [[], []]


async def test_mixed_content_switched_off(lab: Lab, autojump_clock: object) -> None:
    lab.internet.origin_at("https://secure.example").add("/", "<p>")
    other(lab).add("/a", b"x", cors="*")
    async with lab.open(origin="https://secure.example", web_security=False) as agent:
        fetch = await lab.manager.fetch("f", f"{OTHER}/a")
        await agent.settled()
        assert fetch.result == "success"
    assert lab.diagnostics == ["skipped-mixed-content"]


@pytest.mark.parametrize(
    ("origin", "secure"), [(HOME, True), ("https://a.example", True), ("http://a.example", False)]
)
async def test_secure_contexts(lab: Lab, autojump_clock: object, origin: str, secure: bool) -> None:
    lab.internet.origin_at(origin).add("/", "<p>")
    async with lab.open(origin=origin, ready=False) as agent:
        window = await agent.open_window("/")
        assert window.is_secure_context is secure
        if not secure:
            with pytest.raises(window.SecurityError, match="not secure"):
                await window.navigator.service_worker.register("/worker.py")


async def test_what_every_request_says_of_us(lab: Lab, autojump_clock: object) -> None:
    """Origin, Referer, Sec-Fetch-*, Accept, Accept-Language, User-Agent."""
    server = lab.internet.origin_at("https://files.example")
    server.add("/a", b"x", cors="*")
    async with lab.open() as agent:
        await lab.manager.fetch("f", "https://files.example/a")
        await agent.settled()
    (request,) = server.requests
    told = {
        name: request.headers[name] for name in request.headers if name not in ("accept-encoding", "host")
    }
    assert told.pop("user-agent").startswith("swruntime/")
    assert told == {
        "accept": "*/*",
        "accept-language": "en",
        "origin": HOME,
        "referer": f"{HOME}/",
        "sec-fetch-dest": "empty",
        "sec-fetch-mode": "cors",
        "sec-fetch-site": "cross-site",
    }


async def test_the_pages_referrer_policy(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/quiet", "<p>", headers={"Referrer-Policy": "no-referrer"})
    lab.origin.add("/a", b"x")
    async with lab.open(page="/quiet") as agent:
        await lab.manager.fetch("f", ["/a", lab.request("/a?own", referrer_policy="unsafe-url")])
        await agent.settled()
    told = [r.headers.get("referer") for r in lab.origin.requests if r.path.startswith("/a")]
    assert sorted(told, key=str) == [None, f"{HOME}/quiet"]
