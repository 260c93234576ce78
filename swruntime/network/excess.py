"""What a server sent after the end that it had told.

HTTP/1.1 lets nobody but the reader of the connection see that, and httpcore keeps quiet: it would take the rest of a
body that was longer than its Content-Length for the beginning of its next response on that connection. There is no
public name on the way to its reader; a test fails when one of these changes.
"""

from __future__ import annotations

import h11

_WAY = ("_httpcore_stream", "_stream", "_connection", "_h11_state")
"""From httpx's stream (its `_httpcore_stream`) or httpcore's (`_stream`) to the connection's reader."""


def came_after_the_end(stream: object) -> bool:
    """Whether the connection of a response `stream` that has ended has had more bytes than its message.

    Then the connection is not used again. What has not arrived yet is found by whoever looks whether the connection
    is still idle.
    """
    found = stream
    while not isinstance(found, h11.Connection):
        found = next((way for name in _WAY if (way := getattr(found, name, None)) is not None), None)
        if found is None:
            return False  # something in process, or HTTP/2, whose frames have no such end
    if not found.trailing_data[0]:
        return False
    found.send_failed()  # which is how h11 is told that a connection is of no more use
    return True
