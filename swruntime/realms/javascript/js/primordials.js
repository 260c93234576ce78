/**
 * The engine's own functions, as they were before any script ran.
 *
 * A script may change every builtin. Our modules take from here what they use, and so never look up at run time
 * what a script could have replaced. Methods are functions of their object: `StringPrototypeSlice(text, 1)`.
 *
 * What follows from it for code in this folder, once a script has run:
 *
 * - no `for (... of array)`, no spread of an array and no array destructuring: they go through
 *   `Array.prototype[Symbol.iterator]`;
 * - no `instanceof`: it asks `Symbol.hasInstance`, and prototypes that can be replaced;
 * - no `regexp.test` and no `text.replace(regexp)`: they go through methods of `RegExp.prototype`;
 * - dictionaries, options and property descriptors have no prototype (`{ __proto__: null, ... }`): a member that is
 *   missing is looked up there, and a getter gets the whole object as its `this`. So with `then` of whatever a promise
 *   is resolved with;
 * - lists are made by `newList()`, and filled by `list[list.length] = item` or `ArrayPrototypePush`: a setter that a
 *   script gives `Array.prototype` for an index would get the items. An array for a script is made by `arrayFor`.
 */

const { bind, call } = Function.prototype;

/** @type {(method: Function) => Function} A method as a function whose first argument is its object. */
export const uncurryThis = bind.bind(call);

/** @type {(prototype: object, name: PropertyKey) => Function} An attribute's getter as a function of its object. */
export const uncurryGetter = (prototype, name) =>
    uncurryThis(Object.getOwnPropertyDescriptor(prototype, name).get);

/**
 * Take a class of the engine's or of ours, whose objects no script shall see, off `Object.prototype`: a getter or setter
 * there would get them as its `this`.
 */
export const sever = (constructor) => void Object.setPrototypeOf(constructor.prototype, null);

export const {
    apply: ReflectApply,
    construct: ReflectConstruct,
    defineProperty: ReflectDefineProperty,
    get: ReflectGet,
    getPrototypeOf: ReflectGetPrototypeOf,
    has: ReflectHas,
    ownKeys: ReflectOwnKeys,
} = Reflect;

export const {
    create: ObjectCreate,
    defineProperty: ObjectDefineProperty,
    defineProperties: ObjectDefineProperties,
    freeze: ObjectFreeze,
    getPrototypeOf: ObjectGetPrototypeOf,
    keys: ObjectKeys,
    setPrototypeOf: ObjectSetPrototypeOf,
} = Object;

const { getOwnPropertyDescriptor } = Reflect;
/** The descriptor of an own property, without a prototype; undefined where there is none. */
export function ReflectGetOwnPropertyDescriptor(object, key) {
    const descriptor = getOwnPropertyDescriptor(object, key);
    return descriptor === undefined ? undefined : ObjectSetPrototypeOf(descriptor, null);
}
export { ReflectGetOwnPropertyDescriptor as ObjectGetOwnPropertyDescriptor };

export const {
    asyncIterator: SymbolAsyncIterator,
    iterator: SymbolIterator,
    toStringTag: SymbolToStringTag,
} = Symbol;
export const SymbolPrototypeToString = uncurryThis(Symbol.prototype.toString);

export const FunctionPrototypeBind = uncurryThis(bind);
export const FunctionPrototypeCall = uncurryThis(call);
export const FunctionPrototype = Function.prototype;
export const ObjectPrototype = Object.prototype;
export const ObjectPrototypeToString = uncurryThis(Object.prototype.toString);
export const ObjectIs = Object.is;
export const ObjectPrototypeHasOwnProperty = uncurryThis(Object.prototype.hasOwnProperty);

export const { isArray: ArrayIsArray } = Array;
const ArrayPrototype = Array.prototype;

class List extends Array {}
const ListPrototype = List.prototype;
Object.setPrototypeOf(ListPrototype, null);
delete ListPrototype.constructor;

/**
 * An array for our own use: of what a script can change, its prototype has nothing, so neither setters nor a species are
 * asked. (To take an array's prototype away is slow.)
 */
export const newList = () => new List();

/** `list`, made by `newList` or parsed from JSON, as an array of the script's; it is the script's from now on. */
export const arrayFor = (list) => ObjectSetPrototypeOf(list, ArrayPrototype);

/** Append to an array of any kind; what the script gave `Array.prototype` is not asked. Answers the new length. */
export function ArrayPrototypePush(array, item) {
    const prototype = ReflectGetPrototypeOf(array);
    if (prototype === ListPrototype || prototype === null) array[array.length] = item;
    else ReflectDefineProperty(array, array.length, dataDescriptor(item));
    return array.length;
}

/** Take the last item off a list that has one. */
export function ArrayPrototypePop(list) {
    const last = list[list.length - 1];
    list.length -= 1;
    return last;
}

/** What is taken from its front. (To shift a list takes as long as it is, and to shift all of it the square.) */
export const newQueue = (items = newList()) => ({ __proto__: null, items, front: 0 });
export const queued = (queue) => queue.items.length - queue.front;
export const firstOf = (queue) => queue.items[queue.front];
export const enqueue = (queue, item) => void (queue.items[queue.items.length] = item);
export function dequeue(queue) {
    const item = queue.items[queue.front];
    queue.items[queue.front++] = undefined;
    if (queue.front * 2 > queue.items.length) {
        queue.items = ArrayPrototypeSlice(queue.items, queue.front);
        queue.front = 0;
    }
    return item;
}
export function emptyQueue(queue) {
    queue.items = newList();
    queue.front = 0;
}

/** The descriptor of a property that an assignment would make. */
export const dataDescriptor = (value) => ({
    __proto__: null, value, writable: true, enumerable: true, configurable: true,
});

/**
 * `list` as what the engine's functions take for a sequence. They iterate, as Web IDL says, and so would ask
 * `Array.prototype[Symbol.iterator]` of an array.
 */
export const iterable = (list) => ({
    __proto__: null,
    [SymbolIterator]() {
        let at = 0;
        return {
            __proto__: null,
            next: () =>
                at < list.length
                    ? { __proto__: null, done: false, value: list[at++] }
                    : { __proto__: null, done: true, value: undefined },
        };
    },
});

// What would ask an array's `constructor` and its species makes a list.
export function ArrayPrototypeFilter(array, keeps) {
    const list = newList();
    for (let at = 0; at < array.length; at++) if (keeps(array[at])) list[list.length] = array[at];
    return list;
}
export function ArrayPrototypeMap(array, convert) {
    const list = newList();
    for (let at = 0; at < array.length; at++) list[at] = convert(array[at]);
    return list;
}
export function ArrayPrototypeSlice(array, from = 0, to = array.length) {
    const list = newList();
    for (let at = from; at < to && at < array.length; at++) list[list.length] = array[at];
    return list;
}
/** What stands before and behind the items of `array`, in one list. */
export function concat(before, array) {
    const list = newList();
    for (let at = 0; at < before.length; at++) list[list.length] = before[at];
    for (let at = 0; at < array.length; at++) list[list.length] = array[at];
    return list;
}
export const ArrayPrototypeIncludes = uncurryThis(Array.prototype.includes);
export const ArrayPrototypeIndexOf = uncurryThis(Array.prototype.indexOf);
export const ArrayPrototypeJoin = uncurryThis(Array.prototype.join);
export const ArrayPrototypeSome = uncurryThis(Array.prototype.some);
export const ArrayPrototypeSort = uncurryThis(Array.prototype.sort);

const StringPrototype = String.prototype;
export const StringFromCharCode = String.fromCharCode;
export const StringPrototypeCharCodeAt = uncurryThis(StringPrototype.charCodeAt);
export const StringPrototypeEndsWith = uncurryThis(StringPrototype.endsWith);
export const StringPrototypeIncludes = uncurryThis(StringPrototype.includes);
export const StringPrototypeIndexOf = uncurryThis(StringPrototype.indexOf);
export const StringPrototypeSlice = uncurryThis(StringPrototype.slice);
export const StringPrototypeSplit = (text, separator) => {
    // `split` itself asks its separator for Symbol.split, which a script may give to every string.
    const parts = newList();
    let from = 0;
    for (let at; (at = StringPrototypeIndexOf(text, separator, from)) >= 0; from = at + separator.length) {
        ArrayPrototypePush(parts, StringPrototypeSlice(text, from, at));
    }
    ArrayPrototypePush(parts, StringPrototypeSlice(text, from));
    return parts;
};
export const StringPrototypeStartsWith = uncurryThis(StringPrototype.startsWith);
export const StringPrototypeToLowerCase = uncurryThis(StringPrototype.toLowerCase);
export const StringPrototypeToUpperCase = uncurryThis(StringPrototype.toUpperCase);
export const StringPrototypeTrim = uncurryThis(StringPrototype.trim);
export const StringPrototypeToWellFormed = uncurryThis(StringPrototype.toWellFormed);

const RegExpConstructor = RegExp;
export { RegExpConstructor as RegExp };
export const RegExpPrototypeGetSource = uncurryGetter(RegExp.prototype, "source");
/** The flags of a RegExp, by asking it for each: `flags` looks up properties that a script may give it. */
const flagGetters = [
    ["d", "hasIndices"], ["g", "global"], ["i", "ignoreCase"], ["m", "multiline"], ["s", "dotAll"], ["u", "unicode"],
    ["v", "unicodeSets"], ["y", "sticky"],
].map(([flag, name]) => ({ flag, get: uncurryGetter(RegExp.prototype, name) }));
export const regExpFlags = (regexp) => {
    let flags = "";
    for (let i = 0; i < flagGetters.length; i++) if (flagGetters[i].get(regexp)) flags += flagGetters[i].flag;
    return flags;
};
export const RegExpPrototypeExec = uncurryThis(RegExp.prototype.exec);
/** Whether `pattern` matches; without the lookup of `exec` that `test` makes. */
export const matches = (pattern, text) => RegExpPrototypeExec(pattern, text) !== null;

export const NumberPrototypeToFixed = uncurryThis(Number.prototype.toFixed);
export const { isFinite: NumberIsFinite, isNaN: NumberIsNaN, MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number;
export const {
    abs: MathAbs,
    floor: MathFloor,
    max: MathMax,
    min: MathMin,
    random: MathRandom,
    trunc: MathTrunc,
} = Math;

const PromiseConstructor = Promise;
export { PromiseConstructor as Promise };
export const PromisePrototypeThen = uncurryThis(Promise.prototype.then);
export const PromiseResolve = (value) => ReflectApply(promiseResolve, PromiseConstructor, [value]);
export const PromiseReject = (reason) => ReflectApply(promiseReject, PromiseConstructor, [reason]);
export const PromiseWithResolvers = () => ReflectApply(promiseWithResolvers, PromiseConstructor, []);
const { resolve: promiseResolve, reject: promiseReject, withResolvers: promiseWithResolvers } = Promise;

const MapConstructor = Map;
const SetConstructor = Set;
const WeakMapConstructor = WeakMap;
const WeakRefConstructor = WeakRef;
const FinalizationRegistryConstructor = FinalizationRegistry;
export {
    FinalizationRegistryConstructor as FinalizationRegistry,
    MapConstructor as Map,
    SetConstructor as Set,
    WeakMapConstructor as WeakMap,
    WeakRefConstructor as WeakRef,
};
export const MapPrototypeDelete = uncurryThis(Map.prototype.delete);
export const MapPrototypeForEach = uncurryThis(Map.prototype.forEach);
export const MapPrototypeGet = uncurryThis(Map.prototype.get);
export const MapPrototypeGetSize = uncurryGetter(Map.prototype, "size");
export const MapPrototypeHas = uncurryThis(Map.prototype.has);
export const MapPrototypeSet = uncurryThis(Map.prototype.set);
export const SetPrototypeAdd = uncurryThis(Set.prototype.add);
export const SetPrototypeDelete = uncurryThis(Set.prototype.delete);
export const SetPrototypeForEach = uncurryThis(Set.prototype.forEach);
export const SetPrototypeHas = uncurryThis(Set.prototype.has);
export const WeakMapPrototypeDelete = uncurryThis(WeakMap.prototype.delete);
export const WeakMapPrototypeGet = uncurryThis(WeakMap.prototype.get);
export const WeakMapPrototypeHas = uncurryThis(WeakMap.prototype.has);
export const WeakMapPrototypeSet = uncurryThis(WeakMap.prototype.set);
export const WeakRefPrototypeDeref = uncurryThis(WeakRef.prototype.deref);
export const FinalizationRegistryPrototypeRegister = uncurryThis(FinalizationRegistry.prototype.register);

const TypedArray = Object.getPrototypeOf(Uint8Array);
const ArrayBufferConstructor = ArrayBuffer;
const DataViewConstructor = DataView;
const Uint8ArrayConstructor = Uint8Array;
export {
    ArrayBufferConstructor as ArrayBuffer,
    DataViewConstructor as DataView,
    Uint8ArrayConstructor as Uint8Array,
};
export const ArrayBufferIsView = ArrayBuffer.isView;
export const ArrayBufferPrototypeGetByteLength = uncurryGetter(ArrayBuffer.prototype, "byteLength");
export const ArrayBufferPrototypeGetMaxByteLength = uncurryGetter(ArrayBuffer.prototype, "maxByteLength");
export const ArrayBufferPrototypeGetResizable = uncurryGetter(ArrayBuffer.prototype, "resizable");
export const ArrayBufferPrototypeTransferToFixedLength = uncurryThis(ArrayBuffer.prototype.transferToFixedLength);
export const ArrayBufferPrototypeGetDetached = uncurryGetter(ArrayBuffer.prototype, "detached");
export const DataViewPrototypeGetBuffer = uncurryGetter(DataView.prototype, "buffer");
export const DataViewPrototypeGetByteLength = uncurryGetter(DataView.prototype, "byteLength");
export const DataViewPrototypeGetByteOffset = uncurryGetter(DataView.prototype, "byteOffset");
export const DataViewPrototypeGetUint32 = uncurryThis(DataView.prototype.getUint32);
export const DataViewPrototypeSetUint32 = uncurryThis(DataView.prototype.setUint32);
export const TypedArrayPrototypeGetBuffer = uncurryGetter(TypedArray.prototype, "buffer");
export const TypedArrayPrototypeGetByteLength = uncurryGetter(TypedArray.prototype, "byteLength");
export const TypedArrayPrototypeGetByteOffset = uncurryGetter(TypedArray.prototype, "byteOffset");
export const TypedArrayPrototypeGetLength = uncurryGetter(TypedArray.prototype, "length");
/** "Uint8Array" and so on; undefined for what is no typed array, a DataView included. */
export const TypedArrayPrototypeGetToStringTag = uncurryGetter(TypedArray.prototype, Symbol.toStringTag);
export const TypedArrayPrototypeIndexOf = uncurryThis(TypedArray.prototype.indexOf);
export const TypedArrayPrototypeSet = uncurryThis(TypedArray.prototype.set);
/** Bytes `from` to `to` of a Uint8Array, in the same buffer; without the species that `subarray` asks for. */
export const subarray = (bytes, from, to) =>
    new Uint8ArrayConstructor(
        TypedArrayPrototypeGetBuffer(bytes),
        TypedArrayPrototypeGetByteOffset(bytes) + from,
        to - from,
    );

const TextEncoderConstructor = TextEncoder;
const TextDecoderConstructor = TextDecoder;
export { TextDecoderConstructor as TextDecoder, TextEncoderConstructor as TextEncoder };
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const keepingDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encode = uncurryThis(TextEncoder.prototype.encode);
const decode = uncurryThis(TextDecoder.prototype.decode);
export const utf8Encode = (text) => encode(encoder, text);
/** UTF-8 as Fetch decodes it: without a byte order mark, what is not UTF-8 as U+FFFD. */
export const utf8Decode = (bytes) => decode(decoder, bytes);
/** The same, but a byte order mark stays. */
export const utf8DecodeKeepingMark = (bytes) => decode(keepingDecoder, bytes);

export const { parse: JSONParse, stringify: JSONStringify } = JSON;

const AggregateErrorConstructor = AggregateError;
const BigIntConstructor = BigInt;
const DOMExceptionConstructor = DOMException;
const ErrorConstructor = Error;
const RangeErrorConstructor = RangeError;
const SyntaxErrorConstructor = SyntaxError;
const TypeErrorConstructor = TypeError;
const StringConstructor = String;
const SymbolConstructor = Symbol;
export {
    AggregateErrorConstructor as AggregateError,
    BigIntConstructor as BigInt,
    DOMExceptionConstructor as DOMException,
    ErrorConstructor as Error,
    RangeErrorConstructor as RangeError,
    StringConstructor as String,
    SymbolConstructor as Symbol,
    SyntaxErrorConstructor as SyntaxError,
    TypeErrorConstructor as TypeError,
};

const DateConstructor = Date;
const ObjectConstructor = Object;
export { DateConstructor as Date, ObjectConstructor as Object };
export const BigIntPrototypeToString = uncurryThis(BigInt.prototype.toString);
export const BigIntPrototypeValueOf = uncurryThis(BigInt.prototype.valueOf);
export const BooleanPrototypeValueOf = uncurryThis(Boolean.prototype.valueOf);
export const DatePrototypeGetTime = uncurryThis(Date.prototype.getTime);
export const NumberPrototypeValueOf = uncurryThis(Number.prototype.valueOf);
export const StringPrototypeValueOf = uncurryThis(String.prototype.valueOf);

export const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
export const queueMicrotask = globalThis.queueMicrotask;
