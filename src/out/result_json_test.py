#!/usr/bin/python3
"""Checks what result_json.c writes: its values, and the whole against docs/schema/result.json.

In: the schema's path, a program that prints a result for each name it knows. Out: TAP; exit 0 if everything holds.
The values are worked out by hand from the runs that report_sample.c makes up.
Also checked: the schema refuses a result that lacks a key or has one more, so that it cannot pass by allowing everything.
"""
import copy
import json
import subprocess
import sys

import jsonschema

KINDS = ["open", "closed", "truth", "aborted", "ways", "empty", "script", "fleet"]

# kind, path, value. In "open" 1890 requests are ok: ten each of 5.00, 5.01, ... 6.88 ms. Percentiles read the top of their slot of 4,096 ns.
VALUES = [
    ("open", "schema_version", 1),
    ("open", "run.id", "01234567-89ab-4cde-8f01-23456789abcd"),
    ("open", "run.start", "2026-01-01T00:00:00.123Z"),
    ("open", "run.target", "http://127.0.0.1:3000/"),
    ("open", "run.method", "GET"),
    ("open", "run.expected_status", "200"),
    ("open", "run.model", "open"),
    ("open", "run.arrival", "even"),
    ("open", "run.duration_ns", 10_000_000_000),
    ("open", "run.window_ns", 10_000_000_000),
    ("open", "run.requests", None),
    ("open", "run.ended_by", "duration"),
    ("open", "run.spin", "off"),
    ("open", "run.ended_by_threshold", None),
    ("open", "run.kernel_stamps", "sample"),
    ("open", "run.truth", False),
    ("open", "run.urls", None),
    ("open", "run.proxy", None),
    ("open", "run.unix_socket", None),
    ("open", "run.sources", None),
    ("open", "run.keepalive", True),
    ("open", "run.requests_per_connection", None),
    ("open", "run.compressed", False),
    ("open", "run.redirect", 10),
    ("closed", "run.unix_socket", "/run/web.sock"),
    ("closed", "run.keepalive", False),
    ("closed", "run.redirect", 0),
    ("ways", "run.target", "150 URLs from urls.txt"),
    ("ways", "run.urls", 150),
    ("ways", "run.proxy", "http://proxy:3128 (HTTP_PROXY)"),
    ("ways", "run.sources", 3),
    ("ways", "run.requests_per_connection", 5),
    ("ways", "run.compressed", True),
    ("open", "verdict.limited_by", "paused"),  # 203 ms of 10 s; three of 1,985 connections
    ("open", "verdict.causes.0.name", "paused"),
    ("open", "verdict.causes.1.name", "ports"),
    ("open", "verdict.causes.1.text", "ports: no local port was free for 3 connections: --bind more local addresses, each has some 28,000 ports"),
    ("open", "verdict.causes.2", "missing"),
    ("open", "verdict.notes.0", "strest's own queue is 17 % of the service time (p50 1.00 ms of 5.98 ms)"),  # ten resets, then rank 983 of the ok ones
    ("open", "verdict.machine", {"wall_ns": 10_000_000_000, "run_queue_ns": 12_000_000, "throttled_ns": None, "steal_ns": 34_000_000,
                                 "pauses": 1, "longest_pause_ns": 203_000_000, "no_local_port": 3, "no_descriptor": 0, "busiest_cpu": 0.34,
                                 "cpus": 2}),
    ("open", "thresholds.0", {"rule": "p50<10ms", "metric": "p50", "stage": None, "step": None, "iterations": False, "unit": "ns", "limit": 10_000_000, "value": 5_992_447,
                              "passed": True, "few_samples": False}),
    ("open", "thresholds.1", {"rule": "p99<250ms", "metric": "p99", "stage": None, "step": None, "iterations": False, "unit": "ns", "limit": 250_000_000, "value": "never",
                              "passed": False, "few_samples": False}),
    ("open", "thresholds.2.metric", "p99.9"),
    ("open", "thresholds.2.few_samples", True),
    ("open", "thresholds.3", {"rule": "errors<=5.5%", "metric": "errors", "stage": None, "step": None, "iterations": False, "unit": "share", "limit": 0.055, "value": 0.055,
                              "passed": True, "few_samples": False}),
    ("open", "thresholds.4", {"rule": "errors<100", "metric": "errors", "stage": None, "step": None, "iterations": False, "unit": "count", "limit": 100, "value": 110,
                              "passed": False, "few_samples": False}),
    ("open", "thresholds.5.unit", "per_second"),
    ("open", "thresholds.5.value", 198),
    ("open", "thresholds.5.passed", True),
    ("open", "thresholds.6", {"rule": "stage.2.p90<6.8ms", "metric": "p90", "stage": 2, "step": None, "iterations": False, "unit": "ns", "limit": 6_800_000, "value": 6_783_999,
                              "passed": True, "few_samples": False}),  # rank 893 of 992: 6.78 ms, in the slot up to 6.784
    ("open", "thresholds.7", {"rule": "stage.3.max<1s", "metric": "max", "stage": 3, "step": None, "iterations": False, "unit": "ns", "limit": 1_000_000_000, "value": None,
                              "passed": False, "few_samples": False}),
    ("open", "thresholds.8", "missing"),
    ("aborted", "run.ended_by", "threshold"),
    ("aborted", "run.ended_by_threshold", "p50<10ms"),
    ("aborted", "thresholds.0.passed", False),
    ("open", "books", {"planned": 2000, "ok": 1890, "failed": 90, "open": 5, "unsent": 15, "attempts": 2010, "attempts_warmup": 20,
                       "retries": 5, "hops": 7, "lost": 12, "balanced": True}),
    ("open", "rate", {"asked_per_s": 100, "achieved_per_s": 198.5, "throughput_per_s": 198}),
    ("open", "response_ns.ok.count", 1890),
    ("open", "response_ns.ok.min", 5_000_000),
    ("open", "response_ns.ok.mean", 5_940_000),
    ("open", "response_ns.ok.p50", 5_943_295),  # rank 945: 5.94 ms
    ("open", "response_ns.ok.p99_9", None),
    ("open", "response_ns.ok.max", 6_880_000),
    ("open", "response_ns.all.count", 1985),
    ("open", "response_ns.all.min", 3_000_000),
    ("open", "response_ns.all.max", 10_000_000_000),
    ("open", "response_ns.slo.count", 2000),
    ("open", "response_ns.slo.never", 110),
    ("open", "response_ns.slo.p50", 5_992_447),  # rank 1000: 5.99 ms
    ("open", "response_ns.slo.p90", 6_791_167),  # rank 1800: 6.79 ms
    ("open", "response_ns.slo.p95", "never"),  # rank 1900
    ("open", "response_ns.slo.p99", "never"),
    ("open", "response_ns.slo.p99_9", None),
    ("open", "service_ns.all.max", 10_000_000_000),
    ("open", "service_ns.ok.p50", 5_943_295),
    ("open", "parts_ns.wait.count", 1985),
    ("open", "parts_ns.dns.count", 1985),
    ("open", "parts_ns.dns.p99", 0),
    ("open", "longest_gap_ns", 204_000_000),
    ("open", "status", {"0": 35, "200": 1890, "503": 60}),
    ("open", "errors", {"timeout": {"response": 20, "open": 5}, "reset": {"reset": 10}, "status": {"unexpected": 60}}),
    ("open", "bytes", {"sent": 123456, "received": 7654321}),
    ("open", "connections.opened", 70),
    ("open", "protocol", {"asked": "http/1.1", "streams": 1, "connections": {"http/1.1": 70, "h2": 0}, "fell_back": 0, "stream_limit": None,
                          "goaways": 0, "unprocessed": 0}),
    ("ways", "protocol", {"asked": "either", "streams": 10, "connections": {"http/1.1": 4, "h2": 66}, "fell_back": 4, "stream_limit": 8,
                          "goaways": 2, "unprocessed": 11}),
    ("open", "connections.opened_per_s", 6.8),
    ("open", "connections.connect_failed", 3),
    ("open", "connections.handshakes_full", 40),
    ("open", "connections.handshakes_resumed", 30),
    ("open", "connections.handshakes_failed", 3),
    ("open", "tls", {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "verified": True, "handshakes_per_s": 6.5}),
    ("open", "bodies", None),
    ("ways", "bodies", {"encoded_bytes": 1_200_000, "decoded_bytes": 5_640_000}),
    ("open", "outside_ns.count", 120),
    ("open", "outside_ns.max", 5_000_000),
    ("open", "client_queue_ns.p50", 1_000_000),
    ("open", "client_queue_ns.p99", None),
    ("open", "connections.closed", {"by_peer": 4, "by_us": 2, "at_end": 64}),
    ("open", "connections.per_address.1", {"address": "[::1]:3000", "opened": 30, "ok": 945, "failed": 45, "open": 2, "bytes": 0}),
    ("open", "connections.per_address.2", "missing"),
    ("ways", "connections.per_address.2", {"address": "elsewhere", "opened": 3, "ok": 0, "failed": 0, "open": 0, "bytes": 0}),
    ("ways", "groups.5.name", "elsewhere"),
    ("ways", "groups.6.by", "stage"),
    ("open", "urls", []),
    ("ways", "urls.0", {"name": "GET http://127.0.0.1:3000/item/007", "urls": 1, "ok": 20, "failed": 4, "open": 0, "bytes": 2400,
                        "response_ns": {"mean": 7_000_000, "p50": 8_000_000, "p99": None, "max": 8_000_000}}),
    ("ways", "urls.1.name", "GET http://127.0.0.1:3000/item/149"),
    ("ways", "urls.1.response_ns", {"mean": 150_000_000, "p50": 150_000_000, "p99": None, "max": 150_000_000}),
    ("ways", "urls.99.name", "GET http://127.0.0.1:3000/item/051"),
    # 1 .. 51 ms without 8; rank 500 of 1,000 is of the 25th, 26 ms, in the slot of 25,600 .. 26,623 us
    ("ways", "urls.100", {"name": "others", "urls": 50, "ok": 1000, "failed": 0, "open": 0, "bytes": 100_000,
                          "response_ns": {"mean": 26_360_000, "p50": 26_623_999, "p99": 51_000_000, "max": 51_000_000}}),
    ("ways", "urls.101", "missing"),
    ("open", "series.width_ns", 10_000_000_000),
    ("open", "series.slots.0.ok", 1890),
    ("open", "series.slots.0.failed", 90),
    ("open", "series.slots.0.sent", 1985),
    ("open", "series.slots.0.max_ns", 10_000_000_000),
    ("open", "groups.5.by", "stage"),
    ("open", "groups.5.name", "1"),
    ("open", "groups.5.ok", 945),
    ("open", "groups.5.failed", 45),
    ("open", "groups.5.open", 3),
    ("open", "groups.5.response_ns.count", 993),
    ("open", "groups.5.slo_ns.count", 993),
    ("open", "groups.5.slo_ns.never", 48),
    ("open", "groups.5.slo_ns.p99", None),
    ("open", "groups.5.slo_ns.p95", 6_880_000),  # rank 944 of 993, and 945 are ok: the longest
    ("open", "groups.0.slo_ns", None),
    ("open", "groups.2.name", "reused"),
    ("open", "client", {"busiest_worker_busy": 0.34, "spun_ns": 3_000_000_000}),
    ("open", "iterations", None),
    ("open", "scenarios", []),
    ("open", "steps", []),
    ("script", "books.planned", 407),
    ("script", "books.balanced", True),
    ("script", "rate.asked_per_s", None),
    ("script", "iterations.asked_per_s", 100),
    ("script", "iterations.steps_mean", 1.5),
    ("script", "iterations.planned", 310),
    ("script", "iterations.ok", 294),
    ("script", "iterations.failed", 5),
    ("script", "iterations.open", 1),
    ("script", "iterations.unsent", 10),
    ("script", "iterations.success", 0.983277591973),  # 294 / 299
    ("script", "iterations.duration_ns.count", 299),
    ("script", "iterations.duration_ns.min", 5_000_000),
    ("script", "iterations.duration_ns.p75", 1_003_519_999),  # rank 225 is of 1 s, in the slot of 999,424 .. 1,003,519 us
    ("script", "iterations.duration_ns.p95", 1_003_519_999),  # rank 285 of 299, and 285 are at most 1 s
    ("script", "iterations.duration_ns.p99", None),
    ("script", "iterations.duration_ns.max", 2_000_000_000),
    ("script", "iterations.balanced", True),
    ("script", "scenarios.0.name", "buy"),
    ("script", "scenarios.0.planned", 110),
    ("script", "scenarios.0.unsent", 10),
    ("script", "scenarios.0.duration_ns.mean", 1_116_161_616.16),  # (80 + 28 + 2.5) s / 99
    ("script", "scenarios.1.success", 1),
    ("script", "scenarios.1.duration_ns.count", 200),
    ("script", "scenarios.2", "missing"),
    ("script", "steps.0.name", "buy/login"),
    ("script", "steps.0.planned", 110),
    ("script", "steps.0.ok", 96),
    ("script", "steps.0.failed", 4),
    ("script", "steps.0.open", 0),
    ("script", "steps.0.unsent", 10),
    ("script", "steps.0.errors", {"status": {"unexpected": 3}, "assert": {"body": 1}}),
    ("script", "steps.0.response_ns.count", 100),
    ("script", "steps.0.response_ns.max", 30_000_000),
    ("script", "steps.0.slo_ns.count", 110),
    ("script", "steps.0.slo_ns.never", 14),
    ("script", "steps.0.slo_ns.p75", 20_000_000),  # rank 83: the longest of the ok ones
    ("script", "steps.0.slo_ns.p90", "never"),  # rank 99
    ("script", "steps.1.name", 'buy/put something into the basket, then look, "again", at all that is in there now'),
    ("script", "steps.1.errors", {"timeout": {"open": 1}, "assert": {"extract": 1}}),
    ("script", "steps.2.errors", {}),
    ("script", "steps.3", "missing"),
    ("script", "groups.8", "missing"),
    ("script", "thresholds.0", {"rule": "step.buy/login.p90<30ms", "metric": "p90", "stage": None, "step": "buy/login", "iterations": False,
                                "unit": "ns", "limit": 30_000_000, "value": "never", "passed": False, "few_samples": False}),
    ("script", "thresholds.1", {"rule": "iteration.errors<1%", "metric": "errors", "stage": None, "step": None, "iterations": True,
                                "unit": "share", "limit": 0.01, "value": 0.0485436893204, "passed": False, "few_samples": False}),  # 15 / 309
    ("closed", "run.model", "closed"),
    ("closed", "run.arrival", None),
    ("closed", "rate.asked_per_s", None),
    ("truth", "own_error_ns.count", 1000),
    ("truth", "own_error_ns.p99", 12_000),
    ("truth", "own_error_ns.p99_9", None),
    ("open", "fleet", None),
    ("fleet", "fleet.expected", 2),
    ("fleet", "fleet.reported", 1),
    ("fleet", "fleet.partial", True),
    ("fleet", "fleet.start_spread_ns", 150_000),
    ("fleet", "fleet.clock_doubt_ns", 80_000),
    ("fleet", "fleet.errors", ["agent 'a2' is lost"]),
    ("fleet", "fleet.agents.0", {
        "id": "a1", "hostname": "east", "weight": 1, "state": "reported", "early": False, "reason": None, "last_heard_ns": None,
        "clock_offset_ns": -63494, "started_late_ns": 1000, "errors": ["3 requests are not in the log"], "figures": {
            "planned": 20, "ok": 10, "failed": 5, "open": 3, "unsent": 2, "throughput_per_s": 1.5, "response_ns": {"p50": 5_000_000, "p99": None},
            "late_ns": {"p50": 1000, "p99": 2000}, "limited_by": "cpu",
            "causes": [{"name": "cpu", "text": "cpu: it was busy"}, {"name": "late", "text": "late: it was"}]}}),
    ("fleet", "fleet.agents.1", {
        "id": "a2", "hostname": "west", "weight": 2, "state": "lost", "early": False, "reason": "silent for 3 s", "last_heard_ns": 4_000_000_000,
        "clock_offset_ns": 0, "started_late_ns": 0, "errors": [], "figures": None}),
    ("fleet", "fleet.agents.2", "missing"),
    ("empty", "response_ns.all.count", 0),
    ("empty", "response_ns.all.min", None),
    ("empty", "response_ns.all.mean", None),
    ("empty", "response_ns.all.p50", None),
    ("empty", "response_ns.all.max", None),
    ("empty", "verdict", {"limited_by": "none", "causes": [], "notes": [], "machine": {
        "wall_ns": 0, "run_queue_ns": None, "throttled_ns": None, "steal_ns": None, "pauses": 0, "longest_pause_ns": 0, "no_local_port": 0,
        "no_descriptor": 0, "busiest_cpu": None, "cpus": None}}),
    ("empty", "thresholds", []),
    ("empty", "tls", None),
    ("empty", "client_queue_ns.max", None),
    ("empty", "status", {}),
    ("empty", "errors", {}),
]


def objects(tree, path=()):
    """All objects in a tree with their paths."""
    if isinstance(tree, dict):
        yield path, tree
        for key, value in tree.items():
            yield from objects(value, path + (key,))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from objects(value, path + (index,))


def at(tree, path):
    for step in path:
        tree = tree[step]
    return tree


def trimmed(tree):
    """The tree with the first and the last of each list only: the others are like them."""
    if isinstance(tree, dict):
        return {key: trimmed(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [trimmed(value) for value in (tree if len(tree) < 3 else [tree[0], tree[-1]])]
    return tree


def holes(validator, result):
    """Places where a missing or an additional key goes unnoticed."""
    found = []
    result = trimmed(result)
    for path, node in objects(result):
        if path[:1] == ("status",) or "errors" in path:
            continue  # their keys are data
        changed = copy.deepcopy(result)
        at(changed, path)["surplus"] = 1
        if validator.is_valid(changed):
            found.append(f"surplus key in {path}")
        for key in node:
            changed = copy.deepcopy(result)
            del at(changed, path)[key]
            if validator.is_valid(changed):
                found.append(f"missing key {path + (key,)}")
    return found


def value(tree, path):
    """What stands at "a.b.0", or the text "missing"."""
    for step in path.split("."):
        try:
            tree = tree[int(step)] if isinstance(tree, list) else tree[step]
        except (KeyError, IndexError):
            return "missing"
    return tree


def report(number, problems, words):
    """Prints one TAP line; returns whether it is good."""
    print(f"{'not ok' if problems else 'ok'} {number} - {words}")
    for problem in problems:
        print("# " + problem)
    return not problems


def main():
    schema = json.load(open(sys.argv[1], encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    results = {kind: json.loads(subprocess.run([sys.argv[2], kind], capture_output=True, check=True).stdout) for kind in KINDS}
    print(f"1..{len(KINDS) + 2}")
    good = True
    for number, kind in enumerate(KINDS, 1):
        problems = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(results[kind])]
        good &= report(number, problems, f"a result of kind {kind} fits the schema")
    good &= report(len(KINDS) + 1, [hole for kind in ("truth", "ways", "script", "fleet") for hole in holes(validator, results[kind])], "the schema requires every key and allows no other")
    wrong = [f"{kind} {path}: {value(results[kind], path)!r}, not {want!r}" for kind, path, want in VALUES if value(results[kind], path) != want]
    good &= report(len(KINDS) + 2, wrong, "the values are those of the run")
    return 0 if good else 1


sys.exit(main())
