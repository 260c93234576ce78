"""What is said of an event that is held."""

from __future__ import annotations

import shlex


def held_text(id: str, event: str, attempts: int) -> str:
    """What an event that is held waits for: the same wherever it is said."""
    name = shlex.quote(id)
    return (
        f"a worker whose text differs from the one that failed: {event} was interrupted {attempts} times and is held; "
        f"'resume --retry {name}' (retry() in Python) tries it again, 'resume --drop {name}' (drop()) gives it up"
    )
