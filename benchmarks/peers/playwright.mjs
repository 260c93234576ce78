// Playwright driving the installed Chromium: its own calls where it has them, its CDPSession for the rest.
import path from "node:path";
import { browserCells } from "./browser_cells.mjs";
import { CHROMIUM, FLAGS } from "./chrome.mjs";
import { FOLDER, load, no, ORIGIN, partly, rangesOf, sleep, told, until, yes } from "./shared.mjs";

const { chromium, firefox, webkit } = (await load("playwright-core")).default;
const AN_HOUR = 3_600_000; // milliseconds
const MINUTES = 240_000; // milliseconds: four, since an event may take five
const TOLD = [
    "ServiceWorker.workerVersionUpdated", "ServiceWorker.workerRegistrationUpdated", "Browser.downloadWillBegin",
    "Debugger.paused", "Log.entryAdded", "Audits.issueAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown",
];

let profiles = 0;

async function start({ url, profile = path.join(FOLDER, `profile-${++profiles}`), flags = [] }) {
    const context = await chromium.launchPersistentContext(profile, {
        executablePath: CHROMIUM,
        args: [...FLAGS, ...flags],
        timeout: 60_000,
    });
    const page = context.pages()[0] ?? await context.newPage();
    const sessions = { page: await context.newCDPSession(page), browser: await context.browser().newBrowserCDPSession() };
    const events = [];
    for (const session of Object.values(sessions)) {
        for (const method of TOLD) session.on(method, (params) => events.push({ method, params }));
    }
    const { processInfo } = await sessions.browser.send("SystemInfo.getProcessInfo");
    const { id: pid } = processInfo.find((each) => each.type === "browser");
    await page.goto(url);
    return {
        profile,
        context,
        playwrightPage: page,
        page: {
            evaluate: (expression) => page.evaluate(expression),
            send: (method, params) => sessions.page.send(method, params),
        },
        worker: () => runningWorker(context, sessions.browser, events),
        send: (method, params) => sessions.browser.send(method, params),
        event: (method, fits = () => true, milliseconds = 15_000) =>
            until(() => events.find((event) => event.method === method && fits(event)), milliseconds),
        click: () => page.mouse.click(20, 20),
        offlineBy: "context.setOffline() and context.route() that aborts all",
        async goOffline() {
            await context.setOffline(true);
            await context.route("**", (route) => route.abort());
        },
        async goOnline() {
            await context.setOffline(false);
            await context.unrouteAll();
        },
        commands: async () => [context, page, context.browser()].flatMap((object) =>
            Object.getOwnPropertyNames(Object.getPrototypeOf(object)).map((name) => `${object.constructor.name}.${name}`)),
        everythingTold: async () => events
            .filter((event) => /^(Log|Audits|Runtime\.(console|exception))/.test(event.method))
            .map((event) => JSON.stringify(event.params)),
        screenshot: () => page.screenshot(),
        async kill() {
            process.kill(pid, "SIGKILL");
            await new Promise((resolve) => context.on("close", resolve));
        },
    };
}

// The service worker that runs now, null where none does; Playwright's Worker evaluates in it, and the protocol's messages
// go to it through a session with the browser (a CDPSession is for pages only).
async function runningWorker(context, browser, events) {
    const { targetInfos } = await browser.send("Target.getTargets");
    const target = targetInfos.find((each) => each.type === "service_worker");
    if (!target) return null;
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId: target.targetId, flatten: false });
    const waiting = new Map();
    browser.on("Target.receivedMessageFromTarget", ({ sessionId: from, message }) => {
        if (from !== sessionId) return;
        const { id, result, error, method, params } = JSON.parse(message);
        if (id === undefined) {
            events.push({ method, params });
            return;
        }
        const { resolve, reject } = waiting.get(id);
        if (error) reject(new Error(error.message));
        else resolve(result);
    });
    let last = 0;
    return {
        evaluate: async (expression) => (await until(() => context.serviceWorkers()[0])).evaluate(expression),
        send(method, params = {}) {
            const id = ++last;
            return new Promise((resolve, reject) => {
                waiting.set(id, { resolve, reject });
                browser.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method, params }) })
                    .catch(reject);
            });
        },
    };
}

const shared = browserCells(start);

export const {
    runsYourWorker, hasBackgroundFetch, downloadsInTest, cutsNetwork, survivesKill, stopsWorkerBetweenEvents,
    stopsWorkerAtAwait, findsLosingAwait, sameSeedSameRun, userControls, permissionAndQuota, firesEvents, namesLosingLine,
    rendersPages, realBrowser, firstEvent,
} = shared;

// Its own clock first, which is the page's.
export async function virtualTime() {
    const driver = await start({ url: `${ORIGIN}/index.html` });
    await driver.playwrightPage.clock.install();
    await driver.page.evaluate(`navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready)`);
    await driver.page.evaluate(`navigator.serviceWorker.ready.then((it) =>
        it.active.postMessage({ wait: ${MINUTES}, name: "by-the-pages-clock" }))`);
    await sleep(500);
    await driver.playwrightPage.clock.fastForward(2 * AN_HOUR);
    const fired = await until(async () => (await rangesOf("by-the-pages-clock")).length > 0, 3000);
    await driver.kill();
    const { answer, seen } = await shared.virtualTime();
    return { answer, seen: `page.clock: the worker's timer ${fired ? "fired" : "did not fire"}. ${seen}` };
}

export async function worksWithoutBrowser() {
    const error = await chromium.launch().then(() => null, told);
    return error ? no(`Without a browser: ${error}.`) : yes("It launched a browser that came with it.");
}

export async function severalEngines() {
    const said = [];
    let launched = 0;
    for (const engine of [chromium, firefox, webkit]) {
        const options = engine === chromium ? { executablePath: CHROMIUM, args: FLAGS } : {};
        const version = await engine.launch(options).then((browser) => browser.version(), (error) => {
            if (!/executable doesn't exist/i.test(error.message)) throw error;
            return null;
        });
        said.push(`${engine.name()} ${version ?? "is not installed here"}`);
        launched += version !== null;
    }
    const seen = `It has launchers for three engines: ${said.join(", ")}.`;
    return launched > 1 ? yes(seen) : partly(seen);
}
