"""A world for the machine of a background fetch: servers that answer, a store that keeps, an agent that performs.

`World` drives one `Machine` as the agent does: it stores what a step changed before it performs the effects,
grants connections, ends exchanges, and forgets everything that is not stored when the process dies. What is asked
of it while that is impossible does nothing. After every action it holds the machine against its invariants.

The servers never lie about which version of a file they send; they may do almost everything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import attrs

from swruntime.algorithms.content_range import parse_content_range
from swruntime.algorithms.partial import stored_head
from swruntime.concepts.enums import EventOutcome, PermissionState
from swruntime.concepts.http import HeaderList, Response
from swruntime.errors import Cause
from swruntime.machines import background_fetch as fetches, record as records
from swruntime.machines.background_fetch import Machine, OnRecord
from swruntime.machines.record import Record
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.machines.table import Effect

GIVE_UP = 100.0
"""Seconds."""

Answer = Literal[
    "honest",
    "part",
    "star",
    "full",
    "untold",
    "no-content",
    "ignores-if-range",
    "wrong-start",
    "earlier",
    "coded-part",
    "part-as-200",
    "no-content-range",
    "bad-content-range",
    "wrong-length",
    "refused",
    "refused-at-length",
    "not-found",
    "later",
    "much-later",
    "busy",
]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
BREAKS: tuple[Cause, ...] = (
    "reset",
    "truncated",
    "timeout",
    "connect",
    "dns",
    "offline",
    "tls",
    "cors",
    "coding",
    "protocol",
)
OUTCOMES: tuple[EventOutcome, ...] = get_args(EventOutcome)
Validator = Literal["etag", "weak", "date", "young", "none"]
VALIDATORS: tuple[Validator, ...] = get_args(Validator)


@attrs.frozen
class Spec:
    """A request, and the file behind it.

    `own_range`: the request has a Range header of its own (bytes 1 and 2). `integrity`: it has the hash of the file's
    first version, or of these bytes of it.
    """

    method: str = "GET"
    size: int = 10
    validator: Validator = "etag"
    told: bool = True
    coded: bool = False
    own_range: bool = False
    integrity: bool = False

    def content(self, version: int) -> bytes:
        """Two versions differ in every byte; their lengths may differ too."""
        length = self.size and self.size + version % 3
        return bytes((version * 17 + k) % 256 for k in range(length))

    def validators(self, version: int) -> list[tuple[str, str]]:
        match self.validator:
            case "etag":
                return [("ETag", f'"v{version}"')]
            case "weak":
                return [("ETag", f'W/"v{version}"')]
            case "date" | "young":
                modified = f"Thu, 01 Jan 2026 00:00:{version % 60:02} GMT"
                date = modified if self.validator == "young" else "Fri, 02 Jan 2026 00:00:00 GMT"
                return [("Last-Modified", modified), ("Date", date)]
            case "none":
                return []

    def expected(self) -> bytes:
        """What its integrity metadata is the hash of."""
        content = self.content(0)
        return content[1:3] if self.own_range and len(content) > 2 else content


@attrs.define
class Exchange:
    """A request that was sent. `rest` is what the server still sends; `says_length`: its head said how much."""

    send: records.SendRequest
    rest: bytes = b""
    says_length: bool = False


@attrs.define
class Data:
    """What is stored of a record, as the agent has it."""

    response: bool = False
    body: bytearray | None = None
    apart: bytearray | None = None


@attrs.define
class Saved:
    """What outlives the process; `None` for a background fetch that was released."""

    fetch: FetchSnapshot | None
    records: list[RecordSnapshot]
    data: list[Data]


class World:
    def __init__(
        self,
        specs: Iterable[Spec],
        *,
        download_total: int = 0,
        quota: int = 1000,
        eager: bool = False,
        permission: PermissionState = "granted",
    ) -> None:
        self.specs = list(specs)
        self.download_total = download_total
        self.quota = quota
        self.eager = eager
        self.permission: PermissionState = permission
        self.now = 0.0
        self.online = True
        self.versions = [0] * len(self.specs)
        self.data = [Data() for _ in self.specs]
        self.saved = Saved(FetchSnapshot(), [RecordSnapshot() for _ in self.specs], self.data)
        self.log: list[Effect | OnRecord] = []
        self.committed_settle: fetches.Settle | None = None
        self.failures: list[int] = []
        self.uploads: set[int] = set()
        self._take()

    def _take(self) -> None:
        """What is there when the process starts."""
        assert self.saved.fetch is not None
        self.machine = restored(self.saved, self.specs, self.download_total)
        self.begun = False
        self.committed = not self.machine.fetch.active
        self.settle: fetches.Settle | None = None
        self.firing = False
        self.tickets: set[int] = set()
        self.timers: dict[int, float] = {}
        self.verifying: set[int] = set()
        for data in self.data:
            data.apart = None
        self.exchanges: dict[int, Exchange] = {}
        self.asked: dict[int, records.SendRequest] = {}
        self.final: dict[int, Record] = {i: r for i, r in enumerate(self.machine.records) if r.settled}
        self.failures = [i for i in self.failures if i in self.final]

    @property
    def released(self) -> bool:
        return self.saved.fetch is None

    @property
    def active(self) -> bool:
        return self.machine.fetch.active

    def state(self, index: int) -> records.State:
        return self.machine.records[index].state

    # What the agent, the user and the registration do

    def begin(self) -> None:
        if not self.released and not self.begun and self.active:
            self.begun = True
            self._feed(fetches.Begin(self.permission))

    def pause(self) -> bool:
        return not self.released and self._answer(fetches.Pause("user"))

    def resume(self) -> bool:
        return not self.released and self._answer(fetches.Resume("user"))

    def abort(self) -> bool:
        if self.released:
            return False
        was_active = self.active
        aborted = self._answer(fetches.Abort("user"))
        assert aborted == was_active
        if aborted:
            assert self.settle is not None
            assert self.settle.event == "backgroundfetchabort"
            assert self.settle.failure_reason == "aborted"
        return aborted

    def clear(self) -> None:
        if not self.released:
            self._feed(fetches.Clear())
            assert self.released

    def drop(self) -> None:
        if not self.released and not self.active and self.machine.fetch.event in ("owed", "held"):
            self._feed(fetches.Drop())
            assert self.released

    def commit(self) -> None:
        """The bodies are synced: the result is committed, with its owed event."""
        if not self.released and not self.active and not self.committed:
            self.committed = True
            self._save(range(len(self.specs)))
            assert self.committed_settle is None
            self.committed_settle = self.settle

    def dispatch(self) -> None:
        if not self.released and self.committed and not self.firing and self.machine.fetch.event == "owed":
            self.firing = True
            self._feed(fetches.Dispatch())
            assert 1 <= self._tried <= fetches.EVENT_ATTEMPTS

    @property
    def _tried(self) -> int:
        """How often its event was dispatched since it was asked for last."""
        return self.machine.fetch.attempts - self.machine.fetch.attempts_before

    def retry(self) -> None:
        if not self.released and not self.active and self.machine.fetch.event in ("owed", "held"):
            self._feed(fetches.Retry())
            assert (self.machine.fetch.event, self._tried) == ("owed", 0)

    def end_event(self, outcome: EventOutcome) -> None:
        if self.released or not self.firing:
            return
        self.firing = False
        attempts = self._tried
        self._feed(fetches.EventEnded(outcome))
        if outcome != "interrupted":
            assert self.released
        elif attempts < fetches.EVENT_ATTEMPTS:
            assert self.machine.fetch.event == "owed"
            assert self.log[-1] == fetches.OweAgain()
        else:
            assert self.machine.fetch.event == "held"
            assert self.log[-1] == fetches.Hold()

    def fire(self, outcome: EventOutcome) -> None:
        """The whole event."""
        self.commit()
        self.dispatch()
        self.end_event(outcome)

    def die(self) -> None:
        """The process dies, and starts again."""
        if self.released:
            return
        downloaded = self.machine.downloaded
        self._take()
        assert self.machine.downloaded == downloaded
        self.check()

    # What the network does

    def go_offline(self) -> None:
        self.online = False
        for index in list(self.exchanges):
            self.fail(index, "offline")

    def go_online(self) -> None:
        self.online = True
        for index, record in enumerate(list(self.machine.records)):
            if record.state is records.State.WAITING:
                self.timers.pop(index, None)
                self._feed_record(index, records.Wake(self.now))

    def wait(self, seconds: float) -> None:
        """Time passes; waits that are over are woken, in order, and find out whether the network is there."""
        end = self.now + seconds
        while due := sorted((until, i) for i, until in self.timers.items() if until <= end):
            until, index = due[0]
            self.now = max(self.now, until)
            del self.timers[index]
            self._feed_record(index, records.Wake(self.now) if self.online else records.Unavailable("off"))
        self.now = end

    def grant(self, index: int) -> None:
        if index in self.tickets:
            self.tickets.discard(index)
            self._feed_record(index, records.Start(self.now) if self.online else records.Unavailable("off"))

    def change_file(self, index: int) -> None:
        self.versions[index] += 1

    def answer(self, index: int, answer: Answer = "honest", jitter: float = 0.0) -> None:
        exchange = self.exchanges.get(index)
        if exchange is None or self.state(index) is not records.State.REQUESTED:
            return
        spec = self.specs[index]
        response, retry_after, exchange.rest = _respond(spec, self.versions[index], exchange.send, answer)
        head = stored_head(response, method=spec.method)
        content_range = response.headers.get("Content-Range")
        part = parse_content_range(content_range or "")
        exchange.says_length = head.complete_length is not None or part is not None
        self._feed_record(
            index,
            records.Head(self.now, head, content_range=content_range, retry_after=retry_after, jitter=jitter),
        )

    def send(self, index: int, size: int) -> None:
        """Bytes come."""
        exchange = self.exchanges.get(index)
        if exchange is not None and self.state(index) is records.State.RECEIVING and exchange.rest:
            chunk, exchange.rest = exchange.rest[:size], exchange.rest[size:]
            self._bytes(index, chunk)

    def send_too_much(self, index: int) -> None:
        """The rest, and a byte more, where the head had said how much there is."""
        exchange = self.exchanges.get(index)
        if exchange is not None and self.state(index) is records.State.RECEIVING and exchange.says_length:
            self._bytes(index, exchange.rest + b"!")
            assert self.state(index) in (records.State.FETCH_ERROR, records.State.TOTAL_EXCEEDED)

    def end(self, index: int) -> None:
        """The body ends; too early only where its head said how much there is: the framing holds."""
        exchange = self.exchanges.get(index)
        if exchange is None or self.state(index) is not records.State.RECEIVING:
            return
        if not exchange.rest or exchange.says_length:
            del self.exchanges[index]
            self._feed_record(index, records.End(self.now))

    def end_elsewhere(self, index: int) -> None:
        """The body ends as its own framing says, and not where an earlier answer with the same validator said."""
        self.grant(index)
        self.answer(index, "untold")
        record = self.machine.records[index]
        promised = record.transfer.promised if record.transfer else None
        if index in self.exchanges and promised not in (None, record.filled):
            del self.exchanges[index]
            self._feed_record(index, records.End(self.now))
            assert self.state(index) is records.State.FETCH_ERROR

    def verify(self, index: int) -> None:
        """The agent has read the stored body again."""
        if index in self.verifying:
            self.verifying.discard(index)
            same = bytes(self.data[index].body or b"") == self.specs[index].expected()
            self._feed_record(index, records.Verified(None if same else "another file"))

    def fail(self, index: int, cause: Cause, jitter: float = 0.0) -> None:
        if self.exchanges.pop(index, None) is not None:
            self._feed_record(index, records.Failure(self.now, cause, f"it failed: {cause}", jitter))

    def try_once(self, index: int, answer: Answer, size: int, cause: Cause | None) -> None:
        """A whole exchange, from the connection to an end or a failure, and the wait after it."""
        self.grant(index)
        self.answer(index, answer)
        self.send(index, size)
        if cause is None:
            self.end(index)
        else:
            self.fail(index, cause)
        self.wait(5)

    def refuse_ranges(self, index: int) -> None:
        """Every connection breaks after a byte, and the server will not send the rest."""
        for _ in range(5):
            self.try_once(index, "refused", 1, "reset")

    def send_parts_as_200(self, index: int) -> None:
        """Every connection breaks after a byte, and the server says of the rest that it is the whole."""
        for _ in range(5):
            self.try_once(index, "part-as-200", 1, "reset")

    def send_parts_of_nothing(self, index: int) -> None:
        """A connection breaks after a byte, and the parts that the server sends of the rest are empty."""
        self.try_once(index, "honest", 1, "reset")
        for _ in range(2):
            self.try_once(index, "part", 0, None)

    def stay_broken(self, index: int) -> None:
        """Nothing gets through, for longer than anybody's patience."""
        for _ in range(12):
            self.grant(index)
            self.fail(index, "connect")
            self.wait(30)

    def no_room_for_response(self, index: int) -> None:
        """The response whose head came could not be stored."""
        if self.state(index) is records.State.RECEIVING:
            self._feed_record(index, records.NoRoom("the disk is full"))

    def settle_kindly(self) -> None:
        """Everybody does their best, until it is settled."""
        self.begin()
        self.go_online()
        self.resume()
        for _ in range(40):
            for index in range(len(self.specs)):
                self.grant(index)
                self.answer(index)
                self.send(index, 1000)
                self.end(index)
                self.verify(index)
            if not self.active:
                break
            self.wait(61)
        assert not self.active

    def drive_kindly(self) -> None:
        """Until it is settled, committed and told."""
        self.settle_kindly()
        self.commit()
        self.dispatch()
        self.end_event("fulfilled")
        self.drop()
        assert self.released

    # Feeding the machine, and performing

    def _answer(self, input: fetches.Input) -> bool:
        effects = self._feed(input)
        answers = [e.value for e in effects if isinstance(e, fetches.Answer)]
        assert len(answers) == 1
        return answers[0]

    def _feed(self, input: fetches.Input) -> list[Effect | OnRecord]:
        before = self.machine.downloaded
        effects = self.machine.feed(input)
        assert self.machine.downloaded == before
        self._apply(effects)
        return effects

    def _feed_record(self, index: int, input: records.Input) -> None:
        if self.released:
            return
        before, old = self.machine.downloaded, self.machine.records[index]
        effects = self.machine.feed_record(index, input)
        if self.machine.records[index].restarted > old.restarted or isinstance(input, records.NoRoom):
            self.asked.pop(index, None)  # once it may ask the same again
        if self.machine.downloaded < before:
            starts_over = OnRecord(index, records.StoreResponse(True)) in effects
            assert starts_over or isinstance(input, records.NoRoom)
        self._apply(effects)

    def _bytes(self, index: int, chunk: bytes) -> None:
        self.chunk = chunk
        self._feed_record(index, records.Bytes(self.now, len(chunk)))

    def _apply(self, effects: list[Effect | OnRecord]) -> None:
        self.log += effects
        self._store(effects)
        for effect in effects:
            if isinstance(effect, OnRecord):
                self._perform_on_record(effect.index, effect.effect)
            else:
                self._perform(effect)
        self.check()

    def _store(self, effects: list[Effect | OnRecord]) -> None:
        """The agent's rule: a step that only appends stores nothing; an abort is stored at the commit."""
        on_records = [e for e in effects if isinstance(e, OnRecord)]
        touched = {e.index for e in on_records if not isinstance(e.effect, records.Append)}
        if not touched and effects and len(on_records) == len(effects):
            return
        for e in on_records:
            if isinstance(e.effect, records.StoreResponse):
                data = self.data[e.index]
                assert e.effect.fresh == (data.response or data.body is not None)
                data.response = True
                data.body = None if self.machine.records[e.index].settled else bytearray()
            elif isinstance(e.effect, records.KeepApart):
                assert self.data[e.index].body
                self.data[e.index].apart = bytearray()
            elif isinstance(e.effect, records.TakeOver):
                data = self.data[e.index]
                assert data.apart is not None
                assert data.body is not None
                assert len(data.apart) >= len(data.body)
                data.body = data.apart
        for index in touched:
            if not self.machine.records[index].keeps_apart:
                self.data[index].apart = None
        self._save(touched)

    def _save(self, touched: Iterable[int]) -> None:
        told = self.active or self.committed
        for index in touched:
            record = self.machine.records[index]
            if told or record.result != "aborted":
                self.saved.records[index] = record.snapshot()
        if told:
            self.saved.fetch = self.machine.snapshot()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case fetches.Settle():
                assert self.settle is None
                assert self.committed_settle is None
                self.settle = effect
                self._check_settle(effect)
                if effect.event == "":
                    self.committed = True
            case fetches.Release():
                assert not self.released
                self.saved.fetch = None

    def _perform_on_record(self, index: int, effect: Effect) -> None:
        match effect:
            case records.Enqueue():
                assert index not in self.tickets
                self.tickets.add(index)
                if self.eager:
                    self.grant(index)
            case records.SendRequest():
                assert index not in self.exchanges
                self._check_asked(index, effect)
                self.exchanges[index] = Exchange(effect)
            case records.Append():
                self._append(index)
            case records.Terminate():
                del self.exchanges[index]
            case records.Verify():
                assert self.specs[index].integrity
                self.verifying.add(index)
                if self.eager:
                    self.verify(index)
            case records.WaitFor(until=until):
                self.asked.pop(index, None)
                self.verifying.discard(index)
                self.tickets.discard(index)
                self.timers.pop(index, None)
                if until is not None:
                    self.timers[index] = until
            case records.Settled():
                self.verifying.discard(index)
                self.tickets.discard(index)
                self.timers.pop(index, None)
                self._record_settled(index, effect)

    def _append(self, index: int) -> None:
        data = self.data[index]
        body = data.body if data.apart is None else data.apart
        assert body is not None
        used = sum(len(body) for d in self.data for body in (d.body, d.apart) if body is not None)
        if used + len(self.chunk) > self.quota:
            self._feed_record(index, records.NoRoom("the quota is used up", unstored=len(self.chunk)))
            return
        body += self.chunk
        if self.machine.records[index].has_overtaken:
            self._feed_record(index, records.Overtaken())

    def _record_settled(self, index: int, effect: records.Settled) -> None:
        assert index not in self.final
        record = self.final[index] = self.machine.records[index]
        assert (record.result, record.cause, record.message) == (effect.result, effect.cause, effect.message)
        if effect.result != "success":
            self.failures.append(index)
            return
        body = self.data[index].body
        assert body is not None
        spec = self.specs[index]
        versions = [spec.content(v) for v in range(self.versions[index] + 1)]
        if spec.own_range:
            versions += [content[1:3] for content in versions]
        if spec.integrity:
            versions = [spec.expected()]
        assert bytes(body) in versions or (self.machine.records[index].status == 204 and not spec.integrity)

    # The invariants

    def _check_asked(self, index: int, send: records.SendRequest) -> None:
        """Nobody asks in a loop, and what is no GET is sent once in all the lives of the process (SPEC-NOTES 8)."""
        assert self.asked.get(index) != send, f"record {index} asks the same again at once"
        self.asked[index] = send
        if self.specs[index].method != "GET":
            assert index not in self.uploads, (
                f"the {self.specs[index].method} of record {index} is sent again"
            )
            self.uploads.add(index)

    def _check_settle(self, settle: fetches.Settle) -> None:
        """Precedence: an abort, then quota and total, then the first record to fail."""
        results = [r.result for r in self.machine.records]
        assert "" not in results
        if settle.failure_reason == "aborted":
            assert settle.result == "failure"
        elif self.failures:
            reasons = [self.machine.records[i].result for i in self.failures]
            at_once = [r for r in reasons if r in ("quota-exceeded", "download-total-exceeded")]
            assert settle.failure_reason == (at_once or reasons)[0]
            assert (settle.result, settle.event) == ("failure", "backgroundfetchfail")
        else:
            assert results == ["success"] * len(results)
            assert (settle.result, settle.event) == ("success", "backgroundfetchsuccess")
            assert settle.failure_reason == ""

    def check(self) -> None:
        machine, fetch = self.machine, self.machine.fetch
        assert (self.settle is not None or self.committed) == (not fetch.active)
        assert (fetch.event == "none") == fetch.active
        assert machine.records_available == (fetch.event != "ended")
        assert machine.downloaded >= 0
        if self.download_total:
            assert machine.downloaded <= self.download_total
            assert machine.room == self.download_total - sum(r.stored for r in machine.records)
        if fetch.active:
            assert machine.downloaded == sum(r.stored for r in machine.records)
        for index, final in self.final.items():
            assert machine.records[index] == final

    def check_at_rest(self) -> None:
        """Between two actions, nothing half performed."""
        self.check()
        for index, record in enumerate(self.machine.records):
            assert record.stored == len(self.data[index].body or b"")
            assert record.keeps_apart == (self.data[index].apart is not None)
            if record.keeps_apart:
                assert record.filled == len(self.data[index].apart or b"") < record.stored
            assert record.in_flight == (index in self.exchanges)
            assert (record.state is records.State.VERIFYING) == (index in self.verifying)
            assert (record.wait is not None) == (
                record.state in (records.State.WAITING, records.State.PAUSED)
            )
            assert (index in self.timers) == (record.wait is not None and record.wait.until is not None)
            paused = self.machine.fetch.state is fetches.State.PAUSED
            if self.begun and not record.settled:
                assert (record.state is records.State.PAUSED) == paused
                assert (index in self.tickets) == (record.state is records.State.PENDING)


def restored(saved: Saved, specs: list[Spec], download_total: int) -> Machine:
    """What the agent makes of what is stored."""
    assert saved.fetch is not None
    parts = zip(specs, saved.records, saved.data, strict=True)
    return Machine.restore(
        saved.fetch,
        [
            records.restore(
                snapshot,
                method=spec.method,
                headers=HeaderList((("Range", "bytes=1-2"),)) if spec.own_range else HeaderList(),
                give_up=GIVE_UP,
                stored=len(data.body or b""),
                has_integrity=spec.integrity,
            )
            for spec, snapshot, data in parts
        ],
        download_total=download_total,
    )


def _respond(
    spec: Spec, version: int, send: records.SendRequest, answer: Answer
) -> tuple[Response, float | None, bytes]:
    """The response, its Retry-After, its body."""
    content = spec.content(version)
    start = send.range_start
    same = send.if_range is None or send.if_range in [value for _, value in spec.validators(version)]
    match answer:
        case "not-found":
            return _response(404), None, b"not found"
        case "later":
            return _response(503), 5.0, b""
        case "much-later":
            return _response(429), 1000.0, b""
        case "busy":
            return _response(429), None, b""
        case "refused" if start:
            return _response(416, ("Content-Range", f"bytes */{len(content) + 7}")), None, b""
        case "no-content":
            return _response(204), None, b""
        case "refused-at-length" if start and start >= len(content) and same:
            return _response(416, ("Content-Range", f"bytes */{len(content)}")), None, b""
    if spec.own_range and answer not in ("full", "untold") and len(content) > 2:
        range_ = [] if answer == "no-content-range" else [("Content-Range", f"bytes 1-2/{len(content)}")]
        return _response(206, *spec.validators(version), *range_), None, content[1:3]
    if start or answer in (
        "part",
        "star",
        "wrong-start",
        "coded-part",
        "no-content-range",
        "bad-content-range",
    ):
        partial = _partial(spec, version, content, start, answer, same)
        if partial is not None:
            return partial
    coding = [("Content-Encoding", "gzip")] if spec.coded else []
    length = [("Content-Length", str(len(content)))] if spec.told and answer != "untold" else []
    return _response(200, *spec.validators(version), *coding, *length), None, content


def _partial(
    spec: Spec, version: int, content: bytes, start: int, answer: Answer, same: bool
) -> tuple[Response, float | None, bytes] | None:
    """A 206 in one of its shapes; None where the whole file is the answer."""
    if answer in ("full", "untold") or not (same or answer == "ignores-if-range"):
        return None
    if start >= len(content):
        refused = _response(416, ("Content-Range", f"bytes */{len(content)}"))
        return (refused, None, b"") if start else None
    first, last, complete = start, len(content) - 1, str(len(content))
    match answer:
        case "part":
            last = (first + last) // 2
        case "star":
            complete = "*"
        case "wrong-start":
            first += 1
        case "earlier":
            first = start = start // 2
        case "wrong-length":
            complete = str(len(content) + 5)
    value = f"bytes {first}-{max(first, last)}/{complete}"
    if answer == "bad-content-range":
        value = f"bytes={first}-{last}/{complete}"
    range_ = [] if answer == "no-content-range" else [("Content-Range", value)]
    if answer == "coded-part":
        coding = ("Content-Encoding", "gzip")
        return _response(206, ("ETag", '"coded"'), coding, *range_), None, content[start : last + 1]
    status = 200 if answer == "part-as-200" else 206
    length = [("Content-Length", str(last + 1 - start))] if status == 200 and spec.told else []
    return _response(status, *spec.validators(version), *range_, *length), None, content[start : last + 1]


def _response(status: int, *headers: tuple[str, str]) -> Response:
    return Response(status=status, headers=HeaderList(tuple(headers)))
