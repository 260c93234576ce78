"""A GiB through a JavaScript handler: the memory of the runtime, and that of the script's process, stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

if TYPE_CHECKING:
    from tests.serve.conftest import Server, Serving

pytestmark = pytest.mark.slow

GIB = 2**30
MOST = 150 * 2**20
"""Bytes that either process may grow by."""

WORKER = """\
self.oninstall = () => skipWaiting();
self.onfetch = (event) => {
    if (event.request.url.endsWith("/start")) event.respondWith(start());
    if (event.request.url.endsWith("/kept")) event.respondWith(caches.match("/big.bin"));
};
async function start() {
    await registration.backgroundFetch.fetch("big", ["/big.bin"]);
    return new Response("started");
}
self.onbackgroundfetchsuccess = (event) => event.waitUntil(keep(event));
async function keep(event) {
    const cache = await caches.open("kept");
    const [record] = await event.registration.matchAll();
    const response = await record.responseReady;
    console.log("begins");
    await cache.put(record.request, KEPT);
    console.log("has it");
}
"""


@attrs.frozen
class Program:
    """A running process, as /proc tells of it."""

    pid: int

    def resident(self, what: str = "VmRSS") -> int:
        """Bytes; `VmHWM` for the most there were since `forget_peak`."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith(f"{what}:"))
        return int(line.split()[1]) * 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def moved(self) -> int:
        """Bytes that it has read and written, on pipes, too."""
        counts = dict(line.split(": ") for line in Path(f"/proc/{self.pid}/io").read_text().splitlines())
        return int(counts["rchar"]) + int(counts["wchar"])


def script_of(server: Server) -> Program:
    """The process of the worker's script: the one that has run longest, as the other is in reserve."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return Program(int(children[0]))


@pytest.mark.parametrize(
    ("kept", "least", "most"),
    [
        ("response", 0, 2**20),
        ("new Response(response.body.pipeThrough(new TransformStream()), response)", 2 * GIB, 3 * GIB),
    ],
    ids=["by reference", "through the script"],
)
def test_memory_does_not_grow(kept: str, least: int, most: int, tmp_path: Path, serving: Serving) -> None:
    """`least` and `most` bytes move through the script's process: once in, once out."""
    site = tmp_path / "site"
    site.mkdir()
    with (site / "big.bin").open("wb") as file:
        file.truncate(GIB)
    (site / "sw.js").write_text(WORKER.replace("KEPT", kept))
    server = serving.serve(site, "--json")
    assert server.curl("/start") == "started"
    server.until(kind="console", text="begins")
    script, runtime = script_of(server), Program(server.process.pid)
    before, moved = (script.resident(), runtime.resident()), script.moved()
    script.forget_peak()
    runtime.forget_peak()
    server.until(kind="console", text="has it")
    assert script.resident("VmHWM") - before[0] < MOST
    assert runtime.resident("VmHWM") - before[1] < MOST
    assert least <= script.moved() - moved < most
    counted = server.curl(
        "/kept", "--output", "/dev/null", "--write-out", "%{size_download}", "--max-time", "600"
    )
    assert counted == str(GIB)
