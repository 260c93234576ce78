"""What a script can reach has the names of the standards, and no others.

Interfaces are held against the Web IDL in specs/, and where that has none against standard_names.py. A name of the
engine's own that a new version of it brings fails here: take it away in js/engine_names.js, or give the reason for which
it may stay in `ALLOWED`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from swruntime.testing import laboratory
from swruntime.testing.conformance.idl import read_definitions
from swruntime.testing.conformance.javascript import described
from tests.realms.javascript.standard_names import GLOBALS, NAMESPACES, STANDARD

pytest.importorskip("deno")

SPECS = Path(__file__).parents[3] / "specs"
SCRIPT = (Path(__file__).with_name("attacks") / "names.js").read_text()
FOUND = "sampleObjects().then((samples) => JSON.stringify(reachableNames(samples)))"

FUNCTION = {"length", "name", "prototype", "arguments", "caller"}

ALLOWED = {
    # The engine's parts call each other by these. They do what scripts can do with the same object's own methods.
    "AbortSignal.prototype": {
        "@@[[add]]", "@@[[remove]]", "@@[[signalAbort]]", "@@[[runAbortSteps]]",
        # It counts who listens to a timeout by them.
        "addEventListener", "removeEventListener",
    },
    "ReadableByteStreamController.prototype": {"@@[[CancelSteps]]", "@@[[PullSteps]]", "@@[[ReleaseSteps]]"},
    "ReadableStreamDefaultController.prototype": {"@@[[CancelSteps]]", "@@[[PullSteps]]", "@@[[ReleaseSteps]]"},
    "WritableStreamDefaultController.prototype": {"@@[[AbortSteps]]", "@@[[ErrorSteps]]"},
    "URL.prototype": {"@@updateUrlSearch"},
}  # fmt: skip
"""Names that are in no standard, by where they are, each with the reason."""

UNCONFIGURABLE = {"@@Deno.core.hostObject", "@@[[NotSerializable]]"}
"""What the engine has made permanent on prototypes: a function that gives the numbers of a Blob's parts, and a flag."""

INSPECTED = "@@Deno.privateCustomInspect"
"""How an object of the engine's is written on the console."""


def standard(kind: str) -> dict[str, tuple[set[str], set[str]]]:
    """Of each interface its statics and its prototype's members."""
    found = {name: (set(a.split()), set(b.split())) for name, (a, b) in STANDARD.items()}
    for interface in described(read_definitions(sorted(SPECS.glob("*/interfaces.webidl"))))["interfaces"]:
        statics, members = found.setdefault(interface["name"], (set(), set()))
        for member in interface["members"]:
            if member["exposed"] and kind not in member["exposed"] and not exposed(kind, member["exposed"]):
                continue
            names = {member["name"]}
            if member["kind"] == "iterable":
                names = {
                    "entries",
                    "forEach",
                    "keys",
                    "values",
                    "@@Symbol.iterator",
                    "@@Symbol.asyncIterator",
                }
            elif member["kind"] == "stringifier":
                names.add("toString")
            (statics if member["static"] else members).update(names)
    if kind == "Window":
        found["URL"][0].update({"createObjectURL", "revokeObjectURL"})  # File API: not in service workers
    return found


def exposed(kind: str, where: list[str]) -> bool:
    return "*" in where or ("Worker" in where and kind == "ServiceWorker")


def surplus(kind: str, found: list[tuple[str, str, list[str]]]) -> list[str]:
    """Each name that is in no standard, with its path."""
    known = standard(kind)
    return [
        f"{path}: {name}"
        for path, type_, names in found
        for name in names
        if name not in names_of(kind, known, path, type_)
        and name not in ALLOWED.get(path, ())
        and not (path.endswith(".prototype") and name in UNCONFIGURABLE)
        and name != INSPECTED
    ]


def names_of(kind: str, known: dict[str, tuple[set[str], set[str]]], path: str, type_: str) -> set[str]:
    """The names that the object at a path may have."""
    if path == "globalThis":
        return set(GLOBALS.split()) | {name for name in known if "." not in name} | SLOTS
    if path in NAMESPACES:
        return set(NAMESPACES[path].split()) | (FUNCTION if type_ == "function" else set())
    if path.endswith(".prototype") and path.removesuffix(".prototype") in known:
        return known[path.removesuffix(".prototype")][1] | {"constructor", "@@Symbol.toStringTag"}
    if type_ == "function":
        return FUNCTION | known.get(path, (set(), set()))[0]
    return {"constructor"} if path.endswith(".prototype") else set()


SLOTS = {"@@[[webidl.brand]]", "@@undefined"}
"""The engine has the global object's state as an EventTarget there."""

SAMPLES = {
    "(domException)": {"stack"},
    "(error)": {"stack", "message"},
    # [LegacyUnforgeable]
    "(proxyLocation)": {"assign", "hash", "host", "hostname", "href", "origin", "pathname", "port", "protocol", "reload", "replace", "search", "toString"},
    "performance": {"@@[[webidl.brand]]"},
    "@@undefined": {"assignedSlot", "hasActivationBehavior", "host", "listeners", "mode"},
    "@@undefined.listeners": {"message"},
    "@@undefined.listeners.message": {"length"},
    "globalThis.__proto__": {"constructor", "@@Symbol.toStringTag"},
    "globalThis.__proto__.__proto__": {"constructor", "@@Symbol.toStringTag"},
}  # fmt: skip
"""Own names of single objects."""
ALLOWED.update(SAMPLES)


async def reached() -> dict[str, list[tuple[str, str, list[str]]]]:
    """What can be reached in a page and in a worker, by what Exposed calls them."""
    async with laboratory() as lab:
        keep = f"caches.open('names').then(async (cache) => cache.put('/found', new Response(await {FOUND})))"
        (lab.site / "sw.js").write_text(f"{SCRIPT}\nonmessage = (event) => event.waitUntil({keep});")
        (lab.site / "page.js").write_text(f"(() => {{ {SCRIPT}\n return {FOUND}; }})()")
        page = await lab.window("/", worker="/sw.js")
        registration = await page.navigator.service_worker.ready
        registration.active.post_message("")
        await lab.user_agent.settled()
        worker = await page.caches.match("/found")
        return {"ServiceWorker": await worker.json(), "Window": json.loads(await page.run("/page.js"))}


async def test_every_name_is_a_standards(autojump_clock: object) -> None:
    found = await reached()
    assert {kind: surplus(kind, names) for kind, names in found.items()} == {
        "ServiceWorker": [],
        "Window": [],
    }
    assert all(len(names) > 500 for names in found.values())
