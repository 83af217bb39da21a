"""Connections: how many there are, when they are opened, and what happens when none can be had."""

import re
import resource
import time

import pytest

from conftest import without_rights
from servers import always, answer, free_port, wait_for

each_thread = pytest.mark.parametrize("threads", [1, 4])


@each_thread
@pytest.mark.parametrize("load", [["--rate", "400"], ["-r", "100"]])
@pytest.mark.option("max-tasks")
def test_there_are_never_more_connections_than_max_tasks(strest, target, threads, load):
    server = target()
    result = strest.measure("-u", server.url + "/delay/50ms", "-m", "6", "--threads", threads, *load, "-t", "500ms")
    assert server.record.connections == result["connections"]["opened"] == 6
    assert result["books"]["ok"] > 0


@each_thread
@pytest.mark.option("preconnect")
def test_preconnect_opens_connections_before_the_start(strest, target, threads):
    server = target()
    result = strest.measure("-u", server.url + "/", "-m", "64", "--threads", threads, "--preconnect", "12", "--rate", "10", "-t", "350ms")
    assert result["connections"]["opened"] == server.record.connections == 12
    assert result["parts_ns"]["connect"]["max"] == 0, "no request had to wait for a connection"


def test_up_to_64_connections_are_opened_before_the_start(strest, target):
    for tasks, expected in (("20", 20), ("100", 64)):
        server = target()
        result = strest.measure("-u", server.url + "/", "-m", tasks, "--rate", "10", "-t", "250ms", "--threads", "1")
        assert result["connections"]["opened"] == server.record.connections == expected


def test_preconnect_0_opens_what_is_needed(strest, target):
    server = target()
    result = strest.measure("-u", server.url + "/", "-m", "64", "--preconnect", "0", "--rate", "10", "-t", "450ms")
    assert result["connections"]["opened"] == server.record.connections == 1
    assert result["connections"]["reused"] == 4
    assert result["parts_ns"]["connect"]["max"] > 0


def test_the_least_recently_used_connection_is_taken(strest, scripted):
    used = []

    def script(server, peer):
        while server.read(peer):
            used.append(peer.sock.getpeername()[1])
            peer.send(answer())

    server = scripted(script)
    strest.measure("-u", server.url, "-m", "3", "--preconnect", "3", "--rate", "20", "--threads", "1", "-t", "440ms")
    assert len(used) == 9
    assert len(set(used)) == 3
    assert used[:3] == used[3:6] == used[6:]


@pytest.mark.option("spawn-rate", "spawn-interval")
def test_tasks_come_step_by_step(strest, target):
    server = target()
    run = strest.start("-u", server.url + "/delay/10ms", "-m", "1000", "-r", "2", "-i", "200", "-t", "1100ms")
    assert run.wait().code == 0
    assert server.record.connections == 12  # two at 0, 0.2, ... 1.0 s


def test_under_a_rate_the_ramp_holds_only_when_it_is_given(strest, target):
    args = ["-u", target().url + "/delay/100ms", "-m", "100", "--rate", "100", "-t", "900ms", "--timeout", "300ms"]
    result = strest.measure(*args, "-r", "1", "-i", "200")
    assert result["connections"]["opened"] <= 7  # one at 0, 0.2, ... and the drain lasts to 1.2 s
    assert result["parts_ns"]["blocked"]["max"] > 0
    result = strest.measure(*args)
    assert result["connections"]["opened"] >= 10
    assert result["parts_ns"]["blocked"]["max"] == 0


def test_a_reused_connection_is_told_from_a_new_one(strest, target):
    result = strest.measure("-u", target().url + "/", "-m", "2", "-r", "2", "--requests", "50", "-t", "20s")
    rows = {g["name"]: g for g in result["groups"] if g["by"] == "connection"}
    assert rows["new"]["ok"] == 2
    assert rows["reused"]["ok"] == result["connections"]["reused"] == 48


def test_a_request_that_needs_a_connection_shows_it_in_its_parts(strest, target):
    result = strest.measure("-u", target().url + "/close", "-m", "1", "--requests", "20", "-t", "20s")
    connect = result["parts_ns"]["connect"]
    assert result["connections"]["opened"] == 20
    assert connect["min"] > 0
    assert result["service_ns"]["all"]["mean"] >= connect["mean"]


def gone_for_a_while(scripted, seconds):
    """A server that serves, is gone for so long, and comes back; returns it and the one that follows."""
    first = scripted(always(answer()))

    def leave_and_return():
        first.stop_listening()
        first.drop_all()
        time.sleep(seconds)
        return scripted(always(answer()), port=first.port)

    return first, leave_and_return


def test_refused_tasks_wait_longer_and_longer_and_come_back(strest, scripted):
    first, leave_and_return = gone_for_a_while(scripted, 2)
    run = strest.start("--json", "-u", first.url, "-m", "4", "-r", "4", "-t", "5s")
    wait_for(lambda: first.counted > 20)
    second = leave_and_return()
    finished = run.wait()
    assert finished.code == 0, finished
    result = finished.json
    failed = result["connections"]["connect_failed"]
    # 0.1, 0.2, 0.4, 0.8, 1 s after one another: four or five in two seconds, for each of four tasks.
    assert 4 * 3 <= failed <= 4 * 7
    assert result["errors"]["connect"]["refused"] == failed
    assert second.counted > 0, "the tasks must come back"
    assert result["books"]["ok"] >= first.counted + second.counted - 8


def test_waiting_after_a_refusal_is_no_part_of_a_response_time(strest, scripted):
    first, leave_and_return = gone_for_a_while(scripted, 1)
    run = strest.start("--json", "-u", first.url, "-m", "2", "-r", "2", "-t", "3s")
    wait_for(lambda: first.counted > 20)
    leave_and_return()
    result = run.wait().json
    assert result["errors"]["connect"]["refused"] > 0
    assert result["response_ns"]["all"]["max"] < 700_000_000
    assert result["longest_gap_ns"] > 700_000_000


def test_an_open_loop_goes_on_planning_while_the_target_is_gone(strest, scripted):
    first, leave_and_return = gone_for_a_while(scripted, 1)
    run = strest.start("--json", "-u", first.url, "-m", "8", "--rate", "200", "-t", "3s")
    wait_for(lambda: first.counted > 20)
    second = leave_and_return()
    result = run.wait().json
    assert result["books"]["planned"] == 600
    assert 100 < result["errors"]["connect"]["refused"] < 320
    assert second.counted > 0
    assert result["books"]["balanced"]


@each_thread
def test_a_backlog_shows_as_blocked_and_is_sent_in_the_drain(strest, target, threads):
    server = target()
    result = strest.measure("-u", server.url + "/delay/20ms", "-m", "4", "--threads", threads, "--rate", "300", "-t", "1s")
    books = result["books"]
    # Four connections carry 200 a second: after one second about 100 of 300 wait; the drain has time for them.
    assert books["planned"] == books["ok"] == 300
    assert 250e6 < result["parts_ns"]["blocked"]["max"] < 1500e6
    assert result["parts_ns"]["late"]["mean"] < result["parts_ns"]["blocked"]["mean"] / 4
    assert result["rate"]["throughput_per_s"] < 230


def test_a_drain_that_is_too_short_leaves_requests_unsent(strest, target):
    server = target()
    result = strest.measure("-u", server.url + "/delay/100ms", "-m", "2", "--rate", "100", "-t", "1s", "--timeout", "500ms")
    books = result["books"]
    assert books["planned"] == 100
    assert books["unsent"] > 30
    assert books["ok"] > 10
    assert server.counted() == books["attempts"]
    assert result["response_ns"]["slo"]["never"] == 100 - books["ok"]
    assert result["response_ns"]["slo"]["p90"] in (None, "never")


@pytest.mark.parametrize("load", [[], ["--rate", "100"]])
def test_too_few_descriptors_are_said_before_the_run(strest, target, load):
    server = target()

    finished = strest.run("--json", "-u", server.url + "/", "-m", "1000", "-t", "400ms", *load, prefix=without_rights("sys_resource"),
                          prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)))
    assert finished.code == 0, finished
    assert re.search(r"--max-tasks 1000 .*open files.* 200\b", finished.err), finished
    assert finished.json["books"]["ok"] > 0


def test_a_limit_that_can_be_raised_is_raised_without_a_word(strest, target):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 2000:
        pytest.skip("the hard limit of open files is too low here")
    server = target()
    finished = strest.run("--json", "-u", server.url + "/", "-m", "500", "--preconnect", "500", "--rate", "100", "-t", "400ms",
                          prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard)))
    assert finished.code == 0, finished
    assert "open files" not in finished.err
    assert finished.json["connections"]["opened"] == 500
    assert finished.json["connections"]["connect_failed"] == 0


def test_connections_beyond_the_descriptors_are_failures_and_the_books_balance(strest, target):
    server = target()
    result = strest.measure("-u", server.url + "/delay/300ms", "-m", "200", "-r", "200", "-t", "900ms", prefix=without_rights("sys_resource"),
                            prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    assert result["errors"]["connect"]["no_descriptor"] > 0
    assert result["books"]["ok"] > 0
    assert server.counted() == result["books"]["attempts"]


def test_all_connections_are_closed_at_the_end(strest, scripted):
    ended = []

    def script(server, peer):
        while server.read(peer):
            peer.send(answer())
        ended.append(peer.number)

    server = scripted(script)
    result = strest.measure("-u", server.url, "-m", "8", "-r", "8", "--requests", "100", "-t", "20s")
    wait_for(lambda: len(ended) == 8, 5)
    assert result["connections"]["closed"]["at_end"] == 8
    opened = result["connections"]["opened"]
    assert opened == sum(result["connections"]["closed"].values()) == 8


def test_the_run_says_what_it_is_going_to_do(strest, target):
    server = target()
    finished = strest.run("-u", server.url + "/x", "-m", "5", "-r", "5", "-t", "300ms")
    first = finished.err.splitlines()[0]
    assert first.startswith("strest: ")
    for word in ("GET", server.url + "/x", "closed loop", "5 tasks", "300"):
        assert word in first, (word, first)
    finished = strest.run("-u", server.url + "/", "-m", "5", "--rate", "250", "--arrival", "poisson", "-t", "300ms")
    for word in ("250/s", "poisson", "5 in flight"):
        assert word in finished.err, (word, finished.err)


def test_an_unused_port_is_not_waited_for_longer_than_three_seconds(strest):
    finished = strest.run("-u", f"http://127.0.0.1:{free_port()}/", "-t", "30s", "--connect-timeout", "200ms", "-m", "1")
    assert finished.code == 3
    assert 2.5 < finished.seconds < 7


@pytest.mark.parametrize("load", [["-m", "2", "-r", "2"], ["--rate", "50"]])
def test_a_server_that_closes_every_connection_at_once_is_nothing_measured(strest, scripted, load):
    server = scripted(lambda server, peer: peer.sock.close())
    finished = strest.run("-u", server.url, "-t", "30s", "--connect-timeout", "1s", *load)
    assert finished.code == 3, finished
    assert finished.seconds < 10
    assert "no response at all" in finished.err


def test_a_server_that_speaks_first_is_not_believed(strest, scripted):
    """Bytes on a connection that no request was sent on are no answer to the request that comes later."""

    def script(server, peer):
        peer.send(answer(status="299 Unasked"))
        while server.read(peer):
            peer.send(answer())

    result = strest.measure("-u", scripted(script).url, "-m", "4", "--preconnect", "4", "--rate", "20", "-t", "400ms", "-s", "200,299")
    assert result["connections"]["closed"]["by_us"] >= 4
    assert result["books"]["balanced"]
