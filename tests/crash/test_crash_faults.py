"""The disk fails, at one call after the other of all that the storage makes: EIO, ENOSPC, EMFILE, a read-only disk.

The program runs in this process, as the command line runs it, on SITE's own files. Whatever fails, it ends with one
line and no traceback, or goes on; what it told holds; the profile is sound; and when the fault is gone, `resume`, or
the command again, comes to the right bytes and the event.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from swruntime.agent import background_fetch, services
from swruntime.cli import main
from swruntime.runtime import DEFAULT_ORIGIN
from swruntime.storage import verify
from tests.crash.crash_disk import Call, arm, only_in
from tests.crash.crash_site import Ended, Site

ID = "all of it"
SQLITE = {
    errno.EIO: sqlite3.SQLITE_IOERR,
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EMFILE: sqlite3.SQLITE_CANTOPEN,
    errno.EROFS: sqlite3.SQLITE_READONLY,
}
SIZES = (200_000, 1_000, 0)


@attrs.define
class Faults:
    """Fails the call of a number (from 1), and so many more after it. `late`: after it was performed."""

    code: int
    number: int
    late: bool = False
    more: int = 0
    calls: int = 0
    hits: int = 0

    def __call__(self, call: Call, perform: Callable[[], Any]) -> Any:
        if not self._can_fail(call):
            return perform()
        self.calls += 1
        if not self.number <= self.calls <= self.number + self.more:
            return perform()
        self.hits += 1
        if self.late or call.what == "close":  # one that fails has let go of the file all the same
            _let_go(perform())
        raise self._error(call)

    def _can_fail(self, call: Call) -> bool:
        if self.late and not call.changes:
            return False
        return call.changes or self.code != errno.ENOSPC

    def _error(self, call: Call) -> Exception:
        if not call.is_sql:
            return OSError(self.code, os.strerror(self.code), call.path)
        assert call.connection is not None
        if self.code == errno.ENOSPC and not self.late and call.connection.in_transaction:
            call.connection.rollback()  # as SQLite itself does
        error = sqlite3.OperationalError(f"{os.strerror(self.code)} at {call.what[:40]}")
        error.sqlite_errorcode = SQLITE[self.code]
        return error


def _let_go(opened: object) -> None:
    """What was opened, and is told not to be: nobody else can close it."""
    if isinstance(opened, sqlite3.Connection | io.IOBase):
        opened.close()


class FaultySite(Site):
    """Runs the program in this process."""

    def __init__(self, folder: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
        super().__init__(folder, name)
        self._capfd = capfd
        self.digests = {}
        for index, size in enumerate(SIZES):
            content = random.Random(index).randbytes(size)
            (self.folder / f"{index}.bin").write_bytes(content)
            self.digests[f"{DEFAULT_ORIGIN}/{index}.bin"] = hashlib.sha256(content).hexdigest()
        self.urls = [f"/{index}.bin" for index in range(len(SIZES))]

    def command(self, name: str, *arguments: str) -> Ended:
        self._capfd.readouterr()
        status = main([name, str(self.folder), *arguments])
        return Ended(status, *self._capfd.readouterr())

    def fetch(self) -> Ended:
        return self.command("fetch", ID, *self.urls, "--json")

    def failing(self, faults: Faults, action: Callable[[], Ended]) -> Ended:
        with pytest.MonkeyPatch.context() as patch:
            for module in (services, background_fetch):
                patch.setattr(module, "RETRY_STORING", 0.02)
            arm(only_in(self.profile, faults), patch.setattr)
            return action()


def check_told(ended: Ended) -> None:
    """No traceback; what was wrong is one line."""
    assert "Traceback" not in ended.err, ended.told
    assert ended.status in (0, 1, 2), ended.told
    if ended.status == 2:
        assert ended.err.count("\n") == 1, ended.told


def check_kept(site: FaultySite, ended: Ended, *, full: bool) -> None:
    """The fault is gone: what was told holds, nothing is lost."""
    settled = ended.lines("fetch.settle")
    outcomes = {line["result"] for line in settled}
    assert outcomes <= ({"success", "failure"} if full else {"success"}), ended.told
    if (site.profile / "profile.sqlite3").exists():
        problems = [p for p in verify(site.profile) if "has no row" not in p]
        assert problems == [], ended.told
        resumed = site.command("resume", "--json")
        assert resumed.status in ((0, 1) if full else (0,)), resumed.told
        if "success" in outcomes:
            assert not resumed.lines("record.start"), "no byte of it is asked for again"
    began = bool(ended.lines("fetch.start"))
    if began:
        ends = [line for line in ended.lines("event.end") if line["name"].startswith("backgroundfetch")]
        told = ends if full else []  # a handler that finds no room raises
        assert site.events or told, "what was begun came to its event"
    if not full:
        assert set(site.events) <= {f"backgroundfetchsuccess {ID}"}
    elif site.profile.exists() and (site.profile / "profile.sqlite3").exists():
        cached = site.cached(DEFAULT_ORIGIN)
        assert cached.items() <= site.digests.items(), "no wrong bytes"
    if f"backgroundfetchsuccess {ID}" not in site.events:
        again = site.fetch()
        assert again.status == 0, again.told
    if not full:
        site.check_sound(DEFAULT_ORIGIN, site.digests)
    assert verify(site.profile) == []


def tell(folder: Path, capfd: pytest.CaptureFixture[str], faults: Faults) -> bool:
    site = FaultySite(folder, f"site{faults.number}", capfd)
    ended = site.failing(faults, site.fetch)
    check_told(ended)
    check_kept(site, ended, full=faults.code == errno.ENOSPC)
    return bool(faults.hits)


CODES = [errno.EIO, errno.ENOSPC, errno.EMFILE, errno.EROFS]


@pytest.mark.parametrize("code", CODES, ids=lambda code: errno.errorcode[code])
def test_a_fault_loses_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str], code: int) -> None:
    for number in range(7 * CODES.index(code) + 1, 150, 60):
        assert tell(tmp_path, capfd, Faults(code, number))


SHARDS = 4


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("code", CODES, ids=lambda code: errno.errorcode[code])
def test_a_fault_at_any_call_loses_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], code: int, shard: int
) -> None:
    """Each call there is, one after the other."""
    number = shard + 1
    while tell(tmp_path, capfd, Faults(code, number)):
        number += SHARDS
    assert number > 100, "the storage makes so many calls, and more"


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_was_done_and_is_told_to_have_failed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], shard: int
) -> None:
    number = shard + 1
    while tell(tmp_path, capfd, Faults(errno.EIO, number, late=True)):
        number += SHARDS
    assert number > 100


@pytest.mark.slow
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=lambda code: errno.errorcode[code])
def test_a_disk_that_fails_for_a_while(tmp_path: Path, capfd: pytest.CaptureFixture[str], code: int) -> None:
    number = 1
    while tell(tmp_path, capfd, Faults(code, number, more=5)):
        number += SHARDS
    assert number > 100
