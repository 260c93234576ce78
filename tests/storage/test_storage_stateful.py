"""Both stores against a model of a few dictionaries, in any order of operations."""

from __future__ import annotations

import copy
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest
import trio
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from swruntime.concepts.enums import RecordResult
from swruntime.concepts.http import Request, Response
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import StoredFetch, StoredRecord
from swruntime.storage import memory_store, open_profile, verify
from swruntime.storage.store import SqlStore

KEYS = ("https://a.example", "https://b.example")
NAMES = ("one", "two")


class Rollback(Exception):
    """Raised inside a transaction, to take it back."""


@attrs.define
class Body:
    key: str
    data: bytes = b""
    synced: int = 0


@attrs.define
class Record:
    body: int | None = None
    result: RecordResult = ""
    counted: int = 0


@attrs.define
class Fetch:
    records: list[Record]
    settled: bool = False


@attrs.define
class Entry:
    body: int | None
    counted: int


@attrs.define
class Model:
    """What a transaction takes back. Bytes and pins are outside of it."""

    bodies: dict[int, Body] = attrs.Factory(dict)
    fetches: dict[int, Fetch] = attrs.Factory(dict)
    caches: dict[tuple[str, str], dict[int, Entry]] = attrs.Factory(dict)
    dropped: set[int] = attrs.Factory(set)

    def complete(self) -> set[int | None]:
        """Bodies that are counted as complete."""
        return {entry.body for entries in self.caches.values() for entry in entries.values()} | {
            record.body
            for fetch in self.fetches.values()
            for record in fetch.records
            if record.result == "success"
        }

    def referred_to(self) -> set[int | None]:
        return {record.body for fetch in self.fetches.values() for record in fetch.records} | {
            entry.body for entries in self.caches.values() for entry in entries.values()
        }


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.before: list[Model] = []
        self.uncommitted: list[int] = []
        self.phantoms: set[int] = set()
        self.pins: dict[int, int] = {}
        self.let_go: set[int] = set()
        self.ever: set[int] = set()
        self.open: list[ExitStack] = []
        self.store = self.first_store()

    def first_store(self) -> SqlStore:
        return memory_store()

    def teardown(self) -> None:
        while self.open:
            self.leave(rollback=True)
        self.store.close()

    # Choosing

    def a_body(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.model.bodies)), label="body")

    def growing(self) -> list[int]:
        """Bodies to append to: committed, and not counted as complete by anything that is, or that may be again."""
        complete = set[int | None]().union(*(model.complete() for model in (self.model, *self.before)))
        return sorted(self.model.bodies.keys() - set(self.uncommitted) - complete)

    def body_or_none(self, data: st.DataObject) -> int | None:
        return data.draw(st.sampled_from([None, *sorted(self.model.bodies)]), label="body or none")

    def a_fetch(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.model.fetches)), label="fetch")

    def length(self, body: int | None) -> int:
        return 0 if body is None else len(self.model.bodies[body].data)

    def settle_down(self) -> None:
        """A commit, if it is the outermost: what lost its last reference goes."""
        if self.open:
            return
        kept = self.model.referred_to() | set(self.pins)
        for body in (self.model.dropped | self.let_go) - kept:
            self.model.bodies.pop(body, None)
        self.model.dropped.clear()
        self.let_go.clear()
        self.uncommitted.clear()

    # Transactions

    @precondition(lambda self: len(self.open) < 3)
    @rule(durable=st.booleans())
    def begin(self, durable: bool) -> None:
        self.before.append(copy.deepcopy(self.model))
        stack = ExitStack()
        stack.enter_context(self.store.transaction(durable=durable))
        self.open.append(stack)

    def leave(self, *, rollback: bool) -> None:
        stack, before = self.open.pop(), self.before.pop()
        if not rollback:
            stack.close()
        else:
            with pytest.raises(Rollback), stack:
                raise Rollback
            now, self.model = self.model, before
            for body, kept in self.model.bodies.items():
                kept.data = now.bodies[body].data
            self.phantoms |= set(self.uncommitted) - self.model.bodies.keys()
            self.uncommitted = [body for body in self.uncommitted if body in self.model.bodies]
        if not rollback:
            self.settle_down()
        elif not self.open:
            self.uncommitted.clear()

    @precondition(lambda self: self.open)
    @rule(rollback=st.booleans())
    def end(self, rollback: bool) -> None:
        self.leave(rollback=rollback)

    # Bodies

    @initialize()
    def first_body(self) -> None:
        self.create_body_of(KEYS[0])

    @rule(key=st.sampled_from(KEYS))
    def create_body(self, key: str) -> None:
        self.create_body_of(key)

    def create_body_of(self, key: str) -> None:
        body = self.store.create_body(key)
        assert body not in self.ever
        self.ever.add(body)
        self.model.bodies[body] = Body(key)
        self.uncommitted.append(body)
        self.settle_down()

    @precondition(lambda self: self.growing())
    @rule(data=st.data(), more=st.binary(max_size=8))
    def append(self, data: st.DataObject, more: bytes) -> None:
        body = data.draw(st.sampled_from(self.growing()), label="body")
        self.store.append(body, more)
        self.model.bodies[body].data += more

    @precondition(lambda self: self.model.bodies)
    @rule(data=st.data())
    def pin(self, data: st.DataObject) -> None:
        body = self.a_body(data)
        self.store.pin(body)
        self.pins[body] = self.pins.get(body, 0) + 1

    @precondition(lambda self: self.pins)
    @rule(data=st.data())
    def unpin(self, data: st.DataObject) -> None:
        body = data.draw(st.sampled_from(sorted(self.pins)), label="pinned")
        self.store.unpin(body)
        self.pins[body] -= 1
        if not self.pins[body]:
            del self.pins[body]
            if body in self.model.bodies and (self.open or body not in self.model.referred_to()):
                self.let_go.add(body)
                self.settle_down()

    @precondition(lambda self: not self.open)
    @rule(data=st.data())
    def sync(self, data: st.DataObject) -> None:
        bodies = data.draw(st.lists(st.sampled_from(sorted(self.ever)), max_size=4), label="bodies")
        trio.run(self.store.sync, bodies)
        grown = [self.model.bodies[body] for body in set(bodies) & self.model.bodies.keys()]
        grown = [body for body in grown if len(body.data) > body.synced]
        for body in grown:
            body.synced = len(body.data)
        if grown:  # else there is nothing to note, and no commit
            self.settle_down()

    # Background fetches

    @rule(data=st.data(), count=st.integers(0, 3))
    def add_fetch(self, data: st.DataObject, count: int) -> None:
        records = [Record(self.body_or_none(data)) for _ in range(count)]
        number = self.store.add_fetch(
            StoredFetch(
                0, KEYS[0], KEYS[0], "id", "", (), 0, 0, FetchSnapshot(),
                tuple(StoredRecord(Request("u"), RecordSnapshot(), None, record.body) for record in records),
            )
        )  # fmt: skip
        self.model.fetches[number] = Fetch(records)
        self.settle_down()

    @precondition(lambda self: any(fetch.records for fetch in self.model.fetches.values()))
    @rule(data=st.data(), result=st.sampled_from(["", "success", "aborted"]))
    def save_record(self, data: st.DataObject, result: RecordResult) -> None:
        places = [(n, i) for n, fetch in self.model.fetches.items() for i in range(len(fetch.records))]
        number, index = data.draw(st.sampled_from(sorted(places)), label="record")
        body = self.body_or_none(data)
        record = self.model.fetches[number].records[index]
        self.store.save_record(number, index, RecordSnapshot(result), None, body)
        if record.body is not None and record.body != body:
            self.model.dropped.add(record.body)
        record.body, record.result = body, result
        record.counted = self.length(body) if result == "success" else 0
        self.settle_down()

    @precondition(lambda self: any(fetch.records for fetch in self.model.fetches.values()))
    @rule(data=st.data(), result=st.sampled_from(["", "success", "aborted"]))
    def save_record_state(self, data: st.DataObject, result: RecordResult) -> None:
        places = [(n, i) for n, fetch in self.model.fetches.items() for i in range(len(fetch.records))]
        number, index = data.draw(st.sampled_from(sorted(places)), label="record")
        record = self.model.fetches[number].records[index]
        self.store.save_record_state(number, index, RecordSnapshot(result), record.body)
        record.result = result
        record.counted = self.length(record.body) if result == "success" else 0
        self.settle_down()

    @precondition(lambda self: self.model.fetches)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        number = self.a_fetch(data)
        self.store.save_fetch(number, FetchSnapshot("failure"))
        self.model.fetches[number].settled = True
        self.settle_down()

    @precondition(lambda self: self.model.fetches)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        number = self.a_fetch(data)
        self.store.release_fetch(number)
        gone = self.model.fetches.pop(number)
        self.model.dropped |= {record.body for record in gone.records if record.body is not None}
        self.settle_down()

    # Caches

    @rule(data=st.data(), key=st.sampled_from(KEYS), name=st.sampled_from(NAMES))
    def put(self, data: st.DataObject, key: str, name: str) -> None:
        body = self.body_or_none(data)
        with self.store.transaction():
            entry = self.store.put_entry(self.store.open_cache(key, name), Request("u"), Response(), body)
        self.model.caches.setdefault((key, name), {})[entry] = Entry(body, self.length(body))
        self.settle_down()

    @precondition(lambda self: any(self.model.caches.values()))
    @rule(data=st.data())
    def delete_entry(self, data: st.DataObject) -> None:
        places = [(entry, cache) for cache, entries in self.model.caches.items() for entry in entries]
        entry, cache = data.draw(st.sampled_from(sorted(places)), label="entry")
        self.store.delete_entries([entry])
        gone = self.model.caches[cache].pop(entry)
        if gone.body is not None:
            self.model.dropped.add(gone.body)
        self.settle_down()

    @rule(key=st.sampled_from(KEYS), name=st.sampled_from(NAMES))
    def delete_cache(self, key: str, name: str) -> None:
        gone = self.model.caches.pop((key, name), None)
        assert self.store.delete_cache(key, name) == (gone is not None)
        if gone is not None:
            self.model.dropped |= {entry.body for entry in gone.values() if entry.body is not None}
            self.settle_down()

    # What holds

    @invariant()
    def agrees_on_bodies(self) -> None:
        for body in self.ever:
            if body not in self.model.bodies:
                with pytest.raises(FileNotFoundError):
                    self.store.read(body, 0, 1)
                continue
            expected = self.model.bodies[body].data
            assert self.store.length(body) == len(expected)
            assert self.store.read(body, 1, 1000) == expected[1:]
        for key in KEYS:
            lengths = [len(body.data) for body in self.model.bodies.values() if body.key == key]
            assert self.store._bodies.usage(key) == sum(lengths)
            assert self.store._rows.of(key) == self.store._rows.added_up(key)

    @invariant()
    def agrees_on_rows(self) -> None:
        assert {
            fetch.number: ([(r.body, r.snapshot.result) for r in fetch.records], fetch.snapshot.state)
            for fetch in self.store.fetches()
        } == {
            number: ([(r.body, r.result) for r in fetch.records], "failure" if fetch.settled else "pending")
            for number, fetch in self.model.fetches.items()
        }
        for key in KEYS:
            names = [name for of, name in self.model.caches if of == key]
            assert set(self.store.cache_names(key)) == set(names)
            for name in names:
                found = self.store.cache_entries(self.store.open_cache(key, name))
                expected = self.model.caches[key, name]
                assert [(entry.id, entry.body) for entry in found] == [
                    (entry, expected[entry].body) for entry in sorted(expected)
                ]


class ProfileMachine(StoreMachine):
    """On disk, with processes and power that die."""

    def first_store(self) -> SqlStore:
        self.directory = Path(tempfile.mkdtemp()) / "profile"
        self.boot = 1
        return open_profile(self.directory, boot_id="1")

    def teardown(self) -> None:
        super().teardown()
        problems = verify(self.directory)
        shutil.rmtree(self.directory.parent)
        assert problems == []

    @precondition(lambda self: not self.open)
    @rule(power=st.booleans())
    def reopen(self, power: bool) -> None:
        self.store.close()
        self.boot += power
        self.store = open_profile(self.directory, boot_id=str(self.boot))
        self.pins.clear()
        self.ever -= self.phantoms  # whoever held the id of a row that never was is dead
        if power:
            self.lose_what_was_not_synced()
        self.model.dropped = set(self.model.bodies)
        self.settle_down()

    def lose_what_was_not_synced(self) -> None:
        for body in self.model.bodies.values():
            body.data = body.data[: body.synced]
        for fetch in self.model.fetches.values():
            for record in fetch.records:
                if record.counted > self.length(record.body):
                    record.result, record.counted = ("fetch-error" if fetch.settled else ""), 0
        for entries in self.model.caches.values():
            for entry in [e for e, found in entries.items() if found.counted > self.length(found.body)]:
                del entries[entry]

    @invariant()
    def has_a_file_for_every_body_alone(self) -> None:
        there = {int(path.name) for path in (self.directory / "bodies").iterdir()}
        assert there <= self.model.bodies.keys()


@pytest.mark.parametrize("machine", [StoreMachine, ProfileMachine])
def test_a_store_does_what_its_model_does(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
