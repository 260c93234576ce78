"""A site, the command line in this process and in others, and a real server on the loopback."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import attrs
import pytest

from swruntime.cli import main
from swruntime.trace import Line

PATIENCE = 60.0
"""Seconds until a test gives up on a process."""

WORKER = """
async def keep(event):
    print(event.type, event.registration.id, event.registration.failure_reason)
    if event.registration.result == "success":
        cache = await caches.open("kept")
        for record in await event.registration.match_all():
            await cache.put(record.request, await record.response_ready)

onbackgroundfetchsuccess = onbackgroundfetchfail = onbackgroundfetchabort = onbackgroundfetchclick = keep
"""

PAGE = """
async def main():
    registration = await navigator.service_worker.ready
    asked = await caches.open("asked")
    # Whether it is done, or under way, a page cannot know while the event is on its way.
    if await asked.match("/{id}") is None:
        # The process may have ended between the two.
        if await registration.background_fetch.get("{id}") is None:
            await registration.background_fetch.fetch("{id}", ["{url}"])
        await asked.put("/{id}", Response(""))
"""


@attrs.frozen
class Result:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[Line]:
        """Standard output as a trace."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def object(self) -> Any:
        """Standard output as one object."""
        return json.loads(self.out)

    def of(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line["kind"] == kind]

    @property
    def console(self) -> list[str]:
        return [line["text"] for line in self.of("console")]

    def refused(self, *texts: str, status: int = 2) -> None:
        """It said one line on standard error, with all of `texts` in it, and ended with `status`."""
        assert self.status == status, (self.out, self.err)
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("swruntime"), self.err
        for text in texts:
            assert text in self.err


class Process:
    """The command line in a process of its own; its standard output is read line by line."""

    def __init__(self, arguments: tuple[str, ...], **options: Any) -> None:
        command = [sys.executable, "-m", "swruntime", *arguments]
        self.popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.pid = self.popen.pid
        self.read: list[Line] = []
        self._result: Result | None = None
        # A process that says nothing more must not hold the tests for ever.
        self._patience = threading.Timer(PATIENCE, self.kill)
        self._patience.start()

    def until(self, kind: str, **least: int) -> Line:
        """Read the trace up to a line of this kind, whose values are at least these."""
        assert self.popen.stdout is not None
        for text in self.popen.stdout:
            line = json.loads(text)
            self.read.append(line)
            if line["kind"] == kind and all(line[key] >= value for key, value in least.items()):
                return line  # type: ignore[no-any-return]
        assert self.popen.stderr is not None
        raise AssertionError(f"no {kind} in {self.read}: {self.popen.stderr.read().decode()}")

    def interrupt(self) -> None:
        self.popen.send_signal(signal.SIGINT)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.popen.kill()

    def leave(self) -> None:
        """Close the reading end of its standard output."""
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        self.popen.stdout = None

    def end(self) -> Result:
        """Wait for its end. Its output is what was not read yet."""
        if self._result is None:
            out, err = self.popen.communicate(timeout=PATIENCE)
            self._patience.cancel()
            self._result = Result(self.popen.returncode, (out or b"").decode(), err.decode())
        return self._result


class Site:
    """A site's folder, and the commands on it."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capfd = capfd
        self._processes: list[Process] = []
        folder.mkdir()
        self.write("worker.py", WORKER)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def page(self, url: str, id: str = "a", name: str = "page.py") -> None:
        """A page script that fetches `url`, once."""
        self.write(name, PAGE.format(url=url, id=id))

    def cli(self, command: str, *arguments: object) -> Result:
        """`swruntime COMMAND SITE ARGUMENTS...` in this process."""
        return self.main(command, self.folder, *arguments)

    def main(self, *arguments: object) -> Result:
        """The whole command line, in this process."""
        self._capfd.readouterr()
        status = main([str(each) for each in arguments])
        sys.stdout.flush()
        out, err = self._capfd.readouterr()
        return Result(status, out, err)

    def start(self, command: str, *arguments: object, **options: Any) -> Process:
        """The same in a process of its own, which is killed in the end at the latest."""
        process = Process((command, str(self.folder), *map(str, arguments)), **options)
        self._processes.append(process)
        return process

    def process(self, command: str, *arguments: object, **options: Any) -> Result:
        return self.start(command, *arguments, **options).end()

    def cached(self, url: str, cache: str = "kept") -> bytes:
        """The bytes of a cache's entry, as the command line takes them out."""
        path = self.folder.parent / "taken"
        result = self.cli("cache", cache, url, "--output", path)
        assert result.status == 0, result.err
        return path.read_bytes()

    def status(self) -> Any:
        return self.cli("status", "--json").object

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.end()


@pytest.fixture
def site(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Site]:
    site = Site(tmp_path / "site", capfd)
    yield site
    site.close()


@pytest.fixture
def new_site(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], Site]]:
    """Further sites, by name."""
    made: list[Site] = []

    def new(name: str) -> Site:
        made.append(Site(tmp_path / name, capfd))
        return made[-1]

    yield new
    for site in made:
        site.close()


@attrs.define
class File:
    """What the server has under a path. After `hold` bytes it sends no more until it is told to."""

    body: bytes
    etag: str = '"one"'
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    hold: int | None = None


@attrs.frozen
class Asked:
    method: str
    path: str
    headers: dict[str, str]


class Server:
    """A server of files on the loopback, in a thread, that knows Range and If-Range; with `tls` an https server."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.files: dict[str, File] = {}
        self.asked: list[Asked] = []
        self.released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append(Asked(self.command, self.path, headers))
                with suppress(ConnectionError):
                    server.answer(self, headers)

            def log_message(self, *args: object) -> None:
                """The tests' output is not a place for it."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        if tls is not None:
            # The handshake is the handler's: one client that makes none must not hold up the others.
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._http.server_address[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def add(self, path: str, body: bytes, **options: Any) -> str:
        """Answers with the URL."""
        self.files[path] = File(body, **options)
        return self.url + path

    def ranges(self, path: str) -> list[str | None]:
        """The Range of each request for `path`."""
        return [asked.headers.get("range") for asked in self.asked if asked.path == path]

    def release(self) -> None:
        """What is held goes on, and nothing is held any more."""
        for file in self.files.values():
            file.hold = None
        self.released.set()

    def answer(self, handler: BaseHTTPRequestHandler, headers: dict[str, str]) -> None:
        file = self.files.get(handler.path, File(b"no such file", status=404))
        start, status = 0, file.status
        asked = headers.get("range")
        if status == 200 and asked is not None and headers.get("if-range", file.etag) == file.etag:
            start, status = int(asked.removeprefix("bytes=").partition("-")[0]), 206
        rest = file.body[start:]
        handler.send_response(status)
        handler.send_header("ETag", file.etag)
        handler.send_header("Content-Length", str(len(rest)))
        if status == 206:
            end, size = len(file.body) - 1, len(file.body)
            handler.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        for name, value in file.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        self._send(handler.wfile, rest, file.hold)

    def _send(self, out: Any, rest: bytes, hold: int | None) -> None:
        if hold is not None:
            out.write(rest[:hold])
            out.flush()
            self.released.wait(PATIENCE)
            rest = rest[hold:]
        out.write(rest)

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def noise() -> bytes:
    """A body that no other is like, of some pieces."""
    return os.urandom(300_000)


__all__ = ["IO", "Asked", "File", "Process", "Result", "Server", "Site"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB, where the machine lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
