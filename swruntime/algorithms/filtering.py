"""What of a response a script may see.

Spec: https://fetch.spec.whatwg.org/#concept-filtered-response
"""

from __future__ import annotations

import attrs

from swruntime.algorithms.headers import (
    is_cors_safelisted_response_header_name,
    is_forbidden_response_header_name,
    token_list,
)
from swruntime.concepts.enums import RequestCredentials
from swruntime.concepts.http import HeaderList, Response


def exposed(response: Response, request_credentials_mode: RequestCredentials) -> Response:
    """The internal `response` through the filter that its type names. "default" and "error" have none."""
    match response.type:
        case "basic":
            return attrs.evolve(response, headers=_without_forbidden(response.headers))
        case "cors":
            return attrs.evolve(response, headers=_cors_exposed(response.headers, request_credentials_mode))
        case "opaque":
            return Response(status=0, type="opaque")
        case "opaqueredirect":
            return Response(status=0, type="opaqueredirect", url_list=response.url_list)
        case _:
            return response


def hides_body(response: Response) -> bool:
    """Whether the filter that the type of `response` names has a null body."""
    return response.type in ("opaque", "opaqueredirect", "error")


def exposed_record(response: Response, request_credentials_mode: RequestCredentials) -> Response:
    """What a background fetch's record shows: filtered, and without the lengths of a part.

    Spec: https://wicg.github.io/background-fetch/#create-settled-fetches-algorithm
    """
    filtered = exposed(response, request_credentials_mode)
    return attrs.evolve(filtered, headers=filtered.headers.delete("Content-Range", "Content-Length"))


def _without_forbidden(headers: HeaderList) -> HeaderList:
    """https://fetch.spec.whatwg.org/#concept-filtered-response-basic"""
    return HeaderList.of(item for item in headers if not is_forbidden_response_header_name(item[0]))


def _cors_exposed(headers: HeaderList, credentials_mode: RequestCredentials) -> HeaderList:
    """https://fetch.spec.whatwg.org/#concept-filtered-response-cors, with the list that main fetch makes"""
    names = {name.lower() for name in token_list(headers, "Access-Control-Expose-Headers") or ()}
    # With credentials "*" is a header's name like any other.
    if "*" in names and credentials_mode != "include":
        names = {name.lower() for name, _ in headers}
    return HeaderList.of(item for item in headers if is_cors_safelisted_response_header_name(item[0], names))
