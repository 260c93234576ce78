"""`run`: pages and workers, what they raise, and what the exit status says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Server, Site


def test_a_page_fetches_and_the_worker_keeps(site: Site, noise: bytes) -> None:
    site.write("x.bin", noise)
    site.page("/x.bin")
    result = site.cli("run")
    assert result.status == 0, result.err
    assert result.err == ""
    assert "success" in result.out
    assert site.cached("/x.bin") == noise
    # Once more there is nothing left to do.
    assert site.cli("run", "--json").of("fetch.start") == []


def test_without_a_page_script_the_worker_is_registered(site: Site) -> None:
    assert site.cli("run").status == 0
    (registration,) = site.status()["registrations"]
    assert registration["active"]["state"] == "activated"
    assert registration["active"]["script"].endswith("/worker.py")


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_worker_with_a_syntax_error(site: Site, json: tuple[str, ...]) -> None:
    site.write("worker.py", "x = 1\ndef f(:\n")
    site.cli("run", *json).refused("worker.py:2", "SyntaxError", status=1)


def test_a_worker_that_raises_while_it_is_evaluated(site: Site) -> None:
    site.write("worker.py", "x = 1\n\nraise ValueError('not today')\n")
    site.cli("run").refused("worker.py:3", "ValueError: not today", status=1)
    site.cli("fetch", "a", "/x").refused("worker.py:3", "ValueError: not today", status=1)
    assert site.status()["registrations"] == []


def test_a_worker_whose_install_fails(site: Site) -> None:
    site.write("worker.py", "async def oninstall(event):\n    raise LookupError('no shell')\n")
    site.cli("run").refused("worker.py:2", "LookupError: no shell", status=1)


def test_a_module_of_the_site_that_raises(site: Site) -> None:
    site.write("worker.py", "import tools\n")
    site.write("tools.py", "x = 1\n1 / 0\n")
    site.cli("run").refused("tools.py:2", "ZeroDivisionError", status=1)


def test_a_handler_that_raises(site: Site) -> None:
    site.write("x.bin", b"x")
    site.write("worker.py", "async def onbackgroundfetchsuccess(event):\n    raise KeyError('episode')\n")
    site.page("/x.bin")
    result = site.cli("run")
    result.refused("worker.py:2", "KeyError: 'episode'", status=1)
    assert "backgroundfetchsuccess ended rejected" in result.out


def test_a_page_that_raises(site: Site) -> None:
    site.write("page.py", "async def main():\n    raise KeyError('page')\n")
    site.cli("run").refused("page.py:2", "KeyError: 'page'", status=1)
    site.write("page.py", "x = (\n")
    site.cli("run").refused("page.py:1", "SyntaxError", status=1)
    site.write("page.py", "def main():\n    pass\n")
    site.cli("run").refused("main is not an 'async def'", status=1)


def test_a_page_that_raises_keeps_nobody_else_from_going_on(site: Site, noise: bytes) -> None:
    site.write("bad.py", "async def main():\n    raise KeyError('page')\n")
    site.write("x.bin", noise)
    site.page("/x.bin")
    result = site.cli("run", "--page", "bad.py", "--page", "page.py", "--json")
    assert (result.status, result.err) == (1, "swruntime: bad.py:2: KeyError: 'page'\n")
    (said,) = [line for line in result.of("console") if line["level"] == "error"]
    assert (said["text"], said["where"]) == ("KeyError: 'page'", "bad.py:2")
    assert site.cached("/x.bin") == noise


def test_two_pages_run_at_the_same_time(site: Site) -> None:
    site.write("x.bin", b"x")
    site.write("y.bin", b"y")
    site.page("/x.bin", "a", "one.py")
    site.page("/y.bin", "b", "two.py")
    result = site.cli("run", "--page", "one.py", "--page", site.folder / "two.py", "--json")
    assert result.status == 0
    assert {line["id"] for line in result.of("fetch.settle")} == {"a", "b"}
    assert (site.cached("/x.bin"), site.cached("/y.bin")) == (b"x", b"y")


def test_another_worker_and_scope(site: Site) -> None:
    site.write("other folder/other.py", "console.log('evaluated ' + location.pathname)\n")
    site.write("page.py", "async def main():\n    await navigator.service_worker.ready\n    print('ready')\n")
    result = site.cli("run", "--worker", "other folder/other.py", "--json")
    assert result.status == 0
    assert "evaluated /other%20folder/other.py" in result.console
    assert "ready" in result.console, "the page is opened in the scope"
    assert site.cli("run", "--scope", "/sub/").status == 0
    scopes = {registration["scope"] for registration in site.status()["registrations"]}
    assert scopes == {"http://localhost:8400/other%20folder/", "http://localhost:8400/sub/"}


def test_a_module_under_site_is_evaluated_anew_at_each_start(site: Site) -> None:
    site.write("tools.py", "said = 'first'\n")
    site.write("worker.py", "import tools\nprint(tools.said)\n")
    assert site.cli("run", "--json").console[0] == "first"
    site.write("tools.py", "said = 'second, longer'\n")
    site.write("x.bin", b"x")
    site.page("/x.bin")
    assert "second, longer" in site.cli("run", "--json").console


def test_what_ends_otherwise_than_success_is_told_once_and_counts(site: Site) -> None:
    site.page("/none.bin")
    result = site.cli("run")
    result.refused("background fetch 'a' ended with bad-status", "404", status=1)


@pytest.mark.parametrize("expected", ["a=bad-status", "a=failure"])
def test_what_was_expected_is_no_failure(site: Site, expected: str) -> None:
    site.page("/none.bin")
    result = site.cli("run", "--expect", expected)
    assert (result.status, result.err) == (0, "")


def test_what_was_expected_and_did_not_come(site: Site) -> None:
    site.write("x.bin", b"x")
    site.page("/x.bin")
    result = site.cli("run", "--expect", "a=aborted")
    result.refused("background fetch 'a' ended with success, not with aborted", status=1)
    result = site.cli("run", "--expect", "b=success")
    result.refused("--expect b=success", "no background fetch of that id", status=1)


def test_an_id_may_have_equals_signs(site: Site) -> None:
    assert site.cli("fetch", "x=y=z", "/none.bin", "--expect", "x=y=z=bad-status").status == 0


def test_offline_waits_for_the_user_and_says_so(site: Site) -> None:
    site.write("x.bin", b"x")
    site.page("/x.bin")
    result = site.cli("run", "--conditions", "offline")
    result.refused("'a'", "/x.bin", "offline", "--scenario", status=1)
    assert "waits (offline)" in result.out
    assert site.cli("run").status == 0
    assert site.cached("/x.bin") == b"x"


def test_of_many_that_wait_some_are_named(site: Site) -> None:
    urls = [f"/{number}" for number in range(10)]
    result = site.cli("fetch", "many", *urls, "--conditions", "offline")
    result.refused("/0 waits", "/2 waits", "and 7 more", status=1)
    assert "/3 waits" not in result.err


def test_permission_denied(site: Site) -> None:
    site.page("/x.bin")
    site.cli("run", "--permission", "denied").refused("NotAllowedError", "denied", status=1)
    site.cli("fetch", "a", "/x.bin", "--permission", "denied").refused("NotAllowedError", "denied", status=1)
    assert site.status()["background_fetches"] == []


def test_permission_prompt_waits_for_the_user(site: Site) -> None:
    site.write("x.bin", b"x")
    site.cli("fetch", "a", "/x.bin", "--permission", "prompt").refused("'a'", "permission", status=1)
    (fetch,) = site.status()["background_fetches"]
    assert fetch["state"] == "paused"
    assert "permission" in fetch["waits_for"]


def test_the_quota(site: Site, noise: bytes) -> None:
    site.write("x.bin", noise)
    result = site.cli("fetch", "a", "/x.bin", "--quota", "100KiB")
    result.refused("quota-exceeded", status=1)
    result = site.cli("fetch", "a", "/x.bin", "--quota", "100KiB", "--download-total", "200KiB")
    result.refused("QuotaExceededError", "204800", status=1)
    assert site.cli("fetch", "a", "/x.bin", "--quota", "1MiB").status == 0


def test_web_security_and_without(site: Site, server: Server) -> None:
    url = server.add("/x.bin", b"x")
    result = site.cli("fetch", "a", url)
    result.refused("fetch-error", "Access-Control-Allow-Origin", status=1)
    result = site.cli("fetch", "a", url, "--disable-web-security", "--json")
    assert result.status == 0, result.err
    assert any(line["code"] for line in result.of("diagnostic"))
    assert site.cached(url) == b"x"


def test_conditions_hold_from_the_start(site: Site) -> None:
    site.write("x.bin", b"x")
    result = site.cli("fetch", "a", "/x.bin", "--conditions", "fast-4g", "--json")
    assert result.status == 0
    assert result.of("network.change")[0]["name"] == "fast-4g"


def test_the_seed_is_in_the_trace(site: Site) -> None:
    assert site.cli("run", "--seed", "7", "--json").lines[0]["seed"] == 7


def test_the_trace_goes_to_a_file_as_well(site: Site) -> None:
    site.write("x.bin", b"x")
    site.page("/x.bin")
    path = site.folder.parent / "trace.jsonl"
    result = site.cli("run", "--json", "--trace", path)
    assert path.read_text() == result.out
    result = site.cli("run", "--trace", path)
    assert path.read_text() != ""
    assert "agent.open" not in result.out


def test_text_that_no_encoding_has_is_json_all_the_same(site: Site) -> None:
    site.write("worker.py", r"print('half \ud83d of it', 'whole \U0001f600', 'two\nlines')")
    result = site.cli("run", "--json")
    assert result.status == 0
    assert result.console == ["half \ud83d of it whole \U0001f600 two\nlines"]
    site.cli("clear")
    result = site.cli("run")
    assert result.status == 0
    assert r"half \ud83d of it" in result.out
    assert "two\n          lines" in result.out


def test_a_name_that_does_not_resolve_waits_visibly_and_ends(site: Site) -> None:
    result = site.cli("fetch", "a", "http://nowhere.invalid/", "--give-up", "0.5", "--json")
    result.refused("fetch-error", "nowhere.invalid", "gave up", status=1)
    assert {line["reason"] for line in result.of("record.wait")} == {"dns"}
    (settled,) = result.of("record.settle")
    assert (settled["result"], settled["cause"]) == ("fetch-error", "dns")


def test_the_sites_origin_elsewhere(site: Site, server: Server, noise: bytes) -> None:
    server.add("/x.bin", noise)
    site.page("/x.bin")
    site.write("x.bin", b"not this one")
    result = site.cli("run", "--origin", server.url, "--json")
    assert result.status == 0
    assert result.lines[0]["origin"] == server.url
    assert site.cached("/x.bin") == noise
    assert all(asked.path != "/worker.py" for asked in server.asked), "scripts are taken from SITE"


def test_a_profile_elsewhere(site: Site) -> None:
    site.write("x.bin", b"x")
    profile = site.folder.parent / "deep" / "profile"
    assert site.cli("fetch", "a", "/x.bin", "--profile", profile).status == 0
    assert not (site.folder / ".swruntime").exists()
    caches = site.cli("status", "--profile", profile, "--json").object["caches"]
    assert [(cache["name"], cache["entries"], cache["bytes"]) for cache in caches] == [("kept", 1, 1)]
    assert site.cli("clear", "--profile", profile).status == 0
    assert not profile.exists()


def test_without_a_page_script_it_says_so(site: Site) -> None:
    assert site.cli("run").out.startswith("there is no page.py or page.js in")
    site.write("index.html", "<script src=app.js></script>")
    assert "not index.html (app.js)" in site.cli("run").out
    assert "--page app.js" in site.cli("run").out
    site.write("index.html", "<p>no script")
    assert "--page FILE" in site.cli("run").out
    assert "index.html" not in site.cli("run", "--json").out
    site.page("/x")
    assert "index.html" not in site.cli("run").out


def test_of_two_workers_it_names_the_one_that_is_not_run(site: Site) -> None:
    site.write("sw.js", "")
    assert "worker.py is run; --worker sw.js runs sw.js instead" in site.cli("run").out
    assert "sw.js" not in site.cli("run", "--worker", "worker.py").out
