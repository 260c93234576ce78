from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import Site


@pytest.fixture
def make_nginx(tmp_path: Path) -> Iterator[Callable[..., Nginx]]:
    """Nginx(folder, limit_rate=..., ...), started, and stopped when the test is over."""
    started: list[Nginx] = []

    def make(**options: Any) -> Nginx:
        nginx = Nginx(tmp_path / f"nginx{len(started)}", **options)
        started.append(nginx)
        nginx.start()
        return nginx

    yield make
    for nginx in started:
        nginx.stop()


@pytest.fixture
def nginx(make_nginx: Callable[..., Nginx]) -> Nginx:
    return make_nginx()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
