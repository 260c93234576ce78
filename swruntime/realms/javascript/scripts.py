"""Where the text of a JavaScript comes from: SITE, where SITE has it, else the network, as in a browser."""

from __future__ import annotations

from swruntime.agent.scripts import fetch_script
from swruntime.algorithms import urls
from swruntime.realms.javascript.places import Places
from swruntime.realms.python.realm import PythonRealm


class Scripts:
    """The scripts of one realm. What is in `sources`, by path, or in `fetched`, by URL, is not read again.

    `places` tells where they are.
    """

    def __init__(self, realm: PythonRealm, sources: dict[str, bytes], fetched: dict[str, bytes]) -> None:
        self._realm = realm
        self._sources = sources
        self._fetched = fetched
        self.places = Places(realm)
        self.read: set[str] = set()
        """The URLs of those that were read."""

    async def source(self, url: str) -> str:
        """The text at an absolute URL. Raises NetworkError, as importScripts and imports do."""
        text = (await self._bytes(url)).decode("utf-8-sig", errors="replace")
        self.places.script_read(url, text)
        await self.places.prepare(url)
        self.read.add(url)
        context = self._realm.context
        context.javascript_read(url.removeprefix(f"{context.environment.origin}/"), text)
        return text

    async def _bytes(self, url: str) -> bytes:
        environment = self._realm.context.environment
        if urls.same_origin(url, environment.origin):
            path = urls.parse(url).pathname
            data = self._sources.get(path) or self._realm.agent.services.read_script(path)
            if data is not None:
                self._sources[path] = data
                return data
        key = urls.without_fragment(url)
        if key not in self._fetched:
            self._fetched[key] = await fetch_script(self._realm.agent.services, key, environment)
        return self._fetched[key]
