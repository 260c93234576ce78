/** What Request and Response have in common: https://fetch.spec.whatwg.org/#body-mixin */

import {
    ArrayBufferIsView,
    ArrayBufferPrototypeGetByteLength,
    DataViewPrototypeGetBuffer,
    DataViewPrototypeGetByteLength,
    DataViewPrototypeGetByteOffset,
    iterable,
    JSONParse,
    ObjectDefineProperty,
    ObjectGetOwnPropertyDescriptor,
    ReflectOwnKeys,
    TypedArrayPrototypeGetBuffer,
    TypedArrayPrototypeGetByteLength,
    TypedArrayPrototypeGetByteOffset,
    TypedArrayPrototypeGetToStringTag,
    TypeError,
    Uint8Array,
    utf8Decode,
    utf8Encode,
} from "./primordials.js";
import {
    Blob,
    BlobPrototypeGetType,
    engineContentType,
    EngineResponse,
    EngineResponsePrototypeFormData,
    EngineResponsePrototypeGetBody,
    isBlob,
    isFormData,
    isReadableStream,
    isURLSearchParams,
    URLSearchParamsPrototypeToString,
} from "./platform.js";
import { bodyOfStream, BodyState } from "./body_state.js";
import { extractMimeType } from "./header_lists.js";
import { serializeMimeType } from "./mime.js";
import { parseMultipart } from "./multipart.js";
import { BlobSource, BytesSource, copyOf, LazySource } from "./sources.js";
import { isObject, USVString } from "./webidl.js";

/**
 * A BodyInit as a body, and the Content-Type that goes with it, null for none. Throws TypeError.
 *
 * https://fetch.spec.whatwg.org/#concept-bodyinit-extract
 *
 * @returns {{body: BodyState, type: string | null, isStream: boolean}}
 */
export function extractBody(value, context) {
    if (isObject(value)) {
        if (isReadableStream(value)) return { __proto__: null, body: bodyOfStream(value), type: null, isStream: true };
        if (isBlob(value)) return extracted(new BlobSource(value), BlobPrototypeGetType(value) || null);
        const bytes = bytesOf(value);
        if (bytes !== null) return extracted(new BytesSource(bytes), null);
        if (isFormData(value)) {
            const engine = new EngineResponse(value); // encodes the form
            const source = new LazySource(() => EngineResponsePrototypeGetBody(engine));
            return extracted(source, engineContentType(engine));
        }
        if (isURLSearchParams(value)) {
            const text = URLSearchParamsPrototypeToString(value);
            return bodyOfText(text, "application/x-www-form-urlencoded;charset=UTF-8");
        }
    }
    return bodyOfText(USVString(value, context), "text/plain;charset=UTF-8");
}

/** A body with the bytes of `text`, and its type. */
export function bodyOfText(text, type) {
    return extracted(new BytesSource(utf8Encode(text)), type);
}

const extracted = (source, type) => ({ __proto__: null, body: new BodyState(source), type, isStream: false });

/** The bytes of an ArrayBuffer or a view of one, copied; null for what is neither. */
function bytesOf(value) {
    if (!ArrayBufferIsView(value)) {
        let size;
        try {
            size = ArrayBufferPrototypeGetByteLength(value);
        } catch {
            return null; // the engine's brand check
        }
        return size === 0 ? new Uint8Array(0) : copyOf(new Uint8Array(value));
    }
    if (TypedArrayPrototypeGetToStringTag(value) !== undefined) {
        const buffer = TypedArrayPrototypeGetBuffer(value);
        const at = TypedArrayPrototypeGetByteOffset(value);
        return copyOf(new Uint8Array(buffer, at, TypedArrayPrototypeGetByteLength(value)));
    }
    const at = DataViewPrototypeGetByteOffset(value);
    return copyOf(
        new Uint8Array(DataViewPrototypeGetBuffer(value), at, DataViewPrototypeGetByteLength(value)),
    );
}

/** The names of the mixin's operations, which all return promises. */
export const BODY_PROMISES = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"];

/**
 * Give a class the members of the mixin. To be called before `defineInterface`.
 *
 * @param {(object: object) => BodyState | null} bodyOf
 * @param {(object: object) => [string, string][]} headersOf its header list
 */
export function includeBody(constructor, bodyOf, headersOf) {
    /** https://fetch.spec.whatwg.org/#concept-body-consume-body */
    const read = (object) => {
        const body = bodyOf(object);
        return body === null ? new Uint8Array(0) : body.readAll();
    };
    const members = {
        get body() {
            const body = bodyOf(this);
            return body === null ? null : body.stream;
        },
        get bodyUsed() {
            const body = bodyOf(this);
            return body !== null && body.used;
        },
        async arrayBuffer() {
            return TypedArrayPrototypeGetBuffer(copyOf(await read(this)));
        },
        async blob() {
            const type = extractMimeType(headersOf(this));
            return blobOf(await read(this), type === null ? "" : serializeMimeType(type));
        },
        async bytes() {
            return copyOf(await read(this));
        },
        async formData() {
            const type = extractMimeType(headersOf(this));
            return parseForm(await read(this), type);
        },
        async json() {
            return JSONParse(utf8Decode(await read(this)));
        },
        async text() {
            return utf8Decode(await read(this));
        },
    };
    const keys = ReflectOwnKeys(members);
    for (let at = 0; at < keys.length; at++) {
        const descriptor = ObjectGetOwnPropertyDescriptor(members, keys[at]);
        ObjectDefineProperty(constructor.prototype, keys[at], descriptor);
    }
}

const blobOf = (bytes, type) => new Blob(iterable([bytes]), { __proto__: null, type });

/** https://fetch.spec.whatwg.org/#dom-body-formdata, what is done with the bytes */
function parseForm(bytes, type) {
    const found = type === null ? "absent" : `'${serializeMimeType(type)}'`;
    if (type?.essence === "multipart/form-data") {
        const { boundary } = type.parameters;
        if (boundary === undefined) {
            throw new TypeError(`The Content-Type is ${found}; expected one with a boundary.`);
        }
        return parseMultipart(bytes, boundary);
    }
    if (type?.essence === "application/x-www-form-urlencoded") {
        const headers = { __proto__: null, "content-type": type.essence };
        return EngineResponsePrototypeFormData(new EngineResponse(bytes, { __proto__: null, headers }));
    }
    throw new TypeError(
        `The Content-Type is ${found}; expected multipart/form-data or application/x-www-form-urlencoded.`,
    );
}
