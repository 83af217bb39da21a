"""Redirects: where they lead, what goes along, where they end, and that every hop is in the books."""

import time

import pytest

from certificates import over_tls
from conftest import reasons, says
from proxies import basic, proxy
from servers import always, answer, free_port, respond

N = 10
ONE = ["-m", "1", "--requests", N, "-t", "20s"]
USAGE = 2

pytestmark = pytest.mark.option("redirect")


def moved(location, status="302 Found", body=b"moved\n"):
    return answer(body, status=status, fields=[f"Location: {location}"] if location is not None else [])


def leading(places, body=b"here\n"):
    """A script: {path: location or whole answer}; every other path is the end."""

    def handler(request):
        to = places.get(request.path)
        empty = b"" if request.method == "HEAD" else None
        if to is None:
            return answer(body if empty is None else empty)
        return to if isinstance(to, bytes) else moved(to, body=b"moved\n" if empty is None else empty)

    return respond(handler)


def hops(result, *servers):
    """Checks that attempts and hops are those of the servers, and returns the hops."""
    books = result["books"]
    assert books["attempts"] == sum(server.counted for server in servers)
    assert books["retries"] == 0
    assert books["hops"] == books["attempts"] - books["planned"]
    return books["hops"]


METHODS = [
    # status, method, what arrives, with the body or without: RFC 9110 section 15.4
    *[(status, "get", "GET", False) for status in (301, 302, 303, 307, 308)],
    *[(status, "head", "HEAD", False) for status in (301, 302, 303, 307, 308)],
    *[(status, "post", "GET", False) for status in (301, 302, 303)],
    *[(status, "post", "POST", True) for status in (307, 308)],
    *[(status, "put", "PUT", True) for status in (301, 302, 307, 308)],
    (303, "put", "GET", False),
    (303, "delete", "GET", False),
    (307, "delete", "DELETE", True),
]


@pytest.mark.parametrize("status, method, arrives, with_body", METHODS)
def test_method_and_body_follow_the_rules(strest, scripted, status, method, arrives, with_body):
    head = method == "head"
    server = scripted(leading({"/from": moved("/to", f"{status} Moved", b"" if head else b"moved\n")}, b"" if head else b"here\n"))
    body = ["-d", "the body", "-T", "text/x"] if method not in ("get", "head") else []
    result = strest.measure("-u", server.url + "/from", "-X", method, *body, *ONE)
    assert result["status"] == {"200": N} and result["books"]["ok"] == N
    assert hops(result, server) == N
    for first, second in zip(server.requests[::2], server.requests[1::2]):
        assert (first.method, first.path, first.body) == (method.upper(), "/from", b"the body" if body else b"")
        assert (second.method, second.path, second.body) == (arrives, "/to", b"the body" if with_body else b"")
        assert second.values("Content-Type") == (["text/x"] if with_body else [])
        assert second.values("Content-Length") == (["8"] if with_body else [])
        for name in ("Host", "User-Agent", "Accept"):
            assert second.values(name) == first.values(name)


def test_the_connection_is_kept_over_a_redirect(strest, scripted):
    server = scripted(leading({"/": moved("/to", body=b"x" * 5000)}))
    result = strest.measure("-u", server.url + "/", *ONE)
    assert result["books"]["ok"] == N and result["connections"]["opened"] == len(server.peers) == 1


def test_a_hop_that_meets_a_stale_connection_is_one_hop_and_one_retry(strest, scripted):
    def script(server, peer):
        for request in iter(lambda: server.read(peer), None):
            if request.path == "/to" and peer.number == 0:
                return peer.close()
            peer.send(moved("/to") if request.path == "/from" else answer())

    server = scripted(script)
    books = strest.measure("-u", server.url + "/from", *ONE)["books"]
    assert (books["ok"], books["hops"], books["retries"]) == (N, N, 1)
    assert books["attempts"] == server.counted == N + N + 1


def test_options_for_tls_behind_a_redirect_leave_answers_over_http_what_they_are(strest, scripted):
    """A request that was lost is no sign that nobody answers."""

    def script(server, peer):
        for request in iter(lambda: server.read(peer), None):
            if peer.number == 0:
                return peer.close()
            peer.send(answer())

    result = strest.measure("-u", scripted(script).url, "--redirect", "2", "--insecure", *ONE)
    assert (result["books"]["ok"], result["books"]["failed"]) == (N - 1, 1)


def test_a_redirect_that_closes_its_connection_is_followed_on_another(strest, scripted):
    def script(server, peer):
        for request in iter(lambda: server.read(peer), None):
            if request.path == "/to":
                peer.send(answer())
            else:
                peer.send(answer(b"", status="307 There", fields=["Location: /to", "Connection: close"]))
                return peer.close()

    server = scripted(script)
    result = strest.measure("-u", server.url + "/", "-X", "post", "-d", "x" * 1000, *ONE)
    assert result["books"]["ok"] == N and hops(result, server) == N
    assert [len(request.body) for request in server.requests] == [1000] * 2 * N


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("load", [["-r", "8", "--requests", "100"], ["--rate", "200", "-t", "500ms"], ["-r", "8", "--requests", "100", "--disable-keepalive"]])
def test_hops_are_attempts_under_every_load(strest, scripted, threads, load):
    first = scripted(leading({}))
    second = scripted(leading({"/": f"http://localhost:{first.port}/b", "/b": "/c"}))
    result = strest.measure("-u", second.url + "/", "-m", "8", "--threads", threads, *load)
    assert result["books"]["ok"] == 100 and result["errors"] == {}
    assert hops(result, first, second) == 100
    assert (first.counted, second.counted) == (100, 100)


@pytest.mark.option("requests")
def test_a_redirect_takes_its_time_and_it_is_told(strest, scripted):
    def handler(request):
        if request.path == "/to":
            return answer()
        time.sleep(0.05)
        return moved("/to")

    result = strest.measure("-u", scripted(respond(handler)).url + "/", *ONE)
    assert result["parts_ns"]["retry"]["min"] >= 50e6
    assert result["response_ns"]["all"]["min"] >= 50e6
    assert result["books"]["planned"] == N, "a redirect is no request of its own"


def test_the_summary_counts_hops(strest, scripted):
    finished = strest.run("-u", scripted(leading({"/": "/to"})).url + "/", *ONE)
    assert finished.code == 0 and f"{N} redirects followed" in finished.out, finished


# ---- where to

LOCATIONS = {
    "/to": "/to",
    "to": "/a/b/to",
    "./to": "/a/b/to",
    "../to": "/a/to",
    "../../../to": "/to",
    "?y=2": "/a/b/c?y=2",
    "/to?q=1#part": "/to?q=1",
    "/to with blank": "/to%20with%20blank",
    "http://127.0.0.1:{port}/to": "/to",
    "HTTP://127.0.0.1:{port}/to": "/to",
    "//127.0.0.1:{port}/to": "/to",
    "http://127.0.0.1:{port}": "/",
    "   /to   ": "/to",
}


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_location_is_read_against_the_url(strest, scripted, location):
    """RFC 3986 section 5."""
    port = free_port()
    server = scripted(leading({"/a/b/c?x=1": location.format(port=port)}), port=port)
    result = strest.measure("-u", server.url + "/a/b/c?x=1", *ONE)
    assert result["books"]["ok"] == N
    assert {request.path for request in server.requests[1::2]} == {LOCATIONS[location]}
    assert {tuple(request.values("Host")) for request in server.requests} == {(f"127.0.0.1:{port}",)}


def test_the_next_location_is_read_against_the_last_url(strest, scripted):
    server = scripted(leading({"/one/": "two/three", "/one/two/three": "four"}))
    strest.measure("-u", server.url + "/one/", *ONE)
    assert [request.path for request in server.requests[:3]] == ["/one/", "/one/two/three", "/one/two/four"]


def test_a_very_long_location_is_followed(strest, scripted):
    path = "/" + "x" * 60_000
    server = scripted(leading({"/": path}))
    result = strest.measure("-u", server.url + "/", *ONE)
    assert result["books"]["ok"] == N
    assert server.requests[1].path == path


def test_a_location_that_comes_in_pieces_is_whole(strest, scripted):
    data = moved("/to?with=a&longer=query")

    def script(server, peer):
        for request in iter(lambda: server.read(peer), None):
            for i in range(len(data) if request.path == "/" else 0):
                peer.send(data[i : i + 1])
            if request.path != "/":
                peer.send(answer())

    server = scripted(script)
    result = strest.measure("-u", server.url + "/", "-m", "1", "--requests", "3", "-t", "20s")
    assert result["books"]["ok"] == 3
    assert server.requests[1].path == "/to?with=a&longer=query"


def test_http_leads_to_https(strest, scripted, tls_nginx, made):
    site = tls_nginx()
    server = scripted(leading({"/": site.url + "/x"}))
    result = strest.measure("-u", server.url + "/", "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == N == len(site.lines())
    assert {line[3] for line in site.lines()} == {"localhost"}, "SNI"
    assert result["connections"]["handshakes_full"] == len({line[0] for line in site.lines()}) > 0


def test_the_certificate_where_a_redirect_leads_is_checked(strest, scripted, made):
    wrong = scripted(over_tls(made.wrong_host.context(), always(answer())))
    server = scripted(leading({"/": f"https://localhost:{wrong.port}/"}))
    result = strest.measure("-u", server.url + "/", "--cacert", made.root.cert, *ONE)
    assert reasons(result) == {"tls/certificate_host": N}
    assert wrong.counted == 0 and server.counted == N


def test_an_address_that_only_a_redirect_names_is_elsewhere(strest, scripted):
    away = scripted(always(answer()))
    server = scripted(leading({"/": f"http://127.0.0.1:{away.port}/"}))
    result = strest.measure("-u", server.url + "/", *ONE)
    each = {row["address"]: row for row in result["connections"]["per_address"]}
    assert each["elsewhere"]["opened"] == len(away.peers) == 1
    assert each[f"127.0.0.1:{server.port}"]["opened"] == 1
    stayed = strest.measure("-u", away.url, *ONE)
    assert [row["address"] for row in stayed["connections"]["per_address"]] == [f"127.0.0.1:{away.port}"]


@pytest.mark.option("proxy")
def test_a_redirect_goes_by_the_proxy_too(strest, scripted, made):
    end = scripted(over_tls(made.good.context(), always(answer())))
    server = scripted(leading({"/": "http://second.test/b", "/b": f"https://localhost:{end.port}/"}))
    by = scripted(proxy({"first.test": ("127.0.0.1", server.port), "second.test": ("127.0.0.1", server.port)}))
    result = strest.measure("-u", "http://first.test/", "-p", by.url, "--cacert", made.root.cert, *ONE)
    assert result["books"]["ok"] == N == end.counted
    assert {request.path for request in by.requests} == {"http://first.test/", "http://second.test/b", f"localhost:{end.port}"}


@pytest.mark.option("connect-to")
def test_connect_to_counts_for_redirects(strest, scripted):
    away = scripted(always(answer()))
    server = scripted(leading({"/": "http://away.test/x"}))
    strest.measure("-u", server.url + "/", "--connect-to", f"away.test:80:127.0.0.1:{away.port}", *ONE)
    assert away.counted == N
    assert {tuple(request.values("Host")) for request in away.requests} == {("away.test",)}


@pytest.mark.option("compressed")
def test_only_the_last_body_is_decoded(strest, scripted):
    broken = answer(b"no gzip", status="302 Found", fields=["Location: /to", "Content-Encoding: gzip"])
    result = strest.measure("-u", scripted(leading({"/": broken}, b"x" * 100)).url + "/", "--compressed", *ONE)
    assert result["books"]["ok"] == N
    assert result["bodies"]["decoded_bytes"] == 100 * N


# ---- who asks

CREDENTIALS = ["-H", "Authorization: Bearer secret", "-H", "Cookie: a=b", "-H", "X-Api-Key: key", "-H", "X-Plain: stays"]


def names_of(request):
    return {name for name in ("Authorization", "Cookie", "X-Api-Key", "X-Plain") if request.values(name)}


def test_credentials_stay_at_the_same_origin(strest, scripted):
    server = scripted(leading({"/": "/to"}))
    strest.measure("-u", server.url + "/", *CREDENTIALS, *ONE)
    assert [names_of(request) for request in server.requests] == [{"Authorization", "Cookie", "X-Api-Key", "X-Plain"}] * 2 * N


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_credentials_do_not_go_to_another_origin(strest, scripted, host):
    """Another port is another origin, too."""
    away = scripted(always(answer()))
    server = scripted(leading({"/": f"http://{host}:{away.port}/"}))
    strest.measure("-u", server.url + "/", *CREDENTIALS, *ONE)
    assert away.counted == N
    assert [names_of(request) for request in away.requests] == [{"X-Plain"}] * N


def test_credentials_do_not_come_back(strest, scripted):
    port = free_port()
    away = scripted(leading({"/": f"http://127.0.0.1:{port}/back"}))
    server = scripted(leading({"/": f"{away.url}/"}), port=port)
    strest.measure("-u", server.url + "/", *CREDENTIALS, *ONE)
    back = [request for request in server.requests if request.path == "/back"]
    assert len(back) == N and [names_of(request) for request in back] == [{"X-Plain"}] * N


@pytest.mark.option("basic-auth", "bearer")
@pytest.mark.parametrize("words", [["-a", "anna:secret"], ["--bearer", "token"], []])
def test_users_and_tokens_do_not_go_to_another_origin(strest, scripted, words):
    away = scripted(leading({"/": "/to"}))
    server = scripted(leading({"/": "/to", "/to": f"{away.url}/"}))
    url = server.url if words else server.url.replace("://", "://anna:secret@")
    strest.measure("-u", url + "/", *words, *ONE)
    assert [bool(request.values("Authorization")) for request in server.requests] == [True] * 2 * N
    assert [request.values("Authorization") for request in away.requests] == [[]] * 2 * N


@pytest.mark.option("host")
def test_a_host_of_the_users_stays_behind(strest, scripted):
    away = scripted(always(answer()))
    server = scripted(leading({"/": "/to", "/to": f"{away.url}/"}))
    strest.measure("-u", server.url + "/", "--host", "mine.test", *ONE)
    assert {tuple(request.values("Host")) for request in server.requests} == {("mine.test",)}
    assert {tuple(request.values("Host")) for request in away.requests} == {(f"127.0.0.1:{away.port}",)}


def test_a_user_in_the_location_asks_there(strest, scripted):
    away = scripted(always(answer()))
    server = scripted(leading({"/": f"http://bert:pw@127.0.0.1:{away.port}/"}))
    strest.measure("-u", server.url + "/", *ONE)
    assert {tuple(request.values("Authorization")) for request in away.requests} == {(basic("bert:pw"),)}


# ---- where it ends


def chain(length):
    return leading({f"/{i}": f"/{i + 1}" for i in range(length)})


@pytest.mark.parametrize("words, most", [([], 10), (["--redirect", "3"], 3), (["--redirect=1"], 1), (["--redirect", "30"], 30)])
def test_as_many_hops_as_allowed_and_no_more(strest, scripted, words, most):
    server = scripted(chain(most))
    result = strest.measure("-u", server.url + "/0", *words, *ONE)
    assert result["books"]["ok"] == N and hops(result, server) == most * N
    longer = scripted(chain(most + 1))
    result = strest.measure("-u", longer.url + "/0", *words, *ONE)
    assert reasons(result) == {"protocol/redirect_limit": N}
    assert result["status"] == {"302": N}
    assert hops(result, longer) == most * N


def test_a_loop_ends_at_the_limit(strest, scripted):
    server = scripted(leading({"/a": "/b", "/b": "/a"}))
    result = strest.measure("-u", server.url + "/a", "--redirect", "5", *ONE)
    assert reasons(result) == {"protocol/redirect_limit": N}
    assert hops(result, server) == 5 * N


@pytest.mark.parametrize("words, ok", [(["--redirect", "0"], 0), (["--redirect", "0", "-s", "302"], N), (["-s", "302"], N), (["-s", "200,3xx"], N)])
def test_a_redirect_may_be_the_answer(strest, scripted, words, ok):
    server = scripted(leading({"/": "/to"}))
    result = strest.measure("-u", server.url + "/", *words, *ONE)
    assert result["status"] == {"302": N}
    assert result["books"]["ok"] == ok and reasons(result) == ({} if ok else {"status/unexpected": N})
    assert hops(result, server) == 0 and server.counted == N


def test_a_status_that_is_named_ends_a_chain(strest, scripted):
    server = scripted(leading({"/": moved("/b", "301 Moved"), "/b": moved("/c", "302 Found")}))
    result = strest.measure("-u", server.url + "/", "-s", "302", *ONE)
    assert result["status"] == {"302": N} and result["books"]["ok"] == N
    assert hops(result, server) == N


@pytest.mark.parametrize("status", ["300 Choices", "304 Not Modified", "305 Use Proxy", "306 Unused", "399 What", "201 Created"])
def test_what_is_no_redirect_is_not_followed(strest, scripted, status):
    server = scripted(leading({"/": moved("/to", status, b"")}))
    result = strest.measure("-u", server.url + "/", *ONE)
    assert result["status"] == {status[:3]: N} and reasons(result) == {"status/unexpected": N}
    assert server.counted == N


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "file:///etc/passwd", "javascript:alert(1)", "mailto:a@b", "http://", "http://:80/",
                                      "http://127.0.0.1:99999/", "http://[::1/"])
def test_a_redirect_to_nowhere_is_redirect_bad(strest, scripted, location):
    """The status was received, and so was the whole answer: the connection is kept."""
    server = scripted(leading({"/": moved(location)}))
    result = strest.measure("-u", server.url + "/", *ONE)
    assert reasons(result) == {"protocol/redirect_bad": N}, location
    assert result["status"] == {"302": N}
    assert hops(result, server) == 0


def test_a_redirect_without_location_is_the_answer(strest, scripted):
    server = scripted(leading({"/": moved(None)}))
    result = strest.measure("-u", server.url + "/", *ONE)
    assert result["status"] == {"302": N} and reasons(result) == {"status/unexpected": N}
    assert hops(result, server) == 0


def test_an_empty_location_is_the_same_url_again(strest, scripted):
    """RFC 3986 section 4.4."""
    server = scripted(leading({"/a?b": moved("")}))
    result = strest.measure("-u", server.url + "/a?b", "--redirect", "3", *ONE)
    assert reasons(result) == {"protocol/redirect_limit": N}
    assert {request.path for request in server.requests} == {"/a?b"} and hops(result, server) == 3 * N


def test_a_control_character_in_a_location_is_no_http(strest, scripted):
    server = scripted(leading({"/": moved("/a\x01b")}))
    assert reasons(strest.measure("-u", server.url + "/", *ONE)) == {"protocol/malformed": N}


def test_a_redirect_to_a_closed_port_is_refused(strest, scripted):
    server = scripted(leading({"/": f"http://127.0.0.1:{free_port()}/"}))
    result = strest.measure("-u", server.url + "/", "-m", "1", "--requests", "3", "-t", "20s")
    assert reasons(result) == {"connect/refused": 3}
    assert server.counted == result["books"]["attempts"] == 3


def test_a_redirect_to_a_name_without_address_is_dns(strest, scripted, names):
    """A name in /etc/hosts that has no address of the family asked for."""
    server = scripted(leading({"/": "http://six.test:9/"}))
    result = strest.measure("-u", server.url + "/", "--ipv4", "-m", "1", "--requests", "3", "-t", "20s", prefix=names({"six.test": ["2001:db8::1"]}))
    assert reasons(result) == {"connect/dns": 3}
    assert server.counted == result["books"]["attempts"] == 3


def test_the_timeout_is_that_of_all_hops_together(strest, scripted):
    def handler(request):
        time.sleep(0.1)
        return moved(f"/{int(request.path[1:]) + 1}")

    server = scripted(respond(handler))
    result = strest.measure("-u", server.url + "/0", "--redirect", "1000", "--timeout", "350ms", "-m", "1", "--requests", "2", "-t", "20s")
    assert reasons(result) == {"timeout/response": 2}
    assert 2 * 2 <= server.counted <= 2 * 5


def test_a_redirect_into_silence_is_a_timeout(strest, scripted, target):
    server = scripted(leading({"/": target().url + "/hang"}))
    result = strest.measure("-u", server.url + "/", "--timeout", "300ms", "-m", "1", "--requests", "2", "-t", "20s")
    assert reasons(result) == {"timeout/response": 2}


def test_endless_new_places_are_bounded(strest, scripted):
    """Each answer names a place that was not seen before: what is kept of them has a limit, and the run goes on."""
    server = scripted(respond(lambda request: moved(f"http://127.{server.counted // 250}.{server.counted % 250}.1:{server.port}{request.path}")), hosts=("0.0.0.0",))
    finished = strest.run("--json", "-u", f"http://127.0.0.1:{server.port}/", "--redirect", "20", "-m", "2", "-r", "2", "--requests", "40", "-t", "20s")
    assert finished.code == 0, finished
    result = finished.json
    assert result["books"]["failed"] == 40 and result["books"]["balanced"]
    assert result["books"]["attempts"] == server.counted
    assert finished.peak_kb < 200_000


@pytest.mark.parametrize("text", ["-1", "1001", "x", "1.5"])
def test_a_bad_number_of_redirects_is_refused(strest, text):
    says(strest.run("-u", "http://127.0.0.1:9/", f"--redirect={text}"), USAGE, "--redirect")


def test_the_key_of_a_file_does_the_same(strest, scripted, tmp_path):
    server = scripted(chain(3))
    (tmp_path / "run.toml").write_text(f'url = "{server.url}/0"\nredirect = 2\n')
    assert reasons(strest.measure("--config", tmp_path / "run.toml", *ONE)) == {"protocol/redirect_limit": N}
