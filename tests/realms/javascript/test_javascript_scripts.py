"""Where the text of scripts comes from: SITE, else the network; and what is kept of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import swruntime
from swruntime.testing import laboratory
from swruntime.testing.origin import Origin

IMPORTS = """
importScripts("/lib/own.js", "https://cdn.example/lib.js");
self.oninstall = () => console.log(`installed ${own} ${theirs}`);
self.onmessage = (event) => event.source.postMessage(`${own} ${theirs}`);
"""
SCRIPT = {"Content-Type": "text/javascript"}


def said(lab: Any) -> list[str]:
    return [line["text"] for line in lab.trace if line["kind"] == "console"]


async def test_what_site_has_is_taken_from_it_and_all_else_from_the_network(autojump_clock: object) -> None:
    async with laboratory() as lab:
        (lab.site / "lib").mkdir()
        (lab.site / "lib" / "own.js").write_text("const own = 1;")
        lab.origin_at("https://cdn.example").add("/lib.js", body=b"const theirs = 2;", headers=SCRIPT)
        (lab.site / "sw.js").write_text(IMPORTS)
        window = await lab.user_agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        await lab.user_agent.settled()
        assert said(lab) == ["installed 1 2"]


@pytest.mark.parametrize(
    ("headers", "status", "why"),
    [
        ({"Content-Type": "text/html"}, 200, "expected a JavaScript type"),
        ({}, 200, "expected a JavaScript type"),
        (SCRIPT, 404, "answered 404"),
    ],
)
async def test_what_is_no_script_fails_the_worker(
    autojump_clock: object, headers: dict[str, str], status: int, why: str
) -> None:
    async with laboratory() as lab:
        (lab.site / "sw.js").write_text('importScripts("https://cdn.example/lib.js");')
        lab.origin_at("https://cdn.example").add("/lib.js", body=b"1", headers=headers, status=status)
        window = await lab.user_agent.open_window("/")
        with pytest.raises(
            TypeError, match=r"another origin, and was refused; the console says why"
        ) as caught:
            await window.navigator.service_worker.register("/sw.js")
        # What an opaque response is like is for the user to know, and not for a script.
        assert why not in str(caught.value)
        assert why in said(lab)[0]


async def test_scripts_from_the_network_are_kept_for_the_next_process(
    autojump_clock: object, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sw.js").write_text(
        'import { theirs } from "/module.js"; onmessage = (e) => e.source.postMessage(theirs);'
    )
    origin = Origin("http://localhost:8400")
    origin.add("/module.js", body=b"export const theirs = 2;", headers=SCRIPT)
    profile = tmp_path / "profile"
    async with swruntime.open_user_agent(site=site, profile=profile, network=origin) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js", type="module")
        await agent.settled()
    async with swruntime.open_user_agent(site=site, profile=profile, network=origin) as agent:
        agent.network.go_offline()
        window = await agent.open_window("/")
        heard: list[object] = []
        window.navigator.service_worker.add_event_listener("message", lambda event: heard.append(event.data))
        registration = await window.navigator.service_worker.ready
        registration.active.post_message("now")
        await agent.settled()
        assert heard == [2]


async def test_an_update_compares_what_came_over_the_network(autojump_clock: object) -> None:
    async with laboratory() as lab:
        cdn = lab.origin_at("https://cdn.example")
        cdn.add("/lib.js", body=b"const theirs = 1;", headers=SCRIPT)
        (lab.site / "sw.js").write_text('importScripts("https://cdn.example/lib.js"); console.log(theirs);')
        window = await lab.user_agent.open_window("/")
        registration = await window.navigator.service_worker.register("/sw.js")
        await lab.user_agent.settled()
        await registration.update()
        await lab.user_agent.settled()
        assert said(lab) == ["1"]
        cdn.add("/lib.js", body=b"const theirs = 2;", headers=SCRIPT)
        await registration.update()
        await lab.user_agent.settled()
        assert said(lab) == ["1", "2"]
