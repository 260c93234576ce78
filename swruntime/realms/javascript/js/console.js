// The console: lines of the trace. https://console.spec.whatwg.org/

import { post } from "./calls.js";
import { inspect } from "./engine.js";

import {
    ArrayPrototypeJoin, ArrayPrototypeSlice, Error as NativeError, NumberPrototypeToFixed, ObjectKeys, ReflectApply,
    StringPrototypeIncludes as includes, StringPrototypeSlice, StringPrototypeSplit, StringPrototypeTrim,
} from "./primordials.js";

const { defineProperty } = Reflect;
/** Characters of a line; `LONGEST_LINE` in texts.py. What is cut off is told with it. */
const MOST = 1024 * 1024;
const { parseFloat, parseInt } = globalThis;
const now = performance.now.bind(performance);

const counts = { __proto__: null };
const timers = { __proto__: null };
let indent = "";

const OPTIONS = {
    __proto__: null, colors: false, depth: 4, iterableLimit: 100, strAbbreviateSize: MOST, getters: false,
};

function written(value) {
    if (typeof value === "string") return value;
    try {
        return inspect(value, OPTIONS);
    } catch {
        return "[something that cannot be written]";
    }
}

/** https://console.spec.whatwg.org/#formatter */
function format(values) {
    let text = "";
    let at = 0;
    if (values.length > 1 && typeof values[0] === "string") {
        const format = values[at++];
        for (let i = 0; i < format.length; i++) {
            const specifier = format[i] === "%" && i + 1 < format.length ? format[i + 1] : "";
            const isKnown = specifier !== "" && includes(SPECIFIERS, specifier);
            if (!isKnown || (specifier !== "%" && at >= values.length)) {
                text += format[i];
                continue;
            }
            text += specifier === "%" ? "%" : substitute(specifier, values[at++]);
            i++;
        }
        if (at < values.length) text += " ";
    }
    for (let first = at; at < values.length; at++) text += (at > first ? " " : "") + written(values[at]);
    return text;
}

const SPECIFIERS = "sdifoOcj%";

function substitute(specifier, value) {
    switch (specifier) {
        case "s": return written(value);
        case "d": case "i": return `${typeof value === "symbol" ? NaN : parseInt(value, 10)}`;
        case "f": return `${typeof value === "symbol" ? NaN : parseFloat(value)}`;
        case "c": return "";
        default: return written(value);
    }
}

function tell(level, text) {
    const whole = indent + text;
    if (whole.length > MOST) post("console", [level, StringPrototypeSlice(whole, 0, MOST), whole.length - MOST]);
    else post("console", [level, whole]);
}

/** The stack of the script, behind the frame of ours that asks. */
function stack() {
    const text = new NativeError().stack;
    if (typeof text !== "string") return "";
    return ArrayPrototypeJoin(ArrayPrototypeSlice(StringPrototypeSplit(text, "\n"), 3), "\n");
}

const say = (level) => (...values) => tell(level, format(values));

function group(...values) {
    if (values.length) tell("log", format(values));
    indent += "  ";
}

function timeLog(label = "default", ...values) {
    const since = now() - (timers[label] ?? now());
    tell("info", StringPrototypeTrim(`${label}: ${NumberPrototypeToFixed(since, 3)} ms ${format(values)}`));
}

const members = {
    debug: say("debug"),
    log: say("log"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
    dir: (value) => tell("log", written(value)),
    dirxml: say("log"),
    table: say("log"),
    trace: (...values) => tell("log", `${format(values)}\n${stack()}`),
    assert: (condition = false, ...values) => {
        if (!condition) tell("error", `Assertion failed${values.length ? `: ${format(values)}` : ""}`);
    },
    clear: () => {},
    count: (label = "default") => {
        counts[label] = (counts[label] ?? 0) + 1;
        tell("info", `${label}: ${counts[label]}`);
    },
    countReset: (label = "default") => {
        counts[label] = 0;
    },
    group,
    groupCollapsed: (...values) => ReflectApply(group, undefined, values),
    groupEnd: () => {
        indent = StringPrototypeSlice(indent, 2);
    },
    time: (label = "default") => {
        timers[label] = now();
    },
    timeLog,
    timeEnd: (label = "default") => {
        timeLog(label);
        delete timers[label];
    },
};

/** https://console.spec.whatwg.org/#console-namespace */
export function makeConsole() {
    const console = Object.create(Object.create(Object.prototype));
    for (const name of ObjectKeys(members)) {
        defineProperty(members[name], "name", { value: name, configurable: true });
        defineProperty(console, name, { value: members[name], writable: true, enumerable: true, configurable: true });
    }
    defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
    return console;
}
