"""A process that writes a profile without rest: opens it, adds and deletes bodies, caches, records and databases, ends.

`python beside_writer.py PROFILE ROUNDS SEED`. It says a line at the end of each round.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import trio

from swruntime.concepts.http import Request, Response
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import Store, StoredFetch, StoredRecord
from swruntime.storage import open_profile

ORIGIN = "http://localhost:8400"


def a_round(store: Store, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 20)):
        name = rng.choice("abc")
        match rng.randrange(5):
            case 0:
                store.delete_cache(ORIGIN, name)
            case 1:
                fill(store, rng, name)
            case 2:
                fetch(store, rng)
            case 3:
                for each in store.fetches():
                    store.release_fetch(each.number)
            case _:
                indexed(store, rng, name)


def a_body(store: Store, rng: random.Random) -> int:
    body = store.create_body(ORIGIN)
    for _ in range(rng.randint(0, 5)):
        store.append(body, rng.randbytes(rng.choice((1, 1000, 100_000))))
    store.finish_body(body)
    return body


def fill(store: Store, rng: random.Random, name: str) -> None:
    cache = store.open_cache(ORIGIN, name)
    for number in range(rng.randint(1, 10)):
        url = f"{ORIGIN}/{number}"
        body = a_body(store, rng)
        if rng.random() < 0.5:
            trio.run(store.sync, [body])
        with store.transaction():
            store.delete_entries([entry.id for entry in store.cache_entries(cache, url)])
            store.put_entry(cache, Request(url), Response(), body)


def fetch(store: Store, rng: random.Random) -> None:
    body = a_body(store, rng)
    record = StoredRecord(Request(f"{ORIGIN}/r"), RecordSnapshot(), Response(), body)
    number = store.add_fetch(
        StoredFetch(0, ORIGIN, f"{ORIGIN}/", "a", "", (), 0, 0, FetchSnapshot(), (record,))
    )
    store.append(body, rng.randbytes(1000))
    if rng.random() < 0.5:
        store.save_record(number, 0, RecordSnapshot("success", status=200), Response(), body)


def indexed(store: Store, rng: random.Random, name: str) -> None:
    if rng.random() < 0.3:
        store.indexed.delete(ORIGIN, name)
        return
    database = store.indexed.open(ORIGIN, name)
    database.begin(durable=rng.random() < 0.5)
    database.set_version(database.version + 1)
    database.create_store(f"s{database.version}", None, True)
    database.commit()
    if rng.random() < 0.5:
        database.close()


def main() -> None:
    profile, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    for number in range(rounds):
        store = open_profile(profile)
        store.set_origin(ORIGIN)
        a_round(store, rng)
        store.close()
        print(number, flush=True)


if __name__ == "__main__":
    main()
