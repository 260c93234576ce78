"""Subresource Integrity: whether bytes are what a request's integrity metadata says.

Spec: https://w3c.github.io/webappsec-subresource-integrity/#does-response-match-metadatalist
"""

from __future__ import annotations

import base64
import hashlib
import re

import attrs

ALGORITHMS = ("sha256", "sha384", "sha512")
"""The valid SRI hash algorithm token set, the weakest first."""

_ASCII_WHITESPACE = "[\t\n\f\r ]+"
_VALUE = re.compile(r"[A-Za-z0-9+/_-]+=*")
_TO_BASE64 = str.maketrans("-_", "+/")


@attrs.frozen
class Metadata:
    """The strongest hashes of a request's integrity metadata. `values` are in base64, without padding."""

    algorithm: str
    values: frozenset[str]


def strongest(metadata: str) -> Metadata | None:
    """What `metadata` demands, or None where it demands nothing: it is empty, or nothing in it can be parsed.

    Hashes are separated by ASCII whitespace. What follows a "?" in one are options, of which there are none yet.
    A hash is ignored where its algorithm is not known or its value is not base64 or base64url; padding is free.
    Spec: https://w3c.github.io/webappsec-subresource-integrity/#parse-metadata and #get-the-strongest-metadata
    """
    values: dict[str, set[str]] = {}
    for item in re.split(_ASCII_WHITESPACE, metadata):
        algorithm, _, value = item.partition("?")[0].partition("-")
        if _VALUE.fullmatch(value):
            values.setdefault(algorithm.lower(), set()).add(value.rstrip("=").translate(_TO_BASE64))
    for algorithm in reversed(ALGORITHMS):
        if algorithm in values:
            return Metadata(algorithm, frozenset(values[algorithm]))
    return None


class Verifier:
    """Takes bytes as they come and knows at their end whether they match `metadata`."""

    def __init__(self, metadata: str) -> None:
        self._expected = strongest(metadata)
        self._hash = hashlib.sha256() if self._expected is None else hashlib.new(self._expected.algorithm)

    def update(self, data: bytes) -> None:
        """`data` follows what came before."""
        self._hash.update(data)

    def mismatch(self) -> str | None:
        """None where the bytes match, or nothing is demanded; otherwise words that tell their hash."""
        if self._expected is None:
            return None
        value = base64.b64encode(self._hash.digest()).decode()
        if value.rstrip("=") in self._expected.values:
            return None
        return f"its integrity is {self._expected.algorithm}-{value}, which the request's integrity does not have"
