"""swruntime.realms.python.context and driver: a realm's life, its lines, its rejections, its coroutines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from swruntime.errors import AbortError, InvalidStateError
from swruntime.realms.python.context import RealmContext, error_text
from swruntime.realms.python.driver import drive, start_script
from swruntime.realms.python.events import Event
from swruntime.trace import Console, Diagnostic, TraceEvent


async def _forever() -> None:
    await trio.sleep_forever()


async def _fail() -> None:
    raise ValueError("no")


async def test_a_discarded_realm_says_so(context: RealmContext) -> None:
    context.check_alive()
    context.discard("stopped when idle")
    context.discard("again")
    with pytest.raises(InvalidStateError, match=r"worker\.py was discarded: stopped when idle"):
        context.check_alive()
    assert context.discarded.is_set()
    promise = context.promise(_fail)
    with pytest.raises(InvalidStateError):
        await promise


async def test_discarding_cancels_the_script_and_not_the_operations(
    context: RealmContext, autojump_clock: trio.testing.MockClock
) -> None:
    async def operation() -> int:
        await trio.sleep(1)
        return 1

    script = start_script(context, _forever(), name="script")
    promise = context.promise(operation)
    await trio.testing.wait_all_tasks_blocked()
    context.discard("stopped")
    with pytest.raises(AbortError):
        await script
    assert await promise == 1


async def test_discard_callbacks_run_unless_taken_back(context: RealmContext) -> None:
    called: list[str] = []
    context.on_discard(lambda: called.append("kept"))
    forget = context.on_discard(lambda: called.append("forgotten"))
    forget()
    context.discard("stopped")
    forget()
    assert called == ["kept"]


async def test_a_rejection_that_nobody_awaits_is_told_once(
    context: RealmContext, told: list[TraceEvent]
) -> None:
    awaited = context.promise(_fail, name="Cache.match")
    context.promise(_fail, name="Cache.put")
    with pytest.raises(ValueError, match="no"):
        await awaited
    await trio.testing.wait_all_tasks_blocked()
    context.report_unhandled()
    context.report_unhandled()
    [event] = told
    assert isinstance(event, Diagnostic)
    assert event.code == "unhandled-rejection"
    assert event.message == "nobody awaited Cache.put, which was rejected: ValueError: no"


async def test_what_is_awaited_between_its_rejection_and_the_report_is_not_told(
    context: RealmContext, told: list[TraceEvent]
) -> None:
    promise = context.rejected(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await promise
    context.discard("stopped")
    assert told == []


async def test_discarding_tells_rejections_and_no_later_ones(
    context: RealmContext, told: list[TraceEvent]
) -> None:
    context.rejected(ValueError("before"))
    later = context.deferred("later")
    context.discard("stopped")
    later.reject(ValueError("after"))
    context.report_unhandled()
    assert [event.message for event in told if isinstance(event, Diagnostic)] == [
        "nobody awaited rejected, which was rejected: ValueError: before"
    ]


def _script(site: Path, text: str) -> dict[str, Any]:
    (site / "lib").mkdir()
    file = site / "lib" / "tool.py"
    namespace: dict[str, Any] = {}
    exec(compile(text, str(file), "exec"), namespace)
    return namespace


async def test_where_is_the_innermost_script_line(context: RealmContext, site: Path) -> None:
    assert context.where() is None
    script = _script(site, "def outer(f):\n    return inner(f)\ndef inner(f):\n    return f()\n")
    assert script["outer"](context.where) == "lib/tool.py:4"


async def test_where_of_an_error_is_the_innermost_script_line_of_its_traceback(
    context: RealmContext, site: Path
) -> None:
    script = _script(site, "def f(g):\n    g()\n")

    def platform() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        script["f"](platform)
    assert context.where_of(caught.value) == "lib/tool.py:2"
    assert context.where_of(ValueError()) is None
    with pytest.raises(SyntaxError) as syntax:
        compile("x = 1\ny = (", str(site / "worker.py"), "exec")
    assert context.where_of(syntax.value) == "worker.py:2"


def test_an_error_in_a_line() -> None:
    assert error_text(AbortError("gone")) == "AbortError: gone"
    assert error_text(KeyError()) == "KeyError"


async def test_bound_classes_are_the_realms_own_and_instances_of_the_base(context: RealmContext) -> None:
    bound = context.bind(Event)
    assert bound is context.bind(Event)
    assert bound is not Event
    assert isinstance(bound("x"), Event)
    assert (bound.__name__, bound.__module__, bound._context) == ("Event", Event.__module__, context)


async def test_drive_calls_back_at_the_first_suspension_and_at_each(context: RealmContext) -> None:
    log: list[str] = []

    async def script() -> int:
        log.append("begin")
        await trio.lowlevel.checkpoint()
        log.append("middle")
        await trio.lowlevel.checkpoint()
        return 1

    context.on_each_await = lambda _: log.append("await")
    assert await drive(context, script(), lambda: log.append("first")) == 1
    # A checkpoint may suspend more than once inside Trio.
    assert log[:3] == ["begin", "first", "await"]
    assert log.count("first") == 1
    assert log.index("middle") < len(log) - 1
    assert log[-1] == "await"


@pytest.mark.parametrize("raises", [False, True])
async def test_drive_calls_back_when_it_ends_without_suspending(context: RealmContext, raises: bool) -> None:
    log: list[str] = []

    async def script() -> int:
        if raises:
            raise ValueError("no")
        return 1

    try:
        result: object = await drive(context, script(), lambda: log.append("first"))
    except ValueError as error:
        result = str(error)
    assert (result, log) == ("no" if raises else 1, ["first"])


async def test_a_cancellation_passes_into_the_coroutine(context: RealmContext) -> None:
    log: list[str] = []

    async def script() -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("cleaned up")

    with trio.CancelScope() as scope:
        context.on_each_await = lambda _: scope.cancel()
        await drive(context, script())
    assert scope.cancelled_caught
    assert log == ["cleaned up"]


async def test_a_script_is_running_only_between_its_suspensions(context: RealmContext) -> None:
    seen: list[bool] = []

    async def script() -> None:
        seen.append(context.script_running.since is not None)
        await trio.sleep_forever()

    start_script(context, script(), name="script")
    await trio.testing.wait_all_tasks_blocked()
    assert seen == [True]
    assert context.script_running.since is None
    with context.script_running, context.script_running:
        pass
    assert context.script_running.since is None


async def test_a_script_cannot_exit_the_process(context: RealmContext) -> None:
    async def script() -> None:
        raise SystemExit(3)

    promise = start_script(context, script(), name="script")
    with pytest.raises(RuntimeError, match="cannot end the process"):
        await promise


async def test_in_a_discarded_realm_a_script_is_not_started(context: RealmContext) -> None:
    context.discard("stopped")
    promise = start_script(context, _fail(), name="script")
    with pytest.raises(InvalidStateError):
        await promise


async def test_report_error_says_what_and_where(context: RealmContext, told: list[TraceEvent]) -> None:
    context.report_error(ValueError("no"))
    assert told == [Console(level="error", text="Uncaught ValueError: no", where=None)]
