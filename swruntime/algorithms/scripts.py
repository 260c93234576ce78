"""What a request for a script is, and which responses are scripts.

Every script comes by one of the kinds that are listed here, whatever its language and whoever answers.

Spec: https://html.spec.whatwg.org/multipage/webappapis.html#fetching-scripts and
https://w3c.github.io/ServiceWorker/#update-algorithm, #importscripts
"""

from __future__ import annotations

import attrs

from swruntime.algorithms import urls
from swruntime.algorithms.headers import mime_type
from swruntime.algorithms.mime import is_javascript
from swruntime.concepts.enums import RequestCredentials, RequestDestination, RequestMode
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import HeaderList, Request, Response

_LONGEST_TYPE = 80


@attrs.frozen
class ScriptKind:
    """How a script is asked for. `main`: it is a worker's own, which may not be redirected."""

    destination: RequestDestination
    mode: RequestMode
    credentials: RequestCredentials = "same-origin"
    main: bool = False


MAIN = ScriptKind("serviceworker", "same-origin", main=True)
"""A service worker's script, classic or module.

Spec: https://html.spec.whatwg.org/multipage/webappapis.html#fetch-a-classic-worker-script and
#fetch-a-single-module-script, with the steps of *Update*
"""

IMPORTED = ScriptKind("script", "no-cors")
"""https://html.spec.whatwg.org/multipage/webappapis.html#fetch-a-classic-worker-imported-script"""

WORKER_MODULE = ScriptKind("serviceworker", "cors")
"""What a module worker imports: https://html.spec.whatwg.org/multipage/webappapis.html#fetch-the-descendants-of-a-module-script"""

PAGE = ScriptKind("script", "no-cors", "include")
"""https://html.spec.whatwg.org/multipage/webappapis.html#fetch-a-classic-script"""

PAGE_MODULE = ScriptKind("script", "cors")
"""https://html.spec.whatwg.org/multipage/webappapis.html#fetch-an-external-module-script-graph"""


def script_request(
    kind: ScriptKind,
    url: str,
    client: Environment,
    *,
    referrer: str = "about:client",
    revalidate: bool = False,
) -> Request:
    """The request for the script at `url`. `revalidate`: no cache on the way may answer by itself.

    Spec: https://w3c.github.io/ServiceWorker/#update-algorithm, the fetch hook
    """
    return Request(
        urls.without_fragment(url),
        # 1. What tells a server that this is a worker's script. Of an import it would ask for a CORS preflight, and no
        # browser sends it.
        headers=HeaderList((("Service-Worker", "script"),)) if kind.main else HeaderList(),
        mode=kind.mode,
        credentials=kind.credentials,
        # 2.
        cache="no-cache" if revalidate else "default",
        # 5. "error"; it is left to `refusal` so that the error can say what happened.
        redirect="manual" if kind.main else "follow",
        referrer=referrer,
        destination=kind.destination,
        client=client,
    )


@attrs.frozen
class Refusal:
    """Why a response is not a script, in words. `insecure`: a main script's is a SecurityError then."""

    why: str
    insecure: bool = False


def refusal(response: Response) -> Refusal | None:
    """Why `response` is not a script, None for one that is. It says nothing of what the response consists of.

    Stricter than HTML for a page's classic script, which need not have a JavaScript type.
    Spec: https://w3c.github.io/ServiceWorker/#dfn-bad-import-script-response and #update-algorithm
    """
    if response.type == "opaqueredirect":
        return Refusal("was redirected, which a worker's script may not be; register it where it is", True)
    if not response.ok:
        return Refusal(f"answered {response.status}")
    kind = mime_type(response.headers)
    if kind is None or not is_javascript(kind):
        shown = "of no type" if kind is None else kind.essence[:_LONGEST_TYPE]
        return Refusal(f"is {shown}; expected a JavaScript type", True)
    return None


def is_muted(response: Response) -> bool:
    """Whether a classic script has *muted errors*: another origin's text may be run, and not be read.

    Spec: https://html.spec.whatwg.org/multipage/webappapis.html#muted-errors
    """
    return response.type == "opaque"


def mended_by(url: str) -> str:
    """What would make a script of the file at `url`, in SITE's `_headers`."""
    path = urls.parse(url).pathname
    return f"in SITE's _headers, write {path} and, indented below it, Content-Type: text/javascript"
