"""What strest says it sent is what the servers say they received, in every mode, at 1 and 4 threads, also when the server dies."""

import json
import re
import signal
import time

import jsonschema
import pytest

from conftest import check_result, schema
from servers import wait_for

TASKS = ["-m", "32", "-r", "32"]
MODES = {
    "closed": [*TASKS, "-t", "1s"],
    "rate": ["-m", "64", "--rate", "2000", "-t", "1s"],
    "stages": ["-m", "64", "--stages", "500ms@1000,500ms@3000", "-t", "1s"],
    "poisson": ["-m", "64", "--rate", "2000", "--arrival", "poisson", "-t", "1s"],
    "requests": [*TASKS, "--requests", "3000", "-t", "30s"],
}
THREADS = [1, 4]

each_mode = pytest.mark.parametrize("mode", MODES)
each_thread = pytest.mark.parametrize("threads", THREADS)


@each_mode
@each_thread
def test_target_counts_every_attempt(strest, way, mode, threads):
    server = way("--threads", "2")
    result = strest.measure("-u", server.url + "/", *way.words, "--threads", threads, *MODES[mode])
    books = result["books"]
    assert books["lost"] == 0
    assert books["attempts"] > 0
    assert server.record.requests == books["attempts"]
    assert server.stats()["requests"] == books["attempts"]
    assert len(server.record.arrivals()) == books["attempts"]
    way.check(result)


@each_mode
@each_thread
def test_nginx_counts_every_attempt(strest, nginx, mode, threads):
    server = nginx()
    result = strest.measure("-u", server.url + "/", "--threads", threads, *MODES[mode])
    books = result["books"]
    assert books["lost"] == 0
    assert books["attempts"] > 0
    assert server.counted() == books["attempts"]
    assert server.logged() == books["attempts"]


@each_thread
@pytest.mark.option("requests")
def test_requests_stops_after_exactly_that_many(strest, way, threads):
    server = way()
    result = strest.measure("-u", server.url + "/", *way.words, "--threads", threads, *TASKS, "--requests", "777", "-t", "30s")
    assert result["books"]["planned"] == 777
    assert result["books"]["ok"] == 777
    assert result["run"]["ended_by"] == "requests"
    assert server.counted() == 777


@each_thread
def test_requests_under_a_rate_stops_after_exactly_that_many(strest, way, threads):
    server = way()
    result = strest.measure("-u", server.url + "/", *way.words, "--threads", threads, "-m", "16", "--rate", "2000", "--requests", "777", "-t", "30s")
    assert result["books"]["planned"] == 777
    assert result["books"]["ok"] == 777
    assert server.counted() == 777


def test_requests_fewer_than_threads_are_still_exact(strest, target):
    server = target()
    result = strest.measure("-u", server.url + "/", "--threads", "4", *TASKS, "--requests", "3", "-t", "30s")
    assert result["books"]["planned"] == 3
    assert server.counted() == 3


@pytest.mark.option("duration")
def test_duration_ends_a_run_whose_requests_do_not_come_together(strest, target):
    server = target()
    result = strest.measure("-u", server.url + "/delay/100ms", "-m", "1", "--requests", "100000", "-t", "500ms")
    assert result["run"]["ended_by"] == "duration"
    assert 0 < result["books"]["planned"] < 10
    assert result["books"]["ok"] == result["books"]["planned"]


@each_thread
@pytest.mark.parametrize("mode", ["closed", "rate", "poisson"])
@pytest.mark.option("warmup")
def test_warmup_is_left_out_of_the_books_and_counted_in_the_attempts(strest, target, mode, threads):
    server = target()
    result = strest.measure("-u", server.url + "/", "--threads", threads, *MODES[mode], "--warmup", "400ms")
    books = result["books"]
    assert books["attempts_warmup"] > 0
    assert books["attempts"] == books["attempts_warmup"] + books["ok"]
    assert books["unsent"] == books["failed"] == books["open"] == 0
    assert server.counted() == books["attempts"]
    assert result["run"]["warmup_ns"] == 400_000_000
    assert abs(result["run"]["window_ns"] - 600_000_000) < 1_000_000


@each_thread
def test_requests_counts_from_the_end_of_the_warmup(strest, target, threads):
    server = target()
    result = strest.measure("-u", server.url + "/", "--threads", threads, *TASKS, "--requests", "500", "--warmup", "300ms", "-t", "30s")
    books = result["books"]
    assert books["planned"] == books["ok"] == 500
    assert books["attempts_warmup"] > 0
    assert books["attempts"] == 500 + books["attempts_warmup"]
    assert server.counted() == books["attempts"]


def between(books, counted):
    """With a kill, a request may be on its way when the server dies: it is an attempt, perhaps counted, not ok."""
    assert books["ok"] <= counted <= books["attempts"], (books, counted)


class Mid:
    """Open and closed loop with a time-out that lets the run end soon."""

    LOADS = {
        "closed": ["-m", "16", "-r", "16", "-t", "1500ms", "--timeout", "700ms", "--connect-timeout", "700ms"],
        "open": ["-m", "64", "--rate", "1000", "-t", "1500ms", "--timeout", "700ms", "--connect-timeout", "700ms"],
    }


each_load = pytest.mark.parametrize("load", Mid.LOADS)


def start_and_reach(strest, server, words, load, threads, requests=200):
    """A run whose server has had some requests."""
    run = strest.start("--json", "-u", server.url + "/", *words, "--threads", threads, *Mid.LOADS[load])
    wait_for(lambda: server.counted() >= requests or not run.alive(), what="the first requests")
    return run


@each_load
@each_thread
def test_books_balance_when_the_target_is_killed(strest, way, load, threads):
    server = way()
    run = start_and_reach(strest, server, way.words, load, threads)
    server.kill()
    finished = run.wait()
    assert finished.code == 0, finished
    result = check_result(finished)
    between(result["books"], server.counted())
    assert result["books"]["failed"] > 0


@each_load
@each_thread
def test_books_balance_when_the_target_is_restarted(strest, way, load, threads):
    first = way()
    run = start_and_reach(strest, first, way.words, load, threads)
    first.kill()
    time.sleep(0.2)
    second = way(port=first.port)
    finished = run.wait()
    assert finished.code == 0, finished
    result = check_result(finished)
    between(result["books"], first.counted() + second.counted())
    assert second.counted() > 0, "the second server was not found"


@each_load
@each_thread
def test_books_balance_when_the_target_hangs(strest, way, load, threads):
    server = way()
    run = start_and_reach(strest, server, way.words, load, threads)
    server.signal(signal.SIGSTOP)
    finished = run.wait()
    assert finished.code == 0, finished
    result = check_result(finished)
    assert result["errors"]["timeout"]["response"] > 0
    server.signal(signal.SIGCONT)
    server.stats()  # it has read all that came before this request
    between(result["books"], server.counted())


@each_load
def test_books_balance_when_nginx_is_killed(strest, nginx, load):
    server = nginx()
    run = strest.start("--json", "-u", server.url + "/", *Mid.LOADS[load])
    wait_for(lambda: server.logged() >= 200 or not run.alive(), what="the first requests")
    server.kill()
    finished = run.wait()
    assert finished.code == 0, finished
    books = check_result(finished)["books"]
    # One process, one request at a time: its line in the log comes after the answer, so one line may be missing.
    assert books["ok"] - 1 <= server.logged() <= books["attempts"]
    assert books["failed"] > 0


@each_load
def test_books_balance_when_nginx_is_restarted(strest, nginx, load):
    server = nginx()
    run = strest.start("--json", "-u", server.url + "/", *Mid.LOADS[load])
    wait_for(lambda: server.logged() >= 200 or not run.alive(), what="the first requests")
    server.kill()
    logged = server.logged()
    server.start()
    finished = run.wait()
    assert finished.code == 0, finished
    books = check_result(finished)["books"]
    assert books["ok"] - 1 <= server.logged() <= books["attempts"]
    assert server.logged() > logged, "the second server was not found"


@each_load
def test_books_balance_when_nginx_hangs_for_a_while(strest, nginx, load):
    server = nginx()
    run = strest.start("--json", "-u", server.url + "/", *Mid.LOADS[load])
    wait_for(lambda: server.logged() >= 200 or not run.alive(), what="the first requests")
    server.signal(signal.SIGSTOP)
    time.sleep(0.3)
    server.signal(signal.SIGCONT)
    finished = run.wait()
    assert finished.code == 0, finished
    result = check_result(finished)
    books = result["books"]
    assert books["failed"] == books["lost"] == 0
    assert server.counted() == books["attempts"]
    assert result["response_ns"]["all"]["max"] > 200_000_000, "the hang is not seen"


@each_load
def test_a_dropped_sample_is_seen_in_the_books(faulty, target, load):
    server = target()
    finished = faulty.run("--json", "-u", server.url + "/", "-m", "4", "-r", "4", "-t", "500ms", *(["--rate", "200"] if load == "open" else []),
                          env={"STREST_FAULT": "drop_sample"})
    assert finished.code == 1
    result = finished.json
    jsonschema.validate(result, schema())
    books = result["books"]
    assert books["balanced"] is False
    assert books["planned"] - books["ok"] - books["failed"] - books["open"] - books["unsent"] == 1
    assert server.counted() == books["attempts"] == books["planned"]
    assert re.search(r"^strest: error: .*books do not balance", finished.err, re.M)


def test_an_imbalance_is_printed_with_all_results(faulty, target):
    server = target()
    finished = faulty.run("-u", server.url + "/", "-m", "4", "-r", "4", "-t", "500ms", env={"STREST_FAULT": "drop_sample"})
    assert finished.code == 1
    assert "NOT BALANCE" in finished.out
    assert "Response time" in finished.out
    assert finished.out.rstrip().endswith("Charts: disabled")


def test_a_fault_is_put_in_only_where_it_is_asked_for(faulty, target):
    server = target()
    books = faulty.measure("-u", server.url + "/", "-m", "4", "-r", "4", "-t", "500ms")["books"]
    assert server.counted() == books["attempts"]


def test_the_program_as_it_is_installed_knows_no_faults(strest, target):
    server = target()
    books = strest.measure("-u", server.url + "/", "-m", "4", "-r", "4", "-t", "300ms", env={"STREST_FAULT": "drop_sample"})["books"]
    assert books["ok"] == books["planned"]


@pytest.mark.option("json")
def test_json_on_stdout_is_one_object_and_nothing_else(strest, target):
    server = target()
    finished = strest.run("--json", "-u", server.url + "/", "-m", "1", "--requests", "5", "-t", "5s")
    assert finished.code == 0
    assert isinstance(json.loads(finished.out), dict)


def test_json_says_which_run_it_was(strest, target):
    server = target()
    args = ["-u", server.url + "/x?y=1", "-m", "2", "--rate", "100", "-t", "300ms", "--seed", "7", "-X", "options", "-s", "404"]
    run, again = [strest.measure(*args)["run"] for _ in range(2)]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", run["id"])
    assert run["id"] != again["id"]
    assert run["target"] == server.url + "/x?y=1"
    assert (run["method"], run["model"], run["arrival"], run["seed"]) == ("OPTIONS", "open", "even", 7)
    assert run["duration_ns"] == 300_000_000
    started = time.strptime(run["start"][:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(time.mktime(started) - time.timezone - time.time()) < 60
    assert run["version"] in strest.run("--version").out


@pytest.mark.option("target record")
def test_bytes_are_what_the_target_counted(strest, target):
    server = target()
    result = strest.measure("-u", server.url + "/bytes/1000", "-m", "4", "-r", "4", "--requests", "100", "-t", "20s")
    assert result["bytes"]["sent"] == server.record.sum("bytes_in")
    assert result["bytes"]["received"] == server.record.sum("bytes_out")


@each_thread
def test_groups_add_up_to_the_whole(strest, target, threads):
    server = target()
    result = strest.measure("-u", server.url + "/", "--threads", threads, "-m", "16", "--stages", "300ms@600,300ms@600", "-t", "900ms")
    whole = [g for g in result["groups"] if g["by"] == "all"][0]
    for dimension in ("connection", "address", "stage"):
        parts = [g for g in result["groups"] if g["by"] == dimension]
        for key in ("ok", "failed", "open", "bytes"):
            assert sum(g[key] for g in parts) == whole[key], (dimension, key)
    assert [g["name"] for g in result["groups"] if g["by"] == "stage"] == ["1", "2", "hold"]
    # 0 -> 600 in 0.3 s: the integral is 90, k = 0..90 without the one that is due at the very end; then 180, 180.
    assert [g["ok"] for g in result["groups"] if g["by"] == "stage"] == [90, 180, 180]


def test_parts_of_the_mean_add_up_to_the_mean_response_time(strest, target):
    server = target()
    result = strest.measure("-u", server.url + "/slow-body?bytes=10&time=2ms", "-m", "4", "--rate", "400", "-t", "1s")
    total = sum(part["mean"] for part in result["parts_ns"].values() if part["mean"] is not None)
    mean = result["response_ns"]["all"]["mean"]
    assert abs(total - mean) <= 0.002 * mean + 1000, result["parts_ns"]
