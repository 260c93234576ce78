"""One small body, in a process that is warm: from fetch() to the end of its event."""

from __future__ import annotations

import importlib.util
import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from benchmarks.bench import SMALL, Bench
from benchmarks.contest import Contestant, Pair, Refused, Row, hold
from benchmarks.figures import Sample
from benchmarks.processes import last_line, tree_cpu
from benchmarks.sides import PROGRAMS, Side

WORKERS = {"Python": "worker.py", "JavaScript": "worker.js"}
CHROMIUM = "Chromium"

NOTES = (
    "A run is the median of so many, one after the other; its processor time is that of one, all processes included.",
    "All of them run the same worker, which puts the body into a cache and tells the page. swruntime's clock ends with "
    "the event, Chromium's with that message.",
    "swruntime syncs what a power failure must not lose, Chromium does not.",
)


class Warm:
    """A process of programs/small_fetches.py, which waits to be asked."""

    def __init__(self, side: Side, worker: str, url: str, digest: str, site: Path) -> None:
        site.mkdir()
        shutil.copy(PROGRAMS / worker, site)
        self._errors: IO[str] = (site / "errors").open("w+")
        self._digest, self._batch = digest, 0
        self._process = subprocess.Popen(
            side.program("small_fetches", url, str(site), worker),
            env=side.env,
            cwd=site,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def run(self, number: int) -> Sample:
        # The first one is not counted: a worker that has had nothing to do was stopped.
        self._ask(1)
        began = tree_cpu(self._process.pid)
        taken = self._ask(number)
        cpu = tree_cpu(self._process.pid) - began
        return Sample(statistics.median(taken) / 1000, cpu / number)

    def _ask(self, number: int) -> list[float]:
        self._batch += 1
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"batch-{self._batch} {number}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.wait()
            self._errors.seek(0)
            raise Refused(f"its process ended: {last_line(self._errors.read())}")
        said: dict[str, Any] = json.loads(line)
        if said["digest"] != self._digest:
            raise Refused("the cache has other bytes than the server sent")
        taken: list[float] = said["ms"]
        return taken

    def close(self) -> None:
        self._process.communicate()
        self._errors.close()


def chromium(bench: Bench, url: str, expected: str, number: int) -> Sample:
    browser, run = bench.chromium, f"small-{time.monotonic_ns()}"
    browser.evaluate(f"fetchInTurn('{run}-first', '{url}', 1)")
    began = browser.cpu
    taken = browser.evaluate(f"fetchInTurn('{run}', '{url}', {number})")
    cpu = browser.cpu - began
    if browser.evaluate("stored()") != {"/" + url.rpartition("/")[2]: expected}:
        raise Refused("the cache has other bytes than the server sent")
    return Sample(statistics.median(taken) / 1000, cpu / number)


def small(bench: Bench) -> Row:
    number, no_nginx = bench.amounts.batch, bench.missing("nginx")
    contestants: list[Contestant] = []
    url, digest = "", ""
    if no_nginx is None:
        digest = bench.file("small.bin", SMALL, 0)
        url = f"{bench.nginx.url}/small.bin"
    with ExitStack() as stack:
        folder = stack.enter_context(bench.fresh())
        for language, worker in WORKERS.items():
            missing = no_nginx
            if language == "JavaScript" and importlib.util.find_spec("deno") is None:
                missing = "deno is not installed; the extra `js` brings it"
            for side in bench.sides:
                run: Callable[[], Sample] = _never
                if missing is None:
                    warm = Warm(side, worker, url, digest, folder / f"{len(contestants)}")
                    stack.callback(warm.close)
                    run = _bound(warm, number)
                contestants.append(Contestant(f"{side.name}, {language}", run, missing))
        contestants.append(
            Contestant(CHROMIUM, lambda: chromium(bench, url, digest, number), bench.missing("chromium"))
        )
        pairs = [Pair(each.name, CHROMIUM) for each in contestants if each.name != CHROMIUM]
        pairs += [
            Pair(f"{bench.ours[0]}, {language}", f"{earlier}, {language}")
            for language in WORKERS
            for earlier in bench.ours[1:]
        ]
        title = f"One body of 64 KiB, warm, fetch() to the end of its event: the median of {number}"
        rounds = bench.amounts.rounds(5)
        return hold(
            "small", title, contestants, rounds, pairs=pairs, notes=NOTES, unit="ms", between=bench.settle
        )


def _bound(warm: Warm, number: int) -> Callable[[], Sample]:
    return lambda: warm.run(number)


def _never() -> Sample:
    raise AssertionError("what is missing is not run")
