"""What servers and networks do to people, a row for each, and what SPEC-NOTES says becomes of the record.

The table in tests/README.md is made of these rows: `python -m tests.agent.server_faults` prints it.
"""

from __future__ import annotations

import functools
import gzip
import importlib
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
import trio

from swruntime.testing.answers import RequestRecord
from swruntime.testing.pattern import Pattern
from tests.agent.conftest import HOME, Lab

SIZE = 100_000
BODY = bytes(Pattern(SIZE, 1))
OTHER = bytes(Pattern(SIZE, 2))
ETAG = '"v1"'
DATE, LATER = "Mon, 01 Dec 2025 00:00:00 GMT", "Tue, 02 Dec 2025 00:00:00 GMT"
NOW = "Thu, 01 Jan 2026 00:00:00 GMT"
"""When a virtual clock begins."""
CDN = "http://cdn.example"
SECURE = "https://home.example"
ENDLESS = Pattern(1 << 60)

Setup = Callable[[Lab], str]
"""Puts the fault on the origins, and answers with the URL to fetch."""


@attrs.frozen(kw_only=True)
class Row:
    """`waits`: the reasons it waits for, in order, each once. `starts`: where its requests began, in bytes.

    `body`: what a success must have stored. `options` are the agent's, `request` the request's, `fetch` those of
    `fetch()`.
    """

    fault: str
    setup: Setup
    result: str
    cause: str | None = None
    waits: tuple[str, ...] = ()
    starts: tuple[int, ...] | None = None
    body: bytes = BODY
    options: Mapping[str, Any] = {}
    request: Mapping[str, Any] = {}
    fetch: Mapping[str, Any] = {}
    during: Callable[[Lab], Awaitable[None]] | None = None
    needs: str = "swruntime"
    """A module without which the row cannot be tried."""

    @property
    def outcome(self) -> str:
        """As the table says it."""
        waits = "waits " + ", ".join(f"`{reason}`" for reason in self.waits) + "; " if self.waits else ""
        ranged = "Range; " if self.starts and any(self.starts[1:]) else ""
        from_zero = "from zero; " if self.starts and 0 in self.starts[1:] else ""
        cause = f", cause `{self.cause}`" if self.cause else ""
        return f"{waits}{ranged}{from_zero}`{self.result}`{cause}"


def at(path: str = "/f", body: Any = BODY, *, origin: str = HOME, **script: Any) -> Setup:
    def setup(lab: Lab) -> str:
        script.setdefault("etag", ETAG)
        script.setdefault("chunk", 10_000)
        lab.internet.origin_at(origin).add(path, body, **script)
        return origin + path

    return setup


def then(*later: Any, **first: Any) -> Setup:
    """The first answer breaks off after 50,000 bytes; what comes to the next requests is `later`."""
    responses = [
        {"drop_after": 50_000, **first},
        *(one if isinstance(one, dict) else {"body": one} for one in later),
    ]
    return at(responses=responses)


def part(request: RequestRecord, **changes: Any) -> dict[str, Any]:
    """What a good server answers to a Range at the end, but for `changes`; a header that is None is left out."""
    start = int((request.range or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    headers = {
        "Content-Range": f"bytes {start}-{SIZE - 1}/{SIZE}",
        "ETag": ETAG,
        **changes.pop("headers", {}),
    }
    said = {name: value for name, value in headers.items() if value is not None}
    return {"status": 206, "body": BODY[start:], "headers": said, **changes}


def partly(**changes: Any) -> Callable[[RequestRecord], dict[str, Any]]:
    return lambda request: part(request, **dict(changes))


def with_range(value: str | None, **changes: Any) -> Callable[[RequestRecord], dict[str, Any]]:
    return partly(headers={"Content-Range": value}, **changes)


def several_ranges(request: RequestRecord) -> dict[str, Any]:
    """multipart/byteranges, with one part: nobody asked for several."""
    whole = part(request)
    lines = f"Content-Range: {whole['headers']['Content-Range']}\r\n\r\n".encode()
    headers = {"Content-Type": "multipart/byteranges; boundary=X", "ETag": ETAG}
    return {"status": 206, "headers": headers, "body": b"--X\r\n" + lines + whole["body"] + b"\r\n--X--\r\n"}


def as_200(*, told: bool = True) -> Callable[[RequestRecord], dict[str, Any]]:
    """The rest, whatever is asked for, with status 200; with its Content-Range where that is `told`."""

    def answer(request: RequestRecord) -> dict[str, Any]:
        headers = {"Content-Range": f"bytes 50000-{SIZE - 1}/{SIZE}"} if told else {}
        return {"body": BODY[50_000:], "ignore_range": True, "etag": ETAG, "headers": headers}

    return answer


def in_small_parts(request: RequestRecord) -> dict[str, Any]:
    start = int((request.range or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    end = min(start + 30_000, SIZE)
    headers = {"Content-Range": f"bytes {start}-{end - 1}/{SIZE}", "ETag": ETAG}
    return {"status": 206, "body": BODY[start:end], "headers": headers}


def coded(name: str, body: bytes, **script: Any) -> Setup:
    return at(body=body, headers={"Content-Encoding": name}, **script)


@functools.cache
def bomb() -> bytes:
    """64 MiB of nothing in 64 KiB."""
    return gzip.compress(bytes(64 << 20), mtime=0)


def cut_brotli(lab: Lab) -> str:
    data: bytes = importlib.import_module("brotli").compress(BODY, quality=1)
    return coded("br", data[: len(data) // 2])(lab)


def redirected(location: str, target: Setup | None = None, origin: str = HOME, **script: Any) -> Setup:
    def setup(lab: Lab) -> str:
        if target is not None:
            target(lab)
        lab.internet.origin_at(origin).add("/old", redirect=location, **script)
        return f"{origin}/old"

    return setup


def many_redirects(count: int) -> Setup:
    def setup(lab: Lab) -> str:
        for number in range(count):
            lab.origin.add(f"/{number}", redirect=f"/{number + 1}")
        lab.origin.add(f"/{count}", BODY)
        return f"{HOME}/0"

    return setup


def refusing(lab: Lab) -> str:
    url = at(origin=CDN, cors="*")(lab)
    lab.internet.origin_at(CDN).refuse = True
    return url


async def opens_again(lab: Lab) -> None:
    await trio.sleep(60)
    lab.internet.origin_at(CDN).refuse = False


SHORT = {"give_up": 30}

UNUSABLE = {
    "without Content-Range": with_range(None),
    "whose Content-Range begins earlier": with_range(f"bytes 49999-{SIZE - 1}/{SIZE}", body=BODY[49_999:]),
    "whose Content-Range begins later": with_range(f"bytes 50001-{SIZE - 1}/{SIZE}", body=BODY[50_001:]),
    "whose Content-Range is malformed": with_range(f"bytes=50000-{SIZE - 1}/{SIZE}"),
    "whose Content-Range contradicts itself": with_range(f"bytes 50000-{SIZE}/{SIZE}"),
    "of several ranges": several_ranges,
    "with a coding": partly(headers={"Content-Encoding": "gzip", "ETag": '"v1-gzip"'}),
}
"""Answers to a Range that cannot be used, although nothing says that the file changed."""

RANGES = (
    Row(
        fault="Range ignored, twice",
        setup=at(drop_after=[30_000, 60_000], ignore_range=True),
        result="success",
        waits=("reset",),
        starts=(0, 30_000, 60_000),
    ),
    Row(
        fault="the file changed, and If-Range is honoured (200)",
        setup=then({"body": OTHER, "etag": '"v2"'}),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
        body=OTHER,
    ),
    Row(
        fault="206 with another ETag",
        setup=at(drop_after=50_000, range_etag='"v2"'),
        result="fetch-error",
        cause="changed",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="206 without the ETag",
        setup=then(partly(etag=None, headers={"ETag": None})),
        result="fetch-error",
        cause="changed",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="206 with another Last-Modified",
        setup=then(partly(headers={"ETag": None, "Last-Modified": LATER}), etag=None, last_modified=DATE),
        result="fetch-error",
        cause="changed",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="206 whose Content-Range tells another length",
        setup=then(with_range(f"bytes 50000-{SIZE}/{SIZE + 1}")),
        result="fetch-error",
        cause="changed",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    *(
        row
        for what, answer in UNUSABLE.items()
        for row in (
            Row(
                fault=f"206 {what}, once",
                setup=then(answer, {}),
                result="success",
                waits=("reset",),
                starts=(0, 50_000, 0),
            ),
            Row(
                fault=f"206 {what}, always",
                setup=then(answer, {"drop_after": 60_000}, answer),
                result="fetch-error",
                cause="protocol",
                waits=("reset",),
                starts=(0, 50_000, 0, 60_000),
            ),
        )
    ),
    Row(
        fault="206 without Content-Range, and the whole is cut before it has as many bytes",
        setup=then(with_range(None), {"drop_after": 20_000}, {}),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 0, 50_000),
    ),
    Row(
        fault="206 without Content-Range, and the file is another one",
        setup=then(
            with_range(None),
            {"body": OTHER, "etag": '"v2"', "drop_after": 20_000},
            {"body": OTHER, "etag": '"v2"'},
        ),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 0, 20_000),
        body=OTHER,
    ),
    *(
        row
        for what, told in (
            ("with the rest alone, and its Content-Range", True),
            ("with the rest alone, and the same ETag", False),
        )
        for row in (
            Row(
                fault=f"200 to a Range, {what}, once",
                setup=then(as_200(told=told), {}),
                result="success",
                waits=("reset",),
                starts=(0, 50_000, 0),
            ),
            Row(
                fault=f"200 to a Range, {what}, and to what follows",
                setup=then(as_200(told=told)),
                result="fetch-error",
                cause="changed",
                waits=("reset",),
                starts=(0, 50_000, 0),
            ),
        )
    ),
    Row(
        fault="200 to a Range, with the rest alone, and without an ETag, once",
        setup=then({"body": BODY[50_000:], "ignore_range": True, "etag": None}, {}),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 0),
    ),
    Row(
        fault="200 to a Range, in chunks that end early, with the same ETag",
        setup=then({"body": BODY[:70_000], "ignore_range": True, "chunked": True}),
        result="fetch-error",
        cause="changed",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="206 with `*` where a length is known",
        setup=then(with_range(f"bytes 50000-{SIZE - 1}/*")),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="206 with `*`, short of the length that is known",
        setup=then(with_range("bytes 50000-69999/*", body=BODY[50_000:70_000]), {}),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 70_000),
    ),
    Row(
        fault="206 with `*`, beyond the length that is known",
        setup=then(with_range(f"bytes 50000-{SIZE}/*", body=BODY[50_000:] + b"!")),
        result="fetch-error",
        cause="changed",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="206 with `*`, then with a length, where none is known",
        setup=then(
            with_range("bytes 50000-69999/*", body=BODY[50_000:60_000], chunked=True, drop_after=[10_000]),
            {},
            chunked=True,
        ),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 60_000),
    ),
    Row(
        fault="206 with `*` where no length is known",
        setup=then(with_range(f"bytes 50000-{SIZE - 1}/*"), chunked=True),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="206 longer than its Content-Range",
        setup=then(with_range(f"bytes 50000-59999/{SIZE}", chunked=True)),
        result="fetch-error",
        cause="protocol",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="206 in small parts",
        setup=then(in_small_parts),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 80_000),
    ),
    Row(
        fault="206 shorter than its Content-Range, with progress",
        setup=then(partly(body=BODY[50_000:50_100]), partly()),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 50_100),
    ),
    Row(
        fault="206 without a byte",
        setup=then(partly(body=b"")),
        result="fetch-error",
        cause="truncated",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(fault="206 to a plain request, all of it", setup=at(body=partly()), result="success", starts=(0,)),
    Row(
        fault="206 to a plain request, in parts",
        setup=at(body=in_small_parts),
        result="success",
        starts=(0, 30_000, 60_000, 90_000),
    ),
    *(
        Row(
            fault=f"206 to a plain request, {what}",
            setup=at(body=answer),
            result="fetch-error",
            cause="protocol",
            starts=(0, 0),
        )
        for what, answer in (
            ("from the middle", with_range(f"bytes 10-{SIZE - 1}/{SIZE}", body=BODY[10:])),
            ("without Content-Range", with_range(None)),
        )
    ),
    Row(
        fault="206 to a plain request, without Content-Range, once",
        setup=at(responses=[{"body": with_range(None)}, {}]),
        result="success",
        starts=(0, 0),
    ),
    Row(
        fault="206 to a POST",
        setup=at(body=partly()),
        request={"method": "POST", "body": "x"},
        result="fetch-error",
        cause="protocol",
        starts=(0,),
    ),
    Row(
        fault="cut at the very end, then 416 that tells this length",
        setup=at(chunked=True, drop_after=SIZE),
        result="success",
        waits=("reset",),
        starts=(0, SIZE),
    ),
    Row(
        fault="cut at the very end, then 416 that tells this length, of a file with another ETag",
        setup=at(
            responses=[
                {"chunked": True, "drop_after": SIZE},
                {"status": 416, "etag": '"v2"', "headers": {"Content-Range": f"bytes */{SIZE}"}},
                {"body": OTHER, "etag": '"v2"'},
            ]
        ),
        result="success",
        waits=("reset",),
        starts=(0, SIZE, 0),
        body=OTHER,
    ),
    Row(
        fault="416 in the middle, once",
        setup=then({"status": 416, "headers": {"Content-Range": "bytes */5"}}, {}),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 0),
    ),
    Row(
        fault="416 in the middle, twice",
        setup=then({"status": 416}, {"drop_after": 50_000}, {"status": 416}),
        result="fetch-error",
        cause="changed",
        waits=("reset",),
        starts=(0, 50_000, 0, 50_000),
    ),
    Row(
        fault="500 and 404 where the rest is asked for",
        setup=then({"status": 500}, {"status": 404}, {}),
        result="success",
        waits=("reset", "retry-after"),
        starts=(0, 50_000, 50_000, 50_000),
    ),
    Row(
        fault="500 where the rest is asked for, for ever",
        setup=then({"status": 500}),
        options=SHORT,
        result="bad-status",
        cause="status",
        waits=("reset", "retry-after"),
    ),
    Row(
        fault="no validator, or a weak one: no Range",
        setup=at(drop_after=50_000, etag='W/"weak"'),
        result="success",
        waits=("reset",),
        starts=(0, 0),
    ),
    *(
        Row(
            fault=f"a file that is replaced, with {what}: no Range",
            setup=then({"body": OTHER, "range_etag": None, **said}, **said),
            result="success",
            waits=("reset",),
            starts=(0, 0),
            body=OTHER,
        )
        for what, said in (
            ("a Last-Modified of the second of its Date", {"etag": None, "last_modified": NOW, "date": NOW}),
            ("a Last-Modified, and no Date", {"etag": None, "last_modified": DATE, "date": None}),
            (
                "a Last-Modified, and a Date that is none",
                {"etag": None, "last_modified": DATE, "date": "now"},
            ),
            ("a Last-Modified after its Date", {"etag": None, "last_modified": LATER, "date": DATE}),
            ("a Last-Modified, and a weak ETag", {"etag": 'W/"weak"', "last_modified": DATE}),
        )
    ),
    Row(
        fault="a Last-Modified that is a second older than its Date: Range",
        setup=at(drop_after=50_000, etag=None, last_modified=NOW, date="Thu, 01 Jan 2026 00:00:01 GMT"),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
    ),
)

CODINGS = (
    Row(
        fault="gzip, the connection cut once",
        setup=at(coding="gzip", drop_after=50_000),
        result="success",
        waits=("reset",),
        starts=(0, 0),
    ),
    *(
        Row(
            fault=f"{name} that stops in the middle, its framing intact",
            setup=coded(name, data[: len(data) // 2]),
            options=SHORT,
            result="fetch-error",
            cause="truncated",
            waits=("reset",),
        )
        for name, data in (("gzip", gzip.compress(BODY, mtime=0)), ("deflate", zlib.compress(BODY)))
    ),
    Row(
        fault="br that stops in the middle, its framing intact (where `brotli` is installed)",
        setup=cut_brotli,
        options=SHORT,
        result="fetch-error",
        cause="truncated",
        waits=("reset",),
        needs="brotli",
    ),
    Row(
        fault="gzip without its last byte",
        setup=coded("gzip", gzip.compress(BODY, mtime=0)[:-1], chunked=True),
        options=SHORT,
        result="fetch-error",
        cause="truncated",
        waits=("reset",),
    ),
    Row(
        fault="what is no gzip at all",
        setup=coded("gzip", BODY),
        result="fetch-error",
        cause="coding",
        starts=(0,),
    ),
    Row(
        fault="gzip with a wrong checksum",
        setup=coded("gzip", gzip.compress(BODY, mtime=0)[:-8] + bytes(8)),
        result="fetch-error",
        cause="coding",
        starts=(0,),
    ),
    Row(
        fault="something behind the end of the gzip",
        setup=coded("gzip", gzip.compress(BODY, mtime=0) + b"garbage"),
        result="success",
        starts=(0,),
    ),
    Row(
        fault="gzip in several members",
        setup=coded("gzip", gzip.compress(BODY[:70_000], mtime=0) + gzip.compress(BODY[70_000:], mtime=0)),
        result="success",
        starts=(0,),
    ),
    Row(
        fault="gzip whose second member is cut",
        setup=coded("gzip", gzip.compress(BODY, mtime=0) + gzip.compress(BODY, mtime=0)[:-1]),
        result="fetch-error",
        cause="truncated",
        waits=("reset",),
    ),
    Row(
        fault="nine codings at once",
        setup=coded(", ".join(["gzip"] * 9), BODY),
        result="fetch-error",
        cause="coding",
        starts=(0,),
    ),
    Row(
        fault="a coding that was not asked for and is not known (zstd): left as it is",
        setup=coded("zstd", BODY),
        result="success",
        starts=(0,),
    ),
    Row(
        fault="a decompression bomb, with a download total",
        setup=lambda lab: coded("gzip", bomb())(lab),
        fetch={"download_total": 1_000_000},
        result="download-total-exceeded",
        cause="download-total",
        starts=(0,),
    ),
    Row(
        fault="a decompression bomb, with a quota",
        setup=lambda lab: coded("gzip", bomb())(lab),
        options={"quota": 1_000_000},
        result="quota-exceeded",
        cause="quota",
        starts=(0,),
    ),
)

FRAMING = (
    Row(
        fault="chunks that stop, once",
        setup=at(chunked=True, drop_after=50_000, drop_with="close"),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="chunks that stop, always, and no validator",
        setup=at(chunked=True, drop_after=[50_000] * 99, drop_with="close", etag=None),
        options=SHORT,
        result="fetch-error",
        cause="truncated",
        waits=("reset",),
    ),
    Row(
        fault="chunks without the last one",
        setup=at(chunked=True, drop_after=[SIZE] * 99, drop_with="close", etag=None),
        options=SHORT,
        result="fetch-error",
        cause="truncated",
        waits=("reset",),
    ),
    Row(
        fault="Content-Length longer than the body, once",
        setup=at(responses=[{"content_length": SIZE + 1}, {}], etag=None),
        result="success",
        waits=("reset",),
        starts=(0, 0),
    ),
    Row(
        fault="Content-Length longer than the body, always",
        setup=at(content_length=SIZE + 1, etag=None),
        options=SHORT,
        result="fetch-error",
        cause="truncated",
        waits=("reset",),
    ),
    Row(
        fault="Content-Length shorter than the body: what comes after it is left out, and told",
        setup=at(content_length=5_000),
        result="success",
        body=BODY[:5_000],
        starts=(0,),
    ),
    Row(
        fault="Content-Length that is not a number",
        setup=at(headers={"Content-Length": "-5"}),
        result="fetch-error",
        cause="protocol",
        starts=(0,),
    ),
    Row(
        fault="a body that ends with the connection",
        setup=at(content_length=False),
        result="success",
        starts=(0,),
    ),
    Row(
        fault="a body that ends with the connection, reset",
        setup=at(content_length=False, drop_after=50_000),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="a body that ends with the connection, closed too early: nobody can tell",
        setup=at(content_length=False, drop_after=50_000, drop_with="close"),
        result="success",
        starts=(0,),
        body=BODY[:50_000],
    ),
    Row(
        fault="an endless body, with a download total",
        setup=at(body=ENDLESS, chunked=True),
        fetch={"download_total": 1_000_000},
        result="download-total-exceeded",
        cause="download-total",
        starts=(0,),
    ),
    Row(
        fault="an endless body, with a quota",
        setup=at(body=ENDLESS, content_length=False),
        options={"quota": 1_000_000},
        result="quota-exceeded",
        cause="quota",
        starts=(0,),
    ),
    *(
        Row(
            fault=f"a flood of headers: {what}",
            setup=at(headers=flood),
            result="fetch-error",
            cause="protocol",
            starts=(0,),
        )
        for what, flood in (
            ("one of 300 kB", {"X-Flood": "x" * 300_000}),
            ("three hundred", {f"X-Flood-{number}": "x" * 1000 for number in range(300)}),
        )
    ),
)

REDIRECTS = (
    Row(
        fault="a redirect, and what it leads to is cut",
        setup=redirected("/f", at(drop_after=50_000)),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(fault="20 redirects", setup=many_redirects(20), result="success", starts=(0,)),
    Row(fault="21 redirects", setup=many_redirects(21), result="fetch-error", cause="redirect", starts=(0,)),
    Row(
        fault="a redirect to itself",
        setup=redirected("/old"),
        result="fetch-error",
        cause="redirect",
        starts=(0,),
    ),
    Row(
        fault="a redirect to another scheme",
        setup=redirected("ftp://localhost/f"),
        result="fetch-error",
        cause="redirect",
        starts=(0,),
    ),
    Row(
        fault="a redirect to a blocked port",
        setup=redirected("http://localhost:25/f"),
        result="fetch-error",
        cause="bad-port",
        starts=(0,),
    ),
    Row(
        fault="a redirect to another origin, with CORS",
        setup=redirected(f"{CDN}/f", at(origin=CDN, cors="*")),
        result="success",
        starts=(0,),
    ),
    Row(
        fault="a redirect to another origin, without CORS",
        setup=redirected(f"{CDN}/f", at(origin=CDN)),
        result="fetch-error",
        cause="cors",
        starts=(0,),
    ),
    Row(
        fault="a redirect from https to http",
        setup=redirected(f"{CDN}/f", at(origin=CDN, cors="*"), SECURE),
        options={"origin": SECURE},
        result="fetch-error",
        cause="mixed-content",
        starts=(0,),
    ),
    Row(
        fault="the redirect leads elsewhere when the rest is asked for",
        setup=redirected(
            "/f",
            lambda lab: at(drop_after=50_000)(lab) + at("/g", OTHER, etag='"v2"')(lab),
            responses=[{"redirect": "/f"}, {"redirect": "/g"}],
        ),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
        body=OTHER,
    ),
    Row(
        fault="another origin with CORS, cut",
        setup=at(origin=CDN, cors="*", drop_after=50_000),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="another origin without CORS",
        setup=at(origin=CDN),
        result="fetch-error",
        cause="cors",
        starts=(0,),
    ),
    Row(
        fault="another origin whose 206 comes without CORS",
        setup=at(origin=CDN, responses=[{"drop_after": 50_000, "cors": "*"}, {}]),
        result="fetch-error",
        cause="cors",
        waits=("reset",),
        starts=(0, 50_000),
    ),
)

CONNECTIONS = (
    Row(
        fault="refused, for a minute",
        setup=refusing,
        during=opens_again,
        result="success",
        waits=("connect",),
    ),
    Row(
        fault="refused, for ever",
        setup=refusing,
        options=SHORT,
        result="fetch-error",
        cause="connect",
        waits=("connect",),
    ),
    Row(
        fault="a name that does not resolve",
        setup=lambda lab: "http://nowhere.example/f",
        options=SHORT,
        result="fetch-error",
        cause="dns",
        waits=("dns",),
    ),
    *(
        Row(
            fault=f"{how} before the answer, once",
            setup=at(responses=[{"hang_up": True, "drop_with": drop_with}, {}]),
            result="success",
            waits=("reset",),
            starts=(0, 0),
        )
        for how, drop_with in (("reset", "reset"), ("closed", "close"))
    ),
    Row(
        fault="what is not HTTP, at the very first answer",
        setup=at(garbage=True),
        result="fetch-error",
        cause="protocol",
        starts=(0,),
    ),
    Row(
        fault="what is not HTTP, where the rest is asked for, twice",
        setup=then({"garbage": True}, {"garbage": True}, {}),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 50_000, 50_000),
    ),
    Row(
        fault="what is not HTTP, where the rest is asked for, for ever",
        setup=then({"garbage": True}),
        options=SHORT,
        result="fetch-error",
        cause="protocol",
        waits=("reset",),
    ),
    Row(
        fault="what is not HTTP, where the whole is asked for in place of the rest",
        setup=then(with_range(None), {"garbage": True}, {}),
        result="success",
        waits=("reset",),
        starts=(0, 50_000, 0, 0),
    ),
    Row(
        fault="reset before the answer, for ever",
        setup=at(hang_up=True),
        options=SHORT,
        result="fetch-error",
        cause="reset",
        waits=("reset",),
    ),
    Row(
        fault="reset in the body, three times",
        setup=at(drop_after=[30_000] * 3),
        result="success",
        waits=("reset",),
        starts=(0, 30_000, 60_000, 90_000),
    ),
    Row(
        fault="reset in the body, then without another byte for ever",
        setup=at(drop_after=[50_000, *[0] * 99]),
        options=SHORT,
        result="fetch-error",
        cause="reset",
        waits=("reset",),
    ),
    Row(
        fault="closed in the body, once",
        setup=at(drop_after=50_000, drop_with="close"),
        result="success",
        waits=("reset",),
        starts=(0, 50_000),
    ),
    Row(
        fault="a POST, reset before the answer",
        setup=at(hang_up=True),
        request={"method": "POST", "body": "x"},
        result="fetch-error",
        cause="reset",
        starts=(0,),
    ),
    Row(
        fault="stalled in the body, once",
        setup=at(stall_after=[50_000]),
        result="success",
        waits=("timeout",),
        starts=(0, 50_000),
    ),
    Row(
        fault="stalled before the answer, for ever",
        setup=at(delay=1e9),
        options={"give_up": 300},
        result="fetch-error",
        cause="timeout",
        waits=("timeout",),
    ),
    Row(
        fault="a slow drip: 10 kB every 50 seconds",
        setup=at(pace=50),
        options={"give_up": 60},
        result="success",
        starts=(0,),
    ),
    Row(
        fault="a drip so slow that each piece times out",
        setup=at(pace=100, chunk=50_000),
        result="success",
        waits=("timeout",),
        starts=(0, 50_000),
    ),
    *(
        Row(
            fault=f"{status} with Retry-After, then the file",
            setup=at(responses=[{"status": status, "retry_after": 120}, {}]),
            result="success",
            waits=("retry-after",),
            starts=(0, 0),
        )
        for status in (429, 503)
    ),
    Row(
        fault="503 without Retry-After",
        setup=at(status=503),
        result="bad-status",
        cause="status",
        starts=(0,),
    ),
    Row(
        fault="503 with a Retry-After that makes no sense",
        setup=at(status=503, retry_after="soon"),
        result="bad-status",
        cause="status",
        starts=(0,),
    ),
    Row(
        fault="503 with Retry-After, for ever",
        setup=at(retry_after=10),
        options=SHORT,
        result="bad-status",
        cause="status",
        waits=("retry-after",),
    ),
)

ROWS = (*RANGES, *CODINGS, *FRAMING, *REDIRECTS, *CONNECTIONS)


def table() -> str:
    """The rows as tests/README.md has them."""
    lines = ["| fault | state and cause |", "|---|---|"]
    return "\n".join([*lines, *(f"| {row.fault} | {row.outcome} |" for row in ROWS)])


if __name__ == "__main__":
    print(table())
