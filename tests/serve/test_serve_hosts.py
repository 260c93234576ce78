"""Which hosts a gateway answers for, and which targets: in process, and the parsers by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio
from hypothesis import example, given, strategies as st

from swruntime.algorithms import urls
from swruntime.errors import UsageError
from swruntime.network.asgi import AsgiTransport
from swruntime.serve import Gateway
from swruntime.serve.hosts import Authority, KnownHosts, checked_names
from swruntime.serve.target import url_of

if TYPE_CHECKING:
    from tests.serve.conftest import Behind

HOME = "http://localhost:8400"
HTML = {"Accept": "text/html,*/*"}
OWN = "def onfetch(event):\n    print(event.request.url)\n    event.respond_with(Response('own'))\n"

KNOWN = ["localhost:8400", "LOCALHOST:8400", "localhost.:8400", "localhost", "127.0.0.1:8400", "127.0.0.1"]
KNOWN += ["[::1]:8400", "[0:0:0:0:0:0:0:1]:8400", "[::1]", "[0000::1]:8400"]

FOREIGN = [
    "evil.test:8400",
    "evil.test",
    "evil.test.:8400",
    "localhost:8401",
    "localhost:80",
    "127.0.0.1:1",
    "[::1]:1",
]
FOREIGN += [
    "localhost.evil.test:8400",
    "evil-localhost:8400",
    "a.localhost:8400",
    "127.0.0.2:8400",
    "0.0.0.0:8400",
]
FOREIGN += [
    "[::]:8400",
    "[::ffff:127.0.0.1]:8400",
    "127.0.0.1.nip.io:8400",
    "192.168.0.1:8400",
    "xn--lcalhost-54a:8400",
]

WRONG = [
    "",
    " ",
    "localhost:8400/",
    "user@localhost:8400",
    "localhost:8400@evil.test",
    "localhost:",
    "localhost:x",
]
WRONG += [
    "localhost:0",
    "localhost:65536",
    "localhost:8400, evil.test",
    "http://localhost:8400",
    "::1",
    "[::1",
    "[::1]x",
]
WRONG += [
    "[fe80::1%25lo]:8400",
    "loc%61lhost:8400",
    "localhost\\:8400",
    "local host",
    "localhost:8400#",
    "[evil.test]:8400",
]


async def asked(
    behind: Behind, gateway: Gateway, raw: list[tuple[bytes, bytes]], **changes: Any
) -> tuple[int, str]:
    """What an ASGI scope is answered with."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "http_version": "1.1",
        "path": "/a",
        "raw_path": b"/a",
        "query_string": b"",
        "headers": raw,
        **changes,
    }
    said: list[Any] = []
    sent = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if not sent:
            await trio.sleep_forever()
        return sent.pop()

    async def send(message: Any) -> None:
        said.append(message)

    await gateway(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in said[1:])
    return said[0]["status"], body.decode()


@pytest.mark.parametrize("own", [True, False])
async def test_hosts(behind: Behind, own: bool, autojump_clock: object) -> None:
    behind.worker(OWN if own else "")
    behind.origin.add("/a", b"origin")
    async with behind.open():
        gateway = Gateway(behind.agent)
        for host in KNOWN:
            answer = await asked(behind, gateway, [(b"host", host.encode())])
            assert answer == (200, "own" if own else "origin"), host
        reached = len(behind.asked), len(behind.console)
        for host in FOREIGN:
            status, text = await asked(behind, gateway, [(b"host", host.encode())])
            assert (status, "--allowed-host" in text, repr(host) in text) == (421, True, True), host
        for host in WRONG:
            assert (await asked(behind, gateway, [(b"host", host.encode())]))[0] == 400, host
        assert (await asked(behind, gateway, [], http_version="1.0"))[0] == 421
        two = [(b"host", b"localhost:8400"), (b"host", b"localhost:8400")]
        assert (await asked(behind, gateway, two))[0] == 400
        # Neither the worker nor the origin has seen any of these.
        assert (len(behind.asked), len(behind.console)) == reached


async def test_host_counts_before_what_connection_names(behind: Behind, autojump_clock: object) -> None:
    behind.worker(OWN)
    async with behind.open():
        raw = [(b"host", b"evil.test"), (b"connection", b"host")]
        assert (await asked(behind, Gateway(behind.agent), raw))[0] == 421


@pytest.mark.parametrize(
    ("name", "host", "status"),
    [
        ("name.test", "name.test:8400", 200),
        ("name.test", "name.test", 200),
        ("name.test", "NAME.test.:443", 200),
        ("name.test", "other.name.test", 421),
        ("NAME.test", "name.test", 200),
        ("name.test:443", "name.test:443", 200),
        ("name.test:443", "name.test:8400", 421),
        ("münchen.test", "xn--mnchen-3ya.test", 200),
        ("[::1]:9000", "[::1]:9000", 200),
        ("192.168.0.7", "192.168.0.7:8400", 200),
    ],
)
async def test_names_that_are_allowed(
    behind: Behind, name: str, host: str, status: int, autojump_clock: object
) -> None:
    behind.worker(OWN)
    async with behind.open():
        hosts = KnownHosts(HOME, allowed=checked_names([name]))
        gateway = Gateway(behind.agent, hosts=hosts)
        assert (await asked(behind, gateway, [(b"host", host.encode())]))[0] == status
        # A navigation stays where it is.
        navigation = [(b"host", host.encode()), (b"accept", b"text/html")]
        assert (await asked(behind, gateway, navigation))[0] == status


@pytest.mark.parametrize(
    "name", ["", "*", "*.test", "http://name.test", "name.test/", "a b", "name:port", "user@name", "[x]"]
)
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError, match=r"^--allowed-host is .*; expected HOST or HOST:PORT"):
        checked_names([name])


async def test_a_navigation_to_another_loopback_name_is_sent_home(
    behind: Behind, autojump_clock: object
) -> None:
    behind.worker(OWN)
    async with behind.open() as client:
        for method in ("GET", "POST"):
            for host in ("127.0.0.1:8400", "[::1]:8400"):
                response = await client.request(method, "/a//b?c=%20d", headers={**HTML, "Host": host})
                assert response.status_code == 307
                assert response.headers["location"] == "http://localhost:8400/a//b?c=%20d"
        away = {"Host": "127.0.0.1:8400", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        response = await client.get(f"{HOME}//evil.test/", headers=away)
        assert response.headers["location"] == "http://localhost:8400//evil.test/"
        # What is not a navigation is answered; so is one to the name that is served.
        assert (await client.get("/a", headers={"Host": "127.0.0.1:8400"})).text == "own"
        assert (await client.get("/a", headers=HTML)).text == "own"
    assert len(behind.console) == 2


async def test_a_site_that_runs_elsewhere(behind: Behind, autojump_clock: object) -> None:
    """Its host is known, and a navigation stays at the server, whatever the site's origin is."""
    behind.worker(OWN)
    async with behind.open():
        gateway = Gateway(behind.agent, hosts=KnownHosts("http://localhost:9000", origin=HOME))
        for host, status in (
            ("localhost:9000", 200),
            ("localhost:8400", 200),
            ("127.0.0.1:9000", 307),
            ("127.0.0.1:8400", 421),
        ):
            raw = [(b"host", host.encode()), (b"accept", b"text/html")]
            assert (await asked(behind, gateway, raw))[0] == status, host


TARGETS = [
    "foo:@127.0.0.1:1/x",
    "@127.0.0.1:1/x",
    "*",
    "localhost:8400",
    "evil.test:80",
    "data:,x",
    "javascript:x",
    "",
]
TARGETS += [
    "http://evil.test/x",
    "http://localhost:8400@evil.test/x",
    "http://u:p@localhost:8400/x",
    "http:///x",
]
TARGETS += [
    "https://localhost:8400/x",
    "http://localhost:8401/x",
    "http://127.0.0.1:8400/x",
    "http:/x",
    "http:x",
]
TARGETS += [
    "\\\\evil.test\\x",
    "/\\evil.test/x",
    "/a\\b",
    "/a#b",
    "#b",
    ".evil.test/x",
    ":80/x",
    "x/../y",
    "ftp://localhost:8400/x",
]


@pytest.mark.parametrize("own", [True, False])
async def test_targets_that_are_not_of_this_origin(behind: Behind, own: bool, autojump_clock: object) -> None:
    behind.worker(OWN if own else "")
    async with behind.open():
        gateway = Gateway(behind.agent)
        for target in TARGETS:
            raw = [(b"host", b"localhost:8400")]
            for version, scheme in (("1.1", "http"), ("2", "https")):
                how = {"http_version": version, "scheme": scheme}
                if (scheme, target) == ("https", "https://localhost:8400/x"):
                    continue  # there it is of this origin
                status, _ = await asked(behind, gateway, raw, path=target, raw_path=target.encode(), **how)
                assert status == 400, (target, version)
        for query in (b"a#b", b"a b", b"\xff"):
            raw = [(b"host", b"localhost:8400")]
            assert (await asked(behind, gateway, raw, query_string=query))[0] == 400
    assert behind.asked == []
    assert behind.console == []


async def test_targets_that_are(behind: Behind, autojump_clock: object) -> None:
    behind.worker(OWN)
    targets = {
        "/": "/",
        "/a/../b": "/b",
        "//evil.test/x": "//evil.test/x",
        "/@evil.test/x": "/@evil.test/x",
        "/http://evil.test/": "/http://evil.test/",
        "http://localhost:8400/x": "/x",
        "HTTP://LOCALHOST:8400/x": "/x",
        "http://localhost.:8400/x": "/x",
        "http://localhost:8400": "/",
    }
    async with behind.open():
        gateway = Gateway(behind.agent)
        for target in targets:
            raw = [(b"host", b"localhost:8400")]
            assert (await asked(behind, gateway, raw, path=target, raw_path=target.encode()))[0] == 200
        assert behind.console == [HOME + path for path in targets.values()]
        # A server that does not hand on what it was asked.
        assert (await asked(behind, gateway, raw, path="/a b", raw_path=None, query_string=b"?\\"))[0] == 200
        assert behind.console[-1] == f"{HOME}/a%20b??\\"


@pytest.mark.parametrize(
    ("version", "scheme", "status"),
    [
        ("1.0", "http", 200),
        ("1.2", "http", 200),
        ("2", "https", 200),
        ("2", "http", 505),
        ("2.0", "http", 505),
    ],
)
async def test_versions_of_http(
    behind: Behind, version: str, scheme: str, status: int, autojump_clock: object
) -> None:
    behind.worker(OWN)
    async with behind.open():
        raw = [(b"host", b"localhost:8400")]
        answer = await asked(behind, Gateway(behind.agent), raw, http_version=version, scheme=scheme)
        assert answer[0] == status


async def test_a_redirect_to_a_path_that_looks_like_a_host(behind: Behind, autojump_clock: object) -> None:
    behind.worker("")
    behind.origin.add("/go", b"", status=302, headers={"Location": f"{HOME}//evil.test/x"})
    async with behind.open() as client:
        response = await client.get("/go")
    assert response.headers["location"] == "/.//evil.test/x"
    assert urls.resolve("/.//evil.test/x", f"{HOME}/go") == f"{HOME}//evil.test/x"


async def test_the_reserved_paths_are_read_by_nobody_else(behind: Behind, autojump_clock: object) -> None:
    behind.worker(OWN)
    async with behind.open() as client:
        for method in ("GET", "OPTIONS"):
            headers = {"Origin": "http://evil.test", "Access-Control-Request-Method": "PUT"}
            response = await client.request(method, "/__swruntime__/api/state", headers=headers)
            assert response.status_code == 404
            assert not [name for name in response.headers if name.startswith("access-control")]
    assert behind.console == []


async def test_websockets(behind: Behind, autojump_clock: object) -> None:
    behind.worker(OWN)
    async with behind.open():
        gateway = Gateway(behind.agent)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        for headers, status in (
            ([(b"host", b"evil.test:8400")], 421),
            ([], 421),
            ([(b"host", b"localhost:8400"), (b"origin", b"http://evil.test")], 403),
            ([(b"host", b"localhost:8400"), (b"origin", HOME.encode())], 403),
        ):
            said: list[Any] = []

            async def send(message: Any, said: list[Any] = said) -> None:
                said.append(message)

            extensions: dict[str, Any] = {"websocket.http.response": {}}
            scope = {"type": "websocket", "path": "/", "headers": headers, "extensions": extensions}
            await gateway(scope, receive, send)
            assert said[0]["status"] == status
            assert said[1]["body"]
    assert behind.console == []


async def test_what_a_client_calls_the_server_is_the_agents_origin_for_the_worker(
    behind: Behind, autojump_clock: object
) -> None:
    behind.worker(
        "def onfetch(event):\n"
        "    request = event.request\n"
        "    print(request.referrer)\n"
        "    event.respond_with(fetch(request))\n"
    )
    behind.origin.add("/a", b"x")
    async with behind.open():
        hosts = KnownHosts(HOME, allowed=checked_names(["name.test"]))
        transport = AsgiTransport(Gateway(behind.agent, hosts=hosts))
        async with httpx.AsyncClient(transport=transport, base_url="http://name.test:8400") as client:
            own = {"Origin": "http://name.test:8400", "Referer": "http://name.test:8400/page"}
            await client.post("/a", headers=own)
            # Behind a proxy that speaks TLS: a browser says that the two are one.
            secure = {"Host": "name.test", "Origin": "https://name.test", "Sec-Fetch-Site": "same-origin"}
            await client.post("/a", headers={**secure, "Referer": "https://name.test/page"})
            # Nobody says so: the other origin is another one.
            del secure["Sec-Fetch-Site"]
            await client.post("/a", headers={**secure, "Referer": "https://name.test/page"})
    assert behind.console == [f"{HOME}/page", f"{HOME}/page"]
    origins = [request.headers.get("origin") for request in behind.origin.requests]
    assert origins == [HOME, HOME, "https://name.test"]


TEXT = st.text(st.sampled_from(list("aA0.:[]/@\\?#%*-lochstevil1278 \t\n\x00é")), max_size=30) | st.text()


@given(text=TEXT)
@example(text="localhost:8400@evil.test")
@example(text="localhost\t:8400")
def test_any_host_is_one_or_none(text: str) -> None:
    found = Authority.parse(text)
    if found is not None:
        parsed = urls.parse(f"http://{text}/")
        assert parsed.hostname.removesuffix(".") == found.host or parsed.hostname == found.host
        assert (parsed.username, parsed.password, parsed.pathname, parsed.search, parsed.hash) == (
            "",
            "",
            "/",
            "",
            "",
        )
        if KnownHosts(HOME).kind(found) is not None:
            assert parsed.hostname.removesuffix(".") in ("localhost", "127.0.0.1", "[::1]")
            assert parsed.port in ("", "8400")


@given(target=TEXT, query=TEXT, origin=st.sampled_from([HOME, "http://localhost", "https://app.test"]))
@example(target="@evil.test", query="", origin="http://localhost")
@example(target=":80@evil.test/", query="", origin="http://localhost")
def test_no_target_leaves_the_origin(target: str, query: str, origin: str) -> None:
    scope = {
        "raw_path": target.encode("latin-1", "replace"),
        "query_string": query.encode("latin-1", "replace"),
        "scheme": "http",
    }
    try:
        url = urls.parse(url_of(scope, Authority("localhost", 8400), origin))
    except ValueError:
        return
    assert (url.origin, url.username, url.password, url.hash) == (origin, "", "", "")
    assert url.pathname.startswith("/")
