"""The truth about a stalled server, from the server's own record and the schedule alone: nothing in it comes from the client's clock.

In: the target's record file (layout: src/target/record.h), rate, number of requests, connections, delay. Out: the response times that a perfect client
with so many connections would have seen. Model: request k is due at start + k/rate, is sent when it is due and a connection is free (first come, first
served), is read at once or at the end of the stall that is on, is answered `delay` after that or at the end of the stall that is on then.
Unit: seconds as float, of CLOCK_MONOTONIC.
"""
import array
import bisect
import heapq
import math
import struct

MAGIC = 0x3174657365727473
THREADS = 64
ARRIVALS = 4194304
THREAD = struct.Struct("8Q")
HEAD = struct.Struct("2Qq5Q")
WINDOW = struct.Struct("2q")


class Record:
    """Stall windows and arrival times that the target wrote down."""

    def __init__(self, windows, arrivals):
        self.windows, self.arrivals, self.requests = windows, sorted(arrivals), len(arrivals)

    @classmethod
    def read(cls, path):
        with open(path, "rb") as file:
            magic, head_bytes, _, threads, stalls, *_ = HEAD.unpack(file.read(HEAD.size))
            if magic != MAGIC:
                raise ValueError(f"{path} is no record of strest target")
            counts = [THREAD.unpack(file.read(THREAD.size)) for _ in range(THREADS)]
            windows = [tuple(at / 1e9 for at in WINDOW.unpack(file.read(WINDOW.size))) for _ in range(stalls)]
            arrivals = []
            for thread in range(threads):
                stamps = array.array("q")
                file.seek(head_bytes + thread * ARRIVALS * 8)
                stamps.frombytes(file.read(8 * counts[thread][5]))
                arrivals += [stamp / 1e9 for stamp in stamps]
        record = cls(windows, arrivals)
        record.requests = sum(count[0] for count in counts)  # some may have come after the stamps that are kept
        return record


def find_start(arrivals, rate):
    """When request 0 was due. No request arrives before it is due, so each arrival is an upper bound, and the least of them is off by one transit
    (some 10 us)."""
    return min(arrival - k / rate for k, arrival in enumerate(arrivals))


def simulate(record, rate, count, connections, delay):
    """Returns (response times, waits for a connection), by request."""
    ends = [end for _, end in record.windows]

    def release(moment):
        """The first moment from `moment` on at which the server works."""
        at = bisect.bisect_right(ends, moment)
        return ends[at] if at < len(ends) and record.windows[at][0] <= moment else moment

    start = find_start(record.arrivals, rate)
    free = [-math.inf] * connections
    responses, waits = [], []
    for k in range(count):
        due = start + k / rate
        sent = max(due, heapq.heappop(free))
        done = release(release(sent) + delay)
        heapq.heappush(free, done)
        responses.append(done - due)
        waits.append(sent - due)
    return responses, waits


def percentile(values, share):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def prove():
    """The simulation against what can be worked out by hand; raises AssertionError.

    Stalls of 200 ms each second, 5 ms, 1000/s, enough connections: what is due in the first `d` of a stall takes 205 ms - d, what is due in the last
    5 ms before one up to 205 ms. So 10 of 1000 take over 200 ms and 100 over 110 ms; the rest is at 5 ms.
    One connection, 5 ms, 250/s: each request waits 1 ms more than the one before.
    """
    rate = 1000
    arrivals = [k / rate for k in range(10 * rate)]
    windows = [(second + 0.5, second + 0.7) for second in range(10)]
    responses, waits = simulate(Record(windows, arrivals), rate, len(arrivals), 1000, 0.005)
    for share, expected in ((0.5, 0.005), (0.9, 0.110), (0.99, 0.200), (1.0, 0.205)):
        got = percentile(responses, share)
        assert abs(got - expected) <= 0.0011, f"p{100 * share:g}: {got}, by hand {expected}"
    assert max(waits) == 0
    arrivals = [k / 250 for k in range(100)]
    _, waits = simulate(Record([], arrivals), 250, 100, 1, 0.005)
    for k, wait in enumerate(waits):
        assert abs(wait - k * 0.001) < 1e-9, f"request {k} waits {wait}, by hand {k * 0.001}"
