"""Proxies: what reaches them, what reaches the target behind them, what the environment asks for, and what becomes of a proxy that fails."""

import contextlib
import re
import ssl
import time

import pytest

from certificates import over_tls
from conftest import check_result, outputs, reasons, says
from proxies import basic, proxy, reach, splice
from servers import always, answer, free_port

ONE = ["-m", "1", "--requests", "5", "-t", "20s"]
FEW = ["-m", "4", "-r", "4", "--requests", "40", "-t", "20s"]
SECRET = "Pa55-w0rd"
USER = f"anna:{SECRET}"

pytestmark = pytest.mark.option("proxy")


def with_user(url, userinfo=USER):
    return url.replace("://", f"://{userinfo}@")


@pytest.fixture
def site(nginx_with):
    """An nginx whose log tells what came."""
    return nginx_with('server { listen 127.0.0.1:PORT; location / { return 200 "ok\\n"; } }')


SITE_TLS = """server {
    listen 127.0.0.1:PORT ssl; ssl_certificate CERT; ssl_certificate_key KEY; ssl_verify_client optional_no_ca;
    location / { return 200 "ok\\n"; }
}"""


@pytest.fixture
def tls_site(nginx_with, made):
    """The same over TLS, for localhost."""
    server = nginx_with(SITE_TLS.replace("CERT", made.good.cert).replace("KEY", made.good.key))
    server.url = f"https://localhost:{server.port}"
    return server


@pytest.fixture
def https_proxy(scripted, made):
    """https_proxy(script) starts a proxy by hand that speaks TLS."""

    def start(script, context=None):
        server = scripted(over_tls(context or made.good.context(), script))
        server.url = f"https://localhost:{server.port}"
        return server

    return start


# ---- http:// targets: the whole URL in the request line (RFC 9112 section 3.2.2)


def test_an_http_url_goes_whole_to_tinyproxy(strest, tinyproxy, site):
    by = tinyproxy()
    result = strest.measure("-u", site.url + "/a?b=c", "-p", by.url, *FEW)
    assert result["books"]["ok"] == 40 == len(site.lines())
    assert by.requests() == [f"GET {site.url}/a?b=c HTTP/1.1"] * 40
    assert {(line["request"], line["host"]) for line in site.lines()} == {("GET /a?b=c HTTP/1.1", f"127.0.0.1:{site.port}")}


def test_an_http_url_goes_whole_to_nginx_and_its_connections_are_kept(strest, forward_nginx, site):
    by = forward_nginx()
    result = strest.measure("-u", site.url + "/a?b=c", "--proxy", by.url, *FEW)
    assert result["books"]["ok"] == 40 == len(site.lines())
    assert {line["request"] for line in by.lines()} == {f"GET {site.url}/a?b=c HTTP/1.1"}
    assert {line["host"] for line in by.lines()} == {f"127.0.0.1:{site.port}"}
    assert result["connections"]["opened"] == len({line["connection"] for line in by.lines()}) == 4


def test_an_http_url_goes_whole_to_haproxy(strest, haproxy, tinyproxy, site):
    first = haproxy(tinyproxy().port)
    result = strest.measure("-u", site.url + "/", "--proxy-url", first.url, *ONE)
    assert result["books"]["ok"] == 5 == len(site.lines())
    assert [request["url"] for request in first.requests()] == [site.url + "/"] * 5


def test_a_body_goes_through_a_proxy(strest, scripted, forward_nginx):
    server, by = scripted(always(answer())), forward_nginx()
    result = strest.measure("-u", server.url + "/in", "-p", by.url, "-X", "post", "-d", "x" * 100_000, *ONE)
    assert result["books"]["ok"] == 5
    assert {(request.method, request.path, len(request.body)) for request in server.requests} == {("POST", "/in", 100_000)}


def test_the_host_of_an_http_url_is_looked_up_by_the_proxy_alone(strest, scripted):
    server = scripted(always(answer()))
    by = scripted(proxy({"target.test": ("127.0.0.1", server.port)}))
    result = strest.measure("-u", "http://target.test/x", "-p", by.url, *ONE)
    assert result["books"]["ok"] == 5 == server.counted
    assert {(request.path, *request.values("Host")) for request in by.requests} == {("http://target.test/x", "target.test")}


# ---- https:// targets: a tunnel (RFC 9110 section 9.3.6)


def test_an_https_url_goes_through_a_tunnel_of_tinyproxy(strest, tinyproxy, tls_site, made):
    by = tinyproxy(connect_ports=[tls_site.port])
    result = strest.measure("-u", tls_site.url + "/a", "-p", by.url, "--cacert", made.root.cert, *FEW)
    assert result["books"]["ok"] == 40 == len(tls_site.lines())
    assert {(line["request"], line["sni"], line["host"]) for line in tls_site.lines()} == {("GET /a HTTP/1.1", "localhost", f"localhost:{tls_site.port}")}
    opened = result["connections"]["opened"]
    assert by.requests() == [f"CONNECT localhost:{tls_site.port} HTTP/1.1"] * opened
    assert opened == len({line["connection"] for line in tls_site.lines()}) == result["connections"]["handshakes_full"] == 4
    assert result["tls"]["verified"] is True


def test_an_https_url_goes_through_a_tunnel_to_caddy(strest, tinyproxy, caddy, made):
    site = caddy('respond "hello"', made.good)
    by = tinyproxy(connect_ports=[site.port])
    result = strest.measure("-u", site.url + "/", "-p", by.url, "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == 5
    assert by.requests() == [f"CONNECT localhost:{site.port} HTTP/1.1"]


def test_a_port_that_is_the_schemes_own_stands_in_connect(strest, scripted, https_proxy, tls_site, made):
    by = scripted(proxy({"localhost:443": ("127.0.0.1", tls_site.port)}))
    result = strest.measure("-u", "https://localhost/", "-p", by.url, "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == 5
    assert [(request.method, request.path, request.values("Host")) for request in by.requests] == [("CONNECT", "localhost:443", ["localhost:443"])]


def test_an_ipv6_target_stands_in_brackets_in_connect(strest, scripted, made, ipv6):
    server = scripted(over_tls(made.good.context(), always(answer())), hosts=("::1",))
    by = scripted(proxy())
    result = strest.measure("-u", f"https://[::1]:{server.port}/", "-p", by.url, "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == 5
    assert [(request.method, request.path) for request in by.requests] == [("CONNECT", f"[::1]:{server.port}")]


def test_the_targets_certificate_is_checked_through_a_tunnel(strest, scripted, made):
    server = scripted(over_tls(made.wrong_host.context(), always(answer())))
    result = strest.measure("-u", f"https://localhost:{server.port}/", "-p", scripted(proxy()).url, "--cacert", made.root.cert, *ONE, code=3)
    assert set(reasons(result)) == {"tls/certificate_host"}
    assert server.counted == 0


def test_a_connect_that_is_answered_byte_by_byte_is_answered(strest, scripted, tls_site, made):
    def script(server, peer):
        request = server.read(peer)
        with reach({}, request.path, 443) as target:
            for byte in b"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 OK\r\nX-Proxy: yes\r\n\r\n":
                peer.send(bytes([byte]))
                time.sleep(0.001)
            splice(peer.sock, target)

    result = strest.measure("-u", tls_site.url + "/", "-p", scripted(script).url, "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == 5 == len(tls_site.lines())


# ---- https:// proxies


def test_an_http_url_goes_to_a_proxy_over_tls(strest, haproxy, tinyproxy, site, made):
    by = haproxy(tinyproxy().port, made.good)
    result = strest.measure("-u", site.url + "/", "-p", by.url, "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == 5 == len(site.lines())
    assert {(request["url"], request["sni"]) for request in by.requests()} == {(site.url + "/", "localhost")}
    assert result["connections"]["handshakes_full"] == result["connections"]["opened"]


def test_an_https_url_goes_to_a_proxy_over_tls_and_both_are_checked(strest, haproxy, tinyproxy, tls_site, made):
    by = haproxy(tinyproxy(connect_ports=[tls_site.port]).port, made.good)
    result = strest.measure("-u", tls_site.url + "/", "-p", by.url, "--cacert", made.root.cert, *FEW)
    assert result["books"]["ok"] == 40 == len(tls_site.lines())
    assert {(request["method"], request["url"]) for request in by.requests()} == {("CONNECT", f"localhost:{tls_site.port}")}
    assert len(by.requests()) == result["connections"]["opened"] == 4


def test_a_large_answer_comes_through_two_layers_of_tls(strest, https_proxy, scripted, made):
    body = bytes(range(256)) * 8192
    server = scripted(over_tls(made.good.context(), always(answer(body))))
    by = https_proxy(proxy())
    result = strest.measure("-u", f"https://localhost:{server.port}/", "-p", by.url, "--cacert", made.root.cert, "-X", "post", "-d", "y" * 100_000, *ONE)
    assert result["books"]["ok"] == 5
    assert {group["bytes"] for group in result["groups"] if group["by"] == "all"} == {5 * len(body)}
    assert {request.body for request in server.requests} == {b"y" * 100_000}


@pytest.mark.parametrize("fault", ["wrong_host", "untrusted", "expired"])
def test_the_certificate_of_a_proxy_is_checked(strest, https_proxy, tls_site, made, fault):
    by = https_proxy(proxy(), getattr(made, fault).context())
    result = strest.measure("-u", tls_site.url + "/", "-p", by.url, "--cacert", made.root.cert, *ONE, code=3)
    expected = {"wrong_host": "host", "untrusted": "untrusted", "expired": "expired"}[fault]
    assert set(reasons(result)) == {f"tls/certificate_{expected}"}
    assert by.counted == 0 and tls_site.lines() == []


@pytest.mark.option("cert")
def test_a_client_certificate_is_for_the_target_and_not_for_the_proxy(strest, https_proxy, scripted, made):
    shown = {"proxy": set(), "target": set()}

    def asking(name, script):
        context = made.good.context(verify_mode=ssl.CERT_OPTIONAL)
        context.load_verify_locations(made.root.cert)

        def noting(server, peer):
            shown[name].add(bool(peer.sock.getpeercert()))
            script(server, peer)

        return over_tls(context, noting)

    server, by = scripted(asking("target", always(answer()))), scripted(asking("proxy", proxy()))
    result = strest.measure("-u", f"https://localhost:{server.port}/", "-p", f"https://localhost:{by.port}", "--cacert", made.root.cert,
                            "--cert", made.client.cert, "--key", made.client.key, *ONE)
    assert result["books"]["ok"] == 5
    assert shown == {"proxy": {False}, "target": {True}}


# ---- a password


def test_nginx_gets_the_password_of_an_http_url(strest, forward_nginx, site):
    by = forward_nginx(USER)
    result = strest.measure("-u", site.url + "/", "-p", with_user(by.url), *ONE)
    assert result["books"]["ok"] == 5 == len(site.lines())
    assert {line["proxy_authorization"] for line in by.lines()} == {basic(USER)}
    assert {line["authorization"] for line in by.lines()} == {""}


def test_tinyproxy_gets_the_password_of_a_tunnel(strest, tinyproxy, tls_site, made):
    by = tinyproxy(USER, [tls_site.port])
    result = strest.measure("-u", tls_site.url + "/", "-p", with_user(by.url), "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == 5
    assert {line["proxy_authorization"] for line in tls_site.lines()} == {""}, "the target is not told"


def test_haproxy_gets_the_password_over_tls(strest, haproxy, tinyproxy, tls_site, made):
    by = haproxy(tinyproxy(connect_ports=[tls_site.port]).port, made.good, USER)
    result = strest.measure("-u", tls_site.url + "/", "-p", with_user(by.url), "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == 5
    assert {request["status"] for request in by.requests()} == {"200"}


def test_what_is_percent_encoded_in_a_password_is_decoded(strest, forward_nginx, site):
    by = forward_nginx("anna:p@ss/ä")
    result = strest.measure("-u", site.url + "/", "-p", with_user(by.url, "anna:p%40ss%2F%C3%A4"), *ONE)
    assert result["books"]["ok"] == 5


@pytest.mark.parametrize("userinfo", [None, "anna:wrong"])
def test_a_tunnel_without_the_password_is_proxy_auth(strest, haproxy, tinyproxy, tls_site, made, userinfo):
    by = haproxy(tinyproxy(connect_ports=[tls_site.port]).port, userinfo=USER)
    url = with_user(by.url, userinfo) if userinfo else by.url
    result = strest.measure("-u", tls_site.url + "/", "-p", url, "--cacert", made.root.cert, *ONE, code=3)
    assert set(reasons(result)) == {"connect/proxy_auth"}
    assert {request["status"] for request in by.requests()} == {"407"}
    assert tls_site.lines() == []


def test_without_the_password_an_http_url_is_answered_with_407(strest, forward_nginx, site):
    result = strest.measure("-u", site.url + "/", "-p", forward_nginx(USER).url, *ONE)
    assert result["status"] == {"407": 5}
    assert reasons(result) == {"status/unexpected": 5}
    assert site.lines() == []


# ---- --proxy-header


@pytest.mark.option("proxy-header")
def test_a_proxy_header_reaches_the_proxy_and_not_the_target_of_a_tunnel(strest, haproxy, tinyproxy, tls_site, made):
    by = haproxy(tinyproxy(connect_ports=[tls_site.port]).port)
    result = strest.measure("-u", tls_site.url + "/", "-p", by.url, "--proxy-header", "X-Via: me", "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == 5
    assert {request["via"] for request in by.requests()} == {"me"}
    assert {line["x_via"] for line in tls_site.lines()} == {""}


@pytest.mark.option("proxy-header")
def test_a_proxy_header_stands_in_a_request_with_a_whole_url(strest, forward_nginx, site):
    by = forward_nginx()
    strest.measure("-u", site.url + "/", "-p", by.url, "--proxy-headers", "X-Via: me", *ONE)
    assert {line["x_via"] for line in by.lines()} == {"me"}


@pytest.mark.option("proxy-header")
def test_the_last_proxy_header_of_a_name_wins_also_over_ours(strest, scripted, tls_site, made):
    by = scripted(proxy())
    strest.measure("-u", tls_site.url + "/", "-p", with_user(by.url), "--cacert", made.root.cert, *ONE, "--proxy-header", "X-One: 1",
                   "--proxy-header", "x-one: 2", "--proxy-header", "Proxy-Authorization: Bearer abc")
    request = by.requests[0]
    assert request.method == "CONNECT"
    assert request.values("X-One") == ["2"]
    assert request.values("Proxy-Authorization") == ["Bearer abc"]


@pytest.mark.option("proxy-header")
def test_headers_of_the_request_are_not_for_the_proxy_of_a_tunnel(strest, scripted, tls_site, made):
    by = scripted(proxy())
    strest.measure("-u", tls_site.url + "/", "-p", by.url, "--cacert", made.root.cert, *ONE, "-H", "X-Via: target", "-H", "Authorization: Bearer abc")
    assert {line["x_via"] for line in tls_site.lines()} == {"target"}
    assert by.requests[0].values("X-Via") == by.requests[0].values("Authorization") == []


@pytest.mark.option("proxy-header")
@pytest.mark.parametrize("text", ["no colon", ": value", "X-A: a\r\nX-B: b"])
def test_a_bad_proxy_header_is_refused(strest, text):
    says(strest.run("-u", "http://127.0.0.1:9/", "-p", "http://127.0.0.1:9", "--proxy-header", text), 2, "--proxy-header")


@pytest.mark.option("proxy-header")
def test_proxy_and_its_headers_may_stand_in_a_file(strest, forward_nginx, site, tmp_path):
    by = forward_nginx()
    path = tmp_path / "run.toml"
    path.write_text(f'url = "{site.url}/"\nproxy_url = "{by.url}"\nproxy_headers = ["X-Via: file"]\n')
    strest.measure("--config", path, *ONE)
    assert {line["x_via"] for line in by.lines()} == {"file"}


# ---- the environment


class Behind:
    """A target that only the proxy can find: target.test, over http and https."""

    def __init__(self, scripted, made):
        self.server = scripted(always(answer()))
        pair = made.root.issue("target.test", hosts="DNS:target.test")
        self.tls_server = scripted(over_tls(pair.context(), always(answer())))
        self.places = {"target.test:80": ("127.0.0.1", self.server.port), "target.test": ("127.0.0.1", self.server.port),
                       "target.test:443": ("127.0.0.1", self.tls_server.port)}
        self.proxy = scripted(proxy(self.places))
        self.other = scripted(proxy(self.places))


@pytest.fixture
def behind(scripted, made):
    return Behind(scripted, made)


@pytest.mark.parametrize(
    "scheme, env",
    [
        ("http", {"HTTP_PROXY": "P"}),
        ("http", {"http_proxy": "P"}),
        ("http", {"ALL_PROXY": "P"}),
        ("http", {"all_proxy": "P"}),
        ("http", {"HTTP_PROXY": "P", "ALL_PROXY": "Q", "HTTPS_PROXY": "Q"}),
        ("http", {"http_proxy": "P", "HTTP_PROXY": "Q"}),
        ("http", {"http_proxy": "", "ALL_PROXY": "P"}),
        ("http", {"HTTP_PROXY": "Q", "REQUEST_METHOD": "GET", "ALL_PROXY": "P"}),
        ("http", {"http_proxy": "P", "REQUEST_METHOD": "GET"}),
        ("http", {"HTTP_PROXY": "P", "NO_PROXY": "elsewhere.test,192.0.2.0/24"}),
        ("http", {"HTTP_PROXY": "P", "NO_PROXY": ""}),
        ("http", {"HTTP_PROXY": "P without scheme"}),
        ("https", {"HTTPS_PROXY": "P"}),
        ("https", {"https_proxy": "P"}),
        ("https", {"ALL_PROXY": "P"}),
        ("https", {"HTTPS_PROXY": "P", "HTTP_PROXY": "Q", "ALL_PROXY": "Q"}),
        ("https", {"HTTPS_PROXY": "P", "REQUEST_METHOD": "GET"}),
    ],
)
def test_the_environment_names_a_proxy(strest, behind, made, scheme, env):
    urls = {"P": behind.proxy.url, "Q": behind.other.url, "P without scheme": behind.proxy.url.removeprefix("http://")}
    result = strest.measure("-u", f"{scheme}://target.test/", "--cacert", made.root.cert, *ONE, env={name: urls.get(value, value) for name, value in env.items()})
    assert result["books"]["ok"] == 5
    assert behind.proxy.counted > 0 and behind.other.counted == 0
    assert result["run"]["proxy"].startswith(behind.proxy.url)


def test_the_summary_says_which_proxy_and_why(strest, behind):
    finished = strest.run("-u", "http://target.test/", *ONE, env={"HTTP_PROXY": with_user(behind.proxy.url)})
    assert finished.code == 0, finished
    assert re.search(re.escape(behind.proxy.url) + r"/? \(HTTP_PROXY\)", finished.out), finished
    assert SECRET not in finished.out + finished.err


def test_the_summary_says_that_there_was_a_proxy(strest, forward_nginx, site):
    by = forward_nginx()
    finished = strest.run("-u", site.url + "/", "-p", by.url, *ONE)
    assert finished.code == 0 and by.url in finished.out, finished
    assert by.url not in strest.run("-u", site.url + "/", *ONE).out


def test_proxy_goes_before_the_environment(strest, behind):
    result = strest.measure("-u", "http://target.test/", "-p", behind.proxy.url, *ONE, env={"http_proxy": behind.other.url, "NO_PROXY": "target.test"})
    assert result["books"]["ok"] == 5
    assert (behind.proxy.counted, behind.other.counted) == (5, 0)


NO_PROXY = [
    ("*", True),
    ("target.test", True),
    (".target.test", True),
    (".test", True),
    ("test", True),
    ("TARGET.TEST", True),
    ("other.test, target.test", True),
    ("target.test:{port}", True),
    ("target.test:1", False),
    ("get.test", False),
    ("sub.target.test", False),
    ("target", False),
    ("target.test.example", False),
    ("192.0.2.0/24,::1", False),
]


@pytest.mark.parametrize("text, direct", NO_PROXY)
def test_no_proxy_names_what_is_reached_directly(strest, scripted, names, text, direct):
    server = scripted(always(answer()))
    by = scripted(proxy({f"target.test:{server.port}": ("127.0.0.1", server.port)}))
    result = strest.measure("-u", f"http://target.test:{server.port}/", *ONE, env={"HTTP_PROXY": by.url, "no_proxy": text.format(port=server.port)},
                            prefix=names({"target.test": ["127.0.0.1"]}))
    assert result["books"]["ok"] == 5 == server.counted
    assert by.counted == (0 if direct else 5)
    assert (result["run"]["proxy"] is None) == direct


@pytest.mark.parametrize(
    "text, host, direct",
    [
        ("192.0.2.0/24", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.0/30", "192.0.2.7", False),
        ("2001:db8::/32", "[2001:db8::7]", True),
        ("2001:db8:1::/48", "[2001:db8::7]", False),
    ],
)
def test_no_proxy_names_blocks_of_addresses(strest, scripted, text, host, direct):
    """Addresses for documentation (RFC 5737, RFC 3849): nobody is there, but a proxy may say otherwise."""
    by = scripted(always(answer()))
    words = ["--json", "-u", f"http://{host}/", "-m", "1", "--requests", "1", "--connect-timeout", "300ms", "-t", "5s"]
    finished = strest.run(*words, env={"HTTP_PROXY": by.url, "NO_PROXY": text})
    assert finished.code == (3 if direct else 0), finished
    assert by.counted == (0 if direct else 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.9.10"])
def test_the_loopback_is_exempt_from_the_environments_proxies(strest, scripted, host):
    server, by = scripted(always(answer()), hosts=("0.0.0.0",)), scripted(proxy())
    result = strest.measure("-u", f"http://{host}:{server.port}/", *ONE, env={"HTTP_PROXY": by.url, "ALL_PROXY": by.url})
    assert result["books"]["ok"] == 5 == server.counted
    assert by.counted == 0 and result["run"]["proxy"] is None


@pytest.mark.option("no-proxy")
def test_no_proxy_ignores_the_environment(strest, scripted, names):
    server, by = scripted(always(answer())), scripted(proxy())
    result = strest.measure("-u", f"http://target.test:{server.port}/", "--no-proxy", *ONE, env={"HTTP_PROXY": by.url, "ALL_PROXY": by.url},
                            prefix=names({"target.test": ["127.0.0.1"]}))
    assert result["books"]["ok"] == 5 == server.counted
    assert by.counted == 0 and result["run"]["proxy"] is None


@pytest.mark.option("no-proxy")
def test_no_proxy_sets_the_proxy_of_a_file_aside(strest, scripted, tmp_path):
    server, by = scripted(always(answer())), scripted(proxy())
    path = tmp_path / "run.toml"
    path.write_text(f'url = "{server.url}/"\nproxy = "{by.url}"\n')
    assert strest.measure("--config", path, "--no-proxy", *ONE)["books"]["ok"] == 5
    assert by.counted == 0
    assert strest.measure("--config", path, *ONE)["books"]["ok"] == 5
    assert by.counted == 5


@pytest.mark.option("no-proxy")
def test_proxy_and_no_proxy_exclude_each_other(strest):
    says(strest.run("-u", "http://127.0.0.1:9/", "--proxy", "http://127.0.0.1:9", "--no-proxy"), 2, "--proxy", "--no-proxy")


# ---- values that are none

BAD = [
    ("socks5://127.0.0.1:1080", ["socks5", "http://"]),
    ("ftp://127.0.0.1:21", ["ftp", "http://"]),
    ("127.0.0.1:3128", ["http://127.0.0.1:3128"]),
    ("http://", ["host"]),
    ("http://127.0.0.1:0", ["port"]),
    ("http://127.0.0.1:70000", ["port"]),
    ("http://127.0.0.1:3128/path", ["/path"]),
    ("http://127.0.0.1:3128/?q", ["?q"]),
    ("http://[::1", ["http://[::1"]),
    ("", ["--proxy"]),
]


@pytest.mark.parametrize("url, words", BAD)
def test_a_proxy_url_that_is_none_is_refused(strest, scripted, url, words):
    server = scripted(always(answer()))
    says(strest.run("-u", server.url, "--proxy", url), 1, "--proxy", *words)
    assert server.peers == []


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_bad_proxy_of_the_environment_is_named_by_its_variable(strest, name):
    says(strest.run("-u", "http://target.test/", env={name: "socks5://127.0.0.1:1080"}), 1, name.upper(), "socks5")


def test_a_proxy_whose_name_has_no_address_is_unreachable(strest):
    finished = strest.run("-u", "http://127.0.0.1:9/", "-p", "http://no-such-proxy.invalid:3128", *ONE)
    says(finished, 3, "no-such-proxy.invalid")


def test_a_proxy_that_nobody_runs_is_unreachable(strest, tls_site, made):
    result = strest.measure("-u", tls_site.url + "/", "-p", f"http://127.0.0.1:{free_port()}", "--cacert", made.root.cert, *ONE, code=3)
    assert set(reasons(result)) == {"connect/refused"}


# ---- secrets


@pytest.mark.option("debug", "proxy-header")
@pytest.mark.parametrize("right", [True, False])
def test_a_proxys_password_is_shown_nowhere(strest, haproxy, tinyproxy, tls_site, made, right):
    by = haproxy(tinyproxy(connect_ports=[tls_site.port]).port, userinfo=USER if right else "other:one")
    text = outputs(strest, "-u", tls_site.url + "/", "-p", with_user(by.url), "--proxy-header", "X-Api-Key: 5ecret-key", "--cacert", made.root.cert, *ONE)
    assert SECRET not in text and basic(USER).split()[1] not in text and "5ecret-key" not in text
    assert f"localhost:{by.port}" in text


def test_a_password_of_the_environments_proxy_is_shown_nowhere(strest, behind):
    text = outputs(strest, "-u", "http://target.test/", *ONE, env={"ALL_PROXY": with_user(behind.proxy.url)})
    assert SECRET not in text and basic(USER).split()[1] not in text
    assert "ALL_PROXY" in text


def test_a_password_is_not_shown_when_its_proxy_is_refused_or_gone(strest):
    text = ""
    for url in (f"socks5://{USER}@127.0.0.1:1", f"http://{USER}@127.0.0.1:99999", f"http://{USER}@127.0.0.1:{free_port()}", f"{USER}@127.0.0.1:3128"):
        finished = strest.run("-u", "http://target.test/", "-p", url, "-t", "1s", "-m", "1")
        assert finished.code in (1, 3), finished
        text += finished.out + finished.err
    assert SECRET not in text and basic(USER).split()[1] not in text


# ---- proxies that fail


def answers(data):
    """A script that answers CONNECT with these bytes and closes."""

    def script(server, peer):
        if server.read(peer):
            peer.send(data)
        peer.close()

    return script


def endless(server, peer):
    if server.read(peer) and peer.send(b"HTTP/1.1 200 OK\r\n"):
        while peer.send(b"X-More: and more\r\n" * 100):
            pass


def silent(server, peer):
    server.read(peer)
    peer.read_request()  # until the other side gives up


FAILING = {
    "407": (answers(b'HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 3\r\n\r\nwho'), "connect/proxy_auth"),
    "502": (answers(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), "connect/proxy_refused"),
    "403 without end": (answers(b"HTTP/1.1 403 Forbidden\r\n\r\nno"), "connect/proxy_refused"),
    "301": (answers(b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"), "connect/proxy_refused"),
    "garbage": (answers(b"SSH-2.0-OpenSSH_9.2\r\n"), "connect/proxy_malformed"),
    "nul bytes": (answers(bytes(4000)), "connect/proxy_malformed"),
    "half a head": (answers(b"HTTP/1.1 200 OK\r\nX-Ha"), "connect/proxy_closed"),
    "nothing": (answers(b""), "connect/proxy_closed"),
    "closes at once": (lambda server, peer: peer.close(), "connect/proxy_closed"),
    "endless head": (endless, "connect/proxy_malformed"),
    "silent": (silent, "timeout/connect"),
    "only interim": (answers(b"HTTP/1.1 100 Continue\r\n\r\n"), "connect/proxy_closed"),
}


@pytest.mark.parametrize("way", FAILING)
def test_a_proxy_that_fails_is_called_by_its_fault(strest, scripted, tls_site, made, way):
    script, reason = FAILING[way]
    by = scripted(script)
    finished = strest.run("--json", "-u", tls_site.url + "/", "-p", by.url, "--cacert", made.root.cert, "-m", "2", "-r", "2", "--requests", "4", "-t", "10s",
                          "--connect-timeout", "500ms")
    assert finished.code == 3, finished
    assert set(reasons(check_result(finished))) == {reason}
    assert finished.seconds < 15 and finished.peak_kb < 300_000
    assert tls_site.lines() == []


@pytest.mark.parametrize("way", ["closes at once", "garbage", "silent"])
def test_a_proxy_over_tls_that_fails_is_called_by_its_fault(strest, https_proxy, tls_site, made, way):
    script, reason = FAILING[way]
    result = strest.measure("-u", tls_site.url + "/", "-p", https_proxy(script).url, "--cacert", made.root.cert, "-m", "1", "--requests", "2", "-t", "10s",
                            "--connect-timeout", "500ms", code=3)
    assert set(reasons(result)) == {reason}


def test_bytes_behind_the_head_are_the_tunnels(strest, scripted, tls_site, made):
    """They are taken for the target's TLS, which they are not; a Content-Length there announces nothing (RFC 9110 section 9.3.6)."""
    by = scripted(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, this is no TLS at all"))
    result = strest.measure("-u", tls_site.url + "/", "-p", by.url, "--cacert", made.root.cert, *ONE, code=3)
    assert set(reasons(result)) == {"tls/not_tls"}


def closing_with_its_last_bytes(context):
    """A proxy over TLS whose close_notify comes together with the target's answer, after which its socket stays open."""

    def script(server, peer):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)

        def take(step):
            """What this step of TLS returns once it has bytes enough."""
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    peer.sock.sendall(outgoing.read())
                    data = peer.sock.recv(1 << 16)
                    if not data:
                        return b""
                    incoming.write(data)

        take(tls.do_handshake)
        with reach({}, take(lambda: tls.read(1 << 16)).split()[1].decode(), 443) as target:
            tls.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            for _ in range(3):  # the two of a TLS 1.2 handshake, the request
                target.sendall(take(lambda: tls.read(1 << 16)))
                target.settimeout(0.2)
                try:
                    while data := target.recv(1 << 16):
                        tls.write(data)
                except TimeoutError:
                    pass
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.unwrap()
        peer.sock.sendall(outgoing.read())
        peer.sock.recv(1)

    return script


def test_a_tunnel_that_ends_with_an_answer_carries_no_further_request(strest, scripted, tls_site, made):
    by = scripted(closing_with_its_last_bytes(made.good.context()))
    result = strest.measure("-u", tls_site.url + "/", "-p", f"https://localhost:{by.port}", "--cacert", made.root.cert, "--tls-max", "1.2", "-X", "post", "-m", "1",
                            "--requests", "3", "-t", "10s", "--timeout", "5s", limit=25)
    assert result["books"]["ok"] == 3 == result["connections"]["opened"] == len(tls_site.lines())
    assert result["connections"]["closed"]["by_peer"] == 3


def test_a_length_in_the_answer_to_connect_means_nothing(strest, scripted, tls_site, made):
    def script(server, peer):
        request = server.read(peer)
        with reach({}, request.path, 443) as target:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nTransfer-Encoding: chunked\r\n\r\n")
            splice(peer.sock, target)

    result = strest.measure("-u", tls_site.url + "/", "-p", scripted(script).url, "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == 5


def test_a_proxy_that_fails_now_and_then_costs_those_requests_alone(strest, scripted, tls_site, made):
    good = proxy()

    def script(server, peer):
        if peer.number % 3 == 1:
            server.read(peer)
            peer.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            return peer.close()
        return good(server, peer)

    result = strest.measure("-u", tls_site.url + "/", "-p", scripted(script).url, "--cacert", made.root.cert, "--disable-keepalive", "-m", "1",
                            "--requests", "30", "-t", "30s")
    assert reasons(result) == {"connect/proxy_refused": 10}
    assert result["books"]["ok"] == 20 == len(tls_site.lines())


def test_a_connect_counts_into_the_time_of_its_connection(strest, scripted, tls_site, made):
    good = proxy()

    def script(server, peer):
        time.sleep(0.1)
        good(server, peer)

    result = strest.measure("-u", tls_site.url + "/", "-p", scripted(script).url, "--cacert", made.root.cert, "-m", "1", "--requests", "2", "-t", "10s")
    parts = result["parts_ns"]
    assert parts["connect"]["max"] + parts["tls"]["max"] >= 100e6
    assert parts["wait"]["max"] < result["response_ns"]["all"]["max"]
