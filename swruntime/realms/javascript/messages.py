"""Placeholder until the clone module of the helper lands."""

from __future__ import annotations

from typing import Any

from swruntime.concepts.messages import Array, Message, Object, Ref


class WireError(ValueError):
    """What a process sent is not of the shape that the protocol has."""


def to_wire(message: Message) -> dict[str, Any]:
    def v(x: Any) -> Any:
        return {"r": x.index} if isinstance(x, Ref) else x

    nodes = []
    for n in message.nodes:
        match n:
            case Array(items):
                nodes.append({"k": "Array", "items": [v(i) for i in items]})
            case Object(entries):
                nodes.append({"k": "Object", "entries": [[k, v(e)] for k, e in entries]})
            case _:
                nodes.append({"k": type(n).__name__})
    return {"root": v(message.root), "nodes": nodes}


def from_wire(wire: Any) -> Message:
    def v(x: Any) -> Any:
        return Ref(x["r"]) if isinstance(x, dict) else x

    nodes: list[Any] = []
    for n in wire["nodes"]:
        if n["k"] == "Array":
            nodes.append(Array(tuple(v(i) for i in n["items"])))
        else:
            nodes.append(Object(tuple((k, v(e)) for k, e in n["entries"])))
    return Message(v(wire["root"]), tuple(nodes))
