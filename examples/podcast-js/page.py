"""Stands in for the podcast's server, and has nothing to do with the page, which is page.js.

A script in JavaScript makes no files, so this one does: those of the Python example beside it, the same bytes.
"""

import os
import runpy
import shutil
from pathlib import Path

SITE = Path(__file__).parent
PODCAST = SITE.parent / "podcast"


def make():
    runpy.run_path(str(PODCAST / "episode.py"))
    for name in ("ep-5.mp3", "ep-5-artwork.jpg", "ep-5-icon.png"):
        if not (SITE / name).exists():
            try:
                os.link(PODCAST / name, SITE / name)
            except OSError:  # the file system has no such links
                shutil.copyfile(PODCAST / name, SITE / name)


make()


async def main():
    pass
