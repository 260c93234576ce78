"""What the user agent adds to a request: Referer, Origin, Sec-Fetch-*, Accept, User-Agent, cache mode."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms import metadata
from swruntime.algorithms.cors import Tainting
from swruntime.concepts.enums import ReferrerPolicy
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import FetchSite, HeaderList, Initiator, Request

H = HeaderList.of
ORIGIN = "https://site.example"
PAGE = Environment(url="https://u:p@site.example/page?q#f", origin=ORIGIN)
HERE = "https://site.example/a"
THERE = "https://cdn.example/a"
PLAIN = "http://cdn.example/a"


def request(url: str = THERE, **changes: object) -> Request:
    return attrs.evolve(Request(url, client=PAGE), **changes)  # type: ignore[arg-type]


def added(asked: Request, tainting: Tainting = "cors", *url_list: str) -> HeaderList:
    return metadata.with_metadata(asked, tainting=tainting, version="1.2", url_list=url_list)


def test_all_of_it_in_order() -> None:
    assert added(request(headers=H([("X-Own", "1")]))).items == (
        ("X-Own", "1"),
        ("Accept", "*/*"),
        ("Accept-Language", "en"),
        ("Referer", "https://site.example/"),
        ("Origin", ORIGIN),
        ("Sec-Fetch-Dest", "empty"),
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Site", "cross-site"),
        ("User-Agent", "swruntime/1.2"),
    )


def test_what_a_script_set_stays() -> None:
    headers = added(request(headers=H([("accept", "a/b"), ("accept-language", "is"), ("user-agent", "me")])))
    assert headers.all("Accept") == ("a/b",)
    assert headers.all("Accept-Language") == ("is",)
    assert headers.all("User-Agent") == ("me",)


def test_accept_by_destination() -> None:
    assert (
        added(request(destination="image")).get("Accept") == "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
    )
    assert (added(request(destination="document")).get("Accept") or "").startswith("text/html,")
    assert added(request(destination="script")).get("Accept") == "*/*"
    assert added(request(destination="script")).get("Sec-Fetch-Dest") == "script"


@pytest.mark.parametrize(
    ("cache", "headers", "expected"),
    [
        ("default", [], (None, None)),
        ("force-cache", [], (None, None)),
        ("no-cache", [], ("max-age=0", None)),
        ("no-cache", [("Cache-Control", "x")], ("x", None)),
        ("no-store", [], ("no-cache", "no-cache")),
        ("reload", [], ("no-cache", "no-cache")),
        ("reload", [("Cache-Control", "x")], ("x", "no-cache")),
        ("reload", [("Pragma", "x")], ("no-cache", "x")),
    ],
)
def test_cache_modes(
    cache: str, headers: list[tuple[str, str]], expected: tuple[str | None, str | None]
) -> None:
    result = added(request(cache=cache, headers=H(headers)))
    assert (result.get("Cache-Control"), result.get("Pragma")) == expected


# Origin


def test_origin() -> None:
    assert added(request()).get("Origin") == ORIGIN
    assert added(request(THERE), "cors", HERE, PLAIN, THERE).get("Origin") == "null"
    assert "Origin" not in added(request(HERE), "basic")
    assert "Origin" not in added(request(HERE, method="HEAD"), "basic")
    assert added(request(HERE, method="POST"), "basic").get("Origin") == ORIGIN
    # With mode "cors" the policy has no say.
    assert added(request(method="POST", referrer_policy="no-referrer"), "basic").get("Origin") == ORIGIN


@pytest.mark.parametrize(
    ("policy", "url", "origin"),
    [
        ("no-referrer", HERE, "null"),
        ("no-referrer-when-downgrade", THERE, ORIGIN),
        ("no-referrer-when-downgrade", PLAIN, "null"),
        ("strict-origin", PLAIN, "null"),
        ("", PLAIN, "null"),
        ("", THERE, ORIGIN),
        ("same-origin", HERE, ORIGIN),
        ("same-origin", THERE, "null"),
        ("origin", PLAIN, ORIGIN),
        ("unsafe-url", PLAIN, ORIGIN),
    ],
)
def test_the_referrer_policy_may_hide_the_origin(policy: ReferrerPolicy, url: str, origin: str) -> None:
    asked = request(url, method="POST", mode="no-cors", referrer_policy=policy)
    assert added(asked, "opaque").get("Origin") == origin


def test_an_insecure_origin_is_not_hidden() -> None:
    page = Environment(url="http://site.example/", origin="http://site.example")
    asked = request(PLAIN, method="POST", mode="no-cors", client=page)
    assert added(asked, "opaque").get("Origin") == "http://site.example"


# Referer

FULL = "https://site.example/page?q"
CUT = "https://site.example/"


@pytest.mark.parametrize(
    ("policy", "here", "there", "plain"),
    [
        ("no-referrer", None, None, None),
        ("origin", CUT, CUT, CUT),
        ("unsafe-url", FULL, FULL, FULL),
        ("strict-origin", CUT, CUT, None),
        ("strict-origin-when-cross-origin", FULL, CUT, None),
        ("", FULL, CUT, None),
        ("same-origin", FULL, None, None),
        ("origin-when-cross-origin", FULL, CUT, CUT),
        ("no-referrer-when-downgrade", FULL, FULL, None),
    ],
)
def test_referrer_policies(
    policy: ReferrerPolicy, here: str | None, there: str | None, plain: str | None
) -> None:
    sent = tuple(
        metadata.determine_referrer(request(url, referrer_policy=policy)) for url in (HERE, THERE, PLAIN)
    )
    assert sent == (here, there, plain)


def test_whose_policy() -> None:
    page = attrs.evolve(PAGE, referrer_policy="origin")
    assert metadata.referrer_policy(request(client=page)) == "origin"
    assert metadata.referrer_policy(request(client=page, referrer_policy="unsafe-url")) == "unsafe-url"
    assert metadata.referrer_policy(Request(HERE)) == "strict-origin-when-cross-origin"


def test_whose_url() -> None:
    def referrer(**changes: object) -> str | None:
        return metadata.determine_referrer(request(HERE, **changes))

    assert referrer(referrer="https://site.example/other#f") == "https://site.example/other"
    assert referrer(referrer="") is None
    assert referrer(client=None) is None
    for local in ("about:srcdoc", "blob:https://site.example/1", "data:,x"):
        assert referrer(client=attrs.evolve(PAGE, url=local), referrer_policy="unsafe-url") is None
    long = "https://site.example/?" + "x" * 4096
    assert referrer(referrer=long[:4097]) == "https://site.example/"
    assert referrer(referrer=long[:4096]) == long[:4096]


@given(st.text(), st.text(), st.text())
def test_a_stripped_url_gives_nothing_away(user: str, path: str, fragment: str) -> None:
    url = "https://" + "".join(c for c in user if c.isalnum()) + "@h.example/" + path + "#" + fragment
    assert metadata.strip_for_referrer(url, origin_only=True) in ("https://h.example/", "https://h.example/?")
    full = metadata.strip_for_referrer(url)
    assert full.startswith("https://h.example/")
    assert "#" not in full


# Sec-Fetch-*


@pytest.mark.parametrize(
    ("url_list", "site"),
    [
        ([HERE], "same-origin"),
        (["https://site.example:444/"], "same-site"),
        (["https://www.site.example/"], "same-site"),
        ([THERE], "cross-site"),
        (["http://site.example/"], "cross-site"),
        ([HERE, "https://www.site.example/", HERE], "same-site"),
        ([THERE, HERE], "cross-site"),
    ],
)
def test_the_farthest_site_counts(url_list: list[str], site: str) -> None:
    assert added(request(HERE), "cors", *url_list).get("Sec-Fetch-Site") == site


def test_sites_without_a_client() -> None:
    assert metadata.fetch_site(Request(HERE, mode="navigate"), [HERE]) == "none"
    assert metadata.fetch_site(Request(HERE), [HERE]) == "cross-site"


@pytest.mark.parametrize(
    ("origin", "site", "url_list", "told"),
    [
        (THERE, "cross-site", [HERE], "cross-site"),
        ("null", "same-origin", [HERE], "same-origin"),
        ("null", "same-site", [HERE], "same-site"),
        ("null", "none", [HERE, THERE], "none"),
        # A redirect leads farther, never nearer.
        (ORIGIN, "same-origin", [HERE, "https://www.site.example/"], "same-site"),
        (ORIGIN, "same-origin", [HERE, THERE], "cross-site"),
        (ORIGIN, "same-site", [HERE, HERE], "same-site"),
        ("null", "same-origin", [HERE, HERE], "cross-site"),
    ],
)
def test_a_navigation_that_a_worker_hands_on_is_still_its_initiators(
    origin: str, site: FetchSite, url_list: list[str], told: str
) -> None:
    handed_on = request(HERE, mode="navigate", initiator=Initiator(origin, site, True))
    assert metadata.fetch_site(handed_on, url_list) == told
    assert metadata.fetch_site(attrs.evolve(handed_on, mode="cors"), [HERE]) == "same-origin"


def test_its_origin_is_told_as_well() -> None:
    foreign = Initiator("https://evil.test", "cross-site", True)
    handed_on = request(
        HERE, mode="navigate", initiator=foreign, method="POST", referrer="https://evil.test/"
    )
    headers = added(handed_on, "basic")
    assert headers.get("Origin") == "https://evil.test"
    assert headers.get("Referer") == "https://evil.test/"
    assert headers.get("Sec-Fetch-Site") == "cross-site"
    assert added(attrs.evolve(handed_on, method="GET"), "basic").get("Origin") is None
    hidden = attrs.evolve(handed_on, initiator=attrs.evolve(foreign, origin="null"))
    assert added(hidden, "basic").get("Origin") == "null"


def test_nothing_is_told_where_others_can_read_along() -> None:
    assert metadata.fetch_metadata(request(PLAIN), [PLAIN]) == ()
    assert metadata.fetch_metadata(request("http://localhost:8400/"), [HERE])
