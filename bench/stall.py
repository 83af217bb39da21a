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

    def __init__(self, path):
        with open(path, "rb") as file:
            magic, head_bytes, _, threads, stalls, *_ = HEAD.unpack(file.read(HEAD.size))
            if magic != MAGIC:
                raise ValueError(f"{path} is no record of strest target")
            counts = [THREAD.unpack(file.read(THREAD.size)) for _ in range(THREADS)]
            self.windows = [tuple(at / 1e9 for at in WINDOW.unpack(file.read(WINDOW.size))) for _ in range(stalls)]
            self.requests = sum(count[0] for count in counts)
            self.arrivals = []
            for thread in range(threads):
                stamps = array.array("q")
                file.seek(head_bytes + thread * ARRIVALS * 8)
                stamps.frombytes(file.read(8 * counts[thread][5]))
                self.arrivals += [stamp / 1e9 for stamp in stamps]
        self.arrivals.sort()


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
