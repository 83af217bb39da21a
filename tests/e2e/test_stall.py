"""A target that stands still: what strest reports is the truth computed from the target's own record and the schedule."""

import time

import pytest

from quiet import on_a_quiet_machine
from truth import Stalls, percentile, simulate

RATE, SECONDS, DELAY = 997, 6, 5_000_000


def stalled_run(strest, way, tasks):
    """The result, and the responses and waits that the truth would be. It knows nothing of handshakes: those come before."""
    early = ["--preconnect", tasks] if way.tls else []
    server = way("--stall", "200ms/1s")
    # Begin well between two stalls, so that the start can be seen in the record: windows are at 1.0-1.2 s, 2.0-2.2 s ... of the target's life.
    time.sleep(max(0.0, server.record.started / 1e9 + 0.3 - time.clock_gettime(time.CLOCK_MONOTONIC)))
    result = strest.measure("-u", server.url + "/delay/5ms", *way.words, *early, "-m", tasks, "--rate", RATE, "-t", f"{SECONDS}s")
    arrivals, windows = server.record.arrivals(), server.record.stalls()
    assert result["books"]["planned"] == result["books"]["ok"] == len(arrivals) == RATE * SECONDS
    assert len(windows) >= SECONDS - 1
    period = 1e9 / RATE
    early = arrivals[:100]
    assert early[-1] < windows[0][0], "the first stall came too early to see the start"
    start = min(stamp - k * period for k, stamp in enumerate(early))  # the least delayed one tells when the schedule began
    dues = [start + k * period for k in range(RATE * SECONDS)]
    responses, blocked = simulate(dues, Stalls(windows), DELAY, tasks)
    return result, responses, blocked


def compare(result, responses):
    reported = result["response_ns"]["all"]
    assert abs(reported["p50"] - percentile(responses, 0.5)) <= 1e6, (reported["p50"], percentile(responses, 0.5))
    for key, q in (("p90", 0.9), ("p99", 0.99)):
        assert reported[key] == pytest.approx(percentile(responses, q), rel=0.05), key
    assert reported["max"] == pytest.approx(max(responses), rel=0.05)


@pytest.mark.slow
@pytest.mark.timing
@on_a_quiet_machine
@pytest.mark.option("target stall")
def test_stalls_are_reported_in_full_when_connections_suffice(strest, way):
    result, responses, _ = stalled_run(strest, way, 256)
    assert percentile(responses, 0.99) > 150e6, "the truth itself must show the stall"
    compare(result, responses)
    assert result["parts_ns"]["blocked"]["mean"] < 0.01 * result["response_ns"]["all"]["mean"]


@pytest.mark.slow
@pytest.mark.timing
@on_a_quiet_machine
def test_stalls_with_too_few_connections_show_as_blocked_and_not_as_late(strest, way):
    result, responses, blocked = stalled_run(strest, way, 64)
    compare(result, responses)
    parts = result["parts_ns"]
    assert sum(blocked) > 0
    assert parts["blocked"]["mean"] == pytest.approx(sum(blocked) / len(blocked), rel=0.1)
    assert parts["blocked"]["p99"] == pytest.approx(percentile(blocked, 0.99), rel=0.05)
    assert parts["late"]["mean"] < 0.05 * parts["blocked"]["mean"]


@pytest.mark.slow
@pytest.mark.timing
@on_a_quiet_machine
def test_a_closed_loop_sees_few_of_the_stalls_and_names_the_longest_gap(strest, target):
    server = target("--stall", "200ms/1s")
    result = strest.measure("-u", server.url + "/delay/5ms", "-m", "4", "-r", "4", "-t", "5s")
    # Four tasks meet a stall once each: far fewer than one request in ten.
    assert result["response_ns"]["all"]["p90"] < 20e6
    assert 190e6 < result["longest_gap_ns"] < 400e6
    text = strest.run("-u", server.url + "/", "-m", "4", "-r", "4", "-t", "300ms").out
    assert "under-counted" in text


def test_the_simulation_itself_is_right():
    """By hand: one connection, answers after 5, a stall from 12 to 32."""
    stalls = Stalls([(12, 32)])
    responses, blocked = simulate([0, 10, 11, 40], stalls, 5, 1)
    # 0: done at 5. 10: would be answered at 15, in the stall: at 32. 11: sent at 32, done at 37. 40: done at 45.
    assert responses == [5, 22, 26, 5]
    assert blocked == [0, 0, 21, 0]
    responses, blocked = simulate([0, 10, 13, 40], stalls, 5, 3)
    # 13: read at 32, answered at 37.
    assert responses == [5, 22, 24, 5]
    assert blocked == [0, 0, 0, 0]


# ---- strest's own error


@pytest.mark.option("truth")
def test_own_error_is_reported_on_request(strest, way):
    server = way()
    args = ["-u", server.url + "/delay/500us", *way.words, "-m", "64", "--rate", "300", "-t", "2s"]
    result = strest.measure(*args, "--truth")
    assert result["own_error_ns"]["count"] == 600
    assert result["own_error_ns"]["min"] > 0
    assert result["own_error_ns"]["mean"] < result["response_ns"]["all"]["mean"]
    assert "own_error_ns" not in strest.measure(*args)


@pytest.mark.timing
@on_a_quiet_machine
def test_own_error_is_small(strest, way):
    result = strest.measure("-u", way().url + "/delay/5ms", *way.words, "-m", "64", "--rate", "300", "-t", "2s", "--truth")
    assert result["own_error_ns"]["p50"] < 1_000_000


def test_a_broken_timer_is_seen_in_the_own_error(faulty, target):
    result = faulty.measure("-u", target().url + "/delay/5ms", "-m", "64", "--rate", "300", "-t", "2s", "--truth", env={"STREST_FAULT": "late_timer"})
    assert result["own_error_ns"]["p50"] > 1_500_000
    assert result["parts_ns"]["late"]["p50"] > 1_500_000


def test_requests_that_touch_a_stall_are_left_out_of_the_own_error(strest, way):
    server = way("--stall", "100ms/500ms")
    result = strest.measure("-u", server.url + "/", *way.words, "-m", "256", "--rate", "300", "-t", "2s", "--truth")
    error = result["own_error_ns"]
    assert 300 < error["count"] < 580
    assert result["response_ns"]["all"]["max"] > 90e6


def test_truth_without_the_target_has_no_samples(strest, nginx):
    result = strest.measure("-u", nginx().url + "/", "-m", "4", "--rate", "50", "-t", "400ms", "--truth")
    assert result["own_error_ns"]["count"] == 0
    assert result["books"]["ok"] == 20
