"""`resume`, `abort`, `clear`: what becomes of what an earlier process left."""

from __future__ import annotations

import sys
from argparse import Namespace

from swruntime.agent.background_fetch import BackgroundFetch
from swruntime.cli.session import Session, check_site, profile_of, run_session
from swruntime.errors import UsageError
from swruntime.storage import forget


def resume(options: Namespace) -> int:
    """Take up what is left, and wait until it has ended."""
    return run_session(options, _resume)


async def _resume(session: Session) -> None:
    for id in session.options.drop:
        for fetch in _named(session, id):
            fetch.drop()
    await session.agent.settled()


def abort(options: Namespace) -> int:
    """Abort one background fetch; its event is delivered. The others are left asleep."""
    options.expect.append((options.id, "aborted"))
    return run_session(options, _abort, take_up=False)


async def _abort(session: Session) -> None:
    found = [fetch for fetch in _named(session, session.options.id) if fetch.active]
    if not found:
        raise UsageError(f"background fetch {session.options.id!r} has ended already; nothing to abort")
    for fetch in found:
        await fetch.abort()
    await session.agent.settled()


def _named(session: Session, id: str) -> list[BackgroundFetch]:
    found = [fetch for fetch in session.agent.background_fetches if fetch.id == id]
    if not found:
        known = ", ".join(repr(f.id) for f in session.agent.background_fetches) or "none"
        raise UsageError(f"there is no background fetch {id!r}; there are: {known}")
    return found


def clear(options: Namespace) -> int:
    """Forget the site."""
    check_site(options.site)
    profile = profile_of(options)
    if not profile.exists():
        print(f"swruntime: there is no profile in {str(profile)!r}: nothing to forget", file=sys.stderr)
        return 0
    forget(profile)
    return 0
