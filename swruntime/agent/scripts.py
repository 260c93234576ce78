"""The one road by which scripts come, of workers and pages, of SITE and of the network: what `fetch` takes, too.

SITE's files answer first, as its server would: see `swruntime.network.site_files`, which decides what is served.
Whatever they do not have is asked of the network. What a request for a script is, and what is a script, is
`swruntime.algorithms.scripts`.

Spec: https://html.spec.whatwg.org/multipage/webappapis.html#fetching-scripts
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from urllib.parse import quote, unquote

import attrs

from swruntime.agent.fetching import Fetcher
from swruntime.algorithms import scripts, urls
from swruntime.algorithms.redirects import REDIRECT_STATUSES
from swruntime.algorithms.scripts import IMPORTED, MAIN, PAGE, PAGE_MODULE, WORKER_MODULE, ScriptKind
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import HeaderList, Response
from swruntime.errors import FewDescriptors, NetworkError, NetworkFailure, NotServed, SecurityError
from swruntime.network.site import SiteNetwork
from swruntime.network.site_files import LARGEST_SCRIPT
from swruntime.ports.network import Network, WireRequest, WireResponse

__all__ = [
    "IMPORTED",
    "MAIN",
    "PAGE",
    "PAGE_MODULE",
    "WORKER_MODULE",
    "Script",
    "ScriptFetcher",
    "ScriptKind",
    "SitesOwn",
]


@attrs.frozen
class Script:
    """A script as it came. `url` is the last one of its redirects: what a module's imports are relative to.

    `muted`: it is of another origin, and its text must not be read, in an error neither. `of_site`: it is a file of
    SITE's. `headers` are its response's.
    """

    url: str
    data: bytes
    headers: HeaderList = attrs.field(factory=HeaderList)
    muted: bool = False
    of_site: bool = False

    @property
    def text(self) -> str:
        """https://encoding.spec.whatwg.org/#utf-8-decode"""
        return self.data.decode("utf-8-sig", errors="replace")


class ScriptFetcher:
    """Fetches scripts for one user agent.

    `fetcher` is what everything else is fetched with; `site` answers for the files of SITE, at `origin`. `is_local`
    says of a worker's URL whether its script is trusted local code, which comes from SITE or not at all, whatever its
    type. `tell` is told, for the user, what a script must not know.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        site: SiteNetwork | None,
        origin: str,
        is_local: Callable[[str], bool],
        tell: Callable[[str], None],
    ) -> None:
        self._site = site
        self._origin = origin
        self.is_local = is_local
        self._tell = tell
        self._fetcher = fetcher
        self._given: dict[str, Script] = {}
        self._local: Fetcher | None = None
        if site is not None:
            self._fetcher = attrs.evolve(fetcher, network=_SiteFirst(self, fetcher.network, site))
            self._local = attrs.evolve(fetcher, network=site)

    def give(self, url: str, data: bytes) -> None:
        """Have the page's script at `url` be `data`, which the user has named, whatever SITE or its server has."""
        self._given[url] = Script(url, data)

    def has(self, url: str) -> bool:
        """Whether a file of SITE answers for `url`."""
        return (
            self._site is not None
            and urls.same_origin(url, self._origin)
            and self._site.files.is_file(urls.parse(url).pathname)
        )

    async def fetch(
        self,
        kind: ScriptKind,
        url: str,
        client: Environment,
        *,
        referrer: str = "about:client",
        revalidate: bool = False,
    ) -> Script:
        """The script at `url`.

        Raises, where it does not come, TypeError for a worker's own script and for a module, NetworkError for all
        else; SecurityError for a worker's own that was redirected, or is of another type. The messages have nothing of
        what came.
        """
        request = scripts.script_request(kind, url, client, referrer=referrer, revalidate=revalidate)
        if kind in (PAGE, PAGE_MODULE) and request.url in self._given:
            return self._given[request.url]
        local = kind is MAIN and self.is_local(request.url)
        try:
            of_site = local or self.has(request.url)
        except FewDescriptors as short:
            raise _error(kind, f"the script {request.url} did not come: {short.why}") from short
        fetcher = self._local if local else self._fetcher
        if fetcher is None:
            raise _error(kind, f"there is no SITE to take {request.url} from")
        watched = _Watched(fetcher.network)
        try:
            async with attrs.evolve(fetcher, network=watched).fetch(request) as fetched:
                response = fetched.response
                # Trusted local code has the type that its language has.
                refused = scripts.refusal(response)
                if refused is not None and not (local and response.ok):
                    error = self._refused(kind, request.url, refused, of_site, local)
                    raise self._veiled(kind, request.url, error) if scripts.is_muted(response) else error
                data = await _whole(fetched.body)
        except NetworkFailure as failure:
            text = f"the script {request.url} did not come ({failure.cause})"
            # Where another origin redirects to is not for a script to know.
            raise _error(kind, text if watched.redirected else f"{text}: {failure.message}") from failure
        except _TooLargeError:
            text = f"the script {request.url} is larger than {LARGEST_SCRIPT // 1024**2} MiB"
            raise _error(kind, text) from None
        return _script(response, data, of_site)

    def _refused(
        self, kind: ScriptKind, url: str, refused: scripts.Refusal, of_site: bool, local: bool
    ) -> Exception:
        text = f"the script {url} {refused.why}"
        if refused.insecure and of_site:
            text += f"; if it is a script: {scripts.mended_by(url)}"
        elif not refused.insecure and (why := self.why_not(url)) is not None:
            text += f": {why}"
        elif local and self._site is not None:
            path = urls.parse(url).pathname
            where = self._site.files.folder
            text = f"the script {url}: there is no file {path} in {where}; write it, or name another"
        if refused.insecure and kind.main:
            return SecurityError(text)
        return _error(kind, text)

    def _veiled(self, kind: ScriptKind, url: str, error: Exception) -> Exception:
        """In place of `error`, whose text says what an opaque response is like: its status, its type."""
        self._tell(str(error))
        return _error(kind, f"the script {url} is of another origin, and was refused; the console says why")

    def why_not(self, url: str) -> str | None:
        """Why SITE, which has something at `url`, does not serve it; None where it does, or has nothing there."""
        if self._site is None or not urls.same_origin(url, self._origin):
            return None
        return self._site.files.why_not(urls.parse(url).pathname)

    def read_local(self, pathname: str) -> bytes:
        """A file of SITE by its URL's path: for scripts that are trusted local code, and for source maps.

        Raises NotServed, where SITE does not serve it.
        """
        if self._site is None:
            raise NotServed(404, "there is no SITE")
        return self._site.files.read(pathname)


def _error(kind: ScriptKind, text: str) -> Exception:
    return TypeError(text) if kind in (MAIN, WORKER_MODULE, PAGE_MODULE) else NetworkError(text)


def _script(response: Response, data: bytes, of_site: bool) -> Script:
    return Script(response.url, data, response.headers, scripts.is_muted(response), of_site)


class _TooLargeError(Exception):
    pass


async def _whole(body: AsyncIterator[bytes]) -> bytes:
    chunks: list[bytes] = []
    left = LARGEST_SCRIPT
    async for chunk in body:
        left -= len(chunk)
        if left < 0:
            raise _TooLargeError
        chunks.append(chunk)
    return b"".join(chunks)


class _SiteFirst:
    """The port Network for scripts: SITE's file, where it has one, else whoever answers for everything else.

    SITE's scripts are there offline, too: a browser keeps an installed worker's.
    """

    def __init__(self, scripts: ScriptFetcher, rest: Network, site: SiteNetwork) -> None:
        self._scripts = scripts
        self._rest = rest
        self._site = site

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`."""
        try:
            network: Network = self._site if self._scripts.has(request.url) else self._rest
        except FewDescriptors as short:
            raise NetworkFailure("connect", f"{request.url}: {short.why}") from short
        async with network.exchange(request) as response:
            yield response


class _Watched:
    """The port Network that notes whether what was asked of `inner` was redirected."""

    def __init__(self, inner: Network) -> None:
        self._inner = inner
        self.redirected = False

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`."""
        async with self._inner.exchange(request) as response:
            self.redirected = self.redirected or response.status in REDIRECT_STATUSES
            yield response


class SitesOwn(MutableMapping[str, bytes]):
    """Of a worker's or a page's scripts those of SITE, by path ("/lib/a b.js"), for `origin`."""

    def __init__(self, kept: dict[str, Script], origin: str) -> None:
        self._kept = kept
        self._origin = origin

    def url(self, path: str) -> str:
        """The URL of what is at a path."""
        return urls.parse(quote(path), self._origin).href

    def __getitem__(self, path: str) -> bytes:
        return self._kept[self.url(path)].data

    def __setitem__(self, path: str, data: bytes) -> None:
        url = self.url(path)
        self._kept[url] = Script(url, data, of_site=True)

    def __delitem__(self, path: str) -> None:
        del self._kept[self.url(path)]

    def clear(self) -> None:
        """Forget all of them."""
        for url in [url for url, script in self._kept.items() if script.of_site]:
            del self._kept[url]

    def __iter__(self) -> Iterator[str]:
        return (unquote(urls.parse(url).pathname) for url, script in self._kept.items() if script.of_site)

    def __len__(self) -> int:
        return sum(script.of_site for script in self._kept.values())
