"""A proxy that speaks HTTP, on the loopback, in threads: for what waits on Trio, and for what runs Trio itself.

Whatever host it is asked for is this machine.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import attrs

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@attrs.frozen
class Asked:
    line: str
    headers: dict[str, str]


class ProxyServer:
    """`login` is what Proxy-Authorization has to be; `answer` is what all get in place of what they asked for."""

    def __init__(
        self,
        *,
        login: str | None = None,
        answer: bytes | None = None,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        self.asked: list[Asked] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                with suppress(OSError):
                    super().handle_one_request()

            def parse_request(self) -> bool:
                if not super().parse_request():
                    return False
                headers = {name.lower(): value for name, value in self.headers.items()}
                proxy.asked.append(Asked(self.requestline, headers))
                self.close_connection = True
                if answer is not None:
                    self.wfile.write(answer)
                    return False
                if login not in (None, headers.get("proxy-authorization")):
                    said = b'Proxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
                    self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n" + said)
                    return False
                return True

            def do_CONNECT(self) -> None:
                with _connected(int(self.path.rpartition(":")[2])) as server:
                    self.wfile.write(ESTABLISHED)
                    _relay_both_ways(self.connection, server)

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                target = f"{url.path}?{url.query}" if url.query else url.path
                lines = [f"{self.command} {target} HTTP/1.1", "Connection: close"]
                lines += [f"{n}: {v}" for n, v in self.headers.items() if not n.lower().startswith("proxy-")]
                with _connected(url.port or 80) as server:
                    server.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
                    _relay(server, self.connection)

            def log_message(self, *args: object) -> None:
                """The tests' output is not the place for it."""

        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        class Listening(ThreadingHTTPServer):
            address_family = family
            daemon_threads = True

            def server_bind(self) -> None:
                self.socket.bind(self.server_address)
                self.server_address = self.socket.getsockname()

        self._http = Listening((address, 0), Handler)
        if tls is not None:
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def proxy_server(
    *,
    login: str | None = None,
    answer: bytes | None = None,
    tls: ssl.SSLContext | None = None,
    address: str = "127.0.0.1",
) -> Iterator[ProxyServer]:
    proxy = ProxyServer(login=login, answer=answer, tls=tls, address=address)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port)) as server:
        yield server


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _relay_both_ways(one: socket.socket, other: socket.socket) -> None:
    back = threading.Thread(target=_relay, args=(other, one), daemon=True)
    back.start()
    _relay(one, other)
    back.join()
