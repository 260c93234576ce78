"""A script replaces all that it can, and then uses the platform: the realm's own JavaScript asks none of it.

See attacks/poison.js for what is replaced, and what counts; attacks/exercise.js is what is used. A finding names what was
asked, by which line of ours, and of what object.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from swruntime.realms.javascript.launch import MAIN
from swruntime.testing import laboratory
from swruntime.testing.lab import Laboratory

pytest.importorskip("deno")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")]

ATTACKS = Path(__file__).with_name("attacks")

ENGINES = """
    timeout displayErrors breakOnSigint contextName contextOrigin contextCodeGeneration microtaskMode filename lineOffset
    columnOffset cachedData produceCachedData importModuleDynamically initializeImportMeta identifier context then toJSON
    get set value writable enumerable configurable done next return throw signal once passive capture highWaterMark size
    autoAllocateChunkSize pull start cancel type cause stack message name constructor ports data keyData privateKey seed
    code errno syscall resolve reject promise _onImmediate _idleNext _idlePrev _idleTimeout ref hasRef domain callback args
    host listeners mode assignedSlot hasActivationBehavior item itemInShadowTree relatedTarget touchTargetList
    rootOfClosedTree slotInClosedTree parentNode nodeType getRootNode options body headers redirected url status handle
    preventClose preventAbort preventCancel endings lastModified fatal ignoreBOM stream flush transform write close abort
    maxByteLength showHidden depth colors showProxy iterableLimit compact sorted getters strAbbreviateSize customInspect
"""
"""Names of what the engine reads of objects that it is handed."""


@cache
def names() -> str:
    """Every name in the realm's own JavaScript, and some of the engine's, as JSON."""
    found = set(ENGINES.split())
    for path in MAIN.parent.glob("*.js"):
        found |= set(re.findall(r"[A-Za-z_$][\w$]*", path.read_text()))
    return json.dumps(sorted(found))


def poison() -> str:
    return (ATTACKS / "poison.js").read_text().replace("/* NAMES */ []", names()) + (
        ATTACKS / "exercise.js"
    ).read_text()


def findings(lab: Laboratory, label: str) -> list[str]:
    [text] = [
        line["text"] for line in lab.trace if line["kind"] == "console" and line["text"].startswith(label)
    ]
    found = json.loads(text.removeprefix(label))
    return sorted(each for each in found if not is_allowed(each))


PLATFORM = r"\[object (?!Object\]|Function\]|Array Iterator\]|Generator|AsyncGenerator)\w+\].*"  # what scripts have anyway
BYTES = r"\[object (Uint8Array|ArrayBuffer)\].*"
ALLOWED = [
    # `then` of what a promise is resolved with: the platform's own objects, bodies' bytes, arrays and dictionaries of
    # answers, and what the engine's readers answer with.
    (
        r"get Object\.prototype\.then by .*",
        rf"{PLATFORM}|{BYTES}|array.*|plain (value done|done value|publicKey privateKey|enabled headerValue|usage quota)",
    ),
    (r"get Object\.prototype\.then by (the engine, for )?body\.js", r"plain a"),  # what `json()` has parsed
    # The proxies that tell of absent names hand on what a script reads.
    (r"get .* by absent\.js", PLATFORM),
    # A stack is written by `Error.prepareStackTrace`, which the engine looks up; where it is, in arrays of its own.
    (
        r"get Object\.prototype\.prepareStackTrace by .*",
        r"\[object Function\] length name prototype captureStackTrace.*",
    ),
    (r"set Array\.prototype\[index\] by places\.js", r"array.*"),
    # The engine's dispatch and its listeners, of events and targets that scripts have.
    (r".* by the engine, for events\.js", rf"{PLATFORM}|plain.*|array.*"),
    (r"(get|set) Object\.prototype\.signal by the engine, for fetch\.js", r"plain capture once passive.*"),
    (r"AbortSignal\.prototype\.addEventListener by the engine, for engine_interfaces\.js", PLATFORM),
    (
        r"set Object\.prototype\.handler by the engine, for engine_interfaces\.js",
        r"\[object Function\] length name prototype",
    ),
    (
        r"get Array\.Symbol\(Symbol\.species\) by the engine, for (events|blob_bytes)\.js",
        r"\[object Function\] length name prototype isArray.*",
    ),
    # What the engine writes on the console is the script's own value.
    (r".* by the engine, for console\.js", PLATFORM),
    # Web IDL's conversion in the engine: its own arrays, descriptions of members, and what it has converted.
    (r"set Array\.prototype\[index\] by the engine, for \w+\.js", r"array.*"),
    (r"get Object\.prototype\.required by the engine, for \w+\.js", r"plain key converter.*"),
    (r"get Object\.prototype\.(endings|highWaterMark|size) by the engine, for \w+\.js", r"plain( type)?"),
    (
        r"get Object\.prototype\.(autoAllocateChunkSize|cancel|start) by the engine, for sources\.js",
        r"plain type pull",
    ),
    (
        r"set Object\.prototype\.code by (the engine, for )?(errors|platform)\.js",
        r"\[object Error\] stack message",
    ),
    # The engine reads streams, and encodes the script's own forms, through their public members.
    (
        r".* by the engine, for (body|body_state|multipart|outgoing|sources|request_init)\.js",
        rf"{PLATFORM}|{BYTES}",
    ),
    (
        r"(%ArrayIteratorPrototype%\.next|Array\.prototype\.values) by the engine, for (body|multipart)\.js",
        r"array.*|\[object Array Iterator\]",
    ),
    # A Blob's part is read by an operation that takes the number of a part of this process.
    (r"Function\.prototype\.call by the engine, for blob_bytes\.js", r"\[object Function\] length name"),
]
"""What may be asked, and of what; each has its reason."""


def is_allowed(finding: str) -> bool:
    what, _, subject = finding.partition(" of ")
    what = re.sub(r"(\w+\.js):.*", r"\1", what.replace("swruntime/realms/javascript/js/", ""))
    subject = re.sub("( @@)+", "", subject)
    return any(re.fullmatch(a, what) and re.fullmatch(b, subject) for a, b in ALLOWED)


def failures(lab: Laboratory) -> list[str]:
    [text] = [
        line["text"] for line in lab.trace if line["kind"] == "console" and line["text"].startswith("failed:")
    ]
    return list(json.loads(text.removeprefix("failed:")))


RUN = """
const report = (failed) => {
    poisoned.finish("found:");
    console.log("failed:" + JSON.stringify(failed));
};
"""
WORKER = """
addEventListener("install", (event) => event.waitUntil(skipWaiting()));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
    if (!event.request.url.endsWith("/by-worker")) return;
    event.waitUntil(event.preloadResponse);
    event.respondWith((async () => new Response(`by the worker: ${event.request.method}`))());
});
addEventListener("message", (event) => {
    if (event.data === "run") event.waitUntil(exercise(poisoned.my, "worker").then(report));
    else event.source?.postMessage(event.data, poisoned.my([]));
});
for (const type of ["backgroundfetchsuccess", "backgroundfetchabort", "backgroundfetchfail", "backgroundfetchclick"]) {
    addEventListener(type, (event) => event.waitUntil((async () => {
        const [record] = await event.registration.matchAll();
        await (await record.responseReady).text();
        await event.updateUI?.(Object.setPrototypeOf({ title: "over" }, null));
    })()));
}
addEventListener("push", (event) => { event.data?.text(); event.data?.json(); event.data?.blob(); event.data?.bytes(); });
addEventListener("notificationclick", (event) => event.notification.close());
addEventListener("sync", (event) => event.waitUntil(Promise.resolve(event.tag)));
poisoned.start();
"""


def serve(lab: Laboratory) -> None:
    for path in ("/file.txt", "/file.txt?2"):
        lab.origin.add(path, b"content " * 100)


async def test_a_page_whose_builtins_are_replaced(autojump_clock: object) -> None:
    async with laboratory() as lab:
        serve(lab)
        (lab.site / "sw.js").write_text("addEventListener('fetch', () => {});")
        (lab.site / "page.js").write_text(
            poison() + RUN + "poisoned.start();\nexercise(poisoned.my, 'page').then(report);"
        )
        await lab.window("/", worker="/sw.js")
        page = await lab.user_agent.open_window("/")
        await page.run("/page.js")
        await lab.user_agent.settled()
        assert failures(lab) == []
        assert findings(lab, "found:") == []


async def test_a_worker_whose_builtins_are_replaced(autojump_clock: object) -> None:
    async with laboratory() as lab:
        serve(lab)
        (lab.site / "sw.js").write_text(poison() + RUN + WORKER)
        page = await lab.window("/", worker="/sw.js")
        registration = await page.navigator.service_worker.ready
        registration.active.post_message(["an", {"echo": [1, 2]}])
        await (await page.fetch("/by-worker")).text()
        await registration.background_fetch.fetch("b", ["/file.txt"])
        await lab.user_agent.settled()
        registration.active.post_message("run")
        await lab.user_agent.settled()
        assert failures(lab) == []
        assert findings(lab, "found:") == []
