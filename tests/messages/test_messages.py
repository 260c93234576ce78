"""Messages are plain English, and whole: `python -m tests.messages` lists them all."""

from __future__ import annotations

import re

import pytest

from swruntime.concepts.diagnostics import CODES
from tests.messages.listing import messages

ODD = re.compile(
    r"(?<!there )(?<!There )\b(is|are) (no|none)\b|\b[Ww]hoever\b|\bjust so\b|\bthat there (is|are) not\b|  "
)
"""What a native engineer stumbles over: "X is no Y" is "X is not a Y"."""


def test_the_listing_finds_messages_of_every_kind() -> None:
    found = list(messages())
    texts = {message.text for message in found}
    assert len(found) > 600
    for text in (
        "{} is not a size; expected bytes, such as 65536, 20MiB, 1.5GB or 10G",  # raised with a conversion
        "there is no {} in {}; expected {}, or --{} FILE",  # an f-string
        "what an origin may store; default: 60 %% of the disk",  # help
        "respondWith was given what is not a Response",  # JavaScript
    ):
        assert text in texts


def test_no_message_is_odd() -> None:
    assert [f"{m.file}:{m.line}: {m.text}" for m in messages() if ODD.search(m.text)] == []


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)
def test_no_diagnostic_is_odd(code: object) -> None:
    assert not ODD.search(str(code)), code
