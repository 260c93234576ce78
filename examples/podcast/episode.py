"""Stands in for the podcast's server: makes the episode's files, if they are not there, the same bytes always.

The sound and its artwork are 60 MiB together. Nobody will enjoy listening to it.
"""

import os
import random
import struct
import zlib
from pathlib import Path

MIB = 1024 * 1024
ARTWORK_SIZE = 256 * 1024
SOUND_SIZE = 60 * MIB - ARTWORK_SIZE

FOLDER = Path(__file__).parent


def make() -> None:
    _make("ep-5.mp3", lambda: _noise(5, b"ID3\x04\x00\x00\x00\x00\x00\x00", SOUND_SIZE))
    _make("ep-5-artwork.jpg", lambda: _noise(55, b"\xff\xd8\xff\xe0", ARTWORK_SIZE))
    _make("ep-5-icon.png", lambda: [_png(300)])


def _make(name, pieces):
    path = FOLDER / name
    if path.exists():
        return
    # Whole or not at all, also when two processes are at it.
    draft = FOLDER / f".{name}.{os.getpid()}"
    with draft.open("wb") as file:
        for piece in pieces():
            file.write(piece)
    draft.replace(path)


def _noise(seed, start, size):
    noise = random.Random(seed)
    yield start
    left = size - len(start)
    while left:
        piece = noise.randbytes(min(left, MIB))
        left -= len(piece)
        yield piece


def _png(side):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(x * y % 256 for x in range(side)) for y in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


make()
