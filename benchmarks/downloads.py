"""Bodies from nginx to durable storage: one big one, and many small ones in one background fetch."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import attrs

from benchmarks.bench import CHUNK, SMALL, Bench, digest, digest_of_file
from benchmarks.contest import Contestant, Refused, Row, against_each, hold
from benchmarks.figures import Sample
from benchmarks.processes import last_line, timed
from benchmarks.sides import PROGRAMS, Side
from swruntime.algorithms.sizes import human

WORKER = """\
async def onbackgroundfetchsuccess(event):
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        await cache.put(record.request, await record.response_ready)
"""

NOTES = (
    "swruntime, curl, aria2c and httpx are whole processes, their start included; Chromium's clock starts at fetch() "
    "in a warm browser, and Chromium leaves it to the system when the bytes get to the disk.",
    "swruntime besides keeps every byte so that no death loses it, starts a worker and has it put the bodies into a "
    "cache.",
    "The processor time of Chromium is that of all its processes; memory is told of whole processes only.",
)


@attrs.frozen
class Load:
    """What is fetched: the digests of the files that nginx serves, by name."""

    bench: Bench
    files: Mapping[str, str]

    @property
    def urls(self) -> dict[str, str]:
        return {name: f"{self.bench.nginx.url}/{name}" for name in self.files}

    @property
    def is_many(self) -> bool:
        return len(self.files) > 1

    def swruntime(self, side: Side) -> Sample:
        with self.bench.fresh(keep=self.is_many) as folder:
            site = folder / "site"
            site.mkdir()
            (site / "worker.py").write_text(WORKER)
            origin = self.bench.nginx.url
            fetch = side.command("fetch", str(site), "all", *self.urls.values(), "--origin", origin, "--json")
            sample = timed(fetch, cwd=folder, env=side.env)
            check_cached(side, site, self.urls, self.files)
            return sample

    def shell(self, command: str) -> Sample:
        """A shell's line, run in a folder whose `out` has to hold the files at its end."""
        with self.bench.fresh(keep=self.is_many) as folder:
            (folder / "out").mkdir()
            (folder / "urls").write_text("".join(f"{url}\n" for url in self.urls.values()))
            sample = timed(["sh", "-c", command], cwd=folder)
            check_files(folder / "out", self.files)
            return sample

    def curl(self) -> Sample:
        """As many connections as a browser opens to an origin."""
        outputs = " ".join(f"-o out/{name} {url}" for name, url in self.urls.items())
        many = "--parallel --parallel-max 6" if self.is_many else ""
        return self.shell(f"curl --disable --no-progress-meter --fail {many} {outputs} && sync {self.synced}")

    def aria2c(self, *options: str) -> Sample:
        what = "-i urls" if self.is_many else next(iter(self.urls.values()))
        return self.shell(
            f"aria2c --no-conf --quiet -d out {shlex.join(options)} {what} && sync {self.synced}"
        )

    @property
    def synced(self) -> str:
        """One file by itself; many by their file system, which is faster than one after the other."""
        return "--file-system out" if self.is_many else f"out/{next(iter(self.files))}"

    def httpx(self) -> Sample:
        with self.bench.fresh(keep=self.is_many) as folder:
            (folder / "out").mkdir()
            pairs = [argument for name, url in self.urls.items() for argument in (url, f"out/{name}")]
            sample = timed([sys.executable, "-P", str(PROGRAMS / "with_httpx.py"), *pairs], cwd=folder)
            check_files(folder / "out", self.files)
            return sample

    def chromium(self) -> Sample:
        browser, run = self.bench.chromium, time.monotonic_ns()
        # Another URL each time: Chromium's HTTP cache must not answer.
        urls = [f"{url}?{run}" for url in self.urls.values()]
        began = browser.cpu
        milliseconds = browser.evaluate(f"fetchOnce('{run}', {urls})")
        cpu = browser.cpu - began
        compare(browser.evaluate("stored()"), {f"/{name}": found for name, found in self.files.items()})
        return Sample(milliseconds / 1000, cpu)

    def contestants(self, *best: str) -> list[Contestant]:
        """`best`: the options with which aria2c is fastest here."""
        bench = self.bench
        curl = "curl -Z && sync -f" if self.is_many else "curl && sync FILE"
        return [
            *(_ours(self, side) for side in bench.sides),
            Contestant(curl, self.curl, bench.missing("curl")),
            Contestant("aria2c && sync", self.aria2c, bench.missing("aria2c")),
            Contestant(
                f"aria2c {' '.join(best)} && sync", lambda: self.aria2c(*best), bench.missing("aria2c")
            ),
            Contestant("httpx, fsync", self.httpx, bench.missing("nginx")),
            # Of a thousand records Chromium makes seven minutes.
            Contestant(
                "Chromium, warm", self.chromium, bench.missing("chromium"), 1 if self.is_many else None
            ),
        ]


def _ours(load: Load, side: Side) -> Contestant:
    return Contestant(side.name, lambda: load.swruntime(side), load.bench.missing("nginx"))


def check_files(folder: Path, files: Mapping[str, str]) -> None:
    """Raises Refused where one is not there, or has other bytes."""
    found = {name: digest_of_file(folder / name) for name in files if (folder / name).is_file()}
    compare(found, files)


def check_cached(side: Side, site: Path, urls: Mapping[str, str], files: Mapping[str, str]) -> None:
    """The same, of what `side` has in the cache "kept" of `site`."""
    if len(files) > 1:
        command = side.command("cache", str(site), "kept", "--output-dir", str(site / "out"))
        ended = subprocess.run(command, env=side.env, cwd=site, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise Refused(f"what it stored cannot be read: {last_line(ended.stderr)}")
        check_files(site / "out", files)
        return
    ((name, url),) = urls.items()
    # Straight through a pipe: another copy of the big body would be as much again to write.
    command = side.command("cache", str(site), "kept", url, "--output", "-")
    with subprocess.Popen(command, env=side.env, cwd=site, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        read = process.stdout.read
        compare({name: digest(iter(lambda: read(CHUNK), b""))}, files)
    if process.returncode != 0:
        raise Refused(f"what it stored cannot be read: exit status {process.returncode}")


def compare(found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """Raises Refused where the digests of `found` are not those of `expected`."""
    for name, wanted in expected.items():
        if name not in found:
            raise Refused(f"{name} was not stored")
        if found[name] != wanted:
            raise Refused(f"{name} has other bytes than the server sent")


def big(bench: Bench) -> Row:
    size = bench.amounts.size
    title = f"One body of {human(size)} from nginx to durable storage, its event handled"
    files = {} if bench.missing("nginx") else {"big.bin": bench.file("big.bin", size, 0)}
    contestants = Load(bench, files).contestants("-x4", "-s4", "--file-allocation=falloc")
    return _held(bench, "big", title, contestants)


def many(bench: Bench) -> Row:
    number = bench.amounts.bodies
    title = f"{number:,} bodies of 64 KiB in one background fetch"
    names = [] if bench.missing("nginx") else [f"{n}.bin" for n in range(number)]
    files = {name: bench.file(name, SMALL, n) for n, name in enumerate(names, 1)}
    return _held(bench, "many", title, Load(bench, files).contestants("-j50", "--file-allocation=none"))


def _held(bench: Bench, name: str, title: str, contestants: list[Contestant]) -> Row:
    pairs = against_each(bench.ours, contestants)
    rounds = bench.amounts.rounds(5)
    return hold(name, title, contestants, rounds, pairs=pairs, notes=NOTES, between=bench.settle)
