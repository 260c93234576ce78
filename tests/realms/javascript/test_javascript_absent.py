"""What browsers have and this version has not: a script that touches it is told, one that asks for it is not lied to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from swruntime.realms.javascript.installed import is_installed
from swruntime.testing import laboratory
from swruntime.testing.lab import Laboratory

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="JavaScript needs Deno: extra js"),
    pytest.mark.filterwarnings("ignore::swruntime.testing.diagnostics.DiagnosticWarning"),
]


async def in_page(lab: Laboratory, source: str) -> Any:
    """What the last statement of a page's script is worth."""
    (lab.site / "page.js").write_text(source)
    window = await lab.window(worker=None)
    return await window.run("/page.js")


async def in_worker(lab: Laboratory, source: str) -> Any:
    """What `result` is after a worker's script."""
    store = "caches.open('r').then((c) => c.put('/r', new Response(JSON.stringify(result))))"
    (lab.site / "worker.js").write_text(
        f"let result = null;\n{source}\naddEventListener('install', (e) => e.waitUntil({store}));"
    )
    window = await lab.window(worker="/worker.js")
    return json.loads(await (await window.caches.match("/r")).text())


def told(lab: Laboratory) -> list[tuple[str, str]]:
    return [
        (line["message"], line["where"])
        for line in lab.trace
        if line["kind"] == "diagnostic" and line["code"] == "not-implemented"
    ]


def sentence(name: str) -> str:
    return f"{name} is not implemented in this version of swruntime"


TOUCHED = [
    ("self.cookieStore;", "cookieStore"),
    ("try { cookieStore.get('a'); } catch {}", "cookieStore"),
    ("try { new WebSocket('ws://localhost/'); } catch {}", "WebSocket"),
    ("(() => { try { return WebSocket.OPEN; } catch {} })();", "WebSocket"),
    ("onpaymentrequest = () => {};", "onpaymentrequest"),
]


@pytest.mark.parametrize(("touch", "name"), TOUCHED)
async def test_a_global_that_is_touched_is_told_once_with_its_place(
    autojump_clock: object, touch: str, name: str
) -> None:
    async with laboratory() as lab:
        await in_worker(lab, f"\n{touch}\n{touch}")
        assert told(lab) == [(sentence(name), "worker.js:3")]


async def test_of_a_page(autojump_clock: object) -> None:
    async with laboratory() as lab:
        await in_page(
            lab,
            "try { document.title } catch {}\nself.localStorage;\ntry { XMLHttpRequest } catch {}\n"
            "try { alert('a'); } catch {}",
        )
        assert told(lab) == [
            (sentence("document"), "page.js:1"),
            (sentence("localStorage"), "page.js:2"),
            (sentence("XMLHttpRequest"), "page.js:3"),
            (sentence("alert"), "page.js:4"),
        ]


async def test_in_a_module(autojump_clock: object) -> None:
    async with laboratory() as lab:
        (lab.site / "page.mjs").write_text(
            "if (typeof document !== 'undefined') throw 1;\ntry { document } catch {}"
        )
        window = await lab.window(worker=None)
        await window.run("/page.mjs")
        assert told(lab) == [(sentence("document"), "page.mjs:2")]


async def test_who_asks_whether_it_is_there_is_told_the_truth_and_nothing_else(
    autojump_clock: object,
) -> None:
    async with laboratory() as lab:
        answer = await in_page(
            lab,
            """
            [
                'document' in self, 'WebSocket' in window, typeof document, typeof XMLHttpRequest, typeof alert,
                Object.hasOwn(self, 'document'), Reflect.has(self, 'cookieStore'),
                typeof document !== 'undefined' && document.title, typeof(document) === "undefined",
                ((key) => key in self && document)("document"),
                (() => { try { nothingOfTheKind; } catch (error) { return `${error}`; } })(),
            ]
            """,
        )
        assert answer == [
            False, False, "undefined", "undefined", "undefined", False, False, False, True, False,
            "ReferenceError: nothingOfTheKind is not defined",
        ]  # fmt: skip
        assert told(lab) == []


async def test_what_no_browser_has_in_that_scope_is_an_ordinary_mistake(autojump_clock: object) -> None:
    async with laboratory() as lab:
        await in_worker(
            lab, "self.document; self.oninstal = 1; self.cookie_store; try { XMLHttpRequest } catch {}"
        )
        assert told(lab) == []


async def test_a_script_may_define_it(autojump_clock: object) -> None:
    async with laboratory() as lab:
        source = "var document = { title: 'mine' };\nself.alert = (text) => text;\nself.WebSocket ??= 3;\n"
        answer = await in_page(lab, source + "[document.title, alert('a'), WebSocket]")
        assert answer == ["mine", "a", 3]
        assert told(lab) == [(sentence("WebSocket"), "page.js:3")]


async def test_no_script_can_see_how(autojump_clock: object) -> None:
    async with laboratory() as lab:
        answer = await in_worker(
            lab,
            """
            const { getPrototypeOf } = Object;
            result = [
                getPrototypeOf(self) === ServiceWorkerGlobalScope.prototype,
                getPrototypeOf(ServiceWorkerGlobalScope.prototype) === WorkerGlobalScope.prototype,
                getPrototypeOf(WorkerGlobalScope.prototype) === EventTarget.prototype,
                self instanceof WorkerGlobalScope && self instanceof EventTarget,
                Object.getOwnPropertyNames(WorkerGlobalScope.prototype).join(),
                `${Object.prototype.toString.call(WorkerGlobalScope.prototype)}`,
            ];
            """,
        )
        assert answer == [True, True, True, True, "constructor", "[object WorkerGlobalScope]"]
        page = await in_page(
            lab,
            """
            const { getPrototypeOf } = Object;
            const properties = getPrototypeOf(Window.prototype);
            [
                getPrototypeOf(self) === Window.prototype,
                `${Object.prototype.toString.call(properties)}`,
                getPrototypeOf(properties) === EventTarget.prototype,
            ]
            """,
        )
        assert page == [True, "[object WindowProperties]", True]


async def test_asking_in_a_loop_for_many_names_is_no_flood(autojump_clock: object) -> None:
    async with laboratory() as lab:
        source = "let n = 0; for (let i = 0; i < 50_000; i++) { if (typeof document === 'undefined') n++; self['x' + i]; } n"
        assert await in_page(lab, source) == 50_000
        assert told(lab) == []


MEMBERS = [
    ("new MessageEvent('a').initMessageEvent('b')", "MessageEvent.initMessageEvent"),
    ("new InstallEvent('install').addRoutes([])", "InstallEvent.addRoutes"),
]


@pytest.mark.parametrize(("call", "name"), MEMBERS)
async def test_a_member_that_is_called(autojump_clock: object, call: str, name: str) -> None:
    async with laboratory() as lab:
        source = f"(async () => {{ try {{ await {call}; }} catch (e) {{ result = [e.name, e.message, e instanceof DOMException]; }} }})();"
        assert await in_worker(lab, source) == ["NotSupportedError", sentence(name), True]
        assert told(lab) == [(sentence(name), "worker.js:2")]


async def test_a_handler_whose_event_is_never_fired(autojump_clock: object) -> None:
    async with laboratory() as lab:
        source = "const { port1 } = new MessageChannel(); port1.onclose;\nport1.onclose = () => {};\n[port1.onclose]"
        assert await in_page(lab, source) == [None]
        assert told(lab) == [(sentence("MessagePort.onclose"), "page.js:2")]


async def test_members_of_navigator_and_what_hangs_on_it(autojump_clock: object) -> None:
    async with laboratory() as lab:
        source = """
            if ('clipboard' in navigator || navigator.mine) throw new Error();
            navigator.clipboard;
            navigator.clipboard;
            try { navigator.storage.persist(); } catch {}
            try { navigator.permissions.request(); } catch {}
            [navigator.onLine, `${navigator}`, navigator === self.navigator, navigator instanceof Navigator]"""
        assert await in_page(lab, source) == [True, "[object Navigator]", True, True]
        assert told(lab) == [
            (sentence("Navigator.clipboard"), "page.js:3"),
            (sentence("StorageManager.persist"), "page.js:5"),
            (sentence("Permissions.request"), "page.js:6"),
        ]


async def test_a_page_does_not_navigate(autojump_clock: object) -> None:
    async with laboratory() as lab:
        source = """
            const failed = [];
            for (const go of [
                () => { location = '/a'; },
                () => { location.href = '/a'; },
                () => location.assign('/a'),
                () => location.replace('/a'), () => location.reload(), () => { location.hash = 'a'; },
            ]) {
                try { go(); } catch (error) { failed.push(error.name); }
            }
            [failed.join(), location.href]
        """
        names, href = await in_page(lab, source)
        assert names == ",".join(["NotSupportedError"] * 6)
        assert href == "http://localhost:8400/"
        assert [name for name, _ in told(lab)][:2] == [sentence("Window.location"), sentence("Location.href")]
