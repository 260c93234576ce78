"""Structured clone of JavaScript's values: from Deno to the neutral form and back, and what is refused, and where."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from swruntime.concepts import messages
from swruntime.concepts.messages import Message, Ref
from swruntime.realms.javascript.messages import WireError, from_wire, to_wire
from swruntime.realms.python.structured_clone import deserialize, serialize
from tests.realms.javascript.deno_process import DenoProcess, Raised


def with_bytes(wire: Any) -> Any:
    """A wire form whose bytes are `bytes`; a frame has them beside its JSON."""
    if isinstance(wire, list):
        return [with_bytes(each) for each in wire]
    if isinstance(wire, dict):
        if wire.keys() == {"$bytes"}:
            return bytes(wire["$bytes"])
        return {name: with_bytes(each) for name, each in wire.items()}
    return wire


def as_json(wire: Any) -> Any:
    if isinstance(wire, list):
        return [as_json(each) for each in wire]
    if isinstance(wire, dict):
        return {name: as_json(each) for name, each in wire.items()}
    return {"$bytes": list(wire)} if isinstance(wire, bytes) else wire


def sent(deno: DenoProcess, make: str) -> Message:
    """What the process sends of the value of `make`, which it keeps as `a`."""
    wire = deno.run(f"globalThis.a = await ({make}); return wireToJSON(clone.serialize(a, []))")
    assert not isinstance(wire, Raised), wire
    return from_wire(with_bytes(wire))


def received(deno: DenoProcess, message: Message, check: str) -> Any:
    """What `check` says of the value `b` that the process makes of the message."""
    body = f"globalThis.b = clone.deserialize(wireFromJSON(wire), []); {check}"
    return deno.run(body, wire=as_json(to_wire(message)))


CLONED = {
    # primitives
    "undefined": "undefined",
    "null": "null",
    "true": "true",
    "numbers": "[0, -0, NaN, Infinity, -Infinity, 1.5, 5e-324, 1.7976931348623157e308, 2 ** 53, 2 ** 60, 1e21, -1e300]",
    "bigints": "[0n, -1n, 123n, 2n ** 64n, -(2n ** 64n), 2n ** 53n, 10n ** 5000n]",
    "strings": "['', 'a', '\\0', '\\u2028', '\\ud800', '\\udc00x', '\U0001f600', '\"\\\\']",
    "boxed": "[Object(true), Object(-0), Object('a'), Object(1n), Object(false), Object('')]",
    # objects
    "objects": "({ a: 1, 'b c': { '': 2 }, 3: [4], ['__proto__']: 5, r: 1, $bytes: 2 })",
    "a null prototype becomes a plain object": "({ ...Object.assign(Object.create(null), { a: 1 }) })",
    "arrays": "[[], [1, [2]], [undefined, null]]",
    "arrays with holes": "[[,], [1, , 3], Object.assign([1], { x: 2 }), Object.assign([, 1], { '01': 5, '-1': 6 })]",
    "a long empty array": "((a) => { a.length = 4294967295; return { n: a.length }; })([])",
    "maps": "new Map([[1, 'a'], ['1', new Map()], [NaN, 0], [{ k: 1 }, undefined], [undefined, -0]])",
    "sets": "new Set([1, '1', undefined, new Set([null]), [2]])",
    "dates": "[new Date(0), new Date(1.5), new Date(-8.64e15), new Date(8.64e15), new Date(NaN)]",
    "regular expressions": "[/a\\/b/, /x/dgimsuy, /[\\p{L}--[a-z]]/v, new RegExp('')]",
    "errors": "[new Error('e'), new TypeError(''), new RangeError('r'), new URIError('u'), new EvalError('v'),"
    "new SyntaxError('s'), new ReferenceError('f')]",
    "DOMExceptions": "[new DOMException('m', 'AbortError'), new DOMException('m', 'mine'), new DOMException()]"
    ".map((e) => [e.name, e.message, e.code])",
    # bytes
    "buffers": "[new ArrayBuffer(0), Uint8Array.of(1, 255).buffer]",
    "views of every type": "[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Float16Array, Int32Array,"
    "Uint32Array, Float32Array, Float64Array].map((T) => T.of(1, 2, 3))",
    "views of bigints": "[BigInt64Array.of(-1n), BigUint64Array.of(2n ** 64n - 1n)]",
    "a DataView": "new DataView(new ArrayBuffer(8), 2, 3)",
    "part of a buffer": "new Uint16Array(Uint8Array.of(1, 2, 3, 4, 5, 6).buffer, 2, 1)",
}


@pytest.mark.parametrize("row", CLONED)
def test_what_comes_back_is_equal(deno: DenoProcess, row: str) -> None:
    message = sent(deno, CLONED[row])
    assert (
        received(deno, message, "return same(a, b) && (b === null || typeof b !== 'object' || a !== b)")
        is True
    )


KEPT = {
    "a cycle": ("(() => { const o = {}; o.o = [o]; return o; })()", "b.o[0] === b && b !== a"),
    "cycles through Map and Set": (
        "(() => { const m = new Map(); m.set(m, new Set([m])); return m; })()",
        "[...b.keys()][0] === b && b.get(b).has(b)",
    ),
    "shared objects": ("(() => { const s = { d: 1 }; return [s, { s }]; })()", "b[0] === b[1].s"),
    "shared boxes and dates": (
        "(() => { const s = Object('x'), d = new Date(1); return [s, d, s, d]; })()",
        "b[0] === b[2] && b[1] === b[3] && b[0] instanceof String",
    ),
    "views of one buffer": (
        "(() => { const u = Uint8Array.of(1, 2, 3, 4); return [new Uint16Array(u.buffer, 2), u.buffer, u]; })()",
        "b[0].buffer === b[1] && b[2].buffer === b[1] && b[0].byteOffset === 2 && (b[2][2] = 9, b[0][0] === 4 * 256 + 9)",
    ),
    "a resizable buffer and its views": (
        "(() => { const r = new ArrayBuffer(8, { maxByteLength: 16 });"
        "return [r, new Uint8Array(r, 4), new Uint8Array(r, 4, 4), new DataView(r)]; })()",
        "b[0].maxByteLength === 16 && (b[0].resize(12), `${b.slice(1).map((v) => v.byteLength)}` === '8,4,12')",
    ),
    "holes stay holes": ("[1, , 3]", "b.length === 3 && !(1 in b) && Object.keys(b).join() === '0,2'"),
    "a length that costs nothing": (
        "new Array(4294967295)",
        "b.length === 4294967295 && Object.keys(b).length === 0",
    ),
    "instances lose their class": (
        "new (class A { #p = 1; x = 1; get y() { return 2; } })()",
        "Object.getPrototypeOf(b) === Object.prototype && Object.keys(b).join() === 'x'",
    ),
    "subclasses become their builtin": (
        "[new (class extends Map {})([[1, 2]]), new (class extends Array {})(1, 2), new (class extends Error {})('m')]",
        "b.map((e) => Object.getPrototypeOf(e) === e.constructor.prototype && e.constructor.name).join() === 'Map,Array,Error'",
    ),
    "what is not enumerable, or a symbol's": (
        "Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'h', { value: 3 })",
        "Reflect.ownKeys(b).join() === 'a'",
    ),
    "an accessor becomes a value": (
        "({ get a() { return [1]; } })",
        "Array.isArray(Object.getOwnPropertyDescriptor(b, 'a').value)",
    ),
    "properties of what has slots": (
        "[Object.assign(new Date(1), { x: 1 }), Object.assign(/a/, { lastIndex: 5 }), Object.assign(new Map(), { x: 1 })]",
        "b[0].x === undefined && b[1].lastIndex === 0 && b[2].x === undefined",
    ),
    "an error's name and message": (
        "[Object.assign(new TypeError('m'), { name: 'Mine' }), Object.assign(new Error('m'), { name: 'RangeError' }),"
        "Object.defineProperty(new Error('m'), 'message', { get() { return 'got'; } }), Object.assign(new Error(), { message: 5 })]",
        "b.map((e) => `${e.constructor.name} ${e.name} ${e.message}`).join() === "
        "'Error Error m,RangeError RangeError m,Error Error ,Error Error 5'",
    ),
    "an error's stack tells nothing of the runtime": ("new TypeError('m')", "b.stack === 'TypeError: m'"),
    "DOMExceptions": (
        "new DOMException('m', 'AbortError')",
        "b instanceof DOMException && b.name === 'AbortError' && b.code === 20 && b.message === 'm'",
    ),
    "an exceeded quota": (
        "new QuotaExceededError('m')",
        "b instanceof QuotaExceededError && b.name === 'QuotaExceededError' && b.message === 'm'",
    ),
    "flags that a script has changed": (
        "Object.defineProperty(/a/g, 'global', { value: false })",
        "b.flags === 'g'",
    ),
    "a Blob of Blobs": (
        "new Blob(['ab', new Blob([Uint8Array.of(99), 'd']), new File(['e'], 'n')], { type: 'text/x' })",
        "b instanceof Blob && !(b instanceof File) && b.type === 'text/x' && await b.text() === 'abcde'",
    ),
    "a part of a Blob": ("new Blob(['abcdef']).slice(2, 4)", "await b.text() === 'cd'"),
    "an empty Blob": ("new Blob()", "b.size === 0 && await b.text() === ''"),
    "a Blob of the engine's": (
        "new (new Headers().constructor, Response)('x').blob()",
        "await b.text() === 'x'",
    ),
    "a File": (
        "new File(['x'], 'n\\u00e9.txt', { type: 'text/plain', lastModified: 5 })",
        "b instanceof File && b.name === 'n\\u00e9.txt' && b.lastModified === 5 && await b.text() === 'x'",
    ),
    "a File far from now": (
        "new File([], '', { lastModified: 2 ** 62 })",
        "b.lastModified === Number.MAX_SAFE_INTEGER",
    ),
    "a form's File": (
        "(() => { const f = new FormData(); f.set('k', new Blob(['x']), 'n'); return f.get('k'); })()",
        "b.name === 'n' && await b.text() === 'x'",
    ),
    "what is deep": (
        "(() => { let o = []; for (let i = 0; i < 5_000; i++) o = [o]; return o; })()",
        "(() => { let depth = 0; for (let o = b; o.length > 0; o = o[0]) depth++; return depth === 5_000; })()",
    ),
}


@pytest.mark.parametrize("row", KEPT)
def test_what_is_kept_of_it(deno: DenoProcess, row: str) -> None:
    make, check = KEPT[row]
    assert received(deno, sent(deno, make), f"return {check}") is True


def refused(where: str) -> Raised:
    return Raised("DataCloneError", where)


REFUSED = {
    # functions and symbols
    "a function": ("{ a: [1, function f() {}] }", "message.a[1] is the function f, which cannot be cloned"),
    "a function without a name": ("[() => 1]", "message[0] is a function"),
    "a class": ("class A {}", "message is the function A"),
    "a method": ("{ 'a b': { m() {} } }", 'message["a b"].m is the function m'),
    "a symbol": ("[Symbol('s')]", "message[0] is Symbol(s)"),
    "a symbol's object": ("Object(Symbol.iterator)", "message is a Symbol"),
    # what has slots, or is exotic
    "a promise": ("{ p: Promise.resolve() }", "message.p is a Promise, not its result (await it first)"),
    "a proxy": ("{ p: new Proxy([], {}) }", "message.p is a Proxy"),
    "a revoked proxy": (
        "(() => { const r = Proxy.revocable({}, {}); r.revoke(); return r.proxy; })()",
        "is a Proxy",
    ),
    "a WeakMap": ("new WeakMap()", "a WeakMap"),
    "a WeakSet with properties": ("Object.assign(new WeakSet(), { x: 1 })", "a WeakSet"),
    "a WeakRef": ("new WeakRef({})", "a WeakRef"),
    "a generator": ("(function* () {})()", "a Generator"),
    "an iterator": ("[].values()", "an Array Iterator"),
    "a Map's iterator": ("new Map().keys()", "a Map Iterator"),
    "arguments": ("(function () { return arguments; })(1)", "message is an"),
    "Intl": ("[new Intl.Collator()]", "message[0] is an Intl.Collator"),
    "a module": ("clone", "message is an object, which"),
    "a WebAssembly module": (
        "new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))",
        "a WebAssembly.Module",
    ),
    "shared memory": (
        "[new Uint8Array(new SharedArrayBuffer(1))]",
        "message[0].buffer is a SharedArrayBuffer",
    ),
    # platform objects
    "an event": ("[new Event('x')]", "message[0] is an Event"),
    "a URL": ("new URL('http://a.example')", "is a URL"),
    "a stream": ("new ReadableStream()", "is a ReadableStream"),
    "an EventTarget of the script's": ("new (class Mine extends EventTarget {})()", "is a Mine"),
    "a signal": ("new AbortController().signal", "is an AbortSignal"),
    "FormData": ("new FormData()", "is a FormData"),
    "the global object": ("globalThis", "message is a Window"),
    "Headers": ("[new Headers()]", "message[0] is a Headers"),
    "Request": ("new Request('/')", "message is a Request"),
    "Response": ("{ r: new Response() }", "message.r is a Response"),
    "a port that does not go along": (
        "[new Port()]",
        "message[0] is a MessagePort that is not in the transfer list",
    ),
    # ways
    "in a Map": ("new Map([['k', [() => 1]]])", 'message.get("k")[0] is'),
    "in a Map, by an object": ("new Map([[{}, () => 1]])", "message.values() is"),
    "as a key": ("new Map([[1, 2], [[() => 1], 3]])", "message.keys()[0] is"),
    "in a Map, by a symbol": ("new Map([[Symbol('s'), 1]])", "message.keys() is Symbol(s)"),
    "in a Set": ("new Set([[() => 1]])", "message.values()[0] is"),
    "as an array's property": ("Object.assign([1], { f() {} })", "message.f is"),
    "with a name that is none": ("{ '\\n\"': () => 1 }", 'message["\\n\\""] is'),
    "by an index": ("{ 7: () => 1 }", "message[7] is"),
    "behind a getter": ("{ get a() { return { f: () => 1 }; } }", "message.a.f is"),
    "deep": (
        "(() => { let o = [() => 1]; for (let i = 0; i < 10_000; i++) o = { o }; return o; })()",
        "message.o.o.o.o.o.o....o.o.o.o.o[0] is",
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_cannot_be_cloned_is_named(deno: DenoProcess, row: str) -> None:
    make, says = REFUSED[row]
    assert deno.run(f"clone.serialize(({make}), [])") == refused(says)


# Transfer, the order of what is asked, and errors that are the script's own

PIECES: dict[str, tuple[str, Any]] = {
    "a buffer is moved": (
        "const u = Uint8Array.of(1, 2); const wire = clone.serialize({ u }, [u.buffer]);"
        "return [u.buffer.detached, u.length, array(clone.deserialize(wire, []).u)]",
        [True, 0, [1, 2]],
    ),
    "a buffer that is nowhere in the value": (
        "const b = new ArrayBuffer(2); const wire = clone.serialize(1, [b]); return [b.detached, wire.nodes.length]",
        [True, 0],
    ),
    "a resizable buffer": (
        "const b = new ArrayBuffer(2, { maxByteLength: 4 }); const c = clone.deserialize(clone.serialize(b, [b]), []);"
        "return [b.detached, c.byteLength, c.maxByteLength]",
        [True, 2, 4],
    ),
    "what a getter still writes into it goes along": (
        "const u = new Uint8Array(1); const b = u.buffer;"
        "const wire = clone.serialize([b, { get x() { u[0] = 7; } }], [b]);"
        "return array(new Uint8Array(clone.deserialize(wire, [])[0]))",
        [7],
    ),
    "what is not transferred is as it was when it was met": (
        "const u = new Uint8Array(1); const wire = clone.serialize([u, { get x() { u[0] = 7; } }], []);"
        "return array(clone.deserialize(wire, [])[0])",
        [0],
    ),
    "ports are places": (
        "const [p, q] = [new Port(), new Port()]; const b = new ArrayBuffer(1);"
        "const wire = clone.serialize([q, p, q], [p, b, q]); const [r, s] = [new Port(), new Port()];"
        "const made = clone.deserialize(wire, [r, s]); return made[0] === s && made[1] === r && made[2] === s",
        True,
    ),
    "twice in the list": (
        "const b = new ArrayBuffer(1); clone.serialize(1, [b, new Port(), b])",
        refused("transfer[2] is in the list a second time"),
    ),
    "a port twice": (
        "const p = new Port(); clone.serialize(1, [p, p])",
        refused("transfer[1] is in the list a second time"),
    ),
    "what cannot be transferred": (
        "clone.serialize(1, [new ArrayBuffer(1), {}])",
        refused("transfer[1] is an Object, which cannot be transferred"),
    ),
    "a view in the list": ("clone.serialize(1, [new Uint8Array(1)])", refused("transfer[0] is a Uint8Array")),
    "a primitive in the list": ("clone.serialize(1, [5])", refused("transfer[0] is number 5")),
    "shared memory in the list": ("clone.serialize(1, [new SharedArrayBuffer(1)])", refused("transfer[0]")),
    "a detached port": (
        "const p = new Port(); p.detached = true; clone.serialize(1, [p])",
        refused("transfer[0] is detached"),
    ),
    "a detached buffer in the list": (
        "const b = new ArrayBuffer(1); b.transfer(); clone.serialize(1, [b])",
        refused("transfer[0] is detached"),
    ),
    "a detached buffer in the value": (
        "const u = new Uint8Array(1); u.buffer.transfer(); clone.serialize({ u }, [])",
        refused("message.u.buffer is a detached ArrayBuffer"),
    ),
    "nothing is detached where something is refused": (
        "const b = new ArrayBuffer(1); const p = new Port(); p.detached = true;"
        "return [await thrown(() => clone.serialize(b, [b, p])), await thrown(() => clone.serialize(() => 1, [b])), b.detached]",
        ["DataCloneError", "DataCloneError", False],
    ),
    "memory of WebAssembly": (
        "clone.serialize(1, [new WebAssembly.Memory({ initial: 1 }).buffer])",
        refused("transfer[0] is an ArrayBuffer of WebAssembly's"),
    ),
    "a view out of bounds": (
        "const b = new ArrayBuffer(8, { maxByteLength: 8 }); const v = new Uint8Array(b, 4, 4); b.resize(5); clone.serialize([v], [])",
        refused("message[0] is a Uint8Array out of the bounds"),
    ),
    "a buffer that a getter shrinks, and moves": (
        "const b = new ArrayBuffer(8, { maxByteLength: 8 });"
        "clone.serialize([[new Uint8Array(b, 4, 4)], { get x() { b.resize(5); } }], [b])",
        refused("message[0][0] is a Uint8Array out of the bounds"),
    ),
    "a buffer that a getter lets grow once it was read": (
        "const b = new ArrayBuffer(2, { maxByteLength: 8 });"
        "clone.serialize([b, { get x() { b.resize(8); return new DataView(b, 4, 4); } }], [])",
        refused("message[1].x is a DataView out of the bounds"),
    ),
    "getters are called in their order, depth first": (
        "const log = []; const o = (n, inner) => ({ get [n]() { log.push(n); return inner; } });"
        "clone.serialize([o('a', o('b', o('c'))), o('d'), new Map([[o('e'), o('f')]]), o('g')], []); return log.join('')",
        "abcdefg",
    ),
    "a getter that removes what comes after it": (
        "const o = { get a() { delete this.b; this.c = 1; return 1; }, b: 2 };"
        "return Object.keys(clone.deserialize(clone.serialize(o, []), []))",
        ["a"],
    ),
    "a getter that cuts its array": (
        "const a = [0, 1, 2]; Object.defineProperty(a, 0, { get() { a.length = 1; }, enumerable: true });"
        "const b = clone.deserialize(clone.serialize(a, []), []); return [b.length, Object.keys(b)]",
        [3, ["0"]],
    ),
    "a getter that makes holes": (
        "const a = [0, 1, 2, 3]; Object.defineProperty(a, 0, { get() { delete a[1]; return 9; }, enumerable: true });"
        "return Object.entries(clone.deserialize(clone.serialize(a, []), []))",
        [["0", 9], ["2", 2], ["3", 3]],
    ),
    "a getter that adds to its Map": (
        "const m = new Map(); m.set({ get x() { m.set('new', 1); } }, 0); return clone.deserialize(clone.serialize(m, []), []).size",
        1,
    ),
    "what a getter throws": (
        "clone.serialize({ get a() { throw new RangeError('mine'); } }, [])",
        Raised("RangeError", "mine"),
    ),
    "an error's message that is a symbol": (
        "clone.serialize(Object.assign(new Error(), { message: Symbol() }), [])",
        Raised("TypeError", "Symbol"),
    ),
    "another name for the value": (
        "clone.serialize([() => 1], [], 'data')",
        refused("data[0] is a function"),
    ),
    "one of another prototype is what its slots say": (
        "const m = Object.setPrototypeOf(new Map([[1, 2]]), null);"
        "return clone.deserialize(clone.serialize(m, []), []).get(1)",
        2,
    ),
    "a look-alike is none": (
        "return Object.keys(clone.deserialize(clone.serialize(Object.create(Response.prototype, "
        "{ x: { value: 1, enumerable: true } }), []), []))",
        ["x"],
    ),
    "reading a Blob leaves no promise behind, and runs nothing": (
        "let ran = 0; Promise.resolve().then(() => ran++); clone.serialize(new Blob(['x']), []); return ran",
        0,
    ),
    "a RegExp that another engine knows": (
        "clone.deserialize({ root: { r: 0 }, nodes: [{ k: 'RegExp', source: '(', flags: '' }] }, [])",
        Raised("SyntaxError"),
    ),
}


@pytest.mark.parametrize("row", PIECES)
def test_transfer_and_order(deno: DenoProcess, row: str) -> None:
    body, expected = PIECES[row]
    assert deno.run(body) == expected


def test_builtins_that_a_script_changes_make_no_difference(own_deno: DenoProcess) -> None:
    body = """
    const a = { l: [1, , new Map([[1n, new Set([/a/g])]])], d: new Date(1), b: new Blob(['x']), u: Uint8Array.of(1, 2) };
    const before = JSON.stringify(wireToJSON(clone.serialize(a, [])));
    const bad = () => { throw new Error('asked'); };
    for (const cls of [Map, Set, Date, RegExp, Uint8Array, ArrayBuffer, Blob, Promise, Object.getPrototypeOf(Uint8Array),
        Object.getPrototypeOf((async function* () {}).prototype).constructor]) {
        for (const name of Object.getOwnPropertyNames(cls.prototype ?? {})) {
            if (name === 'constructor' || (cls === Promise && name === 'then')) continue;
            try {
                Object.defineProperty(cls.prototype, name, { get: bad, configurable: true });
            } catch {} // what cannot be configured
        }
    }
    for (const name of ['r', 'n', 'f', 'u']) Object.defineProperty(Object.prototype, name, { value: 1, configurable: true });
    const wire = clone.serialize(a, []);
    const b = clone.deserialize(wire, []);
    for (const name of ['r', 'n', 'f', 'u']) delete Object.prototype[name];
    return [b.l.length, 1 in b.l, Object.keys(b)];
    """
    assert own_deno.run(body) == [3, False, ["l", "d", "b", "u"]]


# Python

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.sampled_from(["0x1", "-0x", "NaN", "Array", "View", "Uint8Array", "g", "gg"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["k", "r", "u", "n", "f", "items", "entries", "root", "nodes"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)
FIELDS = {
    "Array": ["items"],
    "SparseArray": ["length", "entries"],
    "Object": ["entries"],
    "Map": ["entries"],
    "Set": ["members"],
    "Date": ["t"],
    "Error": ["name", "message", "dom"],
    "Blob": ["bytes", "type", "name", "lastModified"],
    "Port": ["index"],
    "RegExp": ["source", "flags"],
    "Boxed": ["value"],
    "View": ["type", "buffer", "offset", "length"],
    "ArrayBuffer": ["bytes", "maxByteLength"],
}
"""Nodes that are almost right: their members are there, and hold anything."""
NODES = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda kind: st.fixed_dictionaries({"k": st.just(kind), **dict.fromkeys(FIELDS[kind], PLAIN)})
)
WIRES = PLAIN | st.fixed_dictionaries(
    {"root": PLAIN | st.just({"r": 0}), "nodes": st.lists(NODES | PLAIN, max_size=4) | PLAIN}
)


@given(WIRES)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_a_process_sends_is_a_message_or_a_wire_error(wire: object) -> None:
    try:
        message = from_wire(wire)
    except WireError:
        return
    assert repr(from_wire(to_wire(message))) == repr(message)  # NaN is not equal to itself


def view(**members: Any) -> dict[str, Any]:
    whole = {"k": "View", "type": "Uint16Array", "buffer": 1, "offset": 0, "length": 1} | members
    nodes = [whole, {"k": "ArrayBuffer", "bytes": b"abcd", "maxByteLength": None}]
    return {"root": {"r": 0}, "nodes": nodes}


def test_a_view_within_its_buffer() -> None:
    assert from_wire(view()).nodes[0] == messages.View("Uint16Array", 1, 0, 1)


@pytest.mark.parametrize(
    "members",
    [
        {"buffer": 0},
        {"buffer": 2},
        {"buffer": -1},
        {"offset": 1},
        {"offset": 4},
        {"length": 3},
        {"length": None},
        {"length": -1},
        {"length": True},
        {"type": "Uint7Array"},
        {"more": 1},
    ],
)
def test_a_view_that_is_none(members: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        from_wire(view(**members))


leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=9)
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
        | st.dictionaries(st.booleans() | st.text(max_size=4), inner, max_size=4)
        | st.sets(st.text(max_size=4), max_size=4)
    ),
    max_leaves=8,
)


@given(values)
def test_a_value_of_pythons_over_the_wire(value: object) -> None:
    assert deserialize(from_wire(to_wire(serialize(value)))) == value


def test_a_value_of_pythons_in_javascript(deno: DenoProcess) -> None:
    value: dict[str, Any] = {
        "numbers": [1, -1.5, 2**53 - 1, 2**53, True, None, float("inf")],
        "bytes": b"\x00\xff",
        "tuple": (1, "a"),
        "dict": {1: "one", None: 2},
        "set": {"x"},
        "error": ValueError("v"),
    }
    value["self"] = value
    check = """
    const [l, u, t, m, s, e] = [b.numbers, b.bytes, b.tuple, b.dict, b.set, b.error];
    return [l.map(String), l.map((x) => typeof x), u.constructor.name, array(u), t, [...m].map(String), [...s],
        [e.constructor.name, e.message], b.self === b];
    """
    assert received(deno, serialize(value), check) == [
        ["1", "-1.5", "9007199254740991", "9007199254740992", "true", "null", "Infinity"],
        ["number", "number", "number", "bigint", "boolean", "object", "number"],
        "Uint8Array",
        [0, 255],
        [1, "a"],
        ["1,one", ",2"],
        ["x"],
        ["Error", "v"],
        True,
    ]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        ("[1, , undefined, null, 5n, Object('s')]", [1, None, None, None, 5, "s"]),
        ("Object.assign(['a', , 'c'], { '01': 5, x: 6, '-0': 7 })", ["a", None, "c"]),
        ("new Map([['k', new Set([1, 'x'])]])", {"k": {1, "x"}}),
        (
            "[Uint8Array.of(1, 2, 3).subarray(1), new Uint16Array([258]), new ArrayBuffer(1)]",
            [b"\2\3", b"\2\1", b"\0"],
        ),
    ],
)
def test_a_value_of_javascripts_in_python(deno: DenoProcess, make: str, expected: object) -> None:
    assert deserialize(sent(deno, make)) == expected


def test_an_array_index_is_written_in_one_way_only() -> None:
    entries = (("0", 1), ("01", 2), ("\u0661", 3), ("00", 4), ("1" * 5000, 5), ("4", 6))
    message = Message(Ref(0), (messages.SparseArray(3, entries),))
    assert deserialize(message) == [1, None, None]
