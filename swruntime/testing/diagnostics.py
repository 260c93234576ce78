"""Diagnostics about scripts, as pytest tells them: a warning each, or a failure. Imports nothing that is heavy."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs


class DiagnosticWarning(UserWarning):
    """A script does something that goes wrong quietly. `code` is the diagnostic's.

    pytest's `filterwarnings = error::swruntime.testing.DiagnosticWarning`, or `swruntime_strict = true`, makes it a
    failure; `# swruntime: allow=CODE` in the script allows one place.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@attrs.frozen
class Diagnosed:
    """A diagnostic in words, and the script's file and line, None where there is no line."""

    code: str
    text: str
    file: Path | None = None
    line: int = 1


def diagnosed(line: dict[str, Any], site: Path) -> Diagnosed | None:
    """What a line of a trace tells about a script of `site`; None for every other line."""
    from swruntime.algorithms.visible_text import visible
    from swruntime.trace import explained, script_diagnostic

    code = script_diagnostic(line)
    if code is None:
        return None
    text = visible(explained(line, code))
    if line["where"] is None:
        return Diagnosed(code.name, text)
    from swruntime.network.site_files import SiteFiles

    name, _, number = line["where"].rpartition(":")
    # A source map names what it likes, and the line of a warning is shown: of a file that is private it must not be.
    private = (site / name).exists() and not SiteFiles(site).is_file("/" + quote(name))
    return Diagnosed(code.name, text, None if private else site / name, int(number))


def warn(found: Iterable[Diagnosed], *, strict: bool, nowhere: tuple[str, int]) -> None:
    """A DiagnosticWarning for each; with `strict` the first is raised. `nowhere` is the file and line of the test.

    Raises DiagnosticWarning also where the filters of warnings make it an error.
    """
    for each in found:
        warning = DiagnosticWarning(each.text, each.code)
        if strict:
            raise warning
        file, line = nowhere if each.file is None else (str(each.file), each.line)
        warnings.warn_explicit(warning, DiagnosticWarning, file, line)
