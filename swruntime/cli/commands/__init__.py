"""One module per command, or per family of them. Only that of the command that is performed is imported.

What each brings with it is most of what its start costs:

    status, cache, clear            the profile: no Trio, no realm, no network
    run, fetch, resume, abort       a user agent (`swruntime.runtime`)
    serve                           the same, and hypercorn
    scenario                        the laboratory (`swruntime.testing`)
    conformance                     specs/, with the tools of the extra `test`

`tests/cli/test_cli_start.py` holds each to it.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from importlib import import_module

Command = Callable[[Namespace], int]
"""Performs a command with its options, and answers with the exit status."""

_FAMILIES = {"abort": "resume"}
"""Commands whose module has another one's name."""


def load(name: str) -> Command:
    """What performs the command of this name."""
    module = import_module(f"{__name__}.{_FAMILIES.get(name, name)}")
    command: Command = getattr(module, name)
    return command
