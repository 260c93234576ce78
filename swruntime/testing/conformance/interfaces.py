"""The Python realm, held against the Web IDL of `specs/`, member by member.

Names follow the design's mechanical rule; dictionaries are keyword arguments; what the IDL calls a promise is
a `Promise`. What is checked of a member: that it is there, attribute or method, read-only or not, which of its
arguments are required, and that it answers with a promise exactly where the IDL does.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, get_args

from swruntime.algorithms.webidl import python_name
from swruntime.concepts import enums
from swruntime.errors import NotSupportedError
from swruntime.realms import python as realm
from swruntime.realms.python.events import EventHandler
from swruntime.realms.python.worker_realm import WorkerRealm
from swruntime.testing.conformance.idl import Argument, Definitions, Interface, Member
from swruntime.testing.lab import laboratory
from swruntime.testing.virtual_time import run

Scopes = Mapping[str, Any]
"""The global objects of a page and of a worker, by what `Exposed` calls them."""


_PROTOCOLS = {"iterable": "__iter__", "stringifier": "__str__"}
"""What Python calls them."""


def open_scopes() -> Scopes:
    """The scopes of a page and of its worker, of a laboratory that is closed already: their names are still there."""

    async def scopes() -> Scopes:
        async with laboratory() as lab:
            (lab.site / "worker.py").write_text("")
            window = await lab.window()
            realms = lab.user_agent.services.realms
            worker = next(each for each in realms if isinstance(each, WorkerRealm))
            return {"Window": window, "ServiceWorkerGlobalScope": worker.scope}

    return run(scopes)


def classes() -> dict[str, type]:
    """Every class of the realm by its name."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(realm.__path__, f"{realm.__name__}."):
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, type) and value.__module__ == module.name:
                found[name] = value
    return found


def problems_of(definitions: Definitions, scopes: Scopes) -> Iterator[str]:
    """Where the realm is not what the IDL says, one line each."""
    known = classes()
    definitions = definitions.in_python()
    for interface in definitions.interfaces:
        cls = known.get(interface.name)
        if cls is None:
            if interface.implemented:
                yield f"{interface.name} is not there"
            continue
        if not interface.implemented:
            yield f"{interface.name} is there, but has [NotImplemented]"
        yield from _exposure(interface, scopes)
        yield from _inheritance(interface, cls, known)
        for member in interface.members:
            for problem in _member(definitions, interface, cls, member, scopes):
                yield f"{interface.name}.{member.name} {problem}"
    for name, mixin in definitions.includes:
        if name not in known or mixin not in known or not issubclass(known[name], known[mixin]):
            yield f"{name} does not include {mixin}"


def enumeration_problems(definitions: Definitions) -> Iterator[str]:
    """Where the values of an enumeration are not those of the IDL, one line each."""
    for name, values in definitions.enumerations.items():
        ours = (name, name.removeprefix("Service"), name.removeprefix("ServiceWorker"))
        here = next((getattr(enums, each) for each in ours if hasattr(enums, each)), None)
        if here is None:
            yield f"{name} is not there"
        elif set(get_args(here)) != set(values):
            yield f"{name} has {sorted(get_args(here))}, where the IDL has {sorted(values)}"


def _exposure(interface: Interface, scopes: Scopes) -> Iterator[str]:
    for kind, scope in (
        ("Window", scopes["Window"]),
        ("ServiceWorker", scopes["ServiceWorkerGlobalScope"]),
    ):
        if not interface.exposed or interface.name in scopes:
            continue
        exposed = interface.exposed if interface.implemented else frozenset[str]()
        should = bool(exposed & {kind, "*"}) or (kind == "ServiceWorker" and "Worker" in exposed)
        if should != (interface.name in scope):
            yield f"{interface.name} is {'not ' * should}in the scope of {kind}"


def _inheritance(interface: Interface, cls: type, known: Mapping[str, type]) -> Iterator[str]:
    base = known.get(interface.inherits or "")
    if base is not None and not issubclass(cls, base):
        yield f"{interface.name} is no {interface.inherits}"


def _member(
    definitions: Definitions, interface: Interface, cls: type, member: Member, scopes: Scopes
) -> Iterator[str]:
    if member.kind == "constructor":
        if member.implemented:
            yield from _signature(definitions, member, inspect.signature(cls))
        return  # else Python has another way to make it
    if member.kind in ("iterable", "stringifier"):
        if not callable(vars(cls).get(_PROTOCOLS[member.kind])):
            yield f"is not there: {cls.__name__} has no {_PROTOCOLS[member.kind]}"
        return
    name = python_name(member.name)
    found = inspect.getattr_static(cls, name, None)
    if found is None and interface.name in scopes:
        found = getattr(scopes[interface.name], name, None)
        if found is not None and member.kind == "attribute":
            return  # a global variable: there is nothing that could be written through to
    if not member.implemented:
        if found is not None and not _says_not_implemented(found):
            yield "is there, but has [NotImplemented]"
        return
    if found is None:
        yield f"is not there: {cls.__name__} has no {name}"
    elif member.kind == "attribute":
        yield from _attribute(member, found)
    elif (function := _function(interface, name, found, scopes)) is None:
        yield "is not a method"
    else:
        yield from _signature(definitions, member, inspect.signature(function))
        yield from _promise(member, inspect.signature(function).return_annotation)


def _function(interface: Interface, name: str, found: object, scopes: Scopes) -> Callable[..., object] | None:
    """The method itself; None for what is none. What a realm's own class alone can answer with is asked there."""
    if not isinstance(found, EventHandler) and not callable(getattr(found, "__func__", found)):
        exposed = getattr(scopes["Window"], interface.name, None)
        found = getattr(exposed, name, None) if isinstance(exposed, type) else None
    function = getattr(found, "__func__", found)
    return function if callable(function) else None


def _says_not_implemented(found: Callable[..., object]) -> bool:
    try:
        found()
    except NotSupportedError:
        return True
    except Exception:  # noqa: BLE001 - anything else is not what it should say
        return False
    return False


def _attribute(member: Member, found: object) -> Iterator[str]:
    if isinstance(found, EventHandler):
        if not member.type.startswith("EventHandler"):
            yield "is an event handler"
        return
    if not isinstance(found, property) or found.fget is None:
        yield "is no attribute"
        return
    if member.readonly and found.fset is not None:
        yield "is not read-only"
    if not member.readonly and found.fset is None:
        yield "is read-only"
    yield from _promise(member, inspect.signature(found.fget).return_annotation)


def _promise(member: Member, annotation: object) -> Iterator[str]:
    if member.promise != str(annotation).startswith("Promise["):
        yield f"answers with {annotation}, where the IDL has {member.type}"


def _signature(definitions: Definitions, member: Member, signature: inspect.Signature) -> Iterator[str]:
    """Arguments have their places, and the members of dictionaries their names."""
    parameters = [
        p
        for p in signature.parameters.values()
        if p.name not in ("self", "cls") and not p.name.startswith("_")
    ]
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
        return  # what it takes is checked by whom it hands its arguments to
    placed = [p for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    named = {p.name: p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    expected = [a for a in member.arguments if not _is_dictionary(definitions, a)]
    if len(placed) != len(expected):
        yield f"takes {len(placed)} arguments by their place, where the IDL has {len(expected)}"
    for parameter, argument in zip(placed, expected, strict=False):
        yield from _required(parameter, not argument.optional)
    members = {
        python_name(name): required
        for argument in member.arguments
        for name, required in definitions.dictionaries.get(argument.type, ())
    }
    for name in members.keys() - named.keys():
        yield f"takes no {name}"
    for name in named.keys() - members.keys():
        yield f"takes {name}, which the IDL does not have"
    for name in members.keys() & named.keys():
        yield from _required(named[name], members[name])


def _required(parameter: inspect.Parameter, required: bool) -> Iterator[str]:
    if required != (parameter.default is inspect.Parameter.empty):
        yield f"has {parameter.name} {'optional' if required else 'required'}"


def _is_dictionary(definitions: Definitions, argument: Argument) -> bool:
    return argument.type in definitions.dictionaries
