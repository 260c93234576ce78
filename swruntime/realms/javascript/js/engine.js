// What the runtime takes from the engine before a script runs: nothing here is looked up afterwards, because a script may
// change what it likes, and because the names are deleted from its global scope.

import { registerHooks } from "node:module";
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

export const { serialize, deserialize, isPromise, isProxy, isDate, isRegExp, isMap, isSet, isNativeError } = core;
export const { isTypedArray, isDataView, isAnyArrayBuffer, isSharedArrayBuffer, isBoxedPrimitive } = core;
export const { runMicrotasks, eventLoopHasMoreWork, refOpPromise, unrefOpPromise, memoryUsage } = core;
export const { AsyncVariable, setAsyncContext, setUnhandledPromiseRejectionHandler, setHandledPromiseRejectionHandler } = core;
export const { setReportExceptionCallback } = core;
export const readAsync = core.read;
export const writeSync = core.writeSync;
export const exit = Deno.exit;
export const inspect = Deno.inspect;
export const args = [...Deno.args];
export const openSync = Deno.openSync;
export const revokeSync = (descriptor) => Deno.permissions.revokeSync(descriptor);

export const setImmediate = globalThis.setImmediate;
export const setTimeoutNative = globalThis.setTimeout;

export const Script = vm.Script;
export const runInThisContext = vm.Script.prototype.runInThisContext;
export const SourceTextModule = vm.SourceTextModule;
export const SyntheticModule = vm.SyntheticModule;

const probe = new Event("probe");
/** The slot that says whether the engine dispatched an event; there is no other way to make one that is trusted. */
export const trustedSlot = Object.getOwnPropertySymbols(probe).find((each) => String(each).includes("isTrusted"));
