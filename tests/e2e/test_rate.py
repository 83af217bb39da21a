"""What a rate asks for, and how long a run under a rate lasts."""

import pytest

from conftest import check_result


def test_the_rate_asked_for_is_the_schedules_whatever_ends_the_run(strest, target):
    finished = strest.run("--json", "-u", target().url + "/delay/50ms", "--rate", "100", "--requests", "20", "-t", "10s")
    result = check_result(finished)
    assert result["rate"]["asked_per_s"] == pytest.approx(100)
    assert result["run"]["ended_by"] == "requests"


def test_the_rate_asked_for_in_stages_is_their_mean(strest, target):
    # 0 to 200/s in 1 s, then 1 s of 200/s: 100 + 200 requests in 2 s
    result = check_result(strest.run("--json", "-u", target().url + "/", "--stages", "1s@200,1s@200", "-t", "2s"))
    assert result["rate"]["asked_per_s"] == pytest.approx(150)
    assert result["books"]["planned"] == 300


def test_a_run_lasts_its_duration_though_nothing_more_is_due(strest, target):
    finished = strest.run("--json", "-u", target().url + "/", "--rate", "0.5", "-t", "2s")
    result = check_result(finished)
    assert result["books"]["planned"] == result["books"]["ok"] == 1
    assert finished.seconds >= 2
    assert result["run"]["window_ns"] == 2_000_000_000


def test_a_rate_that_plans_nothing_is_refused(strest, target):
    finished = strest.run("-u", target().url + "/", "--rate", "0.1", "--warmup", "100ms", "-t", "2s")
    assert finished.code == 1
    assert "--rate: no request is due" in finished.err
    assert finished.out == ""


def test_requests_that_could_not_be_sent_did_not_end_the_run(strest, target):
    args = ["--rate", "100", "--requests", "50", "-m", "1", "-t", "1s", "--timeout", "600ms"]
    result = check_result(strest.run("--json", "-u", target().url + "/delay/400ms", *args))
    assert result["books"]["planned"] == 50
    assert result["books"]["unsent"] > 0
    assert result["run"]["ended_by"] == "duration"


def test_preconnect_counts_all_threads_together(strest, target):
    args = ["--rate", "4", "-t", "1s", "--preconnect", "10", "--threads", "4"]
    result = check_result(strest.run("--json", "-u", target().url + "/", *args))
    assert result["connections"]["opened"] == 10


def test_preconnect_and_a_spawn_ramp_exclude_each_other(strest, target):
    finished = strest.run("-u", target().url + "/", "--rate", "4", "--preconnect", "10", "--spawn-rate", "1")
    assert finished.code == 1
    assert "--preconnect" in finished.err and "--spawn-rate" in finished.err


def test_the_course_of_the_run_adds_up_to_the_books(strest, target):
    result = check_result(strest.run("--json", "-u", target().url + "/", "--rate", "300", "-t", "3s", "--warmup", "1s"))
    slots = result["series"]["slots"]
    assert result["series"]["width_ns"] == 1_000_000_000
    assert sum(slot["ok"] for slot in slots) == result["books"]["ok"] == 600
    assert sum(slot["sent"] for slot in slots) == 600
    assert slots[0]["ok"] == 0  # the warm-up
