"""The kernel's receive stamps tell the target's time (outside) from strest's own (client queue)."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from quiet import on_a_quiet_machine

MS = 1_000_000


def stamps(result):
    assert result["outside_ns"]["count"] == result["client_queue_ns"]["count"]
    return result["outside_ns"], result["client_queue_ns"]


@pytest.mark.option("kernel-stamps")
def test_off_gives_no_samples(strest, target):
    outside, _ = stamps(strest.measure("-u", target().url + "/", "-m", "4", "-r", "4", "-t", "500ms", "--kernel-stamps", "off"))
    assert outside["count"] == 0


@pytest.mark.parametrize("path", ["/", "/delay/2ms", "/close"])
@pytest.mark.option("kernel-stamps")
def test_all_gives_a_sample_for_every_response(strest, target, path):
    result = strest.measure("-u", target().url + path, "-m", "4", "-r", "4", "-t", "500ms", "--kernel-stamps", "all")
    assert result["books"]["ok"] > 50
    # The kernel begins to stamp a moment after it is asked to: the first responses may come without.
    assert result["books"]["ok"] * 0.95 <= stamps(result)[0]["count"] <= result["books"]["ok"]


def test_responses_that_are_not_complete_have_no_sample(strest, target):
    result = strest.measure("-u", target().url + "/cut", "-m", "4", "-r", "4", "-t", "300ms", "--kernel-stamps", "all")
    assert result["books"]["failed"] > 0
    assert stamps(result)[0]["count"] == 0


@pytest.mark.parametrize("connections", [16, 64])
def test_by_default_a_sixteenth_of_the_connections_has_them(strest, target, connections):
    # Every connection is as busy as any other: the target answers each after the same time.
    args = ["-m", str(connections), "-r", str(connections), "--threads", "1", "-t", "2s"]
    result = strest.measure("-u", target().url + "/delay/5ms", *args)
    assert result["books"]["ok"] > 1000
    assert result["books"]["ok"] / 20 <= stamps(result)[0]["count"] <= result["books"]["ok"] / 13


def test_few_connections_have_a_sample_too(strest, target):
    result = strest.measure("-u", target().url + "/delay/1ms", "-m", "2", "-r", "2", "--threads", "1", "-t", "1s")
    assert result["books"]["ok"] * 0.4 <= stamps(result)[0]["count"] <= result["books"]["ok"] * 0.6


def test_the_parts_are_the_service_time(strest, target):
    result = strest.measure("-u", target().url + "/delay/1ms", "-q", "500", "-m", "8", "--preconnect", "8", "-t", "1s", "--kernel-stamps", "all")
    outside, queue = stamps(result)
    assert outside["count"] == result["books"]["ok"] == 500
    # Connections were open before: done = sent + outside + client queue, so the means add up (float arithmetic aside).
    assert outside["mean"] + queue["mean"] == pytest.approx(result["service_ns"]["all"]["mean"], abs=1000)


@pytest.mark.timing
@on_a_quiet_machine
def test_a_slow_target_is_outside(strest, target):
    args = ["-q", "200", "-m", "32", "--preconnect", "32", "-t", "1s", "--kernel-stamps", "all"]
    fast, fast_queue = stamps(strest.measure("-u", target().url + "/", *args))
    slow, slow_queue = stamps(strest.measure("-u", target().url + "/delay/20ms", *args))
    assert fast["p50"] < 1 * MS
    assert 20 * MS <= slow["min"] and slow["p50"] < 21 * MS
    assert fast_queue["p50"] < 1 * MS and slow_queue["p50"] < 1 * MS


def pause_often(run, seconds):
    """Stops and continues a run every 30 ms. Returns at the end of the time or of the run."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and run.alive():
        run.signal(signal.SIGSTOP)
        time.sleep(0.03)
        run.signal(signal.SIGCONT)
        time.sleep(0.03)


@pytest.mark.timing
@on_a_quiet_machine
def test_a_paused_client_is_the_client_queue(strest, target):
    # Half of the time strest does not read: what is sent in the first half and due 20 ms later waits for it, up to 30 ms.
    run = strest.start("--json", "-u", target().url + "/delay/20ms", "-q", "500", "-m", "128", "--preconnect", "128", "--threads", "1", "-t", "2s",
                       "--kernel-stamps", "all")
    time.sleep(0.2)
    pauser = threading.Thread(target=pause_often, args=(run, 1.7))
    pauser.start()
    pauser.join()
    outside, queue = stamps(run.wait().json)
    assert queue["count"] > 900
    assert queue["mean"] > 2 * MS and queue["p99"] > 10 * MS
    assert 20 * MS <= outside["min"] and outside["p50"] < 22 * MS


@pytest.mark.timing
@on_a_quiet_machine
def test_a_neighbour_on_the_core_is_the_client_queue(strest, target):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two processors")
    first, second = sorted(os.sched_getaffinity(0))[:2]
    server = target("--threads", "1")
    os.sched_setaffinity(server.process.pid, {first})  # its one thread is another one; what matters is that strest has a core of its own
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        os.sched_setaffinity(int(task), {first})
    args = ["-u", server.url + "/", "-m", "256", "-r", "256", "--threads", "1", "-t", "2s"]

    def play():
        return stamps(strest.measure(*args, prepare=lambda: os.sched_setaffinity(0, {second})))

    _, alone = play()
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=lambda: os.sched_setaffinity(0, {second}))
    try:
        outside, shared = play()
    finally:
        busy.kill()
        busy.wait()
    assert shared["mean"] > 1.5 * alone["mean"]
    assert shared["mean"] > outside["mean"]
