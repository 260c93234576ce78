"""The pictures in docs/ are those of specs/."""

from __future__ import annotations

from pathlib import Path

import pytest

from swruntime.monitor.diagrams import main, pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_picture_is_current(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == pages()[name], "run: python -m swruntime.monitor.diagrams docs"


def test_they_are_written(tmp_path: Path) -> None:
    main(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == pages().keys()
