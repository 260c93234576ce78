"""Death anywhere: a test is run again and again, and each time its worker, or the whole process, dies elsewhere.

    def test_nothing_lives_in_globals_only():
        async def story(lab):
            (lab.site / "worker.py").write_text(WORKER)
            window = await lab.window()
            ...
            return what_a_user_would_see

        assert not stop_worker_everywhere(story)

A run is in memory, or on a profile of its own, and has a virtual clock of its own: hours take no time. The points
where there is a death are each await of the worker's, and each moment at which it becomes idle (what it has in
globals is lost there, too, and no await of its shows it). What is compared is an `Outcome`.

A JavaScript worker shows no awaits, and what it does reaches nobody but by what it asks the runtime for. So it dies
when it has called, when it has posted a message or set a timer, and before the answer of a call reaches it: no other
death of its could be told from one of these. (Not while its script is evaluated: an import that is interrupted
begins again.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import trio

from swruntime.agent.registrations import Registration
from swruntime.agent.user_agent import UserAgent
from swruntime.agent.workers import Worker
from swruntime.errors import NotServed, UsageError
from swruntime.network.site_files import SiteFiles
from swruntime.realms.javascript.worker_realm import JavaScriptWorkerRealm
from swruntime.realms.python.context import RealmContext, error_text
from swruntime.realms.python.driver import suspended_at
from swruntime.realms.python.worker_realm import WorkerRealm
from swruntime.testing.lab import Laboratory, laboratory
from swruntime.testing.outcome import Outcome, outcome_of
from swruntime.testing.sweep import Death, Difference, Sweep
from swruntime.testing.virtual_time import run
from swruntime.trace import Line

Test = Callable[[Laboratory], Awaitable[object]]

A_DAY = 86_400.0
"""Seconds of the virtual clock that a run may take."""

_LOST = ("fetch", "message", "messageerror")
"""Events that are not dispatched again when their worker dies in them; no browser would, either."""


def stop_worker_everywhere(
    test: Test, *, events: Collection[str] | None = None, timeout: float = A_DAY, **options: Any
) -> Sweep:
    """Run `test` once undisturbed, then once for each await that its worker makes, with the worker stopped there;
    of a JavaScript worker, for each call of the runtime, when it was made and when it is answered.

    After the stop all goes on as it does when a browser stops a worker: the event of a background fetch is
    dispatched again, the event of a page (`fetch`, `message`) is lost, and an install that was interrupted is
    tried again, as at the page's next visit. The worker is stopped whenever it becomes idle, too.

    test: is called with a fresh laboratory, and should answer with what a user would see, as plain data.
    events: stop it only while one of these is handled, and when it becomes idle after one; None: whatever it does.
    timeout: in seconds of the virtual clock; a run that has not ended by then counts as one that raised.
    options: of `laboratory`.

    Answers with the deaths after which the outcome differs: `assert not stop_worker_everywhere(story)`. What the
    undisturbed run raises is raised. Raises UsageError where no worker is started in it, and inside of Trio: each
    run is a run of Trio's of its own, so call it in a plain `def`.
    """
    return _sweep("stopped", test, partial(_one_run, test, None), events, timeout, options)


def kill_everywhere(
    test: Test,
    *,
    again: Test | None = None,
    events: Collection[str] | None = None,
    timeout: float = A_DAY,
    **options: Any,
) -> Sweep:
    """The same for the process: killed at each await of the worker's, with nothing flushed, and started anew.

    The files stay as they are at that moment, and `test` dies with the process: it is cancelled. A new user agent
    is opened on the files and `again` is called, `test` itself where there is none: whoever starts a program
    again starts it from the beginning. So write it as a page script is written, which looks first at what is
    there already.

    See `stop_worker_everywhere` for the rest.
    """
    return _sweep("killed", test, partial(_one_run, test, again or test), events, timeout, options)


OneRun = Callable[[int | None, Collection[str] | None, float, "dict[str, Any]"], Awaitable["_Run"]]


def _sweep(
    kind: str,
    test: Test,
    one_run: OneRun,
    events: Collection[str] | None,
    timeout: float,
    options: dict[str, Any],
) -> Sweep:
    if not callable(test):
        raise UsageError(f"test is {test!r}; expected an async function that takes a laboratory")
    if not timeout > 0:
        raise UsageError(f"timeout is {timeout!r}; expected seconds, more than 0")
    if isinstance(events, str):
        raise UsageError(f"events is {events!r}; expected a collection of names, such as {{{events!r}}}")
    if trio.lowlevel.in_trio_run():
        raise UsageError(
            "each run is a run of Trio's of its own: call this in a plain def, not in an async one"
        )
    undisturbed = run(one_run, None, events, timeout, options)
    if undisturbed.error is not None:
        raise undisturbed.error
    if not undisturbed.started:
        raise UsageError("no worker was started in the undisturbed run: there is nothing to stop")
    deaths: list[Death] = []
    differences: list[Difference] = []
    for number in range(undisturbed.points):
        disturbed = run(one_run, number, events, timeout, options)
        if disturbed.death is None:
            continue  # a run on the disk may take another way
        deaths.append(disturbed.death)
        changes = undisturbed.outcome.differences(disturbed.outcome)
        if changes:
            differences.append(Difference(disturbed.death, changes, disturbed.lost, disturbed.outcome))
    return Sweep(kind, tuple(deaths), tuple(differences), undisturbed.outcome)


@attrs.define
class _Run:
    """What came of one run."""

    outcome: Outcome
    error: Exception | None
    """What the test raised."""
    started: bool
    points: int
    death: Death | None
    lost: tuple[str, ...]


async def _one_run(
    test: Test,
    again: Test | None,
    number: int | None,
    events: Collection[str] | None,
    seconds: float,
    options: dict[str, Any],
) -> _Run:
    """`again`: what is called after the death; None where only the worker dies, and `test` goes on."""
    profile = again is not None
    async with laboratory(**{"profile": profile, **options}) as lab:
        reaper = _Reaper(lab, number, events, process=profile)
        reaper.attach(lab.user_agent)
        error: Exception | None = None
        outcome = Outcome(raised=f"nothing: it had not ended after {seconds:g} s")
        with trio.move_on_after(seconds):
            with reaper.life:
                outcome, error = await _ended(test, lab, reaper)
            if again is not None and reaper.death is not None:
                await lab.reopen()
                outcome, error = await _ended(again, lab, reaper)
        if number is None and error is None and outcome.raised is not None:
            error = UsageError(f"the undisturbed run had not ended after {seconds:g} s of the virtual clock")
        lost = tuple(name for name in reaper.interrupted if name in _LOST)
        return _Run(outcome, error, reaper.started, reaper.points, reaper.death, lost)


async def _ended(test: Test, lab: Laboratory, reaper: _Reaper) -> tuple[Outcome, Exception | None]:
    """Run it, and look at what there is in the end."""
    returned: object = None
    error: Exception | None = None
    try:
        returned = await test(lab)
    except Exception as raised:  # noqa: BLE001 - it is a part of the outcome
        error = raised
    outcome = await outcome_of(lab.user_agent, lab.trace, returned=returned)
    error = error or reaper.error
    if error is not None:
        outcome = attrs.evolve(outcome, raised=error_text(error))
    return outcome, error


class _Reaper:
    """Counts the points at which a worker could die, and lets one die at one of them."""

    def __init__(
        self, lab: Laboratory, number: int | None, events: Collection[str] | None, *, process: bool
    ) -> None:
        self.points = 0
        self.started = False
        self.death: Death | None = None
        self.error: Exception | None = None
        """What a second visit raised, after an install that was interrupted."""
        self.interrupted: list[str] = []
        self.life = trio.CancelScope()
        """Of the test; cancelled when its process dies."""
        self._lab = lab
        self._number = number
        self._events = events
        self._process = process
        self._agent: UserAgent
        self._handled: list[str] = []
        """The events that are being handled now."""
        self._ended: str | None = None
        """The event that has just ended by itself."""

    def attach(self, agent: UserAgent) -> None:
        """See every await of every worker of `agent` from now on."""
        self._agent = agent
        agent.trace.add_sink(self._note)
        services = agent.services
        open_realm = services.open_worker_realm

        async def opened(worker: Worker) -> Any:
            realm = await open_realm(worker)
            self.started = True
            if isinstance(realm, WorkerRealm):
                realm.context.on_each_await = partial(self._at_await, worker, realm.context)
            elif isinstance(realm, JavaScriptWorkerRealm):
                realm.on_step = partial(self._at_step, worker)
            return realm

        services.open_worker_realm = opened
        event_ended = services.event_ended

        def ended(registration: Registration) -> None:
            event_ended(registration)
            name, self._ended = self._ended, None
            if name is None:
                return
            if name in _LOST and not self._process:
                # Now: the next event may come before anything else does.
                self._when_idle(name)
            else:
                # Not before whoever fired it knows that it has ended.
                services.start_quietly(self._when_ended, name)

        services.event_ended = ended

    def _note(self, line: Line) -> None:
        if line["kind"] == "event.start":
            self._handled.append(line["name"])
        elif line["kind"] == "event.end":
            self._handled.remove(line["name"])
            if line["outcome"] == "interrupted":
                self.interrupted.append(line["name"])
            else:
                self._ended = line["name"]

    async def _when_ended(self, name: str) -> None:
        self._when_idle(name)

    def _when_idle(self, name: str) -> None:
        for registration in self._agent.registrations.all():
            for worker in registration.workers:
                if worker.idle and self._is_due([name]):
                    death = Death(self.points - 1, None, None, f"idle after {name}", (name,))
                    self._die(worker, death)

    def _at_await(self, worker: Worker, context: RealmContext, coroutine: Coroutine[Any, Any, Any]) -> None:
        # What a script does as it is cleaned up is none of its life any more.
        if context.alive and self._is_due(self._handled):
            file, line = suspended_at(context, coroutine) or (None, None)
            name = None if file is None else context.script_name(file)
            source = "" if name is None or line is None else _source(self._lab.site, name, line)
            self._die(worker, Death(self.points - 1, name, line, source, tuple(self._handled)))

    def _at_step(self, worker: Worker, where: str | None) -> None:
        if self._is_due(self._handled):
            name, line, source = None, None, ""
            if where is not None:
                name, _, number = where.rpartition(":")
                line = int(number)
                source = _source(self._lab.site, name, line)
            self._die(worker, Death(self.points - 1, name, line, source, tuple(self._handled)))

    def _is_due(self, names: Collection[str]) -> bool:
        """Count this point, unless it is none; whether it is the one."""
        if self._agent.services.closing or (self.death is not None and self._process):
            return False
        if self._events is not None and not set(names) & set(self._events):
            return False
        self.points += 1
        return self.points - 1 == self._number

    def _die(self, worker: Worker, death: Death) -> None:
        self.death = death
        if self._process:
            self._lab.kill()
            self.life.cancel()
            return
        installing = worker.state == "installing"
        worker.stop("stopped by stop_worker_everywhere")
        if installing and "install" in self._handled:
            self._agent.services.start("visit", self._visit_again, worker)

    async def _visit_again(self, worker: Worker) -> None:
        """The page comes again, and registers its worker, or looks for an update, once more."""
        registration, registrations = worker.registration, self._agent.registrations
        while worker.state == "installing":
            await self._agent.services.activity.wait_for_change()
        try:
            if registrations.get(registration.storage_key, registration.scope) is registration:
                await registrations.update(registration)
                return
            await registrations.register(
                worker.script_url,
                registration.scope,
                base_url=worker.script_url,
                client_origin=registration.storage_key,
                worker_type=worker.type,
                update_via_cache=registration.update_via_cache,
            )
        except Exception as error:  # noqa: BLE001 - it is a part of the outcome
            self.error = error


def _source(site: Path, name: str, line: int) -> str:
    """A line of a script; "" where SITE does not serve it: a script of the network, or what a source map speaks of."""
    try:
        text = SiteFiles(site).read("/" + quote(name)).decode(errors="replace")
    except NotServed:
        return ""
    lines = text.splitlines()
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""
