"""The pages that HTTP clients have open, as far as that can be told from their requests.

A browser's window tells when it closes; an HTTP client does not. So a page counts as open from the navigation
that fetched it until it has asked for nothing for a while, and until then a new worker waits for it.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from swruntime.agent.registrations import Registration
from swruntime.agent.user_agent import UserAgent
from swruntime.algorithms import urls

PAGE_LIFE = 30.0
"""Seconds after its last request that a page counts as open."""


@attrs.define(eq=False)
class _Page:
    id: str
    registration: Registration
    release: Callable[[], None]
    until: float


class Pages:
    """The open pages of one gateway, by URL. Two windows of one URL cannot be told apart, and are one page."""

    def __init__(self, agent: UserAgent, life: float = PAGE_LIFE) -> None:
        self._agent = agent
        self._life = life
        self._pages: dict[str, _Page] = {}

    def opened(self, url: str, registration: Registration) -> str:
        """A navigation to `url`, which `registration` controls. Answers with the id of its client."""
        url = urls.without_fragment(url)
        id = self._agent.clients.new_id()
        page = self._pages.get(url)
        if page is not None and page.registration is registration:
            page.id = id
            page.until = self._deadline()
            return id
        release = self._agent.clients.hold(registration)
        page = self._pages[url] = _Page(id, registration, release, self._deadline())
        self._agent.services.start_quietly(self._close_when_left, url, page)
        return id

    def seen(self, referrer: str) -> str:
        """A request of the page at `referrer`. Answers with its client's id, "" where no such page is open."""
        page = self._pages.get(urls.without_fragment(referrer))
        if page is None:
            return ""
        page.until = self._deadline()
        return page.id

    def _deadline(self) -> float:
        return trio.current_time() + self._life

    async def _close_when_left(self, url: str, page: _Page) -> None:
        while trio.current_time() < page.until:  # noqa: ASYNC110 - each request moves the deadline
            await trio.sleep_until(page.until)
        if self._pages.get(url) is page:
            del self._pages[url]
        page.release()
        self._agent.registrations.client_left(page.registration)
