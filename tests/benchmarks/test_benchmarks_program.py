"""`python -m benchmarks`: what its rows measure works, in small; what it is told wrongly is refused."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import main
from benchmarks.bench import Bench
from benchmarks.entries import site_of
from benchmarks.packages import PACKAGES, find, install, missing
from benchmarks.sides import sides

ROOT = Path(__file__).parents[2]


def measured(*arguments: str) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {row["name"]: row for row in json.loads(ended.stdout)["rows"]}


@pytest.mark.slow
def test_rows_that_need_no_peer() -> None:
    rows = measured(*(f"--only={name}" for name in ("at-once", "start", "profile", "cache")))
    assert set(rows["start"]["samples"]) == {
        *("swruntime --help", "swruntime status", "swruntime run"),
        "import trio, httpx",
    }
    for row in rows.values():
        assert (row["missing"], row["refused"]) == ({}, {})
        assert row["compared"] or row["name"] == "cache"
        for samples in row["samples"].values():
            assert len(samples) == 2
            assert all(sample["wall"] > 0 and sample["cpu"] > 0 for sample in samples)


@pytest.mark.slow
def test_a_profile_of_many_entries_is_sound(tmp_path: Path) -> None:
    bench = Bench(tmp_path, sides([], tmp_path))
    site = site_of(bench, bench.sides[0], 50)
    command = bench.sides[0].command("status", str(site), "--check")
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
@pytest.mark.skipif(find("nginx") is None, reason="nginx is not installed")
def test_rows_with_those_peers_that_are_installed(tmp_path: Path) -> None:
    # This very code, elsewhere, is the version before.
    shutil.copytree(ROOT / "swruntime", tmp_path / "swruntime", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    rows = measured("--before", str(tmp_path), "--only=big", "--only=many", "--only=small")
    absent = [name for name in PACKAGES if find(name) is None]
    before = f"before ({tmp_path.name})"
    for row in rows.values():
        assert row["refused"] == {}
        assert all(any(name in reason for name in absent) for reason in row["missing"].values())
        for name, samples in row["samples"].items():
            assert len(samples) == (1 if (row["name"], name) == ("many", "Chromium, warm") else 2)
    for name in ("big", "many"):
        assert {"swruntime", before, "httpx, fsync"} <= set(rows[name]["samples"])
    if importlib.util.find_spec("deno") is not None:
        assert "swruntime, JavaScript" in rows["small"]["samples"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--size", "much"], "'much' is not a size"),
        (["--size", "0"], "'0' is not the size of a body"),
        (["--repeat", "0"], "'0' is not a number of rounds"),
        (["--repeat", "²"], "'²' is not a number of rounds"),
        (["--only", "everything"], "invalid choice: 'everything'"),
        (["--results", "/no/such/folder/RESULTS.md"], "'/no/such/folder/RESULTS.md' cannot be written"),
    ],
)
def test_wrong_arguments_are_named(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_a_before_that_is_not_a_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--only", "start", "--before", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--before: {tmp_path} is not a checkout of swruntime" in line


def test_peers_that_cannot_be_installed_are_missing_for_that_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("benchmarks.packages.find", shutil.which)
    failed = install()
    assert failed == dict.fromkeys(PACKAGES, "there is no apt-get to install it with")
    assert missing("curl", failed) == "curl is not installed; there is no apt-get to install it with"
    assert missing("curl", {}) == "curl is not installed"


def test_what_debian_says_where_a_package_cannot_be_had_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("benchmarks.packages.find", shutil.which)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    apt = tmp_path / "apt-get"
    apt.write_text('#!/bin/sh\necho "E: Unable to locate package $5" >&2\nexit 100\n')
    apt.chmod(0o755)
    assert "Unable to locate package" in install()["aria2c"]


def test_who_is_neither_root_nor_has_sudo_goes_on_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("benchmarks.packages.find", shutil.which)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\n")
    apt.chmod(0o755)
    assert install() == dict.fromkeys(PACKAGES, "it cannot be installed: neither root nor sudo")
