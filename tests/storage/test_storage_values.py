"""Values as JSON text: what a request keeps, and what it does not."""

from __future__ import annotations

import json

import attrs

from swruntime.concepts.http import HeaderList, Initiator, Request
from swruntime.storage.values import from_json, to_json

ASKED = Request(
    "http://localhost:8400/a",
    "POST",
    HeaderList.of([("X", "1")]),
    body=b"ab",
    mode="navigate",
    initiator=Initiator("http://evil.test", "cross-site", True, is_told=False),
    cookie="session=secret",
)


def test_a_request_keeps_whose_it_is_and_not_the_cookie_that_it_brought() -> None:
    text = to_json(ASKED)
    assert "secret" not in text
    assert from_json(text, Request) == attrs.evolve(ASKED, cookie=None)


def test_a_request_of_an_earlier_profile_is_its_clients() -> None:
    data = json.loads(to_json(ASKED))
    del data["initiator"]
    assert from_json(json.dumps(data), Request) == attrs.evolve(ASKED, cookie=None, initiator=None)
