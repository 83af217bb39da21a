"""What people read: the block, and the 16 lines that programs read."""

import re

import pytest

from servers import always, answer

LINES = [
    r"Duration: (\d+)s",
    r"Total Requests: (\d+)",
    r"Successful: (\d+) \((\d+\.\d\d)%\)",
    r"Errors: (\d+)",
    r"Timeouts: (\d+)",
    r"Transport Errors: (\d+)",
    r"Non-Expected Status: (\d+)",
    r"Avg Latency \(all\): (\d+)ms",
    r"Avg Latency \(ok\): (\d+)ms",
    r"Min/Max Latency \(all\): (\d+)ms / (\d+)ms",
    r"Min/Max Latency \(ok\): (\d+)ms / (\d+)ms",
    r"P50/P90/P99 Latency \(all\): (\d+)ms / (\d+)ms / (\d+)ms",
    r"P50/P90/P99 Latency \(ok\): (\d+)ms / (\d+)ms / (\d+)ms",
    r"Avg RPS: (\d+\.\d\d)",
    r"Avg RPM: (\d+\.\d\d)",
    r"Charts: (disabled)",
]


def sixteen(finished):
    """The values of the last 16 lines, each a tuple."""
    assert finished.code == 0, finished
    lines = finished.out.splitlines()[-16:]
    matches = [re.fullmatch(pattern, line) for pattern, line in zip(LINES, lines)]
    assert None not in matches, lines
    return [match.groups() for match in matches]


def numbers(values):
    return [[float(v) for v in value] for value in values[:15]]


def test_the_last_16_lines_of_a_good_run(strest, target):
    finished = strest.run("-u", target().url + "/delay/30ms", "-m", "2", "-r", "2", "--requests", "60", "-t", "20s")
    lines = numbers(sixteen(finished))
    duration, total, (ok, share), errors, timeouts, transport, status = lines[:7]
    assert total == [60] and (ok, share) == (60, 100) and errors == timeouts == transport == status == [0]
    assert lines[7] == lines[8] and lines[9] == lines[10] and lines[11] == lines[12], "all of them were ok"
    assert 30 <= lines[7][0] < 60
    assert lines[9][0] == 30, "cut off, not rounded"
    assert lines[9][0] <= lines[11][0] <= lines[11][1] <= lines[11][2]
    rps, rpm = lines[13][0], lines[14][0]
    assert rpm == pytest.approx(rps * 60, abs=0.001)
    # 60 requests by two tasks at 30 ms each: 0.9 s, and a little of our own.
    assert 30 < rps <= 60 / 0.9
    assert duration[0] in (0, 1)


def test_the_16_lines_count_every_kind_of_failure(strest, scripted):
    def script(server, peer):
        for request in iter(lambda: server.read(peer), None):
            kind = server.counted % 10
            if kind in (1, 2, 3):
                peer.send(answer(status="503 Busy"))
            elif kind == 4:
                peer.send(b"no HTTP\n\n")
                return peer.close()
            elif kind == 5:
                peer.read_request()  # never answers
                return None
            else:
                peer.send(answer())

    lines = numbers(sixteen(strest.run("-u", scripted(script).url, "-m", "1", "--requests", "40", "-t", "30s", "--timeout", "300ms")))
    assert lines[1:7] == [[40], [20, 50], [20], [4], [4], [12]]
    assert 300 <= lines[9][1] < 3000
    assert lines[10][1] < 300


def test_without_any_success_the_lines_are_zeros_where_there_is_nothing(strest, scripted):
    lines = numbers(sixteen(strest.run("-u", scripted(always(answer(status="404 No"))).url, "-m", "1", "--requests", "7", "-t", "20s")))
    assert lines[1:7] == [[7], [0, 0], [7], [0], [0], [7]]
    assert lines[8] == [0] and lines[10] == [0, 0] and lines[12] == [0, 0, 0]


def test_shares_are_cut_off_and_not_rounded(strest, scripted):
    def script(server, peer):
        for request in iter(lambda: server.read(peer), None):
            peer.send(answer(status="404 No") if server.counted == 3 else answer())

    lines = sixteen(strest.run("-u", scripted(script).url, "-m", "1", "--requests", "3", "-t", "20s"))
    assert lines[2] == ("2", "66.66")


def test_the_block_has_the_same_numbers_as_the_json_of_the_same_load(strest, target):
    server = target()
    args = ["-u", server.url + "/status/503", "-m", "4", "--rate", "50", "-t", "1s"]
    result, text = strest.measure(*args), strest.run(*args).out
    assert result["books"]["planned"] == 50 and result["errors"] == {"status": {"unexpected": 50}}
    assert "Books        50 planned = 0 ok + 50 failed + 0 open + 0 unsent" in text
    assert re.search(r"^Wire +50 attempts; 0 retries, 0 lost$", text, re.M)
    assert re.search(r"^ +50 +status: status not in --status$", text, re.M)
    assert re.search(r"^Status +503: 50$", text, re.M)
    assert "open loop at 50" in text


def test_the_block_is_text_of_at_most_100_columns_without_colour(strest, target):
    out = strest.run("-u", target().url + "/" + "x" * 300, "-m", "4", "--stages", "200ms@100,200ms@50", "-s", "404", "-t", "600ms").out
    assert max(map(len, out.splitlines())) <= 100
    assert "\x1b" not in out


def test_a_closed_loop_says_that_it_is_one(strest, target):
    out = strest.run("-u", target().url + "/", "-m", "2", "-r", "2", "--requests", "20", "-t", "20s").out
    assert "closed loop" in out
    assert "under-counted" in out
    assert out.index("Service time") < out.index("Response time")


def test_an_open_loop_begins_with_the_response_time(strest, target):
    out = strest.run("-u", target().url + "/", "-m", "2", "--rate", "50", "-t", "500ms").out
    assert out.index("Response time") < out.index("Service time")


def test_few_requests_have_no_high_percentiles_in_json(strest, target):
    """Fewer than 10 samples beyond a percentile: null; the lines print the nearest rank all the same."""
    result = strest.measure("-u", target().url + "/", "-m", "2", "--rate", "100", "-t", "1s")
    times = result["response_ns"]["all"]
    assert times["count"] == 100
    assert times["p50"] > 0 and times["p90"] > 0
    assert times["p95"] is None and times["p99"] is None and times["p99_99"] is None
    assert times["min"] <= times["p50"] <= times["p90"] <= times["max"]


def test_which_limit_ended_the_run_is_said(strest, target):
    server = target()
    by_requests = strest.run("-u", server.url + "/", "-m", "2", "-r", "2", "--requests", "20", "-t", "20s").out
    assert "ended by its 20 requests" in by_requests
    by_duration = strest.run("-u", server.url + "/delay/50ms", "-m", "1", "--requests", "1000", "-t", "220ms").out
    assert re.search(r"ended by duration after \d+ of 1000 requests", by_duration)


def test_nothing_but_results_is_on_stdout(strest, target):
    finished = strest.run("-u", target().url + "/", "-m", "2", "-r", "2", "--requests", "20", "-t", "20s")
    assert "strest: " not in finished.out
    assert all(line.startswith("strest: ") for line in finished.err.splitlines())


@pytest.mark.option("label")
def test_labels_mark_the_run_in_summary_and_json(strest, target):
    arguments = ("-u", target().url, "-m", "1", "--requests", "3", "-t", "20s", "--label", "env=staging", "--label", "note=a=b Köln")
    text = strest.run(*arguments).out
    assert "\nlabels: env=staging, note=a=b Köln\n" in text
    assert strest.measure(*arguments)["run"]["labels"] == {"env": "staging", "note": "a=b Köln"}
