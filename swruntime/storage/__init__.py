"""The profile: what outlives the process. The adapter of `swruntime.ports.store`, on disk and in memory.

profile        opening one: the folder's layout, what is refused
site_origin    whose it is
check, forget  is it sound; delete it
reading        the database beside a writer
store          Store in SQL, over the rows and the ledger below
registrations, fetches, caches     their rows
indexed_db, indexed_file, indexed_scan     IndexedDB: all databases; one; its questions
ledger         every body's length, pins and last reference
expected       how long each body should be
recovery       after a death: where a sync is needed, and where not
bodies, files  the bytes of bodies, in memory and in files
database       the connection, transactions, durability
schema         the tables and their migrations
values         values to JSON and back
lock, room     one writer at a time; a full disk
"""

from __future__ import annotations

from swruntime.storage.check import verify
from swruntime.storage.forget import drop_bodies, forget
from swruntime.storage.profile import memory_store, open_profile, profile_origin, writer_of
from swruntime.storage.reading import while_it_changes

__all__ = [
    "drop_bodies",
    "forget",
    "memory_store",
    "open_profile",
    "profile_origin",
    "verify",
    "while_it_changes",
    "writer_of",
]
