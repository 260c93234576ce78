"""What of a machine is stored: enough to go on after the process died at any instant.

Left out on purpose: what a transfer in flight knew (it died with the process), how often was tried, and the
waiting. The number of bytes is left out too: it is the length of the body's file.
"""

from __future__ import annotations

from typing import Literal

import attrs

from swruntime.concepts.background import StoredHead
from swruntime.concepts.enums import BackgroundFetchFailureReason, RecordResult
from swruntime.errors import Cause

__all__ = [
    "EVENT_ATTEMPTS",
    "EventDebt",
    "FetchSnapshot",
    "FetchStateName",
    "RecordSnapshot",
    "StoredHead",
    "debt",
]

EVENT_ATTEMPTS = 5
"""So often an event that did not end by itself is dispatched before it is held; as often again when it is asked for."""


@attrs.frozen
class RecordSnapshot:
    result: RecordResult = ""
    cause: Cause | None = None
    message: str | None = None
    status: int | None = None
    head: StoredHead | None = None
    restarted: bool = False
    """It started over once already, because a server could not go on with what is stored."""
    sent: bool = False
    """A request was sent that must not be sent twice, and how it ended is not known."""
    anew: bool = False
    """It is to start over, and has not yet: the whole is asked for, although bytes are stored."""


FetchStateName = Literal["pending", "paused", "success", "failure", "aborted"]
EventDebt = Literal["none", "owed", "held", "ended"]
"""Of the settled event: not yet owed; owed; held after five attempts, until it is asked for again or dropped; over."""


@attrs.frozen
class FetchSnapshot:
    """`downloaded` (bytes) is frozen at settling, and 0 before.

    `texts` is what the scripts said that handled its event last, a digest by URL ("" for one that did not come): not
    the machine's, which only counts `attempts`.
    """

    state: FetchStateName = "pending"
    pause_cause: str | None = None
    failure_reason: BackgroundFetchFailureReason = ""
    cause: str | None = None
    message: str | None = None
    downloaded: int = 0
    uploaded: int = 0
    event: EventDebt = "none"
    attempts: int = 0
    attempts_before: int = 0
    texts: tuple[tuple[str, str], ...] = ()


def debt(snapshot: FetchSnapshot) -> EventDebt:
    """What is owed of its event when the process has died.

    A death in the middle of the event interrupted it, so the last attempt's death leaves it held.
    """
    tried = snapshot.attempts - snapshot.attempts_before
    return "held" if snapshot.event == "owed" and tried >= EVENT_ATTEMPTS else snapshot.event
