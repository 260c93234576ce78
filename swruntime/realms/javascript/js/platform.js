/**
 * The engine's own platform objects, captured: streams, Blob, FormData, URL, AbortSignal, and its Response, which
 * extracts and parses bodies for ours. As `primordials.js`, with what the web adds to the language.
 */

import { iterable, ReflectApply, uncurryGetter, uncurryThis } from "./primordials.js";

const AbortControllerConstructor = AbortController;
const AbortSignalConstructor = AbortSignal;
const BlobConstructor = Blob;
const FileConstructor = File;
const FormDataConstructor = FormData;
const ReadableStreamConstructor = ReadableStream;
const ResponseConstructor = Response;
const TransformStreamConstructor = TransformStream;
const URLConstructor = URL;
const URLSearchParamsConstructor = URLSearchParams;
export {
    AbortControllerConstructor as AbortController,
    AbortSignalConstructor as AbortSignal,
    BlobConstructor as Blob,
    FileConstructor as File,
    FormDataConstructor as FormData,
    ReadableStreamConstructor as ReadableStream,
    ResponseConstructor as EngineResponse,
    TransformStreamConstructor as TransformStream,
    URLConstructor as URL,
    URLSearchParamsConstructor as URLSearchParams,
};

// Which class an object is of; by asking it, as neither `instanceof` nor its prototype can be trusted.
const answers = (getter, argument) => (value) => {
    try {
        ReflectApply(getter, undefined, [value, argument]);
        return true;
    } catch {
        return false; // the engine's brand check
    }
};

// AbortSignal
export const AbortSignalPrototypeGetAborted = uncurryGetter(AbortSignal.prototype, "aborted");
export const AbortSignalPrototypeGetReason = uncurryGetter(AbortSignal.prototype, "reason");
export const AbortControllerPrototypeGetSignal = uncurryGetter(AbortController.prototype, "signal");
export const AbortControllerPrototypeAbort = uncurryThis(AbortController.prototype.abort);
const abortSignalAny = AbortSignal.any;
export const AbortSignalAny = (signals) => ReflectApply(abortSignalAny, AbortSignalConstructor, [iterable(signals)]);
export const EventTargetPrototypeAddEventListener = uncurryThis(EventTarget.prototype.addEventListener);
export const EventTargetPrototypeRemoveEventListener = uncurryThis(EventTarget.prototype.removeEventListener);
export const isCryptoKey = answers(uncurryGetter(CryptoKey.prototype, "extractable"));
export const isAbortSignal = answers(AbortSignalPrototypeGetAborted);

// Blob, FormData, URLSearchParams
export const BlobPrototypeGetSize = uncurryGetter(Blob.prototype, "size");
export const BlobPrototypeGetType = uncurryGetter(Blob.prototype, "type");
export const BlobPrototypeArrayBuffer = uncurryThis(Blob.prototype.arrayBuffer);
export const BlobPrototypeStream = uncurryThis(Blob.prototype.stream);
export const FilePrototypeGetLastModified = uncurryGetter(File.prototype, "lastModified");
export const FilePrototypeGetName = uncurryGetter(File.prototype, "name");
export const FormDataPrototypeAppend = uncurryThis(FormData.prototype.append);
export const URLSearchParamsPrototypeToString = uncurryThis(URLSearchParams.prototype.toString);
export const isBlob = answers(BlobPrototypeGetSize);
export const isFile = answers(FilePrototypeGetName);
export const isFormData = answers(uncurryThis(FormData.prototype.has), "");
export const isURLSearchParams = answers(uncurryGetter(URLSearchParams.prototype, "size"));

// URL
export const URLPrototypeGetHref = uncurryGetter(URL.prototype, "href");
export const URLPrototypeGetOrigin = uncurryGetter(URL.prototype, "origin");
export const URLPrototypeGetPassword = uncurryGetter(URL.prototype, "password");
export const URLPrototypeGetUsername = uncurryGetter(URL.prototype, "username");

// Streams
export const ReadableStreamPrototypeGetLocked = uncurryGetter(ReadableStream.prototype, "locked");
export const ReadableStreamPrototypeCancel = uncurryThis(ReadableStream.prototype.cancel);
export const ReadableStreamPrototypeGetReader = uncurryThis(ReadableStream.prototype.getReader);
export const ReadableStreamPrototypePipeThrough = uncurryThis(ReadableStream.prototype.pipeThrough);
export const ReadableStreamPrototypeTee = uncurryThis(ReadableStream.prototype.tee);
export const ReaderPrototypeRead = uncurryThis(ReadableStreamDefaultReader.prototype.read);
export const ReaderPrototypeCancel = uncurryThis(ReadableStreamDefaultReader.prototype.cancel);
export const ReaderPrototypeReleaseLock = uncurryThis(ReadableStreamDefaultReader.prototype.releaseLock);
export const ByteControllerPrototypeClose = uncurryThis(ReadableByteStreamController.prototype.close);
export const ByteControllerPrototypeEnqueue = uncurryThis(ReadableByteStreamController.prototype.enqueue);
export const ByteControllerPrototypeError = uncurryThis(ReadableByteStreamController.prototype.error);
export const ByteControllerPrototypeGetByobRequest = uncurryGetter(
    ReadableByteStreamController.prototype,
    "byobRequest",
);
export const ByobRequestPrototypeRespond = uncurryThis(ReadableStreamBYOBRequest.prototype.respond);
const getReadable = uncurryGetter(TransformStream.prototype, "readable");
const getWritable = uncurryGetter(TransformStream.prototype, "writable");
/** The two ends of an identity TransformStream, as `pipeThrough` takes them. */
export const identityTransform = () => {
    const transform = new TransformStreamConstructor();
    return { __proto__: null, readable: getReadable(transform), writable: getWritable(transform) };
};
export const isReadableStream = answers(ReadableStreamPrototypeGetLocked);

// The engine's Response
export const EngineResponsePrototypeGetBody = uncurryGetter(Response.prototype, "body");
export const EngineResponsePrototypeGetBodyUsed = uncurryGetter(Response.prototype, "bodyUsed");
export const EngineResponsePrototypeBytes = uncurryThis(Response.prototype.bytes);
export const EngineResponsePrototypeFormData = uncurryThis(Response.prototype.formData);
const getEngineHeaders = uncurryGetter(Response.prototype, "headers");
const getEngineHeader = uncurryThis(Headers.prototype.get);
export const engineContentType = (response) => getEngineHeader(getEngineHeaders(response), "content-type");
