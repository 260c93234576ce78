"""Every command in the README runs as it stands there, in the order of the page, in a folder with the examples alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.snippets import Block, blocks, environment, free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")

ELSEWHERE = ("make demo", "make test", "python -m pip install '.[js,test]'")
"""Run by CI itself: .ci/run makes them, .ci/wheel installs the package."""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the README's commands are for a shell")


def of(language: str) -> Iterator[Block]:
    return (block for block in blocks(README) if block.language == language)


def without_time(line: str) -> str:
    return re.sub(r"^ *[0-9]+\.[0-9]{3}  ", "0.000  ", line)


def in_bash(script: str, folder: Path) -> str:
    script = f"set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment(folder, sys.executable),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 130


def test_what_ci_runs_itself_is_in_the_readme_and_in_ci() -> None:
    for command in ELSEWHERE:
        assert command in README
    ci = (ROOT / ".ci/run").read_text("utf-8") + (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^demo:", ci, re.MULTILINE)
    assert re.search(r"^test:", ci, re.MULTILINE)
    assert "make demo" in ci
    assert "pip install" in (ROOT / ".ci/wheel").read_text("utf-8")


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """The folder of somebody who has done what the page says, but for the last door."""
    for block in blocks(README):
        if block.title is not None:
            path = tmp_path / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "sh":
            in_bash("\n".join(line for line in block.text.splitlines() if line not in ELSEWHERE), tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_commands(reader: Path) -> None:
    assert (reader / "copy.bin").read_bytes() == (reader / "site/big.bin").read_bytes()
    assert "/sw.js" in in_bash("swruntime status site", reader)
    (reader / "site/sw.js").unlink()
    shutil.rmtree(reader / "site/.swruntime")
    in_bash(
        "swruntime fetch site big /big.bin && swruntime cache site files /big.bin --output two.bin", reader
    )
    assert (reader / "two.bin").read_bytes() == (reader / "site/big.bin").read_bytes()


@pytest.mark.slow
def test_what_is_said_of_serve(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("ep-5*", ".swruntime")
    )
    (block,) = of("console")
    upstream, port = free_port(), free_port()
    script, told = "", []
    for line in block.text.replace("8000", upstream).replace("8400", port).splitlines():
        if not line.startswith("$ "):
            told.append(without_time(line))
            continue
        command = line.removeprefix("$ ").replace("swruntime serve", f"swruntime serve --port {port}")
        script += command.replace("curl ", "curl --silent ") + "\n"
        if command.endswith("&"):
            # Whoever types is slow enough; a program asks until the server is there.
            asked = port if "swruntime" in command else upstream
            script += f"until curl --silent localhost:{asked}/ > asked; do sleep 0.1; done\n"
    said = [without_time(line) for line in in_bash(script, tmp_path).splitlines()]
    said = [line for line in said if "  GET /: 200" not in line]  # whether the server is there
    assert said[: len(told)] == told
    assert all(line.startswith("swruntime: interrupted") for line in said[len(told) :])
