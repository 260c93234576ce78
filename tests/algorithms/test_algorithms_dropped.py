"""Calls of async functions whose coroutine is dropped."""

from __future__ import annotations

import pytest

from swruntime.algorithms.dropped import dropped_calls

WORK = "async def work(): pass\n"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("", []),
        (WORK + "work()\n", [2]),
        (WORK + "def f():\n    if x:\n        work()\n    work(1)\n", [4, 5]),
        ("def f():\n    work()\n" + WORK, [2]),
        # What uses it
        (WORK + "async def f():\n    await work()\n    x = work()\n    g(work())\n    return work()\n", []),
        (WORK + "f = work\nf()\n", []),
        # What may be another thing
        ("def work(): pass\nwork()\n", []),
        (WORK + "def f(work):\n    work()\n", []),
        (WORK + "work = print\nwork()\n", []),
        (WORK + "def f():\n    for work in x:\n        work()\n", []),
        (WORK + "from tools import work\nwork()\n", []),
        (WORK + "from tools import *\nwork()\n", []),
        (WORK + "import work.more\nwork()\n", []),
        (WORK + "import x as work\nwork()\n", []),
        (WORK + "try: pass\nexcept E as work: pass\nwork()\n", []),
        (WORK + "class work: pass\nwork()\n", []),
        (WORK + "match x:\n    case [*work]: pass\n    case {**work}: pass\nwork()\n", []),
        (WORK + "match x:\n    case work: pass\nwork()\n", []),
        (WORK + "match x:\n    case {**work}: pass\nwork()\n", []),
        (WORK + "match x:\n    case [*work]: pass\nwork()\n", []),
        (WORK + "x.work()\n", []),
        ("@start\n" + WORK + "work()\n", []),
        ("async def work():\n    yield 1\nwork()\n", []),
        ("class C:\n    async def work(self): pass\nwork()\n", []),
    ],
)
def test_what_is_dropped(source: str, lines: list[int]) -> None:
    assert dropped_calls(source) == [(line, "work") for line in lines]
