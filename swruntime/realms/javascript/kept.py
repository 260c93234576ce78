"""Tells what a JavaScript worker keeps in the globals of its script, where it should not.

Two things are told, as of a Python worker (`swruntime.realms.python.global_state`). A MessagePort that is in a global
when its worker is stopped, while its other end is open. And plain data that an event changed, that a later start of
the worker finds as it was at first, and that an event then reads. To see that read, such a global is an accessor of
the global object until then, which a `let` or `const` would hide: in that start, and of that name, it is a `var`.

It is a memo, and right, where the same top-level statement fills it, or an event of the same type changed it; what it
counts up is not. Only classic scripts of one file are looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from swruntime.realms.javascript.global_state import Globals, counts, fills, globals_of, with_var
from swruntime.realms.javascript.messages import WireError
from swruntime.realms.javascript.places import Places
from swruntime.realms.javascript.shapes import shown as shortened
from swruntime.realms.python.message_ports import MessagePort

if TYPE_CHECKING:
    from swruntime.realms.javascript.engine import Engine
    from swruntime.realms.javascript.worker_realm import JavaScriptWorkerRealm

_SHOWN = 80
"""Characters of a value in a message."""


@attrs.frozen
class Lost:
    """A global that events of the types `changed_in` had changed when its worker was stopped."""

    first: str
    last: str
    changed_in: frozenset[str]


@attrs.frozen
class _Left:
    """What a stop has lost, and of which script: another text has other globals."""

    source: str
    lost: dict[str, Lost]


@attrs.frozen
class _Read:
    where: str | None
    event: str | None
    line: int
    column: int


class KeptState:
    """Of one realm, whose script is about to be evaluated.

    Its text is `source`; what is to be evaluated is the attribute of that name.
    """

    def __init__(self, realm: JavaScriptWorkerRealm, engine: Engine, places: Places, source: str) -> None:
        self._realm = realm
        self._engine = engine
        self._places = places
        self._text = source
        self._worker = realm.own_worker
        self._globals: Globals | None = None if self._worker.type == "module" else globals_of(source)
        left = self._worker.lost
        same = isinstance(left, _Left) and left.source == source and self._globals is not None
        self._lost = dict(left.lost) if isinstance(left, _Left) and same else {}
        self._first: dict[str, str | None] = {}
        self._now: dict[str, str | None] = {}
        self._changed_in: dict[str, frozenset[str]] = {}
        self._ports: dict[str, list[int]] = {}
        self._reads: dict[str, _Read] = {}
        declared = self._globals.names if self._globals is not None else {}
        self.source = with_var(source, [declared[name] for name in self._lost])
        self._constants = [name for name in self._lost if declared[name].keyword == "const"]
        self.operations: dict[str, Callable[..., Any]] = {"kept": self._changed, "kept.read": self._read}

    @property
    def frame(self) -> dict[str, Any]:
        """What the process has to know before it evaluates the script."""
        if self._globals is None or not self._globals.names:
            return {}
        return {"watch": [list(self._globals.names), list(self._lost), self._constants]}

    def started(self, first: dict[str, str | None] | None, scripts: int) -> None:
        """The script was evaluated; `first` is what its globals are, and so many scripts have been read."""
        if scripts != 1 or first is None:
            self._globals = None
            self._lost = {}
            return
        self._first = first
        self._now = dict(self._first)
        self._lost = {name: each for name, each in self._lost.items() if self._first.get(name) == each.first}

    def _changed(self, shown: dict[str, str | None], ports: dict[str, list[int]], event: int | None) -> None:
        if self._globals is None:
            return
        if unknown := (shown.keys() | ports.keys()) - self._globals.names.keys():
            raise WireError(f"{shortened(sorted(unknown))} are not globals of the script")
        type = self._engine.lifetimes.type_of(event)
        for name, text in shown.items():
            self._now[name] = text
            if type is not None:
                self._changed_in[name] = self._changed_in.get(name, frozenset()) | {type}
        self._ports |= ports

    def _read(self, name: str, event: int | None, line: int, column: int) -> None:
        if name in self._lost:
            where, type = self._realm.context.where(), self._engine.lifetimes.type_of(event)
            self._reads[name] = _Read(where, type, line, column)

    def event_ended(self) -> None:
        """An event has ended well: tell what it read and should not have."""
        reads, self._reads = self._reads, {}
        for name, read in reads.items():
            if read.where is not None and self._is_wrong(name, read):
                lost = self._lost[name]
                text = f"{name} is {_short(lost.first)} again: it was {_short(lost.last)} when the worker was stopped"
                self._realm.context.diagnose("state-only-in-globals", text, read.where)

    def _is_wrong(self, name: str, read: _Read) -> bool:
        if self._globals is None or read.event is None:
            return False
        if self._now.get(name) != self._first.get(name):
            return _is_number(self._lost[name].first) and counts(self._globals.line(read.line), name)
        if read.event in self._lost[name].changed_in:
            return False
        return fills(name).search(self._globals.statement(read.line, read.column)) is None

    def stopped(self) -> None:
        """The realm is about to be discarded. What becomes of a worker that has no next start is no matter."""
        if self._globals is None:
            return
        # What an earlier stop has lost, and nobody asked for since, is lost still.
        lost = dict(self._lost)
        for name, types in self._changed_in.items():
            first, last = self._first.get(name), self._now.get(name)
            if name in self._globals.names and first is not None and last is not None and first != last:
                before = lost.get(name)
                earlier = frozenset() if before is None else before.changed_in
                lost[name] = Lost(first, last, types | earlier)
        self._worker.lost = _Left(self._text, lost)
        if self._worker.state != "activated" or self._realm.agent.services.closing:
            return
        for name, numbers in self._ports.items():
            if any(map(self._is_open, numbers)):
                text = (
                    f"the worker is stopped, and with it the MessagePort in {name}, whose other end is open"
                )
                where = self._places.place([self._worker.script_url, *self._globals.filled_at(name)])
                self._realm.context.diagnose("port-held-across-restart", text, where)

    def _is_open(self, number: int) -> bool:
        port = self._engine.handles.get(number)
        if not isinstance(port, MessagePort) or port._port is None:
            return False
        peer = port._port.peer
        return peer is not None and peer not in [each._port for each in self._realm.ports]


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
