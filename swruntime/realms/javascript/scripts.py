"""The scripts of one realm in JavaScript: fetched, kept, and handed to its process."""

from __future__ import annotations

from typing import Any

from swruntime.agent.scripts import IMPORTED, PAGE, PAGE_MODULE, WORKER_MODULE, Script, ScriptKind
from swruntime.agent.worker_texts import ScriptMap
from swruntime.algorithms import urls
from swruntime.errors import NetworkError
from swruntime.network.site_files import LARGEST_SCRIPT
from swruntime.realms.javascript.places import Places
from swruntime.realms.python.realm import PythonRealm

MOST = 4 * LARGEST_SCRIPT
"""Bytes of all scripts of one realm, which the runtime keeps."""


class Scripts:
    """The scripts of one realm. What is in `kept`, by URL, is not fetched again. `places` tells where they are."""

    def __init__(self, realm: PythonRealm, kept: dict[str, Script]) -> None:
        self._realm = realm
        self._kept = kept
        self.places = Places(realm)
        self.read: set[str] = set()
        """The URLs of those that were read."""

    async def main(self, url: str) -> str:
        """The text of a worker's own script, which is kept."""
        return await self._to_run(url, self._kept[url])

    async def page(self, url: str, *, module: bool) -> str:
        """The text of a page's script. Raises NetworkError, and of a module TypeError."""
        return await self._to_run(url, await self._script(PAGE_MODULE if module else PAGE, url))

    async def imported(self, url: str) -> dict[str, Any]:
        """A script for importScripts: its text, and whether its errors are muted. Raises NetworkError."""
        script = await self._script(IMPORTED, url)
        return {"source": await self._to_run(url, script), "muted": script.muted}

    async def module(self, url: str) -> list[str]:
        """The text of a module, and the URL that its imports are relative to. Raises TypeError."""
        in_worker = self._realm.own_worker is not None
        script = await self._script(WORKER_MODULE if in_worker else PAGE_MODULE, url)
        return [await self._to_run(script.url, script), script.url]

    async def _script(self, kind: ScriptKind, url: str) -> Script:
        key = urls.without_fragment(url)
        if key not in self._kept:
            fetch = self._realm.agent.services.scripts.fetch
            try:
                script = await fetch(kind, key, self._realm.context.environment)
            except (NetworkError, TypeError):
                if isinstance(self._kept, ScriptMap):
                    self._kept.lacks(key)
                raise
            if sum(len(each.data) for each in self._kept.values()) + len(script.data) > MOST:
                text = f"the script {key} is one too many: a realm keeps {MOST // 1024**2} MiB of scripts"
                raise NetworkError(text) if kind in (IMPORTED, PAGE) else TypeError(text)
            self._kept[key] = script
        return self._kept[key]

    async def _to_run(self, url: str, script: Script) -> str:
        """The text, which is about to run under a name."""
        text = script.text
        self.places.script_read(url, text)
        await self.places.prepare(url)
        self.read.add(url)
        context = self._realm.context
        context.javascript_read(url.removeprefix(f"{context.environment.origin}/"), text)
        return text
