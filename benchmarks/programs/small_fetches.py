"""Background fetches of one small body, one after the other, in one process that stays: URL SITE WORKER.

A line of standard input, `NAME N`, asks for N of them; a line of standard output answers it: the milliseconds of each,
from the call of fetch() to the end of its event, and the digest (of bench.py) of what the worker's cache has at
the end.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import trio

import swruntime


async def main(url: str, site: Path, worker: str) -> None:
    origin = "/".join(url.split("/")[:3])
    send, receive = trio.open_memory_channel[dict[str, Any]](100)

    def see(line: Any) -> None:
        if line["kind"] == "event.end" and line["name"].startswith("backgroundfetch"):
            send.send_nowait(dict(line))

    async with swruntime.open_user_agent(
        site=site, origin=origin, profile=site / ".profile", on_trace=see
    ) as agent:
        window = await agent.open_window("/page.html")
        container = window.navigator.service_worker
        await container.register(f"/{worker}")
        registration = await container.ready
        await agent.settled()
        while asked := (await trio.to_thread.run_sync(sys.stdin.readline)).split():
            name, number = asked[0], int(asked[1])
            taken = []
            for n in range(number):
                began = time.perf_counter()
                await registration.background_fetch.fetch(f"{name}-{n}", [url])
                line = await receive.receive()
                taken.append((time.perf_counter() - began) * 1000)
                if (line["name"], line["outcome"]) != ("backgroundfetchsuccess", "fulfilled"):
                    raise SystemExit(f"{line['name']} ended {line['outcome']}")
            body = await (await (await window.caches.open("kept")).match(url)).array_buffer()
            digest = hashlib.sha256(hashlib.sha256(bytes(body)).digest()).hexdigest()
            print(json.dumps({"ms": taken, "digest": digest}), flush=True)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], Path(sys.argv[2]), sys.argv[3])
