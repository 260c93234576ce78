"""What a script makes the runtime hold in memory has a bound: its realm ends with a line, and nothing else does."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any, cast

import attrs
import pytest
import trio

from swruntime.agent import held, notifications, user_agent
from swruntime.agent.held import Held
from swruntime.errors import QuotaExceededError, ScriptError
from swruntime.realms.javascript import calls, indexed_db, indexed_requests, lifetimes, moving, texts
from swruntime.realms.javascript.worker_realm import JavaScriptWorkerRealm
from swruntime.testing import laboratory
from tests.realms.javascript.test_javascript_containment import Attacked, attacked

pytest.importorskip("deno")

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

BOUND = 4_000_000
PIECE = 400_000


@attrs.define
class Peak:
    """The most bytes that were ever held for one realm or origin."""

    bytes: int = 0


@pytest.fixture
def peak(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peak]:
    """A small bound, and what was held below it."""
    peak = Peak()
    check = Held._check

    def noting(self: Held) -> None:
        if self.on_excess is not None or self.most_bytes > BOUND:
            peak.bytes = max(peak.bytes, self.bytes)
        check(self)

    monkeypatch.setattr(Held, "_check", noting)
    monkeypatch.setattr(held, "MOST_BYTES", BOUND)
    return peak  # type: ignore[return-value]


def repeated(statement: str) -> str:
    return f"(async () => {{ for (let i = 0; i < 30; i++) {{ {statement}; await new Promise((r) => setTimeout(r, 1)); }} }})()"


BYTES = f"new Uint8Array({PIECE})"
TEXT = f"'a'.repeat({PIECE})"
QUIET = "(await clients.matchAll({ includeUncontrolled: true })).find(({ url }) => url.endsWith('/quiet'))"
KEEP = "globalThis.kept ??= []; "

FLOODS = {
    "messages to a port that nobody starts": (
        f"globalThis.channel = new MessageChannel(); {repeated(f'channel.port1.postMessage({BYTES})')}",
        "messages that nobody has taken",
    ),
    "messages in messages": (
        f"""let {{ port1, port2 }} = new MessageChannel(); globalThis.kept = port1; {
            repeated(f'''
            const next = new MessageChannel(); next.port1.postMessage({BYTES}, [port2]); port2 = next.port2''')
        }""",
        "messages that nobody has taken",
    ),
    "messages of many values": (
        f"""globalThis.channel = new MessageChannel(); const all = Array.from({{ length: 1_000 }}, () => ({{}}));
            {repeated("channel.port1.postMessage(all)")}""",
        "messages that nobody has taken",
    ),
    "many small messages": (
        "globalThis.channel = new MessageChannel(); for (let i = 0; i < 10_000; i++) channel.port1.postMessage(i)",
        "messages that nobody has taken",
    ),
    "messages to a page that does not listen": (
        f"(async () => {{ const page = {QUIET}; await {repeated(f'page.postMessage({BYTES})')} }})()",
        "messages that nobody has taken",
    ),
    "channels": (
        f"{KEEP} for (let i = 0; i < 10_000; i++) kept.push(new MessageChannel())",
        "objects that the script has not let go of",
    ),
    "names of channels": (
        f"{KEEP} {repeated(f'kept.push(new BroadcastChannel({TEXT} + i))')}",
        "objects that the script has not let go of",
    ),
    "clones": (
        f"{KEEP} fetch('/').then((r) => {{ for (let i = 0; i < 10_000; i++) kept.push(r.clone()) }})",
        "objects that the script has not let go of",
    ),
    "timers": ("for (let i = 0; i < 10_000; i++) setTimeout(() => {}, 1e8)", "timers"),
    "listeners": (
        "for (let i = 0; i < 20_000; i++) registration.addEventListener(`updatefound${i}`, () => {})",
        "listeners",
    ),
    "answers that nobody reads": (
        f"{KEEP} {repeated('kept.push(await fetch(`/big?${i}`)); kept.push(await fetch(`/big?${i}`))').replace('30', '100')}",
        "bodies that nobody reads",
    ),
    "a clone that nobody reads": (
        """fetch("/huge").then(async (response) => {
            globalThis.kept = response.clone();
            const reader = response.body.getReader();
            while (!(await reader.read()).done);
        })""",
        "bodies that were cloned and are not read",
    ),
    "databases": (
        "for (let i = 0; i < 30; i++) indexedDB.open(`a${i}`); new Promise((r) => setTimeout(r, 1000))",
        "databases that are open",
    ),
    "scripts": (
        "for (let i = 0; i < 30; i++) try { importScripts(`https://cdn.test/lib.js?${i}`) } catch {}",
        "scripts and their source maps",
    ),
}


def engine_of(them: Attacked) -> Any:
    [engine] = [
        cast(Any, realm)._engine
        for realm in them.lab.user_agent.services.realms
        if isinstance(realm, JavaScriptWorkerRealm)
    ]
    return engine


@pytest.mark.parametrize(("code", "what"), FLOODS.values(), ids=FLOODS.keys())
async def test_the_realm_that_floods_is_ended(
    code: str, what: str, peak: Peak, autojump_clock: object
) -> None:
    async with attacked() as them:
        them.lab.origin.add("/", b"home")
        them.lab.origin.add("/big", b"x" * 200_000)
        them.lab.origin.add("/huge", b"x" * 12_000_000)
        them.lab.origin_at("https://cdn.test").add(
            "/lib.js", b"//" + b"x" * PIECE, headers={"Content-Type": "text/javascript"}
        )
        await them.lab.user_agent.open_window("/quiet")
        await them.post(code)
        [ended] = them.told("script-process-ended")
        assert f"are the limit: above all {what} (" in ended
        assert "\n" not in ended
        assert "interrupted" in them.ends() or "fulfilled" in them.ends()
        assert peak.bytes < 2 * BOUND
        assert await them.works()


async def test_a_page_that_floods_ends_and_holds_nothing(peak: Peak, autojump_clock: object) -> None:
    async with laboratory() as lab:
        (lab.site / "flood.js").write_text(FLOODS["messages to a port that nobody starts"][0])
        (lab.site / "good.js").write_text("setTimeout(() => {}, 10); 1 + 1")
        page = await lab.user_agent.open_window("/")
        other = await lab.user_agent.open_window("/")
        counted = cast(Any, page)._window_realm.context.held
        with pytest.raises(ScriptError, match="above all messages that nobody has taken"):
            await page.run("/flood.js")
        gc.collect()
        assert counted.bytes == counted.bytes_of("scripts and their source maps")
        assert await page.run("/good.js") == 2
        assert await other.run("/good.js") == 2
        # It has the whole bound again, and it is one.
        with pytest.raises(ScriptError, match="above all messages that nobody has taken"):
            await page.run("/flood.js")
        assert peak.bytes < 2 * BOUND


PAGE = """
    new BroadcastChannel("open");
    for (let i = 0; i < 10; i++) setTimeout(() => {}, 1e8);
    indexedDB.open("a");
    fetch("/slow");
"""


async def test_of_a_page_whose_process_has_ended_nothing_is_left(autojump_clock: object) -> None:
    async with laboratory() as lab:
        lab.origin.add("/slow", b"x", delay=1000)
        (lab.site / "page.js").write_text(f"{PAGE} setTimeout(() => fetch('/slow'), 1)")
        page = await lab.user_agent.open_window("/")
        context = cast(Any, page)._window_realm.context
        async with trio.open_nursery() as nursery:

            async def run() -> None:
                with pytest.raises(ScriptError):
                    await page.run("/page.js")

            nursery.start_soon(run)
            await trio.sleep(10)
            assert context.held.bytes_of("timers") > 0
            assert context.held.bytes_of("databases that are open") > 0
            cast(Any, page)._window_realm._javascript._engine.channel.process.kill()
        await trio.sleep(1)
        gc.collect()
        assert context.held.bytes == context.held.bytes_of("scripts and their source maps")
        assert lab.user_agent.services.broadcasts._channels == {}


async def test_what_a_worker_has_sent_in_its_lives_counts_for_its_origin(
    peak: Peak, autojump_clock: object
) -> None:
    async with attacked() as them:
        await them.lab.user_agent.open_window("/quiet")
        lives = 0
        while not them.told("script-process-ended"):
            await them.post(
                f"(async () => {{ const page = {QUIET}; for (let i = 0; i < 6; i++) page.postMessage({BYTES}) }})()"
            )
            lives += 1
            await them.lab.user_agent.terminate_worker(them.registration)
        [ended] = them.told("script-process-ended")
        assert lives > held.REALMS
        assert "bytes for its origin, and 16,000,000 are the limit" in ended
        assert peak.bytes < (held.REALMS + 1) * BOUND
        # Another origin has a bound of its own.
        assert them.lab.user_agent.services.held_for("https://other.test").bytes == 0


async def test_calls_with_large_arguments_wait_for_one_another(
    peak: Peak, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MOST_CALL_BYTES", 1_000_000)
    async with attacked() as them:
        await them.post(
            f"""(async () => {{
                const cache = await caches.open("a");
                await Promise.all(Array.from({{ length: 30 }}, (_, i) => cache.put(`/${{i}}`, new Response({BYTES}))));
                console.log(`${{(await cache.keys()).length}} are there`);
            }})()"""
        )
        assert [line["text"] for line in them.lab.trace if line["kind"] == "console"] == ["30 are there"]
        assert not them.told("script-process-ended")
        assert peak.bytes < BOUND


async def test_a_message_may_be_larger_than_the_bound(peak: Peak, autojump_clock: object) -> None:
    async with attacked() as them:
        await them.post(
            f"(async () => {{ const [page] = await clients.matchAll({{ includeUncontrolled: true }}); "
            f"page.postMessage(new Uint8Array({2 * BOUND})) }})()"
        )
        [data] = them.heard
        assert len(data) == 2 * BOUND
        assert not them.told("script-process-ended")


async def test_what_was_taken_is_not_held(peak: Peak, autojump_clock: object) -> None:
    """Ten times the bound, one after the other, also by an event that lasts."""
    async with attacked() as them:
        for _ in range(100):
            them.registration.active.post_message(
                "new Promise((resolve) => setTimeout(resolve, 1e5))" + " " * PIECE
            )
        await them.post(
            f"""new Promise((resolve) => {{
                const {{ port1, port2 }} = new MessageChannel();
                let heard = 0;
                port2.onmessage = () => ++heard < 100 ? port1.postMessage({BYTES}) : resolve();
                port1.postMessage({BYTES});
            }})"""
        )
        assert set(them.ends()) == {"fulfilled"}
        assert not them.told("script-process-ended")
        assert engine_of(them)._held.bytes < PIECE


async def test_a_clone_that_was_read_is_forgotten_by_its_realm(autojump_clock: object) -> None:
    async with attacked() as them:
        them.lab.origin.add("/", b"home")
        await them.post("0")
        before = len(engine_of(them).realm.context._on_discard)
        await them.post(
            """(async () => {
                for (let i = 0; i < 50; i++) {
                    const response = await fetch("/"), clone = response.clone();
                    await Promise.all([response.text(), clone.text()]);
                }
            })()"""
        )
        assert len(engine_of(them).realm.context._on_discard) <= before + 1


async def test_calls_that_are_over_are_forgotten_while_their_event_lasts(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetimes, "MOST_BEGUN", 20)
    most = 0
    begin = lifetimes._Dispatched.begin

    def noting(self: Any, *given: Any) -> None:
        nonlocal most
        begin(self, *given)
        most = max(most, len(self.begun))

    monkeypatch.setattr(lifetimes._Dispatched, "begin", noting)
    worker = """
        async function work() {
            for (let i = 0; i < 300; i++) await caches.has("a");
            caches.open("left");
        }
        addEventListener("message", (event) => event.waitUntil(work()));
    """
    async with attacked(worker) as them:
        await them.post("")
        assert 20 <= most < 60
        assert len(them.told("missing-wait-until")) == 1


async def test_notifications_of_an_origin_have_a_bound(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "MOST_BYTES", 1_000_000)
    monkeypatch.setattr(notifications, "MOST", 20)
    code = """(async () => {
        let shown = 0;
        for (let i = 0; i < 30; i++) {
            try { await registration.showNotification("a", OPTIONS); shown++; }
            catch (error) { console.log(error.name); break; }
        }
        console.log(`${shown} are shown`);
    })()"""
    async with attacked() as them:
        await them.post(code.replace("OPTIONS", f"{{ data: {BYTES} }}"))
        await them.post(code.replace("OPTIONS", "{ tag: 'same' }"))
        await them.post(code.replace("OPTIONS", "{}"))
        assert [line["text"] for line in them.lab.trace if line["kind"] == "console"] == [
            *("QuotaExceededError", "2 are shown"),
            "30 are shown",
            *("QuotaExceededError", "17 are shown"),
        ]
        await them.lab.user_agent.notifications[0].close()
        await them.post(code.replace("OPTIONS", "{}"))
        assert [line["text"] for line in them.lab.trace if line["kind"] == "console"][-1] == "1 are shown"
        with pytest.raises(QuotaExceededError, match="shows 20 notifications, and may show 20"):
            await (await them.page.navigator.service_worker.ready).show_notification("a")


async def test_errors_that_are_kept_are_short_and_few(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swruntime.agent.user_agent.MOST_ERRORS", 5)
    async with attacked() as them:
        for _ in range(8):
            await them.post(f"throw new Error({TEXT})")
        await them.post(f"Promise.reject(new Error({TEXT}))")
        errors = them.lab.user_agent.script_errors
        assert len(errors) == 5
        assert all(len(str(error)) < user_agent.LONGEST_ERROR + 100 for error in errors)
        longest = max(
            len(line[key]) for line in them.lab.trace for key in ("text", "message", "error") if line.get(key)
        )
        assert PIECE <= longest < texts.LONGEST_LINE + 200, "the trace has them whole, up to a line's length"


@pytest.mark.parametrize(
    ("text", "most", "shortened"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc... (1 characters more)"),
        ("x" * 2_000, 5, "xxxxx... (1,995 characters more)"),
    ],
)
def test_a_long_text_is_cut(text: str, most: int, shortened: str) -> None:
    assert texts.shortened(text, most) == shortened


async def test_values_of_a_database_are_read_no_faster_than_the_script_takes_them(
    peak: Peak, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOST_UNSENT", 1_000_000)
    async with attacked() as them:
        await them.post(
            f"""new Promise((resolve) => {{
                const opening = indexedDB.open("a");
                opening.onupgradeneeded = () => opening.result.createObjectStore("s").put({BYTES}, 1);
                opening.onsuccess = () => {{
                    let read = 0;
                    for (let i = 0; i < 30; i++) {{
                        const request = opening.result.transaction("s").objectStore("s").get(1);
                        request.onsuccess = () => ++read === 30 && resolve(console.log(`${{request.result.length}}`));
                    }}
                }};
            }})"""
        )
        assert [line["text"] for line in them.lab.trace if line["kind"] == "console"] == [str(PIECE)]
        assert not them.told("script-process-ended")
        assert peak.bytes < BOUND


async def test_what_a_transaction_reads_is_read_in_parts(
    peak: Peak, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests of a batch together, and one that reads several records."""
    monkeypatch.setattr(moving, "MOST_UNSENT", 1_000_000)
    monkeypatch.setattr(indexed_db, "MOST_ANSWERED", 1_000_000)
    monkeypatch.setattr(indexed_requests, "MOST_READ", 3_000_000)
    async with attacked() as them:
        await them.post(
            f"""new Promise((resolve) => {{
                const opening = indexedDB.open("a");
                opening.onupgradeneeded = () => {{
                    const store = opening.result.createObjectStore("s");
                    for (let i = 0; i < 10; i++) store.put({BYTES}, i);
                }};
                opening.onsuccess = () => {{
                    const store = opening.result.transaction("s").objectStore("s");
                    const read = [];
                    for (let i = 0; i < 30; i++) store.get(i % 10).onsuccess = ({{ target }}) => read.push(target.result.length);
                    store.getAll(null, 5).onsuccess = ({{ target }}) => console.log(`${{target.result.length}}`);
                    const all = store.getAll();
                    all.onerror = (event) => {{ event.preventDefault(); console.log(all.error.name, read.length); }};
                    store.transaction.oncomplete = resolve;
                }};
            }})"""
        )
        assert [line["text"] for line in them.lab.trace if line["kind"] == "console"] == [
            "5",
            "UnknownError 30",
        ]
        assert not them.told("script-process-ended")
        assert peak.bytes < BOUND


async def test_headers_of_what_is_kept_count(peak: Peak, autojump_clock: object) -> None:
    async with attacked() as them:
        await them.post(
            f"""(async () => {{
                const cache = await caches.open("a");
                await cache.put("/a", new Response("", {{ headers: {{ a: {TEXT} }} }}));
                {KEEP}
                for (let i = 0; i < 30; i++) kept.push(await cache.match("/a"));
            }})()"""
        )
        [ended] = them.told("script-process-ended")
        assert "objects that the script has not let go of" in ended
        assert await them.works()
