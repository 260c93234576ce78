"""Side two: what users, pages, servers, networks and processes do, in any order, against the whole runtime.

`AnyLife` is a Hypothesis state machine; `tests/specs/random_model.py` is its oracle, and every trace is held against
specs/ besides. A failure is printed as the calls that lead to it, which are Python that can be read.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

import trio
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from swruntime import DOMException, NotAllowedError, QuotaExceededError
from swruntime.concepts.enums import PermissionState
from swruntime.realms.python.background_fetch import BackgroundFetchRecord
from swruntime.testing import Laboratory, UserAgentStateMachine, check_trace
from tests.specs.random_files import KINDS, File
from tests.specs.random_model import Expected, Report

HOME = "http://localhost:8400"
ELSEWHERE = "http://elsewhere.test"
SCOPES = ("/", "/b/")
IDS = ("a", "b")
PLENTY = 10**9
STOPS = 3
"""So often at most a worker or the process dies: an event is tried five times."""
GLANCE = 1.0
GLANCES = 10_000
"""How many seconds pass from one look for loops to the next, and how often it is looked before it must have settled."""
ENOUGH_REQUESTS = 25
"""For one file; whoever asks more often loops."""

WORKER = """
import json, trio

async def report(event):
    await trio.sleep(1)
    read = {}
    for record in await event.registration.match_all():
        try:
            body = await (await record.response_ready).bytes()
            read[record.request.url] = body.hex()
        except (DOMException, TypeError) as error:
            read[record.request.url] = getattr(error, "name", "TypeError")
    seen = event.registration
    print(json.dumps([event.type, seen.result, seen.failure_reason, read]))

onbackgroundfetchsuccess = onbackgroundfetchfail = onbackgroundfetchabort = report
"""

WORKER_IN_JAVASCRIPT = """
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function report(event) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const read = {};
    for (const record of await event.registration.matchAll()) {
        try {
            read[record.request.url] = hex(await (await record.responseReady).bytes());
        } catch (error) {
            read[record.request.url] = error.name;
        }
    }
    const seen = event.registration;
    console.log(JSON.stringify([event.type, seen.result, seen.failureReason, read]));
}

for (const end of ["success", "fail", "abort"]) {
    addEventListener(`backgroundfetch${end}`, (event) => event.waitUntil(report(event)));
}
"""

ids = st.sampled_from(IDS)
scopes = st.sampled_from(SCOPES)
files = st.lists(
    st.builds(File, st.sampled_from(KINDS), st.integers(4, 9)),
    min_size=1,
    max_size=3,
)
Total = Literal["none", "enough", "too little"]
totals: st.SearchStrategy[Total] = st.sampled_from(["none", "enough", "too little"])
permissions: st.SearchStrategy[PermissionState] = st.sampled_from(["granted", "prompt", "denied"])


active_ones: st.SearchStrategy[tuple[str, str]] = st.runner().flatmap(
    lambda life: st.sampled_from(life.active_ones())
)
"""(scope, id) of a background fetch that is active, as far as the model knows."""


def held(step: Callable[..., Any]) -> Callable[..., Any]:
    """A rule after which everything is looked at: an invariant would be printed after each line of a failure."""

    @functools.wraps(step)
    async def held_step(machine: AnyLife, **arguments: Any) -> None:
        result = step(machine, **arguments)
        if inspect.iscoroutine(result):
            await result
        await machine.hold()

    return held_step


class AnyLife(UserAgentStateMachine):
    """Background fetches of two registrations, until everybody is kind in the end."""

    worker = "worker.py"
    script = WORKER

    async def setup(self, lab: Laboratory) -> None:
        self.expected: list[Expected] = []
        self.numbers = 0
        self.stops = 0
        self.permission: PermissionState = "granted"
        self.frozen: dict[int, int] = {}
        self.no_room = False
        self.online = True
        (lab.site / self.worker).write_text(self.script)
        await self._open()

    async def _open(self) -> None:
        self.window = await self.lab.window(worker=f"/{self.worker}")
        self.registrations: dict[str, Any] = {"/": await self.window.navigator.service_worker.ready}
        await self._register_b()

    async def _register_b(self) -> None:
        register = self.window.navigator.service_worker.register
        self.registrations["/b/"] = registration = await register(f"/{self.worker}", scope="/b/")
        while registration.active is None:  # noqa: ASYNC110 - the one event for it may have come already
            await trio.sleep(0.001)

    # What pages do

    @rule(scope=scopes, id=ids, files=files, total=totals)
    @held
    async def fetch(self, scope: str, id: str, files: Sequence[File], total: Total) -> None:
        manager = self.registrations[scope].background_fetch
        taken = id in await self._in_time(manager.get_ids())
        expected = self._expect(scope, id, files, total)
        self._serve(expected)
        try:
            fetch = await self._in_time(
                manager.fetch(id, self._requests(expected), download_total=expected.download_total)
            )
        except NotAllowedError:
            assert self.permission == "denied"
        except QuotaExceededError:
            uploads = any(file.behaviour.method == "POST" for file in files)
            assert self.no_room
            assert expected.download_total or uploads
        except TypeError:
            assert taken
        else:
            assert self.permission != "denied"
            assert not taken
            assert not (self.no_room and expected.download_total)
            self.expected.append(expected)
            for record in await self._in_time(fetch.match_all()):
                self.lab.user_agent.services.nursery.start_soon(_read, record, expected.read)

    def _expect(self, scope: str, id: str, files: Sequence[File], total: Total) -> Expected:
        urls = []
        for index, file in enumerate(files):
            origin = ELSEWHERE if "origin" in file.kind else HOME
            urls.append(f"{origin}/{self.numbers}/{index}")
        good = sum(file.counts for file in files)
        most = {"none": 0, "enough": sum(file.size for file in files), "too little": max(good - 1, 1)}[total]
        number, self.numbers = self.numbers, self.numbers + len(files)
        if total == "too little" and not good:
            most = sum(file.size for file in files)
        expected = Expected(number, scope, id, tuple(files), tuple(urls), most)
        expected.interrupted = not self.online or self.permission != "granted"
        expected.no_room = self.no_room
        return expected

    def _serve(self, expected: Expected) -> None:
        for url, file in zip(expected.urls, expected.files, strict=True):
            origin, _, path = url.partition("/" + str(expected.number) + "/")
            body = expected.body(url)
            answers = {"body": body, **file.behaviour.answers(body)}
            self.lab.origin_at(origin).add(f"/{expected.number}/{path}", **answers)

    def _requests(self, expected: Expected) -> list[Any]:
        request = self.window.Request
        return [
            request(url, method="POST", body="upload") if file.behaviour.method == "POST" else request(url)
            for url, file in zip(expected.urls, expected.files, strict=True)
        ]

    @rule(scope=scopes, id=ids)
    @held
    async def script_aborts(self, scope: str, id: str) -> None:
        fetch = await self._in_time(self.registrations[scope].background_fetch.get(id))
        if fetch is not None:
            self._told_of_abort(scope, id, await self._in_time(fetch.abort()))

    @precondition(lambda self: self._active("/b/"))
    @rule()
    @held
    async def unregister_b(self) -> None:
        for expected in self.expected:
            if expected.scope == "/b/":
                expected.active, expected.cleared = False, True
        await self._in_time(self.registrations["/b/"].unregister())
        await self._in_time(self._register_b())

    # What users do

    @precondition(lambda self: self._active())
    @rule(it=active_ones)
    @held
    async def user_aborts(self, it: tuple[str, str]) -> None:
        scope, id = it
        for fetch in self._shown(scope, id):
            said = await self._in_time(fetch.abort())
            assert said, "it was active, and the user's abort was refused"
            self._told_of_abort(scope, id, said)

    @precondition(lambda self: self._active())
    @rule(it=active_ones)
    @held
    async def pause(self, it: tuple[str, str]) -> None:
        scope, id = it
        for fetch in self._shown(scope, id):
            if await self._in_time(fetch.pause()):
                expected = self._the_active(scope, id)
                expected.interrupted = True

    @precondition(lambda self: self._active())
    @rule(it=active_ones)
    @held
    async def resume(self, it: tuple[str, str]) -> None:
        scope, id = it
        for fetch in self._shown(scope, id):
            was_paused = fetch.paused
            assert await self._in_time(fetch.resume()) == was_paused

    @rule(state=permissions)
    @held
    def permit(self, state: PermissionState) -> None:
        self.permission = state
        self.lab.user_agent.permissions.set(state)

    @precondition(lambda self: self.online)
    @rule()
    @held
    async def go_offline(self) -> None:
        self.online = False
        self._interrupted()
        await self.lab.user_agent.network.go_offline()

    @precondition(lambda self: not self.online)
    @rule()
    @held
    async def go_online(self) -> None:
        self.online = True
        await self.lab.user_agent.network.go_online()

    @precondition(lambda self: not self.no_room)
    @rule()
    @held
    def use_up_the_quota(self) -> None:
        self.no_room = True
        for expected in self.expected:
            expected.no_room = True
        self.lab.user_agent.storage.quota = 0

    @precondition(lambda self: self.no_room)
    @rule()
    @held
    def make_room(self) -> None:
        self.no_room = False
        self.lab.user_agent.storage.quota = PLENTY

    # What happens

    @rule(seconds=st.sampled_from([0.001, 0.01, 1.0, 10.0, 100.0]))
    @held
    async def wait(self, seconds: float) -> None:
        # A loop without end is seen before it has made a million requests, whenever it begins.
        while seconds > 0:
            await trio.sleep(min(seconds, GLANCE))
            self._nobody_loops()
            seconds -= GLANCE

    @precondition(lambda self: self.stops < STOPS)
    @rule(scope=scopes)
    @held
    async def stop_worker(self, scope: str) -> None:
        self.stops += 1
        self.lab.user_agent.terminate_worker(self.registrations[scope])

    # What must hold after each of these

    async def hold(self) -> None:
        await self._what_is_active_was_begun()
        self._what_is_paused_does_not_grow()
        self._nobody_loops()

    async def _what_is_active_was_begun(self) -> None:
        for scope in SCOPES:
            found = await self._in_time(self.registrations[scope].background_fetch.get_ids())
            for expected in self.expected:
                if expected.scope != scope or not expected.active:
                    continue
                newer = [e for e in self.expected if (e.scope, e.id, e.active) == (scope, expected.id, True)]
                expected.active = expected.id in found and newer[-1] is expected
            assert sorted(found) == sorted(e.id for e in self.expected if e.active and e.scope == scope)

    def _what_is_paused_does_not_grow(self) -> None:
        before, self.frozen = self.frozen, {}
        for fetch in self.lab.user_agent.background_fetches:
            if fetch.paused:
                downloaded = fetch.progress.downloaded
                assert downloaded == before.get(fetch.number, downloaded)
                self.frozen[fetch.number] = downloaded

    def _nobody_loops(self) -> None:
        asked: dict[str, int] = {}
        for origin in (HOME, ELSEWHERE):
            for request in self.lab.origin_at(origin).requests:
                asked[request.url] = asked.get(request.url, 0) + 1
                assert asked[request.url] <= ENOUGH_REQUESTS, f"{request.url} is asked for in a loop"
                assert request.method != "POST" or asked[request.url] == 1, f"{request.url} is sent again"

    async def teardown(self) -> None:  # type: ignore[override] # as in UserAgentStateMachine
        agent = self.lab.user_agent
        agent.permissions.set("granted")
        agent.storage.quota = PLENTY
        await agent.network.go_online()
        for fetch in agent.background_fetches:
            if fetch.active and fetch.paused:
                await self._in_time(fetch.resume())
        for _ in range(GLANCES):
            with trio.move_on_after(GLANCE) as late:
                await agent.settled()
            self._nobody_loops()
            if not late.cancelled_caught:
                break
        else:
            raise AssertionError(f"it never settles: {agent.background_fetches}")
        await trio.sleep(1)
        check_trace(self.lab.trace)
        reports = _reports(self.lab.trace)
        for expected in self.expected:
            mine = [r for r in reports if set(r.read) <= set(expected.urls)]
            expected.judge(_lines_of(self.lab.trace, expected), mine)

    # What the model knows

    def active_ones(self) -> list[tuple[str, str]]:
        return [(e.scope, e.id) for e in self.expected if e.active]

    def _active(self, scope: str | None = None) -> bool:
        return any(e.active and scope in (None, e.scope) for e in self.expected)

    def _the_active(self, scope: str, id: str) -> Expected:
        return next(e for e in reversed(self.expected) if (e.scope, e.id) == (scope, id))

    def _shown(self, scope: str, id: str) -> list[Any]:
        shown = self.lab.user_agent.background_fetches
        return [f for f in shown if f.active and f.id == id and f.scope == HOME + scope]

    def _told_of_abort(self, scope: str, id: str, said: bool) -> None:
        expected = self._the_active(scope, id)
        if said:
            assert expected.active
            expected.aborted = True

    def _interrupted(self) -> None:
        for expected in self.expected:
            expected.interrupted = True

    async def _in_time(self, promise: Any) -> Any:
        """Nothing that a script or a user asks for hangs."""
        with trio.fail_after(100):
            return await promise


class AnyLifeInJavaScript(AnyLife):
    """The same with a worker in JavaScript, whose process is stopped at random as well."""

    worker = "sw.js"
    script = WORKER_IN_JAVASCRIPT


class AnyLifeAndDeath(AnyLife):
    """The same on a profile, and the process dies."""

    profile = True

    @precondition(lambda self: self.stops < STOPS)
    @rule()
    @held
    async def restart(self) -> None:
        self.stops += 1
        for expected in self.expected:
            expected.died = expected.interrupted = True
        await self.lab.restart()
        self.no_room, self.online, self.permission = False, True, "granted"
        await self._open()


async def _read(record: BackgroundFetchRecord, read: dict[str, str]) -> None:
    try:
        body = await (await record.response_ready).bytes()
        read[record.request.url] = body.hex()
    except (DOMException, TypeError) as error:
        read[record.request.url] = getattr(error, "name", "TypeError")


def _reports(trace: list[dict[str, Any]]) -> list[Report]:
    texts = [line["text"] for line in trace if line["kind"] == "console" and line["level"] == "log"]
    return [Report(*json.loads(text)) for text in texts]


def _lines_of(trace: list[dict[str, Any]], expected: Expected) -> list[dict[str, Any]]:
    """The lines of one background fetch; URLs are never used again."""
    starts = [
        line
        for line in trace
        if line["kind"] == "fetch.start" and set(line["requests"]) == set(expected.urls)
    ]
    number = {line["fetch"] for line in starts}
    return [line for line in trace if line.get("fetch") in number]
