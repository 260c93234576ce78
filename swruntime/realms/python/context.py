"""What every platform object of a realm holds: where it is, what runs its work, whether it still lives."""

from __future__ import annotations

import dis
import sys
import time
import types
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple, cast

import trio

from swruntime.agent.held import Held
from swruntime.agent.promise import Deferred, Promise
from swruntime.algorithms.allowances import allowances, unknown_codes
from swruntime.algorithms.dropped import dropped_calls
from swruntime.concepts.diagnostics import CODES
from swruntime.concepts.environment import Environment
from swruntime.errors import DOMException, InvalidStateError
from swruntime.network.site_files import SiteFiles
from swruntime.realms.python.handling import begun as note_begun, leave
from swruntime.trace import Console, Diagnostic, TraceEvent

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MOST_TOLD = 100_000
"""Places of diagnostics that are remembered, so that each is told once."""
_REALM_MODULES = "swruntime.realms."

# A worker starts again and again with the same script.
_dropped_calls = lru_cache(64)(dropped_calls)


class RealmContext:
    """One realm, from its making to `discard`.

    `agent_nursery` runs operations, which outlive the realm; `nursery` is the realm's own and runs its
    script. `site` is where scripts come from (or the files of `site_folder` are): only frames of files under it count
    as script frames.
    `now` tells the time of day, in seconds since 1970. `told` has the places, with the code, that diagnostics were
    told of before: each is told once. `hints`: those are told that need be asked for, too.
    """

    def __init__(
        self,
        *,
        environment: Environment,
        agent_nursery: trio.Nursery,
        nursery: trio.Nursery,
        tell: Callable[[TraceEvent], None],
        site: SiteFiles | None = None,
        site_folder: Path | None = None,
        now: Callable[[], float] = time.time,
        told: set[tuple[str, str]] | None = None,
        hints: bool = False,
    ) -> None:
        self.environment = environment
        self.agent_nursery = agent_nursery
        self.nursery = nursery
        self.tell = tell
        self.site = SiteFiles(site_folder) if site is None and site_folder is not None else site
        self.site_folder = None if self.site is None else self.site.folder
        self.now = now
        self._told = set() if told is None else told
        self._hints = hints
        self._allowed: dict[str, Mapping[int, frozenset[str]]] = {}
        self.alive = True
        self.discarded = trio.Event()
        """Set when the realm is discarded."""
        self.reason = ""
        """Why it was discarded; "" while it lives."""
        self.time_origin = trio.current_time()
        """When it was made, in seconds on Trio's clock."""
        self.on_each_await: Callable[[Coroutine[Any, Any, Any]], None] | None = None
        """Called, with the coroutine, whenever one of the script suspends."""
        self.in_its_names: Callable[[str], str] = str
        """A message about a script of it, with the platform's names as its language spells them."""
        self.held = Held()
        """What the runtime holds in memory for its script."""
        self.script_running = ScriptRunning()
        """Entered while script code runs."""
        self._begun = trio.Event()
        """Set when the operation that was started last has begun."""
        self._begun.set()
        self._rejections: list[tuple[Promise[Any], str | None]] = []
        self._pending: dict[Promise[Any], str | None] = {}
        """Its promises that are not settled, and where the script has made each."""
        self._on_discard: dict[object, Callable[[], None]] = {}
        self._bound: dict[type, type] = {}
        self._caller: str | None = None

    def check_alive(self) -> None:
        """Raises InvalidStateError once the realm was discarded."""
        if not self.alive:
            raise self.dead_error()

    def dead_error(self) -> InvalidStateError:
        """What a use of this realm raises once it was discarded."""
        return InvalidStateError(f"the realm of {self.environment.url} was discarded: {self.reason}")

    def discard(self, reason: str) -> None:
        """End the realm at once: tell its unhandled rejections, cancel its script. Later calls do nothing."""
        if not self.alive:
            return
        self.report_unhandled()
        self.alive = False
        self.reason = reason
        callbacks, self._on_discard = self._on_discard, {}
        for callback in callbacks.values():
            callback()
        self.discarded.set()
        self.nursery.cancel_scope.cancel()

    def on_discard(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when the realm is discarded. Answers with a function that takes it back."""
        key = object()
        self._on_discard[key] = callback

        def forget() -> None:
            self._on_discard.pop(key, None)

        return forget

    def bind(self, cls: type[T]) -> type[T]:
        """This realm's own subclass of a platform class that scripts construct, the same one each time.

        A constructor finds its realm in `_context`, which only these subclasses have; `isinstance` with the
        class in the module holds for the objects of every realm.
        """
        if cls not in self._bound:
            # A File of this realm is a Blob of this realm, too.
            parents: tuple[type, ...] = tuple(
                self.bind(base) for base in cls.__bases__ if base.__module__.startswith(_REALM_MODULES)
            )
            namespace = {
                "_context": self,
                "__module__": cls.__module__,
                "__qualname__": cls.__qualname__,
                "__doc__": cls.__doc__,
            }
            metaclass: Any = type(cls)
            self._bound[cls] = metaclass(cls.__name__, (cls, *parents), namespace)
        return cast("type[T]", self._bound[cls])

    # Promises

    def promise(
        self, async_fn: Callable[[*Ts], Awaitable[T]], *args: *Ts, name: str | None = None
    ) -> Promise[T]:
        """Start an operation in the agent's nursery; its promise is this realm's.

        Operations begin in the order of the calls, which Trio's order of tasks does not give.
        In a realm that was discarded nothing is started: the promise is rejected with InvalidStateError.
        """
        if not self.alive:
            return Promise.rejected(self.dead_error(), name=name or "rejected")
        where = self.where()
        previous, begun = self._begun, trio.Event()
        self._begun = begun

        async def in_turn() -> T:
            leave()
            try:
                if not previous.is_set():
                    await previous.wait()
            finally:
                begun.set()
            try:
                return await async_fn(*args)
            except GeneratorExit:
                raise
            except BaseException as error:
                # It may call code of the script's: an iterator, a method of what it was given.
                refused = None if isinstance(error, Exception) else refused_exit(error)
                if refused is None:
                    raise
                raise refused from error

        name = name or getattr(async_fn, "__qualname__", None)
        promise = Promise.start(
            self.agent_nursery, in_turn, name=name, on_unhandled=lambda p: self._note(p, where)
        )
        if promise.settled:
            begun.set()  # its nursery is closed: it never begins
        self._made(promise, where)
        return promise

    def rejected(self, error: BaseException, *, name: str = "rejected") -> Promise[Any]:
        """A promise of this realm that is rejected already: what a method does that the IDL lets throw."""
        where = self.where()
        return Promise.rejected(error, name=name, on_unhandled=lambda p: self._note(p, where))

    def deferred(self, name: str) -> Deferred[Any]:
        """A promise of this realm with its resolvers."""
        where = self.where()
        deferred: Deferred[Any] = Deferred(name, on_unhandled=lambda p: self._note(p, where))
        self._made(deferred.promise, where)
        return deferred

    @property
    def waited_for(self) -> list[tuple[str, str | None]]:
        """The promises that somebody waits for now: the name of each, and where a script has made it."""
        return [(promise.name, where) for promise, where in self._pending.items() if promise.waited_for]

    def _made(self, promise: Promise[Any], where: str | None) -> None:
        note_begun(self, promise, where)
        if not promise.settled:
            self._pending[promise] = where
            promise.add_done_callback(self._pending.pop)

    def report_unhandled(self) -> None:
        """Tell, once each, the promises of this realm that were rejected and that nobody has awaited."""
        rejections, self._rejections = self._rejections, []
        for promise, where in rejections:
            if not promise.handled:
                assert promise.error is not None
                promise.handle()
                text = f"nobody awaited {promise.name}, which was rejected: {error_text(promise.error)}"
                self.diagnose("unhandled-rejection", text, where or self.where_of(promise.error))

    def _note(self, promise: Promise[Any], where: str | None) -> None:
        # What dies with its realm is no news.
        if self.alive:
            self._rejections.append((promise, where))

    # What it does wrong

    def diagnose(
        self,
        code: str,
        message: str,
        where: str | None = None,
        *,
        tell: Callable[[TraceEvent], None] | None = None,
    ) -> None:
        """Tell of something that goes wrong quietly: once for each place, and not where a comment allows it.

        `where` is "file:line"; without it, it is told each time. `tell` takes the place of the realm's own.
        """
        if CODES[code].hint and not self._hints:
            return
        if where is not None:
            if (code, where) in self._told or self._allows(code, where):
                return
            if len(self._told) < MOST_TOLD:
                self._told.add((code, where))
        (tell or self.tell)(Diagnostic(code=code, message=self.in_its_names(message), where=where))

    def script_read(self, name: str, source: str) -> None:
        """A script compiles, and is about to run: its comments say what is allowed in it."""
        self._allowed[name] = allowances(source)
        for line, code in unknown_codes(source, CODES):
            self.diagnose("unknown-allowed-code", f"{code!r} is allowed here", f"{name}:{line}")
        for line, function in _dropped_calls(source):
            text = f"{function}() makes a coroutine, which is dropped: nothing of it runs"
            self.diagnose("dropped-awaitable", text, f"{name}:{line}")
            # Python tells of the same place, once it runs, in other words, and knows no comment that allows it.
            never = rf"coroutine '{function}' was never awaited"
            warnings.filterwarnings("ignore", never, RuntimeWarning, lineno=line)

    def javascript_read(self, name: str, source: str) -> None:
        """As `script_read`, of a JavaScript."""
        self._allowed[name] = allowances(source, javascript=True)
        for line, code in unknown_codes(source, CODES, javascript=True):
            self.diagnose("unknown-allowed-code", f"{code!r} is allowed here", f"{name}:{line}")

    def _allows(self, code: str, where: str) -> bool:
        name, _, line = where.rpartition(":")
        return code in self._allowed.get(name, {}).get(int(line), ())

    # Where the script is

    def where(self) -> str | None:
        """ "file:line" of the innermost script frame on the current stack, None where there is none."""
        if self._caller is not None:
            return self._caller
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            name = self.script_name(frame.f_code.co_filename)
            if name is not None:
                return f"{name}:{frame.f_lineno}"
            frame = frame.f_back
        return None

    @contextmanager
    def called_from(self, where: str | None) -> Iterator[None]:
        """While the block runs, `where` ("file:line") of another language is where the script is."""
        previous, self._caller = self._caller, where
        try:
            yield
        finally:
            self._caller = previous

    def where_of_function(self, function: object) -> str | None:
        """ "file:line" of a function's `def`, None for what is not a function of a script."""
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        return None if code is None else self.where_of_code(code)

    def where_of_coroutine(self, coroutine: Coroutine[Any, Any, Any]) -> str | None:
        """ "file:line" of a coroutine's `async def`, None for what is not a script's."""
        code = getattr(coroutine, "cr_code", None)
        return None if code is None else self.where_of_code(code)

    def where_of_code(self, code: types.CodeType) -> str | None:
        """ "file:line" where a function or coroutine begins, None for what is not a script's."""
        name = self.script_name(code.co_filename)
        return None if name is None else f"{name}:{code.co_firstlineno}"

    def where_of(self, error: BaseException) -> str | None:
        """ "file:line" of the innermost script frame of a traceback; of a SyntaxError, where it is."""
        if isinstance(error, SyntaxError) and error.filename is not None:
            name = self.script_name(error.filename)
            if name is not None:
                return f"{name}:{error.lineno or 1}"
        where: str | None = None
        tb = error.__traceback__
        while tb is not None:
            name = self.script_name(tb.tb_frame.f_code.co_filename)
            if name is not None:
                where = f"{name}:{tb.tb_lineno}"
            tb = tb.tb_next
        return where

    def script_name(self, filename: str) -> str | None:
        """The name of a file of SITE, relative to it and with slashes; None for every other file."""
        return None if self.site_folder is None else _name_below(self.site_folder, filename)

    def report_error(self, error: BaseException) -> None:
        """What a script raised and nobody can catch any more, on its console.

        Spec: https://html.spec.whatwg.org/multipage/webappapis.html#report-an-exception
        """
        self.tell(Console(level="error", text=f"Uncaught {error_text(error)}", where=self.where_of(error)))


@lru_cache(maxsize=4096)
def _name_below(folder: Path, filename: str) -> str | None:
    """Every promise asks it of every frame on its stack, and these are the same few files."""
    path = Path(filename)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else None


class ScriptRunning:
    """A context manager, entered while script code runs. It nests: the outermost entry counts.

    A script cannot end the process, nor what runs it: what it raises besides an Exception (SystemExit,
    KeyboardInterrupt, asyncio's CancelledError, ...) is a RuntimeError that says so. What was thrown into it comes out
    as it is, and so does a real interrupt.
    """

    def __init__(self) -> None:
        self.since: float | None = None
        """Since when a script runs without giving way, on `time.monotonic` (a virtual clock stands still just
        then); None while none runs. For a watchdog in a thread."""
        self.thrown: BaseException | None = None
        """What is being thrown into a coroutine of the script."""
        self._depth = 0

    def __enter__(self) -> None:
        if self._depth == 0:
            self.since = time.monotonic()
        self._depth += 1

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.since = None
        if error is None or isinstance(error, Exception) or error is self.thrown:
            return
        refused = refused_exit(error)
        if refused is not None:
            raise refused.with_traceback(error.__traceback__) from error


def refused_exit(error: BaseException) -> RuntimeError | None:
    """The error of a script that has raised `error`, which is not an Exception; None where that is not its doing."""
    if isinstance(error, trio.Cancelled):
        return None
    if isinstance(error, BaseExceptionGroup):
        # A cancellation in it is still under way; what the script raised beside it comes to light without.
        return None if error.subgroup(trio.Cancelled) else _refused_group(error)
    if isinstance(error, KeyboardInterrupt) and not _is_raised_by_script(error):
        return None
    if isinstance(error, SystemExit):
        return RuntimeError("a script cannot end the process (SystemExit)")
    return RuntimeError(f"a script cannot raise {error_text(error)}, which is not an Exception")


def _refused_group(group: BaseExceptionGroup[BaseException]) -> RuntimeError | None:
    refused = [refused_exit(each) for each in group.exceptions if not isinstance(each, Exception)]
    return None if None in refused else refused[0]


def _is_raised_by_script(error: KeyboardInterrupt) -> bool:
    """Whether a `raise` in a script's own code raised it: a signal's comes between two instructions, whatever they are.

    Code of a script has builtins of a type of their own (`swruntime.realms.python.importer`).
    """
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    if tb is None or type(tb.tb_frame.f_builtins) is dict:
        return False
    return dis.opname[tb.tb_frame.f_code.co_code[tb.tb_lasti]] == "RAISE_VARARGS"


def error_text(error: BaseException) -> str:
    """An exception in a line: its type, for a DOMException its name, and what it says."""
    name = error.name if isinstance(error, DOMException) else type(error).__name__
    text = str(error)
    return f"{name}: {text}" if text else name
