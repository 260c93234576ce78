"""Side three: a trace, held against specs/ line by line as it comes.

Memory does not grow with the trace: of each background fetch that is not over its state and its last few lines are
kept, of each registration where its workers may be, and of the rest a count.
"""

from __future__ import annotations

from collections import OrderedDict

from swruntime.errors import TraceViolation
from swruntime.monitor.trace_fetch import Broken, FetchWatch, Line
from swruntime.monitor.trace_worker import ScopeWatch

MOST_OVER = 1000
"""So many background fetches that are over are remembered, so that a line which comes too late is known as such."""


class TraceMonitor:
    """A sink for a trace: raises TraceViolation for the first line that breaks a rule."""

    def __init__(self) -> None:
        self._fetches: dict[int, FetchWatch] = {}
        self._over: OrderedDict[int, bool] = OrderedDict()
        """By number; whether its event may still come."""
        self._scopes: dict[str, ScopeWatch] = {}
        self._online = True
        self._owes: FetchWatch | None = None
        """A background fetch whose records have to be released in the next line."""
        self._late: dict[int, FetchWatch] = {}
        """Those that had to be, and may still be: but not at the end of a trace that is complete."""
        self._time = 0.0
        self._opened = False
        self._trace = Broken()

    def __call__(self, line: Line) -> None:
        """The next line. Raises TraceViolation."""
        self._trace.note(line)
        kind = line["kind"]
        self._in_time(line)
        self._release(line)
        if kind == "agent.open":
            self._open()
        elif "fetch" in line:
            self._of_fetch(line)
        if kind.startswith(("worker.", "event.")):
            self._scope(line).take(line)
        elif kind == "network.change":
            self._network(line)
        elif kind == "user.action" and line.get("id") is not None:
            for fetch in self._fetches.values():
                if fetch.key == (line["scope"], line["id"]):
                    fetch.asked = line["action"]

    def finish(self, *, complete: bool = True) -> None:
        """The trace is over. Raises TraceViolation where something that must have ended has not.

        `complete` False: its process was killed, so anything may be left open.
        """
        if complete:
            for owes in (self._owes, *self._late.values()):
                if owes is not None:
                    raise self._not_released(owes)
            for scope in self._scopes.values():
                scope.finish()

    def _release(self, line: Line) -> None:
        if line["kind"] == "fetch.release":
            self._late.pop(line["fetch"], None)
        owes, self._owes = self._owes, None
        if owes is None or line["kind"] == "agent.open":
            return  # what a process that has died owed is seen in what the next one tells
        closed = line["kind"] == "worker.stop" and line["reason"] == "the agent was closed"
        if closed or line["kind"] == "diagnostic":
            # The disk has failed, and ended the agent; or it is full, which was told, and it is tried again.
            self._late[owes.number] = owes
        elif line["kind"] != "fetch.release" or line["fetch"] != owes.number:
            raise self._not_released(owes)

    def _not_released(self, fetch: FetchWatch) -> TraceViolation:
        return self._trace.rule(
            f"fetch {fetch.number} was not released, and its event has ended",
            "perform a background fetch, 8.13.2: unset the records available flag",
            "https://wicg.github.io/background-fetch/#perform-a-background-fetch",
        )

    def _in_time(self, line: Line) -> None:
        if line["kind"] == "agent.open":
            self._time = line["time"]
        elif not self._opened:
            raise self._trace.rule("no agent was opened before it", "a trace begins with agent.open", None)
        if line["time"] < self._time:
            raise self._trace.rule(f"the line before it came at {self._time:g} s", "lines come in time", None)
        self._time = line["time"]

    def _open(self) -> None:
        self._opened = True
        self._online = True
        self._owes = None
        self._late.clear()
        self._scopes.clear()
        for number, fetch in list(self._fetches.items()):
            fetch.died()
            if fetch.over:
                self._forget(number)

    def _of_fetch(self, line: Line) -> None:
        number = line["fetch"]
        # A click that waited for its worker is told of after the release.
        is_late = self._over.get(number) or line.get("name") == "backgroundfetchclick"
        if number in self._over and is_late and line["kind"].startswith("event."):
            return
        if number in self._over:
            raise self._trace.rule("it is over, and nothing of it is left", "a number is used once", None)
        fetch = self._fetches.get(number)
        if fetch is None:
            fetch = self._fetches[number] = FetchWatch(line)
        key = (line["scope"], line["id"])
        if fetch.key != key:
            raise self._trace.rule(f"number {number} belongs to {fetch.key}", "a number is used once", None)
        if line["kind"] == "fetch.start":
            self._check_id(fetch, line)
        if line["kind"] == "record.start" and not self._online:
            raise self._trace.rule("the network is switched off", "a request needs the network", None)
        fetch.take(line)
        if line["kind"] == "event.end" and fetch.owes_release:
            self._owes = fetch
        if fetch.over:
            self._forget(number)

    def _check_id(self, fetch: FetchWatch, line: Line) -> None:
        others = [
            o.number
            for o in self._fetches.values()
            if o is not fetch and o.key == fetch.key and o.active and o.number > line.get("after", 0)
        ]
        if others:
            raise self._trace.rule(
                f"fetch {others[0]} has this id, and is active",
                "fetch(), 10.5: an id is that of one active background fetch",
                "https://wicg.github.io/background-fetch/#dom-backgroundfetchmanager-fetch",
            )

    def _forget(self, number: int) -> None:
        self._over[number] = self._fetches.pop(number).dropped
        if len(self._over) > MOST_OVER:
            self._over.popitem(last=False)

    def _scope(self, line: Line) -> ScopeWatch:
        return self._scopes.setdefault(line["scope"], ScopeWatch())

    def _network(self, line: Line) -> None:
        if line["action"] in ("offline", "online"):
            online = line["action"] == "online"
            if self._online is online:
                raise self._trace.rule(f"it is {line['action']} already", "a change is a change", None)
            self._online = online
