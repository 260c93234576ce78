"""The names of ECMAScript, and of what the web adds for which specs/ has no Web IDL.

Written from the standards, for what the engine has of them: https://tc39.es/ecma262/, https://tc39.es/ecma402/,
https://tc39.es/proposal-temporal/, https://webassembly.github.io/spec/js-api/, https://w3c.github.io/webcrypto/,
https://wicg.github.io/webcrypto-modern-algos/, https://drafts.fxtf.org/geometry/, https://w3c.github.io/hr-time/,
https://w3c.github.io/performance-timeline/, https://w3c.github.io/user-timing/, https://encoding.spec.whatwg.org/,
https://compression.spec.whatwg.org/, https://urlpattern.spec.whatwg.org/, https://console.spec.whatwg.org/.
"""

STANDARD = {
    # What specs/ leaves out of interfaces that it has.
    "DOMStringList": ("", "@@Symbol.iterator"),
    "FileReader": (
        "DONE EMPTY LOADING",
        "DONE EMPTY LOADING abort error onabort onerror onload onloadend onloadstart onprogress readAsArrayBuffer "
        "readAsBinaryString readAsDataURL readAsText readyState result",
    ),
    "ReadableStream": ("from", "@@Symbol.asyncIterator values"),
    "TransformStream": ("", "readable writable"),
    "URL": (
        "canParse parse",
        "hash host hostname href origin password pathname port protocol search searchParams toJSON toString username",
    ),
    "WritableStream": ("", "abort close getWriter locked"),
    "AggregateError": (
        "",
        "message name",
    ),
    "Array": (
        "@@Symbol.species from fromAsync isArray of",
        (
            "@@Symbol.iterator @@Symbol.unscopables at concat copyWithin entries every fill filter find findIndex "
            "findLast findLastIndex flat flatMap forEach includes indexOf join keys lastIndexOf length map pop "
            "push reduce reduceRight reverse shift slice some sort splice toLocaleString toReversed toSorted "
            "toSpliced toString unshift values with"
        ),
    ),
    "ArrayBuffer": (
        "@@Symbol.species isView",
        "byteLength detached maxByteLength resizable resize slice transfer transferToFixedLength",
    ),
    "AsyncDisposableStack": (
        "",
        "@@Symbol.asyncDispose adopt defer disposeAsync disposed move use",
    ),
    "BigInt": (
        "asIntN asUintN",
        "toLocaleString toString valueOf",
    ),
    "BigInt64Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "BigUint64Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "Boolean": (
        "",
        "toString valueOf",
    ),
    "ByteLengthQueuingStrategy": (
        "",
        "highWaterMark size",
    ),
    "CompressionStream": (
        "",
        "readable writable",
    ),
    "CountQueuingStrategy": (
        "",
        "highWaterMark size",
    ),
    "Crypto": (
        "",
        "getRandomValues randomUUID subtle",
    ),
    "CryptoKey": (
        "",
        "algorithm extractable type usages",
    ),
    "CustomEvent": (
        "",
        "detail",
    ),
    "DOMException": (
        (
            "ABORT_ERR DATA_CLONE_ERR DOMSTRING_SIZE_ERR HIERARCHY_REQUEST_ERR INDEX_SIZE_ERR INUSE_ATTRIBUTE_ERR "
            "INVALID_ACCESS_ERR INVALID_CHARACTER_ERR INVALID_MODIFICATION_ERR INVALID_NODE_TYPE_ERR "
            "INVALID_STATE_ERR NAMESPACE_ERR NETWORK_ERR NOT_FOUND_ERR NOT_SUPPORTED_ERR NO_DATA_ALLOWED_ERR "
            "NO_MODIFICATION_ALLOWED_ERR QUOTA_EXCEEDED_ERR SECURITY_ERR SYNTAX_ERR TIMEOUT_ERR TYPE_MISMATCH_ERR "
            "URL_MISMATCH_ERR VALIDATION_ERR WRONG_DOCUMENT_ERR"
        ),
        (
            "ABORT_ERR DATA_CLONE_ERR DOMSTRING_SIZE_ERR HIERARCHY_REQUEST_ERR INDEX_SIZE_ERR INUSE_ATTRIBUTE_ERR "
            "INVALID_ACCESS_ERR INVALID_CHARACTER_ERR INVALID_MODIFICATION_ERR INVALID_NODE_TYPE_ERR "
            "INVALID_STATE_ERR NAMESPACE_ERR NETWORK_ERR NOT_FOUND_ERR NOT_SUPPORTED_ERR NO_DATA_ALLOWED_ERR "
            "NO_MODIFICATION_ALLOWED_ERR QUOTA_EXCEEDED_ERR SECURITY_ERR SYNTAX_ERR TIMEOUT_ERR TYPE_MISMATCH_ERR "
            "URL_MISMATCH_ERR VALIDATION_ERR WRONG_DOCUMENT_ERR code message name"
        ),
    ),
    "DOMMatrix": (
        "fromFloat32Array fromFloat64Array fromMatrix",
        (
            "a b c d e f invertSelf m11 m12 m13 m14 m21 m22 m23 m24 m31 m32 m33 m34 m41 m42 m43 m44 multiplySelf "
            "preMultiplySelf rotateAxisAngleSelf rotateFromVectorSelf rotateSelf scale3dSelf scaleSelf "
            "setMatrixValue skewXSelf skewYSelf translateSelf"
        ),
    ),
    "DOMMatrixReadOnly": (
        "fromFloat32Array fromFloat64Array fromMatrix",
        (
            "a b c d e f flipX flipY inverse is2D isIdentity m11 m12 m13 m14 m21 m22 m23 m24 m31 m32 m33 m34 m41 "
            "m42 m43 m44 multiply rotate rotateAxisAngle rotateFromVector scale scale3d scaleNonUniform skewX "
            "skewY toFloat32Array toFloat64Array toJSON toString transformPoint translate"
        ),
    ),
    "DOMPoint": (
        "fromPoint",
        "w x y z",
    ),
    "DOMPointReadOnly": (
        "fromPoint",
        "matrixTransform toJSON w x y z",
    ),
    "DOMQuad": (
        "fromQuad fromRect",
        "getBounds p1 p2 p3 p4 toJSON",
    ),
    "DOMRect": (
        "fromRect",
        "height width x y",
    ),
    "DOMRectReadOnly": (
        "fromRect",
        "bottom height left right toJSON top width x y",
    ),
    "DataView": (
        "",
        (
            "buffer byteLength byteOffset getBigInt64 getBigUint64 getFloat16 getFloat32 getFloat64 getInt16 "
            "getInt32 getInt8 getUint16 getUint32 getUint8 setBigInt64 setBigUint64 setFloat16 setFloat32 "
            "setFloat64 setInt16 setInt32 setInt8 setUint16 setUint32 setUint8"
        ),
    ),
    "Date": (
        "UTC now parse",
        (
            "@@Symbol.toPrimitive getDate getDay getFullYear getHours getMilliseconds getMinutes getMonth "
            "getSeconds getTime getTimezoneOffset getUTCDate getUTCDay getUTCFullYear getUTCHours "
            "getUTCMilliseconds getUTCMinutes getUTCMonth getUTCSeconds getYear setDate setFullYear setHours "
            "setMilliseconds setMinutes setMonth setSeconds setTime setUTCDate setUTCFullYear setUTCHours "
            "setUTCMilliseconds setUTCMinutes setUTCMonth setUTCSeconds setYear toDateString toGMTString "
            "toISOString toJSON toLocaleDateString toLocaleString toLocaleTimeString toString toTemporalInstant "
            "toTimeString toUTCString valueOf"
        ),
    ),
    "Date.UTC": (
        "",
        "",
    ),
    "DecompressionStream": (
        "",
        "readable writable",
    ),
    "DisposableStack": (
        "",
        "@@Symbol.dispose adopt defer dispose disposed move use",
    ),
    "Error": (
        "captureStackTrace isError stackTraceLimit",
        "message name toString",
    ),
    "ErrorEvent": (
        "",
        "colno error filename lineno message",
    ),
    "EvalError": (
        "",
        "message name",
    ),
    "Event": (
        "AT_TARGET BUBBLING_PHASE CAPTURING_PHASE NONE",
        (
            "AT_TARGET BUBBLING_PHASE CAPTURING_PHASE NONE bubbles cancelBubble cancelable composed composedPath "
            "currentTarget defaultPrevented eventPhase isTrusted preventDefault returnValue srcElement "
            "stopImmediatePropagation stopPropagation target timeStamp type"
        ),
    ),
    "EventTarget": (
        "",
        "addEventListener dispatchEvent removeEventListener",
    ),
    "FinalizationRegistry": (
        "",
        "register unregister",
    ),
    "Float16Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "Float32Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "Float64Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "Function": (
        "",
        "",
    ),
    "ImageBitmap": (
        "",
        "close height width",
    ),
    "ImageData": (
        "",
        "colorSpace data height pixelFormat width",
    ),
    "Int16Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "Int32Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "Int8Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "Intl.Collator": (
        "supportedLocalesOf",
        "compare resolvedOptions",
    ),
    "Intl.DateTimeFormat": (
        "supportedLocalesOf",
        "format formatRange formatRangeToParts formatToParts resolvedOptions",
    ),
    "Intl.DisplayNames": (
        "supportedLocalesOf",
        "of resolvedOptions",
    ),
    "Intl.DurationFormat": (
        "supportedLocalesOf",
        "format formatToParts resolvedOptions",
    ),
    "Intl.ListFormat": (
        "supportedLocalesOf",
        "format formatToParts resolvedOptions",
    ),
    "Intl.Locale": (
        "",
        (
            "baseName calendar caseFirst collation firstDayOfWeek getCalendars getCollations getHourCycles "
            "getNumberingSystems getTextInfo getTimeZones getWeekInfo hourCycle language maximize minimize "
            "numberingSystem numeric region script toString variants"
        ),
    ),
    "Intl.NumberFormat": (
        "supportedLocalesOf",
        "format formatRange formatRangeToParts formatToParts resolvedOptions",
    ),
    "Intl.PluralRules": (
        "supportedLocalesOf",
        "resolvedOptions select selectRange",
    ),
    "Intl.RelativeTimeFormat": (
        "supportedLocalesOf",
        "format formatToParts resolvedOptions",
    ),
    "Intl.Segmenter": (
        "supportedLocalesOf",
        "resolvedOptions segment",
    ),
    "Iterator": (
        "concat from",
        (
            "@@Symbol.dispose @@Symbol.iterator drop every filter find flatMap forEach map reduce some take "
            "toArray"
        ),
    ),
    "Location": (
        "",
        "",
    ),
    "Map": (
        "@@Symbol.species groupBy",
        (
            "@@Symbol.iterator clear delete entries forEach get getOrInsert getOrInsertComputed has keys set size "
            "values"
        ),
    ),
    "Navigator": (
        "",
        "hardwareConcurrency language languages onLine permissions serviceWorker storage userAgent",
    ),
    "Number": (
        (
            "EPSILON MAX_SAFE_INTEGER MAX_VALUE MIN_SAFE_INTEGER MIN_VALUE NEGATIVE_INFINITY NaN "
            "POSITIVE_INFINITY isFinite isInteger isNaN isSafeInteger parseFloat parseInt"
        ),
        "toExponential toFixed toLocaleString toPrecision toString valueOf",
    ),
    "Object": (
        (
            "assign create defineProperties defineProperty entries freeze fromEntries getOwnPropertyDescriptor "
            "getOwnPropertyDescriptors getOwnPropertyNames getOwnPropertySymbols getPrototypeOf groupBy hasOwn is "
            "isExtensible isFrozen isSealed keys preventExtensions seal setPrototypeOf values"
        ),
        (
            "__defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__ __proto__ hasOwnProperty "
            "isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf"
        ),
    ),
    "Performance": (
        "",
        (
            "clearMarks clearMeasures clearResourceTimings getEntries getEntriesByName getEntriesByType mark "
            "measure now setResourceTimingBufferSize timeOrigin toJSON"
        ),
    ),
    "PerformanceEntry": (
        "",
        "duration entryType name startTime toJSON",
    ),
    "PerformanceMark": (
        "",
        "detail entryType toJSON",
    ),
    "PerformanceMeasure": (
        "",
        "detail entryType toJSON",
    ),
    "PerformanceObserver": (
        "supportedEntryTypes",
        "disconnect observe takeRecords",
    ),
    "PerformanceObserverEntryList": (
        "",
        "getEntries getEntriesByName getEntriesByType",
    ),
    "PermissionStatus": (
        "",
        "name onchange state",
    ),
    "Permissions": (
        "",
        "query",
    ),
    "ProgressEvent": (
        "",
        "",
    ),
    "Promise": (
        "@@Symbol.species all allSettled any race reject resolve try withResolvers",
        "catch finally then",
    ),
    "PromiseRejectionEvent": (
        "",
        "promise reason",
    ),
    "Proxy": (
        "revocable",
        "",
    ),
    "QuotaExceededError": (
        "",
        "quota requested",
    ),
    "RangeError": (
        "",
        "message name",
    ),
    "ReadableByteStreamController": (
        "",
        "byobRequest close desiredSize enqueue error",
    ),
    "ReadableStreamBYOBReader": (
        "",
        "cancel closed read releaseLock",
    ),
    "ReadableStreamBYOBRequest": (
        "",
        "respond respondWithNewView view",
    ),
    "ReadableStreamDefaultController": (
        "",
        "close desiredSize enqueue error",
    ),
    "ReadableStreamDefaultReader": (
        "",
        "cancel closed read releaseLock",
    ),
    "ReferenceError": (
        "",
        "message name",
    ),
    "RegExp": (
        (
            "$& $' $+ $1 $2 $3 $4 $5 $6 $7 $8 $9 $_ $` @@Symbol.species escape input lastMatch lastParen "
            "leftContext rightContext"
        ),
        (
            "@@Symbol.match @@Symbol.matchAll @@Symbol.replace @@Symbol.search @@Symbol.split compile dotAll exec "
            "flags global hasIndices ignoreCase multiline source sticky test toString unicode unicodeSets"
        ),
    ),
    "Set": (
        "@@Symbol.species",
        (
            "@@Symbol.iterator add clear delete difference entries forEach has intersection isDisjointFrom "
            "isSubsetOf isSupersetOf keys size symmetricDifference union values"
        ),
    ),
    "StorageManager": (
        "",
        "estimate",
    ),
    "String": (
        "fromCharCode fromCodePoint raw",
        (
            "@@Symbol.iterator anchor at big blink bold charAt charCodeAt codePointAt concat endsWith fixed "
            "fontcolor fontsize includes indexOf isWellFormed italics lastIndexOf length link localeCompare match "
            "matchAll normalize padEnd padStart repeat replace replaceAll search slice small split startsWith "
            "strike sub substr substring sup toLocaleLowerCase toLocaleUpperCase toLowerCase toString toUpperCase "
            "toWellFormed trim trimEnd trimLeft trimRight trimStart valueOf"
        ),
    ),
    "SubtleCrypto": (
        "supports",
        (
            "decapsulateBits decapsulateKey decrypt deriveBits deriveKey digest encapsulateBits encapsulateKey "
            "encrypt exportKey generateKey getPublicKey importKey sign unwrapKey verify wrapKey"
        ),
    ),
    "SuppressedError": (
        "",
        "message name",
    ),
    "Symbol": (
        (
            "asyncDispose asyncIterator dispose for hasInstance isConcatSpreadable iterator keyFor match matchAll "
            "metadata replace search species split toPrimitive toStringTag unscopables"
        ),
        "@@Symbol.toPrimitive description toString valueOf",
    ),
    "SyntaxError": (
        "",
        "message name",
    ),
    "Temporal.Duration": (
        "compare from",
        (
            "abs add blank days hours microseconds milliseconds minutes months nanoseconds negated round seconds "
            "sign subtract toJSON toLocaleString toString total valueOf weeks with years"
        ),
    ),
    "Temporal.Instant": (
        "compare from fromEpochMilliseconds fromEpochNanoseconds",
        (
            "add epochMilliseconds epochNanoseconds equals round since subtract toJSON toLocaleString toString "
            "toZonedDateTimeISO until valueOf"
        ),
    ),
    "Temporal.PlainDate": (
        "compare from",
        (
            "add calendarId day dayOfWeek dayOfYear daysInMonth daysInWeek daysInYear equals era eraYear "
            "inLeapYear month monthCode monthsInYear since subtract toJSON toLocaleString toPlainDateTime "
            "toPlainMonthDay toPlainYearMonth toString toZonedDateTime until valueOf weekOfYear with withCalendar "
            "year yearOfWeek"
        ),
    ),
    "Temporal.PlainDateTime": (
        "compare from",
        (
            "add calendarId day dayOfWeek dayOfYear daysInMonth daysInWeek daysInYear equals era eraYear hour "
            "inLeapYear microsecond millisecond minute month monthCode monthsInYear nanosecond round second since "
            "subtract toJSON toLocaleString toPlainDate toPlainTime toString toZonedDateTime until valueOf "
            "weekOfYear with withCalendar withPlainTime year yearOfWeek"
        ),
    ),
    "Temporal.PlainMonthDay": (
        "from",
        "calendarId day equals monthCode toJSON toLocaleString toPlainDate toString valueOf with",
    ),
    "Temporal.PlainTime": (
        "compare from",
        (
            "add equals hour microsecond millisecond minute nanosecond round second since subtract toJSON "
            "toLocaleString toString until valueOf with"
        ),
    ),
    "Temporal.PlainYearMonth": (
        "compare from",
        (
            "add calendarId daysInMonth daysInYear equals era eraYear inLeapYear month monthCode monthsInYear "
            "since subtract toJSON toLocaleString toPlainDate toString until valueOf with year"
        ),
    ),
    "Temporal.ZonedDateTime": (
        "compare from",
        (
            "add calendarId day dayOfWeek dayOfYear daysInMonth daysInWeek daysInYear epochMilliseconds "
            "epochNanoseconds equals era eraYear getTimeZoneTransition hour hoursInDay inLeapYear microsecond "
            "millisecond minute month monthCode monthsInYear nanosecond offset offsetNanoseconds round second "
            "since startOfDay subtract timeZoneId toInstant toJSON toLocaleString toPlainDate toPlainDateTime "
            "toPlainTime toString until valueOf weekOfYear with withCalendar withPlainTime withTimeZone year "
            "yearOfWeek"
        ),
    ),
    "TextDecoder": (
        "",
        "decode encoding fatal ignoreBOM",
    ),
    "TextDecoderStream": (
        "",
        "encoding fatal ignoreBOM readable writable",
    ),
    "TextEncoder": (
        "",
        "encode encodeInto encoding",
    ),
    "TextEncoderStream": (
        "",
        "encoding readable writable",
    ),
    "TransformStreamDefaultController": (
        "",
        "desiredSize enqueue error terminate",
    ),
    "TypeError": (
        "",
        "message name",
    ),
    "URIError": (
        "",
        "message name",
    ),
    "URLPattern": (
        "",
        "exec hasRegExpGroups hash hostname password pathname port protocol search test username",
    ),
    "Uint16Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "Uint32Array": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "Uint8Array": (
        "BYTES_PER_ELEMENT fromBase64 fromHex",
        "BYTES_PER_ELEMENT setFromBase64 setFromHex toBase64 toHex",
    ),
    "Uint8ClampedArray": (
        "BYTES_PER_ELEMENT",
        "BYTES_PER_ELEMENT",
    ),
    "WeakMap": (
        "",
        "delete get getOrInsert getOrInsertComputed has set",
    ),
    "WeakRef": (
        "",
        "deref",
    ),
    "WeakSet": (
        "",
        "add delete has",
    ),
    "WebAssembly.CompileError": (
        "",
        "message name",
    ),
    "WebAssembly.Exception": (
        "",
        "getArg is stack",
    ),
    "WebAssembly.Global": (
        "",
        "value valueOf",
    ),
    "WebAssembly.Instance": (
        "",
        "exports",
    ),
    "WebAssembly.LinkError": (
        "",
        "message name",
    ),
    "WebAssembly.Memory": (
        "",
        "buffer grow toFixedLengthBuffer toResizableBuffer",
    ),
    "WebAssembly.Module": (
        "customSections exports imports",
        "",
    ),
    "WebAssembly.RuntimeError": (
        "",
        "message name",
    ),
    "WebAssembly.SuspendError": (
        "",
        "message name",
    ),
    "WebAssembly.Suspending": (
        "",
        "",
    ),
    "WebAssembly.Table": (
        "",
        "get grow length set",
    ),
    "WebAssembly.Tag": (
        "",
        "",
    ),
    "Window": (
        "",
        "",
    ),
    "WorkerGlobalScope": (
        "",
        "",
    ),
    "WorkerLocation": (
        "",
        "hash host hostname href origin pathname port protocol search toString",
    ),
    "WorkerNavigator": (
        "",
        "hardwareConcurrency language languages onLine permissions storage userAgent",
    ),
    "WritableStreamDefaultController": (
        "",
        "error signal",
    ),
    "WritableStreamDefaultWriter": (
        "",
        "abort close closed desiredSize ready releaseLock write",
    ),
}
"""Of each class its statics, and the members of its prototype."""

NAMESPACES = {
    "(arrayIterator).__proto__": "@@Symbol.toStringTag next",
    "(asyncGenerator).__proto__.__proto__": "@@Symbol.toStringTag constructor next return throw",
    "(asyncGenerator).__proto__.__proto__.__proto__": "@@Symbol.asyncDispose @@Symbol.asyncIterator",
    "(asyncGenerator).__proto__.__proto__.constructor": "@@Symbol.toStringTag constructor prototype",
    "(formIterator).__proto__": "@@Symbol.toStringTag next",
    "(generator).__proto__.__proto__": "@@Symbol.toStringTag constructor next return throw",
    "(generator).__proto__.__proto__.constructor": "@@Symbol.toStringTag constructor prototype",
    "(headersIterator).__proto__": "@@Symbol.toStringTag next",
    "(helper).__proto__": "@@Symbol.toStringTag next return",
    "(mapIterator).__proto__": "@@Symbol.toStringTag next",
    "(matches).__proto__": "@@Symbol.toStringTag next",
    "(paramsIterator).__proto__": "@@Symbol.toStringTag next",
    "(segmentIterator).__proto__": "@@Symbol.toStringTag next",
    "(segments).__proto__": "@@Symbol.iterator containing",
    "(setIterator).__proto__": "@@Symbol.toStringTag next",
    "(streamIterator).__proto__": "next return",
    "(stringIterator).__proto__": "@@Symbol.toStringTag next",
    "(wrapped).__proto__": "next return",
    "Array.prototype.@@Symbol.unscopables": (
        "at copyWithin entries fill find findIndex findLast findLastIndex flat flatMap includes keys "
        "toReversed toSorted toSpliced values"
    ),
    "Atomics": "@@Symbol.toStringTag add and compareExchange exchange isLockFree load notify or pause store sub xor",
    "Intl": (
        "@@Symbol.toStringTag Collator DateTimeFormat DisplayNames DurationFormat ListFormat Locale "
        "NumberFormat PluralRules RelativeTimeFormat Segmenter getCanonicalLocales supportedValuesOf"
    ),
    "JSON": "@@Symbol.toStringTag isRawJSON parse rawJSON stringify",
    "Math": (
        "@@Symbol.toStringTag E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 abs acos acosh asin asinh atan atan2 "
        "atanh cbrt ceil clz32 cos cosh exp expm1 f16round floor fround hypot imul log log10 log1p log2 max "
        "min pow random round sign sin sinh sqrt sumPrecise tan tanh trunc"
    ),
    "Object.__proto__": "@@Symbol.hasInstance apply bind call constructor toString",
    "Reflect": (
        "@@Symbol.toStringTag apply construct defineProperty deleteProperty get getOwnPropertyDescriptor "
        "getPrototypeOf has isExtensible ownKeys preventExtensions set setPrototypeOf"
    ),
    "Temporal": (
        "@@Symbol.toStringTag Duration Instant Now PlainDate PlainDateTime PlainMonthDay PlainTime "
        "PlainYearMonth ZonedDateTime"
    ),
    "Temporal.Now": "@@Symbol.toStringTag instant plainDateISO plainDateTimeISO plainTimeISO timeZoneId zonedDateTimeISO",
    "Uint8Array.__proto__": "@@Symbol.species from of",
    "Uint8Array.prototype.__proto__": (
        "@@Symbol.iterator @@Symbol.toStringTag at buffer byteLength byteOffset constructor copyWithin "
        "entries every fill filter find findIndex findLast findLastIndex forEach includes indexOf join keys "
        "lastIndexOf length map reduce reduceRight reverse set slice some sort subarray toLocaleString "
        "toReversed toSorted toString values with"
    ),
    "WebAssembly": (
        "@@Symbol.toStringTag CompileError Exception Global Instance JSTag LinkError Memory Module "
        "RuntimeError SuspendError Suspending Table Tag compile compileStreaming instantiate "
        "instantiateStreaming promising validate"
    ),
    "WebAssembly.Module.prototype.__proto__": "@@Symbol.toStringTag constructor",
    "console": (
        "@@Symbol.toStringTag assert clear count countReset debug dir dirxml error group groupCollapsed "
        "groupEnd info log table time timeEnd timeLog trace warn"
    ),
    "fetch.__proto__": "@@Symbol.toStringTag constructor",
}
"""Objects that are no classes, by their paths; those of samples in parentheses (attacks/names.js)."""

GLOBALS = (
    "AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array "
    "Boolean ByteLengthQueuingStrategy CompressionStream CountQueuingStrategy Crypto CryptoKey "
    "CustomEvent DOMException DOMMatrix DOMMatrixReadOnly DOMPoint DOMPointReadOnly DOMQuad DOMRect "
    "DOMRectReadOnly DataView Date DecompressionStream DisposableStack Error ErrorEvent EvalError Event "
    "EventTarget FinalizationRegistry Float16Array Float32Array Float64Array Function ImageBitmap "
    "ImageData Infinity Int16Array Int32Array Int8Array Intl Iterator JSON Location Map Math NaN "
    "Navigator Number Object Performance PerformanceEntry PerformanceMark PerformanceMeasure "
    "PerformanceObserver PerformanceObserverEntryList PermissionStatus Permissions ProgressEvent Promise "
    "PromiseRejectionEvent Proxy QuotaExceededError RangeError ReadableByteStreamController "
    "ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController "
    "ReadableStreamDefaultReader ReferenceError Reflect RegExp Set StorageManager String SubtleCrypto "
    "SuppressedError Symbol SyntaxError Temporal TextDecoder TextDecoderStream TextEncoder "
    "TextEncoderStream TransformStreamDefaultController TypeError URIError URLPattern Uint16Array "
    "Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly Window "
    "WorkerGlobalScope WorkerLocation WorkerNavigator WritableStreamDefaultController "
    "WritableStreamDefaultWriter atob btoa caches clearInterval clearTimeout clients close console "
    "crossOriginIsolated crypto decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval "
    "fetch frames globalThis importScripts indexedDB isFinite isNaN isSecureContext location navigator "
    "onactivate onbackgroundfetchabort onbackgroundfetchclick onbackgroundfetchfail "
    "onbackgroundfetchsuccess onerror onfetch oninstall onlanguagechange onload onmessage onmessageerror "
    "onnotificationclick onnotificationclose onoffline ononline onperiodicsync onpush "
    "onpushsubscriptionchange onrejectionhandled onsync onunhandledrejection origin parent parseFloat "
    "parseInt performance queueMicrotask registration reportError self serviceWorker setInterval setTimeout skipWaiting "
    "structuredClone top undefined unescape window"
)
"""What the global object has by itself: classes, functions, namespaces, and attributes of both scopes."""
