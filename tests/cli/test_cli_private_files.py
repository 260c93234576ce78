"""What a command writes is the user's alone, and goes into no file but the one that was named."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_cli_status_cache import keep

if TYPE_CHECKING:
    from tests.cli.conftest import Site

COMMANDS = {
    "--trace": ("run", "--trace"),
    "--record": ("run", "--record"),
    "--output": ("cache", "odd", "/one", "--output"),
}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("option", COMMANDS)
def test_what_is_written_anew_is_the_users_alone(site: Site, option: str) -> None:
    keep(site, "/one")
    command, *options = COMMANDS[option]
    path = site.folder.parent / "new"
    assert site.cli(command, *options, path).status == 0
    assert mode(path) == 0o600
    path.chmod(0o644)
    assert site.cli(command, *options, path).status == 0
    assert mode(path) == (0o644 if option == "--output" else 0o600), "a user's own file keeps its mode"


def test_a_folder_of_bodies_is_the_users_alone(site: Site) -> None:
    keep(site, "/a/b/one", "/two")
    folder = site.folder.parent / "out" / "in"
    assert site.cli("cache", "odd", "--output-dir", folder).status == 0
    found = {path.relative_to(folder).as_posix(): mode(path) for path in folder.rglob("*")}
    assert found == {"a": 0o700, "a/b": 0o700, "a/b/one": 0o600, "two": 0o600, "null": 0o600}
    assert mode(folder) == 0o700


@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "folder"])
@pytest.mark.parametrize("option", COMMANDS)
def test_no_other_file_is_written(site: Site, option: str, kind: str) -> None:
    """In a site that was cloned a name may lead anywhere."""
    keep(site, "/one")
    command, *options = COMMANDS[option]
    precious, path = site.folder.parent / "precious", site.folder / "named"
    precious.write_bytes(b"precious")
    match kind:
        case "link":
            path.symlink_to(precious)
        case "dangling":
            path.symlink_to(precious.with_name("new"))
        case "hard link":
            os.link(precious, path)
        case "folder":
            path.mkdir()
    result = site.cli(command, *options, path)
    result.refused("named")
    assert precious.read_bytes() == b"precious"
    assert not precious.with_name("new").exists()


@pytest.mark.parametrize("option", ["--trace", "--record"])
def test_a_fifo_that_nobody_reads_keeps_nobody_waiting(site: Site, option: str) -> None:
    keep(site)
    path = site.folder.parent / "fifo"
    os.mkfifo(path)
    site.cli("run", option, path).refused(option.strip("-"), "nobody reads")


def test_what_the_system_has_at_a_name_is_written_to(site: Site) -> None:
    keep(site, "/one")
    for name in ("/dev/stdout", "/dev/fd/1"):
        result = site.cli("cache", "odd", "/one", "--output", name)
        assert (result.status, result.out) == (0, "/one")
    assert site.cli("cache", "odd", "/one", "--output", "/dev/null").status == 0
    command = [sys.executable, "-m", "swruntime", "run", str(site.folder), "--trace", "/dev/stderr"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert '"kind":"agent.open"' in ended.stderr


@pytest.mark.parametrize("where", ["file", "folder", "inside"])
def test_nothing_in_a_folder_of_bodies_goes_through_a_link(site: Site, where: str) -> None:
    keep(site, "/a/one")
    folder, precious = site.folder.parent / "out", site.folder.parent / "precious"
    (precious / "a").mkdir(parents=True)
    (precious / "one").write_bytes(b"precious")
    folder.mkdir()
    if where == "file":
        (folder / "a").mkdir()
        (folder / "a" / "one").symlink_to(precious / "one")
    else:
        (folder / "within").mkdir()
        (folder / "a").symlink_to(precious if where == "folder" else folder / "within")
    site.cli("cache", "odd", "--output-dir", folder).refused("--output-dir", "is a link", status=1)
    assert (precious / "one").read_bytes() == b"precious"
    assert not (folder / "within" / "one").exists()


@pytest.mark.parametrize("command", ["run", "fetch", "status", "cache", "resume", "clear", "serve"])
def test_the_sites_own_profile_is_not_reached_over_a_link(site: Site, command: str) -> None:
    keep(site, "/one")
    elsewhere = site.folder.parent / "elsewhere"
    (site.folder / ".swruntime").rename(elsewhere)
    (site.folder / ".swruntime").symlink_to(elsewhere)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*")}
    arguments = ("x", "/one") if command == "fetch" else ()
    site.cli(command, *arguments).refused(".swruntime", "is a link", "--profile")
    assert {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*")} == before
    if command in ("status", "cache"):
        assert site.cli(command, "--profile", site.folder / ".swruntime").status == 0


def test_a_name_in_the_profile_that_is_a_link_is_told_in_one_line(site: Site) -> None:
    precious = site.folder.parent / "precious"
    precious.write_bytes(b"precious")
    site.write("worker.py", "")
    (site.folder / ".swruntime").mkdir()
    (site.folder / ".swruntime" / "lock").symlink_to(precious)
    for command in ("run", "serve", "resume", "status", "clear"):
        site.cli(command).refused()
    site.cli("run").refused("lock", "is a link")
    assert precious.read_bytes() == b"precious"
