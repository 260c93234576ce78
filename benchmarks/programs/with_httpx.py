"""What a user would write with httpx: each URL to its file, six at once, synced. Arguments: URL FILE URL FILE ..."""

import os
import sys

import httpx
import trio


async def one(client: httpx.AsyncClient, limit: trio.Semaphore, url: str, path: str) -> None:
    async with limit, client.stream("GET", url) as response:
        response.raise_for_status()
        with open(path, "wb") as file:  # noqa: ASYNC230 -- as a user would
            async for chunk in response.aiter_raw():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())


async def main() -> None:
    limit = trio.Semaphore(6)
    async with httpx.AsyncClient() as client, trio.open_nursery() as nursery:
        for url, path in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
            nursery.start_soon(one, client, limit, url, path)


trio.run(main)
