"""A Deno process with our modules, for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.realms.javascript.deno_process import DenoProcess


@pytest.fixture(scope="module")
def deno() -> Iterator[DenoProcess]:
    process = DenoProcess()
    yield process
    process.close()


@pytest.fixture
def own_deno() -> Iterator[DenoProcess]:
    """For what changes builtins."""
    process = DenoProcess()
    yield process
    process.close()
