"""Whether a worker's scripts say something else than those that failed.

An event that was interrupted too often is held until its worker's text differs. So what handles an owed event is noted:
each script that is read, before it runs, and each one that is asked for and does not come. A digest of each is enough.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from swruntime.agent.scripts import Script
from swruntime.algorithms import urls
from swruntime.errors import NotServed

if TYPE_CHECKING:
    from swruntime.agent.scripts import ScriptFetcher
    from swruntime.agent.workers import Worker

Texts = tuple[tuple[str, str], ...]
"""Of each script its URL and the digest of its text, ABSENT for one that did not come."""
ABSENT = ""
MOST = 500
"""Scripts of a worker that are noted. Each one that is read is stored with all the others, before it runs."""
MOST_URL = 4_000
"""Characters of the URL of one that is noted."""


def digest(data: bytes | None) -> str:
    """Of a script's bytes; None is a script that is not there."""
    return ABSENT if data is None else hashlib.sha256(data).hexdigest()[:32]


class ScriptMap(dict[str, Script]):
    """*Script resource map* of a worker, by URL, and what was asked for in vain since its last start."""

    def __init__(self) -> None:
        super().__init__()
        self._absent: set[str] = set()
        self._digests: dict[str, tuple[Script, str]] = {}
        self._watchers: dict[object, Callable[[Texts], None]] = {}

    def __setitem__(self, url: str, script: Script) -> None:
        super().__setitem__(url, script)
        self._absent.discard(url)
        self._changed(url)

    def lacks(self, url: str) -> None:
        """The script at `url` was asked for, and did not come."""
        if url not in self and url not in self._absent and len(self._absent) < MOST:
            self._absent.add(url)
            self._changed(url)

    def forget_absent(self) -> None:
        """The worker starts anew."""
        self._absent.clear()
        self._digests.clear()

    @property
    def texts(self) -> Texts:
        """Of the first of them, where there are very many: a script may import what it likes."""
        there = {url: self._digest(url, script) for url, script in islice(self.items(), MOST)}
        found = {**dict.fromkeys(self._absent, ABSENT), **there}
        return tuple(sorted((url, text) for url, text in found.items() if len(url) <= MOST_URL))

    def _digest(self, url: str, script: Script) -> str:
        known = self._digests.get(url)
        if known is None or known[0] is not script:
            known = self._digests[url] = (script, digest(script.data))
        return known[1]

    @contextmanager
    def watched(self, watcher: Callable[[Texts], None] | None) -> Iterator[None]:
        """While the block runs, `watcher` is told what there is, now and after each change."""
        if watcher is None:
            yield
            return
        key = object()
        self._watchers[key] = watcher
        try:
            if self:
                watcher(self.texts)
            yield
        finally:
            del self._watchers[key]

    def _changed(self, url: str) -> None:
        if self._watchers and len(self) <= MOST and len(url) <= MOST_URL:
            texts = self.texts
            for watcher in tuple(self._watchers.values()):
                watcher(texts)


def differs(worker: Worker, failed: Texts, scripts: ScriptFetcher, *, opened: bool) -> bool:
    """Whether what `worker` would run now differs from what has failed, as far as nobody else need be asked.

    `opened`: this process has just opened the profile. Then what nobody noted may be another text by now.
    """
    before = dict(failed)
    if not before:
        return opened
    return worker.script_url not in before or any(
        _differs(worker, url, text, scripts) for url, text in failed
    )


def _differs(worker: Worker, url: str, failed: str, scripts: ScriptFetcher) -> bool:
    kept = worker.scripts.get(url)
    if kept is not None:
        return digest(kept.data) != failed
    if worker.is_local or scripts.has(url):
        return digest(_of_site(url, scripts)) != failed
    return False  # a server's, which an earlier start has imported, or asked for in vain


async def comes_by_now(worker: Worker, failed: Texts) -> bool:
    """Whether a server has by now one of the scripts that it did not have when the worker failed."""
    for url, text in failed:
        if text == ABSENT and url not in worker.scripts and await worker.fetch_again(url) is not None:
            return True
    return False


def site_differs(failed: Texts, scripts: ScriptFetcher) -> bool:
    """Whether SITE has another text by now of a script that has failed, or one that was absent then."""
    return any(scripts.has(url) and digest(_of_site(url, scripts)) != text for url, text in failed)


def _of_site(url: str, scripts: ScriptFetcher) -> bytes | None:
    try:
        return scripts.read_local(urls.parse(url).pathname)
    except NotServed:
        return None
