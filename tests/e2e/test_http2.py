"""HTTP/2 against real servers: what they count is what strest counts; streams and connections, GOAWAY, limits, fallback, proxies."""

import os

import pytest

import h2_servers
import proxies
from conftest import need, reasons, says
from h2_servers import settled
from servers import always, answer

UNREACHABLE = 3
each_thread = pytest.mark.parametrize("threads", [1, 3])


@pytest.fixture
def real(keep, folder, made):
    """real(name) starts a real server."""

    def start(name, **more):
        program, _, kind = name.partition("/")
        need(program)
        tls = {"pair": made.good, "cacert": made.root.cert}
        if program == "nginx":
            return keep(h2_servers.NginxHttp2(folder("nginx"), **(tls if kind == "h2" else {}), **more))
        if program == "nghttpd":
            return keep(h2_servers.Nghttpd(folder("nghttpd"), **(tls if kind == "h2" else {})))
        if program == "caddy":
            return keep(h2_servers.CaddyHttp2(folder("caddy"), **tls))
        if program == "h2o":
            return keep(h2_servers.H2o(folder("h2o"), **tls))
        return keep(h2_servers.HaproxyHttp2(folder("haproxy")))

    return start


SERVERS = ["nginx/h2", "nginx/h2c", "caddy/h2", "nghttpd/h2", "nghttpd/h2c", "haproxy/h2c", "h2o/h2"]
LOADS = {
    "closed": ["-m", "16", "-r", "16", "--requests", "600", "-t", "20s"],
    "rate": ["-m", "32", "--rate", "600", "-t", "1s"],
}


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.option("http2", "http2-parallel")
def test_a_real_server_counts_every_request(strest, real, name, load):
    server = real(name)
    result = strest.measure("-u", server.url + "/", *server.words, "--http2-parallel", "8", *LOADS[load])
    assert result["books"]["ok"] == result["books"]["attempts"] == 600 == settled(server, 600)
    protocol = result["protocol"]
    assert protocol["connections"] == {"http/1.1": 0, "h2": result["connections"]["opened"]}
    assert 1 <= result["connections"]["opened"] <= (2 if load == "closed" else 4)
    assert protocol["fell_back"] == protocol["unprocessed"] == 0
    assert protocol["stream_limit"] is None or protocol["stream_limit"] >= 100


@each_thread
@pytest.mark.parametrize("kind", ["h2", "h2c"])
def test_what_goaway_left_unprocessed_is_sent_again(strest, real, kind, threads):
    """nginx closes a connection after so many requests, those that came too late unprocessed."""
    server = real("nginx/" + kind, more="keepalive_requests 50;")
    result = strest.measure("-u", server.url + "/", *server.words, "--http2-parallel", "10", "-m", "40", "-r", "40", "--requests", "2000", "-t", "20s",
                            "--threads", threads)
    books, protocol = result["books"], result["protocol"]
    assert books["ok"] == 2000 == settled(server, 2000), "processed once each"
    assert result["errors"] == {}
    assert protocol["goaways"] >= 30
    assert books["attempts"] == 2000 + protocol["unprocessed"]
    assert server.connections() == result["connections"]["opened"] >= 40


@pytest.mark.parametrize("limit", [1, 3])
@pytest.mark.option("target streams")
def test_a_limit_of_the_peer_is_kept(strest, target, limit):
    """Requests beyond it wait for a stream, which is told as blocked."""
    server = target("--streams", str(limit))
    result = strest.measure("-u", server.url + "/delay/20ms", "--http2", "--http2-parallel", "12", "-m", "12", "--rate", "300", "-t", "500ms")
    assert result["books"]["ok"] == 150
    assert result["connections"]["opened"] == 1
    assert result["protocol"]["stream_limit"] == limit
    assert result["protocol"]["unprocessed"] <= 12, "what was sent before the peer's first word"
    assert result["parts_ns"]["blocked"]["mean"] > 0.7e9 * (3 / limit - 0.5) / 2, "at most 50 * limit of 300 a second can be answered"


def test_streams_are_filled_before_connections_are_opened(strest, target):
    server = target()
    result = strest.measure("-u", server.url + "/delay/50ms", "--http2", "--http2-parallel", "7", "-m", "20", "-r", "20", "--requests", "200", "-t", "20s")
    assert result["books"]["ok"] == 200 == server.record.requests
    assert result["connections"]["opened"] == 3 == server.record.connections, "20 tasks, 7 streams each"


# ---- what is negotiated


@pytest.mark.parametrize("words, spoken", [(["--http2"], "h2"), (["--alpn", "h2"], "h2"), (["--alpn", "h2", "--alpn", "http/1.1"], "h2"), (["--http-version", "2"], "h2"),
                                           (["--http-version", "1.1"], "http/1.1"), ([], "http/1.1")])
@pytest.mark.option("http2", "alpn", "http-version")
def test_nginx_and_strest_agree(strest, real, words, spoken):
    server = real("nginx/h2")
    result = strest.measure("-u", server.url + "/", *server.words[1:], *words, "--requests", "20")
    assert result["protocol"]["connections"][spoken] == result["connections"]["opened"] > 0
    assert {line["request"].split()[2] for line in server.lines()} == {"HTTP/2.0" if spoken == "h2" else "HTTP/1.1"}


@pytest.mark.option("http2")
def test_a_server_without_http2_is_spoken_to_as_it_can(strest, tls_nginx, made):
    server = tls_nginx()
    url = ["-u", server.url + "/", "--cacert", made.root.cert, "-m", "8", "-r", "8", "--requests", "100", "-t", "20s"]
    result = strest.measure(*url, "--http2", "--http2-parallel", "8")
    assert result["books"]["ok"] == 100 == len(server.lines())
    assert result["protocol"]["connections"] == {"http/1.1": result["connections"]["opened"], "h2": 0}
    assert result["protocol"]["fell_back"] == result["connections"]["opened"]
    finished = strest.run(*url, "--http2")
    assert "fell back" in finished.out, finished


@pytest.mark.option("http-version", "alpn")
@pytest.mark.parametrize("words", [["--http-version", "2"], ["--alpn", "h2"]])
def test_http2_that_was_insisted_on_and_is_not_there(strest, tls_nginx, scripted, made, words):
    server = tls_nginx()
    finished = strest.run("-u", server.url, "--cacert", made.root.cert, *words, "--requests", "3")
    assert finished.code == UNREACHABLE and "speaks none of the offered protocols" in finished.err, finished
    assert server.lines() == []


@pytest.mark.option("http2")
def test_a_server_of_http1_on_an_http_url(strest, scripted):
    """With http:// there is nothing to negotiate: it is said what the server answered in."""
    server = scripted(lambda _, peer: peer.send(answer(status="400 Bad Request")))
    result = strest.measure("-u", server.url, "--http2", "-m", "2", "-r", "2", "--requests", "10", "-t", "5s", code=UNREACHABLE)
    assert reasons(result) == {"protocol/not_http2": 10}
    finished = strest.run("-u", server.url, "--http2", "--requests", "3")
    assert finished.code == UNREACHABLE and "the server does not answer in HTTP/2" in finished.err, finished


# ---- bodies, redirects, and ways to the server


SIZES = [0, 1, 16384, 1_000_000]


@pytest.mark.parametrize("size", SIZES)
def test_bodies_both_ways(strest, way, tmp_path, size):
    """/echo gives back what it got; its size stands in its head."""
    (tmp_path / "body").write_bytes(os.urandom(size))
    server = way()
    result = strest.measure("-u", server.url + "/echo", *way.words, "-X", "post", "--data-file", tmp_path / "body", "-m", "4", "-r", "4", "--requests", "20",
                            "-t", "20s")
    assert result["books"]["ok"] == 20
    assert server.record.sum("bytes_in") >= 20 * size
    assert result["bytes"]["received"] >= 20 * size
    way.check(result)


@pytest.mark.parametrize("kind", ["h2", "h2c"])
def test_nginx_sends_large_bodies(strest, real, kind, tmp_path):
    body = bytes(range(256)) * 4096
    server = real("nginx/" + kind, more="location /big { alias FOLDER/big; }")
    with open(f"{server.folder}/big", "wb") as f:
        f.write(body)
    result = strest.measure("-u", server.url + "/big", *server.words, "--http2-parallel", "4", "-m", "8", "-r", "8", "--requests", "40", "-t", "20s")
    assert result["books"]["ok"] == 40
    assert result["bytes"]["received"] > 40 * len(body)
    assert {line["body"] for line in server.lines()} == {len(body)}


@pytest.mark.option("timeout")
def test_a_time_out_costs_the_request_only(strest, way):
    """HTTP/2 resets the stream and goes on with the connection; HTTP/1.1 needs another one."""
    server = way()
    result = strest.measure("-u", server.url + "/hang", *way.words, "-m", "4", "-r", "4", "--requests", "12", "--timeout", "150ms", "-t", "10s", code=UNREACHABLE)
    assert reasons(result) == {"timeout/response": 12}
    assert server.record.requests == 12 == result["books"]["attempts"]
    assert result["connections"]["opened"] == (1 if way.is_h2 else 12) == server.record.connections
    way.check(result)


@pytest.mark.option("redirect")
def test_redirects_are_followed(strest, real):
    for kind in "h2", "h2c":
        server = real("nginx/" + kind, more="location /from { return 302 /to; }")
        result = strest.measure("-u", server.url + "/from", *server.words, "--redirect", "3", "-m", "4", "-r", "4", "--requests", "20", "-t", "10s")
        assert result["books"]["ok"] == 20 == result["books"]["hops"]
        assert settled(server, 40) == 40


@pytest.mark.option("connect-to", "bind")
def test_ways_to_the_target(strest, target):
    server = target()
    for words in (["--connect-to", f"a.test:80:127.0.0.1:{server.port}"], ["--connect-to", f"a.test:80:127.0.0.1:{server.port}", "--bind", "127.0.0.2"]):
        result = strest.measure("-u", "http://a.test/", "--http2", "--http2-parallel", "4", *words, "-m", "8", "-r", "8", "--requests", "40", "-t", "10s")
        assert result["books"]["ok"] == 40 and result["protocol"]["connections"]["h2"] == 2
    assert server.record.requests == 80


@pytest.mark.option("proxy")
def test_http2_goes_through_a_proxys_tunnel(strest, tinyproxy, target):
    for words in ([], ["--tls"]):
        server = target(*words)
        proxy = tinyproxy(connect_ports=[server.port])
        url = f"http{'s' if words else ''}://127.0.0.1:{server.port}/"
        result = strest.measure("-u", url, "--insecure", "--http2", "--http2-parallel", "4", "--proxy", proxy.url, "-m", "8", "-r", "8", "--requests", "40",
                                "-t", "10s")
        assert result["books"]["ok"] == 40 == server.record.requests
        assert result["protocol"]["connections"] == {"http/1.1": 0, "h2": 2}
        assert [line.split()[0] for line in proxy.requests()] == ["CONNECT"] * 2


@pytest.mark.option("requests-per-connection")
def test_a_connection_takes_so_many_requests(strest, way):
    server = way()
    result = strest.measure("-u", server.url + "/", *way.words, "--requests-per-connection", "10", "-m", "4", "-r", "4", "--requests", "100", "-t", "20s")
    assert result["books"]["ok"] == 100 == server.record.requests
    assert result["connections"]["opened"] == server.record.connections
    assert 10 <= server.record.connections <= 13
    assert result["errors"] == {}


def test_trailers_and_interim_responses_are_no_trouble(strest, way):
    server = way()
    for path, code in (("/chunked/100000", "200"), ("/interim", "200"), ("/status/103", "200"), ("/slow-body?bytes=50&time=100ms", "200")):
        result = strest.measure("-u", server.url + path, *way.words, "-m", "4", "-r", "4", "--requests", "20", "-t", "20s")
        assert result["status"] == {code: 20} and result["errors"] == {}, path


def test_head_and_its_length(strest, way):
    server = way()
    result = strest.measure("-u", server.url + "/bytes/5000", *way.words, "-X", "head", "-m", "4", "-r", "4", "--requests", "20", "-t", "20s")
    assert result["books"]["ok"] == 20 and result["errors"] == {}


@pytest.mark.option("http2", "http2-parallel")
def test_the_summary_says_what_was_spoken(strest, target):
    finished = strest.run("-u", target().url + "/", "--http2", "--streams", "5", "-m", "10", "-r", "10", "--requests", "50")
    assert finished.code == 0
    assert "2 connections with up to 5 streams each" in finished.out, finished
    assert "2 of 2 connections in HTTP/2" in finished.out, finished


def test_faults_of_the_target(strest, target):
    """What breaks a stream costs that request, what breaks a connection those on it; the run goes on."""
    server = target()
    for path, wanted, code in (("/reset", {"reset/stream_reset": 30}, UNREACHABLE), ("/cut", {"reset/stream_reset": 30}, 0), ("/close", {}, 0),
                               ("/garbage", {"protocol/not_http2": 30}, UNREACHABLE), ("/big-head", {"protocol/head_too_large": 30}, UNREACHABLE)):
        result = strest.measure("-u", server.url + path, "--http2", "--http2-parallel", "5", "-m", "10", "-r", "10", "--requests", "30", "-t", "20s", code=code)
        assert reasons(result) == wanted, path
