"""What a command imports before it does anything, which is most of what its start costs; and signals meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from tests.cli.test_cli_interrupts import STATUS, TOLD

if TYPE_CHECKING:
    from tests.cli.conftest import Server, Site

PROCESS = """
import atexit, json, sys
from swruntime.cli import process_main

report = sys.argv.pop(1)

@atexit.register
def tell():
    with open(report, "w") as file:
        json.dump(sorted(sys.modules), file)

process_main()
"""

OPENED = """
import json, sys
opened = []

def is_module(path):
    return path.endswith((".py", ".so")) or ".pyc" in path

def hook(event, arguments):
    if event == "sqlite3.connect" or (event == "open" and not is_module(str(arguments[0]))):
        opened.append(str(arguments[0]))

from swruntime.cli.arguments import grammar
from swruntime.cli.commands import load
import trio
sys.addaudithook(hook)
grammar()
load(sys.argv[1])
print(json.dumps(opened))
"""

SIGNALLED = """
import os, signal, sys
from swruntime.cli import process_main

number, module = int(sys.argv.pop(1)), sys.argv.pop(1)

def hook(event, arguments):
    if event == "import" and arguments[0] == module:
        os.kill(os.getpid(), number)

sys.addaudithook(hook)
process_main()
"""

VALUES = {"attr", "attrs", "cattrs", "ada_url"}
TRIO = {"trio", "outcome", "sniffio", "sortedcontainers", "idna", "exceptiongroup", "cffi"}
UNUSUAL = {
    "importlib.metadata",
    "fractions",
    "decimal",
    "asyncio",
    "tomllib",
    "http.client",
    "urllib.request",
}
"""Parts of Python that are dear, and that few commands need."""


@attrs.frozen
class Start:
    """What a command may load: of ours at the most so many modules, of others' these packages, and none of `never`."""

    own: int
    packages: set[str]
    never: set[str]


STARTS = {
    "--help": Start(22, set(), UNUSUAL | {"sqlite3", "ssl", "inspect", "swruntime.trace"}),
    "--version": Start(22, set(), UNUSUAL | {"sqlite3", "ssl", "inspect", "swruntime.trace"}),
    "status": Start(82, VALUES, UNUSUAL | {"ssl", "swruntime.agent.services", "swruntime.realms.python"}),
    "cache": Start(82, VALUES, UNUSUAL | {"ssl", "swruntime.agent", "swruntime.realms.python"}),
    "clear": Start(77, VALUES, UNUSUAL | {"ssl", "swruntime.agent", "swruntime.realms.python"}),
    "run": Start(
        217,
        VALUES | TRIO,
        UNUSUAL
        | {
            "swruntime.testing",
            "swruntime.monitor",
            "swruntime.network.sockets",
            "swruntime.network.har",
            "swruntime.realms.javascript.engine",
            "swruntime.machines.background_fetch",
            "swruntime.machines.record",
            "swruntime.agent.background_fetch",
        },
    ),
}
"""No httpx, httpcore, h2 or hypercorn, no rich, no ijson, no publicsuffixlist, in any; no Trio where only the profile is
read."""

OF_THE_ENVIRONMENT = {"coverage", "typing_extensions", "mypy_extensions"}
"""What measures the tests, and what cattrs has for older Pythons."""


def environment() -> dict[str, str]:
    """What makes rich think that standard output is a terminal is left out; so is what coverage would load."""
    return {
        name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "TTY_COMPATIBLE")
    }


def loaded(tmp_path: Path, *arguments: str | Path) -> set[str]:
    report = tmp_path / "modules"
    command = [sys.executable, "-c", PROCESS, report, *arguments]
    subprocess.run(command, check=True, capture_output=True, env=environment())
    return set(json.loads(report.read_text()))


def packages(modules: set[str]) -> set[str]:
    """Of others: not ours, and not Python's."""
    first = {name.partition(".")[0] for name in modules}
    found = first - sys.stdlib_module_names - OF_THE_ENVIRONMENT - {"swruntime", "__mp_main__"}
    return {name for name in found if not name.startswith("_")}


@pytest.mark.parametrize("command", STARTS)
def test_a_command_imports_what_it_needs(site: Site, tmp_path: Path, command: str) -> None:
    site.write("worker.py", "")
    arguments = [command] if command.startswith("-") else [command, site.folder]
    if command in ("status", "cache", "clear"):
        assert site.cli("run").status == 0
    modules = loaded(tmp_path, *arguments)
    start = STARTS[command]
    assert modules & start.never == set()
    assert packages(modules) - start.packages == set()
    own = {name for name in modules if name.partition(".")[0] == "swruntime"}
    assert len(own) <= start.own


def test_a_fetch_over_http_imports_no_client_but_what_http2_needs(
    site: Site, server: Server, tmp_path: Path
) -> None:
    site.write("worker.py", "")
    server.add("/x.bin", b"x")
    modules = loaded(tmp_path, "fetch", site.folder, "a", "/x.bin", "--origin", server.url)
    assert "swruntime.network.sockets" in modules
    of_http2 = {"httpcore", "h2", "hpack", "hyperframe", "h11", "certifi", "anyio", "brotli"}
    assert packages(modules) - VALUES - TRIO - of_http2 == set()


@pytest.mark.parametrize("command", ["run", "status", "serve"])
def test_importing_reads_nothing_but_modules(command: str) -> None:
    """No table, no standard's text, no database."""
    result = subprocess.run(
        [sys.executable, "-c", OPENED, command], check=True, capture_output=True, text=True
    )
    assert json.loads(result.stdout) == []


def signalled(site: Site, number: int, module: str, *arguments: str | Path) -> tuple[int, str, str]:
    """The process gets the signal when it begins to import `module`."""
    command = [sys.executable, "-c", SIGNALLED, str(int(number)), module, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("number", "module"),
    [
        (signal.SIGINT, "swruntime.cli.program"),
        (signal.SIGTERM, "swruntime.errors"),
        (signal.SIGINT, "swruntime.cli.interrupts"),
        (signal.SIGHUP, "argparse"),
        (signal.SIGTERM, "swruntime.cli.session"),
        (signal.SIGINT, "trio"),
        (signal.SIGTERM, "attrs"),
        (signal.SIGINT, "swruntime.storage.schema"),
    ],
)
def test_a_signal_while_it_imports_ends_it_at_once(site: Site, number: signal.Signals, module: str) -> None:
    site.write("worker.py", "")
    assert signalled(site, number, module, "run", site.folder) == (STATUS[number], "", TOLD)
    assert not (site.folder / ".swruntime").exists(), "nothing was begun"


@pytest.mark.slow
def test_a_signal_at_the_import_of_every_ninth_module(site: Site, tmp_path: Path) -> None:
    site.write("worker.py", "")
    before = loaded(tmp_path, "--version")
    for count, module in enumerate(sorted(loaded(tmp_path, "run", site.folder) - before)[::9]):
        number = list(STATUS)[count % 3]
        status, _, err = signalled(site, number, module, "run", site.folder)
        # What is imported later, in the midst of the run, ends it in order.
        assert (status, err) in ((STATUS[number], TOLD), (0, "")), module


def test_an_ignored_signal_stays_ignored_while_it_imports(site: Site) -> None:
    site.write("worker.py", "")

    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    command = [sys.executable, "-c", SIGNALLED, str(int(signal.SIGHUP)), "trio", "run", str(site.folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=ignore)
    assert (result.returncode, result.stderr) == (0, "")


def test_what_was_imported_is_not_looked_through_for_garbage(site: Site) -> None:
    """Three quarters of a million objects in all, at each of dozens of collections."""
    site.write("worker.py", "import gc\nprint(gc.isenabled(), gc.get_freeze_count() > 50_000)\n")
    assert site.process("run", "--json").console == ["True True"]
    code = "import gc\nfrom swruntime.cli import main\nmain(['--version'])\nprint(gc.isenabled(), gc.get_freeze_count())"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.endswith("True 0\n"), "whose process it is not, that of no matter"
