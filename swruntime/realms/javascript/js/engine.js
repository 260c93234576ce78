// What the runtime takes from the engine before a script runs: nothing here is looked up afterwards, because a script may
// change what it likes, and because the names are deleted from its global scope.

import { registerHooks } from "node:module";
import { setFlagsFromString } from "node:v8";
import vm from "node:vm";

// The modules of the runtime are loaded by now, and the engine's own loader, which reads files and has node:fs, loads no
// more. Scripts find ways to it: a listener `eval.bind(null, "import('node:fs')")` is evaluated as though the module of
// ours that calls it had said so.
registerHooks({
    resolve(specifier) {
        // The engine makes a TypeError of it.
        throw `Failed to import '${specifier}': modules come over http and https`;
    },
});

const core = Deno[Deno.internal].core;

// It is in a context of its own: in the global scope it could not be deleted.
setFlagsFromString("--expose-gc");
/** Look at once for objects that nobody can reach. No script has it. */
export const collectGarbage = vm.runInNewContext("gc");
setFlagsFromString("--no-expose-gc");

export const { serialize, deserialize, isPromise, isProxy, isDate, isRegExp, isMap, isSet, isNativeError } = core;
export const { isTypedArray, isDataView, isAnyArrayBuffer, isSharedArrayBuffer, isBoxedPrimitive } = core;
export const { isArgumentsObject, isGeneratorObject, isMapIterator, isModuleNamespaceObject, isSetIterator } = core;
export const { isBigIntObject, isBooleanObject, isNumberObject, isSymbolObject, isWeakMap, isWeakSet } = core;
export const { runMicrotasks, eventLoopHasMoreWork, refOpPromise, unrefOpPromise, memoryUsage } = core;
export const { AsyncVariable, setAsyncContext, setUnhandledPromiseRejectionHandler, setHandledPromiseRejectionHandler } = core;
export const { getProxyDetails, getPromiseDetails, setPromiseHooks, setReportExceptionCallback } = core;
export const readAsync = core.read;
export const writeSync = core.writeSync;
export const exit = Deno.exit;
export const inspect = Deno.inspect;
export const args = [...Deno.args];
export const openSync = Deno.openSync;
export const revokeSync = (descriptor) => Deno.permissions.revokeSync(descriptor);

export const setImmediate = globalThis.setImmediate;
export const setTimeoutNative = globalThis.setTimeout;

const { apply } = Reflect;
const { defineProperty, setPrototypeOf, getPrototypeOf, getOwnPropertySymbols } = Object;

// The objects of these classes are handed to no script, and so they ask nothing of a script's.
for (const cls of [vm.Script, getPrototypeOf(vm.SourceTextModule), Deno.FsFile]) setPrototypeOf(cls.prototype, null);
const immediate = setImmediate(() => {});
// A list of timers shows itself where it is made only.
let list = null;
defineProperty(Object.prototype, "expiry", {
    configurable: true,
    set(value) {
        list = this;
        defineProperty(this, "expiry", { value, writable: true, enumerable: true, configurable: true });
    },
});
const timeout = globalThis.setTimeout(() => {}, 1);
delete Object.prototype.expiry;
for (const each of [immediate, timeout, list]) {
    if (typeof each === "object" && each !== null) setPrototypeOf(getPrototypeOf(each), null);
}
globalThis.clearImmediate(immediate);
globalThis.clearTimeout(timeout);
const response = new Response(new Blob(["probe"]).stream());
for (const symbol of getOwnPropertySymbols(response)) {
    const { body = null } = response[symbol] ?? {};
    if (body !== null && getPrototypeOf(body) !== Object.prototype) setPrototypeOf(getPrototypeOf(body), null);
}

/**
 * The engine calls what its asynchronous operations do by `operation.call(...)`, looked up each time: a script that had
 * replaced `Function.prototype.call` would be handed operations, and could answer for them. Each gets a `call` of its own.
 */
function ownCalls(stubs) {
    const { call, prototype } = { call: Function.prototype.call, prototype: Function.prototype };
    const found = [];
    const stop = new Error("not called");
    prototype.call = function () {
        found.push(this);
        throw stop;
    };
    const asked = [];
    try {
        for (const stub of stubs) asked.push(stub());
    } finally {
        prototype.call = call;
    }
    for (const promise of asked) promise.catch(() => {});
    for (const operation of found) Object.defineProperty(operation, "call", { value: call });
}
ownCalls([core.read, ...Object.values(core.ops)].filter((each) => String(each).includes("originalOp.call(")));

const { Script, SourceTextModule } = vm;
const { runInThisContext } = Script.prototype;
const { linkRequests, instantiate, evaluate } = {
    linkRequests: SourceTextModule.prototype.linkRequests,
    instantiate: SourceTextModule.prototype.instantiate,
    evaluate: SourceTextModule.prototype.evaluate,
};
const statusOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(SourceTextModule.prototype), "status").get;
const requestsOf = Object.getOwnPropertyDescriptor(SourceTextModule.prototype, "moduleRequests").get;
/** How a script is run: with each option, as one that is missing would be looked up on `Object.prototype`. */
const RUN = {
    __proto__: null, timeout: undefined, displayErrors: true, breakOnSigint: false, contextName: undefined,
    contextOrigin: undefined, contextCodeGeneration: undefined, microtaskMode: undefined,
};
/** The same; what is thrown is not looked at, so that no `Error.prepareStackTrace` gets it. */
const RUN_QUIETLY = { ...RUN, __proto__: null, displayErrors: false };

/** A classic script that can be run. It is of node:vm, and never for a script's eyes. Throws SyntaxError. */
export const newScript = (source, url = "evalmachine.<anonymous>") =>
    new Script(source, {
        __proto__: null, filename: url, lineOffset: 0, columnOffset: 0, cachedData: undefined, produceCachedData: false,
        importModuleDynamically: undefined,
    });

/** Run it; what it throws comes through. Answers with its completion value. */
export const runScript = (script, quietly = false) => apply(runInThisContext, script, [quietly ? RUN_QUIETLY : RUN]);

/** A module that can be linked. It is of node:vm, and never for a script's eyes. Throws SyntaxError. */
export function newModule(source, url, initializeImportMeta, importModuleDynamically) {
    const module = new SourceTextModule(source, {
        __proto__: null, identifier: url, context: undefined, lineOffset: 0, columnOffset: 0, cachedData: undefined,
        initializeImportMeta, importModuleDynamically,
    });
    // A promise may be resolved with it, and then is what it has by itself asked for, and no `then` of a script's.
    defineProperty(module, "then", { __proto__: null, value: undefined });
    return module;
}

/** "unlinked", "linking", "linked", "evaluating", "evaluated" or "errored" */
export const moduleStatus = (module) => apply(statusOf, module, []);

/** What it imports: a list of objects with a `specifier`. */
export const moduleRequests = (module) => apply(requestsOf, module, []);

/** Link a module: `modules` are those of its `moduleRequests`, in order. */
export const linkModule = (module, modules) => void apply(linkRequests, module, [modules]);

/** Once all that it imports is linked. Throws SyntaxError for names that are not exported. */
export const instantiateModule = (module) => void apply(instantiate, module, []);

const { destructureError } = core;
/** Where the text is wrong that made an error, `{fileName, lineNumber, columnNumber}`: of one that has no frames. */
export const wrongTextOf = (error) => destructureError(error).frames[0];

/** Evaluate a module: a promise. */
export const evaluateModule = (module) => apply(evaluate, module, [{ __proto__: null }]);

const probe = new Event("probe");
/** The slot that says whether the engine dispatched an event; there is no other way to make one that is trusted. */
export const trustedSlot = Object.getOwnPropertySymbols(probe).find((each) => String(each).includes("isTrusted"));

const blob = new Blob(["probe"]);
const symbolOf = (object, name) => Object.getOwnPropertySymbols(object).find((each) => each.description === name);
/** What a Blob consists of: other Blobs, and references to bytes that the engine keeps. */
export const partsSlot = symbolOf(blob, "Parts");
/** A property that every platform object of the engine's has, except its events. */
export const brandSlot = symbolOf(blob, "[[webidl.brand]]");
