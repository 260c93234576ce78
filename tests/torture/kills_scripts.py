"""The scripts of the kills, a worker and a page in Python and in JavaScript, which do the same.

The page does the jobs that the server has for it, and prints what was done. The worker keeps what came, and notes each
event at the server when it is over. IndexedDB is JavaScript's: a transaction writes the same key to two stores.
"""

from __future__ import annotations

from typing import Literal

Language = Literal["py", "js"]

REPEATED = 2_000
"""The shell of a worker is its version, so many times."""

PYTHON_WORKER = """\
from urllib.parse import quote, urlsplit

VERSION = "{version}"
SHELL = "shell-" + VERSION

async def note(*words):
    await fetch("/note?" + quote(" ".join(words)))

async def oninstall(event):
    shell = await caches.open(SHELL)
    await shell.put("/version", Response((VERSION + " ") * {repeated}))
    print("installed", VERSION)
    if {skips}:
        await self.skip_waiting()

async def onactivate(event):
    for name in await caches.keys():
        if name.startswith("shell-") and int(name[6:]) < int(VERSION):
            await caches.delete(name)

def onfetch(event):
    if urlsplit(event.request.url).path == "/version":
        event.respond_with(version())

async def version():
    shell = await caches.match("/version", cache_name=SHELL)
    return Response(VERSION + "\\n" + (await shell.text() if shell else "gone"))

async def keep(event):
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        try:
            response = await record.response_ready
        except Exception as error:
            console.warn(f"{{record.request.url}}: {{error}}")
            continue
        if response.ok:
            await cache.put(record.request.url, response)
    await note(event.type, event.registration.id)

onbackgroundfetchsuccess = onbackgroundfetchfail = onbackgroundfetchabort = keep

async def onsync(event):
    await note("sync", event.tag)
"""

PYTHON_PAGE = """\
import json

async def main():
    registration = await navigator.service_worker.ready
    for job in await (await fetch("/take")).json():
        await perform(registration, job)

async def perform(registration, job):
    match job["do"]:
        case "fetch":
            requests = [*job["urls"], *(Request(url, method="POST", body=job["body"]) for url in job["uploads"])]
            await registration.background_fetch.fetch(job["id"], requests)
        case "abort":
            fetching = await registration.background_fetch.fetch(job["id"], job["urls"])
            if not await fetching.abort():
                return
        case "drop":
            await (await caches.open(job["id"])).put("/dropped", Response(job["text"]))
            await caches.delete(job["id"])
        case "sync":
            await registration.sync.register(job["id"])
        case "put":
            await (await caches.open("page")).put(job["id"], Response(job["text"]))
        case "update":
            await fetch("/edit")
            await registration.update()
        case "report":
            return await report(registration)
    print(job["do"], job["id"])

async def report(registration):
    found = {"version": await (await fetch("/version")).text()}
    found["ids"] = await registration.background_fetch.get_ids()
    found["tags"] = await registration.sync.get_tags()
    found["caches"] = await caches.keys()
    await fetch(Request("/report", method="POST", body=json.dumps(found)))
"""

JAVASCRIPT_DATABASE = """\
const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
});

const opened = () => {
    const request = indexedDB.open("pairs", 1);
    request.onupgradeneeded = () => {
        request.result.createObjectStore("left");
        request.result.createObjectStore("right");
    };
    return done(request);
};

async function writePair(key) {
    const db = await opened();
    await new Promise((resolve, reject) => {
        const transaction = db.transaction(["left", "right"], "readwrite");
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
        transaction.objectStore("left").put("x".repeat(2000) + key, key);
        transaction.objectStore("right").put(key, key);
    });
    db.close();
}
"""

JAVASCRIPT_WORKER = """\
const VERSION = "{version}";
const SHELL = "shell-" + VERSION;

const note = (...words) => fetch("/note?" + encodeURIComponent(words.join(" ")));

addEventListener("install", (event) => event.waitUntil((async () => {{
    const shell = await caches.open(SHELL);
    await shell.put("/version", new Response((VERSION + " ").repeat({repeated})));
    console.log("installed", VERSION);
    if ({skips}) await skipWaiting();
}})()));

addEventListener("activate", (event) => event.waitUntil((async () => {{
    for (const name of await caches.keys()) {{
        if (name.startsWith("shell-") && name !== SHELL) await caches.delete(name);
    }}
}})()));

addEventListener("fetch", (event) => {{
    if (new URL(event.request.url).pathname === "/version") event.respondWith((async () => {{
        const shell = await caches.match("/version", {{ cacheName: SHELL }});
        return new Response(VERSION + "\\n" + (shell ? await shell.text() : "gone"));
    }})());
}});

const keep = (event) => event.waitUntil((async () => {{
    const cache = await caches.open("kept");
    for (const record of await event.registration.matchAll()) {{
        let response;
        try {{
            response = await record.responseReady;
        }} catch (error) {{
            console.warn(`${{record.request.url}}: ${{error}}`);
            continue;
        }}
        if (response.ok) await cache.put(record.request.url, response);
    }}
    await writePair(`event ${{event.registration.id}}`);
    await note(event.type, event.registration.id);
}})());

addEventListener("backgroundfetchsuccess", keep);
addEventListener("backgroundfetchfail", keep);
addEventListener("backgroundfetchabort", keep);

addEventListener("sync", (event) => event.waitUntil((async () => {{
    await writePair(`sync ${{event.tag}}`);
    await note("sync", event.tag);
}})()));

"""

JAVASCRIPT_PAGE = """\
async function main() {
    const registration = await navigator.serviceWorker.ready;
    const jobs = await (await fetch("/take")).json();
    await Promise.all(jobs.map((job) => perform(registration, job)));
}

async function perform(registration, job) {
    switch (job.do) {
        case "fetch":
            await registration.backgroundFetch.fetch(job.id,
                [...job.urls, ...job.uploads.map((url) => new Request(url, { method: "POST", body: job.body }))]);
            break;
        case "abort":
            if (!await (await registration.backgroundFetch.fetch(job.id, job.urls)).abort()) return;
            break;
        case "drop":
            await (await caches.open(job.id)).put("/dropped", new Response(job.text));
            await caches.delete(job.id);
            break;
        case "sync":
            await registration.sync.register(job.id);
            break;
        case "put":
            await (await caches.open("page")).put(job.id, new Response(job.text));
            break;
        case "pair":
            await writePair(job.id);
            break;
        case "update":
            await fetch("/edit");
            await registration.update();
            break;
        case "report":
            return await report(registration);
    }
    console.log(job.do, job.id);
}

async function report(registration) {
    const found = { version: await (await fetch("/version")).text() };
    found.ids = await registration.backgroundFetch.getIds();
    found.tags = await registration.sync.getTags();
    found.caches = await caches.keys();
    const db = await opened();
    for (const name of ["left", "right"]) {
        const store = db.transaction(name).objectStore(name);
        const [keys, values] = [await done(store.getAllKeys()), await done(store.getAll())];
        found[name] = keys;
        found[`${name}Damaged`] = keys.filter((key, i) => values[i] !== (name === "left" ? "x".repeat(2000) : "") + key);
    }
    db.close();
    await fetch("/report", { method: "POST", body: JSON.stringify(found) });
}

main();
"""


def worker(language: Language, version: int, *, skips: bool) -> str:
    """One that is another one with every version; `skips`: it does not wait until it is activated."""
    if language == "py":
        return PYTHON_WORKER.format(version=version, repeated=REPEATED, skips=skips)
    script = JAVASCRIPT_WORKER.format(version=version, repeated=REPEATED, skips=str(skips).lower())
    return script + JAVASCRIPT_DATABASE


def page(language: Language) -> str:
    return PYTHON_PAGE if language == "py" else JAVASCRIPT_PAGE + JAVASCRIPT_DATABASE
