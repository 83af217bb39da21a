"""Servers that do what they should not: every run ends by itself, in its time, with books that balance and agree with what the server counted."""

import itertools
import resource
import signal
import socket
import time

import pytest

from conftest import reasons
from servers import answer, respond

N = 40
FOUR = ["-m", "4", "-i", "1", "--requests", N, "-t", "10s", "--timeout", "2s"]
CLOSES = "Connection: close"


def moved(location, body=b"", fields=()):
    return answer(body, status="302 Found", fields=[f"Location: {location}", *fields])


def checked(result, *servers):
    """Checks that the servers counted what was sent, but for what was lost, and returns what failed."""
    books = result["books"]
    assert books["attempts"] - books["lost"] <= sum(server.counted for server in servers) <= books["attempts"], books
    return reasons(result)


def first_and_end(first):
    """A script: the bytes of first(peer) for "/", the end for every other path. A connection ends after what first() has sent."""

    def script(server, peer):
        for request in iter(lambda: server.read(peer), None):
            if request.path != "/":
                peer.send(answer())
            elif not first(peer):
                return

    return script


def in_pieces(size):
    def first(peer):
        bytes_ = moved("/to", b"moved")
        return all(peer.send(bytes_[at : at + size]) for at in range(0, len(bytes_), size))

    return first


def then(*parts, wait=0):
    """Sends the parts one by one, and then nothing more."""

    def first(peer):
        for part in parts:
            peer.send(part)
            time.sleep(0.005)
        time.sleep(wait)
        return False

    return first


def reset_in_body(peer):
    peer.send(b"HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 100\r\n\r\nbody")
    time.sleep(0.005)
    peer.reset()
    return False


REDIRECTS = {
    "byte by byte": (in_pieces(1), {}),
    "head in halves": (in_pieces(30), {}),
    "body comes later": (lambda peer: peer.send(moved("/to", b"12345")[:-5]) and not time.sleep(0.01) and peer.send(b"12345"), {}),
    "body to the end of the connection": (then(b"HTTP/1.1 302 Found\r\nLocation: /to\r\n\r\nbody"), {}),
    "says close and does not": (then(moved("/to", fields=[CLOSES]), wait=1.5), {}),
    "says close and sends more": (then(moved("/to", fields=[CLOSES]) + b"more"), {"protocol/leftover": N}),
    "cut in its body": (then(moved("/to", b"12345")[:-1]), {"reset/cut": N}),
    "reset in its body": (reset_in_body, {"reset/reset": N}),
    "folded": (then(b"HTTP/1.1 302 Found\r\nLocation:\r\n /to\r\n\r\n"), None),
    "64 KB": (then(moved("/" + "a" * 66000)), {"protocol/head_too_large": N}),
    "60 KB": (then(moved("/" + "a" * 60000), wait=0), None),
}


@pytest.mark.option("redirect", "requests")
@pytest.mark.parametrize("case", REDIRECTS)
def test_a_redirect_may_come_in_any_shape(strest, scripted, case):
    first, fails = REDIRECTS[case]
    server = scripted(first_and_end(first))
    result = strest.measure("-u", server.url + "/", *FOUR)
    assert result["books"]["planned"] == N and result["books"]["open"] == result["books"]["unsent"] == 0
    failed = checked(result, server)
    if fails is not None:
        assert failed == fails


@pytest.mark.option("redirect")
def test_a_body_without_end_is_a_timeout(strest, scripted):
    def endless(peer):
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: /to\r\nTransfer-Encoding: chunked\r\n\r\n")
        while peer.send(b"400\r\n" + b"y" * 1024 + b"\r\n"):
            pass
        return False

    server = scripted(first_and_end(endless))
    result = strest.measure("-u", server.url + "/", "-m", "2", "--requests", "2", "-i", "1", "--timeout", "300ms", "-t", "5s")
    assert checked(result, server) == {"timeout/response": 2}


@pytest.mark.option("redirect")
def test_relative_places_follow_a_whole_one(strest, scripted):
    places = {"/a": "b", "/b": "/c", "/c": "?x", "/c?x": "d", "/d": "/e"}

    def handler(request):
        to = server.url.replace("//", "//ann:secret@") + "/a" if request.path == "/" else places.get(request.path)
        return moved(to) if to else answer()

    server = scripted(respond(handler))
    result = strest.measure("-u", server.url + "/", *FOUR)
    assert result["books"]["ok"] == N and result["books"]["hops"] == 6 * N
    assert checked(result, server) == {}
    assert {tuple(request.values("Authorization")) for request in server.requests} == {(), ("Basic YW5uOnNlY3JldA==",)}


@pytest.mark.option("redirect")
@pytest.mark.parametrize("load", [["-m", "20", "-i", "1", "--threads", "2"], ["-m", "20", "--rate", "200", "--threads", "2"]])
def test_every_answer_may_lead_to_another_port(strest, scripted, load):
    ports = itertools.count(1)
    server = scripted(respond(lambda request: moved(f"http://127.0.0.{next(ports) % 250 + 2}:1/")))
    result = strest.measure("-u", server.url + "/", *load, "-t", "2s", "--timeout", "1s")
    assert set(checked(result, server)) <= {"connect/refused", "protocol/redirect_places", "timeout/open"}


@pytest.mark.option("urls-from-file")
@pytest.mark.parametrize("load", [["-m", "1"], ["-m", "3"], ["-m", "30"], ["-m", "2", "--rate", "400"], ["-m", "3", "--disable-keepalive"]])
def test_origins_that_close_and_stay_share_the_connections(strest, scripted, tmp_path, load):
    def once_silently(server, peer):
        if server.read(peer):
            peer.send(answer())

    made = [scripted(respond(lambda request: answer())), scripted(respond(lambda request: answer(fields=[CLOSES]))), scripted(once_silently)]
    path = tmp_path / "urls"
    path.write_text("".join(f"{made[i % 3].url}/{i}\n" for i in range(30)))
    result = strest.measure("--urls-from-file", path, *load, "--requests", "200", "-t", "10s", "--timeout", "2s")
    assert result["books"]["planned"] == 200
    assert set(checked(result, *made)) <= {"stale/reused_connection_closed"}


@pytest.mark.option("unix-socket")
def test_a_unix_socket_may_vanish_in_the_run(strest, tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        run = strest.start("--json", "-u", "http://x/", "--unix-socket", path, "-m", "4", "-i", "1", "-t", "2s", "--timeout", "1s")
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(1 << 16)
            accepted.sendall(answer(fields=[CLOSES]))
    finished = run.wait()
    assert finished.code == 0, finished
    result = finished.json
    assert result["books"]["balanced"] and result["books"]["ok"] == 1 and "connect/no_socket" in reasons(result)


@pytest.mark.option("redirect")
def test_a_signal_stops_a_chain_of_redirects(strest, scripted):
    server = scripted(respond(lambda request: moved("/again")))
    run = strest.start("--json", "-u", server.url + "/", "-m", "4", "--redirect", "1000", "-t", "30s", "--timeout", "1s")
    while not server.counted and run.alive():
        time.sleep(0.01)
    run.signal(signal.SIGINT)
    finished = run.wait(15)
    assert finished.code == 0 and finished.json["books"]["balanced"], finished
    checked(finished.json, server)


def test_idle_connections_give_up_their_descriptors(strest, target, tmp_path):
    """Connections to four targets are kept for all tasks (32 here) as long as there are descriptors for them; then one that is idle makes room.

    26 are enough for strest itself, which reads a few files at a time, and its 8 requests in flight."""
    targets = [target() for _ in range(4)]
    (tmp_path / "urls").write_text("".join(f"{server.url}/\n" for server in targets))
    result = strest.measure("--urls-from-file", tmp_path / "urls", "-m", "8", "-r", "8", "--requests", "400", "-t", "20s", "--threads", "1",
                            prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (26, 26)))
    assert result["books"]["ok"] == 400, result["errors"]
