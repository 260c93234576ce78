"""What an experiment comes to: what its test answers with, and what its user agent has in the end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import attrs

from swruntime.agent.user_agent import UserAgent
from swruntime.errors import WaitingForUser
from swruntime.trace import Line

_PIECE = 1 << 20
"""Bytes of a body that are read at a time."""


@attrs.frozen
class Outcome:
    """Two of them are equal where a user could not tell the difference.

    Header fields and the order of things are left out: a download that was interrupted has another date, and
    two that run side by side may end in either order.
    """

    returned: object = None
    raised: str | None = None
    """The exception that ended the test, as a line; None where it returned."""
    caches: frozenset[str] = frozenset()
    """A line for each cache, and for each of its entries: method, URL, status and the bytes, as a digest."""
    results: frozenset[str] = frozenset()
    """The events of background fetches that were delivered, with what became of each."""
    workers: frozenset[str] = frozenset()
    """Each registration with its workers' scripts and states."""
    waiting: frozenset[str] = frozenset()
    """What only the user or the network switch could move in the end."""

    def differences(self, other: Outcome) -> tuple[str, ...]:
        """What is different in `other`, a line each; none where they are equal."""
        return tuple(self._differences(other))

    def _differences(self, other: Outcome) -> Iterator[str]:
        if self.raised != other.raised:
            yield f"it {other._end}, and undisturbed it {self._end}"
        elif not _equal(self.returned, other.returned):
            yield f"it returned {other.returned!r}, and undisturbed {self.returned!r}"
        for mine, others in (
            (self.caches, other.caches),
            (self.results, other.results),
            (self.workers, other.workers),
            (self.waiting, other.waiting),
        ):
            yield from (f"missing: {line}" for line in sorted(mine - others))
            yield from (f"instead: {line}" for line in sorted(others - mine))

    @property
    def _end(self) -> str:
        return f"returned {self.returned!r}" if self.raised is None else f"raised {self.raised}"


def _equal(a: object, b: object) -> bool:
    return a is b or bool(a == b)


async def outcome_of(agent: UserAgent, trace: Iterable[Line], *, returned: object = None) -> Outcome:
    """Wait until `agent` has settled, and look at what it has then. `trace` is of every agent there was."""
    waiting: tuple[str, ...] = ()
    try:
        await agent.settled()
    except WaitingForUser as waits:
        waiting = waits.waiting
    return Outcome(
        returned=returned,
        caches=frozenset(_caches(agent)),
        results=frozenset(_results(trace)),
        workers=frozenset(_workers(agent)),
        waiting=frozenset(waiting),
    )


def _caches(agent: UserAgent) -> Iterator[str]:
    store = agent.services.store
    for key in sorted({agent.origin, *(r.storage_key for r in agent.registrations.all())}):
        for name in store.cache_names(key):
            yield f"cache {name!r} of {key}"
            for entry in store.cache_entries(store.open_cache(key, name)):
                request, status = entry.request, entry.response.status
                body = "no body" if entry.body is None else _digest(agent, entry.body)
                yield f"cache {name!r} of {key}: {request.method} {request.url}: {status}, {body}"


def _digest(agent: UserAgent, body: int) -> str:
    store, digest, offset = agent.services.store, hashlib.sha256(), 0
    while piece := store.read(body, offset, _PIECE):
        digest.update(piece)
        offset += len(piece)
    return f"{offset} bytes, sha256 {digest.hexdigest()[:16]}"


def _results(trace: Iterable[Line]) -> Iterator[str]:
    """At least once: an event that was delivered twice with the same result is one line."""
    for line in trace:
        if line["kind"] == "event.end" and "fetch" in line and line["outcome"] != "interrupted":
            error = f" ({line['error']})" if line["error"] else ""
            yield f"{line['name']} of {line['id']!r} at {line['scope']}: {line['outcome']}{error}"


def _workers(agent: UserAgent) -> Iterator[str]:
    for registration in agent.registrations.all():
        states = ", ".join(f"{worker.script_url} {worker.state}" for worker in registration.workers)
        yield f"registration {registration.scope}: {states or 'no worker'}"
