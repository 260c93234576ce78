"""Cookies, end to end: which response sets them, and which request has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swruntime.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from swruntime.testing.origin import Origin
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"
OTHER = "https://files.example"
SET = {"Set-Cookie": "a=1; SameSite=None; Secure"}
ALLOWED = {"Access-Control-Allow-Credentials": "true"}
FILE = "# Netscape HTTP Cookie File\nfiles.example\tFALSE\t/\tTRUE\t0\tlogin\tme\nlocalhost\tFALSE\t/\tFALSE\t0\tlogin\tme\n"


def other(lab: Lab) -> Origin:
    return lab.internet.origin_at(OTHER)


def sent(origin: Origin, path: str) -> list[str | None]:
    """The Cookie of each request for `path`, preflights left out."""
    return [r.headers.get("cookie") for r in origin.requests if r.path == path and r.method != "OPTIONS"]


@pytest.mark.parametrize(
    ("setting", "asking", "expected"),
    [("same-origin", "same-origin", "a=1"), ("include", "include", "a=1"), ("omit", "include", None), ("include", "omit", None)],
)  # fmt: skip
async def test_at_home(
    lab: Lab, autojump_clock: object, setting: str, asking: str, expected: str | None
) -> None:
    lab.origin.add("/login", b"", headers=SET)
    lab.origin.add("/a", b"")
    async with lab.open():
        response = await lab.window.fetch("/login", credentials=setting)
        assert response.headers.get("Set-Cookie") is None
        assert "set-cookie" not in dict(response.headers)
        await lab.window.fetch("/a", credentials=asking)
    assert sent(lab.origin, "/a") == [expected]


@pytest.mark.parametrize(
    ("credentials", "cookie"), [("omit", None), ("same-origin", None), ("include", "a=1")]
)
async def test_elsewhere(lab: Lab, autojump_clock: object, credentials: str, cookie: str | None) -> None:
    other(lab).add("/login", b"", headers={**SET, **ALLOWED}, cors=HOME)
    other(lab).add("/a", b"", headers=ALLOWED, cors=HOME)
    async with lab.open():
        await lab.window.fetch(f"{OTHER}/login", credentials="include")
        response = await lab.window.fetch(f"{OTHER}/a", credentials=credentials)
        assert response.headers.get("Set-Cookie") is None
    assert sent(other(lab), "/a") == [cookie]


@pytest.mark.parametrize(
    ("cors", "headers", "why"),
    [
        ("*", ALLOWED, "Access-Control-Allow-Origin is '*'"),
        (HOME, {}, "Access-Control-Allow-Credentials is missing"),
        (HOME, {"Access-Control-Allow-Credentials": "yes"}, "Access-Control-Allow-Credentials is 'yes'"),
    ],
)
async def test_cors_with_credentials(
    lab: Lab, autojump_clock: object, cors: str, headers: dict[str, str], why: str
) -> None:
    other(lab).add("/a", b"x", cors=cors, headers=headers)
    async with lab.open() as agent:
        await lab.manager.fetch("f", [lab.request(f"{OTHER}/a", credentials="include")])
        await agent.settled()
    settled = lab.one("record.settle", result="fetch-error", cause="cors")
    assert why in settled["message"]


async def test_what_a_refused_response_sets_is_set(lab: Lab, autojump_clock: object) -> None:
    """As Fetch has it: cookies are taken on the network, before anybody looks at CORS."""
    other(lab).add("/login", b"", headers=SET)
    other(lab).add("/a", b"", headers=ALLOWED, cors=HOME)
    async with lab.open():
        with pytest.raises(TypeError, match="cors"):
            await lab.window.fetch(f"{OTHER}/login", credentials="include")
        await lab.window.fetch(f"{OTHER}/a", credentials="include")
    assert sent(other(lab), "/a") == ["a=1"]


async def test_a_preflight_has_none(lab: Lab, autojump_clock: object) -> None:
    allowed = {**ALLOWED, "Access-Control-Allow-Headers": "x-mine"}
    other(lab).add("/a", b"", headers={**SET, **allowed}, cors=HOME)
    async with lab.open():
        for _ in range(2):
            await lab.window.fetch(f"{OTHER}/a", credentials="include", headers={"X-Mine": "1"})
    cookies = [(r.method, r.headers.get("cookie")) for r in other(lab).requests]
    assert cookies == [("OPTIONS", None), ("GET", None), ("OPTIONS", None), ("GET", "a=1")]


@pytest.mark.parametrize("attributes", ["", "; SameSite=Lax", "; SameSite=Strict"])
async def test_same_site_cookies_stay_at_home(lab: Lab, autojump_clock: object, attributes: str) -> None:
    """The user visits the other site; a page of ours asks it for something."""
    other(lab).add("/", b"", headers={"Set-Cookie": f"a=1{attributes}"})
    other(lab).add("/a", b"", headers=ALLOWED, cors=HOME)
    async with lab.open() as agent:
        visitor = await agent.open_window(f"{OTHER}/")
        await visitor.fetch("/a")
        await lab.window.fetch(f"{OTHER}/a", credentials="include")
    assert sent(other(lab), "/a") == ["a=1", None]


async def test_redirects_set_and_send_them(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/login", redirect="/a", headers={"Set-Cookie": "a=1"})
    lab.origin.add("/a", b"")
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/login")
        await agent.settled()
    assert (sent(lab.origin, "/login"), sent(lab.origin, "/a")) == ([None], ["a=1"])


async def test_a_background_fetch_takes_and_sends_them_also_when_it_resumes(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/a", b"x" * 1000, drop_after=500, headers={"Set-Cookie": "a=1"})
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        (record,) = await fetch.match_all()
        await agent.settled()
        assert (await record.response_ready).headers.get("set-cookie") is None
    assert sent(lab.origin, "/a") == [None, "a=1"]


async def test_they_expire(lab: Lab, autojump_clock: object) -> None:
    import trio

    lab.origin.add("/login", b"", headers={"Set-Cookie": "a=1; Max-Age=3600"})
    lab.origin.add("/a", b"")
    async with lab.open():
        await lab.window.fetch("/login")
        for _ in range(2):
            await lab.window.fetch("/a")
            await trio.sleep(3600)
    assert sent(lab.origin, "/a") == ["a=1", None]


async def test_the_profile_keeps_them(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/login", b"", headers={"Set-Cookie": "a=1"})
    lab.origin.add("/logout", b"", headers={"Set-Cookie": "a=; Max-Age=0"})
    lab.origin.add("/a", b"")
    for path in ("/login", "/a", "/logout", "/a"):
        async with lab.open(profile=lab.profile):
            await lab.window.fetch(path)
    assert sent(lab.origin, "/a") == ["a=1", None]


async def test_without_a_profile_they_are_forgotten(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"", headers={"Set-Cookie": "a=1"})
    for _ in range(2):
        async with lab.open():
            await lab.window.fetch("/a")
    assert sent(lab.origin, "/a") == [None, None]


async def test_a_flood_of_them_keeps_the_youngest(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", lambda request: {"headers": {"Set-Cookie": f"c{request.headers['x-n']}=1"}})
    lab.origin.add("/b", b"")
    async with lab.open():
        for n in range(190):
            await lab.window.fetch("/a", headers={"X-N": str(n)})
        await lab.window.fetch("/b")
    (header,) = sent(lab.origin, "/b")
    assert header is not None
    assert header.split("; ") == [f"c{n}=1" for n in range(10, 190)]


async def test_a_jar_is_brought_and_never_written(lab: Lab, autojump_clock: object, tmp_path: Path) -> None:
    jar = tmp_path / "cookies.txt"
    jar.write_text(FILE)
    other(lab).add(
        "/a", b"x", headers={**ALLOWED, "Set-Cookie": "login=you; SameSite=None; Secure"}, cors=HOME
    )
    async with lab.open(cookie_jar=jar, profile=lab.profile) as agent:
        for id in ("one", "two"):
            await lab.manager.fetch(id, [lab.request(f"{OTHER}/a", credentials="include")])
            await agent.settled()
    assert sent(other(lab), "/a") == ["login=me", "login=you"]
    assert jar.read_text() == FILE
    # What a later process finds is the profile's; it need not be brought again.
    async with lab.open(profile=lab.profile):
        await lab.window.fetch(f"{OTHER}/a", credentials="include")
    assert sent(other(lab), "/a")[-1] == "login=you"
    assert {request.headers.get("cookie") for request in lab.origin.requests} == {"login=me"}


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), ("x\ty\n", "line 1: 2 fields")])
async def test_a_jar_that_is_none(lab: Lab, tmp_path: Path, content: str | None, why: str) -> None:
    jar = tmp_path / "cookies.txt"
    if content is not None:
        jar.write_text(content)
    with pytest.raises(UsageError, match=why):
        async with lab.open(cookie_jar=jar, profile=lab.profile, ready=False):
            raise AssertionError
    assert not lab.profile.exists()


async def test_a_script_cannot_set_the_header(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"")
    async with lab.open():
        await lab.window.fetch("/a", headers={"Cookie": "a=1"})
    assert sent(lab.origin, "/a") == [None]


async def test_scripts_have_no_other_way_to_them(lab: Lab, autojump_clock: object) -> None:
    async with lab.open():
        for name in ("document", "cookie_store"):
            with pytest.raises(AttributeError, match=f"{name} is not implemented in this version"):
                getattr(lab.window, name)
