"""Every call that the storage makes to the disk, before it is made: what kills, fails or forgets stands on this.

A watch gets each call with what performs it, and answers in its place. A write is made in two halves, each a call.
"""

from __future__ import annotations

import io
import os
import sqlite3
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

PERFORM_BY_NAME = ("ftruncate", "truncate", "unlink", "rename", "mkdir", "rmdir", "fsync", "fdatasync")
READ_BY_NAME = ("stat", "fstat", "listdir")


class Call(NamedTuple):
    """`what`: the function's name, or the SQL. `path`: what it is about, a descriptor's file included."""

    what: str
    path: str
    changes: bool
    is_sql: bool = False
    connection: sqlite3.Connection | None = None


Watch = Callable[[Call, Callable[[], Any]], Any]
Replace = Callable[[object, str, Any], None]


def arm(watch: Watch, replace: Replace = setattr) -> None:
    """To be done before the program is imported, or undone by whoever gives `replace` (monkeypatch.setattr)."""
    for name in PERFORM_BY_NAME:
        replace(os, name, _watched(watch, name, getattr(os, name), changes=True))
    for name in READ_BY_NAME:
        replace(os, name, _watched(watch, name, getattr(os, name), changes=False))
    _arm_open_and_write(watch, replace)
    _arm_connect(watch, replace)
    files: Any = sys.modules.get("swruntime.storage.files")
    if files is not None:  # it keeps that one under a name of its own
        replace(files, "_fdatasync", os.fdatasync)


def _path_of(thing: Any, dir_fd: int | None = None) -> str:
    if isinstance(thing, int):
        return os.readlink(f"/proc/self/fd/{thing}")
    path = os.fsdecode(thing)
    return path if dir_fd is None else f"{_path_of(dir_fd)}/{path}"


def _watched(watch: Watch, name: str, function: Callable[..., Any], *, changes: bool) -> Callable[..., Any]:
    @wraps(function)
    def watched(thing: Any = ".", *args: Any, **kwargs: Any) -> Any:
        call = Call(name, _path_of(thing, kwargs.get("dir_fd")), changes)
        return watch(call, lambda: function(thing, *args, **kwargs))

    return watched


def _arm_open_and_write(watch: Watch, replace: Replace) -> None:
    real_open, real_write, real_io_open = os.open, os.write, io.open

    def open_(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        call = Call("open", _path_of(path, kwargs.get("dir_fd")), bool(flags & os.O_CREAT))
        descriptor: int = watch(call, lambda: real_open(path, flags, *args, **kwargs))
        return descriptor

    def write(file: int, data: Any) -> int:
        call = Call("write", _path_of(file), changes=True)
        half = len(data) // 2
        written: int = watch(call, lambda: real_write(file, data[:half])) if half else 0
        if written < half:
            return written
        rest: int = watch(call, lambda: real_write(file, data[half:]))
        return written + rest

    def io_open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, int):
            return real_io_open(file, mode, *args, **kwargs)
        call = Call("open", _path_of(file), changes="r" not in mode)
        return watch(call, lambda: real_io_open(file, mode, *args, **kwargs))

    replace(os, "open", open_)
    replace(os, "write", write)
    replace(io, "open", io_open)
    replace(sys.modules["builtins"], "open", io_open)


def _arm_connect(watch: Watch, replace: Replace) -> None:
    connect = sqlite3.connect

    class Connection(sqlite3.Connection):
        watched_path = ""

        def _call(self, sql: str, *, changes: bool) -> Call:
            return Call(" ".join(sql.split()), self.watched_path, changes, True, self)

        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            call = self._call(sql, changes=not sql.lstrip().upper().startswith("SELECT"))
            cursor: sqlite3.Cursor = watch(call, lambda: super(Connection, self).execute(sql, *parameters))
            return cursor

        def executemany(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            call = self._call(sql, changes=True)
            cursor: sqlite3.Cursor = watch(
                call, lambda: super(Connection, self).executemany(sql, *parameters)
            )
            return cursor

        def close(self) -> None:
            watch(
                Call("close", self.watched_path, True, False, self), lambda: super(Connection, self).close()
            )

    def watched_connect(database: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        path = str(database).removeprefix("file://").partition("?")[0]

        def make() -> sqlite3.Connection:
            kind = type("Watched", (Connection, kwargs.pop("factory", sqlite3.Connection)), {})
            connection = connect(database, *args, factory=kind, **kwargs)
            assert isinstance(connection, Connection)
            connection.watched_path = path
            return connection

        connection: sqlite3.Connection = watch(Call("connect", path, False), make)
        return connection

    replace(sqlite3, "connect", watched_connect)


def only_in(folder: Path, watch: Watch) -> Watch:
    """Let through whatever is not about a file in `folder`, or the folder itself."""
    inside = str(folder)

    def watching(call: Call, perform: Callable[[], Any]) -> Any:
        if call.path == inside or call.path.startswith(inside + "/"):
            return watch(call, perform)
        return perform()

    return watching
