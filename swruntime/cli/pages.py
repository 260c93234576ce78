"""What `run` says of a site's page, of which no script is run."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from swruntime.cli.site import PAGES


def without_pages(site: Path) -> str:
    """For a person who may have expected that more is run than a worker."""
    index = site / "index.html"
    if not index.is_file():
        there = f"there is no {' or '.join(PAGES)} in {str(site)!r}"
        return f"{there}: the worker alone is run; --page FILE runs a page script"
    scripts = _Scripts()
    scripts.feed(index.read_text("utf-8", errors="replace"))
    named = scripts.found[0] if scripts.found else "FILE"
    what = ", ".join(scripts.found) or "its scripts"
    told = f"the worker alone is run, and not index.html ({what}), for there is no document"
    return f"{told}; --page {named} runs a script without one"


class _Scripts(HTMLParser):
    """The files that a page's scripts are in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        source = dict(attributes).get("src")
        if tag == "script" and source:
            self.found.append(source)
