"""JavaScript's Request, row by row and against Python's."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings, strategies as st

from swruntime.algorithms.requests import RequestInit, build_request
from swruntime.concepts import http
from swruntime.concepts.enums import (
    ReferrerPolicy,
    RequestCache,
    RequestCredentials,
    RequestMode,
    RequestRedirect,
)
from swruntime.concepts.environment import Environment
from tests.realms.javascript.deno_process import DenoProcess, Raised

TYPE_ERROR = Raised("TypeError")
SITE = "https://site.example"
FACE = "const face = makeRequest(requestStruct, makeRemote(['ab'], log)); "

ROWS: dict[str, tuple[str, Any]] = {
    # URLs
    "relative": ("return new Request('ep.mp3?a#b').url", f"{SITE}/app/ep.mp3?a#b"),
    "absolute": ("return new Request('http://other.example').url", "http://other.example/"),
    "a URL object": ("return new Request(new URL('http://other.example/x')).url", "http://other.example/x"),
    "empty": ("return new Request('').url", f"{SITE}/app/sw.js"),
    "no URL": ("new Request('http://')", Raised("TypeError", "does not parse")),
    "a symbol": ("new Request(Symbol())", TYPE_ERROR),
    "nothing": ("new Request()", Raised("TypeError", "1 argument required, but only 0 present")),
    "undefined": ("return new Request(undefined).url", f"{SITE}/app/undefined"),
    "credentials": ("new Request('https://user:secret@site.example')", Raised("TypeError", "credentials")),
    "a user": ("new Request('https://user@site.example')", TYPE_ERROR),
    "a lone surrogate": ("return new Request('\\ud800').url", f"{SITE}/app/%EF%BF%BD"),
    # what is there where nothing is said
    "defaults": (
        "const q = new Request('/'); return [q.method, q.mode, q.credentials, q.cache, q.redirect, q.referrer,"
        "q.referrerPolicy, q.integrity, q.keepalive, q.destination, q.duplex, q.body, q.bodyUsed,"
        "q.isReloadNavigation, q.isHistoryNavigation, q.signal.aborted, [...q.headers]]",
        [
            *("GET", "cors", "same-origin", "default", "follow", "about:client", "", "", False, "", "half"),
            *(None, False, False, False, False, []),
        ],
    ),
    # methods
    "a method in lower case": ("return new Request('/', { method: 'post' }).method", "POST"),
    "patch is not one of them": ("return new Request('/', { method: 'patch' }).method", "patch"),
    "no method": ("new Request('/', { method: 'a b' })", TYPE_ERROR),
    "an empty method": ("new Request('/', { method: '' })", TYPE_ERROR),
    **{
        f"forbidden: {method}": (f"new Request('/', {{ method: '{method}' }})", Raised("TypeError", "no script may use"))
        for method in ("connect", "TRACE", "Track")
    },
    # modes and the like
    "navigate": ("new Request('/', { mode: 'navigate' })", Raised("TypeError", "navigate")),
    "no mode": ("new Request('/', { mode: 'x' })", Raised("TypeError", "RequestMode")),
    "no credentials mode": ("new Request('/', { credentials: 'x' })", TYPE_ERROR),
    "no cache mode": ("new Request('/', { cache: 'x' })", TYPE_ERROR),
    "no redirect mode": ("new Request('/', { redirect: 'x' })", TYPE_ERROR),
    "no referrer policy": ("new Request('/', { referrerPolicy: 'x' })", TYPE_ERROR),
    "no duplex": ("new Request('/', { duplex: 'full' })", TYPE_ERROR),
    "no priority": ("new Request('/', { priority: 'x' })", TYPE_ERROR),
    "a priority": ("return new Request('/', { priority: 'high' }).url", f"{SITE}/"),
    "a window": ("new Request('/', { window: {} })", TYPE_ERROR),
    "no window": ("return new Request('/', { window: null }).url", f"{SITE}/"),
    "only-if-cached elsewhere": ("new Request('/', { cache: 'only-if-cached' })", Raised("TypeError", "same-origin")),
    "only-if-cached": ("return new Request('/', { cache: 'only-if-cached', mode: 'same-origin' }).cache", "only-if-cached"),
    "an init that is none": ("new Request('/', 5)", TYPE_ERROR),
    "null as init": ("return new Request('/', null).method", "GET"),
    # referrers
    "one's own referrer": ("return new Request('/', { referrer: 'page' }).referrer", f"{SITE}/app/page"),
    "another's referrer": ("return new Request('/', { referrer: 'http://other.example' }).referrer", "about:client"),
    "no referrer": ("return new Request('/', { referrer: '' }).referrer", ""),
    "a referrer that is none": ("new Request('/', { referrer: 'http://' })", TYPE_ERROR),
    "about:client": ("return new Request('/', { referrer: 'about:client' }).referrer", "about:client"),
    # headers
    "forbidden headers": (
        "return [...new Request('/', { headers: { Cookie: 'a', 'Sec-X': 'b', X: 'c', Range: 'bytes=0-' } }).headers]",
        [["range", "bytes=0-"], ["x", "c"]],
    ),
    "set later": ("const q = new Request('/'); q.headers.set('Host', 'x'); q.headers.set('X', 'y'); return [...q.headers]", [["x", "y"]]),
    "no-cors": (
        "const q = new Request('/', { mode: 'no-cors', headers: { X: 'c', Accept: 'a', Range: 'bytes=0-' } });"
        "q.headers.append('X', 'y'); return [...q.headers]",
        [["accept", "a"]],
    ),
    "no-cors and a method": ("new Request('/', { mode: 'no-cors', method: 'PUT' })", TYPE_ERROR),
    "the headers object is one": ("const q = new Request('/'); return q.headers === q.headers", True),
    "null as headers": ("new Request('/', { headers: null })", TYPE_ERROR),
    # bodies
    "GET with a body": ("new Request('/', { body: 'a' })", Raised("TypeError", "GET")),
    "HEAD with a body": ("new Request('/', { method: 'head', body: '' })", TYPE_ERROR),
    "null as body": ("return new Request('/', { body: null }).body", None),
    "a type of one's own": (
        "return [...new Request('/', { method: 'POST', body: 'a', headers: { 'Content-Type': 'a/b' } }).headers]",
        [["content-type", "a/b"]],
    ),
    "keepalive and a stream": (
        "new Request('/', { method: 'POST', body: streamOf([]), duplex: 'half', keepalive: true })",
        Raised("TypeError", "keepalive"),
    ),
    "keepalive and a Blob": (
        "return new Request('/', { method: 'POST', body: new Blob(['a']), keepalive: true }).keepalive",
        True,
    ),
    "a stream without duplex": ("new Request('/', { method: 'POST', body: streamOf([]) })", Raised("TypeError", "duplex")),
    "no-cors and a stream": (
        "new Request('/', { method: 'POST', mode: 'no-cors', body: streamOf([]), duplex: 'half' })",
        TYPE_ERROR,
    ),
    # copies
    "a copy": (
        "const q = new Request('/x', { method: 'PUT', headers: { X: '1' }, cache: 'reload' }); const c = new Request(q);"
        "return [c.url, c.method, c.cache, [...c.headers], c.headers === q.headers]",
        [f"{SITE}/x", "PUT", "reload", [["x", "1"]], False],
    ),
    "a copy takes the body": (
        "const q = new Request('/', { method: 'PUT', body: 'a' }); const c = new Request(q);"
        "return [q.bodyUsed, c.bodyUsed, await c.text(), await thrown(() => q.text())]",
        [True, False, "a", "TypeError"],
    ),
    "a copy of a stream": (
        "const q = new Request('/', { method: 'PUT', body: streamOf(['a']), duplex: 'half' }); const c = new Request(q);"
        "return [q.bodyUsed, await c.text()]",
        [True, "a"],
    ),
    "a copy of what is used": (
        "const q = new Request('/', { method: 'PUT', body: 'a' }); await q.text(); new Request(q)",
        Raised("TypeError", "used already"),
    ),
    "a copy of what is used, with another body": (
        "const q = new Request('/', { method: 'PUT', body: 'a' }); await q.text();"
        "return await new Request(q, { body: 'b' }).text()",
        "b",
    ),
    "a copy that fails leaves the body": (
        "const q = new Request('/', { method: 'PUT', body: 'a' });"
        "return [await thrown(() => new Request(q, { method: 'GET' })), await thrown(() => new Request(q, { cache: 'x' })),"
        "q.bodyUsed]",
        ["TypeError", "TypeError", False],
    ),
    "a copy with other headers": (
        "const q = new Request('/', { headers: { X: '1' } }); return [...new Request(q, { headers: { Y: '2' } }).headers]",
        [["y", "2"]],
    ),
    "a clone": (
        "const q = new Request('/x', { method: 'PUT', body: 'a', headers: { X: '1' }, mode: 'no-cors' && 'cors' });"
        "const c = q.clone(); c.headers.set('X', '2'); c.headers.set('Cookie', '3');"
        "return [c.url, c.method, q.headers.get('X'), c.headers.get('X'), c.headers.get('Cookie'), await q.text(), await c.text()]",
        [f"{SITE}/x", "PUT", "1", "2", None, "a", "a"],
    ),
    # signals
    "no signal": ("const q = new Request('/'); return [q.signal.aborted, q.signal === q.signal]", [False, True]),
    "a signal": (
        "const c = new AbortController(); const q = new Request('/', { signal: c.signal }); c.abort('why');"
        "return [q.signal === c.signal, q.signal.aborted, q.signal.reason, isAbortable(q)]",
        [False, True, "why", True],
    ),
    "a signal that was aborted": (
        "return new Request('/', { signal: AbortSignal.abort('why') }).signal.reason",
        "why",
    ),
    "null as signal": ("return isAbortable(new Request('/', { signal: null }))", False),
    "no signal at all": ("new Request('/', { signal: {} })", Raised("TypeError", "AbortSignal")),
    "a copy follows the same": (
        "const c = new AbortController(); const q = new Request('/', { signal: c.signal });"
        "const all = [new Request(q), q.clone(), new Request(q, { signal: null })]; c.abort();"
        "return all.map((each) => each.signal.aborted)",
        [True, True, False],
    ),
    "its event": (
        "const c = new AbortController(); const q = new Request('/', { signal: c.signal }); const seen = [];"
        "q.signal.onabort = () => seen.push('q'); q.clone().signal.addEventListener('abort', () => seen.push('c'));"
        "c.abort(); return seen.sort()",
        ["c", "q"],
    ),
    # Web IDL
    "shape": (
        "return [Request.name, Request.length, String(new Request('/')), Object.keys(Request.prototype).sort(),"
        "Object.getOwnPropertyDescriptor(Request.prototype, 'url').get.name, Object.keys(Request)]",
        [
            *("Request", 1, "[object Request]"),
            [
                *("arrayBuffer", "blob", "body", "bodyUsed", "bytes", "cache", "clone", "credentials", "destination"),
                *("duplex", "formData", "headers", "integrity", "isHistoryNavigation", "isReloadNavigation", "json"),
                *("keepalive", "method", "mode", "redirect", "referrer", "referrerPolicy", "signal", "text", "url"),
            ],
            *("get url", []),
        ],
    ),
    "brand": ("Request.prototype.url", Raised("TypeError", "Illegal invocation")),
    "attributes cannot be set": ("const q = new Request('/'); q.url = 'x'; return q.url", f"{SITE}/"),
    "a subclass": ("class Mine extends Request {}; return [new Mine('/').url, new Mine('/') instanceof Request]", [f"{SITE}/", True]),
    # those of the runtime
    "a face": (
        FACE + "return [face.method, face.url, face.mode, face.destination, face.redirect, [...face.headers], face.bodyUsed, log]",
        ["POST", f"{SITE}/x", "navigate", "document", "manual", [["x", "1"]], False, []],
    ),
    "a face's headers": (FACE + "face.headers.set('X', '2')", Raised("TypeError", "immutable")),
    "a face's body": (FACE + "return [await face.text(), log]", ["ab", ["read 1", "read 1"]]),
    "a face is handed over whole": (
        FACE + "const t = takeRequest(face); return [t.handle, t.mode, t.body, face.bodyUsed, log]",
        [1, "navigate", {"remote": 1}, True, []],
    ),
    "a face that was read": (FACE + "await face.text(); return requestHandle(face)", None),
    "a copy of a face": (
        FACE + "const c = new Request(face); const t = takeRequest(c);"
        "return [t.handle, t.body, t.mode, t.destination, face.bodyUsed, log]",
        [None, {"remote": 1}, "navigate", "", True, []],
    ),
    "a copy of a face that is changed": (
        FACE + "const c = new Request(face, { headers: { Y: '2' } }); return [c.mode, [...c.headers], c.credentials]",
        ["same-origin", [["y", "2"]], "include"],
    ),
    "what a request is made of": (
        FACE + "const c = new Request(face.clone()); const d = new Request(c, { redirect: 'follow' });"
        "return [sourceOf(face), sourceOf(c), sourceOf(d), sourceOf(new Request(d)), sourceOf(new Request('/'))]",
        [
            {"handle": 1, "isModified": False},
            {"handle": 1, "isModified": False},
            {"handle": 1, "isModified": True},
            {"handle": 1, "isModified": True},
            None,
        ],
    ),
    "a clone of a face": (FACE + "const c = face.clone(); return [requestHandle(c), c.mode, await c.text()]", [101, "navigate", "ab"]),
    "a face without a body": (
        "const face = makeRequest({ ...requestStruct, method: 'GET', hasBody: false }, makeRemote([]));"
        "const t = takeRequest(face); return [face.body, t.body, t.handle, new Request(face).body]",
        [None, None, 1, None],
    ),
    "a face that is aborted": (
        "const c = new AbortController(); const face = makeRequest(requestStruct, makeRemote([]), { signal: c.signal });"
        "const copy = new Request(face); c.abort(); return [face.signal.aborted, copy.signal.aborted]",
        [True, True],
    ),
    "isRequest": (
        "return [new Request('/'), Object.create(Request.prototype), 5, null].map(isRequest)",
        [True, False, False, False],
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_requests(deno: DenoProcess, row: str) -> None:
    body, expected = ROWS[row]
    assert deno.run("const log = []; " + body) == expected


# Against Python

URLS = st.sampled_from(
    ["/", "x?y#z", "//other.example", "http://u@other.example", "data:,x", "http://", "\ud800"]
)


def a_few(values: Any, *more: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*get_args(values), *more])


INITS = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(["get", "HEAD", "post", "PUT", "patch", "TRACE", "a b"]),
        "headers": st.lists(
            st.tuples(
                st.sampled_from(["X", "Range", "Accept", "Cookie", "Content-Type", "a b"]),
                st.sampled_from(["1", "bytes=0-", "text/plain", "a:b"]),
            ),
            max_size=2,
        ),
        "body": st.sampled_from(["", "abc"]),
        "mode": a_few(RequestMode),
        "credentials": a_few(RequestCredentials, "x"),
        "cache": a_few(RequestCache),
        "redirect": a_few(RequestRedirect),
        "referrer": URLS | st.just(""),
        "referrerPolicy": a_few(ReferrerPolicy),
        "integrity": st.sampled_from(["", "sha256-x"]),
        "keepalive": st.booleans(),
    },
)

IN_JAVASCRIPT = """
const input = url ?? makeRequest(requestStruct, makeRemote(["ab"]));
try {
    const { body, handle, ...struct } = takeRequest(new Request(input, init));
    return { ...struct, body: body && (body.bytes ? array(body.bytes) : "inherited") };
} catch (error) {
    return error.name;
}
"""
INHERITED = http.Request(
    url=f"{SITE}/x",
    method="POST",
    headers=http.HeaderList.of([("X", "1")]),
    body=b"ab",
    mode="navigate",
    credentials="include",
    redirect="manual",
    destination="document",
)


@settings(deadline=None)
@given(url=URLS | st.none(), init=INITS)
def test_requests_are_as_pythons(deno: DenoProcess, url: str | None, init: dict[str, Any]) -> None:
    given_ = {"referrer_policy" if name == "referrerPolicy" else name: value for name, value in init.items()}
    if "body" in init:
        given_ |= {"body": init["body"].encode(), "body_type": "text/plain;charset=UTF-8"}
    environment = Environment(url=f"{SITE}/app/sw.js", origin=SITE)
    found = deno.run(IN_JAVASCRIPT, url=url, init=init)
    try:
        request = build_request(
            INHERITED if url is None else url, RequestInit(**given_), environment=environment
        )
    except TypeError:
        assert found == "TypeError"
        return
    body: Any = list(request.body) if isinstance(request.body, bytes) else None
    assert found == {
        "method": request.method,
        "url": request.url,
        "mode": request.mode,
        "credentials": request.credentials,
        "cache": request.cache,
        "redirect": request.redirect,
        "referrer": request.referrer,
        "referrerPolicy": request.referrer_policy,
        "integrity": request.integrity,
        "keepalive": request.keepalive,
        "destination": request.destination,
        "headers": [list(header) for header in request.headers],
        "body": "inherited" if url is None and "body" not in init else body,
    }
