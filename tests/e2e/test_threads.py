"""What strest and its target are on the machine: their threads, and the processor time that waiting without sleep takes."""

import os
import time

import pytest

from servers import wait_for


def tasks(process):
    """How many threads the process has."""
    return len(os.listdir(f"/proc/{process.pid}/task"))


def seconds_used(process):
    """The processor time that the process has taken so far."""
    with open(f"/proc/{process.pid}/stat") as f:
        user, system = f.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.mark.option("threads")
@pytest.mark.parametrize("threads", [1, 3])
def test_a_run_has_its_threads_and_the_main_one(strest, target, threads, has_tsan):
    server = target()
    run = strest.start("-u", server.url + "/", "-m", "4", "--rate", "50", "-t", "1s", "--threads", threads)
    wait_for(lambda: server.counted() >= 10, 10, "the load")
    assert threads + 1 <= tasks(run.process) <= threads + 1 + has_tsan  # which may watch from a thread of its own
    assert run.wait().code == 0


@pytest.mark.option("target threads")
@pytest.mark.parametrize("threads", [1, 3])
def test_a_target_has_its_threads_and_the_main_one(target, threads, has_tsan):
    server = target("--threads", str(threads))
    assert server.record.threads == threads
    assert threads + 1 <= tasks(server.process) <= threads + 1 + has_tsan


@pytest.mark.option("spin")
@pytest.mark.timing
def test_a_spinning_run_takes_a_core_and_another_one_does_not(strest, target):
    used = {}
    for spin in ("on", "off"):
        server = target()
        run = strest.start("-u", server.url + "/", "-m", "1", "--rate", "20", "-t", "2s", "--threads", "1", "--spin", spin)
        wait_for(lambda: server.counted() >= 5, 10, "the load")
        before = seconds_used(run.process)
        time.sleep(1)
        used[spin] = seconds_used(run.process) - before
        assert run.wait().code == 0
    assert used["on"] > 0.2 and used["on"] > 3 * used["off"], used


@pytest.mark.option("target spin")
@pytest.mark.timing
def test_a_spinning_target_takes_a_core_without_any_request(target):
    used = {}
    for name, args in {"on": ["--spin"], "off": []}.items():
        server = target(*args)
        before = seconds_used(server.process)
        time.sleep(1)
        used[name] = seconds_used(server.process) - before
        server.end()
    assert used["on"] > 0.2 and used["on"] > 3 * used["off"], used


@pytest.mark.option("verbose")
def test_a_verbose_run_says_more_and_measures_the_same(strest, target):
    args = ["-u", target().url + "/", "-m", "2", "-r", "2", "--requests", "20"]
    plain, verbose = strest.run("--json", *args), strest.run("--json", "-v", *args)
    assert "debug: " not in plain.err and verbose.err.count("strest: debug: ") > 1
    assert plain.json["books"]["ok"] == verbose.json["books"]["ok"] == 20
