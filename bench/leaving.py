"""The tables of what a run leaves behind: what logging every request costs, what charts and sinks cost, how fast exports are made of the log and in how much memory. Each takes a Bench and returns data."""
import pathlib
import tempfile

import measure
import tools
from comparison import check_ratio, compare, show_comparison

ROUNDS = 10
MEMORY_MB = 64
RECORDS_PER_SECOND = 1_000_000


def log(bench):
    """CPU per request with a log of every request, against the same run without."""
    rounds, seconds = bench.rounds or ROUNDS, bench.seconds or 3
    with tempfile.TemporaryDirectory(prefix="bench-log-", dir=bench.folder) as folder, measure.Server(bench.program) as server:
        modes = [tools.Strest(bench.program, "without"), tools.Strest(bench.program, "log", "--keep-tmp", "--tmp-path", folder)]
        bench.say(f"64 connections, {rounds} rounds of {seconds:g} s")
        runs = compare(bench, server, modes, 64, rounds, seconds)
    show_comparison(bench, runs, "without")
    check_ratio(bench, runs, "CPU per request with a log, x without", ("log", "without"), "us", 1.04)
    return runs


def sinks(bench):
    """CPU per request with charts and all sinks, against a run that leaves nothing; the charts are the same work however long a run lasts."""
    rounds, seconds = bench.rounds or 3, bench.seconds or 20
    with tempfile.TemporaryDirectory(prefix="bench-sinks-", dir=bench.folder) as folder, measure.Server(bench.program) as server:
        files = [word for name in ("prometheus", "otel", "influx") for word in (f"--sink-{name}", f"{folder}/{name}")]
        both = tools.Strest(bench.program, "charts and sinks", "--charts-path", f"{folder}/charts", "--sink-listen", "127.0.0.1:0", *files)
        both.quiet = []
        bench.say(f"64 connections, {rounds} rounds of {seconds:g} s")
        runs = compare(bench, server, [tools.Strest(bench.program, "without"), both], 64, rounds, seconds)
    show_comparison(bench, runs, "without")
    check_ratio(bench, runs, "CPU per request with charts and sinks, x without", ("charts and sinks", "without"), "us", 1.06)
    return runs


def exports(bench):
    """Records a second of a CSV export, and the memory that it takes above the run's own."""
    seconds = bench.seconds or 40
    with tempfile.TemporaryDirectory(prefix="bench-exports-", dir=bench.folder) as folder, measure.Server(bench.program) as server:
        data = {}
        for name, words in (("log", ["--keep-tmp"]), ("csv", ["--export-csv", f"{folder}/a.csv", "--metrics-max", 10**9])):
            strest = tools.Strest(bench.program, name, "--tmp-path", f"{folder}/tmp", *words)
            got = measure.measure(strest.command(server.url(), 64, seconds), seconds, server, {"memory": measure.rss_anon})
            requests = strest.requests(got.pop("text"))
            data[name] = {**got, "requests": requests}
            for path in pathlib.Path(folder).glob("tmp/metrics-*"):
                path.unlink()
    more_seconds = data["csv"]["wall"] - data["log"]["wall"]
    rows = [[name, one["requests"], f"{one['wall']:.1f} s", f"{one['memory'] / 1e6:.0f} MB"] for name, one in data.items()]
    bench.table(["run", "requests", "took", "memory"], rows)
    bench.check("records a second of a CSV export", data["csv"]["requests"] / more_seconds, RECORDS_PER_SECOND, least=True)
    bench.check("memory above the run's own", (data["csv"]["memory"] - data["log"]["memory"]) / 1e6, MEMORY_MB, " MB")
    return data


TABLES = {"log": log, "sinks": sinks, "exports": exports}
