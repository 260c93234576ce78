"""Blob, File, FormData and URLSearchParams of a Python realm, by themselves and as bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from swruntime.errors import InvalidStateError
from swruntime.realms.python.blob import Blob, File
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.form_data import FormData
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response
from swruntime.realms.python.search_params import URLSearchParams
from swruntime.realms.python.structured_clone import deserialize, serialize


class Classes:
    """The platform classes of one realm."""

    def __init__(self, context: RealmContext) -> None:
        self.Blob = context.bind(Blob)
        self.File = context.bind(File)
        self.FormData = context.bind(FormData)
        self.URLSearchParams = context.bind(URLSearchParams)
        self.Request = context.bind(Request)
        self.Response = context.bind(Response)


@pytest.fixture
def c(context: RealmContext) -> Classes:
    return Classes(context)


# Blob and File


async def test_a_blob_of_many_parts(c: Classes) -> None:
    blob = c.Blob(["é\ud800", b"1", bytearray(b"2"), memoryview(b"3"), c.Blob([b"4"])], type="Text/Plain")
    assert (blob.size, blob.type, repr(blob)) == (9, "text/plain", "<Blob 9 bytes text/plain>")
    assert await blob.text() == "é\ufffd1234"
    assert await blob.bytes() == await blob.array_buffer() == "é\ufffd1234".encode()
    assert [piece async for piece in blob.stream()] == ["é\ufffd1234".encode()]
    assert await c.Blob([b"\xef\xbb\xbfa\xff"]).text() == "a\ufffd"
    assert (c.Blob().size, c.Blob(type="a\x00").type) == (0, "")
    assert await c.Blob(["a\r\nb\rc\n"], endings="native").bytes() == b"a\nb\nc\n"


async def test_a_slice(c: Classes) -> None:
    blob = c.Blob([b"0123456789"], type="a/b")
    for first, last in [(0, None), (2, 5), (-3, None), (-3, -1), (5, 2), (8, 99), (-99, 1)]:
        assert await blob.slice(first, last).bytes() == b"0123456789"[first:last]
    assert (blob.slice().type, blob.slice(content_type="C/D").type) == ("", "c/d")


async def test_a_file(context: RealmContext, c: Classes) -> None:
    context.now = lambda: 1234.5
    file = c.File([b"x"], "a.txt", type="text/plain")
    assert (file.name, file.last_modified, file.size, file.type) == ("a.txt", 1234500, 1, "text/plain")
    assert (c.File([], "b", last_modified=5).last_modified, file.webkit_relative_path) == (5, "")
    assert repr(file) == "<File 'a.txt' 1 bytes text/plain>"
    assert isinstance(file, c.Blob)
    assert isinstance(file.slice(), c.Blob)
    assert not isinstance(file.slice(), File)


@pytest.mark.parametrize(
    ("parts", "init"),
    [
        ("text", {}),
        ([5], {}),
        (b"x", {}),
        ([], {"type": 5}),
        ([], {"endings": "unix"}),
    ],
)
async def test_what_is_no_blob(c: Classes, parts: Any, init: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        c.Blob(parts, **init)
    with pytest.raises(TypeError):
        c.File(parts, "name", **init)


async def test_arguments_of_blobs_and_files(context: RealmContext, c: Classes) -> None:
    with pytest.raises(TypeError, match="start is 1.5"):
        c.Blob().slice(1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="file_name is None"):
        c.File([], None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="last_modified is True"):
        c.File([], "a", last_modified=True)
    context.discard("over")
    with pytest.raises(InvalidStateError):
        c.Blob()


async def test_blobs_and_files_are_cloned(context: RealmContext, c: Classes) -> None:
    blob = c.Blob([b"b"], type="a/b")
    file = c.File([b"f"], "f.txt", type="text/plain", last_modified=7)
    message = serialize({"blob": blob, "again": blob, "files": [file]})
    made = deserialize(message, (), context)
    assert made["blob"] is made["again"] is not blob
    assert (type(made["blob"]), made["blob"].type, await made["blob"].bytes()) == (c.Blob, "a/b", b"b")
    (copy,) = made["files"]
    assert (type(copy), copy.name, copy.type, copy.last_modified) == (c.File, "f.txt", "text/plain", 7)
    assert await copy.bytes() == b"f"


# FormData


async def test_a_form(c: Classes) -> None:
    form = c.FormData()
    form.append("a", "1")
    form.append("b", c.Blob([b"x"], type="a/b"))
    form.append("a", "2")
    assert (form.get("a"), form.get_all("a"), form.get("c"), form.has("b"), "c" in form) == (
        "1",
        ["1", "2"],
        None,
        True,
        False,
    )
    assert list(form.keys()) == ["a", "b", "a"]
    seen: list[object] = []
    form.for_each(lambda value, name, parent: seen.append((name, parent is form)))
    assert seen == [("a", True), ("b", True), ("a", True)]
    form.set("a", "3")
    form.set("c", "4")
    form.delete("b")
    assert list(form) == list(form.items()) == list(form.entries()) == [("a", "3"), ("c", "4")]
    assert list(form.values()) == ["3", "4"]
    form.append("\ud800", "\ud800")
    assert form.get("\ufffd") == "\ufffd"


async def test_files_in_a_form(c: Classes) -> None:
    form = c.FormData()
    file = c.File([b"x"], "a.txt", type="text/plain", last_modified=7)
    form.append("file", file)
    assert form.get("file") is file
    form.set("file", file, "b.txt")
    renamed = form.get("file")
    assert isinstance(renamed, c.File)
    assert (renamed.name, renamed.last_modified, renamed.type) == ("b.txt", 7, "text/plain")
    form.set("file", c.Blob([b"y"]))
    made = form.get("file")
    assert isinstance(made, c.File)
    assert (made.name, await made.bytes()) == ("blob", b"y")


@pytest.mark.parametrize(
    "arguments", [(1, "x"), ("a", 5), ("a", None), ("a", b"x"), ("a", "x", "name"), ("a",)]
)
async def test_what_a_form_does_not_take(c: Classes, arguments: tuple[Any, ...]) -> None:
    for method in (c.FormData().append, c.FormData().set):
        with pytest.raises(TypeError):
            method(*arguments)
    with pytest.raises(TypeError, match="form is"):
        c.FormData(object())  # type: ignore[arg-type]


# URLSearchParams


async def test_search_params(c: Classes) -> None:
    params = c.URLSearchParams("?a=1&b=2&a=3")
    assert (params.get("a"), params.get_all("a"), params.get("x"), params.size, len(params)) == (
        "1",
        ["1", "3"],
        None,
        3,
        3,
    )
    assert (params.has("a", "3"), params.has("a", "2"), "b" in params) == (True, False, True)
    params.append("c", "é &")
    params.set("a", "9")
    params.set("d", "8")
    assert str(params) == params.to_string() == "a=9&b=2&c=%C3%A9+%26&d=8"
    params.delete("b", "3")
    params.delete("c")
    assert dict(params) == {"a": "9", "b": "2", "d": "8"}
    assert str(c.URLSearchParams({"a": "1"})) == str(c.URLSearchParams([("a", "1")])) == "a=1"
    assert str(c.URLSearchParams(params)) == str(params)
    unsorted = c.URLSearchParams("z=1&\uffff=2&😀=3&a=4&z=0")
    unsorted.sort()
    assert list(unsorted) == [("a", "4"), ("z", "1"), ("z", "0"), ("😀", "3"), ("\uffff", "2")]


@pytest.mark.parametrize("init", [5, None, [("a",)], [5], {"a": 1}, [("a", "b", "c")], b"a=1"])
async def test_what_are_no_search_params(c: Classes, init: Any) -> None:
    with pytest.raises(TypeError):
        c.URLSearchParams(init)


# As bodies


async def test_a_blob_is_a_body(c: Classes) -> None:
    response = c.Response(c.File([b"x" * 100], "a", type="A/B; C=D"))
    assert response.headers.get("content-type") == "a/b; c=d"
    blob = await response.clone().blob()
    assert isinstance(blob, c.Blob)
    assert (blob.size, blob.type) == (100, "a/b;c=d")
    assert "content-type" not in c.Response(c.Blob([b"x"])).headers
    untyped = await c.Response(b"x").blob()
    assert (untyped.type, await untyped.text()) == ("", "x")
    assert (await c.Response("x", headers={"Content-Type": "nonsense"}).blob()).type == ""


async def test_search_params_are_a_body(c: Classes) -> None:
    request = c.Request("/", method="POST", body=c.URLSearchParams("a=é+1&a=2"))
    assert request.headers.get("content-type") == "application/x-www-form-urlencoded;charset=UTF-8"
    form = await request.clone().form_data()
    assert isinstance(form, c.FormData)
    assert list(form) == [("a", "é 1"), ("a", "2")]
    assert await request.text() == "a=%C3%A9+1&a=2"


async def test_a_form_is_a_body(c: Classes) -> None:
    form = c.FormData()
    form.append("title", "Épisode\n5")
    form.append("audio", c.File([b"\x00\xff\r\n--"], 'a "b".mp3', type="audio/mpeg"))
    form.append("audio", c.Blob([]))
    request = c.Request("/", method="POST", body=form)
    other = c.Request("/", method="POST", body=form)
    assert request.headers.get("content-type") == other.headers.get("content-type")
    length = request._concept.body
    assert isinstance(length, bytes)
    assert (request.headers.get("content-type") or "").startswith("multipart/form-data; boundary=----")
    for each in (request.clone(), c.Request(request)):
        back = await each.form_data()
        title, first, second = back.values()
        assert title == "Épisode\r\n5"
        assert isinstance(first, c.File)
        assert isinstance(second, c.File)
        assert (first.name, first.type, await first.bytes()) == (
            'a "b".mp3',
            "audio/mpeg",
            b"\x00\xff\r\n--",
        )
        assert (second.name, second.type, second.size) == ("blob", "application/octet-stream", 0)
    assert request.body_used
    with pytest.raises(TypeError, match="used already"):
        await request.form_data()


async def test_the_content_type_that_a_script_gave_stays(c: Classes) -> None:
    response = c.Response(c.URLSearchParams("a=1"), headers={"Content-Type": "a/b"})
    assert response.headers.get("content-type") == "a/b"


@pytest.mark.parametrize(
    ("content_type", "message"),
    [
        (None, "Content-Type is None"),
        ("text/plain", "form_data.. expects"),
        ("multipart/form-data", "with a boundary"),
        ("multipart/form-data; boundary=B", "not multipart/form-data: at byte 0"),
    ],
)
async def test_a_body_that_is_no_form(c: Classes, content_type: str | None, message: str) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    with pytest.raises(TypeError, match=message):
        await c.Response(b"x", headers=headers).form_data()


async def test_a_body_that_never_was(c: Classes) -> None:
    assert (
        list(await c.Response(headers={"Content-Type": "application/x-www-form-urlencoded"}).form_data())
        == []
    )
    with pytest.raises(TypeError, match="at byte 0"):
        await c.Response(headers={"Content-Type": "multipart/form-data; boundary=B"}).form_data()
    assert (await c.Response().blob()).size == 0


async def test_a_stream_of_a_form_reads_in_pieces(c: Classes) -> None:
    form = c.FormData()
    form.append("f", c.Blob([b"x" * 200_000]))
    response = c.Response(form)
    assert response.body is not None
    pieces = [piece async for piece in response.body]
    assert len(pieces) > 2
    assert sum(map(len, pieces)) > 200_000

    async def streamed() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    again = c.Response(streamed(), headers=response.headers)
    (file,) = (await again.form_data()).values()
    assert isinstance(file, File)
    assert await file.bytes() == b"x" * 200_000
