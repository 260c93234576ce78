"""Scopes of service workers: what may be registered where, and which registration a URL belongs to.

Spec: https://w3c.github.io/ServiceWorker/#scope-match-algorithm, #start-register-algorithm,
#register-algorithm and #update-algorithm
"""

from __future__ import annotations

from collections.abc import Iterable

from swruntime.algorithms import urls
from swruntime.errors import SecurityError


def match_scope(scopes: Iterable[str], url: str) -> str | None:
    """The longest of `scopes`, serialized URLs of one storage key, that `url` begins with; None if none does.

    Spec: https://w3c.github.io/ServiceWorker/#scope-match-algorithm (prefixes of the string, not of the path)
    """
    return max((scope for scope in scopes if url.startswith(scope)), key=len, default=None)


def check_registration(
    script: str, scope: str | None, *, base_url: str, client_origin: str
) -> tuple[str, str]:
    """The script URL and the scope URL of a registration, resolved against `base_url`, without fragments.

    Without `scope` it is the script's folder. Raises TypeError for what does not parse, is not http(s), or
    hides a slash; SecurityError for another origin than the client's, and for one that is not secure.
    Spec: https://w3c.github.io/ServiceWorker/#start-register-algorithm, then #register-algorithm
    """
    # Start Register, 1-4. The script.
    script_url = _checked("script URL", script, urls.resolve(script, base_url))
    # Start Register, 5-9. The scope.
    if scope is None:
        scope_url = _checked("scope", "./", urls.resolve("./", script_url))
    else:
        scope_url = _checked("scope", scope, urls.resolve(scope, base_url))
    # Register, 1. Nobody may have changed the script on its way.
    if not urls.is_potentially_trustworthy(script_url):
        raise SecurityError(
            f"a service worker needs a secure origin, and {urls.origin_of(script_url)} is not one; "
            "serve the site over https, or from localhost"
        )
    # Register, 2, 3. Nobody registers for another origin.
    for what, url in (("script URL", script_url), ("scope", scope_url)):
        if not urls.same_origin(url, client_origin):
            raise SecurityError(
                f"the {what} {url} is not of the page's origin {client_origin}; serve it from there"
            )
    return script_url, scope_url


def check_max_scope(script_url: str, scope_url: str, service_worker_allowed: str | None) -> None:
    """A script may only control what is below its own folder, or below what its server allows.

    `service_worker_allowed` is the value of the script's Service-Worker-Allowed header, None if it has none.
    Raises SecurityError for a scope outside, TypeError for a header that does not parse.
    Spec: https://w3c.github.io/ServiceWorker/#update-algorithm, the steps about maxScopeString
    """
    allowed = urls.parse("./" if service_worker_allowed is None else service_worker_allowed, script_url)
    max_scope = allowed.pathname if urls.same_origin(allowed.href, script_url) else None
    path = urls.parse(scope_url).pathname
    if max_scope is None:
        raise SecurityError(
            f"Service-Worker-Allowed is {service_worker_allowed!r}, of another origin than {script_url}; "
            "send a path of its own origin"
        )
    if not path.startswith(max_scope):
        raise SecurityError(
            f"the scope {path} is not below {max_scope}, the most that {script_url} may control; move the "
            f"script up, or send it with 'Service-Worker-Allowed: {path}', in SITE's _headers"
        )


def _checked(what: str, value: str, url: str) -> str:
    if not urls.is_http(url):
        raise TypeError(f"the {what} {value!r} is {url}; expected http or https")
    path = urls.parse(url).pathname.lower()
    for hidden in ("%2f", "%5c"):
        if hidden in path:
            raise TypeError(
                f"the {what} {value!r} has {hidden} in its path; write the slash, or another name"
            )
    return urls.without_fragment(url)
