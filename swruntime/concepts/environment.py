"""Where a request comes from: what of an environment settings object a request needs after it is gone."""

from __future__ import annotations

import attrs

from swruntime.concepts.enums import ReferrerPolicy


@attrs.frozen
class Environment:
    """A snapshot of an environment settings object, taken when a request is made.

    The Background Fetch text sets a request's client to null, which would lose the origin for CORS,
    the policies for CSP and the referrer; so it is kept as a value instead.
    Spec: https://html.spec.whatwg.org/multipage/webappapis.html#environment-settings-object
    """

    url: str
    """The creation URL: the page's or the worker script's."""
    origin: str
    csp: tuple[str, ...] = ()
    """The serialized Content-Security-Policy values that the page or worker came with."""
    referrer_policy: ReferrerPolicy = ""
