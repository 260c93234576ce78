"""Where a script is, as the trace tells it: in the source that it was built from, where a source map says so."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from swruntime.algorithms import urls
from swruntime.algorithms.source_maps import SourceMap, SourceMapError, mapping_url, parse
from swruntime.trace import Console

if TYPE_CHECKING:
    from swruntime.realms.python.realm import PythonRealm

__all__ = ["Places"]


class Places:
    """The places of one realm's scripts. A map is read when the first place of its script is told."""

    def __init__(self, realm: PythonRealm) -> None:
        self._realm = realm
        self._unread: dict[str, str] = {}
        """The URL of a script's map, by the script's."""
        self._maps: dict[str, tuple[SourceMap, str]] = {}
        """A script's map, and the URL that its sources are relative to."""

    def script_read(self, url: str, source: str) -> None:
        """A script is about to run."""
        self._maps.pop(url, None)
        self._unread.pop(url, None)
        if (where := mapping_url(source)) is not None:
            self._unread[url] = where

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
            try:
                self._read(url, where)
            except SourceMapError as error:
                self._tell_broken(url, str(error))
        if url not in self._maps:
            return url, line
        found, base = self._maps[url]
        original = found.original(line - 1, column - 1)  # the engine's count from 1
        if original is None:
            return url, line
        try:
            return urls.resolve(original.source, base), original.line + 1
        except TypeError:  # it is no URL; still it is a name that its author knows
            return original.source, original.line + 1

    def _read(self, script: str, where: str) -> None:
        """Read a script's map: one in its own URL, or a file of SITE. Nothing is fetched for it."""
        try:
            parsed = urls.parse(where, script)
        except TypeError as error:
            raise SourceMapError(str(error)) from error
        if parsed.protocol == "data:":
            # What its sources are relative to is the script then.
            self._maps[script] = parse(_data(parsed.href)), script
            return
        if not urls.same_origin(parsed.href, self._realm.context.environment.origin):
            return
        read = self._realm.agent.services.read_script
        data = read(parsed.pathname)
        if data is not None:
            self._maps[script] = parse(data.decode("utf-8-sig", errors="replace")), parsed.href
        elif read(urls.parse(script).pathname) is not None:
            raise SourceMapError(f"SITE has no {parsed.pathname}")

    def _tell_broken(self, url: str, why: str) -> None:
        told = self._realm.agent.services.told
        if ("source-map", url) not in told:  # of all the times that the script runs, once
            told.add(("source-map", url))
            text = f"the source map of {url} is not used: {why}"
            self._realm.context.tell(Console(level="warn", text=text, where=None))


def _data(url: str) -> str:
    """The text in a data: URL: https://fetch.spec.whatwg.org/#data-url-processor. Raises SourceMapError."""
    kind, comma, body = url.removeprefix("data:").partition(",")
    if not comma:
        raise SourceMapError("its data: URL has no data")
    data = unquote_to_bytes(body)
    if kind.rstrip().lower().endswith(";base64"):
        try:
            data = base64.b64decode(data)
        except ValueError as error:
            raise SourceMapError(f"its data: URL is no base64: {error}") from error
    return data.decode("utf-8-sig", errors="replace")
