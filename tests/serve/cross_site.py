"""A browser's page of another site asks an origin behind a worker: what the server behind the worker saw.

The same rows run against a worker that Chromium itself has registered, and against `serve` with that worker. Each row is
a page (`/step/N`) that makes one request and then goes on to the next one.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

WORKER = """
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
    const request = event.request;
    const asked = new URL(request.url).searchParams;
    const how = asked.get("w");
    if (how === null) return;
    const { method, mode, destination, referrer, credentials, redirect } = request;
    const saw = JSON.stringify({ method, mode, destination, referrer, credentials, redirect });
    event.waitUntil(fetch("/saw?row=" + asked.get("row"), { method: "POST", body: saw }));
    if (how === "fetch(event.request)") event.respondWith(fetch(request));
    if (how === "fetch(new Request(event.request))") event.respondWith(fetch(new Request(request)));
    if (how === "fetch(event.request.clone())") event.respondWith(fetch(request.clone()));
    if (how === "fetch(event.request, {redirect})") event.respondWith(fetch(request, { redirect: "manual" }));
    if (how === "fetch(event.request.url)") event.respondWith(fetch(request.url));
});
"""

WAYS = (
    "fetch(event.request)",
    "fetch(new Request(event.request))",
    "fetch(event.request.clone())",
    "fetch(event.request, {redirect})",
    "fetch(event.request.url)",
    "left to the network",
)
"""What the worker does with a request."""

# What a page does, in JavaScript: `target` is the URL, `next` goes on to the next row.
_FORM = (
    "const form = document.createElement('form'); form.method = '{method}'; form.action = target;"
    "for (const [name, value] of new URL(target).searchParams) {{"
    " const field = document.createElement('input'); field.type = 'hidden'; field.name = name; field.value = value;"
    " form.append(field); }}"
    "document.body.append(form); {more} form.submit();"
)
_NO_REFERRER = "document.head.innerHTML += '<meta name=referrer content=no-referrer>';"
_FETCH = "fetch(target, {init}).then(next, next);"
ACTIONS = {
    "navigation": "location = target;",
    "navigation without a referrer": _NO_REFERRER + "location = target;",
    "form GET": _FORM.format(method="get", more=""),
    "form POST": _FORM.format(method="post", more=""),
    "form POST without a referrer": _NO_REFERRER + _FORM.format(method="post", more=""),
    "iframe": "const frame = document.createElement('iframe'); frame.onload = next; frame.src = target + '&still';"
    "document.body.append(frame);",
    "form POST into an iframe": "const frame = document.createElement('iframe'); frame.name = 'f';"
    "document.body.append(frame); target += '&still'; frame.onload = next;"
    + _FORM.format(method="post", more="form.target = 'f';"),
    "fetch": _FETCH.format(init="{credentials: 'include'}"),
    "fetch without credentials": _FETCH.format(init="{credentials: 'omit'}"),
    "fetch POST": _FETCH.format(init="{credentials: 'include', method: 'POST', body: 'x'}"),
    "fetch PUT": _FETCH.format(init="{credentials: 'include', method: 'PUT', body: 'x'}"),
    "fetch no-cors": _FETCH.format(init="{mode: 'no-cors', credentials: 'include'}"),
    "fetch no-cors POST": _FETCH.format(init="{mode: 'no-cors', credentials: 'include', method: 'POST'}"),
    "image": "const image = new Image(); image.onload = image.onerror = next; image.src = target;",
    "script": "const script = document.createElement('script'); script.onload = script.onerror = next;"
    "script.src = target; document.body.append(script);",
    "style sheet": "const link = document.createElement('link'); link.rel = 'stylesheet';"
    "link.onload = link.onerror = next; link.href = target; document.head.append(link);",
}
FETCHES = [action for action in ACTIONS if action.startswith("fetch") and "no-cors" not in action]
SHOWN = ("method", "mode", "destination", "referrer", "credentials", "redirect")
"""Of a request, what the worker tells of it."""
FROM = ("cross-site", "same-site", "same-origin")
COOKIES = (
    "strict=1; SameSite=Strict; Path=/",
    "lax=1; SameSite=Lax; Path=/",
    "none=1; SameSite=None; Secure; Path=/",
)
HEADERS = ("origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")


@attrs.frozen
class Row:
    """Whose page does what, and what the worker does with the request."""

    by: str
    action: str
    way: str

    def __str__(self) -> str:
        return f"{self.by} {self.action} | {self.way}"


def rows() -> list[Row]:
    return [Row(by, action, way) for by in FROM for action in ACTIONS for way in WAYS]


@attrs.define
class Recorder:
    """The server behind the worker, and the pages of all three origins. `seen` and `saw` are by the row's number."""

    victim: str = ""
    """The origin that is asked, as the browser has it."""
    port: int = 0
    elsewhere: int = 0
    """The port at which the other origins' pages are."""
    plan: list[Row] = attrs.field(factory=rows)
    seen: dict[int, list[dict[str, str | None]]] = attrs.field(factory=dict)
    saw: dict[int, dict[str, str]] = attrs.field(factory=dict)
    done: threading.Event = attrs.field(factory=threading.Event)
    last: str = ""

    def page_of(self, index: int) -> str:
        """The URL of the page that makes the request of row `index`."""
        if index >= len(self.plan):
            return f"http://evil.test:{self.elsewhere}/done"
        hosts = {
            "cross-site": f"http://evil.test:{self.elsewhere}",
            "same-site": f"http://localhost:{self.elsewhere}",
            "same-origin": self.victim,
        }
        return f"{hosts[self.plan[index].by]}/step/{index}"

    def step(self, index: int) -> str:
        row = self.plan[index]
        way = (
            ""
            if row.way == "left to the network"
            else f"&w=' + encodeURIComponent({json.dumps(row.way)}) + '"
        )
        target = f"'{self.victim}/asked?row={index}{way}'"
        return (
            f"<!doctype html><meta charset=utf-8><body><script>let target = {target};"
            f"const next = () => {{ location = {json.dumps(self.page_of(index + 1))}; }};"
            f"{ACTIONS[row.action]}</script>"
        )

    def record(self, index: int, method: str, headers: Any) -> None:
        cookies = sorted((headers.get("Cookie") or "").split("; "))
        found: dict[str, str | None] = {
            "method": method,
            "cookies": " ".join(c.split("=")[0] for c in cookies),
        }
        for name in HEADERS:
            value = headers.get(name)
            found[name] = None if value is None else self.named(value)
        self.seen.setdefault(index, []).append(found)

    def named(self, text: str) -> str:
        """`text` with the origins' names in place of their ports, which differ."""
        text = text.replace(self.victim, "VICTIM").replace(f"evil.test:{self.elsewhere}", "evil.test")
        text = text.replace(f"localhost:{self.elsewhere}", "localhost:OTHER")
        return text.replace(f"http://localhost:{self.port}", "VICTIM")


class _Handler(BaseHTTPRequestHandler):
    recorder: Recorder
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        recorder, asked = self.recorder, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = parse_qs(asked.query, keep_blank_values=True)
        if not query and body.startswith(b"row="):
            query = parse_qs(body.decode(), keep_blank_values=True)
        recorder.last = self.path
        kind, text, more = "text/html", "<!doctype html>", []
        if asked.path == "/asked":
            index = int(query["row"][0])
            if self.command != "OPTIONS":
                recorder.record(index, self.command, self.headers)
            if "still" not in query:
                text = f"<!doctype html><script>location = {json.dumps(recorder.page_of(index + 1))}</script>"
            if (
                recorder.plan[index].action in ("image", "script", "style sheet")
                or "fetch" in recorder.plan[index].action
            ):
                kind, text = "text/plain", ""
            more = [
                ("Access-Control-Allow-Origin", self.headers.get("Origin") or "*"),
                ("Access-Control-Allow-Credentials", "true"),
                ("Access-Control-Allow-Methods", "PUT"),
            ]
        elif asked.path == "/saw":
            recorder.saw[int(query["row"][0])] = json.loads(recorder.named(body.decode()))
        elif asked.path.startswith("/step/"):
            text = recorder.step(int(asked.path.rpartition("/")[2]))
        elif asked.path == "/sw.js":
            kind, text = "text/javascript", WORKER
        elif asked.path == "/login":
            more = [("Set-Cookie", cookie) for cookie in COOKIES]
            text = f"<!doctype html><script>location = '{recorder.victim}/begin'</script>"
        elif asked.path == "/register":
            text = (
                "<!doctype html><script>navigator.serviceWorker.oncontrollerchange = () => {"
                "location = new URLSearchParams(location.search).get('to'); };"
                "navigator.serviceWorker.register('/sw.js');</script>"
            )
        elif asked.path == "/begin":
            text = f"<!doctype html><script>location = {json.dumps(recorder.page_of(0))}</script>"
        elif asked.path == "/done":
            recorder.done.set()
        data = text.encode()
        self.send_response(200)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(data))),
            ("Cache-Control", "no-store"),
            *more,
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_OPTIONS = do_HEAD = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that is left breaks its connections off."""


@contextmanager
def recorder() -> Iterator[Recorder]:
    """Two servers: one behind the worker, and one for the pages of others."""
    found = Recorder()
    handler = type("Handler", (_Handler,), {"recorder": found})
    servers = [_Server(("127.0.0.1", 0), handler) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    found.port, found.elsewhere = (server.server_port for server in servers)
    try:
        yield found
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def browse(url: str, until: threading.Event, seconds: float = 600) -> bool:
    """Have Chromium, which remembers nothing, open `url` until `until` is set. Whether it was."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                "chromium",
                *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                *("--disable-dev-shm-usage", "--remote-debugging-port=0"),
                "--host-resolver-rules=MAP *.test 127.0.0.1",
                f"--user-data-dir={profile}",
                url,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return until.wait(seconds)
        finally:
            process.terminate()
            process.wait()
