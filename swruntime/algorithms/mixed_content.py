"""Mixed content: https://w3c.github.io/webappsec-mixed-content/"""

from __future__ import annotations

from swruntime.algorithms.urls import is_potentially_trustworthy


def is_blocked(environment_origin: str, url: str) -> bool:
    """Whether a request to `url` is blocked as mixed content, when one of `environment_origin` makes it.

    The text restricts every page of a trustworthy origin, http://localhost too; browsers look at the page's
    scheme, and a prototype on localhost fetches from http hosts in all of them. We do as they do: only a page
    on https is restricted. Loopback is trustworthy as a target. Raises TypeError for what is not a URL or origin.
    Spec: https://w3c.github.io/webappsec-mixed-content/#should-block-fetch
    """
    # Categorize the settings object.
    restricts = environment_origin.startswith("https:")
    # Allowed where nothing is restricted, or where the URL is itself potentially trustworthy.
    return restricts and not is_potentially_trustworthy(url)
