"""Runs scripts in one Deno process whose IndexedDB is ours, the Python side included, over pipes of JSON lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from contextlib import aclosing
from pathlib import Path
from typing import Any

import trio

from swruntime.agent.controls import StorageControl
from swruntime.agent.indexed_dbs import IndexedDBs
from swruntime.errors import DOMException
from swruntime.realms.javascript.indexed_db import IndexedDB
from swruntime.storage import memory_store

KEY = "https://a.example"
HARNESS = Path(__file__).parent / "indexeddb_harness.js"
QUOTA = 8_000_000


def deno() -> str:
    found = shutil.which(
        "deno", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    )
    assert found is not None, "the wheel deno is not installed"
    return found


def run_cases(cases: dict[str, str]) -> dict[str, Any]:
    """What each script (the body of an async function) returns; a str that begins with "!" where it throws."""
    return trio.run(_run, cases)


async def _run(cases: dict[str, str]) -> dict[str, Any]:
    process = await trio.lowlevel.open_process(
        [deno(), "run", "--no-prompt", "--quiet", str(HARNESS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with trio.fail_after(120):
            async with trio.open_nursery() as nursery:
                session = _Session(process.stdin, nursery)
                results = {}
                async with aclosing(_lines(process.stdout)) as lines:
                    for title, script in cases.items():  # one after the other: a case that hangs is known
                        await session.send({"title": title, "script": script})
                        results[title] = await session.until_done(lines)
                nursery.cancel_scope.cancel()
    finally:
        process.kill()
        await process.wait()
    return results


class _Session:
    def __init__(self, to: trio.abc.SendStream, nursery: trio.Nursery) -> None:
        self._to, self._nursery = to, nursery
        self._lock = trio.Lock()
        self._store = memory_store()
        self._shared = IndexedDBs(self._store)
        self._realms: dict[int, IndexedDB] = {}

    async def send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message, default=lambda value: {"$b": b64encode(value).decode()}).encode() + b"\n"
        async with self._lock:
            await self._to.send_all(data)

    def realm(self, number: int) -> IndexedDB:
        if number not in self._realms:

            def tell(message: dict[str, Any]) -> None:
                self._nursery.start_soon(self.send, {"realm": number, "tell": message})

            quota = StorageControl(self._store, QUOTA, KEY)
            self._realms[number] = IndexedDB(self._shared, quota, KEY, tell)
        return self._realms[number]

    async def until_done(self, lines: Any) -> Any:
        async for line in lines:
            message = json.loads(line, object_hook=lambda o: b64decode(o["$b"]) if o.keys() == {"$b"} else o)
            if "op" in message:
                try:
                    awaitable = self.realm(message["realm"]).call(message["op"], message["args"])
                except DOMException as error:
                    await self._fail(message["id"], error)
                else:
                    self._nursery.start_soon(self._answer, message["id"], awaitable)
            elif "kill" in message:
                self.realm(message["kill"]).close()
            elif "error" in message:
                return f"!{message['error']}"
            else:
                return message["value"]
        raise AssertionError("the process ended")

    async def _answer(self, number: int, awaitable: Any) -> None:
        try:
            value = await awaitable
        except DOMException as error:
            await self._fail(number, error)
        else:
            await self.send({"id": number, "value": value})

    async def _fail(self, number: int, error: DOMException) -> None:
        await self.send({"id": number, "error": {"name": error.name, "message": str(error)}})


async def _lines(stream: trio.abc.ReceiveStream) -> Any:
    rest = b""
    async for piece in stream:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line
