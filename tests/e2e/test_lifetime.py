"""How long connections live and which of them is taken: --disable-keepalive, --requests-per-connection, --connection-pick."""

import collections
import time

import pytest

from conftest import reasons, says
from servers import always, answer

each_thread = pytest.mark.parametrize("threads", [1, 3])
FEW = ["-m", "4", "-r", "4", "--requests", "40", "-t", "20s"]
USAGE, CONFIG = 2, 1

PLAIN_SITE = 'server { listen 127.0.0.1:PORT; location / { return 200 "ok\\n"; } }'


def per_connection(server):
    """Requests by connection, in the order of the connections."""
    counts = collections.Counter(request.connection for request in server.requests)
    return [counts[number] for number in sorted(counts)]


# ---- --disable-keepalive


@pytest.mark.option("disable-keepalive")
def test_without_keepalive_every_request_says_close_and_has_its_own_connection(strest, nginx_with):
    server = nginx_with(PLAIN_SITE)
    result = strest.measure("-u", server.url + "/", "--disable-keepalive", *FEW)
    assert result["books"]["ok"] == 40 == len(server.lines())
    assert {line["closes"] for line in server.lines()} == {"close"}
    assert len({line["connection"] for line in server.lines()}) == result["connections"]["opened"] == 40
    assert result["connections"]["reused"] == 0 and result["books"]["retries"] == 0
    assert result["run"]["keepalive"] is False


@pytest.mark.option("disable-keepalive")
@each_thread
@pytest.mark.parametrize("load", [["-r", "8", "--requests", "80"], ["--rate", "160", "-t", "500ms"], ["--rate", "160", "-t", "500ms", "--preconnect", "0"]])
def test_the_target_counts_a_connection_for_each_request(strest, target, threads, load):
    server = target()
    result = strest.measure("-u", server.url + "/", "--disable-keepalive", "-m", "8", "--threads", threads, *load)
    assert result["books"]["ok"] == 80 == server.record.requests
    assert server.record.connections == result["connections"]["opened"] >= 80, "what was opened in advance and not needed may be more"
    assert result["connections"]["reused"] == 0 and result["errors"] == {}


@pytest.mark.option("disable-keepalive")
def test_without_keepalive_a_server_that_keeps_is_left(strest, scripted):
    """The server does not close, whatever it was told: then strest does."""
    server = scripted(always(answer()))
    result = strest.measure("-u", server.url, "--disable-keepalive", *FEW)
    assert result["books"]["ok"] == 40
    assert per_connection(server) == [1] * 40
    assert {tuple(request.values("Connection")) for request in server.requests} == {("close",)}


@pytest.mark.option("disable-keepalive")
def test_a_connection_header_of_the_users_stands_alone(strest, scripted):
    server = scripted(always(answer()))
    strest.measure("-u", server.url, "--disable-keepalive", "-H", "Connection: close, TE", *FEW)
    assert {tuple(request.values("Connection")) for request in server.requests} == {("close, TE",)}


@pytest.mark.option("disable-keepalive")
def test_connections_per_second_are_told(strest, target):
    server = target()
    result = strest.measure("-u", server.url + "/", "--disable-keepalive", "-m", "4", "--rate", "100", "-t", "1s", "--preconnect", "0")
    assert result["books"]["ok"] == 100
    assert result["connections"]["opened_per_s"] == pytest.approx(100, rel=0.1)
    kept = strest.measure("-u", server.url + "/", "-m", "1", "--rate", "100", "-t", "1s", "--preconnect", "0")
    assert kept["connections"]["opened_per_s"] == pytest.approx(1, abs=0.1)


@pytest.mark.option("preconnect")
def test_connections_opened_in_advance_are_not_among_those_per_second(strest, target):
    server = target()
    connections = strest.measure("-u", server.url + "/", "-m", "20", "--rate", "100", "-t", "1s", "--preconnect", "20")["connections"]
    assert (connections["opened"], connections["opened_per_s"]) == (20, 0)


@pytest.mark.option("disable-keepalive")
def test_a_peer_that_says_close_is_given_a_moment_whatever_its_time_out_was(strest, scripted):
    """Who closes first keeps the port for a minute. The time-out of the request is over while its connection is left to the peer."""

    def script(server, peer):
        server.read(peer)
        peer.send(answer(fields=["Connection: close"]))
        time.sleep(0.5)
        peer.close()

    server = scripted(script)
    result = strest.measure("-u", server.url, "--disable-keepalive", "--timeout", "250ms", "-m", "2", "--rate", "10", "-t", "2s", "--preconnect", "0")
    closed = result["connections"]["closed"]
    assert result["books"]["ok"] == 20
    assert closed["by_us"] == 0 and closed["by_peer"] >= 12, closed


@pytest.mark.option("disable-keepalive")
def test_the_summary_says_how_connections_live(strest, target):
    server = target()
    finished = strest.run("-u", server.url + "/", "--disable-keepalive", *FEW)
    assert finished.code == 0 and "a connection for each request" in finished.out + finished.err, finished
    assert "/s opened" in finished.out, finished


@pytest.mark.option("disable-keepalive", "tls-resume")
@pytest.mark.parametrize("resume", [False, True])
def test_handshakes_per_second_are_told_full_and_resumed(strest, tls_nginx, made, resume):
    server = tls_nginx()
    words = ["--tls-resume"] if resume else []
    result = strest.measure("-u", server.url + "/", "--disable-keepalive", "--cacert", made.root.cert, *words, "-m", "1", "--rate", "50", "-t", "1s", "--preconnect", "0")
    connections = result["connections"]
    assert result["books"]["ok"] == 50 == connections["opened"] == len({line[0] for line in server.lines()})
    assert connections["handshakes_full"] + connections["handshakes_resumed"] == 50
    assert connections["handshakes_resumed"] == (49 if resume else 0) == [line[1] for line in server.lines()].count("r")
    assert result["tls"]["handshakes_per_s"] == pytest.approx(50, rel=0.1)


@pytest.mark.option("disable-keepalive")
def test_without_keepalive_the_key_of_a_file_does_the_same(strest, target, tmp_path):
    server = target()
    path = tmp_path / "run.toml"
    path.write_text(f'url = "{server.url}/"\ndisable_keepalive = true\n')
    assert strest.measure("--config", path, *FEW)["connections"]["opened"] == 40 == server.record.connections


# ---- --requests-per-connection


@pytest.mark.option("requests-per-connection")
@each_thread
def test_a_connection_is_closed_after_so_many_requests(strest, scripted, threads):
    server = scripted(always(answer()))
    result = strest.measure("-u", server.url, "--requests-per-connection", "5", "-m", "1", "--threads", "1", "--requests", "40", "-t", "20s")
    assert result["books"]["ok"] == 40
    assert per_connection(server) == [5] * 8
    assert result["connections"]["opened"] in (8, 9)
    assert result["run"]["requests_per_connection"] == 5
    several = strest.measure("-u", server.url, "--requests-per-connection", "5", "-m", "6", "-r", "6", "--threads", threads, "--requests", "100", "-t", "20s")
    assert several["books"]["ok"] == 100
    assert max(per_connection(server)) == 5


@pytest.mark.option("requests-per-connection")
def test_nginx_sees_so_many_requests_on_each_connection_under_a_rate(strest, nginx_with):
    server = nginx_with(PLAIN_SITE)
    result = strest.measure("-u", server.url + "/", "--requests-per-connection", "3", "-m", "4", "--rate", "120", "-t", "500ms")
    assert result["books"]["ok"] == 60 == len(server.lines())
    assert max(line["on_connection"] for line in server.lines()) == 3
    assert len({line["connection"] for line in server.lines()}) >= 20
    assert result["books"]["retries"] == 0 and result["errors"] == {}
    assert result["connections"]["closed"]["by_us"] >= 19


@pytest.mark.option("requests-per-connection")
def test_one_request_per_connection_does_not_say_close(strest, scripted):
    server = scripted(always(answer()))
    result = strest.measure("-u", server.url, "--requests-per-connection", "1", *FEW)
    assert per_connection(server) == [1] * 40
    assert {tuple(request.values("Connection")) for request in server.requests} == {()}
    assert result["connections"]["reused"] == 0


@pytest.mark.option("requests-per-connection")
def test_without_it_a_connection_carries_all(strest, target):
    result = strest.measure("-u", target().url + "/", "-m", "1", "--requests", "200", "-t", "20s")
    assert result["connections"]["opened"] == 1
    assert result["run"]["requests_per_connection"] is None and result["run"]["keepalive"] is True


@pytest.mark.option("requests-per-connection")
@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5"])
def test_a_bad_number_of_requests_is_refused(strest, text):
    says(strest.run("-u", "http://127.0.0.1:9/", f"--requests-per-connection={text}"), USAGE, "--requests-per-connection")


# ---- --connection-pick


@pytest.mark.option("connection-pick")
@pytest.mark.parametrize("pick, used", [("lru", [3, 3, 3]), ("mru", [9])])
def test_idle_connections_are_taken_in_turn_or_the_last_one_again(strest, scripted, pick, used):
    server = scripted(always(answer()))
    result = strest.measure("-u", server.url, "--connection-pick", pick, "-m", "3", "--preconnect", "3", "--rate", "20", "--threads", "1", "-t", "440ms")
    assert result["books"]["ok"] == 9 and len(server.peers) == 3
    assert per_connection(server) == used


@pytest.mark.option("connection-pick")
def test_lru_is_what_is_done_unasked(strest, nginx_with):
    server = nginx_with(PLAIN_SITE)
    strest.measure("-u", server.url + "/", "-m", "4", "--preconnect", "4", "--rate", "40", "--threads", "1", "-t", "490ms")
    counts = collections.Counter(line["connection"] for line in server.lines())
    assert sorted(counts.values()) == [5, 5, 5, 5]


@pytest.mark.option("connection-pick")
@pytest.mark.parametrize(
    "words, code, said",
    [
        (["--connection-pick", "fifo", "--rate", "5"], USAGE, ["'fifo'", "lru"]),
        (["--connection-pick", "mru"], CONFIG, ["--connection-pick", "--rate"]),
        (["--connection-pick", "mru", "--rate", "5", "--disable-keepalive"], USAGE, ["--disable-keepalive"]),
        (["--requests-per-connection", "5", "--disable-keepalive"], USAGE, ["--requests-per-connection"]),
    ],
)
def test_what_does_not_go_together_is_refused(strest, words, code, said):
    says(strest.run("-u", "http://127.0.0.1:9/", *words), code, *said)


@pytest.mark.option("disable-keepalive")
def test_a_server_that_cuts_new_connections_is_no_stale_connection(strest, scripted):
    """Without keep-alive no connection is a reused one: nothing is repeated."""

    def script(server, peer):
        if server.read(peer) and peer.number % 2:
            peer.send(answer())
        peer.close()

    server = scripted(script)
    result = strest.measure("-u", server.url, "--disable-keepalive", "-m", "1", "--requests", "20", "-t", "20s")
    assert reasons(result) == {"reset/closed": 10}
    assert result["books"]["retries"] == 0 and server.counted == 20
