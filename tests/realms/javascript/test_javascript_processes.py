"""No process of a script's outlives the command that started it, however that ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("deno")

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

PATIENCE = 60.0
PAGE = 'navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready).then(%s)'
LOOP = 'addEventListener("install", () => { console.log("it loops"); for (;;) {} });'
WAIT = 'addEventListener("install", (event) => { console.log("it waits"); event.waitUntil(new Promise(() => {})); });'


def children(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        found |= set(map(int, (task / "children").read_text().split()))
    return found


def running(descriptors: list[int]) -> bool:
    """Whether all of those processes run."""
    return bool(descriptors) and not select.select(descriptors, [], [], 0)[0]


def gone(descriptors: list[int]) -> bool:
    """Wait until all of those processes have ended; whether they have."""
    return all(select.select([each], [], [], PATIENCE)[0] for each in descriptors)


class Run:
    def __init__(self, folder: Path) -> None:
        self._command = subprocess.Popen(
            [sys.executable, "-m", "swruntime", "run", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
        )
        self.scripts: list[int] = []
        """Descriptors of the processes of its scripts, which tell of their ends to whoever is not their parent, too."""

    def until(self, text: str) -> None:
        """Read its output until `text` is in a line; note the processes of its scripts."""
        assert self._command.stdout is not None
        for line in self._command.stdout:
            if text in line.decode():
                self.scripts = [os.pidfd_open(each) for each in children(self._command.pid)]
                return
        raise AssertionError(self._command.communicate()[1].decode())

    def end(self, sent: signal.Signals | None = None) -> int:
        if sent is not None:
            self._command.send_signal(sent)
        self._command.communicate(timeout=PATIENCE)
        return self._command.returncode

    def close(self) -> None:
        self._command.kill()
        self._command.communicate()
        for each in self.scripts:
            os.close(each)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "page.js").write_text(PAGE % '() => console.log("ready")')
    return folder


@pytest.fixture
def run(folder: Path) -> Iterator[Callable[[str], Run]]:
    run: Run | None = None

    def started(worker: str) -> Run:
        nonlocal run
        (folder / "sw.js").write_text(worker)
        run = Run(folder)
        return run

    yield started
    if run is not None:
        run.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("worker", "says", "sent", "status"),
    [
        pytest.param(LOOP, "it loops", signal.SIGKILL, -signal.SIGKILL, id="killed while a worker loops"),
        pytest.param(WAIT, "it waits", signal.SIGKILL, -signal.SIGKILL, id="killed while a worker waits"),
        pytest.param(LOOP, "it loops", signal.SIGINT, 130, id="interrupted while a worker loops"),
        pytest.param(WAIT, "it waits", signal.SIGINT, 130, id="interrupted while a worker waits"),
    ],
)
def test_scripts_end_with_the_command(
    run: Callable[[str], Run], worker: str, says: str, sent: signal.Signals, status: int
) -> None:
    command = run(worker)
    command.until(says)
    assert running(command.scripts)
    assert command.end(sent) == status
    assert gone(command.scripts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "says", "status"),
    [
        pytest.param('() => console.log("ready")', "ready", 0, id="a run that ends well"),
        pytest.param(
            '() => { console.log("ready"); throw new Error("no") }', "ready", 1, id="a page that fails"
        ),
    ],
)
def test_nothing_is_left_of_a_run(
    run: Callable[[str], Run], folder: Path, page: str, says: str, status: int
) -> None:
    (folder / "page.js").write_text(PAGE % page)
    command = run("")
    command.until(says)
    assert command.scripts
    assert command.end() == status
    assert gone(command.scripts)
