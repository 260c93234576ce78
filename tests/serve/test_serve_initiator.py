"""Whose a request is, on its way through a worker: what the worker sees, and what the origin is told and given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pytest

from swruntime.concepts.cookies import Cookie
from swruntime.network.asgi import AsgiTransport
from swruntime.serve import Gateway
from swruntime.serve.hosts import KnownHosts, checked_names

if TYPE_CHECKING:
    from tests.serve.conftest import Behind

HOME = "http://localhost:8400"
EVIL = "http://evil.test"

PYTHON = """
def onfetch(event):
    request = event.request
    print(request.mode, request.destination or "-", request.referrer or "-")
    how = request.url.partition("?")[2]
    if how == "hand-on":
        event.respond_with(fetch(request))
    elif how == "copy":
        event.respond_with(fetch(Request(Request(request.clone()))))
    elif how == "modify":
        event.respond_with(fetch(Request(request, redirect="manual")))
    elif how == "own":
        event.respond_with(fetch("/own"))
"""
JAVASCRIPT = """
addEventListener("fetch", (event) => {
    const { request } = event;
    console.log(request.mode, request.destination || "-", request.referrer || "-");
    const how = request.url.split("?")[1];
    if (how === "hand-on") event.respondWith(fetch(request));
    if (how === "copy") event.respondWith(fetch(new Request(new Request(request.clone()))));
    if (how === "modify") event.respondWith(fetch(new Request(request, { redirect: "manual" })));
    if (how === "own") event.respondWith(fetch("/own"));
});
"""
LANGUAGES = {"python": ("worker.py", PYTHON), "javascript": ("sw.js", JAVASCRIPT)}
KEPT = ("hand-on", "copy")
"""After which a request still is whose it was."""

NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
CROSS = {**NAVIGATE, "Sec-Fetch-Site": "cross-site", "Referer": f"{EVIL}/"}
FORM = {**CROSS, "Origin": EVIL, "Content-Type": "application/x-www-form-urlencoded"}

JAR = [
    Cookie("strict", "1", "localhost", same_site="strict"),
    Cookie("lax", "1", "localhost", same_site="lax"),
    Cookie("default", "1", "localhost"),
    Cookie("none", "1", "localhost", secure=True, same_site="none"),
    Cookie("file", "1", "localhost", same_site="none"),
]
ALL = ["default", "file", "lax", "none", "strict"]


def told(behind: Behind) -> dict[str, str | None]:
    """What the origin was told last, of whose the request is."""
    headers = behind.origin.requests[-1].headers
    return {
        name: headers.get(name)
        for name in ("origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
    }


def cookies(behind: Behind) -> list[str]:
    sent = behind.origin.requests[-1].headers.get("cookie")
    return sorted(pair.partition("=")[0] for pair in sent.split("; ")) if sent else []


def written(behind: Behind, language: str) -> str:
    """The path of the worker."""
    name, script = LANGUAGES[language]
    behind.worker(script, name)
    for path in ("/a", "/own"):
        behind.origin.add(path, b"answer")
    return f"/{name}"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_navigation_of_another_site(behind: Behind, language: str, autojump_clock: object) -> None:
    async with behind.open(script=written(behind, language)) as client:
        behind.agent.services.fetcher.cookies.bring(JAR)
        for how in KEPT:
            await client.get(f"/a?{how}", headers=CROSS)
            assert told(behind) == {
                "origin": None,
                "referer": f"{EVIL}/",
                "sec-fetch-site": "cross-site",
                "sec-fetch-mode": "navigate",
                "sec-fetch-dest": "empty",
            }
            assert cookies(behind) == ["default", "file", "lax", "none"]
            await client.post(f"/a?{how}", headers=FORM, content=b"a=b")
            assert told(behind) == {
                "origin": EVIL,
                "referer": f"{EVIL}/",
                "sec-fetch-site": "cross-site",
                "sec-fetch-mode": "navigate",
                "sec-fetch-dest": "empty",
            }
            assert cookies(behind) == ["none"]
            assert behind.origin.requests[-1].body == b"a=b"
        # A request that the worker makes of it is the worker's.
        await client.post("/a?modify", headers=FORM, content=b"a=b")
        assert told(behind) == {
            "origin": HOME,
            "referer": f"{HOME}{client_path(language)}",
            "sec-fetch-site": "same-origin",
            "sec-fetch-mode": "same-origin",
            "sec-fetch-dest": "empty",
        }
        assert cookies(behind) == ALL
        await client.post("/a?own", headers=FORM, content=b"a=b")
        assert (told(behind)["sec-fetch-site"], cookies(behind)) == ("same-origin", ALL)
        # What no worker answers goes as it came.
        await client.post("/a?nothing", headers=FORM, content=b"a=b")
        assert told(behind) == {
            "origin": EVIL,
            "referer": f"{EVIL}/",
            "sec-fetch-site": "cross-site",
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
        }
        assert cookies(behind) == []
    assert set(behind.console) == {f"navigate document {EVIL}/"}


def client_path(language: str) -> str:
    return f"/{LANGUAGES[language][0]}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("headers", "origin", "site", "sent"),
    [
        # Without Sec-Fetch-*: an older browser, or an origin that is not potentially trustworthy.
        ({"Origin": EVIL}, EVIL, "cross-site", ["none"]),
        ({"Origin": "null"}, "null", "cross-site", ["none"]),
        ({"Referer": f"{EVIL}/page"}, EVIL, "cross-site", ["none"]),
        ({"Origin": "chrome-extension://x"}, "chrome-extension://x", "cross-site", ["none"]),
        ({"Origin": "http://localhost:3000"}, "http://localhost:3000", "same-site", ALL),
        ({"Origin": HOME}, HOME, "same-origin", ALL),
        ({}, "null", "none", ALL),
        # With it.
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, "null", "same-origin", ALL),
        ({"Sec-Fetch-Site": "same-site", "Origin": "null"}, "null", "same-site", ALL),
        ({"Sec-Fetch-Site": "same-origin", "Origin": EVIL}, EVIL, "cross-site", ["none"]),
        ({"Sec-Fetch-Site": "cross-site"}, "null", "cross-site", ["none"]),
    ],
)
async def test_whose_form_it_is(
    behind: Behind,
    language: str,
    headers: dict[str, str],
    origin: str,
    site: str,
    sent: list[str],
    autojump_clock: object,
) -> None:
    async with behind.open(script=written(behind, language)) as client:
        behind.agent.services.fetcher.cookies.bring(JAR)
        await client.post("/a?hand-on", headers={"Accept": "text/html", **headers}, content=b"a=b")
        assert (told(behind)["origin"], told(behind)["sec-fetch-site"]) == (origin, site)
        assert cookies(behind) == sent
        # Who does not say that it is for a window gets no cookie for one.
        await client.get("/a?hand-on", headers={"Accept": "text/html", **headers})
        assert cookies(behind) == sent


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Origin": EVIL},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "object",
            "Origin": EVIL,
        },
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Referer": f"{EVIL}/page"},
        {"Referer": f"{EVIL}/page", "Accept": "image/png"},
        {"Origin": "http://localhost.evil.test:8400"},
        {"Referer": f"{HOME}@evil.test/"},
    ],
)
async def test_what_no_worker_of_ours_is_asked(
    behind: Behind, headers: dict[str, str], autojump_clock: object
) -> None:
    async with behind.open(script=written(behind, "python")) as client:
        behind.agent.services.fetcher.cookies.bring(JAR)
        for method in ("GET", "POST", "PUT"):
            await client.request(method, "/a?hand-on", headers={**headers, "Cookie": "brought=1"})
            # As it came: nothing is said for it, nothing is added.
            sent = behind.origin.requests[-1].headers
            names = [name for name in sent if name in ("origin", "referer") or name.startswith("sec-")]
            assert {name: sent[name] for name in names} == {
                name.lower(): value for name, value in headers.items() if name != "Accept"
            }
            assert cookies(behind) == ["brought"]
    assert behind.console == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_cookies_that_were_brought(behind: Behind, language: str, autojump_clock: object) -> None:
    async with behind.open(script=written(behind, language)) as client:
        behind.agent.services.fetcher.cookies.bring(JAR)
        brought = {"Cookie": "lax=theirs; session=x"}
        for how in (*KEPT, "modify"):
            await client.get(f"/a?{how}", headers=brought)
            sent = behind.origin.requests[-1].headers["cookie"]
            assert sent.startswith("lax=theirs; session=x; ")
            assert cookies(behind) == ["default", "file", "lax", "none", "session", "strict"]
        for how in KEPT:
            await client.post(f"/a?{how}", headers={**FORM, **brought}, content=b"a=b")
            assert behind.origin.requests[-1].headers["cookie"] == "lax=theirs; session=x; none=1"
        # They are for what they came with.
        await client.get("/a?own", headers=brought)
        assert cookies(behind) == ALL
        await client.get("/a?nothing", headers=brought)
        assert behind.origin.requests[-1].headers["cookie"] == "lax=theirs; session=x"


async def test_what_was_brought_is_not_sent_elsewhere_nor_kept(
    behind: Behind, autojump_clock: object
) -> None:
    elsewhere = behind.internet.origin_at("http://elsewhere.test")
    elsewhere.add("/b", b"there", cors="*")
    behind.origin.add("/away", b"", status=302, headers={"Location": "http://elsewhere.test/b"})
    behind.origin.add("/home", b"", status=302, headers={"Location": "/a"})
    behind.origin.add("/a", b"answer")
    behind.worker(
        "def onfetch(event): event.respond_with(answer(event.request))\n"
        "async def answer(request):\n"
        "    cache = await caches.open('v')\n"
        "    if request.method == 'GET':\n"
        "        await cache.put(request, Response('kept'))\n"
        "        (key,) = await cache.keys(request)\n"
        "        await fetch(key)\n"
        "    return await fetch(request, credentials='omit' if 'omit' in request.url else None)\n"
    )
    async with behind.open() as client:
        brought = {"Cookie": "session=x"}
        await client.get("/a", headers=brought)
        kept, handed_on = behind.origin.requests
        assert (kept.headers.get("cookie"), handed_on.headers.get("cookie")) == (None, "session=x")
        await client.post("/home", headers=brought)
        assert behind.origin.requests[-1].headers.get("cookie") == "session=x"
        await client.post("/away", headers=brought)
        assert elsewhere.requests[-1].headers.get("cookie") is None
        await client.get("/a?omit", headers=brought)
        assert behind.origin.requests[-1].headers.get("cookie") is None


async def test_a_navigation_preload_is_whose_navigation_it_is(behind: Behind, autojump_clock: object) -> None:
    behind.worker(
        "async def onactivate(event): await registration.navigation_preload.enable()\n"
        "def onfetch(event): event.respond_with(event.preload_response)\n"
    )
    behind.origin.add("/a", b"answer")
    async with behind.open() as client:
        behind.agent.services.fetcher.cookies.bring(JAR)
        await client.get("/a", headers={**CROSS, "Cookie": "brought=1"})
    assert told(behind)["sec-fetch-site"] == "cross-site"
    assert cookies(behind) == ["brought", "default", "file", "lax", "none"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_no_browser_says_whose_a_request_is(
    behind: Behind, language: str, autojump_clock: object
) -> None:
    """To a name that is not potentially trustworthy: a page of another site can leave Referer out."""
    async with behind.open(script=written(behind, language)):
        behind.agent.services.fetcher.cookies.bring(JAR)
        hosts = KnownHosts(HOME, allowed=checked_names(["name.test"]))
        transport = AsgiTransport(Gateway(behind.agent, hosts=hosts))
        async with httpx.AsyncClient(transport=transport, base_url="http://name.test:8400") as client:
            for accept in ("image/png", "text/html"):
                for how in KEPT:
                    response = await client.get(
                        f"/a?{how}", headers={"Accept": accept, "Cookie": "brought=1"}
                    )
                    assert response.text == "answer"
                    assert cookies(behind) == ["brought", "none"]
            # A page's own request says so, as its Referer does.
            await client.get("/a?hand-on", headers={"Referer": "http://name.test:8400/"})
            assert cookies(behind) == ALL


@attrs.frozen
class Set:
    """A response that sets a cookie, to a request with these headers; whether the jar takes it."""

    how: str
    headers: dict[str, str]
    attributes: str
    taken: bool


@pytest.mark.parametrize(
    "case",
    [
        Set("hand-on", CROSS, "; SameSite=Lax", True),
        Set("hand-on", {**CROSS, "Sec-Fetch-Dest": ""}, "; SameSite=Lax", False),
        Set("hand-on", {**CROSS, "Sec-Fetch-Dest": ""}, "; SameSite=None; Secure", True),
        Set("hand-on", NAVIGATE, "; SameSite=Strict", True),
        Set("nothing", NAVIGATE, "", False),
        Set("hand-on", {"Origin": EVIL}, "", False),
    ],
)
async def test_what_the_jar_takes(behind: Behind, case: Set, autojump_clock: object) -> None:
    behind.worker(PYTHON)
    behind.origin.add("/a", b"answer", headers={"Set-Cookie": f"new=1{case.attributes}"})
    async with behind.open() as client:
        response = await client.get(f"/a?{case.how}", headers=case.headers)
        jar: Any = behind.agent.services.fetcher.cookies
        assert [cookie.name for cookie in jar.all()] == ["new"] * case.taken
        # A worker's response sets none; one that no worker has seen does, for whoever asked.
        assert ("set-cookie" in response.headers) is (not behind.console or case.how == "nothing")


@pytest.mark.parametrize("headers", [{"Origin": "evil"}, {"Origin": f"{EVIL}/x"}, {"Referer": "nowhere"}])
async def test_what_makes_no_sense(behind: Behind, headers: dict[str, str], autojump_clock: object) -> None:
    async with behind.open(script=written(behind, "python")) as client:
        assert (await client.get("/a", headers=headers)).status_code == 400
    assert behind.asked == behind.console == []
