// sw-test-env: a ServiceWorkerContainer in Node, whose workers run in a context of their own.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { mockCells } from "./mock_cells.mjs";
import { FOLDER, load, ORIGIN } from "./shared.mjs";

const { connect, destroy } = await load("sw-test-env");

async function open(text) {
    let container;
    let scope;
    async function register(source) {
        await writeFile(path.join(FOLDER, "sw.js"), source);
        container = await connect(ORIGIN, FOLDER);
        await container.register("sw.js");
        scope = container.__serviceWorker__.self;
    }
    await register(text);
    return {
        get scope() { return scope; },
        get caches() { return scope.caches; },
        async trigger(name, init) {
            // Functional events need an active worker; the tests of the mock itself say it so, too.
            if (name !== "install" && name !== "activate") await container.ready;
            return container.trigger(name, init);
        },
        async again(source) {
            await destroy();
            await register(source);
            return "destroy() and registering it again";
        },
        stopName: "destroy()",
        stop: destroy,
    };
}

export const {
    runsYourWorker, hasBackgroundFetch, downloadsInTest, cutsNetwork, survivesKill, stopsWorkerBetweenEvents,
    stopsWorkerAtAwait, findsLosingAwait, virtualTime, sameSeedSameRun, userControls, permissionAndQuota, firesEvents, namesLosingLine,
    worksWithoutBrowser, rendersPages, realBrowser, severalEngines, firstEvent,
    downloadsForLong, ordered,
} = mockCells(open, fileURLToPath(import.meta.url));
