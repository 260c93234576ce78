"""JavaScript's Headers, row by row and against Python's, and MIME types against Python's."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings, strategies as st

from swruntime.algorithms import headers as h, mime
from swruntime.algorithms.guards import Guard
from swruntime.concepts.http import HeaderList
from swruntime.realms.python.headers import Headers
from tests.realms.javascript.deno_process import DenoProcess, Raised

TYPE_ERROR = Raised("TypeError")

ROWS = {
    # construction
    "pairs": (
        "return [...new Headers([['B', '1'], ['a', ' 2\\t'], ['b', '3']])]",
        [["a", "2"], ["b", "1, 3"]],
    ),
    "record": ("return [...new Headers({ B: 1, a: null })]", [["a", "null"], ["b", "1"]]),
    "a record's symbols": ("return [...new Headers({ [Symbol('x')]: 1 })]", TYPE_ERROR),
    "what a record does not enumerate": (
        "return [...new Headers(Object.defineProperty({ a: 1 }, 'b', { value: 2 }))]",
        [["a", "1"]],
    ),
    "another Headers": ("return [...new Headers(new Headers({ a: 1 }))]", [["a", "1"]]),
    "another Headers that iterates otherwise": (
        "const h = new Headers({ a: 1 }); h[Symbol.iterator] = function* () { yield ['x', 'y'] };"
        "return [...new Headers(h)]",
        [["x", "y"]],
    ),
    "any iterable": ("return [...new Headers(new Map([['a', 'b']]))]", [["a", "b"]]),
    "undefined": ("return [...new Headers(undefined)]", []),
    "null": ("new Headers(null)", TYPE_ERROR),
    "a string": ("new Headers('a')", TYPE_ERROR),
    "a pair of one": ("new Headers([['a']])", Raised("TypeError", "1 items")),
    "a pair of three": ("new Headers([['a', 'b', 'c']])", TYPE_ERROR),
    "without new": ("Headers()", TYPE_ERROR),
    # names and values
    "a name that is none": (
        "new Headers().append('a b', '')",
        Raised("TypeError", "'a b' is not a header name"),
    ),
    "an empty name": ("new Headers().get('')", TYPE_ERROR),
    "a name beyond U+00FF": ("new Headers().has('\\u0100')", Raised("TypeError", "U+00FF")),
    "a value beyond U+00FF": ("new Headers().set('a', '\\u0100')", Raised("TypeError", "parameter 2")),
    "a value with a line break": ("new Headers().set('a', 'b\\nc')", TYPE_ERROR),
    "a value with NUL": ("new Headers().set('a', 'b\\0c')", TYPE_ERROR),
    "a value with other control characters": (
        "const h = new Headers(); h.set('a', '\\x01'); return h.get('a')",
        "\x01",
    ),
    "a symbol": ("new Headers().set('a', Symbol('s'))", TYPE_ERROR),
    # methods
    "get": (
        "return [new Headers([['a', '1'], ['A', '2']]).get('A'), new Headers().get('a')]",
        ["1, 2", None],
    ),
    "has": ("return [new Headers({ a: 1 }).has('A'), new Headers().has('a')]", [True, False]),
    "set replaces the first": (
        "const h = new Headers([['a', '1'], ['b', '2'], ['A', '3']]); h.set('a', '4'); return [...h]",
        [["a", "4"], ["b", "2"]],
    ),
    "delete": ("const h = new Headers({ a: 1, b: 2 }); h.delete('A'); return [...h]", [["b", "2"]]),
    "Set-Cookie": (
        "const h = new Headers([['Set-Cookie', 'a=1'], ['set-cookie', 'b=2']]);"
        "return [h.getSetCookie(), h.get('set-cookie'), [...h].length]",
        [["a=1", "b=2"], "a=1, b=2", 2],
    ),
    "too few arguments": (
        "new Headers().append('a')",
        Raised(
            "TypeError", "Failed to execute 'append' on 'Headers': 2 arguments required, but only 1 present."
        ),
    ),
    # iteration
    "keys, values, entries": (
        "const h = new Headers({ b: 1, a: 2 }); return [[...h.keys()], [...h.values()], [...h.entries()]]",
        [["a", "b"], ["2", "1"], [["a", "2"], ["b", "1"]]],
    ),
    "forEach": (
        "const seen = []; const h = new Headers({ a: 1 });"
        "h.forEach(function (value, key, all) { seen.push(key, value, all === h, this.x) }, { x: 5 }); return seen",
        ["a", "1", True, 5],
    ),
    "forEach without a function": ("new Headers().forEach({})", TYPE_ERROR),
    "a change while iterating": (
        "const h = new Headers({ b: 1, c: 2 }); const seen = [];"
        "for (const [name] of h) { seen.push(name); h.delete('b'); } return seen",
        ["b"],
    ),
    "what is iterated over is a copy": (
        "const h = new Headers({ a: 1 }); for (const pair of h) pair[1] = 'changed'; return [...h]",
        [["a", "1"]],
    ),
    "the iterator": (
        "const i = new Headers().entries(); return [String(i), Object.keys(Object.getPrototypeOf(i)),"
        "'map' in i, Object.hasOwn(Object.getPrototypeOf(i), 'constructor')]",
        ["[object Headers Iterator]", ["next"], True, False],
    ),
    "another's iterator": (
        "new Headers().entries().next.call({})",
        Raised("TypeError", "Illegal invocation"),
    ),
    # Web IDL
    "shape": (
        "return [Headers.name, Headers.length, String(new Headers()), Object.keys(Headers.prototype),"
        "Headers.prototype.append.length, Headers.prototype[Symbol.iterator] === Headers.prototype.entries,"
        "Object.getOwnPropertyDescriptor(Headers, 'prototype').writable]",
        [
            "Headers",
            0,
            "[object Headers]",
            ["append", "delete", "get", "getSetCookie", "has", "set", "entries", "forEach", "keys", "values"],
            2,
            True,
            False,
        ],
    ),
    "brand": ("Headers.prototype.get.call({}, 'a')", Raised("TypeError", "Illegal invocation")),
    "brand of none": ("const { get } = new Headers(); get('a')", Raised("TypeError", "Illegal invocation")),
    "a method is no constructor": ("new (new Headers().get)('a')", TYPE_ERROR),
    "a subclass": (
        "class Mine extends Headers {}; const h = new Mine({ a: 1 }); return [h.get('a'), h instanceof Headers]",
        ["1", True],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_headers(deno: DenoProcess, row: str) -> None:
    body, expected = ROWS[row]
    assert deno.run(body) == expected


# Against Python

NAMES = st.sampled_from(
    [
        *(
            "Accept",
            "Accept-Language",
            "Content-Language",
            "Content-Type",
            "Range",
            "X-A",
            "x-a",
            "X-HTTP-Method",
        ),
        *(
            "Cookie",
            "sec-x",
            "Proxy-x",
            "Set-Cookie",
            "set-cookie2",
            "X-Method-Override",
            "Via",
            "a b",
            "",
            "\u0100",
        ),
    ]
) | st.text(max_size=5)
VALUES = (
    st.sampled_from(
        [
            *(
                "text/plain",
                "text/plain;charset=utf-8",
                "application/json",
                "bytes=0-",
                "bytes=5-4",
                "bytes=05-5",
            ),
            *(
                "TRACE",
                "get, trace",
                '"a,trace"',
                '"\\", trace',
                "a=b;c",
                "de-DE, en;q=0.5",
                "x" * 129,
                " a\t",
                "a\r\nb",
            ),
            *("multipart/form-data; boundary=a", 'text/plain;x="a b"', "text/plain;\u00e9", "\u0100", ""),
        ]
    )
    | st.text(max_size=8)
    | st.text(st.characters(max_codepoint=0xFF), max_size=8)
)
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["append", "set"]), NAMES, VALUES)
    | st.tuples(st.sampled_from(["delete", "get", "has"]), NAMES),
    max_size=8,
)
GUARDS = st.sampled_from(get_args(Guard))
INITIAL = [("Range", "bytes=1-"), ("X-A", "0"), ("Accept", "text/html")]

IN_JAVASCRIPT = """
const headers = makeHeaders(initial, guard);
const outcomes = operations.map(([method, ...given]) => {
    try {
        return headers[method](...given) ?? null;
    } catch (error) {
        return error.name;
    }
});
return [outcomes, [...headers], headers.getSetCookie()];
"""


@settings(deadline=None)
@given(guard=GUARDS, operations=OPERATIONS)
def test_headers_under_any_guard_are_as_pythons(
    deno: DenoProcess, guard: Guard, operations: list[Any]
) -> None:
    headers = Headers._of(HeaderList.of(INITIAL), guard)
    outcomes: list[Any] = []
    for method, *given_ in operations:
        try:
            outcomes.append(getattr(headers, method)(*given_))
        except TypeError:
            outcomes.append("TypeError")
    expected = [outcomes, [list(pair) for pair in headers], headers.get_set_cookie()]
    assert deno.run(IN_JAVASCRIPT, initial=INITIAL, guard=guard, operations=operations) == expected


MIME_TEXTS = st.text(st.sampled_from('/;="\\ \t,ab*-é\u0100'), max_size=20) | st.builds(
    "text/plain{}{}".format,
    st.sampled_from(["", ";", " ; "]),
    st.text(st.sampled_from(';="\\ charset,Aé'), max_size=16),
)


@settings(deadline=None)
@given(text=MIME_TEXTS)
def test_mime_types_are_as_pythons(deno: DenoProcess, text: str) -> None:
    parsed = mime.parse(text)
    found = deno.run("const t = mime.parseMimeType(text); return t && mime.serializeMimeType(t)", text=text)
    assert found == (None if parsed is None else str(parsed))


@settings(deadline=None)
@given(values=st.lists(MIME_TEXTS.filter(str.isascii), max_size=3))
def test_the_type_of_a_body_is_as_pythons(deno: DenoProcess, values: list[str]) -> None:
    headers = HeaderList.of(("Content-Type", value.strip("\t ")) for value in values)
    expected = h.mime_type(headers)
    body = "return (await new Response('', { headers: values.map((v) => ['Content-Type', v]) }).blob()).type"
    found = deno.run(body, values=values) if values else ""
    assert found == ("" if expected is None else str(expected).lower())
