"""Twenty thousand of anything at once: taken, in bounded memory; what the runtime takes for that is not the script's time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
import trio

from swruntime.realms.javascript import calls, moving
from swruntime.realms.javascript.channel import Channel
from swruntime.realms.javascript.deno import Process
from swruntime.realms.javascript.worker_realm import JavaScriptWorkerRealm
from swruntime.realms.python import watchdog
from tests.realms.javascript.test_javascript_containment import Attacked, attacked

pytest.importorskip("deno")

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

MIB = 1024 * 1024


@attrs.define
class Pipe:
    """Stands in for a process, whose pipe holds a hundred bytes, `there` of which nobody has read."""

    there: int = 0
    holds: int = 100

    def unread(self) -> int:
        return self.there

    def kill(self) -> None:
        pass


def busy_at(pipe: Pipe) -> Channel:
    """A channel whose script has something to do."""
    found = Channel(
        cast(Process, pipe),
        handle=lambda frame: None,
        ended=lambda reason: None,
        begin_activity=lambda: lambda: None,
    )
    found.send({"t": "update"})
    return found


async def test_a_script_that_computes_is_not_excused() -> None:
    busy = busy_at(pipe := Pipe())
    for pipe.there in (0, 10):
        busy.receive({"t": "post", "op": "release", "args": [1, 1]})
        busy.look(5.0)
    assert busy.waited == 0


async def test_a_script_that_waits_in_a_write_is() -> None:
    busy = busy_at(pipe := Pipe())
    pipe.there = 60  # of small pieces, each a page of its own, a full pipe may have no more than half
    for _ in range(2):
        busy.receive({"t": "post", "op": "release", "args": [1, 1]})
        busy.look(5.0)
    assert busy.waited == 10
    busy.receive({"t": "alive"})
    assert busy.waited == 0


async def test_nor_is_it_blamed_where_the_runtime_stands_still() -> None:
    """What it has written may be that it is idle."""
    busy = busy_at(pipe := Pipe())
    busy.look(1.0)
    pipe.there = 10
    busy.look(5.0)
    assert busy.waited == 5


async def test_who_does_not_read_what_it_has_asked_for_is_not_excused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = busy_at(pipe := Pipe())
    monkeypatch.setattr(moving, "MOST_UNSENT", 1000)
    pipe.there = 100
    busy.send({"t": "settle", "id": 1, "value": b"x" * 1000})
    busy.look(5.0)
    assert busy.waited == 0


async def test_time_passes_while_a_script_has_too_many_calls_under_way(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not say that it is idle, and the clock would stand still: nothing that it waits for would come."""
    monkeypatch.setattr(calls, "MOST_CALLS", 10)
    async with attacked() as them:
        them.lab.origin.add("/slow", b"x", delay=5)
        await them.post(
            "Promise.all(Array.from({ length: 35 }, () => fetch('/slow'))).then((all) => console.log(all.length))"
        )
        assert said(them) == ["35"]
        assert not them.told("script-process-ended")


async def test_thousands_of_requests_of_one_transaction(autojump_clock: object) -> None:
    """Each was taken off the front of a list of them all: the square of their number."""
    async with attacked() as them:
        await them.post(
            """
            new Promise((resolve) => {
                const opening = indexedDB.open("many");
                opening.onupgradeneeded = () => opening.result.createObjectStore("all", { autoIncrement: true });
                opening.onsuccess = () => {
                    const transaction = opening.result.transaction("all", "readwrite");
                    for (let i = 0; i < 20000; i++) transaction.objectStore("all").add(i);
                    transaction.oncomplete = () => resolve(console.log("complete"));
                };
            })
            """
        )
        assert said(them) == ["complete"]
        assert not them.told("script-process-ended")


@pytest.mark.slow
async def test_who_does_not_read_is_ended(
    impatient: None, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOST_UNSENT", 500_000)
    async with attacked() as them:
        await them.post("for (;;) caches.has('a')")
        [ended] = them.told("script-process-ended")
        assert "it has not given way for 2 s" in ended
        assert await them.works()


@pytest.mark.slow
async def test_an_endless_flood_has_an_end(impatient: None, autojump_clock: object) -> None:
    async with attacked() as them:
        await them.post("for (;;) console.debug('x')")
        [ended] = them.told("script-process-ended")
        assert "it has not given way for 2 s" in ended
        assert await them.works()


def said(them: Attacked) -> list[str]:
    return [line["text"] for line in them.lab.trace if line["kind"] == "console" and line["level"] == "log"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "PATIENCE", 0.5)
    monkeypatch.setattr(watchdog, "MOST", 2.0)


def peak(process: int | str) -> Callable[[], int]:
    """From now on: the bytes of memory by which the most that a process had exceeds what it has now."""
    folder = Path(f"/proc/{process}")

    def memory(what: str) -> int:
        (line,) = (line for line in (folder / "status").read_text().splitlines() if line.startswith(what))
        return int(line.split()[1]) * 1024

    (folder / "clear_refs").write_text("5")
    before = memory("VmRSS:")
    return lambda: memory("VmHWM:") - before


def process_of(them: Attacked) -> int:
    """The worker's."""
    [engine] = [
        cast(Any, realm)._engine
        for realm in them.lab.user_agent.services.realms
        if isinstance(realm, JavaScriptWorkerRealm)
    ]
    return int(engine.channel.process.pid)


FLOODS = {
    "calls outstanding": """
        const all = Array.from({ length: 20_000 }, (_, i) => caches.has("a" + i));
        Promise.all(all).then((found) => console.log(found.length))""",
    "messages": """
        clients.matchAll({ includeUncontrolled: true }).then(([client]) => {
            for (let i = 0; i < 20_000; i++) client.postMessage(i);
            console.log("20000");
        })""",
    "messages to itself": """
        new Promise((resolve) => {
            const { port1, port2 } = new MessageChannel();
            let last = 0;
            port2.onmessage = ({ data }) => {
                if (data === ++last && last === 20_000) resolve(console.log(`${last}`));
            };
            for (let i = 1; i <= 20_000; i++) port1.postMessage(i);
        })""",
    "lines": "for (let i = 0; i < 20_000; i++) console.debug('x'.repeat(100)); console.log('20000')",
    "timers": "for (let i = 0; i < 20_000; i++) setTimeout(() => {}); console.log('20000')",
}


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("code", FLOODS.values(), ids=FLOODS.keys())
async def test_twenty_thousand_are_taken(code: str, autojump_clock: object) -> None:
    async with attacked() as them:
        assert await them.works()
        script, runtime = peak(process_of(them)), peak("self")
        with trio.fail_after(600):
            them.registration.active.post_message(code)
            await them.lab.user_agent.settled()
        grown = script(), runtime()
        assert said(them) == ["20000"]
        assert not them.told("script-process-ended")
        assert max(grown) < 200 * MIB, grown
        if "matchAll" in code:
            assert them.heard == ["pong", *range(20_000)]
        assert await them.works()
