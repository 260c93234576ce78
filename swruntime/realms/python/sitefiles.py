"""Which file of SITE is meant by a Python script's name, and its text."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote

from swruntime.errors import NotServed, ScriptError, SiteError
from swruntime.network.site_files import SiteFiles

SUFFIX = ".py"


def script_path(site: SiteFiles, path: str) -> Path:
    """The file that `path` names: the path of a URL ("/worker.py", percent-encoded), or one relative to SITE.

    Raises SiteError for what is not served (a dot file, what lies outside SITE, what is not there), and for what is not
    a Python script by its name: everything else in SITE may be of anybody.
    """
    parts = [part for part in path.split("/") if part]
    if not path.endswith(SUFFIX):
        raise SiteError(f"{path} is not a Python script; expected a name that ends with {SUFFIX}")
    try:
        # As it is written: what hides a slash names nothing.
        with site.opened("/" + "/".join(parts)):
            return site.folder.joinpath(*map(unquote, parts))
    except NotServed as refused:
        if refused.absent:
            raise SiteError(f"there is no file {path} in {site.folder}; write it, or name another") from None
        raise SiteError(f"{path} is not served: {refused.why}") from None


def url_path(name: str) -> str:
    """The path of the URL for a name relative to SITE: "lib/a b.py" is at "/lib/a%20b.py"."""
    return "/" + quote(name)


def decode(data: bytes, name: str) -> str:
    """A script's text. Raises ScriptError, with the line, where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{name} is not UTF-8: the byte {data[error.start]:#04x} in line {line} cannot be read"
        raise ScriptError(message, where=f"{name}:{line}") from None
