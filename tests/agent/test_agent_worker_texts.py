"""What is noted of a worker's scripts, so that a change can be seen later."""

from __future__ import annotations

from swruntime.agent.held_text import held_text
from swruntime.agent.scripts import Script
from swruntime.agent.worker_texts import ABSENT, MOST, MOST_URL, ScriptMap, Texts, digest

URL = "http://localhost:8400/{}.js"


def script(name: str, text: str = "") -> tuple[str, Script]:
    url = URL.format(name)
    return url, Script(url, text.encode())


def test_each_script_and_what_did_not_come() -> None:
    scripts = ScriptMap()
    url, a = script("a", "text")
    scripts[url] = a
    scripts.lacks(URL.format("b"))
    assert scripts.texts == ((url, digest(b"text")), (URL.format("b"), ABSENT))
    scripts[url] = script("a", "other")[1]
    scripts[URL.format("b")] = script("b")[1]
    assert scripts.texts == ((url, digest(b"other")), (URL.format("b"), digest(b"")))
    scripts.lacks(url)
    assert len(scripts.texts) == 2
    scripts.lacks(URL.format("c"))
    scripts.forget_absent()
    assert len(scripts.texts) == 2


def test_a_watcher_is_told_now_and_of_each_change() -> None:
    scripts = ScriptMap()
    told: list[Texts] = []
    with scripts.watched(told.append):
        assert told == [], "there is none yet"
        scripts.__setitem__(*script("a"))
        scripts.lacks(URL.format("b"))
        scripts.lacks(URL.format("b"))
        with scripts.watched(None):
            pass
    scripts.__setitem__(*script("c"))
    assert [len(texts) for texts in told] == [1, 2]
    with scripts.watched(told.append):
        pass
    assert len(told[-1]) == 3


def test_a_script_that_imports_without_end_has_only_its_first_ones_noted() -> None:
    scripts = ScriptMap()
    told: list[Texts] = []
    with scripts.watched(told.append):
        for number in range(MOST + 5):
            scripts.__setitem__(*script(str(number)))
            scripts.lacks(URL.format(f"absent{number}"))
            told[:-1] = []
        scripts.__setitem__(*script("x" * MOST_URL))
    assert len(told[-1]) <= 2 * MOST
    assert URL.format("0") in dict(scripts.texts)
    assert all(len(url) <= MOST_URL for url, _ in scripts.texts)


def test_an_id_is_written_as_a_shell_takes_it() -> None:
    assert "'resume --retry ep-5'" in held_text("ep-5", "backgroundfetchsuccess", 5)
    assert "--drop 'a b'" in held_text("a b", "backgroundfetchsuccess", 5)
