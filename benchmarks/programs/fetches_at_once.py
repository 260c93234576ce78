"""Background fetches at once, offline, of one URL each: FOLDER N.

Prints seconds of the clock and of the processor for each call of fetch(), as JSON, while the ones before it are active.
"""

import json
import sys
import time
from pathlib import Path

import trio

import swruntime


async def main(folder: Path, number: int) -> None:
    site = folder / "site"
    site.mkdir()
    (site / "worker.py").write_text("")
    async with swruntime.open_user_agent(site=site, profile=folder / "profile") as agent:
        window = await agent.open_window("/")
        container = window.navigator.service_worker
        await container.register("/worker.py")
        manager = (await container.ready).background_fetch
        await agent.settled()
        agent.network.go_offline()
        began, processor = time.perf_counter(), time.process_time()
        for n in range(number):
            await manager.fetch(f"{n}", [f"/{n}.bin"])
        wall, cpu = time.perf_counter() - began, time.process_time() - processor
        if len(await manager.get_ids()) != number:
            raise SystemExit("not all of them are active")
    print(json.dumps({"wall": wall / number, "cpu": cpu / number}))


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
