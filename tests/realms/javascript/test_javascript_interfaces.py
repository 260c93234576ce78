"""The members of the interfaces that a script has: what they make of their arguments, and what they throw."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from swruntime.realms.javascript.installed import is_installed
from swruntime.realms.javascript.words import in_javascript
from swruntime.testing import laboratory

pytestmark = pytest.mark.skipif(not is_installed(), reason="JavaScript needs Deno: extra js")

UNDEFINED = object()


@attrs.frozen
class Raised:
    """An exception, or a rejection: of that name, with `text` in its message; `dom`: a DOMException."""

    name: str
    text: str
    dom: bool = False


Row = tuple[str, Any]


def asking(rows: Sequence[Row]) -> str:
    """An expression: a promise of the JSON of what each row's expression gives."""
    functions = ",\n".join(f"() => ({expression})" for expression, _ in rows)
    return f"""(async () => {{
        const found = [];
        for (const ask of [{functions}]) {{
            try {{
                const value = await ask();
                found.push(value === undefined ? {{ absent: true }} : {{ value }});
            }} catch (error) {{
                const dom = error instanceof DOMException;
                const real = dom || (error instanceof self[error.name] && Object.hasOwn(error, "stack"));
                found.push({{ name: error.name, message: error.message, dom, real }});
            }}
        }}
        return JSON.stringify(found);
    }})()"""


def differences(rows: Sequence[Row], found: Sequence[dict[str, Any]]) -> list[tuple[str, Any]]:
    assert len(rows) == len(found)
    return [
        (expression, each)
        for (expression, expected), each in zip(rows, found, strict=True)
        if not is_as(expected, each)
    ]


def is_as(expected: Any, found: dict[str, Any]) -> bool:
    if isinstance(expected, Raised):
        return (found.get("name"), found.get("dom"), found.get("real")) == (
            expected.name,
            expected.dom,
            True,
        ) and expected.text in found["message"].replace("Failed to execute ", "").replace(
            "Failed to construct ", ""
        )
    return found == ({"absent": True} if expected is UNDEFINED else {"value": expected})


WORKER: list[Row] = [
    (
        "registration.backgroundFetch.fetch()",
        Raised("TypeError", "'fetch' on 'BackgroundFetchManager': 2 arguments required, but only 0 present"),
    ),
    (
        'registration.backgroundFetch.fetch("a")',
        Raised("TypeError", "'fetch' on 'BackgroundFetchManager': 2 arguments required, but only 1 present"),
    ),
    (
        'registration.backgroundFetch.fetch("a", [])',
        Raised("TypeError", "requests is empty; expected at least one URL or Request"),
    ),
    (
        'registration.backgroundFetch.fetch("", "/a")',
        Raised("TypeError", "id is ''; expected a name for the background fetch"),
    ),
    (
        'registration.backgroundFetch.fetch("a", "http://[")',
        Raised("TypeError", "'http://[' does not parse as a URL against 'http://localhost:8400/worker.js'"),
    ),
    (
        'registration.backgroundFetch.fetch("a", "/a", {downloadTotal: -1})',
        Raised(
            "TypeError",
            "'fetch' on 'BackgroundFetchManager': parameter 3: member 'downloadTotal' is -1; expected a number from 0 to 9007199254740991",
        ),
    ),
    (
        'registration.backgroundFetch.fetch("a", "/a", {downloadTotal: "5x"})',
        Raised(
            "TypeError",
            "'fetch' on 'BackgroundFetchManager': parameter 3: member 'downloadTotal' is NaN; expected a number from 0 to 9007199254740991",
        ),
    ),
    (
        'registration.backgroundFetch.fetch("a", "/a", {icons: 5})',
        Raised(
            "TypeError",
            "'fetch' on 'BackgroundFetchManager': parameter 3: member 'icons' is 5; expected a sequence",
        ),
    ),
    (
        'registration.backgroundFetch.fetch("a", "/a", {icons: [{}]})',
        Raised(
            "TypeError",
            "'fetch' on 'BackgroundFetchManager': parameter 3: member 'icons', element 0: required member 'src' is undefined",
        ),
    ),
    (
        'registration.backgroundFetch.fetch("a", "/a", {icons: [{src: "http://["}]})',
        Raised(
            "TypeError",
            "icons[0]['src']: 'http://[' does not parse as a URL against 'http://localhost:8400/worker.js'",
        ),
    ),
    (
        'registration.backgroundFetch.fetch("a", new Request("/a", {method: "POST", body: "x", mode: "no-cors"}))',
        Raised(
            "TypeError",
            "the request for http://localhost:8400/a has mode 'no-cors'; a background fetch takes 'cors'",
        ),
    ),
    (
        'registration.backgroundFetch.fetch("a", ["/a", 5, Symbol()])',
        Raised(
            "TypeError",
            "'fetch' on 'BackgroundFetchManager': parameter 2, element 2 is a symbol; expected a string",
        ),
    ),
    (
        'registration.backgroundFetch.fetch("a", "data:,x")',
        Raised("TypeError", "the request is for data:,x; expected http or https"),
    ),
    (
        "registration.backgroundFetch.get()",
        Raised("TypeError", "'get' on 'BackgroundFetchManager': 1 argument required, but only 0 present"),
    ),
    (
        'registration.backgroundFetch.get(Symbol("x"))',
        Raised("TypeError", "'get' on 'BackgroundFetchManager': parameter 1 is a symbol; expected a string"),
    ),
    ('registration.backgroundFetch.get("x")', UNDEFINED),
    ("registration.backgroundFetch.getIds()", []),
    (
        "caches.open()",
        Raised("TypeError", "'open' on 'CacheStorage': 1 argument required, but only 0 present"),
    ),
    (
        "caches.match()",
        Raised("TypeError", "'match' on 'CacheStorage': 1 argument required, but only 0 present"),
    ),
    ("caches.has()", Raised("TypeError", "'has' on 'CacheStorage': 1 argument required, but only 0 present")),
    ('caches.delete("nope")', False),
    ("caches.keys()", []),
    ('caches.match("/x", {cacheName: "none"})', UNDEFINED),
    (
        'caches.match("/x", 5)',
        Raised("TypeError", "'match' on 'CacheStorage': parameter 2 is 5; expected an object"),
    ),
    (
        'caches.open("c").then((c) => c.match())',
        Raised("TypeError", "'match' on 'Cache': 1 argument required, but only 0 present"),
    ),
    (
        'caches.open("c").then((c) => c.put("/a"))',
        Raised("TypeError", "'put' on 'Cache': 2 arguments required, but only 1 present"),
    ),
    (
        'caches.open("c").then((c) => c.put("/a", 5))',
        Raised("TypeError", "'put' on 'Cache': parameter 2 is not of type 'Response'"),
    ),
    (
        'caches.open("c").then((c) => c.put(new Request("/a", {method: "POST"}), new Response("")))',
        Raised("TypeError", "the request's method is POST; a cache takes GET"),
    ),
    (
        'caches.open("c").then((c) => c.put("/a", new Response("", {status: 206})))',
        Raised(
            "TypeError", "the response for http://localhost:8400/a is partial (206); a cache takes whole ones"
        ),
    ),
    (
        'caches.open("c").then((c) => c.put("/a", new Response("", {headers: {vary: "*"}})))',
        Raised("TypeError", "the response for http://localhost:8400/a has 'Vary: *', which matches nothing"),
    ),
    (
        'caches.open("c").then((c) => c.put("ftp://a/", new Response("")))',
        Raised("TypeError", "the request is for ftp://a/; a cache takes http and https"),
    ),
    (
        'caches.open("c").then((c) => { const r = new Response("a"); r.text(); return c.put("/a", r); })',
        Raised("TypeError", "The body is used already, or its stream is locked"),
    ),
    (
        'caches.open("c").then((c) => c.add("/missing"))',
        Raised("TypeError", "http://localhost:8400/missing answered 404; expected an ok status"),
    ),
    (
        'caches.open("c").then((c) => c.addAll("abc"))',
        Raised("TypeError", "'addAll' on 'Cache': parameter 1 is 'abc'; expected a sequence"),
    ),
    (
        'caches.open("c").then((c) => c.addAll(5))',
        Raised("TypeError", "'addAll' on 'Cache': parameter 1 is 5; expected a sequence"),
    ),
    (
        'caches.open("c").then((c) => c.addAll([new Request("/a", {method: "PUT"})]))',
        Raised("TypeError", "the request's method is PUT; a cache takes GET"),
    ),
    (
        'caches.open("c").then((c) => c.delete())',
        Raised("TypeError", "'delete' on 'Cache': 1 argument required, but only 0 present"),
    ),
    ("clients.get()", Raised("TypeError", "'get' on 'Clients': 1 argument required, but only 0 present")),
    ('clients.get("x")', UNDEFINED),
    (
        'clients.matchAll({type: "windows"})',
        Raised(
            "TypeError",
            "'matchAll' on 'Clients': parameter 1: member 'type': 'windows' is not a valid value for enumeration ClientType",
        ),
    ),
    (
        "clients.openWindow()",
        Raised("TypeError", "'openWindow' on 'Clients': 1 argument required, but only 0 present"),
    ),
    ('clients.openWindow("about:blank")', Raised("TypeError", "url is about:blank; expected a page")),
    (
        'clients.openWindow("/x")',
        Raised(
            "InvalidAccessError",
            "openWindow is allowed while an event of a user's click is handled",
            dom=True,
        ),
    ),
    (
        "clients.claim()",
        Raised("InvalidStateError", "claim by a worker that is not active: call it in onactivate", dom=True),
    ),
    ("skipWaiting.call({})", Raised("TypeError", "Illegal invocation")),
    (
        "registration.update()",
        Raised(
            "InvalidStateError",
            "update by a worker that is installing: call it in onactivate, or later",
            dom=True,
        ),
    ),
    (
        "registration.showNotification()",
        Raised(
            "TypeError",
            "'showNotification' on 'ServiceWorkerRegistration': 1 argument required, but only 0 present",
        ),
    ),
    (
        'registration.showNotification("a")',
        Raised(
            "TypeError",
            "http://localhost:8400/ has no active worker; await navigator.serviceWorker.ready first",
        ),
    ),
    (
        'registration.showNotification("a", {dir: "up"})',
        Raised(
            "TypeError",
            "'showNotification' on 'ServiceWorkerRegistration': parameter 2: member 'dir': 'up' is not a valid value for enumeration NotificationDirection",
        ),
    ),
    (
        'registration.showNotification("a", {actions: [{}]})',
        Raised(
            "TypeError",
            "'showNotification' on 'ServiceWorkerRegistration': parameter 2: member 'actions', element 0: required member 'action' is undefined",
        ),
    ),
    (
        'registration.showNotification("a", {timestamp: -1})',
        Raised(
            "TypeError",
            "'showNotification' on 'ServiceWorkerRegistration': parameter 2: member 'timestamp' is -1; expected a number from 0 to 9007199254740991",
        ),
    ),
    (
        "registration.getNotifications({tag: Symbol()})",
        Raised(
            "TypeError",
            "'getNotifications' on 'ServiceWorkerRegistration': parameter 1: member 'tag' is a symbol; expected a string",
        ),
    ),
    (
        "registration.navigationPreload.setHeaderValue()",
        Raised(
            "TypeError",
            "'setHeaderValue' on 'NavigationPreloadManager': 1 argument required, but only 0 present",
        ),
    ),
    (
        'registration.navigationPreload.setHeaderValue("Ā")',
        Raised(
            "TypeError",
            "'setHeaderValue' on 'NavigationPreloadManager': parameter 1 is 'Ā'; expected no character beyond U+00FF",
        ),
    ),
    (
        'registration.navigationPreload.setHeaderValue("a\\nb")',
        Raised("InvalidStateError", "http://localhost:8400/ has no active worker", dom=True),
    ),
    ("registration.navigationPreload.getState()", {"enabled": False, "headerValue": "true"}),
    (
        "registration.navigationPreload.enable()",
        Raised("InvalidStateError", "http://localhost:8400/ has no active worker", dom=True),
    ),
    (
        "registration.sync.register()",
        Raised("TypeError", "'register' on 'SyncManager': 1 argument required, but only 0 present"),
    ),
    (
        'registration.sync.register("a")',
        Raised(
            "InvalidStateError",
            "http://localhost:8400/ has no active worker; await navigator.serviceWorker.ready first",
            dom=True,
        ),
    ),
    (
        'registration.periodicSync.register("a", {minInterval: -1})',
        Raised(
            "TypeError",
            "'register' on 'PeriodicSyncManager': parameter 2: member 'minInterval' is -1; expected a number from 0 to 9007199254740991",
        ),
    ),
    (
        'registration.periodicSync.register("a")',
        Raised(
            "InvalidStateError",
            "http://localhost:8400/ has no active worker; await navigator.serviceWorker.ready first",
            dom=True,
        ),
    ),
    (
        "registration.pushManager.subscribe()",
        Raised(
            "InvalidStateError",
            "http://localhost:8400/ has no active worker; await navigator.serviceWorker.ready",
            dom=True,
        ),
    ),
    (
        "registration.pushManager.subscribe({userVisibleOnly: true})",
        Raised(
            "InvalidStateError",
            "http://localhost:8400/ has no active worker; await navigator.serviceWorker.ready",
            dom=True,
        ),
    ),
    (
        'registration.pushManager.subscribe({applicationServerKey: "a!"})',
        Raised(
            "InvalidCharacterError", "applicationServerKey is 'a!'; expected base64url, or bytes", dom=True
        ),
    ),
    (
        "registration.pushManager.subscribe({userVisibleOnly: true, applicationServerKey: 5})",
        Raised(
            "InvalidCharacterError", "applicationServerKey is '5'; expected base64url, or bytes", dom=True
        ),
    ),
    ("registration.pushManager.permissionState()", "granted"),
    ("registration.pushManager.permissionState({userVisibleOnly: true})", "granted"),
    ("registration.pushManager.getSubscription()", None),
    (
        "navigator.permissions.query()",
        Raised("TypeError", "'query' on 'Permissions': 1 argument required, but only 0 present"),
    ),
    (
        "navigator.permissions.query({})",
        Raised("TypeError", "'query' on 'Permissions': parameter 1: required member 'name' is undefined"),
    ),
    (
        'navigator.permissions.query({name: "nope"})',
        Raised(
            "TypeError",
            "name is 'nope'; expected one of background-fetch, notifications, push, background-sync, periodic-background-sync",
        ),
    ),
    (
        'navigator.permissions.query({name: "background-fetch"}).then((s) => [s.name, s.state, s.onchange, String(s)])',
        ["background-fetch", "granted", None, "[object PermissionStatus]"],
    ),
    ("navigator.storage.estimate().then((e) => Object.keys(e).sort().join())", "quota,usage"),
    # What the runtime answers with has the prototypes of the script's own.
    ("navigator.storage.estimate().then((e) => Object.getPrototypeOf(e) === Object.prototype)", True),
    ("registration.sync.getTags().then((tags) => [tags instanceof Array, ...tags])", [True]),
    ("registration.periodicSync.getTags().then((tags) => [tags instanceof Array, ...tags])", [True]),
    ("registration.navigationPreload.getState().then((state) => `${state}`)", "[object Object]"),
    ("navigator.onLine", True),
    ("'serviceWorker' in navigator", False),
    ("String(navigator)", "[object WorkerNavigator]"),
    ("String(location)", "http://localhost:8400/worker.js"),
    ("location.href", "http://localhost:8400/worker.js"),
    ("location.port", "8400"),
    ("origin", "http://localhost:8400"),
    ("isSecureContext", True),
    ("crossOriginIsolated", False),
    ("serviceWorker.state", "installing"),
    ("serviceWorker.scriptURL", "http://localhost:8400/worker.js"),
    (
        "serviceWorker.postMessage()",
        Raised("TypeError", "'postMessage' on 'ServiceWorker': 1 argument required, but only 0 present"),
    ),
    (
        "serviceWorker.postMessage(1, 5)",
        Raised("TypeError", "'postMessage' on 'ServiceWorker': parameter 2 is 5; expected an object"),
    ),
    (
        "serviceWorker.postMessage(1, [5])",
        Raised(
            "TypeError", "'postMessage' on 'ServiceWorker': parameter 2, element 0 is 5; expected an object"
        ),
    ),
    (
        "new BroadcastChannel()",
        Raised("TypeError", "'BroadcastChannel': 1 argument required, but only 0 present"),
    ),
    (
        "new BroadcastChannel(Symbol())",
        Raised("TypeError", "'BroadcastChannel': parameter 1 is a symbol; expected a string"),
    ),
    ("new BroadcastChannel(5).name", "5"),
    (
        '(() => { const c = new BroadcastChannel("a"); c.close(); c.postMessage(1); })()',
        Raised("InvalidStateError", "The channel is closed", dom=True),
    ),
    (
        'new BroadcastChannel("a").postMessage()',
        Raised("TypeError", "'postMessage' on 'BroadcastChannel': 1 argument required, but only 0 present"),
    ),
    ('BroadcastChannel("a")', Raised("TypeError", "Class constructors cannot be invoked without 'new'")),
    ("String(new MessageChannel())", "[object MessageChannel]"),
    (
        "new MessageChannel().port1.postMessage()",
        Raised("TypeError", "'postMessage' on 'MessagePort': 1 argument required, but only 0 present"),
    ),
    (
        "(() => { const {port1} = new MessageChannel(); port1.postMessage(1, {transfer: 5}); })()",
        Raised(
            "TypeError",
            "'postMessage' on 'MessagePort': parameter 2: member 'transfer' is 5; expected a sequence",
        ),
    ),
    ("new MessageChannel().port1.onmessage", None),
    (
        'new MessageEvent("a", {ports: [1]})',
        Raised(
            "TypeError", "'MessageEvent': parameter 2: member 'ports', element 0 is 1; expected a MessagePort"
        ),
    ),
    (
        'new MessageEvent("a", {source: {}})',
        Raised(
            "TypeError",
            "'MessageEvent': parameter 2: member 'source' is an object; expected a Window, ServiceWorker or MessagePort",
        ),
    ),
    ('new MessageEvent("a", {data: 5}).data', 5),
    (
        'new ExtendableMessageEvent("a", {source: self})',
        Raised(
            "TypeError",
            "'ExtendableMessageEvent': parameter 2: member 'source' is an object; expected a Client, ServiceWorker or MessagePort",
        ),
    ),
    (
        'new FetchEvent("fetch")',
        Raised("TypeError", "'FetchEvent': 2 arguments required, but only 1 present"),
    ),
    (
        'new FetchEvent("fetch", {})',
        Raised("TypeError", "'FetchEvent': parameter 2: required member 'request' is undefined"),
    ),
    (
        'new FetchEvent("fetch", {request: 5})',
        Raised("TypeError", "'FetchEvent': parameter 2: member 'request' is 5; expected a Request"),
    ),
    (
        'new FetchEvent("fetch", {request: new Request("/a")}).respondWith(1)',
        Raised(
            "InvalidStateError",
            "respondWith: the event is not being dispatched any more; call it before the first await",
            dom=True,
        ),
    ),
    (
        'new ExtendableEvent("a").waitUntil()',
        Raised("TypeError", "'waitUntil' on 'ExtendableEvent': 1 argument required, but only 0 present"),
    ),
    (
        'new ExtendableEvent("a").waitUntil(1)',
        Raised("InvalidStateError", "An event that a script made cannot be extended", dom=True),
    ),
    (
        'new SyncEvent("a", {})',
        Raised("TypeError", "'SyncEvent': parameter 2: required member 'tag' is undefined"),
    ),
    ('new SyncEvent("a", {tag: "x"}).tag', "x"),
    (
        'new NotificationEvent("a", {notification: 5})',
        Raised(
            "TypeError",
            "'NotificationEvent': parameter 2: member 'notification' is 5; expected a Notification",
        ),
    ),
    ('new PushEvent("push", {data: "[1]"}).data.json()', [1]),
    ('new PushEvent("push", {data: 5}).data.text()', "5"),
    ('new PushEvent("push").data', None),
    (
        'new BackgroundFetchEvent("a", {registration})',
        Raised(
            "TypeError",
            "'BackgroundFetchEvent': parameter 2: member 'registration' is an object; expected a BackgroundFetchRegistration",
        ),
    ),
    ("new Cache()", Raised("TypeError", "Illegal constructor")),
    ("new Client()", Raised("TypeError", "Illegal constructor")),
    ('new Notification("x")', Raised("TypeError", "Illegal constructor")),
    ("Notification.permission", "granted"),
    ("Notification.maxActions", 2),
    ("Notification.requestPermission", UNDEFINED),
    ('importScripts("http://[")', Raised("SyntaxError", "http://[ is not a valid URL", dom=True)),
    (
        'importScripts("/nope.js")',
        Raised("NetworkError", "the script http://localhost:8400/nope.js answered 404", dom=True),
    ),
    ("fetch()", Raised("TypeError", "'fetch': 1 argument required, but only 0 present")),
    (
        'fetch("http://[")',
        Raised(
            "TypeError",
            "'Request': 'http://[' does not parse as a URL against 'http://localhost:8400/worker.js'",
        ),
    ),
    ("structuredClone()", Raised("TypeError", "'structuredClone': 1 argument required, but only 0 present")),
    ("reportError()", Raised("TypeError", "'reportError': 1 argument required, but only 0 present")),
]

PAGE: list[Row] = [
    (
        "navigator.serviceWorker.register()",
        Raised(
            "TypeError", "'register' on 'ServiceWorkerContainer': 1 argument required, but only 0 present"
        ),
    ),
    (
        'navigator.serviceWorker.register("http://[")',
        Raised("TypeError", "'http://[' does not parse as a URL against 'http://localhost:8400/'"),
    ),
    (
        'navigator.serviceWorker.register("https://other.example/sw.js")',
        Raised(
            "SecurityError",
            "the script URL https://other.example/sw.js is not of the page's origin http://localhost:8400; serve it from there",
            dom=True,
        ),
    ),
    (
        'navigator.serviceWorker.register("/worker.js", {scope: "http://["})',
        Raised("TypeError", "'http://[' does not parse as a URL against 'http://localhost:8400/'"),
    ),
    (
        'navigator.serviceWorker.register("/worker.js", {scope: "https://other.example/"})',
        Raised(
            "SecurityError",
            "the scope https://other.example/ is not of the page's origin http://localhost:8400; serve it from there",
            dom=True,
        ),
    ),
    (
        'navigator.serviceWorker.register("/nope.js")',
        Raised(
            "TypeError",
            "the script http://localhost:8400/nope.js answered 404",
        ),
    ),
    (
        'navigator.serviceWorker.register("/worker.js", {type: "x"})',
        Raised(
            "TypeError",
            "'register' on 'ServiceWorkerContainer': parameter 2: member 'type': 'x' is not a valid value for enumeration WorkerType",
        ),
    ),
    (
        'navigator.serviceWorker.register("/worker.js", {updateViaCache: "x"})',
        Raised(
            "TypeError",
            "'register' on 'ServiceWorkerContainer': parameter 2: member 'updateViaCache': 'x' is not a valid value for enumeration ServiceWorkerUpdateViaCache",
        ),
    ),
    (
        'navigator.serviceWorker.getRegistration("http://[")',
        Raised("TypeError", "'http://[' does not parse as a URL against 'http://localhost:8400/'"),
    ),
    (
        'navigator.serviceWorker.getRegistration("https://other.example/")',
        Raised(
            "SecurityError",
            "clientURL is https://other.example/, of another origin than http://localhost:8400",
            dom=True,
        ),
    ),
    ('navigator.serviceWorker.getRegistration("/").then((r) => r.scope)', "http://localhost:8400/"),
    (
        'navigator.serviceWorker.getRegistration("/").then((r) => r.showNotification("a", {actions: [{action: "a"}]}))',
        Raised(
            "TypeError",
            "'showNotification' on 'ServiceWorkerRegistration': parameter 2: member 'actions', element 0: required member 'title' is undefined",
        ),
    ),
    (
        'navigator.serviceWorker.getRegistration("/").then((r) => r.backgroundFetch.fetch("a", "/a", {downloadTotal: 1e300}))',
        Raised(
            "TypeError",
            "'fetch' on 'BackgroundFetchManager': parameter 3: member 'downloadTotal' is 1e+300; expected a number from 0 to 9007199254740991",
        ),
    ),
    ("navigator.serviceWorker.getRegistrations().then((r) => [r.length, Object.isFrozen(r)])", [1, True]),
    ("navigator.serviceWorker.startMessages.call({})", Raised("TypeError", "Illegal invocation")),
    ("navigator.serviceWorker.controller", None),
    ("Object.isFrozen(navigator.languages)", True),
    ("Notification.permission", "granted"),
    (
        "Notification.requestPermission(5)",
        Raised("TypeError", "'requestPermission' on 'Notification': parameter 1 is 5; expected a function"),
    ),
    ("Notification.requestPermission()", "granted"),
    ("typeof clients", "undefined"),
    ("String(window)", "[object Window]"),
    ("self === window && window === top && parent === frames", True),
    ("(self.parent = 5, parent)", 5),
    ("String(caches)", "[object CacheStorage]"),
    ("navigator.serviceWorker.ready.then((r) => r.active.state)", "activated"),
    (
        'Object.getOwnPropertyDescriptor(window, "caches").get.call({})',
        Raised("TypeError", "Illegal invocation"),
    ),
    ('Object.getOwnPropertyDescriptor(window, "caches").get.call(undefined) === caches', True),
]


@pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")
async def test_in_a_worker(autojump_clock: object) -> None:
    async with laboratory() as lab:
        (lab.site / "worker.js").write_text(
            f"addEventListener('install', (event) => event.waitUntil({asking(WORKER)}"
            ".then(async (text) => (await caches.open('told')).put('/told', new Response(text)))));"
        )
        window = await lab.window(worker="/worker.js")
        found = await (await window.caches.match("/told")).json()
        assert differences(WORKER, found) == []


async def test_in_a_page(autojump_clock: object) -> None:
    async with laboratory() as lab:
        (lab.site / "worker.js").write_text("")
        (lab.site / "page.js").write_text(asking(PAGE))
        window = await lab.window(worker="/worker.js")
        assert differences(PAGE, json.loads(await window.run("/page.js"))) == []


def test_messages_have_the_names_of_javascript() -> None:
    assert in_javascript("download_total is -1; call update_ui, or open_window") == (
        "downloadTotal is -1; call updateUI, or openWindow"
    )
    assert in_javascript("await service_worker.ready first") == "await navigator.serviceWorker.ready first"


def test_what_is_the_scripts_own_stays_as_it_is() -> None:
    for text in (
        "http://localhost/download_total.mp3",
        "'download_total'",
        "my_download_total",
        "my_own_name is 5",
    ):
        assert in_javascript(text) == text
