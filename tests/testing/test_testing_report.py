"""What a failed test shows of its trace."""

from __future__ import annotations

from swruntime.testing.report import LAST_LINES, TIMELINE_LINES, last_lines, timeline
from swruntime.trace import Line

HOME = "http://localhost:8400"
FETCH = {"scope": f"{HOME}/", "id": "ep-5", "fetch": 1}
RECORD = {**FETCH, "index": 0, "url": f"{HOME}/ep-5.mp3"}


def line(kind: str, time: float = 0.0, /, **keys: object) -> Line:
    return {"time": time, "kind": kind, **keys}


START = line("fetch.start", 0.5, **FETCH, requests=(f"{HOME}/ep-5.mp3",), download_total=0, upload_total=0)
RECORD_START = line("record.start", 0.5, **RECORD, range_start=0, attempt=1)
WAIT = line(
    "record.wait", 1.25, **RECORD, reason="offline", until=None, message="the network is switched off"
)


def progress(downloaded: int) -> Line:
    return line("fetch.progress", **FETCH, downloaded=downloaded, uploaded=0)


def test_last_lines_are_the_last_and_count_the_others() -> None:
    shown = last_lines(
        [line("console", n, level="log", text="x") for n in range(LAST_LINES + 3)]
    ).splitlines()
    assert shown[0] == "... 3 more before"
    assert len(shown) == LAST_LINES + 1
    assert shown[-1].startswith(f'{{"time":{LAST_LINES + 2},"kind":"console"')


def test_of_progress_in_a_row_the_last_is_shown() -> None:
    shown = last_lines([progress(1), progress(2), START, progress(3)]).splitlines()
    assert [text.split('"downloaded":')[1][0] for text in shown if "fetch.progress" in text] == ["2", "3"]
    assert len(shown) == 3


def test_the_timeline_says_who_and_what_and_leaves_progress_out() -> None:
    assert timeline([START, RECORD_START, progress(7), WAIT]).splitlines()[:3] == [
        "       0.500  ep-5 #1           starts: /ep-5.mp3",
        "       0.500  ep-5 #1           /ep-5.mp3 from byte 0, attempt 1",
        "       1.250  ep-5 #1           /ep-5.mp3 waits: offline, the network is switched off",
    ]


def test_the_timeline_ends_with_what_had_not_ended() -> None:
    event = {"name": "backgroundfetchsuccess", **FETCH}
    trace = [
        START,
        WAIT,
        line("event.start", name="install", scope=f"{HOME}/", attempt=1),
    ]
    assert timeline(trace).split("not ended:\n")[1].splitlines() == [
        "    ep-5 #1: not settled",
        "    ep-5 #1: /ep-5.mp3 waits: offline",
        "    event: install is handled",
    ]
    trace += [
        line("event.end", name="install", scope=f"{HOME}/", outcome="fulfilled", error=None, where=None),
        line("record.settle", **RECORD, result="success", status=200, bytes=1, cause=None, message=None),
        line(
            "fetch.settle",
            **FETCH,
            result="success",
            failure_reason="",
            downloaded=1,
            cause=None,
            message=None,
        ),
        line("event.start", **event, attempt=1),
    ]
    assert timeline(trace).split("not ended:\n")[1].splitlines() == [
        "    ep-5 #1: success, not released",
        "    ep-5 #1: backgroundfetchsuccess is handled",
    ]
    trace += [
        line("event.end", **event, outcome="fulfilled", error=None, where=None),
        line("fetch.release", **FETCH, cause="event"),
    ]
    assert "not ended" not in timeline(trace)


def test_an_agent_that_is_gone_leaves_nothing_open() -> None:
    assert "not ended" not in timeline([START, line("agent.open", origin=HOME, seed=0)])


def test_a_long_timeline_is_cut_at_its_beginning() -> None:
    shown = timeline([WAIT] * (TIMELINE_LINES + 1)).splitlines()
    assert shown[0] == "... 1 more before"


def test_kinds_that_are_not_known_are_left_out() -> None:
    assert timeline([line("of-a-later-version", other=1)]) == ""
