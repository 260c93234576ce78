"""MIME types: https://mimesniff.spec.whatwg.org/#understanding-mime-types"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from swruntime.algorithms.methods import TOKEN

_HTTP_SPACE = "\t\n\r "
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)("|\\?\Z)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

_JAVASCRIPT = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/x-ecmascript",
        "application/x-javascript",
        "text/ecmascript",
        "text/javascript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
    }
)


@attrs.frozen
class MimeType:
    """https://mimesniff.spec.whatwg.org/#mime-type. The essence and the parameters' names are in lower case."""

    essence: str
    parameters: Mapping[str, str] = attrs.field(factory=dict, hash=False)

    def __str__(self) -> str:
        """https://mimesniff.spec.whatwg.org/#serialize-a-mime-type"""
        return self.essence + "".join(f";{name}={_written(value)}" for name, value in self.parameters.items())


def is_javascript(kind: MimeType) -> bool:
    """https://mimesniff.spec.whatwg.org/#javascript-mime-type; parameters do not count."""
    return kind.essence in _JAVASCRIPT


def parse(text: str) -> MimeType | None:
    """What `text` says, None where it is no MIME type. A parameter that makes no sense is left out.

    Spec: https://mimesniff.spec.whatwg.org/#parse-a-mime-type
    """
    # 1-10. The type and the subtype.
    type_, slash, rest = text.strip(_HTTP_SPACE).partition("/")
    subtype, _, rest = rest.partition(";")
    subtype = subtype.rstrip(_HTTP_SPACE)
    if not slash or not TOKEN.fullmatch(type_) or not TOKEN.fullmatch(subtype):
        return None
    # 11. The parameters.
    parameters: dict[str, str] = {}
    while rest:
        name, value, rest = _parameter(rest)
        # 11.10. The first one of a name counts.
        if TOKEN.fullmatch(name) and value is not None and _VALUE.fullmatch(value):
            parameters.setdefault(name, value)
    return MimeType(f"{type_}/{subtype}".lower(), parameters)


def _parameter(text: str) -> tuple[str, str | None, str]:
    """The first parameter of `text`, and what comes after it; its value is None where it has none.

    Steps 11.2 to 11.9.
    """
    text = text.lstrip(_HTTP_SPACE)
    ends = [at for at in (text.find(";"), text.find("=")) if at >= 0]
    end = min(ends, default=len(text))
    name, text = text[:end].lower(), text[end:]
    if not text.startswith("="):
        return name, None, text[1:]
    text = text[1:]
    quoted = _QUOTED.match(text)
    if quoted is not None:
        value = _ESCAPED.sub(r"\1", quoted[1]) + quoted[2].removesuffix('"')
        return name, value, text[quoted.end() :].partition(";")[2]
    bare, _, rest = text.partition(";")
    return name, bare.rstrip(_HTTP_SPACE) or None, rest


def _written(value: str) -> str:
    if TOKEN.fullmatch(value):
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
