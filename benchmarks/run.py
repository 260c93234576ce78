"""swruntime beside what a user would take instead: one big file, and many small ones, from nginx on this machine.

    python benchmarks/run.py [--size 1GiB] [--files 200] [--repeat 3] [--json]

Every contestant is a process of its own, measured from its start to its end, its interpreter's start included. The
best of all rounds counts; they take turns, so that the machine's moods meet all of them. Nothing is asserted but that
the bytes are right.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from swruntime.algorithms.sizes import human, parse_size  # noqa: E402
from tests.crash.crash_nginx import Nginx  # noqa: E402
from tests.crash.crash_site import sha256_of  # noqa: E402

SMALL = 64 * 1024

WORKER = """\
async def onbackgroundfetchsuccess(event):
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        await cache.put(record.request, await record.response_ready)
"""

HTTPX = """\
import sys
import httpx, trio

async def one(client, limit, url, path):
    async with limit, client.stream("GET", url) as response:
        with open(path, "wb") as file:
            async for piece in response.aiter_raw():
                file.write(piece)

async def main():
    limit = trio.Semaphore(6)
    async with httpx.AsyncClient() as client, trio.open_nursery() as nursery:
        for url, path in zip(sys.argv[1::2], sys.argv[2::2]):
            nursery.start_soon(one, client, limit, url, path)

trio.run(main)
"""


TIMER = """\
import os, sys, time
begun = time.perf_counter()
null = os.open(os.devnull, os.O_WRONLY)
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - begun, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A parent with next to nothing in it: a child's memory counts from what its parent has when it is made."""


@attrs.frozen
class Run:
    seconds: float
    rss: int


@attrs.frozen
class Result:
    load: str
    contestant: str
    bytes: int
    seconds: float
    rss: int

    @property
    def rate(self) -> float:
        return self.bytes / self.seconds


def timed(command: list[str]) -> Run:
    """Seconds and the most memory, of the whole process. Raises CalledProcessError where it fails."""
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", TIMER, *command],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds, kilobytes = ended.stdout.split()
    return Run(float(seconds), int(kilobytes) * 1024)


def swruntime(urls: list[str], folder: Path, origin: str) -> Run:
    (folder / "worker.py").write_text(WORKER)
    program = [sys.executable, "-m", "swruntime"]
    run = timed([*program, "fetch", str(folder), "all", *urls, "--origin", origin, "--json"])
    subprocess.run(
        [*program, "cache", str(folder), "kept", "--output-dir", str(folder / "out")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return run


def curl(urls: list[str], folder: Path, origin: str) -> Run:
    """As many connections as a browser opens to an origin."""
    (folder / "out").mkdir()
    outputs = [argument for url in urls for argument in ("-o", str(folder / "out" / Path(url).name), url)]
    return timed(["curl", "--no-progress-meter", "--fail", "--parallel", "--parallel-max", "6", *outputs])


def httpx(urls: list[str], folder: Path, origin: str) -> Run:
    (folder / "out").mkdir()
    pairs = [argument for url in urls for argument in (url, str(folder / "out" / Path(url).name))]
    return timed([sys.executable, "-c", HTTPX, *pairs])


def contestants() -> list[Callable[[list[str], Path, str], Run]]:
    return [swruntime, httpx, *([curl] if shutil.which("curl") else [])]


def measure(load: str, files: dict[str, str], size: int, nginx: Nginx, repeat: int) -> list[Result]:
    """`files`: their SHA-256 by name; `size`: of all of them, in bytes."""
    urls = [f"{nginx.url}/{name}" for name in files]
    best: dict[str, Run] = {}
    for _ in range(repeat):
        for contestant in contestants():
            with tempfile.TemporaryDirectory() as folder:
                run = contestant(urls, Path(folder), nginx.url)
                for name, digest in files.items():
                    if sha256_of(Path(folder) / "out" / name) != digest:
                        raise RuntimeError(f"{contestant.__name__}: {name} is wrong")
            known = best.setdefault(contestant.__name__, run)
            best[contestant.__name__] = Run(min(known.seconds, run.seconds), max(known.rss, run.rss))
    return [Result(load, name, size, run.seconds, run.rss) for name, run in best.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description="swruntime beside curl and httpx")
    parser.add_argument("--size", type=parse_size, default=1 << 30, help="of the big file; default 1GiB")
    parser.add_argument("--files", type=int, default=200, help="so many of 64 KiB")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        nginx = Nginx(Path(folder) / "nginx")
        nginx.start()
        try:
            big = {"big.bin": nginx.file("big.bin", options.size)}
            results = measure(f"one file of {human(options.size)}", big, options.size, nginx, options.repeat)
            small = {f"{n}.bin": nginx.file(f"{n}.bin", SMALL, seed=n) for n in range(options.files)}
            load = f"{options.files} files of 64 KiB"
            results += measure(load, small, SMALL * options.files, nginx, options.repeat)
        finally:
            nginx.stop()
    if options.json:
        print(json.dumps([attrs.asdict(result) for result in results], indent=2))
        return
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, best of {options.repeat}\n")
    for each in results:
        speed = f"{each.rate / 1e6:7.0f} MB/s  {each.rss / 1e6:5.0f} MB resident"
        print(f"{each.load:26} {each.contestant:10} {each.seconds:7.2f} s {speed}")


if __name__ == "__main__":
    main()
