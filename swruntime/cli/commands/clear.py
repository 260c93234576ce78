"""`clear SITE`: the profile is deleted."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from swruntime.cli.output import complain, print_object
from swruntime.cli.site import check_origin, check_site, profile_of
from swruntime.errors import NotAProfile
from swruntime.storage import forget, open_profile


def clear(options: Namespace) -> int:
    """Forget the site."""
    check_site(options.site)
    profile = profile_of(options)
    there = profile.exists()
    if there:
        _forget(profile, options)
    else:
        complain(f"there is no profile in {str(profile)!r}: nothing to forget")
    if options.json:
        print_object({"profile": str(profile), "cleared": there})
    return 0


def _forget(profile: Path, options: Namespace) -> None:
    try:
        _check_origin_of(profile, options)
        forget(profile, force=options.force)
    except NotAProfile as error:
        advice = (
            f"nothing was deleted; if nothing in it is needed, delete the folder {str(profile)!r} yourself"
        )
        raise NotAProfile(f"{error}; {advice}") from None


def _check_origin_of(profile: Path, options: Namespace) -> None:
    if options.origin is not None:
        store = open_profile(profile, read_only=True)
        try:
            check_origin(store, options)
        finally:
            store.close()
