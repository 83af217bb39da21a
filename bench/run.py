"""Compares strest with other load testers, a bare client and an older strest, and measures what it promises about its own precision.

The server is `strest target` on the first core, the client runs on the second. Figures mean something on a quiet machine only; others' use of the
client's core is shown. Results are printed and written to bench/TABLE.json in the build folder. Exit status 0 whatever they are, unless --strict.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import sys
import time

sys.dont_write_bytecode = True

import comparison  # noqa: E402
import measure  # noqa: E402
import tables  # noqa: E402


def take_old(parser, words):
    """Takes the program behind the word `old` out of the names of tables. Returns it, or None."""
    if "old" not in words:
        return None
    at = words.index("old") + 1
    if at == len(words) or not os.access(words[at], os.X_OK) or os.path.isdir(words[at]):
        parser.error("old wants the program to compare with, such as: script/bench old OTHER/build/strest")
    return pathlib.Path(words.pop(at)).resolve()


def read_arguments():
    summaries = [f"  {name:11} {table.__doc__.strip()}" for name, table in tables.TABLES.items()]
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(["tables:", *summaries, "", "Behind `old` stands the older program. oha, k6 and vegeta join if they are on the PATH."]),
    )
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"one or more of {' '.join(tables.TABLES)} (default: all but nginx and old)")
    parser.add_argument("--rounds", type=int, help="rounds of each table (default: its own)")
    parser.add_argument("--seconds", type=float, help="length of each run (default: the table's own)")
    parser.add_argument("--strict", action="store_true", help="exit status 1 if anything was missed")
    parser.add_argument("--program", default=measure.TOP / "build" / "strest", type=pathlib.Path, help="the strest to measure (default: build/strest)")
    arguments = parser.parse_args()
    arguments.old = take_old(parser, arguments.tables)
    unknown = [name for name in arguments.tables if name not in tables.TABLES]
    if unknown:
        parser.error(f"no such table: {' '.join(unknown)}")
    if (arguments.rounds is not None and arguments.rounds < 1) or (arguments.seconds is not None and arguments.seconds < 0.5):
        parser.error("--rounds must be at least 1, --seconds at least 0.5")
    if not os.access(arguments.program, os.X_OK):
        parser.error(f"{arguments.program} is not there: script/build makes it")
    return arguments


def describe_machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    moment = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()[0], "when": moment}


def run_table(name, bench, machine):
    bench.say()
    bench.say(f"{name}: {tables.TABLES[name].__doc__.strip()}")
    before, start = len(bench.checks), time.monotonic()
    problem = data = None
    try:
        data = tables.TABLES[name](bench)
    except (measure.BenchError, OSError, KeyError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
        bench.say(f"  FAILED  {problem}")
        bench.checks.append({"what": name, "ok": False, "problem": problem})
    bench.say(f"  ({time.monotonic() - start:.0f} s)")
    result = {"table": name, "machine": machine, "rounds": bench.rounds, "seconds": bench.seconds, "checks": bench.checks[before:], "data": data}
    (bench.folder / f"{name}.json").write_text(json.dumps(result | {"problem": problem}, indent=1) + "\n", encoding="utf-8")


def main():
    arguments = read_arguments()
    measure.raise_files()
    bench = comparison.Bench(arguments.program.resolve(), arguments.rounds, arguments.seconds, arguments.old)
    machine = describe_machine()
    server, client = measure.cores()
    bench.say(f"{machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}, load {machine['load']:.2f}, {machine['when']}")
    bench.say(f"server on core {server}, client on core {client}; busy: the client's CPU time of its wall time; refused: rounds under {measure.BUSY_ENOUGH:.0%}")
    for name in arguments.tables or tables.USUAL:
        run_table(name, bench, machine)
    missed = [check["what"] for check in bench.checks if not check["ok"]]
    bench.say()
    bench.say(f"{len(bench.checks) - len(missed)} ok, {len(missed)} missed{': ' + '; '.join(missed) if missed else ''}")
    bench.say(f"details: {os.path.relpath(bench.folder)}/*.json")
    return 1 if missed and arguments.strict else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except measure.BenchError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
