"""What a page of docs/ tells its reader to do, done: from top to bottom, in one folder that is empty at first.

    python snippets.py PAGE FOLDER    does it with the Python that runs this

A fenced block with a title is a file to save. A block `sh` is typed in; `text` behind it is what comes, line by line,
where a line of three dots is anything. `<!-- exit 1 -->` before a block `sh` says that it fails; `<!-- elsewhere -->`,
that another test does it.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

BLOCK = re.compile(
    r'^(?:<!-- ([\w ]+) -->\n)?```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL
)
PORT = "8400"
"""In a page; a free one takes its place, so that pages can be done side by side."""


@attrs.frozen
class Block:
    language: str
    title: str | None
    text: str
    remark: str | None
    line: int


class WrongPage(Exception):
    """A page does not do what it says. The message names its line."""


def blocks(page: str) -> Iterator[Block]:
    fences = len(re.findall(r"^```", page, re.MULTILINE))
    found = list(BLOCK.finditer(page))
    if fences != 2 * len(found):
        raise WrongPage(f"{fences} fences, and {len(found)} blocks that could be read")
    for match in found:
        remark, language, title, text = match.groups()
        yield Block(language, title, text, remark, page.count("\n", 0, match.start(4)))


def perform(page: str, folder: Path, python: str = sys.executable) -> None:
    """Raises WrongPage where a command fails that should not, or what comes is not what the page says."""
    port = free_port()
    output = ""
    for block in blocks(page):
        text = block.text.replace(PORT, port)
        if block.remark == "elsewhere" or block.language == "mermaid":
            continue
        if block.title is not None:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif block.language == "sh":
            output = _typed(text, block, folder, python)
        elif block.language == "text":
            _compare(text, output, block)
        else:
            raise WrongPage(
                f"line {block.line}: a block {block.language} without a title is neither saved nor typed in"
            )


def _typed(text: str, block: Block, folder: Path, python: str) -> str:
    # A server that is begun in the background ends with its block.
    script = f"set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{text}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment(folder, python),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    expected = int(block.remark.removeprefix("exit ")) if block.remark else 0
    if done.returncode != expected:
        raise WrongPage(
            f"line {block.line}: exit status {done.returncode}, not {expected}:\n{text}{done.stdout}"
        )
    return done.stdout


def environment(folder: Path, python: str) -> dict[str, str]:
    """In which `python` and `swruntime` are those of `python`.

    They are programs and not functions of the shell: what is begun in the background has its own process id in $!.
    """
    programs = folder.resolve() / ".programs"
    programs.mkdir(exist_ok=True)
    for name, command in (("python", ""), ("swruntime", " -m swruntime")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(python)}{command} "$@"\n')
        program.chmod(0o755)
    return os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


def _compare(expected: str, output: str, block: Block) -> None:
    lines = iter(output.splitlines())
    near = True
    for wanted in expected.splitlines():
        if wanted.strip() == "...":
            near = False
            continue
        for line in lines:
            if line.strip() == wanted.strip():
                break
            if near:
                raise WrongPage(f"line {block.line}: {line!r} came, not {wanted!r}; all of it:\n{output}")
        else:
            raise WrongPage(f"line {block.line}: {wanted!r} did not come; what came:\n{output}")
        near = True


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return str(listener.getsockname()[1])


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    try:
        perform(source.read_text("utf-8"), target)
    except WrongPage as wrong:
        sys.exit(f"{source}: {wrong}")
