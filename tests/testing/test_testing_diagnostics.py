"""Diagnostics about scripts, as warnings of pytest: each session here is a pytest of its own."""

from __future__ import annotations

import pytest

TEST = """
    from swruntime.testing import laboratory

    WORKER = "x = 1\\ndef onbackgroundfetchsucess(event):{comment}\\n    pass\\n"

    async def test_the_fixture(user_agent, site):
        (site / "worker.py").write_text(WORKER)
        window = await user_agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        await window.navigator.service_worker.ready

    async def test_the_laboratory(autojump_clock):
        for _ in range(2):
            async with laboratory() as lab:
                (lab.site / "worker.py").write_text(WORKER)
                await lab.window()
"""


@pytest.fixture
def session(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\ntrio_mode = true\n")
    pytester.makepyfile(TEST.format(comment=""))
    return pytester


def test_a_warning_with_the_scripts_file_and_line(session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, warnings=3)
    result.stdout.fnmatch_lines([
        "*test_a_warning_with_the_scripts_file_and_line.py::test_the_fixture",
        "*site/worker.py:2: DiagnosticWarning: worker.py:2: onbackgroundfetchsucess * [[]unknown-event-name[]]. Why: *",
    ])  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("--swruntime-strict",),
        ("-o", "swruntime_strict=true"),
        ("-W", "error::swruntime.testing.DiagnosticWarning"),
    ],
)
def test_strict(session: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    result = session.runpytest_subprocess(*arguments)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*DiagnosticWarning: worker.py:2: *"])


def test_a_comment_allows_one_place(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntrio_mode = true\nswruntime_strict = true\n")
    pytester.makepyfile(TEST.format(comment="  # swruntime: allow=unknown-event-name"))
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_a_failure_shows_the_promises_that_are_waited_for(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntrio_mode = true\n")
    pytester.makepyfile("""
        import trio

        WORKER = '''
        async def oninstall(event):
            cache = await caches.open("x")
            event.wait_until(cache.add("/slow"))
            cache.keys()
            await fetch("/slow")
        '''.replace("\\n        ", "\\n")

        async def test_it(user_agent, site, origin, autojump_clock):
            origin.add("/slow", b"x", delay=1000)
            (site / "worker.py").write_text(WORKER)
            window = await user_agent.open_window("/")
            await window.navigator.service_worker.register("/worker.py")
            with trio.fail_after(10):
                await window.navigator.service_worker.ready
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "*swruntime promises waited for*",
        "/worker.py: Cache.add_all (worker.py:4)",
        "/worker.py: fetch (worker.py:6)",
        "*swruntime trace*",
    ])  # fmt: skip
