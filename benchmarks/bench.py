"""What all rows share: how much, how often, the checkouts, the server, the browser, a folder for each run."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.chromium import Chromium
from benchmarks.packages import find, missing
from benchmarks.sides import PROGRAMS, Side
from tests.crash.crash_nginx import Nginx

CHUNK = 1 << 22
SMALL = 64 * 1024

PAGES = """
location ~ \\.html$ { default_type text/html; }
location ~ \\.js$ { default_type text/javascript; }
"""


@attrs.frozen
class Amounts:
    """How much of everything, and how many rounds."""

    size: int = 1 << 30
    """Bytes of the big body."""
    bodies: int = 1000
    """How many small ones, of 64 KiB each."""
    batch: int = 100
    """How many background fetches of one small body, one after the other, make a run."""
    at_once: tuple[int, ...] = (100, 1000, 10_000)
    entries: int = 100_000
    """Of a cache; beside it one of ten."""
    repeat: int | None = None
    """Rounds of each row, in place of its own number."""

    def rounds(self, default: int) -> int:
        return default if self.repeat is None else self.repeat


QUICK = Amounts(size=8 << 20, bodies=20, batch=5, at_once=(10, 20), entries=100, repeat=2)


@attrs.define
class Bench:
    folder: Path
    sides: list[Side]
    amounts: Amounts = attrs.field(factory=Amounts)
    failed: dict[str, str] = attrs.field(factory=dict)
    """By program, why it could not be installed."""
    _nginx: Nginx | None = None
    _chromium: Chromium | None = None
    _files: dict[str, str] = attrs.field(factory=dict)

    @property
    def ours(self) -> list[str]:
        return [side.name for side in self.sides]

    def missing(self, program: str) -> str | None:
        """Why a peer that talks to nginx cannot run."""
        return missing(program, self.failed) or missing("nginx", self.failed)

    @property
    def nginx(self) -> Nginx:
        if self._nginx is None:
            self._nginx = Nginx(self.folder / "nginx", location=PAGES)
            self._nginx.start()
        return self._nginx

    @property
    def chromium(self) -> Chromium:
        """On a page of nginx's, whose worker stores what was fetched; see programs/page.html."""
        if self._chromium is None:
            for name in ("page.html", "worker.js"):
                shutil.copy(PROGRAMS / name, self.nginx.www)
            program = find("chromium")
            assert program is not None
            self._chromium = Chromium(program, self.folder / "chromium")
            self._chromium.open(f"{self.nginx.url}/page.html")
            self._chromium.evaluate("ready()")
        return self._chromium

    def file(self, name: str, size: int, seed: int) -> str:
        """Have nginx serve /NAME; the digest of its bytes."""
        if name not in self._files:
            self.nginx.file(name, size, seed=seed)
            self._files[name] = digest_of_file(self.nginx.www / name)
        return self._files[name]

    def settle(self) -> None:
        """What the run before left to be written is not the next one's."""
        os.sync()

    def close(self) -> None:
        if self._chromium is not None:
            self._chromium.close()
        if self._nginx is not None:
            self._nginx.stop()

    @contextmanager
    def fresh(self, *, keep: bool = False) -> Iterator[Path]:
        """A folder for one run. With `keep` it goes with the whole bench.

        ext4 gives nobody an inode that was freed in the last minutes, and looks through them all for each new file:
        where a thousand files have just been deleted, the next thousand take twenty times as long to make.
        """
        if keep:
            yield Path(tempfile.mkdtemp(dir=self.folder))
            return
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def digest(pieces: Iterable[bytes]) -> str:
    """SHA-256 of the SHA-256 of every 4 MiB, which a browser can make of a stream, too."""
    whole, chunk, room = hashlib.sha256(), hashlib.sha256(), CHUNK
    for piece in pieces:
        view = memoryview(piece)
        while len(view) >= room:
            chunk.update(view[:room])
            whole.update(chunk.digest())
            view, chunk, room = view[room:], hashlib.sha256(), CHUNK
        chunk.update(view)
        room -= len(view)
    if room < CHUNK:
        whole.update(chunk.digest())
    return whole.hexdigest()


def digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return digest(iter(lambda: file.read(CHUNK), b""))
