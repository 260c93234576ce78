"""The events of Background Fetch: https://wicg.github.io/background-fetch/#background-fetch-event"""

from __future__ import annotations

from swruntime.agent.promise import Promise
from swruntime.algorithms import media, webidl
from swruntime.errors import InvalidStateError
from swruntime.realms.python.background_fetch import BackgroundFetchRegistration, Icons
from swruntime.realms.python.extendable import ExtendableEvent


class BackgroundFetchEvent(ExtendableEvent):
    """`backgroundfetchabort` and `backgroundfetchclick`, and the base of the others."""

    def __init__(
        self,
        type: str,
        *,
        registration: BackgroundFetchRegistration,
        bubbles: bool = False,
        cancelable: bool = False,
        composed: bool = False,
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        if not isinstance(registration, BackgroundFetchRegistration):
            raise TypeError(
                f"registration is {webidl.shown(registration)}; expected a BackgroundFetchRegistration"
            )
        self._registration = registration

    @property
    def registration(self) -> BackgroundFetchRegistration:
        return self._registration


class BackgroundFetchUpdateUIEvent(BackgroundFetchEvent):
    """`backgroundfetchsuccess` and `backgroundfetchfail`."""

    def __init__(
        self,
        type: str,
        *,
        registration: BackgroundFetchRegistration,
        bubbles: bool = False,
        cancelable: bool = False,
        composed: bool = False,
    ) -> None:
        super().__init__(
            type, registration=registration, bubbles=bubbles, cancelable=cancelable, composed=composed
        )
        self._ui_updated = False

    def update_ui(self, *, icons: Icons | None = None, title: str | None = None) -> Promise[None]:
        """Change what the display shows; once, and while the event is active. Extends the event.

        Rejects with InvalidStateError when it was called before, when the event is over, or when a script made
        the event; with TypeError for icons that are none.
        Spec: https://wicg.github.io/background-fetch/#background-fetch-update-ui-event-update-ui
        """
        registration = self._registration
        context = registration._context
        name = "BackgroundFetchUpdateUIEvent.update_ui"
        try:
            # 1.
            self._check_ui()
            # 2.
            self._ui_updated = True
            resources = (
                None if icons is None else media.image_resources("icons", icons, context.environment.url)
            )
            text = None if title is None else webidl.dom_string("title", title)
        except Exception as error:  # noqa: BLE001 - what a promise's method throws is a rejection
            return context.rejected(error, name=name)

        async def operation() -> None:
            # 3-6.
            registration._fetch.set_ui(text, resources)

        promise = context.promise(operation, name=name)
        self._extend(promise)
        return promise

    def _check_ui(self) -> None:
        if not self.is_trusted:
            raise InvalidStateError("update_ui on an event that a script made")
        if self._ui_updated:
            raise InvalidStateError("update_ui was called before on this event; it may be called once")
        if not self._lifetime.active:
            raise InvalidStateError("update_ui after the event: extend it with wait_until, or await in it")
