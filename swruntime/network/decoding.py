"""Content codings, undone piece by piece: https://www.rfc-editor.org/rfc/rfc9110#name-content-codings

A decoder's own end is what counts: a stream that stops before it is `truncated`, whatever the framing says. A gzip
file may have several members (RFC 1952 2.2), and all of them are the body; browsers stop after the first. What comes
after the end and is not another member is not the body's, as in browsers; how much that is, is told (`excess`). Output
comes in pieces of at most LARGEST_PIECE, made one at a time, so a small input that unfolds to a great deal costs no
memory.

A coding that is not known here leaves the bytes as they are, all of them, even if others in the list are
known: https://fetch.spec.whatwg.org/#handle-content-codings. `br` is known where a `brotli` module that
can bound its output is installed; swruntime does not ask for one. (That module calls a stream corrupt if
something follows its end in the same piece, and it is left at that: an error, never a part as the whole.)
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from swruntime.errors import NetworkFailure
from swruntime.ports.network import LARGEST_PIECE

_GZIP_MAGIC = b"\x1f\x8b"

_MOST_CODINGS = 8  # each costs memory for its window, and nobody sends more than two


class Decoder(Protocol):
    @property
    def excess(self) -> int:
        """How many bytes have come after the end of the coding, and are left out."""
        ...

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What `data` unfolds to, lazily. Exhaust it before the next call.

        Raises NetworkFailure `coding` where the stream is corrupt.
        """
        ...

    def finish(self) -> None:
        """Nothing more comes. Raises NetworkFailure `truncated` if the coding's end has not been seen."""
        ...


def decoder_for(codings: Iterable[str]) -> Decoder | None:
    """The decoder for the values of Content-Encoding; None where nothing is to be undone.

    Raises NetworkFailure `coding` for more than eight codings.
    """
    names = [name for value in codings for name in _names(value)]
    if len(names) > _MOST_CODINGS:
        raise NetworkFailure("coding", f"the response claims {len(names)} content codings")
    decoders: list[Decoder] = []
    for name in reversed(names):
        decoder = _make(name)
        if decoder is None:
            return None
        decoders.append(decoder)
    if not decoders:
        return None
    return decoders[0] if len(decoders) == 1 else _Chain(decoders)


def _names(value: str) -> Iterator[str]:
    for part in value.split(","):
        name = part.strip(" \t").lower()
        if name and name != "identity":
            yield name


def _make(name: str) -> Decoder | None:
    if name in ("gzip", "x-gzip"):
        return _Gzip()
    if name == "deflate":
        return _Deflate()
    if name == "br":
        return _brotli()
    return None


class _Gzip:
    """Members one after the other. Whatever begins as a member does has to be one, down to its checksum."""

    def __init__(self) -> None:
        self._member = _new_member()
        self._start = b""
        """After a member: what may be the beginning of the next."""
        self._over = False
        self.excess = 0

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data and not self._over:
            if self._member.eof:
                data, self._start = self._start + data, b""
                if len(data) < len(_GZIP_MAGIC) and _GZIP_MAGIC.startswith(data):
                    self._start = data
                    return
                if not data.startswith(_GZIP_MAGIC):
                    self._over = True
                    break
                self._member = _new_member()
            yield from _inflated("gzip", self._member, data)
            data = self._member.unused_data
        self.excess += len(data)

    def finish(self) -> None:
        if self._start or not self._member.eof:
            raise NetworkFailure("truncated", "the body ended before its gzip coding did")


def _new_member() -> Any:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


class _Deflate:
    """`deflate` is the zlib format; some servers send bare deflate instead, and browsers take both."""

    def __init__(self) -> None:
        self._start = b""
        self._inflate: Any = None
        self.excess = 0

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            self._start += data
            if len(self._start) < 2:
                return
            data, self._start = self._start, b""
            zlib_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)
        if self._inflate.eof:
            self.excess += len(data)
            return
        yield from _inflated("deflate", self._inflate, data)
        self.excess += len(self._inflate.unused_data)

    def finish(self) -> None:
        if self._inflate is None or not self._inflate.eof:
            raise NetworkFailure("truncated", "the body ended before its deflate coding did")


def _inflated(name: str, decompressor: Any, data: bytes) -> Iterator[bytes]:
    """What `data` unfolds to, as far as it belongs to the stream; the rest is `decompressor.unused_data` then."""
    while not decompressor.eof:
        try:
            piece = decompressor.decompress(data, LARGEST_PIECE)
        except zlib.error as error:
            raise NetworkFailure("coding", f"the {name} coding is corrupt: {error}") from error
        if piece:
            yield piece
        data = decompressor.unconsumed_tail
        if not data and len(piece) < LARGEST_PIECE:
            return


class _Brotli:
    def __init__(self, brotli: Any) -> None:
        self._error: type[Exception] = brotli.error
        self._decompressor = brotli.Decompressor()
        self.excess = 0

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._decompressor.is_finished():
            self.excess += len(data)
            return
        while not self._decompressor.is_finished():
            try:
                out = bytes(self._decompressor.process(data, output_buffer_limit=LARGEST_PIECE))
            except self._error as error:
                raise NetworkFailure("coding", f"the br coding is corrupt: {error}") from error
            for start in range(0, len(out), LARGEST_PIECE):  # the limit is a hint that a block may overstep
                yield out[start : start + LARGEST_PIECE]
            data = b""
            if not out and self._decompressor.can_accept_more_data():
                return

    def finish(self) -> None:
        if not self._decompressor.is_finished():
            raise NetworkFailure("truncated", "the body ended before its br coding did")


def _brotli() -> _Brotli | None:
    try:
        brotli = importlib.import_module("brotli")
    except ImportError:
        return None
    # Before 1.2 it had no bound on its output.
    return _Brotli(brotli) if hasattr(brotli.Decompressor, "can_accept_more_data") else None


class _Chain:
    """Codings upon codings, the outermost first."""

    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    @property
    def excess(self) -> int:
        return sum(decoder.excess for decoder in self._decoders)

    def decode(self, data: bytes) -> Iterator[bytes]:
        return self._through(0, data)

    def _through(self, level: int, data: bytes) -> Iterator[bytes]:
        for piece in self._decoders[level].decode(data):
            if level + 1 == len(self._decoders):
                yield piece
            else:
                yield from self._through(level + 1, piece)

    def finish(self) -> None:
        for decoder in self._decoders:
            decoder.finish()
