// Names of the engine's internals that scripts could reach, taken away before a script runs; and what of the language
// must stay as it is, for the engine's own code and ours.
//
// Which names there may be is held against the standards by tests/realms/javascript/test_javascript_names.py: what a new
// version of the engine adds fails there.

const { defineProperty, deleteProperty, ownKeys } = Reflect;

/** Globals; statics of interfaces; members of their prototypes. */
const GLOBALS = ["nodeBootstrap"];
const STATICS = {
    __proto__: null,
    // What makes keys of bytes, and bytes of keys, whatever their `extractable` says.
    CryptoKey: ["exportNodeMaterial", "fromCloneData", "importSync"],
    Crypto: ["create", "registerSymbols"],
    SubtleCrypto: ["create"],
};
const MEMBERS = {
    __proto__: null,
    EventTarget: ["getParent"],
    Event: ["initialized"],
};
/** Symbols by which the engine's parts know each other, and which nothing needs here: how they begin. */
const SYMBOLS = ["Deno.core.", "Deno_", "nodejs.", "[[NotSerializable]]"];

/** To be called once, after `mendEngine`, which settles what interfaces there are. */
export function removeInternals(global) {
    for (const name of GLOBALS) deleteProperty(global, name);
    for (const name of Object.keys(STATICS)) for (const member of STATICS[name]) deleteProperty(global[name], member);
    for (const name of Object.keys(MEMBERS)) for (const member of MEMBERS[name]) deleteProperty(global[name].prototype, member);
    for (const name of ownKeys(global)) {
        const { value } = Object.getOwnPropertyDescriptor(global, name);
        if (typeof value === "function") for (const holder of [value, value.prototype]) removeSymbols(holder);
    }
}

function removeSymbols(holder) {
    if (holder === undefined || holder === null) return;
    for (const symbol of Object.getOwnPropertySymbols(holder)) {
        const description = symbol.description ?? "";
        if (SYMBOLS.some((start) => description.startsWith(start))) deleteProperty(holder, symbol);
    }
}

/** What only pages have: https://w3c.github.io/FileAPI/#dfn-createObjectURL */
export function removeFromWorker(global) {
    deleteProperty(global.URL, "createObjectURL");
    deleteProperty(global.URL, "revokeObjectURL");
}

/**
 * `await` and `then` ask a promise for its constructor, and that for its species, also in our own code and the engine's,
 * and would hand what they wait for to what a script puts there. These two stay as they are; a promise may still have
 * its own `constructor`, and a subclass its own species.
 */
export function lockPromises() {
    defineProperty(Promise.prototype, "constructor", { writable: false, configurable: false });
    defineProperty(Promise, Symbol.species, { configurable: false });
}
