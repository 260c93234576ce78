"""Each road by which the text of a script comes, and what must not come by it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

import swruntime
from swruntime import ScriptError, SecurityError, SiteError
from swruntime.realms.javascript import scripts as javascript_scripts
from swruntime.storage import open_profile
from swruntime.testing.origin import RequestRecord
from tests.agent.conftest import HOME, Lab

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

SECRET = "SECRET = 1"
"""A script in both languages, of which nothing must be heard."""

SCRIPT = {"Content-Type": "text/javascript"}

PRIVATE = (
    *(".env", "%2eenv", "%2Eenv", ".git/config", "lib/.hidden.js", ".sw.js.swp", ".%23sw.js", ".swruntime/x.js"),
    *("_headers", "%5fheaders", "outside.js", "out/outside.js", "lib/up/outside.js", "env.js", "headers.js"),
    *("kept/profile.sqlite3", "kept/bodies/1", "kept/x.js", "profile/x.js", "..%2foutside.js", "lib%2fa.js"),
    *("LIB/a.js", "lib/A.js", "lib/a.js.", "lib/a.js%20", "lib/a.js%00", "lib/a.js/", "lib/a.js%00.js", "%252eenv"),
    *("lib/a.js~", "lib/%23a.js%23", "lib/a.js.orig", "notes.txt", "data.json", "page.html", "lib/noname", "pipe.js"),
)  # fmt: skip
"""Paths of what is not served, or is not a script."""


def furnish(lab: Lab) -> None:
    """Put all of it into SITE; each file, and each that it could be taken for, is a script that tells on itself."""
    site = lab.site
    names = (
        *(
            ".env",
            ".git/config",
            "lib/.hidden.js",
            ".sw.js.swp",
            ".#sw.js",
            ".swruntime/x.js",
            "kept/bodies/1",
        ),
        *(
            "kept/x.js",
            "lib/a.js~",
            "lib/#a.js#",
            "lib/a.js.orig",
            "notes.txt",
            "data.json",
            "page.html",
            "lib/noname",
        ),
        *("../outside.js", "../.env"),
    )
    open_profile(site / "kept").close()
    for name in names:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(SECRET)
    (site / "_headers").write_text(f"/nowhere\n  X-Key: {SECRET}\n")
    (site / "lib" / "a.js").write_text("self.a = 1")
    links = {
        "outside.js": "../outside.js",
        "out": "..",
        "lib/up": "../..",
        "env.js": ".env",
        "headers.js": "_headers",
    }
    for name, target in {**links, "profile": "kept"}.items():
        (site / name).symlink_to(target)
    os.mkfifo(site / "pipe.js")


def check(found: dict[str, Any], names: tuple[str, ...] = PRIVATE) -> None:
    """What each name of `names` came to: the name of an exception, and its text, which tells nothing."""
    assert list(found) == list(names)
    for path, (error, text) in found.items():
        assert error in ("NetworkError", "TypeError", "SecurityError"), (path, error, text)
        assert "SECRET" not in text


IN_WORKER = """
const found = {};
for (const path of PATHS) {
    try {
        importScripts(`/${path}`);
        found[path] = ["loaded", ""];
    } catch (error) {
        found[path] = [error.name, `${error}${error.stack}${Object.values(error)}`];
    }
    if (typeof SECRET !== "undefined") found[path] = ["run", ""];
}
onmessage = (event) => event.source.postMessage(found);
"""

IN_PAGE = """
const found = {};
for (const path of PATHS) {
    try {
        await ROAD;
        found[path] = ["loaded", ""];
    } catch (error) {
        found[path] = [error.name, `${error}${error.stack}${Object.values(error)}`];
    }
}
console.log(JSON.stringify(found));
"""

CONTROL = "lib/a.js"
"""What does come, by the same road."""


async def test_import_scripts(lab: Lab, autojump_clock: object) -> None:
    furnish(lab)
    lab.worker(IN_WORKER.replace("PATHS", json.dumps([*PRIVATE, CONTROL])), "sw.js")
    async with lab.open(ready=False, profile=lab.site / "other") as agent:
        window = await agent.open_window("/")
        heard: list[Any] = []
        window.navigator.service_worker.add_event_listener("message", lambda event: heard.append(event.data))
        await window.navigator.service_worker.register("/sw.js")
        registration = await window.navigator.service_worker.ready
        registration.active.post_message("tell")
        await agent.settled()
    (found,) = heard
    assert found.pop(CONTROL) == ["loaded", ""]
    check(found)
    assert "over a link that leads out of SITE" in found["outside.js"][1]
    assert "notes.txt is text/plain; expected a JavaScript type" in found["notes.txt"][1]
    assert "in SITE's _headers, write /notes.txt and" in found["notes.txt"][1]


@pytest.mark.parametrize(
    "road",
    [
        "import(`/${path}`)",
        # A page's script and a worker's own module are linked before they run.
        "import(`/static.mjs?${path}`)",
        "navigator.serviceWorker.register(`/${path}`)",
        "navigator.serviceWorker.register(`/${path}`, { type: 'module' })",
        # A process for each.
        pytest.param(
            "navigator.serviceWorker.register(`/static-worker.mjs?${path}`, { type: 'module' })",
            marks=pytest.mark.slow,
        ),
        pytest.param("navigator.serviceWorker.register(`/importing.js?${path}`)", marks=pytest.mark.slow),
    ],
    ids=["dynamic", "static", "worker", "module-worker", "static-in-worker", "importing-worker"],
)
async def test_roads_of_a_page(lab: Lab, autojump_clock: object, road: str) -> None:
    furnish(lab)
    paths = [*PRIVATE, CONTROL]
    lab.worker(IN_PAGE.replace("PATHS", json.dumps(paths)).replace("ROAD", road), "page.mjs")
    for path in paths:
        # The lab's origin answers for what SITE does not have: with what imports it.
        text = f'import "/{path}";'
        lab.origin.add(f"/static.mjs?{path}", text, headers=SCRIPT)
        lab.origin.add(f"/static-worker.mjs?{path}", text, headers=SCRIPT)
        lab.origin.add(f"/importing.js?{path}", f'importScripts("/{path}");', headers=SCRIPT)
    async with lab.open(ready=False, profile=lab.site / "other") as agent:
        window = await agent.open_window("/")
        await window.run("/page.mjs")
        await agent.settled()
    found = json.loads(lab.console[-1])
    assert found.pop(CONTROL) == ["loaded", ""]
    check(found)


async def test_a_page_script(lab: Lab, autojump_clock: object) -> None:
    furnish(lab)
    found = {}
    async with lab.open(ready=False, profile=lab.site / "other") as agent:
        window = await agent.open_window("/")
        for path in PRIVATE:
            with pytest.raises(SiteError) as caught:
                await window.run(f"/{path}")
            found[path] = ("TypeError", str(caught.value))
    check(found)


PYTHON = (
    *(".env.py", "%2eenv.py", ".git/config.py", "lib/.hidden.py", ".swruntime/x.py", "outside.py", "out/outside.py"),
    *("lib/up/outside.py", "env.py", "headers.py", "kept/x.py", "kept/bodies/1.py", "profile/x.py", "..%2foutside.py"),
    *("lib%2fa.py", "LIB/a.py", "lib/A.py", "lib/a.PY", "lib/a.py/", "lib/a.py%00", "lib/a.py%00.py", "%252eenv.py"),
)  # fmt: skip
"""The same, of scripts in Python."""


def furnish_python(lab: Lab) -> None:
    furnish(lab)
    names = (
        ".env",
        ".git/config",
        "lib/.hidden",
        ".swruntime/x",
        "kept/x",
        "kept/bodies/1",
        "../outside",
        "lib/a",
    )
    for name in names:
        (lab.site / f"{name}.py").write_text(SECRET)
    for name, target in {
        "outside.py": "../outside.py",
        "env.py": ".env.py",
        "headers.py": "_headers",
    }.items():
        (lab.site / name).symlink_to(target)


async def test_a_python_worker_and_what_it_imports(lab: Lab, autojump_clock: object) -> None:
    """Nor does anything come that is not a Python script by its name: SITE's other files may be anybody's."""
    furnish_python(lab)
    paths = [*PYTHON, *PRIVATE]
    modules = [
        "kept.x",
        "profile.x",
        "outside",
        "out.outside",
        "lib.up.outside",
        "env",
        "kept.bodies.1",
        "../outside",
    ]
    lab.worker(
        f"""
import asyncio
found = {{}}
for path in {paths!r}:
    try:
        import_scripts(f"/{{path}}")
        found[path] = ("loaded", "")
    except Exception as error:
        found[path] = (getattr(error, "name", type(error).__name__), str(error))
    assert "SECRET" not in globals()
for name in {modules!r}:
    try:
        __import__(name)
        found[name] = ("loaded", "")
    except ImportError as error:
        found[name] = ("NetworkError", str(error))
def onmessage(event):
    event.source.post_message(found)
"""
    )
    async with lab.open(ready=False, profile=lab.site / "other") as agent:
        window = await agent.open_window("/")
        container = window.navigator.service_worker
        heard: list[Any] = []
        container.add_event_listener("message", lambda event: heard.append(event.data))
        await container.register("/worker.py")
        (await container.ready).active.post_message("tell")
        await agent.settled()
        (found,) = heard
        check(found, (*paths, *modules))
        assert "over a link that leads out of SITE" in found["outside"][1]
        refused = {}
        for path in PYTHON:
            # Where a slash is hidden, registering says so.
            with pytest.raises(TypeError) as caught:
                await container.register(f"/{path}")
            refused[path] = ("TypeError", str(caught.value))
            with pytest.raises(SiteError) as also:
                await window.run(f"/{path}")
            assert "SECRET" not in str(also.value)
        check(refused, PYTHON)


async def test_a_python_script_never_comes_over_the_network(lab: Lab, autojump_clock: object) -> None:
    python = {"Content-Type": "text/x-python"}
    lab.origin.add("/other.py", SECRET, headers=python)
    lab.internet.origin_at("https://cdn.example").add("/other.py", SECRET, headers=python, cors="*")
    lab.worker("import_scripts('/other.py')", "imports.py")
    lab.worker("import other", "module.py")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        register = window.navigator.service_worker.register
        with pytest.raises(TypeError, match="there is no file /other.py"):
            await register("/other.py")
        for path in ("/imports.py", "/module.py"):
            with pytest.raises(TypeError, match="other"):
                await register(path)
        with pytest.raises(SiteError, match="there is no file"):
            await window.run("/other.py")
    assert [seen.path for seen in lab.origin.requests if "other" in seen.path] == []


async def test_a_javascript_worker_runs_no_python(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SECRET, "a.py")
    lab.worker("importScripts('/a.py')", "sw.js")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        with pytest.raises(TypeError, match="a.py is text/x-python; expected a JavaScript type"):
            await window.navigator.service_worker.register("/sw.js")


# Source maps

MAPPED = "console.log('here');\n//# sourceMappingURL="


@pytest.mark.parametrize(
    "where", [*PRIVATE, "file:///etc/passwd", "https://cdn.example/a.map", "../../.env", "%2e%2e/outside.js"]
)
async def test_source_maps(lab: Lab, autojump_clock: object, where: str) -> None:
    """What is served is read for a map, a text as well; nothing of it is told."""
    furnish(lab)
    lab.internet.origin_at("https://cdn.example").add("/a.map", SECRET)
    lab.worker(f"{MAPPED}{where}", "page.js")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        await window.run("/page.js")
    assert "SECRET" not in "".join(map(str, lab.lines))
    assert lab.internet.origin_at("https://cdn.example").requests == []
    assert lab.one("console", text="here")["where"] == "page.js:1"


# What is asked for


def asked(seen: RequestRecord) -> tuple[str | None, ...]:
    names = (
        "Service-Worker",
        "Sec-Fetch-Dest",
        "Sec-Fetch-Mode",
        "Sec-Fetch-Site",
        "Referer",
        "Cache-Control",
    )
    return tuple(seen.headers.get(name.lower()) for name in names)


async def test_what_is_asked_for(lab: Lab, autojump_clock: object) -> None:
    cdn = lab.internet.origin_at("https://cdn.example")
    for origin in (lab.origin, cdn):
        for name in ("/lib.js", "/module.js", "/dynamic.js"):
            origin.add(name, "self.x = 1;", headers=SCRIPT, cors="*")
    lab.origin.add("/sw.js", "importScripts('/lib.js', 'https://cdn.example/lib.js');", headers=SCRIPT)
    text = "import '/module.js'; import 'https://cdn.example/module.js';"
    lab.origin.add("/module-worker.js", text, headers=SCRIPT)
    lab.origin.add("/page.js", "1", headers=SCRIPT)
    lab.origin.add("/page.mjs", "await import('https://cdn.example/dynamic.js');", headers=SCRIPT)
    page = f"{HOME}/in/page"
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/in/page")
        container = window.navigator.service_worker
        await container.register("/sw.js", scope="/a")
        await container.register("/module-worker.js", scope="/b", type="module")
        await agent.settled()
        await window.run("/page.js")
        await window.run("/page.mjs")
        seen = {each.url: asked(each) for each in (*lab.origin.requests, *cdn.requests)}
        there = cdn.url
        same, cross = "same-origin", "cross-site"
        worker = f"{HOME}/module-worker.js"
        fresh = "max-age=0"
        assert seen == {
            f"{HOME}/in/page": seen[page],
            f"{HOME}/sw.js": ("script", "serviceworker", same, same, page, fresh),
            f"{HOME}/lib.js": (None, "script", "no-cors", same, f"{HOME}/sw.js", None),
            f"{there}/lib.js": (None, "script", "no-cors", cross, f"{HOME}/", None),
            f"{HOME}/module-worker.js": ("script", "serviceworker", same, same, page, fresh),
            f"{HOME}/module.js": (None, "serviceworker", "cors", same, worker, None),
            f"{there}/module.js": (None, "serviceworker", "cors", cross, f"{HOME}/", None),
            f"{HOME}/page.js": (None, "script", "no-cors", same, page, None),
            f"{HOME}/page.mjs": (None, "script", "cors", same, page, None),
            f"{there}/dynamic.js": (None, "script", "cors", cross, f"{HOME}/", None),
        }
        # A soft update is nobody's: it has no referrer.
        lab.origin.requests.clear()
        for registration in agent.registrations.all():
            agent.registrations.soft_update(registration)
        await agent.settled()
        again = {each.path: asked(each) for each in lab.origin.requests}
        assert again["/sw.js"] == ("script", "serviceworker", same, same, None, fresh)


@attrs.frozen
class Main:
    error: type[Exception]
    says: str
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=lambda: dict(SCRIPT))


MAINS = {
    "redirect": Main(SecurityError, "was redirected", 302, {**SCRIPT, "Location": "/real.js"}),
    "redirect elsewhere": Main(SecurityError, "was redirected", 307, {"Location": "https://cdn.example/real.js"}),
    "another type": Main(SecurityError, "is text/html; expected a JavaScript type", headers={"Content-Type": "text/html"}),
    "no type": Main(SecurityError, "is of no type", headers={}),
    "json": Main(SecurityError, "is application/json", headers={"Content-Type": "application/json"}),
    "not found": Main(TypeError, "answered 404", 404),
    "server error": Main(TypeError, "answered 500", 500),
}  # fmt: skip


@pytest.mark.parametrize("type", ["classic", "module"])
@pytest.mark.parametrize("main", MAINS)
async def test_a_main_script_that_is_refused(lab: Lab, autojump_clock: object, main: str, type: str) -> None:
    expected = MAINS[main]
    lab.origin.add("/real.js", SECRET, headers=SCRIPT)
    lab.origin.add("/sw.js", SECRET, status=expected.status, headers=expected.headers)
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        with pytest.raises(expected.error, match=expected.says) as caught:
            await container.register("/sw.js", type=type)
        assert "SECRET" not in str(caught.value)
        assert await container.get_registrations() == []
    assert "/real.js" not in [seen.path for seen in lab.origin.requests]


async def test_a_type_from_site_and_what_mends_it(lab: Lab, autojump_clock: object) -> None:
    lab.worker("", "worker.ts")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        with pytest.raises(
            SecurityError, match="write /worker.ts and, indented below it, Content-Type: text/java"
        ):
            await container.register("/worker.ts")
    (lab.site / "_headers").write_text("/worker.ts\n  Content-Type: text/javascript\n")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/worker.ts")
        await container.ready


@pytest.mark.parametrize("name", ["sw.js", "sw.mjs", "sw.cjs"])
async def test_names_of_scripts(lab: Lab, autojump_clock: object, name: str) -> None:
    lab.worker("console.log('runs')", name)
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register(f"/{name}")
        await agent.settled()
    assert "runs" in lab.console


async def test_a_script_of_the_network_has_its_own_headers(
    lab: Lab, autojump_clock: object, tmp_path: Path
) -> None:
    """Its scope and its policies are what its own server says; the profile keeps them with it."""
    policy = "connect-src 'none'; script-src 'self' https://cdn.example"
    lab.origin.add("/a", "a")
    said = "fetch('/a').catch((error) => error.message).then((r) => e.source.postMessage(`${r}`))"
    text = f"onmessage = (e) => e.waitUntil({said});"  # settled() waits for what extends an event
    headers = {**SCRIPT, "Service-Worker-Allowed": "/", "Content-Security-Policy": policy}
    lab.origin.add("/deep/sw.js", text, headers=headers)
    lab.origin.add("/other/sw.js", text, headers=SCRIPT)
    for _ in range(2):
        async with lab.open(ready=False, profile=tmp_path / "profile") as agent:
            window = await agent.open_window("/")
            container = window.navigator.service_worker
            heard: list[Any] = []
            container.add_event_listener("message", lambda event, to=heard: to.append(event.data))
            await container.register("/deep/sw.js", scope="/")
            (await container.ready).active.post_message("")
            await agent.settled()
            assert "connect-src 'none'" in heard[0]
            with pytest.raises(SecurityError, match="not below /other/"):
                await container.register("/other/sw.js", scope="/")


async def test_an_import_that_does_not_come_is_no_change(lab: Lab, autojump_clock: object) -> None:
    cdn = lab.internet.origin_at("https://cdn.example")
    cdn.add("/lib.js", "self.lib = 1;", headers=SCRIPT)
    lab.worker("self.own = 1;", "own.js")
    lab.worker("importScripts('/own.js', 'https://cdn.example/lib.js'); console.log('runs');", "sw.js")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        registration = await container.register("/sw.js")
        await agent.settled()
        cdn.add("/lib.js", "gone", status=404)
        (lab.site / "own.js").unlink()
        await registration.update()
        await agent.settled()
        assert registration.waiting is registration.installing is None
        # A new main script needs it.
        lab.worker("importScripts('/own.js', 'https://cdn.example/lib.js'); // new", "sw.js")
        with pytest.raises(TypeError, match=r"sw.js failed while it was evaluated.*own.js answered 404"):
            await registration.update()
    assert lab.console.count("runs") == 1


# Another origin's script may be run, and not be read


@pytest.mark.parametrize(
    "text",
    ["SECRET SECRET", "throw new Error('SECRET')", "throw 'SECRET'", "SECRET()", "let a; let a /* SECRET */"],
)
@pytest.mark.parametrize("road", ["cross-origin", "redirected"])
async def test_errors_of_another_origins_script_are_muted(
    lab: Lab, autojump_clock: object, text: str, road: str
) -> None:
    """https://html.spec.whatwg.org/multipage/webappapis.html#run-a-classic-script, step 8"""
    lab.internet.origin_at("https://cdn.example").add("/lib.js", text, headers=SCRIPT)
    lab.origin.add("/lib.js", redirect="https://cdn.example/lib.js")
    url = "https://cdn.example/lib.js" if road == "cross-origin" else "/lib.js"
    lab.worker(
        f"try {{ importScripts('{url}') }} catch (error) {{"
        " console.log(error.name, error instanceof DOMException, /SECRET/.test(error + error.stack)) }",
        "sw.js",
    )
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.js")
        await agent.settled()
    assert lab.console == ["NetworkError true false"]


async def test_muted_after_a_restart_too(lab: Lab, autojump_clock: object, tmp_path: Path) -> None:
    throws = "if (self.registration.active) throw new Error('SECRET');"
    lab.internet.origin_at("https://cdn.example").add("/lib.js", throws, headers=SCRIPT)
    lab.origin.add("/lib.js", redirect="https://cdn.example/lib.js")
    lab.worker(
        "try { importScripts('/lib.js') } catch (error) { console.log(`${error}`) } onmessage = () => {}",
        "sw.js",
    )
    for _ in range(2):
        async with lab.open(ready=False, profile=tmp_path / "profile") as agent:
            container = (await agent.open_window("/")).navigator.service_worker
            await container.register("/sw.js")
            (await container.ready).active.post_message("")
            await agent.settled()
    assert lab.console == [f"NetworkError: The script at '{HOME}/lib.js' failed"]


async def test_what_another_origins_script_throws_later_is_muted(lab: Lab, autojump_clock: object) -> None:
    """https://html.spec.whatwg.org/multipage/webappapis.html#report-an-exception and #hostpromiserejectiontracker"""
    cdn = lab.internet.origin_at("https://cdn.example")
    cdn.add(
        "/lib.js",
        "throws = () => { throw new Error('SECRET'); }; rejects = () => { Promise.reject(new Error('SECRET')); };",
        headers=SCRIPT,
    )
    lab.worker(
        "let throws, rejects; importScripts('https://cdn.example/lib.js');"
        "onerror = null; addEventListener('error', (event) => { event.preventDefault();"
        " console.log(event.message, event.filename, event.lineno, event.colno, event.error); });"
        "addEventListener('unhandledrejection', (event) => { event.preventDefault(); console.log('a rejection'); });"
        "setTimeout(throws, 1); setTimeout(rejects, 2);",
        "sw.js",
    )
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.js")
        await agent.settled()
        await trio.sleep(1)
    # The user is told, and where: the developer tools of a browser tell it, too.
    assert lab.console == ["Script error.  0 0 undefined", "Uncaught Error: SECRET"]


SNEAKY = """
const told = [];
const look = (what, value) => {
    try { if (String(value?.message ?? value).includes("SECRET")) told.push(what); } catch { told.push(`${what}, thrown`); }
};
for (const { prototype } of [Error, ReferenceError]) {
    Object.defineProperty(prototype, "name", { get() { look("name", this); return "Error"; } });
}
Object.defineProperty(Object.prototype, "stack", { get() { look("stack", this); return `at ${location}:1:1`; } });
addEventListener("error", (event) => { look("event", event); look("error", event.error); });
addEventListener("unhandledrejection", (event) => look("rejection", event.reason));
addEventListener("rejectionhandled", (event) => look("handled", event.reason));
addEventListener("message", () => console.log(`told: ${told}`));
"""


@pytest.mark.parametrize(
    "before",
    [
        "Error.stackTraceLimit = 0;",
        "Error.prepareStackTrace = (error) => { look('prepare', error); return `at ${location}:1:1`; };",
        "Object.defineProperty(Error, 'prepareStackTrace', { value: (error) => look('fixed', error) });",
        "globalThis.Error = { prepareStackTrace(error) { look('replaced', error); return `at ${location}:1:1`; } };",
    ],
)
async def test_its_errors_are_muted_whatever_a_script_makes_of_stacks(
    lab: Lab, autojump_clock: object, before: str
) -> None:
    cdn = lab.internet.origin_at("https://cdn.example")
    late = "setTimeout(() => SECRET, 1); Promise.reject('SECRET'); setTimeout(() => { throw 'SECRET' }, 2);"
    late += "const late = Promise.reject(new TypeError('SECRET')); setTimeout(() => late.catch(() => {}), 3);"
    cdn.add("/late.js", late, headers=SCRIPT)
    cdn.add("/now.js", "SECRET", headers=SCRIPT)
    lab.worker(
        SNEAKY + before + "importScripts('https://cdn.example/late.js');"
        "try { importScripts('https://cdn.example/now.js'); } catch (error) { look('thrown', error); }",
        "sw.js",
    )
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.js")
        await agent.settled()
        await trio.sleep(1)
        (await container.ready).active.post_message("")
        await agent.settled()
    assert lab.console[-1] == "told: "


async def test_beside_its_errors_those_of_ones_own_are_told(lab: Lab, autojump_clock: object) -> None:
    lab.internet.origin_at("https://cdn.example").add("/lib.js", "ok = () => {}", headers=SCRIPT)
    lab.worker(
        "let ok; importScripts('https://cdn.example/lib.js'); const own = new TypeError('own');"
        "addEventListener('error', (event) => { event.preventDefault(); console.log(event.message); });"
        "addEventListener('unhandledrejection', (event) => { event.preventDefault();"
        " console.log(`${event.reason}`, event.reason.stack.split('\\n')[1]?.includes('sw.js:1')); });"
        "setTimeout(() => { throw own }, 1); setTimeout(() => Promise.reject(new Error('mine')), 2);"
        "setTimeout(() => void fetch('nowhere:'), 3);",
        "sw.js",
    )
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.js")
        await agent.settled()
        await trio.sleep(1)
    assert lab.console[:2] == ["Uncaught TypeError: own", "Error: mine true"]
    assert lab.console[-1].startswith("TypeError: fetch of nowhere: failed")


@pytest.mark.parametrize(
    "text", ["/* SECRET */\n typeof absent; /* SECRET */", "/* SECRET */\n absent; /* SECRET */"]
)
async def test_no_match_of_the_runtimes_shows_its_text(lab: Lab, autojump_clock: object, text: str) -> None:
    lab.internet.origin_at("https://cdn.example").add("/lib.js", text, headers=SCRIPT)
    lab.worker(
        "try { importScripts('https://cdn.example/lib.js'); } catch {}"
        "const { input, lastMatch, leftContext, rightContext } = RegExp;"
        "console.log(/SECRET/.test(input + lastMatch + leftContext + rightContext));",
        "sw.js",
    )
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.js")
        await agent.settled()
    assert "false" in lab.console


async def test_its_text_is_not_to_be_had_on_its_way(lab: Lab, autojump_clock: object) -> None:
    """Nothing that a script can define is asked of what the text travels in; nor is it in a stack."""
    text = "/* SECRET */ look(); (function () { look(); })();"
    lab.internet.origin_at("https://cdn.example").add("/lib.js", text, headers=SCRIPT)
    lab.worker(
        """
const found = [], word = ["SEC", "RET"].join("");
const has = (value) => `${value}`.includes(word) || Object.values(Object(value)).some((each) => `${each}`.includes(word));
let busy = false;
const names = ["error", "value", "source", "muted", "filename", "id", "t", "cachedData", "importModuleDynamically"];
for (const name of names) {
    Object.defineProperty(Object.prototype, name, {
        __proto__: null, configurable: true,
        get() {
            if (busy) return undefined;
            busy = true;
            if (has(this) || has(this.value)) found[found.length] = name;
            busy = false;
            return undefined;
        },
        set(value) { Object.defineProperty(this, name, { __proto__: null, value, writable: true, configurable: true, enumerable: true }); },
    });
}
var look = function () {
    try { looked(); } catch (error) { found[found.length] = `${error}`; }
};
function looked() {
    for (const name of names) delete Object.prototype[name];
    Error.prepareStackTrace = (_, sites) => sites;
    for (const site of new Error().stack) {
        for (const each of [site.getFunction(), site.getThis(), site.getEvalOrigin(), look.caller]) {
            if (typeof each === "function" && has(each)) found[found.length] = "a function";
        }
    }
    delete Error.prepareStackTrace;
}
importScripts("https://cdn.example/lib.js");
console.log(found.length, found.join());
""",
        "sw.js",
    )
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.js")
        await agent.settled()
    lab.said("0 ")


async def test_a_module_of_another_origin_needs_cors(lab: Lab, autojump_clock: object) -> None:
    cdn = lab.internet.origin_at("https://cdn.example")
    cdn.add("/lib.js", "export const SECRET = 1", headers=SCRIPT)
    lab.worker("import { SECRET } from 'https://cdn.example/lib.js';", "sw.js")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        with pytest.raises(TypeError, match=r"lib.js did not come \(cors\)"):
            await container.register("/sw.js", type="module")
        cdn.add("/lib.js", "export const SECRET = 1", headers=SCRIPT, cors="*")
        await container.register("/sw.js", type="module")


async def test_a_modules_imports_are_relative_to_where_it_came_from(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/lib.mjs", redirect="/deep/lib.mjs")
    lab.origin.add("/deep/lib.mjs", "import './near.mjs'; console.log(import.meta.url);", headers=SCRIPT)
    lab.origin.add("/deep/near.mjs", "console.log('near');", headers=SCRIPT)
    lab.worker("import '/lib.mjs';", "sw.mjs")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.mjs", type="module")
        await agent.settled()
    lab.said("near", "{}/deep/lib.mjs")


@pytest.mark.parametrize(
    "script",
    [
        "import data from '/data.json' with { type: 'json' };",
        "import data from '/own.js' with { type: 'json' };",
        "import '/data.json';",
        "import '/own.js' with { type: 'css' };",
    ],
)
async def test_a_module_of_another_type_is_not_run(lab: Lab, autojump_clock: object, script: str) -> None:
    """A server that answers a request for data with a script must not have it run."""
    lab.worker('{"a": 1}', "data.json")
    lab.worker("console.log('run'); export default 1;", "own.js")
    lab.worker(script, "page.mjs")
    lab.worker(script, "sw.mjs")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        with pytest.raises(ScriptError, match="attributes|JavaScript type"):
            await window.run("/page.mjs")
        with pytest.raises(TypeError, match="attributes|JavaScript type"):
            await window.navigator.service_worker.register("/sw.mjs", type="module")
    assert lab.console == [] or "run" not in lab.console


async def test_a_script_is_limited(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/sw.js", b" " * (65 * 1024 * 1024), headers=SCRIPT)
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        with pytest.raises(TypeError, match="larger than 64 MiB"):
            await container.register("/sw.js")


async def test_all_scripts_together_are_limited(
    lab: Lab, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(javascript_scripts, "MOST", 250)
    lab.worker(
        "for (let i = 0; ; i++) try { importScripts(`/lib.js?${i}`) } catch (error) { console.log(i, error.name); break }",
        "sw.js",
    )
    lab.worker("//" + "x" * 40, "lib.js")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.js")
        await agent.settled()
    lab.said("3 NetworkError")


@pytest.mark.parametrize(
    "where",
    [
        *(
            "file:///etc/passwd",
            "data:text/javascript,SECRET=1",
            "http://localhost:22/",
            "http://localhost:8400/.env",
        ),
        *(
            "/.env",
            "/_headers",
            "/outside.js",
            "/notes.txt",
            "blob:http://localhost:8400/x",
            "//[",
            "/kept/x.js",
        ),
    ],
)
async def test_redirects_lead_nowhere_else(lab: Lab, autojump_clock: object, where: str) -> None:
    furnish(lab)
    lab.internet.origin_at("https://cdn.example").add("/to", redirect=where, cors="*")
    lab.origin.add("/to", redirect=where)
    text = """
const found = [];
for (const url of ["/to", "https://cdn.example/to"]) {
    try { importScripts(url); found[found.length] = "loaded"; } catch (error) { found[found.length] = `${error.name} ${error}`; }
}
console.log(found.length, /loaded|SECRET/.test(found.join()) || typeof SECRET !== "undefined");
"""
    lab.worker(text, "sw.js")
    lab.worker("for (const url of ['/to', 'https://cdn.example/to']) await import(url).then(() => console.log('loaded'), () => {});", "page.mjs")  # fmt: skip
    async with lab.open(ready=False, profile=lab.site / "other") as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        await window.run("/page.mjs")
        await agent.settled()
    assert lab.console[-1] == "2 false"
    assert "SECRET" not in "".join(lab.console)


@pytest.mark.parametrize(
    "answer",
    [{"status": 404}, {"status": 500}, {"headers": {"Content-Type": "text/secret"}}, {"redirect": "http://secret.test/"}],
)  # fmt: skip
async def test_what_an_opaque_response_is_like_is_not_told(
    lab: Lab, autojump_clock: object, answer: dict[str, Any]
) -> None:
    """Its status and its type would say whether somebody is logged in, or which servers a network has."""
    lab.internet.origin_at("https://cdn.example").add("/lib", **answer)
    lab.worker(
        "try { importScripts('https://cdn.example/lib') } catch (error) { console.log(`${error}`) }", "sw.js"
    )
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.js")
        await agent.settled()
    *user, script = lab.console
    assert script.startswith("NetworkError: the script https://cdn.example/lib ")
    assert not any(word in script for word in ("404", "500", "secret", "type"))
    assert "redirect" in answer or len(user) == 1


async def test_what_becomes_private_after_the_install(lab: Lab, autojump_clock: object) -> None:
    """A script that an update check finds behind a link is not compared, and never read."""
    furnish(lab)
    lab.worker("self.lib = 1;", "lib.js")
    lab.worker("importScripts('/lib.js'); onmessage = () => console.log('runs');", "sw.js")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        registration = await container.register("/sw.js")
        await agent.settled()
        (lab.site / "lib.js").unlink()
        (lab.site / "lib.js").symlink_to("../outside.js")
        await registration.update()
        assert registration.installing is registration.waiting is None
        (lab.site / "sw.js").unlink()
        (lab.site / "sw.js").symlink_to("../outside.js")
        with pytest.raises(TypeError, match="answered 404: it is reached over a link that leads out of SITE"):
            await registration.update()
        await agent.terminate_worker(registration)
        registration.active.post_message("")
        await agent.settled()
        assert [str(error) for error in agent.script_errors] == [
            f"the script {HOME}/sw.js answered 404: it is reached over a link that leads out of SITE"
        ]
    assert lab.of("worker.stop", reason="its script did not come") != []
    assert "SECRET" not in "".join(map(str, lab.lines))


# Policies


async def test_policies_about_scripts(lab: Lab, autojump_clock: object) -> None:
    cdn = lab.internet.origin_at("https://cdn.example")
    cdn.add("/lib.js", "console.log('lib');", headers=SCRIPT)
    lab.worker(
        "try { importScripts('https://cdn.example/lib.js') } catch (error) { console.log(error.name) }",
        "sw.js",
    )
    lab.worker("", "plain.js")
    for policy, said in {
        "connect-src 'none'": "lib",
        "script-src 'self'": "NetworkError",
        "default-src 'self'": "NetworkError",
        "script-src 'self' https://cdn.example": "lib",
    }.items():
        (lab.site / "_headers").write_text(f"/sw.js\n  Content-Security-Policy: {policy}\n")
        lab.lines.clear()
        async with lab.open(ready=False) as agent:
            container = (await agent.open_window("/")).navigator.service_worker
            await container.register("/sw.js")
            await agent.settled()
        lab.said(said)
    (lab.site / "_headers").write_text("/strict/*\n  Content-Security-Policy: worker-src 'none'\n")
    async with swruntime.open_user_agent(site=lab.site) as agent:
        container = (await agent.open_window("/strict/page")).navigator.service_worker
        with pytest.raises(TypeError, match="worker-src 'none'"):
            await container.register("/plain.js")


# An origin that runs elsewhere


async def test_sites_scripts_are_taken_from_it_wherever_the_origin_runs(
    lab: Lab, autojump_clock: object
) -> None:
    furnish(lab)
    home = lab.internet.origin_at("https://site.example")
    home.add("/outside.js", "console.log('the server has it');", headers=SCRIPT)
    home.add("/own.js", "console.log('the server\\'s');", headers=SCRIPT)
    lab.worker("console.log('site\\'s');", "own.js")
    lab.worker("importScripts('/own.js', '/outside.js');", "sw.js")
    (lab.site / "_headers").write_text(
        "/sw.js\n  Service-Worker-Allowed: /\n  Content-Security-Policy: connect-src a:\n"
    )
    async with lab.open(ready=False, origin="https://site.example") as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        await container.register("/sw.js")
        await agent.settled()
        assert agent.registrations.all()[0].active.environment.csp == ("connect-src a:",)
    lab.said("site's", "the server has it")
    assert "SECRET" not in "".join(map(str, lab.lines))
