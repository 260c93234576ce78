"""A user agent on a site of its own, in process, on a virtual clock: what the tests of the agent stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

import swruntime
from swruntime.testing.origin import Origin, ScriptedInternet
from swruntime.trace import Line

HOME = "http://localhost:8400"

REPORT = """
async def report(event):
    registration = event.registration
    print(event.type, registration.id, registration.result, registration.failure_reason)
    for record in await registration.match_all():
        try:
            response = await record.response_ready
            print(record.request.url, response.status, len(await response.bytes()))
        except (DOMException, TypeError) as error:
            print(record.request.url, getattr(error, "name", "TypeError"))

onbackgroundfetchsuccess = onbackgroundfetchfail = onbackgroundfetchabort = report
"""
"""A worker that says of each background fetch's end what its records look like from inside."""


class Lab:
    """A site with a worker, its scripted origin, and the lines of every agent that was opened on it.

    `on_sockets`: the origins are real servers. `on_disk`: the profile is.
    """

    def __init__(self, folder: Path, *, on_sockets: bool = False, on_disk: bool = False) -> None:
        self.on_sockets = on_sockets
        self.on_disk = on_disk
        self.site = folder / "site"
        self.site.mkdir()
        self.profile = folder / "profile"
        self.internet = ScriptedInternet()
        self.origin: Origin = self.internet.origin_at(HOME)
        self.lines: list[Line] = []
        self.agent: Any = None
        self.window: Any = None
        self.registration: Any = None
        self.worker(REPORT)

    def worker(self, script: str, name: str = "worker.py") -> None:
        (self.site / name).write_text(script)

    @asynccontextmanager
    async def open(self, *, ready: bool = True, page: str = "/", **options: Any) -> AsyncIterator[Any]:
        """An agent in memory (with `profile`, on the disk); unless told otherwise with a ready registration."""
        async with self._network() as network:
            arguments = {"site": self.site, "network": network, "on_trace": self.lines.append}
            if self.on_disk:
                arguments["profile"] = self.profile
            async with swruntime.open_user_agent(**{**arguments, **options}) as agent:
                self.agent = agent
                if ready:
                    self.window = await agent.open_window(page)
                    await self.window.navigator.service_worker.register("/worker.py")
                    self.registration = await self.window.navigator.service_worker.ready
                yield agent

    def _network(self) -> Any:
        return self.internet.on_sockets() if self.on_sockets else nullcontext(self.internet)

    @property
    def manager(self) -> Any:
        return self.registration.background_fetch

    @property
    def bodies(self) -> int:
        """Bytes of the origin's stored bodies, without the rows that its usage counts as well."""
        size: int = self.agent.services.store._bodies.usage(self.agent.origin)
        return size

    def request(self, url: str, **init: Any) -> Any:
        return self.window.Request(url, **init)

    def of(self, kind: str, **keys: object) -> list[Line]:
        """The lines of a kind, with these values."""
        return [line for line in self.lines if line["kind"] == kind and keys.items() <= line.items()]

    def one(self, kind: str, **keys: object) -> Line:
        (line,) = self.of(kind, **keys)
        return line

    @property
    def console(self) -> list[str]:
        return [line["text"] for line in self.of("console")]

    @property
    def diagnostics(self) -> list[str]:
        return [line["code"] for line in self.of("diagnostic")]

    def said(self, *texts: str) -> None:
        """Hold the console against `texts`; `{}` stands for the site's origin."""
        assert self.console == [text.replace("{}", HOME) for text in texts]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)
