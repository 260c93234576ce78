"""SITE on the command line: its scripts, its profile, and whose origin that is. No user agent is needed for any."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from swruntime.errors import OriginMismatch, SiteError, UsageError
from swruntime.realms.javascript.installed import is_installed
from swruntime.storage.site_origin import checked_origin, shown_origin

if TYPE_CHECKING:
    from swruntime.ports.store import Store

WORKERS = ("worker.py", "sw.js")
PAGES = ("page.py", "page.js")


def find_script(site: Path, given: str | None, defaults: tuple[str, ...], what: str) -> str:
    """A script's path below SITE, with slashes; `given` may also name it as a shell would complete it.

    Raises SiteError where there is none, and for a JavaScript where there is nothing to run it.
    """
    names = defaults if given is None else (_below(site, given, what),)
    for name in names:
        if (site / name).is_file():
            _check_language(site, name, what)
            return name
    raise SiteError(
        f"there is no {what} in {str(site)!r}; expected {' or '.join(defaults)}, or --{what} FILE"
    )


def find_page(site: Path, given: str) -> tuple[str, bytes | None]:
    """A page script's path below SITE, and its text where SITE's server would not have it.

    What the user has named is the user's own choice, wherever it is: a JavaScript is taken from there, and imports what
    SITE serves. Raises SiteError for what is not there, for a Python script outside of SITE, and for a JavaScript where
    there is nothing to run it.
    """
    file = next((path for path in (site / given, Path(given)) if path.is_file()), None)
    if file is None or file.suffix == ".py":
        return find_script(site, given, PAGES, "page"), None
    from swruntime.network.site_files import SiteFiles

    _check_language(site, given, "page")
    folder, absolute = site.resolve(), file.absolute()
    name = absolute.relative_to(folder).as_posix() if absolute.is_relative_to(folder) else file.name
    if SiteFiles(site).is_file(script_url(name)) and absolute.is_relative_to(folder):
        return name, None
    try:
        return name, file.read_bytes()
    except OSError as error:
        raise SiteError(f"--page is {given!r}, which cannot be read: {error.strerror}") from None


def _below(site: Path, given: str, what: str) -> str:
    folder = site.resolve()
    for path in (folder / given, Path(given).absolute()):
        if path.is_file() and path.resolve().is_relative_to(folder):
            return path.resolve().relative_to(folder).as_posix()
    raise SiteError(f"--{what} is {given!r}, and there is no such file in {str(site)!r}")


def _check_language(site: Path, name: str, what: str) -> None:
    if not name.endswith(".py") and not is_installed():
        raise SiteError(
            f"the {what} of {str(site)!r} is {name}, and JavaScript needs Deno: pip install 'swruntime[js]'"
        )


def worker_script(options: Namespace) -> str:
    """The worker's path from the origin's root. Raises SiteError when SITE, or a worker in it, is not there, and
    NotConfined as `check_confinement` does.
    """
    check_site(options.site)
    name = find_script(options.site, options.worker, WORKERS, "worker")
    check_confinement(options, name)
    return script_url(name)


def other_worker(options: Namespace) -> str | None:
    """The worker's script that is not run, where SITE has one in each language and none was named."""
    there = [name for name in WORKERS if (options.site / name).is_file()]
    return there[1] if options.worker is None and len(there) > 1 else None


def check_confinement(options: Namespace, name: str) -> None:
    """Raises NotConfined where a script of SITE would have to be confined better, before anything is begun."""
    if options.require_confinement and not name.endswith(".py"):
        from swruntime.realms.javascript import confinement

        confinement.require()


def script_url(name: str) -> str:
    """The path of a URL for a script that `find_script` found; its name may be bytes that are not UTF-8."""
    return "/" + quote(os.fsencode(name))


def check_site(site: Path) -> None:
    """Raises SiteError where SITE is not a folder."""
    if not site.is_dir():
        what = "is not a folder" if site.exists() else "does not exist"
        raise SiteError(f"SITE {str(site)!r} {what}; expected the folder with the site's files")


def profile_of(options: Namespace) -> Path:
    """The profile's folder, which need not be there yet. Raises UsageError where it cannot be.

    A site that was cloned may bring a link in its place: only a profile that is named may be reached over one.
    """
    if options.profile is None:
        default = Path(options.site) / ".swruntime"
        if default.is_symlink():
            raise UsageError(f"{str(default)!r} is a link; --profile DIR takes a profile that is elsewhere")
        return default
    profile: Path = options.profile
    for path in (profile, *profile.parents):
        if path.exists() and not path.is_dir():
            raise UsageError(f"--profile is {str(profile)!r}, and {str(path)!r} is not a folder")
    return profile


def check_origin(store: Store, options: Namespace) -> str:
    """The profile's origin. Raises OriginMismatch where --origin names another one."""
    kept = shown_origin(store.origin)
    if options.origin is not None and checked_origin(options.origin) != kept:
        raise OriginMismatch(f"--origin is {options.origin}, and the profile belongs to {kept}")
    return kept
