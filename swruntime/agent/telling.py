"""What is told of one background fetch: to the trace, to the instances in every realm, to the display."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import trio

from swruntime.machines import background_fetch as machine, record
from swruntime.trace import (
    Diagnostic,
    FetchPause,
    FetchProgress,
    FetchRelease,
    FetchResume,
    FetchSettle,
    FetchStart,
    RecordSettle,
    RecordStart,
    RecordWait,
)

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch
    from swruntime.agent.record_run import RecordRun
    from swruntime.agent.services import Services
    from swruntime.concepts.enums import WaitReason


class _About(TypedDict):
    scope: str
    id: str
    fetch: int


class Teller:
    def __init__(self, services: Services, fetch: BackgroundFetch) -> None:
        self._services = services
        self._fetch = fetch
        self._trace = services.trace
        self._progress_scheduled: trio.CancelScope | None = None

    @property
    def _about(self) -> _About:
        return {"scope": self._fetch.scope, "id": self._fetch.id, "fetch": self._fetch.number}

    def began(self, *, again: bool) -> None:
        fetch = self._fetch
        results = tuple(record.result for record in fetch.machine.records)
        self._trace.emit(
            FetchStart(
                **self._about,
                requests=tuple(run.request.url for run in fetch.runs),
                download_total=fetch.download_total,
                upload_total=fetch.upload_total,
                results=results if again else None,
                after=fetch.registration.after or None,
            )
        )

    def paused(self, cause: str) -> None:
        self._trace.emit(FetchPause(**self._about, cause=cause))
        self.show()

    def resumed(self, cause: str) -> None:
        self._trace.emit(FetchResume(**self._about, cause=cause))
        self.show()

    def sends(self, run: RecordRun, send: record.SendRequest) -> None:
        self._trace.emit(
            RecordStart(
                **self._about,
                index=run.index,
                url=run.request.url,
                range_start=send.range_start,
                attempt=self._fetch.machine.records[run.index].attempt,
            )
        )

    def waits(self, run: RecordRun, wait: record.WaitFor, reason: WaitReason) -> None:
        until = None if wait.until is None else round(wait.until - self._services.opened_at, 6)
        self._trace.emit(
            RecordWait(
                **self._about,
                index=run.index,
                url=run.request.url,
                reason=reason,
                until=until,
                message=wait.message,
            )
        )

    def record_settled(self, run: RecordRun, settled: record.Settled, stored: int) -> None:
        self._trace.emit(
            RecordSettle(
                **self._about,
                index=run.index,
                url=run.request.url,
                result=settled.result,
                status=settled.status,
                bytes=stored,
                cause=settled.cause,
                message=settled.message,
            )
        )

    def settled(self, settle: machine.Settle) -> None:
        self._trace.emit(
            FetchSettle(
                **self._about,
                result=settle.result,
                failure_reason=settle.failure_reason,
                downloaded=self._fetch.machine.downloaded,
                cause=settle.cause,
                message=settle.message,
            )
        )
        if settle.failure_reason == "download-total-exceeded":
            self._fetch.on_total_exceeded()
        self.instances()
        self.show()

    def held(self) -> None:
        fetch = self._fetch
        tried = f"was interrupted {fetch.machine.fetch.attempts} times"
        text = f"{fetch.owed} of {fetch.id!r} {tried}; it is held"
        self._trace.emit(Diagnostic(code="event-held", message=text))

    def released(self, cause: str) -> None:
        if self._progress_scheduled is not None:
            self._progress_scheduled.cancel()
        self._trace.emit(FetchRelease(**self._about, cause=cause))
        if self._services.display is not None:
            self._services.display.remove(self._fetch.number)

    def progress_soon(self) -> None:
        """Tell the first bytes at once, and then every so often; the last ones are never lost."""
        if self._progress_scheduled is None:
            self._progress_scheduled = trio.CancelScope()
            self._progress()
            self._services.nursery.start_soon(self._progress_later, self._progress_scheduled)

    async def _progress_later(self, scope: trio.CancelScope) -> None:
        state = self._fetch.machine
        told = state.downloaded, state.uploaded
        with scope:
            while True:
                await trio.sleep(self._services.limits.progress)
                now = state.downloaded, state.uploaded
                if not self._fetch.active or now == told:
                    break
                told = now
                self._progress()
        self._progress_scheduled = None

    def _progress(self) -> None:
        state = self._fetch.machine
        self._trace.emit(FetchProgress(**self._about, downloaded=state.downloaded, uploaded=state.uploaded))
        self.instances()
        self.show()

    def instances(self) -> None:
        """*Update background fetch instances*, in every realm of its origin.

        Spec: https://wicg.github.io/background-fetch/#update-background-fetch-instance-algorithm
        """
        update = self._fetch.instance_update()
        for realm in self._services.realms_of(self._fetch.origin):
            realm.update_instance(update)

    def show(self) -> None:
        """Bring the display up to date."""
        display = self._services.display
        if display is not None and display.live:
            display.show(self._fetch.view())
