"""What the user does to the program, and to the worker: an interrupt, a second `run`, a mistake that is mended."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.crash.crash_kills import ID, KILLED, Workload, at, make_files
from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import Site

PAGE = """\
async def main():
    registration = await navigator.service_worker.ready
    if not await registration.background_fetch.get({id!r}):
        await registration.background_fetch.fetch({id!r}, {urls!r})
"""


def test_an_interrupt_is_no_abort(site: Site, make_nginx: Callable[..., Nginx]) -> None:
    nginx = make_nginx(limit_rate=1_000_000)
    digests = make_files(nginx, [600_000])
    (site.folder / "page.py").write_text(PAGE.format(id=ID, urls=list(digests)))
    program = site.start("run", "--origin", nginx.url, "--json")
    program.until("fetch.progress")
    program.signal(signal.SIGINT)
    interrupted = program.wait()
    assert interrupted.status == 130, interrupted.told
    (record,) = site.unfinished()
    assert record.downloaded > 0

    again = site.run("run", "--json")
    assert again.status == 0, again.told
    assert again.lines("record.start")[0]["range_start"] == record.downloaded
    # It may have ended before the page looked, which then has it fetched once more.
    assert set(site.events) == {f"backgroundfetchsuccess {ID}"}
    site.check_sound(nginx.url, digests)


def test_an_event_waits_until_its_worker_is_mended(site: Site, nginx: Nginx) -> None:
    workload = Workload(site, nginx, make_files(nginx))
    assert workload.begin(at("finish.after")).status == KILLED
    files = site.body_files()
    site.worker("async def onbackgroundfetchsuccess(event):\n    await (\n")
    for _ in range(2):
        refused = site.resume()
        assert refused.status == 1, refused.told
        assert "worker.py:2" in refused.err
        assert "Traceback" not in refused.err
    assert site.body_files() == files
    site.good_worker()
    workload.finish()
    assert site.events == [f"backgroundfetchsuccess {ID}"]
