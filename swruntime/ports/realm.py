"""What runs scripts. The agent knows nothing of their language: events go in as data, outcomes come out."""

from __future__ import annotations

from typing import Protocol

import attrs

from swruntime.concepts.enums import EventOutcome


@attrs.frozen
class EventSpec:
    """An event to fire at a worker's global scope. `fetch` is the number of the background fetch it is about.

    `payload` is what else its interface is made of: a message, a fetch to answer. `tag` and `last_chance` are a
    sync's. One that is not the last chance is fired again if it fails: its rejection is no failure of its script.
    """

    name: str
    interface: str
    fetch: int | None = None
    payload: object = None
    tag: str | None = None
    last_chance: bool | None = None


@attrs.frozen
class EventResult:
    """How an event ended. `error` and `where` ("file:line") tell what was raised, if anything was."""

    outcome: EventOutcome
    error: str | None = None
    where: str | None = None


@attrs.frozen
class InstanceUpdate:
    """One run of *update background fetch instances*, for the instance of background fetch `fetch` in a realm.

    Spec: https://wicg.github.io/background-fetch/#update-background-fetch-instance-algorithm
    """

    fetch: int
    downloaded: int
    uploaded: int
    result: str
    failure_reason: str
    records_available: bool


class Realm(Protocol):
    async def evaluate(self) -> None:
        """Run the script's top level. Raises ScriptError with the line.

        Returns early where the realm is discarded meanwhile.
        """
        ...

    @property
    def event_types(self) -> frozenset[str]:
        """The types that the script listens to, once it was evaluated."""
        ...

    async def dispatch(self, event: EventSpec) -> EventResult:
        """Fire `event` and wait until it is no longer active."""
        ...

    def update_instance(self, update: InstanceUpdate) -> None:
        """Queue `update` in this realm; an update that is still waiting there is replaced."""
        ...

    def notify(self, about: object, event: str) -> None:
        """Queue a simple event (`statechange`, `updatefound`, `controllerchange`) at the realm's object for `about`.

        `about` is the agent's: a worker, a registration or a client. Where the realm has no object for it when its
        turn comes, nothing happens. The `state` of a worker's object becomes what it is at the call.
        """
        ...

    def update_registration(self, registration: object) -> None:
        """Queue: the object for `registration` shows the workers that it has at the call."""
        ...

    def became_ready(self, registration: object) -> None:
        """Queue: the `ready` of a page is fulfilled with `registration`, which has an active worker now."""
        ...

    async def caught_up(self) -> None:
        """Wait until what is queued now has run, or the realm was discarded."""
        ...

    def receive(self, posted: object) -> None:
        """Fire `message` at a page's ServiceWorkerContainer, once that takes messages. Workers are posted events.

        `posted` is the agent's (`swruntime.agent.messaging.Posted`). In a realm that was discarded it is dropped.
        """
        ...

    def discard(self, reason: str) -> None:
        """End the realm at once. Its platform objects are dead afterwards; its tasks are not waited for."""
        ...
