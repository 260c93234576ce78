"""A trace, told to a person: what happens, what waits and why, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable

from swruntime.algorithms import urls
from swruntime.algorithms.sizes import human
from swruntime.algorithms.visible_text import visible, visible_lines
from swruntime.trace import AGENT_CLOSED, Line, script_diagnostic

LONGEST = 64 * 1024
"""Characters of a line that a person is shown; --json and --trace have it whole."""

PROGRESS_EVERY = 10.0
"""Seconds of the agent's clock between two lines of progress, of whichever background fetch."""

Say = Callable[[str], None]

_INDENT = " " * 10
"""Where the text of a line begins, behind its time: nothing that a script prints begins before it."""


class Narrator:
    """A sink that says one line of text for each line of the trace that a person wants to know of.

    `progress`: how many bytes there are by now, too. `workers`: what becomes of workers, too.
    """

    def __init__(self, say: Say, *, progress: bool, workers: bool = False) -> None:
        self._say = say
        self._progress = progress
        self._workers = workers
        self._active: set[str] = set()
        """The scopes that have an active worker."""
        self._stored: dict[int, int] = {}
        self._told_at = -PROGRESS_EVERY
        self._origin = ""

    def __call__(self, line: Line) -> None:
        tell = getattr(self, "_" + line["kind"].replace(".", "_").replace("-", "_"), None)
        if tell is not None:
            text = tell(line)
            if text:
                about = f"{line['id']}: " if line.get("id") else ""
                told = for_a_person(f"{line['time']:8.3f}  {about}{text}")
                # What a script prints may have many lines; a name has one.
                self._say(visible_lines(told, _INDENT) if line["kind"] == "console" else visible(told))

    def _agent_open(self, line: Line) -> str:
        self._origin = line["origin"]
        return ""

    def _worker_state(self, line: Line) -> str:
        scope, state = line["scope"], line["state"]
        waits = state == "installed" and scope in self._active
        if state == "activated":
            self._active.add(scope)
        if not self._workers or not (waits or state in ("activated", "redundant")):
            return ""
        more = ", and waits until no page has the one before" if waits else ""
        return f"worker {self._short(line['script'])}: {state}{more}"

    def _worker_stop(self, line: Line) -> str:
        if not self._workers or line["reason"] == AGENT_CLOSED:
            return ""
        return f"worker {self._short(line['script'])}: stopped ({line['reason']})"

    def _fetch_start(self, line: Line) -> str:
        total = line["download_total"]
        many = (
            f"{len(line['requests'])} requests"
            if len(line["requests"]) > 1
            else self._short(line["requests"][0])
        )
        return f"background fetch of {many}" + (f", up to {human(total)}" if total else "")

    def _fetch_progress(self, line: Line) -> str:
        self._stored[line["fetch"]] = line["downloaded"]
        if not self._progress or line["time"] - self._told_at < PROGRESS_EVERY:
            return ""
        self._told_at = line["time"]
        up = f", {human(line['uploaded'])} sent" if line["uploaded"] else ""
        others = len(self._stored) - 1
        of_all = f"; with {others:,} more: {human(sum(self._stored.values()))}" if others else ""
        return f"{human(line['downloaded'])} stored{up}{of_all}"

    def _fetch_pause(self, line: Line) -> str:
        return f"paused ({line['cause']})"

    def _fetch_resume(self, line: Line) -> str:
        return f"goes on ({line['cause']})"

    def _fetch_settle(self, line: Line) -> str:
        self._stored.pop(line["fetch"], None)
        reason = f" ({line['failure_reason']})" if line["failure_reason"] else ""
        message = f": {line['message']}" if line["message"] else ""
        return f"{line['result']}{reason}, {human(line['downloaded'])} stored{message}"

    def _record_start(self, line: Line) -> str:
        if line["attempt"] == 1 and not line["range_start"]:
            return ""
        at = f"from byte {line['range_start']:,} (Range)" if line["range_start"] else "from the beginning"
        again = f", attempt {line['attempt']}" if line["attempt"] > 1 else ""
        return f"asks for {self._short(line['url'])} {at}{again}"

    def _record_wait(self, line: Line) -> str:
        if line["reason"] == "slot":
            return ""
        message = f": {line['message']}" if line["message"] else ""
        until = f" until {line['until']:.1f} s" if line["until"] is not None else ""
        return f"{self._short(line['url'])} waits{until} ({line['reason']}){message}"

    def _record_settle(self, line: Line) -> str:
        if line["result"] == "success":
            return f"{self._short(line['url'])} is complete, {human(line['bytes'])}"
        message = f": {line['message']}" if line["message"] else ""
        return f"{self._short(line['url'])} ended with {line['result']}{message}"

    def _event_end(self, line: Line) -> str:
        if line["outcome"] == "fulfilled":
            return f"{_event(line)} was handled" if "fetch" in line or "tag" in line else ""
        where = f" ({line['where']})" if line["where"] else ""
        return f"{_event(line)} ended {line['outcome']}{where}: {line['error']}"

    def _network_change(self, line: Line) -> str:
        match line["action"]:
            case "conditions":
                return f"network: {line['name']}"
            case "reachable":
                return f"the network seems to be back ({line['name']})"
            case action:
                return f"the network is {action}"

    def _user_action(self, line: Line) -> str:
        return f"the user: {line['action']}"

    def _notification_show(self, line: Line) -> str:
        body = f": {line['body']}" if line["body"] else ""
        return f"notification {line['title']!r}{body}"

    def _console(self, line: Line) -> str:
        where = f" ({line['where']})" if line["where"] and line["level"] in ("warn", "error") else ""
        return f"{'' if line['level'] == 'log' else line['level'] + ': '}{line['text']}{where}"

    def _diagnostic(self, line: Line) -> str:
        if script_diagnostic(line) is not None:
            return ""  # on standard error, with its reason
        where = f"{line['where']}: " if line["where"] else ""
        return f"{where}{line['message']} [{line['code']}]"

    def _short(self, url: str) -> str:
        """A URL of the site's own origin as its path and query; another one as it is."""
        parsed = urls.parse(url)
        return parsed.pathname + parsed.search if parsed.origin == self._origin else url


def for_a_person(text: str) -> str:
    """`text`, cut where nobody would read it all."""
    more = len(text) - LONGEST
    return (
        text if more <= 0 else f"{text[:LONGEST]}... ({more:,} characters more: --json and --trace have them)"
    )


def _event(line: Line) -> str:
    """An event's name, and a sync's tag."""
    return f"{line['name']} {line['tag']!r}" if "tag" in line else str(line["name"])
