"""A process for a realm: one that was started ahead, where there is one, and the next one started meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import trio

from swruntime.errors import NotSupportedError
from swruntime.ports.descriptors import Shortage
from swruntime.realms.javascript import confinement
from swruntime.realms.javascript.deno import Process, start_process
from swruntime.trace import Diagnostic

if TYPE_CHECKING:
    from swruntime.agent.user_agent import UserAgent


class Spares:
    """One process in reserve for each agent that has run JavaScript: so that the next worker's start costs nothing."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._spare: Process | None = None
        self._taken = trio.Event()
        """Set when the one that is in reserve is taken."""
        self._starting = False

    async def take(self) -> Process:
        """A process that nobody has used. Where too many files are open to start one, that is waited out.

        Raises NotSupportedError where Deno is not there, or no process can be started; NotConfined where the kernel
        has less than is required.
        """
        if self._agent.services.require_confinement:
            confinement.require()
        spare, self._spare = self._spare, None
        if spare is not None:
            self._taken.set()
            return spare
        try:
            return await self._start()
        except OSError as error:
            raise NotSupportedError(f"the engine's process cannot be started: {error.strerror}") from error

    async def _start(self) -> Process:
        """Raises OSError where there are too few descriptors, or is too little memory, for too long."""
        services = self._agent.services

        def tell(text: str) -> None:
            services.trace.emit(Diagnostic(code="few-descriptors", message=text))

        return await Shortage(services.limits.give_up, tell).wait_out("the engine's process", start_process)

    def refill(self, until_idle: Callable[[], Awaitable[None]]) -> None:
        """Start the next one when the one that was taken is idle: whoever waits for that comes first."""
        if self._spare is None and not self._starting:
            self._starting = True
            self._agent.services.nursery.start_soon(self._hold, until_idle, name="a process in reserve")

    async def _hold(self, until_idle: Callable[[], Awaitable[None]]) -> None:
        """Start one, and end it with the agent if nobody has taken it."""
        try:
            await until_idle()
            del until_idle  # the realm that it is of need not live as long as this one is in reserve
            self._spare, self._taken = spare, taken = await self._start(), trio.Event()
        except OSError:
            return  # whoever needs one says what is wrong
        finally:
            self._starting = False
        try:
            await taken.wait()
        finally:
            if self._spare is spare:
                self._spare = None
                await spare.aclose()


_SPARES: WeakKeyDictionary[UserAgent, Spares] = WeakKeyDictionary()


def spares_of(agent: UserAgent) -> Spares:
    """The agent's."""
    found = _SPARES.get(agent)
    if found is None:
        found = _SPARES[agent] = Spares(agent)
    return found
