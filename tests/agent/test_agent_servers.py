"""Servers as they are: each fault over a real socket, and the state and the cause that it ends in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import trio

from tests.agent.conftest import HOME, Lab
from tests.agent.server_faults import ROWS, Row, table

WORKER = """
import hashlib
async def report(event):
    (record,) = await event.registration.match_all()
    try:
        body = await (await record.response_ready).bytes()
    except (DOMException, TypeError):
        print("no body")
    else:
        print(len(body), hashlib.sha256(body).hexdigest())

onbackgroundfetchsuccess = onbackgroundfetchfail = report
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, on_sockets=True)


def test_the_table_of_the_readme_is_this_one() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    assert table() in readme, "python -m tests.agent.server_faults prints the table as it should be"
    assert len({row.fault for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
async def test_a_fault_ends_where_it_should(lab: Lab, autojump_clock: object, row: Row) -> None:
    pytest.importorskip(row.needs)
    lab.worker(WORKER)
    url = row.setup(lab)
    home = row.options.get("origin", HOME)
    async with lab.open(page=f"{home}/", **row.options) as agent:
        fetch = await lab.manager.fetch("f", [lab.request(url, **row.request)], **row.fetch)
        if row.during is not None:
            await row.during(lab)
        with trio.fail_after(100_000):  # of the virtual clock: never a hang
            await agent.settled()
        succeeded = fetch.result == "success"
    settled = lab.one("record.settle")
    assert (settled["result"], settled["cause"]) == (row.result, row.cause), settled["message"]
    assert succeeded is (row.result == "success")
    assert tuple(dict.fromkeys(line["reason"] for line in lab.of("record.wait"))) == row.waits
    if row.starts is not None:
        assert tuple(line["range_start"] for line in lab.of("record.start")) == row.starts
    (said,) = lab.console
    if row.result == "success":
        assert said == f"{len(row.body)} {hashlib.sha256(row.body).hexdigest()}"
        assert fetch.downloaded == len(row.body)
    else:
        assert said == ("no body" if row.result != "bad-status" else f"0 {hashlib.sha256().hexdigest()}")
    assert len(lab.of("event.end", outcome="fulfilled")) == len(lab.of("event.end"))
