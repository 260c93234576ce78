"""A disk without a byte left: what deletes makes room, and needs none."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Site


def fill(disk: Path, name: str = "junk") -> None:
    """Until there is not a byte left."""
    with open(disk / name, "ab", buffering=0) as file:
        for size in (64 * 1024, 1024, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    assert free(disk) == 0


def free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


@pytest.fixture
def full(site: Site, small_disk: Path, noise: bytes) -> tuple[str, Path]:
    """The option for a profile on a full disk; it has a cache with two bodies of 300,000 bytes."""
    profile = small_disk / "profile"
    for id in ("a", "b"):
        site.write(f"{id}.bin", noise)
        assert site.cli("fetch", id, f"/{id}.bin", "--profile", profile, "--quota", "1G").status == 0
    fill(small_disk)
    return "--profile", profile


def test_an_entry_is_deleted_and_makes_room(
    site: Site, full: tuple[str, Path], small_disk: Path, noise: bytes
) -> None:
    result = site.cli("cache", "kept", "/a.bin", "--delete", *full, "--json")
    assert (result.status, result.err) == (0, "")
    assert result.object["deleted"] == ["http://localhost:8400/a.bin"]
    assert free(small_disk) > len(noise) * 0.9
    assert site.cli("status", "--check", *full).status == 0
    (left,) = site.cli("cache", "kept", *full, "--json").object["entries"]
    assert left["url"].endswith("/b.bin")


def test_a_cache_is_deleted_and_makes_room(
    site: Site, full: tuple[str, Path], small_disk: Path, noise: bytes
) -> None:
    result = site.cli("cache", "kept", "--delete", *full)
    assert (result.status, result.err) == (0, "")
    assert free(small_disk) > 2 * len(noise) * 0.9
    assert site.cli("cache", *full, "--json").object == {"caches": []}
    assert site.cli("status", "--check", *full).status == 0


def test_the_profile_is_forgotten(site: Site, full: tuple[str, Path], small_disk: Path, noise: bytes) -> None:
    result = site.cli("clear", *full)
    assert (result.status, result.err) == (0, "")
    assert [path.name for path in small_disk.iterdir()] == ["junk"]
    assert free(small_disk) > 2 * len(noise)


def test_a_body_that_something_else_refers_to_stays(site: Site, small_disk: Path, noise: bytes) -> None:
    """Its file would make room, and is not for whoever deletes the entry to delete."""
    site.write("x.bin", noise)
    site.write(
        "worker.py",
        "async def onbackgroundfetchsuccess(event):\n"
        "    (record,) = await event.registration.match_all()\n"
        "    for name in ('one', 'two'):\n"
        "        cache = await caches.open(name)\n"
        "        await cache.put('/copy', (await record.response_ready).clone())\n",
    )
    options = ("--profile", small_disk / "profile")
    assert site.cli("fetch", "a", "/x.bin", *options, "--quota", "1G").status == 0
    fill(small_disk)
    site.cli("cache", "one", "--delete", *options).refused("no room", "'clear'", status=1)
    assert site.cli("status", "--check", *options).status == 0
    out = site.folder.parent / "out"
    assert site.cli("cache", "two", "/copy", "--output", out, *options).status == 0
    assert out.read_bytes() == noise


@pytest.mark.parametrize("command", ["status", "cache", "run", "resume"])
def test_other_commands_say_that_there_is_no_room(site: Site, full: tuple[str, Path], command: str) -> None:
    result = site.cli(command, *full)
    if command in ("status", "cache"):
        assert (result.status, result.err) == (0, "")
    else:
        result.refused("no room", status=1)
    assert site.cli("status", "--check", *full).status == 0
