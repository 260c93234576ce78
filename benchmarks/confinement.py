"""What the wall costs: the engine's process started behind it and without it, in turns, until it is ready.

    python benchmarks/confinement.py [--number 40]

Tells milliseconds of the clock and of the processor, the medians and the least of so many, and each as a ratio to a
start without the wall: with the code cache, behind the wall and free; and, to compare with, without the cache. No
timing is asserted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from swruntime.realms.javascript.code_cache import remove
from swruntime.realms.javascript.confinement import by_what, kernel
from swruntime.realms.javascript.engine_files import EngineFiles, engine_files
from swruntime.realms.javascript.launch import before_exec, command, environment
from swruntime.realms.javascript.wall import Kernel, Wall

NOTHING = Kernel(0, False)


def start(files: EngineFiles, cache: Path | None, has: Kernel) -> tuple[float, float]:
    """Milliseconds until it is ready, and of the processor."""
    answers, ours = os.pipe()
    began = time.perf_counter()
    with Wall(has, files.allowed) as wall:
        process = subprocess.Popen(
            command(files.program, answers),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[answers],
            env=environment(cache),
            start_new_session=True,
            preexec_fn=before_exec(answers, wall),
        )
    os.close(answers)
    assert process.stdout is not None
    assert os.read(process.stdout.fileno(), 1), "the engine does not start"
    seconds = time.perf_counter() - began
    process.kill()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.communicate()
    os.close(ours)
    return seconds * 1000, (used.ru_utime + used.ru_stime) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=40)
    number = parser.parse_args().number
    files, here = engine_files(), kernel()
    if here == NOTHING or files.cache is None:
        print(f"confined {by_what(here)}, code cache {files.cache}: nothing to compare", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        # Root, where nothing confines it, could write to the user's own.
        copy = shutil.copytree(files.cache, Path(folder) / "cache", symlinks=True)
        compare(files, copy, here, number)
        remove(copy)


def compare(files: EngineFiles, copy: Path, here: Kernel, number: int) -> None:
    ways: dict[str, tuple[Path | None, Kernel]] = {
        "free, with the cache": (copy, NOTHING),
        f"confined {by_what(here)}, with the cache": (files.cache, here),
        "free, without a cache": (None, NOTHING),
        f"confined {by_what(here)}, without a cache": (None, here),
    }
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(number):
        for way, (cache, has) in ways.items():
            times[way].append(start(files, cache, has))
    first = next(iter(ways))
    for way, found in times.items():
        said = []
        for index, what in enumerate(("until ready", "of the processor")):
            median = statistics.median(each[index] for each in found)
            least = min(each[index] for each in found)
            compared = statistics.median(each[index] for each in times[first])
            said.append(f"{median:.0f} ms {what} (least {least:.0f}; x{median / compared:.2f})")
        print(f"{way}: {', '.join(said)}")


if __name__ == "__main__":
    main()
