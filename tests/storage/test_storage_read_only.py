"""A profile that cannot be written for a while: it is said, nothing is lost, and it works again when it can be."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swruntime.concepts.http import Request, Response
from swruntime.errors import StorageFailed
from swruntime.storage import forget, open_profile, verify
from swruntime.storage.store import SqlStore

KEY = "https://a.example"


def put(store: SqlStore, url: str) -> None:
    body = store.create_body(KEY)
    store.append(body, b"0123456789")
    store.put_entry(store.open_cache(KEY, "c"), Request(url), Response(), body)


def urls(store: SqlStore) -> list[str]:
    return [entry.request.url for entry in store.cache_entries(store.open_cache(KEY, "c"))]


class ReadOnly:
    """The system, as it refuses to open anything to write."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
        self.on = True
        self._code = code
        self._open = os.open
        monkeypatch.setattr(os, "open", self)

    def __call__(self, path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if self.on and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(self._code, os.strerror(self._code), path)
        return self._open(path, flags, *arguments, **options)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_in_a_process_that_has_it_open_and_in_the_same_one_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """The store ends with the first write that fails; what was stored is there, and its lock is not held any more."""
    profile = tmp_path / "profile"
    store = open_profile(profile)
    put(store, f"{KEY}/before")
    disk = ReadOnly(monkeypatch, code)
    with pytest.raises(StorageFailed):
        put(store, f"{KEY}/meanwhile")
    with pytest.raises(StorageFailed):
        urls(store)
    store.close()
    disk.on = False
    store = open_profile(profile)
    assert (store.losses, urls(store)) == ([], [f"{KEY}/before"])
    put(store, f"{KEY}/after")
    store.close()
    assert verify(profile) == []


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("action", [open_profile, forget])
def test_it_is_named_and_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, action: Callable[[Path], object]
) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile)
    put(store, f"{KEY}/before")
    store.close()
    disk = ReadOnly(monkeypatch, code)
    for _ in range(3):
        with pytest.raises(StorageFailed, match=str(profile)):
            action(profile)
        reader = open_profile(profile, read_only=True)
        assert urls(reader) == [f"{KEY}/before"]
        reader.close()
        assert verify(profile) == []
    disk.on = False
    open_profile(profile).close()
    forget(profile)
    assert not profile.exists()


WITHOUT_PRIVILEGES = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Root without the right to write where it may not."""

KILLED = """
import os, sys
from pathlib import Path
from swruntime.storage import open_profile
store = open_profile(Path(sys.argv[1]))
with store.transaction():
    store.open_cache("https://a.example", "c")
os._exit(0)
"""
TRY = """
import sys
from pathlib import Path
from swruntime.errors import SwruntimeError
from swruntime.storage import open_profile, verify
profile = Path(sys.argv[1])
try:
    store = open_profile(profile, read_only=sys.argv[2] == "reader")
    print(list(store.cache_names("https://a.example")), verify(profile))
    store.close()
except SwruntimeError as error:
    print(type(error).__name__)
"""


def without_privileges(*arguments: str) -> str:
    command = (*(WITHOUT_PRIVILEGES if os.geteuid() == 0 else ()), sys.executable, "-c", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_dead_writers_log_and_its_index_are_read_only(tmp_path: Path) -> None:
    """A reader reads what is in the log all the same, and a writer has them mended."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv")
    profile = tmp_path / "profile"
    without_privileges(KILLED, str(profile))
    files = [profile / f"profile.sqlite3{ending}" for ending in ("", "-wal", "-shm")]
    for file in files:
        file.chmod(0o400)
    profile.chmod(0o500)
    assert without_privileges(TRY, str(profile), "reader") == "['c'] []"
    assert without_privileges(TRY, str(profile), "writer") == "['c'] []"
    assert [path.stat().st_mode & 0o777 for path in (profile, files[0])] == [0o700, 0o600]
