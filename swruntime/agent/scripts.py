"""Scripts of workers that SITE does not have: they come over the network, as in a browser.

Spec: https://html.spec.whatwg.org/multipage/webappapis.html#fetching-scripts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swruntime.algorithms.headers import mime_type
from swruntime.concepts import http
from swruntime.concepts.environment import Environment
from swruntime.errors import NetworkError, NetworkFailure

if TYPE_CHECKING:
    from swruntime.agent.services import Services

JAVASCRIPT = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/x-ecmascript",
        "application/x-javascript",
        "text/ecmascript",
        "text/javascript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
    }
)
"""https://mimesniff.spec.whatwg.org/#javascript-mime-type"""


async def fetch_script(services: Services, url: str, client: Environment) -> bytes:
    """The JavaScript at `url`. Raises NetworkError where it does not come, or is none."""
    request = http.Request(url, mode="no-cors", destination="script", client=client)
    try:
        async with services.fetcher.fetch(request) as fetched:
            response = fetched.response
            if not response.ok:
                raise NetworkError(f"the script {url} answered {response.status}")
            kind = mime_type(response.headers)
            if kind is None or kind.essence not in JAVASCRIPT:
                raise NetworkError(f"the script {url} is {kind}; expected a JavaScript type")
            return b"".join([piece async for piece in fetched.body])
    except NetworkFailure as failure:
        raise NetworkError(f"the script {url} did not come ({failure.cause}): {failure.message}") from failure
