"""A record that starts over because the rest cannot be used: what is stored stays until there is more of the new."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import trio

from swruntime.algorithms.partial import may_resume
from swruntime.concepts.http import HeaderList
from swruntime.machines.snapshots import RecordSnapshot
from swruntime.storage.values import from_json
from swruntime.testing.answers import RequestRecord
from swruntime.testing.pattern import Pattern
from tests.agent.conftest import Lab

SIZE = 100_000
BODY = bytes(Pattern(SIZE, 1))
MULTIPART = {
    "status": 206,
    "body": b"--X\r\n\r\n--X--\r\n",
    "etag": '"v1"',
    "headers": {"Content-Type": "multipart/byteranges; boundary=X"},
}
WORKER = """
import hashlib
async def onbackgroundfetchsuccess(event):
    (record,) = await event.registration.match_all()
    body = await (await record.response_ready).bytes()
    print(len(body), hashlib.sha256(body).hexdigest())
def onbackgroundfetchfail(event):
    print(event.registration.failure_reason)
"""


@pytest.fixture(params=["in memory", "on disk"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    lab = Lab(tmp_path, on_disk=request.param == "on disk")
    lab.worker(WORKER)
    return lab


def unusable(request: RequestRecord) -> Any:
    """Several ranges to a Range, the file to a plain request."""
    return MULTIPART if request.range else {"body": BODY, "etag": '"v1"', "ignore_range": True}


def serve(lab: Lab, *later: dict[str, Any]) -> None:
    """The first answer is cut after 50,000 bytes, and the rest is not to be had; then comes what is `later`."""
    first = {"body": BODY, "etag": '"v1"', "chunk": 10_000}
    responses: list[dict[str, Any]] = [
        {**first, "drop_after": 50_000},
        {"body": unusable},
        *({**first, **one} for one in later),
    ]
    lab.origin.add("/f", responses=responses)


def starts(lab: Lab) -> list[int]:
    return [line["range_start"] for line in lab.of("record.start")]


def said(lab: Lab) -> None:
    lab.said(f"{SIZE} {hashlib.sha256(BODY).hexdigest()}")


def bodies(lab: Lab) -> list[int]:
    """The sizes of the files of the profile's bodies."""
    return sorted(file.stat().st_size for file in (lab.profile / "bodies").iterdir())


async def test_what_is_stored_is_read_and_counted_until_it_is_overtaken(
    lab: Lab, autojump_clock: object
) -> None:
    serve(lab, {"pace": 1.0})
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/f")
        response = await (await fetch.match("/f")).response_ready
        pieces = aiter(response.body)
        read = b""
        while len(read) < 50_000:
            read += await anext(pieces)
        counted = []
        while fetch.result == "":
            await trio.sleep(0.5)
            counted.append(fetch.downloaded)
        with pytest.raises(TypeError, match="started over"):
            await anext(pieces)
        await agent.settled()
    assert read == BODY[:50_000]
    assert counted == sorted(counted)
    assert counted.count(50_000) > 8  # the second half of a second, for each of the first five pieces
    assert starts(lab) == [0, 50_000, 0]
    lab.one("record.settle", result="success", bytes=SIZE)
    said(lab)


async def test_the_process_ends_while_there_is_less_of_the_new(lab: Lab, autojump_clock: object) -> None:
    """The old bytes are gone on with, and what there was of the new is collected."""
    serve(lab, {"stall_after": 20_000}, {})
    async with lab.open(profile=lab.profile):
        await lab.manager.fetch("f", "/f")
        await trio.sleep(10)
        assert starts(lab) == [0, 50_000, 0]
        assert bodies(lab) == [20_000, 50_000]
    async with lab.open(profile=lab.profile, ready=False) as agent:
        assert bodies(lab) == [50_000]
        assert agent.background_fetches[0].progress.downloaded == 50_000
        await agent.settled()
    assert starts(lab) == [0, 50_000, 0, 50_000]
    said(lab)


async def test_the_process_ends_when_there_is_more_of_the_new(lab: Lab, autojump_clock: object) -> None:
    serve(lab, {"stall_after": 60_000}, {})
    async with lab.open(profile=lab.profile):
        await lab.manager.fetch("f", "/f")
        await trio.sleep(10)
        assert bodies(lab) == [60_000]
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    assert starts(lab) == [0, 50_000, 0, 60_000]
    said(lab)


async def test_the_process_ends_before_the_whole_has_begun_to_come(lab: Lab, autojump_clock: object) -> None:
    """It is asked for again, and not the rest, which cannot be used."""
    serve(lab, {"delay": 1e6}, {})
    async with lab.open(profile=lab.profile):
        await lab.manager.fetch("f", "/f")
        await trio.sleep(10)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    assert starts(lab) == [0, 50_000, 0, 0]
    said(lab)


async def test_a_pause_gives_up_the_new_while_there_is_less_of_it(lab: Lab, autojump_clock: object) -> None:
    serve(lab, {"stall_after": 20_000}, {})
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/f")
        await trio.sleep(10)
        assert lab.bodies == 70_000
        (shown,) = agent.background_fetches
        await shown.pause()
        await shown.resume()
        await agent.settled()
    assert starts(lab) == [0, 50_000, 0, 50_000]
    said(lab)


async def test_an_abort_frees_both(lab: Lab, autojump_clock: object) -> None:
    serve(lab, {"stall_after": 20_000})
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/f")
        await trio.sleep(10)
        await agent.background_fetches[0].abort()
        await agent.settled()
        assert lab.bodies == 0
    lab.one("record.settle", result="aborted", bytes=50_000)


async def test_where_there_is_no_room_for_both_the_old_goes(lab: Lab, autojump_clock: object) -> None:
    first = {"body": BODY, "etag": '"v1"', "chunk": 10_000}
    lab.origin.add("/f", responses=[{**first, "drop_after": 90_000}, {"body": unusable}, first])
    async with lab.open(quota=160_000) as agent:
        await lab.manager.fetch("f", "/f")
        await agent.settled()
    assert starts(lab) == [0, 90_000, 0, 0]
    lab.one("record.settle", result="success", bytes=SIZE)
    said(lab)


async def test_a_download_total_that_fits_the_file_is_enough(lab: Lab, autojump_clock: object) -> None:
    serve(lab, {})
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/f", download_total=SIZE)
        await agent.settled()
    lab.one("record.settle", result="success", bytes=SIZE)
    said(lab)


async def test_integrity_metadata_is_held_against_the_new(lab: Lab, autojump_clock: object) -> None:
    serve(lab, {})
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    async with lab.open() as agent:
        await lab.manager.fetch("f", [lab.request("/f", integrity=f"sha256-{digest}")])
        await agent.settled()
    lab.one("record.settle", result="success", bytes=SIZE)
    said(lab)


@pytest.mark.parametrize(("date", "start"), [(1, 50_000), (0, 0), (None, 0)])
async def test_whether_a_last_modified_is_strong_outlives_the_process(
    lab: Lab, autojump_clock: object, date: float | None, start: int
) -> None:
    modified = 1_767_225_000.0
    lab.origin.add(
        "/f",
        BODY,
        etag=None,
        last_modified=modified,
        date=None if date is None else modified + date,
        stall_after=[50_000],
        chunk=10_000,
    )
    async with lab.open(profile=lab.profile):
        await lab.manager.fetch("f", "/f")
        await trio.sleep(1)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    assert starts(lab) == [0, start]
    said(lab)


def test_what_an_older_version_stored_does_not_say_that_a_last_modified_is_strong() -> None:
    head = {"status": 200, "etag": None, "last_modified": "Thu, 01 Jan 2026 00:00:00 GMT", "coded": False}
    older = {"result": "", "head": {**head, "complete_length": 10}, "restarted": False, "sent": False}
    snapshot = from_json(json.dumps(older), RecordSnapshot)
    assert snapshot.head is not None
    assert (snapshot.head.last_modified_is_strong, snapshot.anew) == (False, False)
    assert not may_resume("GET", HeaderList(), snapshot.head)
