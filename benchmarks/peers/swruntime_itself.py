"""swruntime itself, by its Python interface and its command line: `python -m benchmarks.peers.swruntime_itself CELL`.

Each function tries one capability and answers with what it has seen. Its worker is `site/sw.js`, as the others' is.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import attrs
import trio

import swruntime
from benchmarks.peers.cells import Seen, no, partly, yes
from swruntime.testing import Laboratory, laboratory, run, stop_worker_everywhere

SITE = Path(__file__).parent / "site"
ROOT = Path(__file__).parents[2]
MIB = 1 << 20
AN_HOUR = 3600.0
MINUTES = 240_000  # milliseconds: four, since an event may take five


@attrs.frozen
class Bench:
    """Where a cell finds its server, and a folder of its own."""

    origin: str
    folder: Path

    def ranges(self, name: str) -> list[str | None]:
        """The Range of each request for a file so far."""
        with urlopen(f"{self.origin}/__log__") as answer:
            log = json.load(answer)
        return [request["range"] for request in log if request["path"] == f"/file/{name}"]

    @asynccontextmanager
    async def visit(self, script: str = "/sw.js", **options: Any) -> AsyncIterator[tuple[Any, Any, Any]]:
        """A user agent, a window of the site, and the registration of its worker."""
        async with swruntime.open_user_agent(site=SITE, origin=self.origin, **options) as agent:
            window = await agent.open_window("/index.html")
            await window.navigator.service_worker.register(script)
            registration = await window.navigator.service_worker.ready
            if registration.active.state != "activated":  # sw.js claims the page before
                await agent.until(
                    lambda line: line["kind"] == "worker.state" and line["state"] == "activated"
                )
            yield agent, window, registration


async def kept(window: Any, url: str) -> int:
    """How many bytes the caches have of it."""
    response = await window.caches.match(url)
    return 0 if response is None else len(await response.array_buffer())


async def noted(window: Any, name: str) -> str | None:
    """What the worker has written down about an event."""
    response = await window.caches.match(f"/log/{name}")
    return None if response is None else await response.text()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "swruntime", *arguments]


async def runs_your_worker(bench: Bench) -> Seen:
    async with bench.visit() as (_, window, _registration):
        text = await (await window.fetch("/shell.txt")).text()
    if not text.startswith("from the worker"):
        return no(f"fetch('/shell.txt') answered {text}.")
    return yes("sw.js was registered, filled its cache at install, and answered a fetch from it.")


async def has_background_fetch(bench: Bench) -> Seen:
    async with bench.visit() as (_, _window, registration):
        return yes(f"registration.background_fetch is a {type(registration.background_fetch).__name__}.")


async def downloads_in_test(bench: Bench) -> Seen:
    url = f"/file/whole?size={MIB}"
    async with bench.visit() as (agent, window, registration):
        await registration.background_fetch.fetch("whole", url)
        await agent.settled()
        size = await kept(window, url)
    if size != MIB:
        return no(f"The cache has {size} of {MIB} bytes.")
    return yes("1 MiB came over the network; backgroundfetchsuccess put it into a cache.")


async def cuts_network(bench: Bench) -> Seen:
    async with bench.visit() as (agent, _window, registration):
        fetch = await registration.background_fetch.fetch("cut", f"/file/cut?size={2 * MIB}&rate={MIB // 2}")
        await agent.until(lambda line: line["kind"] == "fetch.progress" and line["downloaded"] > 200_000)
        await agent.network.go_offline()
        before = fetch.downloaded
        await trio.sleep(1.5)
        after = fetch.downloaded
        await agent.network.go_online()
        await agent.settled()
        result = fetch.result
    ranges = bench.ranges("cut")[1:]
    seen = (
        f"Offline, the background fetch {'stood still' if before == after else 'went on'} at {after} bytes; online "
        f"again the server was asked for Range {', '.join(map(str, ranges)) or 'nothing'}: {result}."
    )
    return (
        yes(seen) if before == after and ranges == [f"bytes={after}-"] and result == "success" else no(seen)
    )


def survives_kill(bench: Bench) -> Seen:
    url, profile = f"/file/killed?size={4 * MIB}&rate={MIB}", str(bench.folder / "profile")
    where = ["--profile", profile, "--origin", bench.origin]
    killed = subprocess.Popen(
        command("fetch", str(SITE), "killed", url, *where),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    bodies = Path(profile)
    while not any(
        path.stat().st_size > MIB for path in bodies.rglob("*") if path.is_file() and "bodies" in path.parts
    ):
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    subprocess.run(command("resume", str(SITE), *where), check=True, capture_output=True)
    copy = bench.folder / "copy"
    subprocess.run(
        command("cache", str(SITE), "files", url, "--output", str(copy), *where),
        check=True,
        capture_output=True,
    )
    ranges, size = bench.ranges("killed")[1:], copy.stat().st_size
    asked = ", ".join(map(str, ranges))
    seen = f"After kill -9 `resume` asked for {asked}; the cache then had {size} of {4 * MIB} bytes."
    return yes(seen) if len(ranges) == 1 and ranges[0] is not None and size == 4 * MIB else no(seen)


async def stops_worker_between_events(bench: Bench) -> Seen:
    counts: list[int] = []
    async with bench.visit() as (agent, window, registration):
        window.navigator.service_worker.onmessage = lambda event: counts.append(event.data["pushes"])
        for turn in range(3):
            if turn == 2:
                await agent.terminate_worker(registration)
            registration.active.post_message({"name": "count"})
            await agent.until(lambda line: line["kind"] == "event.end" and line["name"] == "message")
    seen = f"A counter in a global said {counts[:2]}, and after terminate_worker() {counts[2:]}."
    return yes(seen) if counts == [1, 2, 1] else no(seen)


async def download_in_lab(lab: Laboratory) -> int:
    """A download of sw.js under a virtual clock; answers with the bytes that are in the cache in the end."""
    for name in ("sw.js", "names.js"):
        (lab.site / name).write_bytes((SITE / name).read_bytes())
    for path in ("/index.html", "/shell.txt"):
        lab.origin.add(path, b"a shell")
    lab.origin.add("/a", b"x" * 1000)
    window = await lab.window(worker="/sw.js")
    registration = await window.navigator.service_worker.ready
    await registration.background_fetch.fetch("a", "/a")
    await lab.user_agent.settled()
    return await kept(window, "/a")


def stops_worker_at_await(bench: Bench) -> Seen:
    sweep = stop_worker_everywhere(download_in_lab, events={"backgroundfetchsuccess"})
    lines = sorted({death.line for death in sweep.deaths if death.line is not None})
    seen = (
        f"stop_worker_everywhere() stopped it {len(sweep.deaths)} times, at each call of the success handler (lines "
        f"{', '.join(map(str, lines))}); the event came again, and {len(sweep.differences)} times the outcome differed."
    )
    return yes(seen) if lines and not sweep else no(seen)


def finds_losing_await(bench: Bench) -> Seen:
    async def story(lab: Laboratory) -> str:
        (lab.site / "forgetful.js").write_bytes((SITE / "forgetful.js").read_bytes())
        window = await lab.window(worker="/forgetful.js")
        registration = await window.navigator.service_worker.ready
        for name in ("a", "b"):
            lab.origin.add(f"/{name}", b"x" * 1000)
            await registration.background_fetch.fetch(name, f"/{name}")
            await lab.user_agent.settled()
        text: str = await (await window.caches.match("/count")).text()
        return text

    sweep = stop_worker_everywhere(story, events={"backgroundfetchsuccess"})
    if not sweep:
        return no(
            f"A worker that counts in a global was stopped {len(sweep.deaths)} times, and nothing was found."
        )
    first = sweep.differences[0]
    return yes(f"{repr(sweep).strip('<>')}. The first: {first.death.where}: {first.changes[0].strip()}.")


def virtual_time(bench: Bench) -> Seen:
    async def story() -> tuple[int, int]:
        async with laboratory() as lab:
            for name in ("sw.js", "names.js"):
                (lab.site / name).write_bytes((SITE / name).read_bytes())
            for path in ("/index.html", "/shell.txt", "/file/minutes-later", "/file/sync-never"):
                lab.origin.add(path, b"1")
                lab.origin.add(f"{path}?size=1", b"1")
            window = await lab.window(worker="/sw.js")
            registration = await window.navigator.service_worker.ready
            await registration.sync.register("never")
            registration.active.post_message({"wait": MINUTES, "name": "minutes-later"})
            await trio.sleep(2 * AN_HOUR)
            asked = [request.path.partition("?")[0] for request in lab.origin.requests]
            return asked.count("/file/minutes-later"), asked.count("/file/sync-never")

    begun = time.perf_counter()
    timers, tries = run(story)
    seen = (
        f"Two hours took {time.perf_counter() - begun:.1f} s: the worker's timer of four minutes "
        f"{'fired' if timers else 'did not fire'}; a sync that failed was tried {tries} times."
    )
    return yes(seen) if timers == 1 and tries == 3 else no(seen)


def traced(seed: int) -> str:
    """A run with a server that breaks the connection, and its trace."""

    async def story() -> str:
        async with laboratory(seed=seed) as lab:
            lab.origin.add("/b", b"x" * 500_000, drop_after=123_456)
            lab.user_agent.network.conditions = "fast-3g"
            await download_in_lab(lab)
            registration = await (await lab.window(worker="/sw.js")).navigator.service_worker.ready
            await registration.background_fetch.fetch("b", ["/b", "/a"])
            await lab.user_agent.settled()
            return "\n".join(json.dumps(line) for line in lab.trace)

    return run(story)


def same_seed_same_run(bench: Bench) -> Seen:
    one_run = "from benchmarks.peers.swruntime_itself import traced; print(traced({seed}))"
    traces = [
        subprocess.run(
            [sys.executable, "-c", one_run.format(seed=seed)],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
        ).stdout
        for seed in (1, 1, 1, 2)
    ]
    lines = traces[0].count("\n")
    same = len(set(traces[:3])) == 1
    seen = (
        f"Three processes with the same seed, a download that breaks included: {'the same' if same else 'different'} "
        f"{lines} lines of trace, byte for byte; another seed gave {'others' if traces[3] != traces[0] else 'these'}."
    )
    return yes(seen) if same and traces[3] != traces[0] else no(seen)


async def user_controls(bench: Bench) -> Seen:
    async with bench.visit() as (agent, window, registration):
        fetch = await registration.background_fetch.fetch("it", f"/file/it?size={4 * MIB}&rate={MIB}")
        (shown,) = agent.background_fetches
        await agent.until(lambda line: line["kind"] == "fetch.progress" and line["downloaded"] > 0)
        await shown.pause()
        before = fetch.downloaded
        await trio.sleep(0.5)
        paused = fetch.downloaded == before
        await shown.resume()
        await shown.click()
        await shown.abort()
        await agent.settled()
        came = [name for name in ("click", "abort") if await noted(window, name) == "it"]
        reason = fetch.failure_reason
    seen = (
        f"pause() {'held it' if paused else 'did not hold it'}, resume() let it go on, and the worker got "
        f"{' and '.join(f'backgroundfetch{name}' for name in came)}; its failureReason is {reason}."
    )
    return yes(seen) if paused and came == ["click", "abort"] and reason == "aborted" else no(seen)


async def permission_and_quota(bench: Bench) -> Seen:
    said = "it began"
    async with bench.visit(permission="denied") as (_, _window, registration):
        try:
            await registration.background_fetch.fetch("denied", "/file/denied?size=1000")
        except swruntime.NotAllowedError as error:
            said = type(error).__name__
    async with bench.visit(quota=500_000) as (agent, _window, registration):
        fetch = await registration.background_fetch.fetch("large", f"/file/large?size={3 * MIB}")
        await agent.settled()
        reason = fetch.failure_reason
    seen = f"Permission denied: {said}. Quota of 500 kB: {reason}."
    return yes(seen) if (said, reason) == ("NotAllowedError", "quota-exceeded") else no(seen)


async def fires_events(bench: Bench) -> Seen:
    async with bench.visit() as (agent, window, registration):
        subscription = await registration.push_manager.subscribe(user_visible_only=True)
        await agent.push(subscription, "it rains")
        await agent.sync(registration, "outbox")
        await agent.periodic_sync(registration, "news")
        came = [await noted(window, name) for name in ("push", "sync", "periodicsync")]
    seen = f"push(), sync(), periodic_sync(): the worker wrote down {', '.join(map(repr, came))}."
    return yes(seen) if came == ["it rains 1", "outbox", "news"] else no(seen)


async def names_losing_line(bench: Bench) -> Seen:
    lines: list[Any] = []
    async with bench.visit("/careless.js", on_trace=lines.append) as (agent, _window, registration):
        await registration.background_fetch.fetch("lost", "/file/lost?size=1000")
        await agent.settled()
    told = [line for line in lines if line["kind"] == "diagnostic" and "careless.js" in str(line["where"])]
    if not told:
        return no("Nothing was said of careless.js.")
    return yes("; ".join(f"{line['code']} at {str(line['where']).rsplit('/', 1)[-1]}" for line in told))


def works_without_browser(bench: Bench) -> Seen:
    url, where = "/file/alone?size=1000", ["--profile", str(bench.folder / "alone"), "--origin", bench.origin]
    done = subprocess.run(
        command("fetch", str(SITE), "alone", url, *where),
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": ""},
    )
    if done.returncode:
        return no(f"With an empty PATH: {done.stderr.strip().splitlines()[-1]}")
    return yes(
        "With an empty PATH a background fetch ended, and its event reached sw.js; Deno came with pip."
    )


async def renders_pages(bench: Bench) -> Seen:
    async with bench.visit() as (_, window, _registration):
        try:
            window.document  # noqa: B018 - to see what it says
        except AttributeError as error:
            return no(f"window.document: {error}")
    return partly("A window has a document, and nothing is drawn.")


async def real_browser(bench: Bench) -> Seen:
    async with bench.visit() as (_, window, _registration):
        agent = window.navigator.user_agent
    return no(
        f'navigator.userAgent is "{agent}": sw.js runs in Deno, and the platform around it is emulated.'
    )


def several_engines(bench: Bench) -> Seen:
    from deno import find_deno_bin  # type: ignore[import-untyped]

    version = subprocess.run(
        [find_deno_bin(), "--version"], check=True, capture_output=True, text=True
    ).stdout
    return no(f"One engine, {', '.join(version.splitlines()[:2])}.")


async def first_event(bench: Bench) -> Seen:
    async with bench.visit():
        return yes("The install event came.")


CELLS: dict[str, Callable[[Bench], Any]] = {
    cell.__name__: cell
    for cell in (
        runs_your_worker,
        has_background_fetch,
        downloads_in_test,
        cuts_network,
        survives_kill,
        stops_worker_between_events,
        stops_worker_at_await,
        finds_losing_await,
        virtual_time,
        same_seed_same_run,
        user_controls,
        permission_and_quota,
        fires_events,
        names_losing_line,
        works_without_browser,
        renders_pages,
        real_browser,
        several_engines,
        first_event,
    )
}


def tried(name: str, bench: Bench) -> Seen:
    """Run one cell: those that need a clock of their own are plain functions, the others run under Trio."""
    cell = CELLS[name]
    with contextlib.redirect_stdout(sys.stderr):
        seen: Seen = trio.run(cell, bench) if inspect.iscoroutinefunction(cell) else cell(bench)
    return seen


if __name__ == "__main__":
    here = Bench(os.environ["PEERS_ORIGIN"], Path(os.environ["PEERS_FOLDER"]))
    print(json.dumps(attrs.asdict(tried(sys.argv[1], here))))
