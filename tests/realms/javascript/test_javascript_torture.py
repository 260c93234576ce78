"""A short slice of `make torture TARGET=frames`, and the tables that it makes its frames from."""

from __future__ import annotations

import pytest

from swruntime.realms.javascript.indexed_db import OPERATIONS as INDEXED_DB
from swruntime.realms.javascript.protocol import OPERATIONS
from swruntime.testing.virtual_time import run
from tests.torture.frames import episode
from tests.torture.frames_made import REQUESTS
from tests.torture.frames_world import open_world

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")


@pytest.mark.parametrize("number", range(8))
def test_whatever_a_process_says_only_its_realm_ends(number: int) -> None:
    found = episode(f"test/{number}", turns=4)
    assert found.findings == []
    assert found.frames > 50


def test_each_operation_is_in_the_table() -> None:
    """What is not in it could be asked for by nobody; the fuzzer takes the realms' operations, whatever they are."""

    async def main() -> set[str]:
        async with open_world(0) as world:
            for process in (await world.start_worker(), await world.open_page()):
                assert process is not None
            return {op for engine in world.engines for op in (*engine.operations, *engine.asked)}

    there = run(main)
    assert there == set(OPERATIONS)
    assert set(INDEXED_DB) < there
    assert "put" in REQUESTS
