"""The server of the kills: files paced and cut, uploads counted, and notes of what the scripts have done.

What a file is stands in its URL, so that the server remembers nothing of files but which of them it has cut.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import attrs

from swruntime.testing.pattern import Pattern

CHUNK = 16 * 1024
ANSWER = b"thank you"
"""To an upload."""


@attrs.frozen
class File:
    """`rate` is in bytes per second; its first answer is cut after `cut` bytes; `validator` is strong, weak, none."""

    name: str
    size: int
    seed: int
    rate: int
    cut: int
    validator: str

    @property
    def url(self) -> str:
        told = attrs.asdict(self)
        name = told.pop("name")
        return f"/file/{name}?{urlencode(told)}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(bytes(Pattern(self.size, self.seed))).hexdigest()


class Server:
    """Answers from its `url`, in threads of this process."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        """What the page does in its next run; it takes them once."""
        self.notes: list[str] = []
        """Told by scripts with GET /note?NOTE."""
        self.uploads: Counter[str] = Counter()
        """How often each was begun, by path."""
        self.received: dict[str, str] = {}
        """The SHA-256 of those that came whole."""
        self.reports: list[dict[str, Any]] = []
        self.strike: Callable[[], None] | None = None
        """Called once, when `requests_left` more requests have come."""
        self.requests_left = 0
        self.edit: Callable[[], None]
        """Called for GET /edit."""
        self.cut: set[str] = set()
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"owner": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def note_request(self) -> None:
        with self.lock:
            self.requests_left -= 1
            strike = self.strike if self.requests_left == 0 else None
        if strike is not None:
            strike()

    def take(self) -> list[dict[str, Any]]:
        with self.lock:
            jobs, self.jobs = self.jobs, []
        return jobs


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Server

    def do_GET(self) -> None:
        self.owner.note_request()
        parts = urlsplit(self.path)
        match parts.path.split("/"):
            case ["", "take"]:
                self._answer(json.dumps(self.owner.take()).encode())
            case ["", "note"]:
                self.owner.notes.append(parts.query)
                self._answer(b"")
            case ["", "edit"]:
                self.owner.edit()
                self._answer(b"")
            case ["", "file", name]:
                told = {key: value for key, (value,) in parse_qs(parts.query).items()}
                numbers = {key: int(told[key]) for key in ("size", "seed", "rate", "cut")}
                self._file(File(name=name, validator=told["validator"], **numbers))
            case ["", ""]:
                self._answer(b"<!doctype html>", type="text/html")
            case _:
                self._answer(b"", status=404)

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        with self.owner.lock:
            self.owner.uploads[path] += 1
        self.owner.note_request()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) < int(self.headers["Content-Length"]):
            return
        if path == "/report":
            self.owner.reports.append(json.loads(body))
        else:
            self.owner.received[path] = hashlib.sha256(body).hexdigest()
            time.sleep(0.05)
        self._answer(ANSWER)

    def _file(self, file: File) -> None:
        content = bytes(Pattern(file.size, file.seed))
        tag = {"strong": f'"{file.seed}"', "weak": f'W/"{file.seed}"'}.get(file.validator)
        headers = {"ETag": tag} if tag else {}
        start = self._start(tag, file.size)
        if start:
            headers["Content-Range"] = f"bytes {start}-{file.size - 1}/{file.size}"
        stop = file.size
        with self.owner.lock:
            if file.cut and file.name not in self.owner.cut:
                self.owner.cut.add(file.name)
                stop = min(stop, start + file.cut)
        if self._head(206 if start else 200, file.size - start, headers):
            self._send(content[start:stop], file.rate)
            if stop < file.size:
                self.close_connection = True

    def _start(self, tag: str | None, size: int) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None or self.headers.get("If-Range", tag) != tag or tag is None or tag.startswith("W/"):
            return 0
        return int(asked[1]) if int(asked[1]) < size else 0

    def _answer(self, body: bytes, *, status: int = 200, type: str = "text/plain") -> None:
        if self._head(status, len(body), {"Content-Type": type}):
            self._send(body, 0)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> bool:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        try:
            self.end_headers()
        except ConnectionError:
            self.close_connection = True
            return False
        return True

    def _send(self, body: bytes, rate: int) -> None:
        try:
            for start in range(0, len(body), CHUNK):
                chunk = body[start : start + CHUNK]
                self.wfile.write(chunk)
                if rate:
                    time.sleep(len(chunk) / rate)
        except ConnectionError:
            self.close_connection = True  # the program was killed

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None: ...
