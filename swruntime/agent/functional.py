"""Functional events that nobody owes: pushes, and what a user does to a notification."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from swruntime.agent.promise import Promise
from swruntime.concepts.enums import EventOutcome
from swruntime.ports.realm import EventSpec
from swruntime.trace import Diagnostic

if TYPE_CHECKING:
    from swruntime.agent.registrations import Registration
    from swruntime.agent.services import Services

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def start_event(
    services: Services, name: str, async_fn: Callable[[*Ts], Awaitable[T]], *args: *Ts
) -> Promise[T]:
    """Start what the user, or the network, did to a worker; until it has ended, the agent is not settled."""
    end = services.activity.begin("event")
    promise = Promise.start(services.nursery, async_fn, *args, name=name)
    promise.add_done_callback(lambda _: end())
    return promise


async def fire_once(
    services: Services, registration: Registration, spec: EventSpec, about: str
) -> EventOutcome:
    """*Fire a functional event*, and answer how it ended. One that was interrupted is told, and not repeated."""
    result = (await registration.fire(spec)).result
    if result.outcome == "interrupted":
        text = f"{spec.name} ({about}) was interrupted, and is not fired again: {result.error}"
        services.trace.emit(Diagnostic(code="event-lost", message=text))
    return result.outcome
