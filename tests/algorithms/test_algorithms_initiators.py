"""Whose request it is that comes over HTTP."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.initiators import initiator_of
from swruntime.algorithms.metadata import DISTANCES
from swruntime.concepts.http import HeaderList, Initiator

HERE = "http://localhost:8400"
EVIL = "http://evil.test"
OTHER = "http://localhost:3000"
EXTENSION = "chrome-extension://abcdef"


def told(asked: str = HERE, **headers: str) -> Initiator:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return initiator_of(HeaderList.of(pairs), HERE, asked)


@pytest.mark.parametrize(
    ("headers", "origin", "site"),
    [
        # Nobody but the user.
        ({}, "null", "none"),
        ({"Sec_Fetch_Site": "none"}, "null", "none"),
        # A browser's word.
        ({"Sec_Fetch_Site": "same-origin"}, HERE, "same-origin"),
        ({"Sec_Fetch_Site": "same-site"}, "null", "same-site"),
        ({"Sec_Fetch_Site": "cross-site"}, "null", "cross-site"),
        ({"Sec_Fetch_Site": "cross-site", "Referer": f"{EVIL}/page"}, EVIL, "cross-site"),
        ({"Sec_Fetch_Site": "cross-site", "Origin": EVIL, "Referer": f"{EVIL}/"}, EVIL, "cross-site"),
        ({"Sec_Fetch_Site": "same-site", "Origin": OTHER}, OTHER, "same-site"),
        ({"Sec_Fetch_Site": "anything else"}, "null", "cross-site"),
        # Without it.
        ({"Origin": EVIL}, EVIL, "cross-site"),
        ({"Origin": OTHER}, OTHER, "same-site"),
        ({"Origin": HERE}, HERE, "same-origin"),
        ({"Origin": "null"}, "null", "cross-site"),
        ({"Origin": EXTENSION}, EXTENSION, "cross-site"),
        ({"Referer": f"{EVIL}/page"}, EVIL, "cross-site"),
        ({"Referer": f"{HERE}/page"}, HERE, "same-origin"),
        ({"Referer": "about:blank"}, "null", "cross-site"),
        # An origin that is kept secret may be our own.
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, "null", "same-origin"),
        ({"Sec_Fetch_Site": "none", "Origin": "null"}, "null", "none"),
        # What disagrees: after a redirect by another site, or from no browser.
        ({"Sec_Fetch_Site": "cross-site", "Referer": f"{HERE}/page"}, HERE, "cross-site"),
        ({"Sec_Fetch_Site": "same-origin", "Origin": EVIL}, EVIL, "cross-site"),
        ({"Sec_Fetch_Site": "none", "Referer": f"{EVIL}/"}, EVIL, "cross-site"),
        # Origin counts, and not Referer.
        ({"Origin": EVIL, "Referer": f"{HERE}/page"}, EVIL, "cross-site"),
        ({"Origin": HERE, "Referer": f"{EVIL}/"}, HERE, "same-origin"),
    ],
)
def test_whose_it_is(headers: dict[str, str], origin: str, site: str) -> None:
    assert told(**headers) == Initiator(origin, site, False)  # type: ignore[arg-type]


def test_a_window_is_navigated_or_a_frame() -> None:
    assert told(Sec_Fetch_Dest="document").top_level
    assert not told(Sec_Fetch_Dest="iframe").top_level


def test_how_far_it_is_from_what_the_client_asks_for() -> None:
    # The same site as ours, and not as the name that the client has for us.
    assert told("http://name.test:8400", Origin=OTHER).site == "cross-site"
    assert told("http://name.test:8400", Origin="http://name.test").site == "same-site"
    # Our own pages stay ours.
    assert told("http://name.test:8400", Origin=HERE).site == "same-origin"


def test_what_no_browser_would_tell() -> None:
    for name in ("http://name.test:8400", "http://192.168.0.7:8400"):
        assert told(name) == Initiator("null", "none", False, is_told=False)
        # An opaque origin, a referrer, or Sec-Fetch-Site are signs.
        assert told(name, Referer=f"{HERE}/").is_told
        assert told(name, Origin="null").is_told
        assert told(name, Sec_Fetch_Site="none").is_told
    assert told("https://name.test").is_told
    assert told(HERE).is_told


def test_several_origins_are_as_far_as_the_farthest() -> None:
    def both(*origins: str) -> Initiator:
        return initiator_of(HeaderList.of(("Origin", origin) for origin in origins), HERE, HERE)

    assert both(HERE, EVIL) == Initiator("null", "cross-site", False)
    assert both(HERE, "null") == Initiator("null", "cross-site", False)
    assert both(HERE, HERE) == Initiator(HERE, "same-origin", False)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "evil"},
        {"Origin": f"{EVIL}/path"},
        {"Origin": f"{HERE} {EVIL}"},
        {"Origin": "http://user@localhost:8400"},
        {"Origin": "http://evil.test:80"},
        {"Origin": ""},
        {"Referer": "/page"},
    ],
)
def test_what_makes_no_sense(headers: dict[str, str]) -> None:
    with pytest.raises(TypeError):
        told(**headers)


def test_a_wrong_origin_is_told() -> None:
    with pytest.raises(
        TypeError, match=r"^Origin is 'http://EVIL.test'; expected an origin, as 'http://evil.test'$"
    ):
        told(Origin="http://EVIL.test")


TEXTS = st.text() | st.sampled_from([HERE, OTHER, EVIL, "null", f"{EVIL}/x", f"{HERE}@evil.test", ""])


@given(
    origin=st.none() | TEXTS, referrer=st.none() | TEXTS, site=st.none() | TEXTS | st.sampled_from(DISTANCES)
)
@example(origin=None, referrer="http://localhost:8400@evil.test/", site=None)
@example(origin="http://localhost:8400.evil.test", referrer=None, site="same-origin")
def test_nobody_comes_nearer_by_what_they_say(
    origin: str | None, referrer: str | None, site: str | None
) -> None:
    headers = [("Origin", origin), ("Referer", referrer), ("Sec-Fetch-Site", site)]
    pairs = [(name, value) for name, value in headers if value is not None]
    with contextlib.suppress(TypeError):
        found = initiator_of(HeaderList.of(pairs), HERE, HERE)
        if found.origin == HERE:
            assert origin in (HERE, None)
        if origin is not None and origin not in (HERE, "null"):
            assert found.site in ("same-site", "cross-site")
        if site in DISTANCES:
            assert DISTANCES.index(found.site) >= DISTANCES.index(site)
