"""The deviations name what is there."""

from __future__ import annotations

import importlib
import tomllib
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[2] / "specs/background-fetch/deviations.toml"
DEVIATIONS: list[dict[str, Any]] = tomllib.loads(FILE.read_text("utf-8"))["deviation"]


def test_they_are_numbered_from_one() -> None:
    assert [deviation["number"] for deviation in DEVIATIONS] == list(range(1, 24))


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: str(deviation["number"]))
def test_its_symbol_exists(deviation: dict[str, Any]) -> None:
    assert set(deviation) == {"number", "algorithm", "text", "here", "symbol"}
    module, _, name = deviation["symbol"].partition(":")
    assert reduce(getattr, name.split("."), importlib.import_module(module)) is not None
