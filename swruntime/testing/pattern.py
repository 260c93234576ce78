"""Bodies of any size that cost no memory."""

from __future__ import annotations

import random
from functools import cached_property

import attrs

_BLOCK = 65536


@attrs.frozen(slots=False)
class Pattern:
    """`size` bytes that `seed` determines, made where they are asked for.

    No two blocks are alike, so a piece that ends up in the wrong place shows. `bytes(pattern)` has them all.
    """

    size: int = attrs.field(validator=attrs.validators.ge(0))
    seed: int = 0

    @cached_property
    def _base(self) -> bytes:
        return random.Random(self.seed).randbytes(_BLOCK - 8)

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        return self.read(0, self.size)

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` up to, not including, `end`; fewer past the size."""
        start, end = max(start, 0), min(end, self.size)
        pieces = []
        while start < end:
            index, offset = divmod(start, _BLOCK)
            block = index.to_bytes(8, "big") + self._base
            piece = block[offset : offset + end - start]
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)
