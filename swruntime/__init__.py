"""swruntime: a service-worker emulation runtime on Trio, with the Background Fetch API at its heart.

The layout, from the top floor down; imports go down, never up:

    cli          the command line: arguments, rendering, exit statuses
    testing      the pytest plugin, the scripted origin, the laboratory
    display      a background fetch shown in a terminal
    worker, window, runtime   the scopes' names for editors; open_user_agent, where the parts meet
    realms       what scripts see
    agent        the user agent, the only Trio shell: feeds the machines, performs their effects
    network, storage          the adapters: httpx and SQLite
    ports, monitor            the agent's protocols; a trace held against the specs
    machines     the state machines, as tables: no clock, no I/O, no Trio
    algorithms   pure procedures of the specs
    trace        typed trace events, and where they go
    concepts     the specs' structs and enums
    errors       every exception, in one tree
"""

from __future__ import annotations

TYPE_CHECKING = False
"""As typing's, which is not imported here: what comes before the command line heeds signals is kept short."""

if TYPE_CHECKING:
    from typing import Any

    from swruntime import errors as errors
    from swruntime.agent.promise import Promise
    from swruntime.agent.user_agent import UserAgent
    from swruntime.errors import (
        AbortError,
        ConstraintError,
        DataCloneError,
        DataError,
        DOMException,
        InvalidAccessError,
        InvalidCharacterError,
        InvalidStateError,
        NetworkError,
        NotAllowedError,
        NotAProfile,
        NotConfined,
        NotFoundError,
        NotSupportedError,
        OperationError,
        OriginMismatch,
        ProfileError,
        ProfileInUse,
        ProfileTooNew,
        QuotaExceededError,
        ScriptError,
        SecurityError,
        SiteError,
        SwruntimeError,
        TraceViolation,
        UnknownError,
        UsageError,
        VersionError,
        WaitingForUser,
    )
    from swruntime.runtime import open_user_agent

__version__ = "0.1.0"

__all__ = [
    "AbortError",
    "ConstraintError",
    "DOMException",
    "DataCloneError",
    "DataError",
    "InvalidAccessError",
    "InvalidCharacterError",
    "InvalidStateError",
    "NetworkError",
    "NotAProfile",
    "NotAllowedError",
    "NotConfined",
    "NotFoundError",
    "NotSupportedError",
    "OperationError",
    "OriginMismatch",
    "ProfileError",
    "ProfileInUse",
    "ProfileTooNew",
    "Promise",
    "QuotaExceededError",
    "ScriptError",
    "SecurityError",
    "SiteError",
    "SwruntimeError",
    "TraceViolation",
    "UnknownError",
    "UsageError",
    "UserAgent",
    "VersionError",
    "WaitingForUser",
    "open_user_agent",
]

_HOMES = {
    "Promise": "swruntime.agent.promise",
    "UserAgent": "swruntime.agent.user_agent",
    "open_user_agent": "swruntime.runtime",
}
"""Where a public name is defined; every other one is an exception, and is in `swruntime.errors`."""


def __getattr__(name: str) -> Any:
    # Nothing heavy is imported before it is used.
    from importlib import import_module

    if name == "errors":
        return import_module("swruntime.errors")
    if name not in __all__:
        raise AttributeError(f"module 'swruntime' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "swruntime.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
