"""Which file of SITE is meant, and its text."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from swruntime.errors import ScriptError, SiteError


def script_path(site_folder: Path, path: str) -> Path:
    """The file that `path` names: the path of a URL ("/worker.py", percent-encoded), or one relative to SITE.

    Raises SiteError for a dot file, for what lies outside SITE (links followed), and for what is no file.
    """
    site = site_folder.resolve()
    parts = [unquote(part) for part in path.split("/") if part]
    if any(part.startswith(".") or "/" in part or "\0" in part for part in parts):
        raise SiteError(f"{path} is not served: dot files, and what is outside {site_folder}, stay private")
    file = site.joinpath(*parts).resolve()
    if not file.is_relative_to(site):
        raise SiteError(f"{path} is not served: it leads out of {site_folder}")
    if not file.is_file():
        raise SiteError(f"there is no file {path} in {site_folder}; write it, or name another")
    return file


def decode(data: bytes, name: str) -> str:
    """A script's text. Raises ScriptError, with the line, where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{name} is not UTF-8: the byte {data[error.start]:#04x} in line {line} cannot be read"
        raise ScriptError(message, where=f"{name}:{line}") from None
