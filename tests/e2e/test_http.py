"""HTTP/1.1 as servers really speak it, and as they should not: what is a response, what is an error, and which."""

import resource
import time

import pytest

from conftest import check_result, group
from servers import answer, always, once

N = 10
ONE = ["-m", "1", "--requests", N, "-t", "20s"]
TEN = b"0123456789"


def errors(result):
    """{"outcome/reason": count}"""
    return {f"{outcome}/{reason}": count for outcome, reasons in result["errors"].items() for reason, count in reasons.items()}


def all_ok(result, n=N):
    assert result["errors"] == {}
    assert result["books"]["ok"] == n
    assert result["books"]["attempts"] == n


def body_bytes(result):
    return group(result, "all")["bytes"]


# ---- responses that are right

REUSABLE = {
    "fixed": answer(TEN),
    "fixed_empty": answer(b""),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n",
    "chunked_extensions": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA;name=value\r\n0123456789\r\n0;last\r\n\r\n",
    "chunked_trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\na\r\n0123456789\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
    "chunked_empty": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "field_names_in_any_case": b"HTTP/1.1 200 OK\r\ncOnTeNt-LeNgTh: 10\r\n\r\n" + TEN,
    "no_reason_phrase": b"HTTP/1.1 200 \r\nContent-Length: 10\r\n\r\n" + TEN,
    "early_hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(TEN),
    "several_interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 99\r\n\r\n" + answer(TEN),
    "http_1_0_keep_alive": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 10\r\n\r\n" + TEN,
    "body_looks_like_a_response": answer(b"HTTP/1.1 500 No\r\n\r\n"),
}
SIZES = {"fixed_empty": 0, "chunked_empty": 0, "body_looks_like_a_response": 19}


@pytest.mark.parametrize("kind", REUSABLE)
def test_a_complete_response_keeps_its_connection(strest, scripted, kind):
    server = scripted(always(REUSABLE[kind]))
    result = strest.measure("-u", server.url, *ONE)
    all_ok(result)
    assert body_bytes(result) == N * SIZES.get(kind, 10)
    assert result["connections"]["opened"] == 1
    assert server.counted == N


@pytest.mark.parametrize("kind", REUSABLE)
def test_a_response_that_comes_byte_by_byte_is_the_same(strest, scripted, kind):
    def script(server, peer):
        while server.read(peer):
            for i in range(len(REUSABLE[kind])):
                peer.send(REUSABLE[kind][i : i + 1])
                time.sleep(0.0002)

    server = scripted(script)
    result = strest.measure("-u", server.url, "-m", "1", "--requests", "3", "-t", "20s")
    all_ok(result, 3)
    assert body_bytes(result) == 3 * SIZES.get(kind, 10)
    assert result["connections"]["opened"] == 1


CLOSING = {
    "close_delimited": b"HTTP/1.1 200 OK\r\n\r\n" + TEN,
    "http_1_0": b"HTTP/1.0 200 OK\r\n\r\n" + TEN,
    "http_1_0_with_length": b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n" + TEN,
    "keep_alive_off": answer(TEN, fields=["Connection: close"]),
    "keep_alive_off_chunked": b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("kind", CLOSING)
def test_a_response_that_ends_its_connection_is_complete(strest, scripted, kind):
    server = scripted(once(CLOSING[kind]))
    result = strest.measure("-u", server.url, *ONE)
    all_ok(result)
    assert body_bytes(result) == N * 10
    assert result["connections"]["opened"] == N
    assert result["connections"]["reused"] == 0
    assert result["books"]["retries"] == 0
    assert server.counted == N


@pytest.mark.parametrize("fields", [[], ["Transfer-Encoding: chunked"]])
def test_the_answer_to_head_has_no_body_whatever_its_fields_say(strest, scripted, fields):
    lines = ["HTTP/1.1 200 OK", *(fields or ["Content-Length: 1000"])]
    server = scripted(always("\r\n".join(lines).encode() + b"\r\n\r\n"))
    result = strest.measure("-u", server.url, "-X", "head", *ONE)
    all_ok(result)
    assert body_bytes(result) == 0
    assert result["connections"]["opened"] == 1


@pytest.mark.parametrize("status, extra", [("204 No Content", ""), ("304 Not Modified", "Content-Length: 1000\r\n"), ("304 Not Modified", "")])
def test_a_status_without_body_ends_with_its_head(strest, scripted, status, extra):
    server = scripted(always(f"HTTP/1.1 {status}\r\n{extra}\r\n".encode()))
    result = strest.measure("-u", server.url, "-s", status[:3], *ONE)
    all_ok(result)
    assert result["status"] == {status[:3]: N}
    assert result["connections"]["opened"] == 1


def test_a_large_body_is_counted_to_the_byte(strest, target):
    result = strest.measure("-u", target().url + "/bytes/20000000", "-m", "1", "--requests", "3", "-t", "20s")
    all_ok(result, 3)
    assert body_bytes(result) == 60_000_000


def test_a_large_chunked_body_is_counted_without_its_framing(strest, target):
    result = strest.measure("-u", target().url + "/chunked/3000001", "-m", "1", "--requests", "3", "-t", "20s")
    all_ok(result, 3)
    assert body_bytes(result) == 9_000_003


def test_a_large_request_body_goes_out_whole(strest, target, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(bytes(range(256)) * 20000)
    server = target()
    result = strest.measure("-u", server.url + "/echo", "-X", "post", "-D", path, "-m", "2", "-r", "2", "--requests", "6", "-t", "20s")
    all_ok(result, 6)
    assert body_bytes(result) == 6 * 256 * 20000
    assert server.record.sum("bytes_in") == result["bytes"]["sent"]


def test_an_answer_before_the_request_is_out_ends_the_request_and_the_connection(strest, scripted, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"x" * 50_000_000)

    def script(server, peer):
        peer._more()
        peer.send(answer(TEN))
        time.sleep(0.5)
        peer.reset()

    result = strest.measure("-u", scripted(script).url, "-X", "post", "-D", path, "-m", "1", "--requests", "3", "-t", "20s")
    all_ok(result, 3)
    assert result["connections"]["opened"] == 3


def test_interim_responses_of_the_target_are_no_answers(strest, target):
    for path in ("/interim", "/status/103"):
        result = strest.measure("-u", target().url + path, *ONE)
        all_ok(result)
        assert result["status"] == {"200": N}


# ---- the status

REDIRECTS = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.option("redirect")
def test_with_redirect_0_a_redirect_is_a_status_and_is_not_followed(strest, scripted, status):
    server = scripted(always(answer(status=f"{status} Moved", fields=["Location: /elsewhere"])))
    result = strest.measure("-u", server.url + "/here", "--redirect", "0", *ONE)
    assert errors(result) == {"status/unexpected": N}
    assert result["status"] == {str(status): N}
    assert {request.path for request in server.requests} == {"/here"}
    assert strest.measure("-u", server.url, "-s", "3xx", *ONE)["books"]["ok"] == N


@pytest.mark.parametrize(
    "wanted, status, ok",
    [
        (None, 200, True),
        (None, 201, False),
        (None, 500, False),
        ("200,204,3xx", 200, True),
        ("200,204,3xx", 201, False),
        ("200,204,3xx", 204, True),
        ("200,204,3xx", 304, True),
        ("200,204,3xx", 404, False),
        ("503", 503, True),
        ("503", 200, False),
        ("5xx", 599, True),
    ],
)
@pytest.mark.option("status")
def test_status_says_what_is_ok(strest, target, wanted, status, ok):
    result = strest.measure("-u", f"{target().url}/status/{status}", *(["-s", wanted] if wanted else []), *ONE)
    assert result["status"] == {str(status): N}
    assert result["books"]["ok"] == (N if ok else 0)
    assert errors(result) == ({} if ok else {"status/unexpected": N})
    assert result["connections"]["opened"] == 1, "a status that is not wanted is no reason to close"


# ---- responses that are wrong

MALFORMED = {
    "garbage": b"\x01\x7f\xff these bytes are not HTTP\n\n",
    "a_mail_server": b"220 mail.example ESMTP\r\n",
    "version_9": b"HTTP/9.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "http_2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status_of_two_digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status_of_letters": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "field_without_colon": b"HTTP/1.1 200 OK\r\nthis is no field\r\n\r\n",
    "blank_before_the_colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "length_negative": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "length_of_letters": b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
    "length_too_large": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "two_lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "chunk_size_of_letters": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n0\r\n\r\n",
    "chunk_size_too_large": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "chunk_longer_than_its_size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_is_not_http_is_a_protocol_error(strest, scripted, kind):
    server = scripted(once(MALFORMED[kind]))
    result = strest.measure("-u", server.url, *ONE)
    assert errors(result) == {"protocol/malformed": N}
    assert result["connections"]["opened"] == N, "such a connection is not used again"
    assert result["books"]["retries"] == 0


def test_garbage_of_the_target_is_a_protocol_error(strest, target):
    result = strest.measure("-u", target().url + "/garbage", *ONE)
    assert errors(result) == {"protocol/malformed": N}


@pytest.mark.parametrize("extra", [b"x", answer(), b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_bytes_after_the_response_are_refused(strest, scripted, extra):
    server = scripted(always(answer(TEN) + extra))
    result = strest.measure("-u", server.url, *ONE)
    assert errors(result) == {"protocol/leftover": N}
    assert result["status"] == {"200": N}
    assert result["connections"]["opened"] == N


def test_a_body_after_the_answer_to_head_is_refused(strest, scripted):
    result = strest.measure("-u", scripted(always(answer(TEN))).url, "-X", "head", *ONE)
    assert errors(result) == {"protocol/leftover": N}


def test_bytes_that_nobody_asked_for_are_not_taken_for_the_next_answer(strest, scripted):
    def script(server, peer):
        while server.read(peer):
            peer.send(answer(TEN))
            time.sleep(0.1)
            peer.send(answer(b"", status="500 Unasked"))

    result = strest.measure("-u", scripted(script).url, "-m", "1", "--rate", "4", "-t", "1200ms")
    all_ok(result, 5)
    assert result["status"] == {"200": 5}
    assert result["connections"]["opened"] == 5


def test_a_change_of_protocol_that_nobody_asked_for_is_an_error(strest, scripted):
    server = scripted(once(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"))
    result = strest.measure("-u", server.url, *ONE)
    assert errors(result) == {"protocol/upgrade": N}
    assert result["status"] == {"101": N}


def test_a_header_of_1_gb_is_refused_without_reading_it(strest, target):
    finished = strest.run("--json", "-u", target().url + "/big-head", "-m", "4", "-r", "4", "-t", "500ms")
    assert finished.code == 0, finished
    result = check_result(finished)
    assert errors(result) == {"protocol/head_too_large": result["books"]["planned"]}
    assert result["bytes"]["received"] < result["books"]["attempts"] * 1_000_000
    assert 0 < finished.peak_kb < 400_000  # of a head of 1 GB; a build with ASan keeps some 200 MB of what was freed


def test_interim_responses_without_end_are_refused(strest, scripted):
    def script(server, peer):
        server.read(peer)
        while peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100):
            pass

    result = strest.measure("-u", scripted(script).url, "-m", "1", "--requests", "2", "-t", "20s")
    assert errors(result) == {"protocol/head_too_large": 2}


def test_trailers_without_end_are_refused(strest, scripted):
    def script(server, peer):
        server.read(peer)
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        while peer.send(b"X-Trailer: value\r\n" * 100):
            pass

    result = strest.measure("-u", scripted(script).url, "-m", "1", "--requests", "2", "-t", "20s")
    assert errors(result) == {"protocol/head_too_large": 2}


def test_a_body_without_end_ends_at_the_timeout(strest, target):
    finished = strest.run("--json", "-u", target().url + "/endless", "-m", "1", "--requests", "2", "-t", "20s", "--timeout", "300ms")
    assert finished.code == 0, finished
    result = finished.json
    assert errors(result) == {"timeout/response": 2}
    assert result["status"] == {"200": 2}
    assert result["response_ns"]["all"]["min"] >= 300_000_000
    assert finished.seconds < 10
    assert 0 < finished.peak_kb < 400_000  # of a head of 1 GB; a build with ASan keeps some 200 MB of what was freed


def test_no_answer_at_all_ends_at_the_timeout_and_is_nothing_measured(strest, target):
    finished = strest.run("-u", target().url + "/hang", "-m", "2", "-r", "2", "--requests", "4", "-t", "20s", "--timeout", "300ms")
    assert finished.code == 3, finished
    assert finished.seconds < 10
    assert "no response at all" in finished.err


def test_a_server_that_falls_silent_gives_timeouts(strest, scripted):
    def script(server, peer):
        while server.read(peer):
            if server.counted == 1:
                peer.send(answer(TEN))

    result = strest.measure("-u", scripted(script).url, "-m", "1", "--requests", "3", "-t", "20s", "--timeout", "300ms")
    assert errors(result) == {"timeout/response": 2}
    assert result["books"]["ok"] == 1
    assert result["books"]["lost"] == 2
    assert result["connections"]["opened"] == 2, "after a time-out the connection is not used again"


def test_an_answer_after_the_timeout_is_not_the_answer_to_the_next_request(strest, scripted):
    def script(server, peer):
        number = 0
        while server.read(peer):
            number += 1
            time.sleep(0.5 if peer.number == 0 and number == 1 else 0)
            peer.send(answer(b"", status=f"20{peer.number} Fine"))

    result = strest.measure("-u", scripted(script).url, "-s", "2xx", "-m", "1", "--rate", "5", "-t", "1s", "--timeout", "300ms")
    assert errors(result) == {"timeout/response": 1}
    assert result["status"] == {"0": 1, "201": 4}


def test_a_reset_is_a_reset(strest, scripted):
    def script(server, peer):
        server.read(peer)
        if peer.number == 0:
            peer.send(answer(TEN, fields=["Connection: close"]))
            peer.close()
        else:
            peer.reset()

    result = strest.measure("-u", scripted(script).url, *ONE)
    assert errors(result) == {"reset/reset": N - 1}
    assert result["books"]["lost"] == N - 1
    assert result["books"]["retries"] == 0, "a new connection cannot be stale"


def test_a_server_that_only_resets_is_nothing_measured(strest, target):
    finished = strest.run("-u", target().url + "/reset", "-m", "1", "--requests", "3", "-t", "20s")
    assert finished.code == 3, finished
    assert "connection reset" in finished.err


def test_a_close_before_the_response_is_a_close(strest, scripted):
    def script(server, peer):
        server.read(peer)
        if peer.number == 0:
            peer.send(answer(TEN, fields=["Connection: close"]))
        peer.close()

    result = strest.measure("-u", scripted(script).url, *ONE)
    assert errors(result) == {"reset/closed": N - 1}


CUTS = {
    "in_the_status_line": b"HTTP/1.1 2",
    "in_the_head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "after_the_interim": b"HTTP/1.1 100 Continue\r\n\r\n",
    "in_the_body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + TEN,
    "in_a_chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + TEN,
    "before_the_last_chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n" + TEN + b"\r\n",
    "in_the_trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n",
}


@pytest.mark.parametrize("kind", CUTS)
def test_a_response_that_is_cut_is_an_error(strest, scripted, kind):
    result = strest.measure("-u", scripted(once(CUTS[kind])).url, *ONE)
    assert errors(result) == {"reset/cut": N}
    assert result["books"]["retries"] == 0, "an answer had begun"


def test_a_cut_body_of_the_target_is_an_error(strest, target):
    result = strest.measure("-u", target().url + "/cut", *ONE)
    assert errors(result) == {"reset/cut": N}
    assert result["status"] == {"200": N}
    assert body_bytes(result) == N * 10


def test_a_reset_in_a_close_delimited_body_is_an_error(strest, scripted):
    def script(server, peer):
        server.read(peer)
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + TEN)
        time.sleep(0.05)
        peer.reset()

    result = strest.measure("-u", scripted(script).url, "-m", "1", "--requests", "3", "-t", "20s")
    assert errors(result) == {"reset/reset": 3}


# ---- stale connections


def stale_after(answered):
    """Closes each connection just when another request comes after so many answers."""

    def script(server, peer):
        for _ in range(answered):
            if not server.read(peer):
                return
            peer.send(answer(TEN))
        server.read(peer)
        peer.close()

    return script


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
@pytest.mark.option("retry-stale")
def test_an_idempotent_request_on_a_stale_connection_is_sent_once_more(strest, scripted, method):
    server = scripted(stale_after(1) if method != "head" else stale_head)
    result = strest.measure("-u", server.url, "-X", method, *ONE)
    books = result["books"]
    assert result["errors"] == {}
    assert books["ok"] == N
    # Every request but the first finds the connection of the one before, and goes out again on a new one.
    assert books["retries"] == books["lost"] == N - 1
    assert books["attempts"] == server.counted == N + N - 1
    assert result["connections"]["opened"] == N
    assert result["parts_ns"]["retry"]["max"] > 0


def stale_head(server, peer):
    server.read(peer)
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    server.read(peer)
    peer.close()


@pytest.mark.parametrize("method", ["post", "patch"])
def test_a_request_that_is_not_idempotent_is_never_sent_twice(strest, scripted, method):
    server = scripted(stale_after(1))
    result = strest.measure("-u", server.url, "-X", method, "-d", "x", *ONE)
    assert errors(result) == {"stale/reused_connection_closed": N // 2}
    assert result["connections"]["closed"]["by_us"] == 0, "the peer closed them all"
    assert result["books"]["ok"] == N // 2
    assert result["books"]["retries"] == 0
    assert server.counted == N


@pytest.mark.option("retry-stale")
def test_retry_stale_never_is_obeyed(strest, scripted):
    server = scripted(stale_after(1))
    result = strest.measure("-u", server.url, "--retry-stale", "never", *ONE)
    assert errors(result) == {"stale/reused_connection_closed": N // 2}
    assert result["books"]["retries"] == 0
    assert server.counted == N


def test_a_reset_of_a_reused_connection_is_stale_too(strest, scripted):
    def script(server, peer):
        server.read(peer)
        peer.send(answer(TEN))
        server.read(peer)
        peer.reset()

    server = scripted(script)
    result = strest.measure("-u", server.url, *ONE)
    assert result["books"]["ok"] == N
    assert result["books"]["retries"] == N - 1


def test_what_a_stale_connection_lost_goes_to_a_fresh_one(strest, scripted):
    def script(server, peer):
        """Like stale_after(1), with answers that take long enough for several connections, all of which are idle then, and lost."""
        server.read(peer)
        time.sleep(0.15)
        peer.send(answer(TEN))
        server.read(peer)
        peer.close()

    result = strest.measure("-u", scripted(script).url, "-m", "8", "--rate", "40", "-t", "1s")
    assert result["errors"] == {}
    assert result["books"]["ok"] == 40
    assert result["books"]["retries"] >= 8


def test_a_request_is_sent_again_only_once(strest, scripted):
    def script(server, peer):
        if peer.number == 0:
            server.read(peer)
            peer.send(answer(TEN))
        server.read(peer)
        peer.close()

    server = scripted(script)
    result = strest.measure("-u", server.url, "-m", "1", "--requests", "2", "-t", "20s")
    assert result["books"]["ok"] == 1
    assert errors(result) == {"reset/closed": 1}
    assert result["books"]["retries"] == 1
    assert result["books"]["attempts"] == server.counted == 3


def test_a_retried_request_is_timed_from_when_it_was_due(strest, scripted):
    def script(server, peer):
        server.read(peer)
        peer.send(answer(TEN))
        server.read(peer)
        time.sleep(0.1)
        peer.close()

    result = strest.measure("-u", scripted(script).url, "-m", "1", "--requests", "3", "-t", "20s")
    assert result["books"]["retries"] == 2
    assert result["response_ns"]["ok"]["max"] >= 100_000_000
    assert result["parts_ns"]["retry"]["max"] >= 100_000_000
    assert result["service_ns"]["ok"]["min"] < 100_000_000


def test_a_connection_whose_peer_has_closed_is_not_used(strest, scripted):
    server = scripted(lambda server, peer: (server.read(peer), peer.send(answer(TEN)), peer.close()))
    result = strest.measure("-u", server.url, "-m", "1", "--rate", "20", "-t", "500ms")
    all_ok(result)
    assert result["books"]["retries"] == 0
    assert result["connections"]["opened"] == N
    assert result["connections"]["closed"]["by_peer"] == N


def test_closing_without_a_word_after_each_answer_loses_no_get(strest, scripted):
    server = scripted(lambda server, peer: (server.read(peer), peer.send(answer(TEN)), peer.close()))
    result = strest.measure("-u", server.url, "-m", "4", "-r", "4", "--requests", "200", "-t", "20s")
    books = result["books"]
    assert result["errors"] == {}
    assert books["ok"] == 200
    assert books["attempts"] == 200 + books["retries"]
    assert books["attempts"] - books["lost"] <= server.counted <= books["attempts"]


# ---- not even a connection


@pytest.mark.option("connect-timeout")
def test_a_server_that_does_not_accept_is_left_at_the_connect_timeout(strest, silent_port):
    finished = strest.run("-u", f"http://127.0.0.1:{silent_port}/", "-m", "2", "-r", "2", "--connect-timeout", "400ms", "-t", "20s")
    assert finished.code == 3, finished
    assert 0.4 <= finished.seconds < 10
    assert finished.out == ""
    assert "--connect-timeout" in finished.err


@pytest.mark.option("timeout")
def test_slow_answers_are_cut_at_the_timeout_and_the_rest_is_ok(strest, scripted):
    def script(server, peer):
        while server.read(peer):
            if server.counted % 5 == 0:
                time.sleep(0.6)
            peer.send(answer(TEN))

    result = strest.measure("-u", scripted(script).url, *ONE, "--timeout", "250ms")
    assert errors(result) == {"timeout/response": 2}
    assert result["books"]["ok"] == 8
    assert 250_000_000 <= result["response_ns"]["all"]["max"] < 2_000_000_000


def test_no_descriptor_or_memory_is_left_behind_by_many_errors(strest, scripted):
    """Every connection ends badly, thousands of times, under a limit of 64 descriptors."""
    server = scripted(once(b"no HTTP"))
    finished = strest.run("--json", "-u", server.url, "-m", "8", "-r", "8", "--requests", "2000", "-t", "30s",
                          prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96)))
    assert finished.code == 0, finished
    assert errors(finished.json) == {"protocol/malformed": 2000}
    assert finished.json["connections"]["connect_failed"] == 0
