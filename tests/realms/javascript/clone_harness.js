// For pieces about structured clone: wire forms as JSON, and equality of values.

import assert from "node:assert";

export * as clone from "../../../swruntime/realms/javascript/js/clone.js";
import { configure } from "../../../swruntime/realms/javascript/js/clone.js";
import { isOfInterface } from "../../../swruntime/realms/javascript/js/interfaces.js";

/** What stands for MessagePorts here. */
export class Port {
    detached = false;
    #is = true;
    static is = (value) => typeof value === "object" && value !== null && #is in value;
}

configure({
    isPort: Port.is,
    isDetached: (port) => port.detached,
    isPlatformObject: (value) => Port.is(value) || isOfInterface(value),
});

export const wireToJSON = (wire) =>
    JSON.parse(JSON.stringify(wire, (_, value) => (value instanceof Uint8Array ? { $bytes: Array.from(value) } : value)));

export const wireFromJSON = (wire) =>
    JSON.parse(JSON.stringify(wire), (_, value) => (value?.$bytes ? Uint8Array.from(value.$bytes) : value));

/** Throws where two values are not deeply equal: prototypes, -0, holes, and order in a Map included. */
export function same(one, other) {
    assert.deepStrictEqual(other, one);
    if (one instanceof Map) assert.deepStrictEqual([...other.keys()], [...one.keys()]);
    return true;
}
