"""What must come out, computed apart from strest: statistics of arrivals, and a target with stalls, by simulation."""

import bisect
import heapq
import math


def ks_p_value(values, cdf):
    """The p-value of the one-sample Kolmogorov-Smirnov test (two-sided): the asymptotic series with Stephens' correction
    (M. A. Stephens, "EDF statistics for goodness of fit and some comparisons", JASA 69, 1974)."""
    values = sorted(values)
    n = len(values)
    d = 0.0
    for i, value in enumerate(values):
        f = cdf(value)
        d = max(d, (i + 1) / n - f, f - i / n)
    root = math.sqrt(n)
    x = (root + 0.12 + 0.11 / root) * d
    if x < 0.2:
        return 1.0
    p = 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    return min(max(p, 0.0), 1.0)


def exponential_cdf(mean):
    return lambda x: 1 - math.exp(-x / mean) if x > 0 else 0.0


def uniform_cdf(low, high):
    return lambda x: min(max((x - low) / (high - low), 0.0), 1.0)


def percentile(values, q):
    """Nearest rank."""
    values = sorted(values)
    return values[max(math.ceil(q * len(values)), 1) - 1]


class Stalls:
    """The windows in which a target does nothing, as it recorded them."""

    def __init__(self, windows):
        self.windows = sorted(windows)
        self.begins = [begin for begin, _ in self.windows]

    def released(self, at):
        """When something that comes at `at` is done: at once, or at the end of the window."""
        i = bisect.bisect_right(self.begins, at) - 1
        if i >= 0 and at < self.windows[i][1]:
            return self.windows[i][1]
        return at


def simulate(dues, stalls, delay, connections):
    """Response and blocked times of requests due at `dues` (ns, in order), sent first come first served over so many connections to a target
    that answers `delay` after it has read, and neither reads nor answers in a stall."""
    free = [dues[0]] * connections
    heapq.heapify(free)
    responses, blocked = [], []
    for due in dues:
        ready = max(due, heapq.heappop(free))
        done = stalls.released(stalls.released(ready) + delay)
        heapq.heappush(free, done)
        responses.append(done - due)
        blocked.append(ready - due)
    return responses, blocked
