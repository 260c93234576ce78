"""Every control of the user's on everything at any time: what is gone as well as what is just beginning.

What comes out is what is documented, and nothing else; and when everybody is kind in the end, the agent settles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import pytest
import trio
from hypothesis import HealthCheck, settings, stateful, strategies as st
from hypothesis.stateful import run_state_machine_as_test

from swruntime import (
    InvalidAccessError,
    InvalidStateError,
    NotAllowedError,
    WaitingForUser,
)
from swruntime.testing import Laboratory, UserAgentStateMachine

Function = TypeVar("Function", bound=Callable[..., Any])


def rule(**strategies: st.SearchStrategy[Any]) -> Callable[[Function], Function]:
    """Hypothesis's own, of rules that may be async."""
    made: Callable[..., Any] = stateful.rule
    return cast("Callable[[Function], Function]", made(**strategies))


WORKER = """
import trio

async def handle(event):
    await trio.sleep(1)

oninstall = onactivate = onsync = onperiodicsync = onpush = handle
onbackgroundfetchsuccess = onbackgroundfetchfail = onbackgroundfetchabort = onbackgroundfetchclick = handle
onnotificationclick = onnotificationclose = onpushsubscriptionchange = handle

async def onmessage(event):
    await trio.sleep(5)
"""

PAGE = "import trio\nasync def main():\n    await trio.sleep(2)\n"
PERMISSIONS = (
    "background-fetch",
    "notifications",
    "push",
    "background-sync",
    "periodic-background-sync",
)
ENOUGH = 1e6
"""Seconds of the virtual clock in which it must have settled."""

which = st.sampled_from([0, 0, 0, 1, 2, 3])
"""Of those that there ever were, the last ones first."""


class AnyControl(UserAgentStateMachine):
    """Everything that was ever there is kept, and any of it is taken in hand again."""

    profile = True

    async def setup(self, lab: Laboratory) -> None:
        (lab.site / "worker.py").write_text(WORKER)
        (lab.site / "page.py").write_text(PAGE)
        lab.origin.add("/good", b"good")
        lab.origin.add("/slow", b"x" * 1000, chunk=100, pace=1.0)
        lab.origin.add("/stalls", b"x" * 1000, stall_after=(500,))
        self.ids = 0
        self.fetches: list[Any] = []
        self.notifications: list[Any] = []
        self.windows: list[Any] = []
        self.registrations: list[Any] = []
        await self.register()
        await trio.sleep(3)  # until its worker is active

    @property
    def agent(self) -> Any:
        return self.lab.user_agent

    def _pick(self, among: Sequence[Any], index: int) -> Any:
        return among[-1 - index] if index < len(among) else None

    # What pages do

    @rule()
    async def register(self) -> None:
        window = await self.agent.open_window("/")
        self.windows.append(window)
        self.registrations.append(await window.navigator.service_worker.register("/worker.py"))

    @rule(index=which, url=st.sampled_from(["/good", "/slow", "/stalls", "/missing"]), ends=st.booleans())
    async def fetch(self, index: int, url: str, ends: bool) -> None:
        registration = self._pick(self.registrations, index)
        if registration is None:
            return
        self.ids += 1
        try:
            await registration.background_fetch.fetch(f"f{self.ids}", url)
        except (TypeError, NotAllowedError, InvalidStateError):
            return  # no active worker, no permission, a dead window
        self.fetches += [f for f in self.agent.background_fetches if f not in self.fetches]
        if ends:
            await trio.sleep(20)

    @rule(
        index=which, what=st.sampled_from(["sync", "periodic", "notification", "push", "message", "update"])
    )
    async def ask(self, index: int, what: str) -> None:
        registration = self._pick(self.registrations, index)
        if registration is None:
            return
        try:
            if what == "sync":
                await registration.sync.register("s")
            elif what == "periodic":
                await registration.periodic_sync.register("p", min_interval=1000)
            elif what == "notification":
                await registration.show_notification("n", tag="t")
            elif what == "push":
                await registration.push_manager.subscribe(user_visible_only=True)
            elif what == "message" and registration.active is not None:
                registration.active.post_message("m")
            elif what == "update":
                await registration.update()
        except (TypeError, NotAllowedError, InvalidStateError, InvalidAccessError):
            pass  # no active worker, no permission, a dead window
        self.notifications += [n for n in self.agent.notifications if n not in self.notifications]

    @rule(index=which)
    async def unregister(self, index: int) -> None:
        registration = self._pick(self.registrations, index)
        if registration is not None:
            try:
                await registration.unregister()
            except InvalidStateError:
                assert not registration._context.alive

    # What the user does

    @rule(does=st.lists(st.sampled_from(["pause", "resume", "abort", "retry"]), min_size=1, max_size=4))
    async def control(self, does: list[str]) -> None:
        for each in does:
            for fetch in self.fetches:
                over = not fetch.active
                answer = await getattr(fetch, each)()
                assert isinstance(answer, bool)
                assert not (answer and over and each != "retry")
                self._look(fetch)

    @rule(index=which, waits=st.booleans())
    async def click(self, index: int, waits: bool) -> None:
        fetch = self._pick(self.fetches, index)
        if fetch is not None:
            clicked = fetch.click()
            if waits:
                assert await clicked is None

    @rule(index=which)
    def drop(self, index: int) -> None:
        fetch = self._pick(self.fetches, index)
        if fetch is not None:
            fetch.drop()
            self._look(fetch)

    def _look(self, fetch: Any) -> None:
        """Everything that it says of itself."""
        seen = (
            fetch.id,
            fetch.title,
            fetch.scope,
            fetch.origin,
            fetch.active,
            fetch.paused,
            fetch.owed,
            fetch.held,
        )
        assert repr((*seen, fetch.progress, fetch.records, fetch.waits(), fetch.view(), fetch))

    @rule(index=which, click=st.booleans(), waits=st.booleans())
    async def notification(self, index: int, click: bool, waits: bool) -> None:
        shown = self._pick(self.notifications, index)
        if shown is None:
            return
        was_shown = shown.shown
        try:
            done = shown.click() if click else shown.close()
        except InvalidStateError:
            assert click
            assert not was_shown
            return
        if waits:
            await done
        assert repr((shown, shown.title, shown.body, shown.tag, shown.actions, shown.scope))

    @rule(index=which, does=st.sampled_from(["sync", "periodic_sync", "push", "expire", "refresh", "stop"]))
    async def fire(self, index: int, does: str) -> None:
        registration = self._pick(self.registrations, index)
        if registration is None:
            return
        agent = self.agent
        concept = registration._concept
        try:
            if does == "stop":
                assert await agent.terminate_worker(concept) in (True, False)
            elif does in ("sync", "periodic_sync"):
                await getattr(agent, does)(concept, "tag")
            elif does == "push":
                await agent.push(concept, b"data")
            else:
                await getattr(agent, f"{does}_push_subscription")(concept)
        except InvalidStateError:
            assert does != "stop"  # no active worker, or no subscription

    @rule(index=which, does=st.sampled_from(["close", "focus", "run", "navigate"]))
    async def window(self, index: int, does: str) -> None:
        window = self._pick(self.windows, index)
        if window is None:
            return
        was_open = window._realm.context.alive
        try:
            if does == "run":
                await window.run("/page.py")
            elif does == "navigate":
                self.windows.append(await window.navigate("/elsewhere"))
            else:
                getattr(window, does)()
        except InvalidStateError:
            assert not was_open

    @rule(online=st.booleans())
    async def switch(self, online: bool) -> None:
        await (self.agent.network.go_online() if online else self.agent.network.go_offline())

    @rule(name=st.sampled_from(PERMISSIONS), state=st.sampled_from(["granted", "denied", "prompt"]))
    def permit(self, name: str, state: Any) -> None:
        self.agent.permissions.set(state, name)

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 40.0, 1000.0]))
    async def wait(self, seconds: float) -> None:
        await trio.sleep(seconds)

    @rule()
    async def die(self) -> None:
        """The process ends; what was held in hand is of another life then, and is let go."""
        await self.lab.restart()
        self.windows, self.registrations, self.notifications = [], [], list(self.agent.notifications)
        self.fetches = list(self.agent.background_fetches)
        await self.register()
        await trio.sleep(3)

    async def teardown(self) -> None:  # type: ignore[override]
        agent = self.agent
        for name in PERMISSIONS:
            agent.permissions.set("granted", name)
        await agent.network.go_online()
        self.lab.origin.add("/stalls", b"x" * 1000)
        with trio.fail_after(ENOUGH):
            while True:
                for fetch in agent.background_fetches:
                    await fetch.resume()
                    await fetch.retry()
                try:
                    await agent.settled()
                except WaitingForUser:
                    continue
                break
        assert agent.background_fetches == []
        await self.control(["pause", "resume", "abort", "retry"])
        for index in range(6):
            await self.click(index, True)
            self.drop(index)
            await self.unregister(index)
            for does in ("close", "focus", "run", "navigate"):
                await self.window(index, does)
            for click in (True, False):
                await self.notification(index, click, True)
            for does in ("stop", "sync", "periodic_sync", "push", "expire", "refresh"):
                await self.fire(index, does)
        await agent.settled()


def lives(count: int) -> settings:
    health = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=count, stateful_step_count=25, deadline=None, suppress_health_check=health)


@pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")
def test_any_control_at_any_time() -> None:
    run_state_machine_as_test(AnyControl, settings=lives(3))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")
def test_any_control_at_any_time_many_lives() -> None:
    run_state_machine_as_test(AnyControl, settings=lives(100))
