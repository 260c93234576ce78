// The engine's own interfaces, where they are not what Web IDL says.

import { named } from "./functions.js";

const { apply, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;

/** `isGone` tells of a name that will be taken away. */
export function mendEngine(global, isGone) {
    settleGetters(global, isGone);
    named(AbortController.prototype.abort, "abort", 0);
    named(FormData, "FormData", 0);
    named(FormData.prototype.append, "append", 2);
    named(FormData.prototype.set, "set", 2);
    const { get: abortedOf } = getOwnPropertyDescriptor(AbortSignal.prototype, "aborted");
    checkedAccessor(AbortSignal.prototype, "onabort", (signal) => apply(abortedOf, signal, []));
    const { get: nameOf } = getOwnPropertyDescriptor(File.prototype, "name");
    const { webkitRelativePath } = Object.getOwnPropertyDescriptors({
        /** What a directory's input gave: https://wicg.github.io/entries-api/#dom-file-webkitrelativepath */
        get webkitRelativePath() {
            apply(nameOf, this, []); // the engine's brand check
            return "";
        },
    });
    defineProperty(File.prototype, "webkitRelativePath", { ...webkitRelativePath, enumerable: true });
}

/** Interfaces that the engine makes when they are first asked for: they shall be data properties, as all are. */
function settleGetters(global, isGone) {
    for (const name of ownKeys(global)) {
        if (isGone(name)) continue;
        const { get, set } = getOwnPropertyDescriptor(global, name);
        if (get === undefined || typeof name !== "string" || name[0] !== name[0].toUpperCase()) continue;
        const value = global[name];
        if (set === undefined || typeof value !== "function") continue;
        defineProperty(global, name, { value, writable: true, enumerable: false, configurable: true });
    }
}

/** An event handler of the engine's, with its names, and a check of `this`. */
function checkedAccessor(prototype, name, check) {
    const { get, set } = getOwnPropertyDescriptor(prototype, name);
    const accessors = Object.getOwnPropertyDescriptors({
        get [name]() {
            check(this);
            return apply(get, this, []) ?? null;
        },
        set [name](value) {
            check(this);
            apply(set, this, [value]);
        },
    });
    defineProperty(prototype, name, { ...accessors[name], enumerable: true, configurable: true });
}
