// service-worker-mock: a scope that is laid over Node's globals, as its README shows; then the worker is evaluated.
import { fileURLToPath } from "node:url";
import { mockCells } from "./mock_cells.mjs";
import { ORIGIN, require } from "./shared.mjs";

const makeServiceWorkerEnv = require("service-worker-mock");
const ExtendableEvent = require("service-worker-mock/models/ExtendableEvent");
const networkFetch = globalThis.fetch; // its own fetch always gives the same words; Node's goes to the server

async function open(text) {
    const scope = makeServiceWorkerEnv({ locationUrl: `${ORIGIN}/sw.js` });
    scope.fetch = (request) => networkFetch(request.url ?? new URL(request, ORIGIN));
    scope.addEventListener = scope.addEventListener.bind(scope);
    for (const name of Object.keys(scope)) {
        if (name === "URL" || name === "performance") continue; // Node's are the same
        Object.defineProperty(globalThis, name, { value: scope[name], configurable: true, writable: true });
    }
    const evaluate = (source) => (0, eval)(`(() => {${source}})()`);
    evaluate(text);
    return {
        scope,
        caches: scope.caches,
        async trigger(name, init) {
            const answer = await scope.trigger(name, init);
            await ExtendableEvent.eventsDoneWaiting();
            return answer;
        },
        async again(source) {
            scope.listeners.reset();
            evaluate(source);
            return "listeners.reset() and evaluating it again";
        },
        stopName: "resetSwEnv()",
        stop: async () => scope.resetSwEnv(),
    };
}

export const {
    runsYourWorker, hasBackgroundFetch, downloadsInTest, cutsNetwork, survivesKill, stopsWorkerBetweenEvents,
    stopsWorkerAtAwait, findsLosingAwait, virtualTime, sameSeedSameRun, userControls, permissionAndQuota, firesEvents, namesLosingLine,
    worksWithoutBrowser, rendersPages, realBrowser, severalEngines, firstEvent,
    downloadsForLong, ordered,
} = mockCells(open, fileURLToPath(import.meta.url));
