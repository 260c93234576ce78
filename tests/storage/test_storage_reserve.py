"""Bodies leave a part of the disk to the database, which must write down that they found no room."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from swruntime.errors import StorageFull
from swruntime.storage import open_profile
from swruntime.storage.files import RESERVE

Usage = namedtuple("Usage", "total used free")


def test_bodies_leave_a_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = RESERVE + 10
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2 * free, free, free))
    store = open_profile(tmp_path / "profile")
    body = store.create_body("http://localhost")
    store.append(body, bytes(10))
    with pytest.raises(StorageFull, match="no room on the disk"):
        store.append(body, bytes(11))
    assert store.length(body) == 10
    with store.transaction(durable=True):
        store.set_origin("http://localhost")  # the database has its room
    store.close()
