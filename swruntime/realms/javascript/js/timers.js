// setTimeout and its kin, and what time it is: they follow the runtime's clock.

import { post } from "./calls.js";
import { reportException } from "./events.js";
import { runScriptText } from "./loader.js";
import { here } from "./places.js";

const { apply, construct, defineProperty } = Reflect;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const get = uncurry(Map.prototype.get);
const set = uncurry(Map.prototype.set);
const remove = uncurry(Map.prototype.delete);
const NativeDate = Date;
const dateNow = Date.now;
const dateToString = uncurry(Date.prototype.toString);
const floor = Math.floor;
const global = globalThis;
const NativeTypeError = TypeError;
const nativeNow = performance.now.bind(performance);

const timers = new Map();
let last = 0;
/** Of a virtual clock: what it shows, in milliseconds; null where the clock is real. */
let clock = null;
let began = nativeNow();

/** What the runtime's clock shows: `[since 1970, since the realm was made]`, in milliseconds. */
export const setClock = (shown) => {
    clock = shown;
};
export const resetTimeOrigin = () => {
    began = nativeNow();
};

const wall = () => (clock === null ? dateNow() : clock[0]);
const elapsed = () => (clock === null ? nativeNow() - began : clock[1]);

function begin(handler, timeout, rest, repeat) {
    const id = ++last;
    const number = +timeout;
    const delay = number > 0 && number < 2 ** 31 ? number : 0;
    const callback = typeof handler === "function" ? handler : `${handler}`;
    const place = typeof callback === "string" ? here() : null;
    set(timers, id, { __proto__: null, callback, rest, repeat, place });
    post("timer.set", [id, delay, repeat]);
    return id;
}

/** The runtime says that a timer is due. */
export function due(id) {
    const timer = get(timers, id);
    if (timer === undefined) return;
    if (!timer.repeat) remove(timers, id);
    try {
        if (typeof timer.callback === "string") runScriptText(timer.callback, timer.place);
        else apply(timer.callback, global, timer.rest);
    } catch (error) {
        reportException(error);
    }
}

function clear(id) {
    const number = +(id ?? 0);
    if (remove(timers, number)) post("timer.clear", [number]);
}

const functions = {
    setTimeout(handler, timeout = 0, ...rest) {
        if (arguments.length < 1) throw new NativeTypeError("setTimeout: 1 argument required, but only 0 present.");
        return begin(handler, timeout, rest, false);
    },
    setInterval(handler, timeout = 0, ...rest) {
        if (arguments.length < 1) throw new NativeTypeError("setInterval: 1 argument required, but only 0 present.");
        return begin(handler, timeout, rest, true);
    },
    clearTimeout(id = 0) {
        clear(id);
    },
    clearInterval(id = 0) {
        clear(id);
    },
};

/** Date, as the engine's, but for what time it is now. */
function scriptDate() {
    function Date(...given) {
        if (new.target === undefined) return dateToString(new NativeDate(wall()));
        return construct(NativeDate, given.length === 0 ? [wall()] : given, new.target);
    }
    const members = Object.getOwnPropertyDescriptors(NativeDate);
    for (const name of Reflect.ownKeys(members)) defineProperty(Date, name, members[name]);
    defineProperty(Date, "now", { value: { now() { return floor(wall()); } }.now, writable: true, configurable: true });
    defineProperty(NativeDate.prototype, "constructor", { value: Date, writable: true, configurable: true });
    return Date;
}

export function installTimers(global) {
    for (const name of Object.keys(functions)) {
        defineProperty(global, name, { value: functions[name], writable: true, enumerable: true, configurable: true });
    }
    defineProperty(global, "Date", { value: scriptDate(), writable: true, enumerable: false, configurable: true });
    defineProperty(Performance.prototype, "now", {
        value: { now() { return elapsed(); } }.now, writable: true, enumerable: true, configurable: true,
    });
    const { get } = Object.getOwnPropertyDescriptor({ get timeOrigin() { return wall() - elapsed(); } }, "timeOrigin");
    defineProperty(Performance.prototype, "timeOrigin", { get, enumerable: true, configurable: true });
}
