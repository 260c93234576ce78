"""Where Deno is. Nothing is started for the answer, and nothing heavy imported."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from swruntime.errors import NotSupportedError


def is_installed() -> bool:
    """Whether JavaScript can be run."""
    return _path() is not None


def find_deno() -> str:
    """The path of the program: of the `deno` wheel in this environment, or the one on PATH.

    Raises NotSupportedError where there is none.
    """
    found = _path()
    if found is None:
        raise NotSupportedError("JavaScript needs Deno: pip install 'swruntime[js]'")
    return found


def _path() -> str | None:
    beside = Path(sys.executable).parent / "deno"
    return str(beside) if beside.exists() else shutil.which("deno")
