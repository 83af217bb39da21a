"""Ctrl-C, SIGTERM, readers that leave, and a strest that was held up itself."""

import signal
import subprocess
import time

import pytest

from conftest import check_result
from quiet import on_a_quiet_machine
from servers import wait_for

LOADS = {
    "closed": ["-m", "8", "-r", "8"],
    "open": ["-m", "64", "--rate", "500"],
    "requests": ["-m", "8", "-r", "8", "--requests", "1000000000"],
    "four_threads": ["-m", "8", "-r", "8", "--threads", "4"],
    "warmup": ["-m", "8", "-r", "8", "--warmup", "100ms"],
}


def started(strest, server, path, *args):
    run = strest.start("--json", "-u", server.url + path, *args)
    wait_for(lambda: server.counted() > 0, what="the first request")
    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("load", LOADS)
def test_the_first_signal_ends_the_run_in_order(strest, target, load, number):
    server = target()
    run = started(strest, server, "/delay/20ms", *LOADS[load], "-t", "40s")
    time.sleep(0.5)
    run.signal(number)
    finished = run.wait()
    assert finished.code == 0, finished
    result = check_result(finished)
    assert result["run"]["ended_by"] == "signal"
    assert 200_000_000 < result["run"]["window_ns"] < 20_000_000_000
    assert result["books"]["ok"] > 0
    assert result["books"]["failed"] == result["books"]["open"] == 0, "what is in flight may finish"
    assert server.counted() == result["books"]["attempts"]
    assert "second signal" in finished.err


def test_planned_ends_with_the_signal(strest, target):
    run = started(strest, target(), "/", "-m", "16", "--rate", "100", "-t", "40s")
    time.sleep(0.3)
    run.signal(signal.SIGINT)
    result = check_result(run.wait())
    window = result["run"]["window_ns"] / 1e9
    assert abs(result["books"]["planned"] - 100 * window) <= 1
    assert result["books"]["unsent"] <= 100 * 0.25, "only what was due after the signal"


def test_the_second_signal_leaves_at_once(strest, target):
    run = started(strest, target(), "/hang", "-m", "2", "-r", "2", "-t", "40s", "--timeout", "40s")
    run.signal(signal.SIGINT)
    time.sleep(0.5)
    assert run.alive(), "it waits for what is in flight"
    before = time.monotonic()
    run.signal(signal.SIGINT)
    finished = run.wait()
    assert time.monotonic() - before < 3
    assert finished.code == 130, finished
    assert finished.out == ""


def test_two_signals_leave_at_once_while_connecting(strest, silent_port):
    run = strest.start("-u", f"http://127.0.0.1:{silent_port}/", "-t", "40s", "--connect-timeout", "20s", "-m", "2", "-r", "2")
    time.sleep(0.5)
    run.signal(signal.SIGINT)
    time.sleep(0.3)
    run.signal(signal.SIGINT)
    finished = run.wait()
    assert finished.code == 130, finished
    assert finished.seconds < 5


def test_a_signal_while_connections_are_opened_in_advance_is_heard(strest, silent_port):
    run = strest.start("--json", "-u", f"http://127.0.0.1:{silent_port}/", "-t", "40s", "--connect-timeout", "20s", "--rate", "10")
    time.sleep(0.5)
    run.signal(signal.SIGINT)
    finished = run.wait()
    assert finished.seconds < 5
    assert finished.code == 3, finished  # nothing was measured, by the user's own wish
    if finished.out:
        result = check_result(finished)
        assert result["books"]["planned"] == result["books"]["attempts"] == 0
        assert result["run"]["start"].startswith(time.strftime("%Y-", time.gmtime()))


def test_the_drain_ends_at_the_timeout_and_the_rest_is_open_or_failed(strest, target):
    server = target()
    run = started(strest, server, "/hang", "-m", "4", "--rate", "10", "-t", "40s", "--timeout", "1s")
    time.sleep(0.3)
    run.signal(signal.SIGINT)
    finished = run.wait()
    result = check_result(finished)
    assert finished.seconds < 15
    assert result["books"]["ok"] == 0
    assert result["books"]["failed"] + result["books"]["open"] > 0


def test_what_waits_for_a_connection_at_the_signal_is_unsent(strest, target):
    server = target()
    run = started(strest, server, "/delay/200ms", "-m", "2", "--rate", "200", "-t", "40s")
    time.sleep(1)
    run.signal(signal.SIGINT)
    result = check_result(run.wait())
    books = result["books"]
    # Two connections carry 10 requests a second, 200 a second are due.
    assert books["unsent"] > 0.7 * books["planned"]
    assert books["ok"] > 0
    assert server.counted() == books["attempts"]


def test_a_run_that_was_stopped_has_sixteen_lines_too(strest, target):
    server = target()
    run = strest.start("-u", server.url + "/", "-m", "2", "-r", "2", "-t", "40s")
    wait_for(lambda: server.counted() > 0)
    run.signal(signal.SIGINT)
    finished = run.wait()
    assert finished.code == 0
    assert "stopped by a signal" in finished.out
    assert finished.out.rstrip().endswith("Charts: disabled")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_reader_that_leaves_is_no_error(strest, target, form):
    server = target()
    command = [strest.binary, "-u", server.url + "/", "-m", "2", "-r", "2", "-t", "500ms", *form]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(30) == 0
    assert [line for line in errors.splitlines() if "error" in line or "pipe" in line.lower()] == []


def test_head_1_gets_one_line_and_nothing_is_said(strest, target):
    server = target()
    pipe = '"$0" "$@" | head -1'
    finished = subprocess.run(["sh", "-c", pipe, strest.binary, "-u", server.url + "/", "-m", "2", "-r", "2", "-t", "300ms"],
                              capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0
    assert finished.stdout.count("\n") == 1
    assert "error" not in finished.stderr


def test_a_full_disk_is_said_and_fails(strest, target):
    server = target()
    with open("/dev/full", "w") as full:
        finished = subprocess.run([strest.binary, "-u", server.url + "/", "-m", "2", "-r", "2", "-t", "300ms"], stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=60)
    assert finished.returncode == 1
    assert "cannot write the results" in finished.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_target_ends_in_order(target, number):
    server = target()
    server.signal(number)
    assert server.process.wait(10) == 0


@pytest.mark.timing
@on_a_quiet_machine
def test_a_strest_held_up_itself_is_late_and_not_blocked(strest, target):
    server = target()
    run = started(strest, server, "/delay/5ms", "-m", "512", "--preconnect", "512", "--rate", "500", "-t", "3s")
    time.sleep(1)
    run.signal(signal.SIGSTOP)
    time.sleep(0.2)
    run.signal(signal.SIGCONT)
    result = check_result(run.wait())
    parts = result["parts_ns"]
    assert result["books"]["ok"] == 1500
    # 100 requests were due meanwhile: the first of them 0.2 s late, all together 10 s; those in flight wait for their answer to be read.
    assert 150e6 < parts["late"]["max"] < 600e6
    assert 1500 * parts["late"]["mean"] > 6e9
    assert parts["wait"]["max"] > 150e6
    assert parts["blocked"]["mean"] < 0.05 * parts["late"]["mean"]
    assert result["response_ns"]["all"]["max"] >= 150e6


@pytest.mark.timing
@on_a_quiet_machine
def test_a_pause_of_strest_is_no_timeout_of_the_target(strest, target):
    server = target()
    run = started(strest, server, "/", "-m", "256", "--rate", "200", "--timeout", "100ms", "-t", "2s")
    run.signal(signal.SIGSTOP)
    time.sleep(0.4)
    run.signal(signal.SIGCONT)
    result = check_result(run.wait())
    assert result["parts_ns"]["late"]["max"] > 300e6
    assert result["books"]["failed"] <= 2  # nothing is in flight for long here: the target answers at once
    assert result["books"]["ok"] == 400 - result["books"]["failed"]


@pytest.mark.parametrize("shape", [["-m", "64", "--rate", "200"], ["-m", "20", "-r", "20"]], ids=["rate", "closed"])
def test_answers_that_came_while_strest_stood_still_are_no_timeouts(strest, target, shape):
    server = target()
    run = started(strest, server, "/delay/50ms", "--timeout", "500ms", "-t", "2500ms", *shape)
    time.sleep(0.5)
    run.signal(signal.SIGSTOP)
    time.sleep(1.2)
    run.signal(signal.SIGCONT)
    result = check_result(run.wait())
    assert result["parts_ns"]["wait"]["max"] > 1e9, "some were in flight"
    assert result["books"]["failed"] == 0, result["errors"]


def test_many_connections_at_once_are_no_timeouts_for_want_of_turns(strest, target):
    """3,000 dials take longer than the time-out: what is ready by then is looked at before a time-out is told."""
    server = target()
    result = strest.measure("-u", server.url + "/", "-m", "3000", "-r", "3000", "--connect-timeout", "100ms", "--threads", "1", "--requests", "6000")
    assert result["books"]["ok"] == 6000
    assert result["connections"]["connect_failed"] == 0
