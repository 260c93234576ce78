// What Deno is started with: one realm's process. It waits for `init`, which says what realm it is, and then does what
// the frames say. See swruntime/realms/javascript/frames.py.

import { onUnusable } from "./body_state.js";
import { call, post, settled } from "./calls.js";
import { openAnswers, send, start } from "./channel.js";
import { configure as configureClone, deserialize, serialize } from "./clone.js";
import { errorText, errorTo } from "./errors.js";
import { fire, typesHeard, whenListened } from "./events.js";
import { configure as configureFetch } from "./environment.js";
import { isPushMessageData } from "./extendable.js";
import { arrived, faceNumbered, interfaces, isDetached, isFace, nothingComes, slotOf, update } from "./faces.js";
import { makeFetch } from "./fetch.js";
import { installIndexedDB, tellIndexedDB } from "./indexeddb_scope.js";
import { Headers } from "./headers.js";
import { isOfInterface } from "./interfaces.js";
import { firstState, watch } from "./kept.js";
import { configureLoader, runClassic, runModule } from "./loader.js";
import { cancel, pull } from "./outgoing.js";
import { placeOf } from "./places.js";
import { defineClients, definePlatformFaces } from "./platform_faces.js";
import { Request } from "./request.js";
import { Response } from "./response.js";
import { mendEngine } from "./engine_interfaces.js";
import { hideKeyMaterial } from "./engine_keys.js";
import { lockPromises, removeFromWorker, removeInternals } from "./engine_names.js";
import { MessageEvent } from "./event_classes.js";
import { define, installCommon, isGone, removeNames } from "./scope.js";
import { defineNavigator } from "./navigator.js";
import { due, resetTimeOrigin, setClock } from "./timers.js";
import { Remote, revive, reviveState } from "./values.js";
import { abortRequest, dispatchFrame, forgetRequest, installWorkerScope } from "./worker_scope.js";
import { installWindowScope } from "./window_scope.js";
import { ArrayPrototypeMap, iterable, PromisePrototypeThen as then, PromiseResolve } from "./primordials.js";

const global = globalThis;
const NativeEvent = Event;

let isWorker = false;

function init(frame) {
    resetTimeOrigin();
    configureFetch({ baseURL: frame.url, origin: frame.origin });
    configureClone({
        isPort: (value) => isFace(value, "MessagePort"),
        isDetached,
        isPlatformObject: (object) =>
            slotOf(object) !== undefined || isOfInterface(object) || isPushMessageData(object),
    });
    isWorker = frame.kind === "worker";
    configureLoader({ base: frame.url, isModule: frame.module, isWorker });
    if (isWorker) {
        // [Exposed=Window]
        delete interfaces.Notification.constructor.requestPermission;
        removeFromWorker(global);
        defineClients();
    }
    defineNavigator(isWorker);
    installCommon(global, frame);
    for (const each of [Headers, MessageEvent, Request, Response]) define(global, each.name, each);
    define(global, "fetch", fetchOfRealm(), true);
    onUnusable(() => post("diagnose", ["response-body-used", "the body is used already"]));
    installIndexedDB(global);
    (isWorker ? installWorkerScope : installWindowScope)(global, { url: frame.url, objects: reviveState(frame.objects) });
    whenListened(global, (type) => {
        if (type === "online" || type === "offline") post("listen", [0, type]);
    });
}

function fetchOfRealm() {
    return makeFetch({
        call: (op, { id, request }) =>
            call(op, [request, id], (answer) => ({ __proto__: null, ...answer.state, handle: answer.$response })),
        post: (op, { id }) => post(op, [id]),
        remote: (handle) => new Remote(handle),
    });
}

function answer(id, value) {
    send({ t: "answer", id, value });
}

function failed(id, error) {
    send({ t: "answer", id, error: { __proto__: null, ...errorTo(error), text: errorText(error) }, at: placeOf(error) });
}

/** Evaluate a script; its process answers once its top level has run. */
function run(frame) {
    const { id, source, url, module, watch: globals = null } = frame;
    if (module) {
        then(runModule(source, url), () => answer(id, done()), (error) => failed(id, error));
        return;
    }
    if (globals !== null) watch(globals[0], globals[1], globals[2]);
    let completion;
    try {
        completion = runClassic(source, url);
    } catch (error) {
        failed(id, error);
        return;
    }
    // Of a worker nobody asks what its last statement was worth.
    if (!isWorker) last = completion;
    answer(id, { __proto__: null, ...done(), pending: !isWorker && isPending(completion), kept: globals === null ? null : firstState() });
}

/** What the last statement of a page's script was worth. */
let last;

/**
 * Whether that is a promise. `completed` tells the runtime when it is fulfilled; a rejection stays unhandled, and is
 * reported as any other.
 */
function isPending(value) {
    try {
        then(value, () => post("completed", []));
        return true;
    } catch {
        return false; // it is not a promise: `then` checks that
    }
}

const done = () => ({ __proto__: null, events: typesHeard() });

/** What the last script was worth, if that is settled: a promise that is not is worth nothing yet. */
function completion({ id }) {
    let isAnswered = false;
    const once = (tell) => (value) => {
        if (isAnswered) return;
        isAnswered = true;
        tell(value);
    };
    const fail = once((error) => failed(id, error));
    try {
        then(PromiseResolve(last), once((value) => answer(id, { __proto__: null, message: messageOf(value) })), fail);
    } catch (error) {
        fail(error); // the script has made the promise's constructor one that throws
    }
    then(PromiseResolve(undefined), once(() => answer(id, null)));
}

function messageOf(value) {
    try {
        return serialize(value, []);
    } catch {
        return serialize(undefined, []);
    }
}

function fireAt(frame) {
    const target = frame.target === 0 ? global : faceNumbered(frame.target);
    if (target === undefined) return;
    if (frame.is !== "MessageEvent") {
        fire(target, new NativeEvent(frame.type));
        return;
    }
    const ports = ArrayPrototypeMap(frame.ports, revive);
    let event;
    try {
        const data = deserialize(frame.message.$message, ports);
        const source = frame.source ? revive(frame.source) : null;
        event = new MessageEvent("message", { __proto__: null, data, origin: frame.origin, ports: iterable(ports), source });
    } catch {
        event = new MessageEvent("messageerror", { __proto__: null, origin: frame.origin });
    }
    fire(target, event);
    arrived(target);
}

/** Nothing more comes to the object that the script knows by that number. */
function ended({ target }) {
    const face = faceNumbered(target);
    if (face !== undefined) nothingComes(face);
}

async function pulled({ id, stream }) {
    try {
        send({ t: "pulled", id, piece: await pull(stream) });
    } catch (error) {
        send({ t: "pulled", id, error: errorTo(error) });
    }
}

const handlers = {
    __proto__: null,
    init,
    settle: settled,
    run,
    completion,
    event: (frame) => dispatchFrame(global, frame),
    fire: fireAt,
    ended,
    update: () => {},
    timer: ({ id }) => due(id),
    pull: pulled,
    cancel: ({ stream }) => cancel(stream),
    indexed: ({ message }) => tellIndexedDB(message),
    abort: ({ event }) => abortRequest(event),
    over: ({ event }) => forgetRequest(event),
};

openAnswers();
// Whatever the realm will be: a process in reserve has this behind it. The engine makes many of its interfaces when they
// are first asked for.
hideKeyMaterial(global);
mendEngine(global, isGone);
removeInternals(global);
lockPromises();
removeNames(global);
definePlatformFaces();
start((frame) => {
    if (frame.clock !== undefined) setClock(frame.clock);
    if (frame.updates !== undefined) {
        for (let i = 0; i < frame.updates.length; i++) update(frame.updates[i][0], reviveState(frame.updates[i][1]));
    }
    handlers[frame.t](frame);
});
send({ t: "ready", version: 1 });
