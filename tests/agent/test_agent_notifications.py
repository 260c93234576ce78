"""Notifications: shown by scripts, kept in the profile, clicked and closed by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime.agent.services import Limits
from swruntime.concepts.notifications import NotificationConcept
from swruntime.errors import (
    DataCloneError,
    InvalidStateError,
    NotSupportedError,
    QuotaExceededError,
    StorageFull,
)

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

TELLS = """
def told(event):
    print(event.type, event.action, event.notification.title)

onnotificationclick = onnotificationclose = told
"""


async def titles(registration: Any, tag: str = "") -> list[str]:
    return [each.title for each in await registration.get_notifications(tag=tag)]


async def test_what_is_shown_can_be_asked_for(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        shared = [1]
        promise = lab.registration.show_notification(
            "Title", body="Body", lang="en", dir="rtl", tag="t", icon="i.png", navigate="/x", vibrate=5, silent=False,
            renotify=True, require_interaction=True, data={"a": shared, "b": shared},
            actions=[{"action": "go", "title": "Go"}],
        )  # fmt: skip
        shared.append(2)
        assert await promise is None
        (found,) = await lab.registration.get_notifications()
        assert isinstance(found, lab.window.Notification)
        assert (found.title, found.body, found.lang, found.dir, found.tag) == (
            "Title",
            "Body",
            "en",
            "rtl",
            "t",
        )
        assert (found.icon, found.navigate) == (f"{agent.origin}/i.png", f"{agent.origin}/x")
        assert (found.image, found.badge, found.vibrate) == ("", "", (5,))
        assert (found.silent, found.renotify, found.require_interaction) == (False, True, True)
        assert found.timestamp == round(agent.services.wall.now() * 1000)
        assert [(each.action, each.title) for each in found.actions] == [("go", "Go")]
        # A copy, of the moment of the call.
        assert found.data == {"a": [1], "b": [1]}
        assert found.data is found.data
        assert found.data["a"] is found.data["b"]
        (shown,) = agent.notifications
        assert (shown.title, shown.body, shown.tag, shown.scope) == ("Title", "Body", "t", f"{agent.origin}/")
        line = lab.one("notification.show", title="Title", body="Body", tag="t")
        assert line["notification"] == shown.number


async def test_a_tag_replaces_another_of_the_same_origin(lab: Lab, autojump_clock: object) -> None:
    lab.worker(TELLS)
    async with lab.open() as agent:
        await lab.window.navigator.service_worker.register("/worker.py", scope="/other/")
        await agent.settled()
        other = await lab.window.navigator.service_worker.get_registration("/other/")
        show = lab.registration.show_notification
        for title, tag in (("first", ""), ("second", "t"), ("third", ""), ("fourth", "t")):
            await show(title, tag=tag)
        assert await titles(lab.registration) == ["first", "third", "fourth"]
        assert await titles(lab.registration, tag="t") == ["fourth"]
        assert await titles(lab.registration, tag="T") == []
        # Of another registration of the origin, too.
        await other.show_notification("fifth", tag="t")
        assert (await titles(lab.registration), await titles(other)) == (["first", "third"], ["fifth"])
        assert [each.title for each in agent.notifications] == ["first", "third", "fifth"]
        await agent.settled()
    assert [line["title"] for line in lab.of("notification.close", cause="replaced")] == ["second", "fourth"]
    # What is replaced was not closed by the user.
    lab.said()


async def test_a_tag_of_another_origin_is_another_one(lab: Lab, autojump_clock: object) -> None:
    lab.internet.origin_at("https://other.example")
    async with lab.open() as agent:
        elsewhere = await agent.open_window("https://other.example/")
        await elsewhere.navigator.service_worker.register("/worker.py")
        other = await elsewhere.navigator.service_worker.ready
        await lab.registration.show_notification("here", tag="t")
        await other.show_notification("there", tag="t")
        assert [each.title for each in agent.notifications] == ["here", "there"]
        assert (await titles(lab.registration), await titles(other)) == (["here"], ["there"])


async def test_click_and_close_by_the_user(lab: Lab, autojump_clock: object) -> None:
    lab.worker(TELLS)
    async with lab.open() as agent:
        await lab.registration.show_notification(
            "N", actions=[{"action": "yes", "title": "Yes"}, {"action": "no", "title": "No"}]
        )
        (shown,) = agent.notifications
        await shown.click()
        await shown.click("no")
        with pytest.raises(ValueError, match="action is 'maybe'; expected one of 'yes', 'no'"):
            shown.click("maybe")
        assert agent.notifications == [shown]
        assert shown.shown
        await shown.close()
        await shown.close()
        assert agent.notifications == []
        with pytest.raises(InvalidStateError, match="'N' is not shown any more"):
            shown.click()
        lab.said("notificationclick  N", "notificationclick no N", "notificationclose  N")
        actions = [
            (line["action"], line["title"], line["choice"]) for line in lab.of("user.action", notification=1)
        ]
        assert actions == [
            ("notification-click", "N", ""),
            ("notification-click", "N", "no"),
            ("notification-close", "N", ""),
        ]
        lab.one("notification.close", cause="user")
        assert [line["name"] for line in lab.of("event.end", outcome="fulfilled")][-3:] == [
            "notificationclick", "notificationclick", "notificationclose",
        ]  # fmt: skip


async def test_a_script_closes_without_an_event(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onnotificationclick(event):\n"
        "    event.notification.close()\n"
        "    event.notification.close()\n"
        "    print(await registration.get_notifications())\n"
        "def onnotificationclose(event): print('never')\n"
    )
    async with lab.open() as agent:
        await lab.registration.show_notification("N")
        (mine,) = await lab.registration.get_notifications()
        await agent.notifications[0].click()
        assert agent.notifications == []
        mine.close()
        await agent.settled()
        lab.one("notification.close", cause="script")
    lab.said("[]")


async def test_settled_waits_for_a_click(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "import trio\nasync def onnotificationclick(event):\n    await trio.sleep(9)\n    print('done')\n"
    )
    async with lab.open() as agent:
        await lab.registration.show_notification("N")
        for count in range(1, 11):
            agent.notifications[0].click()
            await agent.settled()
            assert lab.console == ["done"] * count


async def test_a_click_may_open_and_focus_windows(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onnotificationclick(event):\n"
        "    opened = await clients.open_window(event.notification.data)\n"
        "    print(opened.url, (await opened.focus()).focused)\n"
        "async def onnotificationclose(event):\n"
        "    try:\n        await clients.open_window('/')\n"
        "    except InvalidAccessError as error:\n        print(error.name)\n"
    )
    async with lab.open() as agent:
        await lab.registration.show_notification("N", data="/inbox")
        await agent.notifications[0].click()
        await agent.notifications[0].close()
    lab.said("{}/inbox True", "InvalidAccessError")


async def test_a_url_to_navigate_to_opens_a_window_instead(lab: Lab, autojump_clock: object) -> None:
    lab.worker(TELLS)
    async with lab.open() as agent:
        await lab.registration.show_notification(
            "N", navigate="/there", actions=[{"action": "a", "title": "A"}]
        )
        await agent.notifications[0].click()
        assert agent.clients.focused.url == f"{agent.origin}/there"
        assert len(agent.clients.all()) == 2
        # An action without a URL of its own is an event, whatever the notification has.
        await agent.notifications[0].click("a")
        assert len(agent.clients.all()) == 2
    lab.said("notificationclick a N")


@pytest.mark.parametrize(("state", "permission"), [("denied", "denied"), ("prompt", "default")])
async def test_without_permission(lab: Lab, state: Any, permission: str, autojump_clock: object) -> None:
    async with lab.open() as agent:
        agent.permissions.set(state, "notifications")
        assert lab.window.Notification.permission == permission
        with pytest.raises(TypeError, match=f"'notifications' of {agent.origin} is '{permission}'"):
            await lab.registration.show_notification("N")
        assert agent.notifications == []
        # Another permission is another one.
        agent.permissions.set("granted", "push")
        assert lab.window.Notification.permission == permission


async def test_permission_is_the_users_to_give(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(permission="prompt") as agent:
        Notification = lab.window.Notification
        told: list[str] = []
        assert await Notification.request_permission(told.append) == "default"
        assert lab.diagnostics == ["permission-dismissed"]
        agent.permissions.set("granted", "notifications")
        assert await Notification.request_permission(told.append) == "granted"
        agent.permissions.set("denied", "notifications", "http://elsewhere.example")
        assert Notification.permission == "granted"
        agent.permissions.set("denied", "notifications", agent.origin)
        assert await Notification.request_permission() == "denied"
        assert told == ["default", "granted"]
        assert lab.diagnostics == ["permission-dismissed"]


async def test_a_callback_that_raises_changes_nothing(lab: Lab, autojump_clock: object) -> None:
    async with lab.open():

        def callback(state: str) -> None:
            raise LookupError(state)

        assert await lab.window.Notification.request_permission(callback) == "granted"
        assert lab.console == ["Uncaught LookupError: granted"]


async def test_what_a_worker_has_of_the_class(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "print(Notification.permission, Notification.max_actions, hasattr(Notification, 'request_permission'))\n"
        "try:\n    Notification('title')\n"
        "except TypeError as error:\n    print(error)\n"
        "try:\n    NotificationEvent('notificationclick', notification='N')\n"
        "except TypeError as error:\n    print(error)\n"
    )
    async with lab.open():
        with pytest.raises(NotSupportedError, match=r"Notification\(\) is not implemented"):
            lab.window.Notification("title")
    lab.said(
        "granted 2 False",
        "a worker cannot construct a Notification: registration.show_notification() shows one",
        "notification is 'N'; expected a Notification",
    )


async def test_what_is_refused(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        show = lab.registration.show_notification
        with pytest.raises(TypeError, match="title is 5; expected a str"):
            await show(5)
        with pytest.raises(TypeError, match="silent is True and vibrate is given"):
            await show("N", silent=True, vibrate=(1,))
        with pytest.raises(DataCloneError, match=r"\['f'\] is the function <lambda>"):
            await show("N", data={"f": lambda: 1})
        with pytest.raises(TypeError, match="tag is 5; expected a str"):
            await lab.registration.get_notifications(tag=5)
        assert agent.notifications == []


async def test_more_actions_than_are_shown_are_told(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        entries = ({"action": each, "title": each} for each in "abc")
        await lab.registration.show_notification("N", actions=entries)
        assert [each.action for each in agent.notifications[0].actions] == ["a", "b"]
        assert lab.diagnostics == ["too-many-actions"]


async def test_before_there_is_an_active_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def oninstall(event):\n"
        "    try:\n        await registration.show_notification('N')\n"
        "    except TypeError as error:\n        print(error)\n"
    )
    async with lab.open():
        lab.said("{}/ has no active worker; await service_worker.ready first")


async def test_an_interrupted_click_is_told_and_not_repeated(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import trio\nasync def onnotificationclick(event):\n    await trio.sleep_forever()\n")
    async with lab.open() as agent:
        await lab.registration.show_notification("N")
        click = agent.notifications[0].click()
        await agent.until(lambda line: line["kind"] == "event.start")
        await agent.terminate_worker(lab.registration)
        await click
        await agent.settled()
        lab.one("event.end", name="notificationclick", outcome="interrupted")
        (line,) = lab.of("diagnostic")
        assert line["code"] == "event-lost"
        assert line["message"].startswith("notificationclick (notification 'N') was interrupted")


async def test_the_profile_keeps_them(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onnotificationclick(event):\n    print(event.notification.data, event.notification.icon)\n"
    )
    options: dict[str, Any] = {"profile": lab.profile}
    async with lab.open(**options) as agent:
        for title, tag in (("closed", ""), ("old", "t"), ("new", "t"), ("kept", "")):
            await lab.registration.show_notification(title, tag=tag, data={"b": b"x"}, icon="/i")
        await agent.notifications[0].close()
        numbers = [each.number for each in agent.notifications]
    async with lab.open(ready=False, **options) as agent:
        assert [(each.title, each.number) for each in agent.notifications] == list(
            zip(["new", "kept"], numbers, strict=True)
        )
        await agent.notifications[1].click()
        assert lab.console == [f"{{'b': b'x'}} {agent.origin}/i"]
        await agent.notifications[0].close()
    async with lab.open(ready=False, **options) as agent:
        assert [each.title for each in agent.notifications] == ["kept"]


async def test_they_go_with_the_registration(lab: Lab, autojump_clock: object) -> None:
    lab.worker(TELLS)
    options: dict[str, Any] = {"profile": lab.profile}
    async with lab.open(**options) as agent:
        await lab.registration.show_notification("N")
        (mine,) = await lab.registration.get_notifications()
        await lab.registration.unregister()
        await agent.settled()
        assert agent.notifications == []
        with pytest.raises(TypeError, match="has no active worker"):
            await lab.registration.show_notification("late")
        # One that was on its way when the registration was cleared.
        with pytest.raises(TypeError, match="has no active worker"):
            agent.shown_notifications.show(lab.registration._concept, NotificationConcept(title="late"))
        mine.close()
        lab.one("notification.close", cause="cleared")
    lab.said()
    async with lab.open(ready=False, **options) as agent:
        assert agent.notifications == []
        assert list(agent.services.store.notifications()) == []


async def test_no_room(lab: Lab, autojump_clock: object, monkeypatch: pytest.MonkeyPatch) -> None:
    async with lab.open() as agent:
        await lab.registration.show_notification("old", tag="t")

        def full(*args: object) -> None:
            raise StorageFull("no room")

        with monkeypatch.context() as patch:
            patch.setattr(agent.services.store, "add_notification", full)
            with pytest.raises(QuotaExceededError, match="no room for notification 'new'"):
                await lab.registration.show_notification("new", tag="t")
        assert [each.title for each in agent.notifications] == ["old"]
        # What cannot be forgotten now is forgotten later; the user does not see it any more.
        with monkeypatch.context() as patch:
            patch.setattr(agent.services.store, "delete_notification", full)
            agent.notifications[0].close()
            assert agent.notifications == []
            await trio.sleep(1)
        await agent.settled()
        assert list(agent.services.store.notifications()) == []
        assert lab.diagnostics == ["no-room"]


async def test_an_old_worker_looks_for_an_update_after_an_event(lab: Lab, autojump_clock: object) -> None:
    """Fire Functional Event, 8: when the last check was over a day ago."""
    lab.worker(TELLS)
    # One that was stopped would read the new script at its next start.
    async with lab.open(limits=Limits(idle=1e9)) as agent:
        await lab.registration.show_notification("N")
        lab.worker(TELLS.replace("event.type", "'new', event.type"))
        await trio.sleep(86_000)
        await agent.notifications[0].click()
        await agent.settled()
        assert len(lab.of("worker.state", state="installing")) == 1
        await trio.sleep(1_000)
        await agent.notifications[0].click()
        await agent.settled()
        assert len(lab.of("worker.state", state="installing")) == 2


async def test_a_worker_that_waited_for_the_event_is_activated(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import trio\nasync def onnotificationclick(event):\n    await trio.sleep(5)\n")
    async with lab.open() as agent:
        await lab.registration.show_notification("N")
        click = agent.notifications[0].click()
        lab.worker("async def oninstall(event):\n    await skip_waiting()\n")
        await lab.registration.update()
        await click
        await agent.settled()
        assert lab.registration.waiting is None
        assert lab.registration.active.state == "activated"
        assert len(lab.of("worker.state", state="activated")) == 2
