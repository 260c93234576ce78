"""The codes of diagnostics, a closed list: each with why it matters, and what to write or do instead.

A diagnostic is about a script, which does something that goes wrong quietly, or about the agent's own affairs: what it
could not do, or left out as it was told to. `--strict`, warnings of pytest and `# swruntime: allow=CODE` are for the
first kind, and every code of that kind has a page in docs/diagnostics.
"""

from __future__ import annotations

from typing import Literal

import attrs

About = Literal["script", "agent"]


@attrs.frozen
class Code:
    """`why` it matters and what to do `instead`, each half a sentence in one line.

    `javascript`: what to do instead in JavaScript, where its names or its rules are others. `hint`: reported only
    where `javascript_hints` asks for it.
    """

    name: str
    about: About
    why: str
    instead: str
    javascript: str | None = None
    hint: bool = False

    def advice(self, where: str | None) -> str:
        """What to do instead, in the language of the script at `where` ("file:line")."""
        if self.javascript is None or where is None or where.rpartition(":")[0].endswith(".py"):
            return self.instead
        return self.javascript


def _script(name: str, why: str, instead: str, *, javascript: str | None = None, hint: bool = False) -> Code:
    return Code(name, "script", why, instead, javascript, hint)


def _agent(name: str, why: str, instead: str) -> Code:
    return Code(name, "agent", why, instead)


_ALL = (
    # Events that end too early
    _script(
        "function-to-wait-until",
        "a function that is not called does nothing, and the event ends without its work",
        "call it: event.wait_until(work(event))",
        javascript="call it: event.waitUntil(work(event))",
    ),
    _script(
        "missing-wait-until",
        "the event ends at once: the worker may be stopped, and the records released, before the work is done",
        "hand the work to event.wait_until(...), or make the handler async and await it",
        javascript="hand the work to event.waitUntil(...), before the handler's first await",
    ),
    _script(
        "dropped-awaitable",
        "the event ends without waiting for it, and nothing reports whether it failed",
        "await it, or hand it to event.wait_until(...)",
    ),
    _script(
        "records-read-after-event",
        "the records of a background fetch are released when its event has ended",
        "read them in the event's handler, and keep what you need in a cache",
        javascript="read them while event.waitUntil(...) holds the event, and keep what you need in a cache",
    ),
    _script(
        "relies-on-async-handler",
        "JavaScript does not wait for an async handler: there the event would be over at its first await",
        "in JavaScript, event.waitUntil(...) around the work",
        hint=True,
    ),
    # Events that nobody hears
    _script(
        "unknown-event-name",
        "no event has this name, so the handler is never called",
        "use the event's name, as the message has it",
    ),
    _script(
        "no-fail-handler",
        "a background fetch that fails is then over without a word, and what it had downloaded is thrown away",
        "add a handler onbackgroundfetchfail beside onbackgroundfetchsuccess",
        javascript='add a listener for "backgroundfetchfail" beside the one for "backgroundfetchsuccess"',
    ),
    _script(
        "no-abort-handler",
        "a background fetch that is aborted is then over without a word, and what it had downloaded is thrown away",
        "add a handler onbackgroundfetchabort beside onbackgroundfetchsuccess",
        javascript='add a listener for "backgroundfetchabort" beside the one for "backgroundfetchsuccess"',
    ),
    # What dies with the worker
    _script(
        "state-only-in-globals",
        "a worker is stopped whenever it is idle, and its globals start empty the next time",
        "keep it in a cache, and read it there when you need it",
        javascript="keep it in a cache or in IndexedDB, and read it there when you need it",
    ),
    _script(
        "port-held-across-restart",
        "a MessagePort dies with its worker, and the other end hears nothing more",
        "look up the page each time, with clients.get(id) or clients.match_all(), or use a BroadcastChannel",
        javascript="look up the page each time, with clients.get(id) or clients.matchAll(), or use a BroadcastChannel",
    ),
    # Arguments and objects
    _script(
        "download-total-too-small",
        "a background fetch that stores more than its download total fails, and all it had stored is lost",
        "give the sum of the responses' sizes as download_total, or 0 for no limit",
        javascript="give the sum of the responses' sizes as downloadTotal, or 0 for no limit",
    ),
    _script(
        "response-body-used",
        "a body can be read once; the second reader gets a TypeError",
        "call clone() before the first one reads",
    ),
    _script(
        "unhandled-rejection",
        "nothing else reports what failed, and why",
        "await the promise, and handle what it raises",
        javascript="await the promise, or add a catch()",
    ),
    _script(
        "script-does-not-await",
        "nothing else can run meanwhile: no download goes on, no event is handled",
        "await trio.sleep(0) now and then, or compute in trio.to_thread.run_sync",
        javascript="await something now and then, a timer for example",
    ),
    _script(
        "script-process-ended",
        "its realm is gone: events in flight are interrupted, and what only it had in memory is lost",
        "await something now and then, keep large data in a stream or a cache, and look at the end of its console",
    ),
    _script(
        "too-many-actions",
        "those beyond the limit are not shown",
        "give at most Notification.max_actions of them",
        javascript="give at most Notification.maxActions of them",
    ),
    _script(
        "push-not-user-visible",
        "browsers refuse a subscription that may push without showing anything",
        "call subscribe(user_visible_only=True), and show a notification for each push",
        javascript="call subscribe({ userVisibleOnly: true }), and show a notification for each push",
    ),
    _script(
        "push-without-notification",
        "a browser then shows a notification of its own, or takes the subscription away",
        "await registration.show_notification(...) in the push event",
        javascript="hand registration.showNotification(...) to event.waitUntil() in the push event",
    ),
    _script(
        "not-implemented",
        "browsers have it and this version does not: a handler is never called, a name is missing",
        "remove it, or test that part in a browser",
    ),
    _script(
        "unknown-allowed-code",
        "no diagnostic has that code, so the comment silences nothing",
        "use a code of docs/diagnostics",
    ),
    # The agent's own affairs
    _agent(
        "event-held", "it was interrupted too often to be tried again by itself", "mend the worker; resume"
    ),
    _agent("event-lost", "nobody owes it, so it does not come again", "mend the worker; send it again"),
    _agent(
        "sync-retry",
        "its handler failed, and there are chances left",
        "let it be online, or mend the handler",
    ),
    _agent("waiting", "it is for later, and the profile keeps it", "wait, or what the message names"),
    _agent("sync-given-up", "its last chance failed, and it is forgotten", "register it again"),
    _agent("permission-dismissed", "nobody was there to answer the question", "permission granted or denied"),
    _agent("no-room", "the disk is full; it is tried again every few seconds", "make room"),
    _agent(
        "few-descriptors",
        "too many files are open; it is tried again until one is closed",
        "close some, or allow more: ulimit -n",
    ),
    _agent("checkpoint-failed", "after a power failure more would have to be asked for again", "make room"),
    _agent("profile-damaged", "bytes that were stored are gone", "fetch them again; look at the disk"),
    _agent(
        "profile-exposed",
        "other users of the machine can read or change what the profile keeps, logins included",
        "a profile in a folder of your own",
    ),
    _agent(
        "proxy",
        "what does not stay on this machine goes through it, as an option or the environment says",
        "--no-proxy, where that is not meant",
    ),
    _agent("scenario", "a step of the scenario was refused, or never came", "mend the scenario"),
    _agent("gateway", "the answer could not be passed on as it is", "what the message says"),
    _agent(
        "extra-bytes",
        "they are not part of the answer, and its server may have meant them to be",
        "look at its Content-Length",
    ),
    _agent("update-failed", "the edited worker was not installed; the old one goes on", "mend the worker"),
    _agent("skipped-cors", "a browser would refuse the response", "the header that the message names"),
    _agent("skipped-preflight", "a browser would ask first", "the header that the message names"),
    _agent("skipped-csp", "a browser would not send the request", "a connect-src that allows it"),
    _agent("skipped-mixed-content", "a browser would not send the request", "https"),
)

CODES: dict[str, Code] = {code.name: code for code in _ALL}
