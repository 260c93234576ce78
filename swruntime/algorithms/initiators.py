"""Who makes a request that comes over HTTP, as far as its headers tell.

Browsers say it in Sec-Fetch-Site, and scripts cannot change that; older ones, and browsers that ask an origin which is
not potentially trustworthy, in Origin and Referer only. Where these disagree, the farthest counts.

Spec: https://w3c.github.io/webappsec-fetch-metadata/, https://fetch.spec.whatwg.org/#origin-header
"""

from __future__ import annotations

from swruntime.algorithms import urls
from swruntime.algorithms.metadata import DISTANCES, site_of
from swruntime.concepts.http import FetchSite, HeaderList, Initiator


def initiator_of(headers: HeaderList, origin: str, asked: str) -> Initiator:
    """Whose request it is that came with `headers` for a server of `origin`, which the client knows as `asked`.

    Without any sign it is the user's own; where browsers would give none, since `asked` is not potentially trustworthy,
    and Referer can be left out, that is not sure (`is_told`). Raises TypeError where Origin or Referer is not a URL.
    """
    told, referrer = headers.get("Sec-Fetch-Site"), headers.get("Referer")
    named = {_serialized(value) for value in headers.all("Origin")}
    # An opaque Origin says that the origin is kept secret, which a page of `origin` may do, too: Sec-Fetch-Site tells.
    known = named - {urls.OPAQUE_ORIGIN}
    if not named and referrer is not None:
        known = {urls.origin_of(referrer)}
    sites = [_site_of(each, origin, asked) for each in known]
    if told is not None:
        sites.append(next((site for site in DISTANCES if site == told), "cross-site"))
    elif urls.OPAQUE_ORIGIN in named:
        sites.append("cross-site")
    site = max(sites, key=DISTANCES.index, default=DISTANCES[0])
    if named or known:
        named = named or known
        initiator = named.pop() if len(named) == 1 else urls.OPAQUE_ORIGIN
    else:
        initiator = origin if site == "same-origin" else urls.OPAQUE_ORIGIN
    is_told = bool(sites) or urls.is_potentially_trustworthy(asked)
    return Initiator(initiator, site, headers.get("Sec-Fetch-Dest") == "document", is_told)


def _site_of(initiator: str, origin: str, asked: str) -> FetchSite:
    return "same-origin" if urls.same_origin(initiator, origin) else site_of(initiator, asked)


def _serialized(value: str) -> str:
    """The value of Origin, which has to be an origin to the letter; those of extensions and the like are any URL's."""
    parsed = urls.origin_of(value)
    if parsed not in (urls.OPAQUE_ORIGIN, value):
        raise TypeError(f"Origin is {value!r}; expected an origin, as {parsed!r}")
    return value
