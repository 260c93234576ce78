"""Bodies in JavaScript: what a script makes one of, how it is read, and what of a runtime's body travels when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from swruntime.algorithms import forms
from tests.realms.javascript.deno_process import DenoProcess, Raised

TYPE_ERROR = Raised("TypeError")
USED = Raised("TypeError", "used already")

KINDS: dict[str, tuple[str, Any, Any]] = {
    # what a body is made of, its Content-Type, its text
    "a string": ("'h\u00e9'", "text/plain;charset=UTF-8", "h\u00e9"),
    "a lone surrogate": ("'\\ud800'", "text/plain;charset=UTF-8", "\ufffd"),
    "a number": ("5", "text/plain;charset=UTF-8", "5"),
    "an object": ("({ toString: () => 'x' })", "text/plain;charset=UTF-8", "x"),
    "a Uint8Array": ("encoder.encode('abc')", None, "abc"),
    "a part of a buffer": ("new Uint16Array(encoder.encode('abcdef').buffer, 2, 1)", None, "cd"),
    "a DataView": ("new DataView(encoder.encode('abcdef').buffer, 1, 2)", None, "bc"),
    "an ArrayBuffer": ("encoder.encode('abc').buffer", None, "abc"),
    "an empty ArrayBuffer": ("new ArrayBuffer(0)", None, ""),
    "a Blob": ("new Blob(['ab', 'c'], { type: 'a/b' })", "a/b", "abc"),
    "a Blob without a type": ("new Blob(['abc'])", None, "abc"),
    "URLSearchParams": (
        "new URLSearchParams({ a: 'b c' })",
        "application/x-www-form-urlencoded;charset=UTF-8",
        "a=b+c",
    ),
    "a stream": ("streamOf(['a', 'b'])", None, "ab"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_body_is_made_of(deno: DenoProcess, kind: str) -> None:
    init, content_type, text = KINDS[kind]
    body = f"""
        const body = {init};
        const read = async (object) => [object.headers.get("content-type"), object.bodyUsed, await object.text(),
            object.bodyUsed, object.body.locked];
        const request = new Request("/", {{ method: "POST", body, duplex: "half" }});
        const other = request.clone();
        return [await read(request), await read(other)];
    """
    expected = [content_type, False, text, True, True]
    assert deno.run(body) == [expected, expected]


ROWS: dict[str, tuple[str, Any]] = {
    # reading
    "no body": (
        "const r = new Response(); return [r.body, r.bodyUsed, await r.text(), r.bodyUsed]",
        [None, False, "", False],
    ),
    "no body, as bytes": ("return array(await new Response(null).bytes())", []),
    "json": ("return await new Response('{\"a\":[1]}').json()", {"a": [1]}),
    "json with a byte order mark": ("return await new Response('\\ufeff1').json()", 1),
    "no json": ("await new Response('{').json()", Raised("SyntaxError")),
    "no json at all": ("await new Response().json()", Raised("SyntaxError")),
    "text with a byte order mark": ("return await new Response('\\ufeffa').text()", "a"),
    "what is not UTF-8": ("return await new Response(new Uint8Array([0x61, 0xff])).text()", "a\ufffd"),
    "bytes": (
        "const b = await new Response('ab').bytes(); return [b.constructor.name, array(b)]",
        ["Uint8Array", [97, 98]],
    ),
    "arrayBuffer": (
        "const b = await new Response('ab').arrayBuffer(); return [b.constructor.name, b.byteLength]",
        ["ArrayBuffer", 2],
    ),
    "bytes are one's own": (
        "const given = encoder.encode('ab'); const r = new Response(given); given[0] = 0; const c = r.clone();"
        "(await r.bytes())[0] = 1; return await c.text()",
        "ab",
    ),
    "blob": (
        "const b = await new Response('ab', { headers: { 'Content-Type': 'Text/HTML; a=b' } }).blob();"
        "return [b.constructor.name, b.type, await b.text()]",
        ["Blob", "text/html;a=b", "ab"],
    ),
    "twice": ("const r = new Response('a'); await r.text(); await r.json()", USED),
    "twice at once": (
        "const r = new Response('a'); const p = r.text(); await r.text().finally(() => p)",
        USED,
    ),
    "a reading method throws nothing": (
        "const r = new Response('a'); await r.text(); return [await thrown(() => r.blob()), r.blob().catch(() => 0) instanceof Promise]",
        ["TypeError", True],
    ),
    "a method of another": (
        "await Response.prototype.text.call({})",
        Raised("TypeError", "Illegal invocation"),
    ),
    "a method of a Request for a Response": (
        "await Request.prototype.text.call(new Response('a'))",
        TYPE_ERROR,
    ),
    # the stream
    "the stream is one object": ("const r = new Response('a'); return r.body === r.body", True),
    "a script's stream is itself": ("const s = streamOf(['a']); return new Response(s).body === s", True),
    "the stream has bytes": (
        "const reader = new Response('abc').body.getReader(); const { value } = await reader.read();"
        "return [value.constructor.name, array(value), await reader.read()]",
        ["Uint8Array", [97, 98, 99], {"done": True}],
    ),
    "with a buffer of one's own": (
        "const reader = new Response('abc').body.getReader({ mode: 'byob' });"
        "const first = await reader.read(new Uint8Array(2)); const second = await reader.read(new Uint8Array(2));"
        "const end = await reader.read(new Uint8Array(2)); return [array(first.value), array(second.value), end.done]",
        [[97, 98], [99], True],
    ),
    "a Blob's stream has bytes": (
        "const reader = new Response(new Blob(['abc'])).body.getReader({ mode: 'byob' });"
        "return array((await reader.read(new Uint8Array(2))).value)",
        [97, 98],
    ),
    "locked is not used": (
        "const r = new Response('a'); r.body.getReader(); return [r.bodyUsed, await thrown(() => r.text())]",
        [False, "TypeError"],
    ),
    "locked, and let go": (
        "const r = new Response('a'); r.body.getReader().releaseLock(); return await r.text()",
        "a",
    ),
    "read by its stream": (
        "const r = new Response('a'); const reader = r.body.getReader(); await reader.read(); reader.releaseLock();"
        "return [r.bodyUsed, r.body.locked, await thrown(() => r.text())]",
        [True, False, "TypeError"],
    ),
    "cancelled": ("const r = new Response('a'); await r.body.cancel(); return r.bodyUsed", True),
    "the stream while the body is read": (
        "const r = new Response('a'); const text = r.text(); const during = r.body.locked; await text;"
        "return [during, r.body.locked, r.bodyUsed, r.body === r.body]",
        [True, True, True, True],
    ),
    "read with its stream there": (
        "const r = new Response('a'); const s = r.body; const text = r.text(); const during = s.locked;"
        "return [during, await text, r.bodyUsed]",
        [True, "a", True],
    ),
    "pieces that are no bytes": ("await new Response(streamOf([5])).text()", TYPE_ERROR),
    "a stream that fails": (
        "await new Response(streamOf(['a', new RangeError('x')])).text()",
        Raised("RangeError", "x"),
    ),
    "a locked stream": ("const s = streamOf(['a']); s.getReader(); new Response(s)", TYPE_ERROR),
    "a stream that was read": (
        "const s = streamOf(['a', 'b']); const r = s.getReader(); await r.read(); r.releaseLock(); new Response(s)",
        TYPE_ERROR,
    ),
    "pieced through": (
        "const upper = new TransformStream({ transform: (c, o) => o.enqueue(c.map((b) => b - 32)) });"
        "return await new Response(new Response('abc').body.pipeThrough(upper)).text()",
        "ABC",
    ),
    # clones
    "a clone of a used body": ("const r = new Response('a'); await r.text(); r.clone()", USED),
    "a clone of a locked body": ("const r = new Response('a'); r.body.getReader(); r.clone()", USED),
    "a clone of a script's stream": (
        "const r = new Response(streamOf(['a', 'b'])); const c = r.clone(); return [await c.text(), await r.text()]",
        ["ab", "ab"],
    ),
    "a clone of a clone": (
        "const r = new Response(new Blob(['a'])); const c = r.clone().clone(); r.body; return [await c.text(), await r.text()]",
        ["a", "a"],
    ),
    # forms
    "a form there and back": (
        "const form = new FormData(); form.append('a', 'b\\nc'); form.append('f', new Blob(['x'], { type: 't/y' }), 'n');"
        "const r = new Response(form); const c = r.clone(); const back = await r.formData();"
        "const file = (await c.formData()).get('f'); return [back.get('a'), file.name, file.type, await file.text()]",
        ["b\r\nc", "n", "t/y", "x"],
    ),
    "a form's clone, both read": (
        "const form = new FormData(); form.append('a', 'b'); const r = new Response(form); const c = r.clone();"
        "return [[...await r.formData()], [...await c.formData()]]",
        [[["a", "b"]], [["a", "b"]]],
    ),
    "fields": (
        "return [...await new Response(new URLSearchParams([['a', '1 &'], ['a', '2']])).formData()]",
        [["a", "1 &"], ["a", "2"]],
    ),
    "no form": ("await new Response('a').formData()", Raised("TypeError", "'text/plain;charset=UTF-8'")),
    "no type": ("await new Response(new Uint8Array(1)).formData()", Raised("TypeError", "absent")),
    "no boundary": (
        "await new Response('a', { headers: { 'Content-Type': 'multipart/form-data' } }).formData()",
        TYPE_ERROR,
    ),
    "not the form that it says": (
        "await new Response('a', { headers: { 'Content-Type': 'multipart/form-data; boundary=b' } }).formData()",
        TYPE_ERROR,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_bodies(deno: DenoProcess, row: str) -> None:
    body, expected = ROWS[row]
    assert deno.run(body) == expected


REMOTE: dict[str, tuple[str, Any]] = {
    # `r` is a Response of the runtime's, whose body is "ab", "cd"; `log` is what was asked of its remote object
    "nothing is asked for before it is read": ("r.body; r.headers; r.clone(); return log", []),
    "read": ("return [await r.text(), log]", ["abcd", ["read 1", "read 1", "read 1"]]),
    "a piece at a time": (
        "const reader = r.body.getReader(); await reader.read(); await new Promise((r) => setTimeout(r)); return log",
        ["read 1"],
    ),
    "with a buffer of one's own": (
        "const reader = r.body.getReader({ mode: 'byob' }); const sizes = [];"
        "for (let step; !(step = await reader.read(new Uint8Array(3))).done;) sizes.push(step.value.length);"
        "return [sizes, log.length]",
        [[2, 2], 3],
    ),
    "cancelled": ("await r.body.cancel(); return [log, r.bodyUsed]", [["cancel 1"], True]),
    "cancelled in the middle": (
        "const reader = r.body.getReader(); await reader.read(); await reader.cancel(); return log",
        ["read 1", "cancel 1"],
    ),
    "a clone is a clone there": (
        "const c = r.clone(); return [await c.text(), await r.text(), responseHandle(c), log.length]",
        ["abcd", "abcd", None, 6],
    ),
    "a clone has a handle of its own": ("return [responseHandle(r.clone()), responseHandle(r)]", [101, 1]),
    "a clone after the stream was looked at": (
        "const s = r.body; const c = r.clone(); return [await c.text(), await new Response(s).text(), r.bodyUsed]",
        ["abcd", "abcd", True],
    ),
    # handing over
    "untouched": (
        "const t = takeResponse(r); return [t.handle, t.body, r.bodyUsed, log]",
        [1, {"remote": 1}, True, []],
    ),
    "its stream looked at": ("r.body; return takeResponse(r).handle", 1),
    "its stream locked": ("r.body.getReader(); takeResponse(r)", USED),
    "its stream locked, and let go": ("r.body.getReader().releaseLock(); return takeResponse(r).handle", 1),
    "read already": ("await r.text(); takeResponse(r)", USED),
    "handed over, and read": ("takeResponse(r); await r.text()", USED),
    "handed over twice": ("takeResponse(r); takeResponse(r)", USED),
    "handed over, and its stream is over": (
        "const s = r.body; takeResponse(r); return [(await s.getReader().read()).done, log]",
        [True, []],
    ),
    "the handle, without handing over": (
        "const before = responseHandle(r); await r.text(); return [before, responseHandle(r)]",
        [1, None],
    ),
    "in another response": (
        "const n = new Response(r.body, { status: 201 }); const t = takeResponse(n);"
        "return [t.handle, t.status, t.body, r.bodyUsed, n.bodyUsed, log]",
        [None, 201, {"remote": 1}, True, True, []],
    ),
    "in another response, read there": (
        "const n = new Response(r.body); return [n.body === r.body, await n.text(), r.bodyUsed]",
        [True, "abcd", True],
    ),
    "in another response, read here": (
        "const n = new Response(r.body); await r.text(); return [n.bodyUsed, await thrown(() => n.text())]",
        [True, "TypeError"],
    ),
    "in another response, after a piece was read": (
        "const reader = r.body.getReader(); await reader.read(); reader.releaseLock(); new Response(r.body)",
        USED,
    ),
    "in a request": (
        "const q = new Request('/', { method: 'POST', body: r.body, duplex: 'half' }); const t = takeRequest(q);"
        "return [t.body, log]",
        [{"remote": 1}, []],
    ),
    "a stream in a request needs duplex": (
        "new Request('/', { method: 'POST', body: r.body })",
        Raised("TypeError", "duplex"),
    ),
    "what a script made has no handle": (
        "const t = takeResponse(new Response('a')); return [t.handle, Object.keys(t.body), array(t.body.bytes)]",
        [None, ["bytes"], [97]],
    ),
    "a stream is handed over as one": (
        "const s = streamOf(['a']); const t = takeResponse(new Response(s)); return [t.body.stream === s, s.locked]",
        [True, False],
    ),
    "a Blob is handed over as a stream": (
        "const t = takeResponse(new Response(new Blob(['a']))); return await new Response(t.body.stream).text()",
        "a",
    ),
    # errors
    "an error there": (
        "const bad = makeResponse(struct, makeRemote(['a', new TypeError('it broke')])); await bad.text()",
        Raised("TypeError", "it broke"),
    ),
    "an error there, in the stream": (
        "const bad = makeResponse(struct, makeRemote(['a', new TypeError('it broke')]));"
        "const reader = bad.body.getReader(); await reader.read(); await reader.read()",
        Raised("TypeError", "it broke"),
    ),
    "empty pieces": (
        "const e = makeResponse(struct, makeRemote(['', 'a', ''])); const reader = e.body.getReader();"
        "return [array((await reader.read()).value), (await reader.read()).done]",
        [[97], True],
    ),
    # without a body, and opaque ones
    "no body": (
        "const n = makeResponse({ ...struct, status: 204, hasBody: false }, makeRemote([]));"
        "const t = takeResponse(n); return [n.body, t.body, t.handle, responseHandle(n.clone()), takeResponse(n).handle]",
        [None, None, 1, 101, 1],
    ),
    "opaque": (
        "const o = makeResponse({ ...struct, type: 'opaque', status: 0, url: '', headers: [], hasBody: false },"
        "makeRemote(['secret'])); const c = o.clone();"
        "return [o.type, o.status, o.body, await o.text(), responseHandle(o), responseHandle(c), c.type]",
        ["opaque", 0, None, "", 1, 101, "opaque"],
    ),
}


@pytest.mark.parametrize("row", REMOTE)
def test_bodies_of_the_runtime(deno: DenoProcess, row: str) -> None:
    body, expected = REMOTE[row]
    make = "const log = []; const r = makeResponse(struct, makeRemote(['ab', 'cd'], log));\n"
    assert deno.run(make + body) == expected


TEXTS = st.text(st.sampled_from('\r\n"%2ab;=\u00e9\ufeff'), max_size=6) | st.text(
    st.characters(codec="utf-8"), max_size=4
)
FILES = st.builds(
    forms.FilePart, data=st.binary(max_size=8), name=TEXTS, type=st.sampled_from(["", "text/plain", "a/b"])
)
FORMS = st.lists(st.tuples(TEXTS, TEXTS | FILES), max_size=4)

THERE = """
const form = new FormData();
for (const [name, value] of entries) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, new File([new Uint8Array(value.data)], value.name, { type: value.type }));
}
const response = new Response(form);
return [response.headers.get("content-type"), array(await response.bytes())];
"""
BACK = """
const headers = { "Content-Type": type };
const entries = [];
for (const [name, value] of await new Response(new Uint8Array(data), { headers }).formData()) {
    const file = typeof value !== "string" && { data: array(await value.bytes()), name: value.name, type: value.type };
    entries.push([name, file || value]);
}
return entries;
"""


def as_json(entries: list[forms.Entry]) -> list[list[Any]]:
    return [
        [
            name,
            value
            if isinstance(value, str)
            else {"data": [*value.data], "name": value.name, "type": value.type},
        ]
        for name, value in entries
    ]


@settings(deadline=None)
@given(entries=FORMS)
def test_a_form_goes_to_python(deno: DenoProcess, entries: list[forms.Entry]) -> None:
    content_type, data = deno.run(THERE, entries=as_json(entries))
    boundary = content_type.partition("boundary=")[2]
    expected = forms.encode_multipart(entries, boundary)
    assert bytes(data).removesuffix(b"\r\n") == expected.removesuffix(b"\r\n")


@settings(deadline=None)
@given(entries=FORMS)
def test_a_form_comes_from_python(deno: DenoProcess, entries: list[forms.Entry]) -> None:
    data = forms.encode_multipart(entries, "b0undary")
    content_type = "multipart/form-data; boundary=b0undary"
    expected = as_json(forms.parse_multipart(data, "b0undary"))
    assert deno.run(BACK, type=content_type, data=list(data)) == expected


PIECES = st.sampled_from(
    [
        *(
            b"--b\r\n",
            b"--b--",
            b"--b--\r\n",
            b"--b",
            b"\r\n",
            b"\r",
            b"\n",
            b" ",
            b"\t",
            b":",
            b'"',
            b"x",
            b"\xc3",
        ),
        *(
            b'Content-Disposition: form-data; name="a"',
            b'; filename="f%22"',
            b"Content-Type: A/B",
            b"X: y",
            b"\r\n\r\n",
        ),
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n',
    ]
)


@settings(deadline=None)
@given(data=st.lists(PIECES, max_size=8).map(b"".join))
def test_any_form_is_read_as_python_reads_it(deno: DenoProcess, data: bytes) -> None:
    found = deno.run(BACK, type="multipart/form-data; boundary=b", data=list(data))
    try:
        expected = as_json(forms.parse_multipart(data, "b"))
    except ValueError:
        assert found == TYPE_ERROR
    else:
        for _, value in expected:
            if isinstance(value, dict):
                value["type"] = value["type"].lower()  # a Blob's type is
        assert found == expected


@settings(deadline=None)
@given(
    data=st.text(st.sampled_from("?&=+%2aF\u00e9\ufeff"), max_size=12).map(str.encode)
    | st.binary(max_size=12)
)
def test_fields_are_read_as_python_reads_them(deno: DenoProcess, data: bytes) -> None:
    found = deno.run(BACK, type="application/x-www-form-urlencoded", data=list(data))
    assert found == [list(pair) for pair in forms.parse_urlencoded(data)]
