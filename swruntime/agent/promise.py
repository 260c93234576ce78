"""What the IDL calls a promise: started at the call, awaitable any number of times by anyone.

The operation behind a promise runs in a nursery of the agent's; whoever awaits the promise only waits for
it. So a script may keep a promise and await it later, twice, or from another task; cancelling a waiter never
cancels the operation; and a promise whose nursery is cancelled settles all the same, with AbortError:
nothing that a script can hold hangs.

Spec: https://webidl.spec.whatwg.org/#idl-promise
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar, TypeVarTuple, cast, final

import trio

from swruntime.errors import AbortError, StorageFailed

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Ts = TypeVarTuple("Ts")

PromiseState = Literal["pending", "fulfilled", "rejected"]
OnUnhandled = Callable[["Promise[Any]"], None]


class NoPublicConstructor(type):
    """The metaclass of what only the runtime may make: calling the class is a TypeError; use `_create`."""

    def __call__(cls, *args: object, **kwargs: object) -> Any:
        raise TypeError(f"{cls.__qualname__} has no public constructor: the runtime makes its instances")

    def _create(cls: type[T], *args: object, **kwargs: object) -> T:
        return cast(T, type.__call__(cls, *args, **kwargs))


@final
class Promise(Generic[T_co], metaclass=NoPublicConstructor):
    """The outcome of an operation that was started already. `await` it, as often as you like.

    Awaiting answers with the operation's value, or raises what it raised; each awaiter gets the same
    exception, with the operation's traceback as it was and its own frames below. AbortError says that the
    operation ended with its agent or its realm.
    """

    def __init__(self, name: str, on_unhandled: OnUnhandled | None) -> None:
        self.name = name
        """What was called, for diagnostics: `Cache.put`."""
        self.handled = False
        """Somebody awaited it, or took over telling its rejection."""
        self._state: PromiseState = "pending"
        self._value: T_co | None = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._on_unhandled = on_unhandled
        self.extends_event = False
        """An event waits for it."""
        self._when_handled: Callable[[], object] | None = None
        self._callbacks: list[Callable[[Promise[T_co]], object]] = []
        self._waiters = trio.lowlevel.ParkingLot()

    def __repr__(self) -> str:
        return f"<Promise {self.name} {self._state}>"

    @staticmethod
    def start(
        nursery: trio.Nursery,
        async_fn: Callable[[*Ts], Awaitable[T]],
        *args: *Ts,
        name: str | None = None,
        on_unhandled: OnUnhandled | None = None,
    ) -> Promise[T]:
        """Start `async_fn(*args)` as a task of `nursery`, and answer with the promise of its outcome.

        An Exception of the operation rejects the promise, and goes no further. Whatever else ends it
        (Cancelled, KeyboardInterrupt) rejects the promise with AbortError, and goes on into the nursery.
        Where the nursery is closed already, nothing is started and the promise is rejected with AbortError.

        `on_unhandled` is called, at once, when the promise is rejected and nobody has awaited it so far.
        """
        promise: Promise[T] = _make(name or _name_of(async_fn), on_unhandled)
        try:
            nursery.start_soon(promise._run, async_fn, args, name=promise.name)
        except RuntimeError as closed:
            error = _ended(promise.name)
            error.__cause__ = closed
            promise._reject(error)
        return promise

    @staticmethod
    def resolved(value: T, *, name: str = "resolved") -> Promise[T]:
        """A promise that is fulfilled with `value` already."""
        promise: Promise[T] = _make(name, None)
        promise._resolve(value)
        return promise

    @staticmethod
    def rejected(
        error: BaseException, *, name: str = "rejected", on_unhandled: OnUnhandled | None = None
    ) -> Promise[Any]:
        """A promise that is rejected with `error` already."""
        promise: Promise[Any] = _make(name, on_unhandled)
        promise._reject(error)
        return promise

    @property
    def state(self) -> PromiseState:
        return self._state

    @property
    def settled(self) -> bool:
        return self._state != "pending"

    @property
    def waited_for(self) -> bool:
        """Whether it is pending, and a task or an event waits for it."""
        return not self.settled and (self.extends_event or bool(self._waiters))

    @property
    def error(self) -> BaseException | None:
        """What it was rejected with; None while it is pending, and when it is fulfilled."""
        return self._error

    def result(self) -> T_co:
        """The value, or raise the rejection. Raises RuntimeError while it is pending."""
        if self._state == "pending":
            raise RuntimeError(f"{self!r} is not settled")
        if self._error is not None:
            # The traceback grows with each raise; every awaiter starts again from the operation's own.
            raise self._error.with_traceback(self._traceback)
        return cast(T_co, self._value)

    def __await__(self) -> Generator[Any, Any, T_co]:
        self.handle()
        return (yield from self._wait().__await__())

    def add_done_callback(self, callback: Callable[[Promise[T_co]], object]) -> None:
        """Call `callback(self)` when it settles: synchronously, in order of adding, before any awaiter runs.

        A promise that is settled already calls it at once. This does not count as handling a rejection;
        say `handle()` for that.
        """
        if self.settled:
            callback(self)
        else:
            self._callbacks.append(callback)

    def handle(self) -> None:
        """Take over telling a rejection: it no longer counts as one that nobody awaits."""
        self.handled = True
        callback, self._when_handled = self._when_handled, None
        if callback is not None:
            callback()

    def when_handled(self, callback: Callable[[], object]) -> None:
        """Call `callback` as soon as somebody awaits or handles it: one callback, of a promise that is not handled."""
        self._when_handled = callback

    async def _wait(self) -> T_co:
        if self.settled:
            # As in JavaScript, an await always gives way.
            await trio.lowlevel.checkpoint()
        else:
            await self._waiters.park()
        return self.result()

    async def _run(self, async_fn: Callable[..., Awaitable[T_co]], args: tuple[Any, ...]) -> None:
        try:
            value = await async_fn(*args)
        except StorageFailed:
            # No script can do anything about it, and what a script would do about it may not be done: an event that
            # ends with this error would not be owed any more.
            self._reject(_ended(self.name))
            raise
        except Exception as error:  # noqa: BLE001 - it becomes the rejection
            self._reject(error)
        except BaseException:
            self._reject(_ended(self.name))
            raise
        else:
            self._resolve(value)

    def _resolve(self, value: T_co) -> None:  # type: ignore[misc]  # T_co: only the maker calls this
        self._value = value
        self._settle("fulfilled")

    def _reject(self, error: BaseException) -> None:
        self._error = error
        self._traceback = error.__traceback__
        self._settle("rejected")
        if not self.handled and self._on_unhandled is not None:
            self._on_unhandled(self)

    def _settle(self, state: PromiseState) -> None:
        self._state = state
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)
        self._waiters.unpark_all()


@final
class Deferred(Generic[T]):
    """A promise with its resolvers, for what is not one operation. To settle it twice does nothing."""

    def __init__(self, name: str = "deferred", *, on_unhandled: OnUnhandled | None = None) -> None:
        self.promise: Promise[T] = _make(name, on_unhandled)

    def resolve(self, value: T) -> None:
        if not self.promise.settled:
            self.promise._resolve(value)

    def reject(self, error: BaseException) -> None:
        if not self.promise.settled:
            self.promise._reject(error)


def _make(name: str, on_unhandled: OnUnhandled | None) -> Promise[Any]:
    return cast("Promise[Any]", Promise._create(name, on_unhandled))


def _ended(name: str) -> AbortError:
    return AbortError(f"{name} was ended before it was done: its agent or its realm is gone")


def _name_of(async_fn: Callable[..., object]) -> str:
    return str(getattr(async_fn, "__qualname__", None) or repr(async_fn))
