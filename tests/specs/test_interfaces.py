"""The Python realm is what the Web IDL says; and where it is not, that is told."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from swruntime.errors import UsageError
from swruntime.testing.conformance import idl, interfaces

SPECS = Path(__file__).parents[2] / "specs"


@cache
def scopes() -> interfaces.Scopes:
    return interfaces.open_scopes()


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "interfaces.webidl"
    path.write_text(text)
    definitions = idl.read_definitions([path])
    return [*interfaces.problems_of(definitions, scopes()), *interfaces.enumeration_problems(definitions)]


def test_the_realm_is_what_the_standards_say() -> None:
    definitions = idl.read_definitions(sorted(SPECS.glob("*/interfaces.webidl")))
    assert list(interfaces.problems_of(definitions, scopes())) == []
    assert list(interfaces.enumeration_problems(definitions)) == []
    assert sum(len(interface.members) for interface in definitions.interfaces) > 280


GOOD = """
[Exposed=(Window,Worker)]
interface BackgroundFetchRegistration : EventTarget {
    readonly attribute DOMString id;
    attribute EventHandler onprogress;
    Promise<BackgroundFetchRecord> match(RequestInfo request, optional CacheQueryOptions options = {});
};
dictionary CacheQueryOptions { boolean ignoreSearch = false; boolean ignoreMethod = false; boolean ignoreVary = false; };
enum BackgroundFetchResult { "", "success", "failure" };
"""


@pytest.mark.parametrize(
    ("good", "other", "told"),
    [
        ("readonly attribute DOMString id", "attribute DOMString id", "id is read-only"),
        ("DOMString id", "DOMString identifier", "identifier is not there"),
        ("DOMString id", "Promise<DOMString> id", "id answers with str"),
        (
            "attribute EventHandler onprogress",
            "attribute DOMString onprogress",
            "onprogress is an event handler",
        ),
        ("attribute EventHandler onprogress;", "undefined onprogress();", "onprogress is not a method"),
        ("readonly attribute DOMString id;", "DOMString id();", "id is not a method"),
        (
            "Promise<BackgroundFetchRecord> match",
            "BackgroundFetchRecord match",
            "match answers with Promise[",
        ),
        ("RequestInfo request,", "optional RequestInfo request,", "has request required"),
        ("RequestInfo request,", "RequestInfo request, DOMString more,", "takes 1 arguments by their place"),
        ("ignoreVary = false;", "ignoreVary = false; boolean ignoreAll = false;", "takes no ignore_all"),
        ("boolean ignoreVary = false;", "", "takes ignore_vary, which the IDL does not have"),
        ("boolean ignoreVary = false;", "required boolean ignoreVary;", "has ignore_vary optional"),
        ("(Window,Worker)", "Window", "is in the scope of ServiceWorker"),
        ("(Window,Worker)", "ServiceWorker", "is in the scope of Window"),
        (
            "interface BackgroundFetchRegistration",
            "interface BackgroundFetchRegistrar",
            "Registrar is not there",
        ),
        (": EventTarget", ": Event", "is no Event"),
        ("readonly attribute", "[NotImplemented] readonly attribute", "has [NotImplemented]"),
        ("[Exposed", "[NotImplemented, Exposed", "has [NotImplemented]"),
        ("readonly attribute", "[JavaScriptOnly] readonly attribute", "has [NotImplemented]"),
        ("[Exposed", "[JavaScriptOnly, Exposed", "has [NotImplemented]"),
        ('"failure"', '"failed"', "where the IDL has"),
    ],
)
def test_a_difference_is_told(tmp_path: Path, good: str, other: str, told: str) -> None:
    assert problems(tmp_path, GOOD) == []
    assert good in GOOD
    found = problems(tmp_path, GOOD.replace(good, other, 1))
    assert any(told in problem for problem in found), found


BODIES = """
interface mixin Body { Promise<any> json(); };
[Exposed=*]
interface Response { static Response json(any data, optional ResponseInit init = {}); };
Response includes Body;
dictionary ResponseInit { unsigned short status = 200; ByteString statusText = ""; HeadersInit headers; };
[Exposed=(Window,Worker)]
interface URLSearchParams { iterable<USVString, USVString>; stringifier; };
[Exposed=*, NotImplemented]
interface WritableStream {};
[Exposed=(Window,Worker)]
interface Notification {
    static readonly attribute unsigned long maxActions;
    static Promise<NotificationPermission> requestPermission(optional NotificationPermissionCallback callback);
};
[Exposed=*]
interface AbortSignal { static AbortSignal _any(sequence<AbortSignal> signals); };
"""


@pytest.mark.parametrize(
    ("good", "other", "told"),
    [
        ("Response includes Body", "URLSearchParams includes Body", "URLSearchParams does not include Body"),
        ("interface URLSearchParams", "interface Response", "Response.iterable is not there"),
        ("[Exposed=*]", "[Exposed=Window]", "Response is in the scope of ServiceWorker"),
        ("any data,", "any data, any more,", "Response.json takes 1 arguments"),
        ("static Response json", "static Promise<Response> json", "Response.json answers with"),
        ("optional NotificationPermissionCallback", "NotificationPermissionCallback", "callback optional"),
        ("static readonly attribute unsigned long maxActions", "undefined maxActions()", "is not a method"),
        ("_any(sequence<AbortSignal> signals)", "_any()", "AbortSignal.any takes 1 arguments"),
        (", NotImplemented", "", "WritableStream is not there"),
    ],
)
def test_mixins_static_members_iterables_and_what_is_exposed_everywhere(
    tmp_path: Path, good: str, other: str, told: str
) -> None:
    assert problems(tmp_path, BODIES) == []
    assert good in BODIES
    found = problems(tmp_path, BODIES.replace(good, other, 1))
    assert any(told in problem for problem in found), found


def test_what_is_no_web_idl(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="interfaces.webidl"):
        problems(tmp_path, "class Nothing {};")


def test_what_is_javascripts_alone_is_not_missed(tmp_path: Path) -> None:
    text = """
    [Exposed=*, JavaScriptOnly] interface IDBFactory { readonly attribute DOMString name; };
    [JavaScriptOnly] enum IDBCursorDirection { "next" };
    partial interface ServiceWorkerGlobalScope { [JavaScriptOnly] readonly attribute IDBFactory indexedDB; };
    """
    assert problems(tmp_path, text) == []
    assert set(problems(tmp_path, text.replace(", JavaScriptOnly", "").replace("[JavaScriptOnly]", ""))) > {
        "IDBFactory is not there",
        "IDBCursorDirection is not there",
    }
