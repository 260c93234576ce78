"""A trace that is there already, held against the standards' state machines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from swruntime.errors import UsageError
from swruntime.monitor.trace_monitor import TraceMonitor
from swruntime.trace import Line


def check_trace(trace: Iterable[Line] | Path | str, *, complete: bool = False) -> int:
    """Hold a trace against specs/, and answer with the number of its lines.

    trace: the lines, as dicts; or the path of a file of them, one JSON object a line, as --trace writes it.
    complete: the agent was closed before the trace ends, so whatever is open in the end is a violation too.

    Raises TraceViolation, which names the step that is broken, its anchor, and the lines that led there; UsageError
    for a file that is no trace. Lines of kinds that are not known are let pass. A trace may be that of several
    agents, one after the other, on the same profile.
    """
    lines = _lines(Path(trace)) if isinstance(trace, str | Path) else trace
    monitor, count = TraceMonitor(), 0
    for count, line in enumerate(lines, 1):
        if not isinstance(line, dict) or not isinstance(line.get("kind"), str) or "time" not in line:
            raise UsageError(
                f"line {count} of the trace is {line!r}; expected an object with 'time' and 'kind'"
            )
        try:
            monitor(line)
        except KeyError as missing:
            raise UsageError(f"line {count} of the trace has no {missing}: {line!r}") from missing
    monitor.finish(complete=complete)
    return count


def _lines(path: Path) -> Iterable[Line]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                try:
                    yield json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise UsageError(f"{path}: line {number} is not JSON: {error}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
