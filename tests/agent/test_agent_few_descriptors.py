"""No descriptor is left: what cannot be opened is waited for, in a process of its own, with a limit of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from swruntime.network.site_files import SiteFiles
from swruntime.ports.descriptors import Reserve, Shortage

CHILD = '''
import json, os, resource, sys
import trio, trio.testing, swruntime
from pathlib import Path

lines = []

def take_all():
    """Take every descriptor that there is."""
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return taken

def children():
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return [pid for task in tasks for pid in (task / "children").read_text().split()]

def told(kind, **keys):
    return [line for line in lines if line["kind"] == kind and keys.items() <= line.items()]

async def main(language):
    site = Path(sys.argv[1])
    async with swruntime.open_user_agent(site=site, on_trace=lines.append, give_up=float(sys.argv[3])) as agent:
        page = await agent.open_window("/")
        worker = {"python": "/worker.py", "javascript": "/sw.js"}[language]
        await page.navigator.service_worker.register(worker)
        registration = await page.navigator.service_worker.ready
        await agent.settled()
        await agent.terminate_worker(registration)
        while language == "javascript" and len(children()) != 1:  # the one in reserve
            await trio.sleep(0.01)
        await trio.testing.wait_all_tasks_blocked(0.1)
        limit = 20 + max(map(int, os.listdir("/proc/self/fd")))
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        taken = take_all()
        fetched = await registration.background_fetch.fetch("id", ["/a/b/file", "/"])
        status = []

        async def plain():
            status.append((await page.fetch("/a/b/file")).status)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(plain)
            registration.active.post_message("start")
            await agent.until(lambda line: line["kind"] == "diagnostic" and line["code"] == "few-descriptors")
            await trio.sleep(0.2)
            waited = not status and not told("record.settle")
            for each in taken:
                os.close(each)
        await agent.settled()
        print(json.dumps({
            "waited": waited, "status": status, "result": fetched.result,
            "console": [line["text"] for line in told("console")],
            "codes": sorted({line["code"] for line in told("diagnostic")}),
        }))

trio.run(main, sys.argv[2])
'''


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "a" / "b").mkdir(parents=True)
    (site / "a" / "b" / "file").write_bytes(b"content")
    (site / "index.html").write_text("<p>")
    (site / "helper.py").write_text("text = 'imported'\n")
    (site / "worker.py").write_text(
        "import helper\n"
        "async def onmessage(event): print(helper.text)\n"
        "async def onbackgroundfetchsuccess(event): print('done')\n"
    )
    (site / "helper.js").write_text("self.text = 'imported';\n")
    (site / "sw.js").write_text(
        "importScripts('/helper.js');\n"
        "self.onmessage = () => console.log(text);\n"
        "self.onbackgroundfetchsuccess = () => console.log('done');\n"
    )
    return site


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted there")
@pytest.mark.parametrize("language", ["python", "javascript"])
def test_sites_files_are_waited_for(site: Path, language: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(site), language, "600"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {
        "waited": True,
        "status": [200],
        "result": "success",
        "console": ["imported", "done"],
        "codes": ["few-descriptors"],
    }


def _take_all() -> list[int]:
    taken: list[int] = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return taken


def _limited(action: str, site: Path) -> subprocess.CompletedProcess[str]:
    """Run `action` with no descriptor left, in a process of its own."""
    script = (
        "import os, resource, sys, swruntime.network.site_files as s\n"
        "from swruntime.errors import *\n"
        "from tests.agent.test_agent_few_descriptors import _take_all\n"
        "files = s.SiteFiles(__import__('pathlib').Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "taken = _take_all()\n" + action
    )
    return subprocess.run(
        [sys.executable, "-c", script, str(site)], capture_output=True, text=True, check=False
    )


def test_who_cannot_wait_has_a_reserve(site: Path) -> None:
    done = _limited(
        "print(files.read('/a/b/file'), files.is_file('/a/b/file'), files.is_folder('/a/b'), files.is_file('/a/c'))\n"
        "print(files.version('/a/b/file') is not None, files.headers(), files.why_not('/a/b/file'))\n"
        "print(len(s.reserve()))\n",
        site,
    )
    assert done.stdout.splitlines() == ["b'content' True True False", "True None None", "16"]
    assert not done.stderr


def test_nothing_is_concluded_without_one(site: Path) -> None:
    """A profile in SITE, above all, is not taken for another folder because its database could not be opened."""
    done = _limited(
        "s.reserve = lambda: type('', (), {'lent': lambda self: __import__('contextlib').nullcontext()})()\n"
        "for method in (files.find, files.read, files.version, files.is_file, files.is_folder, files.why_not):\n"
        "    for left in range(4):\n"
        "        try:\n"
        "            print(method.__name__, left, method('/a/b/file'))\n"
        "        except FewDescriptors as error:\n"
        "            print(error.status, error.why)\n"
        "        os.close(taken.pop())\n"
        "    taken += _take_all()\n",
        site,
    )
    assert set(done.stdout.splitlines()) == {"503 it cannot be opened now: Too many open files"}
    assert not done.stderr


async def test_the_patience_has_an_end(site: Path, autojump_clock: object) -> None:
    told: list[str] = []
    calls = 0

    def short() -> None:
        nonlocal calls
        calls += 1
        raise OSError(24, "Too many open files")

    with pytest.raises(OSError, match="Too many"):
        await Shortage(600, told.append).wait_out("it", short)
    assert trio.current_time() == pytest.approx(600)
    assert 600 < calls < 620
    assert told == ["it waits until another is closed: Too many open files"]


async def test_other_errors_are_told_at_once(autojump_clock: object) -> None:
    def refused() -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(PermissionError):
        await Shortage().wait_out("it", refused)
    assert trio.current_time() == 0


def test_a_reserve_is_lent_and_filled_again() -> None:
    before = len(os.listdir("/dev/fd"))
    held = Reserve(2)
    assert len(os.listdir("/dev/fd")) == before + 2
    with held.lent():
        assert len(os.listdir("/dev/fd")) == before
    assert len(held) == 2
    held.close()
    assert len(os.listdir("/dev/fd")) == before


def test_all_sites_have_one_reserve(site: Path) -> None:
    SiteFiles(site)
    before = len(os.listdir("/dev/fd"))
    many = [SiteFiles(site) for _ in range(20)]
    assert len(os.listdir("/dev/fd")) == before
    assert many
