// ServiceWorkerGlobalScope: https://w3c.github.io/ServiceWorker/#serviceworkerglobalscope-interface

import { tellingAbsent } from "./absent.js";
import { call } from "./calls.js";
import { defineHandler } from "./events.js";
import { classes } from "./event_classes.js";
import { PushMessageData, defineEvents, dispatch, pushData } from "./extendable.js";
import { keep, know } from "./faces.js";
import { importScripts } from "./loader.js";
import { makeLocation } from "./location.js";
import { setNavigator } from "./platform_faces.js";
import { attribute, define, exposeFaces, onlyGlobal, operations } from "./scope.js";
import { deserialize } from "./clone.js";
import { makeRequest } from "./request.js";
import { Remote, revive, reviveState } from "./values.js";
import { AbortController, AbortControllerPrototypeAbort, AbortControllerPrototypeGetSignal } from "./platform.js";
import {
    ArrayPrototypeMap, iterable, Map, MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet, ObjectKeys, Promise,
    PromisePrototypeThen, PromiseResolve,
} from "./primordials.js";
import { illegalConstructor } from "./webidl.js";

const { defineProperty, setPrototypeOf } = Reflect;

const TYPES = [
    "install", "activate", "fetch", "message", "messageerror", "backgroundfetchsuccess", "backgroundfetchfail",
    "backgroundfetchabort", "backgroundfetchclick", "push", "pushsubscriptionchange", "notificationclick",
    "notificationclose", "sync", "periodicsync",
    // WorkerGlobalScope's:
    "error", "unhandledrejection", "rejectionhandled", "languagechange", "online", "offline",
];

/** Not a class, as its prototype is a proxy: see absent.js. */
function makeWorkerGlobalScope() {
    function WorkerGlobalScope() {
        illegalConstructor();
    }
    const prototype = Object.create(EventTarget.prototype, {
        constructor: { value: WorkerGlobalScope, writable: true, configurable: true },
        [Symbol.toStringTag]: { value: "WorkerGlobalScope", configurable: true },
    });
    setPrototypeOf(WorkerGlobalScope, EventTarget);
    defineProperty(WorkerGlobalScope, "prototype", { value: tellingAbsent(prototype), writable: false });
    return WorkerGlobalScope;
}

export function installWorkerScope(global, { url, objects }) {
    defineEvents();
    const WorkerGlobalScope = makeWorkerGlobalScope();
    class ServiceWorkerGlobalScope extends WorkerGlobalScope {}
    defineProperty(ServiceWorkerGlobalScope.prototype, Symbol.toStringTag, {
        value: "ServiceWorkerGlobalScope", configurable: true,
    });
    for (const cls of [WorkerGlobalScope, ServiceWorkerGlobalScope]) define(global, cls.name, cls);
    setPrototypeOf(global, ServiceWorkerGlobalScope.prototype);
    const { Location, location } = makeLocation("WorkerLocation", url);
    define(global, "WorkerLocation", Location);
    attribute(global, "location", () => location);
    attribute(global, "self", () => global);
    for (const name of ["registration", "serviceWorker", "clients", "caches", "navigator"]) {
        const face = objects[name];
        keep(face);
        attribute(global, name, () => face);
    }
    setNavigator(objects.navigator);
    operations(global, { skipWaiting: () => call("skipWaiting", []) }, ["skipWaiting"]);
    operations(global, { importScripts });
    for (const type of TYPES) defineHandler(global, type, onlyGlobal);
    for (const name of Object.keys(classes)) define(global, name, classes[name]);
    define(global, "PushMessageData", PushMessageData);
    exposeFaces(global);
}

/** Make the event of a frame, and dispatch it. */
export function dispatchFrame(global, frame) {
    const event = new classes[frame.is](frame.type, initOf(frame));
    dispatch(global, event, frame.event, (life) => {
        if (frame.is === "FetchEvent") prepare(life);
    });
}

let current = null;

function prepare(life) {
    life.handled = current;
}

/** What aborts the requests of events that are not answered yet, by the event's number. */
const controllers = new Map();

/** Whoever asked does not want an answer any more. */
export function abortRequest(number) {
    const controller = MapPrototypeGet(controllers, number);
    if (controller !== undefined) AbortControllerPrototypeAbort(controller);
}

export const forgetRequest = (number) => MapPrototypeDelete(controllers, number);

function initOf(frame) {
    const init = frame.init ?? { __proto__: null };
    switch (frame.is) {
        case "ExtendableMessageEvent": {
            const ports = ArrayPrototypeMap(frame.ports, revive);
            return {
                __proto__: null, data: deserialize(frame.message.$message, ports), ports: iterable(ports), origin: frame.origin,
                source: revive(frame.source) ?? null,
            };
        }
        case "FetchEvent": {
            current = null;
            const handled = new Promise((resolve, reject) => {
                current = { __proto__: null, resolve, reject };
            });
            PromisePrototypeThen(handled, undefined, () => {});
            const preloadResponse = init.preload ? call("FetchEvent.preload", [frame.event], revive) : PromiseResolve(undefined);
            PromisePrototypeThen(preloadResponse, undefined, () => {});
            const controller = new AbortController();
            MapPrototypeSet(controllers, frame.event, controller);
            const { $request, state } = init.request;
            const signal = AbortControllerPrototypeGetSignal(controller);
            const request = makeRequest(state, new Remote($request), { __proto__: null, signal });
            return { __proto__: null, ...init, request, handled, preloadResponse, cancelable: true };
        }
        case "PushEvent":
            return { __proto__: null, data: pushData(init.data) };
        case "PushSubscriptionChangeEvent":
            return presentOf(reviveState(init));
        default:
            reviveState(init);
            if (frame.records !== undefined) know(init.registration, "matchAll", revive(frame.records));
            return init;
    }
}

/** A dictionary without the members that are null. */
function presentOf(init) {
    const present = { __proto__: null };
    const names = ObjectKeys(init);
    for (let i = 0; i < names.length; i++) if (init[names[i]] !== null) present[names[i]] = init[names[i]];
    return present;
}
