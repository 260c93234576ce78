"""AbortController and AbortSignal: https://dom.spec.whatwg.org/#aborting-ongoing-activities"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio

from swruntime.agent.promise import NoPublicConstructor
from swruntime.algorithms import webidl
from swruntime.errors import AbortError, TimeoutError_
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.events import Event, EventHandler, EventTarget, dispatch_now


class AbortSignal(EventTarget, metaclass=NoPublicConstructor):
    """https://dom.spec.whatwg.org/#interface-abortsignal. A reason is an exception: it will be raised."""

    onabort = EventHandler()

    def __init__(self, context: RealmContext) -> None:
        super().__init__()
        self._context = context
        self._reason: BaseException | None = None
        self._algorithms: list[Callable[[], None]] = []
        self._sources: tuple[AbortSignal, ...] = ()
        """Of a dependent signal, those that it depends on; none of them is a dependent one."""
        self._dependents: list[AbortSignal] = []

    @classmethod
    def _of(cls, context: RealmContext) -> AbortSignal:
        return context.bind(AbortSignal)._create(context)

    @classmethod
    def abort(cls, reason: BaseException | None = None) -> AbortSignal:
        """A signal that is aborted already."""
        signal = AbortSignal._of(cls._context)
        signal._reason = _reason(reason)
        return signal

    @classmethod
    def timeout(cls, milliseconds: int) -> AbortSignal:
        """A signal that is aborted, with TimeoutError, after so many milliseconds."""
        context = cls._context
        seconds = webidl.enforce_unsigned_long_long("milliseconds", milliseconds) / 1000
        signal = AbortSignal._of(context)

        async def expire() -> None:
            await trio.sleep(seconds)
            signal._signal_abort(TimeoutError_(f"the signal timed out after {milliseconds} ms"))

        context.nursery.start_soon(expire)
        return signal

    @classmethod
    def any(cls, signals: Iterable[AbortSignal]) -> AbortSignal:
        """A signal that is aborted as soon as one of `signals` is, with the same reason."""
        sources = webidl.sequence("signals", signals)
        for source in sources:
            if not isinstance(source, AbortSignal):
                raise TypeError(f"an item of signals is {webidl.shown(source)}; expected an AbortSignal")
        return AbortSignal._dependent(cls._context, [s for s in sources if isinstance(s, AbortSignal)])

    @classmethod
    def _dependent(cls, context: RealmContext, sources: Iterable[AbortSignal]) -> AbortSignal:
        """https://dom.spec.whatwg.org/#create-a-dependent-abort-signal"""
        # 1.
        signal = AbortSignal._of(context)
        # 2. One of them is aborted already.
        sources = tuple(sources)
        for source in sources:
            if source.aborted:
                signal._reason = source._reason
                return signal
        # 3, 4. What a dependent signal depends on takes its place.
        flat = [each for source in sources for each in source._sources or (source,)]
        signal._sources = tuple(dict.fromkeys(flat))
        for source in signal._sources:
            source._dependents.append(signal)
        return signal

    @property
    def aborted(self) -> bool:
        return self._reason is not None

    @property
    def reason(self) -> BaseException | None:
        """None while it is not aborted."""
        return self._reason

    def throw_if_aborted(self) -> None:
        """Raises the reason."""
        if self._reason is not None:
            raise self._reason

    def _add_algorithm(self, algorithm: Callable[[], None]) -> None:
        """Call `algorithm` when it is aborted; never, if it is already.

        Spec: https://dom.spec.whatwg.org/#abortsignal-add
        """
        if not self.aborted:
            self._algorithms.append(algorithm)

    def _remove_algorithm(self, algorithm: Callable[[], None]) -> None:
        if algorithm in self._algorithms:
            self._algorithms.remove(algorithm)

    def _signal_abort(self, reason: BaseException | None) -> None:
        """https://dom.spec.whatwg.org/#abortsignal-signal-abort"""
        # 1.
        if self.aborted:
            return
        # 2.
        self._reason = _reason(reason)
        # 3, 4. All that depend on it are aborted before anybody hears of it.
        dependents = [each for each in self._dependents if not each.aborted]
        self._dependents.clear()
        for each in dependents:
            each._reason = self._reason
        # 5, 6.
        for each in (self, *dependents):
            each._run_abort_steps()

    def _run_abort_steps(self) -> None:
        """https://dom.spec.whatwg.org/#run-the-abort-steps"""
        algorithms, self._algorithms = self._algorithms, []
        for algorithm in algorithms:
            algorithm()
        if self._context.alive:
            event = self._context.bind(Event)("abort")
            event._is_trusted = True
            dispatch_now(self, event)


class AbortController:
    """https://dom.spec.whatwg.org/#interface-abortcontroller"""

    _context: RealmContext

    def __init__(self) -> None:
        self._signal = AbortSignal._of(self._context)

    @property
    def signal(self) -> AbortSignal:
        return self._signal

    def abort(self, reason: BaseException | None = None) -> None:
        """Abort the signal; AbortError where no other reason is given."""
        self._signal._signal_abort(reason)


def _reason(reason: BaseException | None) -> BaseException:
    if reason is None:
        return AbortError("the signal was aborted without a reason")
    if not isinstance(reason, BaseException):
        raise TypeError(f"reason is {webidl.shown(reason)}; expected an exception")
    return reason
