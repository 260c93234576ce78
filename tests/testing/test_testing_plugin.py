"""The pytest plugin, as installed: each session here is a pytest of its own, in a folder of its own."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("trio", "httpx", "attrs", "hypothesis", "pytest_trio", "ada_url", "rich", "sqlite3")

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\ntrio_mode = true\nfilterwarnings = error\naddopts = --strict-markers\n")
    return pytester


@pytest.mark.parametrize("module", ["swruntime.testing", "swruntime.testing.plugin"])
def test_importing_it_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(sorted({HEAVY!r} & sys.modules.keys()))".replace(
        repr(HEAVY), f"set({HEAVY!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_public_name_is_there_and_no_other() -> None:
    import swruntime.testing

    for name in swruntime.testing.__all__:
        value = getattr(swruntime.testing, name)
        assert value.__module__.startswith("swruntime.testing."), name
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = swruntime.testing.nothing


def test_fixtures_markers_and_options(folder: pytest.Pytester) -> None:
    folder.makepyfile("""
        import pytest, trio

        async def download(user_agent, site):
            window = await user_agent.open_window("/")
            # Written after the agent was opened.
            (site / "worker.py").write_text("def ended(event): pass\\nonbackgroundfetchsuccess = onbackgroundfetchfail = ended")
            await window.navigator.service_worker.register("/worker.py")
            registration = await window.navigator.service_worker.ready
            fetch = await registration.background_fetch.fetch("f", "/f")
            await user_agent.settled()
            return fetch

        async def test_under_a_virtual_clock(user_agent, site, origin, tmp_path, autojump_clock):
            assert site.parent == tmp_path and origin.url == user_agent.origin
            origin.add("/f", b"x" * 100, delay=50)
            assert (await download(user_agent, site)).result == "success"
            assert trio.current_time() > 50
            assert [path.name for path in tmp_path.iterdir()] == ["site"]

        async def test_under_the_real_clock(user_agent, site, origin):
            origin.add("/f", b"x")
            assert (await download(user_agent, site)).result == "success"

        @pytest.mark.swruntime_sockets
        async def test_on_a_socket(user_agent, site, origin, autojump_clock):
            origin.add("/f", b"x" * 100, delay=50, drop_after=60)
            assert (await download(user_agent, site)).result == "success"
            assert trio.current_time() > 100
            assert [request.range for request in origin.requests[-2:]] == [None, "bytes=60-"]
            assert "connection" not in origin.requests[-1].headers  # nobody added any

        @pytest.mark.swruntime_profile
        @pytest.mark.swruntime_user_agent(quota=10)
        async def test_with_a_profile(user_agent, site, origin, tmp_path, autojump_clock):
            origin.add("/f", b"x" * 100)
            assert (await download(user_agent, site)).failure_reason == "quota-exceeded"
            assert (tmp_path / "profile" / "profile.sqlite3").exists()

        @pytest.mark.swruntime_user_agent(quota=7, permission="prompt")
        class TestOptions:
            @pytest.mark.swruntime_user_agent(quota=8)
            async def test_the_nearest_counts(self, user_agent, autojump_clock):
                assert user_agent.storage.quota == 8
                assert await user_agent.open_window("/")

        class TestElsewhere:
            @pytest.fixture
            def origin(self):
                from swruntime.testing import Origin
                return Origin("https://podcast.example")

            async def test_its_origin(self, user_agent, site, origin, autojump_clock):
                origin.add("/f", b"x")
                assert user_agent.origin == "https://podcast.example"
                assert (await download(user_agent, site)).result == "success"

        async def test_the_seed(user_agent):
            assert user_agent.services.rng.random() == __import__("random").Random(5).random()
    """)
    folder.runpytest_subprocess("--swruntime-seed=5", "-p", "xdist", "-n", "2").assert_outcomes(passed=7)


def test_the_same_test_in_process_on_a_disk_and_over_sockets(folder: pytest.Pytester) -> None:
    """An hour in a tunnel, a server that is slow and breaks: the clock holds while real work is done, and no longer."""
    folder.makepyfile("""
        import pytest, trio

        WORKER = '''
        async def onbackgroundfetchsuccess(event):
            cache = await caches.open("files")
            for record in await event.registration.match_all():
                await cache.put(record.request, await record.response_ready)

        def onbackgroundfetchfail(event): pass
        onbackgroundfetchabort = onbackgroundfetchfail
        '''

        profile, sockets = pytest.mark.swruntime_profile, pytest.mark.swruntime_sockets

        @pytest.mark.parametrize("way", [
            pytest.param("in process"),
            pytest.param("on a disk", marks=profile),
            pytest.param("over sockets", marks=sockets),
            pytest.param("both", marks=[profile, sockets]),
        ])
        async def test_tunnel(way, user_agent, site, origin, tmp_path, autojump_clock):
            assert (tmp_path / "profile").exists() == (way in ("on a disk", "both"))
            origin.add("/f", b"x" * 500_000, delay=50, drop_after=200_000)
            (site / "worker.py").write_text(WORKER)
            window = await user_agent.open_window("/")
            await window.navigator.service_worker.register("/worker.py")
            registration = await window.navigator.service_worker.ready
            fetch = await registration.background_fetch.fetch("f", "/f")
            await trio.sleep(50.5)  # it has broken, and waits a little before it is asked for again
            user_agent.network.go_offline()
            await trio.sleep(3600)
            assert fetch.downloaded == 200_000
            user_agent.network.go_online()
            await user_agent.settled()
            assert fetch.result == "success"
            assert await (await window.caches.match("/f")).bytes() == b"x" * 500_000
            asked = [request.range for request in origin.requests if request.path == "/f"]
            assert asked == [None, "bytes=200000-"]
            assert 3700 < trio.current_time() < 3710
    """)
    folder.runpytest_subprocess().assert_outcomes(passed=4)


@pytest.mark.slow
def test_examples_of_given_have_clocks_of_their_own(folder: pytest.Pytester) -> None:
    folder.makepyfile("""
        import pytest, trio
        from hypothesis import given, settings, strategies as st
        from swruntime.testing import laboratory

        @pytest.mark.swruntime_virtual_time
        @given(hours=st.integers(1, 1000))
        @settings(max_examples=20, database=None)
        async def test_given(hours):
            async with laboratory() as lab:
                assert trio.current_time() == 0
                lab.user_agent.network.go_offline()
                await trio.sleep(hours * 3600)

        @pytest.mark.swruntime_virtual_time
        class TestPlain:
            async def test_plain(self, user_agent, tmp_path):
                await trio.sleep(3600)
                assert trio.current_time() == 3600
    """)
    folder.runpytest_subprocess().assert_outcomes(passed=2)


@pytest.mark.slow
def test_what_a_failure_shows(folder: pytest.Pytester) -> None:
    folder.makepyfile("""
        import pytest
        from swruntime.testing import laboratory, run

        async def test_fixture(user_agent, site, origin, autojump_clock):
            (site / "worker.py").write_text("def ended(event): pass\\nonbackgroundfetchsuccess = onbackgroundfetchfail = ended")
            window = await user_agent.open_window("/")
            await window.navigator.service_worker.register("/worker.py")
            registration = await window.navigator.service_worker.ready
            user_agent.network.go_offline()
            await registration.background_fetch.fetch("ep-5", "/f")
            await user_agent.settled()

        def test_the_last_of_many():
            async def main(seed):
                async with laboratory(seed=seed):
                    assert seed < 3
            for seed in range(10):
                run(main, seed)

        async def test_several_at_once(autojump_clock):
            async with laboratory(seed=8), laboratory(seed=9):
                assert 0

        def test_without():
            assert 0
    """)
    result = folder.runpytest_subprocess()
    result.assert_outcomes(failed=4)
    text = result.stdout.str()
    result.stdout.fnmatch_lines([
        "*WaitingForUser*", "*- swruntime timeline -*", "*ep-5 #1 * /f waits: offline*", "*not ended:*",
        "*ep-5 #1: not settled*", "*- swruntime trace -*", '{"time":*,"kind":"worker.stop"*',
        "*_ test_the_last_of_many _*",
    ])  # fmt: skip
    assert re.findall(r"opened for \S+, seed (\d)", text) == ["0", "3", "8", "9"]
    assert "swruntime" not in text.split("test_without ___")[1].split("short test summary")[0]


@pytest.mark.slow
def test_a_test_that_is_not_for_trio_is_told_so(folder: pytest.Pytester) -> None:
    folder.makepyfile("def test_sync(user_agent): pass")
    result = folder.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the fixture user_agent is for async tests under Trio: *"])
    result = folder.runpytest_subprocess("-p", "no:trio", "-c", "/dev/null", "--rootdir", str(folder.path))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the fixture user_agent needs pytest-trio: *"])


@pytest.fixture
def podcast(tmp_path: Path) -> Path:
    """The podcast, taken to an empty folder outside of the checkout."""
    copy = tmp_path / "podcast"
    shutil.copytree(EXAMPLES / "podcast", copy, ignore=shutil.ignore_patterns("ep-5*", ".*", "__pycache__"))
    for name in ("ep-5.mp3", "ep-5-artwork.jpg", "ep-5-icon.png"):
        (copy / name).touch()  # it does not make its 60 MiB then, which no test of its asks for
    return copy


def own_tests(podcast: Path, *arguments: str) -> str:
    """A session of pytest as its developer has one; the last line of what it says."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *arguments]
    done = subprocess.run(command, cwd=podcast / "tests", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def test_the_podcasts_own_test(podcast: Path) -> None:
    assert own_tests(podcast, "test_tunnel.py").startswith("1 passed")


@pytest.mark.slow
def test_all_of_the_podcasts_own_tests(podcast: Path) -> None:
    """With 200 examples of a property and of a state machine, no health check suppressed."""
    assert own_tests(podcast).startswith("11 passed")
    text = "".join(path.read_text() for path in podcast.glob("tests/*.py"))
    assert "suppress_health_check" not in text
    assert text.count("max_examples=200") == 2


@pytest.mark.slow
def test_they_notice_a_worker_that_keeps_nothing(podcast: Path) -> None:
    (podcast / "worker.py").write_text("")
    with pytest.raises(AssertionError, match="5 failed, 3 passed"):
        own_tests(podcast, "test_tunnel.py", "test_trouble.py")


def test_the_podcasts_own_tests_know_public_names_only() -> None:
    import swruntime.testing

    public = {
        "swruntime": set(swruntime.__all__),
        "swruntime.testing": {*swruntime.testing.__all__, "strategies"},
    }
    for path in (EXAMPLES / "podcast" / "tests").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("swruntime"):
                assert {alias.name for alias in node.names} <= public[node.module or ""], path
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("swruntime.") for alias in node.names), path
