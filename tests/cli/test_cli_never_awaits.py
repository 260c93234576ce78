"""A worker that never awaits: nothing can stop it but the user, who is told where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Site


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "where"),
    [
        ("\nwhile True:\n    pass\n", "worker.py:"),
        ("async def oninstall(event):\n    while True:\n        pass\n", "worker.py:"),
        ("import spin\ndef onactivate(event):\n    spin.forever()\n", "spin.py:"),
    ],
)
def test_a_worker_that_never_awaits_is_named_and_can_be_interrupted(
    site: Site, script: str, where: str
) -> None:
    site.write("worker.py", script)
    site.write("spin.py", "def forever():\n    while True:\n        pass\n")
    process = site.start("run", "--json")
    told = process.until("diagnostic")
    assert told["code"] == "script-does-not-await"
    assert told["where"].startswith(where)
    assert "has not awaited for 2 s" in told["message"]
    assert "await trio.sleep(0) now and then" in told["message"]
    process.interrupt()
    result = process.end()
    assert result.status == 130, result.err
    # The diagnostic, and that it was interrupted.
    assert result.err.count("\n") == 2, result.err
    assert "interrupted" in result.err
