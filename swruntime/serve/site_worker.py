"""SITE's worker, registered without a page. Where that fails the site goes on without it, as it does in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

from swruntime.agent.registrations import Registration
from swruntime.agent.user_agent import UserAgent
from swruntime.algorithms import scopes
from swruntime.errors import DOMException, ScriptError
from swruntime.trace import Line

EVALUATION = 30.0
"""Seconds that the first page waits for a worker whose script is still being evaluated."""
PATIENCE = 10.0
"""Seconds that it waits for one that is being installed."""


class SiteWorker:
    """Registers the worker at `script` for `scope`, and again after a failure when it is asked to.

    `tell` is called with why it failed, in one line; not twice in a row with the same.

    Raises TypeError and SecurityError for a scope that it cannot have.
    """

    def __init__(self, agent: UserAgent, script: str, scope: str | None, tell: Callable[[str], None]) -> None:
        base = f"{agent.origin}/"
        _, scope_url = scopes.check_registration(script, scope, base_url=base, client_origin=agent.origin)
        self.key = (agent.origin, scope_url)
        self._agent = agent
        self._script = script
        self._scope = scope
        self._tell = tell
        self._told = ""
        self._wanted = trio.Event()
        self._trying = False
        self._runs = False
        self._evaluated = trio.Event()
        self._tried = trio.Event()
        """The first attempt has ended."""

    async def run(self) -> None:
        """Register it, and again whenever that is wanted. Never returns."""
        while True:
            self._wanted = trio.Event()
            self._trying = True
            try:
                await self._try()
            finally:
                self._trying = False
            self._tried.set()
            await self._wanted.wait()

    def try_again(self) -> None:
        """A page was opened, or a script was edited: register it once more, unless it runs or is being installed."""
        if not (self._trying or self._runs):
            self._wanted.set()

    async def wait_until_tried(self) -> None:
        """Wait for the end of the first attempt, but no longer than a user waits for a page."""
        with trio.move_on_after(EVALUATION):
            await self._evaluated.wait()
        with trio.move_on_after(PATIENCE):
            await self._tried.wait()
            return
        self._tell_once("the worker is still being installed; until then the site is served without it")

    async def _try(self) -> None:
        with self._watched() as failures:
            try:
                registration = await self._register()
                if not await self._is_activated(registration):
                    self._failed(failures[-1] if failures else "its install event failed")
                    return
                assert registration.active is not None
                # A script that fails is told before anyone asks.
                await registration.active.run("serve")
            except ScriptError as error:
                self._failed(_in_a_line(error))
            except TypeError as error:
                cause = error.__cause__
                self._failed(_in_a_line(cause) if isinstance(cause, ScriptError) else str(error))
            except DOMException as error:
                self._failed(f"{error.name}: {error}")
            else:
                self._runs, self._told = True, ""

    async def _register(self) -> Registration:
        agent = self._agent
        try:
            return await agent.registrations.register(
                self._script, self._scope, base_url=f"{agent.origin}/", client_origin=agent.origin
            )
        finally:
            self._evaluated.set()

    async def _is_activated(self, registration: Registration) -> bool:
        while registration.active is None or registration.active.state != "activated":
            if registration.newest_worker is None:
                return False
            await self._agent.services.activity.wait_for_change()
        return True

    @contextmanager
    def _watched(self) -> Iterator[list[str]]:
        """While the block runs, how its install event fails is put into a list."""
        failures: list[str] = []

        def note(line: Line) -> None:
            of_it = line["kind"] == "event.end" and (line["name"], line["scope"]) == ("install", self.key[1])
            if of_it and line["outcome"] != "fulfilled":
                where = f"{line['where']}: " if line["where"] else ""
                failures.append(f"{where}install ended {line['outcome']}: {line['error']}")

        self._agent.trace.add_sink(note)
        try:
            yield failures
        finally:
            self._agent.trace.remove_sink(note)

    def _failed(self, why: str) -> None:
        self._tell_once(
            f"{why}; the site is served without its worker, which is tried again at the next page"
        )

    def _tell_once(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._tell(text)


def _in_a_line(error: ScriptError) -> str:
    return f"{error.where}: {error}" if error.where else str(error)
