"""Forms and blobs as the bodies of requests: of `fetch()`, and of background fetches."""

from __future__ import annotations

from typing import Any

import pytest

from swruntime.errors import QuotaExceededError
from tests.agent.conftest import Lab

READS_ITS_FORM = """
async def onbackgroundfetchsuccess(event):
    (record,) = await event.registration.match_all()
    form = await record.request.form_data()
    file = form.get("file")
    print(form.get("title"), file.name, file.type, await file.text() == "u" * 200_000, isinstance(file, Blob))
"""


def form(lab: Lab) -> Any:
    made = lab.window.FormData()
    made.append("title", "Épisode 5")
    made.append("file", lab.window.File(["u" * 200_000], "ep.txt", type="text/plain"))
    return made


async def test_a_form_is_uploaded_and_readable_afterwards(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/post", b"thanks")
    lab.worker(READS_ITS_FORM)
    async with lab.open() as agent:
        request = lab.request("/post", method="POST", body=form(lab))
        fetch = await lab.manager.fetch("post", [request])
        total = fetch.upload_total
        assert total > 200_000
        assert lab.bodies == total
        await agent.settled()
        assert (fetch.uploaded, fetch.result) == (total, "success")
    lab.said("Épisode 5 ep.txt text/plain True True")
    (sent,) = [r for r in lab.origin.requests if r.path == "/post"]
    assert (sent.headers["content-length"], len(sent.body)) == (str(total), total)
    boundary = sent.headers["content-type"].removeprefix("multipart/form-data; boundary=")
    assert sent.body.startswith(f"--{boundary}\r\n".encode())
    assert sent.body.endswith(f"--{boundary}--\r\n".encode())


async def test_a_stored_form_outlives_the_process_and_the_page(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/post", b"thanks")
    lab.worker(READS_ITS_FORM)
    async with lab.open(profile=lab.profile) as agent:
        agent.network.go_offline()
        await lab.manager.fetch("post", [lab.request("/post", method="POST", body=form(lab))])
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    lab.said("Épisode 5 ep.txt text/plain True True")
    assert len([r for r in lab.origin.requests if r.path == "/post"]) == 1


async def test_a_form_is_never_sent_twice(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/post", b"x" * 100_000, drop_after=1000)
    async with lab.open() as agent:
        request = lab.request("/post", method="POST", body=form(lab))
        fetch = await lab.manager.fetch("post", [request])
        await agent.settled()
        assert (fetch.result, fetch.failure_reason) == ("failure", "fetch-error")
    assert len([r for r in lab.origin.requests if r.path == "/post"]) == 1


async def test_blobs_and_search_params_are_uploaded(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/blob", b"")
    lab.origin.add("/query", b"")
    async with lab.open() as agent:
        page = lab.window
        blob = page.Blob([b"b" * 1000], type="image/png")
        fetch = await lab.manager.fetch(
            "both",
            [
                lab.request("/blob", method="PUT", body=blob),
                lab.request("/query", method="POST", body=page.URLSearchParams({"a": "é"})),
            ],
        )
        assert fetch.upload_total == 1000 + len("a=%C3%A9")
        await agent.settled()
        assert (fetch.result, fetch.uploaded) == ("success", fetch.upload_total)
    sent = {r.path: (r.headers["content-type"], r.body) for r in lab.origin.requests if r.body}
    assert sent == {
        "/blob": ("image/png", b"b" * 1000),
        "/query": ("application/x-www-form-urlencoded;charset=UTF-8", b"a=%C3%A9"),
    }


async def test_a_form_that_does_not_fit_is_refused_and_leaves_nothing(
    lab: Lab, autojump_clock: object
) -> None:
    async with lab.open(quota=100_000) as agent:
        with pytest.raises(QuotaExceededError):
            await lab.manager.fetch("post", [lab.request("/post", method="POST", body=form(lab))])
        await agent.settled()
        assert lab.bodies == 0


async def test_a_worker_reads_the_form_of_a_page(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def answer(event):\n"
        "    form = await event.request.form_data()\n"
        "    form.append('seen', 'yes')\n"
        "    return Response(form)\n"
        "def onfetch(event):\n"
        "    if event.request.method == 'POST':\n"
        "        event.respond_with(answer(event))\n"
        "def onactivate(event):\n"
        "    event.wait_until(clients.claim())\n"
    )
    async with lab.open() as agent:
        await agent.settled()
        response = await lab.window.fetch("/form", method="POST", body=form(lab))
        back = await response.form_data()
        assert list(back.keys()) == ["title", "file", "seen"]
        assert isinstance(back.get("file"), lab.window.File)
        assert back.get("file").size == 200_000


async def test_a_blob_of_a_cached_response(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/file.bin", b"x" * 70_000, headers={"Content-Type": "image/png"})
    async with lab.open():
        cache = await lab.window.caches.open("files")
        await cache.add("/file.bin")
        blob = await (await cache.match("/file.bin")).blob()
        assert (blob.size, blob.type) == (70_000, "image/png")
        put = lab.window.Response(blob)
        await cache.put("/copy", put)
        assert await (await cache.match("/copy")).bytes() == b"x" * 70_000


async def test_a_file_is_posted_to_a_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onmessage(event):\n    print(isinstance(event.data, File), await event.data.text())\n"
    )
    async with lab.open() as agent:
        lab.registration.active.post_message(lab.window.File(["hello"], "a.txt"))
        await agent.settled()
        copy = lab.window.structured_clone(lab.window.Blob([b"x"]))
        assert await copy.bytes() == b"x"
    lab.said("True hello")
