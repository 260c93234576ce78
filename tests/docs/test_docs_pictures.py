"""The pictures show what the program says today, in the same words; a slow machine has more lines of progress."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def shown(picture: Path) -> set[str]:
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", picture.read_text("utf-8"))
    text = " ".join(html.unescape(each).replace("\xa0", " ") for each in texts)
    text = re.sub(r"\S* stored|[0-9a-f]{40,}|[0-9][0-9.,]*", "", text)
    return set(text.split()) - {"MiB", "KiB", "B"}


@pytest.mark.slow
def test_they_show_what_is_said_today(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(DOCS / "pictures.py"), str(tmp_path)], check=True, timeout=300)
    drawn = sorted(path.name for path in tmp_path.iterdir())
    assert drawn == sorted(path.name for path in DOCS.glob("*.svg"))
    for name in drawn:
        assert shown(tmp_path / name) == shown(DOCS / name), name
