"""One realm's JavaScript process, answering what its script asks of the platform objects behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from swruntime.agent.held import Charge
from swruntime.agent.promise import Deferred, Promise
from swruntime.errors import AbortError, ScriptError, StorageFailed
from swruntime.ports.outside import clock_is_virtual
from swruntime.realms.javascript import frames
from swruntime.realms.javascript.bodies import Bodies
from swruntime.realms.javascript.calls import Calls
from swruntime.realms.javascript.channel import Channel
from swruntime.realms.javascript.deno import Process
from swruntime.realms.javascript.faces import FACES, Face, face_of
from swruntime.realms.javascript.handles import Handles
from swruntime.realms.javascript.indexed_db import OPERATIONS as INDEXED_DB, IndexedDB
from swruntime.realms.javascript.lifetimes import Lifetimes
from swruntime.realms.javascript.moving import Frame
from swruntime.realms.javascript.places import Places
from swruntime.realms.javascript.protocol import Way, check_frame, check_operation
from swruntime.realms.javascript.shapes import AnyShape, check, shown
from swruntime.realms.javascript.texts import shortened
from swruntime.realms.javascript.timers import Timers
from swruntime.realms.javascript.values import (
    Wire,
    WireError,
    Writer,
    arguments_of,
    error_from,
    request_state,
    response_state,
    told_error,
)
from swruntime.realms.javascript.words import in_javascript
from swruntime.realms.python.background_fetch import BackgroundFetchRegistration
from swruntime.realms.python.broadcast_channel import BroadcastChannel
from swruntime.realms.python.context import error_text
from swruntime.realms.python.events import Event, EventTarget
from swruntime.realms.python.location import Navigator
from swruntime.realms.python.message_events import MessageEvent
from swruntime.realms.python.message_ports import MessagePort
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response
from swruntime.realms.python.service_worker import (
    ServiceWorker,
    ServiceWorkerContainer,
    ServiceWorkerRegistration,
)
from swruntime.trace import Console

if TYPE_CHECKING:
    from swruntime.agent.messaging import Posted
    from swruntime.realms.python.realm import PythonRealm

_LIVE = (Navigator, ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration)
"""Their attributes change by themselves; a BackgroundFetchRegistration's change in its task."""

Operation = Callable[..., Any]

_LONGEST_REASON = 300


class Engine:
    """Implements `swruntime.realms.python.realm.Foreign` and `swruntime.realms.javascript.values.Process`.

    `operations` are what the script may ask for besides the members of platform objects; `on_death` is told when the
    process has ended by itself, and why.
    """

    def __init__(
        self,
        realm: PythonRealm,
        process: Process,
        *,
        places: Places,
        target: EventTarget,
        on_death: Callable[[str], None],
    ) -> None:
        self.realm = realm
        self._place = places.place
        self._target = target
        self._on_death = on_death
        context = realm.context
        context.held.within = realm.agent.services.held_for(realm.storage_key)
        context.held.on_excess = self._held_too_much
        context.in_its_names = in_javascript
        self._held = context.held
        self.handles = Handles(context.held)
        self.writer = Writer(self._mention)
        self.channel = Channel(
            process,
            handle=self._handle,
            ended=self._ended,
            begin_activity=lambda: realm.agent.services.activity.begin("script"),
            held=context.held,
        )
        self.lifetimes = Lifetimes(context)
        self.on_report: Callable[[str, str, str | None], None] = lambda kind, text, where: None
        """Told of what nobody caught: "exception" or "rejection", the text, and where."""
        self.on_step: Callable[[str | None], None] = lambda where: None
        """Called, with the place in the script, when something that a script waits for, or that others may see, was
        begun here, and before the script learns what came of it."""
        self.timers = Timers(context, lambda id: self.send({"t": "timer", "id": id}))
        self.bodies = Bodies(self)
        self.operations: dict[str, Operation] = {
            "release": self._release,
            "listen": self._listen,
            "report": self._report,
            **self.bodies.operations,
            **self.timers.operations,
            **{op: partial(self._indexed, op) for op in INDEXED_DB},
        }
        services = realm.agent.services
        self.indexed_db = IndexedDB(
            services.indexed_dbs,
            services.quota,
            realm.storage_key,
            lambda message: self.send({"t": "indexed", "message": message}),
            context.held,
            self.channel.outgoing.until_less,
        )
        context.on_discard(self.indexed_db.close)
        self.asked: dict[str, Callable[..., Any]] = {}
        """What a script may wait for without giving way."""
        self._virtual = clock_is_virtual()
        self._ready = False
        self._listened: dict[int, dict[str, Charge | None]] = {}
        """What a script listens to, by the number of the object and the type, and what it counts as."""
        self._live: dict[int, tuple[Face, Any]] = {}
        self._runs: dict[int, tuple[Deferred[Any], AnyShape]] = {}
        self._pulls: dict[int, Deferred[tuple[bytes | None, Charge | None]]] = {}
        self._last = 0
        self._calls = Calls(context.held)
        self._asking = False
        self._answering: trio.Event | None = None
        """Set when the answer to an `ask` is written; None where none is being written."""
        self._changed = trio.lowlevel.ParkingLot()
        self.timers.on_change(lambda: self._changed.unpark_all())
        self.reason: str | None = None
        """Why the process has ended by itself; None while it lives, and where the runtime has ended it."""
        self.channel.room = lambda: self._calls.room
        realm.foreign = self
        realm.agent.services.watch_process(context, self.channel)
        context.on_discard(self.close)
        realm.agent.services.nursery.start_soon(self._serve, name=f"the process of {context.environment.url}")

    async def _serve(self) -> None:
        try:
            await self.channel.run()
        finally:
            self.channel.close()
            if self._answering is not None:
                # The pipe broke with the process, and may not be closed before.
                with trio.CancelScope(shield=True):
                    await self._answering.wait()
            await self.channel.process.aclose()

    @property
    def ended_from_outside(self) -> bool:
        """Its realm was discarded, and not because the process had ended."""
        return self.channel.closed and self.reason is None

    @property
    def outstanding(self) -> bool:
        """Whether something that the script has begun is not over: a timer, or a call; `ready` does not count."""
        return len(self.timers) > 0 or self._calls.outstanding

    @property
    def waits_for_ready(self) -> bool:
        return self._calls.waits_for_ready

    async def until_changed(self) -> None:
        """Wait until something that the script has begun is over, or the process is gone."""
        await self._changed.park()

    @property
    def origin(self) -> str:
        return self.realm.context.environment.origin

    def close(self) -> None:
        """Kill the process. Whoever waits for it gets an AbortError."""
        self.channel.close()
        error = self._gone()
        for deferred in [*(deferred for deferred, _ in self._runs.values()), *self._pulls.values()]:
            deferred.promise.handle()
            deferred.reject(error)
        self._runs.clear()
        self._pulls.clear()
        if self.realm.context.alive:
            self.bodies.close()
        self.timers.close()
        self.indexed_db.close()
        for gone in self.handles.clear():
            if isinstance(gone, MessagePort | BroadcastChannel):
                gone.close()
        self._live.clear()
        self._changed.unpark_all()
        self._calls.let_go()

    def _gone(self) -> AbortError:
        return AbortError(f"the process of {self.realm.context.environment.url} is gone")

    # To the process

    def send(self, frame: Frame) -> None:
        """Send a task, with what has changed of the objects that the process knows."""
        self.channel.send(self._with_news(frame))

    def deliver(self, charge: Charge | None, frame: Frame) -> None:
        """Send a task that another realm has caused, whose `charge` it is held as until the process takes it."""
        self.channel.send_for(charge, self._with_news(frame))

    def _with_news(self, frame: Frame) -> Frame:
        updates = self._updates()
        if updates:
            frame = {**frame, "updates": updates}
        if self._virtual:
            frame = {**frame, "clock": self._clock()}
        return frame

    def _clock(self) -> list[float]:
        """What a virtual clock shows, in milliseconds: since 1970, and since the realm was made."""
        context = self.realm.context
        return [context.now() * 1000, (trio.current_time() - context.time_origin) * 1000]

    async def ask(self, frame: Frame, answer: AnyShape) -> Any:
        """Send a task that the process answers with a value of the shape `answer`; another ends it.

        Raises ScriptError and its kin for what a script threw, AbortError where the process is gone.
        """
        if self.channel.closed:
            raise self._gone()
        self._last += 1
        deferred: Deferred[Any] = Deferred("an answer of the process")
        self._runs[self._last] = deferred, answer
        self.send({**frame, "id": self._last})
        return await deferred.promise

    def _updates(self) -> list[list[Any]]:
        changed = []
        for number, (face, object) in list(self._live.items()):
            state = self._changed_state(number, face, object)
            if state is not None:
                changed.append([number, state])
        return changed

    def _changed_state(self, number: int, face: Face, object: object) -> Wire | None:
        raw = {name: attribute(object) for name, attribute in face.state.items()}
        if not self.handles.changed(number, raw):
            return None
        return {name: self.writer.write(each) for name, each in raw.items()}

    def _mention(self, object: object) -> Wire | None:
        if isinstance(object, Request | Response):
            number = self.handles.number_of(object)
            if isinstance(object, Request):
                return {"$request": number, "state": request_state(object)}
            return {"$response": number, "state": response_state(object)}
        face = face_of(object)
        if face is None:
            return None
        number = self.handles.number_of(object)
        mention: Wire = {"$object": number, "is": face.name}
        if isinstance(object, _LIVE):
            self._live[number] = (face, object)
        state = self._changed_state(number, face, object)
        return mention if state is None else {**mention, "state": state}

    # Foreign

    def takes_message(self, target: EventTarget, posted: Posted, source: EventTarget | None) -> bool:
        """See `swruntime.realms.python.realm.Foreign.takes_message`."""
        number = self.handles.known(target)
        if number is None or "message" not in self._listened.get(number, ()):
            return False
        ports = [MessagePort._of(self.realm, port) for port in posted.take_ports()]
        message, charge = posted.message, posted.charge
        self.deliver(
            charge,
            {
                "t": "fire",
                "target": number,
                "is": MessageEvent.__name__,
                "type": "message",
                "message": self.writer.write(message),
                "ports": [self.writer.write(port) for port in ports],
                "origin": posted.origin,
                "source": self.writer.write(source),
            },
        )
        return True

    def instance_updated(self, instance: BackgroundFetchRegistration) -> None:
        """See `swruntime.realms.python.realm.Foreign.instance_updated`."""
        number = self.handles.known(instance)
        if number is None:
            return
        state = self._changed_state(number, FACES["BackgroundFetchRegistration"], instance)
        if state is not None:
            self.send({"t": "update", "updates": [[number, state]]})

    def nothing_comes(self, object: EventTarget) -> None:
        """See `swruntime.realms.python.realm.Foreign.nothing_comes`."""
        number = self.handles.known(object)
        if number is not None:
            self.send({"t": "ended", "target": number})

    # From the process

    def object(self, number: object, cls: type) -> Any:
        """See `swruntime.realms.javascript.values.Process.object`."""
        found = self.handles.get(number) if type(number) is int else None
        if not isinstance(found, cls):
            raise WireError(f"{shown(number)} is not the number of a {cls.__name__}")
        return found

    def _handle(self, frame: Frame) -> None:
        with self._guarded(f"a frame {shown(frame['t'])}"):
            check_frame(frame)
            if self._ready == (frame["t"] == "ready"):
                raise WireError(
                    "it says a second time that it is ready" if self._ready else "it is not ready yet"
                )
            match frame["t"]:
                case "call":
                    self._call(frame["id"], frame["op"], frame["args"], frame)
                case "post":
                    self._post(frame["op"], frame["args"], frame)
                case "ask":
                    self._ask(frame["op"], frame["args"])
                case "life":
                    self.lifetimes.feed(frame["event"], frame, self._place(frame.get("at")))
                case "answer":
                    self._answered(frame["id"], frame)
                case "pulled":
                    self._pulled(frame["id"], frame)
                case "ready":
                    self._ready = True
                case "idle" if not self.channel.seen <= frame["seen"] <= self.channel.sent:
                    raise WireError(f"it has seen {frame['seen']} frames of {self.channel.sent}")
                case "broken":
                    raise WireError(frame["text"])

    @contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        """Whatever is wrong with `what`, which the process has sent or is to get, ends this process and nothing else.

        What operations raise has become a rejection by now. StorageFailed is raised: the agent ends by it.
        """
        try:
            yield
        except WireError as error:
            self._break(f"it broke the protocol: {error}")
        except StorageFailed:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours, which no other realm shall suffer from
            self._break(f"the runtime failed at {what}: {error_text(error)}")

    def _break(self, reason: str) -> None:
        if not self.channel.closed:
            self.channel.close()
            self._ended(_line(reason))

    def _call(self, id: int, op: str, arguments: list[Any], frame: Frame) -> None:
        self._calls.require_new(id)
        where = self._place(frame.get("at"))
        with self.realm.context.called_from(where):
            try:
                promise = self._perform(op, "call", arguments)
            except WireError:
                raise
            except Exception as error:  # noqa: BLE001 - it becomes the rejection
                promise = Promise.rejected(error, name=op)
        if not isinstance(promise, Promise):
            promise = Promise.resolved(promise, name=op)
        promise.handle()
        self._calls.begin(id, op, promise)
        if (event := frame.get("event")) is not None:
            self.lifetimes.begun(event, id, promise, where)
        promise.add_done_callback(partial(self._settle, id, where))
        self._stepped(where)

    def _settle(self, id: int, where: str | None, promise: Promise[Any]) -> None:
        self._changed.unpark_all()
        if self.channel.closed:
            return  # nobody hears it; and that its realm's bodies are gone is no news
        with self._guarded(f"the answer of {promise.name}"):
            self._stepped(where)
            if isinstance(promise.error, WireError):
                raise promise.error
            if promise.error is not None:
                self.send({"t": "settle", "id": id, "error": self._told(promise.error, promise.name)})
            else:
                self.send({"t": "settle", "id": id, "value": self.writer.write(promise.result())})

    def _told(self, error: BaseException, what: str) -> Wire:
        """An exception as the script gets it. One that is meant for no script is told to the user instead."""
        told, secret = told_error(error, what)
        if secret is not None:
            self.realm.context.tell(Console(level="error", text=secret, where=None))
        return {**told, "message": in_javascript(told["message"])}

    def _stepped(self, where: str | None) -> None:
        if not self.channel.closed:
            self.on_step(where)

    def _post(self, op: str, arguments: list[Any], frame: Frame) -> None:
        where = self._place(frame.get("at"))
        with self.realm.context.called_from(where):
            try:
                self._perform(op, "post", arguments)
            except WireError:
                raise
            except Exception as error:  # noqa: BLE001 - the face has checked what can be checked: tell the rest
                self.realm.context.report_error(error)
        if op == "timer.set" or op.partition(".")[0] in FACES:
            self._stepped(where)

    def _perform(self, op: str, way: Way, arguments: list[Any]) -> Any:
        operation = self.operations.get(op)
        if operation is not None:
            check_operation(op, way, arguments)
            return operation(*arguments)
        interface, _, member = op.partition(".")
        face = FACES.get(interface)
        if face is None or not arguments:
            raise WireError(f"there is no operation {shown(op)}")
        object = self.object(arguments[0], face.cls)
        if member in face.promises and way == "call" and len(arguments) == 1:
            return getattr(object, face.promises[member])
        method = face.methods.get(member)
        if method is None or method.told != (way == "post"):
            raise WireError(f"there is no operation {shown(op)} for a {way}")
        placed, named = arguments_of(self, method.readers, method.required, arguments[1:])
        return getattr(object, method.attribute)(*placed, **named)

    def _ask(self, op: str, arguments: list[Any]) -> None:
        if op not in self.asked or self._asking:
            raise WireError(
                "it asks while it waits for an answer" if self._asking else f"{shown(op)} is not asked"
            )
        check_operation(op, "ask", arguments)
        self._asking = True
        self.channel.waits_for_answer()
        self.realm.agent.services.nursery.start_soon(self._answer, op, arguments)

    async def _answer(self, op: str, arguments: list[Any]) -> None:
        with self._guarded(f"the answer of {op}"):
            try:
                answer: Wire = {"t": "answered", "value": self.writer.write(await self.asked[op](*arguments))}
            except WireError:
                raise
            except Exception as error:  # noqa: BLE001 - the script gets it
                answer = {"t": "answered", "error": self._told(error, op)}
            if not self.channel.closed:
                self._asking = False
                self.channel.answered()
                await self._write_answer(frames.encode(answer))

    async def _write_answer(self, data: bytes) -> None:
        """One that does not read what it asked for holds up nobody, and is ended as one that does not give way.

        Under a virtual clock the runtime stands still for it as it does for whatever the script computes.
        """
        process = self.channel.process
        if self._virtual:
            process.answer(data)
            return
        self._answering = trio.Event()
        try:
            await trio.to_thread.run_sync(process.answer, data)
        finally:
            self._answering.set()

    def _answered(self, id: int, frame: Frame) -> None:
        if id not in self._runs:
            raise WireError(f"an answer to {id}, which was not asked")
        deferred, shape = self._runs[id]
        error = frame.get("error")
        if error is None:
            check(shape, frame.get("value"), "the answer")
        elif "text" not in error:
            raise WireError("an answer's error has no text")
        del self._runs[id]
        if error is None:
            deferred.resolve(frame.get("value"))
        else:
            deferred.reject(ScriptError(shortened(error["text"]), where=self._place(frame.get("at"))))

    def _held_too_much(self, why: str) -> None:
        # In the midst of anything: the realm ends when that is done. What is cancelled keeps the stack of whoever
        # does it, and with it what was one too many.
        self.channel.end_stuck(why)
        self.realm.agent.services.start("script", self._end, why)

    async def _end(self, reason: str) -> None:
        if not self.channel.closed:
            self.channel.close()
            self._ended(reason)

    def _ended(self, reason: str) -> None:
        self.reason = reason
        self._on_death(reason)

    # Streams of the script's

    async def pull(self, stream: int) -> AsyncIterator[bytes]:
        """See `swruntime.realms.javascript.values.Process.pull`."""
        ended = False
        try:
            while True:
                self._last += 1
                deferred: Deferred[tuple[bytes | None, Charge | None]] = Deferred("a piece of a stream")
                self._pulls[self._last] = deferred
                self.send({"t": "pull", "id": self._last, "stream": stream})
                if self.channel.closed:
                    raise AbortError("the script that streams is gone")
                # What it counts as is kept until the next piece is wanted.
                piece, charge = await deferred.promise
                del deferred
                if piece is None:
                    ended = True
                    return
                yield piece
                del piece, charge
        finally:
            if not ended:
                self.cancel(stream)

    def cancel(self, stream: int) -> None:
        """See `swruntime.realms.javascript.values.Process.cancel`."""
        self.send({"t": "cancel", "stream": stream})

    def _pulled(self, id: int, frame: Frame) -> None:
        deferred = self._pulls.pop(id, None)
        if deferred is None:
            raise WireError(f"a piece for {id}, which was not asked for")
        if "error" in frame:
            deferred.reject(error_from(frame["error"]))
        else:
            deferred.resolve((frame.get("piece"), self._held.current))

    # Operations

    def _indexed(self, op: str, arguments: Wire) -> Promise[Any]:
        # Called now, in the order of the frames: transactions begin in the order in which they were made.
        answer = self.indexed_db.call(op, arguments)
        return Promise.start(self.realm.context.agent_nursery, lambda: answer, name=op)

    def _release(self, number: int, mentions: int) -> None:
        gone = self.handles.release(number, mentions)
        if gone is None:
            return
        self._live.pop(number, None)
        self._listened.pop(number, None)
        if isinstance(gone, Request | Response):
            self.bodies.released(number)

    def _listen(self, number: int, type: str) -> None:
        """A script listens at a face: have the events of the object behind it fired there, too."""
        target = self._target if number == 0 else self.object(number, EventTarget)
        heard = self._listened.setdefault(number, {})
        if type in heard:
            return  # a face that is made again listens again
        heard[type] = self._held.current
        if isinstance(target, MessagePort):
            target._heard_elsewhere()
        if type == "message":
            return  # they come by `takes_message`

        def forward(event: Event) -> None:
            if self._listened.get(number) is heard:  # it may have been let go, and its number be another's
                self.send({"t": "fire", "target": number, "is": "Event", "type": event.type})

        target.add_event_listener(type, forward)

    def _report(self, kind: str, text: str) -> None:
        """An exception that nobody caught, or a rejection."""
        context, text = self.realm.context, shortened(text)
        if kind == "rejection":
            context.diagnose(
                "unhandled-rejection",
                f"a promise was rejected, and nothing handled that: {text}",
                context.where(),
            )
        context.tell(Console(level="error", text=f"Uncaught {text}", where=context.where()))
        self.on_report(kind, text, context.where())


def _line(text: str) -> str:
    """Why a process was ended, in one line."""
    line = next(iter(text.splitlines()), "")
    return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 3]}..."
