"""What a run leaves behind of each request: the log, exports, the database, the histogram log."""

import csv
import json
import math
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest

from conftest import ROOT
from servers import answer

JAR = Path("/usr/share/java/hdrhistogram.jar")
FIVE = ["elapsed_ms", "latency_ms", "status_code", "timed_out", "transport_error"]


def load(target, n=300, *more):
    return ("-u", target.url, "-m", "8", "-r", "8", "--requests", str(n), "-t", "20s", *more)


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return [{k: int(v) if v.isdigit() else v for k, v in row.items()} for row in csv.DictReader(f)]


def logs(folder):
    return sorted(Path(folder).glob("metrics-*.log"))


def log_lines(path):
    lines = Path(path).read_text().splitlines()
    head, end = lines[0], lines[-1]
    assert head.startswith("# strest {") and end.startswith("# end {"), (head, end)
    return json.loads(head[len("# strest "):]), lines[1:-1], json.loads(end[len("# end "):])


def rank(values, q):
    values = sorted(values)
    return values[max(1, math.ceil(q * len(values) - 1e-9)) - 1]


def agree(result, latencies_ns, kind="all"):
    """Percentiles of single values are those of the summary, within a histogram of three digits."""
    told = result["response_ns"][kind]
    assert told["count"] == len(latencies_ns)
    assert told["max"] == max(latencies_ns) and told["min"] == min(latencies_ns)
    for name, q in ("p50", 0.5), ("p90", 0.9):
        exact = rank(latencies_ns, q)
        assert exact * 0.999 - 1 <= told[name] <= exact * 1.001 + 1, (name, told[name], exact)


# ---- the log


@pytest.mark.option("tmp-path")
@pytest.mark.option("keep-tmp")
def test_the_log_has_a_line_for_each_request(strest, target, tmp_path):
    server = target()
    result = strest.measure(*load(server, 500, "--keep-tmp", "--tmp-path", tmp_path / "a" / "b", "--label", "env=x"))
    [path] = logs(tmp_path / "a" / "b")
    assert path.stat().st_mode & 0o777 == 0o600
    pid, stamp, shard = path.stem.split("-")[1:]
    assert pid.isdigit() and abs(int(stamp) / 1000 - time.time()) < 60 and shard == "0"
    head, lines, end = log_lines(path)
    assert head["run_id"] == result["run"]["id"] and head["labels"] == ["env=x"] and head["expected_status"] == "200"
    assert (end["planned"], end["ok"], end["shed"]) == (500, 500, 0)
    assert len(lines) == 500
    names = head["columns"]
    assert names[:7] == FIVE + ["response_bytes", "in_flight_ops"]
    records = [dict(zip(names, line.split(","))) for line in lines]
    for r in records:
        stamps = [int(r[k]) for k in ("due_ns", "ready_ns", "sent_ns", "written_ns", "first_byte_ns", "done_ns")]
        assert stamps == sorted(stamps)
        assert int(r["elapsed_ms"]) == stamps[0] // 10**6 and int(r["latency_ms"]) == (stamps[-1] - stamps[0]) // 10**6
        assert (r["outcome"], r["reason"], r["status_code"], r["protocol"]) == ("ok", "none", "200", "http/1.1")
    assert {int(r["connection"]) for r in records} == set(range(1, 9))
    agree(result, [int(r["done_ns"]) - int(r["due_ns"]) for r in records])


def test_without_a_reader_there_is_no_log(strest, target, tmp_path):
    strest.measure(*load(target(), 5, "--tmp-path", tmp_path / "tmp"))
    assert not (tmp_path / "tmp").exists()


def test_the_log_is_deleted_after_the_run_and_so_is_its_empty_folder(strest, target, tmp_path):
    strest.measure(*load(target(), 5, "--tmp-path", tmp_path / "tmp", "--export-csv", tmp_path / "a.csv"))
    assert not (tmp_path / "tmp").exists()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "other").write_text("x")
    strest.measure(*load(target(), 5, "--tmp-path", tmp_path / "tmp", "--export-csv", tmp_path / "a.csv"))
    assert [p.name for p in (tmp_path / "tmp").iterdir()] == ["other"]


def test_the_log_lies_in_the_home_folder_by_default(strest, target, tmp_path):
    strest.measure(*load(target(), 5, "--keep-tmp"), env={"HOME": str(tmp_path)})
    assert len(logs(tmp_path / ".strest" / "tmp")) == 1


@pytest.mark.option("log-shards")
@pytest.mark.parametrize("threads", [1, 3])
def test_shards_share_the_requests(strest, target, tmp_path, threads):
    strest.measure(*load(target(), 5000, "--keep-tmp", "--tmp-path", tmp_path, "--log-shards", "4", "--threads", str(threads), "--export-csv", tmp_path / "a.csv"))
    paths = logs(tmp_path)
    assert [p.stem.split("-")[3] for p in paths] == ["0", "1", "2", "3"]
    assert sum(len(log_lines(p)[1]) for p in paths) == 5000
    due = [r["due_ns"] for r in rows(tmp_path / "a.csv")]
    assert len(due) == 5000 and due == sorted(due)


def test_a_killed_run_leaves_its_log_up_to_the_last_second(strest, target, tmp_path):
    run = strest.start("-u", target().url, "-m", "2", "-r", "2", "--rate", "200", "-t", "60s", "--keep-tmp", "--tmp-path", tmp_path)
    end = time.monotonic() + 20
    while time.monotonic() < end and not any(p.stat().st_size > 20_000 for p in logs(tmp_path)):
        time.sleep(0.05)
    before = time.monotonic()
    time.sleep(1.2)
    run.process.kill()
    run.process.wait()
    [path] = logs(tmp_path)
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# strest {") and time.monotonic() - before >= 1.2
    assert all(len(line.split(",")) == 24 for line in lines[1:-1])
    assert len(lines) > 200


def test_the_warm_up_is_not_in_the_log(strest, target, tmp_path):
    server = target()
    result = strest.measure("-u", server.url, "-m", "4", "--rate", "100", "-t", "2s", "--warmup", "1s", "--export-csv", tmp_path / "a.csv", "--tmp-path", tmp_path / "t")
    records = rows(tmp_path / "a.csv")
    assert len(records) == result["books"]["planned"] == 100
    assert records[0]["elapsed_ms"] == 0 and records[-1]["elapsed_ms"] == 990, "one that is due right at the end of the warm-up counts from there"


# ---- exports


@pytest.mark.option("export-csv")
@pytest.mark.option("export-json")
@pytest.mark.option("export-jsonl")
@pytest.mark.option("db-url")
@pytest.mark.option("hdr-log")
def test_all_outputs_of_one_run_say_the_same(strest, target, tmp_path):
    files = {name: tmp_path / name for name in ("a.csv", "a.json", "a.jsonl", "a.db", "a.hlog")}
    result = strest.measure(*load(target("--threads", "1"), 3000), "--tmp-path", tmp_path / "t", "--export-csv", files["a.csv"], "--export-json", files["a.json"],
                            "--export-jsonl", files["a.jsonl"], "--db-url", files["a.db"], "--hdr-log", files["a.hlog"], "--label", "env=x")
    records = rows(files["a.csv"])
    latencies = [r["done_ns"] - r["due_ns"] for r in records]
    agree(result, latencies)
    whole = json.loads(files["a.json"].read_text())
    jsonschema.validate(whole, json.loads((ROOT / "docs/schema/export.json").read_text()))
    same = [{**r, "timed_out": bool(r["timed_out"]), "transport_error": bool(r["transport_error"])} for r in records]
    assert whole["records"] == same
    summary = whole["summary"]
    assert (summary["total_requests"], summary["successful_requests"], summary["truncated"], summary["missing_records"]) == (3000, 3000, False, 0)
    assert summary["labels"] == {"env": "x"} and summary["run_id"] == result["run"]["id"]
    assert summary["max_latency_ms"] == max(latencies) // 10**6 and summary["avg_latency_ms"] == sum(latencies) // 3000 // 10**6
    lines = [json.loads(line) for line in files["a.jsonl"].read_text().splitlines()]
    schema = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/schema/export_line.json").read_text()))
    for line in lines[:50] + lines[-50:]:
        schema.validate(line)
    assert lines[0] == {"type": "summary", **summary} and lines[-1] == {"type": "end", "records": 3000}
    assert lines[1:-1] == [{"type": "record", **r} for r in same]
    with sqlite3.connect(files["a.db"]) as db:
        assert db.execute("SELECT count(*), min(run_id), max(run_id) FROM metrics").fetchone() == (3000, result["run"]["id"], result["run"]["id"])
        assert sorted(db.execute("SELECT latency_ns FROM metrics")) == sorted((v,) for v in latencies)
        [(told,)] = db.execute("SELECT summary FROM runs")
        assert json.loads(told) == summary
    db.close()


@pytest.mark.skipif(not JAR.exists(), reason="needs libhdrhistogram-java")
def test_hdrhistograms_own_reader_takes_the_histogram_log(strest, target, tmp_path):
    """The tool of the format's author sums up the intervals and says the same percentiles as our summary."""
    result = strest.measure("-u", target().url + "/delay/5ms", "-m", "8", "--rate", "200", "-t", "3s", "--hdr-log", tmp_path / "a.hlog", "--tmp-path", tmp_path / "t")
    command = ["java", "-cp", JAR, "org.HdrHistogram.HistogramLogProcessor", "-i", tmp_path / "a.hlog", "-outputValueUnitRatio", "1"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    table = {float(p[1]): (float(p[0]), int(p[2])) for p in (line.split() for line in out.splitlines()) if len(p) == 4 and p[0][0].isdigit() and p[3] != ""}
    value, count = table[1.0] if 1.0 in table else max(table.values())
    assert count == 600
    for q, name in (0.5, "p50"), (0.9, "p90"):
        assert table[q][0] == pytest.approx(result["response_ns"]["all"][name], rel=0.002)
    tags = [line.split(",")[0] for line in (tmp_path / "a.hlog").read_text().splitlines() if line.startswith("Tag=")]
    assert tags == ["Tag=ok"] * 3


def test_a_second_run_is_appended_to_the_database(strest, target, tmp_path):
    path = tmp_path / "a.db"
    ids = [strest.measure(*load(target(), n, "--db-url", path, "--tmp-path", tmp_path / "t"))["run"]["id"] for n in (10, 20)]
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM metrics WHERE run_id = ?", ids[:1]).fetchone() == (10,)
        assert db.execute("SELECT count(*) FROM metrics").fetchone() == (30,)
        assert {row[0] for row in db.execute("SELECT run_id FROM runs")} == set(ids)
    db.close()


def test_a_table_of_the_reference_tool_gets_our_columns(strest, target, tmp_path):
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, elapsed_ms INTEGER NOT NULL, latency_ms INTEGER NOT NULL,"
                   " status_code INTEGER NOT NULL, timed_out INTEGER NOT NULL, transport_error INTEGER NOT NULL)")
        db.execute("INSERT INTO metrics VALUES (1, 0, 12, 200, 0, 0)")
    db.close()
    strest.measure(*load(target(), 3, "--db-url", path, "--tmp-path", tmp_path / "t"))
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT id, run_id, outcome FROM metrics ORDER BY id LIMIT 2").fetchall()[0] == (1, None, None)
        assert db.execute("SELECT count(*) FROM metrics WHERE outcome = 'ok'").fetchone() == (3,)
    db.close()


@pytest.mark.option("metrics-range")
def test_a_range_is_what_exports_see(strest, target, tmp_path):
    result = strest.measure("-u", target().url, "-m", "4", "--rate", "50", "-t", "3s", "-M", "1-1", "--export-csv", tmp_path / "a.csv", "--db-url", tmp_path / "a.db",
                            "--tmp-path", tmp_path / "t")
    records = rows(tmp_path / "a.csv")
    assert [records[0]["elapsed_ms"], records[-1]["elapsed_ms"], len(records)] == [1000, 1980, 50]
    assert result["books"]["planned"] == 150
    with sqlite3.connect(tmp_path / "a.db") as db:
        assert db.execute("SELECT count(*) FROM metrics").fetchone() == (150,), "the database has everything"
    db.close()


@pytest.mark.option("metrics-max")
def test_at_most_so_many_are_exported_the_first_ones(strest, target, tmp_path):
    finished = strest.run(*load(target(), 30, "--metrics-max", "20", "--export-json", tmp_path / "a.json", "--tmp-path", tmp_path / "t"))
    assert finished.code == 0
    whole = json.loads((tmp_path / "a.json").read_text())
    assert len(whole["records"]) == 20 == whole["summary"]["exported_records"]
    assert whole["summary"]["truncated"] is True and whole["summary"]["total_requests"] == 30
    assert finished.out.splitlines()[-1].endswith("(truncated at 20 metrics).")


@pytest.mark.option("output")
@pytest.mark.option("output-format")
@pytest.mark.parametrize("name, words, begins", [
    ("a.csv", (), "elapsed_ms,"), ("a.JSON", (), '{\n"summary"'), ("a.jsonl", (), '{"type":"summary"'), ("a.dat", ("--output-format", "csv"), "elapsed_ms,"),
    ("a.txt", (), "GET http://"), ("a.csv", ("--output-format", "text"), "GET http://")])
def test_output_is_what_its_name_or_its_format_says(strest, target, tmp_path, name, words, begins):
    finished = strest.run(*load(target(), 5, "-o", tmp_path / name, "--tmp-path", tmp_path / "t", *words))
    assert finished.code == 0 and "Total Requests: 5" in finished.out
    assert (tmp_path / name).read_text().startswith(begins)


def test_quiet_output_has_the_summary_and_the_screen_has_not(strest, target, tmp_path):
    finished = strest.run(*load(target(), 5, "-o", tmp_path / "a", "--output-format", "quiet"))
    assert (finished.code, finished.out) == (0, "")
    assert "Total Requests: 5\n" in (tmp_path / "a").read_text()


@pytest.mark.parametrize("words, told", [
    (("--output-format", "csv"), "--output-format needs --output"),
    (("--output", "a", "--export-csv", "b"), "exclude each other"),
    (("--output", "a.dat"), "does not say what to write"),
    (("--db-url", "a", "--log-shards", "2"), "--log-shards")])
def test_what_does_not_go_together_is_refused(strest, words, told):
    finished = strest.run("-u", "http://127.0.0.1:9/", *words)
    assert finished.code in (1, 2) and told in finished.err and finished.out == ""


def test_failures_stand_in_the_log_as_the_reference_tool_writes_them(strest, scripted, tmp_path):
    def script(server, peer):
        if peer.number % 3 == 0:
            server.read(peer)
            peer.reset()
        elif peer.number % 3 == 1:
            server.read(peer)
            peer.send(answer(b"gone", status="404 Not Found"))
            peer.close()
        else:
            server.read(peer)
            time.sleep(0.5)
            peer.close()

    strest.measure("-u", scripted(script).url, "-m", "1", "--requests", "3", "--timeout", "200ms", "-t", "20s", "--disable-keepalive", "--export-csv", tmp_path / "a.csv",
                   "--tmp-path", tmp_path / "t")
    seen = [(r["status_code"], r["timed_out"], r["transport_error"], r["outcome"], r["reason"]) for r in rows(tmp_path / "a.csv")]
    assert seen == [(500, 0, 1, "reset", "reset"), (404, 0, 0, "status", "unexpected"), (500, 1, 0, "timeout", "response")]


# ---- faults


def test_a_folder_that_cannot_be_made_is_said_before_the_load(strest, target, tmp_path):
    (tmp_path / "file").write_text("x")
    server = target()
    finished = strest.run(*load(server, 5, "--keep-tmp", "--tmp-path", tmp_path / "file" / "tmp"))
    assert finished.code == 1 and "--tmp-path" in finished.err and finished.out == ""


def test_one_export_that_fails_leaves_the_others(strest, target, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.json").write_text("old")
    finished = strest.run(*load(target(), 50, "--export-csv", tmp_path / "folder", "--export-json", tmp_path / "old.json", "--export-jsonl", tmp_path / "none" / "a.jsonl",
                                "--tmp-path", tmp_path / "t"))
    assert finished.code == 1
    assert "--export-csv: cannot write" in finished.err and "--export-jsonl: cannot write" in finished.err and "--export-json:" not in finished.err
    assert "Total Requests: 50\n" in finished.out
    assert len(json.loads((tmp_path / "old.json").read_text())["records"]) == 50
    assert sorted(p.name for p in tmp_path.iterdir() if "." in p.name) == ["old.json"], "nothing half is left"


def test_a_pipe_that_nobody_reads_holds_up_nothing(strest, target, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    finished = strest.run(*load(target(), 50, "--export-csv", tmp_path / "pipe", "--export-json", tmp_path / "a.json", "--tmp-path", tmp_path / "t"))
    assert finished.code == 1 and finished.err.count("--export-csv: cannot write") == 1
    assert len(json.loads((tmp_path / "a.json").read_text())["records"]) == 50


def test_a_locked_database_is_waited_for_and_then_given_up(strest, target, tmp_path):
    path = tmp_path / "a.db"
    strest.measure(*load(target(), 3, "--db-url", path, "--tmp-path", tmp_path / "t"))
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    finished = strest.run(*load(target(), 5, "--db-url", path, "--export-csv", tmp_path / "a.csv", "--tmp-path", tmp_path / "t"))
    db.execute("ROLLBACK")
    assert finished.code == 1 and "--db-url: cannot write the database" in finished.err and "locked" in finished.err
    assert len(rows(tmp_path / "a.csv")) == 5
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    db.close()


def test_a_file_that_is_no_database_is_left_as_it_is(strest, target, tmp_path):
    (tmp_path / "a.db").write_text("my notes, which are no database at all\n" * 100)
    finished = strest.run(*load(target(), 5, "--db-url", tmp_path / "a.db", "--tmp-path", tmp_path / "t"))
    assert finished.code == 1 and "not a database" in finished.err
    assert (tmp_path / "a.db").read_text().startswith("my notes")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_costs_the_log_and_not_the_run(strest, target, tmp_path, small_disk):
    finished = strest.run("--json", *load(target(), 20000, "--export-csv", tmp_path / "a.csv", "--tmp-path", small_disk))
    assert finished.code == 1
    assert finished.json["books"]["ok"] == 20000
    assert finished.err.count("warning: --tmp-path: cannot write") == 1 and "are in no export" in finished.err
    kept = len(rows(tmp_path / "a.csv"))
    assert 1000 < kept < 20000
    assert list(small_disk.iterdir()) == []


def test_a_full_disk_costs_the_export_and_not_the_old_file(strest, target, tmp_path, small_disk):
    (small_disk / "a.csv").write_text("old")
    finished = strest.run(*load(target(), 20000, "--export-csv", small_disk / "a.csv", "--export-jsonl", tmp_path / "a.jsonl", "--tmp-path", tmp_path / "t"))
    assert finished.code == 1 and "--export-csv: cannot write" in finished.err and "No space left" in finished.err
    assert (small_disk / "a.csv").read_text() == "old" and len(list(small_disk.iterdir())) == 1
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 20002


def test_two_runs_with_the_same_paths_do_not_mix(strest, target, tmp_path):
    runs = [strest.start("--json", *load(target(), n, "--export-csv", tmp_path / "a.csv", "--keep-tmp", "--tmp-path", tmp_path / "t")) for n in (700, 900)]
    assert [run.wait().code for run in runs] == [0, 0]
    assert len(rows(tmp_path / "a.csv")) in (700, 900)
    assert sorted(len(log_lines(p)[1]) for p in logs(tmp_path / "t")) == [700, 900]


def test_a_signal_ends_with_all_outputs(strest, target, tmp_path):
    run = strest.start("--json", "-u", target().url, "-m", "2", "--rate", "100", "-t", "60s", "--export-csv", tmp_path / "a.csv", "--tmp-path", tmp_path / "t")
    time.sleep(1.5)
    run.signal(signal.SIGINT)
    finished = run.wait()
    assert finished.code == 0
    assert len(rows(tmp_path / "a.csv")) == finished.json["books"]["ok"] > 50
