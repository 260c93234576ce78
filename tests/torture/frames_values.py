"""Values for the fuzzer of frames: right ones, made from the runtime's own tables, and what a hostile process puts there."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from swruntime.concepts.messages import ELEMENT_SIZES
from swruntime.realms.javascript import messages, shapes, values
from swruntime.realms.javascript.shapes import AnyShape
from swruntime.realms.javascript.values import Reader
from tests.torture.frames_process import REQUEST, RESPONSE, StandIn
from tests.torture.frames_world import FORBIDDEN, OTHER, SCRIPTED

URLS = [
    "/data", "/more", "/away", "data", f"{OTHER}/opaque", f"{OTHER}/refused", f"{OTHER}/cors", f"{OTHER}/away",
    f"{OTHER}/mine", "http://nowhere.test/", "http://localhost:1/", "http://u:p@localhost:8400/data", "file:///etc/passwd",
    "data:text/plain,x", "blob:http://localhost:8400/x", "javascript:1", "about:blank", "ftp://localhost/", "//", "http://",
    "/sw.js", "/page.js", "/..%2f..%2fetc/passwd", "\ud800", "/\0", "https://localhost:8400/data", "ws://localhost:8400/",
]  # fmt: skip
TEXTS = [
    "", "a", "its own", "kept", "other", "tag", "window", "all", "auto", "none", "module", "imports", "granted", "push",
    "notifications", "constructor", "__proto__", "\ud800", "\0", "a\nb", "x" * 3000, "GET", "'; DROP TABLE caches", "%s{}",
    "message", "progress", "statechange", "updatefound", "online", "true",
]  # fmt: skip
NUMBERS = [0, 1, 2, 3, 7, 100, 43_200_000, 2**31 - 1, 2**53 - 1]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "put", "TRACE", "CONNECT", "TRACK", "G T", "", "X-OWN"]
MODES = ["cors", "no-cors", "same-origin", "navigate", "websocket", "webtransport", ""]
KINDS = sorted(messages._NODES)


def deep(depth: int, kind: type = list) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if kind is list else {"a": value}
    return value


def hostile(random: Random, process: StandIn, others: list[int]) -> Any:
    """Of any type, and of the right one with a wrong content."""
    return random.choice(
        [
            None, True, False, 0, -1, 1, -0.0, 0.5, 1e308, 2**31, 2**53, -(2**53), 2**64, 10**400, "", "\ud800", "\0",
            "x" * 10_000, [], {}, [None], [[]], {"": None}, b"", b"\xff" * 9, deep(60), deep(60, dict), [0] * 500,
            {"$object": 1}, {"handle": 1}, {"root": {"r": 5}, "nodes": []}, ["http://localhost:8400/sw.js", 1, 1], [1, 1],
            *process.numbers[-5:], *others, -2, -3, "__proto__", {"__proto__": {}}, {"then": 1},
        ]
    )  # fmt: skip


class Maker:
    """Makes right values for a process; one of `wrongness` in a hundred is a hostile one."""

    def __init__(self, random: Random, process: StandIn, others: list[int], wrongness: int) -> None:
        self.random = random
        self.process = process
        self._others = others
        self._wrongness = wrongness

    def hostile(self) -> Any:
        return hostile(self.random, self.process, self._others)

    def _wrong(self) -> bool:
        return self.random.randrange(100) < self._wrongness

    def number(self, *interfaces: str) -> int:
        """The number of such an object; of any, where there is none or none is named."""
        known = [number for each in interfaces for number in self.process.objects.get(each, ())]
        return self.random.choice(known or self.process.numbers or [1])

    def own_number(self) -> int:
        """A number for an object of the script's, which is known from then on."""
        self.process.own += 1
        return -self.process.own

    # By shape

    def of(self, shape: AnyShape) -> Any:
        if self._wrong():
            return self.hostile()
        random = self.random
        match shape:
            case shapes.Maybe(inner):
                return None if random.randrange(3) == 0 else self.of(inner)
            case shapes.OneOf(choice):
                return random.choice(choice)
            case shapes.ListOf(inner):
                return [self.of(inner) for _ in range(random.randrange(4))]
            case shapes.Tuple(items):
                return [self.of(each) for each in items]
            case shapes.Keyed(inner):
                return {random.choice(["kept", "other"]): self.of(inner) for _ in range(random.randrange(3))}
            case shapes.AnyOf(choice):
                return self.of(random.choice(choice))
            case shapes.Members(needed, optional):
                chosen = {name: each for name, each in optional.items() if random.randrange(2)}
                return {name: self.of(each) for name, each in {**needed, **chosen}.items()}
        if shape is shapes.OBJECT_NUMBER:
            return self.number(REQUEST, RESPONSE, RESPONSE)
        if shape is shapes.OWN_NUMBER:
            return self.own_number()
        if shape is shapes.DICTIONARY:
            return random.choice([self.request, self.response, self.options])()
        pool: list[Any] = [*TEXTS, *URLS, *NUMBERS, True, False, b"bytes", [], {}, None]
        fitting = [each for each in pool if shape.fits(each)]
        return random.choice(fitting) if fitting else self.hostile()

    # By reader, of members of platform objects

    def by_reader(self, reader: Reader) -> Any:
        if self._wrong():
            return self.hostile()
        random = self.random
        if reader.named:
            names = [name for name in sorted(reader.members) if random.randrange(3) == 0]
            return {name: self._member(name) for name in names}
        known: dict[Reader, Callable[[], Any]] = {
            values.a_request: self.request_info,
            values.requests: lambda: random.choice(
                [self.request_info(), [self.request_info(), self.request_info()]]
            ),
            values.a_response: self.response,
            values.a_message: self.message,
            values.ports: lambda: [self.number("MessagePort") for _ in range(random.randrange(2))],
        }
        make = known.get(reader)
        return self.plain() if make is None else make()

    def plain(self) -> Any:
        return self.random.choice([*TEXTS, *URLS, *NUMBERS, True, b"\x04" + b"k" * 64])

    def _member(self, name: str) -> Any:
        if name == "data":
            return self.message()
        if name in ("icons", "actions"):
            icon = {"src": self.random.choice(URLS), "action": "a", "title": "t", "sizes": "1x1"}
            return [icon for _ in range(self.random.randrange(3))]
        if name.startswith("ignore") or name in (
            "userVisibleOnly",
            "includeUncontrolled",
            "renotify",
            "silent",
        ):
            return True
        return self.plain()

    def options(self) -> dict[str, Any]:
        return {"title": self.plain(), "icons": [{"src": "/data"}]}

    def request_info(self) -> Any:
        return self.random.choice(URLS) if self.random.randrange(2) else self.request()

    def request(self) -> dict[str, Any]:
        random = self.random
        if random.randrange(4) == 0:
            return {"handle": self.number(REQUEST)}
        made: dict[str, Any] = {
            "url": random.choice(URLS[:10]) if random.randrange(2) else random.choice(URLS),
            "method": random.choice(METHODS) if random.randrange(2) else "GET",
            "headers": self.headers(),
            "mode": random.choice(MODES) if random.randrange(2) else random.choice(MODES[:2]),
            "credentials": random.choice(["include", "omit", "same-origin"]),
            "redirect": random.choice(["follow", "manual", "error"]),
            "body": None,
        }
        if random.randrange(4) == 0:
            made["method"] = random.choice(METHODS)
            made["body"] = self.body()
        if random.randrange(8) == 0:
            made[random.choice(["cache", "referrer", "integrity", "destination", "keepalive", "mode"])] = (
                self.plain()
            )
        if self._wrong():
            made[random.choice(sorted(made))] = self.hostile()
        return made

    def headers(self) -> list[Any]:
        names = [
            *FORBIDDEN,
            "X-A",
            "Range",
            "Sec-Fetch-Site",
            "Proxy-A",
            "Set-Cookie",
            "Accept",
            "Content-Type",
            "a b",
            "",
        ]
        values_ = [SCRIPTED, SCRIPTED, "bytes=0-1", "*", "a\r\nCookie: b", "\u0100", ""]
        return [
            [self.random.choice(names), self.random.choice(values_)] for _ in range(self.random.randrange(3))
        ]

    def body(self) -> Any:
        random = self.random
        return random.choice(
            [
                None,
                {"bytes": b"a body"},
                {"stream": random.randrange(1, 4)},
                {"remote": self.number(RESPONSE, REQUEST)},
                {"remote": self.number(RESPONSE)},
            ]
        )

    def response(self) -> dict[str, Any]:
        random = self.random
        match random.randrange(4):
            case 0:
                return {"type": "error"}
            case 1:
                return {"handle": self.number(RESPONSE)}
        return {
            "type": "default",
            "status": random.choice([200, 201, 204, 206, 302, 304, 404, 599, 101, 600]),
            "statusText": random.choice(["", "OK", "\r\n"]),
            "headers": self.headers(),
            "body": self.body(),
        }

    def message(self) -> dict[str, Any]:
        nodes = [self._node() for _ in range(self.random.randrange(4))]
        if not self._wrong():  # a view's buffer is the first node, and no port goes along
            nodes = [{"k": "ArrayBuffer", "bytes": b"12345678", "maxByteLength": None}, *nodes]
            nodes = [each for each in nodes if each["k"] != "Port"]
        return {"root": self._value(len(nodes)), "nodes": nodes}

    def _value(self, count: int) -> Any:
        random = self.random
        if count and random.randrange(3):
            return {"r": random.randrange(count)}
        return random.choice([None, 1, 0.5, "x", True, {"u": 1}, {"n": "0x7b"}, {"f": "NaN"}])

    def _node(self) -> dict[str, Any]:
        random, kind = self.random, self.random.choice(KINDS)
        parts = {
            "items": [self._value(1)], "length": random.choice([0, 5, 2**32 - 1]), "entries": [["0", self._value(1)]],
            "members": [self._value(1)], "t": random.choice([0, None]), "name": random.choice(["Error", "StopIteration"]),
            "message": "text", "dom": random.random() < 0.5, "bytes": b"12345678", "type": random.choice([*ELEMENT_SIZES]),
            "lastModified": 0, "index": random.randrange(2), "source": "a", "flags": "g", "value": 1, "buffer": 0,
            "offset": 0, "maxByteLength": None,
        }  # fmt: skip
        if kind == "View":
            parts["length"] = 1
        return {"k": kind, **{name: parts[name] for name in messages._NODES[kind][0]}}
