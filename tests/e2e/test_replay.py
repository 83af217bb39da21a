"""Results again from what a run left of its requests: strest --replay."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest

from conftest import BINARY, says, schema
from terminal import Terminal

SCENARIOS = """
[scenarios.buy]
[[scenarios.buy.steps]]
name = "one"
url = "{url}a"
[[scenarios.buy.steps]]
name = "two"
url = "{url}status/404"
[[scenarios.look.steps]]
name = "page"
url = "{url}x"
"""


def logs(folder):
    return sorted(Path(folder).glob("metrics-*.log"))


def kept(strest, folder, *args):
    """Runs with a log that stays; returns what it printed."""
    finished = strest.run("-m", "4", "-r", "4", *args, "--keep-tmp", "--tmp-path", folder)
    assert finished.code in (0, 3), finished.err
    return finished.out


def replayed(strest, *args, code=0):
    finished = strest.run("--replay", *args)
    assert finished.code == code, finished.err
    return finished


def figures(text):
    """The 16 lines."""
    return text.splitlines()[-16:]


def loads(url, tmp_path):
    urls = tmp_path / "urls.txt"
    urls.write_text(f"{url}a\n{url}b\nPOST {url}c\n")
    config = tmp_path / "s.toml"
    config.write_text(SCENARIOS.format(url=url))
    return {
        "closed": ("-u", url, "--requests", "500", "-t", "20s"),
        "rate": ("-u", url, "--rate", "300", "-t", "2s", "--warmup", "1s", "--label", "env=x", "--threshold", "p99<10s", "--threads", "2"),
        "shards": ("-u", url, "--rate", "300", "-t", "1s", "--log-shards", "3"),
        "stages": ("-u", url, "--stages", "500ms@200,500ms@400", "-t", "1s", "--arrival", "poisson"),
        "http2": ("-u", url, "--rate", "300", "-t", "1s", "--http2"),
        "stages and warm-up": ("-u", url, "--stages", "500ms@200,500ms@400,1s@100", "-t", "2s", "--warmup", "700ms", "--log-shards", "4", "--threads", "2"),
        "shards of two threads": ("-u", url, "--requests", "3000", "-t", "20s", "--log-shards", "4", "--threads", "2"),
        "more than it can": ("-u", f"{url}delay/100ms", "--rate", "200", "-t", "1s"),
        "http2 with status": ("-u", f"{url}status/404", "--rate", "200", "-t", "1s", "--http2", "--warmup", "200ms"),
        "a status that was asked for": ("-u", f"{url}status/404", "--requests", "200", "-t", "20s", "--status", "404"),
        "urls": ("--urls-from-file", str(urls), "--rate", "200", "-t", "1s"),
        "scenarios": ("--config", str(config), "--no-charts", "-t", "1s", "--requests", "600"),
        "scenarios with warm-up": ("--config", str(config), "--no-charts", "--rate", "100", "-t", "2s", "--warmup", "500ms", "--log-shards", "4"),
        "scenarios with a rate": ("--config", str(config), "--no-charts", "--rate", "100", "-t", "1s"),
        "another status": ("-u", f"{url}status/503", "--rate", "200", "-t", "1s"),
        "a connection each": ("-u", url, "--rate", "100", "-t", "1s", "--disable-keepalive"),
        "cut bodies": ("-u", f"{url}cut", "--rate", "50", "-t", "1s"),
        "time-outs": ("-u", f"{url}delay/300ms", "--rate", "50", "-t", "1s", "--timeout", "100ms"),
    }


NAMES = ["closed", "rate", "shards", "stages", "stages and warm-up", "shards of two threads", "more than it can", "http2", "http2 with status", "urls",
         "a status that was asked for", "scenarios", "scenarios with warm-up", "scenarios with a rate", "another status", "a connection each", "time-outs",
         "cut bodies"]


def assert_same(strest, folder, run):
    again = replayed(strest, "--tmp-path", folder)
    assert again.out == run
    assert "Total Requests: 0" not in run and again.err == ""


@pytest.mark.option("replay")
@pytest.mark.parametrize("name", NAMES)
def test_a_log_says_what_its_run_said(strest, target, tmp_path, name):
    folder = tmp_path / "log"
    run = kept(strest, folder, *loads(target().url + "/", tmp_path)[name])
    assert_same(strest, folder, run)


@pytest.mark.parametrize("words", [[], ["--http2"], ["--disable-keepalive"]])
def test_a_log_says_what_its_run_over_tls_said(strest, target, tmp_path, words):
    run = kept(strest, tmp_path, "-u", target("--tls").url.replace("http:", "https:"), "--insecure", "--rate", "100", "-t", "1s", *words)
    assert "TLS" in run
    assert_same(strest, tmp_path, run)


def test_a_log_says_that_nobody_listened(strest, target, tmp_path):
    urls = tmp_path / "urls.txt"
    with socket.socket() as closed:  # bound, but it does not listen
        closed.bind(("127.0.0.1", 0))
        urls.write_text(f"{target().url}\nhttp://127.0.0.1:{closed.getsockname()[1]}/\n")
        run = kept(strest, tmp_path / "log", "--urls-from-file", urls, "--rate", "50", "-t", "1s")
    assert "refused" in run
    assert_same(strest, tmp_path / "log", run)


@pytest.mark.parametrize("load", [["--rate", "200"], ["-m", "4", "-r", "4"]])
def test_a_log_says_what_a_run_said_that_was_stopped(strest, target, tmp_path, load):
    run = strest.start("-u", target().url, *load, "-t", "30s", "--keep-tmp", "--tmp-path", tmp_path)
    time.sleep(1)
    run.signal(signal.SIGINT)
    assert_same(strest, tmp_path, run.wait(20).out)


def test_iterations_are_not_told_of_a_part(strest, target, tmp_path):
    run = kept(strest, tmp_path / "log", *loads(target().url + "/", tmp_path)["scenarios with a rate"])
    assert "Iterations  " in run and "Steps  " in run
    part = replayed(strest, "--tmp-path", tmp_path / "log", "--replay-start", "300ms")
    assert "Iterations  " not in part.out and "Steps  " in part.out and "Iterations are left out" in part.out
    result = json.loads(replayed(strest, "--tmp-path", tmp_path / "log", "--replay-start", "300ms", "--json").out)
    jsonschema.validate(result, schema())


def test_as_json_too(strest, target, tmp_path):
    run = json.loads(kept(strest, tmp_path, "-u", target().url, "--rate", "300", "-t", "1s", "--json", "--kernel-stamps", "all"))
    again = json.loads(replayed(strest, "--tmp-path", tmp_path, "--json").out)
    run.pop("series"), again.pop("series")  # which slot a request on a bound is in is a matter of ticks
    assert again == run


def test_as_json_of_requests_alone(strest, target, tmp_path):
    path = ladder(tmp_path)
    kept(strest, tmp_path, "-u", target().url, "--rate", "200", "-t", "1s")
    for words in ("--export-csv", path), ("--tmp-path", tmp_path, "--replay-start", "500ms"):
        result = json.loads(replayed(strest, *words, "--json").out)
        jsonschema.validate(result, schema())
        assert result["run"]["records_only"] and result["verdict"]["limited_by"] == "unknown"


# ---- which run


@pytest.mark.option("run")
def test_of_several_runs_one_is_chosen(strest, target, tmp_path):
    server = target()
    outs = [kept(strest, tmp_path, "-u", server.url, "--requests", str(n), "-t", "20s") for n in (100, 200, 300)]
    assert replayed(strest, "--tmp-path", tmp_path).out == outs[2]
    listed = replayed(strest, "--tmp-path", tmp_path, "--run", "list").out.splitlines()
    assert len(listed) == 4 and all(line.split()[5] == "complete" and server.url in line for line in listed[1:])
    assert replayed(strest, "--tmp-path", tmp_path, "--run", "3").out == outs[0]
    identity = listed[2].split()[4]
    assert replayed(strest, "--tmp-path", tmp_path, "--run", identity[:8]).out == outs[1]
    assert replayed(strest, "--tmp-path", tmp_path, "--run", listed[3].split()[3]).out == outs[0]
    says(replayed(strest, "--tmp-path", tmp_path, "--run", "4", code=1), 1, "--run", "'4'", "--run list")


def test_a_killed_run_is_told_apart(strest, target, tmp_path):
    run = strest.start("-u", target().url, "--rate", "200", "-t", "30s", "--keep-tmp", "--tmp-path", tmp_path)
    time.sleep(2)
    live = replayed(strest, "--tmp-path", tmp_path)
    assert "its run goes on" in live.err
    run.kill()
    with open(logs(tmp_path)[0], "a") as f:
        f.write("12,3")
    again = replayed(strest, "--tmp-path", tmp_path)
    assert "no last line" in again.err and "ended by force" in again.err and "cut off" in again.err
    assert "open loop at 200.0/s" in again.out and "alone" in again.out and "Connections" not in again.out
    total = int(figures(again.out)[1].split()[-1])
    assert 100 <= total <= 600
    assert "cut off" in replayed(strest, "--tmp-path", tmp_path, "--run", "list").out


# ---- logs of older versions


def older(text, members, columns):
    """A log whose first line lacks these members, whose lines have only so many columns, with no last line."""
    first, *lines = text.splitlines()
    head = {key: value for key, value in json.loads(first.removeprefix("# strest ")).items() if key not in members}
    records = [",".join(line.split(",")[:columns]) for line in lines if not line.startswith("#")]
    return "\n".join([f"# strest {json.dumps(head)}", *records, ""])


@pytest.mark.parametrize("columns", [3, 5, 7, 24])
@pytest.mark.parametrize("members", [(), ("format", "columns", "http_words", "streams", "proxy", "thresholds", "labels", "spin", "kernel_stamps", "truth"),
                                     ("addresses", "stages", "steps", "scenarios", "model", "keepalive", "method", "expected_status", "warmup_ns")])
def test_logs_of_older_versions(strest, target, tmp_path, members, columns):
    run = figures(kept(strest, tmp_path / "now", "-u", target().url, "--rate", "100", "-t", "1s"))
    text = logs(tmp_path / "now")[0].read_text()
    path = write(tmp_path / "metrics-1-2-0.log", older(text, members, columns))
    again = replayed(strest, "--tmp-path", path)
    assert "no last line" in again.err and "older version" in again.err and "not known" in again.err and "could not be read" not in again.err
    assert figures(again.out)[1:7] == run[1:7] and figures(again.out)[9] == run[9]  # counts, and times in ms
    end = next(line for line in text.splitlines() if line.startswith("# end "))
    few = {key: value for key, value in json.loads(end.removeprefix("# end ")).items() if key in ("planned", "ok", "failed", "open", "unsent")}
    with open(path, "a") as f:
        f.write(f"# end {json.dumps(few)}\n")
    assert "older version" in replayed(strest, "--tmp-path", path).err


# ---- files of the reference tool, exports


def write(path, text):
    path.write_text(text)
    return path


def test_files_of_the_reference_tool(strest, tmp_path):
    # by hand: 4 records, 2 of them 200; times 12, 15, 31, 2000
    lines = "0,12,200,0,0\n4,15,200,0,0\n9,31,503,0,0\n20,2000,500,1,0\n"
    want = ["Duration: 0s", "Total Requests: 4", "Successful: 2 (50.00%)", "Errors: 2", "Timeouts: 1", "Transport Errors: 0",
            "Non-Expected Status: 1", "Avg Latency (all): 514ms", "Avg Latency (ok): 13ms", "Min/Max Latency (all): 12ms / 2000ms",
            "Min/Max Latency (ok): 12ms / 15ms"]
    write(tmp_path / "metrics-77-1767225600123-0.log", lines)
    assert figures(replayed(strest, "--tmp-path", tmp_path).out)[:11] == want
    head = "elapsed_ms,latency_ms,status_code,timed_out,transport_error\n"
    assert figures(replayed(strest, "--export-csv", write(tmp_path / "a.csv", head + lines)).out)[:11] == want
    records = [dict(zip(("elapsed_ms", "latency_ms", "status_code"), map(int, line.split(",")[:3])), timed_out=line.split(",")[3] == "1",
                    transport_error=False) for line in lines.split()]
    document = json.dumps({"summary": {"records": [1, "}"]}, "records": records}, indent=2)
    assert figures(replayed(strest, "--export-json", write(tmp_path / "a.json", document)).out)[:11] == want
    jsonl = '{"type":"summary"}\n' + "".join(json.dumps(r) + "\n" for r in records)
    assert figures(replayed(strest, "--export-jsonl", write(tmp_path / "a.jsonl", jsonl)).out)[:11] == want
    other = figures(replayed(strest, "--tmp-path", tmp_path, "--status", "503").out)
    assert other[2] == "Successful: 1 (25.00%)" and other[6] == "Non-Expected Status: 2"
    three = replayed(strest, "--export-csv", write(tmp_path / "b.csv", "0,12,200\n4,15,200,\n7,1,200,0,0,512,3\n"))
    assert "Total Requests: 3" in three.out and three.err == ""


def test_exports_have_the_same_counts_and_percentiles(strest, target, tmp_path):
    files = {kind: tmp_path / f"a.{kind}" for kind in ("csv", "json", "jsonl")}
    run = kept(strest, tmp_path / "log", "-u", target().url, "--rate", "300", "-t", "1s",
               *(x for kind, path in files.items() for x in (f"--export-{kind}", path)))
    for kind, path in files.items():
        again = figures(replayed(strest, f"--export-{kind}", path).out)
        assert again[1:13] == figures(run)[1:13], kind


# ---- parts of the time


def ladder(tmp_path, count=40):
    """A record every 500 ms from 0."""
    return write(tmp_path / "ladder.csv", "".join(f"{i * 500},{i + 1},200,0,0\n" for i in range(count)))


@pytest.mark.option("replay-start", "replay-end")
def test_only_a_part(strest, tmp_path):
    path = ladder(tmp_path)
    part = figures(replayed(strest, "--export-csv", path, "--replay-start", "2s", "--replay-end", "4").out)
    assert part[0] == "Duration: 2s" and part[1] == "Total Requests: 5" and part[9] == "Min/Max Latency (all): 5ms / 9ms"
    whole = replayed(strest, "--export-csv", path).out
    assert replayed(strest, "--export-csv", path, "--replay-start", "MIN", "--replay-end", "max").out == whole
    assert figures(replayed(strest, "--export-csv", path, "--replay-start", "100s").out)[1] == "Total Requests: 1"
    says(replayed(strest, "--export-csv", path, "--replay-start", "4s", "--replay-end", "2s", code=1), 1, "--replay-start 4s", "--replay-end 2s")
    assert replayed(strest, "--export-csv", path, "--replay-step", "5s").out == whole  # for the view only
    says(replayed(strest, "--export-csv", path, "--replay-step", "0", code=2), 2, "--replay-step")
    says(replayed(strest, "--export-csv", path, "--replay-start", "x", code=2), 2, "'x'", "min")


def test_a_window_of_all_is_the_run(strest, target, tmp_path):
    run = kept(strest, tmp_path, "-u", target().url, "--rate", "200", "-t", "1s")
    assert replayed(strest, "--tmp-path", tmp_path, "--replay-start", "min", "--replay-end", "1h").out == run


# ---- snapshots


@pytest.mark.option("replay-snapshot-interval", "replay-snapshot-out", "replay-snapshot-format", "replay-snapshot-start", "replay-snapshot-end")
def test_snapshots(strest, tmp_path):
    path, out = ladder(tmp_path), tmp_path / "new" / "snapshots"
    done = replayed(strest, "--export-csv", path, "--replay-snapshot-interval", "5s", "--replay-snapshot-out", out, "--replay-snapshot-format", "jsonl")
    files = sorted(out.iterdir(), key=lambda p: int(p.name.split("-")[1][:-2]))
    bounds = [tuple(p.name.split("-")[1:3]) for p in files]
    assert bounds == [("0ms", "5000ms"), ("5000ms", "10000ms"), ("10000ms", "15000ms"), ("15000ms", "19500ms")]
    assert all(p.suffix == ".jsonl" and str(p) in done.err for p in files)
    seen = []
    for p in files:
        first, *records, end = [json.loads(line) for line in p.read_text().splitlines()]
        assert first["type"] == "summary" and first["total_requests"] == len(records) == end["records"]
        seen += [r["elapsed_ms"] for r in records]
    assert seen == [i * 500 for i in range(40)]  # each once
    assert figures(done.out)[1] == "Total Requests: 40"


def test_a_single_snapshot_has_the_name_that_was_given(strest, tmp_path):
    path, one = ladder(tmp_path), tmp_path / "one.csv"
    replayed(strest, "--export-csv", path, "--replay-snapshot-out", one, "--replay-snapshot-format", "CSV", "--replay-snapshot-start", "1s",
             "--replay-snapshot-end", "2s")
    with open(one, newline="") as f:
        assert [int(r["elapsed_ms"]) for r in csv.DictReader(f)] == [1000, 1500, 2000]
    replayed(strest, "--export-csv", path, "--replay-snapshot-out", one, "--replay-snapshot-format", "csv", "--replay-snapshot-interval", "10s")
    assert len(list(tmp_path.glob("one-*ms-*ms-*.csv"))) == 2
    json_input = tmp_path / "one.json"
    replayed(strest, "--export-csv", path, "--replay-snapshot-out", json_input)
    assert json.loads(json_input.read_text())["summary"]["total_requests"] == 40
    twice = tmp_path / "twice.json"
    replayed(strest, "--export-json", json_input, "--replay-snapshot-out", twice)
    first, second = json.loads(json_input.read_text()), json.loads(twice.read_text())
    assert second["records"] == first["records"]
    counts = [key for key in first["summary"] if key.endswith(("_ms", "_requests", "_errors"))]
    assert len(counts) > 10 and all(second["summary"][key] == first["summary"][key] for key in counts)


# ---- charts


@pytest.mark.option("replay", "charts-path")
def test_charts(strest, target, tmp_path):
    kept(strest, tmp_path / "log", "-u", target().url, "--rate", "200", "-t", "2s")
    done = replayed(strest, "--tmp-path", tmp_path / "log", "--charts-path", tmp_path / "charts")
    assert "charts: " in done.err
    assert all(p.read_bytes()[:4] == b"\x89PNG" for p in (tmp_path / "charts").iterdir()) and len(list((tmp_path / "charts").iterdir())) > 5


# ---- bad inputs


def test_bad_inputs(strest, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    says(replayed(strest, "--tmp-path", tmp_path / "none", code=1), 1, "--tmp-path", "none")
    says(replayed(strest, "--tmp-path", empty, code=1), 1, "--tmp-path", "empty", "--keep-tmp")
    write(empty / "metrics-1-2-0.log", "")
    says(replayed(strest, "--tmp-path", empty, code=1), 1, "no record")
    says(replayed(strest, "--export-csv", write(tmp_path / "x.csv", "a,b\nc\n"), code=1), 1, "no record", "2 lines")
    says(replayed(strest, "--export-json", write(tmp_path / "x.json", "[1,2"), code=1), 1, "no record")
    says(replayed(strest, "--export-csv", tmp_path, code=1), 1, "folder")
    says(replayed(strest, "--export-csv", "a", "--export-json", "b", code=1), 1, "one of")
    says(replayed(strest, "--rate", "5", code=1), 1, "--rate", "replay")
    says(strest.run("--replay-start", "5", "-u", "http://localhost:1/"), 1, "--replay-start", "--replay")


def test_bad_lines_are_counted_and_told(strest, tmp_path):
    done = replayed(strest, "--export-csv", write(tmp_path / "a.csv", "0,1,200,0,0\nrubbish\n5,1,200,0,0\n-1,2,200\n7,1,2"))
    assert "2 lines" in done.err and "number 2" in done.err and "Total Requests: 3" in done.out
    done = replayed(strest, "--export-jsonl", write(tmp_path / "a.jsonl", '{"elapsed_ms":1,"latency_ms":1,"status_code":200}\n{"elapsed_ms":2,"lat'))
    assert "cut off" in done.err and "Total Requests: 1" in done.out
    cut = '{"records": [{"elapsed_ms":1,"latency_ms":1,"status_code":200}, {"elapsed_ms":'
    done = replayed(strest, "--export-json", write(tmp_path / "a.json", cut))
    assert "cut off" in done.err and "Total Requests: 1" in done.out


def test_the_config_file_is_not_read(strest, tmp_path):
    write(tmp_path / "strest.toml", "this is none")
    path = ladder(tmp_path)
    done = subprocess.run([BINARY, "--replay", "--export-csv", path], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


# ---- large ones


def held_up(command, terminal):
    """A program that stands still for a second soon after its start, so that what it does takes long on any machine."""
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal)
    time.sleep(0.2)
    run.send_signal(signal.SIGSTOP)
    time.sleep(1)
    run.send_signal(signal.SIGCONT)
    out = run.communicate(timeout=60)[0]
    assert run.returncode == 0
    return out


def test_progress_on_a_terminal(tmp_path):
    path = tmp_path / "large.csv"
    with open(path, "w") as f:
        f.write("".join(f"{j // 100},{j % 100},200,0,0\n" for j in range(6000000)))
    for on_terminal in True, False:
        terminal = Terminal()
        out = held_up([BINARY, "--replay", "--export-csv", path, "--no-tui"], terminal.slave if on_terminal else subprocess.DEVNULL)
        assert b"Total Requests: 6000000" in out
        assert ("reading the file" in terminal.take(0.2)) == on_terminal
        assert not any("reading" in row for row in terminal.rows())  # it is gone


def test_progress_names_files_and_their_part(tmp_path):
    for i in range(3):
        with open(tmp_path / f"metrics-1-2-{i}.log", "w") as f:
            f.write("".join(f"{j // 100},{j % 100},200,0,0\n" for j in range(2000000)))
    terminal = Terminal()
    command = [BINARY, "--replay", "--tmp-path", tmp_path, "--no-tui", "--replay-start", "1ms"]
    held_up(command, terminal.slave)
    seen = [(int(file), int(part)) for file, part in re.findall(r"reading (\d) of 3 files, (\d+) %", terminal.take(0.2))]
    assert seen and all(1 <= file <= 3 for file, _ in seen)
    assert seen[-1][1] <= 100 and [part for _, part in seen] == sorted(part for _, part in seen)


def test_ctrl_c_while_reading(tmp_path):
    path = tmp_path / "huge.csv"
    with open(path, "w") as f:
        f.write("1,1,200,0,0\n")
        f.truncate(64 << 30)  # takes no room, and minutes to read
    run = subprocess.Popen([BINARY, "--replay", "--export-csv", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        assert run.wait(5) in (130, -signal.SIGINT)
    finally:
        run.kill()


def test_memory_does_not_grow_with_the_log(strest, tmp_path):
    big = tmp_path / "big.csv"
    with open(big, "w") as f:
        for i in range(1000):
            f.write("".join(f"{i * 1000 + j},{j % 50},200,0,0\n" for j in range(1000)))
    done = replayed(strest, "--export-csv", big)
    assert "Total Requests: 1000000" in done.out
    assert done.peak_kb < 120 * 1024
