"""--proxy, --no-proxy, and what the environment says of proxies."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import trustme

from swruntime.cli.arguments import parse
from swruntime.cli.session import proxies_of
from tests.cli.conftest import Server, Site
from tests.network.proxy_server import ProxyServer, proxy_server

HOST = "files.example"
CORS = {"Access-Control-Allow-Origin": "*"}
EXPECTED = "expected http://[USER:PASSWORD@]HOST[:PORT], or https://"


@pytest.fixture
def proxy() -> Iterator[ProxyServer]:
    with proxy_server() as proxy:
        yield proxy


def elsewhere(server: Server, noise: bytes) -> str:
    """The URL of a file on a host that only a proxy finds."""
    server.add("/a", noise, headers=CORS)
    return f"http://{HOST}:{server.port}/a"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_environment_names_one(
    site: Site,
    server: Server,
    proxy: ProxyServer,
    noise: bytes,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = elsewhere(server, noise)
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    result = site.cli("fetch", "a", url)
    assert result.status == 0, result.err
    assert site.cached(url) == noise
    assert proxy.lines == [f"GET {url} HTTP/1.1"]
    told = f"requests go through the proxy http://127.0.0.1:{proxy.port} ({name}), the first one to {HOST} [proxy]"
    assert (result.out + result.err).count(told) == 1


def test_nothing_else_comes_to_standard_output(
    site: Site,
    server: Server,
    proxy: ProxyServer,
    noise: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = elsewhere(server, noise)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:secret@127.0.0.1:{proxy.port}")
    recorded, traced = tmp_path / "recorded.har", tmp_path / "trace.jsonl"
    result = site.cli("fetch", "a", url, "--json", "--strict", "--record", recorded, "--trace", traced)
    assert result.status == 0, result.err
    assert proxy.asked[0].headers["proxy-authorization"].startswith("Basic ")
    for file in (recorded, traced):
        text = file.read_text()
        assert "secret" not in text
        assert "authorization" not in text.lower()
    (line,) = [line for line in result.of("diagnostic") if line["code"] == "proxy"]
    assert f"http://127.0.0.1:{proxy.port} (HTTP_PROXY)" in line["message"]
    assert "secret" not in result.out + result.err


def test_https_through_a_tunnel(
    site: Site, proxy: ProxyServer, noise: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    secure = Server(context)
    try:
        secure.add("/a", noise, headers=CORS)
        url = f"https://{HOST}:{secure.port}/a"
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
        result = site.cli("fetch", "a", url, "--cacert", file)
        assert result.status == 0, result.err
        assert site.cached(url) == noise
    finally:
        secure.close()
    assert proxy.lines == [f"CONNECT {HOST}:{secure.port} HTTP/1.1"]


def test_loopback_goes_directly_unless_the_option_is_given(
    site: Site, server: Server, proxy: ProxyServer, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add("/a", noise, headers=CORS)
    url = f"http://localhost:{server.port}/a"
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    result = site.cli("fetch", "a", url, "--json")
    assert result.status == 0, result.err
    assert [line for line in result.of("diagnostic") if line["code"] == "proxy"] == []
    result = site.cli("fetch", "b", url, "--proxy", f"127.0.0.1:{proxy.port}", "--json")
    assert result.status == 0, result.err
    assert proxy.lines == [f"GET {url} HTTP/1.1"]
    (line,) = [line for line in result.of("diagnostic") if line["code"] == "proxy"]
    assert "(--proxy)" in line["message"]


def test_the_option_goes_before_the_environment(
    site: Site, server: Server, proxy: ProxyServer, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_PROXY included; what is wrong there is not looked at either."""
    url = elsewhere(server, noise)
    monkeypatch.setenv("HTTP_PROXY", "nonsense://x")
    monkeypatch.setenv("NO_PROXY", "*")
    site.page(url)
    result = site.cli("run", "--proxy", f"http://127.0.0.1:{proxy.port}")
    assert result.status == 0, result.err
    assert proxy.lines == [f"GET {url} HTTP/1.1"]


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (["--no-proxy"], {}),
        ([], {"NO_PROXY": "b.test, .example"}),
        ([], {"no_proxy": "*"}),
        ([], {"REQUEST_METHOD": "GET"}),
    ],
)
def test_none(options: list[str], variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a CGI script has HTTP_PROXY from who asks it: https://httpoxy.org"""
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:1")
    assert proxies_of(parse(["run", "site"])).proxy_for("http", HOST, 80) is not None
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxies_of(parse(["run", "site", *options])).proxy_for("http", HOST, 80) is None


@pytest.mark.parametrize("command", ["run", "fetch", "resume", "serve", "abort"])
def test_what_is_not_a_proxy_is_refused(site: Site, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"fetch": ("a", "/a"), "abort": ("a",)}.get(command, ())
    result = site.cli(command, *arguments, "--proxy", "ftp://user:secret@proxy")
    result.refused(f"argument --proxy: --proxy is 'ftp://***@proxy'; {EXPECTED}")
    if command not in ("resume", "abort"):  # which find nothing to do
        monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@:80")
        result = site.cli(command, *arguments)
        result.refused(f"HTTPS_PROXY is 'http://***@:80'; {EXPECTED}")
    assert not (site.folder / ".swruntime").exists()


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h"])
def test_socks_is_refused_by_name(site: Site, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{scheme}://127.0.0.1:1080"
    site.cli("run", "--proxy", url).refused("--proxy", url, "SOCKS proxies are not supported")
    monkeypatch.setenv("all_proxy", url)
    site.cli("run").refused("all_proxy", url, "SOCKS proxies are not supported")
    site.cli("status").refused("profile")  # which asks nobody


def test_one_of_the_two_options(site: Site) -> None:
    result = site.cli("run", "--proxy", "http://127.0.0.1:1", "--no-proxy")
    result.refused("argument --no-proxy: not allowed with argument --proxy")


def test_a_login_that_is_missing_ends_it_at_once(
    site: Site, server: Server, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not be another one later."""
    elsewhere(server, noise)
    with proxy_server(login="Basic x") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{proxy.port}")
        result = site.cli("fetch", "a", f"https://{HOST}/a", "--json")
    assert result.status == 1
    (settled,) = result.of("record.settle")
    assert (settled["result"], settled["cause"]) == ("fetch-error", "proxy")
    assert (
        f"the proxy http://127.0.0.1:{proxy.port} does not take the user and the password"
        in settled["message"]
    )
    assert len(proxy.lines) == 1
    assert "secret" not in result.out + result.err


def test_a_pages_fetch_goes_through_it_too(
    site: Site, server: Server, proxy: ProxyServer, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = elsewhere(server, noise)
    text = f"async def main():\n    print(len(await (await fetch({url!r})).bytes()))\n"
    site.write("page.py", text)
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.port}")
    result = site.cli("run", "--json")
    assert result.status == 0, result.err
    assert result.console == [str(len(noise))]
    assert proxy.lines == [f"GET {url} HTTP/1.1"]


def test_what_is_served_comes_from_its_upstream_through_it(
    site: Site, server: Server, proxy: ProxyServer, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = elsewhere(server, noise)
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.port}")
    program = site.start("serve", "--port", "0", "--json", "--upstream", url.removesuffix("/a"))
    origin = program.until("agent.open")["origin"]
    connection = HTTPConnection("127.0.0.1", int(origin.rpartition(":")[2]))  # which knows no proxies
    connection.request("GET", "/a")
    assert connection.getresponse().read() == noise
    connection.close()
    program.interrupt()
    program.end()
    assert f"GET {url} HTTP/1.1" in proxy.lines
