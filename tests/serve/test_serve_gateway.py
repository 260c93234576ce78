"""The gateway in process: what becomes of a request, and what of its response."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio

from swruntime.network.asgi import AsgiTransport
from swruntime.serve import Gateway
from swruntime.serve.gateway import Answered

if TYPE_CHECKING:
    from tests.serve.conftest import Behind

HTML = {"Accept": "text/html,*/*"}

TELL = """
def onfetch(event):
    request = event.request
    print(request.method, request.mode, repr(request.destination), request.url)
    print(sorted(name for name, _ in request.headers))
"""

CACHED = """
async def oninstall(event):
    await (await caches.open("v")).add_all(["/", "/a"])

def onfetch(event):
    event.respond_with(answer(event.request))

async def answer(request):
    return await caches.match(request) or await fetch(request)
"""


async def test_what_no_worker_answers_goes_to_the_origin_as_it_came(
    behind: Behind, autojump_clock: object
) -> None:
    behind.worker(TELL)
    behind.origin.add("/a", b"0123456789", headers={"Set-Cookie": "a=b", "X-Own": "x"})
    async with behind.open() as client:
        response = await client.get("/a?q=1", headers={"Cookie": "c=d", "Range": "bytes=2-4"})
        assert (response.status_code, response.content) == (206, b"234")
        assert response.headers["content-range"] == "bytes 2-4/10"
        assert (response.headers["set-cookie"], response.headers["x-own"]) == ("a=b", "x")
        assert response.headers["content-length"] == "3"
    (asked,) = behind.origin.requests
    assert asked.headers["cookie"] == "c=d"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.headers["host"] == "localhost:8400"
    # The worker was asked first, without what a browser adds below it.
    assert behind.console == [
        "GET cors '' http://localhost:8400/a?q=1",
        "['accept', 'range', 'user-agent']",
    ]


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "GET cors ''"),
        (HTML, "GET navigate 'document'"),
        ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, "GET navigate 'iframe'"),
        ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "style", **HTML}, "GET no-cors 'style'"),
        ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", **HTML}, "GET cors ''"),
        ({"Sec-Fetch-Mode": "nonsense", "Sec-Fetch-Dest": "nonsense"}, "GET cors ''"),
    ],
)
async def test_navigation_or_subresource(
    behind: Behind, headers: dict[str, str], told: str, autojump_clock: object
) -> None:
    behind.worker(TELL)
    async with behind.open() as client:
        await client.get("/a", headers=headers)
    assert behind.console[0] == f"{told} http://localhost:8400/a"


async def test_whose_subresource_it_is(behind: Behind, autojump_clock: object) -> None:
    behind.worker(TELL)
    async with behind.open(scope="/app/") as client:
        # By the page that asks, whatever the name that the client has for this server.
        for referrer in ("http://localhost:8400/app/page", "http://127.0.0.1:8400/app/page"):
            await client.get("/a", headers={"Referer": referrer, "Host": "127.0.0.1:8400"})
        assert len(behind.console) == 4
        # A page outside the scope; another origin's page; nobody known, and its own URL is outside.
        await client.get("/app/b", headers={"Referer": "http://localhost:8400/elsewhere"})
        await client.get("/app/b", headers={"Sec-Fetch-Site": "cross-site"})
        await client.get("/a")
        assert len(behind.console) == 4
        await client.get("/app/b")
        assert len(behind.console) == 6
        # A navigation is its own URL's, wherever the link was.
        await client.get("/app/", headers={**HTML, "Referer": "http://elsewhere.test/"})
        assert len(behind.console) == 8


async def test_a_cached_site_outlives_its_origin(behind: Behind, autojump_clock: object) -> None:
    behind.worker(CACHED)
    behind.origin.add("/", "<h1>home</h1>", content_type="text/html")
    behind.origin.add("/a", b"aaa", headers={"Set-Cookie": "a=b"})
    async with behind.open() as client:
        behind.origin.refuse = True
        home = await client.get("/", headers={**HTML, "If-None-Match": '"x"'})
        assert (home.status_code, home.text) == (200, "<h1>home</h1>")
        a = await client.get("/a")
        assert (a.content, a.headers["content-length"]) == (b"aaa", "3")
        assert "set-cookie" not in a.headers
        head = await client.head("/a")
        assert (head.status_code, head.content) == (502, b"")
        gone = await client.get("/b")
        assert (gone.status_code, gone.headers["content-type"]) == (502, "text/plain;charset=utf-8")
        assert "the worker" in gone.text or "respond_with" in gone.text
        assert "refused" in gone.text


async def test_the_origin_is_gone_and_no_worker_answers(behind: Behind, autojump_clock: object) -> None:
    behind.worker("def oninstall(event): pass\n")
    behind.origin.add("/stalls", b"abc", delay=100.0)
    async with behind.open() as client:
        late = await client.get("/stalls")
        assert (late.status_code, late.text.split(":")[0]) == (504, "504 Gateway Timeout")
        behind.origin.refuse = True
        response = await client.get("/a")
        assert (response.status_code, response.text) == (
            502,
            "502 Bad Gateway: connect: localhost:8400 refused the connection\n",
        )
        behind.agent.network.go_offline()
        assert "offline" in (await client.get("/a")).text
    assert [line["code"] for line in behind.of("diagnostic")] == ["gateway"] * 3


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("def onfetch(event): raise ValueError('no')\n", "404"),
        (
            "async def no(): raise ValueError('no')\ndef onfetch(event): event.respond_with(no())\n",
            "ValueError",
        ),
        ("def onfetch(event): event.respond_with('text')\n", "expected a Response"),
        ("def onfetch(event): event.respond_with(Response.error())\n", "an error response"),
        ("def onfetch(event): event.prevent_default()\n", "cancelled"),
    ],
)
async def test_a_worker_that_fails(behind: Behind, script: str, cause: str, autojump_clock: object) -> None:
    behind.worker(script)
    async with behind.open() as client:
        response = await client.get("/a", headers=HTML)
        # A handler that raises before respond_with has left the request to the origin, as in a browser.
        assert response.status_code == (404 if cause == "404" else 502)
        assert cause in response.text


async def test_a_worker_that_cannot_start(behind: Behind, autojump_clock: object) -> None:
    behind.worker("def onfetch(event): event.respond_with(Response('x'))\n")
    async with behind.open() as client:
        assert (await client.get("/")).text == "x"
        await behind.agent.terminate_worker(behind.registration)
        behind.worker("raise ValueError('broken')\n")
        response = await client.get("/")
        assert (response.status_code, "broken" in response.text) == (502, True)


async def test_a_post_goes_either_way_with_its_body(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "def onfetch(event):\n"
        "    if 'mine' in event.request.url:\n"
        "        event.respond_with(answer(event.request))\n"
        "    elif 'sent' in event.request.url:\n"
        "        event.respond_with(fetch(event.request))\n"
        "    elif 'read' in event.request.url:\n"
        "        event.wait_until(look(event.request))\n"
        "async def answer(request):\n"
        "    return Response.json([request.method, request.headers.get('content-type'), await request.text()])\n"
        "async def look(request):\n"
        "    try:\n"
        "        await request.text()\n"
        "    except TypeError as error:\n"
        "        print(error)\n"
    )

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"ab", b"", b"cd"):
            await trio.sleep(1)
            yield piece

    async with behind.open() as client:
        mine = await client.post("/mine", content=b"body", headers={"Content-Type": "text/x"})
        assert mine.json() == ["POST", "text/x", "body"]
        assert (await client.put("/mine", content=pieces())).json() == ["PUT", None, "abcd"]
        await client.post("/sent", content=pieces())
        await client.post("/read", content=b"body")
        await client.post("/origin", content=pieces())
        await client.post("/origin", content=b"body")
        await behind.agent.settled()
    assert [(r.path, r.body) for r in behind.origin.requests] == [
        ("/sent", b"abcd"),
        ("/read", b"body"),
        ("/origin", b"abcd"),
        ("/origin", b"body"),
    ]
    assert behind.origin.requests[-1].headers["content-length"] == "4"
    assert behind.origin.requests[-2].headers["transfer-encoding"] == "chunked"
    (text,) = behind.console
    assert "the request's body went to the origin" in text


async def test_a_slow_body_streams(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "import trio\n"
        "async def slow():\n"
        "    for number in range(3):\n"
        "        yield b'%d' % number\n"
        "        await trio.sleep(100)\n"
        "def onfetch(event): event.respond_with(Response(slow(), headers={'Content-Length': '999'}))\n"
    )
    async with behind.open() as client, client.stream("GET", "/") as response:
        begin = trio.current_time()
        assert "content-length" not in response.headers  # a script's own claim
        came = [(piece, round(trio.current_time() - begin)) async for piece in response.aiter_raw()]
    # The worker is not stopped for being idle while it streams.
    assert came == [(b"0", 0), (b"1", 100), (b"2", 200)]


async def test_a_stream_that_breaks_is_no_complete_response(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "async def broken():\n"
        "    yield b'some'\n"
        "    raise ValueError('no more')\n"
        "def onfetch(event):\n"
        "    if 'origin' not in event.request.url:\n"
        "        event.respond_with(Response(broken()))\n"
    )
    behind.origin.add("/origin", b"0123456789", drop_after=[5, 5])
    async with behind.open() as client:
        for path in ("/", "/origin"):
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(path)
    one, other = (line["message"] for line in behind.of("diagnostic", code="gateway"))
    assert "no more" in one
    assert "reset" in other


async def test_a_client_that_leaves_ends_the_exchange(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "def onfetch(event):\n"
        "    if 'origin' not in event.request.url:\n"
        "        event.request.signal.onabort = lambda _: print('aborted')\n"
        "        event.respond_with(fetch(event.request))\n"
    )
    for path in ("/worker", "/origin"):
        behind.origin.add(f"{path}/stalls", b"x" * 1000, stall_after=500)
        behind.origin.add(f"{path}/late", b"x" * 1000, delay=1000.0)
    async with behind.open() as client:
        begin = trio.current_time()
        for path in ("/worker", "/origin"):
            with trio.move_on_after(1):
                async with client.stream("GET", f"{path}/stalls") as response:
                    assert response.status_code == 200
                    assert len(await response.aread()) == 500
            with trio.move_on_after(1):
                await client.get(f"{path}/late")
        await trio.sleep(1)
        # Nothing is left under way: the worker's own requests were ended, too.
        assert not behind.agent.services.connectivity._running
        assert trio.current_time() - begin < 10
        await behind.agent.settled()
    # At the headers the exchange is the response's, and no longer the request's to abort.
    assert behind.console == ["aborted"]


async def test_a_worker_whose_client_left_before_it_answered(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "import trio\n"
        "async def answer(event):\n"
        "    await trio.sleep(10)\n"
        "    print('answered')\n"
        "    return await fetch('/endless')\n"
        "def onfetch(event): event.respond_with(answer(event))\n"
    )
    behind.origin.add("/endless", b"x" * 1000, stall_after=500)
    async with behind.open() as client:
        with trio.move_on_after(1):
            await client.get("/")
        await trio.sleep(20)
        assert behind.console == ["answered"]
        assert not behind.agent.services.connectivity._running


async def test_codings_are_undone_once(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "def onfetch(event):\n"
        "    if 'worker' in event.request.url:\n"
        "        event.respond_with(fetch('/coded'))\n"
        "    elif 'claims' in event.request.url:\n"
        "        event.respond_with(Response('plain', headers={'Content-Encoding': 'gzip'}))\n"
    )
    behind.origin.add("/coded", b"a" * 1000, coding="gzip")
    async with behind.open() as client:
        for path in ("/coded", "/worker"):
            response = await client.get(path)
            assert response.content == b"a" * 1000
            assert "content-encoding" not in response.headers
            assert response.headers.get("content-length") is None
        assert (await client.get("/claims")).text == "plain"


async def test_statuses_without_a_body_and_head(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "def onfetch(event):\n"
        "    if 'none' in event.request.url:\n"
        "        event.respond_with(Response(None, status=204))\n"
        "    elif 'empty' in event.request.url:\n"
        "        event.respond_with(Response(None))\n"
        "    elif 'mine' in event.request.url:\n"
        "        event.respond_with(Response('text'))\n"
    )
    behind.origin.add("/file", b"0123456789")
    async with behind.open() as client:
        none = await client.get("/none")
        assert (none.status_code, none.headers.get("content-length")) == (204, None)
        assert (await client.get("/empty")).headers["content-length"] == "0"
        for path, length in (("/mine", "4"), ("/file", "10")):
            head = await client.head(path)
            assert (head.content, head.headers["content-length"]) == (b"", length)
        etag = (await client.get("/file")).headers["etag"]
        assert (await client.get("/file", headers={"If-None-Match": etag})).status_code == 304


async def test_redirects_are_the_clients(behind: Behind, autojump_clock: object) -> None:
    behind.worker("def onfetch(event): event.respond_with(fetch(event.request))\n")
    behind.origin.add("/old", redirect="http://localhost:8400/new?a#b")
    behind.origin.add("/away", redirect="http://elsewhere.test/")
    behind.origin.add("/new", b"new")
    async with behind.open() as client:
        old = await client.get("/old", headers=HTML)
        assert (old.status_code, old.headers["location"]) == (302, "/new?a#b")
        away = await client.get("/away", headers=HTML)
        assert away.headers["location"] == "http://elsewhere.test/"
        # A subresource's redirect is followed by the worker's fetch.
        assert (await client.get("/old")).text == "new"


async def test_what_is_refused(behind: Behind, autojump_clock: object) -> None:
    behind.worker("def onfetch(event): event.respond_with(Response('x'))\n")
    async with behind.open() as client:
        assert (await client.request("TRACE", "/")).status_code == 405
        assert (await client.get("/", headers={"Content-Length": "x"})).status_code == 400
        for path in ("/__swruntime__", "/__swruntime__/events"):
            reserved = await client.get(path)
            assert (reserved.status_code, "reserved" in reserved.text) == (404, True)
        assert (await client.get("/__swruntime__x")).text == "x"


async def test_two_clients_at_once(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "import trio\n"
        "async def answer(request):\n"
        "    await trio.sleep(10)\n"
        "    return Response(request.url)\n"
        "def onfetch(event): event.respond_with(answer(event.request))\n"
    )
    texts: list[str] = []
    async with behind.open() as client:
        begin = trio.current_time()

        async def get(path: str) -> None:
            texts.append((await client.get(path)).text)

        async with trio.open_nursery() as nursery:
            for path in ("/a", "/b"):
                nursery.start_soon(get, path)
        assert trio.current_time() - begin < 15
    assert sorted(texts) == ["http://localhost:8400/a", "http://localhost:8400/b"]


async def test_the_ids_of_clients(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "def onfetch(event):\n"
        "    event.respond_with(Response(event.client_id + '|' + event.resulting_client_id))\n"
    )
    async with behind.open() as client:
        before, page = (await client.get("/page", headers=HTML)).text.split("|")
        assert (before, bool(page)) == ("", True)
        from_page = await client.get("/a", headers={"Referer": "http://localhost:8400/page"})
        assert from_page.text == f"{page}|"
        assert (await client.get("/a")).text == "|"


async def test_a_new_worker_waits_for_the_pages_that_are_open(behind: Behind, autojump_clock: object) -> None:
    version = "def onfetch(event): event.respond_with(Response('{}'))\n"
    behind.worker(version.format("one"))
    async with behind.open() as client:
        assert (await client.get("/", headers=HTML)).text == "one"
        behind.worker(version.format("two"))
        # A navigation looks for the update, and the page that it opens keeps the update waiting.
        assert (await client.get("/", headers=HTML)).text == "one"
        await behind.agent.settled()
        assert behind.registration.waiting is not None
        await trio.sleep(20)
        assert (await client.get("/a", headers={"Referer": "http://localhost:8400/"})).text == "one"
        await trio.sleep(20)
        assert behind.registration.waiting is not None
        await trio.sleep(20)
        assert behind.registration.waiting is None
        assert (await client.get("/", headers=HTML)).text == "two"


async def test_a_websocket_is_refused(behind: Behind, autojump_clock: object) -> None:
    behind.worker("")
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        said.append(message["type"])

    async with behind.open():
        await Gateway(behind.agent)({"type": "websocket", "path": "/"}, receive, send)
    assert said == ["websocket.close"]


async def test_another_network_behind_it(behind: Behind, autojump_clock: object) -> None:
    from swruntime.network.asgi import AsgiNetwork

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    behind.worker("def onfetch(event): print(event.request.url)\n")
    async with behind.open():
        gateway = Gateway(behind.agent, upstream=AsgiNetwork(app))
        async with httpx.AsyncClient(
            transport=AsgiTransport(gateway), base_url="http://localhost:8400"
        ) as client:
            assert (await client.get("/x")).text == "/x"
    assert behind.asked == []


async def test_what_a_worker_raises_is_told_without_control_characters(
    behind: Behind, autojump_clock: object
) -> None:
    """Whoever reads the gateway's own answer may do so on a terminal."""
    behind.worker(
        "async def no():\n"
        "    raise ValueError('\\x1b]0;title\\x07\\r\\nforged \\u202e \\ud800')\n"
        "def onfetch(event): event.respond_with(no())\n"
    )
    async with behind.open() as client:
        response = await client.get("/a", headers=HTML)
    assert response.status_code == 502
    assert r"ValueError: \x1b]0;title\x07\r\nforged \u202e \ud800" in response.text
    assert response.text.count("\n") == 1


WHO_ANSWERS = {
    "worker.py": """
async def oninstall(event):
    await (await caches.open("v")).add_all(["/kept"])

def onfetch(event):
    if "/kept" in event.request.url:
        event.respond_with(caches.match(event.request, ignore_search=True))
    elif "/made" in event.request.url:
        event.respond_with(Response("made"))
    elif "/none" in event.request.url:
        event.respond_with(Response.error())
    elif "/fetched" in event.request.url:
        event.respond_with(fetch("/left"))
""",
    "sw.js": """
addEventListener("install", (event) => event.waitUntil(caches.open("v").then((cache) => cache.addAll(["/kept"]))));
addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.url.includes("/kept")) event.respondWith(caches.match(request, { ignoreSearch: true }));
    else if (request.url.includes("/made")) event.respondWith(new Response("made"));
    else if (request.url.includes("/none")) event.respondWith(Response.error());
    else if (request.url.includes("/fetched")) event.respondWith(fetch("/left"));
});
""",
}


@pytest.mark.parametrize("script", WHO_ANSWERS)
async def test_who_has_answered_is_told(behind: Behind, script: str) -> None:
    behind.worker(WHO_ANSWERS[script], script)
    behind.origin.add("/kept", b"kept")
    behind.origin.add("/left", b"left")
    told: list[Answered] = []
    async with behind.open(script=f"/{script}", on_answered=told.append) as client:
        for path in ("/kept?a=b", "/made", "/left", "/none", "/fetched", "/missing"):
            await client.get(path)
        await client.head("/kept", headers={"Host": "evil.test"})
    assert told == [
        Answered("GET", "/kept?a=b", 200, "cache"),
        Answered("GET", "/made", 200, "worker"),
        Answered("GET", "/left", 200, "network"),
        Answered("GET", "/none", 502, "server"),
        Answered("GET", "/fetched", 200, "fetch"),
        Answered("GET", "/missing", 404, "network"),
        Answered("HEAD", "/kept", 421, "server"),
    ]
