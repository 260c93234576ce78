"""Mixed content: https://w3c.github.io/webappsec-mixed-content/"""

from __future__ import annotations

from swruntime.algorithms.urls import is_potentially_trustworthy


def is_blocked(environment_origin: str, url: str) -> bool:
    """Whether a request to `url` is blocked as mixed content, when one of `environment_origin` makes it.

    Loopback is trustworthy at both ends, as the text has it: a page on http://localhost may not fetch from
    http://example.com (browsers, which look at the page's scheme, allow that), a page on https may fetch from
    http://localhost. Raises TypeError for what is neither a URL nor an origin.
    Spec: https://w3c.github.io/webappsec-mixed-content/#should-block-fetch
    """
    # Categorize the settings object.
    restricts = is_potentially_trustworthy(environment_origin)
    # Allowed where nothing is restricted, or where the URL is itself potentially trustworthy.
    return restricts and not is_potentially_trustworthy(url)
