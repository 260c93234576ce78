"""The Web IDL of `specs/`, as data: parsed by widlparser, reduced to what a realm can be held against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import attrs

from swruntime.errors import UsageError

NOT_IMPLEMENTED = "NotImplemented"
"""The extended attribute of what this version does not have."""
JAVASCRIPT_ONLY = "JavaScriptOnly"
"""That of what JavaScript realms have, and Python realms do not."""


@attrs.frozen
class Argument:
    """An argument; `dictionary` where its type is a dictionary: its members are keyword arguments then."""

    name: str
    type: str
    optional: bool


@attrs.frozen
class Member:
    """`type` is the attribute's, or what the method returns."""

    kind: Literal["attribute", "method", "constructor", "iterable", "stringifier"]
    name: str
    type: str
    readonly: bool = False
    arguments: tuple[Argument, ...] = ()
    implemented: bool = True
    static: bool = False
    exposed: frozenset[str] = frozenset()
    """Where it is, if not wherever its interface is."""
    javascript_only: bool = False

    @property
    def promise(self) -> bool:
        return self.type.startswith("Promise<")


@attrs.frozen
class Interface:
    """`exposed`: "Window", "ServiceWorker", "Worker"; empty for a partial interface, whose whole says it."""

    name: str
    inherits: str | None
    exposed: frozenset[str]
    members: tuple[Member, ...]
    implemented: bool = True
    is_global: bool = False
    javascript_only: bool = False


@attrs.frozen
class Definitions:
    """All that the files define. A dictionary's members are (name, required), those it inherits first.

    Enumerations that are [JavaScriptOnly] are left out: nothing asks a JavaScript realm for the values of one.
    """

    interfaces: tuple[Interface, ...]
    dictionaries: dict[str, tuple[tuple[str, bool], ...]]
    enumerations: dict[str, tuple[str, ...]]
    includes: tuple[tuple[str, str], ...] = ()
    """Interfaces and the mixins that they include; a mixin is an interface that is not exposed."""

    def in_python(self) -> Definitions:
        """As Python realms are held against them: what is [JavaScriptOnly] is not implemented there."""
        return attrs.evolve(self, interfaces=tuple(_in_python(each) for each in self.interfaces))


def _in_python(interface: Interface) -> Interface:
    members = tuple(
        attrs.evolve(each, implemented=each.implemented and not each.javascript_only)
        for each in interface.members
    )
    implemented = interface.implemented and not interface.javascript_only
    return attrs.evolve(interface, members=members, implemented=implemented)


def read_definitions(paths: list[Path]) -> Definitions:
    """Raises UsageError for what is no Web IDL, and without widlparser (it comes with `swruntime[test]`)."""
    try:
        from widlparser import Parser
    except ModuleNotFoundError as error:
        raise UsageError("the interfaces are read by widlparser: pip install 'swruntime[test]'") from error
    interfaces: list[Interface] = []
    dictionaries: dict[str, tuple[str | None, tuple[tuple[str, bool], ...]]] = {}
    enumerations: dict[str, tuple[str, ...]] = {}
    includes: list[tuple[str, str]] = []
    for path in paths:
        constructs: list[Any] = Parser(path.read_text(encoding="utf-8")).constructs
        for construct in constructs:
            match construct.idl_type:
                case "interface":
                    interfaces.append(_interface(construct))
                case "dictionary":
                    members = tuple((m.name, m.required is not None) for m in construct.members)
                    dictionaries[construct.name] = (_inherited(construct), members)
                case "enum":
                    if JAVASCRIPT_ONLY in map(str, construct.extended_attributes or ()):
                        continue
                    enumerations[construct.name] = _values(construct)
                case "includes":
                    includes.append((construct.name, str(construct).partition(" includes ")[2].strip(" ;\n")))
                case _:
                    raise UsageError(f"{path.name}: {str(construct).strip()!r} is not known here")
    whole = {name: tuple(_all_members(name, dictionaries)) for name in dictionaries}
    return Definitions(tuple(interfaces), whole, enumerations, tuple(includes))


def _all_members(
    name: str | None, dictionaries: dict[str, tuple[str | None, tuple[tuple[str, bool], ...]]]
) -> Iterator[tuple[str, bool]]:
    if name is not None and name in dictionaries:
        base, members = dictionaries[name]
        yield from _all_members(base, dictionaries)
        yield from members


def _values(construct: Any) -> tuple[str, ...]:
    # The parser keeps the list to itself, and its text is valid Web IDL: strings without escapes.
    listed = str(construct).partition("{")[2].rpartition("}")[0]
    return tuple(value.strip().strip('"') for value in listed.split(",") if value.strip())


def _inherited(construct: Any) -> str | None:
    return None if construct.inheritance is None else str(construct.inheritance).strip(" :")


def _interface(construct: Any) -> Interface:
    attributes = [str(each) for each in construct.extended_attributes or ()]
    is_global = any(each.startswith("Global=") for each in attributes)
    return Interface(
        construct.name,
        _inherited(construct),
        _exposed(attributes),
        tuple(_member(member) for member in construct.members),
        NOT_IMPLEMENTED not in attributes,
        is_global,
        JAVASCRIPT_ONLY in attributes,
    )


def _exposed(attributes: list[str]) -> frozenset[str]:
    exposed = next((each.partition("=")[2] for each in attributes if each.startswith("Exposed=")), "")
    return frozenset(exposed.strip("()").split(",")) - {""}


def _member(member: Any) -> Member:
    attributes = [str(each) for each in member.extended_attributes or ()]
    implemented = NOT_IMPLEMENTED not in attributes
    exposed = _exposed(attributes)
    static = str(member.member).lstrip().startswith("static ")
    if member.idl_type in ("iterable", "stringifier"):
        return Member(member.idl_type, member.idl_type, "", implemented=implemented)
    if member.idl_type == "attribute":
        text = str(member.member.attribute).strip().removesuffix(";")
        words = text.removeprefix("readonly ").removeprefix("attribute ").rpartition(" ")[0]
        readonly = text.startswith("readonly ")
        return Member(
            "attribute",
            member.name,
            words,
            readonly,
            implemented=implemented,
            static=static,
            exposed=exposed,
            javascript_only=JAVASCRIPT_ONLY in attributes,
        )
    arguments = tuple(
        Argument(each.name, str(each.type).strip(), each.optional is not None)
        for each in member.arguments or ()
    )
    if member.name == "constructor":
        return Member("constructor", "constructor", "", arguments=arguments, implemented=implemented)
    returned = str(member.member.return_type).strip()
    return Member(
        "method",
        member.name,
        returned,
        arguments=arguments,
        implemented=implemented,
        static=static,
        exposed=exposed,
        javascript_only=JAVASCRIPT_ONLY in attributes,
    )
