"""What is wrong in a command line, a site or a profile: one line that says so, the exit status, nothing changed."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from swruntime.cli.arguments import grammar, parse
from swruntime.cli.parser import SHELLS, commands

if TYPE_CHECKING:
    from tests.cli.conftest import Server, Site

SITE_COMMANDS = (
    ("run",),
    ("fetch", "id", "/x"),
    ("resume",),
    ("status",),
    ("cache",),
    ("abort", "id"),
    ("clear",),
)


@pytest.mark.parametrize("command", SITE_COMMANDS, ids=lambda command: command[0])
def test_no_such_site(site: Site, command: tuple[str, ...]) -> None:
    name, *rest = command
    site.main(name, site.folder / "none", *rest).refused("SITE", str(site.folder / "none"), "does not exist")


@pytest.mark.parametrize("command", SITE_COMMANDS, ids=lambda command: command[0])
def test_a_site_that_is_a_file(site: Site, command: tuple[str, ...]) -> None:
    name, *rest = command
    site.main(name, site.folder / "worker.py", *rest).refused("SITE", "worker.py", "is not a folder")


@pytest.mark.parametrize("command", [("run",), ("fetch", "id", "/x")], ids=lambda command: command[0])
def test_a_bad_line_in_the_sites_headers(site: Site, command: tuple[str, ...]) -> None:
    site.write("_headers", "/*\n  X-A: 1\n  oops\n")
    name, *rest = command
    site.cli(name, *rest).refused("_headers:3", "'oops'", "Name: value")


@pytest.mark.parametrize("command", [("run",), ("fetch", "id", "/x")], ids=lambda command: command[0])
def test_no_worker(site: Site, command: tuple[str, ...]) -> None:
    (site.folder / "worker.py").unlink()
    name, *rest = command
    site.cli(name, *rest).refused(
        "there is no worker", str(site.folder), "worker.py or sw.js", "--worker FILE"
    )
    assert not list(site.folder.iterdir())


def test_a_worker_or_page_that_is_named_and_not_there(site: Site) -> None:
    site.cli("run", "--worker", "other.py").refused("--worker", "'other.py'", str(site.folder))
    site.cli("run", "--page", "other.py").refused("--page", "'other.py'", str(site.folder))
    outside = site.folder.parent / "outside.py"
    outside.write_text("")
    for name in ("../outside.py", outside):
        site.cli("run", "--worker", name).refused("--worker", "outside.py")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("frobnicate",), ("there is no command 'frobnicate'", "'run', 'serve', 'fetch'")),
        (("SITE",), ("there is no command", "did you mean 'run ")),
        (("--verison",), ("there is no option '--verison'", "did you mean '--version'?")),
        (("--json", "run", "SITE"), ("there is no option '--json'", "swruntime --help")),
        (("rnu", "SITE"), ("there is no command 'rnu'", "did you mean 'run'?")),
        (("stat", "SITE"), ("there is no command 'stat'", "did you mean 'status'?")),
        (("--print-completion", "fish"), ("'fish' is not one of bash, zsh, tcsh",)),
        (("fetch", "SITE", "id"), ("URL",)),
        (("fetch", "SITE"), ("ID", "URL")),
        (("abort", "SITE"), ("ID",)),
        (("run",), ("SITE",)),
        (("run", "SITE", "--nonsense"), ("there is no option '--nonsense'", "swruntime run --help")),
        (
            ("run", "SITE", "--page=a.js", "--pgae=b.js"),
            ("there is no option '--pgae'", "did you mean '--page'?"),
        ),
        (("fetch", "SITE", "id", "/x", "--output", "y"), ("no option '--output'", "swruntime fetch --help")),
        (("status", "SITE", "--jsno"), ("did you mean '--json'?", "swruntime status --help")),
        (("status", "SITE", "more"), ("'more' is one argument too many", "swruntime status --help")),
        (("cache", "SITE", "a", "/b", "/c"), ("'/c' is one argument too many",)),
        (("clear", "SITE", "--force", "yes"), ("'yes' is one argument too many",)),
        (("serve", "SITE", "--port", "http"), ("--port", "'http' is not a whole number")),
        (("serve", "SITE", "--upstream"), ("--upstream", "expected one argument")),
        (("scenario",), ("FILE",)),
        (("scenario", "SITE/none.toml"), ("none.toml",)),
        (("run", "SITE", "--scenario", "SITE/none.toml"), ("none.toml",)),
        (("run", "SITE", "--cacert", "SITE/none.pem"), ("cacert", "none.pem")),
        (("run", "SITE", "--cookie-jar", "SITE/none.txt"), ("none.txt",)),
        (("run", "SITE", "--replay", "SITE/none.har"), ("none.har",)),
        (("run", "SITE", "--proxy", "socks5://localhost:1"), ("--proxy", "socks5")),
        (("run", "SITE", "--resolve", "a:b"), ("--resolve", "a:b")),
        (("run", "SITE", "--proxy", "http://localhost:1", "--no-proxy"), ("--no-proxy", "--proxy")),
        (("conformance", "performs"), ("there is no algorithm 'performs'", "did you mean 'perform'?")),
        (("run", "SITE", "--quota", "much"), ("--quota", "'much'", "10G")),
        (("run", "SITE", "--give-up", "0"), ("--give-up", "'0'", "seconds, more than 0")),
        (("run", "SITE", "--give-up", "soon"), ("--give-up", "'soon'", "seconds")),
        (("run", "SITE", "--give-up", "nan"), ("--give-up", "'nan'", "seconds")),
        (("run", "SITE", "--permission", "maybe"), ("--permission", "'maybe'", "denied")),
        (("run", "SITE", "--conditions", "5g"), ("--conditions", "'5g'", "slow-3g")),
        (("run", "SITE", "--seed", "x"), ("--seed", "'x' is not a whole number")),
        (("run", "SITE", "--expect", "id"), ("--expect", "'id'", "ID=RESULT", "bad-status")),
        (("run", "SITE", "--expect", "id=well"), ("--expect", "'id=well'", "success")),
        (("run", "SITE", "--expect", "=success"), ("--expect", "'=success'", "ID=RESULT")),
        (("run", "SITE", "--give", "3"), ("there is no option '--give'", "did you mean '--give-up'?")),
        (("fetch", "SITE", "id", "/x", "-H", "none"), ("--header", "'none'", "'Name: value'")),
        (("fetch", "SITE", "id", "/x", "--download-total", "-1"), ("--download-total", "'-1'", "20MiB")),
        (("fetch", "SITE", "id", "/x", "--download-total", "8P"), ("--download-total", "'8P'", "9007199")),
        (("fetch", "SITE", "id", "/x", "--download-total", "9" * 25), ("--download-total", "9" * 25)),
        (("fetch", "SITE", "", "/x"), ("id is ''",)),
        (("fetch", "SITE", "id", "http://"), ("'http://'", "does not parse")),
        (("fetch", "SITE", "id", "http://me:secret@host/"), ("http://me:secret@host/", "credentials")),
        (("fetch", "SITE", "id", "ftp://host/x"), ("ftp://host/x", "http")),
        (("fetch", "SITE", "id", "/x", "--icon", "http://"), ("http://", "does not parse")),
        (("fetch", "SITE", "id", "/x", "--header", "Cookie: x"), ("--header", "Cookie")),
        (("fetch", "SITE", "id", "/x", "--header", "a b: x"), ("'a b'", "header name")),
        (("run", "SITE", "--scope", "http://elsewhere/"), ("http://elsewhere/",)),
        (("run", "SITE", "--scope", "http://"), ("http://",)),
        (("run", "SITE", "--trace", "SITE/none/trace"), ("--trace", "none/trace", "cannot be written")),
        (("run", "SITE", "--origin", "nonsense"), ("origin", "'nonsense'", "http://HOST")),
        (("run", "SITE", "--origin", "http://host/path"), ("origin", "'http://host/path'", "http://HOST")),
        (("run", "SITE", "--profile", "SITE/worker.py"), ("--profile", "worker.py", "is not a folder")),
        (("run", "SITE", "--profile", "SITE/worker.py/p"), ("--profile", "worker.py", "is not a folder")),
        (("status", "SITE"), ("there is no profile",)),
        (("cache", "SITE"), ("there is no profile",)),
        (("abort", "SITE", "id"), ("there is no background fetch 'id'", "none")),
        (("resume", "SITE", "--drop", "id"), ("there is no background fetch 'id'", "none")),
        (("cache", "SITE", "-o", "f"), ("--output", "name the cache and the URL")),
        (("cache", "SITE", "c", "u", "--output-dir", "d"), ("--output-dir", "name the cache, and no URL")),
        (("cache", "SITE", "--delete"), ("--delete", "name of a cache")),
        (("cache", "SITE", "c", "u", "--output", "f", "--delete"), ("--output and --delete",)),
        (("cache", "SITE", "c", "u", "--output", "-", "--json"), ("--output -", "--json")),
    ],
)
def test_one_line_names_what_was_wrong(site: Site, arguments: tuple[str, ...], said: tuple[str, ...]) -> None:
    given = [each.replace("SITE", str(site.folder)) for each in arguments]
    result = site.main(*given)
    result.refused(*said)
    assert result.out == ""


def test_what_is_refused_leaves_no_background_fetch(site: Site) -> None:
    site.cli("fetch", "id", "http://").refused("does not parse")
    assert site.status()["background_fetches"] == []


def test_an_id_again_with_other_requests_is_refused_and_the_first_is_left_asleep(site: Site) -> None:
    site.write("x.bin", b"x")
    assert site.cli("fetch", "a", "/x.bin", "--conditions", "offline").status == 1
    site.cli("fetch", "a", "/other").refused("'a'", "has other requests", "/x.bin")
    site.cli("fetch", "a", "/x.bin", "/other").refused("has other requests")
    site.cli("fetch", "a", "/x.bin", "--header", "X-Other: 1").refused("has other requests")
    (fetch,) = site.status()["background_fetches"]
    assert (fetch["state"], fetch["downloaded"]) == ("pending", 0)
    # With the same it goes on.
    assert site.cli("fetch", "a", "/x.bin").status == 0
    assert site.cached("/x.bin") == b"x"


def test_another_origin_than_the_profiles(site: Site, server: Server) -> None:
    assert site.cli("run", "--origin", server.url).status == 0
    for command in (("run",), ("resume",), ("status",), ("cache",), ("clear",)):
        result = site.cli(*command, "--origin", "http://elsewhere.test:81")
        result.refused("http://elsewhere.test:81", server.url)
    assert site.cli("run").status == 0, "the profile keeps its origin"
    assert site.status()["origin"] == server.url


def test_an_origin_where_the_sites_files_answered(site: Site, server: Server) -> None:
    assert site.cli("run").status == 0
    site.cli("run", "--origin", server.url).refused(server.url, "http://localhost:8400")


def test_a_profile_that_is_none(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(b"cat")
    for command in (("run",), ("resume",), ("status",), ("cache",), ("abort", "x"), ("clear",)):
        site.cli(*command, "--profile", folder).refused(str(folder), "not a profile")
    assert [path.name for path in folder.iterdir()] == ["cat.jpg"]
    (folder / "cat.jpg").rename(folder / "profile.sqlite3")
    for command in (("run",), ("status",), ("clear",)):
        site.cli(*command, "--profile", folder).refused(str(folder), "not a profile")


def test_a_profile_of_a_later_version(site: Site) -> None:
    assert site.cli("run").status == 0
    database = sqlite3.connect(site.folder / ".swruntime" / "profile.sqlite3")
    database.execute("PRAGMA user_version = 999")
    database.close()
    for command in (("run",), ("resume",), ("status",), ("cache",)):
        site.cli(*command).refused("a later version", "999")


@pytest.mark.parametrize("check", [(), ("--check",)])
def test_a_profile_that_is_damaged(site: Site, check: tuple[str, ...]) -> None:
    assert site.cli("run").status == 0
    database = site.folder / ".swruntime" / "profile.sqlite3"
    whole = database.read_bytes()
    database.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    site.cli("status", *check).refused("damaged" if not check else "the database", status=1 if check else 2)
    if not check:
        site.cli("run").refused("damaged")


def test_clear_of_what_is_not_there_says_so_and_is_done(site: Site) -> None:
    result = site.cli("clear")
    assert result.status == 0
    assert "nothing to forget" in result.err


def test_resume_of_what_is_not_there_makes_no_profile(site: Site) -> None:
    result = site.cli("resume")
    assert (result.status, result.out) == (0, "")
    assert "nothing to resume" in result.err
    assert not (site.folder / ".swruntime").exists()


def test_the_help_has_its_command_too(site: Site) -> None:
    assert site.main("help") == site.main("--help")
    assert site.main("help", "run") == site.main("run", "--help")
    site.main("help", "rnu").refused("did you mean 'run'?")


def test_no_command_at_all_shows_the_help(site: Site) -> None:
    result = site.main()
    assert (result.status, result.out) == (2, "")
    assert result.err == site.main("--help").out


@pytest.mark.parametrize("wrong", [("resume", "--drop"), ("resume", "--retry"), ("abort",)], ids=" ".join)
def test_an_id_that_is_nearly_one(site: Site, wrong: tuple[str, ...]) -> None:
    site.write("x.bin", b"x")
    assert site.cli("fetch", "episode", "/x.bin", "--conditions", "offline").status == 1
    name, *option = wrong
    site.cli(name, *option, "epsiode").refused("no background fetch 'epsiode'", "did you mean 'episode'?")
    site.cli(name, *option, "film").refused("no background fetch 'film'", "there are: 'episode'")


def test_a_cache_that_is_nearly_one(site: Site) -> None:
    site.write("x.bin", b"x")
    assert site.cli("fetch", "a", "/x.bin").status == 0
    (cache,) = site.cli("cache", "--json").object["caches"]
    name = cache["name"]
    site.cli("cache", name + "s").refused(f"there is no cache '{name}s'", f"did you mean '{name}'?")
    site.cli("cache", "zzz").refused("there is no cache 'zzz'", f"there are: '{name}'")


def _examples() -> list[str]:
    return [example for command in commands(grammar()) for example in command.examples]


@pytest.mark.parametrize("example", _examples())
def test_each_example_of_the_help_is_understood(example: str) -> None:
    program, *arguments = shlex.split(example)
    assert program == "swruntime"
    parse(arguments)


def test_each_command_has_examples_and_its_help_begins_with_the_common_options(site: Site) -> None:
    assert all(command.examples for command in commands(grammar()))
    help = site.main("run", "--help").out
    where = [
        help.index(each) for each in ("SITE", "--worker", "--scenario", "--json", "--proxy", "--monitor")
    ]
    assert where == sorted(where)
    assert "usage: swruntime run [OPTIONS] SITE\n" in help


@pytest.mark.parametrize("shell", SHELLS)
def test_what_makes_a_shell_complete(site: Site, shell: str) -> None:
    result = site.main("--print-completion", shell)
    assert result.status == 0
    for name in ("conformance", "--scenario", "--output-dir"):
        assert name in result.out


def test_bash_completes_commands_and_options(site: Site) -> None:
    script = site.main("--print-completion", "bash").out
    asked = """
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "$completer"; printf '%s\n' "${COMPREPLY[@]}"
    """
    (line,) = [line for line in script.splitlines() if line.startswith("complete ")]
    completer = line.split(" -F ")[1].split()[0]

    def complete(*words: str) -> set[str]:
        ended = subprocess.run(
            ["bash", "-c", f"{script}\ncompleter={completer}\n{asked}", "bash", *words],
            capture_output=True,
            text=True,
            check=True,
        )
        return set(ended.stdout.split())

    assert {"run", "resume"} <= complete("swruntime", "r")
    assert complete("swruntime", "run", "--sce") == {"--scenario"}


def test_version_and_help(site: Site) -> None:
    version = site.main("--version")
    assert version.status == 0
    assert version.out.startswith("swruntime ")
    help = site.main("--help")
    assert help.status == 0
    for command in SITE_COMMANDS:
        assert command[0] in help.out
        assert site.main(command[0], "--help").status == 0


def test_no_room_to_make_a_profile(site: Site, tmp_path: Path) -> None:
    """A file system without a byte left: what a process that may not write any file's byte sees too."""
    shutil.rmtree(site.folder / ".swruntime", ignore_errors=True)
    result = site.process("run", preexec_fn=_no_file_may_grow)
    result.refused("no room", status=1)
    assert site.cli("run").status == 0


def _no_file_may_grow() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
