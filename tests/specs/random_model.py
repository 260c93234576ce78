"""The oracle of the random side: what SPEC-NOTES allows for the end of one background fetch. It knows no code.

The model is told what was asked of the runtime and what that answered, and judges in the end what a user could see:
the trace's lines of the fetch, and what its handler and the page could read.
"""

from __future__ import annotations

import attrs

from swruntime.trace import Line
from tests.specs.random_files import File

EVENTS = {"success": "backgroundfetchsuccess", "failure": "backgroundfetchfail"}
AT_ONCE = ("quota-exceeded", "download-total-exceeded")
ERRORS = {"aborted": "AbortError"}
"""What readers of a record get; TypeError where it is not listed."""


@attrs.frozen
class Report:
    """What a handler saw: `read` has for each URL the body in hexadecimal, or the name of what was raised."""

    event: str
    result: str
    reason: str
    read: dict[str, str]


@attrs.define
class Expected:
    """A background fetch that `fetch()` resolved."""

    number: int
    scope: str
    id: str
    files: tuple[File, ...]
    urls: tuple[str, ...]
    download_total: int
    active: bool = True
    aborted: bool = False
    """`abort()` said true."""
    cleared: bool = False
    interrupted: bool = False
    """Offline, a pause or a new process cut its exchanges off, or may have."""
    no_room: bool = False
    """At some time of its life the quota was used up."""
    died: bool = False
    """The process died in its life: what it told last may be lost."""
    read: dict[str, str] = attrs.field(factory=dict)
    """What the page that began it could read, as in `Report`; it read from the first moment on."""

    @property
    def exceeds(self) -> bool:
        """The files that must be a success are more than the download total, by themselves."""
        sure = [f.size for f in self.files if f.results(interrupted=self.interrupted) == {"success"}]
        return 0 < self.download_total < sum(sure)

    @property
    def may_exceed(self) -> bool:
        """All that could come of its files is more than the download total."""
        return 0 < self.download_total < sum(file.most for file in self.files)

    def judge(self, lines: list[Line], reports: list[Report]) -> None:
        """Raises AssertionError where what happened to it is not what SPEC-NOTES says. `lines`: its own."""
        settled = [line for line in lines if line["kind"] == "fetch.settle"]
        assert len(settled) == 1 or (self.died and not settled), f"{self.id} settled {len(settled)} times"
        results = {line["index"]: line["result"] for line in lines if line["kind"] == "record.settle"}
        ends = [results[index] for index in sorted(results)]
        count = sum(line["kind"] == "record.settle" for line in lines)
        # What has ended is not overwritten by an abort (defect 4).
        assert self.died or count == len(results), f"{self.id}: a record settled twice"
        if self.cleared:
            return
        assert reports, f"{self.id}: no event came"
        for report in reports:
            self._judge_end(report, [line for line in lines if line["kind"] == "record.settle"])
            self._judge_reading(report, ends)
        self._judge_page(ends)

    def _judge_end(self, report: Report, settled: list[Line]) -> None:
        reason = report.reason
        if self.aborted:
            # An abort wins over everything that was not settled, whoever asked for it (defect 2).
            assert (report.event, report.result, reason) == ("backgroundfetchabort", "failure", "aborted")
            return
        assert report.event == EVENTS[report.result]
        assert (report.result == "success") == (reason == ""), f"{report.result}, {reason!r}"
        allowed = [file.results(interrupted=self.interrupted) for file in self.files]
        if self.no_room and reason == "quota-exceeded":
            return
        if self.exceeds:
            assert reason == "download-total-exceeded", f"over its total, and it is {reason!r}"
            return
        if self.may_exceed and reason == "download-total-exceeded":
            return
        for file, may_be, line in zip(self.files, allowed, _by_index(settled, len(self.files)), strict=True):
            result = line["result"] if line else "none"
            assert (line is None and self.died) or result in may_be, f"{file}: {result}"
        failures = [line["result"] for line in settled if line["result"] != "success"]
        if settled and not self.died:
            # The first to fail in order of settling names the reason (defect 1).
            assert reason == (failures[0] if failures else ""), f"{failures}, and it is {reason!r}"

    def _judge_reading(self, report: Report, ends: list[str]) -> None:
        for file, url, read, end in zip(self.files, self.urls, self._each(report.read), ends, strict=False):
            if self.died and len(ends) < len(self.files):
                return
            if end == "success":
                assert read == self.body(url).hex(), f"{file} is a success, and the handler read {read!r}"
            elif end == "bad-status":
                assert read == "", f"{file} is not ok, and the handler read {read!r}"
            else:
                assert read == ERRORS.get(end, "TypeError"), f"{file}: {end}, and the handler got {read!r}"

    def _judge_page(self, ends: list[str]) -> None:
        """Every promise settles (defect 6), and only what starts over is lost to its readers (defect 5)."""
        if self.died:
            return
        for file, url, end in zip(self.files, self.urls, ends, strict=True):
            assert url in self.read, f"{file}: {end}, and what the page waited for never settled"
            read = self.read[url]
            if end == "success" and not (file.behaviour.starts_over and read == "TypeError"):
                assert read == self.body(url).hex(), f"{file} is a success, and the page read {read!r}"
            elif end not in ("success", "bad-status"):
                assert read in ("AbortError", "TypeError"), f"{file}: {end}, and the page read {read!r}"

    def body(self, url: str) -> bytes:
        index = self.urls.index(url)
        return self.files[index].body(self.number + index)

    def _each(self, read: dict[str, str]) -> list[str]:
        assert sorted(read) == sorted(self.urls)
        return [read[url] for url in self.urls]


def _by_index(settled: list[Line], count: int) -> list[Line | None]:
    """The last line of each record."""
    last = {line["index"]: line for line in settled}
    return [last.get(index) for index in range(count)]
