"""`serve` as a process: what comes over a connection that is not one plain request of HTTP/1.1, and whom it answers."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.serve.conftest import Server, Serving

WORKER = """
def onfetch(event):
    print("worker:", event.request.method, event.request.url)
    if "/mine" in event.request.url:
        event.respond_with(fetch(event.request))
"""
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def answers(server: Server, sent: str | bytes, host: str = "127.0.0.1") -> list[int]:
    """The statuses that come back until the server closes the connection: for what it refuses, or as it was asked."""
    port = server.url.rpartition(":")[2]
    data = sent.encode() if isinstance(sent, str) else sent
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(data.replace(b"PORT", port.encode()))
        came = b""
        with contextlib.suppress(ConnectionResetError):  # what it has not read of what was sent
            while part := connection.recv(65536):
                came += part
    return [int(line.split(b" ")[1]) for line in came.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


@contextmanager
def upstream() -> Iterator[tuple[str, list[tuple[str, str, dict[str, str]]]]]:
    """A server, and what it was asked: method, path and headers. It answers with the number in the path, or 200."""
    asked: list[tuple[str, str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            status = int("".join(filter(str.isdigit, self.path)) or 200)
            self.wfile.write(b"HTTP/1.1 %d Whatever\r\nUpgrade: x\r\nConnection: upgrade\r\n" % status)
            self.wfile.write(b"Content-Length: 0\r\n\r\n")

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "worker.py").write_text(WORKER)
    return folder


HOST = b"Host: localhost:PORT\r\n"
CLOSE = HOST + b"Connection: close\r\n"

REFUSED = {
    # Two servers could take each of these for other requests (request smuggling).
    "two lengths": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        400,
    ),
    "a length and chunks": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n",
        400,
    ),
    "chunks and a length": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 40\r\n\r\n0\r\n\r\n"
        b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n",
        400,
    ),
    "a length with a sign": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +4\r\n\r\nabcd", 400),
    "a negative length": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
    "another coding": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    "two codings": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    "a coding twice": (
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        501,
    ),
    "a coding with a space": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a size in C": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
        400,
    ),
    "a bare CR": (b"GET / HTTP/1.1\r\nX: a\rHost: evil.test\r\n" + HOST + b"\r\n", 400),
    "a NUL": (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
    "a name with a space": (b"GET / HTTP/1.1\r\nHost : evil.test\r\n" + HOST + b"\r\n", 400),
    "a folded host": (b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\n .evil.test\r\n\r\n", 400),
    "a folded first line": (b"GET / HTTP/1.1\r\n Host: evil.test\r\n" + HOST + b"\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.test\r\n\r\n", 400),
    "the host twice": (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "no host in HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", 421),
    "no version": (b"GET /\r\n\r\n", 400),
    "a version that there is not": (b"GET / HTTP/3.0\r\n" + HOST + b"\r\n", 505),
    # Other hosts, and targets of others.
    "another host": (b"GET / HTTP/1.1\r\nHost: evil.test:PORT\r\n\r\n", 421),
    "another port": (b"GET / HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 421),
    "another host in the target": (b"GET http://evil.test/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "another host in both": (b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421),
    "another scheme": (b"GET https://localhost:PORT/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a user in the target": (b"GET http://a@localhost:PORT/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a target of no form": (b"GET foo:@127.0.0.1:1/x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a user alone": (b"GET @127.0.0.1:1/x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a fragment": (b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a backslash": (b"GET /\\evil.test/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a tunnel": (b"CONNECT evil.test:80 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "a trace": (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    # No WebSocket, for whoever asks.
    "a WebSocket": (b"GET / HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n", 403),
    "a WebSocket of another host": (b"GET / HTTP/1.1\r\nHost: evil.test:PORT\r\n" + UPGRADE + b"\r\n", 421),
    "a WebSocket of another origin": (
        b"GET / HTTP/1.1\r\n" + HOST + b"Origin: http://evil.test\r\n" + UPGRADE + b"\r\n",
        403,
    ),
}


def test_what_is_refused(site: Path, serving: Serving) -> None:
    with upstream() as (url, asked):
        server = serving.serve(site, "--upstream", url, "--json")
        for name, (sent, status) in REFUSED.items():
            # One answer, and then the end: what follows is not taken for another request. Where it has come already,
            # hypercorn may close before the answer is out.
            assert answers(server, sent) in ([status], [] if b"smuggled" in sent else [status]), name
        assert asked == []
        # Nor has the worker seen one, but for the beginning of what breaks off; this one it sees.
        assert answers(server, b"GET /mine HTTP/1.1\r\n" + CLOSE + b"\r\n") == [200]
    server.process.terminate()
    out, _ = server.process.communicate(timeout=60)
    console = [line["text"] for line in map(json.loads, out.splitlines()) if line["kind"] == "console"]
    assert console == [f"worker: POST {server.url}/", f"worker: GET {server.url}/mine"]


ANSWERED = {
    "HTTP/1.0": b"GET /x HTTP/1.0\r\n" + HOST + b"\r\n",
    "a later HTTP/1": b"GET /x HTTP/1.2\r\n" + CLOSE + b"\r\n",
    "bare line feeds": b"GET /x HTTP/1.1\nHost: localhost:PORT\nConnection: close\n\n",
    "a folded header": b"GET /x HTTP/1.1\r\n" + CLOSE + b"X: a\r\n Host: evil.test\r\n\r\n",
    "the same length twice": b"POST /x HTTP/1.1\r\n"
    + CLOSE
    + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "absolute": b"GET http://localhost:PORT/x HTTP/1.1\r\n" + CLOSE + b"\r\n",
    "upper case": b"GET /x HTTP/1.1\r\nHost: LOCALHOST:PORT\r\nConnection: close\r\n\r\n",
    "an address": b"GET /x HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n",
    "an address of IPv6": b"GET /x HTTP/1.1\r\nHost: [::1]:PORT\r\nConnection: close\r\n\r\n",
    "h2c": b"GET /x HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings, close\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
}


def test_what_is_answered_as_one_request(site: Path, serving: Serving) -> None:
    with upstream() as (url, asked):
        server = serving.serve(site, "--upstream", url)
        for number, (name, sent) in enumerate(ANSWERED.items(), 1):
            assert answers(server, sent) == [200], name
            assert len(asked) == number, name
            method, path, headers = asked[-1]
            assert (method, path, headers["host"]) == (
                *("POST" if sent.startswith(b"POST") else "GET", "/x"),
                url.removeprefix("http://"),
            ), name
            assert "upgrade" not in headers


def test_http2_is_not_spoken_without_tls(site: Path, serving: Serving) -> None:
    with upstream() as (url, asked):
        server = serving.serve(site, "--upstream", url)
        settings = b"\0\0\0\4\0\0\0\0\0"
        assert set(answers(server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings)) <= {400, 505}
        assert asked == []


PATHS = [f"/{who}/{status}" for who in ("x", "mine") for status in (100, 101, 103, 199, 600, 999)]


def test_a_status_that_is_no_answer(site: Path, serving: Serving) -> None:
    with upstream() as (url, asked):
        server = serving.serve(site, "--upstream", url)
        for path in PATHS:
            assert answers(
                server, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            ) == [502], path
        assert [path for _, path, _ in asked] == PATHS


def test_a_recorded_status_that_is_no_answer(site: Path, serving: Serving) -> None:
    har = serving.folder / "recorded.har"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    entries = [
        {
            "startedDateTime": "2026-01-01T00:00:00Z",
            "request": {"method": "GET", "url": f"http://localhost:{port}{path}"},
            "response": {
                "status": int(path.rpartition("/")[2]),
                "headers": [],
                "content": {"size": 0, "text": ""},
            },
        }
        for path in PATHS
    ]
    har.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    server = serving.serve(site, "--port", str(port), "--replay", str(har))
    for path in PATHS:
        assert answers(server, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") == [
            502
        ], path


def test_names_that_are_allowed(site: Path, serving: Serving) -> None:
    with upstream() as (url, _):
        server = serving.serve(
            site, "--upstream", url, "--allowed-host", "a.test", "--allowed-host", "b.test:80"
        )
        for host, status in (
            ("a.test", 200),
            ("a.test:99", 200),
            ("b.test:80", 200),
            ("b.test:99", 421),
            ("c.test", 421),
        ):
            sent = f"GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            assert answers(server, sent) == [status], host


def test_a_name_that_cannot_be(site: Path, capfd: Any) -> None:
    from swruntime.cli import main

    assert main(["serve", str(site), "--port", "0", "--allowed-host", "http://a.test"]) == 2
    out, err = capfd.readouterr()
    assert (out, "--allowed-host is 'http://a.test'; expected HOST or HOST:PORT" in err) == ("", True)
