"""What confines scripts: `status` tells it, `--require-confinement` refuses less."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import swruntime
from swruntime.cli import main
from swruntime.errors import NotConfined
from swruntime.realms.javascript import confinement, landlock
from swruntime.realms.javascript.confinement import kernel, missing
from swruntime.realms.javascript.wall import Kernel

if TYPE_CHECKING:
    from tests.cli.conftest import Site

ROOT = Path(__file__).parents[2]
WHOLE = pytest.mark.skipif(missing(kernel()) is not None, reason="needs a kernel with Landlock and seccomp")
LOG = 'addEventListener("install", () => console.log("it runs"));'
KEEPING = """addEventListener("backgroundfetchsuccess", (event) => event.waitUntil((async () => {
    const cache = await caches.open("kept");
    for (const record of await event.registration.matchAll()) await cache.put(record.request, await record.responseReady);
})()));
"""


@pytest.fixture
def without_landlock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kernel.cache_clear()
    monkeypatch.setattr(landlock, "version", lambda: 0)
    yield
    kernel.cache_clear()


@pytest.fixture
def js(site: Site) -> Site:
    """A site without a line of Python."""
    (site.folder / "worker.py").unlink()
    site.write("sw.js", LOG)
    site.write("x.bin", b"xxx")
    return site


@pytest.mark.parametrize(
    ("has", "text"),
    [
        (Kernel(7, True), "by Landlock and seccomp\n"),
        (Kernel(0, True), "by seccomp only: without Landlock programs can be run, and files can be read\n"),
        (Kernel(0, False), "by the engine's own permissions only: "),
    ],
)
def test_status_says_what_confines_scripts(
    site: Site, has: Kernel, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write("x.bin", b"x")
    assert site.cli("fetch", "a", "/x.bin").status == 0
    monkeypatch.setattr(confinement, "kernel", lambda: has)
    said = site.cli("status").out
    assert f"scripts  JavaScript is confined {text}" in said
    (line,) = (line for line in said.splitlines() if line.startswith("scripts"))
    found = site.status()["confinement"]
    assert found == {
        "text": confinement.by_what(has),
        "landlock": has.landlock,
        "seccomp": has.seccomp,
        "missing": missing(has),
    }
    assert found["text"] in line


@pytest.mark.parametrize(
    "command",
    [("run",), ("serve", "--port", "0"), ("fetch", "a", "/x.bin")],
    ids=lambda command: command[0],
)
def test_less_is_refused_before_anything_is_begun(
    js: Site, without_landlock: None, command: tuple[str, ...]
) -> None:
    js.cli(*command, "--require-confinement").refused("required", "by seccomp only")
    assert not (js.folder / ".swruntime").exists()


def test_a_page_in_javascript_is_refused_too(site: Site, without_landlock: None) -> None:
    site.write("page.js", "1")
    site.cli("run", "--require-confinement").refused("required", "by seccomp only")


def test_a_site_in_python_needs_no_confinement(site: Site, without_landlock: None) -> None:
    site.write("x.bin", b"x")
    site.write("page.py", "async def main(): print('it runs')")
    assert "it runs" in site.cli("run", "--require-confinement").out
    assert site.cli("fetch", "a", "/x.bin", "--require-confinement").status == 0
    assert site.cli("resume", "--require-confinement").status == 0


def test_whole_scenarios_take_the_option(site: Site, without_landlock: None) -> None:
    scenario = site.write("whole.toml", '[[fetch]]\nid = "a"\nurls = ["/x"]\n[files]\n"x" = "text"\n')
    assert main(["scenario", str(scenario), "--require-confinement"]) == 0


async def test_python_gets_an_error_of_its_own(js: Site, without_landlock: None) -> None:
    js.write("page.js", "1")
    async with swruntime.open_user_agent(site=js.folder, require_confinement=True) as agent:
        page = await agent.open_window("/")
        with pytest.raises(NotConfined, match="by seccomp only"):
            await page.run("/page.js")


async def test_a_worker_ends_the_agent_where_it_would_be_confined_less(
    js: Site, without_landlock: None
) -> None:
    async def register() -> None:
        async with swruntime.open_user_agent(site=js.folder, require_confinement=True) as agent:
            page = await agent.open_window("/")
            await page.navigator.service_worker.register("/sw.js")

    with pytest.raises(NotConfined, match="by seccomp only"):
        await register()


@WHOLE
@pytest.mark.slow
def test_an_owed_event_is_not_delivered_with_less(js: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    js.write("sw.js", KEEPING)
    assert js.process("run").status == 0
    assert js.process("fetch", "a", "/none.bin", "--conditions", "offline").status == 1
    js.write("none.bin", b"come by now")
    arguments = [sys.executable, "-m", "swruntime", "resume", str(js.folder), "--require-confinement"]
    less = [sys.executable, "-m", "tests.realms.javascript.less_kernel", "landlock", *arguments]
    ran = subprocess.run(less, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2, ran
    (line,) = (line for line in ran.stderr.splitlines() if line.startswith("swruntime"))
    assert "by seccomp only" in line
    assert js.process("resume", "--require-confinement").status == 0
    assert js.cached("/none.bin") == b"come by now"


@WHOLE
@pytest.mark.slow
@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ("nothing", "by Landlock and seccomp\n"),
        ("landlock", "by seccomp only: without Landlock programs can be run, and files can be read\n"),
        ("landlock,seccomp", "by the engine's own permissions only: "),
    ],
)
def test_on_kernels_that_have_less(js: Site, parts: str, text: str) -> None:
    def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.realms.javascript.less_kernel", parts, sys.executable, "-m"]
        return subprocess.run(
            [*command, "swruntime", arguments[0], str(js.folder), *arguments[1:]],
            cwd=ROOT,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )

    ran = cli("run")
    assert (ran.returncode, "it runs" in ran.stdout) == (0, True), ran
    assert f"scripts  JavaScript is confined {text}" in cli("status").stdout
    refused = cli("run", "--require-confinement")
    assert refused.returncode == (0 if parts == "nothing" else 2)
    assert refused.stderr.count("\n") == (parts != "nothing")
