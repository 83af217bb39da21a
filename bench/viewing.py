"""The table of what the live view costs. Takes a Bench and returns data.

strest runs on a pseudo-terminal that somebody reads all the time, in pairs: with the view and, in turn, without it (--no-tui). It and its reader have no
core of their own: the cost is CPU time of strest's main thread, which draws, in the middle of a run and once the window of the view is full.
"""
import fcntl
import os
import pathlib
import pty
import select
import struct
import subprocess
import termios
import time

import measure
from measure import BenchError, median

PAIRS = 10
FPS = 16
SETTLES = 11  # seconds until a window of 10 s is full
COST = 0.01  # of a core
KEPT = 4 << 20  # bytes of what a terminal got: the result stands at the end
SIZES = ((120, 40), (200, 50))
LOADS = (("rate", ["--rate", "2000", "-m", "256"]), ("full", ["-m", "64", "-r", "64"]))


def main_seconds(pid):
    """CPU seconds of a process's main thread so far."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


class Watched:
    """A strest on a terminal of some size; reads what it draws."""

    def __init__(self, command, columns, rows):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "STREST_LOG", "RUST_LOG")}
        environment |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen([str(word) for word in command], stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True)
        os.close(slave)
        self.drawn = 0  # bytes
        self.text = b""

    def read(self, seconds):
        """Reads for so long, or to its end. Returns whether it goes on."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                break
            try:
                got = os.read(self.master, 65536)
            except OSError:  # nobody has the other side open
                return False
            self.drawn += len(got)
            self.text = (self.text + got)[-KEPT:]
        return self.process.poll() is None

    def tail(self):
        """The end of what it drew."""
        return self.text[-2000:].decode(errors="replace")

    def close(self):
        measure.end(self.process)
        os.close(self.master)


def watch(bench, server, words, size, seconds):
    """One run. Returns the share of a core that its main thread used, requests per second, the p99 of its lateness in us, and bytes drawn per second."""
    run = Watched([*bench.strest.run(server.url(), SETTLES + seconds + 1), *words, "--fps", FPS], *size)
    try:
        if not run.read(SETTLES):
            raise BenchError(f"strest ended early:\n{run.tail()}")
        before, drawn, start = main_seconds(run.process.pid), run.drawn, time.monotonic()
        run.read(seconds)
        cpu, wall = main_seconds(run.process.pid) - before, time.monotonic() - start
        drawn = (run.drawn - drawn) / wall
        limit = time.monotonic() + 30
        while run.read(0.5) and time.monotonic() < limit:
            pass
        if run.process.wait(5) != 0:
            raise BenchError(f"strest ended with {run.process.returncode}:\n{run.tail()}")
    finally:
        run.close()
    text = run.text.decode(errors="replace").replace("\r\n", "\n")
    result = bench.strest.read(text[max(0, text.find('{\n  "schema_version"')):])
    return {"main": cpu / wall, "rps": result["rate"]["achieved_per_s"], "late": result["parts_ns"]["late"]["p99"] / 1e3, "drawn": drawn}


def spread(values):
    """How far the middle half of some figures lies apart: what is within that is noise."""
    ordered = sorted(values)
    return ordered[-1 - len(ordered) // 4] - ordered[len(ordered) // 4]


def check_noise(bench, what, pairs, key, sign):
    """The medians with and without differ by less than runs of one kind differ among themselves. `sign`: 1 if more is worse, else -1."""
    without = [pair["without"][key] for pair in pairs]
    more = median([pair["view"][key] for pair in pairs]) - median(without)
    bench.check(f"{what}, with less without (noise: spread of the runs without)", sign * more, spread(without))


def view(bench):
    """What the live view costs: CPU of the thread that draws, requests per second and lateness, with it and without, on terminals of two sizes."""
    rounds, seconds, data = bench.rounds or PAIRS, bench.seconds or 5, {}
    bench.say(f"{rounds} pairs of {SETTLES + seconds + 1:g} s, {FPS} drawings a second at most")
    for load, words in LOADS:
        for size in SIZES:
            name = f"{load} {size[0]}x{size[1]}"
            pairs = data[name] = []
            with measure.Server(bench.program) as server:
                for index in range(rounds):
                    modes = measure.in_turn((("view", words), ("without", [*words, "--no-tui"])), index)
                    pairs.append({mode: watch(bench, server, its, size, seconds) for mode, its in modes})
    rows = []
    for name, pairs in data.items():
        for mode in ("view", "without"):
            runs = [pair[mode] for pair in pairs]
            middle = {key: median([run[key] for run in runs]) for key in runs[0]}
            rows.append([f"{name}, {mode}", f"{middle['main']:.2%}", f"{middle['rps']:.0f}", f"{middle['late']:.1f} us", f"{middle['drawn'] / 1e3:.0f} kB/s"])
    bench.table(["load, terminal", "main thread", "req/s", "late p99", "drawn"], rows)
    for name, pairs in data.items():
        bench.check(f"{name}: the view's share of a core", median([pair["view"]["main"] - pair["without"]["main"] for pair in pairs]), COST)
        if name.startswith("rate"):
            check_noise(bench, f"{name}: lateness p99 in us", pairs, "late", 1)
        else:
            check_noise(bench, f"{name}: requests per second lost", pairs, "rps", -1)
    return data


TABLES = {"view": view}
