"""How often a process writes, and the runtime to it: frames that nobody hurries for go with others."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from deno import find_deno_bin  # type: ignore[import-untyped]  # has no types

import swruntime.realms.javascript
from swruntime.realms.javascript.moving import Outgoing

SCRIPTS = (Path(swruntime.realms.javascript.__file__).parent / "js").as_uri()

ENGINE = """
// What channel.js needs of the engine, with an event loop whose turns are counted out.
export const writes = [];
export const tasks = [];
export const loop = { busy: false, give: null };
export const args = [];
export const eventLoopHasMoreWork = () => loop.busy;
export const exit = () => {}, openSync = exit, revokeSync = exit, refOpPromise = exit, unrefOpPromise = exit;
export const collectGarbage = exit, runMicrotasks = exit;
export const setImmediate = (task) => tasks.push(task);
export const setTimeoutNative = setImmediate;
export const writeSync = (file, bytes) => {
    writes.push([...new TextDecoder().decode(bytes).matchAll(/"t":"([a-z]+)"/g)].map((found) => found[1]));
    return bytes.length;
};
export const readAsync = (file, room) => new Promise((resolve) => {
    loop.give = (bytes) => {
        room.set(bytes);
        resolve(bytes.length);
    };
});
"""
HARNESS = """
import { send, sendSoon, start } from "SCRIPTS/channel.js";
import { loop, tasks, writes } from "SCRIPTS/engine.js";

async function turns(count) {
    for (let i = 0; i < count; i++) {
        await new Promise((resolve) => setTimeout(resolve));
        for (const task of tasks.splice(0)) task();
    }
}
async function frame(value) {
    const header = new TextEncoder().encode(JSON.stringify(value));
    const whole = new Uint8Array(8 + header.length);
    new DataView(whole.buffer).setUint32(0, header.length);
    whole.set(header, 8);
    loop.give(whole);
    await turns(3);
}
const told = {};
const soon = (...inputs) => inputs.forEach((input) => sendSoon({ t: "life", input }));
start(({ t }) => ({
    async event() {
        send({ t: "call" });
        soon("added", "finished");
    },
    settle() {
        soon("settled");
        send({ t: "post" });
    },
    many() {
        for (let i = 0; i < 10; i++) sendSoon({ t: "life", error: "x".repeat(100_000) });
    },
    update() {},
})[t]());
for (const t of ["event", "settle", "many", "update"]) {
    await frame({ t });
    told[t] = writes.splice(0);
}
loop.busy = true;
await frame({ t: "event" });
told.busy = writes.splice(0);
soon("turn");
await turns(2);
loop.busy = false;
await turns(2);
told.after = writes.splice(0);
console.log(JSON.stringify(told));
"""


def test_the_steps_of_an_event_go_with_what_is_written_next(tmp_path: Path) -> None:
    engine, harness, imports = tmp_path / "engine.js", tmp_path / "harness.js", tmp_path / "imports.json"
    engine.write_text(ENGINE)
    harness.write_text(HARNESS.replace("SCRIPTS", SCRIPTS))
    imports.write_text(json.dumps({"imports": {f"{SCRIPTS}/engine.js": engine.as_uri()}}))
    command = [find_deno_bin(), "run", "--no-lock", "--import-map", str(imports), str(harness)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    # A call is written at once: the runtime goes on with it while the script computes.
    assert told["event"] == [["call"], ["life", "life", "idle"]]
    assert told["settle"] == [["life", "post"], ["idle"]]
    assert told["update"] == [["idle"]]
    # Not without end, and not for as long as the engine does something by itself.
    assert [len(each) for each in told["many"]] == [3, 3, 3, 2]
    assert told["busy"] == [["call"], ["life", "life"]]
    assert told["after"] == [["life"], ["idle"]]


def test_small_frames_to_a_process_go_in_one_write() -> None:
    outgoing = Outgoing()
    small, large = [b"a" * 1_000, b"b" * 1_000], b"c" * 300_000
    for data in (*small, large, *small):
        outgoing.put(data)
    writes = []
    while data := outgoing.next():
        writes.append(data)
        outgoing.taken(len(data))
    assert writes == [b"".join(small), large, b"".join(small)]
    assert outgoing.size == 0
    assert outgoing.next() == b""


def test_a_large_frame_is_not_copied_into_another_write() -> None:
    outgoing = Outgoing()
    large = b"c" * 300_000
    outgoing.put(large)
    assert outgoing.next() is large
