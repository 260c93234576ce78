"""What goes over the network, written to a HAR file and answered from it; and other tools' files."""

from __future__ import annotations

import base64
import errno
import json
import os
import tempfile
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings, strategies as st

from swruntime import UsageError, open_user_agent
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure, OutputFailed
from swruntime.network.http import HttpxNetwork
from swruntime.network.recording import RecordingNetwork, har_writer
from swruntime.network.replay import ReplayNetwork, read_recording
from swruntime.ports.network import WireRequest
from swruntime.testing import Origin, Pattern, laboratory, run

URL = "http://localhost:8400"
WORKER = """
async def onbackgroundfetchsuccess(event):
    cache = await caches.open("files")
    for record in await event.registration.match_all():
        await cache.put(record.request, await record.response_ready)
"""


def entry(url: str = f"{URL}/a", **response: Any) -> dict[str, Any]:
    """An entry as little as can be; `response` has more of its response."""
    return {"request": {"method": "GET", "url": url}, "response": {"status": 200, **response}}


def written(folder: Path, *entries: dict[str, Any], begin: bytes = b"") -> Path:
    path = folder / "some.har"
    path.write_bytes(begin + json.dumps({"log": {"version": "1.2", "entries": entries}}).encode())
    return path


def ask(path: str = "/a", method: str = "GET", **headers: str) -> WireRequest:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return WireRequest(method, URL + path, HeaderList.of(pairs))


async def exchange(network: Any, request: WireRequest) -> tuple[int, HeaderList, bytes]:
    async with network.exchange(request) as response:
        return response.status, response.headers, b"".join([piece async for piece in response.body])


async def replayed(path: Path, *requests: WireRequest) -> list[Any]:
    """What each is answered: status and body, or a failure's cause and message."""
    with read_recording(path) as recording:
        network = ReplayNetwork(recording)
        answers: list[Any] = []
        for request in requests:
            try:
                status, _, body = await exchange(network, request)
                answers.append((status, body))
            except NetworkFailure as failure:
                answers.append((failure.cause, failure.message))
        return answers


def parsed(path: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(path.read_text())["log"]["entries"]
    return entries


# What other tools write


async def test_an_entry_of_chromium(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    body = bytes(range(256))
    chromium = {
        "_initiator": {"type": "other"},
        "_priority": "High",
        "cache": {},
        "connection": "443",
        "request": {
            "method": "GET",
            "url": f"{URL}/a#part",
            "httpVersion": "http/2.0",
            "headers": [{"name": ":method", "value": "GET"}, {"name": "accept", "value": "*/*"}],
        },
        "response": {
            "status": 200,
            "statusText": "",
            "headers": [
                {"name": ":status", "value": "200"},
                {"name": "content-encoding", "value": "br"},
                {"name": "content-length", "value": "99"},
                {"name": "set-cookie", "value": "a=1\nb=2"},
            ],
            "content": {
                "size": 256,
                "mimeType": "x/y",
                "text": base64.b64encode(body).decode(),
                "encoding": "base64",
            },
            "_transferSize": 120,
            "_error": None,
        },
        "startedDateTime": "2026-01-01T00:00:00.000Z",
        "time": 1.5,
        "timings": {},
    }
    with read_recording(written(tmp_path, chromium)) as recording:
        status, headers, got = await exchange(ReplayNetwork(recording), ask())
    assert (status, got) == (200, body)
    assert headers.all("set-cookie") == ("a=1", "b=2")
    assert headers.get("content-length") == "99", "that of the coded body, as a server sends it"
    assert not any(name.startswith(":") for name, _ in headers)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("net::ERR_NAME_NOT_RESOLVED", "dns"),
        ("net::ERR_CONNECTION_REFUSED", "connect"),
        ("net::ERR_CONNECTION_RESET", "reset"),
        ("net::ERR_CONNECTION_TIMED_OUT", "timeout"),
        ("net::ERR_CERT_AUTHORITY_INVALID", "tls"),
        ("net::ERR_ABORTED", "reset"),
        ("net::ERR_SOMETHING_NEW", "protocol"),
        (None, "reset"),
    ],
)
async def test_a_failure_that_a_browser_saw(
    error: str | None, cause: str, tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    (answer,) = await replayed(written(tmp_path, entry(status=0, _error=error)), ask())
    assert answer[0] == cause
    assert (error or "no answer") in answer[1]


async def test_fields_that_are_not_there_and_a_byte_order_mark(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = written(
        tmp_path,
        {
            "request": {"method": "GET", "url": f"{URL}/moved"},
            "response": {"status": 301, "redirectURL": "/a"},
        },
        entry(content={"text": "grün", "mimeType": "text/plain; charset=iso-8859-1"}),
        entry(f"{URL}/evicted", content={"size": 5000}),
        entry("data:,x"),
        begin=b"\xef\xbb\xbf",
    )
    with read_recording(path) as recording:
        status, headers, _ = await exchange(ReplayNetwork(recording), ask("/moved"))
    assert (status, headers.get("location")) == (301, "/a")
    text, evicted = await replayed(path, ask(), ask("/evicted"))
    assert text == (200, "grün".encode("latin-1"))
    assert evicted == ("not-recorded", f"some.har does not have the body, 5000 bytes, of {URL}/evicted")


async def test_a_text_whose_length_is_another_by_now(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    path = written(
        tmp_path, entry(content={"text": "abc"}, headers=[{"name": "Content-Length", "value": "7"}])
    )
    with read_recording(path) as recording:
        _, headers, _ = await exchange(ReplayNetwork(recording), ask())
    assert headers.get("content-length") == "3"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a HAR file"),
        ("{", "not a HAR file"),
        ("[]", "log.entries"),
        ('{"log": {"entries": {}}}', "log.entries"),
        ('{"log": {"entries": [3]}}', "entry 1: an entry is 3"),
        ('{"log": {"entries": [{"request": {"method": "GET", "url": "x"}}]}}', "entry 1: request.url is 'x'"),
        ('{"log": {"entries": [{"request": {"url": "http://a/"}}]}}', "request.method is not there"),
        (
            '{"log": {"entries": [{"request": {"method": "GET", "url": "http://a/"}, "response": {"status": "ok"}}]}}',
            "status is 'ok'",
        ),
        (
            '{"log": {"entries": [{"request": {"method": "GET", "url": "http://a/"}, "response": {"status": 200, "content": {"text": "?", "encoding": "base64"}}}]}}',
            "not base64",
        ),
        ('{"log": {"entries": [' + "[" * 200_000 + "]" * 200_000 + "]}}", "it nests more than 100 deep"),
        ('{"a": ' + '{"a": ' * 100_000 + "1" + "}" * 100_001 + "}", "it nests more than 100 deep"),
        (
            '{"log": {"entries": [{"request": {"headers": ' + "[" * 100 + "]" * 100 + "}}]}}",
            "more than 100 deep",
        ),
        ('{"log": {"entries": {"a": []}}}', "it has no list log.entries"),
        ('{"log": [{"entries": []}], "entries": []}', "it has no list log.entries"),
        ('{"log": {"entries": [9' + "9" * 5_000 + "]}}", "integer overflow"),
        (
            '{"log": {"entries": [{"request": {"method": "GET", "url": "http://a/"}, "response": {"headers": {"a": 1}}}]}}',
            "response.headers",
        ),
    ],
)
def test_what_is_no_archive(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.har"
    path.write_text(text)
    with pytest.raises(UsageError, match="replay is '.*bad.har'") as caught, read_recording(path):
        pass
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["log", "entries", "request", "response", "method", "url", "headers", "name", "value", "content", "text", "status"]), inner, max_size=4)))  # fmt: skip
def test_any_json_is_an_archive_or_refused(data: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.har"
        path.write_text(json.dumps({"log": {"entries": [data]}}))
        with suppress(UsageError), read_recording(path):
            pass


def test_what_surrounds_the_entries_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    entry = {"request": {"method": "GET", "url": "http://a/", "x": [[1], {}]}, "response": {"content": {}}}
    deep: Any = 1
    for _ in range(90):
        deep = [deep]
    log = {"entries": [entry, entry], "pages": [{"entries": [1]}], "version": "1.2", "deep": deep}
    path.write_text(json.dumps({"entries": [1], "other": {"log": {"entries": [2]}}, "log": log}))
    with read_recording(path) as recording:
        ((key, recorded),) = recording._of.items()
    assert key == ("GET", "http://a/")
    assert len(recorded) == 2


# Ranges, order, what is not there


async def test_several_of_one_url_come_in_their_order_and_the_last_repeats(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    late = {**entry(content={"text": "late"}), "startedDateTime": "2026-01-02T00:00:00Z"}
    early = {**entry(content={"text": "early"}), "startedDateTime": "2026-01-01T00:00:00Z"}
    assert await replayed(written(tmp_path, late, early), ask(), ask(), ask()) == [
        (200, b"early"),
        (200, b"late"),
        (200, b"late"),
    ]


async def test_ranges_of_a_whole_body(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    whole = entry(content={"text": "0123456789"}, headers=[{"name": "ETag", "value": '"v1"'}])
    path = written(tmp_path, whole)
    asked = [
        ask(Range="bytes=3-5"),
        ask(Range="bytes=7-", If_Range='"v1"'),
        ask(Range="bytes=7-", If_Range='"v2"'),
        ask(Range="bytes=10-"),
    ]
    assert await replayed(path, *asked) == [
        (206, b"345"),
        (206, b"789"),
        (200, b"0123456789"),
        (416, b""),
    ]
    with read_recording(path) as recording:
        _, headers, _ = await exchange(ReplayNetwork(recording), asked[0])
    assert (headers.get("content-range"), headers.get("content-length")) == ("bytes 3-5/10", "3")


async def test_a_file_in_parts_is_put_together(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    """What was left after four bytes, and asked for again from the third, at another version in between."""
    etag = {"name": "ETag", "value": '"v1"'}
    left = entry(headers=[etag, {"name": "Content-Length", "value": "10"}], content={"text": "0123"})
    left["_swruntime"] = {"number": 1, "left": True}
    rest = entry(
        status=206,
        headers=[etag, {"name": "Content-Range", "value": "bytes 2-9/10"}],
        content={"text": "23456789"},
    )
    rest["request"]["headers"] = [{"name": "Range", "value": "bytes=2-"}]
    path = written(tmp_path, left, rest)
    assert await replayed(path, ask(), ask(Range="bytes=2-"), ask(Range="bytes=1-")) == [
        (200, b"0123456789"),
        (206, b"23456789"),
        (206, b"123456789"),
    ]
    alone, part = await replayed(written(tmp_path, left), ask(), ask(Range="bytes=1-2"))
    assert alone == ("not-recorded", f"some.har does not have more than 4 bytes of {URL}/a")
    assert part == (206, b"12")


async def test_what_is_not_in_the_file(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    path = written(tmp_path, entry())
    assert await replayed(path, ask("/b"), ask(method="POST")) == [
        ("not-recorded", f"some.har has no GET of {URL}/b"),
        ("not-recorded", f"some.har has no POST of {URL}/a"),
    ]


# Recording


def raises(failure: OutputFailed) -> None:
    raise failure


async def test_the_file_is_whole_all_the_time_and_an_exchange_that_is_left_is_in_it(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    origin = Origin()
    origin.add("/a", b"0123456789", stall_after=4)
    origin.add("/b", b"\xff\xfe")
    path = tmp_path / "new.har"
    with har_writer(path, "0", raises) as writer:
        async with HttpxNetwork(origin, outside=False) as out:
            network = RecordingNetwork(out, writer, lambda: 0.0)
            assert parsed(path) == []
            with trio.move_on_after(60):
                await exchange(network, ask())
            (first,) = parsed(path)
            assert (first["response"]["content"]["text"], first["_swruntime"]["left"]) == ("0123", True)
            await exchange(network, ask("/b"))
            second = parsed(path)[1]
    assert second["response"]["content"] == {
        "size": 2,
        "mimeType": "x-unknown",
        "text": "//4=",
        "encoding": "base64",
    }
    assert first["startedDateTime"] == "1970-01-01T00:00:00.000+00:00"
    assert second["time"] == 1.0, "milliseconds: as long as the scripted origin takes"


async def test_a_request_with_a_body_and_a_server_that_is_not_there(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    async def said() -> Any:
        yield b"a question"

    origin = Origin()
    origin.add("/a", "an answer")
    path = tmp_path / "new.har"
    with har_writer(path, "0", raises) as writer:
        async with HttpxNetwork(origin, outside=False) as out:
            network = RecordingNetwork(out, writer, lambda: 0.0)
            await exchange(network, WireRequest("POST", f"{URL}/a?q=1", HeaderList(), said, 10))
            origin.refuse = True
            with pytest.raises(NetworkFailure) as caught:
                await exchange(network, ask())
    posted, refused = parsed(path)
    assert posted["request"]["postData"]["text"] == "a question"
    assert posted["request"]["queryString"] == [{"name": "q", "value": "1"}]
    assert refused["response"]["status"] == 0
    assert refused["_swruntime"]["failure"] == {"cause": "connect", "message": caught.value.message}
    assert await replayed(path, ask()) == [("connect", caught.value.message)]


@pytest.mark.parametrize("size", [10, 3 << 20])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EDQUOT])
async def test_a_file_that_is_full_stays_whole_and_is_told_once(
    tmp_path: Path, autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch, number: int, size: int
) -> None:
    """Whoever reads the response gets all of it, whatever becomes of the recording."""
    origin = Origin()
    origin.add("/a", Pattern(size))
    path = tmp_path / "new.har"
    told: list[OutputFailed] = []
    real = os.pwrite

    def full(descriptor: int, data: memoryview, at: int) -> int:
        if at > 600:
            raise OSError(number, os.strerror(number))
        return real(descriptor, data[: 601 - at], at)

    with har_writer(path, "0", told.append) as writer:
        async with HttpxNetwork(origin, outside=False) as out:
            network = RecordingNetwork(out, writer, lambda: 0.0)
            monkeypatch.setattr(os, "pwrite", full)
            for _ in range(3):
                async with network.exchange(ask()) as response:
                    assert sum([len(piece) async for piece in response.body]) == size
            assert parsed(path) == []
    assert [str(each) for each in told] == [
        f"the recording {str(path)!r} cannot be written: {os.strerror(number)}"
    ]


async def test_no_room_for_a_temporary_file_beside_it(
    tmp_path: Path, autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = Origin()
    origin.add("/a", Pattern(3 << 20))
    path = tmp_path / "new.har"
    told: list[OutputFailed] = []

    def full(file: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", full)
    with har_writer(path, "0", told.append) as writer:
        async with (
            HttpxNetwork(origin, outside=False) as out,
            RecordingNetwork(out, writer, lambda: 0.0).exchange(ask()) as response,
        ):
            assert sum([len(piece) async for piece in response.body]) == 3 << 20
    assert parsed(path) == []
    assert [each.errno for each in told] == [errno.ENOSPC]


async def test_memory_does_not_grow_with_a_body(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    size = 24 << 20
    origin = Origin()
    origin.add("/a", Pattern(size))
    path = tmp_path / "new.har"
    with har_writer(path, "0", raises) as writer:
        async with HttpxNetwork(origin, outside=False) as out:
            tracemalloc.start()
            try:
                async with RecordingNetwork(out, writer, lambda: 0.0).exchange(ask()) as response:
                    async for _ in response.body:
                        pass
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert peak < size // 4
    assert parsed(path)[0]["response"]["content"]["size"] == size


# The same again

faults = st.fixed_dictionaries(
    {"body": st.integers(0, 20_000).map(Pattern)},
    optional={
        "drop_after": st.lists(st.integers(0, 20_000) | st.none(), max_size=3),
        "status": st.sampled_from([200, 404, 503]),
        "ignore_range": st.booleans(),
        "chunked": st.booleans(),
        "coding": st.just("gzip"),
        "hang_up": st.booleans(),
        "range_etag": st.just('"other"'),
    },
)


async def outcome(lab: Path, folder: Path, paths: list[str], **network: Any) -> list[Any]:
    """Background fetches of `paths`, whatever becomes of them: the trace's lines, but for when they came."""
    lines: list[dict[str, Any]] = []
    async with open_user_agent(site=lab, on_trace=lines.append, give_up=50, **network) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        for path in paths:  # one by one: of two failures at the same instant either may be told first
            await registration.background_fetch.fetch(path, path)
            await agent.settled()
    kinds = ("record.start", "record.wait", "record.settle", "fetch.settle", "event.end")
    return sorted(
        json.dumps({key: value for key, value in line.items() if key not in ("time", "until", "fetch")})
        for line in lines
        if line["kind"] in kinds
    )


@given(st.lists(faults, min_size=1, max_size=2), st.integers(0, 3))
@settings(deadline=None, max_examples=25)
def test_what_was_recorded_and_replayed_ends_in_the_same_way(files: list[dict[str, Any]], seed: int) -> None:
    async def both() -> None:
        with tempfile.TemporaryDirectory() as folder:
            har = Path(folder) / "new.har"
            async with laboratory(seed=seed) as lab:
                (lab.site / "worker.py").write_text(WORKER)
                paths = [f"/{number}" for number in range(len(files))]
                for path, file in zip(paths, files, strict=True):
                    lab.origin.add(path, **file)
                recorded = await outcome(lab.site, lab.site, paths, network=lab.origin, record=har)
                again = await outcome(lab.site, lab.site, paths, replay=har)
                assert again == recorded

    run(both)
