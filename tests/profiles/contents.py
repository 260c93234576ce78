"""What is in the profiles of this folder, and the servers that it came from. Changed, it would not fit the older ones."""

from __future__ import annotations

from swruntime.testing import Origin, Pattern

HALF = "half"
"""The id of a background fetch whose connection broke, and that has not gone on."""

OWED = "owed"
"""The id of one that has succeeded, and in whose event the process died."""

NOTIFYING = 2
"""The first version that has notifications and push subscriptions."""

KEPT = "kept"
"""The title of a notification that is shown."""

NOTE = {"url": "/episode", "bytes": b"\x00\xff"}
"""The notification's data."""

SYNC = "outbox"
"""The tag of a sync and of a periodic sync."""

SYNCS_SINCE = 4
"""The first schema version whose profile has them."""

NOTES = "notes"
"""The name of an IndexedDB database, of version 3, with one object store of the same name and one record."""

INDEXED_SINCE = 5
"""The first schema version whose profile has it."""

NOTE_KEY, NOTE_VALUE = b"\x30b\x00", b"a note"

STORED = 2000
"""So many bytes of `EPISODE` were stored."""

EPISODE = Pattern(5000, seed=5)
ARTWORK = Pattern(700, seed=55)
FORM = b"name=value"
ANSWER = b"thank you"
SHELL = "a page that was cached at install"

WORKER = """
async def oninstall(event):
    cache = await caches.open("shell")
    await cache.put("/about", Response({shell!r}))

async def onbackgroundfetchsuccess(event):
    print("success", event.registration.id)
    {handle}

async def onsync(event):
    print(event.type, event.tag)

onperiodicsync = onsync
"""


def fill(origin: Origin, *, whole: bool) -> None:
    """What the server has. Not `whole`: the episode's connection breaks, and nobody can connect again."""

    def episode(request: object) -> dict[str, object]:
        if whole:
            return {"body": EPISODE}
        origin.refuse = True
        return {"body": EPISODE, "drop_after": (STORED,), "chunk": 500}

    origin.add("/episode.mp3", episode)
    origin.add("/artwork.jpg", ARTWORK)
    origin.add("/form", ANSWER)
