"""JavaScript's Response, row by row; its bodies are in `test_javascript_bodies.py`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.realms.javascript.deno_process import DenoProcess, Raised

TYPE_ERROR = Raised("TypeError")
RANGE_ERROR = Raised("RangeError")
SITE = "https://site.example"

ROWS: dict[str, tuple[str, Any]] = {
    # construction
    "defaults": (
        "const r = new Response(); return [r.type, r.url, r.redirected, r.status, r.ok, r.statusText, [...r.headers], r.body]",
        ["default", "", False, 200, True, "", [], None],
    ),
    "an init": (
        "const r = new Response('a', { status: 404, statusText: 'No \u00e9', headers: { X: '1' } });"
        "return [r.status, r.ok, r.statusText, [...r.headers]]",
        [404, False, "No \u00e9", [["content-type", "text/plain;charset=UTF-8"], ["x", "1"]]],
    ),
    "ok at its end": ("return [200, 299, 300].map((status) => new Response(null, { status }).ok)", [True, True, False]),
    **{
        f"status {status}": (f"new Response(null, {{ status: {status} }})", RANGE_ERROR)
        for status in ("199", "600", "0", "101", "'x'", "-1")
    },
    "a status that wraps around": ("return new Response(null, { status: 65736.9 }).status", 200),
    "a status text with a line break": ("new Response(null, { statusText: 'a\\n' })", TYPE_ERROR),
    "a status text beyond U+00FF": ("new Response(null, { statusText: '\\u0100' })", TYPE_ERROR),
    "an init that is none": ("new Response(null, 'x')", TYPE_ERROR),
    **{
        f"a body with {status}": (f"new Response('', {{ status: {status} }})", Raised("TypeError", "has no body"))
        for status in (204, 205, 304)
    },
    "no body with 204": ("return new Response(null, { status: 204 }).status", 204),
    "undefined as body": ("return new Response(undefined).body", None),
    "a type of one's own": (
        "return [...new Response('a', { headers: { 'content-type': 'a/b' } }).headers]",
        [["content-type", "a/b"]],
    ),
    "forbidden headers": (
        "const r = new Response('', { headers: { 'Set-Cookie': 'a', Cookie: 'b' } }); r.headers.append('Set-Cookie2', 'c');"
        "return r.headers.has('set-cookie') || r.headers.has('set-cookie2') || r.headers.get('cookie')",
        "b",
    ),
    "headers that are none": ("new Response(null, { headers: [['a b', '']] })", TYPE_ERROR),
    "a symbol as body": ("new Response(Symbol())", TYPE_ERROR),
    # static methods
    "error": (
        "const r = Response.error(); return [r.type, r.status, r.ok, r.body, await thrown(() => r.headers.set('a', 'b'))]",
        ["error", 0, False, None, "TypeError"],
    ),
    "redirect": (
        "const r = Response.redirect('x?y'); return [r.status, r.headers.get('location'), r.type,"
        "await thrown(() => r.headers.set('a', 'b'))]",
        [302, f"{SITE}/app/x?y", "default", "TypeError"],
    ),
    "redirect with a status": ("return [301, 303, 307, 308].map((s) => Response.redirect('/', s).status)", [301, 303, 307, 308]),
    "redirect with another status": ("Response.redirect('/', 304)", RANGE_ERROR),
    "redirect to nowhere": ("Response.redirect('http://')", TYPE_ERROR),
    "redirect without a URL": ("Response.redirect()", Raised("TypeError", "1 argument required")),
    "json": (
        "const r = Response.json({ a: [1, '\u00e9'] }, { status: 201 });"
        "return [r.status, r.headers.get('content-type'), await r.text(), r.type]",
        [201, "application/json", '{"a":[1,"\u00e9"]}', "default"],
    ),
    "json with a type of one's own": (
        "return Response.json(1, { headers: { 'Content-Type': 'a/b' } }).headers.get('content-type')",
        "a/b",
    ),
    "json of null": ("return await Response.json(null).text()", "null"),
    "json of nothing": ("Response.json(undefined)", TYPE_ERROR),
    "json of a function": ("Response.json(() => 0)", TYPE_ERROR),
    "json of what contains itself": ("const a = []; a.push(a); Response.json(a)", TYPE_ERROR),
    "json of what throws": ("Response.json({ toJSON() { throw new RangeError('mine') } })", Raised("RangeError", "mine")),
    "json with 204": ("Response.json(1, { status: 204 })", TYPE_ERROR),
    "json without data": ("Response.json()", TYPE_ERROR),
    # clones
    "a clone": (
        "const r = new Response('a', { status: 201, statusText: 'x', headers: { X: '1' } }); const c = r.clone();"
        "c.headers.set('X', '2'); c.headers.set('Set-Cookie', '3');"
        "return [c.status, c.statusText, r.headers.get('X'), c.headers.get('X'), c.headers.has('set-cookie'),"
        "await c.text(), r.bodyUsed]",
        [201, "x", "1", "2", False, "a", False],
    ),
    "a clone of an error": ("return Response.error().clone().type", "error"),
    "a clone is as immutable": ("Response.error().clone().headers.set('a', 'b')", TYPE_ERROR),
    # Web IDL
    "shape": (
        "return [Response.name, Response.length, String(new Response()), Object.keys(Response.prototype).sort(),"
        "Object.keys(Response).sort(), Response.json.length, Response.redirect.length]",
        [
            *("Response", 0, "[object Response]"),
            [
                *("arrayBuffer", "blob", "body", "bodyUsed", "bytes", "clone", "formData", "headers", "json", "ok"),
                *("redirected", "status", "statusText", "text", "type", "url"),
            ],
            *(["error", "json", "redirect"], 1, 1),
        ],
    ),
    "brand": ("Response.prototype.status", Raised("TypeError", "Illegal invocation")),
    "without new": ("Response()", TYPE_ERROR),
    "a subclass": ("class Mine extends Response {}; return await new Mine('a').text()", "a"),
    # those of the runtime
    "a face": (
        "const r = makeResponse({ ...struct, url: 'https://site.example/x?y#z', redirected: true }, makeRemote([]));"
        "return [r.type, r.url, r.redirected, r.status, r.statusText, r.ok, [...r.headers],"
        "await thrown(() => r.headers.delete('a'))]",
        ["basic", f"{SITE}/x?y", True, 200, "OK", True, [["content-type", "text/plain"]], "TypeError"],
    ),
    "a face keeps what it was made of": (
        "const headers = [['A', '1']]; const r = makeResponse({ ...struct, headers }, makeRemote([])); headers[0][1] = '2';"
        "takeResponse(r).headers[0][1] = '3'; return r.headers.get('A')",
        "1",
    ),
    "what is handed over": (
        "const { body, ...rest } = takeResponse(new Response('a', { status: 201 })); return rest",
        {
            "type": "default",
            "url": "",
            "redirected": False,
            "status": 201,
            "statusText": "",
            "headers": [["Content-Type", "text/plain;charset=UTF-8"]],
            "handle": None,
        },
    ),
    "isResponse": (
        "return [new Response(), Object.create(Response.prototype), 5, undefined].map(isResponse)",
        [True, False, False, False],
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_responses(deno: DenoProcess, row: str) -> None:
    body, expected = ROWS[row]
    assert deno.run(body) == expected
