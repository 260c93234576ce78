"""The platform objects of Background Fetch: https://wicg.github.io/background-fetch/#api"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from swruntime.agent.background_fetches import RequestBody, match_all
from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.agent.registrations import Registration
from swruntime.agent.response_data import ResponseData
from swruntime.algorithms import filtering, media, requests, webidl
from swruntime.concepts import http
from swruntime.concepts.enums import BackgroundFetchFailureReason, BackgroundFetchResult
from swruntime.concepts.matching import CacheQueryOptions
from swruntime.errors import InvalidStateError
from swruntime.ports.realm import InstanceUpdate
from swruntime.realms.python.body_sources import BodySource
from swruntime.realms.python.events import Event, EventHandler, EventTarget, fire
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import NULL_BODY_STATUSES, Response
from swruntime.realms.python.stored import RecordSource, StoreSource

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch

Icons = Iterable[Mapping[str, str]]

FEW = 1_000
"""Of so many records, at most, a script of another language has the responses before it asks for them: each takes room
there, and whoever has very many may take one after the other."""

FEW_IN_EVENT = 10
"""So many records, at most, come with an event: it may be that its handler asks for none."""


class BackgroundFetchManager(metaclass=NoPublicConstructor):
    """`registration.background_fetch`. Spec: https://wicg.github.io/background-fetch/#background-fetch-manager"""

    def __init__(self, realm: PythonRealm, registration: Registration) -> None:
        self._realm = realm
        self._registration = registration

    def fetch(
        self,
        id: str,
        requests: str | Request | Iterable[str | Request],
        *,
        title: str = "",
        icons: Icons = (),
        download_total: int = 0,
    ) -> Promise[BackgroundFetchRegistration]:
        """Begin a background fetch. `download_total` is in bytes, 0 for no limit.

        Rejects with TypeError (an argument; the id is in use; no active worker), NotAllowedError (the permission
        is denied), QuotaExceededError (the total, or the requests' bodies, do not fit).
        Spec: https://wicg.github.io/background-fetch/#background-fetch-manager-fetch
        """
        context = self._realm.context
        try:
            context.check_alive()
            id = _checked_id(id)
            title = webidl.dom_string("title", title)
            total = webidl.enforce_unsigned_long_long("download_total", download_total)
            resources = media.image_resources("icons", icons, context.environment.url)
            made = _requests(self._realm, requests)
        except Exception as error:  # noqa: BLE001 - what a promise's method throws is a rejection
            return context.rejected(error, name="BackgroundFetchManager.fetch")

        where = context.where()

        def too_small() -> None:
            if where is not None:
                text = f"the responses of {id!r} have more than its download_total of {total:,} bytes"
                context.diagnose("download-total-too-small", text, where)

        fetches = self._realm.agent.fetches
        ended = self._realm.agent.services.activity.begin("fetch()")
        begun: list[BackgroundFetch] = []

        async def operation() -> BackgroundFetchRegistration:
            fetch = await fetches.fetch(
                self._registration,
                id,
                [concept for concept, _ in made],
                [body for _, body in made],
                title=title,
                icons=resources,
                download_total=total,
            )
            fetch.on_total_exceeded = too_small
            begun.append(fetch)
            return self._realm.instance(fetch)

        promise = context.promise(operation, name="BackgroundFetchManager.fetch")
        # Nothing transfers before the promise is resolved: the tests upstream, and every script, rely on it.
        promise.add_done_callback(lambda _: _begin(begun))
        promise.add_done_callback(lambda _: ended())
        return promise

    def get(self, id: str) -> Promise[BackgroundFetchRegistration | None]:
        """The active background fetch of that id, or None. Rejects with TypeError for "" or what is no str.

        Spec: https://wicg.github.io/background-fetch/#background-fetch-manager-get
        """
        try:
            id = _checked_id(id)
        except TypeError as error:
            return self._realm.context.rejected(error, name="BackgroundFetchManager.get")

        def answer() -> BackgroundFetchRegistration | None:
            fetch = self._realm.agent.fetches.active_one(self._registration, id)
            return None if fetch is None else self._realm.instance(fetch)

        return self._realm.in_queue("BackgroundFetchManager.get", answer)

    def get_ids(self) -> Promise[list[str]]:
        """The ids of the active background fetches, in the order of their beginning.

        Spec: https://wicg.github.io/background-fetch/#background-fetch-manager-get-ids
        """

        async def operation() -> list[str]:
            return list(self._realm.agent.fetches.active(self._registration))

        return self._realm.context.promise(operation, name="BackgroundFetchManager.get_ids")


def _begin(fetches: list[BackgroundFetch]) -> None:
    for fetch in fetches:
        fetch.begin()


def _checked_id(id: object) -> str:
    text = webidl.dom_string("id", id)
    if not text:
        raise TypeError("id is ''; expected a name for the background fetch")
    return text


def _requests(realm: PythonRealm, given: object) -> list[tuple[http.Request, RequestBody | None]]:
    """Steps 4 to 7 of `fetch()`: every request made and checked, with what reads its body."""
    many = (given,) if isinstance(given, str | Request) else webidl.sequence("requests", given)
    items = [_request_info(each) for each in many]
    if not items:
        raise TypeError("requests is empty; expected at least one URL or Request")
    make = realm.context.bind(Request)
    result = []
    for item in items:
        request = make(item)
        concept = request._concept
        requests.check_background_request(concept)
        concept = attrs.evolve(concept, client=realm.context.environment, cookie=None)
        source = request._take_source()
        result.append((concept, None if source is None else source.chunks))
    return result


def _request_info(item: object) -> str | Request:
    if isinstance(item, Request):
        return item
    if isinstance(item, str):
        requests.check_dangling_markup(item)
        return item
    raise TypeError(f"requests has {webidl.shown(item)}; expected URLs and Requests")


class BackgroundFetchRegistration(EventTarget, metaclass=NoPublicConstructor):
    """One background fetch, seen from a realm; attributes are copies that progress events change. Sizes in bytes.

    Spec: https://wicg.github.io/background-fetch/#background-fetch-registration
    """

    onprogress = EventHandler()

    def __init__(self, realm: PythonRealm, fetch: BackgroundFetch) -> None:
        super().__init__()
        self._context = realm.context
        self._realm = realm
        self._fetch = fetch
        self._seen = fetch.instance_update()

    @classmethod
    def _of(cls, realm: PythonRealm, fetch: BackgroundFetch) -> BackgroundFetchRegistration:
        return cls._create(realm, fetch)

    def __repr__(self) -> str:
        return f"<BackgroundFetchRegistration {self.id!r} {self.result or 'active'}>"

    @property
    def id(self) -> str:
        return self._fetch.id

    @property
    def upload_total(self) -> int:
        return self._fetch.upload_total

    @property
    def uploaded(self) -> int:
        return self._seen.uploaded

    @property
    def download_total(self) -> int:
        return self._fetch.download_total

    @property
    def downloaded(self) -> int:
        return self._seen.downloaded

    @property
    def result(self) -> BackgroundFetchResult:
        return self._seen.result  # type: ignore[return-value]

    @property
    def failure_reason(self) -> BackgroundFetchFailureReason:
        return self._seen.failure_reason  # type: ignore[return-value]

    @property
    def records_available(self) -> bool:
        return self._seen.records_available

    def abort(self) -> Promise[bool]:
        """True, once the abort is committed; False where it was settled already.

        Spec: https://wicg.github.io/background-fetch/#background-fetch-registration-abort
        """

        async def operation() -> bool:
            return await self._fetch.request_abort("script")

        return self._context.promise(operation, name="BackgroundFetchRegistration.abort")

    def match(
        self,
        request: str | Request,
        *,
        ignore_search: bool = False,
        ignore_method: bool = False,
        ignore_vary: bool = False,
    ) -> Promise[BackgroundFetchRecord | None]:
        """The first record that matches, or None. Rejects like `match_all`.

        Spec: https://wicg.github.io/background-fetch/#background-fetch-registration-match
        """
        options = CacheQueryOptions(ignore_search, ignore_method, ignore_vary)
        return self._matching("match", request, options, first=True)

    def match_all(
        self,
        request: str | Request | None = None,
        *,
        ignore_search: bool = False,
        ignore_method: bool = False,
        ignore_vary: bool = False,
    ) -> Promise[list[BackgroundFetchRecord]]:
        """The records that match `request`, all without one, in the order of the requests.

        Rejects with InvalidStateError once the records were released (after the settled event has ended), and
        with TypeError for a request that is none.
        Spec: https://wicg.github.io/background-fetch/#background-fetch-registration-match-all
        """
        options = CacheQueryOptions(ignore_search, ignore_method, ignore_vary)
        return self._matching("match_all", request, options, first=False)

    def _matching(
        self, name: str, request: str | Request | None, options: CacheQueryOptions, *, first: bool
    ) -> Promise[Any]:
        name = f"BackgroundFetchRegistration.{name}"
        context = self._context
        try:
            # 1.
            if not self.records_available:
                self._tell_too_late(name)
                raise InvalidStateError(
                    f"the records of {self.id!r} are gone: they are there until the settled event has ended"
                )
            query = None if request is None else _query(self._realm, request)
        except Exception as error:  # noqa: BLE001 - what a promise's method throws is a rejection
            return context.rejected(error, name=name)

        async def operation() -> object:
            found = match_all(self._fetch, query, options)
            if first:
                records = self._records(found[:1])
                return records[0] if records else None
            return self._records(found)

        return context.promise(operation, name=name)

    def event_records(self) -> list[BackgroundFetchRecord]:
        """What `match_all()` answers in an event of its end, where it is little; else nothing.

        A script of another language, which asks for it in most such events, gets it with the event.
        """
        if len(self._fetch.runs) > FEW_IN_EVENT:
            return []
        return self._records(match_all(self._fetch, None, CacheQueryOptions()))

    def _records(self, found: list[tuple[http.Request, ResponseData]]) -> list[BackgroundFetchRecord]:
        few = len(found) <= FEW
        return [BackgroundFetchRecord._of(self._realm, *each, is_of_few=few) for each in found]

    def _tell_too_late(self, method: str) -> None:
        """A worker may have read the records in its event; when that ends is nothing that a page can know."""
        where = self._context.where()
        if where is not None and self._realm.own_worker is not None:
            text = f"{method} of {self.id!r}, whose records are gone since its event has ended"
            self._context.diagnose("records-read-after-event", text, where)

    async def _update(self, update: InstanceUpdate) -> None:
        """*Update background fetch instances*, the task in this realm.

        Spec: https://wicg.github.io/background-fetch/#update-background-fetch-instance-algorithm
        """
        seen = self._seen
        # 6.3. The records are gone.
        if not update.records_available and seen.records_available:
            seen = self._seen = attrs.evolve(seen, records_available=False)
        # 6.4. Nothing is told after the result.
        if seen.result:
            return
        # 6.5-6.10. Tell what is new.
        new = attrs.evolve(update, records_available=seen.records_available)
        if new == seen:
            return
        self._seen = new
        if self._realm.foreign is not None:
            # Before its event, whose listeners read it.
            self._realm.foreign.instance_updated(self)
        await fire(self, self._context.bind(Event)("progress"))


def _query(realm: PythonRealm, request: str | Request) -> http.Request:
    if isinstance(request, Request):
        return request._concept
    return realm.context.bind(Request)(request)._concept


class BackgroundFetchRecord(metaclass=NoPublicConstructor):
    """Spec: https://wicg.github.io/background-fetch/#background-fetch-record-interface"""

    def __init__(
        self, realm: PythonRealm, request: http.Request, data: ResponseData, is_of_few: bool
    ) -> None:
        self._realm = realm
        self._is_of_few = is_of_few
        self._source = realm.keep(RecordSource(data))
        self._request = Request._of(realm.context, request, self._request_source(request))
        self._response_ready = self._begin_to_respond(request, data)
        # That nobody asks for a record's response is not a mistake.
        self._response_ready.handle()

    @classmethod
    def _of(
        cls, realm: PythonRealm, request: http.Request, data: ResponseData, *, is_of_few: bool
    ) -> BackgroundFetchRecord:
        return cls._create(realm, request, data, is_of_few)

    def __repr__(self) -> str:
        return f"<BackgroundFetchRecord {self._request.url}>"

    @property
    def request(self) -> Request:
        return self._request

    @property
    def response_ready(self) -> Promise[Response]:
        """The response, at its headers; its body streams while it still arrives.

        Where the request has integrity metadata: once every byte is there and matches it.

        Rejects with AbortError when the record was aborted, with TypeError when it failed or started over.
        """
        return self._response_ready

    @property
    def told_response(self) -> Response | None:
        """The response, where there is one already: a script of another language has it with the record."""
        ready = self._response_ready
        return ready.result() if self._is_of_few and ready.state == "fulfilled" else None

    def _begin_to_respond(self, request: http.Request, data: ResponseData) -> Promise[Response]:
        name = "BackgroundFetchRecord.response_ready"
        complete = data.result != "" or not request.integrity
        if data.response is not None and data.exposed and complete:
            # In an event all are: there is nothing to wait for.
            return Promise.resolved(self._response(request, data.response, self._source), name=name)
        return self._realm.context.promise(self._respond, request, data, name=name)

    def _request_source(self, request: http.Request) -> BodySource | None:
        if not isinstance(request.body, http.StoredBody):
            return None
        return self._realm.keep(StoreSource(self._realm.agent.services.store, request.body.id))

    async def _respond(self, request: http.Request, data: ResponseData) -> Response:
        """*Create record objects*, step 2.9: https://wicg.github.io/background-fetch/#create-settled-fetches-algorithm"""
        source = self._source
        if request.integrity:
            data, source = await self._settled(data)
        return self._response(request, await data.wait_for_response(), source)

    def _response(self, request: http.Request, internal: http.Response, source: RecordSource) -> Response:
        shown = filtering.exposed(internal, request.credentials)
        headers = shown.headers.delete("Content-Range", "Content-Length")
        internal = attrs.evolve(internal, headers=internal.headers.delete("Content-Range", "Content-Length"))
        has_body = request.method != "HEAD" and internal.status not in NULL_BODY_STATUSES
        return Response._of(
            self._realm.context,
            internal,
            source if has_body else None,
            exposed=attrs.evolve(shown, headers=headers),
        )

    async def _settled(self, data: ResponseData) -> tuple[ResponseData, RecordSource]:
        """What the record ended with: until then nobody has seen a byte, so that it may have started over."""
        source = self._source
        while True:
            await data.wait_for_result()
            if data.successor is None:
                return data, source
            data = data.successor
            source = self._realm.keep(RecordSource(data))
