"""Where the text of a JavaScript comes from: SITE, where SITE has it, else the network, as in a browser."""

from __future__ import annotations

from swruntime.algorithms import urls
from swruntime.algorithms.headers import mime_type
from swruntime.concepts import http
from swruntime.errors import NetworkError, NetworkFailure
from swruntime.realms.javascript.places import Places
from swruntime.realms.python.realm import PythonRealm

JAVASCRIPT = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/x-ecmascript",
        "application/x-javascript",
        "text/ecmascript",
        "text/javascript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
    }
)
"""https://mimesniff.spec.whatwg.org/#javascript-mime-type"""

__all__ = ["Scripts"]


class Scripts:
    """The scripts of one realm. What it has read is in `sources`, by URL; what is in there is not read again.

    `places` tells where they are.
    """

    def __init__(self, realm: PythonRealm, sources: dict[str, bytes]) -> None:
        self._realm = realm
        self._sources = sources
        self.places = Places(realm)

    async def source(self, url: str) -> str:
        """The text at an absolute URL. Raises NetworkError, as importScripts and imports do."""
        text = (await self._bytes(url)).decode("utf-8-sig", errors="replace")
        self.places.script_read(url, text)
        return text

    async def _bytes(self, url: str) -> bytes:
        parsed = urls.parse(url)
        own = urls.same_origin(url, self._realm.context.environment.origin)
        key = parsed.pathname if own and not parsed.search else url
        data = self._sources.get(key)
        if data is None:
            data = self._realm.agent.services.read_script(parsed.pathname) if own else None
            if data is None:
                data = await self._fetched(url)
            self._sources[key] = data
        return data

    async def _fetched(self, url: str) -> bytes:
        context = self._realm.context
        request = http.Request(url, mode="no-cors", destination="script", client=context.environment)
        try:
            async with self._realm.agent.services.fetcher.fetch(request) as fetched:
                response = fetched.response
                if not response.ok:
                    raise NetworkError(f"the script {url} answered {response.status}")
                kind = mime_type(response.headers)
                if kind is None or kind.essence not in JAVASCRIPT:
                    raise NetworkError(f"the script {url} is {kind}; expected a JavaScript type")
                return b"".join([piece async for piece in fetched.body])
        except NetworkFailure as failure:
            raise NetworkError(
                f"the script {url} did not come ({failure.cause}): {failure.message}"
            ) from failure
