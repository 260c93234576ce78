// Script text comes from the runtime, never from the engine's own loader, which reads files whatever the permissions.
//
// Classic scripts share one scope, as in a browser. Modules are linked here, by URL; without a callback for it the engine
// refuses every import() of what we do not hand it, in evaluated code, too.

import { call } from "./calls.js";
import { ask } from "./channel.js";
import { Script, SourceTextModule, runInThisContext } from "./engine.js";
import { domException, errorFrom } from "./errors.js";
import { here, isScript } from "./places.js";

const { apply, ownKeys } = Reflect;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const get = uncurry(Map.prototype.get);
const set = uncurry(Map.prototype.set);
const NativePromise = Promise;
const NativeTypeError = TypeError;
const NativeURL = URL;
const hrefOf = uncurry(Object.getOwnPropertyDescriptor(URL.prototype, "href").get);

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
    const script = new Script(source, { filename: url });
    return apply(runInThisContext, script, []);
}

/** Code of a timer. */
export const runScriptText = (text) => runClassic(text, base);

/** https://html.spec.whatwg.org/multipage/workers.html#dom-workerglobalscope-importscripts */
export function importScripts(...urls) {
    if (isModule) throw new NativeTypeError("importScripts() of a module worker: use import");
    const at = here();
    const wanted = [];
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

/** The module at a URL, with all that it imports, fetched and not linked yet. */
async function fetched(url) {
    const known = get(modules, url);
    if (known !== undefined) return known;
    const loading = (async () => {
        // The second is the URL that it has after redirects: its own imports are relative to that.
        const answer = await call("script.fetch", [url]);
        return makeModule(answer[0], answer[1]);
    })();
    set(modules, url, loading);
    return loading;
}

function makeModule(source, url) {
    isScript(url, source);
    return new SourceTextModule(source, {
        identifier: url,
        initializeImportMeta(meta) {
            meta.url = url;
            meta.resolve = (specifier) => resolve(specifier, url);
        },
        // A page may import as it runs; in a service worker the standard forbids it.
        ...(isWorker ? {} : {
            importModuleDynamically: (specifier, script, attributes) => importDynamically(specifier, url, attributes),
        }),
    });
}

/** https://html.spec.whatwg.org/multipage/webappapis.html#resolve-a-module-specifier */
function resolve(specifier, referrer) {
    const text = `${specifier}`;
    const relative = text[0] === "/" || text.slice(0, 2) === "./" || text.slice(0, 3) === "../";
    let url;
    try {
        url = hrefOf(relative ? new NativeURL(text, referrer) : new NativeURL(text));
    } catch {
        throw new NativeTypeError(`Failed to resolve module specifier '${text}': expected '/', './', '../' or a URL`);
    }
    if (url.slice(0, 5) !== "http:" && url.slice(0, 6) !== "https:") {
        throw new NativeTypeError(`Failed to import '${text}': modules come over http and https`);
    }
    return url;
}

/** A module of another type is not to be run as a script. Throws a TypeError. */
function refuseTypes(specifier, attributes) {
    if (attributes === undefined || ownKeys(attributes).length === 0) return;
    throw new NativeTypeError(`Failed to import '${specifier}': import attributes (with { type: ... }) are not implemented`);
}

async function importDynamically(specifier, referrer, attributes) {
    refuseTypes(specifier, attributes);
    const module = await graph(resolve(specifier, referrer));
    await module.evaluate();
    return module;
}

/** The module at `url`, linked. */
async function graph(url, source = null) {
    let module;
    if (source !== null) {
        module = makeModule(source, url);
        set(modules, url, NativePromise.resolve(module));
    } else {
        module = await fetched(url);
    }
    if (module.status === "unlinked") {
        await module.link((specifier, referencing, extra) => {
            refuseTypes(specifier, extra?.attributes);
            return fetched(resolve(specifier, referencing.identifier));
        });
    }
    return module;
}

/** Evaluate a module script. */
export async function runModule(source, url) {
    const module = await graph(url, source);
    await module.evaluate();
}
