"""SIGINT, SIGTERM and SIGHUP at any moment: one line, the status of the signal, a profile that goes on."""

from __future__ import annotations

import builtins
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from swruntime import cli
from swruntime.cli import interrupts
from swruntime.cli.interrupts import Interrupts, in_script

if TYPE_CHECKING:
    from tests.cli.conftest import Process, Result, Server, Site

HALF = 150_000
TOLD = "swruntime: interrupted; what was stored stays, and 'run' or 'resume' goes on from there\n"
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def interrupted(process: Process, number: int) -> Result:
    process.popen.send_signal(number)
    return process.end()


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_each_signal_is_an_interrupt_with_its_own_status(
    site: Site, server: Server, noise: bytes, number: signal.Signals
) -> None:
    server.add("/x.bin", noise, hold=HALF)
    site.page("/x.bin")
    process = site.start("run", "--origin", server.url, "--json", "--trace", site.folder.parent / "trace")
    process.until("fetch.progress", downloaded=HALF)
    result = interrupted(process, number)
    assert (result.status, result.err) == (STATUS[number], TOLD)
    stops = [line["reason"] for line in result.of("worker.stop")]
    assert stops == ["the agent was closed"], "it ends in order"
    server.release()
    assert site.process("run", "--json").of("record.start")[0]["range_start"] == HALF
    assert site.cached("/x.bin") == noise


def test_one_where_a_shells_script_has_ignored_another(site: Site, server: Server, noise: bytes) -> None:
    """In the background of a script without job control SIGINT is ignored; SIGTERM asks for the end all the same."""
    server.add("/x.bin", noise, hold=HALF)
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    process = site.start("fetch", "a", "/x.bin", "--origin", server.url, "--json", **ignore)
    process.until("fetch.progress", downloaded=HALF)
    result = interrupted(process, signal.SIGTERM)
    assert (result.status, result.err) == (143, TOLD)
    assert [line["reason"] for line in result.of("worker.stop")] == ["the agent was closed"]


def test_two_at_once_are_one(site: Site, server: Server, noise: bytes) -> None:
    """A terminal's, and the one that npx hands on."""
    server.add("/x.bin", noise, hold=HALF)
    process = site.start("fetch", "a", "/x.bin", "--origin", server.url, "--json")
    process.until("fetch.progress", downloaded=HALF)
    for _ in range(5):
        process.interrupt()
    result = process.end()
    assert (result.status, result.err) == (130, TOLD)
    assert result.of("worker.stop") != []


@pytest.mark.slow
def test_a_script_that_catches_everything_is_ended_by_another_one(site: Site) -> None:
    site.write(
        "worker.py",
        "print('begins')\nwhile True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass\n",
    )
    process = site.start("run", "--json")
    process.until("console")
    process.interrupt()
    time.sleep(interrupts.PATIENCE * 1.5)  # a second one that comes sooner is the same
    result = interrupted(process, signal.SIGINT)
    assert result.status == 130
    assert result.err.endswith(TOLD)
    assert "Traceback" not in result.err
    assert site.cli("status", "--check").status == 0


@pytest.mark.slow
def test_at_random_moments(site: Site, noise: bytes) -> None:
    """From the process's first instant on; twice, where it has not ended by then."""
    site.write("x.bin", noise)
    site.page("/x.bin")
    for count in range(12):
        process = site.start("run", "--json")
        time.sleep(0.15 + count * 0.1)
        process.interrupt()
        time.sleep(0.01 * (count % 4))
        if process.popen.poll() is None:
            process.interrupt()
        result = process.end()
        if "swruntime: " not in result.err and "Traceback" in result.err:
            assert "swruntime/cli" not in result.err, f"{count}: {result.err}"
            continue  # Python itself was not there yet
        assert (result.status, result.err) in ((130, TOLD), (0, "")), count
    assert site.cli("status", "--check").status in (0, 2)
    assert site.process("run").status == 0
    assert site.cached("/x.bin") == noise


def test_what_was_ignored_stays_ignored(site: Site, server: Server, noise: bytes) -> None:
    """`nohup`, and what a shell starts in the background."""
    server.add("/x.bin", noise, hold=HALF)

    def ignore() -> None:
        for number in STATUS:
            signal.signal(number, signal.SIG_IGN)

    process = site.start("fetch", "a", "/x.bin", "--origin", server.url, "--json", preexec_fn=ignore)
    process.until("fetch.progress", downloaded=HALF)
    for number in STATUS:
        process.popen.send_signal(number)
    server.release()
    result = process.end()
    assert (result.status, result.err) == (0, "")


def test_handlers_are_as_before_when_a_command_has_ended(site: Site) -> None:
    before = [signal.getsignal(number) for number in STATUS]
    assert site.cli("run").status == 0
    assert [signal.getsignal(number) for number in STATUS] == before


def test_only_a_scripts_own_code_is_interrupted_in_the_midst(site: Site) -> None:
    seen: list[bool] = []

    class OfAScript(dict[str, object]):
        """As the importer has them."""

    def look() -> None:
        seen.append(in_script(sys._getframe(1)))

    exec("look()", {"__builtins__": OfAScript(vars(builtins)), "look": look})
    exec("look()", {"__builtins__": {}, "look": look})
    assert seen == [True, False]
    assert not in_script(None)


def test_one_that_comes_while_trio_starts_is_not_lost() -> None:
    """Trio has no scope to be cancelled yet."""
    import trio

    told = Interrupts()

    async def main() -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        with trio.CancelScope() as scope, told.ending(scope):
            await trio.sleep_forever()
        return scope.cancelled_caught

    ended = []
    with pytest.raises(KeyboardInterrupt), told.asking():
        ended.append(trio.run(main))
    assert ended == [True]
    assert told.status == 130


def test_what_fails_because_of_an_interrupt_is_no_failure() -> None:
    def cut_off() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        raise ValueError("cut off")

    with pytest.raises(KeyboardInterrupt), Interrupts().asking():
        cut_off()
    with pytest.raises(ValueError, match="its own"), Interrupts().asking():
        raise ValueError("its own")


def test_one_that_comes_while_another_ends_the_process_says_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []

    def tell() -> None:
        said.append("interrupted")
        cli._end_at_once(signal.SIGTERM, None)

    monkeypatch.setattr(cli, "_ending", [])
    monkeypatch.setattr(cli, "_tell_interrupted", tell)
    monkeypatch.setattr(os, "_exit", lambda status: said.append(f"exit {status}"))
    cli._end_at_once(signal.SIGINT, None)
    assert said == ["interrupted", "exit 130"]
