"""What is counted of a frame that a process has sent, and as what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from swruntime.agent.held import ITEM, Held
from swruntime.realms.javascript.frames import Received

CALL = 2_500
"""Bytes that are counted for a call that is under way, besides its arguments."""
FETCH = 16_000
"""Bytes that are counted for one that fetches something, instead."""
DELIVERY = 4_000
"""Bytes that are counted for a message to a worker: a task has it until the worker is free."""
POSTED = 700
"""Bytes that are counted for another message: it waits in two queues."""
LISTENER = 500
"""Bytes that are counted for a listener."""


@contextmanager
def count_frame(held: Held, frame: dict[str, Any]) -> Iterator[None]:
    """While the block runs, what the frame counts as is `held.current`.

    Whoever keeps something of it keeps that; a call is one that does. Without anyone it is over with the block.
    """
    kind, each = _counted_as(frame)
    held.current = held.charge(kind, frame.size if isinstance(frame, Received) else 0, each=each)
    try:
        yield
    finally:
        held.current = None


def _counted_as(frame: dict[str, Any]) -> tuple[str, int]:
    """What it is, and the bytes that are counted for it whatever is in it."""
    if frame["t"] == "pulled":
        return "pieces of streams that nobody reads", ITEM
    operation = frame.get("op")
    if not isinstance(operation, str):
        return "events that it handles", ITEM
    if operation.endswith(".postMessage"):
        each = DELIVERY if operation == "ServiceWorker.postMessage" else POSTED
        return "messages that nobody has taken", each
    if operation == "listen":
        return "listeners", LISTENER
    each = CALL if frame["t"] == "call" else ITEM
    if operation.startswith("idb."):
        return "requests of IndexedDB", each
    if operation == "fetch":
        each = FETCH
    if operation in ("fetch", "FetchEvent.respond", "Cache.put"):
        return "bodies of requests and responses", each
    return "calls that are under way", each
