"""`make torture TARGET=kills`: kill -9 at any instant of mixed workloads, and nothing is lost, nothing wrong.

Each episode is a site with a profile of its own, and a server (`kills_server.py`). Its worker and its page are in Python
or in JavaScript (`kills_scripts.py`). The real program runs on it again and again, `run` or `resume`, and is killed: at a
change of the disk or a place of the program (`tests/crash/crash_launcher.py`), after so much time of the processor
(`kills_launcher.py`), soon after a line of its trace, when it asks the server for something. Every `run` has its page begin more: downloads whose connections
are cut, uploads, syncs, caches, transactions of IndexedDB, updates to a worker that was changed in between. At last it
runs to its end.

What is held: whatever was told or stored before a death is there; each background fetch that began has had its event,
each sync that was registered its own; every body has the right bytes; no upload was sent twice; no transaction is half
there; one version of the worker has its own shell and no other one's; `status --check` has no problem to tell. What is
tried follows from the seed, and nearly when: where a kill hits depends a little on the machine.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import attrs

from swruntime.storage import verify
from tests.crash.crash_launcher import PLACES
from tests.crash.crash_site import PROGRAM, WHOLE, Ended, Site
from tests.forks import Forks
from tests.torture.kills_scripts import REPEATED, Language, page, worker
from tests.torture.kills_server import ANSWER, File, Server

COUNTED = "kills"
PER_CORE = 2
"""Players for each core: the program waits now and then."""
DEATHS = 4
"""In an episode, at most: the fifth death inside its handler leaves an event to the user."""
KILLED = (-9, -27)
"""By SIGKILL, or by SIGPROF when its time was over."""
EARLY = 12
"""Lines of a trace: in fewer, a run has hardly begun."""
TIMED = Forks("tests.torture.kills_launcher", *PROGRAM)
SUCCESS, FAIL, ABORT = "backgroundfetchsuccess", "backgroundfetchfail", "backgroundfetchabort"


@attrs.define
class Found:
    """What came of an episode."""

    kills: int = 0
    runs: int = 0
    held: int = 0
    """Promises that were told before a death, or stored, and looked for at the end."""
    findings: list[str] = attrs.field(factory=list)

    @property
    def counts(self) -> dict[str, int]:
        wrong = len(self.findings)
        return {"kills": self.kills, "runs": self.runs, "held": self.held, "wrong": wrong, "episodes": 1}


def sentence(run: Mapping[str, int], all: Mapping[str, int]) -> str:
    """The closing figure."""
    told = "{kills:,} kills in {runs:,} runs of the program, {held:,} promises held; {wrong} lost or wrong"
    told += "; {episodes:,} episodes"
    zero = dict.fromkeys(Found().counts, 0)
    return f"{told.format(**{**zero, **run})}\nin all runs: {told.format(**{**zero, **all})}"


def episode(seed: str) -> Found:
    """What is tried follows from `seed`."""
    found = Found()
    server = Server()
    with tempfile.TemporaryDirectory() as folder, server.running():
        story = Story(Site(Path(folder)), server, Random(seed), found)
        try:
            story.tell()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            found.findings.append(f"{_told(error)}\n{story.told}")
    return found


@attrs.define
class Story:
    """One site, from its first run to its last."""

    site: Site
    server: Server
    random: Random
    found: Found
    languages: tuple[Language, Language] = attrs.field(init=False)
    """Of the worker and of the page."""
    version: int = 0
    """Of the worker. Each is another script, and has a cache of its own, its shell."""
    files: dict[str, dict[str, File]] = attrs.field(factory=dict)
    """Of each background fetch that the page was told to begin, by path."""
    fails: set[str] = attrs.field(factory=set)
    """Those of which a file is missing."""
    uploads: dict[str, str] = attrs.field(factory=dict)
    """The paths of uploads, by background fetch."""
    aborted: set[str] = attrs.field(factory=set)
    """Those that the page aborts as soon as they have begun."""
    puts: dict[str, str] = attrs.field(factory=dict)
    """What the page was told to put into its cache, by path."""
    begun: set[str] = attrs.field(factory=set)
    """Background fetches that were told of, or stored."""
    printed: set[str] = attrs.field(factory=set)
    """What the page said that it had done, as it said it."""
    steps: list[str] = attrs.field(factory=list)
    reach: float = 1.0
    """How far into a run the kills go: adapted to where they hit."""
    _last: Ended | None = None

    def __attrs_post_init__(self) -> None:
        # JavaScript has IndexedDB, Python starts faster.
        languages: list[tuple[Language, Language]] = [("py", "py"), ("js", "js"), ("js", "js"), ("py", "js")]
        self.languages = self.random.choice([*languages, ("js", "py")])
        self.steps.append(f"a worker in {self.languages[0]}, a page in {self.languages[1]}")
        (self.site.folder / "worker.py").unlink()
        (self.site.folder / f"page.{self.languages[1]}").write_text(page(self.languages[1]))
        self.edit()
        self.server.edit = self.edit

    def edit(self) -> None:
        """Give the site a new version of its worker."""
        self.version += 1
        skips = self.random.randrange(2) == 0
        new = self.worker.with_suffix(".new")
        new.write_text(worker(self.languages[0], self.version, skips=skips))
        new.replace(self.worker)

    def tell(self) -> None:
        deaths = self.random.randint(DEATHS - 1, DEATHS)
        for _ in range(2 * DEATHS):
            self.run(*self.next_command(), kill=self.next_kill())
            if self.found.kills == deaths:
                break
        self.finish()
        self.check()

    # The runs

    def next_command(self) -> tuple[str, ...]:
        """`run`, for which there is more to do, or `resume`."""
        if self.stored and self.random.randrange(3) == 0:
            return ("resume",)
        self.server.jobs = self.next_jobs()
        return self.run_command

    @property
    def worker(self) -> Path:
        return self.site.folder / f"worker.{self.languages[0]}"

    @property
    def run_command(self) -> tuple[str, ...]:
        return (
            "run",
            "--origin",
            self.server.url,
            "--worker",
            self.worker.name,
            "--page",
            f"page.{self.languages[1]}",
        )

    def next_jobs(self) -> list[dict[str, Any]]:
        random, run = self.random, self.found.runs
        jobs: list[dict[str, Any]] = []
        for number in range(random.randint(1, 2)):
            jobs.append(self.next_fetch(f"{run}-{number}"))
        for number in range(random.randint(0, 2)):
            jobs.append({"do": "sync", "id": f"{run}-s{number}"})
        for number in range(random.randint(0, 3)):
            path, text = f"/put/{run}-{number}", f"{run}-{number} " * random.randrange(9000)
            self.puts[path] = text
            jobs.append({"do": "put", "id": path, "text": text})
        if self.languages[1] == "js":
            jobs += [{"do": "pair", "id": f"{run}-p{number}"} for number in range(random.randint(5, 30))]
        if random.randrange(3) == 0:
            jobs.append(
                {"do": "drop", "id": f"drop-{run}", "text": "to be dropped " * random.randrange(2000)}
            )
        if random.randrange(4) == 0:
            job = self.next_fetch(f"{run}-a")
            self.aborted.add(job["id"])
            jobs.append({**job, "do": "abort"})
        if random.randrange(2) == 0:
            jobs.append({"do": "update", "id": f"{run}-u"})
        random.shuffle(jobs)
        return jobs

    def next_fetch(self, id: str) -> dict[str, Any]:
        random = self.random
        sizes = [
            random.choice((0, 1, 1_000, 60_000, random.randrange(400_000)))
            for _ in range(random.randint(1, 4))
        ]
        files = [
            File(
                f"{id}-{number}",
                size,
                random.randrange(1, 2**31),
                rate=random.choice((0, 1_000_000, 4_000_000)),
                cut=random.choice((0, 0, 0, 0, 0, 0, 1 + random.randrange(60_000))),
                validator=random.choice(("strong", "strong", "weak", "none")),
            )
            for number, size in enumerate(sizes)
        ]
        self.files[id] = {file.url: file for file in files}
        urls, uploads = [file.url for file in files], []
        if random.randrange(8) == 0:
            self.fails.add(id)
            urls.insert(random.randrange(len(urls) + 1), f"/missing/{id}")
        if random.randrange(3) == 0:
            self.uploads[id] = f"/upload/{id}"
            uploads.append(self.uploads[id])
        random.shuffle(urls)
        return {"do": "fetch", "id": id, "urls": urls, "uploads": uploads, "body": body_of(id)}

    def next_kill(self) -> tuple[str, ...]:
        """What kills the next run, nearer to its start if the last one was too late, and the other way round."""
        random = self.random
        match random.choice(("cpu", "disk", "disk", "line", "request", "request", "place")):
            case "cpu":
                return "cpu", str(self.within(250_000))
            case "disk":
                return "disk", str(self.within(140))
            case "line":
                return "line", str(self.within(30)), str(random.choice((0, 0.001, 0.01, 0.05)))
            case "request":
                return "request", str(self.within(10))
            case _:
                place = random.choice(sorted(PLACES))
                return "place", f"{place}.{random.choice(('before', 'after'))}", str(random.randint(1, 4))

    def within(self, usual: int) -> int:
        return 1 + int(self.random.random() * usual * self.reach)

    def run(self, command: str, *options: str, kill: tuple[str, ...] = ()) -> Ended:
        ended = self._run(command, options, kill)
        self._last = ended
        self.found.runs += 1
        died = ended.status in KILLED and bool(kill)
        self.found.kills += died
        self.steps.append(f"{command}, {' '.join(kill) or 'unharmed'}: {ended.status}")
        self.note(ended)
        if died:
            self.reach = min(2.0, self.reach * 1.5) if len(ended.trace) < EARLY else self.reach
            self.check_dead()
        else:
            self.reach *= 0.6
            self.check_ended(ended)
        return ended

    @property
    def stored(self) -> bool:
        return (self.site.profile / "profile.sqlite3").exists()

    def _run(self, command: str, options: tuple[str, ...], kill: tuple[str, ...]) -> Ended:
        arguments = [*options, "--json", "--monitor"]
        match kill:
            case ("cpu", microseconds):
                main = "tests.torture.kills_launcher:main"
                return self.site.fork(
                    TIMED, main, microseconds, command, str(self.site.folder), *arguments
                ).wait()
            case ("line", number, seconds):
                program = self.site.fork(
                    WHOLE, "swruntime.cli:main", command, str(self.site.folder), *arguments
                )
                return program.kill_at_line(int(number), float(seconds))
            case ("request", number):
                program = self.site.fork(
                    WHOLE, "swruntime.cli:main", command, str(self.site.folder), *arguments
                )
                self.server.requests_left, self.server.strike = int(number), program.strike
                return program.wait()
            case (_, *at):
                point = kill if kill[0] == "disk" else tuple(at)
                return self.site.run(command, *arguments, kill=point)
            case _:
                return self.site.run(command, *arguments)

    def unfinished(self) -> set[str]:
        """The background fetches that the profile has."""
        if not self.stored:
            return set()
        with self.site.store() as store:
            return {fetch.id for fetch in store.fetches()}

    def note(self, ended: Ended) -> None:
        self.begun |= {line["id"] for line in ended.lines("fetch.start")} | self.unfinished()
        self.printed |= {line["text"] for line in ended.lines("console")}

    # What must hold

    def check_dead(self) -> None:
        """A profile is sound at any instant."""
        if self.stored and self.random.randrange(3) == 0:
            status = self.site.run("status", "--json", "--check")
            assert status.status == 0, status.told

    def check_ended(self, ended: Ended) -> None:
        """Of a run that came to its own end."""
        assert "Traceback" not in ended.err, ended.told
        may_fail = self.fails or self.uploads or self.aborted
        assert ended.status in ((0, 1) if may_fail else (0,)), ended.told

    def finish(self) -> None:
        """First what was left, with no option but SITE; then a page that reports what there is."""
        if self.stored:
            self.run("resume")
        language: Language = "js" if "js" in self.languages else "py"
        (self.site.folder / f"report.{language}").write_text(page(language))
        self.server.jobs = [{"do": "report", "id": ""}]
        self.run(*self.run_command[:-1], f"report.{language}")

    def check(self) -> None:
        assert len(self.server.reports) == 1, "the last page has reported"
        status = self.site.run("status", "--json", "--check")
        assert status.status == 0, status.told
        found = json.loads(status.out)
        assert (found["problems"], found["background_fetches"], found["syncs"]) == ([], [], []), status.told
        assert verify(self.site.profile) == []
        bodies = {
            body for (body,) in self.site.query("SELECT body FROM cache_entries WHERE body IS NOT NULL")
        }
        assert set(self.site.body_files()) <= bodies, "a body that nobody has is left"
        self.check_events()
        self.check_fetched()
        self.check_uploads()
        self.check_report(self.server.reports[0])

    def check_events(self) -> None:
        """Of background fetches that were begun, and of syncs that were told to be registered."""
        notes = {unquote(note) for note in self.server.notes}
        told = self.done("abort")
        for id in self.begun:
            had = {event for event in (SUCCESS, FAIL, ABORT) if f"{event} {id}" in notes}
            assert len(had) == 1, f"{id} has had the events {had}"
            # An upload that was cut by a death is not sent again.
            right = {ABORT} if id in told else {FAIL} if id in self.fails else {SUCCESS}
            right |= {FAIL} if id in self.uploads and id not in told else set()
            right |= {ABORT} if id in self.aborted else set()
            assert had <= right, f"{id} has had the event {had}"
        syncs = self.done("sync")
        for tag in syncs:
            assert f"sync {tag}" in notes, f"the sync {tag}, which was registered, has had no event"
        self.found.held += len(self.begun) + len(syncs)

    def check_fetched(self) -> None:
        """What the worker put there of each background fetch, and the page."""
        digests = {url: file.digest for files in self.files.values() for url, file in files.items()}
        digests |= {url: sha256_of(ANSWER) for url in self.uploads.values()}
        expected = {url for id in self.begun - self.aborted for url in self.files[id]}
        self.check_cache("kept", digests, expected)
        self.check_cache(
            "page", {url: sha256_of(text.encode()) for url, text in self.puts.items()}, self.done("put")
        )

    def check_cache(self, name: str, digests: Mapping[str, str], expected: set[str]) -> None:
        there = self.site.cached(self.server.url, name)
        for url, digest in there.items():
            path = url.removeprefix(self.server.url)
            assert digest == digests[path], f"{path} in the cache {name!r} has wrong bytes"
        lost = expected - {url.removeprefix(self.server.url) for url in there}
        assert not lost, f"lost from the cache {name!r}: {', '.join(sorted(lost))}"
        self.found.held += len(expected)

    def check_uploads(self) -> None:
        for id, path in self.uploads.items():
            assert self.server.uploads[path] <= 1, f"{path} was sent {self.server.uploads[path]} times"
            if path in self.server.received:
                self.found.held += 1
                assert self.server.received[path] == sha256_of(body_of(id).encode()), (
                    f"{path} had wrong bytes"
                )

    def done(self, job: str) -> set[str]:
        """The ids of such jobs that the page said it had done."""
        return {id for said in self.printed for each, _, id in [said.partition(" ")] if each == job}

    def check_report(self, report: Mapping[str, Any]) -> None:
        assert (report["ids"], report["tags"]) == ([], []), report
        assert not self.done("drop") & set(report["caches"]), "a cache that was deleted is there"
        version, _, shell = report["version"].partition("\n")
        assert 1 <= int(version) <= self.version
        # An edit that no update check has seen is run all the same, and was never installed: a deviation that is told.
        if f"installed {version}" in self.printed or shell != "gone":
            assert shell == f"{version} " * REPEATED, f"the worker {version} has the shell {shell[:40]!r}"
            self.found.held += 1
        if "left" not in report:
            return
        assert report["left"] == report["right"], "half a transaction"
        assert (report["leftDamaged"], report["rightDamaged"]) == ([], []), "a wrong value"
        expected = self.done("pair")
        if self.languages[0] == "js":
            expected |= {f"event {id}" for id in self.begun} | {f"sync {tag}" for tag in self.done("sync")}
        lost = expected - set(report["left"])
        assert not lost, f"lost from the database: {', '.join(sorted(lost))}"
        self.found.held += len(expected)

    @property
    def told(self) -> str:
        last = "" if self._last is None else self._last.told
        return "\n".join([*self.steps, last[-6000:]])


def body_of(id: str) -> str:
    """The body of an upload."""
    return f"the upload of {id}, " * 4_000


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _told(error: BaseException) -> str:
    first = (str(error) or type(error).__name__).splitlines()[0]
    (frame,) = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {first}"
