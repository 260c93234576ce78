// Script text comes from the runtime, never from the engine's own loader, which reads files whatever the permissions.
//
// Classic scripts share one scope, as in a browser. Modules are linked here, by URL; without a callback for it the engine
// refuses every import() of what we do not hand it, in evaluated code, too.

import { call } from "./calls.js";
import { ask } from "./channel.js";
import {
    evaluateModule, instantiateModule, isNativeError, linkModule, moduleRequests, moduleStatus, newModule, newScript,
    runScript,
} from "./engine.js";
import { domException, errorFrom } from "./errors.js";
import { compiled, here, isMadeAt, isScript, placeAbove } from "./places.js";
import { URL as NativeURL, URLPrototypeGetHref as hrefOf } from "./platform.js";
import {
    ArrayPrototypeIncludes, ArrayPrototypePush, dataDescriptor, Map, MapPrototypeForEach, MapPrototypeGet as get,
    MapPrototypeHas as has, MapPrototypeSet as set, newList, ObjectDefineProperty, ObjectPrototype,
    PromisePrototypeThen, PromiseResolve, ReflectGetPrototypeOf, ReflectOwnKeys, StringPrototypeSlice,
    TypeError as NativeTypeError,
} from "./primordials.js";

const ArrayPrototype = Array.prototype;
const SyntaxErrorPrototype = SyntaxError.prototype;

let base = "about:blank";
let isModule = false;
let isWorker = false;

export function configureLoader(settings) {
    ({ base, isModule, isWorker } = settings);
}

/** The absolute form of a URL. Throws a SyntaxError DOMException as importScripts does. */
function absolute(url, against = base) {
    try {
        return hrefOf(new NativeURL(url, against));
    } catch {
        throw domException(`${url} is not a valid URL`, "SyntaxError");
    }
}

/** Evaluate a classic script; what it throws comes through. Answers with its completion value. */
export function runClassic(source, url, muted = false) {
    isScript(url, source, muted);
    if (muted) return runScript(newScript(source, url), true);
    const script = compiled(() => newScript(source, url));
    try {
        return runScript(script);
    } catch (error) {
        // A name that another script has declared: no frame is the script's own.
        const place = isSyntaxError(error) ? placeAbove(error) : null;
        if (place !== null) isMadeAt(error, place);
        throw error;
    }
}

const isSyntaxError = (error) => isNativeError(error) && ReflectGetPrototypeOf(error) === SyntaxErrorPrototype;

/** Code of a timer, which a script has set at a place. */
export function runScriptText(text, place) {
    isScript(base, text);
    let script;
    try {
        script = newScript(text, base);
    } catch (error) {
        if (place !== null) isMadeAt(error, place);
        throw error;
    }
    runScript(script);
}

/** https://html.spec.whatwg.org/multipage/workers.html#dom-workerglobalscope-importscripts */
export function importScripts(...urls) {
    if (isModule) throw new NativeTypeError("importScripts() of a module worker: use import");
    const at = here();
    const wanted = newList();
    for (let i = 0; i < urls.length; i++) wanted[i] = absolute(`${urls[i]}`);
    for (let i = 0; i < wanted.length; i++) {
        const answer = ask("importScript", [wanted[i]], at);
        if (answer.error !== undefined) throw errorFrom(answer.error);
        const { source, muted } = answer.value;
        if (muted) runMuted(source, wanted[i]);
        else runClassic(source, wanted[i]);
    }
}

/** https://html.spec.whatwg.org/multipage/webappapis.html#run-a-classic-script, 8: nothing of another origin's text leaks. */
function runMuted(source, url) {
    try {
        runClassic(source, url, true);
    } catch {
        throw domException(`The script at '${url}' failed`, "NetworkError");
    }
}

const modules = new Map();
/** The URL that a module has after redirects, by the URL that was asked for. */
const bases = new Map();

/** A promise of the module at a URL, fetched and not linked yet. */
function fetched(url) {
    const known = get(modules, url);
    if (known !== undefined) return known;
    const loading = (async () => {
        // The second is the URL that it has after redirects: its own imports are relative to that.
        const answer = await call("script.fetch", [url]);
        set(bases, url, answer[1]);
        return makeModule(answer[0], answer[1]);
    })();
    set(modules, url, loading);
    return loading;
}

function makeModule(source, url) {
    isScript(url, source);
    const initializeImportMeta = (meta) => {
        const define = (name, value) => ObjectDefineProperty(meta, name, dataDescriptor(value));
        define("url", url);
        define("resolve", (specifier) => resolve(specifier, url));
    };
    // A page may import as it runs; in a service worker the standard forbids it.
    const importModuleDynamically = isWorker ? undefined
        : (specifier, script, attributes) => importDynamically(specifier, url, attributes);
    return compiled(() => newModule(source, url, initializeImportMeta, importModuleDynamically));
}

/** https://html.spec.whatwg.org/multipage/webappapis.html#resolve-a-module-specifier */
function resolve(specifier, referrer) {
    const text = `${specifier}`;
    const relative = text[0] === "/" || StringPrototypeSlice(text, 0, 2) === "./" || StringPrototypeSlice(text, 0, 3) === "../";
    let url;
    try {
        url = hrefOf(relative ? new NativeURL(text, referrer) : new NativeURL(text));
    } catch {
        throw new NativeTypeError(`Failed to resolve module specifier '${text}': expected '/', './', '../' or a URL`);
    }
    if (StringPrototypeSlice(url, 0, 5) !== "http:" && StringPrototypeSlice(url, 0, 6) !== "https:") {
        throw new NativeTypeError(`Failed to import '${text}': modules come over http and https`);
    }
    return url;
}

/** A module of another type is not to be run as a script. Throws a TypeError. */
function refuseTypes(specifier, attributes) {
    if (attributes === undefined || ReflectOwnKeys(attributes).length === 0) return;
    throw new NativeTypeError(`Failed to import '${specifier}': import attributes (with { type: ... }) are not implemented`);
}

async function importDynamically(specifier, referrer, attributes) {
    refuseTypes(specifier, attributes);
    const module = await graph(resolve(specifier, referrer));
    await evaluateModule(module);
    return module;
}

/** The module at `url`, linked. */
async function graph(url, source = null) {
    if (source !== null) set(modules, url, PromiseResolve(makeModule(source, url)));
    const module = await fetched(url);
    if (moduleStatus(module) === "unlinked") {
        const parts = new Map();
        await gather(module, url, parts);
        link(module, parts);
    }
    return module;
}

/** Fetch all that `module` imports, and what that imports; `parts` gets {module, imported} by URL. */
async function gather(module, url, parts) {
    const requests = moduleRequests(module);
    const wanted = newList();
    const part = { __proto__: null, module, imported: newList() };
    set(parts, url, part);
    const from = get(bases, url) ?? url;
    for (let i = 0; i < requests.length; i++) {
        refuseTypes(requests[i].specifier, requests[i].attributes);
        wanted[i] = resolve(requests[i].specifier, from);
    }
    // All at once, and then one after the other: each is on its way while the first is awaited.
    for (let i = 0; i < wanted.length; i++) PromisePrototypeThen(fetched(wanted[i]), undefined, () => {});
    for (let i = 0; i < wanted.length; i++) {
        const imported = await fetched(wanted[i]);
        ArrayPrototypePush(part.imported, imported);
        if (!has(parts, wanted[i])) await gather(imported, wanted[i], parts);
    }
}

/** In one go, so that no script runs meanwhile. */
function link(root, parts) {
    // The engine fills arrays with what is its own.
    if (isArrayPrototypeWatched()) {
        throw new NativeTypeError("Failed to link a module: Array.prototype has an index, or another prototype");
    }
    MapPrototypeForEach(parts, ({ module, imported }) => {
        if (moduleStatus(module) === "unlinked") linkModule(module, imported);
    });
    compiled(() => instantiateModule(root));
}

/** Whether a script could see what is put into an array. Indices come first among an object's own keys. */
function isArrayPrototypeWatched() {
    return ReflectGetPrototypeOf(ArrayPrototype) !== ObjectPrototype || ReflectOwnKeys(ArrayPrototype)[0] !== "length" ||
        ArrayPrototypeIncludes(DIGITS, ReflectOwnKeys(ObjectPrototype)[0][0]);
}

const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** Evaluate a module script. */
export async function runModule(source, url) {
    const module = await graph(url, source);
    await evaluateModule(module);
}
