"""IndexedDB of a JavaScript page and its profile: what one process stored, the next one finds."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio.testing

import swruntime
from swruntime.testing import Origin

PAGE = """
const open = indexedDB.open('notes', 1);
open.onupgradeneeded = () => open.result.createObjectStore('notes', { autoIncrement: true });
open.onsuccess = async () => {
    const tx = open.result.transaction('notes', 'readwrite');
    const notes = tx.objectStore('notes');
    notes.put({ at: new Date(0), text: 'a note' });
    notes.getAllKeys().onsuccess = (event) => console.log('keys', event.target.result.length, event.isTrusted);
    tx.oncomplete = async () => console.log('complete', (await indexedDB.databases())[0].version);
};
"""


@pytest.mark.slow
async def test_a_page_finds_what_an_earlier_one_stored(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "page.js").write_text(PAGE)
    said: list[str] = []
    for _ in range(2):
        async with swruntime.open_user_agent(
            site=site,
            profile=tmp_path / "profile",
            network=Origin(),
            on_trace=lambda line: said.append(line["text"]) if line["kind"] == "console" else None,
        ) as agent:
            window = await agent.open_window("/")
            await window.run("/page.js")
            await agent.settled()
            assert (await window.navigator.storage.estimate()).usage > 20
    assert said == ["keys 1 true", "complete 1", "keys 2 true", "complete 1"]
