"""The checklist of what files and lines have in common with the original strest, item by item. (Replay, charts, sinks and cleanup have theirs beside them.)"""

import json
import sqlite3

import pytest

from test_log import FIVE, load, log_lines, logs, rows
from test_summary import sixteen

SUMMARY = """duration_ms total_requests successful_requests error_requests timeout_requests transport_errors non_expected_status min_latency_ms max_latency_ms
             avg_latency_ms success_min_latency_ms success_max_latency_ms success_avg_latency_ms""".split()


@pytest.fixture
def outputs(strest, target, tmp_path):
    """All files of one run."""
    paths = {name: tmp_path / f"a.{name}" for name in ("csv", "json", "jsonl", "db")}
    finished = strest.run(*load(target(), 200), "--keep-tmp", "--tmp-path", tmp_path / "t", "--export-csv", paths["csv"], "--export-json", paths["json"],
                          "--export-jsonl", paths["jsonl"], "--db-url", paths["db"])
    assert finished.code == 0, finished
    return {**paths, "log": logs(tmp_path / "t")[0], "finished": finished}


def test_1_names_and_types(outputs):
    _, lines, _ = log_lines(outputs["log"])
    for line in lines:
        first = line.split(",")[:5]
        assert all(part.isdigit() for part in first) and set(first[3:]) <= {"0", "1"}
    assert outputs["csv"].read_text().startswith(",".join(FIVE + ["response_bytes", "in_flight_ops"]) + ",")
    whole = json.loads(outputs["json"].read_text())
    assert all(type(whole["summary"][key]) is int for key in SUMMARY)
    for record in whole["records"]:
        assert [type(record[key]) for key in FIVE] == [int, int, int, bool, bool]
    types = [json.loads(line)["type"] for line in outputs["jsonl"].read_text().splitlines()]
    assert types == ["summary"] + ["record"] * 200 + ["end"]
    with sqlite3.connect(outputs["db"]) as db:
        columns = list(db.execute("PRAGMA table_info(metrics)"))
        assert [(c[1], c[2], c[3]) for c in columns[:6]] == [("id", "INTEGER", 0)] + [(name, "INTEGER", 1) for name in FIVE]
        assert list(db.execute("PRAGMA index_info(idx_metrics_elapsed_ms)"))[0][2] == "elapsed_ms"
    db.close()


def test_2_the_reference_tools_reader_takes_our_lines(outputs):
    """Its rules: a first line that begins with elapsed_ms is the head; fields 1 to 3 are integers, else the line is skipped; more columns are ignored."""
    def reader(text):
        for line in text.splitlines():
            parts = line.split(",")
            if line.strip() and not line.startswith("elapsed_ms") and len(parts) >= 3 and all(p.isdigit() for p in parts[:3]):
                yield tuple(int(p) for p in parts[:5])

    exported = [tuple(r[key] for key in FIVE) for r in rows(outputs["csv"])]
    assert list(reader(outputs["csv"].read_text())) == exported and len(exported) == 200
    assert sorted(reader(outputs["log"].read_text())) == sorted(exported)


def test_3_sixteen_lines(outputs):
    values = sixteen(outputs["finished"])
    assert values[1] == ("200",) and values[2] == ("200", "100.00")


def test_6_the_warm_ups_last_millisecond(strest, target, tmp_path):
    """Requests are due every ms: the one due 1 ms before the end of the warm-up is nowhere, the one at its end has elapsed 0."""
    result = strest.measure("-u", target().url, "-m", "50", "--rate", "1000", "-t", "300ms", "--warmup", "100ms", "--export-csv", tmp_path / "a.csv", "--tmp-path", tmp_path / "t")
    assert [r["elapsed_ms"] for r in rows(tmp_path / "a.csv")] == list(range(200))
    assert result["books"]["planned"] == 200


def test_7_a_range_of_the_first_second(strest, target, tmp_path):
    finished = strest.run("-u", target().url, "-m", "50", "--rate", "100", "-t", "2s", "--metrics-range", "0-0", "--export-csv", tmp_path / "a.csv", "--tmp-path", tmp_path / "t")
    assert [r["elapsed_ms"] for r in rows(tmp_path / "a.csv")] == list(range(0, 1000, 10))
    assert "Total Requests: 200\n" in finished.out


def test_8_a_maximum(strest, target, tmp_path):
    finished = strest.run(*load(target(), 3, "--metrics-max", "2", "--export-csv", tmp_path / "a.csv", "--tmp-path", tmp_path / "t"))
    assert len(rows(tmp_path / "a.csv")) == 2 and "Total Requests: 3\n" in finished.out
    assert finished.out.splitlines()[-1].endswith("(truncated at 2 metrics).")


@pytest.mark.parametrize("words", [("--db-url", "a", "--log-shards", "2"), ("--output-format", "csv"), ("--output", "a.csv", "--export-csv", "b")])
def test_12_usage_errors(strest, words):
    finished = strest.run("-u", "http://127.0.0.1:9/", *words)
    assert finished.code in (1, 2) and finished.out == "" and words[0] in finished.err
