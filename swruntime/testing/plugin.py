"""The pytest plugin: the fixtures `site`, `origin` and `user_agent`, and what a failed test shows of its trace.

Installed with the package, so it is imported in every pytest session there is: nothing that is heavy is
imported before a fixture is used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from functools import partial, wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from swruntime.testing.watch import Watch, watch_from_now

if TYPE_CHECKING:
    from swruntime.agent.user_agent import UserAgent
    from swruntime.testing.origin import Origin

MARKERS = (
    "swruntime_profile: the fixture user_agent keeps its profile on the disk, in tmp_path / 'profile'",
    "swruntime_sockets: the fixture origin is a real server on a loopback socket for the fixture user_agent",
    "swruntime_user_agent(**options): options of open_user_agent for the fixture user_agent, such as quota",
    "swruntime_virtual_time: an async test, or each example of one under @given, has a clock of its own that jumps "
    "whenever every task waits; pytest-trio's autojump_clock is for tests without @given",
)

_WATCHED = pytest.StashKey[Watch]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("swruntime")
    group.addoption(
        "--swruntime-seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of everything random in the fixture user_agent (default: 0)",
    )
    strict = "a diagnostic about a script fails the test, in place of being a warning"
    group.addoption("--swruntime-strict", action="store_true", default=False, help=strict)
    parser.addini("swruntime_strict", type="bool", default=False, help=strict)


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("swruntime_virtual_time") is not None:
            _run_under_virtual_time(item)


def _run_under_virtual_time(item: pytest.Item) -> None:
    # Whatever the laboratory needs is imported now, and not on the first example's account, which has a deadline.
    from swruntime.testing.lab import laboratory  # noqa: F401
    from swruntime.testing.virtual_time import run

    given = getattr(getattr(item, "obj", None), "hypothesis", None)
    if given is None:
        # pytest-trio takes the first of these that there is, and adds one of its own in its trio mode.
        item.add_marker(pytest.mark.trio(run=run), append=False)
    elif iscoroutinefunction(given.inner_test):
        # pytest-trio would run the examples under the clock that it takes for all others.
        given.inner_test = _as_function(given.inner_test)


def _as_function(async_fn: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    from swruntime.testing.virtual_time import run

    @wraps(async_fn)
    def test(*args: object, **kwargs: object) -> None:
        return run(partial(async_fn, *args, **kwargs))

    return test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[_WATCHED] = watch_from_now()
    try:
        return (yield)
    finally:
        del item.stash[_WATCHED]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Warn of what was told about scripts, once the test has passed: in the middle it would end the agent."""
    result = yield
    found = item.stash[_WATCHED].diagnosed
    if found:
        from swruntime.testing.diagnostics import Diagnosed, warn

        strict = item.config.getoption("--swruntime-strict") or item.config.getini("swruntime_strict")
        nowhere = (str(item.path), (item.location[1] or 0) + 1)
        warn((each for each in found if isinstance(each, Diagnosed)), strict=bool(strict), nowhere=nowhere)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and report.when == "call":
        from swruntime.algorithms.visible_text import visible
        from swruntime.testing.report import last_lines, timeline

        for laboratory in item.stash[_WATCHED].laboratories:
            report.sections.append(("swruntime timeline", timeline(laboratory.trace)))
            if laboratory.waited_for:
                waits = "\n".join(map(visible, laboratory.waited_for))
                report.sections.append(("swruntime promises waited for", waits))
            report.sections.append(("swruntime trace", last_lines(laboratory.trace)))
    return report


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The site's folder, empty at first. Override it to test a site that is there."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def origin() -> Origin:
    """The scripted origin at http://localhost:8400, with nothing on it."""
    from swruntime.testing.origin import Origin

    return Origin()


@pytest.fixture
def _swruntime_async_test(request: pytest.FixtureRequest) -> None:
    """Says what is wrong where pytest and pytest-trio would say less, or nothing."""
    if not request.config.pluginmanager.has_plugin("trio"):
        pytest.fail("the fixture user_agent needs pytest-trio: install swruntime[test]", pytrace=False)
    if request.node.get_closest_marker("trio") is None:
        pytest.fail(
            "the fixture user_agent is for async tests under Trio: make the test `async def`, and mark it "
            "@pytest.mark.trio or set trio_mode = true in pytest's configuration",
            pytrace=False,
        )


@pytest.fixture
async def user_agent(
    request: pytest.FixtureRequest, _swruntime_async_test: None, tmp_path: Path, site: Path, origin: Origin
) -> AsyncIterator[UserAgent]:
    """A user agent on `site`, with `origin` as its network.

    Its profile is held in memory, unless the test is marked `swruntime_profile`; the origin answers in process,
    unless the test is marked `swruntime_sockets`.
    """
    from swruntime.runtime import DEFAULT_ORIGIN
    from swruntime.testing.lab import Laboratory
    from swruntime.testing.origin import ScriptedInternet

    options: dict[str, Any] = {}
    for marker in request.node.iter_markers("swruntime_user_agent"):
        options = {**marker.kwargs, **options}
    if getattr(origin, "url", DEFAULT_ORIGIN) != DEFAULT_ORIGIN:
        options.setdefault("origin", origin.url)
    sockets = request.node.get_closest_marker("swruntime_sockets") is not None
    lab = Laboratory(
        site=site,
        network=ScriptedInternet([origin]) if sockets else origin,
        sockets=sockets,
        profile=tmp_path / "profile" if request.node.get_closest_marker("swruntime_profile") else None,
        seed=request.config.getoption("--swruntime-seed"),
        options=options,
    )
    async with lab.opened():
        yield lab.user_agent
