// Values on their way to the runtime and from it; the runtime's side is swruntime/realms/javascript/values.py.

import { call, post, release } from "./calls.js";
import { deserialize, serialize } from "./clone.js";
import { detach, faceOf, isFace, numberOf } from "./faces.js";
import { madeOne, wentOne } from "./garbage.js";
import { register as registerStream } from "./outgoing.js";
import { describeRequest, isRequest, makeRequest, sourceOf, takeRequest } from "./request.js";
import { isResponse, makeResponse, takeResponse } from "./response.js";
import {
    arrayFor, ArrayBufferIsView, ArrayIsArray as isArray, DataViewPrototypeGetBuffer, DataViewPrototypeGetByteLength,
    DataViewPrototypeGetByteOffset, FinalizationRegistry, FinalizationRegistryPrototypeRegister, newList,
    ObjectFreeze as freeze, ObjectKeys as keys, ObjectPrototype, ObjectSetPrototypeOf, sever, SymbolIterator as iterator,
    TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetByteOffset,
    TypedArrayPrototypeGetToStringTag, TypeError as NativeTypeError, Uint8Array as Bytes,
} from "./primordials.js";
import { isAnyArrayBuffer, isSharedArrayBuffer } from "./engine.js";
import {
    ByteString, DOMString, USVString, boolean, dictionary, enforcedUnsignedLongLong, enumeration, isObject, nullable, object,
    required, sequence, sequenceFrom, unsignedLong,
} from "./webidl.js";

/** Tells the runtime of bodies that nobody can read any more. */
const forgotten = new FinalizationRegistry((handle) => {
    wentOne();
    release(handle, 1);
});
let clones = 0;

/** A body that the runtime holds, of the request or response known by `handle`: one mention of it. */
export class Remote {
    constructor(handle) {
        this.handle = handle;
        FinalizationRegistryPrototypeRegister(forgotten, this, handle);
        madeOne();
    }

    read() {
        return call("body.read", [this.handle], (bytes) => bytes ?? null);
    }

    cancel() {
        post("body.cancel", [this.handle]);
    }

    clone() {
        const handle = --clones;
        post("body.clone", [this.handle, handle]);
        return new Remote(handle);
    }
}

const isBytes = (value) => TypedArrayPrototypeGetToStringTag(value) === "Uint8Array";

sever(Remote);

/** What the runtime answered with, a part of a frame, as a script's value. */
export function revive(value) {
    if (value === null || typeof value !== "object" || isBytes(value)) return value ?? undefined;
    if (isArray(value)) {
        for (let i = 0; i < value.length; i++) value[i] = value[i] === null ? null : revive(value[i]);
        return arrayFor(value);
    }
    if (value.$object !== undefined) {
        if (value.state !== undefined) value.state = reviveState(value.state);
        return faceOf(value);
    }
    if (value.$request !== undefined) return makeRequest(value.state, new Remote(value.$request));
    if (value.$response !== undefined) return makeResponse(value.state, new Remote(value.$response));
    if (value.$message !== undefined) return deserialize(value.$message, []);
    return ObjectSetPrototypeOf(reviveState(value), ObjectPrototype); // a dictionary
}

/** The same with each member of `state`, which stays the runtime's, and has no prototype. */
export function reviveState(state) {
    const names = keys(state);
    for (let i = 0; i < names.length; i++) {
        const name = names[i];
        if (state[name] !== null) state[name] = revive(state[name]);
    }
    return state;
}

export const reviveFrozen = (value) => (isArray(value) ? freeze(revive(value)) : revive(value));

function bodyTo(body) {
    if (body === null || body === undefined) return undefined;
    if (body.stream !== undefined) return { __proto__: null, stream: registerStream(body.stream) };
    return body;
}

/** A request whose body goes along: it is used from now on. */
export function sentRequest(request) {
    const taken = takeRequest(request);
    return { __proto__: null, ...taken, source: sourceOf(request), body: bodyTo(taken.body) };
}

/** RequestInfo of a method that looks at the request only. */
export function requestInfo(value, context) {
    return isRequest(value) ? describeRequest(value) : USVString(value, context);
}

/** RequestInfo of a method that sends it. */
export function sentRequestInfo(value, context) {
    return isRequest(value) ? sentRequest(value) : USVString(value, context);
}

/** (RequestInfo or sequence<RequestInfo>) */
export function requestInfos(value, context) {
    if (isObject(value) && !isRequest(value)) {
        const method = value[iterator];
        if (method !== undefined && method !== null) return sequenceFrom(value, method, sentRequestInfo, context);
    }
    return sentRequestInfo(value, context);
}

export const requestSequence = sequence(sentRequestInfo);

/** A Response, whose body is used from now on. */
export function response(value, context) {
    if (!isResponse(value)) throw new NativeTypeError(`${context} is not of type 'Response'.`);
    return sentResponse(value);
}

export function sentResponse(value) {
    const taken = takeResponse(value);
    return { __proto__: null, ...taken, body: bodyTo(taken.body) };
}

const given = (members) => {
    const read = dictionary(members);
    return (value, context) => {
        const found = read(value, context);
        const wire = { __proto__: null };
        const names = keys(found);
        for (let i = 0; i < names.length; i++) if (found[names[i]] !== undefined) wire[names[i]] = found[names[i]];
        return wire;
    };
};

const QUERY = [["ignoreMethod", boolean], ["ignoreSearch", boolean], ["ignoreVary", boolean]];
export const cacheQueryOptions = given(QUERY);
export const multiCacheQueryOptions = given([...QUERY, ["cacheName", DOMString]]);
const imageResource = given([["label", DOMString], ["sizes", DOMString], ["src", USVString, required], ["type", DOMString]]);
export const uiOptions = given([["icons", sequence(imageResource)], ["title", DOMString]]);
export const backgroundFetchOptions = given([
    ["icons", sequence(imageResource)], ["title", DOMString], ["downloadTotal", enforcedUnsignedLongLong],
]);
export const clientQueryOptions = given([
    ["includeUncontrolled", boolean],
    ["type", enumeration("ClientType", ["window", "worker", "sharedworker", "all"])],
]);
export const registrationOptions = given([
    ["scope", USVString],
    ["type", enumeration("WorkerType", ["classic", "module"])],
    ["updateViaCache", enumeration("ServiceWorkerUpdateViaCache", ["imports", "all", "none"])],
]);
export const backgroundSyncOptions = given([["minInterval", enforcedUnsignedLongLong]]);
export const permissionDescriptor = given([["name", DOMString, required]]);
export const notificationFilter = given([["tag", DOMString]]);
const action = given([
    ["action", DOMString, required], ["icon", USVString], ["navigate", USVString], ["title", DOMString, required],
]);
const vibration = (value, context) =>
    isObject(value) ? sequence(unsignedLong)(value, context) : unsignedLong(value, context);
export const notificationOptions = given([
    ["actions", sequence(action)],
    ["badge", USVString],
    ["body", DOMString],
    ["data", (value) => serialize(value, [], "data")],
    ["dir", enumeration("NotificationDirection", ["auto", "ltr", "rtl"])],
    ["icon", USVString],
    ["image", USVString],
    ["lang", DOMString],
    ["navigate", USVString],
    ["renotify", boolean],
    ["requireInteraction", boolean],
    ["silent", nullable(boolean)],
    ["tag", DOMString],
    ["timestamp", enforcedUnsignedLongLong],
    ["vibrate", vibration],
]);

function bufferSource(value, context) {
    if (typeof value === "string") return value;
    return bytesIn(value) ?? DOMString(value, context);
}

/** The bytes of an ArrayBuffer or of a view of one, which they are still; undefined for what is neither. */
export function bytesIn(value) {
    if (isAnyArrayBuffer(value) && !isSharedArrayBuffer(value)) return new Bytes(value);
    if (!ArrayBufferIsView(value)) return undefined;
    if (TypedArrayPrototypeGetToStringTag(value) !== undefined) {
        const at = TypedArrayPrototypeGetByteOffset(value);
        return new Bytes(TypedArrayPrototypeGetBuffer(value), at, TypedArrayPrototypeGetByteLength(value));
    }
    const at = DataViewPrototypeGetByteOffset(value);
    return new Bytes(DataViewPrototypeGetBuffer(value), at, DataViewPrototypeGetByteLength(value));
}

export const pushOptions = given([
    ["applicationServerKey", nullable(bufferSource)], ["userVisibleOnly", boolean],
]);
export { ByteString, DOMString, USVString, serialize };

const structuredSerializeOptions = dictionary([["transfer", sequence(object)]]);

/** (sequence<object> or StructuredSerializeOptions): what is transferred with a message. */
export function transferList(value, context) {
    if (value === undefined || value === null) return [];
    object(value, context);
    const method = value[iterator];
    if (method !== undefined && method !== null) return sequenceFrom(value, method, object, context);
    return structuredSerializeOptions(value, context).transfer ?? [];
}

/** A message and the ports that go with it, as arguments of a call. */
export function messageArguments(message, transfer) {
    const wire = serialize(message, transfer);
    const ports = newList();
    for (let i = 0; i < transfer.length; i++) {
        if (!isFace(transfer[i], "MessagePort")) continue;
        ports[ports.length] = numberOf(transfer[i]);
        detach(transfer[i]);
    }
    return { __proto__: null, wire, ports };
}
