"""A trace, told to a person: what happens, what waits and why, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable

from swruntime.algorithms import urls
from swruntime.algorithms.sizes import human
from swruntime.trace import Line

Say = Callable[[str], None]


class Narrator:
    """A sink that says one line of text for each line of the trace that a person wants to know of."""

    def __init__(self, say: Say, *, progress: bool) -> None:
        self._say = say
        self._progress = progress
        self._last_progress: dict[int, float] = {}
        self._totals: dict[int, int] = {}

    def __call__(self, line: Line) -> None:
        tell = getattr(self, "_" + line["kind"].replace(".", "_").replace("-", "_"), None)
        if tell is not None:
            text = tell(line)
            if text:
                about = f"{line['id']}: " if line.get("id") else ""
                self._say(f"{line['time']:8.3f}  {about}{text}")

    def _fetch_start(self, line: Line) -> str:
        total = line["download_total"]
        self._totals[line["fetch"]] = total
        many = f"{len(line['requests'])} requests" if len(line["requests"]) > 1 else line["requests"][0]
        return f"background fetch of {many}" + (f", up to {human(total)}" if total else "")

    def _fetch_progress(self, line: Line) -> str:
        number, time = line["fetch"], line["time"]
        if not self._progress or time - self._last_progress.get(number, -1.0) < 1.0:
            return ""
        self._last_progress[number] = time
        up = f", {human(line['uploaded'])} sent" if line["uploaded"] else ""
        return f"{human(line['downloaded'])} stored{up}"

    def _fetch_pause(self, line: Line) -> str:
        return f"paused ({line['cause']})"

    def _fetch_resume(self, line: Line) -> str:
        return f"goes on ({line['cause']})"

    def _fetch_settle(self, line: Line) -> str:
        reason = f" ({line['failure_reason']})" if line["failure_reason"] else ""
        message = f": {line['message']}" if line["message"] else ""
        return f"{line['result']}{reason}, {human(line['downloaded'])} stored{message}"

    def _record_start(self, line: Line) -> str:
        if line["attempt"] == 1 and not line["range_start"]:
            return ""
        at = f"from byte {line['range_start']:,} (Range)" if line["range_start"] else "from the beginning"
        return f"{_path(line['url'])} {at}, attempt {line['attempt']}"

    def _record_wait(self, line: Line) -> str:
        if line["reason"] == "slot":
            return ""
        message = f": {line['message']}" if line["message"] else ""
        until = f", until {line['until']:.1f} s" if line["until"] is not None else ""
        return f"{_path(line['url'])} waits ({line['reason']}{until}){message}"

    def _record_settle(self, line: Line) -> str:
        if line["result"] == "success":
            return f"{_path(line['url'])} is complete, {human(line['bytes'])}"
        message = f": {line['message']}" if line["message"] else ""
        return f"{_path(line['url'])} ended with {line['result']}{message}"

    def _event_end(self, line: Line) -> str:
        if line["outcome"] == "fulfilled":
            return f"{line['name']} was handled" if "fetch" in line else ""
        where = f" ({line['where']})" if line["where"] else ""
        return f"{line['name']} ended {line['outcome']}{where}: {line['error']}"

    def _network_change(self, line: Line) -> str:
        return (
            f"the network is {line['action']}"
            if line["action"] != "conditions"
            else f"network: {line['name']}"
        )

    def _user_action(self, line: Line) -> str:
        return f"the user: {line['action']}"

    def _console(self, line: Line) -> str:
        where = f" ({line['where']})" if line["where"] and line["level"] in ("warn", "error") else ""
        return f"{'' if line['level'] == 'log' else line['level'] + ': '}{line['text']}{where}"

    def _diagnostic(self, line: Line) -> str:
        where = f"{line['where']}: " if line["where"] else ""
        return f"{where}{line['message']} [{line['code']}]"


def _path(url: str) -> str:
    """A URL, short: its path and query."""
    parsed = urls.parse(url)
    return parsed.pathname + parsed.search
