"""Fetches of a script, and bodies that it reads piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import attrs

from swruntime.agent.promise import Promise
from swruntime.realms.javascript.values import WireError, read_request
from swruntime.realms.python.abort import AbortSignal
from swruntime.realms.python.body_sources import Pump, operation_pump
from swruntime.realms.python.fetching import fetch_concept
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response

if TYPE_CHECKING:
    from swruntime.realms.javascript.engine import Engine


class Bodies:
    """What a realm's script reads and fetches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pumps: dict[int, Pump | None] = {}
        self._signals: WeakValueDictionary[object, AbortSignal] = WeakValueDictionary()
        """Of the fetches that are not over, by the number that the process gave, where it gave one."""
        self.operations: dict[str, Callable[..., Any]] = {
            "fetch": self._fetch,
            "abort": self._abort,
            "body.read": self._read,
            "body.cancel": self._cancel,
            "body.clone": self._clone,
        }

    def released(self, number: int) -> None:
        """The process has forgotten a request or a response: nobody reads its body any more."""
        pump = self._pumps.pop(number, None)
        if pump is not None:
            pump.cancel()

    def close(self) -> None:
        """The process is gone: nobody reads any of them, and nobody waits for an answer."""
        for number in tuple(self._pumps):
            self.released(number)
        for signal in list(self._signals.values()):
            signal._signal_abort(None)

    def _fetch(self, wire: dict[str, Any], abort: int | None = None) -> Promise[Response]:
        context = self._engine.realm.context
        if abort in self._signals:
            raise WireError(f"the number {abort} of a fetch is in use")
        request = read_request(self._engine, wire)
        concept = attrs.evolve(request._concept, client=context.environment)
        signal = AbortSignal._of(context)
        self._signals[object() if abort is None else abort] = signal
        return fetch_concept(self._engine.realm, concept, request._take_source(), signal)

    def _abort(self, number: int) -> None:
        signal = self._signals.pop(number, None)
        if signal is not None:
            signal._signal_abort(None)

    def _holder(self, number: int) -> Request | Response:
        holder = self._engine.object(number, object)
        if not isinstance(holder, Request | Response):
            raise WireError(f"{number} is neither a request nor a response")
        return holder

    def _read(self, number: int) -> Promise[bytes | None]:
        context = self._engine.realm.context
        if number not in self._pumps:
            source = self._holder(number)._take_visible_source()
            self._pumps[number] = None if source is None else operation_pump(context, source)
        pump = self._pumps[number]

        async def read() -> bytes | None:
            outgoing = self._engine.channel.outgoing
            if outgoing.too_much:
                await outgoing.until_less()
            return None if pump is None else await pump.receive()

        return context.promise(read, name="Response.body")

    def _cancel(self, number: int) -> None:
        pump = self._pumps.pop(number, None)
        if pump is not None:
            pump.cancel()
        elif (source := self._holder(number)._take_visible_source()) is not None:
            source.close()

    def _clone(self, number: int, new: int) -> None:
        """Make a clone known by a number that the process has chosen, without waiting."""
        self._engine.handles.require_free(new)
        self._engine.handles.put(new, self._holder(number).clone(), mentions=1)
