"""The HTTP gateway: a site's origin behind its worker, for real HTTP clients.

    gateway   the ASGI app: a request's way through the worker's fetch event, or to the origin itself
    hosts     which hosts it answers for
    target    the URL that a request asks for, which does not leave the origin
    incoming  what a request is: a navigation or a subresource, of which page, with which headers
    outgoing  the head of a response as HTTP has it
    upload    a request's body on its way, and its client's leaving
    pages     the pages that clients have open, as far as that can be told from their requests
    reload    an edited worker is an updated one
    server    hypercorn, its sockets, and the interrupt

The app is usable under any ASGI server that runs it with Trio; only `server` knows one.
"""

from __future__ import annotations

from swruntime.serve.gateway import Gateway

__all__ = ["Gateway"]
