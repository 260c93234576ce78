"""How often the system is asked what is free on a disk: seldom where there is plenty, each time near its end."""

from __future__ import annotations

import os
import shutil
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from swruntime.errors import StorageFull
from swruntime.ports.store import Store
from swruntime.storage import open_profile
from swruntime.storage.disk_space import INTERVAL, PLENTY
from swruntime.storage.files import RESERVE

Usage = namedtuple("Usage", "total used free")

MIB = 1 << 20
SITE = "http://localhost"


class Disk:
    """Says what is free, and counts how often it was asked, and what else the bodies ask of the system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 100 * PLENTY
        self.asked = 0
        self.calls: list[str] = []
        self.now = 1000.0
        monkeypatch.setattr(shutil, "disk_usage", self.usage)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        for name in ("write", "fstat", "open", "ftruncate"):
            monkeypatch.setattr(os, name, self._counted(name))

    def usage(self, path: Path) -> Usage:
        self.asked += 1
        return Usage(200 * PLENTY, 0, self.free)

    def _counted(self, name: str) -> object:
        real = getattr(os, name)

        def call(*arguments: object, **options: object) -> object:
            self.calls.append(name)
            return real(*arguments, **options)

        return call


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_profile(tmp_path / "profile")
    yield store
    store.close()


@pytest.fixture
def disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    with monkeypatch.context() as patch:
        yield Disk(patch)


def test_where_there_is_plenty_it_is_asked_four_times_a_second(store: Store, disk: Disk) -> None:
    body = store.create_body(SITE)
    for _ in range(64):
        store.append(body, bytes(MIB))
        assert store.disk_size() == 200 * PLENTY
    assert disk.asked == 2  # for what is free, and for the size of the disk
    disk.now += INTERVAL - 0.01
    store.append(body, bytes(MIB))
    assert disk.asked == 2
    disk.now += 0.01
    store.append(body, bytes(MIB))
    store.disk_size()
    assert disk.asked == 4


def test_a_piece_takes_one_write(store: Store, disk: Disk) -> None:
    """Beside it the file is looked at, since nobody else may have changed it."""
    body = store.create_body(SITE)
    store.append(body, b"first")
    disk.calls.clear()
    for _ in range(16):
        store.append(body, bytes(MIB))
    assert disk.calls == ["fstat", "write"] * 16


def test_near_the_end_it_is_asked_for_each_piece(store: Store, disk: Disk) -> None:
    body = store.create_body(SITE)
    disk.free = PLENTY
    for _ in range(8):
        store.append(body, b"piece")
    assert disk.asked == 8


def test_what_was_written_counts_before_it_is_asked_again(store: Store, disk: Disk) -> None:
    """However fast the bytes come, no more of them than were free are written between two answers."""
    body = store.create_body(SITE)
    disk.free = PLENTY + 10 * MIB
    for written in range(10):
        store.append(body, bytes(MIB))
        assert disk.asked == 1, written
    disk.free = RESERVE + 5
    with pytest.raises(StorageFull):
        store.append(body, bytes(6))
    store.append(body, bytes(5))
    assert store.length(body) == 10 * MIB + 5


def test_a_disk_that_others_filled_keeps_what_was_stored(
    store: Store, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two answers it may be full: then the write says so, and of its piece nothing is kept."""
    body = store.create_body(SITE)
    store.append(body, b"kept")
    real = os.write

    def half(file: int, data: bytes) -> int:
        if len(data) > MIB // 2:
            return real(file, memoryview(data)[: MIB // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(StorageFull):
            store.append(body, bytes(MIB))
    assert store.length(body) == 4
    store.append(body, b", and more")
    assert store.read(body, 0, 100) == b"kept, and more"
    assert store.usage(SITE) > 0
