// Where a script is: the innermost frame of a stack that is one of its own.

const { apply } = Reflect;
const has = ((fn) => (set, value) => apply(fn, set, [value]))(Set.prototype.has);
const exec = ((fn) => (regexp, text) => apply(fn, regexp, [text]))(RegExp.prototype.exec);
const split = ((fn) => (text, by) => apply(fn, text, [by]))(String.prototype.split);
const slice = ((fn) => (text, ...rest) => apply(fn, text, rest))(String.prototype.slice);
const NativeError = Error;
const NativeNumber = Number;

const scripts = new Set();
const addTo = ((fn) => (set, value) => apply(fn, set, [value]))(Set.prototype.add);
const PLACE = /(?:\(|at (?:async )?|^)((?:https?|blob|data):[^()]*?):(\d+):(\d+)\)?$/;

// A handler may be deep in a framework when it calls.
NativeError.stackTraceLimit = 50;

/** From now on `url` is a script's. */
export const isScript = (url) => addTo(scripts, url);

/** `[url, line, column]` of the innermost frame of a script in the text of a stack, null where there is none. */
export function placeIn(stack) {
    if (typeof stack !== "string") return null;
    const lines = split(stack, "\n");
    for (let i = 0; i < lines.length; i++) {
        const found = exec(PLACE, lines[i]);
        if (found !== null && has(scripts, found[1])) {
            return [found[1], NativeNumber(found[2]), NativeNumber(found[3])];
        }
    }
    return null;
}

/** Where the script that is on the stack is now. */
export function here() {
    return placeIn(new NativeError().stack);
}

/** Where an exception was made; null for what has no stack. */
export function placeOf(error) {
    try {
        return error !== null && typeof error === "object" ? placeIn(error.stack) : null;
    } catch {
        return null;
    }
}

