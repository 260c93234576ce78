"""`cache --output` and `--output-dir`: whole files or none, and nothing of the user's is overwritten."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from swruntime.ports import whole_output
from tests.cli.test_cli_status_cache import keep

if TYPE_CHECKING:
    from tests.cli.conftest import Site

ORIGIN = "http://localhost:8400"


def body_of(site: Site) -> Path:
    """The file of the only cache entry that has a body."""
    (path,) = (site.folder / ".swruntime" / "bodies").iterdir()
    return path


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda path: path.write_bytes(b"/o"), "has 2 bytes of 4"),
    (lambda path: path.unlink(), "is missing"),
    (lambda path: path.write_bytes(b"/one and more"), "has 13 bytes, and 4 were stored"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGES)
def test_a_damaged_body_is_nowhere_presented_as_whole(
    site: Site, damage: Callable[[Path], object], told: str
) -> None:
    keep(site, "/one")
    body = body_of(site)
    damage(body)
    out = site.folder.parent / "out"
    out.write_text("mine")
    site.cli("cache", "odd", "/one", "--output", out).refused(f"{ORIGIN}/one", told, status=1)
    assert out.read_text() == "mine"
    site.cli("cache", "odd", "/one", "--output", "-").refused(f"{ORIGIN}/one", told, status=1)
    folder = site.folder.parent / "folder"
    site.cli("cache", "odd", "--output-dir", folder).refused(f"{ORIGIN}/one", told, status=1)
    assert [path.name for path in folder.iterdir()] == ["null"], "the others are written"
    # Lists show what was stored, and what is wrong with it.
    (entry, _) = site.cli("cache", "odd", "--json").object["entries"]
    assert (entry["bytes"], entry["damage"]) == (4, f"bodies/{body.name} {told}")
    assert f"{ORIGIN}/one  damaged: bodies/{body.name} {told}" in site.cli("cache", "odd").out
    (cache,) = site.status()["caches"]
    assert (cache["bytes"], cache["damage"]) == (4, [f"bodies/{body.name} {told}"])
    assert f"damaged: bodies/{body.name} {told}" in site.cli("status").out
    assert site.cli("status", "--check").status == 1
    # And the next writer says what is gone, or mends it.
    result = site.cli("resume")
    if "stored" in told:
        assert result.status == 0, result.err
        assert site.cli("cache", "odd", "/one", "--output", "-").out == "/one"
    else:
        result.refused(f"{ORIGIN}/one is gone from the cache 'odd'", status=1)
        site.cli("cache", "odd", "/one", "--output", "-").refused("has no entry")


def test_a_damaged_entry_can_be_deleted(site: Site) -> None:
    keep(site, "/one")
    body_of(site).unlink()
    result = site.cli("cache", "odd", "/one", "--delete")
    assert (result.status, result.err) == (0, "")
    assert site.cli("status", "--check").status == 0


def test_a_file_that_is_replaced_keeps_its_mode_and_nothing_is_left_beside_it(site: Site) -> None:
    keep(site, "/one")
    out = site.folder.parent / "files" / "out"
    out.parent.mkdir()
    assert site.cli("cache", "odd", "/one", "--output", out).status == 0
    assert (out.read_text(), out.stat().st_mode & 0o777) == ("/one", 0o600)
    out.write_text("something else")
    out.chmod(0o644)
    assert site.cli("cache", "odd", "/one", "--output", out).status == 0
    assert (out.read_text(), out.stat().st_mode & 0o777) == ("/one", 0o644)
    assert list(out.parent.iterdir()) == [out]


def test_nothing_is_overwritten_without_force(site: Site) -> None:
    keep(site, "/a", "/b", "/.bashrc", "/.ssh/config")
    folder = site.folder.parent / "home"
    folder.mkdir()
    for name in ("a", ".bashrc"):
        (folder / name).write_text("mine")
    site.cli("cache", "odd", "--output-dir", folder, "--json").refused(
        f"{ORIGIN}/a", "'a'", "--force", status=1
    )
    assert {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    } == {
        "a": "mine",
        ".bashrc": "mine",
        "b": "/b",
        "null": "",
        "%2Ebashrc": "/.bashrc",
        "%2Essh/config": "/.ssh/config",
    }
    result = site.cli("cache", "odd", "--output-dir", folder, "--force", "--json")
    assert result.status == 0, result.err
    assert (folder / "a").read_text() == "/a"
    assert (folder / ".bashrc").read_text() == "/.bashrc"
    assert (folder / ".ssh" / "config").read_text() == "/.ssh/config"
    assert result.object["failed"] == []


def test_what_failed_is_told_under_json_too(site: Site) -> None:
    keep(site, "/a", "/b")
    folder = site.folder.parent / "out"
    folder.mkdir()
    (folder / "b").write_text("mine")
    result = site.cli("cache", "odd", "--output-dir", folder, "--json")
    assert result.status == 1
    assert [each["file"] for each in result.object["files"]] == ["a", "null"]
    (failed,) = result.object["failed"]
    assert failed["url"] == f"{ORIGIN}/b"
    assert "already" in failed["message"]


def test_a_folder_in_a_files_place_and_a_file_in_a_folders(site: Site) -> None:
    keep(site, "/a", "/b/c", "/d", "/d/e")
    folder = site.folder.parent / "out"
    (folder / "a").mkdir(parents=True)
    (folder / "b").write_text("mine")
    result = site.cli("cache", "odd", "--output-dir", folder, "--json")
    assert result.status == 0, result.err
    files = {each["url"].removeprefix(ORIGIN): each for each in result.object["files"]}
    assert {url: (each["file"], each["renamed"]) for url, each in files.items()} == {
        "/a": ("a~2", True),
        "/b/c": ("b~2/c", True),
        "/d": ("d", False),
        "/d/e": ("d~2/e", True),
        "/null": ("null", False),
    }
    assert (folder / "b").read_text() == "mine"
    for url, each in files.items():
        assert (folder / each["file"]).read_text() == url.replace("/null", "")
    # The same for a person: a line each, and a word on what has another name.
    again = site.cli("cache", "odd", "--output-dir", site.folder.parent / "new")
    assert again.out.splitlines() == ["a", "b/c", "d", "d~2/e", "null"]
    assert again.err.count("\n") == 1
    assert "/d/e is in 'd~2/e'" in again.err


def test_a_file_system_that_takes_two_names_for_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of macOS and Windows do, of names that differ in case."""
    keep(site, "/Readme", "/README", "/readme", "/Folder/x", "/folder/X")
    for name in ("link", "stat", "open", "mkdir", "rename", "replace"):
        monkeypatch.setattr(os, name, _lowering(getattr(os, name)))
    folder = site.folder.parent / "out"
    result = site.cli("cache", "odd", "--output-dir", folder, "--json")
    monkeypatch.undo()
    assert result.status == 0, result.err
    written = {each["url"]: each["file"] for each in result.object["files"]}
    assert len({name.lower() for name in written.values()}) == len(written)
    for url, name in written.items():
        assert (folder / name.lower()).read_text() == url.removeprefix(ORIGIN).replace("/null", "")


def _lowering(function: Callable[..., object]) -> Callable[..., object]:
    def lowered(*arguments: object, **options: object) -> object:
        below = options.get("dir_fd") is not None or options.get("dst_dir_fd") is not None
        return function(*(a.lower() if below and isinstance(a, str) else a for a in arguments), **options)

    return lowered


def test_a_file_system_that_refuses_names(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those without "?" do: the name is spelled with what every system takes."""
    keep(site, "/x?q=1", "/caf%C3%A9", "/plain")
    link = os.link

    def refusing(source: str, target: str, **options: int) -> None:
        if not target.isascii() or "?" in target:
            raise OSError(22, "Invalid argument")
        link(source, target, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", refusing)
    folder = site.folder.parent / "out"
    result = site.cli("cache", "odd", "--output-dir", folder, "--json")
    assert result.status == 0, result.err
    assert [(each["file"], each["renamed"]) for each in result.object["files"]] == [
        ("x%3Fq=1", True), ("caf%C3%A9", True), ("plain", False), ("null", False)
    ]  # fmt: skip


def test_a_system_whose_names_are_not_unicode(site: Site) -> None:
    keep(site, "/caf%C3%A9", "/%E6%97%A5")
    folder = site.folder.parent / "out"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = site.process("cache", "odd", "--output-dir", folder, "--json", env=environment)
    assert result.status == 0, result.err
    assert len(result.object["files"]) == 3


def test_a_file_system_without_hard_links(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(site, "/a")

    def none(*_: object, **__: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", none)
    folder = site.folder.parent / "out"
    assert site.cli("cache", "odd", "--output-dir", folder).status == 0
    assert sorted(path.name for path in folder.iterdir()) == ["a", "null"]


@pytest.mark.parametrize("option", ["--output", "--output-dir"])
def test_a_full_disk_leaves_nothing(site: Site, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(site, "/one")
    out = site.folder.parent / "out"
    out.mkdir()
    new_file = whole_output._new_file
    monkeypatch.setattr(whole_output, "_new_file", lambda folder: _Full(new_file(folder)))
    if option == "--output":
        site.cli("cache", "odd", "/one", option, out / "file").refused(option, "No space left", status=1)
        assert list(out.iterdir()) == []
    else:
        site.cli("cache", "odd", option, out).refused(option, f"{ORIGIN}/one", "No space left", status=1)
        assert [path.name for path in out.iterdir()] == ["null"], "what needs no room is there"


class _Full:
    """A new file on a disk without room: no byte can be written."""

    def __init__(self, manager: object) -> None:
        self._manager = manager

    def __enter__(self) -> tuple[str, object]:
        name, file = self._manager.__enter__()  # type: ignore[attr-defined]
        return name, _FullFile(file)

    def __exit__(self, *error: object) -> object:
        return self._manager.__exit__(*error)  # type: ignore[attr-defined]


class _FullFile:
    def __init__(self, file: object) -> None:
        self._file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def writelines(self, pieces: Iterator[bytes]) -> None:
        for _ in pieces:
            raise OSError(28, "No space left on device")


def test_a_really_full_disk(site: Site, small_disk: Path, noise: bytes) -> None:
    site.write("x.bin", noise * 10)
    assert site.cli("fetch", "a", "/x.bin").status == 0
    (small_disk / "there").write_text("mine")
    for place in ("new", "there"):
        site.cli("cache", "kept", "/x.bin", "--output", small_disk / place).refused(
            "--output", "No space", status=1
        )
    site.cli("cache", "kept", "--output-dir", small_disk / "all").refused("x.bin", "No space", status=1)
    assert sorted(path.name for path in small_disk.rglob("*")) == ["all", "there"]
    assert (small_disk / "there").read_text() == "mine"


def test_force_is_for_a_folder(site: Site) -> None:
    keep(site)
    site.cli("cache", "odd", "--force").refused("--force", "--output-dir")


def test_a_pipe_is_written_as_it_is(site: Site) -> None:
    keep(site, "/one")
    fifo = site.folder.parent / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE) as reader:
        assert site.cli("cache", "odd", "/one", "--output", fifo).status == 0
        assert reader.stdout is not None
        assert reader.stdout.read() == b"/one"
