"""The network, behind the agent's port `swruntime.ports.network.Network`.

    http        any httpx transport, in process or with sockets of its own
    outside     the network outside, from the first exchange on
    sockets     real connections: which of them serves what
    http1, http2
                one exchange after the other over a connection
    upload      the request's half of an exchange
    byte_stream, tls_records
                a connection's bytes, over TCP or TLS
    opening     a connection to an origin: TCP, TLS
    connecting  the addresses of a host, and which of them are tried
    proxied     a connection through a proxy
    names       which address a host has, if not the system's
    failures    an httpx exception becomes a NetworkFailure that a person can read
    message     when a response's body is complete, and when it is not
    decoding    content codings, in bounded pieces
    conditions  offline, latency, throughput
    reachability
                whether servers can be reached again
    link        a throughput that several exchanges share
    asgi        an ASGI app as a transport
    site        a site's files as an origin
    ranges      the Range header, as a server reads it
    router      which origin is answered by whom

Only here and in `swruntime.testing` is httpx known.
"""
