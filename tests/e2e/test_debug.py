"""--debug: one exchange, the bytes both ways, the parts of its time, and nothing else."""

import re

import pytest

from certificates import over_tls
from conftest import says
from proxies import basic, proxy
from servers import always, answer, free_port, respond

USAGE, CONFIG, UNREACHABLE = 2, 1, 3
SECRET = "Pa55-w0rd"

pytestmark = pytest.mark.option("debug")


def in_order(text, *words):
    """Checks that all of these stand in the text, one after the other."""
    at = 0
    for word in words:
        found = text.find(word, at)
        assert found >= 0, (word, text)
        at = found + len(word)


def head_lines(request):
    return request.head.decode("latin-1").strip().split("\r\n")


def test_the_bytes_of_one_exchange_are_shown(strest, scripted):
    server = scripted(always(answer(b"the answer\n", fields=["X-Mark: 42"])))
    finished = strest.run("-u", server.url + "/x?y=1", "--debug", "-X", "post", "-d", "the question", "-H", "X-Ask: yes")
    assert finished.code == 0, finished
    assert server.counted == 1
    in_order(finished.out, *head_lines(server.requests[0]), "the question", "HTTP/1.1 200 OK", "Content-Length: 11", "X-Mark: 42", "the answer")


def test_the_parts_of_its_time_are_shown(strest, target):
    finished = strest.run("-u", target().url + "/delay/30ms", "--debug")
    assert finished.code == 0, finished
    assert re.search(r"connect +[\d.]+ (us|ms)", finished.out), finished
    wait = float(re.search(r"wait +([\d.]+) ms", finished.out)[1])
    whole = float(re.search(r"in all +([\d.]+) ms", finished.out)[1])
    assert 29 < wait < whole, finished


@pytest.mark.parametrize("load", [["-m", "50", "-r", "50"], ["--rate", "1000", "--warmup", "1s"], ["--requests", "500"], ["--stages", "1s@100", "--preconnect", "9"]])
def test_it_is_one_request_whatever_the_load(strest, target, load):
    server = target()
    finished = strest.run("-u", server.url + "/", "--debug", "-t", "20s", "--threads", "2", *load)
    assert finished.code == 0, finished
    assert server.record.requests == server.record.connections == 1
    assert finished.seconds < 10
    assert "Total Requests" not in finished.out, "no results of a load"


@pytest.mark.parametrize("status", ["404 Not Found", "503 Busy", "299 Odd"])
def test_a_status_that_was_not_expected_is_shown_all_the_same(strest, scripted, status):
    finished = strest.run("-u", scripted(always(answer(status=status))).url, "--debug")
    assert finished.code == 0, finished
    assert f"HTTP/1.1 {status}" in finished.out


def test_a_chunked_body_is_shown(strest, scripted):
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst,\r\n7\r\nsecond.\r\n0\r\n\r\n"
    finished = strest.run("-u", scripted(always(data)).url, "--debug")
    assert finished.code == 0, finished
    in_order(finished.out, "Transfer-Encoding: chunked", "first,", "second.")


def test_interim_answers_are_shown(strest, scripted):
    finished = strest.run("-u", scripted(always(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer())).url, "--debug")
    assert finished.code == 0, finished
    in_order(finished.out, "103 Early Hints", "Link: </a>", "200 OK")


def test_a_binary_body_does_no_harm_to_a_terminal(strest, scripted):
    body = bytes(range(256)) + b"\x1b]0;title\x07\x1b[2Jafter"
    finished = strest.run("-u", scripted(always(answer(body))).url, "--debug")
    assert finished.code == 0, finished
    assert "Content-Length: " in finished.out
    for byte in ("\0", "\x1b", "\x07", "\x08"):
        assert byte not in finished.out, repr(byte)


def test_a_head_with_control_characters_does_no_harm_to_a_terminal(strest, scripted):
    finished = strest.run("-u", scripted(always(answer(fields=["X-Title: \x1b]0;title\x07"]))).url, "--debug")
    assert finished.code == 0 and "X-Title: " in finished.out, finished
    assert "\x1b" not in finished.out + finished.err and "\x07" not in finished.out + finished.err


def test_a_large_body_does_not_fill_the_memory(strest, target):
    finished = strest.run("-u", target().url + "/bytes/50000000", "--debug")
    assert finished.code == 0, finished
    assert "50000000" in finished.out
    assert finished.peak_kb < 300_000


def test_a_large_request_body_from_a_file_goes_out(strest, target, tmp_path):
    (tmp_path / "body").write_bytes(b"x" * 5_000_000)
    server = target()
    finished = strest.run("-u", server.url + "/", "--debug", "-X", "post", "-D", tmp_path / "body")
    assert finished.code == 0, finished
    assert server.record.requests == 1 and "Content-Length: 5000000" in finished.out


def test_redirects_are_shown_hop_by_hop(strest, scripted):
    def handler(request):
        return answer(b"", status="302 There", fields=["Location: /to"]) if request.path == "/from" else answer(b"arrived")

    server = scripted(respond(handler))
    finished = strest.run("-u", server.url + "/from", "--debug")
    assert finished.code == 0, finished
    assert server.counted == 2
    in_order(finished.out, "GET /from HTTP/1.1", "302 There", "Location: /to", "GET /to HTTP/1.1", "200 OK", "arrived")


def test_what_goes_over_tls_is_shown_in_plain(strest, scripted, made):
    server = scripted(over_tls(made.good.context(), always(answer(b"plain text"))))
    finished = strest.run("-u", f"https://localhost:{server.port}/", "--cacert", made.root.cert, "--debug")
    assert finished.code == 0, finished
    in_order(finished.out, "* TLS: TLSv1.3, ", "GET / HTTP/1.1", "200 OK", "plain text")
    assert re.search(r"tls +[\d.]+ (us|ms)", finished.out), finished


@pytest.mark.option("proxy", "proxy-header")
def test_connect_and_the_proxys_answer_are_shown(strest, scripted, made):
    server = scripted(over_tls(made.good.context(), always(answer(b"behind"))))
    by = scripted(proxy(userinfo=f"anna:{SECRET}"))
    url = by.url.replace("://", f"://anna:{SECRET}@")
    finished = strest.run("-u", f"https://localhost:{server.port}/", "-p", url, "--proxy-header", "X-Via: me", "--cacert", made.root.cert, "--debug")
    assert finished.code == 0, finished
    in_order(finished.out, f"CONNECT localhost:{server.port} HTTP/1.1", "200 Connected", "GET / HTTP/1.1", "200 OK", "behind")
    in_order(finished.out, "CONNECT", "X-Via: me", "200 Connected")
    assert SECRET not in finished.out + finished.err and basic(f"anna:{SECRET}").split()[1] not in finished.out + finished.err


@pytest.mark.option("proxy")
def test_the_answer_of_a_proxy_that_refuses_is_shown(strest, scripted):
    by = scripted(always(answer(b"", status="403 Not You", fields=["X-Reason: because"])))
    finished = strest.run("-u", "https://target.test/", "-p", by.url, "--debug")
    assert finished.code == UNREACHABLE, finished
    in_order(finished.out, "CONNECT target.test:443 HTTP/1.1", "403 Not You", "X-Reason: because")


@pytest.mark.option("basic-auth", "bearer")
@pytest.mark.parametrize(
    "words, name, secret",
    [
        (["-a", f"anna:{SECRET}"], "Authorization", basic(f"anna:{SECRET}").split()[1]),
        (["--bearer", SECRET], "Authorization", SECRET),
        (["-H", f"Authorization: Digest {SECRET}"], "Authorization", SECRET),
        (["-H", f"Cookie: id={SECRET}"], "Cookie", SECRET),
        (["-H", f"X-Api-Key: {SECRET}"], "X-Api-Key", SECRET),
    ],
)
def test_a_secret_is_masked_and_sent(strest, scripted, words, name, secret):
    server = scripted(always(answer()))
    finished = strest.run("-u", server.url, "--debug", *words)
    assert finished.code == 0, finished
    assert secret in server.requests[0].values(name)[0], "what goes out is whole"
    assert secret not in finished.out + finished.err
    assert re.search(rf"{name}: .*\*\*\*", finished.out), finished


@pytest.mark.option("unix-socket")
def test_an_exchange_over_a_unix_socket_is_shown(strest, nginx_with):
    site = nginx_with('server { listen 127.0.0.1:PORT; listen unix:FOLDER/web.sock; location / { return 200 "by socket"; } }')
    finished = strest.run("-u", "http://a.test/", "--unix-socket", f"{site.folder}/web.sock", "--debug")
    assert finished.code == 0, finished
    in_order(finished.out, "Host: a.test", "by socket")


@pytest.mark.option("urls-from-file")
def test_of_a_list_the_first_url_is_tried(strest, scripted, tmp_path):
    server = scripted(always(answer()))
    (tmp_path / "urls").write_text(f"PUT {server.url}/first\n{server.url}/second\n")
    assert strest.run("--urls-from-file", tmp_path / "urls", "--debug").code == 0
    assert [(request.method, request.path) for request in server.requests] == [("PUT", "/first")]


def test_a_target_that_nobody_serves_is_3(strest):
    finished = strest.run("-u", f"http://127.0.0.1:{free_port()}/", "--debug")
    assert finished.code == UNREACHABLE, finished
    assert "refused" in finished.err


def test_a_target_that_never_answers_is_3(strest, target):
    finished = strest.run("-u", target().url + "/hang", "--debug", "--timeout", "300ms")
    assert finished.code == UNREACHABLE, finished
    assert "GET /hang HTTP/1.1" in finished.out, "what was sent is shown"
    assert finished.seconds < 10


def test_an_answer_that_is_no_http_is_shown(strest, scripted):
    finished = strest.run("-u", scripted(always(b"220 mail.test ESMTP ready\r\n\r\n")).url, "--debug")
    assert "220 mail.test ESMTP ready" in finished.out, finished
    assert "not valid HTTP" in finished.out + finished.err


def test_debug_and_json_exclude_each_other(strest):
    says(strest.run("-u", "http://127.0.0.1:9/", "--debug", "--json"), USAGE, "--debug", "--json")


def test_debug_is_nothing_for_a_file(strest, tmp_path):
    (tmp_path / "run.toml").write_text('url = "http://127.0.0.1:9/"\ndebug = true\n')
    says(strest.run("--config", tmp_path / "run.toml"), CONFIG, "debug")
