"""Every command on every damage of a profile: one line, the right exit status, and nothing made worse.

`clear` forgets what is left of a profile, or names the folder.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from swruntime.storage import schema

if TYPE_CHECKING:
    from tests.cli.conftest import Site

DATABASE = "profile.sqlite3"
PAGE = 4096


def _zeros(profile: Path, start: int, size: int) -> None:
    with open(profile / DATABASE, "r+b") as file:
        file.seek(start)
        file.write(bytes(size))


def _half(profile: Path) -> None:
    os.truncate(profile / DATABASE, (profile / DATABASE).stat().st_size // 2)


def _all_zeros(profile: Path) -> None:
    _zeros(profile, 0, (profile / DATABASE).stat().st_size)


def _anothers(profile: Path) -> None:
    (profile / DATABASE).unlink()
    with closing(sqlite3.connect(profile / DATABASE)) as connection:
        connection.execute("CREATE TABLE thesis (text)")
        connection.commit()


def _later_version(profile: Path) -> None:
    with closing(sqlite3.connect(profile / DATABASE)) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
        connection.commit()


def _another_table(profile: Path) -> None:
    with closing(sqlite3.connect(profile / DATABASE)) as connection:
        connection.execute("CREATE TABLE more (text)")
        connection.commit()


def _folder_in_its_place(profile: Path) -> None:
    (profile / DATABASE).unlink()
    (profile / DATABASE).mkdir()


def _link_in_its_place(profile: Path) -> None:
    (profile / DATABASE).rename(profile.parent / "elsewhere")
    (profile / DATABASE).symlink_to(profile.parent / "elsewhere")


def _bodies_are_a_file(profile: Path) -> None:
    shutil.rmtree(profile / "bodies")
    (profile / "bodies").write_text("mine")


def _body(profile: Path) -> Path:
    (path,) = (profile / "bodies").iterdir()
    return path


def _body_is_a_folder(profile: Path) -> None:
    path = _body(profile)
    path.unlink()
    path.mkdir()


def _body_is_a_link(profile: Path) -> None:
    path = _body(profile)
    path.rename(profile.parent / "elsewhere")
    path.symlink_to(profile.parent / "elsewhere")


@attrs.frozen
class Damage:
    """What is done to a profile, what the line says, and the exit statuses of the commands."""

    name: str
    do: Callable[[Path], object]
    told: str
    check: int = 2
    """Of `status --check`."""
    clear: int = 0
    force: int = 0
    """Of `clear` and `clear --force`."""


DAMAGES = [
    Damage("empty", lambda p: os.truncate(p / DATABASE, 0), "damaged or something else"),
    Damage("header-cut", lambda p: os.truncate(p / DATABASE, 50), "damaged or something else"),
    Damage("one-page", lambda p: os.truncate(p / DATABASE, PAGE), "is damaged", check=1),
    Damage("half", _half, "is damaged", check=1),
    Damage("header-of-zeros", lambda p: _zeros(p, 0, 100), "damaged or something else"),
    Damage("zeros", _all_zeros, "damaged or something else"),
    Damage("first-page-of-zeros", lambda p: _zeros(p, 100, PAGE - 100), "is not a profile", check=1),
    Damage("text", lambda p: (p / DATABASE).write_text("mine"), "damaged or something else"),
    Damage("another-programs", _anothers, "damaged or something else", clear=2),
    Damage("another-table", _another_table, "more in its profile.sqlite3"),
    Damage("later-version", _later_version, "later version", clear=2),
    Damage("a-folder", _folder_in_its_place, "is a folder", clear=2, force=2),
    Damage("a-link", _link_in_its_place, "is a link", clear=2, force=2),
    Damage("bodies-are-a-file", _bodies_are_a_file, "bodies is a file", clear=2, force=2),
    Damage("body-is-a-folder", _body_is_a_folder, "is a folder"),
    Damage("body-is-a-link", _body_is_a_link, "is a link"),
]

COMMANDS = [
    ("run",), ("fetch", "other", "/x.bin"), ("resume",), ("status",), ("cache",), ("cache", "kept"),
    ("cache", "kept", "--delete"), ("abort", "done"), ("serve", "--port", "0"),
]  # fmt: skip


@pytest.fixture
def damaged(site: Site, request: pytest.FixtureRequest) -> Site:
    site.write("x.bin", b"x" * 1000)
    assert site.cli("fetch", "done", "/x.bin").status == 0
    request.param.do(site.folder / ".swruntime")
    return site


def files_of(site: Site) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted((site.folder / ".swruntime").rglob("*"))
        if path.is_file()
    }


by_damage = pytest.mark.parametrize(
    ("damaged", "damage"), [pytest.param(each, each, id=each.name) for each in DAMAGES], indirect=["damaged"]
)


@by_damage
def test_each_command_refuses_in_one_line_and_touches_nothing(damaged: Site, damage: Damage) -> None:
    before = files_of(damaged)
    for command, *arguments in COMMANDS:
        damaged.cli(command, *arguments).refused(".swruntime", damage.told)
    check = damaged.cli("status", "--check")
    assert check.status == damage.check, check
    assert check.err.count("\n") >= 1
    assert "Traceback" not in check.err
    assert files_of(damaged) == before


@by_damage
def test_clear_forgets_what_is_left_or_names_the_folder(damaged: Site, damage: Damage) -> None:
    before = files_of(damaged)
    profile = damaged.folder / ".swruntime"
    result = damaged.cli("clear")
    if damage.clear:
        result.refused(str(profile))
        assert "--force" in result.err or "delete the folder" in result.err
        assert files_of(damaged) == before
        result = damaged.cli("clear", "--force")
        assert result.status == damage.force, result
    if result.status == 0:
        assert result.err == ""
        assert not profile.exists()
        assert damaged.cli("fetch", "done", "/x.bin").status == 0, "and it begins anew"
    else:
        result.refused("delete the folder", str(profile))
        assert files_of(damaged) == before


def test_clear_says_which_folder_is_no_profile(site: Site) -> None:
    folder = site.folder.parent / "elsewhere"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    for option in ((), ("--force",)):
        site.cli("clear", "--profile", folder, *option).refused(
            str(folder), "thesis.tex", "delete the folder"
        )
    assert (folder / "thesis.tex").read_text() == "mine"


def test_another_programs_folder_is_not_forgotten_even_by_force(site: Site) -> None:
    """It has our database's name, and nothing else of a profile."""
    folder = site.folder.parent / "elsewhere"
    (folder / "bodies").mkdir(parents=True)
    (folder / DATABASE).write_text("mine")
    for option in ((), ("--force",)):
        site.cli("clear", "--profile", folder, *option).refused(str(folder), "is not a profile")
    assert (folder / DATABASE).read_text() == "mine"


def test_a_later_version_that_died_with_its_number_in_the_log(site: Site) -> None:
    """Who only looks at the file would take it for one of today."""
    site.write("x.bin", b"x")
    assert site.cli("fetch", "done", "/x.bin").status == 0
    profile = site.folder / ".swruntime"
    with closing(sqlite3.connect(profile / DATABASE, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
        kept = {path.name: path.read_bytes() for path in profile.glob(f"{DATABASE}*")}
    for name, content in kept.items():
        (profile / name).write_bytes(content)
    site.cli("clear").refused("later version", "--force")
    assert (profile / DATABASE).exists()
    assert site.cli("clear", "--force").status == 0
    assert not profile.exists()
