"""A background fetch response: what has come of a record's response, and the bytes that are stored of it.

Readers stream from it while it still grows. It is only ever appended to: a record that starts over gets a new
one, and the old one becomes `redundant`, which its readers are told.

Spec: https://wicg.github.io/background-fetch/#background-fetch-response-concept
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator

import trio

from swruntime.concepts.enums import RecordResult
from swruntime.concepts.http import Response
from swruntime.errors import AbortError, BodyDamaged, NetworkTypeError
from swruntime.ports.store import Store

PIECE = 256 * 1024
"""Bytes read from storage at a time."""


def read_stored(store: Store, body: int, offset: int) -> bytes:
    """Bytes of a stored body for a script; empty at its end. Raises TypeError where they are not there any more."""
    try:
        return store.read(body, offset, PIECE)
    except BodyDamaged as damaged:
        raise NetworkTypeError(str(damaged), "the stored body is damaged") from damaged


_EXPOSED: tuple[RecordResult, ...] = ("", "success", "bad-status")


class ResponseData:
    def __init__(
        self,
        store: Store,
        response: Response | None = None,
        body: int | None = None,
        result: RecordResult = "",
        message: str | None = None,
    ) -> None:
        self.response = response
        self.result: RecordResult = result
        self.message = message
        self._body = body
        self.successor: ResponseData | None = None
        """What there is in place of what has become redundant."""
        self._holders = 0
        self._pinned = False
        self._store = store
        self._changed = trio.lowlevel.ParkingLot()

    @property
    def exposed(self) -> bool:
        """https://wicg.github.io/background-fetch/#background-fetch-response-exposed"""
        return self.result in _EXPOSED

    @property
    def body(self) -> int | None:
        """The id of the stored body; None while there is none."""
        return self._body

    def begin_body(self, body: int) -> None:
        self._body = body
        if self._holders:
            self._pin()

    def lose_body(self) -> None:
        """There was no room for it to begin."""
        self._unpin()
        self._body = None

    @property
    def length(self) -> int:
        return 0 if self.body is None else self._store.length(self.body)

    def changed(self) -> None:
        """Wake the readers: a response, bytes or a result have come."""
        self._changed.unpark_all()

    def settle(self, result: RecordResult, message: str | None) -> None:
        self.result = result
        self.message = message
        if not self.exposed:
            self._unpin()  # nobody can read it any more
        self.changed()

    def start_over(self, successor: ResponseData | None = None) -> ResponseData:
        """What came is redundant from now on. Answers with its successor, by default an empty one."""
        self.successor = successor or ResponseData(self._store)
        self.settle("redundant", None)
        return self.successor

    def error(self) -> Exception:
        """What readers get when it is not exposed: AbortError or TypeError."""
        text = f"the record ended with {self.result}" + (f": {self.message}" if self.message else "")
        if self.result == "aborted":
            return AbortError(text)
        if self.result == "redundant":
            return TypeError("the download started over: match() again for the new response")
        return NetworkTypeError(text, f"the record ended with {self.result}")

    async def wait_for_response(self) -> Response:
        """The response, at its headers. Raises AbortError or TypeError when there will be none (SPEC-NOTES 6)."""
        while self.response is None and self.result == "":
            await self._changed.park()
        if self.response is None or not self.exposed:
            raise self.error()
        return self.response

    async def wait_for_result(self) -> None:
        """Until it has a result, whichever."""
        while self.result == "":
            await self._changed.park()

    async def wait_until_settled(self) -> None:
        """Until every byte is there. Raises AbortError or TypeError when it is not exposed then."""
        await self.wait_for_result()
        if not self.exposed:
            raise self.error()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, as they come. Raises AbortError or TypeError where the rest will not come."""
        offset = 0
        while True:
            if not self.exposed:
                raise self.error()
            data = read_stored(self._store, self.body, offset) if self.body is not None else b""
            if data:
                offset += len(data)
                yield data
                await trio.lowlevel.checkpoint()
            elif self.result != "":
                return
            else:
                await self._changed.park()

    def hold(self) -> Hold:
        """Keep what is stored readable although the background fetch may be released (SPEC-NOTES 21)."""
        self._holders += 1
        if self._holders == 1:
            self._pin()
        return Hold(self)

    def _let_go(self) -> None:
        self._holders -= 1
        if self._holders == 0:
            self._unpin()

    def _pin(self) -> None:
        if self._body is not None and self.exposed and not self._pinned:
            self._pinned = True
            self._store.pin(self._body)

    def _unpin(self) -> None:
        if self._body is not None and self._pinned:
            self._pinned = False
            self._store.unpin(self._body)


class Hold:
    """Somebody reads, or may yet read, `data`; until it is closed or forgotten."""

    def __init__(self, data: ResponseData) -> None:
        self.data = data
        self._finalizer = weakref.finalize(self, data._let_go)
        self._finalizer.atexit = False

    def close(self) -> None:
        self._finalizer()
