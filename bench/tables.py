"""The tables: what is run, what is compared, what is asked of it. Each takes a Bench and returns what it printed, as data.

Those of connections stand in connecting.py, that of HTTP/2 in streams.py, those of one program before and after a change in keeping.py, of what a run leaves behind in
leaving.py, that of the live view in viewing.py; comparison.py says how rounds are made.
"""
import fractions
import math
import os
import statistics
import tempfile

import connecting
import keeping
import leaving
import measure
import stall
import streams
import tools
import viewing
from comparison import check_ratio, compare, show_comparison
from measure import BenchError, median


def best_of(rounds, *wishes):
    """The round whose worst value, measured against its wish, is the best: wishes are (key, bound)."""
    return min(rounds, key=lambda one: max((one[key] if one[key] is not None else math.inf) / bound for key, bound in wishes))


# speed


def speed(bench):
    """CPU per request and requests per second, beside other load testers and the bare client."""
    rounds, seconds = bench.rounds or 5, bench.seconds or 2
    everybody = [*tools.others(bench.folder), tools.Bare(bench.folder), bench.strest]
    data = {}
    with measure.Server(bench.program) as server:
        bench.say(f"64 connections, {rounds} rounds of {seconds:g} s")
        runs = data["64"] = compare(bench, server, everybody, 64, rounds, seconds)
        show_comparison(bench, runs, "wrk" if "wrk" in runs else "bare")
        check_ratio(bench, runs, "CPU per request, x bare", ("strest", "bare"), "us", 1.06)
        for name, bound in (("wrk", 0.78), ("ab -k", 0.87), ("h2load --h1", 0.72)):
            if name in runs:
                check_ratio(bench, runs, f"CPU per request, x {name}", ("strest", name), "us", bound)
        if "wrk" in runs:
            check_ratio(bench, runs, "requests per second, x wrk", ("strest", "wrk"), "rps", 1.28, least=True)
        few = [tool for tool in everybody if tool.name in ("wrk", "bare", "strest")]
        for connections in (16, 256, 1024):
            bench.say(f"{connections} connections, {rounds} rounds of {seconds:g} s")
            runs = data[str(connections)] = compare(bench, server, few, connections, rounds, seconds)
            show_comparison(bench, runs, "wrk" if "wrk" in runs else "bare")
            if "wrk" in runs:
                check_ratio(bench, runs, f"CPU per request at {connections}, x wrk", ("strest", "wrk"), "us", 0.82)
    return data


def nginx(bench):
    """The same against nginx, a user's view: nginx costs more per request than a good client, so fast clients sleep."""
    rounds, seconds = bench.rounds or 3, bench.seconds or 2
    with measure.Nginx() as server:
        bench.say(f"nginx, one worker, 64 connections, {rounds} rounds of {seconds:g} s")
        runs = compare(bench, server, [*tools.others(bench.folder), tools.Bare(bench.folder), bench.strest], 64, rounds, seconds)
    show_comparison(bench, runs, "wrk" if "wrk" in runs else "bare")
    return runs


def tls(bench):
    """TLS 1.3 with keep-alive: CPU per request beside other load testers, against nginx and against the built-in target."""
    rounds, seconds = bench.rounds or 5, bench.seconds or 2
    insecure = tools.Strest(bench.program, "strest", "--insecure")
    everybody = [*[tool for tool in tools.others(bench.folder) if tool.name in ("wrk", "ab -k", "h2load --h1")], insecure]
    data = {}
    for name, start, bound in (("nginx", lambda: measure.Nginx(tls=True), 0.95), ("target", lambda: measure.Server(bench.program, "--tls"), 0.95)):
        with start() as server:
            bench.say(f"{name}, 64 connections, {rounds} rounds of {seconds:g} s")
            runs = data[name] = compare(bench, server, everybody, 64, rounds, seconds)
        show_comparison(bench, runs, "wrk" if "wrk" in runs else "strest")
        if "wrk" in runs:
            check_ratio(bench, runs, f"CPU per request over TLS against {name}, x wrk", ("strest", "wrk"), "us", bound, sleepers=True)
    return data


def stamps(bench):
    """What the kernel's receive stamps cost: --kernel-stamps sample and all, against off."""
    rounds, seconds = bench.rounds or 8, bench.seconds or 2
    modes = [tools.Strest(bench.program, mode, "--kernel-stamps", mode) for mode in ("off", "sample", "all")]
    with measure.Server(bench.program) as server:
        bench.say(f"64 connections, {rounds} rounds of {seconds:g} s")
        runs = compare(bench, server, modes, 64, rounds, seconds)
    show_comparison(bench, runs, "off")
    check_ratio(bench, runs, "CPU per request with stamps on a sample, x off", ("sample", "off"), "us", 1.04)
    return runs


# schedules


def rate(bench):
    """Is a rate held: planned exactly, achieved as asked."""
    rounds, seconds = bench.rounds or 5, bench.seconds or 2
    shares = (0.1, 0.3, 0.6, 0.9)
    data = {share: [] for share in shares}
    runs = []
    with measure.Server(bench.program) as server:
        bench.say(f"64 connections, {rounds} rounds: the most of a closed loop in {seconds:g} s, then shares of it, {seconds:g} s each")
        for index in range(rounds):
            most = bench.maximum(server, seconds)
            for share in measure.in_turn(shares, index):
                asked = int(most * share)
                command = [*bench.strest.run(server.url(), seconds), "-q", asked, "-m", 64]
                got, result = bench.run(command, seconds, server)
                runs.append(got)
                # k is due at k / rate, from k = 0, before the end
                exact = math.ceil(fractions.Fraction(asked) * fractions.Fraction(f"{round(seconds * 1000)}/1000"))
                achieved = result["rate"]["achieved_per_s"]
                one = {"most": most, "asked": asked, "planned": result["books"]["planned"], "exact": exact, "achieved": achieved}
                data[share].append(one | {"off": abs(achieved / asked - 1), "late_p99": result["parts_ns"]["late"]["p99"]})
    bench.note_noise(runs)
    rows = []
    for share, all_runs in data.items():
        best = min(all_runs, key=lambda one: one["off"])
        offs = [f"{best['off']:.3%}", f"{median([one['off'] for one in all_runs]):.3%}"]
        late = median([one["late_p99"] for one in all_runs])
        rows.append([f"{share:.0%}", f"{best['most']:.0f}", best["asked"], f"{best['achieved']:.1f}", *offs, f"{late / 1e3:.0f}" if late is not None else None])
    bench.table(["share", "most/s", "asked/s", "achieved/s", "off, best", "off, median", "late p99 us"], rows)
    wrong = sum(one["planned"] != one["exact"] for all_runs in data.values() for one in all_runs)
    bench.check("runs whose planned was not exact", wrong, 0)
    for share in shares:
        bench.check(f"rate at {share:.0%}, off by", 100 * min(one["off"] for one in data[share]), 0.5 if share > 0.6 else 0.1, " %")
    return {str(share): all_runs for share, all_runs in data.items()}


def lag(bench):
    """How late requests are sent: asleep and spinning."""
    rounds, seconds = bench.rounds or 5, bench.seconds or 2
    cases = (("asleep", 10000, "off"), ("spinning", 50000, "on"))
    data = {name: [] for name, _, _ in cases}
    runs = []
    with measure.Server(bench.program) as server:
        bench.say(f"128 connections, {rounds} rounds of {seconds:g} s")
        for index in range(rounds):
            for name, asked, spin in measure.in_turn(cases, index):
                command = [*bench.strest.run(server.url(), seconds), "-q", asked, "-m", 128, "--preconnect", 128, "--spin", spin]
                got, result = bench.run(command, seconds, server)
                runs.append(got)
                data[name].append({key: result["parts_ns"]["late"][key] for key in ("p50", "p90", "p99", "p99_9", "max")} | {"cpu": got["busy"]})
    bench.note_noise(runs)
    wishes = {"asleep": (("p50", 30e3), ("p99", 100e3)), "spinning": (("p50", 1e3),)}
    best = {name: best_of(data[name], *wishes[name]) for name in data}
    rows = []
    for name, asked, _ in cases:
        for which, one in (("best", best[name]), ("median", {key: median([r[key] for r in data[name]]) for key in best[name]})):
            values = [microseconds(one[key]) for key in ("p50", "p90", "p99", "p99_9", "max")]
            rows.append([f"{name} at {asked}/s, {which}", *values, f"{one['cpu']:.0%}"])
    bench.table(["late, us", "p50", "p90", "p99", "p99.9", "max", "client CPU"], rows)
    for name, _, _ in cases:
        for key, bound in wishes[name]:
            value = best[name][key]
            bench.check(f"late {name}, {key}", None if value is None else value / 1e3, bound / 1e3, " us")
    return data


# Half load is half of what a closed loop of so many connections reaches. Neither side sleeps where the error itself is asked for: a wake-up of the
# target before it stamps a request would count as strest's. The rows with --spin off show what sleeping adds; nothing is asked of them.
TRUTH_CASES = [(delay, 64, spin) for delay in ("0.1ms", "0.5ms", "5ms") for spin in ("on", "off")]


def truth(bench):
    """strest's own error: what it measured, less what the target says it took, at half of the most."""
    rounds, seconds = bench.rounds or 3, bench.seconds or 2
    data = {case: [] for case in TRUTH_CASES}
    runs = []
    with measure.Server(bench.program, "--spin") as server:
        bench.say(f"half of the most of a closed loop, {rounds} rounds of {seconds:g} s")
        for index in range(rounds):
            half = {}
            for case in measure.in_turn(TRUTH_CASES, index):
                delay, connections, spin = case
                path = f"/delay/{delay}"
                if case[:2] not in half:
                    half[case[:2]] = int(bench.maximum(server, seconds / 2, path, connections) / 2)
                asked = half[case[:2]]
                shape = ["-q", asked, "-m", connections, "--preconnect", connections]
                got, result = bench.run([*bench.strest.run(server.url(path), seconds), *shape, "--truth", "--spin", spin], seconds, server)
                runs.append(got)
                error = {key: result["own_error_ns"][key] for key in ("count", "p50", "p90", "p99", "max")}
                data[case].append(error | {"rate": asked, "ran": result["run"]["spin"], "late_p50": result["parts_ns"]["late"]["p50"]})
    bench.note_noise(runs)
    show_truth(bench, data)
    return {" ".join(map(str, case)): all_runs for case, all_runs in data.items()}


def microseconds(value):
    return None if value is None else f"{value / 1e3:.1f}"


def show_truth(bench, data):
    rows, best = [], {}
    for case, all_runs in data.items():
        best[case] = one = best_of(all_runs, ("p50", 30e3), ("p99", 80e3))
        values = [microseconds(one[key]) for key in ("p50", "p90", "p99", "max")]
        middle = [microseconds(median([run[key] for run in all_runs])) for key in ("p50", "p99")]
        rows.append(["{}, {}, --spin {}".format(*case), one["rate"], one["count"], *values, *middle])
    bench.table(["own error, us; delay, connections", "asked/s", "count", "p50", "p90", "p99", "max", "p50 median", "p99 median"], rows)
    for case, one in best.items():
        for key, bound in (("p50", 30), ("p99", 80)) if case[2] == "on" else ():
            what = "own error, {}, {} connections, --spin {}, ".format(*case) + key
            bench.check(what, None if one[key] is None else one[key] / 1e3, bound, " us")


# a server that stands still

STALL_RATE = 997
STALL_DELAY = 0.005


def stall_run(bench, connections, seconds):
    """One run against a target that stands still 200 ms of every second; its truth is simulated from the target's record."""
    with tempfile.TemporaryDirectory(prefix="bench-stall-") as folder:
        path = os.path.join(folder, "record")
        with measure.Server(bench.program, "--stall", "200ms/1s", "--record", path) as server:
            command = [*bench.strest.run(server.url("/delay/5ms"), seconds), "-q", STALL_RATE, "-m", connections]
            got, result = bench.run(command, seconds, server)
        record = stall.Record.read(path)
    books = result["books"]
    if record.requests != books["planned"] or books["ok"] != books["planned"]:
        raise BenchError(f"the target counted {record.requests} requests, strest says {books}")
    responses, waits = stall.simulate(record, STALL_RATE, books["planned"], connections, STALL_DELAY)
    measured, parts = result["response_ns"]["all"], result["parts_ns"]
    one = {"connections": connections, "others": got["others"], "stalls": len(record.windows)}
    for key, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)):
        real = stall.percentile(responses, share) * 1e3
        one[key] = {"truth": real, "measured": measured[key] / 1e6, "off": measured[key] / 1e6 - real}
    one["waited_truth"] = statistics.mean(waits) * 1e3
    one |= {f"{part}_mean": parts[part]["mean"] / 1e6 for part in ("blocked", "late", "connect", "write", "wait")}
    return one | {"late_p99": (parts["late"]["p99"] or 0) / 1e6}


def stall_table(bench):
    """A server that stands still 200 ms of every second: is it all seen, and told as what it was?"""
    rounds, seconds = bench.rounds or 1, max(bench.seconds or 10, 3)
    stall.prove()
    bench.say(f"{STALL_RATE}/s, answers after 5 ms, stalls of 200 ms each second, {rounds} x {seconds:g} s per row")
    data = [stall_run(bench, connections, seconds) for _ in range(rounds) for connections in (256, 64)]
    bench.note_noise(data)
    rows = []
    for one in data:
        for key in ("p50", "p90", "p99", "max"):
            at = one[key]
            share = at["off"] / at["truth"]
            rows.append([f"-m {one['connections']}, {key}", f"{at['truth']:.3f}", f"{at['measured']:.3f}", f"{at['off']:+.3f}", f"{share:+.2%}"])
    bench.table(["response, ms", "truth", "measured", "off", "off, share"], rows)
    parts = [[f"-m {one['connections']}", f"{one['waited_truth']:.3f}", *[f"{one[key]:.3f}" for key in ("blocked_mean", "late_mean", "late_p99")]] for one in data]
    bench.table(["waiting for a connection, ms", "truth, mean", "blocked, mean", "late, mean", "late, p99"], parts)
    for one in data:
        name = f"stall, -m {one['connections']}"
        bench.check(f"{name}: p50 off by", abs(one["p50"]["off"]), 0.3, " ms")
        for key, bound in (("p90", 3), ("p99", 2), ("max", 2)):
            bench.check(f"{name}: {key} off by", 100 * abs(one[key]["off"]) / one[key]["truth"], bound, " %")
        if one["waited_truth"] > 0.5:
            bench.check(f"{name}: blocked, mean, off by", 100 * abs(one["blocked_mean"] / one["waited_truth"] - 1), 3, " %")
            bench.check(f"{name}: late, of blocked + late", 100 * one["late_mean"] / (one["blocked_mean"] + one["late_mean"]), 1, " %")
    return data


# the program itself


def memory(bench):
    """Private memory at 10,000 connections, one worker, all of them active."""
    connections, seconds = 10000, max(bench.seconds or 3, 3)
    if measure.raise_files() < connections + 100:
        raise BenchError(f"{connections} connections need more open files than the limit (ulimit -n)")
    rows, data = [], {}
    clients = [bench.strest, tools.Bare(bench.folder), *[tool for tool in tools.others(bench.folder) if tool.name == "wrk"]]
    with measure.Server(bench.program) as server:
        bench.say(f"RssAnon, highest seen in {seconds:g} s")
        for client in clients:
            for count in (100, connections):
                got = measure.measure(client.command(server.url(), count, seconds), seconds, server, watch={"rss": measure.rss_anon})
                if got["status"] != 0:
                    raise BenchError(f"{client.name} ended with {got['status']}:\n{got['text'][-2000:]}")
                data[client.name, count] = got["rss"] / 1e6
                if client is bench.strest:
                    result = client.read(got["text"])
                    if result["connections"]["opened"] < count or result["books"]["failed"] > 0:
                        raise BenchError(f"not all of {count} connections worked: {result['connections']} {result['errors']}")
            few, many = data[client.name, 100], data[client.name, connections]
            rows.append([client.name, f"{few:.1f}", f"{many:.1f}", f"{(many - few) * 1e6 / (connections - 100):.0f}"])
    bench.table(["MB", "100 connections", f"{connections} connections", "bytes each"], rows)
    bench.check(f"RssAnon at {connections} connections", data["strest", connections], 15, " MB")
    return {f"{name} {count}": value for (name, count), value in data.items()}


def startup(bench):
    """How long a run of one request takes, from the launch to the end of the program."""
    rounds = bench.rounds or 20
    with measure.Server(bench.program) as server:
        once = [bench.program, "-u", server.url(), "--requests", 1, "-m", 1, "-t", "1s", "--json", "--no-charts"]
        cases = {"--version": [bench.program, "--version"], "one request": once, "with charts": [*once[:-1], "--charts-path", bench.folder / "charts"]}
        data = {name: [measure.measure(command, 1) for _ in range(rounds)] for name, command in cases.items()}
    for runs in data.values():
        for got in runs:
            got.pop("text")
    rows = [[name, f"{median([r['wall'] for r in runs]) * 1e3:.1f}", f"{median([r['cpu'] for r in runs]) * 1e3:.1f}"] for name, runs in data.items()]
    bench.table(["ms", "wall", "CPU"], rows)
    bench.say(f"  the program has {os.path.getsize(bench.program) / 1e6:.2f} MB")
    bench.check("one request, launch to end, median", median([r["wall"] for r in data["one request"]]) * 1e3, 60, " ms")
    return data


TABLES = {"speed": speed, "tls": tls, "stamps": stamps, "rate": rate, "lag": lag, "truth": truth, "stall": stall_table, "memory": memory, "startup": startup, "nginx": nginx}
TABLES |= connecting.TABLES | keeping.TABLES | leaving.TABLES | streams.TABLES | viewing.TABLES
USUAL = [name for name in TABLES if name not in ("nginx", "old")]
