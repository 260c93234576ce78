"""Requests for scripts, and which responses are scripts."""

from __future__ import annotations

import pytest

from swruntime.algorithms import mime, scripts
from swruntime.algorithms.scripts import IMPORTED, MAIN, PAGE, PAGE_MODULE, WORKER_MODULE, Refusal
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import HeaderList, Request, Response

CLIENT = Environment("https://site.example/page", "https://site.example")
URL = "https://site.example/lib/a%20b.js"


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (MAIN, ("serviceworker", "same-origin", "same-origin", "manual", (("Service-Worker", "script"),))),
        (IMPORTED, ("script", "no-cors", "same-origin", "follow", ())),
        (WORKER_MODULE, ("serviceworker", "cors", "same-origin", "follow", ())),
        (PAGE, ("script", "no-cors", "include", "follow", ())),
        (PAGE_MODULE, ("script", "cors", "same-origin", "follow", ())),
    ],
)
def test_requests(kind: scripts.ScriptKind, asked: tuple[object, ...]) -> None:
    request = scripts.script_request(kind, f"{URL}?v=1#part", CLIENT)
    assert request == Request(
        f"{URL}?v=1",
        destination=request.destination,
        mode=request.mode,
        credentials=request.credentials,
        redirect=request.redirect,
        headers=request.headers,
        client=CLIENT,
    )
    assert asked == (
        request.destination,
        request.mode,
        request.credentials,
        request.redirect,
        request.headers.items,
    )


def test_only_a_workers_own_script_is_a_main_one() -> None:
    assert [kind for kind in (MAIN, IMPORTED, WORKER_MODULE, PAGE, PAGE_MODULE) if kind.main] == [MAIN]


def test_caches_and_the_referrer() -> None:
    request = scripts.script_request(MAIN, URL, CLIENT, referrer="", revalidate=True)
    assert (request.cache, request.referrer) == ("no-cache", "")
    request = scripts.script_request(MAIN, URL, CLIENT)
    assert (request.cache, request.referrer) == ("default", "about:client")


def response(status: int, *types: str, type: str = "basic") -> Response:
    headers = HeaderList(tuple(("Content-Type", each) for each in types))
    return Response(status, headers=headers, type=type)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "types",
    [
        ("text/javascript",),
        ("TEXT/JavaScript; charset=latin-1",),
        ("application/x-ecmascript",),
        ("text/html", "text/javascript"),
        ("text/livescript;x",),
    ],
)
def test_scripts(types: tuple[str, ...]) -> None:
    for status in (200, 203, 299):
        assert scripts.refusal(response(status, *types)) is None


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (response(404, "text/javascript"), Refusal("answered 404")),
        (response(199, "text/javascript"), Refusal("answered 199")),
        (response(300, "text/html"), Refusal("answered 300")),
        (response(200, "text/html"), Refusal("is text/html; expected a JavaScript type", True)),
        (response(200, "text/javascript", "text/plain;charset=x"), Refusal("is text/plain; expected a JavaScript type", True)),
        (response(200, "text/javascriptx"), Refusal("is text/javascriptx; expected a JavaScript type", True)),
        (response(200, "application/json"), Refusal("is application/json; expected a JavaScript type", True)),
        (response(200), Refusal("is of no type; expected a JavaScript type", True)),
        (response(200, "javascript"), Refusal("is of no type; expected a JavaScript type", True)),
        (response(200, f"a/{'b' * 100}"), Refusal(f"is a/{'b' * 78}; expected a JavaScript type", True)),
        (
            response(302, "text/javascript", type="opaqueredirect"),
            Refusal("was redirected, which a worker's script may not be; register it where it is", True),
        ),
    ],
)  # fmt: skip
def test_refusals(refused: Response, why: Refusal) -> None:
    assert scripts.refusal(refused) == why


def test_what_another_origin_sends_without_cors_is_muted() -> None:
    assert scripts.is_muted(response(200, type="opaque"))
    for kind in ("basic", "cors", "default"):
        assert not scripts.is_muted(response(200, type=kind))


def test_how_it_is_mended() -> None:
    assert scripts.mended_by(f"{URL}?q#f") == (
        "in SITE's _headers, write /lib/a%20b.js and, indented below it, Content-Type: text/javascript"
    )


def test_javascript_types() -> None:
    names = (
        "application/ecmascript application/javascript application/x-ecmascript application/x-javascript "
        "text/ecmascript text/javascript text/javascript1.0 text/javascript1.1 text/javascript1.2 text/javascript1.3 "
        "text/javascript1.4 text/javascript1.5 text/jscript text/livescript text/x-ecmascript text/x-javascript"
    )
    for name in names.split():
        assert mime.is_javascript(mime.MimeType(name))
        assert not mime.is_javascript(mime.MimeType(f"{name}.x"))
    assert not mime.is_javascript(mime.MimeType("text/plain"))
