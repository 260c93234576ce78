// Calls of the runtime, and what they are settled with.

import { send, sendSoon } from "./channel.js";
import { currentEvent } from "./handling.js";
import { errorFrom } from "./errors.js";
import { here } from "./places.js";
import {
    Map, MapPrototypeDelete as remove, MapPrototypeForEach as each, MapPrototypeGet as get, MapPrototypeSet as set, newList,
    Promise as NativePromise,
} from "./primordials.js";


const waiting = new Map();
let last = 0;

/** Call an operation of the runtime: a promise of what it answers. `revive` makes a script's value of the answer. */
export function call(op, args, revive = (value) => value) {
    const id = ++last;
    const event = currentEvent();
    return new NativePromise((resolve, reject) => {
        set(waiting, id, { __proto__: null, resolve, reject, revive, event });
        send({ t: "call", id, op, args, at: here(), event });
    });
}

/** The calls that the script began while it handled event `number` and that are not settled here. */
export function callsOf(number) {
    const found = newList();
    each(waiting, (entry, id) => {
        if (entry.event === number) found[found.length] = id;
    });
    return found;
}

/** Tell the runtime something that has no answer. */
export function post(op, args) {
    send({ t: "post", op, args, at: here() });
}

/** Tell the runtime that the script has let go of `count` mentions of an object. No script is running. */
export function release(number, count) {
    sendSoon({ t: "post", op: "release", args: [number, count], at: null });
}

/** The frame that settles a call. */
export function settled(frame) {
    const entry = get(waiting, frame.id);
    if (entry === undefined) return;
    remove(waiting, frame.id);
    if (frame.error !== undefined) {
        entry.reject(errorFrom(frame.error));
        return;
    }
    let value;
    try {
        value = entry.revive(frame.value === null ? undefined : frame.value);
    } catch (error) {
        entry.reject(error);
        return;
    }
    entry.resolve(value);
}
