"""FetchEvent: https://w3c.github.io/ServiceWorker/#fetchevent-interface"""

from __future__ import annotations

from typing import Any

from swruntime.agent.handle_fetch import Answer, FetchExchange, network_error
from swruntime.agent.promise import Deferred, Promise
from swruntime.algorithms import webidl
from swruntime.errors import InvalidStateError, NetworkFailure
from swruntime.realms.python.context import error_text
from swruntime.realms.python.extendable import ExtendableEvent
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response


class FetchEvent(ExtendableEvent):
    """A request that the worker may answer. Without `respond_with` it goes to the network."""

    def __init__(
        self,
        type: str,
        *,
        request: Request,
        client_id: str = "",
        resulting_client_id: str = "",
        replaces_client_id: str = "",
        preload_response: Promise[Response | None] | None = None,
        handled: Promise[None] | None = None,
        bubbles: bool = False,
        cancelable: bool = False,
        composed: bool = False,
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        if not isinstance(request, Request):
            raise TypeError(f"request is {webidl.shown(request)}; expected a Request")
        self._request = request
        self._client_id = webidl.dom_string("client_id", client_id)
        self._resulting_client_id = webidl.dom_string("resulting_client_id", resulting_client_id)
        self._replaces_client_id = webidl.dom_string("replaces_client_id", replaces_client_id)
        self._preload_response = preload_response or Promise.resolved(None)
        self._exchange: FetchExchange | None = None
        self._handled: Deferred[None] = Deferred("FetchEvent.handled")
        self._given_handled = handled
        self._entered = False

    @property
    def request(self) -> Request:
        return self._request

    @property
    def client_id(self) -> str:
        """The page that asks; "" for a navigation."""
        return self._client_id

    @property
    def resulting_client_id(self) -> str:
        """For a navigation, the page that there will be."""
        return self._resulting_client_id

    @property
    def replaces_client_id(self) -> str:
        return self._replaces_client_id

    @property
    def preload_response(self) -> Promise[Response | None]:
        """The navigation preload's response, None where there is none."""
        return self._preload_response

    @property
    def handled(self) -> Promise[None]:
        """Settles when the request was answered; rejects with NetworkError where that was a network error."""
        return self._given_handled or self._handled.promise

    def respond_with(self, response: object) -> None:
        """Answer with a Response, or what it can be awaited from. Before the handler's first await, and once.

        What it gives is a network error when it is rejected or is not a Response. Raises InvalidStateError when
        it comes too late or twice.
        Spec: https://w3c.github.io/ServiceWorker/#fetch-event-respondwith
        """
        # 2.
        if not self._dispatching or not self.is_trusted:
            raise InvalidStateError(
                "respond_with after the dispatch: call it before the handler's first await, with what to await"
            )
        # 3.
        if self._entered:
            raise InvalidStateError(
                "respond_with was called before on this event; call it once, with all that is to be awaited"
            )
        if callable(response) and not hasattr(response, "__await__"):
            name = getattr(response, "__name__", None) or repr(response)
            text = f"respond_with was handed the function {name} uncalled"
            self._diagnose("function-to-wait-until", text)
            raise TypeError(f"{text}: respond_with({name}()) calls it")
        # 4. It extends the event.
        promise = self._as_promise(response)
        self._extend(promise)
        self._lifetime.extended_by_script()
        # 5-7.
        self.stop_immediate_propagation()
        self._entered = True
        if self._exchange is not None:
            self._exchange.on_entered()
        # 9, 10.
        promise.add_done_callback(self._respond)

    def _respond(self, promise: Promise[Any]) -> None:
        if promise.error is not None:
            self._fail(f"respond_with was rejected: {error_text(promise.error)}")
            return
        response = promise.result()
        if not isinstance(response, Response):
            self._fail(f"respond_with was given {webidl.shown(response)}; expected a Response")
            return
        try:
            answer = answer_with(response)
        except TypeError as error:
            self._fail(f"respond_with: {error}")
            return
        self._settle(answer)

    def _after_dispatch(self) -> None:
        """Create Fetch Event and Dispatch, 21: nobody called respond_with."""
        if self._entered:
            return
        if self.default_prevented:
            self._fail(
                "the fetch event was cancelled without a response: prevent_default goes with respond_with only"
            )
        else:
            self._settle(None)

    def _settle(self, answer: Answer | None) -> None:
        self._handled.resolve(None)
        if self._exchange is not None:
            self._exchange.answer.resolve(answer)

    def _fail(self, message: str) -> None:
        self._handled.promise.handle()
        self._handled.reject(network_error(message))
        if self._exchange is not None:
            self._exchange.answer.reject(NetworkFailure("protocol", message))


def answer_with(response: Response) -> Answer:
    """The answer that a script gives with `response`, whose body is used by that. Raises TypeError where it was."""
    source = response._take_source()
    return Answer(response._concept, source, source is not None and source.stored is not None)
