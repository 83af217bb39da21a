"""A peer that speaks HTTP/2 frame by frame, well or badly, written out by hand (RFC 9113, RFC 7541); scripts for servers.Scripted."""

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4
REFUSED_STREAM = 7
OK_HEAD = b"\x88"  # ":status: 200", RFC 7541 appendix A


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def literal(name, value):
    """A field that is not put into the table, without Huffman's code, both shorter than 127 bytes."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(stream, block=OK_HEAD, end=False):
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block)


def reply(stream, body=b"ok\n"):
    """A whole good answer."""
    return head(stream) + frame(DATA, END_STREAM, stream, body)


class H2Peer:
    """The server's end of one connection: what came, frame by frame."""

    def __init__(self, peer, first=b""):
        self.sock, self.rest = peer.sock, first
        self.sock.settimeout(20)

    def take(self, size):
        while len(self.rest) < size:
            more = self.sock.recv(1 << 16)
            if not more:
                return None
            self.rest += more
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def begin(self, *pairs):
        """The preface of both sides. False: the client did not say its own."""
        if self.take(len(PREFACE)) != PREFACE:
            return False
        self.send(settings(*pairs))
        return True

    def next(self):
        """(kind, flags, stream, payload), None at the end. SETTINGS are acknowledged here."""
        start = self.take(9)
        if start is None:
            return None
        size, (kind, flags, stream) = int.from_bytes(start[:3], "big"), struct.unpack(">BBI", start[3:])
        payload = self.take(size)
        if payload is None:
            return None
        if kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK))
        return kind, flags, stream, payload

    def next_request(self):
        """The stream of the next request's head, None at the end."""
        while (got := self.next()) is not None:
            if got[0] == HEADERS:
                return got[2]
        return None

    def send(self, data):
        """False: the client has gone."""
        try:
            self.sock.sendall(data)
            return True
        except OSError:
            return False


def each_request(do, *pairs):
    """A script that calls do(h2, stream, number) for each request of a connection, its number counted from 0, until that returns False."""

    def script(_server, peer):
        h2 = H2Peer(peer)
        if not h2.begin(*pairs):
            return
        number = 0
        while (stream := h2.next_request()) is not None:
            if do(h2, stream, number) is False:
                return
            number += 1

    return script


def flood(make, limit=200_000):
    """Sends make(stream) until the client has gone, so many times at most."""

    def do(h2, stream, _number):
        part = make(stream) * 100
        for _ in range(limit // 100):
            if not h2.send(part):
                return False
        return False

    return do
