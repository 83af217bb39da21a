"""How connections with TLS end: in order (close_notify), cut off, in the handshake, idle; and what becomes of their requests."""

import contextlib
import socket
import ssl
import threading

import pytest

from certificates import openssl
from conftest import check_result

KEEP = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nhello"
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A self-signed certificate and its key."""
    folder = tmp_path_factory.mktemp("pair")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    how = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    openssl("req", *how, "-keyout", key, "-out", cert)
    return cert, key


class Peer:
    """A TLS server in Python (OpenSSL too, but another program): `script(connection, number)` has each connection after its handshake."""

    def __init__(self, pair, version, script, before=None, wants_certificate=False):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair)
        self.context.minimum_version = self.context.maximum_version = VERSIONS[version]
        if wants_certificate:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(pair[0])
        self.script, self.before, self.requests, self.accepted, self.ends = script, before, 0, 0, []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self.listener.accept()
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        with self.lock:
            self.accepted += 1
            number = self.accepted
        with raw, contextlib.suppress(OSError):
            raw.settimeout(10)
            if self.before and not self.before(raw):
                return
            connection = self.context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)
            with connection:
                self.script(self, connection, number)

    def read(self, connection):
        """Reads a request; False at the end of the connection, which is noted: True in order, else cut off."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            try:
                more = connection.recv(4096)
            except ssl.SSLEOFError:
                self.ends.append(False)
                return False
            if not more:
                self.ends.append(True)
                return False
            head += more
        with self.lock:
            self.requests += 1
        return True

    def close(self):
        self.listener.close()


@pytest.fixture
def peer(pair):
    peers = []

    def make(*args, **more):
        peers.append(Peer(pair, *args, **more))
        return peers[-1]

    yield make
    for one in peers:
        one.close()


def load(strest, server, *args, tasks="2", time="500ms"):
    ramp = [] if "-q" in args else ["-r", tasks]
    limits = ["-t", time, "--timeout", "400ms", "--connect-timeout", "400ms"]
    return strest.run("--json", "-u", server.url, "--insecure", "-m", tasks, *ramp, *limits, *args)


def measured(*args, **more):
    finished = load(*args, **more)
    assert finished.code == 0, finished
    return check_result(finished)


both = pytest.mark.parametrize("version", sorted(VERSIONS))


@both
def test_a_body_until_the_close_ends_with_close_notify(strest, peer, version):
    def script(server, connection, _):
        if server.read(connection):
            connection.sendall(UNTIL_CLOSE)
            connection.unwrap()

    server = peer(version, script)
    result = measured(strest, server)
    assert result["books"]["ok"] > 2
    assert result["books"]["failed"] == 0
    assert result["connections"]["closed"]["by_peer"] >= result["books"]["ok"]


@both
def test_a_body_until_the_close_without_close_notify_may_be_cut_off(strest, peer, version):
    def script(server, connection, _):
        if server.read(connection):
            connection.sendall(UNTIL_CLOSE)
            raw = socket.socket(fileno=connection.detach())
            raw.shutdown(socket.SHUT_WR)
            raw.recv(1)  # its end: no reset comes before the bytes were read
            raw.close()

    result = measured(strest, peer(version, script))
    assert result["books"]["ok"] == 0
    assert result["errors"]["reset"]["cut"] > 2


@both
def test_a_connection_that_said_close_notify_is_not_used_again(strest, peer, version):
    def script(server, connection, _):
        for _ in range(2):
            if server.read(connection):
                connection.sendall(KEEP)
        with contextlib.suppress(OSError):
            connection.unwrap()

    server = peer(version, script)
    result = measured(strest, server, "-q", "40", tasks="1")  # 25 ms between the requests: the end has come before the next
    assert result["books"]["ok"] == result["books"]["planned"] == 20
    assert result["books"]["retries"] == result["books"]["lost"] == 0
    assert result["connections"]["opened"] == 10
    assert result["connections"]["handshakes_full"] == 10
    assert server.requests == 20


@both
def test_a_request_that_meets_a_close_notify_is_retried(strest, peer, version):
    def script(server, connection, number):
        if server.read(connection):
            connection.sendall(KEEP)
        if server.read(connection) and number == 1:
            connection.unwrap()  # no answer
            return
        while True:
            connection.sendall(KEEP)
            if not server.read(connection):
                return

    result = measured(strest, peer(version, script), tasks="1")
    assert result["books"]["retries"] == 1 and result["books"]["failed"] == 0


@both
def test_idle_connections_are_closed_with_close_notify(strest, peer, version):
    def script(server, connection, _):
        while server.read(connection):
            connection.sendall(KEEP)

    server = peer(version, script)
    measured(strest, server, "-q", "20", "--preconnect", "2")
    assert server.ends == [True, True]


def test_a_silent_handshake_times_out_as_a_connect(strest, peer):
    server = peer("1.3", None, before=lambda raw: raw.recv(4096) and raw.recv(4096) and False)
    finished = load(strest, server)
    assert finished.code == 3
    assert "no connection within --connect-timeout" in finished.err
    assert check_result(finished)["errors"]["timeout"].keys() == {"connect"}


@pytest.mark.parametrize("first, words", [(b"", "closed the connection in the TLS handshake"), (b"SSH-2.0-x\r\n", "something else")])
def test_a_handshake_that_fails_is_told_and_not_hammered(strest, peer, first, words):
    def before(raw):
        raw.recv(4096)
        raw.sendall(first)
        return False

    server = peer("1.3", None, before=before)
    finished = load(strest, server, time="1s")
    assert finished.code == 3
    assert words in finished.err
    assert check_result(finished)["errors"].keys() == {"tls"}
    assert server.accepted <= 2 * 5  # each task: at once, after 100, 300, 700 ms


@both
def test_a_refused_client_certificate_is_not_hammered(strest, peer, version):
    server = peer(version, None, wants_certificate=True)
    finished = strest.run("-u", server.url, "--insecure", "-m", "2", "-r", "2", "-t", "1s")
    assert finished.code == 3
    assert "client certificate" in finished.err
    assert server.accepted <= 2 * 5
