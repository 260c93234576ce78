"""What a script raises that is not an Exception: an error of the script, never the end of what runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import trio

from swruntime.realms.python.context import ScriptRunning, refused_exit


class OfTheirOwn(BaseException):
    pass


class Builtins(dict[str, object]):
    """As the importer has them for a script."""


def scripts(text: str) -> BaseException:
    """What this code of a script raises."""
    namespace = {"__builtins__": Builtins(vars(__import__("builtins"))), "OfTheirOwn": OfTheirOwn}
    try:
        exec(text, namespace)
    except BaseException as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("it raises nothing")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise SystemExit(3)", "a script cannot end the process (SystemExit)"),
        ("import sys; sys.exit()", "a script cannot end the process (SystemExit)"),
        ("raise KeyboardInterrupt", "a script cannot raise KeyboardInterrupt, which is not an Exception"),
        ("raise GeneratorExit('why')", "a script cannot raise GeneratorExit: why, which is not an Exception"),
        (
            "import asyncio; raise asyncio.CancelledError",
            "a script cannot raise CancelledError, which is not an",
        ),
        ("raise OfTheirOwn('no')", "a script cannot raise OfTheirOwn: no, which is not an Exception"),
        ("raise BaseExceptionGroup('', [ValueError(), SystemExit()])", "cannot end the process"),
        ("raise BaseExceptionGroup('', [BaseExceptionGroup('', [OfTheirOwn()])])", "cannot raise OfTheirOwn"),
    ],
)
def test_what_a_script_raises(text: str, message: str) -> None:
    refused = refused_exit(scripts(text))
    assert isinstance(refused, RuntimeError)
    assert message in str(refused)


def by_a_signal() -> BaseException:
    """Between two instructions of a script."""
    return scripts("import signal\nsignal.default_int_handler(2, None)")


def by_ours() -> BaseException:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as error:
        return error


def in_a_group() -> BaseException:
    return BaseExceptionGroup("", [SystemExit(), by_a_signal()])


@pytest.mark.parametrize("made", [by_a_signal, by_ours, in_a_group, KeyboardInterrupt])
def test_a_real_interrupt_is_no_scripts(made: Callable[[], BaseException]) -> None:
    assert refused_exit(made()) is None


async def test_a_cancellation_is_no_scripts() -> None:
    caught: list[BaseException] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.sleep_forever()
        except trio.Cancelled as error:
            caught += [error, BaseExceptionGroup("", [error, SystemExit()])]
            raise
    assert [refused_exit(each) for each in caught] == [None, None]


def test_what_is_thrown_into_a_script_comes_out_as_it_is() -> None:
    running = ScriptRunning()
    running.thrown = thrown = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError), running:
        raise thrown
    with pytest.raises(RuntimeError, match="CancelledError"), running:
        raise asyncio.CancelledError
