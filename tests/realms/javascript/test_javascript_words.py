"""The runtime's own names are JavaScript's in a message; what a script or a server said stays as it is."""

from __future__ import annotations

import pytest

from swruntime.realms.javascript.words import in_javascript


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("BackgroundFetchRegistration.match_all of 'f'", "BackgroundFetchRegistration.matchAll of 'f'"),
        (
            "download_total is 3; wait_until(work()) calls it",
            "downloadTotal is 3; waitUntil(work()) calls it",
        ),
        ("the script's match_all and 'x'", "the script's matchAll and 'x'"),
    ],
)
def test_the_runtimes_names(message: str, told: str) -> None:
    assert in_javascript(message) == told


@pytest.mark.parametrize(
    "message",
    [
        "fetch of http://a.test/authorize?client_id=7&redirect_uri=a failed",
        "/a?client_id=1 is not there",
        "the script /match_all.js",
        "cache 'my cache_name here' is gone",
        'TypeError: "no client_id given"',
        "'download_total' is not one of them",
    ],
)
def test_what_is_not_the_runtimes(message: str) -> None:
    assert in_javascript(message) == message
