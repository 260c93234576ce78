"""A monitor beside a run: what it finds is told at the end, and never comes in the way of what it watches."""

from __future__ import annotations

from swruntime.errors import TraceViolation
from swruntime.monitor.trace_fetch import Line
from swruntime.monitor.trace_monitor import TraceMonitor


class Checked:
    """Keeps the first violation until `finish` raises it; after one nothing more is looked at."""

    def __init__(self) -> None:
        self._monitor = TraceMonitor()
        self.violation: TraceViolation | None = None

    def see(self, line: Line) -> None:
        """The next line. Raises nothing: it is called in the middle of whatever emits the line."""
        if self.violation is None:
            try:
                self._monitor(line)
            except TraceViolation as violation:
                self.violation = violation

    def finish(self, *, complete: bool = True) -> None:
        """The agent was closed. Raises the TraceViolation, if there was one."""
        if self.violation is not None:
            raise self.violation
        self._monitor.finish(complete=complete)
