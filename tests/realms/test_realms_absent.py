"""What the platform has and this version has not says so, by name, when a script touches it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from attrs.exceptions import FrozenInstanceError

import swruntime
from swruntime.realms.python import window_realm, worker_realm
from swruntime.realms.python.absent_names import INTERFACES, MEMBERS
from swruntime.realms.python.unimplemented import (
    NotImplementedAttribute,
    NotImplementedName,
    PlatformObject,
    absent_member,
)

TOUCH = """
def touch(names):
    said = {}
    for name in names:
        for how, code in (("bare", name), ("self", f"self.{name}")):
            try:
                eval(compile(code, "touch", "eval"), globals())
                said[how, name] = None
            except (NameError, AttributeError) as error:
                said[how, name] = (type(error).__name__, str(error), hasattr(self, name), name in self)
    return said

def inside():
    return set_timeout

try:
    set_timeout(print, 1)
except NameError as error:
    print(error)
try:
    class Sub(URLPattern): pass
except NameError as error:
    print(error)
try:
    inside()
except NameError as error:
    print(error)
try:
    no_such_thing
except NameError as error:
    print(type(error).__name__, error)
"""

TOLD = [
    "name 'set_timeout' is not defined: {scope}.set_timeout is not implemented in this version of swruntime",
    "name 'URLPattern' is not defined: URLPattern is not implemented in this version of swruntime",
    "name 'set_timeout' is not defined: {scope}.set_timeout is not implemented in this version of swruntime",
    "NameError name 'no_such_thing' is not defined",
]


@pytest.mark.parametrize("scope", ["Window", "ServiceWorkerGlobalScope"])
async def test_every_absent_global_says_so(scope: str, tmp_path: Path, autojump_clock: object) -> None:
    lines: list[dict[str, Any]] = []
    names = sorted(INTERFACES[scope] | MEMBERS[scope] | MEMBERS["EventTarget"])
    (tmp_path / "names.py").write_text(f"NAMES = {names!r}\n")
    script = f"from names import NAMES\n{TOUCH}\n"
    (tmp_path / "worker.py").write_text(script + "result = touch(NAMES)\nself.result = result\n")
    (tmp_path / "page.py").write_text(script + "async def main():\n    return touch(NAMES)\n")
    async with swruntime.open_user_agent(site=tmp_path, on_trace=lines.append) as agent:
        window = await agent.open_window("/")
        if scope == "Window":
            said = await window.run("/page.py")
        else:
            await window.navigator.service_worker.register("/worker.py")
            registration = await window.navigator.service_worker.ready
            said = registration._concept.active._realm.scope.result
    assert [line["text"] for line in lines if line["kind"] == "console"] == [
        text.replace("{scope}", scope) for text in TOLD
    ]
    builtin = {"open", "print"}  # which Python has
    for (how, name), answer in said.items():
        if how == "bare" and name in builtin:
            assert answer is None
            continue
        kind = "NotImplementedName" if how == "bare" else "NotImplementedAttribute"
        assert answer is not None, f"{name} is there"
        assert answer[0] == kind, (name, answer)
        assert f"{name} is not implemented in this version" in answer[1]
        assert answer[2:] == (False, False)


@pytest.mark.parametrize("module", ["events", "body", "clients", "location", "console", "streams", "blob"])
def test_every_class_of_which_something_is_absent_can_say_so(module: str) -> None:
    found = __import__(f"swruntime.realms.python.{module}", fromlist=("",))
    for name, cls in vars(found).items():
        if inspect.isclass(cls) and cls.__module__ == found.__name__ and name in MEMBERS:
            assert issubclass(cls, PlatformObject)


def subclasses(cls: type) -> list[type]:
    """All of them, those that a realm made of them left out."""
    found: list[type] = []
    children: list[type] = cls.__subclasses__()
    for sub in children:
        if vars(sub).get("_context") is None:
            found += [sub, *subclasses(sub)]
    return found


CLASSES = {cls.__name__: cls for cls in subclasses(PlatformObject)}


def test_every_interface_of_the_list_is_a_class_that_says_so() -> None:
    assert {window_realm.Window, worker_realm.ServiceWorkerGlobalScope} <= set(CLASSES.values())
    assert set(MEMBERS) - set(CLASSES) == set()


@pytest.mark.parametrize("interface", sorted(set(MEMBERS) - {"Window", "ServiceWorkerGlobalScope"}))
def test_every_absent_member_says_so(interface: str) -> None:
    cls = CLASSES[interface]
    target: Any = object.__new__(cls)
    for name in MEMBERS[interface] - {"service_worker"}:  # which is there in pages
        assert absent_member(cls, name) == f"{interface}.{name}"
        text = f"^{interface}.{name} is not implemented in this version of swruntime$"
        with pytest.raises(NotImplementedAttribute, match=text):
            getattr(target, name)
        with pytest.raises((NotImplementedAttribute, FrozenInstanceError)):
            setattr(target, name, print)
    with pytest.raises(AttributeError, match=f"{interface!r} object has no attribute 'nonsense'"):
        _ = target.nonsense


async def test_what_is_no_member_can_be_set_and_what_is_absent_cannot(
    tmp_path: Path, autojump_clock: object
) -> None:
    async with swruntime.open_user_agent(site=tmp_path) as agent:
        window: Any = await agent.open_window("/")
        window.my_own = 5
        assert window.my_own == 5
        with pytest.raises(NotImplementedAttribute, match=r"Window\.onload is not"):
            window.onload = print
        with pytest.raises(NotImplementedAttribute, match=r"Window\.post_message is not"):
            window.post_message("hello", "*")
        port = window.MessageChannel().port1
        with pytest.raises(NotImplementedAttribute, match=r"MessagePort\.onclose is not"):
            port.onclose = print
        with pytest.raises(NotImplementedAttribute, match=r"StorageManager\.persist is not"):
            window.navigator.storage.persist()
        with pytest.raises(NotImplementedAttribute, match=r"Console\.table is not"):
            window.console.table([])
        for name in ("service_worker", "permissions"):
            assert hasattr(window.navigator, name)


async def test_a_worker_has_no_container_and_is_told_of_handlers_never_called(
    tmp_path: Path, autojump_clock: object
) -> None:
    (tmp_path / "worker.py").write_text(
        "def onlanguagechange(event): pass\n"
        "try:\n    navigator.service_worker.register\nexcept AttributeError as error:\n    print(error)\n"
    )
    lines: list[dict[str, Any]] = []
    async with swruntime.open_user_agent(site=tmp_path, on_trace=lines.append) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        await window.navigator.service_worker.ready
    assert [
        (line["kind"], line.get("code"), line.get("text") or line.get("message"))
        for line in lines
        if line["kind"] in ("console", "diagnostic")
    ] == [
        ("console", None, "Navigator.service_worker is not implemented in this version of swruntime"),
        (
            "diagnostic",
            "not-implemented",
            "onlanguagechange is never called: this version of swruntime does not fire 'languagechange'",
        ),
    ]


def test_the_errors_are_what_scripts_catch() -> None:
    assert issubclass(NotImplementedName, NameError)
    assert issubclass(NotImplementedAttribute, AttributeError)
