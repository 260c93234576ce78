"""Failing examples that stay, as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from swruntime.testing.experiment import parsed_whole


def keep(scenario: Mapping[str, Any], path: Path | str) -> None:
    """Write a scenario, plain data, to a TOML file: a failing example that stays. Nothing is written of what is none.

    In a test of `@given`, where the examples shrink, the last one that is kept is the smallest.

    Raises UsageError, and OSError where the file cannot be written.
    """
    parsed_whole(scenario)
    Path(path).write_text(tomli_w.dumps(scenario, multiline_strings=True), "utf-8")
