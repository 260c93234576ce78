"""What a client sees when a connection fails, made without one."""

from __future__ import annotations

import errno
import os
import socket

import httpx


def _caused(error: Exception, cause: OSError) -> Exception:
    error.__cause__ = error.__context__ = cause  # some raise it again "from None"
    return error


def unknown_host(host: str) -> Exception:
    cause = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _caused(httpx.ConnectError(f"{host}: {cause.strerror}"), cause)


def refused(host: str) -> Exception:
    cause = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    return _caused(httpx.ConnectError(f"{host}: {cause.strerror}"), cause)


def reset(host: str) -> Exception:
    cause = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
    return _caused(httpx.ReadError(f"{host}: {cause.strerror}"), cause)
