"""`run`, `fetch` and `serve` with `sw.js` and `page.js`: exit statuses, and the file and line of what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swruntime.realms.javascript import installed

if TYPE_CHECKING:
    from tests.cli.conftest import Site

pytest.importorskip("deno")
pytestmark = pytest.mark.slow

KEEPING = """addEventListener("backgroundfetchsuccess", (event) => event.waitUntil((async () => {
    const cache = await caches.open("kept");
    for (const record of await event.registration.matchAll()) {
        await cache.put(record.request, await record.responseReady);
    }
})()));
"""
PAGE = """navigator.serviceWorker.ready.then((registration) => registration.backgroundFetch.fetch("a", "/x.bin"));
"""


@pytest.fixture
def js(site: Site) -> Site:
    """A site without a line of Python."""
    (site.folder / "worker.py").unlink(missing_ok=True)
    site.write("sw.js", KEEPING)
    site.write("x.bin", b"xxx")
    return site


def test_run_and_fetch(js: Site) -> None:
    js.write("page.js", PAGE)
    assert js.process("run").status == 0
    assert js.cached("/x.bin") == b"xxx"
    assert js.process("fetch", "b", "/x.bin").status == 0


def test_a_worker_that_raises(js: Site) -> None:
    js.write("sw.js", "const x = 1;\n\nthrow new RangeError('not today');\n")
    js.process("run").refused("sw.js:3", "RangeError: not today", status=1)
    js.process("fetch", "a", "/x.bin").refused("sw.js:3", "RangeError: not today", status=1)


def test_a_handler_that_rejects(js: Site) -> None:
    js.write("page.js", PAGE)
    js.write(
        "sw.js",
        "onbackgroundfetchsuccess = (event) => {\n    event.waitUntil(Promise.reject(new Error('episode')));\n};\n",
    )
    js.process("run").refused("sw.js:2", "Error: episode", status=1)


@pytest.mark.parametrize(
    "script",
    [
        "\nthrow new TypeError('page');\n",
        "\nPromise.reject(new TypeError('page'));\nundefined;\n",
        "(async () => {\n    throw new TypeError('page'); })();\n",
        "setTimeout(() => {\n    throw new TypeError('page'); }, 1);\n",
    ],
    ids=["raises", "an unhandled rejection", "its last promise rejects", "a timer raises"],
)
def test_a_page_that_fails(js: Site, script: str) -> None:
    js.write("page.js", script)
    result = js.process("run")
    assert result.status == 1
    # A rejection is told as a diagnostic, too.
    assert result.err.splitlines()[-1] == "swruntime: page.js:2: TypeError: page"


def test_without_deno(js: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "_path", lambda: None)
    for command in (("run",), ("fetch", "a", "/x.bin"), ("serve",)):
        result = js.cli(*command)
        result.refused("needs Deno: pip install 'swruntime[js]'")
        assert len(result.err.splitlines()) == 1


def test_both_page_scripts_are_run(js: Site) -> None:
    js.write("page.js", "console.log('in JavaScript');\n")
    js.write("page.py", "async def main():\n    print('in Python')\n")
    result = js.process("run", "--json")
    assert sorted(result.console) == ["in JavaScript", "in Python"]
