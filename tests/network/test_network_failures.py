"""What went wrong on the wire, told from the exceptions of two libraries."""

from __future__ import annotations

import httpcore
import httpx
import pytest

from swruntime.network import failures
from swruntime.network.failures import failure_of


@pytest.mark.parametrize("library", [httpcore, httpx], ids=["httpcore", "httpx"])
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("ConnectTimeout", "timeout"),
        ("ReadTimeout", "timeout"),
        ("WriteTimeout", "timeout"),
        ("PoolTimeout", "timeout"),
        ("UnsupportedProtocol", "scheme"),
        ("ConnectError", "connect"),
        ("ProxyError", "connect"),
        ("ReadError", "reset"),
        ("WriteError", "reset"),
        ("RemoteProtocolError", "protocol"),
        ("LocalProtocolError", "protocol"),
    ],
)
def test_both_librarys_exceptions_mean_the_same(library: object, name: str, cause: str) -> None:
    """They are told by their names, so that httpx need not be imported for it."""
    error = getattr(library, name)("it broke")
    assert failure_of(error, "http://a.test/").cause == cause


def test_every_name_is_one_of_both_libraries() -> None:
    names = (
        *failures._TIMEOUTS,
        *failures._CONNECT,
        *failures._BROKEN,
        *failures._REMOTE,
        *failures._SCHEME,
        "ConnectTimeout",
        "WriteTimeout",
    )
    for name in names:
        assert issubclass(getattr(httpcore, name), Exception)
        assert issubclass(getattr(httpx, name), Exception)


def test_an_exception_of_somebody_elses_with_such_a_name_is_not_theirs() -> None:
    class ConnectError(OSError):
        pass

    assert failure_of(ConnectError("it broke"), "http://a.test/").cause == "reset"
