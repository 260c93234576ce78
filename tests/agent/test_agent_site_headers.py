"""What SITE's `_headers` says of its scripts and pages."""

from __future__ import annotations

import pytest

import swruntime
from swruntime import SecurityError, SiteError
from tests.agent.conftest import HOME, Lab

ALLOWED = "/deep/worker.py\n  Service-Worker-Allowed: /\n"


def deep_worker(lab: Lab, script: str = "") -> None:
    (lab.site / "deep").mkdir()
    lab.worker(script, "deep/worker.py")


async def test_a_worker_may_control_what_its_headers_allow(lab: Lab, autojump_clock: object) -> None:
    deep_worker(lab)
    (lab.site / "_headers").write_text(ALLOWED)
    async with lab.open(ready=False) as agent:
        page = await agent.open_window("/")
        container = page.navigator.service_worker
        registration = await container.register("/deep/worker.py", scope="/")
        assert registration.scope == f"{HOME}/"
        assert await container.ready is registration
        await registration.update()
        (lab.site / "elsewhere").mkdir()
        lab.worker("", "elsewhere/worker.py")
        with pytest.raises(SecurityError, match="not below /elsewhere/, .* in SITE's _headers"):
            await container.register("/elsewhere/worker.py", scope="/app")


async def test_the_scripts_headers_come_from_site_where_the_origin_is_elsewhere(
    lab: Lab, autojump_clock: object
) -> None:
    lab.internet.origin_at("https://site.example").add("/", "<p>")
    deep_worker(lab)
    (lab.site / "_headers").write_text(ALLOWED)
    async with lab.open(ready=False, origin="https://site.example") as agent:
        page = await agent.open_window("/")
        registration = await page.navigator.service_worker.register("/deep/worker.py", scope="/")
        assert registration.scope == "https://site.example/"


async def test_a_header_of_another_origin_allows_nothing(lab: Lab, autojump_clock: object) -> None:
    deep_worker(lab)
    (lab.site / "_headers").write_text("/deep/*\n  Service-Worker-Allowed: https://other.example/\n")
    async with lab.open(ready=False) as agent:
        page = await agent.open_window("/")
        with pytest.raises(SecurityError, match="of another origin"):
            await page.navigator.service_worker.register("/deep/worker.py", scope="/deep/")


async def test_a_workers_own_policy(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onmessage(event):\n"
        "    for url in ('/a', 'https://other.example/a'):\n"
        "        try:\n"
        "            print((await fetch(url)).status)\n"
        "        except TypeError as error:\n"
        "            print('csp' in str(error))\n"
    )
    (lab.site / "_headers").write_text("/worker.py\n  Content-Security-Policy: connect-src 'self'\n")
    lab.origin.add("/a", b"x")
    lab.internet.origin_at("https://other.example").add("/a", b"x", cors="*")
    async with lab.open() as agent:
        lab.registration.active.post_message("go")
        await agent.settled()
    lab.said("200", "True")


async def test_a_pages_policy_when_site_answers(lab: Lab, autojump_clock: object) -> None:
    (lab.site / "_headers").write_text("/strict/*\n  Content-Security-Policy: connect-src 'none'\n")
    (lab.site / "a.txt").write_text("x")
    async with swruntime.open_user_agent(site=lab.site) as agent:
        strict = await agent.open_window("/strict/page")
        with pytest.raises(TypeError, match="csp"):
            await strict.fetch("/a.txt")
        free = await agent.open_window("/")
        assert (await free.fetch("/a.txt")).status == 200


async def test_a_bad_line_opens_nothing(lab: Lab) -> None:
    (lab.site / "_headers").write_text("/*\n  X-A: 1\n  oops\n")
    with pytest.raises(SiteError, match=r"site/_headers:3: 'oops' is not a header"):
        async with lab.open(ready=False, profile=lab.profile):
            pass
    assert not lab.profile.exists()
