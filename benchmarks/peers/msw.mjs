// MSW: handlers that answer requests in place of the network; in Node by themselves, in a browser through a worker of MSW's.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { mock } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Chrome } from "./chrome.mjs";
import { load, no, ORIGIN, partly, rangesOf, sleep, told, until, yes } from "./shared.mjs";

const { delay, http, HttpResponse } = await load("msw");
const { setupServer } = await load("msw/node");
const MINUTES = 240_000; // milliseconds: four, since an event may take five
const CELL = path.join(import.meta.dirname, "cell.mjs");
const MOCKED = `${ORIGIN}/mocked`;

function listening(...handlers) {
    const server = setupServer(...handlers);
    server.listen({ onUnhandledFrame: "bypass" });
    return server;
}

const hello = () => http.get(MOCKED, () => new HttpResponse("from a handler"));
const asked = async () => (await fetch(MOCKED)).text();

// A page in Chromium, whose requests go through MSW's own worker to a handler in the page.
async function inChromium() {
    const chrome = await Chrome.start();
    const page = await chrome.open(`${ORIGIN}/index.html`);
    await page.evaluate(`new Promise((resolve, reject) => {
        const script = document.createElement("script");
        Object.assign(script, { src: "/packages/msw/lib/iife/index.js", onload: resolve, onerror: reject });
        document.head.append(script);
    })`);
    await page.evaluate(`(async () => {
        const { setupWorker, http, HttpResponse } = MockServiceWorker;
        const handler = http.get("/file/mocked", () => new HttpResponse("from a handler"));
        const serviceWorker = { url: "/packages/msw/lib/mockServiceWorker.js", options: { scope: "/" } };
        await setupWorker(handler).start({ serviceWorker, quiet: true });
    })()`);
    return page;
}

export async function runsYourWorker() {
    listening(hello());
    const mocked = await asked();
    const started = await Promise.resolve()
        .then(() => load("msw/browser"))
        .then(({ setupWorker }) => setupWorker().start({ serviceWorker: { url: "/sw.js" } }))
        .then(() => "it started", told);
    return no(`In Node a request was answered ${mocked}, and no worker runs: setupWorker() with sw.js: ${started}`);
}

export async function hasBackgroundFetch() {
    listening(hello());
    return no(`In Node BackgroundFetchManager is ${typeof globalThis.BackgroundFetchManager}, navigator.serviceWorker ` +
        `${typeof globalThis.navigator?.serviceWorker}.`);
}

export async function downloadsInTest() {
    const page = await inChromium();
    const fetched = await page.evaluate(`fetch("/file/mocked?size=10").then((it) => it.text())`);
    const size = await page.evaluate(`(async () => {
        const registration = await navigator.serviceWorker.ready;
        const it = await registration.backgroundFetch.fetch("a", "/file/mocked?size=10");
        while (!it.result) await new Promise((resolve) => setTimeout(resolve, 50));
        return it.downloaded;
    })()`);
    const mocked = (await rangesOf("mocked")).length === 0;
    const seen = `None in Node. In Chromium a page's fetch was answered ${fetched}; a background fetch of the same URL ` +
        `${mocked ? "too" : `went past it, to the server (${size} bytes)`}.`;
    return mocked ? partly(seen) : no(seen);
}

export async function cutsNetwork() {
    const ranges = [];
    listening(http.get(MOCKED, ({ request }) => {
        ranges.push(request.headers.get("range"));
        return new HttpResponse(new ReadableStream({
            start(controller) {
                controller.enqueue(new Uint8Array(1000));
                setTimeout(() => controller.error(new Error("cut")), 100);
            },
        }), { headers: { "Content-Length": "2000", "Accept-Ranges": "bytes", ETag: '"one"' } });
    }));
    const ended = await fetch(MOCKED).then((it) => it.arrayBuffer()).then((it) => `${it.byteLength} bytes`, told);
    await sleep(1000);
    return no(`It has no background fetch. A handler can cut the body of a fetch() (${ended}); it was asked ` +
        `${ranges.length} time, without Range.`);
}

export async function survivesKill() {
    const child = spawn(process.execPath, [CELL, fileURLToPath(import.meta.url), "downloadsForLong"], {
        stdio: ["ignore", "ignore", "inherit"],
    });
    const ended = once(child, "exit");
    await until(async () => (await rangesOf("long")).length > 0);
    await sleep(1000);
    child.kill("SIGKILL");
    await ended;
    listening(hello());
    await sleep(2000);
    const again = (await rangesOf("long")).slice(1);
    return no(`Killed while a fetch() went through it: the next process asked for ${again.join() || "nothing"}.`);
}

// Not a cell: what is killed.
export async function downloadsForLong() {
    listening(hello());
    await (await fetch(`${ORIGIN}/file/long?size=8000000&rate=500000`)).arrayBuffer();
}

export async function stopsWorkerBetweenEvents() {
    let count = 0;
    const server = listening(http.get(MOCKED, () => HttpResponse.json(++count)));
    const counts = [await asked(), await asked()];
    server.resetHandlers();
    counts.push(await asked());
    server.close();
    server.listen();
    counts.push(await asked());
    return no(`It runs no worker. A counter of a handler said ${counts.slice(0, 2)}, after resetHandlers() ${counts[2]}, after ` +
        `close() and listen() ${counts[3]}.`);
}

export async function stopsWorkerAtAwait() {
    let wentOn = false;
    const server = listening(http.get(MOCKED, async () => {
        await delay(300);
        wentOn = true;
        return new HttpResponse("late");
    }));
    fetch(MOCKED).catch(told);
    await sleep(100);
    server.close();
    await sleep(1000);
    return no(`It runs no worker. close() while a handler waited: it ${wentOn ? "went on" : "did not go on"}.`);
}

export async function findsLosingAwait() {
    const server = listening(hello());
    return no(`It runs no worker; what the server object has: ${Object.keys(server).join(", ")}.`);
}

export async function virtualTime() {
    mock.timers.enable({ apis: ["setTimeout"] });
    listening(http.get(MOCKED, async () => {
        await delay(MINUTES);
        return new HttpResponse("four minutes later");
    }));
    const answer = asked();
    await sleep(200);
    mock.timers.tick(MINUTES);
    const text = await Promise.race([answer, sleep(3000).then(() => "not answered")]);
    return no(`It runs no worker. With the mock timers of Node a handler's delay of four minutes: ${text}.`);
}

export async function sameSeedSameRun() {
    const runs = [];
    for (let run = 0; run < 3; run++) {
        const { stdout } = await promisify(execFile)(process.execPath,
            ["--random-seed=1", CELL, fileURLToPath(import.meta.url), "ordered"]);
        runs.push(stdout);
    }
    const different = new Set(runs).size;
    const seen = `Three runs with node --random-seed: 20 requests, answered by handlers after a random delay, ended in ` +
        `${different} different order${different === 1 ? "" : "s"}. No worker runs.`;
    return different === 1 ? partly(seen) : no(seen);
}

// Not a cell: one run.
export async function ordered() {
    const order = [];
    listening(http.get(`${ORIGIN}/mocked/:n`, async ({ params }) => {
        await delay(Math.floor(Math.random() * 20) * 50);
        return new HttpResponse(params.n);
    }));
    const one = (n) => fetch(`${ORIGIN}/mocked/${n}`).then((it) => it.text());
    await Promise.all(Array.from({ length: 20 }, (_, n) => one(n).then(() => order.push(n))));
    return order.join();
}

export async function userControls() {
    const server = listening(hello());
    return no(`No background fetch to control; what the server object has: ${Object.keys(server).join(", ")}.`);
}

export async function permissionAndQuota() {
    listening(hello());
    return no(`In Node navigator.permissions is ${typeof navigator.permissions}, navigator.storage ${typeof navigator.storage}.`);
}

export async function firesEvents() {
    const server = listening(hello());
    const came = [];
    for (const name of ["push", "sync", "periodicsync"]) server.events.on(name, () => came.push(name));
    server.events.on("request:start", () => came.push("request:start"));
    await asked();
    return no(`It runs no worker: of push, sync, periodicsync and its own events there came ${came.join(", ")}.`);
}

export async function namesLosingLine() {
    const words = [];
    for (const name of ["log", "warn", "error"]) mock.method(console, name, (...them) => words.push(them.join(" ")));
    setupServer().listen({ onUnhandledFrame: "error" });
    const error = await fetch(`${ORIGIN}/api/none`).then(() => null, told);
    mock.restoreAll();
    words.push(error ?? "");
    return no(`It runs no worker. A request without a handler: ${error ?? "went on"}; ` +
        `${words.some((word) => /\.m?js:\d+/.test(word)) ? "a" : "no"} line of code was named.`);
}

export async function worksWithoutBrowser() {
    process.env.PATH = "";
    listening(hello());
    return yes(`With an empty PATH a request was answered ${await asked()}.`);
}

export async function rendersPages() {
    listening(hello());
    return no(`In Node document is ${typeof globalThis.document}.`);
}

export async function realBrowser() {
    const page = await inChromium();
    const fetched = await page.evaluate(`fetch("/file/mocked?size=10").then((it) => it.text())`);
    return fetched === "from a handler"
        ? partly("In a page in Chromium a request was answered by a handler; the worker there is MSW's own.")
        : no(`In a page in Chromium the answer was ${fetched}.`);
}

export async function severalEngines() {
    listening(hello());
    const node = await asked();
    const page = await inChromium();
    const chromium = await page.evaluate(`fetch("/file/mocked?size=10").then((it) => it.text())`);
    return partly(`Node: ${node}; Chromium: ${chromium}. It brings no browser, and runs in the page of any.`);
}

export async function firstEvent() {
    listening(hello());
    return partly(`No worker's event: a request was answered ${await asked()}.`);
}
