// Where a script is: the innermost frame of a stack that is one of its own.

import { wrongTextOf } from "./engine.js";
import {
    ReflectGetOwnPropertyDescriptor as ownProperty, StringPrototypeSplit as split, uncurryThis, WeakMap,
    WeakMapPrototypeGet as getNoted, WeakMapPrototypeHas as isNoted, WeakMapPrototypeSet as note,
} from "./primordials.js";

const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, setPrototypeOf } = Reflect;
const has = ((fn) => (map, key) => apply(fn, map, [key]))(Map.prototype.has);
const exec = ((fn) => (regexp, text) => apply(fn, regexp, [text]))(RegExp.prototype.exec);
const slice = ((fn) => (text, ...rest) => apply(fn, text, rest))(String.prototype.slice);
const NativeError = Error;
const NativeNumber = Number;
const isSafe = Number.isSafeInteger;

const setIn = ((fn) => (map, key, value) => apply(fn, map, [key, value]))(Map.prototype.set);
const getFrom = ((fn) => (map, key) => apply(fn, map, [key]))(Map.prototype.get);

/** The texts of the scripts, by their URLs. */
const scripts = new Map();
const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;
const ABOVE = /^((?:https?|blob|data):[^\n]*?):(\d+)\n/;
const PLACE = /(?:\(|at (?:async )?|^)((?:https?|blob|data):[^()]*?):(\d+):(\d+)\)?$/;

// A handler may be deep in a framework when it calls.
NativeError.stackTraceLimit = 50;

const mutedScripts = new Map();
let isAnyMuted = false;

/** From now on `url` is a script's, with that text. `muted`: it is another origin's, whose errors tell nothing. */
export function isScript(url, source, muted = false) {
    setIn(scripts, url, source);
    setIn(mutedScripts, url, muted);
    isAnyMuted ||= muted;
}

/**
 * Whether what was thrown is of a script with muted errors: https://html.spec.whatwg.org/multipage/webappapis.html#muted-errors
 *
 * Where there is such a script, it is also what nothing says of where it comes from: no error, or one without a stack.
 */
export function isMuted(error) {
    if (!isAnyMuted) return false;
    const place = placeAside(error);
    return place === undefined || (place !== null && getFrom(mutedScripts, place[0]) === true);
}

/** The last match is what a script sees in `RegExp.input` and its like: none of another origin's text is left there. */
export const forgetMatch = () => void exec(NOTHING, "");
const NOTHING = /(?:)/;

/** Where the engine does not know it, or a script's own text of a stack says what cannot be, there is no place. */
const placed = (url, line, column) => (isSafe(line) && isSafe(column) ? [url, line, column] : null);

/** `[url, line, column]` of the innermost frame of a script in the text of a stack, null where there is none. */
export function placeIn(stack) {
    if (typeof stack !== "string") return null;
    const lines = split(stack, "\n");
    for (let i = 0; i < lines.length; i++) {
        const match = exec(PLACE, lines[i]);
        if (match !== null) forgetMatch();
        if (match !== null && has(scripts, match[1])) {
            return placed(match[1], NativeNumber(match[2]), NativeNumber(match[3]));
        }
    }
    return null;
}

/** What the text of a stack is made of, the engine's own: taken here, because a script may change it. */
const { fileOf, lineOf, columnOf } = stackAs((_, sites) => {
    const { getFileName, getLineNumber, getColumnNumber } = getPrototypeOf(sites[0]);
    const asked = (fn) => (site) => apply(fn, site, []);
    return { __proto__: null, fileOf: asked(getFileName), lineOf: asked(getLineNumber), columnOf: asked(getColumnNumber) };
});

/** What `placeAmong` has found; undefined where it was not called. */
let found;

function placeAmong(_, sites) {
    found = null;
    for (let i = 0; i < sites.length; i++) {
        const file = fileOf(sites[i]);
        if (has(scripts, file)) {
            // The engine's are of arrays that it fills: a setter of an index may have kept them for itself.
            found = placed(file, lineOf(sites[i]) ?? 0, columnOf(sites[i]) ?? 0);
            break;
        }
    }
    return "";
}

/** The stack of now as `prepare` has it; as the text that it usually is where a script does not let us choose. */
function stackAs(prepare) {
    return prepared(prepare, () => new NativeError().stack) ?? new NativeError().stack;
}

/** What `read` answers while `prepare` writes stacks; undefined, and it is not called, where a script does not let us choose. */
function prepared(prepare, read) {
    const name = "prepareStackTrace";
    const before = getOwnPropertyDescriptor(NativeError, name);
    const ours = { __proto__: null, value: prepare, writable: true, enumerable: true, configurable: true };
    if (!defineProperty(NativeError, name, ours)) return undefined;
    try {
        return read();
    } finally {
        if (before === undefined) deleteProperty(NativeError, name);
        else defineProperty(NativeError, name, (setPrototypeOf(before, null), before));
    }
}

/** Where the script that is on the stack is now. To write the text of the stack takes many times as long. */
export function here() {
    found = undefined;
    // Where a script has its own way of writing stacks, this is what that made: taken as a text, and nothing else.
    const stack = stackAs(placeAmong);
    return found === undefined ? placeIn(stack) : found;
}

/**
 * What `compile` answers, to whom a script's text is given. The engine knows where the text is wrong, and tells it of an
 * error only that has no frames: so what fails is done once more, without any.
 */
export function compiled(compile) {
    try {
        return compile();
    } catch (error) {
        const place = placeOfText(compile);
        if (place !== null) isMadeAt(error, place);
        throw error;
    }
}

/** From now on that is where an exception was made. */
export function isMadeAt(error, place) {
    if (error !== null && typeof error === "object") note(places, error, place);
}

function placeOfText(compile) {
    const name = "stackTraceLimit";
    const before = getOwnPropertyDescriptor(NativeError, name);
    const none = { __proto__: null, value: 0, writable: true, enumerable: true, configurable: true };
    if (!defineProperty(NativeError, name, none)) return null;
    try {
        compile();
        return null;
    } catch (error) {
        const found = prepared(() => "", () => wrongTextOf(error));
        if (found === undefined || !has(scripts, found.fileName)) return null;
        return placed(found.fileName, found.lineNumber, found.columnNumber);
    } finally {
        if (before === undefined) deleteProperty(NativeError, name);
        else defineProperty(NativeError, name, (setPrototypeOf(before, null), before));
    }
}

/** The place that the engine has written above an exception's stack, null where there is none. */
export function placeAbove(error) {
    let stack;
    try {
        stack = error.stack;
    } catch {
        return null;
    }
    const match = typeof stack === "string" ? exec(ABOVE, stack) : null;
    if (match !== null) forgetMatch();
    return match !== null && has(scripts, match[1]) ? placed(match[1], NativeNumber(match[2]), 1) : null;
}

/** Where an exception was made; null for what has no stack. */
export function placeOf(error) {
    try {
        if (isNoted(places, error)) return getNoted(places, error) ?? null;
        if (isAnyMuted) return placeAside(error) ?? null;
        return error !== null && typeof error === "object" ? placeIn(error.stack) : null;
    } catch {
        return null;
    }
}


const stackOf = ownProperty(new NativeError(), "stack").get;
const siteText = uncurryThis(stackAs((_, sites) => getPrototypeOf(sites[0]).toString));
const errorString = uncurryThis(NativeError.prototype.toString);
/** Where errors were made, as far as it is known: their stacks are written once. */
const places = new WeakMap();

/**
 * Where an exception was made, without a function of the script's that gets it: it may be another origin's. null where no
 * script is on its stack, undefined where that cannot be told.
 */
function placeAside(error) {
    if (error === null || typeof error !== "object") return undefined;
    if (isNoted(places, error)) return getNoted(places, error);
    const place = placeUnnoted(error);
    note(places, error, place);
    return place;
}

function placeUnnoted(error) {
    let get;
    try {
        get = ownProperty(error, "stack")?.get;
    } catch {
        return undefined; // a proxy
    }
    if (get !== stackOf || ownProperty(globalThis, "Error")?.value !== NativeError) return undefined;
    const before = ownProperty(NativeError, "prepareStackTrace")?.value;
    let isAsked = false;
    const text = prepared((asked, sites) => {
        if (asked !== error) return "";
        isAsked = true;
        placeAmong(asked, sites);
        if (found === null && sites.length === 0) found = undefined;
        const isOwn = found !== undefined && (found === null || getFrom(mutedScripts, found[0]) !== true);
        if (isOwn && typeof before === "function") return apply(before, NativeError, [asked, sites]);
        let lines = isOwn ? errorString(asked) : "Error";
        for (let i = 0; i < sites.length; i++) lines += `\n    at ${siteText(sites[i])}`;
        return lines;
    }, () => apply(stackOf, error, []));
    if (isAsked) return found;
    return (text === undefined ? null : placeIn(text)) ?? undefined;
}

/** The text of a script from a place on, `length` of it at most; "" where it is not known. */
export function textAt(place, length) {
    const source = place === null ? undefined : getFrom(scripts, place[0]);
    if (typeof source !== "string") return "";
    let from = 0;
    LINE_END.lastIndex = 0;
    try {
        for (let line = 1; ; line++) {
            if (line === place[1]) return slice(source, from + place[2] - 1, from + place[2] - 1 + length);
            if (exec(LINE_END, source) === null) return "";
            from = LINE_END.lastIndex;
        }
    } finally {
        forgetMatch();
    }
}
