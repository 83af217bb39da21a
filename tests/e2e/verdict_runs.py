#!/usr/bin/env python3
"""Are the verdicts of many runs true? By hand, not a test: tests/e2e/verdict_runs.py [--runs 50] [--seconds 5]

N clean open-loop runs and N against a target that stalls, at a share of the closed-loop maximum, the target on one processor, strest (--threads 1)
on another. Each run prints the causes that were named and what /proc says of that run, read by this program and not by strest: steal
(/proc/stat), the wait of strest's threads for a processor (/proc/PID/task/*/schedstat), throttling (cpu.stat of the cgroup), and pauses: gaps of
50 ms in a thread here that only sleeps. A cause is confirmed when one of them shows it. Exit 1 if any cause was not.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import servers

PAUSE = 0.05
SHARE = 0.005  # of a processor's time: from here on steal or a run queue confirms a cause


def steal_seconds():
    """Steal of all processors."""
    with open("/proc/stat") as f:
        fields = f.readline().split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


def throttled_seconds():
    """The largest from this process's cgroup up to the root; None: no cgroup tells."""
    found = []
    for line in open("/proc/self/cgroup"):
        if not line.startswith("0::"):
            continue
        path = line.strip().split("::", 1)[1]
        for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
            for stat in {os.path.join(root + p, "cpu.stat") for p in [path, *map(str, Path(path).parents)]}:
                if os.path.exists(stat):
                    found += [int(line.split()[1]) / 1e6 for line in open(stat) if line.startswith("throttled_usec")]
    return max(found, default=None)


class Watch:
    """Looks at the machine while a program runs."""

    def __init__(self, pid):
        self.pid, self.waits, self.gaps, self.done = pid, {}, [], threading.Event()
        self.steal, self.throttled = steal_seconds(), throttled_seconds()
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self._sleep, self._poll)]
        self.start = time.monotonic()
        for thread in self.threads:
            thread.start()

    def _sleep(self):
        while not self.done.is_set():
            before = time.monotonic()
            time.sleep(0.005)
            late = time.monotonic() - before - 0.005
            if late >= PAUSE * 0.8:
                self.gaps.append(late)

    def _poll(self):
        while not self.done.is_set():
            for path in glob.glob(f"/proc/{self.pid}/task/*/schedstat"):
                try:
                    self.waits[path] = int(open(path).read().split()[1]) / 1e9
                except (OSError, IndexError):
                    pass
            time.sleep(0.05)

    def end(self):
        wall = time.monotonic() - self.start
        self.done.set()
        for thread in self.threads:
            thread.join()
        throttled = throttled_seconds()
        return {
            "steal": (steal_seconds() - self.steal) / wall,
            "run queue": max(self.waits.values(), default=0) / wall,
            "throttled": (throttled - self.throttled) / wall if throttled is not None and self.throttled is not None else 0,
            "pauses": len(self.gaps),
        }


def run(strest, words, cpu):
    """Runs strest on one processor and returns its result with what /proc said."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([strest, "--json", *map(str, words)], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
                                   preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        watch = Watch(process.pid)
        code = process.wait()
        seen = watch.end()
        out.seek(0)
        if code != 0:
            sys.exit(f"strest {' '.join(map(str, words))}: exit status {code}")
        return json.load(out), seen


def confirmed(cause, seen, machine):
    """Whether what was seen from outside explains a cause."""
    if cause == "ports":
        return machine["no_local_port"] > 0
    if cause == "descriptors":
        return machine["no_descriptor"] > 0
    if cause == "cpu":
        return machine["busiest_cpu"] >= 0.9
    if cause == "throttled":
        return seen["throttled"] > 0
    return seen["steal"] >= SHARE or seen["run queue"] >= SHARE or seen["throttled"] > 0 or seen["pauses"] > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strest", default=os.environ.get("STREST") or str(Path(__file__).resolve().parents[2] / "build" / "strest"))
    parser.add_argument("--runs", type=int, default=50, help="of each kind")
    parser.add_argument("--seconds", type=float, default=5, help="of each run")
    parser.add_argument("--share", type=float, default=0.2, help="of the closed-loop maximum")
    parser.add_argument("--stall", default="200ms/1s")
    args = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        sys.exit("needs two processors")
    unconfirmed = named = 0
    with tempfile.TemporaryDirectory() as folder:

        def target(*more):
            one = servers.Target(args.strest, folder, *more)
            for task in os.listdir(f"/proc/{one.process.pid}/task"):
                os.sched_setaffinity(int(task), {cpus[0]})
            return one

        clean = target()
        most, _ = run(args.strest, ["-u", clean.url + "/", "-m", "64", "-r", "64", "-t", "3s", "--threads", "1"], cpus[1])
        rate = int(most["rate"]["throughput_per_s"] * args.share)
        print(f"closed-loop maximum {most['rate']['throughput_per_s']:.0f}/s; {args.runs} runs of each kind at {rate}/s, {args.seconds} s each")
        stalling = target("--stall", args.stall)
        for kind, server in (("clean", clean), ("stalling", stalling)):
            for number in range(1, args.runs + 1):
                words = ["-u", server.url + "/", "--rate", rate, "-t", f"{args.seconds}s", "--threads", "1"]
                result, seen = run(args.strest, words, cpus[1])
                machine = result["verdict"]["machine"]
                names = [cause["name"] for cause in result["verdict"]["causes"]]
                bad = [name for name in names if not confirmed(name, seen, machine)]
                named += bool(names)
                unconfirmed += len(bad)
                late = result["parts_ns"]["late"]["p99"] or 0
                print(f"{kind} {number}: {', '.join(names) or 'none'}"
                      f"{' NOT CONFIRMED: ' + ', '.join(bad) if bad else ' (confirmed)' if names else ''};"
                      f" late p99 {late / 1e6:.3f} ms; steal {seen['steal']:.2%}, run queue {seen['run queue']:.2%},"
                      f" throttled {seen['throttled']:.2%}, gaps {seen['pauses']}", flush=True)
        clean.close()
        stalling.close()
    print(f"{2 * args.runs} runs, {named} with a cause, {unconfirmed} causes not confirmed")
    return 1 if unconfirmed else 0


sys.exit(main())
