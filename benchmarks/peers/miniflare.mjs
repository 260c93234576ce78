// Miniflare: workerd, the runtime of Cloudflare Workers, which has the fetch event of a service worker and its caches.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { FOLDER, load, no, ORIGIN, partly, rangesOf, require, SITE, sleep, told, until, yes } from "./shared.mjs";

const { Miniflare } = await load("miniflare");
const { compatibilityDate } = require("workerd");
const MINUTES = 240_000; // milliseconds: four, since an event may take five

const text = (name) => readFile(path.join(SITE, name), "utf8");
const merged = async () => (await text("sw.js")).replace(/importScripts.*/, await text("names.js"));

// A worker whose fetch event runs `body`, an async function's; `value` is what it returns.
const answering = (body) => `
let count = 0;
addEventListener("fetch", (event) => event.respondWith((async () => {
    const name = new URL(event.request.url).searchParams.get("name");
    const value = await (async () => {${body}})();
    return new Response(JSON.stringify(value ?? null));
})()));`;

const options = (script) => ({
    script,
    compatibilityDate,
    cachePersist: path.join(FOLDER, "cache"),
    handleRuntimeStdio() {}, // what it prints is looked at where it counts
});
const open = (script) => new Miniflare(options(script));
const ask = async (miniflare, query = "") => (await miniflare.dispatchFetch(`${ORIGIN}/ask?${query}`)).json();
const ran = async (body, query) => {
    const miniflare = open(answering(body));
    try {
        return await ask(miniflare, query);
    } finally {
        await miniflare.dispose();
    }
};

async function shell(script) {
    const said = [];
    const miniflare = new Miniflare({
        ...options(script),
        handleRuntimeStdio: (_, stderr) => stderr.on("data", (data) => said.push(String(data))),
    });
    const answer = await miniflare.dispatchFetch(`${ORIGIN}/shell.txt`)
        .then(async (it) => (await it.text()).split("\n")[0], told);
    await miniflare.dispose().catch(() => {}); // what never started cannot be ended
    return /Uncaught ([^\n]*)/.exec(said.join(""))?.[1] ?? answer;
}

export async function runsYourWorker() {
    const first = await shell(await text("sw.js"));
    const second = await shell(await merged());
    const seen = `sw.js: ${first}. With the imported file pasted in, its fetch event came (install did not): ${second}`;
    if (first.startsWith("from the worker")) return yes(seen);
    return second.startsWith("from the worker") ? partly(seen) : no(seen);
}

export async function hasBackgroundFetch() {
    const types = await ran(`return [typeof self.registration, typeof self.BackgroundFetchManager];`);
    return no(`registration is ${types[0]}, BackgroundFetchManager ${types[1]}.`);
}

export async function downloadsInTest() {
    const error = await ran(`try { await self.registration.backgroundFetch.fetch("a", "/a"); } catch (error) {
        return error.message; }`);
    return no(`registration.backgroundFetch.fetch(): ${error}.`);
}

export async function cutsNetwork() {
    const ended = await ran(`try {
        return (await (await fetch("${ORIGIN}/file/dropped?size=1000000&drop=400000")).arrayBuffer()).byteLength;
    } catch (error) { return error.message; }`);
    const ranges = (await rangesOf("dropped")).slice(1);
    const seen = `It has no background fetch. The worker's own fetch, from a server that broke the connection: ${ended}; ` +
        `the server was asked for ${ranges.join() || "nothing more"}.`;
    return ranges.length ? partly(seen) : no(seen);
}

const STORE = answering(`
    const cache = await caches.open("files");
    if (name === "small") return cache.put("${ORIGIN}/small", new Response("small", { headers: { "Cache-Control": "max-age=9" } }));
    if (name === "large") return cache.put("${ORIGIN}/large", await fetch("${ORIGIN}/file/long?size=8000000&rate=500000"));
    return [!!await cache.match("${ORIGIN}/small"), !!await cache.match("${ORIGIN}/large")];`);

export async function survivesKill() {
    const cell = path.join(import.meta.dirname, "cell.mjs");
    const child = spawn(process.execPath, [cell, fileURLToPath(import.meta.url), "downloadsForLong"], {
        detached: true,
        stdio: ["ignore", "ignore", "inherit"],
    });
    const ended = once(child, "exit");
    await until(async () => (await rangesOf("long")).length > 0);
    await sleep(1000);
    process.kill(-child.pid, "SIGKILL"); // workerd as well
    await ended;
    const next = open(STORE);
    const [small, large] = await ask(next, "name=look");
    await sleep(2000);
    const again = (await rangesOf("long")).slice(1);
    await next.dispose();
    const seen = `Killed while the worker stored a download: what had been stored before is ${small ? "there" : "gone"}, the ` +
        `download ${large ? "too" : "not"}; the next process asked for ${again.join() || "nothing"}.`;
    return again.length ? partly(seen) : no(seen);
}

// Not a cell: what is killed.
export async function downloadsForLong() {
    const miniflare = open(STORE);
    await ask(miniflare, "name=small");
    await ask(miniflare, "name=large");
}

export async function stopsWorkerBetweenEvents() {
    const script = answering(`
        const cache = await caches.open("files");
        const kept = !!await cache.match("${ORIGIN}/small");
        await cache.put("${ORIGIN}/small", new Response("small", { headers: { "Cache-Control": "max-age=9" } }));
        return [++count, kept];`);
    const miniflare = open(script);
    const counts = [await ask(miniflare), await ask(miniflare)];
    await miniflare.setOptions(options(script));
    counts.push(await ask(miniflare));
    await miniflare.dispose();
    const seen = `A counter in a global said ${counts[0][0]}, ${counts[1][0]}, and after setOptions() ${counts[2][0]}; the caches ` +
        `were ${counts[2][1] ? "kept" : "lost"}.`;
    return counts[2][0] === 1 && counts[2][1] ? yes(seen) : no(seen);
}

export async function stopsWorkerAtAwait() {
    const miniflare = open(answering(`
        await fetch("${ORIGIN}/file/held?size=500000&rate=250000").then((it) => it.arrayBuffer());
        await fetch("${ORIGIN}/file/after-the-stop?size=1");`));
    const asked = ask(miniflare).catch(told);
    await until(async () => (await rangesOf("held")).length > 0);
    await miniflare.dispose();
    await asked;
    const wentOn = await until(async () => (await rangesOf("after-the-stop")).length > 0, 4000);
    const seen = `dispose() while the handler waited for the server: it ${wentOn ? "went on" : "did not go on"}.`;
    return wentOn ? no(seen) : partly(`${seen} All of the runtime ends, and a test knows of an await only by the network.`);
}

export async function findsLosingAwait() {
    const miniflare = open(answering(`return 1;`));
    await ask(miniflare);
    const names = Object.getOwnPropertyNames(Miniflare.prototype).filter((name) => /stop|terminate|kill|dispose|setOptions/i.test(name));
    await miniflare.dispose();
    return no(`A stop is one call at one moment (${names.join(", ")}); none goes through the awaits or compares what is left.`);
}

export async function virtualTime() {
    const { mock } = await import("node:test");
    mock.timers.enable({ apis: ["setTimeout"] });
    const miniflare = open(answering(`
        event.waitUntil((async () => {
            await new Promise((resolve) => setTimeout(resolve, ${MINUTES}));
            await fetch("${ORIGIN}/file/minutes-later?size=1");
        })());
        return null;`));
    await ask(miniflare);
    mock.timers.tick(MINUTES);
    mock.timers.reset();
    const fired = await until(async () => (await rangesOf("minutes-later")).length > 0, 3000);
    await miniflare.dispose();
    const seen = `With the mock timers of Node the worker's timer of four minutes ${fired ? "fired" : "did not fire"}: the worker ` +
        `runs in another process.`;
    return fired ? partly(seen) : no(seen);
}

export async function sameSeedSameRun() {
    const runs = [];
    for (let run = 0; run < 3; run++) {
        runs.push(await ran(`
            const order = [];
            const one = (n) => fetch("${ORIGIN}/file/order" + n + "?size=100000").then((it) => it.arrayBuffer());
            await Promise.all(Array.from({ length: 20 }, (_, n) => one(n).then(() => order.push(n))));
            return [Math.random(), order.join()];`));
    }
    const [random, order] = [0, 1].map((index) => new Set(runs.map((run) => run[index])).size);
    const seen = `Three runs: ${random} different Math.random(), 20 parallel requests ended in ${order} different ` +
        `order${order === 1 ? "" : "s"}. There is no option for a seed.`;
    return random > 1 ? no(seen) : partly(seen);
}

export async function userControls() {
    const type = await ran(`return typeof self.registration;`);
    return no(`No background fetch to control: registration is ${type}.`);
}

export async function permissionAndQuota() {
    const types = await ran(`return [typeof navigator.permissions, typeof navigator.storage?.estimate];`);
    return no(`navigator.permissions is ${types[0]}, navigator.storage.estimate ${types[1]}.`);
}

export async function firesEvents() {
    const names = ["push", "sync", "periodicsync", "scheduled"];
    const miniflare = open(`${answering(`return (await (await caches.open("log")).match("${ORIGIN}/" + name))?.text() ?? null;`)}
        for (const name of ${JSON.stringify(names)}) addEventListener(name, (event) => event.waitUntil((async () => {
            const cache = await caches.open("log");
            await cache.put("${ORIGIN}/" + name, new Response(name, { headers: { "Cache-Control": "max-age=9" } }));
        })()));`);
    const worker = await miniflare.getWorker();
    const came = [];
    for (const name of names) {
        await Promise.resolve().then(() => worker[name]({ tag: name, cron: "* * * * *" })).catch(() => {});
        if (await ask(miniflare, `name=${name}`)) came.push(name);
    }
    await miniflare.dispose();
    const seen = `Of push, sync, periodicsync and scheduled, called on getWorker(), there came: ${came.join(", ") || "none"}.`;
    return ["push", "sync", "periodicsync"].every((name) => came.includes(name)) ? yes(seen) : no(seen);
}

export async function namesLosingLine() {
    const said = [];
    const listen = (stream) => stream.on("data", (data) => said.push(String(data)));
    const miniflare = new Miniflare({
        ...options(answering(`
            caches.open("files").then(async (cache) => {
                const response = await fetch("${ORIGIN}/file/lost?size=100000&rate=100000");
                await cache.put("${ORIGIN}/lost", response);
                await fetch("${ORIGIN}/file/stored?size=1");
            });
            return null;`)),
        handleRuntimeStdio: (stdout, stderr) => [stdout, stderr].forEach(listen),
    });
    await ask(miniflare);
    const stored = await until(async () => (await rangesOf("stored")).length > 0, 4000);
    await miniflare.dispose();
    const seen = `A fetch handler that stores without waitUntil: ${stored ? "it was stored" : "it was lost"}, and workerd said ` +
        `${said.length ? `"${said.join("").trim().slice(0, 150)}"` : "nothing"}.`;
    return said.some((word) => /:\d+/.test(word)) ? partly(seen) : no(seen);
}

export async function worksWithoutBrowser() {
    process.env.PATH = "";
    const value = await ran(`return 1 + 1;`);
    return value === 2 ? yes("With an empty PATH a worker answered a fetch.") : no(`It answered ${value}.`);
}

export async function rendersPages() {
    const type = await ran(`return [typeof document, typeof HTMLRewriter];`);
    return no(`document is ${type[0]} in the worker (HTMLRewriter, which edits a stream of HTML, is a ${type[1]}).`);
}

export async function realBrowser() {
    const agent = await ran(`return navigator.userAgent;`);
    return no(`navigator.userAgent is "${agent}": workerd.`);
}

export async function severalEngines() {
    const { version } = require("workerd/package.json");
    await ran(`return null;`);
    return no(`One engine, V8 in workerd ${version}.`);
}

export async function firstEvent() {
    const value = await ran(`return "came";`);
    return yes(`The fetch event ${value}.`);
}
