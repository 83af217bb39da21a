"""Open loop: how many requests are planned follows by arithmetic from the rate, and the target sees them when they are due."""

import math
import statistics

import pytest

from quiet import on_a_quiet_machine
from truth import exponential_cdf, ks_p_value, percentile, uniform_cdf

each_thread = pytest.mark.parametrize("threads", [1, 4])


def planned(strest, server, threads, *args):
    books = strest.measure("-u", server.url + "/", "-m", "16", "--threads", threads, *args)["books"]
    assert books["ok"] == books["planned"]
    assert server.counted() == books["attempts"]
    return books["planned"]


@each_thread
@pytest.mark.parametrize(
    "args, expected",
    [
        # k is due at k / rate; those due before the end count.
        (["--rate", "1000", "-t", "700ms"], 700),
        (["--rate", "997", "-t", "1500ms"], 1496),  # 997 * 1.5 = 1495.5: k = 0 ... 1495
        (["--rate", "3", "-t", "1s"], 3),  # k = 3 is due at the end: not any more
        (["--rate", "3", "-t", "1001ms"], 4),
        (["--rate", "0.5", "-t", "1s"], 1),
        (["--rate", "2.5", "-t", "1s"], 3),  # 0, 0.4 and 0.8 s
        (["--rate", "997", "-t", "1s", "--warmup", "500ms"], 498),  # 498.5 <= k < 997: 499 ... 996
        # A stage moves the rate in a straight line: from 0 to 1000 in 0.5 s the integral is 250, then 0.4005 s at 1000.
        (["--stages", "500ms@1000", "-t", "900.5ms"], 651),  # 250 + 400.5: k = 0 ... 650
        (["--rate", "200", "--stages", "500ms@801", "-t", "500ms"], 251),  # (200 + 801) / 2 * 0.5 = 250.25: 0 ... 250
        (["--stages", "400ms@1001,400ms@0", "-t", "2s"], 401),  # 200.2 + 200.2, then nothing
    ],
)
@pytest.mark.option("rate", "stages")
def test_planned_is_exact(strest, target, threads, args, expected):
    assert planned(strest, target(), threads, *args) == expected


@each_thread
def test_planned_goes_by_the_schedule_when_the_target_is_too_slow(strest, target, threads):
    books = strest.measure("-u", target().url + "/delay/100ms", "-m", "4", "--threads", threads, "--rate", "1000", "-t", "500ms", "--timeout", "300ms")["books"]
    assert books["planned"] == 500
    assert books["unsent"] > 0


@pytest.mark.option("arrival")
def test_poisson_is_the_same_at_any_number_of_threads(strest, target):
    server = target()
    args = ["-u", server.url + "/", "-m", "16", "--rate", "2000", "--arrival", "poisson", "-t", "500ms"]
    one, two, four = [strest.measure(*args, "--threads", n)["books"]["planned"] for n in (1, 2, 4)]
    assert one == two == four
    assert abs(one - 1000) < 5 * math.sqrt(1000)


@pytest.mark.option("seed")
def test_poisson_changes_with_the_seed(strest, target):
    server = target()
    args = ["-u", server.url + "/", "-m", "16", "--rate", "2000", "--arrival", "poisson", "-t", "500ms"]
    counts = [strest.measure(*args, "--seed", seed)["books"]["planned"] for seed in (1, 2, 3, 4)]
    assert len(set(counts)) > 1
    assert all(abs(count - 1000) < 5 * math.sqrt(1000) for count in counts)


@pytest.mark.timing
@on_a_quiet_machine
@pytest.mark.option("rate")
def test_achieved_rate_is_the_asked_one(strest, target):
    rate = strest.measure("-u", target().url + "/", "-m", "16", "--rate", "1000", "-t", "1s")["rate"]
    assert rate["asked_per_s"] == pytest.approx(1000)
    assert rate["achieved_per_s"] == pytest.approx(1000, rel=0.02)
    assert rate["throughput_per_s"] == pytest.approx(1000, rel=0.02)


@pytest.mark.timing
@each_thread
@on_a_quiet_machine
@pytest.mark.option("stages")
def test_a_ramp_follows_its_integral(strest, target, threads):
    server = target()
    strest.measure("-u", server.url + "/", "-m", "64", "--threads", threads, "--stages", "1s@1000,1s@200", "-t", "3s")
    # Request k is due where the integral reaches k. It is 500 t^2 in the first second; then 500 + 1000 u - 400 u^2; then 1100 + 200 v.
    dues = [due * 1e9 for due in (*(math.sqrt(k / 500) for k in range(500)),
                                  *(1 + (1000 - math.sqrt(1000**2 - 1600 * (k - 500))) / 800 for k in range(500, 1100)),
                                  *(2 + (k - 1100) / 200 for k in range(1100, 1300)))]
    arrivals = server.record.arrivals()
    assert len(arrivals) == len(dues)
    start = min(stamp - due for stamp, due in zip(arrivals, dues))  # the least delayed one tells when the schedule began
    late = [stamp - due - start for stamp, due in zip(arrivals, dues)]
    assert percentile(late, 0.9) < 20e6  # a rate that moved in steps of a second would be off by 60 ms and more in half of them


@pytest.mark.timing
@each_thread
@on_a_quiet_machine
def test_the_series_has_each_second_what_was_sent_in_it(strest, target, threads):
    """100 requests are due in the first second and 200 in each after it; what is due at the border of two may be counted on either side."""
    result = strest.measure("-u", target().url + "/", "-m", "16", "--threads", threads, "--rate", "100", "--stages", "1ms@100,999ms@100,1ms@200", "-t", "3s")
    slots = result["series"]["slots"]
    assert [slot["start_ns"] for slot in slots] == [0, 1_000_000_000, 2_000_000_000]
    for slot, expected in zip(slots, (100, 200, 200)):
        assert abs(slot["sent"] - expected) <= 3, slots
        assert abs(slot["done"] - expected) <= 3, slots


RUNS = 3  # of which one may fail


def arrivals_at_500(strest, target, threads, arrival):
    """Read stamps of three runs of 5,000 requests side by side, in s from each one's first."""
    servers = [target() for _ in range(RUNS)]
    runs = [strest.start("-u", s.url + "/", "-m", "64", "--threads", threads, "--rate", "500", "--arrival", arrival, "-t", "10s", "--seed", 11 + i)
            for i, s in enumerate(servers)]
    for run in runs:
        assert run.wait().code == 0
    return [[(stamp - stamps[0]) / 1e9 for stamp in stamps] for stamps in (s.record.arrivals() for s in servers)]


@pytest.mark.slow
@pytest.mark.timing
@each_thread
@on_a_quiet_machine
def test_target_sees_even_spacing(strest, target, threads):
    good = 0
    for arrivals in arrivals_at_500(strest, target, threads, "even"):
        assert len(arrivals) == 5000
        uniform = ks_p_value(arrivals, uniform_cdf(0, 10))
        # Each one by itself: the middle half of the gaps is close to 2 ms.
        gaps = [b - a for a, b in zip(arrivals, arrivals[1:])]
        steady = percentile(gaps, 0.25) > 0.0015 and percentile(gaps, 0.75) < 0.0025
        good += uniform > 0.001 and steady
    assert good >= RUNS - 1


@pytest.mark.slow
@pytest.mark.timing
@each_thread
@on_a_quiet_machine
def test_target_sees_poisson_gaps(strest, target, threads):
    good = 0
    for arrivals in arrivals_at_500(strest, target, threads, "poisson"):
        assert abs(len(arrivals) - 5000) < 5 * math.sqrt(5000)
        gaps = [b - a for a, b in zip(arrivals, arrivals[1:])]
        # Exponential gaps have a deviation equal to their mean; evenly spaced ones would fail both.
        spread = 0.9 < statistics.pstdev(gaps) / statistics.mean(gaps) < 1.1
        good += spread and ks_p_value(gaps, exponential_cdf(1 / 500)) > 0.001
    assert good >= RUNS - 1


def test_the_ks_test_itself_tells_good_from_bad():
    """Known points of the Kolmogorov distribution (0.05 at 1.358, 0.001 at 1.949), and arrivals made by hand."""
    n = 100_000
    for x, p in ((1.358, 0.05), (1.949, 0.001)):
        shift = x / math.sqrt(n)
        values = [(i + 0.5) / n + shift for i in range(n)]
        assert ks_p_value(values, uniform_cdf(0, 1)) == pytest.approx(p, rel=0.03)
    exact = [-math.log(1 - (i + 0.5) / 5000) for i in range(5000)]
    assert ks_p_value(exact, exponential_cdf(1)) > 0.99
    assert ks_p_value([x * 1.1 for x in exact], exponential_cdf(1)) < 0.001
    assert ks_p_value([1.0] * 5000, exponential_cdf(1)) < 1e-9
