"""A gateway in process, on a virtual clock; and `serve` as a process of its own, with curl and Chromium."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import swruntime
from swruntime.network.asgi import AsgiTransport
from swruntime.serve import Gateway
from swruntime.serve.gateway import Answered
from swruntime.testing.origin import Origin, ScriptedInternet
from swruntime.trace import Line

HOME = "http://localhost:8400"
EXAMPLES = Path(__file__).parents[2] / "examples"

HTML = {"Accept": "text/html,*/*"}
"""Of a client that would like a page: its requests are navigations."""


class Behind:
    """A scripted origin behind a worker behind a gateway."""

    def __init__(self, site: Path) -> None:
        self.site = site
        self.internet = ScriptedInternet()
        self.origin: Origin = self.internet.origin_at(HOME)
        self.lines: list[Line] = []
        self.agent: Any = None
        self.registration: Any = None

    def worker(self, script: str, name: str = "worker.py") -> None:
        (self.site / name).write_text(script)

    @asynccontextmanager
    async def open(
        self,
        *,
        scope: str | None = None,
        script: str = "/worker.py",
        on_answered: Callable[[Answered], None] = lambda answered: None,
        **options: Any,
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the gateway, once the worker is active."""
        arguments = {"site": self.site, "network": self.internet, "on_trace": self.lines.append, **options}
        async with swruntime.open_user_agent(**arguments) as self.agent:
            self.registration = await self.agent.registrations.register(
                script, scope, base_url=f"{HOME}/", client_origin=HOME
            )
            await self.agent.settled()
            transport = AsgiTransport(Gateway(self.agent, on_answered=on_answered))
            async with httpx.AsyncClient(transport=transport, base_url=HOME, timeout=None) as client:
                yield client

    def of(self, kind: str, **keys: object) -> list[Line]:
        return [line for line in self.lines if line["kind"] == kind and keys.items() <= line.items()]

    @property
    def console(self) -> list[str]:
        return [line["text"] for line in self.of("console")]

    @property
    def asked(self) -> list[str]:
        """What reached the origin."""
        return [f"{request.method} {request.path}" for request in self.origin.requests]


@pytest.fixture
def behind(tmp_path: Path) -> Behind:
    site = tmp_path / "site"
    site.mkdir()
    return Behind(site)


class Server:
    """`serve SITE` as a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str, before: Sequence[str] = ()) -> None:
        self.process = process
        self.url = url
        self.before = before
        """The lines that it said before it told its URL."""

    def curl(self, path: str, *arguments: str) -> str:
        """What curl writes to its standard output. The test is skipped where there is no curl."""
        return self.curl_process(path, *arguments).stdout

    def curl_process(self, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        return subprocess.run(
            ["curl", "--silent", "--max-time", "60", *arguments, self.url + path],
            capture_output=True,
            text=True,
            timeout=700,
        )

    def until(self, **keys: object) -> Line:
        """The next line of the trace with these values, under --json."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line: Line = json.loads(text)
            if keys.items() <= line.items():
                return line
        raise AssertionError(f"the trace ended without {keys}")

    def peak_memory(self) -> int:
        """Bytes of memory that the process has had at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def interrupt(self) -> int:
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


class Serving:
    """Starts servers, and upstreams to put behind them; all are ended with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[str]] = []

    def serve(self, site: Path, *arguments: str) -> Server:
        process = self._start(
            *("-m", "swruntime", "serve", str(site), "--profile", str(self.folder / "profile")),
            *(("--port", "0") if "--port" not in arguments else ()),
            *arguments,
            stderr=subprocess.STDOUT if "--json" not in arguments else subprocess.PIPE,
        )
        said = process.stderr if "--json" in arguments else process.stdout
        assert said is not None
        before: list[str] = []
        while " at http" not in (line := said.readline()):
            assert line, "".join(before)
            before.append(line)
        return Server(process, line.split(" at ")[1].strip().rstrip("/"), before)

    @contextmanager
    def upstream(self, site: Path) -> Iterator[str]:
        """A plain server of SITE's files; its URL. It is killed at the end of the block."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        script = (
            "import http.server, sys\n"
            "handler = lambda *a: http.server.SimpleHTTPRequestHandler(*a, directory=sys.argv[2])\n"
            "server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), handler)\n"
            "sys.stdout.write('up\\n'); sys.stdout.flush(); server.serve_forever()\n"
        )
        process = self._start("-c", script, str(port), str(site), stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()

    def _start(self, *arguments: str, stderr: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._processes.append(process)
        return process

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    found = Serving(tmp_path)
    try:
        yield found
    finally:
        found.end()
