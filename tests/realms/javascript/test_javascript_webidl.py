"""Web IDL in JavaScript: what arguments become, what a class is made, and scripts that change every builtin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.realms.javascript.deno_process import DenoProcess, Raised

TYPE_ERROR = Raised("TypeError")

CONVERSIONS: dict[str, tuple[str, Any]] = {
    "DOMString": ("return [w.DOMString(5, 'x'), w.DOMString(null, 'x')]", ["5", "null"]),
    "DOMString of a symbol": ("w.DOMString(Symbol(), 'the name')", Raised("TypeError", "the name")),
    "USVString": ("return w.USVString('a\\ud800b', 'x')", "a\ufffdb"),
    "ByteString": ("return w.ByteString('\u00ff', 'x')", "\u00ff"),
    "ByteString beyond": ("w.ByteString('\\u0100', 'x')", TYPE_ERROR),
    "boolean": ("return [w.boolean(''), w.boolean({})]", [False, True]),
    "unsigned long long": (
        "return [0, -0.9, '5', true, 1.9, 2 ** 53 - 1].map((v) => w.enforcedUnsignedLongLong(v, 'x'))",
        [0, 0, 5, 1, 1, 2**53 - 1],
    ),
    **{
        f"unsigned long long: {value}": (f"w.enforcedUnsignedLongLong({value}, 'x')", TYPE_ERROR)
        for value in ("-1", "NaN", "Infinity", "2 ** 53", "undefined", "1n", "Symbol()", "{}")
    },
    "unsigned short": ("return [-1, 65536, 1.9, NaN, 'x', -0.5].map((v) => w.unsignedShort(v, 'x'))", [65535, 0, 1, 0, 0, 0]),
    "unsigned short of a bigint": ("w.unsignedShort(1n, 'x')", TYPE_ERROR),
    "double": ("return w.double('1.5', 'x')", 1.5),
    "double of Infinity": ("w.double(Infinity, 'x')", TYPE_ERROR),
    "enumeration": ("return w.enumeration('E', ['a'])('a', 'x')", "a"),
    "no enumeration": ("w.enumeration('E', ['a'])('b', 'x')", Raised("TypeError", "enumeration E")),
    "nullable": ("const n = w.nullable(w.DOMString); return [n(undefined, 'x'), n(null, 'x'), n(1, 'x')]", [None, None, "1"]),
    "sequence": ("return w.sequence(w.DOMString)(new Set([1, 2]), 'x')", ["1", "2"]),
    "no sequence": ("w.sequence(w.DOMString)({}, 'x')", TYPE_ERROR),
    "a string is not a sequence": ("w.sequence(w.DOMString)('ab', 'x')", TYPE_ERROR),
    "an element": ("w.sequence(w.object)([{}, 5], 'x')", Raised("TypeError", "x, element 1")),
    "record": ("return w.record(w.DOMString, w.DOMString)({ b: 1, a: 2 }, 'x')", [["b", "1"], ["a", "2"]]),
    "two keys that become one": (
        "return w.record((k) => k.toLowerCase(), w.DOMString)({ A: 1, b: 2, a: 3 }, 'x')",
        [["a", "3"], ["b", "2"]],
    ),
    "dictionary": (
        "const d = w.dictionary([['a', w.DOMString], ['b', w.boolean, false]]);"
        "return [d({ a: 1, c: 2 }, 'x'), Object.keys(d(undefined, 'x')), d(null, 'x').b]",
        [{"a": "1", "b": False}, ["a", "b"], False],
    ),
    "no dictionary": ("w.dictionary([])(5, 'x')", TYPE_ERROR),
    "a required member": ("w.dictionary([['a', w.DOMString, w.required]])({}, 'x')", Raised("TypeError", "'a'")),
    "callback": ("w.callback({}, 'x')", Raised("TypeError", "function")),
    "an interface": ("w.interfaceType('Foo', () => false)({}, 'x')", Raised("TypeError", "expected a Foo")),
    "what is shown never runs a script's code": (
        "return [w.shown({ toString() { throw 1 } }), w.shown('a'.repeat(90)).length, w.shown(Symbol('s'))]",
        ["an object", 82, "Symbol(s)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", CONVERSIONS)
def test_conversions(deno: DenoProcess, row: str) -> None:
    body, expected = CONVERSIONS[row]
    assert deno.run("const w = webidl; " + body) == expected


MAKE = """
let isFoo;
class Foo {
    #size = 1;
    constructor(key = undefined) { webidl.illegalConstructor(key); }
    get size() { return this.#size; }
    set size(value) { this.#size = value; }
    get name() { return "its own"; }
    get ready() { return Promise.resolve(this.#size); }
    put(a, b, c = 3) { return [a, b, c, this.#size]; }
    async match(a) { return a; }
    static make(a) { return a; }
    static { isFoo = (value) => #size in value; }
}
webidl.defineInterface(Foo, { brand: isFoo, promises: ["match", "ready"] });
const foo = webidl.create(Foo);
"""

INTERFACES: dict[str, tuple[str, Any]] = {
    "illegal constructor": ("new Foo()", Raised("TypeError", "Illegal constructor")),
    "a subclass is no way in": ("class Mine extends Foo {}; new Mine()", Raised("TypeError", "Illegal constructor")),
    "an operation": ("return foo.put(1, 2)", [1, 2, 3, 1]),
    "an attribute": ("foo.size = 5; return [foo.size, foo.name]", [5, "its own"]),
    "enumerable": ("return Object.keys(Foo.prototype)", ["size", "name", "ready", "put", "match"]),
    "static ones too": ("return Object.keys(Foo)", ["make"]),
    "lengths": ("return [Foo.length, foo.put.length, foo.match.length, Foo.make.length]", [0, 2, 1, 1]),
    "names": (
        "const { get, set } = Object.getOwnPropertyDescriptor(Foo.prototype, 'size'); return [get.name, set.name, foo.put.name]",
        ["get size", "set size", "put"],
    ),
    "tag": ("return [String(foo), Foo.prototype[Symbol.toStringTag]]", ["[object Foo]", "Foo"]),
    "too few arguments": ("foo.put(1)", Raised("TypeError", "2 arguments required, but only 1 present")),
    "too few for a promise": ("return [foo.match().catch(() => 0) instanceof Promise, await thrown(() => foo.match())]", [True, "TypeError"]),
    "too few, static": ("Foo.make()", Raised("TypeError", "'make' on 'Foo': 1 argument required")),
    "another object": ("foo.put.call({}, 1, 2)", Raised("TypeError", "Illegal invocation")),
    "no object": ("foo.put.call(5, 1, 2)", Raised("TypeError", "Illegal invocation")),
    "another object, for a promise": ("return [await thrown(() => foo.match.call({}, 1)), foo.match.call({}, 1).catch(() => 0) instanceof Promise]", ["TypeError", True]),
    "a promise attribute of another object": (
        "const { get } = Object.getOwnPropertyDescriptor(Foo.prototype, 'ready'); return await thrown(() => get.call({}))",
        "TypeError",
    ),
    "a setter of another object": (
        "Object.getOwnPropertyDescriptor(Foo.prototype, 'size').set.call({}, 1)",
        Raised("TypeError", "Illegal invocation"),
    ),
    "no constructor among operations": ("new foo.put(1, 2)", TYPE_ERROR),
}  # fmt: skip


@pytest.mark.parametrize("row", INTERFACES)
def test_interfaces(deno: DenoProcess, row: str) -> None:
    body, expected = INTERFACES[row]
    assert deno.run(MAKE + body) == expected


USE = """
const boom = () => { throw new Error("a script's own builtin was called"); };
const undo = [];
function pollute(object, key, value) {
    const old = Object.getOwnPropertyDescriptor(object, key);
    undo[undo.length] = () => old ? defineProperty(object, key, old) : delete object[key];
    defineProperty(object, key, { __proto__: null, value, writable: true, configurable: true });
}
const { defineProperty } = Object;
const encoded = encoder.encode("x");
const fetch = makeFetch({
    call: async (operation, { request }) => ({ ...struct, handle: 7, statusText: request.headers[0][1] }),
    post() {},
    remote: (handle) => makeRemote(["ab", "cd"], [], handle),
});
const seen = [];
try {
    POLLUTION;
    const headers = new Headers({ B: "1", a: "2" });
    headers.append("b", "3");
    seen[0] = headers.get("b");
    const request = new Request("/p", { method: "post", body: "x", headers, cache: "reload" });
    seen[1] = request.url;
    seen[2] = await new Request(request).text();
    const response = await fetch("/x", { headers: { "X": "y" } });
    seen[3] = response.statusText;
    seen[4] = await response.clone().text();
    seen[5] = responseHandle(response);
    seen[6] = await new Response(encoded, { headers: { "Content-Type": "text/plain;a=b" } }).text();
    const reader = new Response("q").body.getReader();
    seen[7] = (await reader.read()).value[0];
} finally {
    for (let at = undo.length - 1; at >= 0; at--) undo[at]();
}
return seen;
"""

POLLUTIONS = {
    "nothing": "",
    "iterating arrays": "pollute(Array.prototype, Symbol.iterator, boom)",
    "methods of arrays": "for (const k of ['push', 'map', 'filter', 'join', 'includes', 'sort', 'slice', 'indexOf'])"
    "pollute(Array.prototype, k, boom)",
    "methods of strings": "for (const k of ['toLowerCase', 'toUpperCase', 'slice', 'indexOf', 'split', 'charCodeAt',"
    "'toWellFormed', 'startsWith']) pollute(String.prototype, k, boom)",
    "regular expressions": "pollute(RegExp.prototype, 'exec', boom); pollute(RegExp.prototype, 'test', boom);"
    "pollute(RegExp.prototype, Symbol.split, boom)",
    "functions": "for (const k of ['call', 'apply', 'bind']) pollute(Function.prototype, k, boom)",
    "promises": "for (const k of ['then', 'catch', 'finally']) pollute(Promise.prototype, k, boom);"
    "for (const k of ['resolve', 'reject', 'withResolvers']) pollute(Promise, k, boom)",
    "what dictionaries inherit": "for (const k of ['start', 'type', 'highWaterMark', 'stream', 'handle', 'bytes'])"
    "pollute(Object.prototype, k, 5)",
    "typed arrays": "const T = Object.getPrototypeOf(Uint8Array.prototype); for (const k of ['set', 'subarray', 'slice',"
    "'indexOf']) pollute(T, k, boom)",
    "maps, sets": "for (const k of ['get', 'set', 'has', 'delete', 'forEach']) pollute(Map.prototype, k, boom);"
    "for (const k of ['add', 'delete', 'forEach']) pollute(Set.prototype, k, boom);"
    "for (const k of ['get', 'set']) pollute(WeakMap.prototype, k, boom)",
    "globals": "for (const k of ['Response', 'Request', 'Headers', 'URL', 'ReadableStream', 'TextDecoder', 'TextEncoder',"
    "'Uint8Array', 'Promise', 'TypeError', 'Blob', 'JSON']) pollute(globalThis, k, boom)",
    "streams": "for (const k of ['tee', 'cancel', 'pipeThrough']) pollute(ReadableStream.prototype, k, boom);"
    "pollute(ReadableByteStreamController.prototype, 'enqueue', boom)",
}


@pytest.mark.parametrize("pollution", POLLUTIONS)
def test_scripts_that_change_builtins(own_deno: DenoProcess, pollution: str) -> None:
    assert own_deno.run(USE.replace("POLLUTION", POLLUTIONS[pollution])) == [
        *("1, 3", "https://site.example/p", "x", "y", "abcd", 7, "x", 113),
    ]
