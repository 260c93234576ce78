"""`status SITE`: what the profile keeps, and what each thing waits for. Reads beside a writer."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from swruntime.agent.held_text import held_text
from swruntime.algorithms.sizes import human
from swruntime.cli.output import complain, counted, print_object, say
from swruntime.cli.site import check_origin, check_site, profile_of
from swruntime.concepts.http import StoredBody
from swruntime.errors import NotAProfile, UsageError
from swruntime.machines.snapshots import debt
from swruntime.ports.store import (
    DEFAULT_QUOTA,
    Store,
    StoredFetch,
    StoredNotification,
    StoredPeriodicSync,
    StoredRecord,
    StoredRegistration,
    StoredSync,
)
from swruntime.realms.javascript import confinement
from swruntime.storage import open_profile, verify, while_it_changes, writer_of


def status(options: Namespace) -> int:
    check_site(options.site)
    profile = profile_of(options)
    if not profile.exists():
        raise UsageError(f"there is no profile in {str(profile)!r}: nothing was run here yet")
    problems = verify(profile) if options.check else []
    try:
        found = while_it_changes(lambda: _found(profile, options))
    except NotAProfile:
        if not problems:
            raise
        # It is damaged so badly that there is nothing to tell of it but that.
        for problem in problems:
            complain(problem)
        return 1
    if options.check:
        found["problems"] = problems
    if options.json:
        print_object(found)
    else:
        _print(found)
    return 1 if problems else 0


def _found(profile: Path, options: Namespace) -> dict[str, Any]:
    store = open_profile(profile, read_only=True)
    try:
        with store.snapshot():
            return _status(store, options, writer_of(profile))
    finally:
        store.close()


def _status(store: Store, options: Namespace, writer: int | None) -> dict[str, Any]:
    origin = check_origin(store, options)
    keys = {origin, *(r.storage_key for r in store.registrations())}
    damaged = store.damaged()
    caches = [
        _cache(store, store.open_cache(key, name), key, name, damaged)
        for key in sorted(keys)
        for name in store.cache_names(key)
    ]
    quota = options.quota if options.quota is not None else int(store.disk_size() * DEFAULT_QUOTA)
    return {
        "origin": origin,
        "profile": str(profile_of(options)),
        "writer": writer,
        "registrations": [_registration(r) for r in store.registrations()],
        "background_fetches": [_fetch(store, f, writer, damaged) for f in store.fetches()],
        "notifications": [_notification(n) for n in store.notifications()],
        "push_subscriptions": _push_subscriptions(store),
        "syncs": [_sync(s, writer) for s in store.syncs()],
        "periodic_syncs": [_periodic_sync(s) for s in store.periodic_syncs()],
        "caches": caches,
        "storage": {"usage": sum(store.usage(key) for key in keys), "quota": quota},
        "confinement": _confinement(),
    }


def _confinement() -> dict[str, Any]:
    """What confines scripts in JavaScript on this machine."""
    kernel = confinement.kernel()
    return {
        "text": confinement.by_what(kernel),
        "landlock": kernel.landlock,
        "seccomp": kernel.seccomp,
        "missing": confinement.missing(kernel),
    }


def _registration(registration: StoredRegistration) -> dict[str, Any]:
    return {
        "scope": registration.scope,
        **{
            role: None if worker is None else {"script": worker.script_url, "state": worker.state}
            for role, worker in (("waiting", registration.waiting), ("active", registration.active))
        },
    }


def _notification(stored: StoredNotification) -> dict[str, Any]:
    shown = stored.notification
    return {
        "notification": stored.number,
        "scope": stored.scope,
        "title": shown.title,
        "body": shown.body,
        "tag": shown.tag,
        "actions": [action.action for action in shown.actions],
    }


def _push_subscriptions(store: Store) -> list[dict[str, Any]]:
    found = [(r.scope, store.push_subscription(r.storage_key, r.scope)) for r in store.registrations()]
    return [
        {"scope": scope, "endpoint": each.endpoint, "user_visible_only": each.user_visible_only}
        for scope, each in found
        if each is not None
    ]


def _fetch(
    store: Store, fetch: StoredFetch, writer: int | None, damaged: Mapping[int, str]
) -> dict[str, Any]:
    active = fetch.snapshot.state in ("pending", "paused")
    records = [_record(store, record, damaged) for record in fetch.records]
    stored = sum(int(str(record["downloaded"])) for record in records)
    return {
        "id": fetch.id,
        "fetch": fetch.number,
        "scope": fetch.scope,
        "title": fetch.title,
        "state": fetch.snapshot.state,
        "failure_reason": fetch.snapshot.failure_reason,
        "downloaded": stored if active else fetch.snapshot.downloaded,
        "download_total": fetch.download_total,
        "waits_for": _waits_for(fetch, writer),
        "records": records,
    }


def _record(store: Store, record: StoredRecord, damaged: Mapping[int, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "url": record.request.url,
        "result": record.snapshot.result,
        "status": record.snapshot.status,
        "downloaded": 0 if record.body is None else store.length(record.body),
        "message": record.snapshot.message,
    }
    uploaded = record.request.body
    bodies = [record.body, uploaded.id if isinstance(uploaded, StoredBody) else None]
    if wrong := [damaged[body] for body in bodies if body is not None and body in damaged]:
        found["damage"] = wrong
    return found


def _waits_for(fetch: StoredFetch, writer: int | None) -> str:
    """What it needs to go on, in words."""
    snapshot = fetch.snapshot
    event = {"success": "backgroundfetchsuccess", "failure": "backgroundfetchfail"}.get(
        snapshot.state, "backgroundfetchabort"
    )
    if snapshot.event == "held" or (writer is None and debt(snapshot) == "held"):
        return held_text(fetch.id, event, snapshot.attempts)
    if snapshot.state == "paused":
        why = "asked for permission" if snapshot.pause_cause == "permission" else "paused"
        return f"the user: {why}; a --scenario with the step 'resume' lets it go on"
    if writer is not None:
        return _at_it(writer)
    if snapshot.event == "owed":
        tried = f", tried {counted(snapshot.attempts, 'time', 'times')}" if snapshot.attempts else ""
        return f"'run' or 'resume': its {event} event is owed{tried}"
    return "'run' or 'resume': no process is at it"


def _at_it(writer: int) -> str:
    return f"{f'process {writer}' if writer else 'another process'}, which is at it"


def _sync(sync: StoredSync, writer: int | None) -> dict[str, Any]:
    if writer is not None:
        waits_for = _at_it(writer)
    elif sync.failures:
        failed = f"failed {counted(sync.failures, 'time', 'times')}"
        when = "" if sync.retry_at is None else f", not before {_time(sync.retry_at)}"
        waits_for = f"'run' or 'resume', online{when}: {failed}"
    else:
        waits_for = "'run' or 'resume', online"
    return {
        "scope": sync.scope,
        "tag": sync.tag,
        "failures": sync.failures,
        "retry_at": sync.retry_at,
        "waits_for": waits_for,
    }


def _periodic_sync(sync: StoredPeriodicSync) -> dict[str, Any]:
    return {
        "scope": sync.scope,
        "tag": sync.tag,
        "min_interval": sync.min_interval,
        "anchor": sync.anchor,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _cache(store: Store, cache: int, key: str, name: str, damaged: Mapping[int, str]) -> dict[str, Any]:
    entries, size = store.cache_size(cache)
    found: dict[str, Any] = {"origin": key, "name": name, "entries": entries, "bytes": size}
    if wrong := [damaged[body] for body in store.cache_bodies(cache, damaged)]:
        found["damage"] = wrong
    return found


def _print(found: dict[str, Any]) -> None:
    say(f"origin   {found['origin']}")
    storage = found["storage"]
    say(f"storage  {human(storage['usage'])} used of {human(storage['quota'])}")
    confined = found["confinement"]
    lacks = f": {confined['missing']}" if confined["missing"] else ""
    say(f"scripts  JavaScript is confined {confined['text']}{lacks}")
    for registration in found["registrations"]:
        active = registration["active"]
        worker = f"{active['script']} ({active['state']})" if active else "no active worker"
        say(f"scope    {registration['scope']}: {worker}")
    for fetch in found["background_fetches"]:
        total = f" of {human(fetch['download_total'])}" if fetch["download_total"] else ""
        reason = f" ({fetch['failure_reason']})" if fetch["failure_reason"] else ""
        say(f"fetch    {fetch['id']}: {fetch['state']}{reason}, {human(fetch['downloaded'])}{total} stored")
        say(f"         waits for {fetch['waits_for']}")
        for record in fetch["records"]:
            _print_damage(record, f"{record['url']}: ")
    for shown in found["notifications"]:
        body = f": {shown['body']}" if shown["body"] else ""
        say(f"shows    {shown['title']}{body}")
    for subscription in found["push_subscriptions"]:
        say(f"push     {subscription['scope']} is subscribed")
    for sync in found["syncs"]:
        say(f"sync     {sync['tag']!r} of {sync['scope']}")
        say(f"         waits for {sync['waits_for']}")
    for sync in found["periodic_syncs"]:
        last = _time(sync["anchor"])
        say(
            f"periodic {sync['tag']!r} of {sync['scope']}, every {sync['min_interval']:g} s at most, since {last}"
        )
    for cache in found["caches"]:
        say(
            f"cache    {cache['name']}: {counted(cache['entries'], 'entry', 'entries')}, {human(cache['bytes'])}"
        )
        _print_damage(cache)
    for problem in found.get("problems", []):
        say(f"problem  {problem}")
    if found.get("problems") == []:
        say("check    no problem found")


def _print_damage(found: dict[str, Any], about: str = "") -> None:
    for wrong in found.get("damage", ()):
        say(f"         damaged: {about}{wrong}")
