"""Sizes in bytes as people write them: `10G`, `20 MiB`, `1.5GB`, `65536`.

A bare letter is binary, as in most command lines: 1K is 1024 bytes; so is KiB. kB, MB, ... are decimal.
"""

from __future__ import annotations

import re

LARGEST = 2**63 - 1

_PREFIXES = "KMGTP"
_SIZE = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?\s*(?:([KMGTP])(i?)(B?)|B?)", re.IGNORECASE | re.ASCII)


def parse_size(text: str) -> int:
    """`text` in bytes, fractions of a byte cut off. Raises ValueError, which names the text."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; expected bytes, such as 65536, 20MiB, 1.5GB or 10G")
    whole, fraction, prefix, i, b = match.groups()
    base = 1000 if b and not i else 1024
    factor = base ** (_PREFIXES.index(prefix.upper()) + 1) if prefix else 1
    digits = fraction or ""
    size: int = int(whole + digits) * factor // 10 ** len(digits)
    if size > LARGEST:
        raise ValueError(f"{text!r} is too large a size; the largest is {LARGEST} bytes")
    return size


def human(size: int) -> str:
    """`size` in bytes, short, in binary units, exact only below 1024. `parse_size` reads it again."""
    if size < 1024:
        return f"{size} B"
    value, exponent = float(size), 0
    while value >= 1023.5 and exponent < len(_PREFIXES):  # it would be rounded to 1024 of its unit
        value, exponent = value / 1024, exponent + 1
    number = f"{value:.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")
    return f"{number} {_PREFIXES[exponent - 1]}iB"
