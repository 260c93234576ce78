// Chromium with its developer tools: the DevTools protocol, and nothing else.
import path from "node:path";
import { browserCells, REGISTER } from "./browser_cells.mjs";
import { Chrome, CHROMIUM } from "./chrome.mjs";
import { FOLDER, no, ORIGIN, told, yes } from "./shared.mjs";

let profiles = 0;

async function start({ url, profile = path.join(FOLDER, `profile-${++profiles}`), flags = [] }) {
    const chrome = await Chrome.start({ profile, flags });
    const page = await chrome.open(url);
    return {
        profile,
        page,
        worker: () => chrome.worker(),
        send: (method, params) => chrome.send(method, params),
        event: (method, fits, milliseconds) => chrome.event(method, fits, milliseconds),
        async click() {
            for (const type of ["mousePressed", "mouseReleased"]) {
                await page.send("Input.dispatchMouseEvent", { type, x: 20, y: 20, button: "left", clickCount: 1 });
            }
        },
        offlineBy: "emulateNetworkConditions, overrideNetworkState and setBlockedURLs of page and worker",
        goOffline: () => network(chrome, page, true),
        goOnline: () => network(chrome, page, false),
        async commands() {
            const { domains } = await (await fetch(`http://127.0.0.1:${chrome.port}/json/protocol`)).json();
            return domains.flatMap((domain) => domain.commands.map((command) => `${domain.domain}.${command.name}`));
        },
        everythingTold: async () => chrome.events
            .filter((event) => /^(Log|Audits|Runtime\.(console|exception))/.test(event.method))
            .map((event) => JSON.stringify(event.params)),
        screenshot: async () => Buffer.from((await page.send("Page.captureScreenshot")).data, "base64"),
        async kill() {
            chrome.kill();
            await chrome.ended;
        },
    };
}

async function network(chrome, page, offline) {
    const conditions = { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    for (const session of [page, await chrome.worker()]) {
        await session.send("Network.enable");
        await session.send("Network.emulateNetworkConditions", conditions);
        await session.send("Network.overrideNetworkState", conditions);
        await session.send("Network.setBlockedURLs", { urls: offline ? ["*"] : [] });
    }
}

export const {
    runsYourWorker, hasBackgroundFetch, downloadsInTest, cutsNetwork, survivesKill, stopsWorkerBetweenEvents,
    stopsWorkerAtAwait, findsLosingAwait, virtualTime, sameSeedSameRun, userControls, permissionAndQuota, firesEvents, namesLosingLine,
    rendersPages, realBrowser, firstEvent,
} = browserCells(start);

export async function worksWithoutBrowser() {
    const error = await Chrome.start({ program: `${CHROMIUM}-not-installed` }).then(() => null, told);
    return no(`It is the browser; without it: ${error}.`);
}

export async function severalEngines() {
    const driver = await start({ url: `${ORIGIN}/index.html` });
    await driver.page.evaluate(REGISTER("/sw.js"));
    const { product, jsVersion } = await driver.send("Browser.getVersion");
    return no(`One engine: ${product}, V8 ${jsVersion}.`);
}
