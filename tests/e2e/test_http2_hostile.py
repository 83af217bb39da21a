"""A server of HTTP/2 that does wrong, or nothing, or too much: it costs bounded memory and its connection, and the books hold."""

import struct
import time

import pytest

import h2_peer
from conftest import reasons
from h2_peer import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, OK_HEAD, PING, PUSH_PROMISE,
                     REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, H2Peer, each_request, flood, frame, head, literal, reply)

UNREACHABLE = 3
LIMITS = ["--timeout", "2s", "-t", "20s"]
TASKS = ["-m", "4", "-r", "4", "--http2", "--http2-parallel", "2"]


def send(make):
    """What do() of each_request sends for a request: make(stream)."""
    return lambda h2, stream, _number: h2.send(make(stream))


def bomb(stream):
    """A field of 4,000 bytes put into the table once, and then named by its index (62) in one byte each: 48 MB out of 16 kB (RFC 7541 section 7.3)."""
    entry = b"\x40" + b"\x01x" + b"\x7f" + bytes([0x80 | ((4000 - 127) & 0x7F), (4000 - 127) >> 7]) + b"b" * 4000
    return head(stream, OK_HEAD + entry + b"\xbe" * 12000)


# What is sent for each request, and what it must be called.
BROKEN = {
    "frame_too_large": (send(lambda stream: b"\xff\xff\xff\x00\x00" + struct.pack(">I", stream)), {"protocol/malformed"}),
    "head_of_no_stream": (send(lambda stream: head(0)), {"protocol/malformed"}),
    "data_before_head": (send(lambda stream: frame(DATA, END_STREAM, stream, b"x")), {"protocol/malformed"}),
    "data_of_an_unknown_stream": (send(lambda stream: frame(DATA, END_STREAM, stream + 1000, b"x")), {"protocol/malformed"}),
    "index_out_of_table": (send(lambda stream: head(stream, b"\xff\xff\xff\x0f")), {"protocol/malformed"}),
    "no_status": (send(lambda stream: head(stream, literal(b"a", b"b"), end=True)), {"protocol/malformed"}),
    "two_statuses": (send(lambda stream: head(stream, OK_HEAD * 2, end=True)), {"protocol/malformed"}),
    "name_in_capitals": (send(lambda stream: head(stream, OK_HEAD + literal(b"Server", b"x"), end=True)), {"protocol/malformed"}),
    "field_of_a_connection": (send(lambda stream: head(stream, OK_HEAD + literal(b"connection", b"close"), end=True)), {"protocol/malformed"}),
    "length_too_large": (send(lambda stream: head(stream, OK_HEAD + literal(b"content-length", b"9")) + frame(DATA, END_STREAM, stream, b"x")), {"protocol/malformed"}),
    "length_too_small": (send(lambda stream: head(stream, OK_HEAD + literal(b"content-length", b"1")) + frame(DATA, END_STREAM, stream, b"xyz")),
                         {"protocol/malformed"}),
    "a_promise": (send(lambda stream: frame(PUSH_PROMISE, END_HEADERS, stream, struct.pack(">I", 2) + b"\x82\x84\x86\x41\x01a")), {"protocol/malformed"}),
    "window_too_large": (send(lambda stream: frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x7FFFFFFF)) * 2), {"protocol/malformed"}),
    "continuation_alone": (send(lambda stream: frame(CONTINUATION, END_HEADERS, stream, OK_HEAD)), {"protocol/malformed"}),
    "other_frame_within_a_head": (send(lambda stream: frame(HEADERS, 0, stream, OK_HEAD) + frame(PING, 0, 0, b"12345678")), {"protocol/malformed"}),
    "hpack_bomb": (send(bomb), {"protocol/head_too_large"}),
    "endless_continuation": (lambda h2, stream, _: h2.send(frame(HEADERS, 0, stream, OK_HEAD)) and
                             flood(lambda s: frame(CONTINUATION, 0, s, literal(b"a", b"b" * 100) * 10))(h2, stream, 0), {"protocol/head_too_large", "protocol/flood"}),
    "empty_continuations": (lambda h2, stream, _: h2.send(frame(HEADERS, 0, stream, OK_HEAD)) and flood(lambda s: frame(CONTINUATION, 0, s))(h2, stream, 0),
                            {"protocol/flood"}),
    "settings_flood": (flood(lambda stream: h2_peer.settings((INITIAL_WINDOW_SIZE, 65535))), {"protocol/flood"}),
    "ping_flood": (flood(lambda stream: frame(PING, 0, 0, b"12345678")), {"protocol/flood"}),
    "empty_data_flood": (lambda h2, stream, _: h2.send(head(stream)) and flood(lambda s: frame(DATA, 0, s))(h2, stream, 0), {"protocol/flood"}),
    "window_flood": (flood(lambda stream: frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))), {"protocol/flood"}),
    "interim_flood": (flood(lambda stream: head(stream, b"\x08\x03103")), {"protocol/flood", "protocol/head_too_large"}),
    "garbage": (send(lambda stream: b"these bytes are no frames at all"), {"protocol/malformed"}),
    "reset": (send(lambda stream: frame(RST_STREAM, 0, stream, struct.pack(">I", 2))), {"reset/stream_reset"}),
    "refused_for_ever": (send(lambda stream: frame(RST_STREAM, 0, stream, struct.pack(">I", REFUSED_STREAM))), {"reset/unprocessed"}),
    "closed_at_once": (lambda h2, stream, _: False, {"reset/reset", "reset/closed"}),
    "cut_in_a_body": (lambda h2, stream, _: h2.send(head(stream) + frame(DATA, 0, stream, b"x")) and False, {"reset/cut", "reset/closed", "reset/reset"}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_named_and_costs_its_connection_only(strest, scripted, has_tsan, case):
    do, wanted = BROKEN[case]
    server = scripted(each_request(do))
    finished = strest.run("--json", "-u", server.url, *TASKS, "--requests", "12", *LIMITS)
    result = finished.json
    books = result["books"]
    assert finished.code in (0, UNREACHABLE), finished
    assert books["planned"] == books["failed"] == 12 and books["balanced"], books
    named = set(reasons(result))
    if "protocol/flood" in wanted and named & wanted:
        named -= {"reset/reset"}  # the peer had sent all of its flood, and left, before strest was given a processor to read it
    assert named <= wanted, reasons(result)
    assert finished.seconds < 15, "the floods end by strest's doing, not by a time-out"
    assert has_tsan or finished.peak_kb < 200_000


GOOD = {
    "padding_and_priority": lambda stream: (
        frame(HEADERS, END_HEADERS | 8 | 0x20, stream, b"\x02" + struct.pack(">IB", 0, 15) + OK_HEAD + b"\0\0") + frame(DATA, END_STREAM | 8, stream, b"\x05ok\n" + b"\0" * 5)),
    "head_in_many_frames": lambda stream: (frame(HEADERS, 0, stream, OK_HEAD) + frame(CONTINUATION, 0, stream, literal(b"a", b"b"))
                                           + frame(CONTINUATION, END_HEADERS, stream, literal(b"c", b"d")) + frame(DATA, END_STREAM, stream, b"ok\n")),
    "trailers": lambda stream: head(stream) + frame(DATA, 0, stream, b"ok\n") + head(stream, literal(b"x-sum", b"1"), end=True),
    "interim": lambda stream: head(stream, b"\x08\x03103") + reply(stream),
    "unknown_frames": lambda stream: frame(0xEE, 0xFF, stream, b"what") + frame(0xEF, 0, 0, b"") + reply(stream),
    "pings": lambda stream: frame(PING, 0, 0, b"12345678") + reply(stream),
    "no_body": lambda stream: head(stream, b"\x89", end=True),
    "settings_later": lambda stream: h2_peer.settings((MAX_CONCURRENT_STREAMS, 50)) + reply(stream),
    "byte_by_byte": None,
}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_unusual_and_right_is_taken(strest, scripted, case):
    def slowly(h2, stream, _number):
        for byte in reply(stream):
            if not h2.send(bytes([byte])):
                return False
            time.sleep(0.0005)
        return True

    server = scripted(each_request(send(GOOD[case]) if GOOD[case] else slowly))
    wanted = "204" if case == "no_body" else "200"
    result = strest.measure("-u", server.url, *TASKS, "--status", wanted, "--requests", "40", *LIMITS)
    assert result["books"]["ok"] == 40 and result["errors"] == {}
    assert result["status"] == {wanted: 40}


def test_data_behind_the_end_spoils_no_answer(strest, scripted):
    """The answers were complete. What the peer does then is a fault of the connection, if anything's (RFC 9113 section 5.1)."""
    server = scripted(each_request(send(lambda stream: reply(stream) + frame(DATA, END_STREAM, stream, b"more"))))
    result = strest.measure("-u", server.url, "-m", "1", "-r", "1", "--http2", "--requests", "10", *LIMITS)
    assert result["books"]["ok"] == 10, reasons(result)


def test_goaway_in_the_middle_sends_the_rest_elsewhere(strest, scripted):
    """Each connection answers four requests and says that it did nothing with those behind them."""

    def do(h2, stream, number):
        if number < 4:
            return h2.send(reply(stream))
        h2.send(frame(GOAWAY, 0, 0, struct.pack(">II", 7, 0)))
        while h2.next() is not None:
            pass
        return False

    server = scripted(each_request(do))
    result = strest.measure("-u", server.url, "-m", "8", "-r", "8", "--http2", "--http2-parallel", "8", "--requests", "60", *LIMITS)
    books, protocol = result["books"], result["protocol"]
    assert result["errors"] == {} and books["ok"] == 60
    assert protocol["goaways"] >= 14
    assert books["attempts"] == 60 + protocol["unprocessed"] and books["retries"] == protocol["unprocessed"] > 0


def test_one_refusal_is_no_error(strest, scripted):
    def do(h2, stream, number):
        return h2.send(frame(RST_STREAM, 0, stream, struct.pack(">I", REFUSED_STREAM)) if number % 2 == 0 else reply(stream))

    server = scripted(each_request(do))
    result = strest.measure("-u", server.url, "-m", "1", "-r", "1", "--http2", "--requests", "20", *LIMITS)
    assert result["books"]["ok"] == 20 and result["errors"] == {}
    assert result["protocol"]["unprocessed"] == result["books"]["retries"] == 20


def test_a_window_that_stays_shut(strest, scripted, tmp_path):
    """A body that may not be sent is time spent writing, and then a time-out; the connection goes on."""
    (tmp_path / "body").write_bytes(b"x" * 100_000)
    server = scripted(each_request(lambda h2, stream, number: True, (INITIAL_WINDOW_SIZE, 0)))
    result = strest.measure("-u", server.url, "-X", "post", "--data-file", tmp_path / "body", "-m", "2", "-r", "2", "--http2", "--http2-parallel", "2",
                            "--requests", "6", "--timeout", "300ms", "-t", "20s", code=UNREACHABLE)
    assert reasons(result) == {"timeout/response": 6}
    assert result["connections"]["opened"] == 1


def test_a_window_that_opens_late_is_time_spent_writing(strest, scripted, tmp_path):
    (tmp_path / "body").write_bytes(b"x" * 1000)

    def do(h2, stream, _number):
        time.sleep(0.1)
        h2.send(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", 1000)))
        while (got := h2.next()) is not None and not (got[0] == DATA and got[1] & END_STREAM):
            pass
        return h2.send(reply(stream))

    server = scripted(each_request(do, (INITIAL_WINDOW_SIZE, 0)))
    result = strest.measure("-u", server.url, "-X", "post", "--data-file", tmp_path / "body", "-m", "1", "-r", "1", "--http2", "--requests", "10", *LIMITS)
    assert result["books"]["ok"] == 10
    assert result["parts_ns"]["write"]["mean"] >= 90e6


def test_a_peer_that_says_nothing(strest, scripted):
    """Not even its preface."""

    def script(_server, peer):
        while peer.sock.recv(1 << 16):
            pass

    server = scripted(script)
    result = strest.measure("-u", server.url, *TASKS, "--requests", "8", "--timeout", "300ms", "-t", "10s", code=UNREACHABLE)
    assert reasons(result) == {"timeout/response": 8}


def test_the_end_of_a_run_is_said(strest, scripted):
    """A connection that is open at the end is left with GOAWAY, and nothing behind it."""
    seen = []

    def script(_server, peer):
        h2 = H2Peer(peer)
        if not h2.begin():
            return
        while (got := h2.next()) is not None:
            seen.append(got)
            if got[0] == HEADERS:
                h2.send(reply(got[2]))

    server = scripted(script)
    assert strest.measure("-u", server.url, "-m", "1", "-r", "1", "--http2", "--requests", "5", *LIMITS)["books"]["ok"] == 5
    server.close()
    assert seen[-1][0] == GOAWAY and seen[-1][3][4:8] == b"\0\0\0\0", seen[-1]
    assert seen[0][0] == SETTINGS and not seen[0][1] & ACK
