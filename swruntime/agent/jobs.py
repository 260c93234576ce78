"""Jobs: register, update, unregister, in a queue per scope, equal pending ones coalesced.

Spec: https://w3c.github.io/ServiceWorker/#dfn-job
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal

import attrs

from swruntime.agent.promise import Deferred
from swruntime.concepts.enums import UpdateViaCache
from swruntime.concepts.environment import Environment

JobType = Literal["register", "update", "unregister"]
JobKey = tuple[str, str]
"""Storage key and scope."""


@attrs.define(eq=False)
class Job:
    """`promises` are its own and those of the jobs that were coalesced with it."""

    type: JobType
    key: JobKey
    script_url: str | None = None
    update_via_cache: UpdateViaCache = "imports"
    worker_type: str = "classic"
    client: Environment | None = None
    """Who asks for it: a page or a worker; None for a soft update."""
    promises: list[Deferred[object]] = attrs.field(factory=list)
    pending: bool = True
    """It has not answered yet. A soft update has no promise that would tell."""
    begun: bool = False

    @property
    def answers_for_others(self) -> bool:
        """Whether its answer is one for an equal job that comes now.

        That of a soft update that has begun is not: it may have read the script before that was edited, and nobody who
        asks for an update would understand why there is none.
        """
        return self.pending and not (self.begun and not self.promises)

    def is_equivalent_to(self, other: Job) -> bool:
        """https://w3c.github.io/ServiceWorker/#dfn-job-equivalent"""
        if (self.type, self.key) != (other.type, other.key):
            return False
        return self.type == "unregister" or (self.script_url, self.update_via_cache, self.worker_type) == (
            other.script_url,
            other.update_via_cache,
            other.worker_type,
        )

    def resolve(self, value: object) -> None:
        """*Resolve Job Promise*: https://w3c.github.io/ServiceWorker/#resolve-job-promise-algorithm"""
        self.pending = False
        for deferred in self.promises:
            deferred.resolve(value)

    def reject(self, error: Exception) -> None:
        """*Reject Job Promise*: https://w3c.github.io/ServiceWorker/#reject-job-promise-algorithm"""
        self.pending = False
        for deferred in self.promises:
            deferred.promise.handle()
            deferred.reject(error)


class JobQueues:
    """`run` performs one job; `start` starts a task that the agent waits for."""

    def __init__(
        self,
        run: Callable[[Job], Awaitable[None]],
        start: Callable[[Callable[[JobKey], Awaitable[None]], JobKey], None],
    ) -> None:
        self._run = run
        self._start = start
        self._queues: dict[JobKey, deque[Job]] = {}

    def schedule(self, job: Job) -> None:
        """*Schedule Job*: https://w3c.github.io/ServiceWorker/#schedule-job-algorithm"""
        queue = self._queues.setdefault(job.key, deque())
        # 4. An equal job that has not answered yet answers for this one, too.
        if queue and queue[-1].is_equivalent_to(job) and queue[-1].answers_for_others:
            queue[-1].promises += job.promises
            return
        queue.append(job)
        # 3. The first one runs.
        if len(queue) == 1:
            self._start(self._run_all, job.key)

    async def _run_all(self, key: JobKey) -> None:
        """*Run Job* and *Finish Job*, until the queue is empty."""
        queue = self._queues[key]
        while queue:
            queue[0].begun = True
            await self._run(queue[0])
            queue.popleft()
        del self._queues[key]
