"""Frames as the fuzzer sends them: of every operation that the runtime's tables have, and of every type of frame."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from swruntime.realms.javascript import indexed_requests
from swruntime.realms.javascript.engine import Engine
from swruntime.realms.javascript.faces import FACES
from swruntime.realms.javascript.frames import HEAD, encode
from swruntime.realms.javascript.protocol import FRAMES, OPERATIONS
from tests.torture.frames_process import Frame, StandIn
from tests.torture.frames_values import Maker, deep

REQUESTS = sorted(set(re.findall(r'\["(\w+)"', indexed_requests.__doc__ or "")))
"""The requests of IndexedDB, as they are documented."""


def next_frame(random: Random, process: StandIn, engine: Engine, others: list[int]) -> Frame | bytes:
    """Something that a hostile process says. Most of it is taken, so that a realm lives for a while."""
    is_wrong = random.randrange(40) == 0
    maker = Maker(random, process, others, 30 if is_wrong else random.choice([0, 0, 0, 1]))
    way = random.randrange(100)
    if is_wrong and way < 50:
        wrong: list[Frame | bytes] = [_any_frame(maker), _broken_shape(maker, engine), _raw(random)]
        return random.choice(wrong)
    if way < 45:
        return _of_a_face(maker)
    if way < 72:
        return _operation(maker, engine)
    if way < 86:
        return _indexed(maker)
    return _answering(maker)


def _frame(maker: Maker, way: str, op: str, arguments: list[Any]) -> Frame:
    process = maker.process
    at = maker.random.choice([None, None, ["http://localhost:8400/sw.js", 1, 1], [f"http://{op}/", 0, 2**40]])
    if way == "call":
        process.last_call += 1
        event = maker.random.choice([None, None, *(number for number, _ in process.events)])
        return {"t": "call", "id": process.last_call, "op": op, "args": arguments, "at": at, "event": event}
    return {"t": way, "op": op, "args": arguments, "at": at}


def _of_a_face(maker: Maker) -> Frame:
    random = maker.random
    face = FACES[random.choice([name for name in FACES if name in maker.process.objects] or list(FACES))]
    members = [*face.methods, *face.promises]
    if not members:
        return _of_a_face(maker)
    member = random.choice(members)
    number = maker.number(face.name)
    if member in face.promises:
        return _frame(maker, "call", f"{face.name}.{member}", [number])
    method = face.methods[member]
    given = random.randint(method.required, len(method.readers))
    arguments = [maker.by_reader(reader) for reader in method.readers[:given]]
    return _frame(maker, "post" if method.told else "call", f"{face.name}.{member}", [number, *arguments])


RARE = ("close", "report")
"""They end a page, or fill the console."""


def _operation(maker: Maker, engine: Engine) -> Frame:
    random = maker.random
    op = random.choice([*engine.operations, *engine.asked])
    if (op in RARE and random.randrange(10)) or op.startswith(("idb.", "FetchEvent.", "event.")):
        op = "body.read"
    operation = OPERATIONS[op]
    given = random.randint(operation.required, len(operation.arguments))
    arguments = [maker.of(shape) for shape in operation.arguments[:given]]
    if op in ("fetch", "FetchEvent.respond") and random.randrange(10):
        arguments[0] = maker.request()
    if op == "release" and random.randrange(10):
        arguments[1] = random.choice([0, 0, 1])
    if op == "listen" and random.randrange(10):
        targets = (
            "MessagePort",
            "BroadcastChannel",
            "ServiceWorker",
            "Notification",
            "BackgroundFetchRegistration",
        )
        arguments[0] = maker.number(*targets, "ServiceWorkerRegistration") if random.randrange(4) else 0
    if op.endswith(".new"):
        kind = "MessagePort" if op.startswith("MessageChannel") else "BroadcastChannel"
        fresh = [each for each in arguments if type(each) is int and each < 0]
        maker.process.objects.setdefault(kind, []).extend(fresh)
    return _frame(maker, operation.way, op, arguments)


def _indexed(maker: Maker) -> Frame:
    random, process = maker.random, maker.process
    op = random.choice([op for op in OPERATIONS if op.startswith("idb.")])
    operation = OPERATIONS[op]
    arguments = [maker.of(shape) for shape in operation.arguments]
    if random.randrange(5) and isinstance(arguments[0], dict):
        process.last_call += 1  # numbers that are not in use
        if op == "idb.close" and random.randrange(5):
            return _indexed(maker)
        own = process.connections[:1] if random.randrange(20) else [3]
        if op == "idb.begin" and not own:
            return _indexed(maker)
        fitting = {
            "name": random.choice(["db", f"db of {process.name}"]), "connection": (own or [1])[0],
            "request": process.last_call, "stores": [1], "version": random.choice([None, 1, 2, 2**53 - 1]),
            "transaction": process.last_call if op == "idb.begin" else random.choice(process.transactions or [1]),
            "requests": [_indexed_request(maker) for _ in range(random.randrange(4))],
        }  # fmt: skip
        arguments[0] |= {name: each for name, each in fitting.items() if name in arguments[0]}
        if op == "idb.begin":
            process.transactions.append(process.last_call)
    return _frame(maker, operation.way, op, arguments)


def _indexed_request(maker: Maker) -> list[Any]:
    random = maker.random
    key, ranged = random.choice([b"\x10k", b"\x20\x00", None]), [None, None, False, False]
    number = random.choice([1, 1, 2]) if random.randrange(4) else maker.process.last_call
    forms: dict[str, list[Any]] = {
        "put": [1, key, b"value", random.choice([[], [[2, [key]]]]), True],
        "delete": [1, ranged],
        "clear": [1],
        "count": [random.choice(["store", "index"]), number, ranged],
        "scan": [random.choice(["store", "index"]), number, ranged, "next", None, 0, None, True, None],
        "createStore": [number, random.choice(["s", "t", "\ud800"]), None, random.random() < 0.5],
        "createIndex": [1, number, "i", "a", False, random.random() < 0.5],
        "addEntries": [2, [[b"\x10k", b"\x10k"]]],
    }
    head = random.choice(REQUESTS)
    rest = forms.get(head, [number, "renamed"][: 1 if head.startswith("delete") else 2])
    rest = [each if random.randrange(25) else maker.hostile() for each in rest]
    return [head, *rest]


def _answering(maker: Maker) -> Frame:
    """Of events, streams and questions, most of them under way."""
    random, process = maker.random, maker.process
    number, interface = random.choice(process.events or [(10_000, "")])
    match random.randrange(6):
        case 0 if process.pulls:
            id, _ = process.pulls.pop(random.randrange(len(process.pulls)))
            end: Frame = random.choice(
                [
                    {"piece": b"a piece"},
                    {"piece": None},
                    {"error": maker.of(FRAMES["pulled"].optional["error"])},
                ]
            )
            return {"t": "pulled", "id": id, **end}
        case 1 if process.runs:
            id = process.runs.pop()
            value = random.choice([{"events": [["fetch", None]]}, None, {"events": 1}, maker.hostile()])
            return {"t": "answer", "id": id, "value": value}
        case 2 if interface == "FetchEvent":
            op = random.choice(["entered", "respond", "fail", "left", "preload"])
            rest = {"respond": maker.response(), "fail": "a text", "left": False}
            arguments = [number, *([rest[op]] if op in rest else [])]
            return _frame(maker, "call" if op == "preload" else "post", f"FetchEvent.{op}", arguments)
    # What may come next in an event's life, mostly.
    left = process.lives.get(number, ["added", "finished", "settled", "turn"])
    process.lives[number] = left[1:]
    life: Frame = {"t": "life", "event": number, "input": left[0] if left else "turn", "at": None}
    if random.randrange(20) == 0:
        life["input"] = random.choice(["added", "finished", "settled", "turn", "raised"])
    if life["input"] == "raised" or (life["input"] == "settled" and random.randrange(3) == 0):
        life["error"] = "thrown"
    if len(left) <= 1:
        process.events = [each for each in process.events if each[0] != number]
    return life


def _any_frame(maker: Maker) -> Frame:
    """A frame of any type with members that fit, which nobody asked for."""
    kind = maker.random.choice(list(FRAMES))
    members = maker.of(FRAMES[kind])
    return {**members, "t": kind} if isinstance(members, dict) else {"t": kind, "seen": members}


def _broken_shape(maker: Maker, engine: Engine) -> Frame:
    """A right frame, of which one thing is missing, too much or something else."""
    random = maker.random
    frame = random.choice([_of_a_face(maker), _operation(maker, engine), _answering(maker)])
    name = random.choice([name for name in frame if name != "t"])
    match random.randrange(4):
        case 0:
            del frame[name]
        case 1:
            frame[random.choice(["$bytes", "updates", "clock", "source", "x"])] = maker.hostile()
        case 2:
            frame[name] = maker.hostile()
        case _:
            frame["t"] = random.choice([*FRAMES, "init", "run", "settle", "update", "event", "", "x" * 5000])
    return frame


def _raw(random: Random) -> bytes:
    """Bytes that are hardly a frame."""
    header = random.choice(
        [
            b"[]", b"{", b"", b"\xff", b'{"t":1}', b'{"t":"post","op":"console","args":[NaN,1e999]}',
            b'{"t":"idle","seen":NaN}', json.dumps({"t": "idle", "seen": deep(300)}).encode(),
            b'{"t":"broken","text":"a\\nb\\nc"}', b'{"t":"post","op":"listen","args":' + b"[" * 900 + b"]" * 900 + b"}",
            b'{"t":"life","event":' + b"9" * 4200 + b',"input":"turn"}', b'{"t":"a","b":{"$bytes":3}}',
        ]
    )  # fmt: skip
    if random.randrange(3) == 0:
        data = bytearray(encode({"t": "post", "op": "console", "args": ["log", "x"], "at": None}))
        data[random.randrange(HEAD.size, len(data))] = random.randrange(256)
        return bytes(data)
    return HEAD.pack(len(header), 0) + header
