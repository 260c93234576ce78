"""Handlers of a background fetch's events: how they extend them, fail, die, and change the display."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from swruntime import InvalidStateError, WaitingForUser
from swruntime.agent.background_fetch import BackgroundFetch
from swruntime.realms.python.worker_realm import WorkerRealm

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"


async def success(lab: Lab, worker: str) -> None:
    """A background fetch of one good file, with this worker, until nothing is going on."""
    lab.origin.add("/a", b"aaa")
    lab.worker(worker)
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a", title="Old")
        await agent.settled()


async def test_a_plain_handler_with_wait_until(lab: Lab, autojump_clock: object) -> None:
    await success(
        lab,
        "async def work(event):\n"
        "    (record,) = await event.registration.match_all()\n"
        "    print(await (await record.response_ready).text(), event.registration.records_available)\n"
        "def onbackgroundfetchsuccess(event):\n"
        "    event.wait_until(work(event))\n",
    )
    lab.said("aaa True")
    lab.one("event.end", name="backgroundfetchsuccess", outcome="fulfilled")


async def test_an_async_handler_extends_its_event(lab: Lab, autojump_clock: object) -> None:
    await success(
        lab,
        "import trio\n"
        "async def onbackgroundfetchsuccess(event):\n"
        "    await trio.sleep(5)\n"
        "    print(len(await event.registration.match_all()))\n",
    )
    lab.said("1")
    start, end = (lab.one(f"event.{e}", name="backgroundfetchsuccess") for e in ("start", "end"))
    assert end["time"] - start["time"] == pytest.approx(5)


async def test_a_plain_handler_without_wait_until_loses_the_records(lab: Lab, autojump_clock: object) -> None:
    await success(
        lab,
        "import trio\n"
        "kept = []\n"
        "def onbackgroundfetchsuccess(event):\n"
        "    kept.append(event)\n"
        "    event.wait_until(None)\n"
        "    later.append(event.registration.match_all())\n"
        "later = []\n",
    )
    lab.one("event.end", name="backgroundfetchsuccess", outcome="fulfilled")
    lab.one("fetch.release", cause="event")


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_handler_that_raises(lab: Lab, autojump_clock: object, kind: str) -> None:
    await success(lab, f"{kind} onbackgroundfetchsuccess(event):\n    raise ValueError('oh no')\n")
    lab.one(
        "event.end",
        name="backgroundfetchsuccess",
        outcome="rejected",
        error="ValueError: oh no",
        where="worker.py:2",
    )
    if kind == "def":  # what an async one raises is a rejection, and told by its event alone
        lab.one("console", level="error", text="Uncaught ValueError: oh no", where="worker.py:2")
    lab.one("fetch.release", cause="event")
    (error,) = lab.agent.script_errors
    assert (str(error), error.where) == ("ValueError: oh no", "worker.py:2")


async def test_a_function_handed_to_wait_until_uncalled(lab: Lab, autojump_clock: object) -> None:
    await success(
        lab,
        "def onbackgroundfetchsuccess(event):\n    async def work(): pass\n    event.wait_until(work)\n",
    )
    end = lab.one("event.end", name="backgroundfetchsuccess", outcome="rejected", where="worker.py:3")
    assert "TypeError" in end["error"]
    assert "uncalled" in end["error"]


async def test_no_handler_at_all(lab: Lab, autojump_clock: object) -> None:
    await success(lab, "")
    lab.one("event.end", name="backgroundfetchsuccess", outcome="fulfilled")
    lab.one("fetch.release", cause="event")
    assert lab.agent.script_errors == []


async def test_a_handler_with_a_name_that_does_not_exist_is_told(lab: Lab, autojump_clock: object) -> None:
    await success(lab, "def onbackgroundfetchfailure(event): pass\ndef oncookiechange(event): pass\n")
    near, not_fired = lab.of("diagnostic")
    assert (near["code"], near["where"]) == ("unknown-event-name", "worker.py:1")
    assert not_fired["code"] == "not-implemented"


async def test_listeners_run_in_order(lab: Lab, autojump_clock: object) -> None:
    await success(
        lab,
        "import trio\n"
        "async def first(event):\n"
        "    print('first')\n"
        "    await trio.sleep(1)\n"
        "    print('first again')\n"
        "add_event_listener('backgroundfetchsuccess', first)\n"
        "add_event_listener('backgroundfetchsuccess', lambda event: print('second'))\n"
        "def onbackgroundfetchsuccess(event):\n"
        "    print('handler')\n",
    )
    lab.said("first", "second", "handler", "first again")


async def test_print_and_console(lab: Lab, autojump_clock: object) -> None:
    await success(
        lab,
        "import sys\n"
        "def onbackgroundfetchsuccess(event):\n"
        "    print('a', 1, sep='-')\n"
        "    print('bad', file=sys.stderr)\n"
        "    console.warn('careful', event.type)\n",
    )
    assert [(line["level"], line["text"], line["where"]) for line in lab.of("console")] == [
        ("log", "a-1", "worker.py:3"),
        ("error", "bad", "worker.py:4"),
        ("warn", "careful backgroundfetchsuccess", "worker.py:5"),
    ]


async def test_modules_are_evaluated_anew_at_each_start(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker("print('tools evaluated')\ncount = 0\n", "tools.py")
    lab.worker(
        "import tools\ndef onbackgroundfetchsuccess(event):\n    tools.count += 1\n    print(tools.count)\n"
    )
    async with lab.open() as agent:
        await lab.manager.fetch("one", "/a")
        await agent.settled()
        await lab.manager.fetch("two", "/a")
        await agent.settled()
        assert await agent.terminate_worker(lab.registration) is True
        assert await agent.terminate_worker(lab.registration) is False
        await lab.manager.fetch("three", "/a")
        await agent.settled()
        await trio.sleep(31)
        await lab.manager.fetch("four", "/a")
        await agent.settled()
    lab.said("tools evaluated", "1", "2", "tools evaluated", "1", "tools evaluated", "1")
    assert [line["reason"] for line in lab.of("worker.stop")] == [
        "terminated by the user",
        "idle",
        "the agent was closed",
    ]


# The worker's death


DYING = """
import trio
async def onbackgroundfetchsuccess(event):
    print('begun')
    await trio.sleep(10)
    print('done', len(await event.registration.match_all()))
"""


async def test_a_worker_stopped_in_its_handler_gets_the_event_again(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(DYING)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        await trio.sleep(1)
        assert await agent.terminate_worker(lab.registration) is True
        await agent.settled()
        assert (fetch.result, fetch.records_available) == ("success", False)
    lab.said("begun", "begun", "done 1")
    ends = lab.of("event.end", name="backgroundfetchsuccess")
    assert [end["outcome"] for end in ends] == ["interrupted", "fulfilled"]
    assert [s["attempt"] for s in lab.of("event.start", name="backgroundfetchsuccess")] == [1, 2]


async def test_a_worker_stopped_while_it_starts_gets_the_event_again(
    lab: Lab, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate, stops = WorkerRealm.evaluate, iter([True])

    async def stopped_once(realm: WorkerRealm) -> None:
        if next(stops, False):
            await lab.agent.terminate_worker(lab.registration)
        await evaluate(realm)

    lab.origin.add("/a", b"aaa")
    lab.worker("print('evaluated')\ndef onbackgroundfetchsuccess(event):\n    print('told')\n")
    async with lab.open() as agent:
        await agent.terminate_worker(lab.registration)
        monkeypatch.setattr(WorkerRealm, "evaluate", stopped_once)
        await lab.manager.fetch("f", "/a")
        await agent.settled()
        assert agent.script_errors == []
    lab.said("evaluated", "evaluated", "told")  # not while it was stopped
    ends = lab.of("event.end", name="backgroundfetchsuccess")
    assert [(end["outcome"], end.get("error")) for end in ends] == [
        ("interrupted", "http://localhost:8400/worker.py was stopped while it started"),
        ("fulfilled", None),
    ]


async def test_after_five_interruptions_the_event_is_held(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(DYING)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        for _ in range(5):
            await trio.sleep(1)
            await agent.terminate_worker(lab.registration)
        with pytest.raises(WaitingForUser, match="'f' waits for a worker whose text differs"):
            await agent.settled()
        await trio.sleep(1000)
        assert (fetch.result, fetch.records_available) == ("success", True)
        (shown,) = agent.background_fetches
        assert (shown.held, shown.owed) == (True, "backgroundfetchsuccess")
        assert len(await fetch.match_all()) == 1
        shown.drop()
        await agent.settled()
        assert fetch.records_available is False
        assert agent.background_fetches == []
    assert [s["attempt"] for s in lab.of("event.start", name="backgroundfetchsuccess")] == [1, 2, 3, 4, 5]
    assert "event-held" in lab.diagnostics
    lab.one("fetch.release", cause="dropped")


async def test_dropped_while_its_handler_runs(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(DYING)
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        await trio.sleep(1)
        agent.background_fetches[0].drop()
        await agent.settled()
        assert agent.background_fetches == []
    lab.one("fetch.release", cause="dropped")
    end = lab.one("event.end", name="backgroundfetchsuccess", outcome="rejected")
    assert "InvalidStateError" in end["error"]


@pytest.mark.parametrize("again", [1, 2])
async def test_dropped_while_its_result_is_on_its_way(lab: Lab, again: int, autojump_clock: object) -> None:
    """The first drop of an active one is an abort. Found by the state machine that tries every control."""
    lab.origin.add("/a", b"aaa", delay=10)
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        fetch = agent.background_fetches[0]
        for _ in range(1 + again):
            fetch.drop()
        await agent.settled()
        assert agent.background_fetches == []
    assert lab.one("fetch.settle")["failure_reason"] == "aborted"
    lab.one("fetch.release", cause="dropped")
    assert lab.of("event.start", name="backgroundfetchabort") == []


async def test_dropped_while_its_worker_starts(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(DYING)
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        await agent.terminate_worker(lab.registration)
        await agent.until(lambda line: line["kind"] == "worker.start")
        agent.background_fetches[0].drop()
        await agent.settled()
    lab.one("fetch.release", cause="dropped")
    assert lab.console == []


async def test_a_script_that_breaks_between_starts(lab: Lab, autojump_clock: object) -> None:
    """The event stays owed, and is dispatched at the next start that succeeds."""
    lab.origin.add("/a", b"aaa", delay=10)
    good = "async def report(event):\n    print(event.type, event.registration.id)\nonbackgroundfetchsuccess = report\nonbackgroundfetchclick = report\n"
    lab.worker(good)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        await agent.terminate_worker(lab.registration)
        lab.worker("x = 1\nraise ValueError('broken')\n")
        with pytest.raises(
            WaitingForUser, match=r"backgroundfetchsuccess is owed \(its worker could not run"
        ):
            await agent.settled()
        assert (fetch.result, fetch.records_available) == ("success", True)
        lab.one("event.end", name="backgroundfetchsuccess", outcome="interrupted", where="worker.py:2")
        lab.one("console", level="error", where="worker.py:2", text="ValueError: broken")
        lab.worker(good)
        await agent.background_fetches[0].click()
        await agent.settled()
        assert fetch.records_available is False
    assert sorted(lab.console[1:]) == ["backgroundfetchclick f", "backgroundfetchsuccess f"]


async def test_dropped_before_its_event_has_begun(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """The random side found it: between the start of the task that dispatches the event and its first step."""
    real = BackgroundFetch.fire_owed

    def fire_and_drop(fetch: BackgroundFetch) -> None:
        real(fetch)
        if fetch.firing:
            fetch.drop()

    monkeypatch.setattr(BackgroundFetch, "fire_owed", fire_and_drop)
    lab.origin.add("/f", b"x")
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/f")
        await agent.settled()
        assert agent.background_fetches == []
    assert lab.of("event.start", name="backgroundfetchsuccess") == []
    lab.one("fetch.release", cause="dropped")


# update_ui


async def test_update_ui(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(
        "import trio\n"
        "async def onbackgroundfetchsuccess(event):\n"
        "    await event.update_ui(title='New', icons=[{'src': '/new.png'}])\n"
        "    try:\n"
        "        await event.update_ui(title='Newer')\n"
        "    except InvalidStateError as error:\n"
        "        print(error)\n"
        "    await trio.sleep(1)\n"
    )
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a", title="Old", icons=[{"src": "/old.png"}])
        assert agent.background_fetches[0].title == "Old"
        await trio.sleep(0.5)
        (shown,) = agent.background_fetches
        assert shown.title == "New"
        assert [icon.src for icon in shown.icons] == [f"{HOME}/new.png"]
        await agent.settled()
    assert "called before" in lab.console[0]
    lab.one("event.end", name="backgroundfetchsuccess", outcome="fulfilled")


async def test_update_ui_with_nothing_extends_the_event_and_changes_nothing(
    lab: Lab, autojump_clock: object
) -> None:
    lab.worker(
        "def onbackgroundfetchfail(event):\n    event.update_ui()\n    kept.append(event)\nkept = []\n"
    )
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/missing", title="Old")
        line = await agent.until(lambda line: line["kind"] == "event.end")
        assert (line["name"], line["outcome"]) == ("backgroundfetchfail", "fulfilled")
        assert [shown.title for shown in agent.background_fetches] in (["Old"], [])
        await agent.settled()


async def test_update_ui_too_late_or_on_an_event_of_the_scripts_own(lab: Lab, autojump_clock: object) -> None:
    await success(
        lab,
        "kept = []\n"
        "async def report(event):\n"
        "    try:\n"
        "        await event.update_ui(title='x')\n"
        "    except InvalidStateError as error:\n"
        "        print(error)\n"
        "    try:\n"
        "        event.wait_until(None)\n"
        "    except InvalidStateError as error:\n"
        "        print('wait_until')\n"
        "def onbackgroundfetchsuccess(event):\n"
        "    kept.append(event)\n"
        "    made = BackgroundFetchUpdateUIEvent('backgroundfetchfail', registration=event.registration)\n"
        "    event.wait_until(report(made))\n"
        "    import trio\n"
        "    async def later():\n"
        "        await trio.sleep(2)\n"
        "        await report(event)\n"
        "    add_event_listener('late', lambda _: later())\n"
        "    dispatch_event(Event('late'))\n",
    )
    assert lab.console == ["update_ui on an event that a script made", "wait_until"]


async def test_update_ui_after_the_event(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(
        "import trio\n"
        "async def later(event):\n"
        "    await trio.sleep(1)\n"
        "    try:\n"
        "        await event.update_ui(title='x')\n"
        "    except InvalidStateError as error:\n"
        "        print(error)\n"
        "def onbackgroundfetchsuccess(event):\n"
        "    add_event_listener('late', lambda _: later(event))\n"
        "    dispatch_event(Event('late'))\n"
    )
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        await agent.settled()
        await trio.sleep(5)
    (said,) = lab.console
    assert "after the event" in said
    assert InvalidStateError.name == "InvalidStateError"


async def test_update_ui_with_wrong_arguments(lab: Lab, autojump_clock: object) -> None:
    await success(
        lab,
        "async def onbackgroundfetchsuccess(event):\n"
        "    try:\n"
        "        await event.update_ui(title=5)\n"
        "    except TypeError as error:\n"
        "        print(error)\n"
        "    try:\n"
        "        await event.update_ui(title='5')\n"
        "    except InvalidStateError as error:\n"
        "        print('once')\n",
    )
    assert lab.console[1] == "once"
    assert "title" in lab.console[0]


async def test_the_display_of_abort_and_click_cannot_be_changed(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onbackgroundfetchabort(event):\n    print(type(event).__name__, hasattr(event, 'update_ui'))\n"
    )
    async with lab.open() as agent:
        await (await lab.manager.fetch("f", "/a")).abort()
        await agent.settled()
    lab.said("BackgroundFetchEvent False")
