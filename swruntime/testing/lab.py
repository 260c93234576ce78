"""The laboratory: a fresh site, origin and user agent for each experiment."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx
import trio
import trio.testing

from swruntime.agent.user_agent import UserAgent
from swruntime.algorithms import urls
from swruntime.errors import UsageError
from swruntime.realms.python import window_realm, worker_realm
from swruntime.realms.python.realm import PythonRealm
from swruntime.runtime import DEFAULT_ORIGIN, open_user_agent, unwrapped_nursery
from swruntime.testing import watch
from swruntime.testing.diagnostics import diagnosed
from swruntime.testing.origin import Origin, ScriptedInternet
from swruntime.testing.virtual_time import deterministic_scheduling
from swruntime.trace import Line

_AT_FIRST_USE = (window_realm, worker_realm)
"""What a user agent imports when it needs it: here now, so that no example of a test pays for it."""


@attrs.define(eq=False)
class _Life:
    """One user agent, from its opening to its end."""

    to_end: trio.Event = attrs.field(factory=trio.Event)
    ended: trio.Event = attrs.field(factory=trio.Event)
    killed: bool = False


class Laboratory:
    """A site, the servers it can reach, and a user agent on them. Made by `laboratory`.

    `site` is a folder, empty at first. `origin` answers for the site. `trace` has the lines so far, of every
    user agent that was opened here.
    """

    def __init__(
        self,
        *,
        site: Path,
        network: httpx.AsyncBaseTransport,
        profile: Path | None,
        seed: int,
        sockets: bool = False,
        options: Mapping[str, Any],
    ) -> None:
        self.site = site
        self.trace: list[Line] = []
        self.is_open = False
        self._left_waiting: list[str] = []
        self._network = network
        self._profile = profile
        self._seed = seed
        self._sockets = sockets
        self._options = options
        self._nursery: trio.Nursery
        self._reachable: Any
        self._life: _Life
        self._user_agent: UserAgent

    @property
    def user_agent(self) -> UserAgent:
        """The user agent that is open now; after `restart` another one."""
        return self._user_agent

    @property
    def waited_for(self) -> list[str]:
        """The promises that are waited for now; of a laboratory that was left, those at that moment."""
        if not self.is_open:
            return self._left_waiting
        realms = [realm for realm in self.user_agent.services.realms if isinstance(realm, PythonRealm)]
        return [
            f"{urls.parse(realm.context.environment.url).pathname}: {name}{f' ({where})' if where else ''}"
            for realm in realms
            for name, where in realm.context.waited_for
            # In a worker all that matters begins in a script; with a page's objects the test itself does.
            if where is not None or realm.own_worker is None
        ]

    @property
    def origin(self) -> Origin:
        """The scripted origin that answers for the site."""
        return self.origin_at(self._user_agent.origin)

    def origin_at(self, url: str) -> Origin:
        """The scripted origin at `url`; made, with nothing on it, if there is none yet."""
        if not isinstance(self._network, ScriptedInternet):
            raise UsageError(f"network is {self._network!r}, which has no further origins")
        return self._network.origin_at(url)

    async def window(self, url: str = "/", *, worker: str | None = "/worker.py") -> Any:
        """Open the page at `url` and answer with its Window, once the site's `worker` is ready for it.

        `worker` None registers nothing. Raises what `register` rejects with: TypeError for a script that is not
        there or does not run, SecurityError for a page of another origin than its.
        """
        window = await self.user_agent.open_window(url)
        if worker is not None:
            await window.navigator.service_worker.register(worker)
            await window.navigator.service_worker.ready
        return window

    async def restart(self) -> UserAgent:
        """Kill the user agent, and open another one on what it leaves behind.

        What is left is what a killed process would leave: the files as they are at the call. Nothing that the
        old agent does as it goes reaches the profile or the trace. Windows and promises of the old agent are
        dead; they settle or raise as those of a discarded realm do.

        Raises UsageError in a laboratory without a profile: nothing would be left.
        """
        self.kill()
        return await self.reopen()

    def kill(self) -> None:
        """The first half of `restart`, in no time: may be called where nothing can be awaited.

        Raises UsageError in a laboratory without a profile, and for a user agent that was killed already.
        """
        if self._profile is None:
            raise UsageError(
                "a user agent that is held in memory leaves nothing; use laboratory(profile=True)"
            )
        if self._life.killed:
            raise UsageError("the user agent was killed already; await lab.reopen()")
        self._life.killed = True
        shutil.copytree(self._profile, self._left)
        self._life.to_end.set()

    async def reopen(self) -> UserAgent:
        """The second half of `restart`. Raises UsageError where nothing was killed."""
        if self._profile is None or not self._life.killed:
            raise UsageError("the user agent lives; call lab.kill() before lab.reopen()")
        await self._end(self._life)
        shutil.rmtree(self._profile)
        self._left.rename(self._profile)
        await self._begin()
        return self.user_agent

    @property
    def _left(self) -> Path:
        assert self._profile is not None
        return self._profile.with_name(f"{self._profile.name}.left")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keep a user agent open while the block runs. The block's own exception leaves it as it is."""
        with ExitStack() as stack:
            if isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock):
                stack.enter_context(deterministic_scheduling(self._seed))
            async with self._reached() as self._reachable, unwrapped_nursery() as self._nursery:
                await self._begin()
                self.is_open = True
                watch.opened(self)
                try:
                    yield
                finally:
                    self._left_waiting = self.waited_for
                    self.is_open = False
                    await self._end(self._life)

    @asynccontextmanager
    async def _reached(self) -> AsyncIterator[Any]:
        """What the user agent gets as its network."""
        if not self._sockets:
            yield self._network
            return
        if not isinstance(self._network, ScriptedInternet):
            raise UsageError(f"network is {self._network!r}, and only scripted origins can be on sockets")
        async with self._network.on_sockets() as network:
            yield network

    async def _begin(self) -> None:
        # A task of its own holds the agent: `restart` may be called inside any nursery or cancel scope of the test's.
        life = self._life = _Life()
        self._user_agent = await self._nursery.start(self._live, life)

    async def _end(self, life: _Life) -> None:
        life.to_end.set()
        with trio.CancelScope(shield=True):
            await life.ended.wait()

    async def _live(self, life: _Life, task_status: trio.TaskStatus[UserAgent]) -> None:
        def note(line: Line) -> None:
            if not life.killed:
                self.trace.append(line)
                found = diagnosed(line, self.site)
                if found is not None:
                    watch.tell(found)

        try:
            async with open_user_agent(
                site=self.site,
                network=self._reachable,
                profile=self._profile,
                seed=self._seed,
                on_trace=note,
                **self._options,
            ) as agent:
                task_status.started(agent)
                await life.to_end.wait()
        finally:
            life.ended.set()


@asynccontextmanager
async def laboratory(
    *,
    seed: int = 0,
    profile: bool = False,
    sockets: bool = False,
    site: Path | str | None = None,
    **options: Any,
) -> AsyncIterator[Laboratory]:
    """A fresh laboratory; when the block is left, everything of it is gone.

    Under a virtual clock (pytest-trio's `autojump_clock`, `swruntime.testing.run`) all that happens in it follows
    from the seed and from what the block does: the same trace, byte for byte, in any process.

    seed: of everything random.
    profile: keep the profile on the disk, in a temporary folder, so that `restart` can be used. Trio's order of
        tasks then depends on when the disk has answered.
    sockets: the scripted origins are real servers on loopback sockets, under the names that they have; a virtual clock
        holds while bytes are under way. The order of tasks then depends on when these come.
    site: a folder that is there already, in place of an empty one; it stays.
    options: of `open_user_agent`, such as quota and permission.

    Raises what `open_user_agent` raises.
    """
    with tempfile.TemporaryDirectory(prefix="swruntime-") as folder:
        own = Path(folder)
        if site is None:
            site = own / "site"
            site.mkdir()
        lab = Laboratory(
            site=Path(site),
            network=ScriptedInternet([Origin(options.get("origin") or DEFAULT_ORIGIN)]),
            profile=own / "profile" if profile else None,
            seed=seed,
            sockets=sockets,
            options=options,
        )
        async with lab.opened():
            yield lab
