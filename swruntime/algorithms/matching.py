"""Which stored request answers a query.

The text looks at the stored request's method alone, so that a stored PUT never matches and a PUT query
matches a stored GET. The tests and Chromium compare the two.
Spec: https://w3c.github.io/ServiceWorker/#request-matches-cached-item-algorithm
"""

from __future__ import annotations

from swruntime.algorithms.urls import without_fragment, without_search_and_fragment
from swruntime.concepts.http import Request, Response
from swruntime.concepts.matching import CacheQueryOptions


def matches_record(
    query: Request, record: Request, response: Response | None, options: CacheQueryOptions
) -> bool:
    """Whether a background fetch's record answers `query`.

    `response` is its internal one, None as long as there are no headers.
    """
    # 1. The methods, as resolved.
    if not options.ignore_method and query.method != record.method:
        return False
    return _same_url(query, record, options) and _vary_allows(query, record, response, options)


def matches_cache_entry(
    query: Request, entry: Request, response: Response | None, options: CacheQueryOptions
) -> bool:
    """Whether a cache's entry answers `query`: a cache knows GET alone, unless the method is ignored.

    `response` is None where only requests are compared.
    """
    # 1. The methods, as resolved.
    if not options.ignore_method and not (query.method == entry.method == "GET"):
        return False
    return _same_url(query, entry, options) and _vary_allows(query, entry, response, options)


def _same_url(query: Request, stored: Request, options: CacheQueryOptions) -> bool:
    # 2-5. Fragments never count; queries do unless they are ignored.
    cut = without_search_and_fragment if options.ignore_search else without_fragment
    return cut(query.url) == cut(stored.url)


def _vary_allows(
    query: Request, stored: Request, response: Response | None, options: CacheQueryOptions
) -> bool:
    # 6. Nothing varies, or nobody minds.
    if response is None or options.ignore_vary:
        return True
    # 7, 8. Every header that the response varies with must be as it was.
    return not any(
        name == "*" or query.headers.get(name) != stored.headers.get(name) for name in vary_names(response)
    )


def vary_names(response: Response) -> list[str]:
    """The names of headers with which a response varies, in lower case; "*" where it varies with anything."""
    fields = (field for value in response.headers.all("Vary") for field in value.split(","))
    return [field.strip("\t ").lower() for field in fields]
