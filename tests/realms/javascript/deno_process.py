"""Pieces of a script run in Deno, one process for a module of tests: what starts it costs more than what is tested."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import attrs
from deno import find_deno_bin  # type: ignore[import-untyped]  # has no types

_HARNESS = Path(__file__).with_name("harness.js")
_OPTIONS = ("--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm")


@attrs.frozen
class Raised:
    """What a piece threw: the error's name and message. One that is expected says a part of the message."""

    name: str
    says: str = ""

    def __eq__(self, expected: object) -> bool:
        return isinstance(expected, Raised) and self.name == expected.name and expected.says in self.says


class DenoProcess:
    def __init__(self) -> None:
        command = [find_deno_bin(), "run", *_OPTIONS, str(_HARNESS)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, body: str, **args: object) -> Any:
        """What the body of an async function returns, `args` being its parameters; a Raised where it throws."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"body": body, "args": args}).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "Deno ended; its standard error says why"
        answer = json.loads(line)
        return answer["value"] if "value" in answer else Raised(answer["error"], answer["message"])

    def close(self) -> None:
        self._process.communicate(timeout=30)
