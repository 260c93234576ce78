// What is tried in a browser, whoever drives it. `start(options)` opens a browser on a profile and answers with a driver:
// page (evaluate, send), worker() (evaluate, send), send, event, click, screenshot, commands, everythingTold, kill; goOffline()
// and goOnline() with `offlineBy`, the names of what they do.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { no, ORIGIN, partly, rangesOf, SITE, sleep, told, until, yes } from "./shared.mjs";

const MIB = 1 << 20;
const AN_HOUR = 3_600_000; // milliseconds
const MINUTES = 240_000; // milliseconds: four, since an event may take five
const LATER = JSON.stringify({ wait: MINUTES, name: "minutes-later" });

// In a page.
export const REGISTER = (script) =>
    `navigator.serviceWorker.register("${script}").then(() => navigator.serviceWorker.ready).then((it) => it.scope)`;
const START = (id, url, more) => `(async () => {
    const registration = await navigator.serviceWorker.ready;
    self["${id}"] = await registration.backgroundFetch.fetch("${id}", "${url}", { title: "A file", ${more} });
    return self["${id}"].id;
})()`;
const KEPT = (url) => `caches.match("${url}").then((it) => it?.arrayBuffer()).then((it) => it?.byteLength ?? 0)`;
const NOTED = (name) => `caches.match("/log/${name}").then((it) => it?.text())`;

// A browser with the site open and its worker active.
async function visit(start, { script = "/sw.js", ...options } = {}) {
    const driver = await start({ ...options, url: `${ORIGIN}/index.html` });
    await driver.page.evaluate(REGISTER(script));
    return driver;
}

const fileUrl = (name, query) => `/file/${name}?${new URLSearchParams(query)}`;

// Starts a background fetch of one file, which the page then finds under `name`; answers with the file's URL.
async function download(driver, name, query, more = "") {
    const url = fileUrl(name, query);
    await driver.click(); // without one, Chromium lets a page download one file only
    await driver.page.evaluate(START(name, url, more));
    return url;
}

const settled = (driver, name, milliseconds = 20_000) =>
    until(() => driver.page.evaluate(`${name}.result && [${name}.result, ${name}.failureReason]`), milliseconds);

// The running worker's version, as the protocol's ServiceWorker domain has it.
async function runningVersion(driver) {
    await driver.page.send("ServiceWorker.enable");
    const update = await driver.event("ServiceWorker.workerVersionUpdated", (event) =>
        event.params.versions.some((version) => version.runningStatus === "running"));
    return update.params.versions[0].versionId;
}

export const browserCells = (start) => ({
    async runsYourWorker() {
        const driver = await visit(start);
        const text = await driver.page.evaluate(`fetch("/shell.txt").then((it) => it.text())`);
        if (!text.startsWith("from the worker")) return no(`fetch("/shell.txt") answered ${text}`);
        return yes("sw.js was registered, filled its cache at install, and answered a fetch from it.");
    },

    async hasBackgroundFetch() {
        const driver = await visit(start);
        const type = await driver.page.evaluate(
            `navigator.serviceWorker.ready.then((it) => typeof it.backgroundFetch?.fetch)`);
        if (type !== "function") return no(`registration.backgroundFetch.fetch is ${type}.`);
        return yes("registration.backgroundFetch.fetch is a function.");
    },

    async downloadsInTest() {
        const driver = await visit(start);
        const url = await download(driver, "whole", { size: MIB });
        const size = await until(() => driver.page.evaluate(KEPT(url)));
        if (size !== MIB) return no(`The cache has ${size} of ${MIB} bytes.`);
        return yes("1 MiB came over the network, headless; backgroundfetchsuccess put it into a cache.");
    },

    // All that the driver has against a network first; then a server that breaks the connection.
    async cutsNetwork() {
        const driver = await visit(start);
        await download(driver, "cut", { size: 2 * MIB, rate: MIB / 2 }, `downloadTotal: ${2 * MIB}`);
        await until(() => driver.page.evaluate("cut.downloaded > 200000"));
        await driver.goOffline();
        const refused = await driver.page.evaluate(`fetch("/x").then(() => false, () => true)`);
        const before = await driver.page.evaluate("cut.downloaded");
        await sleep(1500);
        const after = await driver.page.evaluate("cut.downloaded");
        const cut = after === before;
        await driver.page.evaluate("cut.abort()").catch(() => {});
        await driver.goOnline();
        await download(driver, "dropped", { size: MIB, drop: MIB / 2 });
        const [result] = await settled(driver, "dropped") ?? ["nothing"];
        const ranges = await rangesOf("dropped");
        const resumed = result === "success" && ranges.at(-1) === `bytes=${MIB / 2}-`;
        const seen = `${driver.offlineBy}: a page's fetch() ${refused ? "failed" : "went on"}, the background ` +
            `fetch ${cut ? "stood still" : `went on (${before} to ${after} bytes)`}. A server that broke the ` +
            `connection was asked for Range ${ranges.slice(1).join(", ") || "nothing more"}: ${result}.`;
        if (cut && resumed) return yes(seen);
        return cut || resumed ? partly(seen) : no(seen);
    },

    async survivesKill() {
        const driver = await visit(start);
        const query = { size: 12 * MIB, rate: MIB / 2 };
        const url = await download(driver, "killed", query, `downloadTotal: ${12 * MIB}`);
        await until(() => driver.page.evaluate(`killed.downloaded > ${8 * MIB}`), 60_000); // some 16 s
        await driver.kill();
        const next = await start({ profile: driver.profile, url: `${ORIGIN}/index.html` });
        const kept = await until(() => next.page.evaluate(KEPT(url)), 60_000);
        const again = (await rangesOf("killed")).slice(1);
        const seen = `After kill -9 the next start asked for ${again.map((it) => it ?? "the whole file").join(", ") ||
            "nothing"}; the cache then had ${kept ?? 0} of ${12 * MIB} bytes.`;
        if (kept !== 12 * MIB) return no(seen);
        return again.some((range) => range !== null) ? yes(seen) : partly(seen);
    },

    async stopsWorkerBetweenEvents() {
        const driver = await visit(start);
        const count = `new Promise((resolve) => {
            navigator.serviceWorker.onmessage = (event) => resolve(event.data.pushes);
            navigator.serviceWorker.ready.then((it) => it.active.postMessage("count"));
        })`;
        const counts = [await driver.page.evaluate(count), await driver.page.evaluate(count)];
        await driver.page.send("ServiceWorker.stopWorker", { versionId: await runningVersion(driver) });
        await until(async () => (await driver.worker()) === null);
        counts.push(await driver.page.evaluate(count));
        const seen = `A counter in a global said ${counts.slice(0, 2).join(", ")}, and after ServiceWorker.stopWorker ` +
            `${counts[2]}.`;
        return counts.join() === "1,2,1" ? yes(seen) : no(seen);
    },

    // A breakpoint at the await, and the worker is stopped while it is paused there.
    async stopsWorkerAtAwait() {
        const driver = await visit(start);
        const versionId = await runningVersion(driver);
        const lines = (await readFile(path.join(SITE, "sw.js"), "utf8")).split("\n");
        const lineNumber = lines.findIndex((line) => line.includes("await cache.put(record.request"));
        const worker = await driver.worker();
        await worker.send("Debugger.enable");
        await worker.send("Debugger.setBreakpointByUrl", { lineNumber, url: `${ORIGIN}/sw.js` });
        const url = await download(driver, "stopped", { size: MIB });
        if (!await driver.event("Debugger.paused")) return no("The breakpoint in the worker was never reached.");
        await driver.page.send("ServiceWorker.stopWorker", { versionId });
        const stopped = await until(async () => (await driver.worker()) === null, 5000);
        await sleep(3000);
        const kept = await driver.page.evaluate(KEPT(url));
        if (!stopped) return no(`Paused at line ${lineNumber + 1}, the worker was not stopped.`);
        if (kept) return no(`The worker was stopped, and still stored ${kept} bytes.`);
        const left = await driver.page.evaluate(
            `navigator.serviceWorker.ready.then((it) => it.backgroundFetch.getIds()).then((it) => it.length)`);
        return yes(`A breakpoint at line ${lineNumber + 1} and ServiceWorker.stopWorker: stopped there. The event did not ` +
            `come again, and the download was ${left ? "still listed" : "gone"}.`);
    },

    // Whatever can end a worker, by its name.
    async findsLosingAwait() {
        const driver = await visit(start, { script: "/forgetful.js" });
        const stops = (await driver.commands()).filter((name) => /worker/i.test(name) && /stop|terminate|kill|sweep/i.test(name));
        return no(`A stop is one command at one moment (${stops.join(", ") || "none of its own, two of the protocol"}); none ` +
            `goes through the awaits or compares what is left.`);
    },

    async virtualTime() {
        const driver = await visit(start);
        await driver.page.evaluate(`navigator.serviceWorker.ready.then((it) => it.active.postMessage(${LATER}))`);
        await driver.page.evaluate(
            `navigator.serviceWorker.ready.then((it) => it.sync.register("never")).catch((error) => error.message)`);
        await sleep(500);
        const begun = performance.now();
        // Its answer may come only when the time has passed.
        (await driver.worker()).send("Emulation.setVirtualTimePolicy", { policy: "advance", budget: 2 * AN_HOUR }).catch(told);
        const fired = await until(async () => (await rangesOf("minutes-later")).length > 0, 30_000);
        const seconds = ((performance.now() - begun) / 1000).toFixed(1);
        const tries = (await rangesOf("sync-never")).length;
        const timer = fired ? `fired after ${seconds} s` : "did not fire";
        const seen = `Emulation.setVirtualTimePolicy: the worker's timer of four minutes ${timer}; a sync that failed, due again ` +
            `after five minutes, was tried ${tries} time${tries === 1 ? "" : "s"}.`;
        return fired ? (tries > 1 ? yes(seen) : partly(seen)) : no(seen);
    },

    async sameSeedSameRun() {
        const orders = [];
        const randoms = [];
        for (let run = 0; run < 3; run++) {
            const driver = await visit(start, { fresh: true, flags: ["--js-flags=--random-seed=1"] });
            randoms.push(await (await driver.worker()).evaluate("Math.random()"));
            orders.push(await driver.page.evaluate(`(async () => {
                const order = [];
                const one = (n) => fetch("/file/order" + n + "?size=100000").then((it) => it.arrayBuffer());
                await Promise.all(Array.from({ length: 20 }, (_, n) => one(n).then(() => order.push(n))));
                return order.join();
            })()`));
            await driver.kill();
        }
        const [random, order] = [new Set(randoms).size, new Set(orders).size];
        const seen = `Three runs with V8's --random-seed: Math.random() in the worker gave ${random} different ` +
            `number${random === 1 ? "" : "s"}, 20 parallel requests ended in ${order} different order${order === 1 ? "" : "s"}.`;
        return random > 1 && order > 1 ? no(seen) : partly(seen);
    },

    // The protocol's methods whose names could mean it; then a script's own abort(), which a user's may be taken for.
    async userControls() {
        const driver = await visit(start);
        const commands = await driver.commands();
        const near = commands.filter((name) => /background.?fetch|(pause|resume|abort|click).*(download|fetch)/i.test(name));
        await driver.send("Browser.setDownloadBehavior", { behavior: "default", eventsEnabled: true });
        await download(driver, "controlled", { size: 2 * MIB, rate: MIB / 4 });
        await sleep(1000);
        const listed = await driver.event("Browser.downloadWillBegin", () => true, 500);
        const cancelled = await driver.send("Browser.cancelDownload", { guid: "controlled" }).then(() => true, () => false);
        await driver.page.evaluate("controlled.abort()");
        const aborted = await until(() => driver.page.evaluate(NOTED("abort")), 5000);
        const seen = `No command for pause or click (${near.join(", ") || "no name that fits"}); Browser.cancelDownload ` +
            `${listed || cancelled ? "knows the download" : "does not know the download"}. The page's own abort() ` +
            `${aborted ? "fires" : "does not fire"} backgroundfetchabort.`;
        return aborted ? partly(seen) : no(seen);
    },

    async permissionAndQuota() {
        const denied = await visit(start, { fresh: true });
        await denied.send("Browser.setPermission", {
            origin: ORIGIN,
            permission: { name: "background-fetch" },
            setting: "denied",
        });
        const state = await denied.page.evaluate(
            `navigator.permissions.query({ name: "background-fetch" }).then((it) => it.state)`);
        const refused = await download(denied, "denied", { size: 1000 }).then(() => null, told);
        const [result] = refused ? [refused] : await settled(denied, "denied", 5000) ?? ["nothing"];
        await denied.kill();
        const driver = await visit(start, { fresh: true });
        await driver.page.send("Storage.overrideQuotaForOrigin", { origin: ORIGIN, quotaSize: 500_000 });
        await download(driver, "large", { size: 3 * MIB });
        const [, reason] = await settled(driver, "large") ?? [];
        const seen = `Permission set to denied: query() said ${state}, the background fetch: ${result}. Quota set to 500 kB: ` +
            `${reason ?? "nothing"}.`;
        const both = (refused !== null) + (reason === "quota-exceeded");
        return both === 2 ? yes(seen) : both ? partly(seen) : no(seen);
    },

    async firesEvents() {
        const driver = await visit(start);
        await driver.send("Browser.grantPermissions", {
            origin: ORIGIN,
            permissions: ["notifications", "backgroundSync", "periodicBackgroundSync"],
        });
        await driver.page.send("ServiceWorker.enable");
        const update = await driver.event("ServiceWorker.workerRegistrationUpdated", (event) =>
            event.params.registrations.length > 0);
        const at = { origin: ORIGIN, registrationId: update.params.registrations[0].registrationId };
        await driver.page.send("ServiceWorker.deliverPushMessage", { ...at, data: "it rains" });
        await driver.page.send("ServiceWorker.dispatchSyncEvent", { ...at, tag: "outbox", lastChance: false });
        await driver.page.send("ServiceWorker.dispatchPeriodicSyncEvent", { ...at, tag: "news" });
        const came = [];
        for (const name of ["push", "sync", "periodicsync"]) {
            if (await until(() => driver.page.evaluate(NOTED(name)), 5000)) came.push(name);
        }
        const seen = `deliverPushMessage, dispatchSyncEvent, dispatchPeriodicSyncEvent: ${came.join(", ") || "nothing"} came.`;
        return came.length === 3 ? yes(seen) : came.length ? partly(seen) : no(seen);
    },

    // All that the browser has to say, of the page and of the worker, while a worker makes the usual mistake.
    async namesLosingLine() {
        const driver = await visit(start, { script: "/careless.js" });
        const worker = await driver.worker();
        for (const domain of ["Log.enable", "Audits.enable", "Runtime.enable"]) {
            await driver.page.send(domain);
            await worker.send(domain);
        }
        let kept = 0;
        for (let n = 0; n < 5; n++) {
            const url = await download(driver, `careless${n}`, { size: 1000 });
            await settled(driver, `careless${n}`);
            await sleep(500);
            kept += await driver.page.evaluate(KEPT(url)) === 1000;
        }
        const words = (await driver.everythingTold()).filter((word) => word.includes("careless.js"));
        const line = /careless\.js.*?(\w*Error[^"\\]*)/.exec(words[0] ?? "")?.[1];
        const seen = `careless.js forgets waitUntil; of five downloads ${kept} were kept. Console, log and audits of page and ` +
            `worker: ${words.length ? `${words.length} uncaught rejections (${line})` : "nothing about it"}.`;
        return words.length ? partly(`${seen} The loss was told once it had happened, its cause not.`) : no(seen);
    },

    async rendersPages() {
        const driver = await visit(start);
        const width = await driver.page.evaluate(`document.querySelector("#text").getBoundingClientRect().width`);
        const picture = await driver.screenshot();
        const seen = `A paragraph is ${width} pixels wide; the screenshot has ${picture.length} bytes of PNG.`;
        return width === 200 && picture.length > 1000 ? yes(seen) : no(seen);
    },

    async realBrowser() {
        const driver = await visit(start);
        const agent = await (await driver.worker()).evaluate("navigator.userAgent");
        const version = /(Headless)?Chrom[a-z]+\/[\d.]+/.exec(agent)?.[0];
        return version ? yes(`The worker's navigator.userAgent has ${version}.`) : no(`navigator.userAgent is ${agent}.`);
    },

    async firstEvent() {
        const driver = await start({ url: `${ORIGIN}/index.html` });
        await driver.page.evaluate(REGISTER("/sw.js"));
        const text = await driver.page.evaluate(`fetch("/shell.txt").then((it) => it.text())`);
        return yes(`The worker answered: ${text.trim()}`);
    },
});
