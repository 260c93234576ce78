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


OUTCOMES = {
    "an iterator that gives another name": """
        const native = Array.prototype[Symbol.iterator];
        await caches.open("x");
        Array.prototype[Symbol.iterator] = function () { return native.call(this.length === 1 && this[0] === "x" ? ["y"] : this); };
        return caches.has("x");""",
    "a setter that keeps items for itself": """
        await caches.open("x");
        for (const at of [0, 1]) Object.defineProperty(Array.prototype, at, { configurable: true, set() {} });
        return caches.has("x");""",
    "a member of all answers": """
        Object.defineProperty(Object.prototype, "error", { configurable: true, value: { name: "TypeError", message: "no" } });
        await caches.open("x");
        return true;""",
    "then of all objects": """
        Object.defineProperty(Object.prototype, "then", { configurable: true, get() { if ("handle" in this) this.status = 299; } });
        return (await fetch("/file.txt")).status === 200;""",
    "a getter of descriptors": """
        Object.defineProperty(Object.prototype, "get", { configurable: true, value: () => "evil" });
        globalThis.origin = "mine";
        return globalThis.origin === "mine";""",
    "a species of its own": """
        Array.prototype.constructor = { [Symbol.species]: function () { return {}; } };
        return new Headers([["a", "b"], ["a", "c"]]).get("a") === "b, c" && structuredClone([1, 2])[1] === 2;""",
    "a listener of what never changes": """
        const status = await navigator.permissions.query({ name: "notifications" });
        status.onchange = () => {};
        return caches.has("x").then((has) => !has);""",
}


@pytest.mark.parametrize("code", OUTCOMES.values(), ids=OUTCOMES.keys())
async def test_what_comes_of_a_call_is_the_runtimes(code: str, autojump_clock: object) -> None:
    async with laboratory() as lab:
        lab.origin.add("/file.txt", b"content")
        (lab.site / "page.js").write_text(f"(async () => {{ {code} }})()")
        page = await lab.user_agent.open_window("/")
        assert await page.run("/page.js") is True


IMPORTS = """
const caught = [];
const note = (value) => { if (typeof value === "object" && value !== null) caught.push(Object.getPrototypeOf(value)); };
const load = (name) => import(`./${name}.mjs`).then((module) => module.default, (error) => error.name);
const found = Object.create(null);
Object.defineProperty(Object.prototype, "then", { configurable: true, get() { note(this); } });
found.then = await load("one");
delete Object.prototype.then;
Object.defineProperty(Array.prototype, 0, { configurable: true, set(value) { note(value); } });
found.index = await load("two");
delete Array.prototype[0];
Object.setPrototypeOf(Array.prototype, new Proxy(Object.prototype, { set(_, name, value, to) { note(value); return Reflect.defineProperty(to, name, { value, writable: true, enumerable: true, configurable: true }); } }));
found.proxy = await load("three");
Object.setPrototypeOf(Array.prototype, Object.prototype);
found.plain = await load("four");
found.engines = caught.filter((each) => each !== null && ("linkRequests" in each || "runInThisContext" in each || "evaluate" in each)).length;
console.log("found:" + JSON.stringify(found));
"""


async def test_a_modules_imports(autojump_clock: object) -> None:
    async with laboratory() as lab:
        for name in ("one", "two", "three", "four"):
            (lab.site / f"{name}.mjs").write_text(f'export {{ default }} from "./{name}-part.mjs";')
            (lab.site / f"{name}-part.mjs").write_text("export default 1;")
        (lab.site / "page.mjs").write_text(IMPORTS)
        page = await lab.user_agent.open_window("/")
        await page.run("/page.mjs")
        [text] = [line["text"] for line in lab.trace if line["kind"] == "console"]
        assert json.loads(text.removeprefix("found:")) == {
            "then": 1,
            "index": "TypeError",
            "proxy": "TypeError",
            "plain": 1,
            "engines": 0,
        }
