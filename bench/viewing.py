"""The table of what the live view costs. Takes a Bench and returns data.

strest runs on a pseudo-terminal that somebody reads all the time, in pairs: with the view and, in turn, without it (--no-tui). It and its reader have no
core of their own: the cost is CPU time of strest's main thread, which draws, in the middle of a run and once the window of the view is full.
"""
import fcntl
import json
import os
import pathlib
import pty
import select
import struct
import subprocess
import tempfile
import termios
import time

import measure
from measure import BenchError, median

PAIRS = 10
FPS = 16
SETTLES = 11  # seconds until a window of 10 s is full
COST = 0.01  # of a core
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
            self.text = (self.text + got)[-4000:]
        return self.process.poll() is None

    def close(self):
        measure.end(self.process)
        os.close(self.master)


def watch(bench, server, words, size, seconds, path):
    """One run. Returns the share of a core that its main thread used, requests per second, the p99 of its lateness in us, and bytes drawn per second."""
    command = [*bench.strest.run(server.url(), SETTLES + seconds + 1), *words, "-o", path]
    run = Watched([word for word in command if word != "--json"], *size)
    try:
        if not run.read(SETTLES):
            raise BenchError(f"strest ended early:\n{run.text.decode(errors='replace')}")
        before, drawn, start = main_seconds(run.process.pid), run.drawn, time.monotonic()
        run.read(seconds)
        cpu, wall = main_seconds(run.process.pid) - before, time.monotonic() - start
        drawn = (run.drawn - drawn) / wall
        limit = time.monotonic() + 30
        while run.read(0.5) and time.monotonic() < limit:
            pass
        if run.process.wait(5) != 0:
            raise BenchError(f"strest ended with {run.process.returncode}:\n{run.text.decode(errors='replace')}")
    finally:
        run.close()
    result = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    return {"main": cpu / wall, "rps": result["rate"]["achieved_per_s"], "late": (result["parts"]["late"]["p99"] or 0) / 1e3, "drawn": drawn}
