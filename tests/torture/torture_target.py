"""A target whose episodes are known beforehand, for the tests of the runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import attrs

COUNTED = "things"
PER_CORE = 2
WRONG, DEADLY = 3, 5
"""Episodes in which something is found; in the second one the process dies."""


@attrs.frozen
class Found:
    number: int
    findings: list[str]
    kept: Any = None

    @property
    def counts(self) -> dict[str, int]:
        return {"things": self.number, "episodes": 1}


def sentence(run: Mapping[str, int], all: Mapping[str, int]) -> str:
    return f"{run['things']} of {all['things']} things"


def episode(seed: str) -> Found:
    print("this does not disturb the answers")
    number = int(seed.rpartition("/")[2])
    if number == DEADLY:
        os._exit(77)
    return Found(number, ["a wrong thing"], {"thing": number}) if number == WRONG else Found(number, [])


def again(kept: Mapping[str, Any]) -> Found:
    return Found(0, [f"the thing {kept['thing']} again"])
