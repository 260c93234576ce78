"""A site with its profile, the real program run on it, and what must hold when all is over."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import attrs

from swruntime.ports.store import Store
from swruntime.storage import open_profile, verify
from tests.forks import ROOT, Forks

PROGRAM = (
    "swruntime.cli.arguments",
    *(f"swruntime.cli.commands.{name}" for name in ("run", "fetch", "resume", "status", "cache", "clear")),
    "swruntime.agent.background_fetch",
    "swruntime.network.sockets",
    "swruntime.network.proxied",
)
"""What a process imports until it has performed a background fetch."""
WHOLE = Forks(*PROGRAM)
KILLED_AT_A_PLACE = Forks("tests.crash.crash_launcher", *PROGRAM)
KILLED_AT_THE_DISK = Forks("tests.crash.crash_launcher:arm_disk", *PROGRAM)
"""A program that is to be killed at a change of the disk is another one: it is watched from its first import on."""

MEMORY = Path(__file__).with_name("crash_memory.py")

WORKER = """\
# Keeps whatever came, and notes every event that it was told of, in a file.
from pathlib import Path

EVENTS = Path({events!r})

async def oninstall(event):
    shell = await caches.open("shell")
    await shell.put("/about", Response("a shell", headers={{"Content-Type": "text/plain"}}))

async def keep(event):
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        try:
            response = await record.response_ready
        except Exception as error:
            console.warn(f"{{record.request.url}}: {{error}}")
            continue
        if response.ok:
            await cache.put(record.request, response)
    with EVENTS.open("a") as file:
        file.write(f"{{event.type}} {{event.registration.id}}\\n")

onbackgroundfetchsuccess = onbackgroundfetchfail = onbackgroundfetchabort = keep
"""


@attrs.frozen
class Ended:
    """How the program ended. `status` is negative where a signal ended it, as in subprocess."""

    status: int
    out: str
    err: str

    @property
    def peak(self) -> int:
        """The most memory that was resident, in bytes. Of a `measured` program alone."""
        size, unit = self.err.splitlines()[-1].split()
        assert unit == "kB"
        return int(size) * 1024

    @property
    def trace(self) -> list[dict[str, Any]]:
        """The lines of --json; what a kill left of the last one does not count."""
        lines = self.out.split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def lines(self, kind: str, **keys: Any) -> list[dict[str, Any]]:
        return [
            line
            for line in self.trace
            if line["kind"] == kind and all(line.get(key) == value for key, value in keys.items())
        ]

    @property
    def told(self) -> str:
        """All of it, for an assertion that failed."""
        return f"exit status {self.status}\n{self.err}\n{self.out[-4000:]}"


PATIENCE = 300.0
"""Seconds that a program may take; the longest one needs a minute on a busy machine."""


class Program:
    """A process of the program that runs. Its trace is read as it comes."""

    def __init__(self, out: IO[str], errors: Path, process: int, wait: Callable[[], int]) -> None:
        self._stream = out
        self._errors = errors
        self._process = process
        self._wait = wait
        self._out: list[str] = []
        self._waited = False
        self._waiting = threading.Lock()

    @classmethod
    def new(cls, arguments: Sequence[str], errors: Path) -> Program:
        """As a user starts one."""
        with errors.open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-W", "error", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                encoding="utf-8",
                env={**os.environ, "PYTHONPATH": str(ROOT)},  # `measured` ones have modules of tests
            )
        assert process.stdout is not None
        return cls(process.stdout, errors, process.pid, process.wait)

    @classmethod
    def forked(cls, forks: Forks, function: str, arguments: Sequence[str], errors: Path) -> Program:
        """The same without the second that its imports take."""
        ours, theirs = os.pipe()
        with errors.open("wb") as err, os.fdopen(theirs, "wb") as out:
            process = forks.start(function, arguments, out, err)
        return cls(open(ours, encoding="utf-8"), errors, process, lambda: forks.wait(process))

    def until(self, kind: str, **keys: Any) -> dict[str, Any]:
        """Read the trace as far as a line of that kind. Raises AssertionError where it ends without one."""
        for text in self._stream:
            self._out.append(text)
            line: dict[str, Any] = json.loads(text)
            if line["kind"] == kind and all(line.get(key) == value for key, value in keys.items()):
                return line
        raise AssertionError(f"the program ended before {kind}: {self.wait().told}")

    def signal(self, number: signal.Signals) -> None:
        # Nobody has waited for it yet, so its id is nobody else's, even if it is dead.
        os.kill(self._process, number)

    def kill(self) -> Ended:
        self.signal(signal.SIGKILL)
        return self.wait()

    def strike(self) -> None:
        """kill -9, from any thread, at any time: nothing if it has been waited for."""
        with self._waiting:
            if not self._waited:
                self.signal(signal.SIGKILL)

    def kill_after(self, seconds: float) -> Ended:
        """kill -9, unless it has ended by itself before."""
        timer = threading.Timer(seconds, self.signal, (signal.SIGKILL,))
        timer.start()
        self._drain()
        timer.cancel()
        timer.join()
        return self.wait()

    def kill_at_line(self, number: int, seconds: float = 0.0) -> Ended:
        """kill -9, so long after that line of its trace (from 1), unless it has ended by itself before."""
        self._out.extend(islice(self._stream, number))
        return self.kill_after(seconds)

    def _drain(self) -> None:
        self._out.extend(self._stream)

    def wait(self) -> Ended:
        # A program that hangs is a failure with a status to show, not a CI that never ends.
        timer = threading.Timer(PATIENCE, self.signal, (signal.SIGKILL,))
        timer.start()
        self._drain()
        timer.cancel()
        timer.join()
        self._stream.close()
        with self._waiting:
            self._waited = True
        status = self._wait()
        return Ended(status, "".join(self._out), self._errors.read_text("utf-8"))


class Site:
    """`name` tells the sites of one test apart."""

    def __init__(self, folder: Path, name: str = "site") -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.profile = self.folder / ".swruntime"
        self._scratch = folder / f"{name} runs"
        self._scratch.mkdir()
        self._events = self._scratch / "events"
        self._runs = 0
        self.worker(WORKER.format(events=str(self._events)))

    def worker(self, text: str) -> None:
        (self.folder / "worker.py").write_text(text)

    def good_worker(self) -> None:
        self.worker(WORKER.format(events=str(self._events)))

    def start(self, command: str, *arguments: str) -> Program:
        """Run `command` on this site as a user does, to its end or as far as one likes."""
        return Program.new(["-m", "swruntime", command, str(self.folder), *arguments], self._errors())

    def run(self, command: str, *arguments: str, kill: Sequence[str] = (), measured: bool = False) -> Ended:
        """The same to its end. `kill`: a point of crash_launcher.py and the number of the call."""
        of_this_site = [command, str(self.folder), *arguments]
        if measured:
            program = Program.new([str(MEMORY), *of_this_site], self._errors())
        elif kill:
            forks = KILLED_AT_THE_DISK if kill[0] == "disk" else KILLED_AT_A_PLACE
            main = "tests.crash.crash_launcher:main"
            program = self.fork(forks, main, *kill, *of_this_site)
        else:
            program = self.fork(WHOLE, "swruntime.cli:main", *of_this_site)
        return program.wait()

    def fork(self, forks: Forks, main: str, *arguments: str) -> Program:
        """What `forks` has imported, run by its function `main`, to its end or as far as one likes."""
        return Program.forked(forks, main, arguments, self._errors())

    def _errors(self) -> Path:
        self._runs += 1
        return self._scratch / f"errors of run {self._runs}"

    def check_status(self) -> None:
        """What the program itself says of the profile, when all is over."""
        ended = self.run("status", "--json", "--check")
        assert ended.status == 0, ended.told
        found = json.loads(ended.out)
        assert (found["problems"], found["background_fetches"]) == ([], [])

    def resume(self) -> Ended:
        """With no option but --json."""
        return self.run("resume", "--json")

    @property
    def events(self) -> list[str]:
        """ "TYPE ID" of every event whose handler came to its end, in order."""
        return self._events.read_text().splitlines() if self._events.exists() else []

    # What the profile has, seen beside the program

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = open_profile(self.profile, read_only=True)
        try:
            yield store
        finally:
            store.close()

    def unfinished(self) -> list[Unfinished]:
        """Every record that has no result yet; none where there is no profile."""
        if not (self.profile / "profile.sqlite3").exists():
            return []
        with self.store() as store:
            return [
                Unfinished(fetch.number, index, 0 if record.body is None else store.length(record.body))
                for fetch in store.fetches()
                for index, record in enumerate(fetch.records)
                if not record.snapshot.result
            ]

    def cached(self, origin: str, cache: str = "kept") -> dict[str, str]:
        """The SHA-256 of all that is in `cache`, by URL."""
        with self.store() as store:
            if cache not in store.cache_names(origin):
                return {}
            entries = store.cache_entries(store.open_cache(origin, cache))
            return {entry.request.url: _sha256_of_body(store, entry.body) for entry in entries}

    def check_sound(self, origin: str, digests: Mapping[str, str]) -> None:
        """What is cached is `digests` (SHA-256 by URL), and nothing is left over, damaged or there twice."""
        assert verify(self.profile) == []
        with self.store() as store:
            assert store.fetches() == []
        assert self.cached(origin) == dict(digests)
        bodies = [body for (body,) in self.query("SELECT body FROM cache_entries WHERE body IS NOT NULL")]
        assert len(bodies) == len(set(bodies)) == len(digests) + 1, "one for each URL, and the shell's"
        assert set(self.body_files()) <= set(bodies)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(
            sqlite3.connect(f"file:{self.profile / 'profile.sqlite3'}?mode=ro", uri=True)
        ) as connection:
            return connection.execute(sql).fetchall()

    def body_files(self) -> list[int]:
        folder = self.profile / "bodies"
        return sorted(int(path.name) for path in folder.iterdir()) if folder.exists() else []


@attrs.frozen
class Unfinished:
    """A record without a result: so many bytes of it had come."""

    fetch: int
    index: int
    downloaded: int


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_body(store: Store, body: int | None) -> str:
    digest, offset = hashlib.sha256(), 0
    while body is not None and (data := store.read(body, offset, 1024 * 1024)):
        digest.update(data)
        offset += len(data)
    return digest.hexdigest()


def check_taken_up(before: Sequence[Unfinished], resumed: Ended) -> int:
    """Every record of which bytes had come was asked for from there on. How many these were.

    `before`: what was unfinished between the death and `resume`.
    """
    asked = 0
    begun = {(line["fetch"], line["index"]) for line in resumed.lines("record.start")}
    assert begun <= {(record.fetch, record.index) for record in before}, "none that had its result"
    for record in before:
        starts = resumed.lines("record.start", fetch=record.fetch, index=record.index)
        if record.downloaded and starts:
            assert starts[0]["range_start"] == record.downloaded, resumed.told
            asked += 1
        elif record.downloaded:
            (settled,) = resumed.lines("record.settle", fetch=record.fetch, index=record.index)
            assert settled["bytes"] == record.downloaded, "it was all there, but for its result"
    return asked


def fetch_arguments(id: str, origin: str, urls: Iterable[str]) -> list[str]:
    return [id, *urls, "--origin", origin, "--json"]
