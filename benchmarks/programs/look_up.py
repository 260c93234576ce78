"""Look entries up in the cache that make_entries.py made: SITE N WHAT.

WHAT is `match` (one entry, its query ignored) or `keys` (all of them). Prints seconds of the clock and of the processor
for each call, as JSON.
"""

import json
import sys
import time
from pathlib import Path

import trio

import swruntime

CALLS = {"match": 20, "keys": 1}


async def main(site: Path, number: int, what: str) -> None:
    async with swruntime.open_user_agent(site=site, profile=site / ".swruntime") as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("entries")
        calls = CALLS[what]
        began, processor = time.perf_counter(), time.process_time()
        for n in range(calls):
            if what == "keys":
                found = len(await cache.keys())
            else:
                asked = n * number // calls
                response = await cache.match(f"/entries/{asked}?another", ignore_search=True)
                found = 0 if response is None else number
            if found != number:
                raise SystemExit(f"{found} of {number} entries are found")
        wall, cpu = time.perf_counter() - began, time.process_time() - processor
    print(json.dumps({"wall": wall / calls, "cpu": cpu / calls}))


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
