"""The server that all peers download from: it writes down what it is asked for, breaks connections, and takes its time.

/NAME                            a file of `site/`
/file/NAME?size=&rate=&drop=     `size` bytes at `rate` bytes a second; the first connection breaks after `drop`
/packages/PATH                   a file of the npm packages
/__log__                         what was asked for so far: JSON, `[{"path": ..., "range": ...}]`
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SITE = Path(__file__).parent / "site"
TYPES = {".html": "text/html", ".js": "text/javascript", ".txt": "text/plain"}
CHUNK = 16 * 1024


def body(size: int) -> bytes:
    """The same bytes for the same size: 0, 1, ... 250, 0, 1, ..."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


class Origin(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, packages: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.packages = packages
        self.asked: list[dict[str, str | None]] = []
        self.broken: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients are killed in the middle of an answer: that is what is tried here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Origin

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/__log__":
            self.answer(200, json.dumps(self.server.asked).encode(), "application/json")
            return
        self.server.asked.append({"path": asked.path, "range": self.headers["range"]})
        if asked.path.startswith("/file/"):
            self.file(dict(parse_qsl(asked.query)))
            return
        if asked.path.startswith("/packages/"):
            folder, name = self.server.packages, asked.path.removeprefix("/packages/")
        else:
            folder, name = SITE, asked.path.lstrip("/")
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            self.answer(200, path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream"))
        else:
            self.answer(404, b"not there", "text/plain")

    def answer(self, status: int, content: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Service-Worker-Allowed", "/")
        self.end_headers()
        self.wfile.write(content)

    def file(self, how: dict[str, str]) -> None:
        content = body(int(how["size"]))
        start = int((self.headers["range"] or "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if self.headers["range"] else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", '"one"')
        self.send_header("Accept-Ranges", "bytes")
        if self.headers["range"]:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        end = len(content)
        if "drop" in how and self.path not in self.server.broken:
            self.server.broken.add(self.path)
            end = int(how["drop"])
        for at in range(start, end, CHUNK):
            self.wfile.write(content[at : min(at + CHUNK, end)])
            if "rate" in how:
                time.sleep(CHUNK / int(how["rate"]))
        if end < len(content):
            self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        """Standard error is for what goes wrong."""


@contextmanager
def serving(packages: Path) -> Iterator[Origin]:
    """`packages`: the folder `node_modules`."""
    with Origin(packages) as origin:
        thread = threading.Thread(target=origin.serve_forever, daemon=True)
        thread.start()
        try:
            yield origin
        finally:
            origin.shutdown()
            thread.join()
