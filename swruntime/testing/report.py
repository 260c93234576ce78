"""What a failed test shows of its trace: the last lines, a timeline, and what had not ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from swruntime.algorithms.visible_text import visible, visible_lines
from swruntime.trace import Line, to_json

LAST_LINES = 20
TIMELINE_LINES = 100
_INDENT = " " * 32
"""Where the text of a line begins, behind its time and what it is about."""


def last_lines(trace: Sequence[Line]) -> str:
    """The last lines as they are, and how many there were before. Of progress in a row only the last is shown."""
    shown = [
        line
        for line, after in zip_longest(trace, trace[1:], fillvalue=None)
        if line is not None and not (after is not None and line["kind"] == after["kind"] == "fetch.progress")
    ]
    return "\n".join([*_left_out(len(shown) - LAST_LINES), *map(to_json, shown[-LAST_LINES:])])


def timeline(trace: Sequence[Line]) -> str:
    """What happened to workers, events and background fetches, a line each, and what had not ended."""
    told = [text for line in trace if (text := _told(line))]
    open_ends = _not_ended(trace)
    return "\n".join([
        *_left_out(len(told) - TIMELINE_LINES),
        *told[-TIMELINE_LINES:],
        *(["not ended:"] if open_ends else []),
        *(visible(f"    {text}") for text in open_ends),
    ])  # fmt: skip


def _left_out(count: int) -> list[str]:
    return [f"... {count} more before"] if count > 0 else []


def _told(line: Line) -> str | None:
    tell = _TELL.get(line["kind"])
    if tell is None:
        return None
    told = f"{line['time']:12.3f}  {visible(_who(line)):<16}  {tell(line)}"
    return visible_lines(told, _INDENT) if line["kind"] == "console" else visible(told)


def _who(line: Line) -> str:
    if line.get("id") is not None:
        return f"{line['id']} #{line['fetch']}" if "fetch" in line else str(line["id"])
    kind: str = line["kind"]
    return kind.split(".")[0]


def _because(line: Line, *keys: str) -> str:
    """The values that are there, of the keys that say why."""
    return "".join(f", {line[key]}" for key in keys if line.get(key))


def _short(url: str) -> str:
    return "/" + url.split("/", 3)[3] if url.count("/") >= 3 else url


_TELL: dict[str, Callable[[Line], str]] = {
    "agent.open": lambda line: f"opened for {line['origin']}, seed {line['seed']}",
    "worker.state": lambda line: f"{_short(line['script'])} is {line['state']}",
    "worker.start": lambda line: f"{_short(line['script'])} starts{_because(line, 'reason')}",
    "worker.stop": lambda line: f"{_short(line['script'])} stops{_because(line, 'reason')}",
    "event.start": lambda line: f"{line['name']}, attempt {line['attempt']}",
    "event.end": lambda line: f"{line['name']} {line['outcome']}{_because(line, 'error', 'where')}",
    "fetch.start": lambda line: f"starts: {' '.join(map(_short, line['requests']))}",
    "fetch.pause": lambda line: f"pauses{_because(line, 'cause')}",
    "fetch.resume": lambda line: f"resumes{_because(line, 'cause')}",
    "fetch.settle": lambda line: (
        f"settles: {line['result']}{_because(line, 'failure_reason', 'cause', 'message')}, "
        f"{line['downloaded']} bytes"
    ),
    "fetch.release": lambda line: f"released{_because(line, 'cause')}",
    "record.start": lambda line: (
        f"{_short(line['url'])} from byte {line['range_start']}, attempt {line['attempt']}"
    ),
    "record.wait": lambda line: f"{_short(line['url'])} waits: {line['reason']}{_because(line, 'message')}",
    "record.settle": lambda line: (
        f"{_short(line['url'])} {line['result']}{_because(line, 'cause', 'message')}, {line['bytes']} bytes"
    ),
    "user.action": lambda line: str(line["action"]),
    "network.change": lambda line: str(line["name"] or line["action"]),
    "console": lambda line: f"{line['level']}: {line['text']}{_because(line, 'where')}",
    "diagnostic": lambda line: f"{line['code']}: {line['message']}{_because(line, 'where')}",
}


def _not_ended(trace: Sequence[Line]) -> list[str]:
    """Background fetches, their records and events that began and had not ended when the trace did."""
    running: dict[tuple[Any, ...], str] = {}
    for line in trace:
        fetch = line.get("fetch")
        match line["kind"]:
            case "agent.open":
                running.clear()  # the agent before it is gone; this one tells again what it has taken up
            case "fetch.start":
                running["fetch", fetch] = f"{_who(line)}: not settled"
            case "fetch.settle":
                running["fetch", fetch] = f"{_who(line)}: {line['result']}, not released"
            case "fetch.release":
                running.pop(("fetch", fetch), None)
            case "record.start":
                running["record", fetch, line["index"]] = f"{_who(line)}: {_short(line['url'])} is under way"
            case "record.wait":
                running["record", fetch, line["index"]] = (
                    f"{_who(line)}: {_short(line['url'])} waits: {line['reason']}"
                )
            case "record.settle":
                running.pop(("record", fetch, line["index"]), None)
            case "event.start":
                running["event", line["scope"], line["name"], fetch] = (
                    f"{_who(line)}: {line['name']} is handled"
                )
            case "event.end":
                running.pop(("event", line["scope"], line["name"], fetch), None)
    return list(running.values())
