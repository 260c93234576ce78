"""nginx on a loopback port, from a folder of its own, serving files that are made when they are asked for."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
import trustme

from swruntime.testing.pattern import Pattern

PIECE = 4 * 1024 * 1024

CONFIG = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/temp;
    proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp;
    scgi_temp_path {folder}/temp;
    default_type application/octet-stream;
    types {{ text/plain txt; }}
    sendfile on;
    gzip_min_length 20;
    gzip_types text/plain;
    server {{
        {listen}
        root {folder}/www;
        limit_rate {limit_rate};
        {location}
    }}
}}
"""


def find_nginx() -> str:
    """Debian has it where the path of a user often does not lead. Skips the test where there is none."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("nginx is not installed (Debian's package nginx)")
    return found


class Nginx:
    """`limit_rate` is in bytes per second for each connection, 0 for no limit; `location` is put into the server.

    `certificate`: it speaks https, and HTTP/2 to whoever offers it, with what that issued for localhost.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit_rate: int = 0,
        location: str = "",
        certificate: trustme.LeafCert | None = None,
    ) -> None:
        self.program = find_nginx()
        self.folder = folder
        self.www = folder / "www"
        self.www.mkdir(parents=True)
        self.port = _free_port()
        self.url = f"http://localhost:{self.port}"
        self._tls, self._protocols = "", ""
        if certificate is not None:
            self.url = f"https://localhost:{self.port}"
            certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "tls.pem"))
            self._tls = f"ssl_certificate {folder}/tls.pem; ssl_certificate_key {folder}/tls.pem;"
            self._protocols = " ssl http2"
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(limit_rate=limit_rate, location=location)

    def configure(self, *, limit_rate: int = 0, location: str = "") -> None:
        """What holds from the next start on."""
        addresses = ["127.0.0.1", "[::1]"] if _has_ipv6() else ["127.0.0.1"]
        text = CONFIG.format(
            # As root nginx would serve as somebody who may not read a temporary folder.
            user="user root root;" if os.geteuid() == 0 else "",
            folder=self.folder,
            listen=" ".join(f"listen {address}:{self.port}{self._protocols};" for address in addresses),
            limit_rate=limit_rate,
            location=f"{self._tls} {location}",
        )
        (self.folder / "nginx.conf").write_text(text)

    def start(self) -> None:
        """Returns when it listens."""
        command = [self.program, "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        while not self._listens():
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "error.log").read_text())
            time.sleep(0.01)

    def stop(self) -> None:
        """At once: every connection is cut, and the port closed."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def file(self, name: str, size: int, *, seed: int = 0) -> str:
        """Make /NAME of that many bytes that `seed` determines; its SHA-256."""
        pattern, digest = Pattern(size, seed), hashlib.sha256()
        new = self.folder / "new"
        with new.open("wb") as file:
            for start in range(0, size, PIECE):
                data = pattern.read(start, start + PIECE)
                file.write(data)
                digest.update(data)
        new.rename(self.www / name)
        return digest.hexdigest()

    def log(self) -> list[str]:
        """A line for each request that has ended, in nginx's "combined" format."""
        return (self.folder / "access.log").read_text().splitlines()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
