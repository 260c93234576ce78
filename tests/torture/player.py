"""A process that plays episodes of a target, one after the other: `python -m tests.torture.player MODULE`.

It reads the seed of each from its standard input, a line each, and answers with a line of JSON: `counts`, `findings`,
and what `kept` has to play the findings again, where the target keeps that. It ends with its input, and with an interrupt.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import attrs

from tests.torture.totals import Finding


@attrs.frozen
class Played:
    """An episode that was played."""

    counts: dict[str, int]
    findings: list[str]
    kept: Any = None
    """Plain data, for the target's `again`."""

    @classmethod
    def of(cls, found: Finding) -> Played:
        return cls(found.counts, found.findings, getattr(found, "kept", None))


class Player:
    """The process, from outside. It starts with its first episode."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[str] | None = None

    def play(self, seed: str) -> Played:
        """Where the process dies of the episode, that is what was found."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.torture.player", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{seed}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer.endswith("\n"):
            return Played(**json.loads(answer))
        status = self._process.wait()
        self.close()
        return Played({"episodes": 1}, [f"the process that played it ended with status {status}"])

    def close(self) -> None:
        """Returns when it has ended; it plays its episode to the end."""
        if self._process is not None:
            process, self._process = self._process, None
            process.communicate()


def main(arguments: list[str]) -> int:
    target = import_module(arguments[0])
    # What is played may print: that goes elsewhere.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        for line in sys.stdin:
            played = Played.of(target.episode(line.strip()))
            answers.write(json.dumps(attrs.asdict(played)) + "\n")
            answers.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0  # the run was killed
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
