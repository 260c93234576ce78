"""Messages, end to end: pages and workers, channels whose ports travel, broadcasts."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from swruntime import InvalidStateError
from swruntime.agent.messaging import Port, Posted
from swruntime.concepts import messages
from swruntime.concepts.messages import Message, Ref
from swruntime.errors import DataCloneError

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"

ECHO = "def onmessage(event):\n    event.source.post_message(event.data)\n"

SHOW = "def onmessage(event):\n    print(event.data)\n"


def listen(target: Any) -> list[Any]:
    """What comes as `message` at `target`, the events."""
    events: list[Any] = []
    target.add_event_listener("message", events.append)
    return events


def data(events: list[Any]) -> list[Any]:
    return [event.data for event in events]


def container(window: Any) -> Any:
    return window.navigator.service_worker


# A page and a worker


async def test_a_page_posts_to_a_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onmessage(event):\n"
        "    print(type(event).__name__, event.data, event.origin, repr(event.last_event_id), event.ports)\n"
        "    print(type(event.source).__name__, event.source.url, event.source.type, event.source.frame_type)\n"
        "    print(event.is_trusted, event.bubbles, event.cancelable)\n"
    )
    async with lab.open(page="/deep/page") as agent:
        lab.registration.active.post_message({"a": [1, None]})
        await agent.settled()
    lab.said(
        "ExtendableMessageEvent {'a': [1, None]} {} '' ()",
        "WindowClient {}/deep/page window top-level",
        "True False False",
    )
    assert lab.one("event.start", name="message")["attempt"] == 1
    lab.one("event.end", name="message", outcome="fulfilled")


async def test_a_worker_answers(lab: Lab, autojump_clock: object) -> None:
    lab.worker(ECHO)
    async with lab.open() as agent:
        events = listen(container(lab.window))
        lab.registration.active.post_message("hello")
        await agent.settled()
        (event,) = events
        assert type(event) is lab.window.MessageEvent
        assert (event.data, event.origin, event.last_event_id, event.ports) == ("hello", HOME, "", ())
        assert event.source is lab.registration.active
        assert event.target is container(lab.window)


async def test_an_async_handler_extends_its_event(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "import trio\n"
        "async def onmessage(event):\n"
        "    await trio.sleep(60)\n"
        "    event.source.post_message('later')\n"
    )
    async with lab.open() as agent:
        events = listen(container(lab.window))
        lab.registration.active.post_message(None)
        await agent.settled()
        assert data(events) == ["later"]
    start, end = (lab.one(f"event.{e}", name="message") for e in ("start", "end"))
    assert end["time"] - start["time"] == pytest.approx(60)


async def test_a_message_is_a_copy_made_when_it_was_posted(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "kept = []\n"
        "def onmessage(event):\n"
        "    event.data['list'].append('of the worker')\n"
        "    print(event.data, event.data['ring'] is event.data)\n"
    )
    async with lab.open() as agent:
        value: dict[str, Any] = {"list": [1]}
        value["ring"] = value
        lab.registration.active.post_message(value)
        value["list"].append("late")
        await agent.settled()
        assert value["list"] == [1, "late"]
    assert lab.console == ["{'list': [1, 'of the worker'], 'ring': {...}} True"]


async def test_messages_arrive_in_order(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "import trio\n"
        "async def onmessage(event):\n"
        "    event.source.post_message(['first', event.data])\n"
        "    await trio.sleep(100 - event.data)\n"
        "    print(event.data)\n"
        "add_event_listener('message', lambda event: event.source.post_message(['second', event.data]))\n"
    )
    async with lab.open() as agent:
        events = listen(container(lab.window))
        for i in range(50):
            lab.registration.active.post_message(i)
        await agent.settled()
        # The listener was there before the handler; they take turns all the same.
        assert data(events) == [[which, i] for i in range(50) for which in ("second", "first")]
    # No event waits for the end of the one before.
    assert lab.console == [str(i) for i in reversed(range(50))]


async def test_the_listeners_of_one_message_come_before_those_of_the_next(
    lab: Lab, autojump_clock: object
) -> None:
    lab.worker(
        "import trio\n"
        "def listener(n):\n"
        "    async def listen(event):\n"
        "        print(event.data, n)\n"
        "        await trio.sleep(1)\n"
        "    return listen\n"
        "for n in range(5):\n"
        "    add_event_listener('message', listener(n))\n"
        "channel = MessageChannel()\n"
        "for n in range(5):\n"
        "    channel.port1.add_event_listener('message', listener(n))\n"
        "channel.port1.start()\n"
        "def oninstall(event):\n"
        "    channel.port2.post_message('port')\n"
        "    service_worker.post_message('a')\n"
        "    service_worker.post_message('b')\n"
        "    channel.port2.post_message('port, again')\n"
    )
    async with lab.open() as agent:
        await agent.settled()
    runs = [lab.console[i : i + 5] for i in range(0, 20, 5)]
    assert sorted(runs) == [[f"{name} {n}" for n in range(5)] for name in ("a", "b", "port", "port, again")]
    assert lab.console.index("a 0") < lab.console.index("b 0")


async def test_messages_to_a_page_arrive_in_order(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onmessage(event):\n"
        "    for i in range(50):\n"
        "        event.source.post_message(i)\n"
        "        event.ports[0].post_message(i)\n"
    )
    async with lab.open() as agent:
        log: list[Any] = []
        channel = lab.window.MessageChannel()

        async def listener(event: Any) -> None:
            log.append((event.target is channel.port1, event.data))

        channel.port1.onmessage = listener
        container(lab.window).onmessage = listener
        lab.registration.active.post_message(None, [channel.port2])
        await agent.settled()
        assert log == [(port, i) for i in range(50) for port in (False, True)]


async def test_what_cannot_be_cloned_is_not_posted(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onmessage(event):\n"
        "    try:\n"
        "        event.source.post_message({'event': event})\n"
        "    except DOMException as error:\n"
        "        print(error.name, error)\n"
    )
    async with lab.open() as agent:
        for value in (print, lab.window, lab.registration, lab.window.Headers(), container(lab.window).ready):
            with pytest.raises(DataCloneError):
                lab.registration.active.post_message([value])
        await agent.settled()
        assert lab.of("event.start", name="message") == []
        lab.registration.active.post_message(None)
        await agent.settled()
    (line,) = lab.console
    assert line.startswith("DataCloneError message['event'] is an object of class ExtendableMessageEvent;")


async def test_a_message_starts_the_worker_again(lab: Lab, autojump_clock: object) -> None:
    lab.worker("seen = []\ndef onmessage(event):\n    seen.append(event.data)\n    print(seen)\n")
    async with lab.open() as agent:
        worker = lab.registration.active
        worker.post_message(1)
        worker.post_message(2)
        await agent.settled()
        await agent.terminate_worker(lab.registration)
        worker.post_message(3)
        await agent.settled()
    lab.said("[1]", "[1, 2]", "[3]")
    assert lab.of("worker.start")[-1]["reason"] == "message"


async def test_a_worker_that_is_stopped_in_a_message(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "import trio\nasync def onmessage(event):\n    print(event.data)\n    await trio.sleep_forever()\n"
    )
    async with lab.open() as agent:
        channel = lab.window.MessageChannel()
        lab.registration.active.post_message(1, [channel.port2])
        await agent.until(lambda line: line["kind"] == "console")
        await agent.terminate_worker(lab.registration)
        await agent.settled()
        # It is not delivered again: a message is not owed.
        lab.one("event.end", name="message", outcome="interrupted")
        assert channel.port1._port.peer is None
    lab.said("1")


async def test_a_worker_that_cannot_start(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SHOW)
    async with lab.open() as agent:
        await agent.settled()
        await agent.terminate_worker(lab.registration)
        lab.worker("1 / 0")
        channel = lab.window.MessageChannel()
        lab.registration.active.post_message("lost", [channel.port2])
        lab.registration.active.post_message("lost, too")
        await agent.settled()
        assert len(lab.of("event.end", name="message", outcome="interrupted")) == 2
        assert channel.port1._port.peer is None
        lab.worker(SHOW)
        lab.registration.active.post_message("found")
        await agent.settled()
    assert lab.console[-1] == "found"


async def test_a_redundant_worker_gets_no_message(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SHOW)
    async with lab.open() as agent:
        worker = lab.registration.active
        await lab.registration.unregister()
        lab.window.close()
        await agent.settled()
        window = await agent.open_window("/")
        # The object of a page that is closed shows what it showed last.
        assert (worker.state, worker._concept.state) == ("activating", "redundant")
        with pytest.raises(InvalidStateError, match="closed"):
            worker.post_message("from a page that is closed")
        await window.navigator.service_worker.register("/worker.py")
        await window.navigator.service_worker.ready
        channel = window.MessageChannel()
        worker._realm = channel.port1._realm
        worker.post_message("to nobody", [channel.port2])
        await agent.settled()
        assert channel.port1._port.peer is None
    assert lab.console == []


async def test_a_worker_posts_to_itself(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onmessage(event):\n"
        "    print(event.data, event.source is service_worker, event.origin)\n"
        "    if event.data < 2:\n"
        "        service_worker.post_message(event.data + 1)\n"
    )
    async with lab.open() as agent:
        lab.registration.active.post_message(0)
        await agent.settled()
    lab.said("0 False {}", "1 True {}", "2 True {}")


async def test_a_worker_posts_to_another_version_of_itself(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onmessage(event):\n"
        "    print('one got', event.data, event.source.state)\n"
        "    event.source.post_message('hello, new one')\n"
    )
    async with lab.open() as agent:
        page = await agent.open_window("/")
        lab.worker(
            "def oninstall(event):\n"
            "    registration.active.post_message('hello, old one')\n"
            "def onmessage(event):\n"
            "    print('two got', event.data, event.source.state)\n"
        )
        await lab.registration.update()
        await agent.settled()
        page.close()
    assert "one got hello, old one" in lab.console[0]
    assert lab.console[1:] == ["two got hello, new one activated"]


async def test_listeners_by_other_means_than_a_name(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "self.onmessage = lambda event: print('attribute', event.data)\n"
        "self.onmessageerror = None\n"
        "add_event_listener('message', lambda event: print('listener', event.data))\n"
    )
    async with lab.open() as agent:
        lab.registration.active.post_message(1)
        await agent.settled()
    lab.said("attribute 1", "listener 1")
    assert lab.diagnostics == []


async def test_to_a_page_that_is_closed(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "import trio\n"
        "channels = []\n"
        "async def onmessage(event):\n"
        "    channel = MessageChannel()\n"
        "    channels.append(channel)\n"
        "    await trio.sleep(1)\n"
        "    event.source.post_message('hello', [channel.port2])\n"
        "    print('posted', channel.port1._port.peer)\n"
    )
    async with lab.open() as agent:
        events = listen(container(lab.window))
        lab.registration.active.post_message(1)
        lab.window.close()
        await agent.settled()
        assert events == []
    lab.said("posted None")


async def test_a_page_that_is_closed_in_a_message(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "channels = [MessageChannel() for _ in range(3)]\n"
        "def onmessage(event):\n"
        "    for channel in channels:\n"
        "        event.source.post_message(None, [channel.port2])\n"
        "def onfetch(event):\n"
        "    print([channel.port1._port.peer for channel in channels])\n"
    )
    async with lab.open() as agent:
        events: list[Any] = []

        def got(event: Any) -> None:
            events.append(event)
            lab.window.close()

        container(lab.window).onmessage = got
        lab.registration.active.post_message(None)
        await agent.settled()
        assert len(events) == 1
        await agent.open_window("/")
    lab.said("[None, None, None]")


# When a page's messages come


PAGE = (
    "def got(event):\n"
    "    print('page got', event.data)\n"
    "navigator.service_worker.add_event_listener('message', got)\n"
    "assert not navigator.service_worker._enabled\n"
)


async def controlled(lab: Lab, agent: Any) -> Any:
    """A page that the worker controls, and to which it has posted "early" before any script of it ran."""
    page = await agent.open_window("/")
    container(page).controller.post_message("early")
    await agent.settled()
    return page


async def test_messages_wait_until_the_script_has_run(lab: Lab, autojump_clock: object) -> None:
    lab.worker(ECHO)
    lab.worker(PAGE + "print('evaluated')\n", "page.py")
    async with lab.open() as agent:
        page = await controlled(lab, agent)
        await page.run()
        await agent.settled()
    lab.said("evaluated", "page got early")


async def test_messages_wait_until_main_was_begun(lab: Lab, autojump_clock: object) -> None:
    lab.worker(ECHO)
    lab.worker(
        "import trio\n"
        "async def main():\n"
        "    navigator.service_worker.add_event_listener('message', lambda e: print(e.data))\n"
        "    print('begun')\n"
        "    await trio.sleep(1)\n"
        "    print('ended')\n",
        "page.py",
    )
    async with lab.open() as agent:
        page = await controlled(lab, agent)
        await page.run()
    lab.said("begun", "early", "ended")


async def test_start_messages_and_onmessage_need_not_wait(lab: Lab, autojump_clock: object) -> None:
    lab.worker(ECHO)
    async with lab.open() as agent:
        one = await controlled(lab, agent)
        with_listener: list[Any] = []
        # No listener yet, and none too late: the task of the message runs after this one.
        container(one).start_messages()
        container(one).add_event_listener("message", with_listener.append)
        other = await controlled(lab, agent)
        with_handler: list[Any] = []
        container(other).onmessage = with_handler.append
        await agent.settled()
        assert (data(with_listener), data(with_handler)) == (["early"], ["early"])


async def test_once_enabled_a_message_without_a_listener_is_gone(lab: Lab, autojump_clock: object) -> None:
    lab.worker(ECHO)
    lab.worker("", "page.py")
    async with lab.open() as agent:
        page = await controlled(lab, agent)
        await page.run()
        await agent.settled()
        events = listen(container(page))
        await agent.settled()
        assert events == []


async def test_a_script_that_raises_holds_nothing_up(lab: Lab, autojump_clock: object) -> None:
    lab.worker(ECHO)
    lab.worker(PAGE + "1 / 0\n", "page.py")
    async with lab.open() as agent:
        page = await controlled(lab, agent)
        with pytest.raises(Exception, match="ZeroDivisionError"):
            await page.run()
        await agent.settled()
    lab.said("page got early")


async def test_a_page_where_nobody_listens_keeps_nobody_waiting(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "channel = MessageChannel()\ndef onmessage(event):\n    event.source.post_message(1, [channel.port2])\n"
    )
    async with lab.open() as agent:
        lab.registration.active.post_message(None)
        await agent.settled()
        (posted,) = container(lab.window)._messages
        (port,) = posted.ports
        lab.window.close()
        assert port.peer is None


# Channels


async def test_a_channel_between_page_and_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onmessage(event):\n"
        "    (port,) = event.ports\n"
        "    print(event.data['port'] is port)\n"
        "    port.onmessage = lambda e: port.post_message(e.data * 2)\n"
        "    port.post_message('ready')\n"
    )
    async with lab.open() as agent:
        channel = lab.window.MessageChannel()
        events = listen(channel.port1)
        channel.port1.start()
        channel.port1.post_message(1)  # waits in port2, and travels with it
        lab.registration.active.post_message({"port": channel.port2}, [channel.port2])
        channel.port1.post_message(2)
        await agent.settled()
        assert data(events) == ["ready", 2, 4]
        event = events[0]
        assert (event.origin, event.source, event.ports, event.is_trusted) == ("", None, (), True)
        channel.port1.post_message("x")
        await agent.settled()
        assert data(events[3:]) == ["xx"]
    lab.said("True")


async def test_a_port_from_the_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onmessage(event):\n"
        "    channel = MessageChannel()\n"
        "    channel.port1.onmessage = lambda e: print('worker got', e.data)\n"
        "    event.source.post_message('a port', [channel.port2])\n"
    )
    async with lab.open() as agent:
        events = listen(container(lab.window))
        lab.registration.active.post_message(None)
        await agent.settled()
        (port,) = events[0].ports
        assert isinstance(port, lab.window.MessagePort)
        port.post_message("from the page")
        await agent.settled()
    lab.said("worker got from the page")


async def test_a_port_through_a_port(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onmessage(event):\n"
        "    event.ports[0].onmessage = lambda e: e.ports[0].post_message(['worker got', e.data])\n"
    )
    async with lab.open() as agent:
        other = await agent.open_window("/other")
        outer, inner = lab.window.MessageChannel(), other.MessageChannel()
        events = listen(inner.port1)
        inner.port1.start()
        outer.port1.post_message("nested", transfer=[inner.port2])
        lab.registration.active.post_message(None, [outer.port2])
        await agent.settled()
        assert data(events) == [["worker got", "nested"]]


async def test_messages_wait_for_start(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        channel = lab.window.MessageChannel()
        events = listen(channel.port2)
        channel.port1.post_message(1)
        await agent.settled()
        assert events == []
        channel.port2.start()
        channel.port2.start()
        await agent.settled()
        assert data(events) == [1]


async def test_a_port_that_is_transferred_before_its_turn_takes_its_messages_along(
    lab: Lab, autojump_clock: object
) -> None:
    lab.worker("def onmessage(event):\n    event.ports[0].onmessage = lambda e: print(e.data)\n")
    async with lab.open() as agent:
        channel = lab.window.MessageChannel()
        events: list[Any] = []

        def first(event: Any) -> None:
            events.append(event.data)
            lab.registration.active.post_message(None, [channel.port2])

        channel.port2.onmessage = first
        for i in range(3):
            channel.port1.post_message(i)
        await agent.settled()
        assert events == [0]
    lab.said("1", "2")


async def test_a_closed_port(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        channel = lab.window.MessageChannel()
        to_one, to_other = listen(channel.port1), listen(channel.port2)
        channel.port1.start()
        channel.port2.start()
        channel.port1.post_message("before")
        channel.port2.post_message("never read")
        channel.port1.close()
        channel.port1.close()
        channel.port1.post_message("after")
        channel.port2.post_message("into the void")
        channel.port1.start()
        await agent.settled()
        assert (data(to_one), data(to_other)) == ([], ["before"])


async def test_ports_in_a_message_that_nobody_reads_are_closed(lab: Lab, autojump_clock: object) -> None:
    async with lab.open():
        outer, inner, innermost = (lab.window.MessageChannel() for _ in range(3))
        inner.port1.post_message(None, [innermost.port2])
        outer.port1.post_message(None, [inner.port2])
        outer.port2.close()
        assert inner.port1._port.peer is None
        assert innermost.port1._port.peer is None
        late = lab.window.MessageChannel()
        outer.port1.post_message(None, [late.port2])
        assert late.port1._port.peer is None


async def test_what_cannot_be_transferred(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        worker, MessageChannel = lab.registration.active, lab.window.MessageChannel
        channel, other = MessageChannel(), MessageChannel()
        with pytest.raises(
            DataCloneError, match=r"message\['port'\] is .*MessagePort \(name it in transfer\)"
        ):
            worker.post_message({"port": channel.port1})
        with pytest.raises(DataCloneError, match=r"transfer\[1\] .* name it once"):
            worker.post_message(None, [channel.port1, channel.port1])
        with pytest.raises(DataCloneError, match=r"transfer\[0\] is {}; only a MessagePort"):
            worker.post_message(None, [{}])
        with pytest.raises(TypeError, match="expected a list"):
            worker.post_message(None, channel.port1)
        with pytest.raises(DataCloneError, match="itself"):
            channel.port1.post_message(None, [channel.port1])
        # A refusal transfers nothing.
        with pytest.raises(DataCloneError):
            worker.post_message(print, [channel.port1])
        other.port1.close()
        with pytest.raises(DataCloneError, match=r"transfer\[1\] was transferred before, or closed"):
            worker.post_message(None, [channel.port1, other.port1])
        events = listen(channel.port1)
        channel.port1.start()
        channel.port2.post_message("alive")
        await agent.settled()
        assert data(events) == ["alive"]
        worker.post_message(None, [channel.port1])
        with pytest.raises(DataCloneError, match=r"transfer\[0\] was transferred before, or closed"):
            worker.post_message(None, [channel.port1])


async def test_a_port_posted_to_itself(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        channel = lab.window.MessageChannel()
        channel.port1.post_message(None, [channel.port2])
        await agent.settled()
        assert channel.port1._port.peer is None
    lab.one("console", level="warn", text="a port was posted to itself: the channel is lost")


@pytest.mark.parametrize("how", ["terminated", "idle"])
async def test_a_port_in_a_global_dies_with_its_worker(lab: Lab, autojump_clock: object, how: str) -> None:
    lab.worker(
        "ports = []\n"
        "def onmessage(event):\n"
        "    print(len(ports))\n"
        "    if event.ports:\n"
        "        ports.extend(event.ports)\n"
        "        ports[0].onmessage = lambda e: ports[0].post_message(e.data)\n"
    )
    async with lab.open() as agent:
        channel = lab.window.MessageChannel()
        events = listen(channel.port1)
        channel.port1.start()
        lab.registration.active.post_message(None, [channel.port2])
        channel.port1.post_message("alive")
        await agent.settled()
        if how == "terminated":
            await agent.terminate_worker(lab.registration)
        else:
            await agent.until(lambda line: line["kind"] == "worker.stop")
        channel.port1.post_message("lost")
        lab.registration.active.post_message(None)
        await agent.settled()
        assert data(events) == ["alive"]
    lab.said("0", "0")


async def test_messages_from_a_realm_that_is_gone_still_arrive(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        other = await agent.open_window("/")
        channel = other.MessageChannel()
        container(lab.window).start_messages()
        # Through a third port, so that port2 is the first page's.
        carrier = lab.window.MessageChannel()
        events = listen(carrier.port1)
        carrier.port1.start()
        carrier.port2.post_message(None, [channel.port2])
        await agent.settled()
        (port,) = events[0].ports
        channel.port1.post_message("last words")
        other.close()
        got = listen(port)
        port.start()
        port.post_message("to nobody")
        await agent.settled()
        assert data(got) == ["last words"]
        with pytest.raises(InvalidStateError, match="closed"):
            channel.port1.post_message("too late")
        with pytest.raises(InvalidStateError, match="closed"):
            other.MessageChannel()


async def test_the_object_of_a_port_that_was_transferred_is_collected(
    lab: Lab, autojump_clock: object
) -> None:
    async with lab.open() as agent:
        await agent.settled()
        channel = lab.window.MessageChannel()
        channel.port1.start()
        before = weakref.ref(channel.port1)
        moved = lab.window.structured_clone([channel.port1], transfer=[channel.port1])
        port2 = channel.port2
        del channel
        gc.collect()
        assert before() is None
        port2.post_message("waits")
        assert agent.services.activity.idle
        events = listen(moved[0])
        moved[0].start()
        await agent.settled()
        assert data(events) == ["waits"]


async def test_channels_that_nobody_holds_are_collected(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        channels = [lab.window.MessageChannel() for _ in range(3)]
        channels[1].port1.onmessage = print
        channels[2].port1.onmessage = channels[2].port2.onmessage = print
        kept = channels[0].port1
        gone = [weakref.ref(port) for c in channels for port in (c.port1, c.port2) if port is not kept]
        for channel in channels:
            channel.port2.post_message("waits or not")
        await agent.settled()
        lab.lines.clear()
        del channels, channel
        gc.collect()
        assert [ref() for ref in gone] == [None] * 5
        # Nobody will ever read what is posted to a port that was collected.
        assert kept._port.peer is None


# Broadcasts


async def test_two_windows_and_a_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "channel = BroadcastChannel('news')\n"
        "def got(event):\n"
        "    print('worker got', event.data, event.origin, event.source, event.ports)\n"
        "    channel.post_message('from the worker')\n"
        "channel.onmessage = got\n"
    )
    async with lab.open() as agent:
        other = await agent.open_window("/other")
        one, two, unrelated = (
            lab.window.BroadcastChannel("news"),
            other.BroadcastChannel("news"),
            other.BroadcastChannel("olds"),
        )
        events = [listen(channel) for channel in (one, two, unrelated)]
        one.post_message({"a": 1})
        await agent.settled()
        assert [data(each) for each in events] == [["from the worker"], [{"a": 1}, "from the worker"], []]
        assert one.name == "news"
    lab.said("worker got {'a': 1} {} None ()")


async def test_a_broadcast_starts_no_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker("BroadcastChannel('news').onmessage = lambda event: print(event.data)\n")
    async with lab.open() as agent:
        channel = lab.window.BroadcastChannel("news")
        channel.post_message(1)
        await agent.settled()
        await agent.terminate_worker(lab.registration)
        channel.post_message(2)
        await agent.settled()
    lab.said("1")


async def test_another_origin_hears_no_broadcast(lab: Lab, autojump_clock: object) -> None:
    lab.internet.origin_at("http://localhost:9999").add("/", b"")
    async with lab.open() as agent:
        other = await agent.open_window("http://localhost:9999/")
        events = listen(other.BroadcastChannel("news"))
        lab.window.BroadcastChannel("news").post_message(1)
        await agent.settled()
        assert events == []


async def test_a_closed_broadcast_channel(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        one, two = lab.window.BroadcastChannel("a"), lab.window.BroadcastChannel("a")
        events = listen(two)
        one.post_message("posted before the close")
        two.close()
        two.close()
        await agent.settled()
        assert events == []
        with pytest.raises(InvalidStateError, match="closed"):
            two.post_message(1)
        with pytest.raises(DataCloneError):
            one.post_message(print)
        one.close()
        assert list(agent.services.broadcasts._channels) == []
        lab.window.BroadcastChannel("b")
        lab.window.close()
        assert agent.services.broadcasts._channels == {}


async def test_each_channel_gets_a_copy_of_its_own(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        sender, *others = (lab.window.BroadcastChannel("a") for _ in range(3))
        events = [listen(each) for each in others]
        sender.post_message([1])
        await agent.settled()
        (one,), (two,) = events
        assert one.data == two.data == [1]
        assert one.data is not two.data


# structured_clone


async def test_structured_clone_in_a_scope(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "from swruntime.worker import structured_clone\n"
        "def oninstall(event):\n"
        "    value = {'a': [1]}\n"
        "    copy = structured_clone(value)\n"
        "    print(copy, copy is value, copy['a'] is value['a'])\n"
        "    channel = MessageChannel()\n"
        "    channel.port2.onmessage = lambda e: print(e.data)\n"
        "    moved = structured_clone({'port': channel.port1}, transfer=[channel.port1])['port']\n"
        "    moved.post_message('through the moved port')\n"
        "    try:\n"
        "        structured_clone(print)\n"
        "    except DataCloneError as error:\n"
        "        print(error.name)\n"
    )
    async with lab.open() as agent:
        await agent.settled()
        assert lab.window.structured_clone((1, {2})) == (1, {2})
    lab.said("{'a': [1]} False False", "DataCloneError", "through the moved port")


async def test_the_names_in_the_scopes(lab: Lab, autojump_clock: object) -> None:
    lab.worker("print([name in self for name in ('MessageEvent', 'ExtendableMessageEvent')])\n")
    async with lab.open() as agent:
        await agent.settled()
        assert "ExtendableMessageEvent" not in lab.window
        for name in ("MessageChannel", "MessagePort", "MessageEvent", "BroadcastChannel", "structured_clone"):
            assert name in lab.window
        with pytest.raises(TypeError, match="no public constructor"):
            lab.window.MessagePort()
    lab.said("[True, True]")


# What another language may send


def unreadable(lab: Lab) -> tuple[Any, Any]:
    """A message with a set of lists, which Python does not have, and the port whose peer it transfers."""
    one, other = Port.pair()
    message = Message(Ref(0), (messages.Set((Ref(1),)), messages.Array(()), messages.PortRef(0)))
    return Posted(message, (other,), HOME, lab.window._window_realm.client), one


async def test_messageerror_at_a_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onmessage(event):\n    print('message')\n"
        "def onmessageerror(event):\n    print(event.type, event.data, event.ports, event.origin, event.source)\n"
    )
    async with lab.open() as agent:
        posted, port = unreadable(lab)
        lab.registration.active._concept.post_message(posted)
        await agent.settled()
        assert port.peer is None
    lab.said("messageerror None () {} <WindowClient {}/>")
    lab.one("event.end", name="message", outcome="fulfilled")


async def test_messageerror_at_a_page_and_at_its_ports(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        events: list[Any] = []
        page, channel = container(lab.window), lab.window.MessageChannel()
        page.onmessage = channel.port1.onmessage = lambda event: events.append("message")
        page.onmessageerror = channel.port1.onmessageerror = events.append
        posted, _ = unreadable(lab)
        channel.port2._port.post(posted)
        posted, _ = unreadable(lab)
        posted.source = lab.registration.active._concept
        page._receive(posted)
        await agent.settled()
        assert [(e.type, e.origin, e.source) for e in events] == [
            ("messageerror", HOME, None),
            ("messageerror", HOME, lab.registration.active),
        ]


# The events of scripts


async def test_events_that_a_script_makes(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "event = ExtendableMessageEvent('message', data=1, source=service_worker, ports=[MessageChannel().port1])\n"
        "print(event.data, event.source is service_worker, len(event.ports), repr(event.origin), event.is_trusted)\n"
        "add_event_listener('message', lambda e: print('dispatched', e is event))\n"
        "dispatch_event(event)\n"
        "for wrong in ({'source': 1}, {'ports': [1]}, {'ports': 1}, {'origin': None}, {'last_event_id': 3}):\n"
        "    for cls in (MessageEvent, ExtendableMessageEvent):\n"
        "        try:\n"
        "            print(cls('message', **wrong))\n"
        "        except TypeError as error:\n"
        "            print(str(error).split(';')[0])\n"
    )
    async with lab.open() as agent:
        await agent.settled()
        channel = lab.window.MessageChannel()
        event = lab.window.MessageEvent(
            "message", data=[1], origin="o", last_event_id="7", source=channel.port1, ports=[channel.port2]
        )
        assert (event.data, event.origin, event.last_event_id) == ([1], "o", "7")
        assert (event.source, event.ports) == (channel.port1, (channel.port2,))
        assert (event.bubbles, event.cancelable, event.composed) == (False, False, False)
    assert lab.console[:2] == ["1 True 1 '' False", "dispatched True"]
    assert lab.console[2:] == [
        text
        for text in (
            "source is 1",
            "an item of ports is 1",
            "ports is 1",
            "origin is None",
            "last_event_id is 3",
        )
        for _ in range(2)
    ]
