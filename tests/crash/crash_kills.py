"""What a test of kills does again and again: a workload, its death, what follows, and what must hold then."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import Ended, Site, check_taken_up, fetch_arguments

KILLED = -9
ID = "all of it"


def make_files(nginx: Nginx, sizes: Iterable[int] = (300_000, 1_000, 0)) -> dict[str, str]:
    """Files of these sizes; their SHA-256 by URL."""
    return {
        f"{nginx.url}/{index}.bin": nginx.file(f"{index}.bin", size, seed=index)
        for index, size in enumerate(sizes)
    }


class Workload:
    """One background fetch of files from nginx, which is its site's origin.

    `fails`: one more record is of a file that is not there.
    """

    def __init__(self, site: Site, nginx: Nginx, digests: dict[str, str], *, fails: bool = False) -> None:
        self.site = site
        self.nginx = nginx
        self.digests = digests
        self.event = "backgroundfetchfail" if fails else "backgroundfetchsuccess"
        self.fine = {0, 1} if fails else {0}
        urls = [*digests, f"{nginx.url}/missing.bin"] if fails else [*digests]
        self.arguments = fetch_arguments(ID, nginx.url, urls)
        self.deaths: list[Ended] = []
        self.asked = 0
        """How many records went on where they were when the process died."""

    def begin(self, kill: Callable[[Site, list[str]], Ended]) -> Ended:
        """`kill` runs the program with the arguments of `fetch`, and kills it or is too late."""
        ended = kill(self.site, ["fetch", *self.arguments])
        return self._note(ended)

    def resume(self, kill: Callable[[Site, list[str]], Ended]) -> Ended:
        """Go on after a death. What is killed is `resume`, or `fetch` where nothing was begun yet."""
        before = self.site.unfinished()
        begun = self.begun or bool(before)
        ended = kill(self.site, ["resume", "--json"] if begun else ["fetch", *self.arguments])
        if ended.status != KILLED and begun:
            self.asked += check_taken_up(before, ended)
        return self._note(ended)

    @property
    def begun(self) -> bool:
        """The program told of it before it died."""
        return any(death.lines("fetch.start") for death in self.deaths)

    def _note(self, ended: Ended) -> Ended:
        if ended.status == KILLED:
            self.deaths.append(ended)
        else:
            assert ended.status in self.fine, ended.told
        return ended

    def finish(self) -> None:
        """Resume, with no option but SITE, to the end; then nothing may be lost.

        What was told before a death holds after it.
        """
        before = self.site.unfinished()
        resumed = self.site.resume()
        assert resumed.status in self.fine, resumed.told
        self.asked += check_taken_up(before, resumed)
        if self.begun:
            assert self.site.events, "what was begun came to its event"
        if not self.site.events:
            again = self.site.run("fetch", *self.arguments)
            assert again.status in self.fine, again.told
        self.check()

    def check(self) -> None:
        assert set(self.site.events) == {f"{self.event} {ID}"}
        self.site.check_sound(self.nginx.url, self.digests)


def at(point: str, call: int = 1) -> Callable[[Site, list[str]], Ended]:
    """Kill it at a point of crash_launcher.py, at the CALL-th time that it comes there."""
    return lambda site, arguments: site.run(*arguments, kill=(point, str(call)))


def after(seconds: float) -> Callable[[Site, list[str]], Ended]:
    return lambda site, arguments: site.start(*arguments).kill_after(seconds)


def by_itself(site: Site, arguments: list[str]) -> Ended:
    return site.run(*arguments)
