"""Make the profile of today's schema version: a background fetch that is half done, an event that is owed, syncs.

    python -m tests.profiles.make_profile

It goes to `v1`, `v2`, ... beside this file, and is made once: when `swruntime.storage.schema` has a new
migration, with the code of that day. What is there already is never made again.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import trio
import trio.testing

import swruntime
from swruntime.concepts.http import StoredBody
from swruntime.storage import open_profile
from swruntime.storage.schema import MIGRATIONS
from swruntime.testing import Origin
from tests.profiles.contents import (
    EPISODE,
    FORM,
    HALF,
    KEPT,
    NOTE,
    NOTE_KEY,
    NOTE_VALUE,
    NOTES,
    OWED,
    SHELL,
    STORED,
    SYNC,
    WORKER,
    fill,
)

HERE = Path(__file__).parent


def main() -> None:
    folder = HERE / f"v{len(MIGRATIONS)}"
    if folder.exists():
        sys.exit(f"{folder} is there already; a profile of an older day is never made again")
    with tempfile.TemporaryDirectory() as temporary:
        profile = Path(temporary) / "profile"
        trio.run(_make, Path(temporary), profile, clock=trio.testing.MockClock(autojump_threshold=0))
        # On the machine that opens it, it is a profile of another boot.
        open_profile(profile, boot_id="the boot in which this profile was made").close()
        _shrink(profile / "profile.sqlite3")
        _shrink(profile / "indexeddb" / "1.sqlite3")
        for name in ("lock", ".gitignore"):
            (profile / name).unlink()
        shutil.copytree(profile, folder)


async def _make(temporary: Path, profile: Path) -> None:
    site = temporary / "site"
    site.mkdir()
    (site / "worker.py").write_text(
        "import trio\n" + WORKER.format(shell=SHELL, handle="await trio.sleep_forever()")
    )
    origin = Origin()
    fill(origin, whole=False)
    async with swruntime.open_user_agent(site=site, profile=profile, network=origin) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        await registration.show_notification(
            KEPT, tag="t", data=NOTE, actions=[{"action": "go", "title": "Go"}]
        )
        await registration.push_manager.subscribe(user_visible_only=True)
        form = window.Request("/form", method="POST", body=FORM)
        await registration.background_fetch.fetch(OWED, ["/artwork.jpg", form], title="Owed")
        await agent.until(lambda line: line["kind"] == "event.start" and line.get("id") == OWED)
        await registration.background_fetch.fetch(
            HALF,
            ["/episode.mp3"],
            title="Half",
            icons=[{"src": "/icon.png", "sizes": "300x300", "type": "image/png"}],
            download_total=len(EPISODE),
        )
        await agent.until(lambda line: line["kind"] == "record.wait" and line["id"] == HALF)
        await registration.periodic_sync.register(SYNC, min_interval=60_000)
        agent.network.go_offline()
        await registration.sync.register(SYNC)
        store = agent.services.store
        records = [record for fetch in store.fetches() for record in fetch.records]
        sent = [record.request.body.id for record in records if isinstance(record.request.body, StoredBody)]
        await store.sync([*sent, *(record.body for record in records if record.body is not None)])
        half = next(fetch for fetch in store.fetches() if fetch.id == HALF)
        assert half.records[0].body is not None
        assert store.length(half.records[0].body) == STORED
        notes = store.indexed.open(str(store.origin), NOTES)
        notes.begin(durable=True)
        notes.set_version(3)
        notes.put(notes.create_store(NOTES, None, False), NOTE_KEY, NOTE_VALUE, [], overwrite=False)
        notes.commit()


def _shrink(database: Path) -> None:
    """The same rows in fewer bytes, with nothing left in a log."""
    connection = sqlite3.connect(database, isolation_level=None)
    for statement in ("journal_mode = DELETE", "page_size = 512"):
        connection.execute(f"PRAGMA {statement}")
    connection.execute("VACUUM")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


if __name__ == "__main__":
    main()
