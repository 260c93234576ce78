"""A scenario that has all it needs: the site, its servers, the background fetches that are begun, and how they end.

give_up = 60                      # seconds, as --give-up; quota = "1MiB" and permission, too
worker = "..."                    # the text of worker.py; without it, one that keeps what a success brings
# site = "../podcast"             # or a folder, seen from the file: its worker, its files

[files]                           # more of the site
"lib.py" = "..."

[[fetch]]                         # begun `at` so many seconds, at once without it
id = "ep-5"
urls = ["/ep-5.mp3"]
title = "Episode 5"               # and download_total, as for fetch()

[servers."/ep-5.mp3"]             # as `swruntime.testing.behaviour` has it
versions = [{ size = 3000, etag = '"v1"' }]
answers = [{ drop_after = 1000 }, {}]

[expect]                          # of those that shall not end with success; "any" for who does not care
ep-5 = "aborted"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

import attrs

from swruntime.concepts.enums import ENDS, PermissionState
from swruntime.testing.behaviour import Server
from swruntime.testing.plain import checked_keys, list_of_tables, seconds, size, table, text

RESULTS = (*ENDS, "any")
"""How a background fetch may be expected to end."""

KEYS = {"give_up", "quota", "permission", "worker", "site", "files", "fetch", "servers", "expect"}
PERMISSIONS = get_args(PermissionState)

WORKER = """\
async def onbackgroundfetchsuccess(event):
    cache = await caches.open("files")
    for record in await event.registration.match_all():
        await cache.put(record.request, await record.response_ready)

async def onbackgroundfetchfail(event):
    pass

async def onbackgroundfetchabort(event):
    pass
"""
"""The worker of a scenario without one."""


@attrs.frozen
class Begun:
    """A background fetch that the page begins `at` seconds after the site was opened. `download_total` is in bytes."""

    id: str
    urls: tuple[str, ...]
    at: float = 0.0
    title: str = ""
    download_total: int = 0


@attrs.frozen
class Whole:
    """What a scenario has beside the user and the network. `quota` is in bytes, `give_up` in seconds."""

    fetches: tuple[Begun, ...] = ()
    worker: str | None = None
    site: Path | None = None
    files: Mapping[str, str] = attrs.field(factory=dict)
    servers: Mapping[str, Server] = attrs.field(factory=dict)
    expect: Mapping[str, str] = attrs.field(factory=dict)
    give_up: float = 600.0
    quota: int | None = None
    permission: PermissionState = "granted"


def parse_whole(data: Mapping[str, Any], folder: Path) -> Whole | None:
    """That part of a scenario, None where there is nothing of it. Paths are seen from `folder`. Raises ValueError."""
    if not KEYS & data.keys():
        return None
    if "site" in data and "worker" in data:
        raise ValueError("site and worker are both there; expected one of them")
    site = text("site", data.get("site"))
    fetches = tuple(_begun(number, each) for number, each in enumerate(list_of_tables("fetch", data), 1))
    expect = {id: _result(id, value) for id, value in table("expect", data.get("expect", {})).items()}
    unknown = expect.keys() - {each.id for each in fetches}
    if site is None and unknown:
        raise ValueError(f"expect has {min(unknown)!r}, which no fetch has as its id")
    permission = data.get("permission", "granted")
    if permission not in PERMISSIONS:
        raise ValueError(f"permission is {permission!r}; expected one of {', '.join(PERMISSIONS)}")
    give_up = seconds("give_up", data.get("give_up", 600))
    if give_up == 0:
        raise ValueError("give_up is 0; expected seconds, more than 0")
    return Whole(
        fetches=tuple(sorted(fetches, key=lambda each: each.at)),
        worker=text("worker", data.get("worker")),
        site=None if site is None else folder / site,
        files={
            _path(name): _file(name, value) for name, value in table("files", data.get("files", {})).items()
        },
        servers={
            path: _server(path, each) for path, each in table("servers", data.get("servers", {})).items()
        },
        expect=expect,
        give_up=give_up,
        quota=size("quota", data["quota"]) if "quota" in data else None,
        permission=cast(PermissionState, permission),
    )


def _begun(number: int, data: Mapping[str, Any]) -> Begun:
    try:
        checked_keys("fetch", data, {"id", "urls", "at", "title", "download_total"})
        id, urls = data.get("id"), data.get("urls")
        if not isinstance(id, str) or not id:
            raise ValueError(f"id is {id!r}; expected text")
        if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
            raise ValueError(f"urls is {urls!r}; expected a list of URLs")
        return Begun(
            id,
            tuple(urls),
            seconds("at", data.get("at", 0)),
            text("title", data.get("title")) or "",
            size("download_total", data.get("download_total", 0)),
        )
    except ValueError as error:
        raise ValueError(f"fetch {number}: {error}") from None


def _result(id: str, value: object) -> str:
    if value not in RESULTS:
        raise ValueError(f"expect.{id} is {value!r}; expected one of {', '.join(RESULTS)}")
    return str(value)


def _path(name: str) -> str:
    if not name or name.startswith("/") or ".." in Path(name).parts:
        raise ValueError(f"files has {name!r}; expected a path below the site")
    return name


def _file(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"files.{name} is {value!r}; expected text")
    return value


def _server(path: str, data: object) -> Server:
    where = f"servers.{path}"
    server = table(where, data)
    checked_keys(where, server, {"versions", "answers"})
    versions, answers = list_of_tables("versions", server), list_of_tables("answers", server)
    if not versions or not answers:
        raise ValueError(
            f"{where} has {len(versions)} versions and {len(answers)} answers; expected one or more"
        )
    for number, version in enumerate(versions):
        checked_keys(f"{where}, version {number}", version, {"size", "seed", "etag", "last_modified"})
        size(f"{where}, the size of version {number}", version.get("size"))
    for answer in answers:
        wanted = answer.get("version", 0)
        if not isinstance(wanted, int) or not 0 <= wanted < len(versions):
            raise ValueError(f"{where}: version is {wanted!r}; expected a number below {len(versions)}")
        checked_keys(f"{where}, an answer", answer, ANSWER_KEYS)
    return {"versions": _plain(versions), "answers": _plain(answers)}


ANSWER_KEYS = {
    *("version", "status", "retry_after", "redirect", "hang_up", "delay", "framing", "claims", "coding"),
    *("coding_cut", "range", "content_range", "part", "validators", "drop_after", "drop_with"),
    *("stall_after", "chunk", "pace", "date", "garbage"),
}


def _plain(tables: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [dict(each) for each in tables]
