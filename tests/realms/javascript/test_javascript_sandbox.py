"""A script has no way to the engine's own modules, to files, sockets, the environment or other programs.

attacks.js has the attempts; one process tries them all and says what came of each.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from swruntime.errors import ScriptError
from swruntime.realms.javascript.deno import start_process
from swruntime.testing import laboratory
from swruntime.testing.lab import Laboratory

pytest.importorskip("deno")

ATTACKS = (Path(__file__).parent / "attacks.js").read_text()
SECRET = "no script may ever see this"
ABSENT = "got [object String] undefined"
"""What `typeof` says of a name that is not there."""

WORKER = """
importScripts("/attacks.js");
addEventListener("message", (event) => {
    event.waitUntil(attacks.everything(event.data).then((found) => event.source.postMessage(found)));
});
"""
ASK_WORKER = """
(async () => {
    await navigator.serviceWorker.register("/sw.js");
    const { active } = await navigator.serviceWorker.ready;
    navigator.serviceWorker.onmessage = (event) => { globalThis.heard = event.data; };
    active.postMessage(%s);
})()
"""
MODULE = """
globalThis.found = await attacks.moduleAttacks((specifier) => import(specifier), import.meta, %s);
globalThis.good = Object.prototype.toString.call(await import("./good.mjs"));
"""
STATIC = [
    "file:///etc/hosts",
    "node:fs",
    "node:process",
    "fs",
    "data:text/javascript,export default 1",
    "npm:left-pad",
    "jsr:@std/fs",
    "ext:core/mod.js",
]


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """The URL of a file that can be read as a module of every type."""
    path = tmp_path / "secret.js"
    path.write_text(f'export default "{SECRET}";\n')
    return path.as_uri()


def fill(lab: Laboratory, secret: str) -> None:
    url = json.dumps(secret)
    for name, text in {
        "attacks.js": ATTACKS,
        "sw.js": WORKER,
        "page.js": f"attacks.everything({url})",
        "ask.js": ASK_WORKER % url,
        "heard.js": "heard",
        "page.mjs": MODULE % url,
        "good.mjs": "export default 1",
        "found.js": "JSON.stringify([JSON.parse(globalThis.found), globalThis.good])",
    }.items():
        (lab.site / name).write_text(text)


def check(said: str) -> None:
    assert SECRET not in said
    found: dict[str, Any] = json.loads(said)
    imports = found["imports"]
    assert len(imports) > 500
    assert {way: came for way, came in imports.items() if came != "TypeError"} == {}
    names = found["names"]
    assert {
        name: came for name, came in names.items() if came not in (ABSENT, "TypeError", "ReferenceError")
    } == {}
    assert sum(came == ABSENT for came in names.values()) > 40
    assert {url: came for url, came in found["sockets"].items() if came != "TypeError"} == {}
    assert found["reachable"]["bad"] == []
    assert found["reachable"]["seen"] > 1_500
    assert not found["reachable"]["cut"]


@pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")
async def test_a_page_gets_at_nothing(secret: str, autojump_clock: object) -> None:
    async with laboratory() as lab:
        fill(lab, secret)
        page = await lab.user_agent.open_window("/")
        await page.run("/attacks.js")
        check(await page.run("/page.js"))


@pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")
async def test_a_worker_gets_at_nothing(secret: str, autojump_clock: object) -> None:
    async with laboratory() as lab:
        fill(lab, secret)
        page = await lab.user_agent.open_window("/")
        await page.run("/ask.js")
        await lab.user_agent.settled()
        check(await page.run("/heard.js"))


async def test_a_module_gets_at_nothing(secret: str, autojump_clock: object) -> None:
    async with laboratory() as lab:
        fill(lab, secret)
        page = await lab.user_agent.open_window("/")
        await page.run("/attacks.js")
        await page.run("/page.mjs")
        said = await page.run("/found.js")
        assert SECRET not in said
        found, good = json.loads(said)
        assert {way: came for way, came in found["found"].items() if came != "TypeError"} == {}
        assert found["meta"] == ["resolve", "url"]
        assert good == "[object Module]"


@pytest.mark.parametrize("attributes", ["", ' with { type: "text" }', ' with { type: "json" }'])
async def test_modules_import_nothing_but_what_comes_over_http(
    attributes: str, autojump_clock: object
) -> None:
    async with laboratory() as lab:
        page = await lab.user_agent.open_window("/")
        for number, specifier in enumerate(STATIC):
            text = f"import * as all from {json.dumps(specifier)}{attributes}; globalThis.got = all;"
            (lab.site / f"bad{number}.mjs").write_text(text)
            with pytest.raises(ScriptError, match=r"TypeError|SyntaxError"):
                await page.run(f"/bad{number}.mjs")
        (lab.site / "got.js").write_text("typeof got")
        assert await page.run("/got.js") == "undefined"


async def test_a_module_worker_imports_nothing_but_what_comes_over_http(autojump_clock: object) -> None:
    async with laboratory() as lab:
        page = await lab.user_agent.open_window("/")
        for number, specifier in enumerate(STATIC[:3]):
            (lab.site / f"bad{number}.js").write_text(f"import {json.dumps(specifier)};")
            with pytest.raises(TypeError):
                await page.navigator.service_worker.register(f"/bad{number}.js", type="module")


async def test_a_process_is_started_without_rights_and_without_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SWRUNTIME_SECRET", SECRET)
    process = start_process()
    try:
        proc = Path("/proc") / str(process.pid)
        given = [
            each for each in (proc / "cmdline").read_text().split("\0") if each.startswith(("--allow", "-A"))
        ]
        environment = (proc / "environ").read_text()
        links = [str(link.readlink()) for link in (proc / "fd").iterdir()]
        network = [(proc / "net" / kind).read_text() for kind in ("tcp", "tcp6", "udp", "udp6")]
    finally:
        await process.aclose()
    assert [each.split("=")[0] for each in given] == ["--allow-read"]
    assert given[0].startswith("--allow-read=/dev/fd/")
    assert SECRET not in environment
    # The engine wakes its own threads by a pair of sockets; none is the network's.
    sockets = [
        name.removeprefix("socket:[").removesuffix("]") for name in links if name.startswith("socket:")
    ]
    assert [inode for inode in sockets if any(f" {inode} " in table for table in network)] == []
