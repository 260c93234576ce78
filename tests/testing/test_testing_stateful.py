"""The state machine whose rules may be async."""

from __future__ import annotations

import pytest

MACHINE = """
import trio
from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, precondition, rule
from swruntime.testing import Pattern, UserAgentStateMachine

WORKER = "def ended(event): pass\\nonbackgroundfetchsuccess = onbackgroundfetchfail = onbackgroundfetchabort = ended"

class Downloads(UserAgentStateMachine):
    fetches = Bundle("fetches")

    async def setup(self, lab):
        self.now = trio.current_time
        (lab.site / "worker.py").write_text(WORKER)
        window = await lab.window()
        self.registration = await window.navigator.service_worker.ready
        self.count = 0
        self.offline = False
        self.ready = False

    @initialize(size=st.integers(0, 3000))
    async def begin(self, size):
        await trio.lowlevel.checkpoint()
        self.ready, self.size = True, size

    @rule(target=fetches, drop=st.integers(0, 3000))
    async def start(self, drop):
        assert self.ready
        self.count += 1
        self.lab.origin.add(f"/{self.count}", Pattern(self.size), drop_after=drop)
        return await self.registration.background_fetch.fetch(f"f{self.count}", f"/{self.count}")

    @rule(fetch=fetches)
    async def abort(self, fetch):
        await fetch.abort()

    @rule()
    def go_offline(self):
        self.offline = True
        self.lab.user_agent.network.go_offline()

    @precondition(lambda self: self.offline)
    @rule(seconds=st.integers(0, 3600))
    async def go_online(self, seconds):
        before = trio.current_time()
        await trio.sleep(seconds)
        assert trio.current_time() == before + seconds
        self.offline = False
        self.lab.user_agent.network.go_online()
        await self.lab.user_agent.settled()

    @invariant()
    async def active_ones_are_known(self):
        await trio.lowlevel.checkpoint()
        active = {fetch.id for fetch in self.lab.user_agent.background_fetches if fetch.active}
        assert active == set(await self.registration.background_fetch.get_ids())

    async def teardown(self):
        self.lab.user_agent.network.go_online()
        await self.lab.user_agent.settled()
        assert self.lab.user_agent.background_fetches == []
"""


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def test_rules_may_be_async(folder: pytest.Pytester) -> None:
    folder.makepyfile(
        MACHINE
        + """
TestDownloads = Downloads.TestCase
TestDownloads.settings = settings(max_examples=15, stateful_step_count=10, deadline=None, database=None)
"""
    )
    folder.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.slow
def test_a_failure_is_shrunk_and_shows_its_trace(folder: pytest.Pytester) -> None:
    folder.makepyfile(
        MACHINE
        + """
class Broken(Downloads):
    seed = 3

    @invariant()
    async def never_two(self):
        assert self.count < 2

TestBroken = Broken.TestCase
TestBroken.settings = settings(
    max_examples=20, stateful_step_count=8, deadline=None, database=None, derandomize=True,
    phases=[Phase.generate, Phase.shrink],  # explaining takes long
)
"""
    )
    result = folder.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    # On a CI pytest's summary repeats the whole message.
    text = result.stdout.str().partition("short test summary info")[0]
    assert text.count("state.start(") == 2
    assert "state.go_online(" not in text
    assert text.count("opened for http://localhost:8400, seed 3") == 1
    assert "f2 #2" in text


@pytest.mark.slow
def test_every_way_to_fail_ends_the_run(folder: pytest.Pytester) -> None:
    folder.makepyfile("""
        import pytest, trio
        from hypothesis import assume, settings
        from hypothesis.stateful import rule, run_state_machine_as_test
        from swruntime.testing import UserAgentStateMachine

        few = settings(max_examples=3, stateful_step_count=3, deadline=None, database=None)
        ended = []

        class Machine(UserAgentStateMachine):
            @rule()
            async def go(self): await trio.sleep(1)
            async def teardown(self): ended.append(trio.current_time())

        class InSetup(Machine):
            async def setup(self, lab): raise ZeroDivisionError

        class InTeardown(Machine):
            async def teardown(self): raise ZeroDivisionError

        class InARule(Machine):
            @rule()
            def go(self): raise ZeroDivisionError

        class InTheAgent(Machine):
            @rule()
            async def go(self):
                async def fail(): raise ZeroDivisionError
                self.lab.user_agent.services.nursery.start_soon(fail)
                await trio.sleep(1)

        class InOptions(Machine):
            options = {"give_up": 0}

        @pytest.mark.parametrize("machine", [InSetup, InTeardown, InARule, InTheAgent, InOptions])
        def test_failing(machine):
            with pytest.raises(BaseException) as caught:
                run_state_machine_as_test(machine, settings=few)
            error = caught.value
            while isinstance(error, BaseExceptionGroup):
                (error,) = error.exceptions
            assert type(error).__name__ == ("UsageError" if machine is InOptions else "ZeroDivisionError")
            with pytest.raises(RuntimeError):
                trio.lowlevel.current_task()

        def test_assume():
            class Assuming(Machine):
                @rule()
                async def sometimes(self): assume(len(ended) % 2)
            run_state_machine_as_test(Assuming, settings=few)
            assert ended

        def test_the_clock_stands_still_between_rules():
            class Still(Machine):
                async def setup(self, lab):
                    lab.user_agent.services.nursery.start_soon(trio.sleep, 1000)
                    self.left = trio.current_time()

                @rule()
                async def go(self):
                    assert trio.current_time() == self.left
                    await trio.sleep(2)
                    self.left = trio.current_time()

            run_state_machine_as_test(Still, settings=few)
    """)
    folder.runpytest_subprocess().assert_outcomes(passed=7)
