"""Integrity metadata: enforced in `fetch()`, caches and background fetches, in Python and JavaScript."""

from __future__ import annotations

import base64
import gzip
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime.agent.integrity import stored_mismatch
from swruntime.testing.pattern import Pattern

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

OTHER = "http://other.example"
BODY = bytes(Pattern(200_000))


def of(body: bytes = BODY, algorithm: str = "sha256") -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, body).digest()).decode()}"


GOOD, WRONG = of(), of(b"another file")
REFUSED = r"\(integrity\)"

RESPONDING = f"""
def onfetch(event):
    path = event.request.url.rpartition("/")[2]
    if path == "made":
        event.respond_with(Response(b"made"))
    elif path == "passed":
        event.respond_with(fetch("/big"))
    elif path == "said":
        event.respond_with(Response(event.request.integrity))
    elif path == "empty":
        event.respond_with(Response())
    elif path == "same":
        event.respond_with(fetch(event.request))
    elif path == "hidden":
        event.respond_with(fetch("{OTHER}/big", mode="no-cors"))
    elif path == "kept":
        async def kept():
            cache = await caches.open("v1")
            await cache.put("/x", Response(b"kept"))
            return await cache.match("/x")
        event.respond_with(kept())
"""


@pytest.mark.parametrize(
    "integrity",
    ["", "nonsense", "md5-AAAA", GOOD, of(algorithm="sha384"), of(algorithm="sha512"), f"{WRONG} {GOOD}"],
)
async def test_what_matches_is_handed_out_whole(lab: Lab, autojump_clock: object, integrity: str) -> None:
    lab.origin.add("/big", BODY, chunk=1000)
    async with lab.open():
        response = await lab.window.fetch("/big", integrity=integrity)
        assert (response.status, response.type) == (200, "basic")
        clone = response.clone()
        assert await response.bytes() == await clone.bytes() == BODY


@pytest.mark.parametrize("integrity", [WRONG, f"{GOOD} {of(b'', 'sha512')}", f"nonsense {WRONG}"])
async def test_what_does_not_match_is_a_network_error(
    lab: Lab, autojump_clock: object, integrity: str
) -> None:
    lab.origin.add("/big", BODY, chunk=1000)
    async with lab.open():
        with pytest.raises(TypeError, match=REFUSED):
            await lab.window.fetch("/big", integrity=integrity)
        request = lab.request("/big", integrity=integrity)
        assert (request.integrity, request.clone().integrity) == (integrity, integrity)
        with pytest.raises(TypeError, match=REFUSED):
            await lab.window.fetch(request)


async def test_the_response_waits_for_its_last_byte(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY, chunk=50_000, pace=1.0)
    async with lab.open():
        begun = trio.current_time()
        await lab.window.fetch("/big")
        at_headers = trio.current_time() - begun
        response = await lab.window.fetch("/big", integrity=GOOD)
        assert trio.current_time() - begun >= at_headers + 3
        assert await response.bytes() == BODY


async def test_a_body_that_breaks_off_is_never_seen(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY, drop_after=[100_000])
    async with lab.open():
        with pytest.raises(TypeError, match=r"\(reset\)"):
            await lab.window.fetch("/big", integrity=GOOD)


async def test_a_body_without_end_is_not_held_for_ever(
    lab: Lab, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swruntime.agent.integrity.MOST_HELD", len(BODY))
    lab.origin.add("/endless", Pattern(1 << 60), chunked=True)
    lab.origin.add("/big", BODY)
    async with lab.open():
        with pytest.raises(TypeError, match=r"\(quota\).*200,000 bytes"):
            await lab.window.fetch("/endless", integrity=GOOD)
        assert await (await lab.window.fetch("/big", integrity=GOOD)).bytes() == BODY


async def test_an_abort_in_the_middle(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY, stall_after=[100_000])
    async with lab.open():
        controller = lab.window.AbortController()
        promise = lab.window.fetch("/big", integrity=GOOD, signal=controller.signal)
        await trio.sleep(1)
        controller.abort()
        with pytest.raises(Exception, match="abort"):
            await promise


async def test_a_status_that_is_not_ok_is_checked_as_any(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/gone", b"gone", status=404)
    async with lab.open():
        assert (await lab.window.fetch("/gone", integrity=of(b"gone"))).status == 404
        with pytest.raises(TypeError, match=REFUSED):
            await lab.window.fetch("/gone", integrity=GOOD)


async def test_a_redirect_is_followed_to_what_is_checked(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY)
    lab.origin.add("/there", redirect="/big")
    async with lab.open():
        response = await lab.window.fetch("/there", integrity=GOOD)
        assert (response.redirected, await response.bytes()) == (True, BODY)
        with pytest.raises(TypeError, match=REFUSED):
            await lab.window.fetch("/there", integrity=WRONG)
        with pytest.raises(TypeError, match=rf"{REFUSED}.*opaqueredirect"):
            await lab.window.fetch("/there", integrity=GOOD, redirect="manual")


@pytest.mark.parametrize("integrity", [GOOD, "nonsense", " "])
async def test_an_opaque_response_is_a_network_error(
    lab: Lab, autojump_clock: object, integrity: str
) -> None:
    """Otherwise a page could find out what another origin's server answers, one guess after the other."""
    lab.internet.origin_at(OTHER).add("/big", BODY)
    async with lab.open():
        with pytest.raises(TypeError, match=rf"{REFUSED}.*opaque") as caught:
            await lab.window.fetch(f"{OTHER}/big", mode="no-cors", integrity=integrity)
        assert "sha256" not in str(caught.value)
        response = await lab.window.fetch(f"{OTHER}/big", mode="no-cors", integrity="")
        assert (response.type, response.body) == ("opaque", None)


async def test_another_origin_with_cors(lab: Lab, autojump_clock: object) -> None:
    lab.internet.origin_at(OTHER).add("/big", BODY, cors="*")
    async with lab.open():
        assert (await lab.window.fetch(f"{OTHER}/big", integrity=GOOD)).type == "cors"
        with pytest.raises(TypeError, match=REFUSED):
            await lab.window.fetch(f"{OTHER}/big", integrity=WRONG)


async def test_no_cors_at_home_is_not_opaque(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY)
    async with lab.open():
        assert (await lab.window.fetch("/big", mode="no-cors", integrity=GOOD)).type == "basic"


async def test_what_has_no_body_is_a_network_error(lab: Lab, autojump_clock: object) -> None:
    """Main fetch, 22.2. (Chromium 156 hashes nothing.)"""
    lab.origin.add("/none", b"", status=204)
    lab.origin.add("/empty", b"")
    async with lab.open():
        for init in ({}, {"method": "HEAD"}):
            with pytest.raises(TypeError, match=rf"{REFUSED}.*no body"):
                await lab.window.fetch("/none", integrity=of(b""), **init)
        assert (await lab.window.fetch("/empty", integrity=of(b""))).status == 200


@pytest.mark.parametrize(
    ("path", "integrity", "text"),
    [
        ("/made", of(b"made"), "made"),
        ("/made", GOOD, None),
        ("/passed", GOOD, BODY.decode("latin-1")),
        ("/passed", WRONG, None),
        ("/kept", of(b"kept"), "kept"),
        ("/kept", of(b"made"), None),
        ("/said", of(b"x"), None),
        ("/empty", of(b""), None),
        ("/hidden", GOOD, None),
        ("/same", GOOD, BODY.decode("latin-1")),
        ("/same", WRONG, None),
        ("/through", GOOD, BODY.decode("latin-1")),
        ("/through", WRONG, None),
    ],
)
async def test_what_a_worker_answers_is_checked(
    lab: Lab, autojump_clock: object, path: str, integrity: str, text: str | None
) -> None:
    for each in ("/big", "/same", "/through"):
        lab.origin.add(each, BODY)
    lab.internet.origin_at(OTHER).add("/big", BODY, cors="*")
    lab.worker(RESPONDING)
    async with lab.open() as agent:
        page = await agent.open_window("/")
        assert page.navigator.service_worker.controller is not None
        mode = "no-cors" if path == "/hidden" else "cors"
        if text is None:
            with pytest.raises(TypeError, match=REFUSED if path != "/same" else "failed"):
                await page.fetch(path, integrity=integrity, mode=mode)
        else:
            response = await page.fetch(path, integrity=integrity)
            assert (await response.bytes()).decode("latin-1") == text


async def test_a_worker_sees_what_the_page_demands(lab: Lab, autojump_clock: object) -> None:
    lab.worker("def onfetch(event):\n    print(repr(event.request.integrity))\n")
    lab.origin.add("/big", BODY)
    async with lab.open() as agent:
        page = await agent.open_window("/")
        await page.fetch("/big", integrity=GOOD)
    assert lab.console[-1] == repr(GOOD)


async def test_caches_add_and_add_all(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY)
    lab.origin.add("/small", b"small")
    async with lab.open():
        cache = await lab.window.caches.open("v1")
        with pytest.raises(TypeError, match=REFUSED):
            await cache.add(lab.request("/big", integrity=WRONG))
        with pytest.raises(TypeError, match=REFUSED):
            await cache.add_all(["/small", lab.request("/big", integrity=WRONG)])
        assert await cache.keys() == []
        await cache.add_all([lab.request("/small", integrity=of(b"small")), "/big"])
        await cache.add(lab.request("/big", integrity=GOOD))
        assert len(await cache.keys()) == 2
        assert await (await cache.match("/big")).bytes() == BODY


JAVASCRIPT = """
(async () => {
    const cache = await caches.open("v1");
    const tell = (what, promise) => promise.then((r) => console.log(what, r?.status ?? "done"), (e) => console.log(what, e.name));
    for (const [name, integrity] of [["good", "%(good)s"], ["wrong", "%(wrong)s"]]) {
        const request = new Request("/big", { integrity });
        console.log(request.integrity === integrity, request.clone().integrity === integrity);
        await tell(`${name} fetch`, fetch(request));
        await tell(`${name} init`, fetch("/big", { integrity }));
        await tell(`${name} opaque`, fetch("%(other)s/big", { integrity, mode: "no-cors" }));
        await tell(`${name} add`, cache.add(new Request("/big", { integrity })));
        await tell(`${name} addAll`, cache.addAll([new Request("/big?2", { integrity })]));
    }
    console.log((await cache.keys()).length, (await (await fetch("/big", { integrity: "%(good)s" })).arrayBuffer()).byteLength);
})();
"""


async def test_in_javascript(lab: Lab, autojump_clock: object) -> None:
    pytest.importorskip("deno")
    lab.origin.add("/big", BODY)
    lab.internet.origin_at(OTHER).add("/big", BODY)
    lab.worker(JAVASCRIPT % {"good": GOOD, "wrong": WRONG, "other": OTHER}, "page.js")
    async with lab.open():
        await lab.window.run("/page.js")
        await lab.agent.settled()
    # Why a request to another origin failed is for the user's console alone.
    assert [line["text"] for line in lab.of("console", level="log")] == [
        "true true",
        "good fetch 200",
        "good init 200",
        "good opaque TypeError",
        "good add done",
        "good addAll done",
        "true true",
        *(f"wrong {how} TypeError" for how in ("fetch", "init", "opaque", "add", "addAll")),
        f"2 {len(BODY)}",
    ]


# Background fetches

RECORDS = """
async def report(event):
    print(event.type, event.registration.failure_reason)
    for record in await event.registration.match_all():
        try:
            response = await record.response_ready
            body = await response.bytes()
            print(record.request.url[-4:], response.status, len(body), sum(body) % 65521)
        except TypeError as error:
            print(record.request.url[-4:], str(error)[:44])
onbackgroundfetchsuccess = onbackgroundfetchfail = report
"""
SUM = sum(BODY) % 65521


async def download(lab: Lab, integrity: str = GOOD, path: str = "/big", **init: Any) -> Any:
    return await lab.manager.fetch("f", lab.request(path, integrity=integrity, **init))


async def test_a_background_fetch_that_matches(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY, chunk=10_000)
    lab.worker(RECORDS)
    async with lab.open() as agent:
        fetch = await download(lab)
        await agent.settled()
        assert (fetch.result, fetch.failure_reason, fetch.downloaded) == ("success", "", len(BODY))
    lab.said("backgroundfetchsuccess ", f"/big 200 {len(BODY)} {SUM}")
    lab.one("record.settle", result="success", cause=None, status=200)


async def test_a_background_fetch_that_does_not_match(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY, chunk=10_000)
    lab.origin.add("/ok", b"ok")
    lab.worker(RECORDS)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", [lab.request("/big", integrity=WRONG), "/ok"])
        await agent.settled()
        assert (fetch.result, fetch.failure_reason) == ("failure", "fetch-error")
        # At the last byte, not before.
        assert fetch.downloaded == len(BODY) + 2
    lab.said(
        "backgroundfetchfail fetch-error",
        "/big the record ended with fetch-error: its integ",
        f"0/ok 200 2 {sum(b'ok')}",
    )
    line = lab.one("record.settle", index=0, result="fetch-error", cause="integrity")
    assert line["bytes"] == len(BODY)
    assert of() in line["message"]
    assert len([r for r in lab.origin.requests if r.path == "/big"]) == 1


async def test_response_ready_waits_for_the_last_byte(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY, chunk=20_000, pace=1.0)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", [lab.request("/big", integrity=GOOD), lab.request("/big?plain")])
        sure, plain = [record.response_ready for record in await fetch.match_all()]
        begun = trio.current_time()
        await plain
        assert trio.current_time() - begun < 5
        assert not sure.settled
        assert fetch.downloaded < 2 * len(BODY)
        response = await sure
        assert trio.current_time() - begun >= 9
        assert await response.bytes() == BODY
        await agent.settled()


@pytest.mark.parametrize("integrity", [GOOD, WRONG])
async def test_a_body_that_comes_in_parts_is_checked_as_a_whole(
    lab: Lab, autojump_clock: object, integrity: str
) -> None:
    lab.origin.add("/big", BODY, etag='"a"', drop_after=[50_000, 70_000])
    lab.worker(RECORDS)
    async with lab.open() as agent:
        fetch = await download(lab, integrity)
        await agent.settled()
        assert fetch.downloaded == len(BODY)
    assert [line["range_start"] for line in lab.of("record.start")][1:] != [0, 0]
    result = "success" if integrity == GOOD else "fetch-error"
    lab.one("record.settle", result=result)


async def test_a_file_that_starts_over_still_resolves(lab: Lab, autojump_clock: object) -> None:
    """Nobody had seen a byte: that it began anew is not the script's affair."""
    lab.origin.add("/big", BODY, etag=None, drop_after=[50_000])
    async with lab.open() as agent:
        fetch = await download(lab)
        ready = (await fetch.match("/big")).response_ready
        response = await ready
        assert await response.bytes() == BODY
        await agent.settled()
    assert [line["range_start"] for line in lab.of("record.start")] == [0, 0]


async def test_a_gzip_is_checked_as_it_is_read(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", gzip.compress(BODY), headers={"Content-Encoding": "gzip"})
    async with lab.open() as agent:
        await download(lab)
        await agent.settled()
    lab.one("record.settle", result="success")


async def test_what_has_no_body_fails(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/none", b"", status=204)
    async with lab.open() as agent:
        await download(lab, of(b""), "/none")
        await agent.settled()
    line = lab.one("record.settle", result="fetch-error", cause="integrity")
    assert "no body" in line["message"]


async def test_a_bad_status_stays_one(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", b"gone", status=404)
    async with lab.open() as agent:
        await download(lab)
        await agent.settled()
    lab.one("record.settle", result="bad-status", cause="status")


@pytest.mark.parametrize("integrity", ["", "nonsense"])
async def test_metadata_that_demands_nothing(lab: Lab, autojump_clock: object, integrity: str) -> None:
    lab.origin.add("/big", BODY)
    async with lab.open() as agent:
        await download(lab, integrity)
        await agent.settled()
    lab.one("record.settle", result="success")


@pytest.mark.parametrize("integrity", [GOOD, WRONG])
async def test_after_a_restart(lab: Lab, autojump_clock: object, integrity: str) -> None:
    """The metadata is kept with the record, and the bytes of the earlier process are among what is checked."""
    lab.origin.add("/big", BODY, etag='"a"', stall_after=[80_000])
    lab.worker(RECORDS)
    async with lab.open(profile=lab.profile):
        await download(lab, integrity)
        await trio.sleep(1)
    assert lab.of("record.settle") == []
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    assert lab.of("record.start")[-1]["range_start"] == 80_000
    if integrity == GOOD:
        assert lab.console == ["backgroundfetchsuccess ", f"/big 200 {len(BODY)} {SUM}"]
    else:
        lab.one("record.settle", result="fetch-error", cause="integrity")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verification takes ten seconds, so that something can happen meanwhile."""

    async def slowly(*args: Any) -> str | None:
        await trio.sleep(10)
        return await stored_mismatch(*args)

    monkeypatch.setattr("swruntime.agent.background_fetch.stored_mismatch", slowly)


def state(agent: Any) -> str:
    (shown,) = agent.background_fetches
    (record,) = shown.records
    return str(record.state)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("told", [True, False])
async def test_a_pause_while_it_is_verified(lab: Lab, autojump_clock: object, told: bool) -> None:
    """It goes on with a verification, not with a request; and the first one's answer does not count."""
    lab.origin.add("/big", BODY, chunked=not told)
    async with lab.open() as agent:
        await download(lab)
        await trio.sleep(5)
        assert state(agent) == "verifying"
        (shown,) = agent.background_fetches
        assert await shown.pause()
        assert state(agent) == "paused"
        assert await shown.resume()
        await trio.sleep(7)
        assert state(agent) == "verifying"
        await agent.settled()
    lab.one("record.settle", result="success")
    lab.one("record.start")


@pytest.mark.usefixtures("slow")
async def test_an_abort_while_it_is_verified(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY)
    async with lab.open() as agent:
        await download(lab, WRONG)
        await trio.sleep(5)
        (shown,) = agent.background_fetches
        assert await shown.abort()
        await agent.settled()
        await trio.sleep(20)
    lab.one("record.settle", result="aborted", cause="aborted")


@pytest.mark.usefixtures("slow")
async def test_a_death_while_it_is_verified(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", BODY)
    async with lab.open(profile=lab.profile) as agent:
        await download(lab, WRONG)
        await trio.sleep(5)
        assert state(agent) == "verifying"
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    lab.one("record.start")
    lab.one("record.settle", result="fetch-error", cause="integrity")
