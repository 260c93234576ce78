"""The page about Workbox, with its blocks that need npm's registry: they are marked `elsewhere`, which is here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.docs.snippets import perform

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-workbox.md"


@pytest.mark.slow
def test_the_page_with_what_comes_from_npm(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        assert os.environ.get("CI") != "true", "npm is not installed, and CI tests with it"
        pytest.skip("npm is not installed")
    page = PAGE.read_text("utf-8")
    assert "<!-- elsewhere -->\n" in page
    perform(page.replace("<!-- elsewhere -->\n", ""), tmp_path)
