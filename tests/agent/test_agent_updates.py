"""The update flow as users know it: what fires where, in the standard's order, held against written lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime import InvalidStateError

if TYPE_CHECKING:
    from tests.agent.conftest import Lab


class Page:
    """Writes down what a page sees: what fires and what is fulfilled, with the workers that it sees then.

    Workers are numbers, in the order in which they came to be. "updatefound [2-1]" is an `updatefound` at which
    `registration.installing` is the second worker, `waiting` is null, and `active` is the first.
    """

    def __init__(self, window: Any, numbers: dict[str, int]) -> None:
        self.window = window
        self.container = window.navigator.service_worker
        self.log: list[str] = []
        self._numbers = numbers
        self._registration: Any = None
        self.container.oncontrollerchange = lambda event: self._note(
            f"controllerchange to {self._number(self.container.controller)} {self.container.controller.state}"
        )

    def watch(self, registration: Any) -> None:
        self._registration = registration
        registration.onupdatefound = self._on_update_found
        for worker in (registration.installing, registration.waiting, registration.active):
            self._watch_worker(worker)

    async def register(self, **options: Any) -> None:
        registration = await self.container.register("/worker.py", **options)
        self.watch(registration)
        self._note("register fulfilled")

    async def update(self) -> None:
        try:
            await self._registration.update()
        except TypeError:
            self._note("update rejected")
        else:
            self._note("update fulfilled")

    async def unregister(self) -> None:
        answer = await self._registration.unregister()
        self._note(f"unregister fulfilled with {answer}")

    async def ready(self) -> None:
        registration = await self.container.ready
        assert self._registration in (None, registration)
        self._registration = registration
        self._note("ready")

    def _note(self, what: str) -> None:
        shown = "".join(
            "-" if worker is None else str(self._number(worker))
            for worker in (
                self._registration.installing,
                self._registration.waiting,
                self._registration.active,
            )
        )
        self.log.append(f"{what} [{shown}]")

    def _number(self, worker: Any) -> int:
        return self._numbers.setdefault(worker._concept, len(self._numbers) + 1)

    def _watch_worker(self, worker: Any) -> None:
        if worker is not None:
            worker.onstatechange = lambda event: self._note(f"{self._number(worker)} {event.target.state}")

    def _on_update_found(self, event: Any) -> None:
        self._watch_worker(self._registration.installing)
        self._note("updatefound")


PLAIN = "version = {}\n"
TAKES_OVER = (
    "version = {}\n"
    "def oninstall(event): event.wait_until(skip_waiting())\n"
    "def onactivate(event): event.wait_until(clients.claim())\n"
)
CANNOT_INSTALL = "version = {}\ndef oninstall(event): raise ValueError('no')\n"
BROKEN = "version = {}\nraise ValueError('no')\n"

Flow = list[tuple[str, str]]
"""What a page sees, in order, each with the step of the standard that says so."""

FIRST: Flow = [
    ("register fulfilled [1--]", "#installation-algorithm 7"),
    ("updatefound [1--]", "#installation-algorithm 9"),
    ("1 installed [-1-]", "#installation-algorithm 19"),
    ("1 activating [--1]", "#activation-algorithm 5"),
    ("ready [--1]", "#activation-algorithm 7, #activate-resolve-ready-step"),
    ("1 activated [--1]", "#activation-algorithm 11"),
]
FIRST_AND_CLAIM: Flow = [
    *FIRST[:5],
    ("controllerchange to 1 activating [--1]", "#clients-claim 3.1.6.3"),
    FIRST[5],
]
FIRST_FAILS: Flow = [
    *FIRST[:2],
    ("1 redundant [1--]", "#installation-algorithm 12.1: before 12.2 takes it away"),
]
WAITS: Flow = [
    ("update fulfilled [2-1]", "#installation-algorithm 7"),
    ("updatefound [2-1]", "#installation-algorithm 9"),
    ("2 installed [-21]", "#installation-algorithm 19"),
]
TAKES_OVER_WHEN_UNUSED: Flow = [
    ("1 redundant [-21]", "#activation-algorithm 2.2, after #on-client-unload-algorithm 6"),
    ("2 activating [--2]", "#activation-algorithm 5"),
    ("2 activated [--2]", "#activation-algorithm 11"),
]
OVERTAKEN: Flow = [
    ("update fulfilled [321]", "#installation-algorithm 7"),
    ("updatefound [321]", "#installation-algorithm 9"),
    ("2 redundant [321]", "#installation-algorithm 16.2"),
    ("3 installed [-31]", "#installation-algorithm 19"),
]
SKIPS_WAITING: Flow = [
    *WAITS,
    ("1 redundant [-21]", "#activation-algorithm 2.2, after #service-worker-global-scope-skipwaiting 2.2"),
    ("2 activating [--2]", "#activation-algorithm 5"),
    ("controllerchange to 2 activating [--2]", "#activation-algorithm 8.2, or #clients-claim 3.1.6.3"),
    ("2 activated [--2]", "#activation-algorithm 11"),
]
INSTALL_FAILS: Flow = [
    *WAITS[:2],
    ("2 redundant [2-1]", "#installation-algorithm 12.1: before 12.2 takes it away"),
]
EVALUATION_FAILS: Flow = [("update rejected [--1]", "#update-algorithm 16.1")]
SAME: Flow = [("update fulfilled [--1]", "#update-algorithm 9.2")]
AGAIN: Flow = [
    ("register fulfilled [--1]", "#register-algorithm 5.2.1"),
    ("ready [--1]", "#navigator-service-worker-ready 3.4"),
]
UNREGISTERED: Flow = [
    ("unregister fulfilled with True [--1]", "#unregister-algorithm 4"),
    ("1 redundant [--1]", "#clear-registration-algorithm 4.2"),
]


def check(page: Page, *flows: Flow) -> None:
    """Hold what `page` has seen against the written lists, one after the other; it starts afresh then."""
    assert page.log == [what for flow in flows for what, _ in flow]
    page.log.clear()


class Flows:
    """An agent with a worker of some version, and pages that write down what they see."""

    def __init__(self, lab: Lab, agent: Any) -> None:
        self.lab = lab
        self.agent = agent
        self.numbers: dict[str, int] = {}

    def write(self, script: str, version: int) -> None:
        self.lab.worker(script.format(version))

    async def page(self, url: str) -> Page:
        return Page(await self.agent.open_window(url), self.numbers)

    async def registered(self, script: str, **options: Any) -> Page:
        """A page that was there first, and whose `register` has brought a first worker as far as it gets."""
        self.write(script, 1)
        page = await self.page("/first")
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def ready() -> None:
                with trio.move_on_after(100):
                    await page.ready()

            await page.register(**options)
        await self.agent.settled()
        return page

    async def watching(self, url: str) -> Page:
        page = await self.page(url)
        page.watch(await page.container.ready)
        return page

    async def update(self, page: Page, script: str, version: int) -> None:
        self.write(script, version)
        await page.update()
        await self.agent.settled()


@pytest.mark.parametrize(
    ("script", "flow"), [(PLAIN, FIRST), (TAKES_OVER, FIRST_AND_CLAIM), (CANNOT_INSTALL, FIRST_FAILS)]
)
async def test_a_first_worker(lab: Lab, script: str, flow: Flow, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        check(await Flows(lab, agent).registered(script), flow)


async def test_a_new_worker_waits_while_a_page_is_open(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        flows = Flows(lab, agent)
        outside = await flows.registered(PLAIN, scope="/app/")
        # No `ready`: the page is outside of the scope.
        check(outside, FIRST[:4], FIRST[5:])
        inside = await flows.watching("/app/")
        await flows.update(outside, PLAIN, 2)
        check(outside, WAITS)
        check(inside, WAITS[1:])
        another = await agent.open_window("/app/another")
        inside.window.close()
        await agent.settled()
        check(outside)
        another.close()
        await agent.settled()
        check(outside, TAKES_OVER_WHEN_UNUSED)


async def test_a_waiting_worker_is_overtaken(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        flows = Flows(lab, agent)
        await flows.registered(PLAIN)
        page = await flows.watching("/")
        await flows.update(page, PLAIN, 2)
        await flows.update(page, PLAIN, 3)
        check(page, WAITS, OVERTAKEN)


async def test_skip_waiting_and_claim(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        flows = Flows(lab, agent)
        uncontrolled = await flows.registered(PLAIN)
        check(uncontrolled, FIRST)
        controlled = await flows.watching("/")
        await flows.update(uncontrolled, TAKES_OVER, 2)
        check(uncontrolled, SKIPS_WAITING)
        check(controlled, SKIPS_WAITING[1:])


@pytest.mark.parametrize(
    ("script", "version", "flow"),
    [(CANNOT_INSTALL, 2, INSTALL_FAILS), (BROKEN, 2, EVALUATION_FAILS), (PLAIN, 1, SAME)],
)
async def test_an_update_that_comes_to_nothing(
    lab: Lab, script: str, version: int, flow: Flow, autojump_clock: object
) -> None:
    async with lab.open(ready=False) as agent:
        flows = Flows(lab, agent)
        page = await flows.registered(PLAIN)
        page.log.clear()
        await flows.update(page, script, version)
        check(page, flow)


async def test_registered_again_and_unregistered(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        page = await Flows(lab, agent).registered(PLAIN)
        page.log.clear()
        await page.register()
        await page.ready()
        check(page, AGAIN)
        await page.unregister()
        await agent.settled()
        check(page, UNREGISTERED)


IN_THE_WORKER = """
def show(event):
    workers = registration.installing, registration.waiting, registration.active
    print(event.type, service_worker.state, "".join("-" if each is None else "1" for each in workers))

registration.onupdatefound = service_worker.onstatechange = oninstall = onactivate = show
"""

SEEN_IN_THE_WORKER: Flow = [
    ("statechange installing 1--", "#installation-algorithm 5"),
    ("updatefound installing 1--", "#installation-algorithm 9"),
    ("install installing 1--", "#installation-algorithm 11"),
    ("statechange installed -1-", "#installation-algorithm 19"),
    ("statechange activating --1", "#activation-algorithm 5"),
    ("activate activating --1", "#activation-algorithm 10"),
    ("statechange activated --1", "#activation-algorithm 11"),
]


async def test_what_the_worker_itself_sees(lab: Lab, autojump_clock: object) -> None:
    lab.worker(IN_THE_WORKER)
    async with lab.open() as agent:
        await agent.settled()
    lab.said(*(what for what, _ in SEEN_IN_THE_WORKER))


async def test_a_handler_sees_what_its_event_is_about(lab: Lab, autojump_clock: object) -> None:
    """However slow the page is: a worker without an install handler is through before it looks."""
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        seen: list[str] = []

        async def on_update_found(event: Any) -> None:
            seen.append(event.target.installing.state)
            worker = event.target.installing
            worker.onstatechange = lambda event: seen.append(event.target.state)

        registration = await window.navigator.service_worker.register("/worker.py")
        registration.onupdatefound = on_update_found
        await agent.settled()
        assert seen == ["installing", "installed", "activating", "activated"]


@pytest.mark.parametrize("how", ["register", "update", "ready", "unregister"])
async def test_a_page_that_is_closed_while_it_waits(lab: Lab, how: str, autojump_clock: object) -> None:
    lab.worker("import trio\nasync def oninstall(event): await trio.sleep(10)\n")
    async with lab.open(ready=how in ("update", "unregister")) as agent:
        window = lab.window if lab.window else await agent.open_window("/")
        container = window.navigator.service_worker
        promise = {
            "register": lambda: container.register("/worker.py"),
            "update": lambda: lab.registration.update(),
            "unregister": lambda: lab.registration.unregister(),
            "ready": lambda: container.ready,
        }[how]()
        window.close()
        with pytest.raises(InvalidStateError, match="the window was closed"):
            await promise
        late = container.register("/worker.py") if how == "register" else promise
        with pytest.raises(InvalidStateError, match="the window was closed"):
            await late
        await agent.settled()


BUSY = """
import trio

async def linger(event):
    await trio.sleep(10)

onmessage = onbackgroundfetchsuccess = linger
"""


@pytest.mark.parametrize("event", ["message", "backgroundfetchsuccess"])
async def test_a_worker_that_waits_for_an_event_is_activated_when_it_ends(
    lab: Lab, event: str, autojump_clock: object
) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(BUSY)
    async with lab.open() as agent:
        old = lab.registration.active
        if event == "message":
            old.post_message("work")
        else:
            await lab.manager.fetch("f", "/a")
        await agent.until(lambda line: line["kind"] == "event.start" and line["name"] == event)
        lab.worker("def oninstall(event):\n    event.wait_until(skip_waiting())\n")
        await lab.registration.update()
        await trio.sleep(5)
        # The old one has still to do: the new one waits, whoever uses the registration.
        assert (lab.registration.waiting.state, lab.registration.active) == ("installed", old)
        await agent.settled()
        assert (lab.registration.waiting, old.state) == (None, "redundant")
        assert lab.registration.active.state == "activated"
    assert lab.one("event.end", name=event)["outcome"] == "fulfilled"
