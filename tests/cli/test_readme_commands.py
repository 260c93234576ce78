"""Every command in the README runs as it stands there, in an empty folder, in the order of the page."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

ELSEWHERE = ("make demo", "make test", "python -m pip install .")
"""Run by CI itself: .ci/run makes them, .ci/wheel installs the package."""


def shell_lines() -> str:
    lines = "".join(text for language, text in BLOCKS if language == "sh").splitlines()
    return "\n".join(line for line in lines if line not in ELSEWHERE)


def test_what_ci_runs_itself_is_in_the_readme_and_in_ci() -> None:
    for command in ELSEWHERE:
        assert command in README
    ci = (ROOT / ".ci/run").read_text("utf-8") + (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^demo:", ci, re.MULTILINE)
    assert re.search(r"^test:", ci, re.MULTILINE)
    assert "make demo" in ci
    assert "pip install" in (ROOT / ".ci/wheel").read_text("utf-8")


@pytest.mark.skipif(shutil.which("bash") is None, reason="the README's commands are for a shell")
def test_the_shell_commands(tmp_path: Path) -> None:
    script = f'set -euo pipefail\npython() {{ {sys.executable} "$@"; }}\n{shell_lines()}\n'
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy.bin").read_bytes() == (tmp_path / "site/big.bin").read_bytes()
    assert (tmp_path / "shelf.bin").read_bytes() == (tmp_path / "shelf/big.bin").read_bytes()
    assert '"reason":"offline"' in (tmp_path / "lines.jsonl").read_text()


def test_the_python_example(tmp_path: Path) -> None:
    (code,) = [text for language, text in BLOCKS if language == "python"]
    (tmp_path / "site").mkdir()
    (tmp_path / "site/worker.py").write_text("async def onbackgroundfetchsuccess(event): pass\n")
    (tmp_path / "site/big.bin").write_bytes(b"x" * 3_000_000)
    (tmp_path / "example.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2] == "success 3000000"
