"""Push: subscriptions that the profile keeps, messages that the agent sends, subscriptions that change."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest

from swruntime.agent.push import MAX_MESSAGE
from swruntime.algorithms import p256
from swruntime.errors import (
    DataCloneError,
    InvalidAccessError,
    InvalidCharacterError,
    InvalidStateError,
    NotAllowedError,
    QuotaExceededError,
    StorageFull,
)

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

KEY = p256.public_key(5)
OTHER_KEY = p256.public_key(6)

SHOWS = """
async def onpush(event):
    await registration.show_notification(event.data.text() if event.data else "nothing")

def onpushsubscriptionchange(event):
    old, new = event.old_subscription, event.new_subscription
    print(old.endpoint, new and new.endpoint, new and new.get_key("p256dh") != old.get_key("p256dh"))
"""


async def subscribed(lab: Lab, **options: Any) -> Any:
    return await lab.registration.push_manager.subscribe(user_visible_only=True, **options)


async def test_a_subscription(lab: Lab, autojump_clock: object) -> None:
    async with lab.open():
        manager = lab.registration.push_manager
        assert await manager.get_subscription() is None
        assert await manager.permission_state(user_visible_only=True) == "granted"
        subscription = await subscribed(lab, application_server_key=KEY)
        assert isinstance(subscription, lab.window.PushSubscription)
        assert subscription.endpoint.startswith("https://push.swruntime.invalid/")
        assert subscription.expiration_time is None
        assert subscription.options.user_visible_only is True
        assert subscription.options.application_server_key == KEY
        assert p256.is_point(subscription.get_key("p256dh"))
        assert len(subscription.get_key("auth")) == 16
        with pytest.raises(TypeError, match="name is 'p256'; expected one of 'p256dh', 'auth'"):
            subscription.get_key("p256")
        assert lab.window.PushManager.supported_content_encodings == ("aes128gcm",)
        there = await manager.get_subscription()
        assert there.to_json() == subscription.to_json()
        with pytest.raises(DataCloneError, match="its to_json"):
            lab.window.structured_clone(subscription)
        assert lab.diagnostics == []


async def test_what_a_server_is_sent(lab: Lab, autojump_clock: object) -> None:
    async with lab.open():
        subscription = await subscribed(lab)
        found = json.loads(json.dumps(subscription.to_json()))
        assert found.keys() == {"endpoint", "expirationTime", "keys"}
        assert (found["endpoint"], found["expirationTime"]) == (subscription.endpoint, None)
        assert list(found["keys"]) == ["auth", "p256dh"]
        for name, text in found["keys"].items():
            assert "=" not in text
            assert urlsafe_b64decode(text + "==") == subscription.get_key(name)


async def test_subscribing_again(lab: Lab, autojump_clock: object) -> None:
    text = urlsafe_b64encode(KEY).decode()
    async with lab.open():
        subscription = await subscribed(lab, application_server_key=text)
        for same in (KEY, bytearray(KEY), text, text.rstrip("=")):
            again = await subscribed(lab, application_server_key=same)
            assert again.endpoint == subscription.endpoint
        manager = lab.registration.push_manager
        for other in (
            {"user_visible_only": True, "application_server_key": OTHER_KEY},
            {"user_visible_only": True},
            {"application_server_key": KEY},
        ):
            with pytest.raises(InvalidStateError, match="is subscribed with other options"):
                await manager.subscribe(**other)
        assert await subscription.unsubscribe() is True
        assert await subscription.unsubscribe() is False
        assert await again.unsubscribe() is False
        assert await manager.get_subscription() is None
        new = await subscribed(lab, application_server_key=OTHER_KEY)
        assert new.endpoint != subscription.endpoint
        # An old object does not end a new subscription.
        assert await subscription.unsubscribe() is False
        assert (await manager.get_subscription()).endpoint == new.endpoint


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ("a+b/", InvalidCharacterError, r"application_server_key is 'a\+b/'; expected base64url"),
        ("abcde", InvalidCharacterError, "expected base64url"),
        ("ab\ncd", InvalidCharacterError, "expected base64url"),
        ("ä", InvalidCharacterError, "expected base64url"),
        ("", InvalidAccessError, "has 0 bytes, and is not a public key"),
        ("abcd", InvalidAccessError, "has 3 bytes, and is not a public key of P-256"),
        (b"\x04" + bytes(64), InvalidAccessError, "has 65 bytes, and is not a public key of P-256"),
        (5, TypeError, "application_server_key is 5; expected bytes, str or None"),
    ],
)
async def test_keys_that_are_none(
    lab: Lab, key: Any, error: type[Exception], message: str, autojump_clock: object
) -> None:
    async with lab.open():
        with pytest.raises(error, match=message):
            await subscribed(lab, application_server_key=key)
        assert await lab.registration.push_manager.get_subscription() is None


async def test_what_else_is_refused(lab: Lab, autojump_clock: object) -> None:
    async with lab.open():
        with pytest.raises(TypeError, match="user_visible_only is 1; expected True or False"):
            await lab.registration.push_manager.subscribe(user_visible_only=1)
        with pytest.raises(TypeError, match="user_visible_only is 'x'"):
            await lab.registration.push_manager.permission_state(user_visible_only="x")


async def test_a_subscription_that_is_not_user_visible_is_told(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        await lab.registration.push_manager.subscribe()
        assert lab.diagnostics == ["push-not-user-visible"]
        # It was not promised that anything is shown.
        await agent.push(lab.registration)
        assert lab.diagnostics == ["push-not-user-visible"]


@pytest.mark.parametrize("state", ["denied", "prompt"])
async def test_without_permission(lab: Lab, state: Any, autojump_clock: object) -> None:
    async with lab.open() as agent:
        agent.permissions.set(state, "push")
        assert await lab.registration.push_manager.permission_state() == state
        with pytest.raises(NotAllowedError, match=f"'push' of {agent.origin} is '{state}'"):
            await subscribed(lab)
        assert lab.diagnostics == (["permission-dismissed"] if state == "prompt" else [])


async def test_before_there_is_an_active_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def oninstall(event):\n"
        "    try:\n        await registration.push_manager.subscribe(user_visible_only=True)\n"
        "    except InvalidStateError as error:\n        print(error.name)\n"
    )
    async with lab.open():
        lab.said("InvalidStateError")


async def test_messages(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onpush(event):\n"
        "    data = event.data\n"
        "    print(data and (data.text(), data.bytes(), data.array_buffer(), await data.blob().text()))\n"
        "    await registration.show_notification('N')\n"
    )
    async with lab.open() as agent:
        subscription = await subscribed(lab)
        for target, data in (
            (lab.registration, "h\u00e9\ud800"),
            (subscription, b"\xef\xbb\xbfx\xff"),
            (agent.registrations.all()[0], None),
            (subscription, bytearray()),
        ):
            assert await agent.push(target, data) == "fulfilled"
        replaced = "h\u00e9\ufffd"
        marked = b"\xef\xbb\xbfx\xff"
        lab.said(
            str((replaced, replaced.encode(), replaced.encode(), replaced)),
            str(("x\ufffd", marked, marked, "x\ufffd")),
            "None",
            str(("", b"", b"", "")),
        )
        assert [line["action"] for line in lab.of("user.action")] == ["push"] * 4
        assert len(lab.of("event.end", name="push", outcome="fulfilled")) == 4


async def test_a_message_as_json(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onpush(event):\n"
        "    try:\n        print(event.data.json())\n"
        "    except ValueError:\n        print('no JSON')\n"
        "    await registration.show_notification('N')\n"
    )
    async with lab.open() as agent:
        await subscribed(lab)
        for data in ('{"a": [1, null]}', '\ufeff"x"', "NaN", "", b"\xff"):
            await agent.push(lab.registration, data)
    lab.said("{'a': [1, None]}", "x", "no JSON", "no JSON", "no JSON")


async def test_events_that_scripts_make(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "print(PushEvent('push').data, PushEvent('push', data='x').data.text(), PushEvent('push', data=b'y').data.bytes())\n"
        "print(PushSubscriptionChangeEvent('pushsubscriptionchange').new_subscription)\n"
        "for make in (lambda: PushEvent('push', data=5), lambda: PushMessageData(b''), lambda: PushSubscription(),\n"
        "             lambda: PushSubscriptionChangeEvent('x', old_subscription=5)):\n"
        "    try:\n        make()\n"
        "    except TypeError as error:\n        print(error)\n"
    )
    async with lab.open():
        pass
    assert lab.console == [
        "None x b'y'",
        "None",
        "data is 5; expected bytes, str or None",
        "PushMessageData has no public constructor: the runtime makes its instances",
        "PushSubscription has no public constructor: the runtime makes its instances",
        "old_subscription is 5; expected a PushSubscription or None",
    ]


async def test_what_cannot_be_sent(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SHOWS)
    async with lab.open() as agent:
        with pytest.raises(
            InvalidStateError, match=r"target is <ServiceWorkerRegistration .* is not subscribed"
        ):
            agent.push(lab.registration)
        subscription = await subscribed(lab)
        for target in (None, "https://push.swruntime.invalid/1/x", lab.window):
            with pytest.raises(TypeError, match="expected a ServiceWorkerRegistration or a PushSubscription"):
                agent.push(target)
        with pytest.raises(TypeError, match=r"data is {'a': 1}; expected bytes, str or None"):
            agent.push(subscription, {"a": 1})
        with pytest.raises(
            ValueError, match=f"data has {MAX_MESSAGE + 1} bytes; expected at most {MAX_MESSAGE}"
        ):
            agent.push(subscription, "x" * (MAX_MESSAGE + 1))
        assert await agent.push(subscription, "x" * MAX_MESSAGE) == "fulfilled"
        await subscription.unsubscribe()
        await subscribed(lab)
        with pytest.raises(InvalidStateError, match=r"target is <PushSubscription .* is not subscribed"):
            agent.push(subscription)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [("pass", "fulfilled"), ("raise LookupError('oh no')", "rejected"), ("await registration.get_notifications()", "fulfilled")],
)  # fmt: skip
async def test_a_push_that_shows_nothing_is_told(
    lab: Lab, body: str, outcome: str, autojump_clock: object
) -> None:
    lab.worker(f"async def onpush(event):\n    {body}\n")
    async with lab.open() as agent:
        await subscribed(lab)
        # One that is there already does not count.
        await lab.registration.show_notification("before")
        assert await agent.push(lab.registration) == outcome
        assert lab.diagnostics == ["push-without-notification"]


async def test_a_push_that_replaces_a_notification_has_shown_one(lab: Lab, autojump_clock: object) -> None:
    lab.worker("async def onpush(event):\n    await registration.show_notification('N', tag='t')\n")
    async with lab.open() as agent:
        await subscribed(lab)
        await agent.push(lab.registration)
        await agent.push(lab.registration)
        assert lab.diagnostics == []
        assert len(agent.notifications) == 1


async def test_an_interrupted_push_is_told_and_not_repeated(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import trio\nasync def onpush(event):\n    await trio.sleep_forever()\n")
    async with lab.open() as agent:
        await subscribed(lab)
        push = agent.push(lab.registration)
        await agent.until(lambda line: line["kind"] == "event.start")
        await agent.terminate_worker(lab.registration)
        assert await push == "interrupted"
        await agent.settled()
        assert lab.diagnostics == ["event-lost"]
        assert len(lab.of("event.start", name="push")) == 1


async def test_a_push_that_never_ends_is_timed_out(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import trio\nasync def onpush(event):\n    await trio.sleep_forever()\n")
    async with lab.open() as agent:
        await subscribed(lab)
        assert await agent.push(lab.registration) == "timed-out"


async def test_a_push_to_a_worker_that_cannot_start(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SHOWS)
    async with lab.open() as agent:
        await subscribed(lab)
        await agent.terminate_worker(lab.registration)
        lab.worker("nonsense(")
        assert await agent.push(lab.registration) == "interrupted"
        assert lab.diagnostics == ["event-lost"]


async def test_a_subscription_is_refreshed(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SHOWS)
    async with lab.open() as agent:
        old = await subscribed(lab, application_server_key=KEY)
        assert await agent.refresh_push_subscription(old) == "fulfilled"
        new = await lab.registration.push_manager.get_subscription()
        assert new.options.application_server_key == KEY
        assert lab.console == [f"{old.endpoint} {new.endpoint} True"]
        with pytest.raises(InvalidStateError):
            agent.push(old)
        assert await agent.push(new) == "fulfilled"
        assert [line["action"] for line in lab.of("user.action")] == ["push-refresh", "push"]


async def test_a_subscription_expires(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SHOWS)
    async with lab.open() as agent:
        subscription = await subscribed(lab)
        assert await agent.expire_push_subscription(lab.registration) == "fulfilled"
        assert await lab.registration.push_manager.get_subscription() is None
        assert await subscription.unsubscribe() is False
        assert lab.console == [f"{subscription.endpoint} None None"]


async def test_a_permission_is_taken_away(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SHOWS)
    async with lab.open() as agent:
        subscription = await subscribed(lab)
        agent.permissions.set("denied", "notifications")
        agent.permissions.set("denied", "push", "http://elsewhere.example")
        agent.permissions.set("granted", "push")
        assert await lab.registration.push_manager.get_subscription() is not None
        agent.permissions.set("denied", "push")
        await agent.settled()
        assert lab.console == [f"{subscription.endpoint} None None"]
        agent.permissions.set("prompt", "push")
        await agent.settled()
        assert len(lab.console) == 1


async def test_the_profile_keeps_it(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SHOWS)
    options: dict[str, Any] = {"profile": lab.profile}
    async with lab.open(**options):
        before = (await subscribed(lab, application_server_key=KEY)).to_json()
    async with lab.open(**options) as agent:
        subscription = await subscribed(lab, application_server_key=KEY)
        assert subscription.to_json() == before
        assert await agent.push(subscription, "kept") == "fulfilled"
        # This process began with the same seed as the one before.
        await agent.refresh_push_subscription(subscription)
        after = (await lab.registration.push_manager.get_subscription()).to_json()
        assert after["endpoint"] != before["endpoint"]
        assert after["keys"]["p256dh"] != before["keys"]["p256dh"]


async def test_it_goes_with_the_registration(lab: Lab, autojump_clock: object) -> None:
    options: dict[str, Any] = {"profile": lab.profile}
    async with lab.open(**options) as agent:
        subscription = await subscribed(lab)
        await lab.registration.unregister()
        # At once, though the page still uses the registration.
        assert await lab.registration.push_manager.get_subscription() is None
        for target in (subscription, lab.registration):
            with pytest.raises(InvalidStateError, match="is not subscribed"):
                agent.push(target)
        with pytest.raises(InvalidStateError, match="has no active worker"):
            await subscribed(lab)
        await agent.settled()
        await lab.window.navigator.service_worker.register("/worker.py")
        again = await lab.window.navigator.service_worker.ready
        assert await again.push_manager.get_subscription() is None
    async with lab.open(**options):
        assert await lab.registration.push_manager.get_subscription() is None


async def test_an_earlier_registration_does_not_take_the_subscription_of_a_later(
    lab: Lab, autojump_clock: object
) -> None:
    """The earlier one, in use still when the later one subscribes, is cleared afterwards."""
    async with lab.open() as agent:
        page = await agent.open_window("/")
        earlier = await page.navigator.service_worker.ready
        await subscribed(lab)
        await earlier.unregister()
        await page.navigator.service_worker.register("/worker.py")
        await agent.settled()
        later = await page.navigator.service_worker.get_registration()
        assert later is not earlier
        assert await later.push_manager.get_subscription() is None
        subscription = await later.push_manager.subscribe(user_visible_only=True)
        assert await earlier.push_manager.get_subscription() is None
        page.close()
        lab.window.close()
        await agent.settled()
        assert await agent.push(subscription) == "fulfilled"


async def test_no_room(lab: Lab, autojump_clock: object, monkeypatch: pytest.MonkeyPatch) -> None:
    async with lab.open() as agent:

        def full(*args: object) -> None:
            raise StorageFull("no room")

        with monkeypatch.context() as patch:
            patch.setattr(agent.services.store, "add_push_subscription", full)
            with pytest.raises(QuotaExceededError, match="no room for a push subscription"):
                await subscribed(lab)
        assert await lab.registration.push_manager.get_subscription() is None


@pytest.mark.parametrize("seed", range(6))
async def test_a_message_that_comes_as_the_next_worker_takes_over(
    lab: Lab, seed: int, autojump_clock: object
) -> None:
    """Between the decision to activate it and its activation: no event is fired at what becomes redundant."""
    lab.worker("version = 1\n" + SHOWS)
    async with lab.open(seed=seed) as agent:
        subscription = await subscribed(lab)
        page = await agent.open_window("/controlled")
        lab.worker("version = 2\n" + SHOWS)
        await lab.registration.update()
        await agent.settled()
        assert lab.registration.waiting is not None
        page.close()
        assert await agent.push(subscription, "now") == "fulfilled"
        await agent.settled()
        assert lab.registration.waiting is None
    assert lab.one("worker.state", state="redundant")
