"""A disk that forgets what was not synced: the images of a profile that a power failure could leave behind.

A `Recorder` watches the storage of an agent that runs in this process, and makes an image before every change of the
disk. Nothing is killed; each image is taken up by an agent of its own afterwards. What an image has:

- of a body's file what it had at its last sync; of the rest nothing, all, a part, or zeros where bytes were;
- a file that is new, or gone, since its folder was last synced may be gone, or there;
- the log of the database as far as it was synced; of the rest nothing, all, a part, or a part and noise;
- the database itself whole: SQLite syncs the log before it writes there, and that is for SQLite's own tests.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import attrs

from tests.crash.crash_disk import Call

DATABASE, LOG, BODIES = "profile.sqlite3", "profile.sqlite3-wal", "bodies"
CHECKPOINTED = 1000 * 4096
"""So long a log SQLite copies into the database by itself, which is not imitated here."""

Fate = Literal["least", "all", "part", "noise"]
FATES: tuple[Fate, ...] = get_args(Fate)


@attrs.frozen
class Image:
    """`at`: what the harness noted when the power failed."""

    profile: Path
    name: str
    at: Any


@attrs.define
class Recorder:
    """`note()` is kept with each image made now. `strategy`: what becomes of all that was not synced; None, by lot."""

    profile: Path
    images: Path
    note: Callable[[], Any]
    strategy: Fate | None = None
    seed: int = 0
    every: int = 1
    made: list[Image] = attrs.field(factory=list)
    _calls: int = 0
    _synced: dict[str, bytes] = attrs.field(factory=dict)
    _new: set[str] = attrs.field(factory=set)
    _gone: dict[str, bytes] = attrs.field(factory=dict)
    _log_synced: int = 0
    _full: bool = False
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def __call__(self, call: Call, perform: Callable[[], Any]) -> Any:
        if not call.changes:
            return perform()
        if threading.current_thread() is threading.main_thread():
            self._calls += 1
            if self._calls % self.every == 0:
                with self._lock:
                    self._make_image()
        was_there = os.path.lexists(call.path)
        before = self._content(call.path) if call.what == "unlink" and was_there else b""
        result = perform()
        with self._lock:
            self._follow(call, was_there, before)
        return result

    def _follow(self, call: Call, was_there: bool, before: bytes) -> None:
        path = call.path
        match call.what:
            case "open" | "mkdir" if not was_there:
                self._new.add(path)
            case "unlink" if was_there:
                if path in self._new:
                    self._new.discard(path)
                else:
                    self._gone[path] = self._synced.get(path, b"") or before
                self._synced.pop(path, None)
            case "fsync" | "fdatasync":
                self._sync(path)
            case "PRAGMA synchronous = FULL":
                self._full = True
            case "PRAGMA synchronous = NORMAL":
                self._full = False
            case "COMMIT" if self._full and Path(path).name == DATABASE:
                self._sync(f"{path}-wal")
            case "close":
                self._log_synced = 0

    def _sync(self, path: str) -> None:
        if os.path.isdir(path):
            for names in (self._new, self._gone):
                for name in [name for name in names if os.path.dirname(name) == path]:
                    names.discard(name) if isinstance(names, set) else names.pop(name)
        elif path.endswith("-wal"):
            self._log_synced = os.path.getsize(path)
        else:
            self._synced[path] = self._content(path)

    def _content(self, path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()

    def _make_image(self) -> None:
        if not (self.profile / DATABASE).exists():
            return
        name = f"{self._calls} {self.strategy or f'by lot {self.seed}'}"
        image = self.images / name
        lot = random.Random(name)
        (image / BODIES).mkdir(parents=True)
        (image / DATABASE).write_bytes(self._content(str(self.profile / DATABASE)))
        log = self.profile / LOG
        if log.exists():
            content = self._content(str(log))
            assert len(content) < CHECKPOINTED
            (image / LOG).write_bytes(self._survives(content, content[: self._log_synced], lot))
        for body in sorted((self.profile / BODIES).glob("*")):
            path = str(body)
            if path in self._new and self._fate(lot) == "least":
                continue
            left = self._survives(self._content(path), self._synced.get(path, b""), lot)
            (image / BODIES / body.name).write_bytes(left)
        for path, content in self._gone.items():
            if Path(path).parent.name == BODIES and self._fate(lot) != "all":
                (image / BODIES / Path(path).name).write_bytes(content)
        self.made.append(Image(image, name, self.note()))

    def _fate(self, lot: random.Random) -> Fate:
        return lot.choice(FATES) if self.strategy is None else self.strategy

    def _survives(self, content: bytes, synced: bytes, lot: random.Random) -> bytes:
        """Of a file's bytes: what was synced, and of the rest what its fate is."""
        rest = content[len(synced) :]
        kept = lot.randrange(len(rest) + 1)
        match self._fate(lot):
            case "least":
                return synced
            case "all":
                return content
            case "part":
                return synced + rest[:kept]
            case "noise":
                return synced + rest[:kept] + bytes(len(rest) - kept)
