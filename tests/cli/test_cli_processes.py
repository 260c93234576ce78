"""What a process promises: pure output, an interrupt that loses nothing, one writer of a profile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Server, Site

HALF = 150_000

NOISY = """
import os, subprocess, sys

def shout(where):
    print("printed in", where)
    print("to a stream in", where, file=sys.stderr)
    sys.stdout.write("written in " + where + "\\n")
    sys.__stdout__.write("written to the real one in " + where + "\\n")
    sys.__stdout__.flush()
    os.write(1, b"bytes to the descriptor\\n")
    subprocess.run(["echo", "a child in", where], check=True)

shout("{where}")
"""


def test_under_json_nothing_else_reaches_standard_output(site: Site) -> None:
    site.write("x.bin", b"x")
    worker = (site.folder / "worker.py").read_text()
    site.write("worker.py", NOISY.replace("{where}", "a worker") + worker)
    site.page("/x.bin")
    site.write("page.py", NOISY.replace("{where}", "a page") + (site.folder / "page.py").read_text())
    result = site.process("run", "--json")
    assert result.status == 0, result.err
    assert all("kind" in line for line in result.lines), result.out
    for where in ("a worker", "a page"):
        assert f"printed in {where}" in result.console
        for noise in (
            f"a child in {where}",
            f"written to the real one in {where}",
            "bytes to the descriptor",
        ):
            assert noise in result.err


@pytest.mark.parametrize("command", [("run",), ("resume",), ("fetch", "b", "/x.bin"), ("abort", "a")])
def test_every_command_with_a_trace_is_pure(site: Site, command: tuple[str, ...]) -> None:
    site.write("x.bin", b"x")
    assert site.cli("fetch", "a", "/x.bin", "--conditions", "offline").status == 1
    site.write("worker.py", NOISY.replace("{where}", "a worker") + (site.folder / "worker.py").read_text())
    result = site.cli(*command, "--json")
    assert result.status == 0
    assert {"agent.open", "event.end"} <= {line["kind"] for line in result.lines}


def test_after_a_pure_run_standard_output_is_as_before(site: Site) -> None:
    site.cli("run", "--json")
    assert "activated" in site.cli("status").out


def test_an_interrupt_keeps_what_was_stored(site: Site, server: Server, noise: bytes) -> None:
    server.add("/x.bin", noise, hold=HALF)
    site.page("/x.bin")
    process = site.start("run", "--origin", server.url, "--json")
    process.until("fetch.progress", downloaded=HALF)
    process.interrupt()
    result = process.end()
    assert result.status == 130
    assert result.err.count("\n") == 1, result.err
    assert "interrupted" in result.err
    assert all(line["kind"] not in ("fetch.settle", "user.action") for line in result.lines)
    (fetch,) = site.status()["background_fetches"]
    assert (fetch["state"], fetch["downloaded"]) == ("pending", HALF)

    server.release()
    again = site.process("run", "--json")
    assert again.status == 0, again.err
    (start,) = again.of("record.start")
    assert start["range_start"] == HALF
    assert server.ranges("/x.bin") == [None, f"bytes={HALF}-"]
    assert site.cached("/x.bin") == noise


def test_an_interrupt_for_a_person(site: Site, server: Server, noise: bytes) -> None:
    server.add("/x.bin", noise, hold=HALF)
    path = site.folder.parent / "trace.jsonl"
    process = site.start("fetch", "a", "/x.bin", "--origin", server.url, "--trace", path)
    while not path.exists() or '"fetch.progress"' not in path.read_text():
        assert process.popen.poll() is None
        os.sched_yield()
    process.interrupt()
    result = process.end()
    assert result.status == 130
    assert result.err == (
        "swruntime: interrupted; what was stored stays, and 'run' or 'resume' goes on from there\n"
    )


DIES_IN_ACTIVATION = """
import os
import trio

async def onactivate(event):
    if not os.path.exists({path!r}):
        open({path!r}, "w").close()
        await trio.sleep(250)
"""


@pytest.mark.parametrize("command", ["fetch", "run", "resume"])
def test_a_worker_whose_activation_was_killed_becomes_active(
    site: Site, tmp_path: Path, command: str
) -> None:
    flag = tmp_path / "activating"
    kept = (site.folder / "worker.py").read_text()
    site.write("worker.py", DIES_IN_ACTIVATION.format(path=str(flag)) + kept)
    site.write("x.bin", b"x")
    process = site.start("fetch", "a", "/x.bin", "--json")
    while not flag.exists():
        assert process.popen.poll() is None
        os.sched_yield()
    process.kill()
    assert process.end().status == -signal.SIGKILL
    assert site.process(*{"fetch": ("fetch", "a", "/x.bin")}.get(command, (command,))).status == 0
    assert "(activated)" in site.cli("status").out


def test_fetch_again_after_a_kill_goes_on(site: Site, server: Server, noise: bytes) -> None:
    server.add("/x.bin", noise, hold=HALF)
    asked = ("fetch", "big", f"{server.url}/x.bin", "--origin", server.url, "--json")
    process = site.start(*asked)
    process.until("fetch.progress", downloaded=HALF)
    process.kill()
    assert process.end().status == -signal.SIGKILL
    server.release()
    again = site.process(*asked)
    assert again.status == 0, again.err
    assert [line["range_start"] for line in again.of("record.start")] == [HALF]
    assert site.cached("/x.bin") == noise
    assert site.cli("status", "--check", "--json").object["problems"] == []


def test_one_process_writes_a_profile_while_others_read_it(site: Site, server: Server, noise: bytes) -> None:
    site.write("kept.bin", b"kept")
    server.add("/kept.bin", b"kept")
    assert site.cli("fetch", "k", "/kept.bin", "--origin", server.url).status == 0
    server.add("/x.bin", noise, hold=HALF)
    process = site.start("fetch", "a", "/x.bin", "--json")
    process.until("fetch.progress", downloaded=HALF)
    for command in (("run",), ("resume",), ("abort", "a"), ("clear",), ("cache", "kept", "--delete")):
        site.cli(*command).refused("in use", str(process.pid))
    status = site.cli("status", "--check", "--json")
    assert status.status == 0
    found = status.object
    assert (found["writer"], found["problems"]) == (process.pid, [])
    (fetch,) = found["background_fetches"]
    assert (fetch["id"], fetch["downloaded"]) == ("a", HALF)
    assert str(process.pid) in fetch["waits_for"]
    assert site.cached("/kept.bin") == b"kept"
    server.release()
    assert process.end().status == 0
    assert site.status()["writer"] is None
    assert site.cached("/x.bin") == noise


def test_two_sites_at_once(new_site: Callable[[str], Site], server: Server, noise: bytes) -> None:
    sites = [new_site("one"), new_site("two")]
    processes = []
    for site in sites:
        server.add(f"/{site.folder.name}.bin", noise + site.folder.name.encode(), hold=HALF)
        site.page(f"/{site.folder.name}.bin")
        processes.append(site.start("run", "--origin", server.url, "--json"))
    for process in processes:
        process.until("fetch.progress", downloaded=HALF)
    server.release()
    for site, process in zip(sites, processes, strict=True):
        assert process.end().status == 0
        assert site.cached(f"/{site.folder.name}.bin") == noise + site.folder.name.encode()


def test_a_reader_that_has_enough_is_no_defect(site: Site, noise: bytes) -> None:
    site.write("x.bin", noise)
    site.page("/x.bin")
    process = site.start("run", "--json")
    process.until("agent.open")
    process.leave()
    result = process.end()
    assert result.status == 1
    assert result.err == ""


def test_what_is_piped_into_a_closed_pipe(site: Site, noise: bytes) -> None:
    site.write("x.bin", noise * 10)
    assert site.cli("fetch", "a", "/x.bin").status == 0
    command = [
        sys.executable,
        "-m",
        "swruntime",
        "cache",
        str(site.folder),
        "kept",
        "/x.bin",
        "--output",
        "-",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as popen:
        assert popen.stdout is not None
        assert popen.stderr is not None
        assert popen.stdout.read(10) == noise[:10]
        popen.stdout.close()
        assert popen.stderr.read() == b""
        assert popen.wait() == 1


def test_output_to_a_pipe_is_the_body_and_nothing_else(site: Site, noise: bytes) -> None:
    site.write("x.bin", noise)
    assert site.cli("fetch", "a", "/x.bin").status == 0
    command = [
        sys.executable,
        "-m",
        "swruntime",
        "cache",
        str(site.folder),
        "kept",
        "/x.bin",
        "--output",
        "-",
    ]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == noise


def test_a_terminal_without_unicode(site: Site) -> None:
    site.write("worker.py", "print('\u266a')\n")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    result = site.process("run", env=environment)
    assert result.status == 0, result.err
    assert r"\u266a" in result.out
    site.cli("clear")
    result = site.process("run", "--json", env=environment)
    assert result.console == ["\u266a"]


def test_no_room_on_the_disk(site: Site, small_disk: Path, noise: bytes) -> None:
    site.write("x.bin", noise * 10)
    options = ("--profile", small_disk / "profile", "--quota", "1G", "--json")
    result = site.process("fetch", "a", "/x.bin", *options)
    assert result.status == 1
    assert result.err.count("\n") == 1, result.err
    assert "no room" in result.err
    assert result.of("record.settle")[0]["result"] == "quota-exceeded"
    # There is room again: the profile is sound, and what was left ends.
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    check = site.cli("status", "--check", "--json", "--profile", small_disk / "profile")
    assert json.loads(check.out)["problems"] == []
    site.write("y.bin", noise)
    site.process("resume", *options)
    assert site.process("fetch", "a", "/y.bin", *options).status == 0
    assert site.cli("status", *options[:2], "--json").object["background_fetches"] == []


def test_files_that_may_not_grow(site: Site, noise: bytes) -> None:
    """`ulimit -f`: the system says so with a signal, and another error than a full disk's."""
    site.write("x.bin", noise * 10)
    result = site.process("fetch", "a", "/x.bin", "--json", preexec_fn=_two_megabytes)
    assert result.status == 1
    assert "Traceback" not in result.err
    assert result.of("record.settle")[0]["result"] == "quota-exceeded"


def _two_megabytes() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
