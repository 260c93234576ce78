"""Ways by which scripts got at frames, handles, the engine's classes, operations or keys: attacks/proofs.js has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from swruntime.testing import laboratory
from swruntime.testing.lab import Laboratory

pytest.importorskip("deno")

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

PROOFS = (Path(__file__).with_name("attacks") / "proofs.js").read_text()
NOTHING = {"tried": 35, "found": {}}


def told(lab: Laboratory) -> Any:
    [text] = [
        line["text"] for line in lab.trace if line["kind"] == "console" and line["text"].startswith("proofs:")
    ]
    return json.loads(text.removeprefix("proofs:"))


def forged(lab: Laboratory) -> list[str]:
    return [line["text"] for line in lab.trace if line["kind"] == "console" and "forged" in line["text"]]


async def test_in_a_worker(autojump_clock: object) -> None:
    async with laboratory() as lab:
        lab.origin.add("/file.txt", b"content")
        (lab.site / "sw.js").write_text(f"{PROOFS}\nonmessage = (event) => event.waitUntil(proofs.run());")
        page = await lab.window("/", worker="/sw.js")
        registration = await page.navigator.service_worker.ready
        registration.active.post_message("")
        await lab.user_agent.settled()
        assert (told(lab), forged(lab)) == (NOTHING, [])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["page.js", "page.mjs"])
async def test_in_a_page(name: str, autojump_clock: object) -> None:
    async with laboratory() as lab:
        lab.origin.add("/file.txt", b"content")
        wait = "await" if name.endswith(".mjs") else ""
        (lab.site / name).write_text(f"{PROOFS}\n{wait} proofs.run();")
        page = await lab.user_agent.open_window("/")
        await page.run(f"/{name}")
        await lab.user_agent.settled()
        assert (told(lab), forged(lab)) == (NOTHING, [])
