/** The fetch method: https://fetch.spec.whatwg.org/#fetch-method */

import { PromisePrototypeThen, PromiseWithResolvers, WeakRef, WeakRefPrototypeDeref } from "./primordials.js";
import {
    AbortSignalPrototypeGetAborted,
    AbortSignalPrototypeGetReason,
    EventTargetPrototypeAddEventListener,
} from "./platform.js";
import * as outgoing from "./outgoing.js";
import { isAbortable, Request, signalOf, sourceOf, takeRequest } from "./request.js";
import { makeResponse } from "./response.js";
import { Fate } from "./sources.js";
import { requireArguments } from "./webidl.js";

/**
 * The `fetch` function of a global scope.
 *
 * It calls "fetch" with {id, request}, where `request` is what `takeRequest` and `sendable` make of it, and is answered
 * the struct of a Response with its `handle`. It posts "abort" with {id}.
 *
 * @param {(operation: string, args: object) => Promise<object>} options.call
 * @param {(operation: string, args: object) => void} options.post
 * @param {(handle: number) => object} options.remote the remote object that has a handle
 */
export function makeFetch({ call, post, remote }) {
    let next = 1;

    /** Steps 8 to 12, for a request that may be aborted. */
    const start = (request, signal) => {
        const id = next++;
        const struct = takeRequest(request);
        const source = sourceOf(request);
        if (source !== null) struct.source = source;
        const upload = sendable(struct);
        const { promise, resolve, reject } = PromiseWithResolvers();
        const fate = new Fate();
        let settled = false;
        // The signal may live long; neither the response nor its body shall.
        if (signal !== null) {
            const weakFate = new WeakRef(fate);
            const onAbort = () => {
                const reason = AbortSignalPrototypeGetReason(signal);
                post("abort", { __proto__: null, id });
                settled = true;
                reject(reason);
                WeakRefPrototypeDeref(weakFate)?.fail(reason);
                if (upload !== null) outgoing.cancel(upload, reason);
            };
            EventTargetPrototypeAddEventListener(signal, "abort", onAbort, { __proto__: null, once: true });
        }
        const answered = (answer) => {
            const source = remote(answer.handle);
            if (settled) source.cancel(); // aborted meanwhile
            else resolve(makeResponse(answer, source, fate));
        };
        PromisePrototypeThen(
            PromisePrototypeThen(call("fetch", { __proto__: null, id, request: struct }), answered),
            undefined,
            reject,
        );
        return promise;
    };

    const { fetch } = {
        async fetch(input, init = undefined) {
            requireArguments(arguments.length, 1, "execute 'fetch'");
            const request = new Request(input, init);
            const signal = isAbortable(request) ? signalOf(request) : null;
            if (signal !== null && AbortSignalPrototypeGetAborted(signal)) {
                const reason = AbortSignalPrototypeGetReason(signal);
                const number = sendable(takeRequest(request));
                if (number !== null) outgoing.cancel(number, reason);
                throw reason;
            }
            return await start(request, signal);
        },
    };
    return fetch;
}

/** Replace the stream in what `takeRequest` answered by its number in `outgoing.js`; that number, or null. */
export function sendable(struct) {
    if (struct.body === null || struct.body.stream === undefined) return null;
    const stream = outgoing.register(struct.body.stream);
    struct.body = { __proto__: null, stream };
    return stream;
}
