"""A user agent for a command: the site's scripts, the trace's way, and what the exit status will be."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from swruntime.agent.user_agent import UserAgent
from swruntime.cli.narrate import Narrator
from swruntime.cli.output import sinks
from swruntime.display.terminal import TerminalDisplay
from swruntime.errors import ScriptError, SiteError, UsageError, WaitingForUser
from swruntime.runtime import open_user_agent
from swruntime.testing.scenario import Scenario, ScenarioPlayer, read_scenario
from swruntime.trace import Diagnostic, Line

WORKERS = ("worker.py", "sw.js")
PAGES = ("page.py", "page.js")


@attrs.define
class Session:
    """One run of a command on an open agent."""

    agent: UserAgent
    options: Namespace
    players: list[ScenarioPlayer] = attrs.field(factory=list)
    settled: list[Line] = attrs.field(factory=list)
    """The trace's `fetch.settle` lines."""

    def worker_script(self) -> str:
        """The worker's path from the origin's root. Raises SiteError when SITE has none."""
        return "/" + find_script(self.options.site, self.options.worker, WORKERS, "worker")

    def status(self) -> int:
        """0, or 1 where a script raised or a background fetch ended otherwise than it should."""
        expected = dict(self.options.expect)
        failed = bool(self.agent.script_errors)
        for line in self.settled:
            wanted = expected.pop(line["id"], "success")
            failed |= wanted not in (line["result"], line["failure_reason"])
        return int(failed or bool(expected))


def find_script(site: Path, given: str | None, defaults: tuple[str, ...], what: str) -> str:
    """A script's path below SITE, with slashes. Raises SiteError where there is none."""
    if given is not None:
        if not (site / given).is_file():
            raise SiteError(f"--{what} is {given!r}, and there is no such file in {str(site)!r}")
        return Path(given).as_posix()
    for name in defaults:
        if (site / name).is_file():
            return name
    raise SiteError(
        f"there is no {what} in {str(site)!r}; expected {' or '.join(defaults)}, or --{what} FILE"
    )


def check_site(site: Path) -> None:
    """Raises SiteError where SITE is no folder."""
    if not site.is_dir():
        what = "is not a folder" if site.exists() else "does not exist"
        raise SiteError(f"SITE {str(site)!r} {what}; expected the folder with the site's files")


def profile_of(options: Namespace) -> Path:
    profile: Path = options.profile or options.site / ".swruntime"
    return profile


def run_session(
    options: Namespace, body: Callable[[Session], Awaitable[None]], *, take_up: bool = True
) -> int:
    """Open an agent as `options` say, perform `body` while scenarios play, and answer with the exit status."""
    check_site(options.site)
    scenarios = [read_scenario(path) for path in options.scenario]
    return trio.run(_session, options, scenarios, body, take_up)


async def _session(
    options: Namespace,
    scenarios: list[Scenario],
    body: Callable[[Session], Awaitable[None]],
    take_up: bool,
) -> int:
    display = TerminalDisplay() if not options.json else None
    narrator = Narrator(display.say if display else _nothing, progress=not (display and display.live))
    with sinks(as_json=options.json, file=options.trace, narrate=narrator) as sink:
        async with _open(options, sink, display, take_up) as session:
            async with trio.open_nursery() as nursery:
                for scenario in scenarios:
                    player = ScenarioPlayer(session.agent, scenario)
                    session.players.append(player)
                    nursery.start_soon(player.play)
                await body(session)
                nursery.cancel_scope.cancel()
            _tell_steps_left(session)
            return session.status()


@asynccontextmanager
async def _open(
    options: Namespace, sink: Callable[[Line], None], display: TerminalDisplay | None, take_up: bool
) -> AsyncIterator[Session]:
    settled: list[Line] = []

    def both(line: Line) -> None:
        if line["kind"] == "fetch.settle":
            settled.append(line)
        sink(line)

    async with open_user_agent(
        site=options.site,
        origin=options.origin,
        profile=profile_of(options),
        quota=options.quota,
        permission=options.permission,
        web_security=not options.disable_web_security,
        give_up=options.give_up,
        seed=options.seed,
        on_trace=both,
        display=display,
        conditions=options.conditions,
        take_up=take_up,
    ) as agent:
        try:
            yield Session(agent, options, settled=settled)
        finally:
            if display is not None:
                display.close()


def _nothing(text: str) -> None:
    """Under --json the trace itself is the output."""


def _tell_steps_left(session: Session) -> None:
    for player in session.players:
        for step in player.left:
            text = f"scenario: {step}: never came"
            session.agent.trace.emit(Diagnostic(code="scenario", message=text))


async def active_registration(session: Session, window: Any) -> Any:
    """Register SITE's worker and wait until it is active; the ServiceWorkerRegistration in `window`.

    Raises ScriptError when the worker's script or its install handler fails.
    """
    options, agent = session.options, session.agent
    try:
        registration = await window.navigator.service_worker.register(
            session.worker_script(), scope=options.scope
        )
    except TypeError as error:
        if isinstance(error.__cause__, ScriptError):
            raise error.__cause__ from None
        raise UsageError(str(error)) from None
    concept = registration._concept
    while concept.active is None:
        if concept.newest_worker is None:
            failed = agent.script_errors[-1:] or [ScriptError("the worker's install event failed")]
            raise failed[0]
        await agent.services.activity.wait_for_change()
    return registration


async def settled(session: Session) -> None:
    """Wait until nothing is active. What only a user could move is left, and told: raises WaitingForUser."""
    await session.agent.settled()


async def until_done(session: Session, pages: Callable[[], Awaitable[None]]) -> None:
    """Run `pages`, and then wait until nothing is active any more.

    Raises WaitingForUser as soon as nothing can go on by itself, also while a page still waits.
    """
    agent = session.agent

    async def watch() -> None:
        while True:
            await agent.settled()
            await agent.services.activity.wait_for_change()

    stuck: list[WaitingForUser] = []

    async def give_up_when_stuck(scope: trio.CancelScope) -> None:
        try:
            await watch()
        except WaitingForUser as waiting:
            stuck.append(waiting)
            scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(give_up_when_stuck, nursery.cancel_scope)
        await pages()
        nursery.cancel_scope.cancel()
    if stuck:
        raise stuck[0]
    await agent.settled()
