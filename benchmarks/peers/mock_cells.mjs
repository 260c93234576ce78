// What is tried with a mock of the worker's scope, in Node. `open(text)` evaluates a worker's text and answers with
// { scope, trigger, caches, again, stop, stopName }; `script` is the peer's own, for what needs a process of its own.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { mock } from "node:test";
import { promisify } from "node:util";
import { no, ORIGIN, partly, rangesOf, SITE, sleep, told, until, yes } from "./shared.mjs";

const MINUTES = 240_000; // milliseconds: four, since an event may take five
const CELL = path.join(import.meta.dirname, "cell.mjs");

const text = (name) => readFile(path.join(SITE, name), "utf8");
// sw.js with what it imports in its place: for the cells that are not about importScripts().
const merged = async () => (await text("sw.js")).replace(/importScripts.*/, await text("names.js"));

async function installAndAsk(worker) {
    await worker.trigger("install");
    await worker.trigger("activate");
    const response = await worker.trigger("fetch", { request: `${ORIGIN}/shell.txt` });
    return await response.text();
}

export const mockCells = (open, script) => ({
    async runsYourWorker() {
        let failed;
        try {
            const answered = await installAndAsk(await open(await text("sw.js")));
            if (answered.startsWith("from the worker")) return yes("sw.js was installed and answered a fetch.");
            failed = `it answered ${answered}`;
        } catch (error) {
            failed = told(error);
        }
        const second = await merged().then(open).then(installAndAsk).catch(told);
        const seen = `sw.js, which has an importScripts(): ${failed}. With the imported file pasted in: ${second.trim()}.`;
        return second.startsWith("from the worker") ? partly(seen) : no(seen);
    },

    async hasBackgroundFetch() {
        const { scope } = await open(await merged());
        const type = typeof scope.registration.backgroundFetch;
        return type === "undefined"
            ? no(`registration.backgroundFetch is undefined, and so is BackgroundFetchManager: ${typeof scope.BackgroundFetchManager}.`)
            : yes(`registration.backgroundFetch is an ${type}.`);
    },

    async downloadsInTest() {
        const { scope, trigger } = await open(await merged());
        const started = await Promise.resolve()
            .then(() => scope.registration.backgroundFetch.fetch("a", "/file/a?size=1000"))
            .then(() => "it began", told);
        const fired = await Promise.resolve()
            .then(() => trigger("backgroundfetchsuccess", { registration: { matchAll: async () => [] } }))
            .then(() => "came", told);
        return no(`backgroundFetch.fetch(): ${started}. The event fired by hand: ${fired}.`);
    },

    async cutsNetwork() {
        const { scope } = await open(await merged());
        const url = `${ORIGIN}/file/dropped?size=1000000&drop=400000`;
        const ended = await scope.fetch(url).then((it) => it.arrayBuffer()).then((it) => `${it.byteLength} bytes`, told);
        const ranges = (await rangesOf("dropped")).slice(1);
        const seen = `It has no background fetch and no switch. The worker's own fetch, from a server that broke the ` +
            `connection: ${ended}; the server was asked for ${ranges.join() || "nothing more"}.`;
        return ranges.length ? partly(seen) : no(seen);
    },

    async survivesKill() {
        const child = spawn(process.execPath, [CELL, script, "downloadsForLong"], { stdio: ["ignore", "pipe", "inherit"] });
        const ended = once(child, "exit");
        await until(async () => (await rangesOf("long")).length > 0);
        await sleep(1000);
        child.kill("SIGKILL");
        await ended;
        const { caches } = await open(await merged());
        const names = await caches.keys();
        await sleep(2000);
        const again = (await rangesOf("long")).slice(1);
        const seen = `Killed while the worker downloaded: the next process has ${names.length} caches, and asked for ` +
            `${again.join() || "nothing"}.`;
        return again.length ? partly(seen) : no(seen);
    },

    // Not a cell: what is killed.
    async downloadsForLong() {
        const { scope } = await open(await merged());
        const cache = await scope.caches.open("files");
        await cache.put("/small", new scope.Response("small"));
        const response = await scope.fetch(`${ORIGIN}/file/long?size=8000000&rate=500000`);
        await cache.put("/long", new scope.Response(await response.text()));
    },

    async stopsWorkerBetweenEvents() {
        const worker = await open(await merged());
        const counts = [];
        const send = () => worker.trigger("message", {
            data: "count",
            source: { postMessage: ({ pushes }) => counts.push(pushes) },
        });
        await send();
        await send();
        await until(() => counts.length > 1, 2000);
        await worker.caches.open("before").then((it) => it.put("/before", new worker.scope.Response("it")));
        const how = await worker.again(await merged());
        await send();
        await until(() => counts.length > 2, 2000);
        const kept = await worker.caches.match("/before");
        const seen = `A counter in a global said ${counts.slice(0, 2)}, and after ${how} ${counts[2] ?? "nothing"}; the caches ` +
            `were ${kept ? "kept" : "lost"}.`;
        return counts[2] === 1 ? partly(`${seen} There is no stop.`) : no(seen);
    },

    async stopsWorkerAtAwait() {
        const worker = await open(await merged());
        const data = { wait: 500, name: "after-the-stop" };
        Promise.resolve(worker.trigger("message", { data })).catch(() => {});
        await sleep(100);
        await worker.stop();
        const wentOn = await until(async () => (await rangesOf("after-the-stop")).length > 0, 3000);
        return wentOn
            ? no(`${worker.stopName} while the handler waited: the handler went on.`)
            : partly(`${worker.stopName} while the handler waited: it did not go on.`);
    },

    async findsLosingAwait() {
        const { scope } = await open(await text("forgetful.js"));
        const names = Object.keys(scope).filter((name) => /stop|terminate|kill|destroy/i.test(name));
        return no(`A worker cannot be stopped: of its scope's ${Object.keys(scope).length} names ` +
            `${names.join(", ") || "none means it"}.`);
    },

    async virtualTime() {
        mock.timers.enable({ apis: ["setTimeout"] });
        const worker = await open(await merged());
        await worker.trigger("install");
        await worker.trigger("activate");
        const data = { wait: MINUTES, name: "minutes-later" };
        Promise.resolve(worker.trigger("message", { data })).catch(() => {});
        const sync = await Promise.resolve().then(() => worker.scope.registration.sync.register("never")).catch(told);
        await sleep(200);
        mock.timers.tick(MINUTES);
        mock.timers.reset();
        const fired = await until(async () => (await rangesOf("minutes-later")).length > 0, 3000);
        const tries = (await rangesOf("sync-never")).length;
        const seen = `With the mock timers of Node the worker's timer of four minutes ${fired ? "fired at once" : "did not fire"}. ` +
            `A sync that fails was tried ${tries} times${sync ? ` (${sync})` : ""}: nothing retries.`;
        return fired ? partly(seen) : no(seen);
    },

    async sameSeedSameRun() {
        const runs = [];
        for (let run = 0; run < 3; run++) {
            const { stdout } = await promisify(execFile)(process.execPath, ["--random-seed=1", CELL, script, "ordered"]);
            runs.push(JSON.parse(stdout));
        }
        const different = (key) => new Set(runs.map((run) => run[key])).size;
        const [random, order] = [different("random"), different("order")];
        const seen = `Three runs with node --random-seed: ${random} different Math.random(), 20 parallel requests ended in ` +
            `${order} different order${order === 1 ? "" : "s"}. Neither faults nor a schedule have a seed.`;
        return random > 1 && order > 1 ? no(seen) : partly(seen);
    },

    // Not a cell: one run.
    async ordered() {
        const { scope } = await open(await merged());
        const order = [];
        const one = (n) => scope.fetch(`${ORIGIN}/file/order${n}?size=100000`).then((it) => it.text());
        await Promise.all(Array.from({ length: 20 }, (_, n) => one(n).then(() => order.push(n))));
        return { random: Math.random(), order: order.join() };
    },

    async userControls() {
        const { scope, trigger } = await open(await merged());
        const clicked = await Promise.resolve()
            .then(() => trigger("backgroundfetchclick", { registration: { id: "a" } })).then(() => "came", told);
        return no(`No background fetch to control (${typeof scope.registration.backgroundFetch}). backgroundfetchclick fired ` +
            `by hand: ${clicked}.`);
    },

    async permissionAndQuota() {
        const { scope } = await open(await merged());
        const state = await Promise.resolve().then(() => scope.registration.pushManager.permissionState()).catch(told);
        const types = [typeof scope.navigator.permissions?.query, typeof scope.navigator.storage?.estimate];
        return no(`pushManager.permissionState(): ${state}; navigator.permissions.query is ${types[0]}, ` +
            `navigator.storage.estimate ${types[1]}.`);
    },

    async firesEvents() {
        const worker = await open(await merged());
        const said = [];
        const right = { push: "it rains 1", sync: "outbox", periodicsync: "news" };
        const events = {
            push: { data: { text: () => "it rains" } },
            sync: { tag: "outbox" },
            periodicsync: { tag: "news" },
        };
        let good = 0;
        for (const [name, init] of Object.entries(events)) {
            const failed = await Promise.resolve().then(() => worker.trigger(name, init)).then(() => null, told);
            await sleep(100);
            const noted = await Promise.resolve(worker.caches.match(`/log/${name}`)).then((it) => it?.text()).catch(told);
            said.push(`${name} ${noted === undefined ? `(${failed ?? "nothing came"})` : `("${noted}")`}`);
            good += noted === right[name];
        }
        const seen = `Fired by hand, with a push's data and a sync's tag: ${said.join(", ")}.`;
        return good === 3 ? yes(seen) : good ? partly(seen) : no(seen);
    },

    async namesLosingLine() {
        const words = [];
        for (const name of ["log", "info", "warn", "error"]) mock.method(console, name, (...them) => words.push(them.join(" ")));
        process.on("warning", (warning) => words.push(warning.message));
        const worker = await open(await text("careless.js"));
        await worker.trigger("sync");
        await sleep(500);
        mock.restoreAll();
        const named = words.filter((word) => word.includes("careless"));
        return named.length
            ? yes(`It said: ${named[0]}`)
            : no(`A sync handler without waitUntil ran, and ${words.length ? words.join("; ") : "nothing was said"}.`);
    },

    async worksWithoutBrowser() {
        process.env.PATH = "";
        const ran = await merged().then(open).then(installAndAsk);
        return yes(`With an empty PATH the worker was installed and answered a fetch: ${ran.trim()}.`);
    },

    async rendersPages() {
        const { scope } = await open(await merged());
        return no(`document is ${typeof scope.document} in the worker and ${typeof globalThis.document} outside.`);
    },

    async realBrowser() {
        const { scope } = await open(await merged());
        return no(`navigator.userAgent is "${scope.navigator.userAgent}": Node ${process.versions.node}.`);
    },

    async severalEngines() {
        await open(await merged());
        return no(`One engine, Node's V8 ${process.versions.v8}.`);
    },

    async firstEvent() {
        const worker = await open(await merged());
        await worker.trigger("install");
        return yes("The install event came.");
    },
});

