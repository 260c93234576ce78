"""Pages of other sites ask `serve` for things, and what the server behind it sees is what it sees of a browser's own worker.

Chromium makes every request twice: of an origin whose worker it has registered itself, and of `serve` with that worker.
Rows are in `cross_site.py`. `python -m tests.serve.test_serve_cross_site` prints them all.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import attrs
import pytest

from tests.serve import cross_site
from tests.serve.conftest import Serving
from tests.serve.cross_site import Recorder, Row

pytestmark = [
    pytest.mark.slow,  # a browser's start, and hundreds of requests
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]

LOGINS = ("nowhere", "in the browser", "in the profile")
OWN = ("fetch(event.request.url)", "fetch(event.request, {redirect})")
"""After which a request is the worker's own."""


@attrs.frozen
class Seen:
    """Of one row: what the server was asked, and what the worker was shown, None where it was not asked."""

    asked: list[dict[str, str | None]]
    shown: dict[str, str] | None


@cache
def in_chromium(logged_in: bool) -> list[Seen]:
    """What is seen with Chromium's own worker."""
    with cross_site.recorder() as recorder:
        recorder.victim = f"http://localhost:{recorder.port}"
        begin = "/login" if logged_in else "/begin"
        return _seen(recorder, f"{recorder.victim}/register?to={begin}")


def in_serve(login: str, serving: Serving) -> list[Seen]:
    """What is seen with `serve` in front of the same server."""
    site = serving.folder / "site"
    site.mkdir()
    (site / "sw.js").write_text(cross_site.WORKER)
    with cross_site.recorder() as recorder:
        server = serving.serve(site, "--upstream", f"http://localhost:{recorder.port}")
        recorder.victim = server.url
        if login == "in the profile":
            # A worker that fetches it takes its cookies.
            server.curl("/login?w=fetch(event.request)&row=0", "--header", "Accept: text/html")
            recorder.saw.clear()
        return _seen(recorder, f"{server.url}/{'login' if login == 'in the browser' else 'begin'}")


def _seen(recorder: Recorder, url: str) -> list[Seen]:
    assert cross_site.browse(url, recorder.done), f"Chromium never came further than {recorder.last}"
    return [Seen(recorder.seen.get(n, []), recorder.saw.get(n)) for n in range(len(recorder.plan))]


# Where the two differ, and why: docs/differences.md has these, too.


def credentials_are_not_told(row: Row, login: str) -> bool:
    """HTTP does not say a request's credentials mode: `serve` takes a fetch() of a page for one with "same-origin"."""
    return row.by == "same-origin" and row.action in cross_site.FETCHES


def the_worker_has_the_profiles_cookies(row: Row, login: str) -> bool:
    """What the worker asks for itself has the profile's cookies, and not the browser's, but for those it was handed."""
    return login == "in the browser" and row.way in OWN


def a_request_from_outside_gets_none(row: Row, login: str) -> bool:
    """What no worker answers has the cookies that it brought, and none of the profile's."""
    return login == "in the profile"


def difference(row: Row, login: str, chromium: Seen, serve: Seen) -> str | None:
    """What differs without a reason; None where nothing does. An empty text is a difference with a reason."""
    if chromium == serve:
        return None
    unexplained = []
    for name in cross_site.SHOWN:
        one, other = ((each.shown or {}).get(name) for each in (chromium, serve))
        if one != other and not (
            name == "credentials" and serve.shown and credentials_are_not_told(row, login)
        ):
            unexplained.append(f"the worker is shown {name} {one!r}, here {other!r}")
    if len(chromium.asked) != 1 or len(serve.asked) != 1:
        unexplained.append(f"asked {len(chromium.asked)} times, here {len(serve.asked)} times")
    for one_asked, other_asked in zip(chromium.asked, serve.asked, strict=False):
        unexplained += [
            f"{name} {value!r}, here {other_asked[name]!r}"
            for name, value in one_asked.items()
            if value != other_asked[name]
            and not (
                name == "cookies" and _cookies_differ_by_a_rule(row, login, serve, value, other_asked[name])
            )
        ]
    return "; ".join(unexplained)


def _cookies_differ_by_a_rule(
    row: Row, login: str, serve: Seen, chromium: str | None, here: str | None
) -> bool:
    """Whether the cookies differ as one of the rules says, and no other way."""
    if the_worker_has_the_profiles_cookies(row, login) and serve.shown is not None:
        brought = (
            {"cross-site": _TO_A_WINDOW[row.action]}.get(row.by, chromium) if "redirect" in row.way else ""
        )
        return here == brought
    if a_request_from_outside_gets_none(row, login) and serve.shown is None:
        return here == ""
    # It was "omit": the worker's fetch() of it has the profile's cookies, as one with "same-origin" would.
    return login == "in the profile" and credentials_are_not_told(row, login) and chromium == ""


_TO_A_WINDOW = {
    **dict.fromkeys(cross_site.ACTIONS, ""),
    **dict.fromkeys(("navigation", "navigation without a referrer", "form GET"), "lax none"),
    **dict.fromkeys(("form POST", "form POST without a referrer"), "none"),
}
"""The cookies that a browser sends for another site: those with SameSite=None, with Lax where a window is navigated."""


@pytest.mark.parametrize("login", LOGINS)
def test_the_server_sees_what_it_sees_of_a_browsers_own_worker(
    login: str, serving: Serving, tell: Callable[[str, str], None]
) -> None:
    chromium, serve = in_chromium(login != "nowhere"), in_serve(login, serving)
    found = [
        (row, difference(row, login, *both))
        for row, *both in zip(cross_site.rows(), chromium, serve, strict=True)
    ]
    assert [f"{row}: {text}" for row, text in found if text] == []
    same = sum(text is None for _, text in found)
    tell(
        "What the server behind serve sees of requests of other sites, beside Chromium's own worker",
        f"login {login}: {same} of {len(found)} rows are the same, {len(found) - same} differ by a rule",
    )
    # No page of another site ever gets a Strict cookie along, nor passes for the origin's own.
    for row, seen in zip(cross_site.rows(), serve, strict=True):
        if row.by == "cross-site" and not (row.way in OWN and seen.shown):
            (asked,) = seen.asked
            assert asked["sec-fetch-site"] == "cross-site", row
            assert asked["origin"] in (None, "null", "http://evil.test"), row
            assert "strict" not in (asked["cookies"] or ""), row


def _text(seen: Seen) -> str:
    asked = [" ".join(str(value) for value in each.values()) for each in seen.asked]
    return " / ".join(asked) + (f" (shown: {' '.join(map(repr, seen.shown.values()))})" if seen.shown else "")


if __name__ == "__main__":
    for each in sys.argv[1:] or LOGINS:
        with tempfile.TemporaryDirectory() as folder:
            servers = Serving(Path(folder))
            try:
                two = in_chromium(each != "nowhere"), in_serve(each, servers)
            finally:
                servers.end()
        for number, one in enumerate(cross_site.rows()):
            left, right = (_text(side[number]) for side in two)
            sys.stdout.write(f"login {each} | {one} | {left} | {'the same' if left == right else right}\n")
