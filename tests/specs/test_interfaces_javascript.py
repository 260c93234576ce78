"""The JavaScript realm is what the Web IDL says; and where it is not, that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from swruntime.testing.conformance import idl, javascript

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not javascript.is_installed(), reason="JavaScript needs Deno: extra js"),
]

SPECS = Path(__file__).parents[2] / "specs"


def read(tmp_path: Path, text: str) -> idl.Definitions:
    path = tmp_path / "interfaces.webidl"
    path.write_text(text)
    return idl.read_definitions([path])


def test_the_realms_are_what_the_standards_say() -> None:
    definitions = idl.read_definitions(sorted(SPECS.glob("*/interfaces.webidl")))
    assert javascript.problems_of(definitions) == []


def test_parts_and_mixins_are_of_the_whole(tmp_path: Path) -> None:
    definitions = read(
        tmp_path,
        """
        interface mixin Body { Promise<any> json(); };
        [Exposed=*] interface Response { static Response _error(DOMString a, optional DOMString b); };
        Response includes Body;
        [Global=Worker, Exposed=ServiceWorker] interface Scope : EventTarget { attribute EventHandler onfetch; };
        partial interface Scope { readonly attribute DOMString id; };
        """,
    )
    response, scope = javascript.described(definitions)["interfaces"]
    assert [(each["name"], each["static"], each["required"]) for each in response["members"]] == [
        ("error", True, 1),
        ("json", False, 0),
    ]
    assert [(each["name"], each["readonly"]) for each in scope["members"]] == [
        ("onfetch", False),
        ("id", True),
    ]
    assert (scope["inherits"], scope["global"], scope["exposed"]) == ("EventTarget", True, ["ServiceWorker"])


GOOD = """
[Exposed=(Window,Worker)]
interface BackgroundFetchRegistration : EventTarget {
    readonly attribute DOMString id;
    attribute EventHandler onprogress;
    Promise<BackgroundFetchRecord> match(RequestInfo request, optional CacheQueryOptions options = {});
};
[Global=(Worker,ServiceWorker), Exposed=ServiceWorker]
interface ServiceWorkerGlobalScope : WorkerGlobalScope {
    readonly attribute Clients clients;
    Promise<undefined> skipWaiting();
    attribute EventHandler onfetch;
};
[Exposed=(Window,Worker)]
interface Response {
    constructor(optional BodyInit? body = null, optional ResponseInit init = {});
    static Response json(any data, optional ResponseInit init = {});
};
[Exposed=*]
interface URLSearchParams { constructor(optional USVString init = ""); iterable<USVString, USVString>; stringifier; };
[Exposed=ServiceWorker]
interface SyncEvent : ExtendableEvent { constructor(DOMString type, SyncEventInit init); };
[Exposed=*]
interface Cache {};
[Exposed=*]
interface AbortSignal : EventTarget { undefined throwIfAborted(); };
"""

WRONG = [
    ("readonly attribute DOMString id", "attribute DOMString id", "Registration.id is read-only"),
    ("DOMString id", "DOMString identifier", "Registration.identifier is not there"),
    ("readonly attribute DOMString id", "readonly attribute Promise<DOMString> id", "id throws, where it should reject"),
    ("readonly attribute DOMString id", "DOMString id()", "Registration.id is not a method"),
    ("attribute EventHandler onprogress", "undefined onprogress()", "onprogress is not a method"),
    ("attribute EventHandler onprogress", "readonly attribute EventHandler onprogress", "onprogress is not read-only"),
    ("Promise<BackgroundFetchRecord> match", "undefined match", "match answers with a promise"),
    ("undefined throwIfAborted", "Promise<undefined> throwIfAborted", "throwIfAborted throws, where it should reject"),
    ("RequestInfo request,", "RequestInfo request, DOMString more,", "match has the length 1, where the IDL has 2"),
    ("(Window,Worker)", "Window", "BackgroundFetchRegistration is in the scope of ServiceWorker (a worker)"),
    ("(Window,Worker)", "Worker", "BackgroundFetchRegistration is in the scope of Window (a page)"),
    ("interface Cache", "interface Cash", "Cash is not in the scope of Window"),
    ("BackgroundFetchRegistration : EventTarget", "BackgroundFetchRegistration", "is no interface without a parent"),
    (": ExtendableEvent", ": Event", "SyncEvent is no Event"),
    ("interface Cache {}", "interface Cache { constructor(); }", "Cache cannot be constructed"),
    ("constructor(DOMString type, SyncEventInit init);", "", "SyncEvent says"),
    ("DOMString type, SyncEventInit", "DOMString type, optional SyncEventInit", "SyncEvent has the length 2"),
    ("static Response json", "Response json", "Response.json has the length 0"),
    ("any data,", "any data, any more,", "Response.json has the length 1"),
    ("URLSearchParams {", "Headers {", "Headers.stringifier is not there"),
    ("URLSearchParams {", "Cache {", "Cache.iterable is not there: it has no entries"),
    ("readonly attribute Clients clients", "Clients clients()", "ServiceWorkerGlobalScope.clients is not a method"),
    ("skipWaiting()", "skipWaiting(any a)", "skipWaiting has the length 0, where the IDL has 1"),
    ("onfetch", "onfetched", "ServiceWorkerGlobalScope.onfetched is not there"),
    ("Promise<undefined> skipWaiting", "undefined skipWaiting", "skipWaiting answers with a promise"),
]  # fmt: skip


def test_every_difference_is_told(tmp_path: Path) -> None:
    assert all(good in GOOD for good, _, _ in WRONG)
    texts = [GOOD, *(GOOD.replace(good, other, 1) for good, other, _ in WRONG)]
    none, *found = javascript.problems_of_each([read(tmp_path, text) for text in texts])
    assert none == []
    for (_, other, told), problems in zip(WRONG, found, strict=True):
        assert any(told in problem for problem in problems), (other, problems)
