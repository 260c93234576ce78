"""Standard output, standard error, the trace and the recording: closed, left by their reader, full. Real processes."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from swruntime.cli.output import TraceFile
from swruntime.errors import OutputFailed, UsageError

if TYPE_CHECKING:
    from tests.cli.conftest import Site

PATIENCE = 60
FULL = "swruntime: standard output cannot be written: No space left on device\n"
SCENARIO = """
[[fetch]]
id = "a"
urls = ["/x"]
[servers."/x"]
versions = [{ size = 3000, etag = '"v1"' }]
answers = [{}]
"""

COMMANDS: dict[str, tuple[str, ...]] = {
    "run": ("run", "SITE"),
    "run --json": ("run", "SITE", "--json"),
    "fetch": ("fetch", "SITE", "b", "/x.bin"),
    "fetch --json": ("fetch", "SITE", "b", "/x.bin", "--json"),
    "resume": ("resume", "SITE"),
    "resume --json": ("resume", "SITE", "--json"),
    "serve": ("serve", "SITE", "--port", "0", "--profile", "SITE/../served"),
    "status": ("status", "SITE"),
    "status --json": ("status", "SITE", "--json"),
    "cache": ("cache", "SITE"),
    "cache NAME": ("cache", "SITE", "kept"),
    "cache --output -": ("cache", "SITE", "kept", "/x.bin", "--output", "-"),
    "conformance": ("conformance", "stored-body-bytes-total"),
    "scenario": ("scenario", "SITE/../whole.toml"),
    "scenario --json": ("scenario", "SITE/../whole.toml", "--json"),
    "--help": ("--help",),
}
QUICK = ("fetch", "status", "cache --output -")
"""The others are tried in `make test-slow`: each is a process."""


def table(*names: str) -> list[Any]:
    return [
        pytest.param(COMMANDS[name], id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name in names or COMMANDS
    ]


@pytest.fixture
def used(site: Site, noise: bytes) -> Site:
    """A site with something to print in every command."""
    site.write("x.bin", noise)
    site.page("/x.bin")
    (site.folder.parent / "whole.toml").write_text(SCENARIO)
    assert site.cli("fetch", "a", "/x.bin").status == 0
    assert site.cli("fetch", "left", "/x.bin", "--conditions", "offline").status == 1
    return site


class Failing:
    """A process, one of whose streams fails."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def run(
        self,
        command: tuple[str, ...],
        *,
        stdout: Any = subprocess.PIPE,
        stderr: Any = subprocess.PIPE,
        closed: int | None = None,
    ) -> tuple[int, str]:
        words = [word.replace("SITE", str(self._site.folder)) for word in command]
        with subprocess.Popen(
            [sys.executable, "-m", "swruntime", *words],
            stdout=stdout,
            stderr=stderr,
            preexec_fn=None if closed is None else lambda: os.close(closed),
        ) as popen:
            patience = threading.Timer(PATIENCE, popen.kill)
            patience.start()
            try:
                _, err = popen.communicate()
            finally:
                patience.cancel()
            return popen.returncode, (err or b"").decode()

    def sound(self) -> None:
        check = self._site.cli("status", "--check", "--json")
        assert (check.status, check.object["problems"]) == (0, [])


@pytest.fixture
def failing(used: Site) -> Failing:
    return Failing(used)


@contextmanager
def left_pipe() -> Iterator[int]:
    """A pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@pytest.mark.parametrize("command", table())
def test_a_reader_of_standard_output_has_left(failing: Failing, command: tuple[str, ...]) -> None:
    with left_pipe() as stdout:
        assert failing.run(command, stdout=stdout) == (1, "")
    failing.sound()


@pytest.mark.parametrize("command", table())
def test_standard_output_is_full(failing: Failing, command: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as stdout:
        assert failing.run(command, stdout=stdout) == (1, FULL)
    failing.sound()


@pytest.mark.parametrize("command", table(*(name for name in COMMANDS if name != "serve")))
def test_standard_output_was_closed_from_the_start(failing: Failing, command: tuple[str, ...]) -> None:
    """It leads nowhere, and everything is done; but where bytes were asked for there, that is an error."""
    status, err = failing.run(command, closed=1)
    if "-" in command:
        assert (status, err) == (1, "swruntime: standard output cannot be written: it is closed\n")
    else:
        assert (status, err) == (0, "")
    failing.sound()


@pytest.mark.parametrize("closed", [pytest.param(0, marks=pytest.mark.slow), 2])
def test_another_standard_stream_was_closed_from_the_start(failing: Failing, closed: int) -> None:
    """None of the profile's files may get its number: what is printed would go into it."""
    assert failing.run(COMMANDS["fetch --json"], closed=closed) == (0, "")
    failing.sound()


@pytest.mark.parametrize("json", [(), pytest.param(("--json",), marks=pytest.mark.slow)])
def test_standard_error_cannot_be_written(used: Site, failing: Failing, json: tuple[str, ...]) -> None:
    """Nobody can be told; the status is what it would have been, and what goes elsewhere goes there."""
    used.write("worker.py", "async def oninstall(event):\n    1 / 0\n")
    used.cli("clear")
    for stream in ("/dev/full", None):
        with left_pipe() as left, open(stream or os.devnull, "wb") as file:
            command = ("run", "SITE", *json)
            assert failing.run(command, stderr=file if stream else left) == (1, "")
            assert failing.run(("run", "SITE", "--no-such-option"), stderr=file if stream else left)[0] == 2


def test_a_reader_leaves_in_the_middle(used: Site, noise: bytes) -> None:
    """`| head -1`: what was stored is kept."""
    used.write("big.bin", noise * 10)
    used.write("slow.toml", 'conditions = { download = "600KiB" }\n')
    process = used.start("fetch", "big", "/big.bin", "--scenario", used.folder / "slow.toml")
    assert process.popen.stdout is not None
    while b"big: background fetch of" not in process.popen.stdout.readline():
        assert process.popen.poll() is None
    process.leave()
    result = process.end()
    assert (result.status, result.err) == (1, "")
    assert {fetch["id"]: fetch["state"] for fetch in used.status()["background_fetches"]}["big"] == "pending"
    assert used.process("resume").status == 0
    assert used.cached("/big.bin") == noise * 10


@pytest.mark.parametrize("json", [(), pytest.param(("--json",), marks=pytest.mark.slow)])
def test_a_trace_that_is_full_ends_the_run_by_name(used: Site, json: tuple[str, ...]) -> None:
    result = used.process("fetch", "b", "/x.bin", "--trace", "/dev/full", *json)
    result.refused("--trace '/dev/full' cannot be written: No space left on device", status=1)
    assert used.cli("resume").status == 0
    assert used.cli("status", "--check").status == 0


@pytest.mark.parametrize("option", ["--trace", "--record"])
@pytest.mark.parametrize("what", ["a folder in the way", "no such folder"])
def test_what_cannot_be_opened_is_named_before_anything_begins(
    used: Site, tmp_path: Path, option: str, what: str
) -> None:
    (tmp_path / "folder").mkdir()
    path = {
        "a folder in the way": tmp_path / "folder",
        "no such folder": tmp_path / "none" / "file",
    }[what]
    used.cli("fetch", "b", "/x.bin", option, path).refused(repr(str(path)), "cannot be written")
    assert [fetch["id"] for fetch in used.status()["background_fetches"]] == ["left"]


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EIO, errno.EPIPE, errno.EDQUOT]
)
def test_a_trace_ends_with_a_whole_line_whatever_the_disk_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    told: list[OutputFailed] = []
    path = tmp_path / "trace.jsonl"
    file = TraceFile(path, told.append)
    file({"time": 0, "kind": "one"})
    real = os.write

    def half(descriptor: int, data: memoryview) -> int:
        if len(data) < 10:
            raise OSError(number, os.strerror(number))
        return real(descriptor, data[:5])

    monkeypatch.setattr(os, "write", half)
    file({"time": 0, "kind": "two"})
    monkeypatch.undo()
    file({"time": 0, "kind": "three"})
    file.close()
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()] == ["one"]
    assert [str(each) for each in told] == [f"--trace {str(path)!r} cannot be written: {os.strerror(number)}"]


def test_a_trace_that_is_full_at_its_closing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[OutputFailed] = []
    file = TraceFile(tmp_path / "trace.jsonl", told.append)
    real: Callable[[int], None] = os.close

    def full(descriptor: int) -> None:
        real(descriptor)
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "close", full)
    file.close()
    assert [each.errno for each in told] == [errno.EDQUOT]


def test_a_trace_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        TraceFile(tmp_path, lambda failure: None)
