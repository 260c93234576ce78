"""What the lines of one scope's workers and their events may be, read along.

Two versions of a worker may have the same URL, so a line does not always say which one it is about: what is known
is the set of configurations in which the registration may be. What an earlier process left is not told at all; it is
anything.
"""

from __future__ import annotations

from collections import Counter

import attrs

from swruntime.errors import TraceViolation
from swruntime.monitor.states import Transition, machines
from swruntime.monitor.trace_fetch import Broken, Line

ANY = "*"
"""The script of a worker that an earlier process may have left."""

_STANDARD = "https://w3c.github.io/ServiceWorker/"

MOST_EARLIER = 4
"""So many workers of unregistered registrations are remembered."""

OVERTAKEN = "a newer worker was activated"
"""Why an active worker is stopped by the one that waited."""

_OWN_EVENTS = {"install": ("installing",), "activate": ("activating",)}

_OF_ANY_WORKER = ("install", "message")
"""Events that a worker can have which is not active."""


@attrs.frozen
class Registration:
    """Its workers' scripts, None where there is none; `active` with its state."""

    installing: str | None = None
    waiting: str | None = None
    active: tuple[str, str] | None = None
    earlier: tuple[str, ...] = ()
    """The workers of a registration of the same scope that was unregistered, and is in use still."""


def _is(slot: str | None, script: str) -> bool:
    return slot in (script, ANY)


class ScopeWatch:
    """The workers of one scope, and what is under way in them."""

    def __init__(self) -> None:
        self.machine = machines()["service-worker"]
        self.broken = Broken()
        self.may_be = {
            Registration(None, waiting, active)
            for waiting in (None, ANY)
            for active in (None, (ANY, "activated"))
        }
        self.open: Counter[str] = Counter()
        self.stillborn: Counter[str] = Counter()
        """Events that were fired while no worker ran: it could not start, and they end interrupted."""
        self.last: Line | None = None
        self.running: Counter[str] = Counter()
        self.registered = False
        """The worker that was started last is that of `register()`, not of an update."""
        self.fulfilled = False
        """How what is due has ended."""
        self.due: str | None = None
        """`install` or `activate`: it has ended, and the worker's state has to change next."""

    def take(self, line: Line) -> None:
        """The next line. Raises TraceViolation."""
        self.broken.note(line)
        getattr(self, "_" + line["kind"].replace(".", "_"), lambda line: None)(line)
        self.last = line

    def finish(self) -> None:
        """The agent was closed. Raises TraceViolation where an event has not ended, or a worker still runs."""
        if left := +self.open:
            raise self.broken.rule(f"{next(iter(left))} has not ended", "an event ends", None)
        if left := +self.running:
            raise self.broken.rule(f"{next(iter(left))} still runs", "the agent was closed", None)
        if self.due is not None:
            raise self._not_due("the trace ends")

    def _worker_start(self, line: Line) -> None:
        if line == self.last:
            raise self.broken.rule(
                "it has just been started",
                "Run Service Worker, 2: unless it runs",
                f"{_STANDARD}#run-service-worker-algorithm",
            )
        self.running[line["script"]] += 1
        self.registered = line["reason"] == "install"

    def _worker_stop(self, line: Line) -> None:
        script = line["script"]
        if not self.running[script]:
            raise self._rule("it does not run", "realm-died")
        self.running[script] -= 1
        if line["reason"] == OVERTAKEN and (left := self._of_the_active_worker()):
            raise self._change("activating", f"{left[0]} is under way in the worker before it")
        if line["reason"] == "idle" and +self.open and sum(self.running.values()) == 0:
            name = next(iter(+self.open))
            raise self._rule(f"{name} is under way in it", "realm-died")

    def _of_the_active_worker(self) -> list[str]:
        """The events under way that only the active worker can have; none where an unregistered one may have them."""
        if all(each.earlier for each in self.may_be):
            return []
        return [name for name in +self.open if name not in _OF_ANY_WORKER]

    def _worker_state(self, line: Line) -> None:
        script, state = line["script"], line["state"]
        if state == "installing" and line == self.last:
            raise self._change(state, "it is installing already")
        if state == "installing" and not self.running[script]:
            raise self._change(state, "it has not been started")
        if self.due == "install" and state not in ("installed", "redundant"):
            raise self._not_due(f"{state} comes")
        if self.due == "activate" and state not in ("activated", "redundant"):
            raise self._not_due(f"{state} comes")
        if self.open["install"] and state == "installed":
            raise self._change(state, "its install event has not ended")
        if self.open["activate"] and state == "activated":
            raise self._change(state, "its activate event has not ended")
        found = {new for old in self.may_be for new in _after(old, script, state)}
        if state == "installing" and self.registered:
            # It may be that of a new registration, while the one before is unregistered and in use still.
            found |= {_anew(old, script) for old in self.may_be}
        if state == "redundant" and self.due == "install":
            # Whoever waited is overtaken first; where the install failed, it is the worker itself.
            found = {new for new in found if (new.installing is not None) is self.fulfilled}
        if not found:
            raise self._change(state, "no worker of it is in a state that leads there")
        self.may_be = found
        if state in ("installed", "activated") or (
            state == "redundant" and not (self.due == "install" and self.fulfilled)
        ):
            self.due = None

    def _event_start(self, line: Line) -> None:
        name = line["name"]
        if name in _OWN_EVENTS:
            slot = "installing" if name == "install" else "activating"
            if not any(_slot(r, slot) for r in self.may_be):
                raise self._change(slot, f"{name} is fired, and no worker is {slot}")
            if self.open[name]:
                raise self._change(slot, f"{name} is under way already")
            if self.due == name:
                raise self._not_due(f"{name} is fired again")
        elif name not in _OF_ANY_WORKER:
            if self.due == "activate":
                raise self._not_due(f"{name} is fired")
            # It has an active worker, then. Whether an earlier process left that one or not is known now.
            self.may_be = {r for r in self.may_be if r.active or r.earlier} or self.may_be
        self.open[name] += 1
        if not +self.running:
            self.stillborn[name] += 1

    def _event_end(self, line: Line) -> None:
        name = line["name"]
        if not self.open[name]:
            raise self._rule(f"{name} is not under way", "dispatch-finished")
        self.open[name] -= 1
        if self.stillborn[name]:
            self.stillborn[name] -= 1
            if line["outcome"] != "interrupted":
                raise self._rule(f"{name} ended {line['outcome']}, and no worker ran", "realm-died")
        if name in _OWN_EVENTS and line["outcome"] != "interrupted":
            self.due, self.fulfilled = name, line["outcome"] == "fulfilled"

    def _not_due(self, text: str) -> TraceViolation:
        state = "installed" if self.due == "install" else "activated"
        return self._change(state, f"{self.due} has ended, and then {text}")

    def _change(self, state: str, text: str) -> TraceViolation:
        into = self.machine.into(state)
        if not into:
            return self.broken.rule(text, f"{state!r} is no state of a service worker", self.machine.anchor)
        return self.broken.transition(text, into[0])

    def _rule(self, text: str, input: str) -> TraceViolation:
        event = machines()["extendable-event"]
        found: Transition = next(t for t in event.transitions if t.input == input)
        return self.broken.transition(text, found)


def _slot(registration: Registration, state: str) -> bool:
    if state == "installing":
        return registration.installing is not None
    return registration.active is not None and registration.active[1] == "activating"


def _anew(old: Registration, script: str) -> Registration:
    """The scope is registered anew: its workers so far are an earlier registration's, until that is cleared."""
    active = None if old.active is None else old.active[0]
    workers = [each for each in (old.installing, old.waiting, active) if each is not None]
    return Registration(installing=script, earlier=(*old.earlier, *workers)[-MOST_EARLIER:])


def _after(old: Registration, script: str, state: str) -> list[Registration]:
    """The configurations that a worker's new state leads to; none where it is impossible."""
    match state:
        case "installing" if old.installing is None:
            return [attrs.evolve(old, installing=script)]
        case "installed" if old.installing == script and old.waiting is None:
            return [attrs.evolve(old, installing=None, waiting=script)]
        case "activating" if _is(old.waiting, script) and old.active is None:
            return [attrs.evolve(old, waiting=None, active=(script, "activating"))]
        case "activated" if old.active == (script, "activating"):
            return [attrs.evolve(old, active=(script, "activated"))]
        case "redundant":
            found = [
                attrs.evolve(old, earlier=(*old.earlier[:i], *old.earlier[i + 1 :]))
                for i, each in enumerate(old.earlier)
                if _is(each, script)
            ]
            if old.installing == script:
                found.append(attrs.evolve(old, installing=None))
            if _is(old.waiting, script):
                found.append(attrs.evolve(old, waiting=None))
            if old.active is not None and _is(old.active[0], script):
                found.append(attrs.evolve(old, active=None))
            return found
    return []
