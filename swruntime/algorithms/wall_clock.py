"""What waits for a time of day, though the clock that shows it may be wrong: by years, in either direction.

A time that was kept says nothing by itself: the clock may have been set since. So it is kept with how long it was
to be, and is never further away than that. Whatever the clock has shown, what is due comes in [now, now + interval].

All times are seconds since 1970, all intervals seconds.
"""

from __future__ import annotations


def seconds_left(due: float, interval: float, now: float) -> float:
    """How long to wait for what is due at `due`, and was to be waited for `interval`: never longer than that."""
    return min(max(due - now, 0.0), interval)


def due_at(due: float, interval: float, now: float) -> float:
    """What to keep in place of `due`, so that a clock that was set back does not put it off again and again."""
    return min(due, now + interval)


def happened_at(moment: float, now: float) -> float:
    """When something was that is over, and cannot have been later than now."""
    return min(moment, now)


def expires_at(expires: float, created: float, now: float) -> float:
    """When something expires that was kept with its `created`: it lives no longer than it was to live.

    Where it was made by a clock that was ahead of today's, what is left of its life is all of it.
    """
    if created <= now or expires <= created:
        return expires
    return now + (expires - created)
