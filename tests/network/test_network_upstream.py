"""A server that answers for a site's origin: who is named to whom."""

from __future__ import annotations

import pytest

from swruntime.concepts.http import HeaderList
from swruntime.network.http import HttpxNetwork
from swruntime.network.upstream import UpstreamNetwork
from swruntime.ports.network import WireRequest
from swruntime.testing.origin import Origin

SITE, SERVER = "http://localhost:8400", "https://server.test:444"


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        (f"{SERVER}/new?a#b", f"{SITE}/new?a#b"),
        (SERVER, SITE),
        ("/new", "/new"),
        ("https://server.test:4444/", "https://server.test:4444/"),
        ("https://server.test/", "https://server.test/"),
        ("http://elsewhere.test/", "http://elsewhere.test/"),
    ],
)
async def test_each_side_sees_its_own_name(location: str, seen: str, autojump_clock: object) -> None:
    server = Origin(SERVER)
    server.add("/a?q", b"body", status=302, headers={"Location": location, "X-Own": SERVER})
    network = UpstreamNetwork(HttpxNetwork(server, outside=False), upstream=f"{SERVER}/", site=SITE)
    headers = HeaderList(
        (("Host", "localhost:8400"), ("Origin", SITE), ("Referer", f"{SITE}/page"), ("X-Own", SITE))
    )
    async with network.exchange(WireRequest("GET", f"{SITE}/a?q", headers)) as response:
        assert response.headers.get("Location") == seen
        assert response.headers.get("X-Own") == SERVER
    (asked,) = server.requests
    assert asked.url == f"{SERVER}/a?q"
    assert asked.headers["host"] == "server.test:444"
    assert (asked.headers["origin"], asked.headers["referer"]) == (SERVER, f"{SERVER}/page")
    assert asked.headers["x-own"] == SITE


async def test_what_names_neither_stays_as_it_is(autojump_clock: object) -> None:
    server = Origin(SERVER)
    network = UpstreamNetwork(HttpxNetwork(server, outside=False), upstream=SERVER, site=SITE)
    headers = HeaderList((("Origin", "http://localhost:84000"), ("Referer", "http://elsewhere.test/")))
    async with network.exchange(WireRequest("GET", f"{SITE}/", headers)) as response:
        assert response.status == 404
    (asked,) = server.requests
    assert (asked.headers["origin"], asked.headers["referer"]) == (
        "http://localhost:84000",
        "http://elsewhere.test/",
    )
