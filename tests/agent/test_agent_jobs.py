"""Queues of jobs: what is coalesced, and that everyone is answered."""

from __future__ import annotations

import pytest
import trio

from swruntime.agent.jobs import Job, JobKey, JobQueues
from swruntime.agent.promise import Deferred

KEY = ("http://localhost:8400", "http://localhost:8400/")


def _update(*promises: Deferred[object]) -> Job:
    return Job("update", KEY, "http://localhost:8400/worker.py", promises=list(promises))


@pytest.mark.parametrize("soft", [True, False])
async def test_an_equal_job_that_has_answered_already_answers_for_nobody_else(
    soft: bool, autojump_clock: object
) -> None:
    """A soft update has no promise, and its install may go on long after it has answered."""
    ran: list[Job] = []

    async def run(job: Job) -> None:
        ran.append(job)
        await trio.sleep(1)
        job.resolve(len(ran))
        await trio.sleep(10)

    async with trio.open_nursery() as nursery:

        def start(run_all: object, key: JobKey) -> None:
            nursery.start_soon(run_all, key)  # type: ignore[arg-type]

        queues = JobQueues(run, start)
        first, in_time, late = (Deferred[object](name) for name in ("first", "in time", "late"))
        queues.schedule(_update() if soft else _update(first))
        if not soft:
            await trio.sleep(0.5)
            queues.schedule(_update(in_time))
        await trio.sleep(5)
        queues.schedule(_update(late))
        with trio.fail_after(100):
            assert await late.promise == 2
        if not soft:
            assert (await first.promise, await in_time.promise) == (1, 1)
    assert len(ran) == 2


async def test_an_update_does_not_join_a_soft_update_that_runs(autojump_clock: object) -> None:
    """The soft update may have read the script before it was edited; another that waits its turn has not."""
    ran: list[Job] = []

    async def run(job: Job) -> None:
        ran.append(job)
        await trio.sleep(1)
        job.resolve(len(ran))

    async with trio.open_nursery() as nursery:

        def start(run_all: object, key: JobKey) -> None:
            nursery.start_soon(run_all, key)  # type: ignore[arg-type]

        queues = JobQueues(run, start)
        asked, also = Deferred[object]("asked"), Deferred[object]("also")
        queues.schedule(_update())
        await trio.sleep(0.5)
        queues.schedule(_update(asked))
        queues.schedule(_update(also))
        queues.schedule(_update())
        assert (await asked.promise, await also.promise) == (2, 2)
    assert len(ran) == 2
