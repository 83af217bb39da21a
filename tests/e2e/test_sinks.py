"""Where the figures go while a run lasts: files that others read at any moment, and an endpoint for Prometheus."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

import servers
from conftest import need, says

SAMPLE = re.compile(r'(\w+)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def samples(text):
    """A page in Prometheus' text format as {(name, labels): value}, the labels as a sorted tuple of pairs."""
    found = {}
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP|TYPE) \w+ .+", line), line
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        labels = tuple(sorted((name, re.sub(r"\\.", lambda m: ESCAPES[m[0]], value)) for name, value in LABEL.findall(match[2] or "")))
        assert (match[1], labels) not in found, line
        found[match[1], labels] = float(match[3])
    return found


def bare(page, name, **labels):
    return page[name, tuple(sorted(labels.items()))]


def influx(line):
    """A line of the Influx line protocol without tags and time: (measurement, fields)."""
    measurement, fields = line.rstrip("\n").split(" ")
    values = dict(field.split("=") for field in fields.split(","))
    return measurement, {name: int(value[:-1]) if value.endswith("i") else float(value) for name, value in values.items()}


def lines_of(finished):
    """The last 16 lines, as {"Duration": "3s"}."""
    return dict(line.split(": ", 1) for line in finished.out.splitlines()[-16:])


def fetch(url, method="GET", data=None):
    """(status, headers, body)"""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, data=data), timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def endpoint(run):
    """Where a run says that its figures are."""
    found = servers.wait_for(lambda: re.search(r"figures for Prometheus: (http://\S+)/metrics", run.errors()), what="the address of the endpoint")
    return found[1]


@pytest.mark.option("sink-prometheus", "sink-otel", "sink-influx")
def test_files_end_with_the_figures_of_the_summary(strest, target, tmp_path):
    prom, otel, line = tmp_path / "a.prom", tmp_path / "a.json", tmp_path / "a.influx"
    finished = strest.run("-u", target().url + "/delay/5ms", "--rate", "100", "-t", "2500ms", "--warmup", "500ms", "--label", "env=a\"b\\",
                          "--sink-prometheus", prom, "--sink-otel", otel, "--sink-influx", line)
    assert finished.code == 0, finished
    said = lines_of(finished)
    page, (name, fields), tree = samples(prom.read_text()), influx(line.read_text()), json.loads(otel.read_text())
    metrics = {metric["name"]: metric["value"] for metric in tree["metrics"]}
    assert tree["resource"] == {"service.name": "strest"} and name == "strest_summary"
    assert [metric.get("unit") for metric in tree["metrics"]] == ["s"] + 13 * [None]
    total = int(said["Total Requests"])
    assert total == 200
    assert bare(page, "strest_requests_total") == fields["total_requests"] == metrics["strest.requests_total"] == total
    assert bare(page, "strest_requests_success_total") == fields["successful_requests"] == metrics["strest.requests_success_total"] == total
    assert f"{bare(page, 'strest_duration_seconds'):.0f}s" == f"{metrics['strest.duration']}s" == said["Duration"]
    assert f"{bare(page, 'strest_avg_rps'):.2f}" == metrics["strest.avg_rps"] == said["Avg RPS"] == f"{fields['avg_rps']:.2f}"
    assert f"{bare(page, 'strest_avg_rpm'):.2f}" == metrics["strest.avg_rpm"] == said["Avg RPM"] == f"{fields['avg_rpm']:.2f}"
    quantiles = " / ".join(f"{bare(page, 'strest_latency_ms', quantile=q):.0f}ms" for q in ("0.5", "0.9", "0.99"))
    assert quantiles == said["P50/P90/P99 Latency (all)"]
    assert quantiles == " / ".join(f"{fields[f'p{q}_latency_ms']}ms" for q in (50, 90, 99))
    assert quantiles == " / ".join(f"{metrics[f'strest.latency_p{q}_ms']}ms" for q in (50, 90, 99))
    run = [labels for metric, labels in page if metric == "strest_build_info"]
    assert len(run) == 1 and ("env", "a\"b\\") in run[0] and {"run_id", "target", "version"} < {label for label, _ in run[0]}
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.option("sink-prometheus")
def test_the_textfile_passes_promtool(strest, target, tmp_path):
    need("promtool")
    path = tmp_path / "a.prom"
    assert strest.run("-u", target().url, "--rate", "50", "-t", "1s", "--sink-prometheus", path).code == 0
    checked = subprocess.run(["promtool", "check", "metrics"], stdin=path.open(), capture_output=True, text=True, timeout=20, check=False)
    complaints = [line for line in (checked.stdout + checked.stderr).splitlines() if not line.startswith("strest_latency_ms ")]
    assert checked.returncode in (0, 3) and complaints == [], checked  # 3: style; that name is given, its unit and label are not as others like them


@pytest.mark.option("sink-prometheus", "sink-interval-ms")
def test_a_reader_never_sees_half_a_file_or_a_counter_that_falls(strest, target, tmp_path):
    path = tmp_path / "a.prom"
    run = strest.start("-u", target().url + "/?fail", "--rate", "500", "-t", "3s", "--warmup", "1s", "--status", "404", "--sink-prometheus", path,
                       "--sink-interval-ms", "100")
    last, steps, reads = {}, set(), 0
    while run.alive():
        try:
            page = samples(path.read_text())
        except FileNotFoundError:
            assert not last
            continue
        reads += 1
        counters = {key: value for key, value in page.items() if key[0].endswith(("_total", "_bucket", "_count", "_sum"))}
        assert len(counters) > 20 and all(value >= last.get(key, 0) for key, value in counters.items()), (last, counters)
        last = counters
        steps.add(bare(page, "strest_requests_total"))
        time.sleep(0.001)
    assert run.wait().code == 0
    final = samples(path.read_text())
    assert all(final[key] >= value for key, value in last.items())
    assert reads > 100 and min(steps) == 0 and len(steps) >= 10, (reads, steps)
    assert bare(final, "strest_requests_total") == bare(final, "strest_requests_error_total") == 1000


@pytest.mark.option("sink-listen")
def test_the_endpoint_answers_while_the_run_lasts(strest, target):
    server = target()
    run = strest.start("-u", server.url, "--rate", "100", "-t", "3s", "--label", "env=staging", "--sink-listen", ":0", "--sink-interval-ms", "100")
    url = endpoint(run)
    assert url.startswith("http://127.0.0.1:")
    time.sleep(1)
    status, headers, body = fetch(url + "/metrics")
    page = samples(body)
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    for _, labels in page:
        assert dict(labels)["env"] == "staging" and dict(labels)["target"].startswith(server.url) and len(dict(labels)["run_id"]) == 36
    assert sum(value for (name, _), value in page.items() if name == "strest_requests_total") > 10
    status, headers, body = fetch(url + "/metrics", method="HEAD")
    assert status == 200 and body == "" and int(headers["Content-Length"]) > 1000
    assert fetch(url + "/")[0] == 200 and "/metrics" in fetch(url + "/")[2]
    assert fetch(url + "/other")[0] == 404
    status, headers, _ = fetch(url + "/metrics", method="POST", data=b"x" * 100000)
    assert status == 405 and headers["Allow"] == "GET, HEAD"
    assert run.wait().code == 0
    with pytest.raises(OSError):
        fetch(url + "/metrics")


@pytest.mark.option("sink-listen")
def test_connections_that_say_nothing_hold_nobody_up(strest, target):
    run = strest.start("-u", target().url, "--rate", "50", "-t", "2s", "--sink-listen", "127.0.0.1:0")
    port = int(endpoint(run).rsplit(":", 1)[1])
    idle = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(20)]
    idle[0].sendall(b"GET /metr")
    finished = run.wait()
    for connection in idle:
        connection.close()
    assert finished.code == 0 and finished.seconds < 6, finished


@pytest.mark.option("sink-listen")
def test_a_real_prometheus_fetches_the_figures(strest, target, tmp_path):
    need("prometheus")
    run = strest.start("-u", target().url, "--rate", "100", "-t", "14s", "--sink-listen", "127.0.0.1:0", "--sink-interval-ms", "200", "--label", "env=ci")
    place, port = endpoint(run).removeprefix("http://"), servers.free_port()
    (tmp_path / "p.yml").write_text(f"global:\n  scrape_interval: 500ms\nscrape_configs:\n- job_name: strest\n  static_configs:\n  - targets: ['{place}']\n")
    process = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/p.yml", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:

        def asked():
            try:
                found = json.loads(fetch(f"http://127.0.0.1:{port}/api/v1/query?query=strest_requests_total")[2])["data"]["result"]
            except (OSError, ValueError, KeyError):
                return None
            return found[0] if found and float(found[0]["value"][1]) >= 50 else None

        found = servers.wait_for(asked, limit=13, what="the figure in Prometheus")
        assert found["metric"]["env"] == "ci" and found["metric"]["job"] == "strest" and len(found["metric"]["run_id"]) == 36
    finally:
        process.terminate()
        process.wait(20)
    run.signal(signal.SIGINT)
    assert run.wait().code == 0


@pytest.mark.option("sink-listen")
def test_a_port_in_use_is_told_before_the_run(strest, target):
    server = target()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finished = strest.run("-u", server.url, "-t", "5s", "--sink-listen", f"127.0.0.1:{taken.getsockname()[1]}")
    says(finished, 1, "sinks.prometheus.listen", "in use")
    assert server.counted() == 0


@pytest.mark.option("sink-listen")
def test_an_open_address_is_warned_of(strest, target):
    finished = strest.run("-u", target().url, "--rate", "10", "-t", "300ms", "--sink-listen", "0.0.0.0:0")
    assert finished.code == 0 and "warning: sinks.prometheus.listen: anybody who reaches 0.0.0.0:" in finished.err


@pytest.mark.parametrize("kind, words", [("folder", "is a folder"), ("pipe", "is no regular file"), ("link", "is a link"), ("empty", "the path is empty")])
@pytest.mark.option("sink-prometheus", "sink-otel", "sink-influx")
@pytest.mark.parametrize("sink", ["prometheus", "otel", "influx"])
def test_what_is_no_file_is_refused_before_the_run(strest, target, tmp_path, sink, kind, words):
    server, path = target(), tmp_path / "x"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("y")
    finished = strest.run("-u", server.url, "-t", "5s", f"--sink-{sink}", "" if kind == "empty" else path, limit=5)
    says(finished, 1, f"sinks.{sink}.path: ", words)
    assert server.counted() == 0


@pytest.mark.option("sink-influx", "sink-otel")
def test_a_missing_folder_takes_no_other_sink_with_it(strest, target, tmp_path):
    path, good = tmp_path / "no" / "x", tmp_path / "good"
    finished = strest.run("-u", target().url, "--rate", "100", "-t", "1s", "--sink-otel", path, "--sink-influx", good, "--sink-interval-ms", "100")
    assert finished.code == 1 and "Duration: 1s" in finished.out, finished
    told = [line for line in finished.err.splitlines() if str(path) in line]
    assert len(told) == 2 and told[0].startswith("strest: warning: sinks.otel.path: ") and told[1].startswith("strest: error: sinks.otel.path: "), finished
    assert influx(good.read_text())[1]["total_requests"] == 100


@pytest.mark.option("sink-prometheus")
def test_a_pipe_in_the_way_of_the_temporary_file_holds_nobody_up(strest, target, tmp_path):
    os.mkfifo(tmp_path / "x.tmp")
    finished = strest.run("-u", target().url, "--rate", "100", "-t", "1s", "--sink-prometheus", tmp_path / "x", limit=10)
    assert finished.code == 1 and "Duration: 1s" in finished.out and "error: sinks.prometheus.path: " in finished.err, finished
    assert not (tmp_path / "x").exists() and (tmp_path / "x.tmp").is_fifo()


@pytest.mark.option("sink-prometheus")
def test_ctrl_c_ends_with_the_figures_so_far(strest, target, tmp_path):
    run = strest.start("-u", target().url, "--rate", "100", "-t", "30s", "--sink-prometheus", tmp_path / "x", "--sink-interval-ms", "60000")
    time.sleep(1.5)
    run.signal(signal.SIGINT)
    finished = run.wait()
    assert finished.code == 0
    assert bare(samples((tmp_path / "x").read_text()), "strest_requests_total") == int(lines_of(finished)["Total Requests"]) > 50


@pytest.mark.option("sink-interval-ms")
def test_the_readmes_tables_are_read(strest, target, tmp_path):
    (tmp_path / "strest.toml").write_text(f"""url = "{target().url}"
duration = "1s"
[load]
rate = 100
[sinks]
# Optional. Controls periodic updates (defaults to 1000ms).
update_interval_ms = 0

[sinks.prometheus]
path = "{tmp_path}/strest.prom"

[sinks.otel]
path = "{tmp_path}/strest.otel.json"

[sinks.influx]
path = "{tmp_path}/strest.influx"
""")
    checked = strest.run("config", "check", tmp_path / "strest.toml")
    assert checked.code == 0 and checked.out.strip().endswith(": good"), checked
    finished = strest.run("--config", tmp_path / "strest.toml")
    assert finished.code == 0 and "warning: sinks.update_interval_ms: 0 is no interval; 1000 is used" in finished.err, finished
    assert bare(samples((tmp_path / "strest.prom").read_text()), "strest_requests_total") == 100
    assert json.loads((tmp_path / "strest.otel.json").read_text())["metrics"][1] == {"name": "strest.requests_total", "value": 100}
    assert influx((tmp_path / "strest.influx").read_text())[1]["total_requests"] == 100
