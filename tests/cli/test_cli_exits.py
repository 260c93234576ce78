"""What Python scripts raise that is not an Exception, wherever they can: one line, exit status 1, a profile that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Site

RAISE = {
    "SystemExit": "raise SystemExit(0)",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "CancelledError": "import asyncio; raise asyncio.CancelledError",
    "Own": "raise type('Own', (BaseException,), {})()",
}

WORKER = {
    "the top level": "{}\n",
    "a handler": "def oninstall(event):\n    {}\n",
    "an async handler": "async def oninstall(event):\n    await caches.keys()\n    {}\n",
    "a lifetime promise": "async def fail():\n    {}\ndef oninstall(event):\n    event.wait_until(fail())\n",
    "an object of its own": "class Odd:\n    def __str__(self):\n        {}\n"
    "def oninstall(event):\n    console.log(Odd())\n",
    "a body": "async def parts():\n    yield b'x'\n    {}\n"
    "async def oninstall(event):\n    await (await caches.open('c')).put('/a', Response(parts()))\n",
}

PAGE = {
    "the top level": "{}\n",
    "main": "async def main():\n    {}\n",
    "main, later": "async def main():\n    await caches.keys()\n    {}\n",
    "a listener": "async def main():\n    window.add_event_listener('x', listener)\n"
    "    window.dispatch_event(Event('x'))\n    raise ValueError('after it')\n"
    "def listener(event):\n    {}\n",
}


@pytest.mark.parametrize("what", RAISE)
@pytest.mark.parametrize("where", WORKER)
def test_in_a_worker(site: Site, what: str, where: str) -> None:
    site.write("worker.py", WORKER[where].format(RAISE[what]))
    result = site.cli("run")
    result.refused("worker.py:", what, status=1)
    assert site.cli("status", "--check").status == 0


@pytest.mark.parametrize("what", RAISE)
@pytest.mark.parametrize("where", PAGE)
def test_in_a_page(site: Site, what: str, where: str) -> None:
    site.write("page.py", PAGE[where].format(RAISE[what]))
    result = site.cli("run")
    assert result.status == 1
    assert "Traceback" not in result.err
    assert "page.py:" in result.err
    assert what in result.err + result.out
    assert site.cli("status", "--check").status == 0
