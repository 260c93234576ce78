"""What a process says that it should not: refused here, whatever its JavaScript would have sent. The process is a stand-in.

Each of these ends the realm, told in one line, and nothing else; `tests/torture` looks for more of the kind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest

from swruntime.agent.handle_fetch import Answer
from swruntime.concepts import http
from swruntime.realms.javascript.frames import HEAD, encode
from tests.torture.frames import gather
from tests.torture.frames_process import REQUEST, RESPONSE, StandIn
from tests.torture.frames_world import OTHER, World, behaves, behaves_but_answers_nobody, open_world

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

Kind = Literal["worker", "window"]
BOTH = pytest.mark.parametrize("kind", ["worker", "window"])
BAD_NUMBERS = [True, 0, -9, 10_000, 1.0, "1", None, [[[]]], 2**64, {"$object": 1}]


@asynccontextmanager
async def attacker(kind: Kind = "worker") -> AsyncIterator[tuple[World, StandIn]]:
    """A realm's process, which has real objects of all kinds. What is not the attacker's works at the end."""
    async with open_world(0) as world:
        process = await (world.start_worker() if kind == "worker" else world.open_page())
        assert process is not None
        await gather(world, process)
        assert not process.killed.is_set()
        yield world, process
        assert await world.others_work() == []
        assert world.leaks == []


def told(world: World) -> list[str]:
    """Why processes were ended."""
    return [line["message"] for line in world.lab.trace if line.get("code") == "script-process-ended"]


async def ended(world: World, process: StandIn) -> str:
    """The one line that tells why the process is ended by what it has to say."""
    await world.run(process)
    assert process.killed.is_set()
    [line] = told(world)
    assert "\n" not in line
    assert "it broke the protocol" in line
    return line.partition("it broke the protocol: ")[2]


def opaque(process: StandIn, type: str = "opaque") -> int:
    return next(number for number in process.objects[RESPONSE] if process.types[number] == type)


def request(url: str = "/data", **members: Any) -> dict[str, Any]:
    return {"url": url, "method": "GET", "headers": [], "body": None, **members}


def response(**members: Any) -> dict[str, Any]:
    return {"type": "default", "status": 200, "statusText": "", "headers": [], "body": None, **members}


async def answer(world: World, process: StandIn, op: str, *arguments: Any) -> Any:
    """What a call is settled with."""
    id = process.call(op, *arguments)
    await world.run(process)
    return process.settled[id]


# Bodies that scripts do not see


@BOTH
@pytest.mark.parametrize("type", ["opaque", "opaqueredirect"])
async def test_the_body_of_a_filtered_response_is_null(kind: Kind, type: str, autojump_clock: object) -> None:
    async with attacker(kind) as (world, process):
        number = opaque(process, type)
        process.post("body.clone", number, -50)
        for each in (number, -50):
            assert (await answer(world, process, "body.read", each))["value"] is None
        process.post("body.cancel", number)
        # It has its body still, for who may have it.
        [cache] = process.objects["Cache"]
        put = (cache, request(), {"handle": number})
        assert "error" not in await answer(world, process, "Cache.put", *put)
        assert "used already" in (await answer(world, process, "Cache.put", *put))["error"]["message"]
        assert not process.killed.is_set()


@BOTH
@pytest.mark.parametrize("clone", [False, True])
async def test_it_is_nobody_elses_body_either(kind: Kind, clone: bool, autojump_clock: object) -> None:
    async with attacker(kind) as (world, process):
        number = opaque(process)
        if clone:
            process.post("body.clone", number, -50)
            number = -50
        body = {"remote": number}
        process.call("Cache.put", process.objects["Cache"][0], request(), response(body=body))
        assert "no body that a script may use" in await ended(world, process)


async def test_nor_that_of_a_request(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        process.call("fetch", request(method="POST", body={"remote": opaque(process)}), 1)
        assert "no body that a script may use" in await ended(world, process)


async def test_nor_what_a_page_is_answered(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        world.react = behaves_but_answers_nobody
        fetched = world.worker_page.fetch("/data")
        await world.run(process)
        number = next(number for number, interface in process.events if interface == "FetchEvent")
        process.post("FetchEvent.entered", number)
        process.post("FetchEvent.respond", number, response(body={"remote": opaque(process)}))
        assert "no body that a script may use" in await ended(world, process)
        with pytest.raises(TypeError):
            await fetched


async def test_an_error_response_has_none(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        [cache] = process.objects["Cache"]
        await answer(world, process, "Cache.put", cache, request("/error"), {"type": "error"})
        found = await answer(world, process, "Cache.match", cache, request("/error"))
        number = found["value"]["$response"]
        assert process.types[number] == "error"
        assert (await answer(world, process, "body.read", number))["value"] is None


# Handles


@BOTH
@pytest.mark.parametrize("number", BAD_NUMBERS, ids=repr)
async def test_a_number_of_no_object(kind: Kind, number: Any, autojump_clock: object) -> None:
    async with attacker(kind) as (world, process):
        process.call("Cache.keys", number)
        await ended(world, process)


OF_ANOTHER_KIND = {
    "a body of a cache": lambda p: ("body.read", p.objects["Cache"][0]),
    "a request as a response": lambda p: ("Cache.put", p.objects["Cache"][0], request(), {"handle": p.objects[REQUEST][0]}),
    "a response as a request": lambda p: ("fetch", {"handle": p.objects[RESPONSE][0]}, 1),
    "a cache as a registration": lambda p: ("ServiceWorkerRegistration.unregister", p.objects["Cache"][0]),
    "another interface's member": lambda p: ("Cache.unregister", p.objects["Cache"][0]),
    "a private member": lambda p: ("Cache._put_of", p.objects["Cache"][0], request(), response()),
    "a dunder": lambda p: ("Cache.__init__", p.objects["Cache"][0]),
    "an attribute": lambda p: ("ServiceWorkerRegistration.scope", p.objects["ServiceWorkerRegistration"][0]),
    "a body of a port": lambda p: ("fetch", request(method="POST", body={"remote": -1}), 1),
    "the number of an object of another realm": lambda p: ("Cache.keys", max(p.numbers) + 7),
}  # fmt: skip


@pytest.mark.parametrize("made", OF_ANOTHER_KIND.values(), ids=OF_ANOTHER_KIND.keys())
async def test_an_object_of_another_kind(made: Any, autojump_clock: object) -> None:
    async with attacker() as (world, process):
        op, *arguments = made(process)
        process.call(op, *arguments)
        await ended(world, process)


POSTS: dict[str, tuple[Any, ...]] = {
    "a clone with a number in use": ("body.clone", 13, -1),
    "a clone with a number of ours": ("body.clone", 13, 99),
    "both ends with one number": ("MessageChannel.new", -60, -60),
    "a channel with a number in use": ("BroadcastChannel.new", -1, "name"),
    "more mentions than there were": ("release", 1, 100),
    "fewer than none": ("release", 1, -1),
    "of no object": ("release", 5_000, 1),
    "to listen at no target": ("listen", 9_999, "message"),
    "to listen for no text": ("listen", 0, ["message"]),
    "a timer of true": ("timer.set", 1, 10, 1),
    "a timer in the past": ("timer.set", 1, -1, False),
    "a timer beyond all numbers": ("timer.set", 1, 10**400, False),
    "a level of no console": ("console", "fatal", "text"),
    "what is not text": ("console", "log", {"text": 1}),
    "another's diagnostic": ("diagnose", "script-process-ended", "all is lost"),
    "a global that is none": ("kept", {"nobody's": "1"}, {}, None),
    "no arguments": ("console",),
    "one too many": ("console", "log", "text", "text"),
    "a call that is posted": ("body.read", 1),
    "no operation": ("os.system", "true"),
    "an answer to no fetch event with an object of no kind": ("FetchEvent.respond", 1, "a text"),
    "a page's, in a worker": ("close",),
}


@pytest.mark.parametrize("posted", POSTS.values(), ids=POSTS.keys())
async def test_arguments_that_are_none(posted: Any, autojump_clock: object) -> None:
    async with attacker() as (world, process):
        process.objects["Cache"].sort()
        op, *arguments = posted
        process.post(op, *[process.objects[RESPONSE][0] if each == 13 else each for each in arguments])
        await ended(world, process)


FRAMES: dict[str, Any] = {
    "of no type": {"t": "exec"},
    "that goes the other way": {"t": "run", "id": 1, "source": "", "url": "", "module": False},
    "with updates of others": {
        "t": "post",
        "op": "console",
        "args": ["log", ""],
        "updates": [[1, {"scope": "/"}]],
    },
    "with a clock": {"t": "alive", "clock": [0, 0]},
    "without arguments": {"t": "call", "id": 900, "op": "idb.databases"},
    "with arguments by name": {"t": "call", "id": 900, "op": "idb.databases", "args": {}},
    "with a true id": {"t": "call", "id": True, "op": "idb.databases", "args": [{}]},
    "with a negative id": {"t": "call", "id": -1, "op": "idb.databases", "args": [{}]},
    "with a huge id": {"t": "call", "id": 2**53, "op": "idb.databases", "args": [{}]},
    "of an event that is a text": {"t": "call", "id": 900, "op": "idb.databases", "args": [{}], "event": "1"},
    "from nowhere": {"t": "post", "op": "console", "args": ["log", ""], "at": ["a", "b", "c"]},
    "from a line before the first": {"t": "post", "op": "console", "args": ["log", ""], "at": ["a", -1, 1]},
    "that is ready again": {"t": "ready", "version": 1},
    "of another version": {"t": "ready", "version": 2},
    "an answer to nothing": {"t": "answer", "id": 1, "value": {"events": []}},
    "a piece for nobody": {"t": "pulled", "id": 1, "piece": b""},
    "a piece that is a text": {"t": "pulled", "id": 1, "piece": "text"},
    "an error of no name": {"t": "pulled", "id": 1, "error": {"name": ["a"], "message": "", "dom": True}},
    "idle before its time": {"t": "idle", "seen": 2**40},
    "idle as it was long ago": {"t": "idle", "seen": 0},
    "idle at no number": {"t": "idle", "seen": None},
    "a life of no event": {"t": "life", "event": "1", "input": "finished"},
    "a life with no input": {"t": "life", "event": 1, "input": ["finished"]},
    "a question about nothing": {"t": "ask", "op": "fetch", "args": [{}]},
    "a question about no text": {"t": "ask", "op": "importScript", "args": [["a"]]},
    "broken, with a stack": {"t": "broken", "text": "a\nb\nfile:///somewhere"},
    "nested": {"t": "post", "op": "listen", "args": [[[[[[[[[[]]]]]]]]], "message"]},
}
DEEP = b'{"t":"post","op":"listen","args":[' + b"[" * 900 + b"]" * 900 + b',"message"]}'
LONG = b'{"t":"post","op":"listen","args":[' + b"9" * 4_000 + b',"message"]}'


@BOTH
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
async def test_frames_that_are_none(kind: Kind, frame: Any, autojump_clock: object) -> None:
    async with attacker(kind) as (world, process):
        process.say(frame)
        assert len(await ended(world, process)) < 400


@pytest.mark.parametrize("header", [DEEP, LONG], ids=["deep", "a long number"])
async def test_what_is_deep_or_long_is_told_in_a_line(header: bytes, autojump_clock: object) -> None:
    async with attacker() as (world, process):
        process.say(HEAD.pack(len(header), 0) + header)
        assert len(await ended(world, process)) < 400


async def test_a_call_whose_id_is_under_way(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        world.lab.origin.add("/slow", b"", delay=100)
        for _ in range(2):
            process.say({"t": "call", "id": 800, "op": "fetch", "args": [request("/slow")]})
        assert "a call 800 is under way" in await ended(world, process)


async def test_a_fetch_whose_number_is_in_use(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        for _ in range(2):
            process.call("fetch", request(), 7)
        assert "the number 7 of a fetch is in use" in await ended(world, process)


async def test_two_questions_at_once(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        question = {"t": "ask", "op": "importScript", "args": [f"{OTHER}/page.js"], "at": None}
        process.say(encode(question) * 2)
        assert "it asks while it waits for an answer" in await ended(world, process)


# What it answers

ANSWERS: dict[str, dict[str, Any]] = {
    "a text": {"value": "x"},
    "nothing": {"value": None},
    "no events": {"value": {}},
    "an event of no type": {"value": {"events": [[None, None]]}},
    "an event at no place": {"value": {"events": [["fetch", 5]]}},
    "globals that are none": {"value": {"events": [], "kept": ["a"]}},
    "a global that is not text": {"value": {"events": [], "kept": {"a": 1}}},
    "an error without a text": {"error": {"name": "Error", "message": "", "dom": False}},
    "an error that is a text": {"error": "thrown"},
    "both": {"value": {"events": []}, "error": {"text": "thrown"}},
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_an_answer_of_a_wrong_type(kind: Kind, answer: dict[str, Any], autojump_clock: object) -> None:
    """It ended the runtime, with a traceback."""
    async with open_world(0) as world:
        await world.lab.user_agent.terminate_worker(world.registration)
        world.react = lambda frame: (
            [{"t": "answer", "id": frame["id"], **answer}] if frame["t"] == "run" else []
        )
        await (world.start_worker() if kind == "worker" else world.open_page())
        assert "it broke the protocol" in told(world)[0]
        assert await world.others_work() == []


COMPLETIONS = [5, {"message": 5}, {"message": {"root": {"r": 0}, "nodes": [{"k": "Port", "index": 0}]}}]


@pytest.mark.parametrize("value", COMPLETIONS)
async def test_a_completion_value_of_a_wrong_type(value: Any, autojump_clock: object) -> None:
    async with open_world(0) as world:

        def react(frame: Any) -> Any:
            if frame["t"] not in ("run", "completion"):
                return behaves(frame)
            answer = value if frame["t"] == "completion" else {"events": []}
            return [{"t": "answer", "id": frame["id"], "value": answer}]

        world.react = react
        assert await world.open_page() is None
        assert "it broke the protocol: the answer" in told(world)[0]
        assert await world.others_work() == []


# Messages


@pytest.mark.parametrize("ports", [[], [-1]])
async def test_a_port_that_does_not_go_along(ports: list[int], autojump_clock: object) -> None:
    """Whoever got the message had an IndexError."""
    async with attacker() as (world, process):
        message = {"root": {"r": 0}, "nodes": [{"k": "Port", "index": len(ports)}]}
        client = process.objects["WindowClient"][0]
        process.post("WindowClient.postMessage", client, message, ports)
        assert "a port that does not go along" in await ended(world, process)


@pytest.mark.parametrize("op", ["BroadcastChannel.postMessage", "ServiceWorkerRegistration.showNotification"])
async def test_a_port_where_none_can_go_along(op: str, autojump_clock: object) -> None:
    message = {"root": {"r": 0}, "nodes": [{"k": "Port", "index": 0}]}
    async with attacker() as (world, process):
        number = process.objects[op.partition(".")[0]][0]
        if op.startswith("Broadcast"):
            process.post(op, number, message)
        else:
            process.call(op, number, "a title", {"data": message})
        assert "a port that does not go along" in await ended(world, process)


async def test_a_port_twice(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        node = {"k": "Port", "index": 0}
        client = process.objects["WindowClient"][0]
        process.post("WindowClient.postMessage", client, {"root": None, "nodes": [node, node]}, [-1])
        assert "a port is there twice" in await ended(world, process)


async def test_a_port_of_another_kind_or_transferred_before_goes_nowhere(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        client = process.objects["WindowClient"][0]
        plain: dict[str, Any] = {"root": None, "nodes": []}
        process.post("WindowClient.postMessage", client, plain, [-1])
        process.post("WindowClient.postMessage", client, plain, [-1])
        process.post("WindowClient.postMessage", client, plain, [-2, -2])
        await world.run(process)
        assert not process.killed.is_set()
        texts = [line["text"] for line in world.lab.trace if line["kind"] == "console"]
        assert ["transferred before" in texts[0], "name it once" in texts[1]] == [True, True]
        process.post("WindowClient.postMessage", client, plain, [-3])
        assert "not the number of a MessagePort" in await ended(world, process)


# Requests and responses

REQUESTS: dict[str, dict[str, Any]] = {
    "a GET with a body": {"body": {"bytes": b"x"}},
    "a stream without CORS": {"method": "POST", "mode": "no-cors", "body": {"stream": 1}},
    "a stream that outlives its page": {"method": "POST", "keepalive": True, "body": {"stream": 1}},
    "a body from two places": {"method": "POST", "body": {"bytes": b"x", "stream": 1}},
    "a stream that is true": {"method": "POST", "body": {"stream": True}},
    "a destination": {"destination": "script"},
    "a header that is not a pair": {"headers": [["a", "b", "c"]]},
    "a header that is a number": {"headers": [["a", 1]]},
    "a URL that is a number": {"url": 5},
    "no method": {"method": None},
}


@pytest.mark.parametrize("members", REQUESTS.values(), ids=REQUESTS.keys())
async def test_requests_that_no_constructor_makes(members: dict[str, Any], autojump_clock: object) -> None:
    async with attacker() as (world, process):
        process.call("fetch", request(**members), 1)
        await ended(world, process)


REFUSED: dict[str, dict[str, Any]] = {
    "TRACE": {"method": "TRACE"},
    "PUT without CORS": {"method": "PUT", "mode": "no-cors"},
    "a line break in a header": {"headers": [["X-A", "a\r\nCookie: b"]]},
    "a file": {"url": "file:///etc/passwd"},
    "credentials in the URL": {"url": "http://u:p@localhost:8400/"},
    "a blocked port": {"url": "http://localhost:25/"},
    "a mode that there is not": {"mode": "websocket"},
}


@pytest.mark.parametrize("members", REFUSED.values(), ids=REFUSED.keys())
async def test_requests_that_are_rejected(members: dict[str, Any], autojump_clock: object) -> None:
    async with attacker() as (world, process):
        settled = await answer(world, process, "fetch", request(**members), 900)
        assert settled["error"]["name"] == "TypeError"


async def test_headers_and_modes_that_are_not_a_scripts(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        world.lab.origin.requests.clear()
        names = [
            "Cookie",
            "Host",
            "Origin",
            "Referer",
            "Sec-Fetch-Site",
            "Proxy-A",
            "Content-Length",
            "X-HTTP-Method",
        ]
        headers = [[name, "TRACE" if name == "X-HTTP-Method" else "forged"] for name in names]
        settled = await answer(
            world, process, "fetch", request(headers=[*headers, ["X-A", "b"]], mode="navigate"), 900
        )
        assert "error" not in settled
        [asked] = [each for each in world.lab.origin.requests if each.path == "/data"]
        assert "forged" not in asked.headers.values()
        assert "x-http-method" not in asked.headers
        assert (asked.headers["x-a"], asked.headers["sec-fetch-mode"]) == ("b", "cors")


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_a_body_where_there_is_none(status: int, autojump_clock: object) -> None:
    async with attacker() as (world, process):
        made = response(status=status, body={"bytes": b"x"})
        process.call("Cache.put", process.objects["Cache"][0], request(), made)
        assert f"a response with status {status} has a body" in await ended(world, process)


# Events


async def fetch_event(world: World, process: StandIn) -> int:
    world.react = behaves_but_answers_nobody
    world.lab.user_agent.services.nursery.start_soon(_fetched, world)
    await world.run(process)
    return next(number for number, interface in process.events if interface == "FetchEvent")


async def _fetched(world: World) -> None:
    with pytest.raises(TypeError):
        await world.worker_page.fetch("/data")


ORDERS: dict[str, list[tuple[str, Any]]] = {
    "an answer before respondWith": [("respond", response())],
    "a failure before respondWith": [("fail", "why")],
    "respondWith twice": [("entered", None), ("entered", None)],
    "left and called": [("entered", None), ("left", False)],
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
async def test_a_fetch_event_out_of_order(order: list[tuple[str, Any]], autojump_clock: object) -> None:
    async with attacker() as (world, process):
        number = await fetch_event(world, process)
        for op, argument in order:
            process.post(f"FetchEvent.{op}", number, *([] if argument is None else [argument]))
        await ended(world, process)


async def test_a_second_answer(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        world.react = behaves_but_answers_nobody
        fetched = world.worker_page.fetch("/data")
        await world.run(process)
        number = next(number for number, interface in process.events if interface == "FetchEvent")
        process.post("FetchEvent.entered", number)
        process.post("FetchEvent.respond", number, response(body={"bytes": b"the first"}))
        process.post("FetchEvent.respond", number, response(body={"bytes": b"the second"}))
        assert "a second answer" in await ended(world, process)
        assert await (await fetched).text() == "the first"


LIVES = [["turn"], ["settled"], ["added", "finished", "finished"], ["added", "turn"], ["added", "raised"]]


@pytest.mark.parametrize("inputs", LIVES, ids=repr)
async def test_a_life_out_of_order(inputs: list[str], autojump_clock: object) -> None:
    async with attacker() as (world, process):
        number = await fetch_event(world, process)
        process.post("FetchEvent.entered", number)  # it does not end while it is answered
        for each in inputs:
            process.say({"t": "life", "event": number, "input": each})
        await ended(world, process)


async def test_an_event_without_a_ui(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        process.call("event.updateUI", await fetch_event(world, process), {"title": "mine"})
        assert "has no UI to update" in await ended(world, process)


# What it is told


async def test_where_a_redirect_leads_is_told_to_the_user_only(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        settled = await answer(world, process, "fetch", request("/away"), 900)
        assert settled["error"]["message"] == "fetch of http://localhost:8400/away failed (cors)"
        texts = [line["text"] for line in world.lab.trace if line["kind"] == "console"]
        assert any("S3CRET-location" in text and "Access-Control-Allow-Origin" in text for text in texts)


async def test_of_its_own_origin_it_is_told_all(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        world.lab.origin.add("/bad", b"x", drop_after=0)
        settled = await answer(world, process, "fetch", request("http://localhost:1/"), 900)
        assert settled["error"]["message"] == "fetch of http://localhost:1/ failed (bad-port)"
        world.lab.origin.refuse = True
        settled = await answer(world, process, "fetch", request("/bad"), 901)
        assert settled["error"]["message"].endswith("(connect): localhost:8400 refused the connection")
        world.lab.origin.refuse = False


async def test_a_defect_of_ours_is_the_end_of_one_realm(autojump_clock: object) -> None:
    async with attacker() as (world, process):
        engine = world.engine_of(process)
        assert engine is not None

        def fails(*arguments: object) -> None:
            raise KeyError("a path of the machine")

        engine.operations["timer.clear"] = fails
        process.post("timer.clear", 1)
        await world.run(process)  # told on the console: nobody waits for it
        assert not process.killed.is_set()
        engine.operations["skipWaiting"] = fails
        settled = await answer(world, process, "skipWaiting")
        assert settled["error"] == {
            "name": "Error",
            "message": "skipWaiting failed in the runtime",
            "dom": False,
        }
        engine.operations["skipWaiting"] = object
        process.call("skipWaiting")
        await world.run(process)
        assert (
            "the runtime failed at the answer of skipWaiting: TypeError: object has no face" in told(world)[0]
        )


async def test_an_interval_of_no_time_lets_time_pass(autojump_clock: object) -> None:
    """Under a virtual clock nothing else ever happened."""
    async with attacker() as (world, process):
        process.post("timer.set", 1, 0, True)
        await world.run(process)
        process.post("timer.clear", 1)
        await world.run(process)
        assert not process.killed.is_set()


async def test_what_fails_in_the_machine_is_not_told_to_a_page(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """The body of a worker's response cannot be read; the error has a path."""

    class Lost:
        stored = length = None
        replayable = False

        async def chunks(self) -> Any:
            for piece in (b"a piece", None):
                if piece is None:
                    raise FileNotFoundError(2, "No such file", str(folder / "bodies" / "1"))
                yield piece

        def close(self) -> None:
            pass

    async with attacker("window") as (world, process):
        folder = world.lab.site.parent
        source = Lost()

        async def answered(client: Any, asked: Any, body: Any) -> Any:
            return Answer(http.Response(200), source)

        monkeypatch.setattr(world.lab.user_agent.fetch_handler, "subresource", answered)
        number = (await answer(world, process, "fetch", request(), 900))["value"]["$response"]
        assert (await answer(world, process, "body.read", number))["value"] == b"a piece"
        read = await answer(world, process, "body.read", number)
        assert read["error"]["message"] == "fetch of http://localhost:8400/data failed"
        assert any(str(folder) in line["text"] for line in world.lab.trace if line["kind"] == "console")
