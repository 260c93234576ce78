// ServiceWorkerGlobalScope: https://w3c.github.io/ServiceWorker/#serviceworkerglobalscope-interface

import { call } from "./calls.js";
import { defineHandler } from "./events.js";
import { PushMessageData, classes, defineEvents, dispatch, pushData } from "./extendable.js";
import { interfaces, keep } from "./faces.js";
import { importScripts } from "./loader.js";
import { attribute, define, makeLocation } from "./scope.js";
import { deserialize } from "./clone.js";
import { makeRequest } from "./request.js";
import { Remote, revive } from "./values.js";

const { defineProperty } = Reflect;

const TYPES = [
    "install", "activate", "fetch", "message", "messageerror", "backgroundfetchsuccess", "backgroundfetchfail",
    "backgroundfetchabort", "backgroundfetchclick", "push", "pushsubscriptionchange", "notificationclick",
    "notificationclose", "sync", "periodicsync",
];

export function installWorkerScope(global, { url, objects }) {
    defineEvents();
    class WorkerGlobalScope extends EventTarget {
        constructor() {
            throw new TypeError("Illegal constructor");
        }
    }
    class ServiceWorkerGlobalScope extends WorkerGlobalScope {}
    for (const cls of [WorkerGlobalScope, ServiceWorkerGlobalScope]) {
        defineProperty(cls.prototype, Symbol.toStringTag, { value: cls.name, configurable: true });
        define(global, cls.name, cls);
    }
    Object.setPrototypeOf(global, ServiceWorkerGlobalScope.prototype);
    const { Location, location } = makeLocation("WorkerLocation", url);
    define(global, "WorkerLocation", Location);
    attribute(global, "location", function () { return location; });
    attribute(global, "self", function () { return global; });
    for (const name of ["registration", "serviceWorker", "clients", "caches", "navigator"]) {
        const face = objects[name];
        keep(face);
        attribute(global, name, { [name]() { return face; } }[name]);
    }
    define(global, "skipWaiting", function skipWaiting() { return call("skipWaiting", []); }, true);
    define(global, "importScripts", importScripts, true);
    for (const type of TYPES) defineHandler(global, type);
    for (const type of ["error", "unhandledrejection", "rejectionhandled", "languagechange", "online", "offline"]) {
        defineHandler(global, type);
    }
    for (const name of Object.keys(classes)) define(global, name, classes[name]);
    define(global, "PushMessageData", PushMessageData);
    for (const name of Object.keys(interfaces)) define(global, name, interfaces[name].constructor);
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
    controllers.get(number)?.abort();
}

export const forgetRequest = (number) => controllers.delete(number);

function initOf(frame) {
    const init = frame.init ?? {};
    switch (frame.is) {
        case "ExtendableMessageEvent": {
            const ports = frame.ports.map(revive);
            return {
                data: deserialize(frame.message.$message, ports), ports, origin: frame.origin, source: revive(frame.source) ?? null,
            };
        }
        case "FetchEvent": {
            current = null;
            const handled = new Promise((resolve, reject) => {
                current = { resolve, reject };
            });
            handled.catch(() => {});
            const preloadResponse = init.preload ? call("FetchEvent.preload", [frame.event], revive) : Promise.resolve(undefined);
            preloadResponse.catch(() => {});
            const controller = new AbortController();
            controllers.set(frame.event, controller);
            const { $request, state } = init.request;
            const request = makeRequest(state, new Remote($request), { signal: controller.signal });
            return { ...init, request, handled, preloadResponse, cancelable: true };
        }
        case "PushEvent":
            return { data: pushData(init.data) };
        default:
            return revive(init);
    }
}
