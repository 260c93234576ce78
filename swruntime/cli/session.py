"""A user agent for a command: the trace's way, and what the exit status will be."""

from __future__ import annotations

import os
from argparse import Namespace
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import trio

from swruntime.agent.registrations import Registration
from swruntime.agent.user_agent import UserAgent
from swruntime.algorithms.proxies import Proxies, from_environment
from swruntime.cli import DONE, FAILED
from swruntime.cli.failures import script_error_text, waiting_text
from swruntime.cli.narrate import Narrator, for_a_person
from swruntime.cli.output import complain, counted, say, sinks
from swruntime.cli.site import check_site, other_worker, profile_of, worker_script
from swruntime.cli.streams import standard_output_failing
from swruntime.display import open_display
from swruntime.errors import (
    DOMException,
    OutputFailed,
    ScriptError,
    UsageError,
    WaitingForUser,
)
from swruntime.runtime import open_user_agent
from swruntime.trace import Diagnostic, Line, explained, script_diagnostic

if TYPE_CHECKING:
    from swruntime.display.text import TextDisplay
    from swruntime.monitor.checked import Checked
    from swruntime.testing.scenario import Scenario, ScenarioPlayer

PATIENCE = 10.0
"""Seconds until it is said that a worker is still being installed."""


@attrs.frozen
class Ended:
    """How a background fetch ended, in this process, or in an earlier one that could not deliver its event."""

    id: str
    result: str
    failure_reason: str
    message: str | None = None


@attrs.define
class Session:
    """One run of a command on an open agent."""

    agent: UserAgent
    options: Namespace
    ended: list[Ended]
    diagnosed: Counter[str]
    """How many diagnostics of scripts there were, by their codes."""
    players: list[ScenarioPlayer] = attrs.field(factory=list)

    def complaints(self) -> list[str]:
        """Why the exit status is not 0: what scripts raised, and what ended otherwise than it should."""
        expected = dict(self.options.expect)
        found = dict.fromkeys(script_error_text(error) for error in self.agent.script_errors)
        found.update(dict.fromkeys(self.agent.services.store.gone))
        for each in self.ended:
            if expected.get(each.id, "success") not in (each.result, each.failure_reason):
                found[_ended_text(each, expected.get(each.id))] = None
        for id in expected.keys() - {each.id for each in self.ended}:
            found[f"--expect {id}={expected[id]}: no background fetch of that id ended"] = None
        if self.options.strict and self.diagnosed:
            many = counted(self.diagnosed.total(), "diagnostic", "diagnostics")
            found[f"--strict: {many} (above); '# swruntime: allow=CODE' allows one place"] = None
        return list(found)


def _ended_text(ended: Ended, expected: str | None) -> str:
    how = ended.failure_reason or ended.result
    why = f": {ended.message}" if ended.message else ""
    instead = f", not with {expected}" if expected is not None else ""
    return f"background fetch {ended.id!r} ended with {how}{instead}{why}"


def run_session(
    options: Namespace, body: Callable[[Session], Awaitable[None]], *, take_up: bool = True
) -> int:
    """Open an agent as `options` say, perform `body` while scenarios play, and answer with the exit status."""
    check_site(options.site)
    scenarios = [_of_the_user(path) for path in options.scenario]
    with options.interrupts.asking():
        complaints = trio.run(_session, options, scenarios, body, take_up)
    for text in complaints:
        complain(text)
    return FAILED if complaints else DONE


def _of_the_user(path: Path) -> Scenario:
    from swruntime.testing.scenario import read_scenario

    scenario = read_scenario(path)
    if scenario.whole is not None:
        raise UsageError(
            f"--scenario {str(path)!r} has a site of its own; expected conditions and steps ('scenario FILE' runs it)"
        )
    return scenario


async def _session(
    options: Namespace,
    scenarios: list[Scenario],
    body: Callable[[Session], Awaitable[None]],
    take_up: bool,
) -> list[str]:
    ended = _EndedEarly()
    complaints: list[str] = []
    try:
        with (
            ended.scope,
            options.interrupts.ending(ended.scope),
            standard_output_failing(ended),
        ):
            complaints = await _played(options, scenarios, body, take_up, ended)
    except Exception as error:
        if ended.failure is not None:
            raise ended.failure from error
        raise
    if ended.failure is not None:
        raise ended.failure
    return complaints


class _EndedEarly:
    """Ends a run, as an interrupt does, where something cannot be written; `failure` is the first such thing.

    Nothing is raised where it is written: that may be anywhere, in a script's own call, too.
    """

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.failure: OutputFailed | None = None
        self._token = trio.lowlevel.current_trio_token()

    def __call__(self, failure: OutputFailed) -> None:
        if self.failure is None:
            self.failure = failure
            self._token.run_sync_soon(self.scope.cancel, idempotent=True)


async def _played(
    options: Namespace,
    scenarios: list[Scenario],
    body: Callable[[Session], Awaitable[None]],
    take_up: bool,
    failed: Callable[[OutputFailed], None],
) -> list[str]:
    display = open_display() if not options.json else None
    narrator = Narrator(
        display.say if display else _nothing,
        progress=not (display and display.live),
        workers=options.name == "serve",
    )
    with sinks(as_json=options.json, file=options.trace, narrate=narrator, failed=failed) as sink:
        async with _open(options, sink, display, take_up) as session:
            session.players = [_player(session, scenario) for scenario in scenarios]
            for player in session.players:
                # In the agent's own nursery, whose end ends them too.
                player.start(session.agent.services.nursery)
            stuck = []
            try:
                await body(session)
            except WaitingForUser as waiting:
                stuck.append(waiting_text(waiting))
            left = _tell_steps_left(session)
            return [*session.complaints(), *stuck, *(f"--strict: {text}" for text in left if options.strict)]


def _player(session: Session, scenario: Scenario) -> ScenarioPlayer:
    from swruntime.testing.scenario import ScenarioPlayer

    return ScenarioPlayer(session.agent, scenario)


@asynccontextmanager
async def _open(
    options: Namespace, sink: Callable[[Line], None], display: TextDisplay | None, take_up: bool
) -> AsyncIterator[Session]:
    ended: list[Ended] = []
    monitor = _monitor() if options.monitor else None
    diagnosed: Counter[str] = Counter()

    def both(line: Line) -> None:
        if monitor is not None:
            monitor.see(line)
        if line["kind"] == "fetch.settle":
            ended.append(Ended(line["id"], line["result"], line["failure_reason"], line["message"]))
        code = script_diagnostic(line)
        if code is not None:
            diagnosed[code.name] += 1
            complain(for_a_person(explained(line, code)))
        sink(line)

    try:
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
            take_up=False,
            serve_at=getattr(options, "serve_at", None),
            upstream=getattr(options, "upstream", None),
            resolve=options.resolve,
            proxy=proxies_of(options),
            cacert=options.cacert,
            cookie_jar=options.cookie_jar,
            javascript_hints=options.javascript_hints,
            record=options.record,
            replay=options.replay,
            require_confinement=options.require_confinement,
        ) as agent:
            try:
                session = Session(agent, options, ended, diagnosed)
                if take_up:
                    take_up_all(session)
                yield session
            finally:
                if display is not None:
                    display.close()
    except BaseException:
        # What comes out is the run's own error; what was wrong before that may be why.
        if monitor is not None and monitor.violation is not None:
            complain(str(monitor.violation))
        raise
    if monitor is not None:
        monitor.finish()


def _monitor() -> Checked:
    from swruntime.monitor.checked import Checked

    return Checked()


def proxies_of(options: Namespace) -> Proxies:
    """Which requests go through a proxy: as the command line says, else the environment. Raises UsageError."""
    if options.no_proxy:
        return Proxies()
    given: Proxies | None = options.proxy
    return from_environment(os.environ) if given is None else given


def take_up_all(session: Session) -> None:
    """Go on with what is left. What ended in an earlier process, and is not delivered yet, counts as ended here."""
    for fetch in session.agent.background_fetches:
        if fetch.dormant and not fetch.active:
            result = fetch.progress
            message = fetch.machine.fetch.message
            session.ended.append(Ended(fetch.id, result.result, result.failure_reason, message))
    session.agent.take_up()


def _nothing(text: str) -> None:
    """Under --json the trace itself is the output."""


def _tell_steps_left(session: Session) -> list[str]:
    told = [f"scenario: {step}: never came" for player in session.players for step in player.left]
    for text in told:
        session.agent.trace.emit(Diagnostic(code="scenario", message=text))
    return told


async def active_registration(session: Session, window: Any) -> Any:
    """Register SITE's worker and wait until it is active; the ServiceWorkerRegistration in `window`.

    Raises ScriptError when the worker's script or its install handler fails, UsageError for a scope that is none.
    """
    options = session.options
    other = other_worker(options)
    if other is not None and not options.json:
        say(f"of two workers, {worker_script(options)[1:]} is run; --worker {other} runs {other} instead")
    with _told():
        registration = await window.navigator.service_worker.register(
            worker_script(options), scope=options.scope
        )
    await _until_active(session, registration._concept)
    return registration


@contextmanager
def _told() -> Iterator[None]:
    """What registering raises, as a command tells it."""
    try:
        yield
    except TypeError as error:
        if isinstance(error.__cause__, ScriptError):
            raise error.__cause__ from None
        raise UsageError(str(error)) from None
    except DOMException as error:
        raise UsageError(f"{error.name}: {error}") from None


async def _until_active(session: Session, registration: Registration) -> None:
    with trio.move_on_after(PATIENCE):
        await _activated(session, registration)
        return
    limit = session.agent.services.limits.event
    complain(f"the worker of {registration.scope} is still being installed; its event may last {limit:g} s")
    await _activated(session, registration)


async def _activated(session: Session, registration: Registration) -> None:
    agent = session.agent
    while registration.active is None or registration.active.state != "activated":
        if registration.newest_worker is None:
            failed = agent.script_errors[-1:] or [ScriptError("the worker's install event failed")]
            raise failed[0]
        await agent.services.activity.wait_for_change()


async def until_done(session: Session, pages: Callable[[], Awaitable[None]]) -> None:
    """Run `pages`, and then wait until nothing is active any more.

    Raises WaitingForUser as soon as nothing can go on by itself, also while a page still waits.
    """
    agent = session.agent
    stuck: list[WaitingForUser] = []
    failed: list[Exception] = []

    async def watch(scope: trio.CancelScope) -> None:
        try:
            while True:
                await agent.settled()
                await agent.services.activity.wait_for_change()
        except WaitingForUser as waiting:
            stuck.append(waiting)
            scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch, nursery.cancel_scope)
        try:
            await pages()
        except Exception as error:  # noqa: BLE001 - raised again outside, where no nursery puts it into a group
            failed.append(error)
        nursery.cancel_scope.cancel()
    for each in (*failed, *stuck):
        raise each
    await agent.settled()
