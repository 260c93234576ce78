"""A Hypothesis state machine whose rules may be async.

Hypothesis calls rules as plain functions, one after another, and chooses between them. Trio runs as its guest:
the run gets the thread while a rule is being made, and stands still, its clock too, while Hypothesis chooses.
"""

from __future__ import annotations

import functools
import inspect
import queue
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, TypeVar

import trio
import trio.testing
from hypothesis.stateful import INITIALIZE_RULE_MARKER, INVARIANT_MARKER, RULE_MARKER, RuleBasedStateMachine
from outcome import Error, Outcome, acapture

from swruntime.testing.lab import Laboratory, laboratory

T = TypeVar("T")
Step = Callable[[], Awaitable[object]]


class _SteppedRun:
    """A Trio run under a virtual clock that goes on only while `step` or `end` is being called."""

    def __init__(self, body: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]) -> None:
        """`body` is the run's main task; it awaits what it is given to serve steps, until `end`.

        Raises what `body` raises before it serves.
        """
        self._body = body
        self._soon: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._step: Step | None = None
        self._result: Outcome[object] | None = None
        self._outcome: Outcome[object] | None = None
        self._serving = False
        self._ending = False
        trio.lowlevel.start_guest_run(
            self._body,
            self._serve,
            run_sync_soon_threadsafe=self._soon.put,
            done_callback=self._done,
            clock=trio.testing.MockClock(autojump_threshold=0),
        )
        self._go_on(until=lambda: self._serving)

    @property
    def over(self) -> bool:
        return self._outcome is not None

    def step(self, step: Step) -> object:
        """Run `step` in the main task. Raises what it raises, and what the whole run raised if that ended."""
        self._result, self._step = None, step
        self._go_on(until=lambda: self._result is not None)
        return None if self._result is None else self._result.unwrap()

    def end(self) -> None:
        """Let the main task end. Raises what the run raises. Does nothing when it is over."""
        if not self.over:
            self._ending = True
            self._go_on(until=lambda: False)

    def _go_on(self, until: Callable[[], bool]) -> None:
        while not until():
            if self._outcome is not None:
                self._outcome.unwrap()
                return
            self._soon.get()()

    def _done(self, outcome: Outcome[object]) -> None:
        self._outcome = outcome

    async def _serve(self) -> None:
        self._serving = True
        while not self._ending:
            if self._step is None:
                # Always ready to run: if it waited, the clock would jump between two steps.
                await trio.lowlevel.checkpoint()
                continue
            step, self._step = self._step, None
            result = await acapture(step)
            if isinstance(result, Error) and isinstance(result.error, trio.Cancelled):
                result.unwrap()
            self._result = result


class UserAgentStateMachine(RuleBasedStateMachine):
    """A `hypothesis.stateful.RuleBasedStateMachine` with a fresh laboratory, `self.lab`, in each example.

    Rules, initialize rules, invariants and `teardown` may be `async def`; async or not, they run under Trio and a
    virtual clock, which only moves within them. Preconditions are plain functions and run outside Trio.

        class Downloads(UserAgentStateMachine):
            async def setup(self, lab):
                (lab.site / "worker.py").write_text(WORKER)
                lab.origin.add("/file", b"...")
                self.window = await lab.window()

            @rule()
            async def tunnel(self):
                self.lab.user_agent.network.go_offline()
                await trio.sleep(3600)
                self.lab.user_agent.network.go_online()

        TestDownloads = Downloads.TestCase
    """

    seed: ClassVar[int] = 0
    """The laboratory's."""
    profile: ClassVar[bool] = False
    """Whether the laboratory keeps a profile on the disk, so that `lab.restart()` can be used."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Of `open_user_agent`, such as quota and permission."""

    lab: Laboratory

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for _, member in inspect.getmembers(cls):
            for marker in (RULE_MARKER, INITIALIZE_RULE_MARKER, INVARIANT_MARKER):
                declared = getattr(member, marker, None)
                if declared is not None:
                    # Some of Hypothesis's declarations are frozen.
                    object.__setattr__(declared, "function", _stepped(declared.function))

    def __init__(self) -> None:
        super().__init__()
        # Hypothesis calls `teardown` as a plain function; the class's own may be async, and the run ends after it.
        self.__dict__["teardown"] = self._finish
        self._run = _SteppedRun(self._experiment)

    async def setup(self, lab: Laboratory) -> None:
        """Called at the start of each example. Does nothing; override it."""

    async def teardown(self) -> None:  # type: ignore[override] # Hypothesis calls `_finish`
        """Called at the end of each example, unless the user agent itself failed. Does nothing; override it."""

    async def _experiment(self, serve: Callable[[], Awaitable[None]]) -> None:
        async with laboratory(seed=self.seed, profile=self.profile, **self.options) as self.lab:
            await self.setup(self.lab)
            await serve()

    def _finish(self) -> None:
        if self._run.over:
            return
        try:
            self._run.step(functools.partial(_call, type(self).teardown, self))
        finally:
            self._run.end()


_STEPPED = "_swruntime_stepped"


def _stepped(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, a method of the machine, as a plain function that makes a step of its run."""
    if hasattr(function, _STEPPED):
        return function

    @functools.wraps(function)
    def stepped(machine: UserAgentStateMachine, **data: Any) -> Any:
        return machine._run.step(functools.partial(_call, function, machine, **data))

    stepped.__dict__[_STEPPED] = True
    return stepped


async def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    result = function(*args, **kwargs)
    return await result if inspect.iscoroutine(result) else result
