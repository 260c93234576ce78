"""The background fetches of every registration: begun by scripts, taken up after a restart, looked up by id.

Spec: https://wicg.github.io/background-fetch/#background-fetch-manager
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import attrs

from swruntime.agent.candidates import Candidates
from swruntime.agent.pieces import closing_pieces
from swruntime.agent.response_data import ResponseData
from swruntime.agent.services import QUOTA_RESERVE
from swruntime.algorithms import matching
from swruntime.concepts.background import ImageResource
from swruntime.concepts.http import Request, StoredBody
from swruntime.concepts.matching import CacheQueryOptions
from swruntime.errors import NotAllowedError, QuotaExceededError, StorageFull
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.descriptors import reserve
from swruntime.ports.store import StoredFetch, StoredRecord

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch
    from swruntime.agent.registrations import Registration, Registrations
    from swruntime.agent.services import Services

RequestBody = Callable[[], AsyncIterator[bytes]]


class BackgroundFetches:
    def __init__(self, services: Services, registrations: Registrations) -> None:
        reserve()  # while there are descriptors
        self._services = services
        self._registrations = registrations
        self._fetches: dict[int, BackgroundFetch] = {}
        self._of: dict[Registration, dict[int, BackgroundFetch]] = {}
        """The same, by registration and number."""
        self._latest: dict[tuple[Registration, str], BackgroundFetch] = {}
        """The last one of its id that was begun: no other of that id can be active."""
        self._going_on: Candidates[BackgroundFetch] = Candidates(lambda fetch: fetch.goes_on)
        self._ended: dict[Registration, Candidates[BackgroundFetch]] = {}
        """Those that have their result, and whose event has not ended."""
        self._backing_off: dict[str, Candidates[tuple[BackgroundFetch, int]]] = {}
        """By origin the records that wait because it could not be reached, or went away."""
        services.clear_fetches = self.clear
        services.last_fetch_number = self.last_number
        services.fetches_settle = self.settle
        services.fire_owed = self.fire_owed

    def all(self) -> list[BackgroundFetch]:
        """All that are not released, in the order of their beginning."""
        return list(self._fetches.values())

    def last_number(self, storage_key: str, scope: str) -> int:
        """Of those that are not released and whose registration, current or not, has this scope; 0: there is none."""
        mine = (
            number
            for registration, fetches in self._of.items()
            if (registration.storage_key, registration.scope) == (storage_key, scope)
            for number in fetches
        )
        return max(mine, default=0)

    def numbered(self, number: int) -> BackgroundFetch | None:
        return self._fetches.get(number)

    def active(self, registration: Registration) -> dict[str, BackgroundFetch]:
        """*Active background fetches* of a registration, by id, in the order of their beginning.

        One whose result is on its way to the disk is among them: nobody has been told of that yet.
        Spec: https://wicg.github.io/background-fetch/#service-worker-registration-active-background-fetches
        """
        return {f.id: f for f in self._of.get(registration, {}).values() if f.active or f.settling}

    def active_one(self, registration: Registration, id: str) -> BackgroundFetch | None:
        """What `active()` has under `id`, found without looking at any other; None where there is none."""
        found = self._latest.get((registration, id))
        return found if found is not None and (found.active or found.settling) else None

    @property
    def go_on(self) -> bool:
        """Whether any of them goes on by itself; those that are still asleep do not count."""
        return bool(self._going_on)

    # The network seems to be back

    def awaited(self, origin: str) -> bool:
        """Whether a record waits out a backoff for the sake of this origin."""
        return bool(self._backing_off.get(origin))

    def try_network(self, tell: Callable[[], None], origin: str | None = None) -> None:
        """Have tried at once what waits out a backoff: for the sake of `origin`, None: of any. `tell` of it before."""
        origins = list(self._backing_off) if origin is None else [origin]
        waiting = [each for o in origins if o in self._backing_off for each in self._backing_off.pop(o).all()]
        if waiting:
            tell()
        for fetch, index in sorted(waiting, key=lambda each: (each[0].number, each[1])):
            if fetch.backs_off(index):
                fetch.try_again(index)

    def backs_off(self, fetch: BackgroundFetch, index: int) -> None:
        """A record of `fetch` waits now because its server could not be reached, or went away."""
        origin = fetch.runs[index].origin
        if origin not in self._backing_off:
            self._backing_off[origin] = Candidates(lambda each: each[0].backs_off(each[1]))
        self._backing_off[origin].add((fetch, index))

    # What has changed of one

    def changed(self, fetch: BackgroundFetch) -> None:
        """Its machine has made a step."""
        if fetch.number not in self._fetches:
            return
        if fetch.active:
            self._going_on.add(fetch)
        else:
            self._ended[fetch.registration].add(fetch)

    async def fetch(
        self,
        registration: Registration,
        id: str,
        requests: Sequence[Request],
        bodies: Sequence[RequestBody | None],
        *,
        title: str = "",
        icons: tuple[ImageResource, ...] = (),
        download_total: int = 0,
    ) -> BackgroundFetch:
        """The parallel steps of `BackgroundFetchManager.fetch()`; the caller feeds `begin()` when it is resolved.

        `bodies` has for each request what reads its body, or None. Raises NotAllowedError, TypeError (no active
        worker, the id is taken, a body failed), QuotaExceededError.
        Spec: https://wicg.github.io/background-fetch/#background-fetch-manager-fetch
        """
        # What performs it is imported now, when nothing is stored yet that an error would leave behind.
        with reserve().lent():
            import swruntime.agent.background_fetch  # noqa: F401

        # Bodies are read first, outside the edit queue, so that a slow one blocks nobody (SPEC-NOTES 15).
        self._check(registration, id, download_total)
        with ExitStack() as pins:
            try:
                stored = await self._store_bodies(registration.storage_key, requests, bodies, pins)
                if uploads := [r.body.id for r in stored if isinstance(r.body, StoredBody)]:
                    await self._services.store.sync(uploads, flush=False)
                async with registration.edit_queue:
                    self._check(registration, id, download_total)
                    return self._add(registration, id, stored, title, icons, download_total)
            except StorageFull as full:
                raise QuotaExceededError(f"no room for background fetch {id!r}: {full}") from full

    def _check(self, registration: Registration, id: str, download_total: int) -> None:
        # 10.1, 10.2.
        if registration.permission() == "denied":
            raise NotAllowedError("the permission 'background-fetch' is denied")
        # 10.4.
        if registration.unregistered or registration.active is None:
            raise TypeError(f"{registration.scope} has no active worker; await service_worker.ready first")
        # 10.5.
        if self.active_one(registration, id) is not None:
            raise TypeError(f"id {id!r} is in use by an active background fetch of {registration.scope}")
        # 10.9, and what the tests ask for: a total that cannot fit (SPEC-NOTES 16).
        available = self._services.quota.available(registration.storage_key)
        if download_total > available:
            raise QuotaExceededError(
                f"download_total is {download_total} bytes, and {registration.storage_key} has room for {available}",
                quota=None,
                requested=None,
            )

    async def _store_bodies(
        self,
        storage_key: str,
        requests: Sequence[Request],
        bodies: Sequence[RequestBody | None],
        pins: ExitStack,
    ) -> list[Request]:
        """The requests with their bodies stored, and pinned until `pins` are closed."""
        result = []
        for request, body in zip(requests, bodies, strict=True):
            if body is None:
                result.append(attrs.evolve(request, body=None))
            else:
                stored = await self._store_body(storage_key, body, pins)
                result.append(attrs.evolve(request, body=stored))
        return result

    async def _store_body(self, storage_key: str, body: RequestBody, pins: ExitStack) -> StoredBody:
        store = self._services.store
        id = store.create_body(storage_key)
        store.pin(id)
        pins.callback(store.unpin, id)
        async with closing_pieces(body()) as pieces:
            async for piece in pieces:
                available = self._services.quota.available(storage_key)
                if len(piece) > available:
                    raise QuotaExceededError(f"a request's body does not fit: {available} bytes are left")
                store.append(id, piece)
        store.finish_body(id)
        return StoredBody(id, store.length(id))

    def _add(
        self,
        registration: Registration,
        id: str,
        requests: list[Request],
        title: str,
        icons: tuple[ImageResource, ...],
        download_total: int,
    ) -> BackgroundFetch:
        upload_total = sum(r.body.length for r in requests if isinstance(r.body, StoredBody))
        stored = StoredFetch(
            number=0,
            storage_key=registration.storage_key,
            scope=registration.scope,
            id=id,
            title=title,
            icons=icons,
            download_total=download_total,
            upload_total=upload_total,
            snapshot=_first_snapshot(registration),
            records=tuple(StoredRecord(request, RecordSnapshot()) for request in requests),
        )
        # What `fetch()` promises outlives a power failure as well.
        quota = self._services.quota
        with quota.transaction(registration.storage_key, durable=True, reserve=QUOTA_RESERVE):
            number = self._services.store.add_fetch(stored)
        return self._take(registration, attrs.evolve(stored, number=number))

    def settle(self, registration: Registration) -> bool:
        """Whether the result of one of its background fetches is on its way to the disk."""
        return any(f.settling for f in self._of.get(registration, {}).values())

    def clear(self, registration: Registration) -> None:
        """The registration is cleared: every background fetch of it ends, without an event."""
        for fetch in tuple(self._of.get(registration, {}).values()):
            fetch.clear()

    def fire_owed(self, registration: Registration) -> None:
        """Dispatch every event that is owed to a registration and not under way."""
        ended = self._ended[registration].all() if registration in self._ended else []
        for fetch in sorted(ended, key=lambda fetch: fetch.number):
            fetch.fire_if_mended()

    # After a restart

    def restore(self) -> None:
        """Know what the profile keeps; it sleeps until `take_up()`."""
        for stored in self._services.store.fetches():
            registration = self._registrations.get(stored.storage_key, stored.scope)
            if registration is not None and stored.number <= registration.after:
                # Whoever kept its own registration from being cleared is gone with that process.
                self._services.store.release_fetch(stored.number)
            elif registration is not None:
                self._take(registration, stored).dormant = True

    def take_up(self) -> None:
        """Go on with what is active, and dispatch what is owed."""
        for fetch in self.all():
            fetch.dormant = False
            self.changed(fetch)
            if fetch.active:
                fetch.begin(again=True)
            else:
                fetch.fire_if_mended(opened=True)
        # What is held may wait for what a server has by now.
        held = [fetch for fetch in self.all() if fetch.held]
        for registration in dict.fromkeys(fetch.registration for fetch in held):
            self._registrations.soft_update(registration)
        for fetch in held:
            self._services.start("update", fetch.look_for_absent)

    def _take(self, registration: Registration, stored: StoredFetch) -> BackgroundFetch:
        # What performs a background fetch comes with the first one that there is, also where too many files are open.
        with reserve().lent():
            from swruntime.agent.background_fetch import BackgroundFetch
            from swruntime.agent.record_run import RecordRun
            from swruntime.machines import record
            from swruntime.machines.background_fetch import Machine

        store = self._services.store
        runs, records = [], []
        for index, r in enumerate(stored.records):
            length = 0 if r.body is None else store.length(r.body)
            state = record.restore(
                r.snapshot,
                method=r.request.method,
                headers=r.request.headers,
                give_up=self._services.limits.give_up,
                stored=length,
                has_integrity=bool(r.request.integrity),
            )
            data = ResponseData(store, r.response, r.body, r.snapshot.result, r.snapshot.message)
            runs.append(RecordRun(store, index, r.request, data, r.snapshot))
            records.append(state)
        machine = Machine.restore(stored.snapshot, records, download_total=stored.download_total)
        fetch = BackgroundFetch(
            self._services,
            registration,
            number=stored.number,
            id=stored.id,
            title=stored.title,
            icons=stored.icons,
            download_total=stored.download_total,
            upload_total=stored.upload_total,
            runs=runs,
            machine=machine,
            committed=not machine.fetch.active,
            texts=stored.snapshot.texts,
            fetches=self,
        )
        self._fetches[fetch.number] = fetch
        self._of.setdefault(registration, {})[fetch.number] = fetch
        self._ended.setdefault(registration, Candidates(lambda fetch: fetch.owed != ""))
        self._latest[registration, fetch.id] = fetch
        self.changed(fetch)
        return fetch

    def forget(self, fetch: BackgroundFetch) -> None:
        """It is released."""
        if self._fetches.pop(fetch.number, None) is None:
            return
        self._going_on.discard(fetch)
        self._ended[fetch.registration].discard(fetch)
        for run in fetch.runs:
            if (waiting := self._backing_off.get(run.origin)) is not None:
                waiting.discard((fetch, run.index))
                if not waiting:
                    del self._backing_off[run.origin]
        mine = self._of[fetch.registration]
        del mine[fetch.number]
        if not mine:
            del self._of[fetch.registration], self._ended[fetch.registration]
        if self._latest.get((fetch.registration, fetch.id)) is fetch:
            del self._latest[fetch.registration, fetch.id]


def _first_snapshot(registration: Registration) -> FetchSnapshot:
    """Where the user has to be asked, it is paused from the first; should the process die before it was begun, too."""
    if registration.permission() == "prompt":
        return FetchSnapshot(state="paused", pause_cause="permission")
    return FetchSnapshot()


def match_all(
    fetch: BackgroundFetch, query: Request | None, options: CacheQueryOptions
) -> list[tuple[Request, ResponseData]]:
    """The records that `query` matches, in the order of the requests; None matches all.

    Spec: https://wicg.github.io/background-fetch/#background-fetch-registration-match-all
    """
    return [
        (run.request, run.data)
        for run in fetch.runs
        if query is None or matching.matches_record(query, run.request, run.data.response, options)
    ]
