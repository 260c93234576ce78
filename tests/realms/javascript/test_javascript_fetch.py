"""`fetch` of a JavaScript realm, what it sends, and streams that are pulled from outside."""

from __future__ import annotations

from typing import Any

import pytest

from tests.realms.javascript.deno_process import DenoProcess, Raised

MAKE = """
const log = [];
const remotes = [];
let answer = async () => ({ ...struct, handle: 7 });
const sent = [];
const fetch = makeFetch({
    call(operation, args) {
        sent.push(args);
        log.push(`call ${operation} ${args.id}`);
        return answer(args);
    },
    post: (operation, args) => log.push(`post ${operation} ${args.id}`),
    remote: (handle) => makeRemote(["ab", "cd"], log, handle),
});
const aborted = new AbortController();
aborted.abort("why");
"""
SITE = "https://site.example"

ROWS: dict[str, tuple[str, Any]] = {
    "a response": (
        "const r = await fetch('/x'); return [r.url, r.type, r instanceof Response, responseHandle(r), await r.text()]",
        [f"{SITE}/x", "basic", True, 7, "abcd"],
    ),
    "what is sent": (
        "await fetch('y', { method: 'PUT', body: 'a', headers: { X: '1' } }); const { body, ...rest } = sent[0].request;"
        "return [rest.url, rest.method, rest.headers, rest.handle, array(body.bytes)]",
        [f"{SITE}/app/y", "PUT", [["X", "1"], ["Content-Type", "text/plain;charset=UTF-8"]], None, [97]],
    ),
    "a request": (
        "const q = new Request('/', { method: 'PUT', body: 'a' }); await fetch(q); return [q.bodyUsed, sent[0].request.method]",
        [True, "PUT"],
    ),
    "a body of the runtime's goes back as its handle": (
        "const face = makeRequest(requestStruct, makeRemote(['z'], log, 3)); await fetch(face);"
        "return [sent[0].request.body, sent[0].request.mode, log]",
        [{"remote": 3}, "navigate", ["call fetch 1"]],
    ),
    "each has its number": ("await fetch('/'); await fetch('/'); return log", ["call fetch 1", "call fetch 2"]),
    "a failure": (
        "answer = async () => { throw new TypeError('no network') }; await fetch('/')",
        Raised("TypeError", "no network"),
    ),
    "arguments that are wrong reject": (
        "return [fetch().catch(() => 0) instanceof Promise, await thrown(() => fetch('http://')), log]",
        [True, "TypeError", []],
    ),
    "shape": ("return [fetch.name, fetch.length, await thrown(() => new fetch('/'))]", ["fetch", 1, "TypeError"]),
    # aborting
    "aborted before": (
        "return [await thrown(() => fetch('/', { signal: aborted.signal })), log]",
        ["why", []],
    ),
    "aborted before, with a stream": (
        "const body = streamOf(['a'], log);"
        "await thrown(() => fetch('/', { signal: aborted.signal, method: 'PUT', body, duplex: 'half' })); return log",
        ["cancelled why"],
    ),
    "aborted while it waits": (
        "answer = () => new Promise(() => {}); const c = new AbortController();"
        "const reason = thrown(() => fetch('/', { signal: c.signal })); c.abort(); return [await reason, log]",
        ["AbortError", ["call fetch 1", "post abort 1"]],
    ),
    "aborted while it waits, with a reason": (
        "answer = () => new Promise(() => {}); const c = new AbortController();"
        "const reason = thrown(() => fetch('/', { signal: c.signal })); c.abort(5); return await reason",
        5,
    ),
    "answered after it was aborted": (
        "let settle; answer = () => new Promise((resolve) => settle = resolve); const c = new AbortController();"
        "const reason = thrown(() => fetch('/', { signal: c.signal })); c.abort(); settle({ ...struct, handle: 7 });"
        "await reason; await new Promise((r) => setTimeout(r)); return log",
        ["call fetch 1", "post abort 1", "cancel 7"],
    ),
    "aborted while its body is read": (
        "const c = new AbortController(); const r = await fetch('/', { signal: c.signal });"
        "const reader = r.body.getReader(); await reader.read(); c.abort('late');"
        "return [await thrown(() => reader.read()), await thrown(() => reader.closed), log]",
        ["late", "late", ["call fetch 1", "read 7", "post abort 1"]],
    ),
    "aborted before its body and its clone are read": (
        "const c = new AbortController(); const r = await fetch('/', { signal: c.signal }); const d = r.clone(); c.abort();"
        "return [await thrown(() => r.text()), await thrown(() => d.text())]",
        ["AbortError", "AbortError"],
    ),
    "another is not aborted with it": (
        "const c = new AbortController(); const r = await fetch('/'); const s = await fetch('/', { signal: c.signal });"
        "c.abort(); return [await r.text(), await thrown(() => s.text())]",
        ["abcd", "AbortError"],
    ),
    "aborted when it is over": (
        "const c = new AbortController(); const r = await fetch('/', { signal: c.signal }); const text = await r.text();"
        "c.abort(); return text",
        "abcd",
    ),
    # streams
    "a stream has a number": (
        "const body = streamOf(['a', 'b'], log); await fetch('/', { method: 'PUT', body, duplex: 'half' });"
        "const { stream } = sent[0].request.body; const before = log.length;"
        "const pieces = [await outgoing.pull(stream), await outgoing.pull(stream), await outgoing.pull(stream)];"
        "return [before, pieces.map((piece) => piece && array(piece)), body.locked, log]",
        [1, [[97], [98], None], True, ["call fetch 1", "pull", "pull", "pull"]],
    ),
    "a Blob is pulled": (
        "await fetch('/', { method: 'PUT', body: new Blob(['ab']) });"
        "return array(await outgoing.pull(sent[0].request.body.stream))",
        [97, 98],
    ),
    "a stream is given up when its fetch is aborted": (
        "answer = () => new Promise(() => {}); const c = new AbortController(); const body = streamOf(['a', 'b'], log);"
        "const reason = thrown(() => fetch('/', { signal: c.signal, method: 'PUT', body, duplex: 'half' }));"
        "const { stream } = sent[0].request.body; await outgoing.pull(stream); c.abort('x'); await reason;"
        "return [await outgoing.pull(stream), log]",
        [None, ["call fetch 1", "pull", "post abort 1", "cancelled x"]],
    ),
    "a stream that fails": (
        "const number = outgoing.register(streamOf([new RangeError('mine')]));"
        "return [await thrown(() => outgoing.pull(number)), await outgoing.pull(number)]",
        ["RangeError", None],
    ),
    "pieces that are no bytes": (
        "const number = outgoing.register(streamOf([5, 'a'], log));"
        "return [await thrown(() => outgoing.pull(number)), await outgoing.pull(number), log.length]",
        ["TypeError", None, 2],
    ),
    "a stream that is cancelled": (
        "const number = outgoing.register(streamOf(['a'], log)); await outgoing.cancel(number, 'r');"
        "await outgoing.cancel(number); return [log, await outgoing.pull(number)]",
        [["cancelled r"], None],
    ),
    "a stream whose cancelling throws": (
        "const s = new ReadableStream({ cancel() { throw new RangeError('mine') } });"
        "await outgoing.cancel(outgoing.register(s))",
        None,
    ),
    "a stream that is locked": ("const s = streamOf([]); s.getReader(); outgoing.register(s)", Raised("TypeError")),
    "what there is not": ("return await outgoing.pull(-1)", None),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_fetch(deno: DenoProcess, row: str) -> None:
    body, expected = ROWS[row]
    assert deno.run(MAKE + body) == expected
