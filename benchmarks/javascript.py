"""A worker in JavaScript that is stopped and started again, and messages to one that runs: how long?

    python benchmarks/javascript.py [--number 20]

Tells milliseconds, the median of so many: from a message that starts the worker to the first line of its handler, and
to the answer at the page; the same while it runs, which is a frame there and back; the same of a worker in Python;
and seconds for a file that a handler streams into a cache. No timing is asserted.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

import swruntime

JAVASCRIPT = """
self.oninstall = () => skipWaiting();
self.onmessage = (event) => {
    console.log("first line");
    event.source.postMessage(event.data);
};
self.onsync = (event) => event.waitUntil(keep());
async function keep() {
    const [cache, response] = [await caches.open("kept"), await fetch("/file.bin")];
    await cache.put("/kept", new Response(response.body.pipeThrough(new TransformStream()), response));
}
"""
PYTHON = """
def oninstall(event):
    skip_waiting()

def onmessage(event):
    print("first line")
    event.source.post_message(event.data)
"""
FILE = 128 * 2**20


class Bench:
    """A page and its worker."""

    def __init__(self, agent: Any, registration: Any, answers: trio.MemoryReceiveChannel[Any]) -> None:
        self.agent = agent
        self.registration = registration
        self._answers = answers
        self.first_line = 0.0

    def see(self, line: Any) -> None:
        if line["kind"] == "console":
            self.first_line = time.perf_counter()

    async def message(self) -> tuple[float, float]:
        """Seconds from a message to the handler's first line, and to its answer."""
        began = time.perf_counter()
        self.registration.active.post_message("message")
        await self._answers.receive()
        return self.first_line - began, time.perf_counter() - began

    async def stopped(self) -> None:
        await self.agent.terminate_worker(self.registration)
        await self.agent.settled()
        await trio.sleep(
            0.2
        )  # until the next process is ready, as between two events of a site that is in use


@asynccontextmanager
async def bench(name: str, script: str) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        site.mkdir()
        (site / name).write_text(script)
        with (site / "file.bin").open("wb") as file:
            file.truncate(FILE)
        send, receive = trio.open_memory_channel[Any](1)
        sees: list[Callable[[Any], None]] = []

        def see(line: Any) -> None:
            for each in sees:
                each(line)

        async with swruntime.open_user_agent(
            site=site, profile=Path(folder) / "profile", on_trace=see
        ) as agent:
            window = await agent.open_window("/")
            container = window.navigator.service_worker
            container.add_event_listener("message", lambda event: send.send_nowait(event.data))
            container.start_messages()
            await container.register(f"/{name}")
            found = Bench(agent, await container.ready, receive)
            sees.append(found.see)
            await agent.settled()
            yield found


def median(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.1f} ms"


async def measure(name: str, script: str, number: int) -> None:
    async with bench(name, script) as found:
        started, running = [], []
        for _ in range(number):
            await found.stopped()
            started.append(await found.message())
        for _ in range(number):
            running.append(await found.message())
        for what, times in (("started for it", started), ("running", running)):
            lines, answers = zip(*times, strict=True)
            print(f"{name}, {what}: {median(lines)} to the first line, {median(answers)} to the answer")


async def stream() -> None:
    async with bench("sw.js", JAVASCRIPT) as found:
        began, processor = time.perf_counter(), time.process_time()
        await found.agent.sync(found.registration, "stream")
        seconds, own = time.perf_counter() - began, time.process_time() - processor
        print(
            f"{FILE // 2**20} MiB through a handler: {seconds:.1f} s, {own:.1f} s of the runtime's processor time"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=20)
    number = parser.parse_args().number
    for name, script in (("sw.js", JAVASCRIPT), ("worker.py", PYTHON)):
        trio.run(measure, name, script, number)
    trio.run(stream)


if __name__ == "__main__":
    main()
