"""Who has broken out of the engine is still behind the kernel's wall: attacker.py stands in for them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swruntime.realms.javascript.confinement import kernel, missing

pytest.importorskip("deno")

pytestmark = pytest.mark.skipif(
    missing(kernel()) is not None, reason="needs a kernel with Landlock and seccomp"
)

ROOT = Path(__file__).parents[3]
NOBODY = "65534"
SECRET = "no script may ever see this"
PATIENCE = 120

REFUSED = {"EPERM", "EACCES"}
NOT_HERE = {"/proc/kcore", "/sys/kernel/security/lsm", "/dev/mem", "/dev/kmsg", "/dev/tty"}
"""Files that a machine may not have."""

AS_ROOT_TOO = pytest.param(NOBODY, id="as an ordinary user, started by root", marks=pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can be somebody else"))  # fmt: skip


@pytest.fixture
def folder() -> Iterator[Path]:
    """Everybody's, and so are the files in it: nothing but the wall keeps an attacker from them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = folder / "profile"
        profile.mkdir()
        for path in (profile / "kept.sqlite3", folder / "secret"):
            path.write_text(SECRET)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o777)
        yield folder


@pytest.fixture
def attack(folder: Path) -> Callable[[str, str], tuple[int, str]]:
    """The attacker's exit status and what it says, by its way and its user."""

    def attack(way: str, user: str) -> tuple[int, str]:
        ran = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.realms.javascript.attacker",
                way,
                folder / "secret",
                folder / "profile",
                user,
            ],
            cwd=ROOT,
            env={**os.environ, "SWRUNTIME_SECRET": SECRET},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        said, _, status = ran.stdout.rpartition("\n")
        return int(status), said

    return attack


@pytest.mark.parametrize("user", ["", AS_ROOT_TOO])
def test_an_attacker_gets_nowhere(
    attack: Callable[[str, str], tuple[int, str]], user: str, folder: Path, tell: Callable[[str, str], None]
) -> None:
    status, said = attack("all", user)
    assert status == 0
    found = json.loads(said)
    for room in ("files", "sockets", "processes", "calls"):
        came = {
            name: outcome
            for name, outcome in found[room].items()
            if outcome not in REFUSED
            and not (outcome in ("ENOENT", "ENXIO") and name.split()[-1] in NOT_HERE)
        }
        assert came == ({"clone3": "ENOSYS"} if room == "processes" else {})
    assert found["memory"] == {
        "private": "ENOMEM",
        "shared, without a file": "EPERM",
        "that grows down": "EPERM",
    }
    assert len(found["files"]) > 100
    assert len(found["sockets"]) > 40
    assert len(found["processes"]) > 100
    assert len(found["calls"]) > 400
    assert set(found["needed"].values()) == {"done"}
    assert set(found["known"].values()) == {"done"}
    assert sorted(path.name for path in folder.rglob("*")) == ["kept.sqlite3", "profile", "secret"]
    assert (folder / "profile" / "kept.sqlite3").read_text() == SECRET
    tried = sum(len(found[room]) for room in ("files", "sockets", "processes", "memory", "calls"))
    tell("what broke out of the engine", f"{tried} attempts, none done{', as nobody' if user else ''}")


@pytest.mark.parametrize("part", ["landlock", "seccomp"])
def test_each_half_of_the_wall_holds_alone(
    attack: Callable[[str, str], tuple[int, str]], part: str, tell: Callable[[str, str], None]
) -> None:
    status, said = attack(part, "")
    assert status == 0
    found = json.loads(said)[part]
    came = {
        name: outcome
        for name, outcome in found.items()
        if outcome not in REFUSED and not (outcome in ("ENOENT", "ENXIO") and name.split()[-1] in NOT_HERE)
    }
    assert came == ({} if part == "landlock" else {"clone3": "ENOSYS", "private": "ENOMEM"})
    assert len(found) > 80
    tell("what broke out of the engine", f"{len(found)} attempts, none done, by {part} alone")


def test_without_the_wall_it_would(attack: Callable[[str, str], tuple[int, str]]) -> None:
    status, said = attack("free", "")
    assert status == 0
    assert set(json.loads(said)["free"].values()) == {"done"}


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(way, marks=pytest.mark.skipif(os.uname().machine != "x86_64", reason="of x86_64"))
        for way in ("int 0x80", "x32")
    ],
)
def test_calls_of_another_architecture_are_its_end(
    attack: Callable[[str, str], tuple[int, str]], way: str
) -> None:
    assert attack(way, "") == (-signal.SIGSYS, "")


@pytest.mark.parametrize("way", ["the loader", "the engine"])
def test_what_may_be_executed_stays_behind_the_wall(
    attack: Callable[[str, str], tuple[int, str]], way: str
) -> None:
    status, said = attack(way, "")
    assert status > 0
    assert "done" not in said
