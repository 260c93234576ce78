"""Each patch breaks one thing on purpose, and at least one side of the executable specification sees it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.specs import patched

ISSUE_WANTS = 10


def test_there_are_enough() -> None:
    assert len(patched.PATCHES) >= ISSUE_WANTS


@pytest.mark.parametrize("patch", patched.PATCHES, ids=lambda patch: patch.stem)
def test_it_fits_the_code_of_today(patch: Path, tmp_path: Path) -> None:
    shutil.copytree(patched.ROOT / "swruntime", tmp_path / "swruntime")
    patched.apply(patch, tmp_path)


def test_one_that_does_not_fit_says_how_to_refresh_it(tmp_path: Path) -> None:
    (tmp_path / "swruntime/machines").mkdir(parents=True)
    (tmp_path / "swruntime/machines/background_fetch.py").write_text("nothing of it is left\n")
    with pytest.raises(
        patched.StalePatchError, match=r"does not fit today's code: .*(.|\n)*To refresh it: make"
    ):
        patched.apply(patched.PATCHES[0], tmp_path)


def test_a_table_of_what_is_caught_and_what_is_not() -> None:
    found = dict.fromkeys(patched.SIDES, "")
    rows = [
        patched.Row("01-caught", "It breaks.", {**found, "trace": "a line too many"}),
        patched.Row("02-passed", "So does it.", found),
    ]
    assert [row.caught for row in rows] == [True, False]
    lines = patched.table(rows).splitlines()
    assert len(lines) == 3
    assert lines[1].index("x") - lines[0].index("trace") in range(len("trace"))
    assert lines[1].endswith("It breaks.")
    assert "x" not in lines[2].removesuffix("So does it.")


def test_a_name_that_no_patch_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert patched.main(["nothing"]) == 2
    assert "'nothing' is no patch; expected of 01-" in capsys.readouterr().err


@pytest.mark.slow
def test_no_side_catches_what_is_not_broken() -> None:
    assert patched.look_at(None).found == dict.fromkeys(patched.SIDES, "")


@pytest.mark.slow
@pytest.mark.parametrize("patch", patched.PATCHES, ids=lambda patch: patch.stem)
def test_at_least_one_side_catches_it(patch: Path, tell: Callable[[str, str], None]) -> None:
    row = patched.look_at(patch)
    tell(f"Which side of the executable specification catches which patch\n{patched.HEAD}", patched.line(row))
    assert row.caught, f"{row.patch}: {row.breaks}"
