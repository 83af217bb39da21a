"""TLS: who is trusted, what is negotiated, what each fault is called, and that the books hold over it."""

import json
import re
import shutil
import socket
import ssl
import struct
import threading
import time
import urllib.request

import pytest

import certificates
from certificates import over_tls
from servers import always, answer, once, wait_for

each_thread = pytest.mark.parametrize("threads", [1, 4])
TASKS = ["-m", "8", "-r", "8"]


@pytest.fixture
def caddy(tmp_path, keep):
    if not shutil.which("caddy"):
        pytest.skip("needs caddy (Debian: caddy)")
    return lambda *args, **more: keep(certificates.Caddy(tmp_path, *args, **more))


@pytest.fixture
def s_server(keep):
    return lambda pair, *words: keep(certificates.OpensslServer(pair, *words))


@pytest.fixture
def tls_target(target, made):
    """The built-in target with the good certificate."""

    def start(*words):
        server = target("--tls", "--cert", made.good.cert, "--key", made.good.key, *words)
        server.url = f"https://localhost:{server.port}"
        return server

    return start


@pytest.fixture
def tls_scripted(scripted, made):
    """tls_scripted(script, pair) is a server by hand with TLS; its context is `pair`'s, a context, or a function of the peer."""

    def start(script, context=None):
        context = context or made.good
        server = scripted(over_tls(context.context() if isinstance(context, certificates.Pair) else context, script))
        server.url = f"https://localhost:{server.port}"
        return server

    return start


def stats_of(server):
    """What the target says of itself. Its own connection is full handshake number one more."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(f"https://127.0.0.1:{server.port}/stats", timeout=10, context=context) as reply:
        return json.load(reply)


def handshakes_of(record):
    """The target's count of full and resumed handshakes (src/target/record.h)."""
    counts = [struct.unpack_from("<2Q", record.map, 64 + 64 * t + 48) for t in range(record.threads)]
    return sum(full for full, _ in counts), sum(resumed for _, resumed in counts)


def refused(finished, words):
    """Nothing was measured, for this reason."""
    assert finished.code == 3, finished
    assert finished.out == "", finished
    lines = [line for line in finished.err.splitlines() if line.startswith("strest: error: ")]
    assert len(lines) == 1 and words in lines[0], finished


# ---- who is trusted

GOOD = {
    "by the root": ("good", "localhost"),
    "RSA": ("rsa", "localhost"),
    "by an intermediate": ("chained", "localhost"),
    "for the address": ("good", "127.0.0.1"),
}


@pytest.mark.parametrize("case", GOOD)
@pytest.mark.option("cacert")
def test_nginx_with_a_certificate_of_the_bundle(strest, tls_nginx, made, case):
    pair, host = GOOD[case]
    server = tls_nginx(getattr(made, pair))
    result = strest.measure("-u", f"https://{host}:{server.port}/", "--cacert", made.root.cert, *TASKS, "--requests", "500")
    assert result["books"]["ok"] == 500 == len(server.lines())
    assert {line[3] for line in server.lines()} == {"localhost" if host == "localhost" else "-"}, "SNI only for names"
    assert result["connections"]["handshakes_full"] == result["connections"]["opened"] == len({line[0] for line in server.lines()})
    assert result["connections"]["handshakes_resumed"] == 0


@pytest.mark.parametrize("case", GOOD)
def test_caddy_with_a_certificate_of_the_bundle(strest, caddy, made, case):
    pair, host = GOOD[case]
    server = caddy(getattr(made, pair))
    result = strest.measure("-u", f"https://{host}:{server.port}/", "--cacert", made.root.cert, *TASKS, "--requests", "500")
    assert result["books"]["ok"] == 500
    assert result["tls"].items() >= {"version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "verified": True}.items()


@pytest.mark.parametrize("case", GOOD)
def test_s_server_with_a_certificate_of_the_bundle(strest, s_server, made, case):
    pair, host = GOOD[case]
    server = s_server(getattr(made, pair))
    result = strest.measure("-u", f"https://{host}:{server.port}/", "--cacert", made.root.cert, "-m", "4", "-r", "4", "--requests", "20")
    assert result["books"]["ok"] == 20
    assert result["connections"]["opened"] == 20, "it closes after each answer, properly"


def test_the_address_of_ipv6_is_checked(strest, scripted, made, ipv6):
    for pair, fine in ((made.good, True), (made.wrong_host, False)):
        server = scripted(over_tls(pair.context(), always(answer())), hosts=("::1",))
        finished = strest.run("-u", f"https://[::1]:{server.port}/", "--cacert", made.root.cert, "--requests", "5")
        if fine:
            assert finished.code == 0, finished
        else:
            refused(finished, "for another host name")


def test_a_bundle_counts_whole(strest, tls_target, made, tmp_path):
    bundle = tmp_path / "bundle.pem"
    text = "# two roots\n" + open(made.stranger.cert).read() + "\n" + open(made.root.cert).read()
    bundle.write_text(text)
    assert strest.measure("-u", tls_target().url, "--cacert", bundle, "--requests", "5")["books"]["ok"] == 5


def test_the_system_trust_can_be_named(strest, tls_target, made, tmp_path):
    """SSL_CERT_FILE and SSL_CERT_DIR, as OpenSSL has them."""
    server = tls_target()
    folder = tmp_path / "trust"
    folder.mkdir()
    shutil.copy(made.root.cert, folder / "root.pem")
    certificates.openssl("rehash", str(folder))
    for env in ({"SSL_CERT_FILE": made.root.cert}, {"SSL_CERT_DIR": str(folder)}):
        finished = strest.run("-u", server.url, "--requests", "5", env=env)
        assert finished.code == 0, finished
    refused(strest.run("-u", server.url, "--requests", "5"), "signed by nobody trusted here")
    assert strest.measure("-u", server.url, "--cacert", made.root.cert, "--requests", "5", env={"SSL_CERT_FILE": made.stranger.cert})["books"]["ok"] == 5


FAULTS = {
    "expired": ("certificate_expired", "has expired, or is not valid yet"),
    "future": ("certificate_expired", "has expired, or is not valid yet"),
    "self_signed": ("certificate_self_signed", "is self-signed (--cacert FILE, --insecure)"),
    "untrusted": ("certificate_untrusted", "signed by nobody trusted here (--cacert FILE, --insecure)"),
    "wrong_host": ("certificate_host", "is for another host name"),
    "common_name": ("certificate_host", "is for another host name"),
    "for_clients": ("certificate_purpose", "is not meant for servers"),
}


@pytest.mark.parametrize("words", [[], ["--http2"]], ids=["h1", "h2"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.option("target cert", "target key")
def test_a_fault_of_the_certificate_is_told_in_words(strest, target, made, fault, words):
    pair = getattr(made, fault)
    server = target("--tls", "--cert", pair.cert, "--key", pair.key)
    url = f"https://localhost:{server.port}/"
    refused(strest.run("-u", url, "--cacert", made.root.cert, "--requests", "20", *words), FAULTS[fault][1])
    assert server.record.requests == 0
    assert strest.measure("-u", url, "--insecure", "--requests", "20", *words)["books"]["ok"] == 20


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_comes_later_has_its_reason_in_the_results(strest, tls_scripted, made, fault):
    good, bad = made.good.context(), getattr(made, fault).context()
    server = tls_scripted(once(answer(fields=["Connection: close"])), lambda peer: good if peer.number == 0 else bad)
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--requests", "4")
    assert result["books"]["ok"] == 1
    assert result["errors"] == {"tls": {FAULTS[fault][0]: 3}}
    assert result["connections"]["handshakes_full"] == 1
    assert result["connections"]["handshakes_failed"] > 0


def test_a_name_in_the_certificate_is_no_address(strest, target, made):
    server = target("--tls", "--cert", made.name_only.cert, "--key", made.name_only.key)
    assert strest.measure("-u", f"https://localhost:{server.port}/", "--cacert", made.root.cert, "--requests", "3")["books"]["ok"] == 3
    refused(strest.run("-u", f"https://127.0.0.1:{server.port}/", "--cacert", made.root.cert, "--requests", "3"), "for another host name")


def test_an_intermediate_that_is_not_sent_is_missed(strest, tls_scripted, made, tmp_path):
    alone = tmp_path / "leaf.pem"
    alone.write_text(open(made.chained.cert).read().split("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n")
    server = tls_scripted(always(answer()), certificates.Pair(str(alone), made.chained.key))
    refused(strest.run("-u", server.url, "--cacert", made.root.cert, "--requests", "3"), "signed by nobody trusted here")
    assert strest.measure("-u", server.url, "--cacert", made.intermediate.cert, "--requests", "3")["books"]["ok"] == 3


@pytest.mark.option("insecure", "target tls")
def test_the_target_makes_its_own_certificate(strest, target):
    server = target("--tls")
    url = f"https://localhost:{server.port}/"
    refused(strest.run("-u", url, "--requests", "3"), "is self-signed")
    result = strest.measure("-u", url, "--insecure", "--requests", "3")
    assert result["books"]["ok"] == 3 and result["tls"]["verified"] is False
    assert "certificates were not checked" in strest.run("-u", url, "--insecure", "--requests", "3").out


# ---- what strest is given


def test_files_that_do_not_fit_are_refused_at_once(strest, target, made, tmp_path):
    server = target("--tls")
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    locked = made.root.lock(made.client, "secret")
    for words, text in (
        (["--cert", made.client.cert, "--key", made.good.key], f"--key: '{made.good.key}' does not belong to the certificate in '{made.client.cert}'"),
        (["--cert", locked.cert, "--key", locked.key], f"--key: '{locked.key}' is encrypted"),
        (["--cert", empty, "--key", made.client.key], f"--cert: there is no certificate in '{empty}'"),
        (["--cert", made.client.cert, "--key", empty], f"--key: there is no private key in '{empty}'"),
        (["--cert", tmp_path / "none", "--key", made.client.key], f"--cert: '{tmp_path}/none': No such file"),
        (["--cacert", tmp_path / "none"], f"--cacert: '{tmp_path}/none': No such file"),
        (["--cacert", empty], f"--cacert: there is no certificate in '{empty}'"),
        (["--tls-min", "1.3", "--tls-max", "1.2"], "--tls-min: 1.3 is over the --tls-max of 1.2"),
    ):
        finished = strest.run("-u", f"https://localhost:{server.port}/", *words, "--requests", "3")
        assert finished.code == 1, finished
        assert finished.out == "" and text in finished.err, finished
    assert server.record.connections == 0


def test_the_target_refuses_files_that_do_not_fit(strest, made):
    for words, text in (
        (["--cert", made.good.cert, "--key", made.good.key], "add --tls"),
        (["--tls", "--cert", made.good.cert, "--key", made.rsa.key], "does not belong to the certificate"),
        (["--tls", "--cert", made.good.cert], "--key"),
    ):
        finished = strest.run("target", "--listen", "127.0.0.1:0", *words)
        assert finished.code in (1, 2), finished
        assert finished.out == "" and text in finished.err, finished


# ---- what is negotiated


@pytest.mark.parametrize("words, version", [([], "TLSv1.3"), (["--tls-max", "1.2"], "TLSv1.2"), (["--tls-min", "1.3"], "TLSv1.3")])
@pytest.mark.option("tls-min", "tls-max")
def test_versions_against_nginx(strest, tls_nginx, made, words, version):
    server = tls_nginx(made.good, "ssl_protocols TLSv1.2 TLSv1.3;")
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, *words, "--requests", "20")
    assert result["tls"]["version"] == version
    assert {line[2] for line in server.lines()} == {version}


def test_a_server_without_1_3_is_no_server_for_1_3(strest, tls_nginx, caddy, s_server, made):
    for server in (tls_nginx(made.good, "ssl_protocols TLSv1.2;"), caddy(made.good, "tls1.2 tls1.2"), s_server(made.good, "-tls1_2")):
        url = ["-u", server.url, "--cacert", made.root.cert, "--requests", "5"]
        refused(strest.run(*url, "--tls-min", "1.3"), "no common TLS version (--tls-min, --tls-max)")
        assert strest.measure(*url)["tls"]["version"] == "TLSv1.2"


def test_a_server_with_1_3_only_is_no_server_for_1_2(strest, caddy, s_server, made):
    for server in (caddy(made.good, "tls1.3 tls1.3"), s_server(made.good, "-tls1_3")):
        refused(strest.run("-u", server.url, "--cacert", made.root.cert, "--requests", "5", "--tls-max", "1.2"), "no common TLS version")


@pytest.mark.parametrize("flag, option, name", [("-tls1", "1.0", "TLSv1"), ("-tls1_1", "1.1", "TLSv1.1")])
def test_old_versions_on_request_only(strest, s_server, made, flag, option, name):
    server = s_server(made.rsa, flag, "-cipher", "ALL:@SECLEVEL=0")
    url = ["-u", server.url, "--cacert", made.root.cert, "--requests", "5"]
    refused(strest.run(*url), "no common TLS version")
    assert strest.measure(*url, "--tls-min", option)["tls"]["version"] == name
    assert strest.measure(*url, "--tls-max", option)["tls"]["version"] == name


@pytest.mark.option("alpn")
def test_alpn_is_offered_only_on_request(strest, tls_scripted, made):
    seen = []

    def script(server, peer):
        seen.append(peer.sock.selected_alpn_protocol())
        always(answer())(server, peer)

    context = made.good.context()
    context.set_alpn_protocols(["http/1.1"])
    server = tls_scripted(script, context)
    for words, chosen in (([], None), (["--alpn", "http/1.1"], "http/1.1")):
        strest.measure("-u", server.url, "--cacert", made.root.cert, "-m", "1", *words, "--requests", "2")
        assert set(seen) == {chosen}
        seen.clear()


def test_a_server_that_speaks_none_of_the_protocols(strest, s_server, made):
    server = s_server(made.good, "-alpn", "h2")
    url = ["-u", server.url, "--cacert", made.root.cert, "--requests", "3"]
    refused(strest.run(*url, "--alpn", "http/1.1"), "speaks none of the offered protocols")
    assert strest.measure(*url)["books"]["ok"] == 3


def test_alpn_with_the_target_caddy_and_nginx(strest, tls_target, caddy, tls_nginx, made):
    for server in (tls_target(), caddy(made.good), tls_nginx(made.good)):
        assert strest.measure("-u", server.url, "--cacert", made.root.cert, "--alpn", "http/1.1", "--requests", "20")["books"]["ok"] == 20


# ---- client certificates


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.option("cert", "key")
def test_nginx_checks_the_client(strest, tls_nginx, made, version):
    server = tls_nginx(made.good, f"ssl_protocols {version}; ssl_client_certificate {made.root.cert}; ssl_verify_client on; ssl_verify_depth 3;")
    url = ["-u", server.url, "--cacert", made.root.cert, "--requests", "20"]
    result = strest.measure(*url, "--cert", made.client.cert, "--key", made.client.key)
    assert result["books"]["ok"] == 20
    assert {line[4] for line in server.lines()} == {"SUCCESS"}
    result = strest.measure(*url, "--status", "200")
    assert result["status"] == {"400": 20}, "nginx tells it by HTTP"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_s_server_checks_the_client(strest, s_server, made, version):
    server = s_server(made.good, version, "-Verify", "3", "-verify_return_error", "-CAfile", made.root.cert)
    url = ["-u", server.url, "--cacert", made.root.cert, "--requests", "5"]
    assert strest.measure(*url, "--cert", made.client.cert, "--key", made.client.key)["books"]["ok"] == 5
    for words in ([], ["--cert", made.strange_client.cert, "--key", made.strange_client.key]):
        finished = strest.run(*url, *words)
        assert finished.code == 3, finished
        assert "the server wants another client certificate, or one at all (--cert, --key)" in finished.err, finished


# ---- resumption


def closing(count):
    """A script that closes after so many answers."""

    def script(server, peer):
        for i in range(count):
            if not server.read(peer) or not peer.send(answer(fields=["Connection: close"] if i == count - 1 else [])):
                return
        peer.close()

    return script


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@each_thread
def test_the_target_sees_the_same_handshakes(strest, tls_target, made, version, threads):
    for words, resumes in ((["--tls-resume"], True), ([], False)):
        server = tls_target("--threads", "2")
        result = strest.measure("-u", server.url + "/close", "--cacert", made.root.cert, "--tls-max", version, "-m", "8", "-r", "8", "--threads", threads,
                                *words, "--requests", "400")
        connections = result["connections"]
        assert result["books"]["ok"] == 400 == connections["opened"] == server.record.connections
        assert (connections["handshakes_full"], connections["handshakes_resumed"]) == handshakes_of(server.record)
        assert connections["handshakes_full"] + connections["handshakes_resumed"] == 400
        if resumes:
            assert threads <= connections["handshakes_full"] <= 8, "only the first one of each task"
        else:
            assert connections["handshakes_resumed"] == 0


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.option("tls-resume")
def test_nginx_sees_the_same_handshakes(strest, tls_nginx, made, version):
    server = tls_nginx(made.good, f"ssl_protocols {version}; keepalive_requests 10; ssl_session_cache shared:a:1m;")
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "--tls-resume", "-m", "1", "-r", "1", "--requests", "200")
    connections = {line[0]: line[1] for line in server.lines()}
    assert result["books"]["ok"] == 200 == len(server.lines())
    assert result["connections"]["opened"] == 20 == len(connections)
    assert result["connections"]["handshakes_resumed"] == 19 == list(connections.values()).count("r")
    assert result["connections"]["handshakes_full"] == 1


def test_s_server_sees_the_same_handshakes(strest, s_server, made):
    server = s_server(made.good, "-tls1_2", "-no_ticket")  # by session identifier, in the server's cache
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "--tls-resume", "-m", "1", "-r", "1", "--requests", "20")
    assert result["connections"]["handshakes_full"] == 1
    assert result["connections"]["handshakes_resumed"] == 19 == server.count("session cache hits")


def test_a_server_that_does_not_resume_gives_full_handshakes(strest, tls_scripted, made):
    server = tls_scripted(closing(1), made.good.context(num_tickets=0, options=ssl.OP_NO_TICKET))
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "--tls-resume", "-m", "1", "-r", "1", "--requests", "6")
    assert result["connections"]["handshakes_full"] == 6
    assert result["connections"]["handshakes_resumed"] == 0


def test_a_server_that_forgets_its_tickets_gives_full_handshakes(strest, tls_scripted, made):
    """Every connection has another ticket key."""
    server = tls_scripted(closing(1), lambda peer: made.good.context())
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "--tls-resume", "-m", "1", "-r", "1", "--requests", "6")
    assert result["books"]["ok"] == 6
    assert result["connections"]["handshakes_full"] == 6


# ---- handshakes that do not come to their end


def hello_of(peer):
    """Waits for the ClientHello."""
    return peer.sock.recv(1 << 16)


def test_a_server_that_stops_in_mid_handshake_is_left_at_the_connect_timeout(strest, scripted):
    started = threading.Event()

    def script(server, peer):
        hello_of(peer)
        peer.send(b"\x16\x03\x03\x00\x7a\x02\x00")  # the beginning of a ServerHello
        started.set()
        peer.sock.recv(1)

    server = scripted(script)
    finished = strest.run("-u", f"https://localhost:{server.port}/", "-m", "1", "--requests", "1", "--connect-timeout", "300ms", "--timeout", "2s")
    assert started.is_set()
    assert finished.code == 3, finished
    assert "no connection within --connect-timeout or --timeout" in finished.err, finished
    assert 0.3 <= finished.seconds < 4


def test_a_handshake_counts_for_the_timeout_too(strest, tls_scripted, made):
    """One good connection, then silence in the handshake."""

    def context(peer):
        if peer.number > 0:
            peer.sock.recv(1 << 16)
            peer.sock.recv(1)
        return made.good.context()

    server = tls_scripted(closing(1), context)
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--requests", "3", "--timeout", "300ms", "-t", "5s")
    assert result["books"]["ok"] == 1
    assert result["errors"] == {"timeout": {"connect": 2}}


@pytest.mark.parametrize("how", ["closes", "closes in mid-record", "resets"])
def test_a_server_that_goes_in_mid_handshake(strest, scripted, how):
    def script(server, peer):
        hello_of(peer)
        if how == "closes in mid-record":
            peer.send(b"\x16\x03\x03\x00\x7a\x02\x00")
        if how == "resets":
            peer.reset()

    server = scripted(script)
    finished = strest.run("-u", f"https://localhost:{server.port}/", "-m", "1", "--requests", "2", "--timeout", "2s", "-t", "3s")
    refused(finished, "the server closed the connection in the TLS handshake")


def test_another_protocol_on_the_port(strest, target, nginx, scripted):
    def speak(server, peer):
        peer.send(b"220 mail.example.org ESMTP\r\n")
        peer.sock.recv(1)
        peer.close()

    for server in (target(), nginx(), scripted(speak)):
        finished = strest.run("-u", f"https://localhost:{server.port}/", "-m", "1", "--requests", "2", "--timeout", "2s", "-t", "3s")
        refused(finished, "the server answered the TLS handshake with something else: is the URL's scheme right?")


def test_tls_on_a_plain_url(strest, tls_nginx, tls_target, caddy, made):
    for server in (tls_nginx(made.good), caddy(made.good)):
        result = strest.measure("-u", server.url.replace("https", "http"), "--requests", "5")
        assert result["status"] == {"400": 5}, "these servers say it by HTTP"
    finished = strest.run("-u", tls_target().url.replace("https", "http"), "--requests", "5", "-t", "3s")
    assert finished.code == 3, finished


@pytest.mark.parametrize("alert, words", [(40, "ended the TLS handshake with an alert"), (70, "no common TLS version"), (112, "with an alert"),
                                          (120, "none of the offered protocols")])
def test_an_alert_ends_the_handshake(strest, scripted, alert, words):
    def script(server, peer):
        hello_of(peer)
        peer.send(bytes([21, 3, 3, 0, 2, 2, alert]))
        peer.close()

    server = scripted(script)
    refused(strest.run("-u", f"https://localhost:{server.port}/", "-m", "1", "--requests", "2", "-t", "3s"), words)


# ---- connections that break


def rude(response):
    """A script that answers once and closes without close_notify."""

    def script(server, peer):
        if server.read(peer):
            peer.send(response)
            raw = socket.socket(fileno=peer.sock.detach())
            raw.shutdown(socket.SHUT_RDWR)
            raw.close()

    return script


def polite(response):
    """The same with close_notify."""

    def script(server, peer):
        if server.read(peer):
            peer.send(response)
            peer.sock.settimeout(2)
            peer.sock.unwrap().close()

    return script


UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nthis ends with the connection"


def test_a_body_until_close_needs_the_close_notify(strest, tls_scripted, made):
    result = strest.measure("-u", tls_scripted(polite(UNTIL_CLOSE)).url, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--requests", "3")
    assert result["books"]["ok"] == 3
    result = strest.measure("-u", tls_scripted(rude(UNTIL_CLOSE)).url, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--requests", "3")
    assert result["books"]["ok"] == 0
    assert result["errors"] == {"reset": {"cut": 3}}


@pytest.mark.parametrize("end", [polite, rude])
def test_a_body_of_known_length_that_is_cut(strest, tls_scripted, made, end):
    server = tls_scripted(end(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all"))
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--requests", "3")
    assert result["errors"] == {"reset": {"cut": 3}}


@pytest.mark.parametrize("end", [polite, rude])
def test_a_whole_answer_is_good_however_the_connection_ends(strest, tls_scripted, made, end):
    server = tls_scripted(end(answer()))
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--rate", "20", "--requests", "5")
    assert result["books"]["ok"] == 5
    assert result["connections"]["opened"] >= 5


def test_bytes_that_do_not_verify_break_the_connection(strest, tls_scripted, made):
    def script(server, peer):
        if server.read(peer):
            peer.send(answer())
        if server.read(peer):
            raw = socket.socket(fileno=peer.sock.detach())
            raw.sendall(b"\x17\x03\x03\x00\x40" + b"x" * 64)
            raw.settimeout(5)
            try:
                while raw.recv(1 << 16):
                    pass
            except OSError:
                pass
            raw.close()

    server = tls_scripted(script)
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--requests", "6")
    assert result["books"]["ok"] == 3
    assert result["errors"] == {"tls": {"broken": 3}}


def test_the_faults_of_the_target_are_the_same_over_tls(strest, tls_target, made):
    server = tls_target()
    for path, errors in (("/reset", {"reset": {"reset": 4}}), ("/cut", {"reset": {"cut": 4}}), ("/garbage", {"protocol": {"malformed": 4}})):
        finished = strest.run("--json", "-u", server.url + path, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--requests", "4")
        assert finished.json["errors"] == errors, (path, finished)
    result = strest.run("--json", "-u", server.url + "/hang", "--cacert", made.root.cert, "-m", "2", "-r", "2", "--requests", "4", "--timeout", "200ms").json
    assert result["errors"] == {"timeout": {"response": 4}}


# ---- the books

MODES = {
    "closed": [*TASKS, "-t", "1s"],
    "rate": ["-m", "64", "--rate", "2000", "-t", "1s"],
    "stages": ["-m", "64", "--stages", "500ms@1000,500ms@3000", "-t", "1s"],
    "requests": [*TASKS, "--requests", "3000", "-t", "30s"],
    "new connections": [*TASKS, "-H", "Connection: close", "-t", "1s"],
}


@pytest.mark.parametrize("mode", MODES)
@each_thread
def test_the_target_counts_every_attempt(strest, tls_target, made, mode, threads):
    server = tls_target("--threads", "2")
    result = strest.measure("-u", server.url + "/", "--cacert", made.root.cert, "--threads", threads, *MODES[mode])
    assert result["books"]["lost"] == 0
    assert server.record.requests == result["books"]["attempts"] > 0
    assert stats_of(server)["requests"] == result["books"]["attempts"]


@each_thread
def test_nginx_counts_every_attempt(strest, tls_nginx, made, threads):
    server = tls_nginx(made.good)
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "--threads", threads, *TASKS, "-t", "1s")
    assert result["books"]["lost"] == 0
    wait_for(lambda: len(server.lines()) >= result["books"]["attempts"], what="the last line of the log")
    assert len(server.lines()) == result["books"]["attempts"]


@each_thread
def test_a_rate_is_held_over_tls(strest, tls_target, made, threads):
    server = tls_target()
    result = strest.measure("-u", server.url + "/delay/1ms", "--cacert", made.root.cert, "--rate", "1000", "-m", "64", "--threads", threads, "-t", "2s")
    assert result["books"]["planned"] == 2000 == server.record.requests
    assert result["parts_ns"]["wait"]["mean"] >= 1e6


def test_a_timeout_over_tls(strest, tls_target, made):
    server = tls_target()
    result = strest.measure("-u", server.url + "/delay/400ms", "--cacert", made.root.cert, "-m", "4", "-r", "4", "--requests", "8", "--timeout", "150ms", code=3)
    assert result["errors"] == {"timeout": {"response": 8}}
    assert server.record.requests == 8


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_large_bodies_are_counted_to_the_byte(strest, tls_target, made, tmp_path, version):
    server = tls_target()
    size = 20_000_000
    url = ["--cacert", made.root.cert, "--tls-max", version, "-m", "2", "-r", "2", "--requests", "6"]
    result = strest.measure("-u", f"{server.url}/bytes/{size}", *url)
    assert sum(address["bytes"] for address in result["connections"]["per_address"]) == 6 * size
    assert result["bytes"]["received"] > 6 * size
    data = tmp_path / "data"
    data.write_bytes(bytes(range(256)) * (1 << 15))
    result = strest.measure("-u", f"{server.url}/echo", "-X", "put", "--data-file", data, *url)
    assert sum(address["bytes"] for address in result["connections"]["per_address"]) == 6 * (8 << 20)
    assert result["books"]["ok"] == 6


def test_the_time_of_the_handshake_is_a_part(strest, tls_scripted, made):
    def context(peer):
        if peer.number == 0:
            return made.good.context()
        time.sleep(0.1)
        return made.good.context()

    server = tls_scripted(closing(1), context)
    result = strest.measure("-u", server.url, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--requests", "4")
    assert result["parts_ns"]["tls"]["max"] >= 100e6
    assert result["parts_ns"]["connect"]["max"] < 100e6


def test_the_summary_tells_version_cipher_and_handshakes(strest, tls_target, made):
    finished = strest.run("-u", tls_target().url, "--cacert", made.root.cert, "-m", "1", "-r", "1", "--requests", "5")
    assert finished.code == 0, finished
    assert re.search(r"TLSv1\.3, TLS_AES_256_GCM_SHA384", finished.out), finished
    assert re.search(r"handshakes: 1 full, 0 resumed, 0 failed", finished.out), finished
