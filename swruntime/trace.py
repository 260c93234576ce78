"""Typed trace events, and where they go.

The agent tells all that happens as a sequence of events; each becomes one line, a dict whose first keys
are `time` (seconds since the agent opened, on its clock) and `kind`. Readers ignore kinds and keys that
they do not know.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import attrs

from swruntime.concepts.diagnostics import CODES, Code
from swruntime.concepts.enums import EventOutcome, WaitReason, WorkerState
from swruntime.errors import Cause

Line = dict[str, Any]
"""One line of a trace: plain data, ready for JSON."""

Sink = Callable[[Line], None]


@attrs.frozen(kw_only=True)
class TraceEvent:
    kind: ClassVar[str]

    def line(self, time: float) -> Line:
        """This event as a line. `time` is in seconds since the agent opened."""
        return {"time": round(time, 6), "kind": self.kind, **attrs.asdict(self, recurse=False)}


@attrs.frozen(kw_only=True)
class AgentOpen(TraceEvent):
    kind = "agent.open"
    version: str
    wall: float
    origin: str
    seed: int


@attrs.frozen(kw_only=True)
class WorkerStateChange(TraceEvent):
    kind = "worker.state"
    script: str
    scope: str
    state: WorkerState


@attrs.frozen(kw_only=True)
class WorkerStart(TraceEvent):
    kind = "worker.start"
    script: str
    scope: str
    reason: str


AGENT_CLOSED = "the agent was closed"
"""Why workers stop, and realms are discarded, at the end."""


@attrs.frozen(kw_only=True)
class WorkerStop(TraceEvent):
    kind = "worker.stop"
    script: str
    scope: str
    reason: str


@attrs.frozen(kw_only=True)
class EventStart(TraceEvent):
    """`id` and `fetch` are there for the events of a background fetch alone, `tag` for those of a sync."""

    kind = "event.start"
    name: str
    scope: str
    attempt: int
    id: str | None = None
    fetch: int | None = None
    tag: str | None = None

    def line(self, time: float) -> Line:
        return _without_absent(super().line(time))


@attrs.frozen(kw_only=True)
class EventEnd(TraceEvent):
    kind = "event.end"
    name: str
    scope: str
    outcome: EventOutcome
    error: str | None = None
    where: str | None = None
    id: str | None = None
    fetch: int | None = None
    tag: str | None = None

    def line(self, time: float) -> Line:
        return _without_absent(super().line(time))


@attrs.frozen(kw_only=True)
class FetchEvent(TraceEvent):
    """Of one background fetch: `fetch` is a number, unique in the profile, because ids are used again."""

    scope: str
    id: str
    fetch: int


@attrs.frozen(kw_only=True)
class FetchStart(FetchEvent):
    """`results`, of its records, is there alone for one that an earlier process had begun.

    `after`: those up to this number are of an earlier registration of its scope, which was unregistered in use. Not
    there where there was none.
    """

    kind = "fetch.start"
    requests: tuple[str, ...]
    download_total: int
    upload_total: int
    results: tuple[str, ...] | None = None
    after: int | None = None

    def line(self, time: float) -> Line:
        line = super().line(time)
        for key in ("results", "after"):
            if line[key] is None:
                del line[key]
        return line


@attrs.frozen(kw_only=True)
class FetchPause(FetchEvent):
    kind = "fetch.pause"
    cause: str


@attrs.frozen(kw_only=True)
class FetchResume(FetchEvent):
    kind = "fetch.resume"
    cause: str


@attrs.frozen(kw_only=True)
class FetchProgress(FetchEvent):
    kind = "fetch.progress"
    downloaded: int
    uploaded: int


@attrs.frozen(kw_only=True)
class FetchSettle(FetchEvent):
    kind = "fetch.settle"
    result: str
    failure_reason: str
    downloaded: int
    cause: str | None = None
    message: str | None = None


@attrs.frozen(kw_only=True)
class FetchRelease(FetchEvent):
    kind = "fetch.release"
    cause: str


@attrs.frozen(kw_only=True)
class RecordEvent(FetchEvent):
    index: int
    url: str


@attrs.frozen(kw_only=True)
class RecordStart(RecordEvent):
    kind = "record.start"
    range_start: int
    attempt: int


@attrs.frozen(kw_only=True)
class RecordWait(RecordEvent):
    kind = "record.wait"
    reason: WaitReason
    until: float | None = None
    message: str | None = None


@attrs.frozen(kw_only=True)
class RecordSettle(RecordEvent):
    kind = "record.settle"
    result: str
    status: int | None
    bytes: int
    cause: Cause | None = None
    message: str | None = None


@attrs.frozen(kw_only=True)
class UserAction(TraceEvent):
    """`action` is pause, resume, abort, click, drop, retry, grant, refuse, stop-worker, permission-STATE, push,
    push-refresh, push-expire, sync or periodic-sync."""

    kind = "user.action"
    action: str
    scope: str | None = None
    id: str | None = None


@attrs.frozen(kw_only=True)
class NotificationUserAction(UserAction):
    """`action` is notification-click or notification-close; `choice` the name of the action that was clicked."""

    notification: int
    title: str
    choice: str = ""


@attrs.frozen(kw_only=True)
class NotificationShow(TraceEvent):
    """`notification` is a number, unique in the profile."""

    kind = "notification.show"
    scope: str
    notification: int
    title: str
    body: str
    tag: str


@attrs.frozen(kw_only=True)
class NotificationClose(TraceEvent):
    """`cause` is user, script, replaced or cleared."""

    kind = "notification.close"
    scope: str
    notification: int
    title: str
    cause: str


@attrs.frozen(kw_only=True)
class NetworkChange(TraceEvent):
    """`action` is offline, online, or conditions with their name; that is the user's switch.

    reachable is the machine's own network: `name` is the origin that answers again, or takes connections again, or
    "route" where the system told.
    """

    kind = "network.change"
    action: str
    name: str | None = None


@attrs.frozen(kw_only=True)
class Console(TraceEvent):
    """`cut` is there alone where the text is not whole: how many characters more the script has printed."""

    kind = "console"
    level: str
    text: str
    where: str | None = None
    cut: int | None = None

    def line(self, time: float) -> Line:
        line = super().line(time)
        if line["cut"] is None:
            del line["cut"]
        return line


@attrs.frozen(kw_only=True)
class Diagnostic(TraceEvent):
    """`code` is a name in `swruntime.concepts.diagnostics.CODES`; `where` is "file:line" of a script."""

    kind = "diagnostic"
    code: str = attrs.field(validator=attrs.validators.in_(CODES))
    message: str
    where: str | None = None


def script_diagnostic(line: Line) -> Code | None:
    """The code of a line that is a diagnostic about a script; None for every other line."""
    code = CODES.get(line["code"]) if line["kind"] == "diagnostic" else None
    return code if code is not None and code.about == "script" else None


def explained(line: Line, code: Code) -> str:
    """A diagnostic in a line: where, what was seen, why it matters, what to write instead."""
    where = f"{line['where']}: " if line["where"] else ""
    return f"{where}{line['message']} [{code.name}]. Why: {code.why}. Instead: {code.advice(line['where'])}."


class Trace:
    """Hands every event to its sinks as a line. `clock` gives the seconds since the agent opened."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sinks: list[Sink] = []
        self._last = 0.0

    def add_sink(self, sink: Sink) -> None:
        self._sinks.append(sink)

    def remove_sink(self, sink: Sink) -> None:
        self._sinks.remove(sink)

    @property
    def sinks(self) -> tuple[Sink, ...]:
        return tuple(self._sinks)

    def emit(self, event: TraceEvent) -> None:
        self._last = self._clock()
        self._hand_out(event)

    def emit_now(self, event: TraceEvent) -> None:
        """From a thread that has no clock: at the time of the last line."""
        self._hand_out(event)

    def _hand_out(self, event: TraceEvent) -> None:
        line = event.line(self._last)
        for sink in tuple(self._sinks):
            sink(line)


def to_json(line: Line) -> str:
    """A line as JSON, the same bytes for the same line in every process.

    It is ASCII: the control characters in it are escapes, and a terminal shows them as such.
    """
    return json.dumps(line, separators=(",", ":"))


def _without_absent(line: Line) -> Line:
    if line["fetch"] is None:
        del line["id"], line["fetch"]
    if line["tag"] is None:
        del line["tag"]
    return line
