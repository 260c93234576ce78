"""Where a script is, as the trace tells it: in the source that it was built from, where a source map says so.

A small map is decoded when the first place of its script is told. A large one is decoded before its script runs, in a
thread, so that nothing else stands still meanwhile; under a virtual clock, whose seed tells the order of all that
happens, in this one. What is too large is refused before it is decoded (`swruntime.algorithms.source_maps`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import trio

from swruntime.agent.held import Charge
from swruntime.algorithms import urls
from swruntime.algorithms.source_maps import (
    MOST_MAPPINGS,
    MOST_TEXT,
    SourceMap,
    SourceMapError,
    mapping_url,
    parse,
)
from swruntime.ports.outside import clock_is_virtual
from swruntime.trace import Console

if TYPE_CHECKING:
    from swruntime.realms.python.realm import PythonRealm

__all__ = ["Places"]


LARGE = 256 * 1024
"""Characters of a map that is not decoded in this thread."""
MOST_URL = 2 * MOST_TEXT
"""Characters of a URL with a map in it."""
MOST_ESCAPES = 2_000_000
"""Of them, how many may stand for others."""
MOST_BYTES = 4 * MOST_TEXT
"""Bytes of a file."""
MAPPING = 32
"""Bytes that a mapping takes."""


class Places:
    """The places of one realm's scripts."""

    def __init__(self, realm: PythonRealm) -> None:
        self._realm = realm
        self._unread: dict[str, str] = {}
        """The URL of a script's map, by the script's."""
        self._maps: dict[str, tuple[SourceMap, str]] = {}
        """A script's map, and the URL that its sources are relative to."""
        self._charges: dict[str, Charge] = {}
        """What the text of a script, and its map, count as."""

    def script_read(self, url: str, source: str) -> None:
        """A script is about to run."""
        self._maps.pop(url, None)
        self._unread.pop(url, None)
        self._charges[url] = self._realm.context.held.charge("scripts and their source maps", len(source))
        if (where := mapping_url(source)) is not None:
            self._unread[url] = where

    async def prepare(self, url: str) -> None:
        """Decode the map of a script that is about to run, beside all else, if it is a large one."""
        if url not in self._unread or clock_is_virtual():
            return
        with self._told_if_broken(url):
            found = self._find(url, self._unread[url])
            if found is not None and len(found[0]) >= LARGE:
                del self._unread[url]
                decode = partial(_decode, found[0], self._left)
                self._has_map(url, await trio.to_thread.run_sync(decode, abandon_on_cancel=True), found[1])

    def place(self, wire: Any) -> str | None:
        """ "file:line" for what the process tells: relative to SITE where it is of the site's origin, else its URL."""
        match wire:
            case [str(url), int(line), int(column)]:
                url, line = self._original(url, line, column)
                origin = self._realm.context.environment.origin
                return f"{url.removeprefix(f'{origin}/')}:{line}"
        return None

    def _original(self, url: str, line: int, column: int) -> tuple[str, int]:
        if (where := self._unread.pop(url, None)) is not None:
            with self._told_if_broken(url):
                found = self._find(url, where)
                if found is not None:
                    self._has_map(url, _decode(found[0], self._left), found[1])
        if url not in self._maps:
            return url, line
        source_map, base = self._maps[url]
        original = source_map.original(line - 1, column - 1)  # the engine's count from 1
        if original is None:
            return url, line
        try:
            return urls.resolve(original.source, base), original.line + 1
        except TypeError:  # it is not a URL; still it is a name that its author knows
            return original.source, original.line + 1

    @property
    def _left(self) -> int:
        """How many mappings a map may have, beside those of the realm's other scripts."""
        return MOST_MAPPINGS - sum(found.mappings for found, _ in self._maps.values())

    def _has_map(self, script: str, found: SourceMap, base: str) -> None:
        self._maps[script] = found, base
        self._charges[script].resize(self._charges[script].size + MAPPING * found.mappings)

    def _find(self, script: str, where: str) -> tuple[str | bytes, str] | None:
        """A script's map, as the text of a data: URL or the bytes of a file, and what its sources are relative to.

        It is in its own URL, or a file of SITE: nothing is fetched for it. None where it is elsewhere.
        """
        if len(where) > MOST_URL:
            raise SourceMapError(f"its URL has {len(where):,} characters; at most {MOST_URL:,} are read")
        if where.lower().startswith("data:"):
            # What its sources are relative to is the script then.
            return where, script
        try:
            parsed = urls.parse(where, script)
        except TypeError as error:
            raise SourceMapError(str(error)) from error
        if not urls.same_origin(parsed.href, self._realm.context.environment.origin):
            return None
        read = self._realm.agent.services.read_script
        data = read(parsed.pathname)
        if data is not None:
            return data, parsed.href
        if read(urls.parse(script).pathname) is not None:
            raise SourceMapError(f"SITE has no {parsed.pathname}")
        return None

    @contextmanager
    def _told_if_broken(self, url: str) -> Iterator[None]:
        """A map that cannot be read is told, and does without."""
        try:
            yield
        except SourceMapError as error:
            self._unread.pop(url, None)
            self._tell_broken(url, str(error))

    def _tell_broken(self, url: str, why: str) -> None:
        told = self._realm.agent.services.told
        if ("source-map", url) not in told:  # of all the times that the script runs, once
            told.add(("source-map", url))
            text = f"the source map of {url} is not used: {why}"
            self._realm.context.tell(Console(level="warn", text=text, where=None))


def _decode(found: str | bytes, most: int) -> SourceMap:
    """The map in a data: URL or a file. Raises SourceMapError."""
    data = _data(found) if isinstance(found, str) else found
    if len(data) > MOST_BYTES:
        raise SourceMapError(f"it has {len(data):,} bytes; at most {MOST_BYTES:,} are read")
    return parse(data.decode("utf-8-sig", errors="replace"), most)


def _data(url: str) -> bytes:
    """The bytes in a data: URL: https://fetch.spec.whatwg.org/#data-url-processor. Raises SourceMapError."""
    kind, comma, body = url[len("data:") :].partition(",")
    if not comma:
        raise SourceMapError("its data: URL has no data")
    escapes = body.count("%")
    if escapes > MOST_ESCAPES:
        raise SourceMapError(f"its data: URL has {escapes:,} escapes; at most {MOST_ESCAPES:,} are read")
    data = unquote_to_bytes(body)
    if kind.rstrip().lower().endswith(";base64"):
        try:
            data = base64.b64decode(data)
        except ValueError as error:
            raise SourceMapError(f"its data: URL is not base64: {error}") from error
    return data
