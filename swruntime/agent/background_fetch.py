"""One background fetch: its machine is fed here, and its effects are performed.

Between the machine and the world stands one rule: what a step changed is stored before its effects are
performed (`_apply`). A result is told only after `_finish` committed it, bodies first (promises 1 and 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import attrs
import trio

from swruntime.agent.connections import Lease
from swruntime.agent.held_text import held_text
from swruntime.agent.integrity import stored_mismatch
from swruntime.agent.promise import Deferred, Promise
from swruntime.agent.record_run import RecordRun, RecordView
from swruntime.agent.services import QUOTA_RESERVE, RETRY_STORING
from swruntime.agent.telling import Teller
from swruntime.agent.transfer import transfer
from swruntime.agent.worker_texts import Texts, comes_by_now, differs
from swruntime.concepts.background import ImageResource, Progress
from swruntime.concepts.enums import WaitReason
from swruntime.errors import QuotaExceededError, StorageFull
from swruntime.machines import background_fetch as machine, record
from swruntime.machines.snapshots import FetchSnapshot
from swruntime.machines.table import Effect
from swruntime.ports.display import FetchView
from swruntime.ports.realm import EventSpec, InstanceUpdate
from swruntime.trace import UserAction

if TYPE_CHECKING:
    from swruntime.agent.registrations import Registration
    from swruntime.agent.services import Services

_RESPONSES = (record.StoreResponse, record.KeepApart, record.TakeOver)
"""Effects that store the head of a response, or a body's row."""

_NETWORK: tuple[WaitReason, ...] = ("dns", "connect", "reset", "timeout")
"""What a record waits for whose server could not be reached, or went away."""

_UPDATE_UI_EVENTS = ("backgroundfetchsuccess", "backgroundfetchfail")


class Fetches(Protocol):
    """Who finds a background fetch among all: `swruntime.agent.background_fetches.BackgroundFetches`."""

    def changed(self, fetch: BackgroundFetch) -> None:
        """Its machine has made a step."""
        ...

    def backs_off(self, fetch: BackgroundFetch, index: int) -> None:
        """A record of it waits now because its server could not be reached, or went away."""
        ...

    def forget(self, fetch: BackgroundFetch) -> None:
        """It is released."""
        ...


class BackgroundFetch:
    """A background fetch, as the user of a browser sees it; scripts see their realm's BackgroundFetchRegistration.

    `number` is unique in the profile; `id` is the script's. Sizes are in bytes.
    Spec: https://wicg.github.io/background-fetch/#background-fetch-concept
    """

    def __init__(
        self,
        services: Services,
        registration: Registration,
        *,
        number: int,
        id: str,
        title: str,
        icons: tuple[ImageResource, ...],
        download_total: int,
        upload_total: int,
        runs: list[RecordRun],
        machine: machine.Machine,
        committed: bool,
        texts: Texts,
        fetches: Fetches,
    ) -> None:
        self.number = number
        self.id = id
        self.title = title
        self.icons = icons
        self.download_total = download_total
        self.upload_total = upload_total
        self.registration = registration
        self.runs = runs
        self.machine = machine
        self.begun = False
        self.dormant = False
        """Restored, and not taken up: `abort SITE ID` leaves the others asleep."""
        self.on_total_exceeded: Callable[[], None] = lambda: None
        """Called when it failed because more came than its download total; by who knows where that was written."""
        self._services = services
        self._committed = committed
        self._fetches = fetches
        self._texts = texts
        """What the scripts said that handled its event last."""
        self._saved: FetchSnapshot | None = self._snapshot()
        self._unsaved: set[int] = set()
        self._abort: Deferred[bool] | None = None
        self._tell = Teller(services, self)
        self._firing = False
        self._given_up = False
        """Dropped while its result was on its way to the disk: it is released when that is told."""
        self._goes_on = 0
        """The record that last could go on by itself."""
        self._ran = 0
        """The record that last transferred when that was asked."""

    def __repr__(self) -> str:
        return f"<BackgroundFetch {self.id!r} #{self.number} {self.machine.fetch.state.value}>"

    # What the user sees

    @property
    def scope(self) -> str:
        return self.registration.scope

    @property
    def origin(self) -> str:
        return self.registration.storage_key

    @property
    def active(self) -> bool:
        """Its id is in the map of active background fetches."""
        return self.machine.fetch.active

    @property
    def settling(self) -> bool:
        """It has its result, and the result is on its way to the disk."""
        return not self.active and not self._committed

    @property
    def paused(self) -> bool:
        return self.machine.fetch.state is machine.State.PAUSED

    @property
    def owed(self) -> str:
        """The name of the settled event that has not ended yet, or ""."""
        return self.machine.fetch.event_name if self.machine.fetch.event in ("owed", "held") else ""

    @property
    def held(self) -> bool:
        return self.machine.fetch.event == "held"

    @property
    def held_text(self) -> str:
        """What its event waits for, where it is held."""
        return held_text(self.id, self.owed, self.attempts)

    @property
    def attempts(self) -> int:
        """How often its event was dispatched."""
        return self.machine.fetch.attempts

    @property
    def firing(self) -> bool:
        return self._firing

    @property
    def _gone(self) -> bool:
        """Its event is over: what it says of itself stays as it was, and nothing of it is stored any more."""
        return self.machine.fetch.event == "ended"

    @property
    def records(self) -> list[RecordView]:
        return [
            run.view(state, self._wait_reason(state))
            for run, state in zip(self.runs, self.machine.records, strict=True)
        ]

    @property
    def progress(self) -> Progress:
        told = self._committed
        fetch = self.machine.fetch
        return Progress(
            downloaded=self.machine.downloaded,
            uploaded=self.machine.uploaded,
            download_total=self.download_total,
            upload_total=self.upload_total,
            result=fetch.result if told else "",
            failure_reason=fetch.failure_reason if told and not fetch.active else "",
            records_available=self.machine.records_available,
        )

    def waits(self) -> list[tuple[str, str]]:
        """(URL, reason) of every record that waits for something but a connection."""
        return [
            (run.request.url, reason)
            for run, state in zip(self.runs, self.machine.records, strict=True)
            if (reason := self._wait_reason(state)) is not None
        ]

    def _wait_reason(self, state: record.Record) -> WaitReason | None:
        if state.wait is None:
            return None
        asked = state.wait.reason == "paused" and self.machine.fetch.pause_cause == "permission"
        return "permission" if asked else state.wait.reason

    @property
    def goes_on(self) -> bool:
        """It is active, awake, and can go on without the user and the network switch."""
        return self.active and not self.dormant and not self._waits_for_user()

    def _waits_for_user(self) -> bool:
        if not self.begun:
            return False
        # It is asked again and again, and the answer of a thousand records is mostly the last one's that could go on.
        count = len(self.runs)
        for index in range(self._goes_on, self._goes_on + count):
            run, state = self.runs[index % count], self.machine.records[index % count]
            waits = state.wait is not None and state.wait.until is None and run.timer is None
            if not state.settled and not waits:
                self._goes_on = index % count
                return False
        return True

    # What the user does

    def pause(self) -> Promise[bool]:
        """False where it cannot be paused: it is settled, released or paused, or an upload runs."""
        self._user("pause")
        return Promise.resolved(self._ask(machine.Pause("user")))

    def resume(self) -> Promise[bool]:
        """Go on; where permission was asked for, this grants it. False where it is not paused, or has ended."""
        self._user("resume")
        return Promise.resolved(self._ask(machine.Resume("user")))

    def abort(self) -> Promise[bool]:
        """True, once the abort is committed; False where it was settled already."""
        self._user("abort")
        return self.request_abort("user")

    def click(self) -> Promise[None]:
        """Activate its display: `backgroundfetchclick` is fired at the worker. Fulfilled when that event has ended.

        Nothing is fired once it is released: nothing is displayed any more.
        """
        self._user("click")
        if self._gone:
            return Promise.resolved(None)
        return Promise.start(self._services.nursery, self._fire_click, name="click")

    def drop(self) -> None:
        """Give it up: an active one is aborted, one whose event is owed is released without it."""
        self._user("drop")
        if self.active:
            self.request_abort("user")
        elif self.settling:
            self._given_up = True
        elif self.owed:
            self._feed(machine.Drop())

    def retry(self) -> Promise[bool]:
        """Have its event tried five times more, one that is held too. False where none is owed."""
        self._user("retry")
        owed = self.owed != ""
        if owed:
            self._feed(machine.Retry())
            self.fire_owed()
        return Promise.resolved(owed)

    def _user(self, action: str) -> None:
        self._services.trace.emit(UserAction(action=action, scope=self.scope, id=self.id))

    async def _fire_click(self) -> None:
        spec = EventSpec("backgroundfetchclick", "BackgroundFetchEvent", self.number)
        with self._services.activity.under_way("event"):
            await self.registration.fire(spec, background_fetch=self)

    # What the agent does

    def begin(self, *, again: bool = False) -> None:
        """Start transferring: the calling realm has run the task that resolves `fetch()`.

        `again`: it was begun by an earlier process. The user who let it pass then is not asked twice.
        """
        if self.begun or not self.active:
            return
        self.begun = True
        self.dormant = False
        self._services.activity.bytes_came()
        self._tell.began(again=again)
        asks = self.machine.fetch.pause_cause == "permission"
        self._feed(machine.Begin("granted" if again else self.registration.permission()))
        if asks and self.registration.permission() == "granted":
            # It was granted for all since an earlier process asked.
            self._feed(machine.Resume("permission"))

    def request_abort(self, cause: str) -> Promise[bool]:
        """What `abort()` does. Spec: https://wicg.github.io/background-fetch/#background-fetch-registration-abort"""
        if not self.active:
            return Promise.resolved(False)
        self._abort = Deferred[bool]("abort")
        self._feed(machine.Abort(cause))
        return self._abort.promise

    def clear(self) -> None:
        """Its registration is cleared."""
        self._feed(machine.Clear())

    def wake(self) -> None:
        """The network is back: whatever waits for it tries again."""
        for index, state in enumerate(tuple(self.machine.records)):
            if state.state is record.State.WAITING:
                self.try_again(index)

    def backs_off(self, index: int) -> bool:
        """Whether a record waits out a backoff because its server could not be reached, or went away."""
        state = self.machine.records[index]
        wait = state.wait
        waits = state.state is record.State.WAITING and wait is not None and wait.until is not None
        return self.begun and self.active and waits and wait is not None and wait.reason in _NETWORK

    def try_again(self, index: int) -> None:
        """The network seems to be back, or a server: a record that waits tries at once."""
        self.runs[index].cancel_timer()
        self.feed_record(index, record.Wake(trio.current_time()))

    def set_ui(self, title: str | None, icons: tuple[ImageResource, ...] | None) -> None:
        """What `updateUI()` does."""
        new_title = self.title if title is None else title
        new_icons = self.icons if icons is None else icons
        if self._gone:
            return  # the user dropped it while its handler runs: there is nothing to show
        try:
            with self._services.quota.transaction(self.origin):
                self._services.store.save_fetch_ui(self.number, new_title, new_icons)
        except StorageFull as full:
            raise QuotaExceededError(f"the new title and icons cannot be stored: {full}") from full
        self.title, self.icons = new_title, new_icons
        self._tell.show()

    def instance_update(self) -> InstanceUpdate:
        p = self.progress
        return InstanceUpdate(
            self.number, p.downloaded, p.uploaded, p.result, p.failure_reason, p.records_available
        )

    def feed_record(self, index: int, input: record.Input) -> None:
        self._apply(self.machine.feed_record(index, input))

    def uploaded(self, size: int) -> None:
        """*Process request body*: `size` more bytes were sent."""
        self.machine.uploaded += size
        self._tell.progress_soon()

    def fire_owed(self) -> None:
        """Dispatch the settled event, if it is owed and not under way."""
        if self._services.closing or self.dormant or self._firing:
            return
        if self.machine.fetch.event == "owed" and self._committed:
            self._firing = True
            self._services.start("event", self._fire)

    def fire_if_mended(self, *, opened: bool = False) -> None:
        """As `fire_owed`, where it is held too if its worker's text differs from the one that failed by now.

        `opened`: the profile has just been opened, see `differs`.
        """
        idle = not (self._services.closing or self.dormant or self._firing)
        if idle and self.owed and self.attempts and self._is_mended(opened):
            self._feed(machine.Retry())
        self.fire_owed()

    async def look_for_absent(self) -> None:
        """Have its event tried again if a script that its worker lacked comes by now."""
        worker = self.registration.active
        if worker is not None and await comes_by_now(worker, self._texts) and self.held:
            self._feed(machine.Retry())
            self.fire_owed()

    def _is_mended(self, opened: bool) -> bool:
        worker = self.registration.active
        return worker is not None and differs(worker, self._texts, self._services.scripts, opened=opened)

    # Feeding the machine

    def _ask(self, input: machine.Input) -> bool:
        return any(e == machine.Answer(True) for e in self._feed(input))

    def _feed(self, input: machine.Input) -> list[Effect | machine.OnRecord]:
        effects = self.machine.feed(input)
        self._apply(effects)
        return effects

    def _apply(self, effects: list[Effect | machine.OnRecord]) -> None:
        try:
            self._store(effects)
        except StorageFull as full:
            self._touched_again(_touched(effects))
            if self._no_room_for_a_body(effects, full) or self._no_room_to_send(effects, full):
                return
        for index in {effect.index for effect in effects if isinstance(effect, machine.OnRecord)}:
            self._end_apart(self.runs[index])
        for effect in effects:
            if isinstance(effect, machine.OnRecord):
                self._perform_on_record(self.runs[effect.index], effect.effect)
            else:
                self._perform(effect)
        if any(isinstance(e, machine.OnRecord) and isinstance(e.effect, record.WaitFor) for e in effects):
            self._tell.show()
        self._fetches.changed(self)
        self._services.activity.changed()

    def _store(self, effects: list[Effect | machine.OnRecord]) -> None:
        touched = _touched(effects)
        if not touched and effects and all(isinstance(e, machine.OnRecord) for e in effects):
            return
        if self._gone:
            return  # its rows are gone, or go in a transaction of their own: until then its event is owed
        if not _stores_responses(effects) and not self._differs(touched | self._unsaved):
            return
        # What may not be sent twice is on the disk as sent before it is: the power may fail as well.
        with self._transaction(effects):
            for effect in effects:
                if not isinstance(effect, machine.OnRecord):
                    continue
                match effect.effect:
                    case record.StoreResponse():
                        keeps_body = not self.machine.records[effect.index].settled
                        self.runs[effect.index].begin_response(self.origin, keeps_body)
                    case record.KeepApart():
                        self.runs[effect.index].begin_apart(self.origin)
                    case record.TakeOver():
                        self.runs[effect.index].take_over()
            self._save(touched | self._unsaved)
        self._unsaved.clear()

    def _transaction(self, effects: list[Effect | machine.OnRecord]) -> AbstractContextManager[None]:
        """The head of a response has what a server wrote into it, so it may not pass the quota."""
        durable = bool(self._sends_once(effects))
        if _stores_responses(effects):
            return self._services.quota.transaction(self.origin, durable=durable, reserve=QUOTA_RESERVE)
        return self._services.store.transaction(durable=durable)

    def _touched_again(self, indexes: set[int]) -> None:
        """Nothing of them was kept: they are stored with whatever is stored next."""
        self._unsaved |= indexes
        self._saved = None
        for index in indexes:
            self.runs[index].unsave()

    def _save(self, touched: set[int]) -> None:
        store = self._services.store
        for index in self._storable(touched):
            self.runs[index].save(store, self.number, self.machine.records[index].snapshot())
        snapshot = self._snapshot()
        if self._told and snapshot != self._saved:
            store.save_fetch(self.number, snapshot)
            self._saved = snapshot

    def _differs(self, touched: set[int]) -> bool:
        """Whether `_save` would store anything."""
        return any(
            self.runs[index].differs(self.machine.records[index].snapshot())
            for index in self._storable(touched)
        ) or (self._told and self._snapshot() != self._saved)

    @property
    def _told(self) -> bool:
        """No result of it is on its way to the disk, which stores it in one transaction."""
        return self.active or self._committed

    def _storable(self, touched: set[int]) -> Iterator[int]:
        """An abort is stored with the fetch's own result, or not at all."""
        told = self._told
        return (index for index in touched if told or self.machine.records[index].result != "aborted")

    def _snapshot(self) -> FetchSnapshot:
        return attrs.evolve(self.machine.snapshot(), texts=self._texts)

    def _sends_once(self, effects: list[Effect | machine.OnRecord]) -> list[int]:
        """The records that this step sends, and that may not be sent again."""
        return [
            e.index
            for e in effects
            if isinstance(e, machine.OnRecord)
            and isinstance(e.effect, record.SendRequest)
            and self.machine.records[e.index].sent
        ]

    def _no_room_to_send(self, effects: list[Effect | machine.OnRecord], full: StorageFull) -> bool:
        """That a request is under way cannot be stored: it is not sent, because nobody would know that it was."""
        indexes = self._sends_once(effects)
        for index in indexes:
            message = f"what may be sent only once is not sent before that is stored: {full}"
            jitter = self._services.rng.random()
            self.feed_record(index, record.Failure(trio.current_time(), "quota", message, jitter))
        return bool(indexes)

    def _no_room_for_a_body(self, effects: list[Effect | machine.OnRecord], full: StorageFull) -> bool:
        """A response came whose body could not even begin. Whatever else could not be stored can wait."""
        for effect in effects:
            if isinstance(effect, machine.OnRecord) and isinstance(effect.effect, _RESPONSES):
                self.runs[effect.index].lose_body()
                if self.machine.records[effect.index].state is record.State.RECEIVING:
                    self.feed_record(effect.index, record.NoRoom(str(full)))
                    return True
        self._services.tell_no_room(f"what became of {self.id!r}", full)
        return False

    # Performing effects

    def _perform(self, effect: Effect) -> None:
        match effect:
            case machine.Paused(cause):
                self._tell.paused(cause)
            case machine.Resumed(cause):
                self._tell.resumed(cause)
            case machine.Settle(event=""):
                self._committed = True
                self._tell.settled(effect)
            case machine.Settle():
                self._services.start("settling", self._finish, effect)
            case machine.Release(cause):
                self._release(cause)
            case machine.Hold():
                self._tell.held()
            case machine.Answer() | machine.OweAgain():
                pass  # `_ask`, `request_abort` and `_fire` look at these themselves
            case _:
                raise AssertionError(effect)

    def _perform_on_record(self, run: RecordRun, effect: Effect) -> None:
        match effect:
            case record.Enqueue():
                self._enqueue(run)
            case record.SendRequest():
                self._send(run, effect)
            case record.Append():
                self._append(run)
            case record.Verify():
                run.verification = token = object()
                self._services.nursery.start_soon(self._verify, run, token, name="verification")
            case record.Terminate():
                run.terminate()
            case record.WaitFor():
                self._wait(run, effect)
            case record.Settled():
                self._record_settled(run, effect)
            case record.StoreResponse() | record.TakeOver():
                run.data.changed()
            case record.KeepApart():
                pass  # nobody reads it yet
            case _:
                raise AssertionError(effect)

    def _enqueue(self, run: RecordRun) -> None:
        def granted(lease: Lease) -> None:
            run.ticket = None
            if self.machine.records[run.index].state is not record.State.PENDING:
                # It was paused or aborted in the very step that frees this connection.
                lease.release()
                return
            run.lease = lease
            if self._services.connectivity.online:
                self.feed_record(run.index, record.Start(trio.current_time()))
            else:
                self.feed_record(run.index, record.Unavailable("the network is switched off"))
            if not self.machine.records[run.index].in_flight:
                lease.release()

        run.ticket = granted
        if not self._services.connections.enqueue(run.origin, self.number, granted):
            self._tell.waits(run, record.WaitFor("slot", None, None), "slot")

    def _send(self, run: RecordRun, send: record.SendRequest) -> None:
        # The scope is there from now on: a pause or an abort may come before the task has begun.
        assert run.lease is not None
        run.scope = trio.CancelScope()
        # Told here, in the order of the requests, and not in the tasks, of which the scheduler begins any first.
        self._tell.sends(run, send)
        self._services.nursery.start_soon(
            transfer,
            self._services,
            self,
            run,
            send,
            run.scope,
            run.lease,
            name=f"transfer {run.request.url}",
        )

    async def _verify(self, run: RecordRun, token: object) -> None:
        def goes_on() -> bool:
            verifying = self.machine.records[run.index].state is record.State.VERIFYING
            return verifying and run.verification is token

        store, data = self._services.store, run.data
        mismatch = await stored_mismatch(store, run.request, data.response, data.body, goes_on)
        if goes_on():
            self.feed_record(run.index, record.Verified(mismatch))

    def _withdraw(self, run: RecordRun) -> None:
        run.cancel_timer()
        if run.ticket is not None:
            self._services.connections.withdraw(run.origin, self.number, run.ticket)
            run.ticket = None

    def _append(self, run: RecordRun) -> None:
        chunk, run.chunk = run.chunk, b""
        data = run.apart or run.data
        assert data.body is not None
        try:
            available = self._services.quota.available(self.origin)
            if len(chunk) > available:
                raise StorageFull(f"the quota of {self.origin} has room for {available} bytes more")
            self._services.store.append(data.body, chunk)
        except StorageFull as full:
            self.feed_record(run.index, record.NoRoom(str(full), unstored=len(chunk)))
            return
        self._services.checkpoints.grown(data.body, len(chunk))
        data.changed()
        if self.machine.records[run.index].has_overtaken:
            self.feed_record(run.index, record.Overtaken())
        self._services.activity.bytes_came()
        self._tell.progress_soon()

    def _end_apart(self, run: RecordRun) -> None:
        """What is kept apart goes with its exchange, or has taken over."""
        if run.apart is not None and not self.machine.records[run.index].keeps_apart:
            gone = run.end_apart()
            if gone is not None:
                self._services.checkpoints.ended(gone)

    def _wait(self, run: RecordRun, wait: record.WaitFor) -> None:
        self._withdraw(run)
        self._tell.waits(run, wait, self._wait_reason(self.machine.records[run.index]) or wait.reason)
        until = wait.until
        if wait.reason == "offline" and self._services.connectivity.online:
            # It was only for a moment: by the time the exchange broke, the network was back.
            until = trio.current_time()
        if until is not None:
            run.timer = trio.CancelScope()
            self._services.nursery.start_soon(self._wake_at, run, run.timer, until)
        if wait.reason in _NETWORK:
            self._fetches.backs_off(self, run.index)

    async def _wake_at(self, run: RecordRun, scope: trio.CancelScope, until: float) -> None:
        with scope:
            await trio.sleep_until(until)
            if run.timer is scope:
                run.timer = None
                if self._services.connectivity.online:
                    self.feed_record(run.index, record.Wake(trio.current_time()))
                else:
                    self.feed_record(run.index, record.Unavailable("the network is switched off"))

    def _record_settled(self, run: RecordRun, effect: record.Settled) -> None:
        self._withdraw(run)
        run.data.settle(effect.result, effect.message)
        if run.data.body is not None:
            self._services.store.finish_body(run.data.body)
            self._services.checkpoints.ended(run.data.body)
        self._tell.record_settled(run, effect, self.machine.records[run.index].stored)

    # Settling

    async def _finish(self, settle: machine.Settle) -> None:
        """Bodies to the disk, then the result with its owed event, in one durable commit; then tell."""
        services = self._services
        while True:
            try:
                await services.store.sync(
                    (run.data.body for run in self.runs if run.data.exposed and run.data.body), flush=False
                )
                self._commit()
                break
            except StorageFull as full:
                services.tell_no_room(f"the result of {self.id!r}", full)
                await trio.sleep(RETRY_STORING)
        if self._abort is not None:
            self._abort.resolve(settle.failure_reason == "aborted")
        self._tell.settled(settle)
        if self._given_up and self.owed:
            self._feed(machine.Drop())
        else:
            self.registration.settled(self)

    def _commit(self) -> None:
        self._committed = True
        try:
            with self._services.store.transaction(durable=True):
                self._save(set(range(len(self.runs))))
        except StorageFull:
            self._committed = False
            self._touched_again(set(range(len(self.runs))))
            raise

    async def _fire(self) -> None:
        if not self._is_owed():
            # Dropped, or its registration was cleared, between the start of this task and its first step.
            self._firing = False
            return
        worker = self.registration.active
        if worker is not None and worker.scripts:
            self._texts = worker.scripts.texts  # in the same commit as that it is dispatched: see `_run_by`
        self._feed(machine.Dispatch())
        name = self.machine.fetch.event_name
        interface = "BackgroundFetchUpdateUIEvent" if name in _UPDATE_UI_EVENTS else "BackgroundFetchEvent"
        fired = await self.registration.fire(
            EventSpec(name, interface, self.number),
            background_fetch=self,
            attempt=self.machine.fetch.attempts,
            on_texts=self._run_by,
        )
        self._firing = False
        if not self._is_owed():
            return  # dropped, or its registration was cleared, while the handler ran
        self._feed(machine.EventEnded(fired.result.outcome))
        if fired.started:
            self.fire_owed()

    def _run_by(self, texts: Texts) -> None:
        """Such scripts handle its event: that is stored before they run, because they may end the process."""
        if self._is_owed() and texts != self._texts:
            self._texts = texts
            self._apply([])

    def _is_owed(self) -> bool:
        return self.machine.fetch.event == "owed"

    def _release(self, cause: str) -> None:
        self._tell.instances()
        self._services.when_there_is_room(f"the release of {self.id!r}", lambda: self._released(cause))

    def _released(self, cause: str) -> None:
        self._services.store.release_fetch(self.number)
        self._tell.released(cause)
        self._fetches.forget(self)

    def view(self) -> FetchView:
        """What a display of it may use."""
        running = self._is_running()
        waits = () if running or self.paused else self.waits()
        return FetchView(
            self.number,
            self.id,
            self.origin,
            self.title,
            self.icons,
            self.progress,
            self.paused,
            running,
            tuple(f"{url}: {reason}" for url, reason in waits),
            self.machine.expected,
            len(self.runs),
            self.machine.settled_records,
        )

    def _is_running(self) -> bool:
        """Whether a record transfers or is verified: it is asked at each change, and mostly it is the same one."""
        count = len(self.runs)
        for index in range(self._ran, self._ran + count):
            state = self.machine.records[index % count]
            if state.in_flight or state.state is record.State.VERIFYING:
                self._ran = index % count
                return True
        return False


def _stores_responses(effects: list[Effect | machine.OnRecord]) -> bool:
    return any(isinstance(e, machine.OnRecord) and isinstance(e.effect, _RESPONSES) for e in effects)


def _touched(effects: list[Effect | machine.OnRecord]) -> set[int]:
    """The records that have more to store than bytes."""
    return {
        e.index
        for e in effects
        if isinstance(e, machine.OnRecord) and not isinstance(e.effect, record.Append)
    }
