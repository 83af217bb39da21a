"""Thresholds: what a run must keep, the table, exit status 99, stopping early, the JUnit report."""

import re
import resource
import time
import xml.etree.ElementTree as xml

import pytest

from conftest import check_result, without_rights
from servers import always, answer, free_port, wait_for

MISSED, UNREACHABLE, INVALID = 99, 3, 4


def rules(*texts):
    """The words for several thresholds."""
    return [word for text in texts for word in ("--threshold", text)]


def judged(result):
    """The thresholds of a result by their rule."""
    return {row["rule"]: row for row in result["thresholds"]}


def table(finished):
    """The rows of the block's table: rule -> (value, pass or FAIL, the rest)."""
    assert "\nThresholds " in finished.out, finished
    lines = finished.out.split("\nThresholds ", 1)[1].split("\n\n", 1)[0].split("\n")[1:]
    rows = {}
    for line in lines:
        rule, rest = line.split(maxsplit=1)
        match = re.fullmatch(r"(.*?)  (pass|FAIL)(?:  (.*))?", rest)
        assert match, line
        rows[rule] = (match[1], match[2], match[3])
    return rows


def every(n, good, bad):
    """A script that gives every n-th request of all connections the response `bad`."""
    count = [0]

    def script(server, peer):
        while server.read(peer):
            with server.lock:
                count[0] += 1
                number = count[0]
            if not peer.send(bad if number % n == 0 else good):
                return

    return script


def test_thresholds_that_hold_are_shown_and_the_run_is_good(strest, target):
    load = ["-u", target().url + "/delay/2ms", "--rate", "200", "-t", "1s"]
    kept = rules("p50<1s", "p90>=2ms", "max<20s", "errors<1%", "errors<=0", "rps>150")
    finished = strest.run(*load, *kept)
    assert finished.code == 0, finished
    rows = table(finished)
    assert list(rows) == kept[1::2]
    assert {row[1] for row in rows.values()} == {"pass"}
    assert rows["errors<1%"][0] == "0 %" and rows["errors<=0"][0] == "0"
    assert finished.out.rstrip().split("\n")[-16].startswith("Duration: "), "the 16 lines stand at the end as ever"


@pytest.mark.option("threshold")
def test_a_missed_threshold_ends_with_99_and_its_value(strest, target):
    load = ["-u", target().url + "/delay/20ms", "--rate", "100", "-t", "1s"]
    finished = strest.run(*load, *rules("p50<5ms", "errors<1%"))
    assert finished.code == MISSED, finished
    rows = table(finished)
    assert rows["p50<5ms"][1] == "FAIL" and rows["errors<1%"][1] == "pass"
    assert re.fullmatch(r"[2-9]\d\.\d ms", rows["p50<5ms"][0]), rows
    assert re.search(r"threshold", finished.err), "it stands on stderr as well"
    row = judged(strest.measure(*load, *rules("p50<5ms"), code=MISSED))["p50<5ms"]
    assert row["limit"] == 5_000_000 and row["value"] >= 20_000_000
    assert (row["unit"], row["metric"], row["stage"], row["passed"], row["few_samples"]) == ("ns", "p50", None, False, False)


def test_without_thresholds_nothing_is_said_of_them(strest, target):
    finished = strest.run("-u", target().url + "/", "--rate", "100", "-t", "300ms")
    assert finished.code == 0 and "Thresholds" not in finished.out


def test_errors_are_a_share_or_a_count(strest, target):
    load = ["-u", target().url + "/status/500", "--rate", "100", "-t", "1s"]
    result = strest.measure(*load, *rules("errors<1%", "errors<=100%", "errors<100", "errors<=100", "errors<101"), code=MISSED)
    rows = judged(result)
    assert result["books"]["failed"] == 100
    assert [row["passed"] for row in rows.values()] == [False, True, False, True, True]
    assert (rows["errors<1%"]["value"], rows["errors<1%"]["limit"], rows["errors<1%"]["unit"]) == (1, 0.01, "share")
    assert (rows["errors<100"]["value"], rows["errors<100"]["unit"]) == (100, "count")


def test_what_is_not_ok_was_never_answered(strest, scripted):
    server = scripted(every(20, answer(), answer(status="503 Service Unavailable")))
    result = strest.measure("-u", server.url, "--rate", "500", "-t", "1s", *rules("p90<5s", "p99<100h", "max<100h", "errors<=5%"), code=MISSED)
    rows = judged(result)
    assert result["books"]["failed"] == 25
    assert rows["p90<5s"]["passed"] and rows["errors<=5%"]["passed"]
    assert rows["p99<100h"]["value"] == rows["max<100h"]["value"] == "never"
    assert not rows["p99<100h"]["passed"] and not rows["max<100h"]["passed"]
    assert result["response_ns"]["ok"]["max"] < 5e9, "the ok ones alone would have passed"


def test_an_expected_status_is_no_error(strest, target):
    result = strest.measure("-u", target().url + "/status/500", "--status", "500", "--rate", "100", "-t", "500ms", *rules("errors<1", "p90<5s"))
    assert all(row["passed"] for row in judged(result).values())


def test_few_samples_are_said_and_the_nearest_rank_is_compared(strest, target):
    load = ["-u", target().url + "/delay/2ms", "--rate", "100", "-t", "500ms", "--seed", "1"]
    finished = strest.run(*load, *rules("p99<5s", "p50<5s"))
    assert finished.code == 0, finished
    rows = table(finished)
    assert rows["p99<5s"][1:] == ("pass", "few samples") and rows["p50<5s"][1:] == ("pass", None)
    finished = strest.run(*load, *rules("p99<1ms"))
    assert finished.code == MISSED and table(finished)["p99<1ms"][1:] == ("FAIL", "few samples")


def test_any_percentile_may_be_asked_for(strest, target):
    load = ["-u", target().url + "/delay/2ms", "--rate", "200", "-t", "500ms"]
    rows = judged(strest.measure(*load, *rules("p12.5<5s", "p99.95<5s", "p99_9<5s", "p1>1ms")))
    assert [row["metric"] for row in rows.values()] == ["p12.5", "p99.95", "p99.9", "p1"]
    assert rows["p99.95<5s"]["value"] >= rows["p12.5<5s"]["value"] >= 2_000_000


def test_a_stage_is_judged_on_its_own(strest, target):
    load = ["-u", target().url + "/delay/5ms", "--rate", "200", "--stages", "1s@200,1s@400", "-t", "2s"]
    texts = ["stage.1.rps>150", "stage.1.rps<=230", "stage.2.rps>250", "stage.2.p50<5s", "stage.2.errors<1", "stage.2.p90<1ms", "stage.1.p50<5ms"]
    result = strest.measure(*load, *rules(*texts), code=MISSED)
    rows = judged(result)
    assert [rows[text]["passed"] for text in texts] == [True, True, True, True, True, False, False]
    assert rows["stage.1.rps>150"]["value"] == pytest.approx(200, rel=0.03)  # due in it, wherever they finish
    assert rows["stage.2.rps>250"]["value"] == pytest.approx(300, rel=0.03)  # from 200 to 400
    assert [rows[text]["stage"] for text in texts] == [1, 1, 2, 2, 2, 2, 1]


def test_a_stage_is_as_kind_as_the_whole_run(strest, target):
    """The times of a stage are known to 1 %: a limit that the whole run keeps, to 0.1 %, is not missed by its only stage for that."""
    load = ["-u", target().url + "/delay/100ms", "--rate", "200", "--stages", "1s@200", "-t", "1s"]
    limits = ["100.1ms", "100.2ms", "100.3ms", "100.5ms", "101ms", "102ms"]
    rows = judged(strest.run("--json", *load, *rules(*(stage + "p50<" + limit for stage in ("", "stage.1.") for limit in limits))).json)
    for limit in limits:
        assert rows["stage.1.p50<" + limit]["passed"] or not rows["p50<" + limit]["passed"], (limit, rows)


def test_the_rate_of_a_stage_is_of_complete_responses(strest, target):
    load = ["--rate", "200", "--stages", "1s@200", "-t", "1s"]
    for path, code in (("/reset", UNREACHABLE), ("/cut", MISSED)):
        result = strest.measure("-u", target().url + path, *load, *rules("stage.1.rps>0", "rps>0"), code=code)
        assert result["books"]["failed"] == 200
        assert [row["value"] for row in judged(result).values()] == [0, 0]
    result = strest.measure("-u", target().url + "/status/500", *load, *rules("stage.1.rps>=200"))
    assert judged(result)["stage.1.rps>=200"]["value"] == 200


@pytest.mark.slow
def test_a_stage_counts_what_was_never_sent(strest, target):
    """In the second stage the target stands still to the end: what could not be sent there is missed there and not in the first."""
    server = target("--stall", "1900ms/2s")  # from 2.0 to 3.9 s of its life
    time.sleep(max(0.0, server.record.started / 1e9 + 1.0 - time.clock_gettime(time.CLOCK_MONOTONIC)))
    load = ["-u", server.url + "/", "--rate", "100", "--stages", "500ms@100,2s@100", "-t", "2500ms", "-m", "4", "--timeout", "150ms"]
    result = strest.measure(*load, *rules("stage.2.errors<1", "stage.1.errors<1"), code=MISSED)
    rows = judged(result)
    groups = {group["name"]: group for group in result["groups"] if group["by"] == "stage"}
    assert result["books"]["unsent"] > 50
    assert rows["stage.1.errors<1"]["passed"]
    assert groups["2"]["slo_ns"]["count"] == pytest.approx(200, abs=2)
    assert rows["stage.2.errors<1"]["value"] == groups["2"]["slo_ns"]["never"] == result["books"]["planned"] - result["books"]["ok"]


def test_a_rate_that_is_not_reached_is_missed(strest, target):
    load = ["-u", target().url + "/", "--rate", "200", "-t", "1s"]
    rows = judged(strest.measure(*load, *rules("rps>=150", "rps>1e6"), code=MISSED))
    assert rows["rps>=150"]["passed"] and not rows["rps>1e6"]["passed"]
    assert rows["rps>1e6"]["value"] == pytest.approx(200, rel=0.05)


@pytest.mark.option("threshold-abort")
def test_abort_ends_the_run_early_and_says_so(strest, target):
    load = ["-u", target().url + "/status/503", "--rate", "400", "-t", "30s", "--threshold-abort"]
    finished = strest.run(*load, *rules("p50<100h", "errors<1%"))
    assert finished.code == MISSED, finished
    assert 1 <= finished.seconds < 15, "after a second, long before its time"
    assert re.search(r"^ended early: (p50<100h|errors<1%) was missed$", finished.out, re.M), finished
    finished = strest.run("--json", *load, *rules("errors<1%"))
    assert finished.code == MISSED, finished
    result = check_result(finished)
    assert result["run"]["ended_by"] == "threshold" and result["run"]["ended_by_threshold"] == "errors<1%"
    assert result["run"]["window_ns"] < 15e9
    assert result["books"]["planned"] >= 100


def test_abort_leaves_a_good_run_alone(strest, target):
    result = strest.measure("-u", target().url + "/", "--rate", "400", "-t", "2s", "--threshold-abort", *rules("p50<5s", "errors<1%", "rps>300"))
    assert result["run"]["ended_by"] == "duration" and result["run"]["ended_by_threshold"] is None


@pytest.mark.parametrize("limit", ["100.2ms", "100.3ms"])
def test_abort_and_the_table_never_contradict_each_other(strest, target, limit):
    """A time just below the limit is told apart to 0.1 % at the end; early, to 1 %, it must not count as missed."""
    rule = "p50<" + limit
    finished = strest.run("--json", "-u", target().url + "/delay/100ms", "--rate", "200", "-t", "2500ms", "--threshold-abort", *rules(rule))
    row = judged(check_result(finished))[rule]
    assert row["passed"] == (row["value"] < row["limit"]), finished


def test_abort_waits_for_enough_samples_of_a_high_percentile(strest, scripted):
    """One slow request is the p99.9 of up to 1,000: that says nothing of the whole run."""
    count = [0]

    def script(server, peer):
        while server.read(peer):
            with server.lock:
                count[0] += 1
                slow = count[0] == 5
            if slow:
                time.sleep(0.4)
            if not peer.send(answer()):
                return

    result = strest.measure("-u", scripted(script).url, "--rate", "200", "-t", "2s", "--threshold-abort", *rules("p99.9<300ms"), code=MISSED)
    assert result["run"]["ended_by"] == "duration"
    row = judged(result)["p99.9<300ms"]
    assert row["few_samples"] and row["value"] >= 400e6


def test_abort_takes_a_missed_max_at_its_word(strest, target):
    """The longest time cannot become shorter, so nothing is waited for."""
    load = ["-u", target().url + "/delay/20ms", "--rate", "50", "-t", "30s", "--threshold-abort"]
    result = strest.measure(*load, *rules("max<10ms"), code=MISSED)
    assert result["run"]["ended_by_threshold"] == "max<10ms"
    assert result["run"]["window_ns"] < 1e9
    assert result["books"]["planned"] < 100


def test_without_abort_a_missed_threshold_waits_for_the_end(strest, target):
    result = strest.measure("-u", target().url + "/status/503", "--rate", "400", "-t", "2500ms", *rules("errors<1%"), code=MISSED)
    assert result["run"]["ended_by"] == "duration" and result["books"]["planned"] == 1000


@pytest.mark.option("junit")
def test_the_junit_report_has_a_case_for_each_threshold(strest, target, tmp_path):
    path = tmp_path / "report.xml"
    finished = strest.run("-u", target().url + "/", "--rate", "100", "-t", "500ms", "--junit", path, *rules("p50<5s", "p90<1us"))
    assert finished.code == MISSED, finished
    (suite,) = xml.parse(path).getroot().iter("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failures = {case.get("name"): [failure.get("message") for failure in case] for case in suite}
    assert list(failures) == ["p50<5s", "p90<1us"]
    assert failures["p50<5s"] == []
    assert re.fullmatch(r"was .* [um]s \(few samples\)", failures["p90<1us"][0])


def test_a_junit_report_of_nothing_is_an_error(strest, tmp_path):
    path = tmp_path / "report.xml"
    load = ["-u", f"http://127.0.0.1:{free_port()}/", "-m", "2", "-r", "2", "-t", "400ms"]
    finished = strest.run(*load, "--junit", path, *rules("errors<=100%"))
    assert finished.code == UNREACHABLE, finished
    (suite,) = xml.parse(path).getroot().iter("testsuite")
    assert (suite.get("tests"), suite.get("errors")) == ("2", "1")
    case = suite[-1]
    assert case.get("name") == "measured" and case[0].tag == "error" and "nothing was measured" in case[0].get("message")


def test_a_junit_report_that_cannot_be_written_takes_no_result_with_it(strest, target, tmp_path):
    folder = tmp_path / "soon gone"
    folder.mkdir()
    path = folder / "report.xml"
    run = strest.start("-u", target().url + "/", "--rate", "100", "-t", "1500ms", "--junit", path, *rules("p50<5s"))
    wait_for(path.exists, what="the report that says that the run has not ended")
    path.unlink()
    folder.rmdir()
    finished = run.wait()
    assert finished.code == 1, finished
    assert str(path) in finished.err and "No such file" in finished.err
    assert table(finished)["p50<5s"][1] == "pass"


@pytest.mark.parametrize("rule, words", [
    ("p99", "p99<250ms"),
    ("p99<250", "p99<250ms"),
    ("p100<1s", "max"),
    ("mean<1s", "errors or rps"),
    ("errors<0.5", "errors<1%"),
    ("rps>many", "rps>900"),
    ("stage.0.p99<1s", "stage.2.p95<300ms"),
])
def test_a_rule_that_is_none_is_refused_with_an_example(strest, rule, words):
    finished = strest.run("-u", f"http://127.0.0.1:{free_port()}/", *rules(rule))
    assert finished.code in (1, 2), finished
    first = finished.err.split("\n")[0]
    assert "--threshold" in first and f"'{rule}'" in first and words in first, finished
    assert finished.out == ""


def test_an_unreachable_target_is_3_whatever_the_thresholds(strest):
    finished = strest.run("-u", f"http://127.0.0.1:{free_port()}/", "-m", "2", "-r", "2", "-t", "400ms", *rules("errors<1%", "p99<1s"))
    assert finished.code == UNREACHABLE, finished


def test_an_invalid_result_wins_over_a_missed_threshold(strest, target):
    load = ["-u", target().url + "/delay/300ms", "-m", "200", "-r", "200", "-t", "900ms", *rules("p50<1us")]
    few = {"prefix": without_rights("sys_resource"), "prepare": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))}
    assert strest.run(*load, **few).code == MISSED
    finished = strest.run(*load, "--strict", **few)
    assert finished.code == INVALID, finished
    assert "descriptors" in finished.err


def test_strict_reports_the_verdict_as_a_case(strest, target, tmp_path):
    path = tmp_path / "report.xml"
    few = {"prefix": without_rights("sys_resource"), "prepare": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))}
    strest.run("-u", target().url + "/delay/300ms", "-m", "200", "-r", "200", "-t", "900ms", "--strict", "--junit", path, **few)
    (case,) = xml.parse(path).getroot().iter("testcase")
    assert case.get("name") == "verdict" and "descriptors" in case[0].get("message")


def test_the_closed_loop_has_thresholds_too(strest, scripted):
    server = scripted(always(answer()))
    result = strest.measure("-u", server.url, "-m", "4", "-r", "4", "--requests", "200", "-t", "20s", *rules("p90<5s", "errors<1", "rps>1"))
    assert all(row["passed"] for row in judged(result).values())


@pytest.mark.parametrize("path", ["nowhere/j.xml", ".", ""])
def test_a_junit_file_that_cannot_be_written_is_told_before_the_load(strest, target, tmp_path, path):
    server = target()
    finished = strest.run("-u", server.url + "/", "-t", "5s", "--threshold", "errors<1%", "--junit", f"{tmp_path}/{path}" if path else "")
    assert finished.code == 1
    assert "--junit" in finished.err
    assert server.counted() == 0


def test_an_old_junit_file_is_not_taken_for_this_run(strest, tmp_path):
    junit = tmp_path / "j.xml"
    junit.write_text("<testsuites><testsuite name='old' tests='1' failures='0'/></testsuites>")
    finished = strest.run("-u", "http://no-such-host.invalid/", "-t", "1s", "--threshold", "errors<1%", "--junit", junit)
    assert finished.code in (1, 3)
    suite = xml.parse(junit).getroot().find("testsuite")
    assert suite.get("errors") == "1"
    assert "did not come to its end" in suite.find("testcase/error").get("message")


def test_requests_that_were_never_sent_are_noted(strest, target):
    result = strest.measure("-u", target().url + "/delay/100ms", "-t", "1s", "--rate", "500", "-m", "2", "--timeout", "500ms")
    assert result["books"]["unsent"] > 100
    assert any("never sent" in note and "--max-tasks 2" in note for note in result["verdict"]["notes"]), result["verdict"]
