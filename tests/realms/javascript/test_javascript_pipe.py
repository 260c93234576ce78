"""Forged frames over real pipes, from another process, by the real clock: the two ways to move frames have code of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import trio

from swruntime.realms.javascript import start
from swruntime.realms.javascript.deno import Process
from swruntime.testing import laboratory

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

STAND_IN = """
import json, struct, sys
head = struct.Struct(">II")
def say(frame):
    data = json.dumps(frame).encode()
    sys.stdout.buffer.write(head.pack(len(data), 0) + data)
    sys.stdout.buffer.flush()
say({"t": "ready", "version": 1})
heard = 0
while len(begin := sys.stdin.buffer.read(8)) == 8:
    header, payload = head.unpack(begin)
    frame = json.loads(sys.stdin.buffer.read(header))
    sys.stdin.buffer.read(payload)
    heard += 1
    if frame["t"] == "run":
        say({"t": "answer", "id": frame["id"], "value": {"events": [["message", None]]}})
    elif frame.get("is") == "ExtendableMessageEvent":
        for each in json.loads(sys.argv[1]):
            say(each)
        continue
    elif frame["t"] == "event":
        say({"t": "life", "event": frame["event"], "input": "finished"})
    say({"t": "idle", "seen": heard})
"""


async def after(said: list[Any], monkeypatch: pytest.MonkeyPatch, *, ends: bool) -> str:
    """Have a worker's process say that. The line that tells of its end, and whether a page still works, at once."""

    def start_process() -> Process:
        answers, ours = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", STAND_IN, json.dumps(said)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[answers],
        )  # fmt: skip
        os.close(answers)
        return Process(process, ours)

    monkeypatch.setattr(start, "start_process", start_process)
    async with laboratory() as lab:
        lab.origin_at("http://other.test:8400").add(
            "/large.js", b" " * 1_000_000, content_type="text/javascript"
        )
        (lab.site / "sw.js").write_text("1;")
        page = await lab.window("/", worker="/sw.js")
        registration = await page.navigator.service_worker.ready
        registration.active.post_message("begin")
        ended: list[str] = []
        while ends and not ended:
            await trio.sleep(0.01)
            ended = [line["message"] for line in lab.trace if line.get("code") == "script-process-ended"]
        if not ends:
            asked = lab.origin_at("http://other.test:8400").requests
            while not asked:  # noqa: ASYNC110 - a server that is not ours to change
                await trio.sleep(0.01)
            await trio.sleep(0.1)
        assert await page.caches.has("none") is False
        return "".join(ended)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"t": "answer", "id": 1, "value": "x"}, "an answer to 1, which was not asked"),
        (
            {"t": "call", "id": 1, "op": "body.read", "args": [1], "at": None},
            "neither a request nor a response",
        ),
        ({"t": "idle", "seen": "x"}, "seen is 'x'"),
    ],
)
async def test_a_forged_frame_ends_the_realm(
    frame: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await after([frame], monkeypatch, ends=True)
    assert reason in line
    assert "\n" not in line


async def test_two_questions_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    question = {"t": "ask", "op": "importScript", "args": ["http://other.test:8400/large.js"], "at": None}
    assert "it asks while it waits" in await after([question, question], monkeypatch, ends=True)


async def test_who_does_not_read_the_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime's one thread waited in the write, until the watchdog ended the process after half a minute."""
    question = {"t": "ask", "op": "importScript", "args": ["http://other.test:8400/large.js"], "at": None}
    assert await after([question], monkeypatch, ends=False) == ""
