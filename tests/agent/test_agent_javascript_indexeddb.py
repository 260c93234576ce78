"""IndexedDB of a JavaScript page and its profile: what one process stored, the next one finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio.testing

import swruntime
from swruntime.errors import StorageFull
from swruntime.storage.indexed_file import IndexedFile
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

BLOBS = """
const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
});
const open = indexedDB.open('files', 1);
open.onupgradeneeded = () => open.result.createObjectStore('files');
(async () => {
    const db = await done(open);
    const files = () => db.transaction('files', 'readwrite').objectStore('files');
    const kept = await done(files().get('a'));
    if (kept === undefined) {
        const bytes = Uint8Array.from({ length: 70000 }, (_, i) => i % 251);
        await done(files().put({ file: new File([bytes], '\u00fc.bin', { type: 'a/b', lastModified: 5 }), url: 1n }, 'a'));
        for (const value of [location, navigator.serviceWorker, caches, new MessageChannel().port1, indexedDB, new Response()]) {
            try { files().put(value, 'b'); console.log('put', value); } catch (error) { console.log(error.name); }
        }
        return;
    }
    const bytes = await kept.file.bytes();
    console.log(kept.file instanceof File, kept.file.name, kept.file.type, kept.file.lastModified, kept.url === 1n,
        bytes.length, bytes.every((byte, i) => byte === i % 251), (await done(files().getAllKeys())).length);
})();
"""


FULL = """
const open = indexedDB.open('files', 1);
open.onupgradeneeded = () => open.result.createObjectStore('files');
open.onsuccess = async () => {
    const write = (key) => new Promise((resolve) => {
        const tx = open.result.transaction('files', 'readwrite');
        const request = tx.objectStore('files').put('value', key);
        request.onerror = () => console.log('request', request.error.name);
        tx.oncomplete = () => resolve(`complete ${key}`);
        tx.onabort = () => resolve(`abort ${key} ${tx.error.name}`);
    });
    for (const key of ['a', 'full', 'b']) console.log(await write(key));
    open.result.transaction('files').objectStore('files').getAllKeys().onsuccess = (e) => console.log(e.target.result);
};
"""


@pytest.mark.slow
async def test_a_full_disk_aborts_a_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    put = IndexedFile.put

    def full(file: IndexedFile, store: int, key: bytes | None, *others: Any, **options: Any) -> bytes:
        if key == b"\x30gvmm\x00":
            raise StorageFull("no room on the disk")
        return put(file, store, key, *others, **options)

    monkeypatch.setattr(IndexedFile, "put", full)
    (tmp_path / "page.js").write_text(FULL)
    *said, keys = await run_page(tmp_path, tmp_path / "profile")
    assert said == ["complete a", "request AbortError", "abort full QuotaExceededError", "complete b"]
    assert keys == '[ "a", "b" ]'


async def run_page(site: Path, profile: Path) -> list[str]:
    said: list[str] = []
    async with swruntime.open_user_agent(
        site=site,
        profile=profile,
        network=Origin(),
        on_trace=lambda line: said.append(line["text"]) if line["kind"] == "console" else None,
    ) as agent:
        window = await agent.open_window("/")
        await window.run("/page.js")
        await agent.settled()
        assert (await window.navigator.storage.estimate()).usage > 20
    return said


@pytest.mark.slow
async def test_files_are_kept_byte_for_byte(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    (tmp_path / "page.js").write_text(BLOBS)
    assert await run_page(tmp_path, tmp_path / "profile") == ["DataCloneError"] * 6
    assert await run_page(tmp_path, tmp_path / "profile") == ["true ü.bin a/b 5 true 70000 true 1"]


@pytest.mark.slow
async def test_a_page_finds_what_an_earlier_one_stored(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "page.js").write_text(PAGE)
    said = [text for _ in range(2) for text in await run_page(site, tmp_path / "profile")]
    assert said == ["keys 1 true", "complete 1", "keys 2 true", "complete 1"]
