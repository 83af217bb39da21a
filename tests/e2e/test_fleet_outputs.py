"""What a controller shows and writes of its agents: summary, results, exports, histogram log, charts, sinks, live view."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from fleet import LIMIT, Fleet, said
from terminal import OnTerminal
from test_fleet_faults import STREAM, ends, kill, loaded, open_loop

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"
JAR = Path("/usr/share/java/hdrhistogram.jar")
WEIGHTS = [["--agent-weight", weight] for weight in "123"]
LABELS = ["Duration", "Total Requests", "Successful", "Errors", "Timeouts", "Transport Errors", "Non-Expected Status", "Avg Latency (all)", "Avg Latency (ok)",
          "Min/Max Latency (all)", "Min/Max Latency (ok)", "P50/P90/P99 Latency (all)", "P50/P90/P99 Latency (ok)", "Avg RPS", "Avg RPM", "Charts"]


@pytest.fixture
def fleet(strest):
    return Fleet(strest)


def exported(path):
    """An export and its lines, each as its schema says."""
    whole = json.loads((path / "e.json").read_text())
    jsonschema.validate(whole, json.loads((SCHEMAS / "export.json").read_text()))
    lines = [json.loads(line) for line in (path / "e.jsonl").read_text().splitlines()]
    schema = json.loads((SCHEMAS / "export_line.json").read_text())
    for line in lines:
        jsonschema.validate(line, schema)
    return whole, lines


def outputs(path):
    return ["--export-json", path / "e.json", "--export-jsonl", path / "e.jsonl", "--hdr-log", path / "h.hlog", "--sink-prometheus", path / "p",
            "--sink-otel", path / "o", "--sink-influx", path / "i"]


def histogram_total(path):
    """How many times HdrHistogram's own reader finds in a log, those without a tag."""
    if not JAR.exists() or not shutil.which("java"):
        return None
    words = ["java", "-cp", JAR, "org.HdrHistogram.HistogramLogProcessor", "-i", path, "-outputValueUnitRatio", "1"]
    text = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=True).stdout
    return int(re.search(r"Total count\s*=\s*(\d+)", text)[1])


def sinks_say(path, expected, reporting):
    assert re.search(rf"^strest_agents_expected\{{.*\}} {expected}$", (path / "p").read_text(), re.M)
    assert re.search(rf"^strest_agents_reporting\{{.*\}} {reporting}$", (path / "p").read_text(), re.M)
    assert f",agents_expected={expected}i,agents_reporting={reporting}i" in (path / "i").read_text()
    metrics = {metric["name"]: metric["value"] for metric in json.loads((path / "o").read_text())["metrics"]}
    assert metrics["strest.agents_expected"] == expected and metrics["strest.agents_reporting"] == reporting


@pytest.mark.option("export-json", "export-jsonl", "hdr-log", "agent-weight")
def test_outputs_of_a_whole_fleet(fleet, target, tmp_path):
    """Without streaming: no course of the run, so one interval in the histogram log, and no charts. 600 requests in parts of 1, 2, 3."""
    server = target()
    controller, agents = fleet.start(*open_loop(server, 2, *outputs(tmp_path)), agents=WEIGHTS)
    finished = controller.wait(LIMIT)
    assert finished.code == 0, finished
    ends(agents, 0, 0, 0)
    assert server.counted() == 600
    assert "\nAgents: 3/3 reported\n" in finished.out and "partial" not in finished.out
    rows = {row[1]: (int(row[2]), int(row[3])) for row in re.finditer(r"^  (a\d) +(\d+) +(\d+) 100\.00% ", finished.out, re.M)}
    assert rows == {"a1": (1, 100), "a2": (2, 200), "a3": (3, 300)}
    assert all(len(line) <= 100 for line in finished.out.splitlines())
    assert [line.split(":")[0] for line in finished.out.splitlines()[-16:]] == LABELS
    whole, lines = exported(tmp_path)
    assert whole["summary"]["records_on_agents"] is True and whole["summary"]["total_requests"] == 600
    assert whole["records"] == [] and whole["series"] == {"width_ns": 0, "slots": []}
    assert {agent["id"]: agent["figures"]["ok"] for agent in whole["agents"]} == {"a1": 100, "a2": 200, "a3": 300}
    assert [line["type"] for line in lines] == ["summary", "agent", "agent", "agent", "end"]
    assert histogram_total(tmp_path / "h.hlog") in (None, 600)
    sinks_say(tmp_path, 3, 3)


@pytest.mark.option("charts-path")
def test_outputs_of_a_fleet_that_lost_an_agent(fleet, target, tmp_path):
    """Streaming: the course of the run is that of what the agents have told; the lost one has its row, and its moment in the charts."""
    server = target()
    controller = fleet.strest.start("--controller-listen", fleet.address, "--min-agents", "3", "--json", "--charts-path", tmp_path / "charts",
                                    *open_loop(server, 4, *STREAM, *outputs(tmp_path)), charts=True)
    said(controller, "agents join at")
    agents = [fleet.agent(*weight) for weight in WEIGHTS]
    loaded(server, 450)
    kill(agents[1])
    finished = controller.wait(LIMIT)
    assert finished.code == 1 and "agent 'a2' is lost" in finished.err, finished
    ends([agents[0], agents[2]], 0, 0)
    result = finished.json
    jsonschema.validate(result, json.loads((SCHEMAS / "result.json").read_text()))
    told = result["fleet"]
    assert (told["expected"], told["reported"], told["partial"]) == (3, 2, True)
    rows = {agent["id"]: agent for agent in told["agents"]}
    assert {name: row["state"] for name, row in rows.items()} == {"a1": "reported", "a2": "lost", "a3": "reported"}
    lost, parts = rows["a2"], {name: row["figures"]["ok"] for name, row in rows.items()}
    assert parts["a1"] == 200 and parts["a3"] == 600 and 0 < parts["a2"] < 400
    assert 1e9 < lost["last_heard_ns"] < 4e9 and lost["reason"] and rows["a1"]["last_heard_ns"] is None
    assert result["books"]["ok"] == sum(parts.values()) <= server.counted() < 1200
    assert abs(result["rate"]["asked_per_s"] - 300) < 0.01  # 1200 in 4 s, the lost share is among them
    assert sum(slot["ok"] for slot in result["series"]["slots"]) == result["books"]["ok"]
    whole, lines = exported(tmp_path)
    assert whole["series"] == result["series"] and whole["agents"] == told["agents"]
    assert (whole["summary"]["agents_expected"], whole["summary"]["agents_reported"]) == (3, 2)
    assert [line["ok"] for line in lines if line["type"] == "series"] == [slot["ok"] for slot in result["series"]["slots"]]
    assert histogram_total(tmp_path / "h.hlog") in (None, result["books"]["ok"])
    assert "2 of 3 agents; times are known to 1 %" in (tmp_path / "h.hlog").read_text()
    sinks_say(tmp_path, 3, 2)
    charts = list((tmp_path / "charts").iterdir())
    assert len(charts) == 14 and all(chart.read_bytes().startswith(b"\x89PNG") for chart in charts)


def test_the_summary_says_that_it_is_partial_and_why_there_are_no_charts(fleet, target):
    server = target()
    controller = fleet.strest.start("--controller-listen", fleet.address, "--min-agents", "2", *open_loop(server, 3), charts=True)
    said(controller, "agents join at")
    agents = [fleet.agent(), fleet.agent()]
    loaded(server, 300)
    kill(agents[0])
    finished = controller.wait(LIMIT)
    ends(agents[1:], 0)
    assert finished.code == 1 and "\nAgents: 1/2 reported\npartial: 1 of 2 agents\n" in finished.out, finished
    assert re.search(r"^  a1: lost \S+ \S+ after the start; nothing of it counts: ", finished.out, re.M), finished
    assert finished.out.splitlines()[-1] == "Charts: unavailable, agents tell the course of a run only with --stream-summaries"
    assert "Total Requests: 450\n" in finished.out


def test_the_live_view_has_a_row_for_each_agent(fleet, target):
    server = target()
    words = [fleet.strest.binary, "--controller-listen", fleet.address, "--min-agents", "2", "--no-charts", *open_loop(server, 6, *STREAM)]
    screen = OnTerminal(words, columns=140, everything=True, env={"LC_ALL": "C.UTF-8"})
    try:
        screen.terminal.take_until(lambda raw: "agents join at" in raw)
        agents = [fleet.agent(name="east"), fleet.agent(name="west")]
        screen.terminal.take_until(lambda raw: "east" in raw.split("Throughput")[-1] and "west" in raw.split("Throughput")[-1])
        while server.counted() < 300:
            screen.terminal.take(0.05)
        kill(agents[0])
        screen.terminal.take_until(lambda raw: "(lost)" in raw)
        assert screen.wait() == 1
        ends(agents[1:], 0)
    finally:
        screen.close()


@pytest.mark.option("export-csv", "db-url")
@pytest.mark.parametrize("words", [["--export-csv", "x.csv"], ["--db-url", "sqlite:x.db"]])
def test_outputs_of_single_requests_are_refused(fleet, words):
    finished = fleet.strest.run("--controller-listen", fleet.address, "-u", "http://127.0.0.1:9/", *words)
    assert finished.code == 1 and words[0] in finished.err and finished.seconds < 10, finished
