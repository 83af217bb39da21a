"""Replays a log of many requests and measures what that takes: time, private memory (RssAnon), and how soon a key shows another moment.

    script/soak replay [RECORDS [PROGRAM]]      100 million records, 14 GB, in a folder under build/ (or $TMPDIR) that goes at the end

The log is made by bench/log_make.c. Replayed are its summary, and its view on a terminal of 160 columns, through which keys seek.
Exit status 1 if a limit is missed: the view is there after 120 s, at no more than 100 MB, and a key shows its moment within 100 ms.
"""
import contextlib
import fcntl
import os
import pathlib
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time

import measure

RECORDS = 100_000_000
RECORD_BYTES = 145  # of a line, a little more than it is
RATE = 10000  # requests a second of the log that is made
SHARDS = 4
INDEX_SECONDS = 120
MEMORY = 100_000_000
SEEK_SECONDS = 0.1
QUIET = 0.3  # seconds without output: all that a key changes is drawn
LONGEST = 1800  # seconds that anything may take
KEYS = {"Home": b"\x1bOH", "End": b"\x1bOF", "left": b"\x1bOD", "right": b"\x1bOC"}
SEEKS = ["End", "left", "left", "left", "Home", "right", "right", "right", "right", "End", "Home", "End"]


class View:
    """A replay on a terminal; a context manager that ends it."""

    def __init__(self, command):
        self.terminal, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self.start, self.highest = time.monotonic(), 0
        self.process = subprocess.Popen(command, stdin=end, stdout=end, stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm-256color"})
        os.close(end)

    def read(self, seconds):
        """Output that comes within so many seconds; b"" if none does, or the process is gone."""
        self.highest = max(self.highest, measure.rss_anon(self.process.pid))
        with contextlib.suppress(OSError):
            if select.select([self.terminal], [], [], seconds)[0]:
                return os.read(self.terminal, 65536)
        return b""

    def wait(self):
        """Waits for the first frame; returns the seconds since the start."""
        while not self.read(0.1):
            if self.process.poll() is not None or time.monotonic() - self.start > LONGEST:
                raise measure.BenchError("the replay showed nothing")
        return time.monotonic() - self.start

    def press(self, key):
        """Returns the seconds until all that it changed was drawn; 0: it changed nothing."""
        start = last = time.monotonic()
        os.write(self.terminal, key)
        while self.read(QUIET) and time.monotonic() - start < 5:
            last = time.monotonic()
        return last - start

    def __enter__(self):
        return self

    def __exit__(self, *_):
        measure.end(self.process)
        os.close(self.terminal)


def check(what, got, limit, unit, scale):
    fine = got <= limit
    print(f"{'ok    ' if fine else 'MISSED'}  {what}: {got * scale:.1f} {unit}, asked <= {limit * scale:.0f} {unit}", flush=True)
    return fine


def summarize(program, folder):
    """Seconds and bytes that the summary takes."""
    start, highest = time.monotonic(), 0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([program, "--replay", "--tmp-path", folder], stdout=output, stderr=subprocess.DEVNULL)
        try:
            while process.poll() is None and time.monotonic() - start < LONGEST:
                highest = max(highest, measure.rss_anon(process.pid))
                time.sleep(0.02)
        finally:
            measure.end(process)
        output.seek(0)
        text = output.read().decode()
    return time.monotonic() - start, highest, text


def look(program, folder, records):
    step = max(1, records // RATE // 7)
    with View([program, "--replay", "--tmp-path", folder, "--replay-step", f"{step}s"]) as view:
        seconds = view.wait()
        view.press(b" ")  # it stops
        seeks = [view.press(KEYS[key]) for key in SEEKS]
        if seeks.count(0) > len(seeks) // 2:
            raise measure.BenchError("the keys do not seek")
        fine = check("first frame of the view", seconds, INDEX_SECONDS, "s", 1)
        fine = check("its private memory, highest", view.highest, MEMORY, "MB", 1e-6) and fine
        fine = check(f"the slowest of {len(seeks)} seeks", max(seeks), SEEK_SECONDS, "ms", 1000) and fine
    return fine


def replay(program, maker, records):
    base = os.environ.get("TMPDIR", measure.TOP / "build")
    room = shutil.disk_usage(base).free
    if room < records * RECORD_BYTES:
        raise measure.BenchError(f"{base} has room for {room // RECORD_BYTES} records; ask for less, or set TMPDIR to a folder with more")
    with tempfile.TemporaryDirectory(dir=base, prefix="replay-") as folder:
        start = time.monotonic()
        subprocess.run([maker, folder, str(records), str(SHARDS)], check=True, timeout=LONGEST)
        size = sum(each.stat().st_size for each in pathlib.Path(folder).iterdir())
        print(f"a log of {records} records, {size / 1e9:.2f} GB, made in {time.monotonic() - start:.0f} s", flush=True)
        seconds, highest, text = summarize(program, folder)
        print(f"        the summary alone: {seconds:.1f} s, {highest / 1e6:.1f} MB", flush=True)
        if f"Total Requests: {records}\n" not in text:
            raise measure.BenchError("the summary does not have all records")
        return look(program, folder, records)


def main(words):
    records = int(words[0]) if words else RECORDS
    program = pathlib.Path(words[1] if len(words) > 1 else measure.TOP / "build" / "strest").resolve()
    if records < RATE * 10 or not os.access(program, os.X_OK):
        raise measure.BenchError(f"RECORDS must be at least {RATE * 10}, and PROGRAM must be there (script/build makes it)")
    sys.exit(0 if replay(program, measure.TOP / "build" / "bench" / "log_make", records) else 1)
