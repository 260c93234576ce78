// The console: lines of the trace. https://console.spec.whatwg.org/

import { post } from "./calls.js";
import { inspect } from "./engine.js";

const { defineProperty } = Reflect;
const { keys } = Object;
const slice = Array.prototype.slice;
const MOST = 64 * 1024;

const counts = { __proto__: null };
let indent = "";

function written(value) {
    if (typeof value === "string") return value;
    try {
        return inspect(value, { colors: false, depth: 4, iterableLimit: 100, strAbbreviateSize: 10_000 });
    } catch {
        return "[something that cannot be written]";
    }
}

/** https://console.spec.whatwg.org/#formatter */
function format(values) {
    let rest = values;
    let text = "";
    if (typeof values[0] === "string" && values.length > 1) {
        let at = 1;
        text = values[0].replace(/%[sdifoOcj%]/g, (specifier) => {
            if (specifier === "%%") return "%";
            if (at >= values.length) return specifier;
            const value = values[at++];
            switch (specifier) {
                case "%s": return typeof value === "string" ? value : written(value);
                case "%d": case "%i": return `${typeof value === "symbol" ? NaN : parseInt(value, 10)}`;
                case "%f": return `${typeof value === "symbol" ? NaN : parseFloat(value)}`;
                case "%c": return "";
                default: return written(value);
            }
        });
        rest = slice.call(values, at);
        if (rest.length > 0) text += " ";
    }
    for (let i = 0; i < rest.length; i++) text += (i ? " " : "") + written(rest[i]);
    return text;
}

function tell(level, text) {
    const whole = indent + text;
    post("console", [level, whole.length > MOST ? `${whole.slice(0, MOST)}...` : whole]);
}

const say = (level) => (...values) => tell(level, format(values));

const members = {
    debug: say("debug"),
    log: say("log"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
    dir: (value) => tell("log", written(value)),
    dirxml: say("log"),
    table: say("log"),
    trace: (...values) => tell("log", `${format(values)}\n${new Error().stack.split("\n").slice(2).join("\n")}`),
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
    group: (...values) => {
        if (values.length) tell("log", format(values));
        indent += "  ";
    },
    groupCollapsed: (...values) => members.group(...values),
    groupEnd: () => {
        indent = indent.slice(2);
    },
    time: (label = "default") => {
        timers[label] = performance.now();
    },
    timeLog: (label = "default", ...values) => {
        tell("info", `${label}: ${(performance.now() - (timers[label] ?? performance.now())).toFixed(3)} ms ${format(values)}`.trim());
    },
    timeEnd: (label = "default") => {
        members.timeLog(label);
        delete timers[label];
    },
};
const timers = { __proto__: null };

/** https://console.spec.whatwg.org/#console-namespace */
export function makeConsole() {
    const console = Object.create(Object.create(Object.prototype));
    for (const name of keys(members)) {
        defineProperty(members[name], "name", { value: name, configurable: true });
        defineProperty(console, name, { value: members[name], writable: true, enumerable: true, configurable: true });
    }
    defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
    return console;
}
