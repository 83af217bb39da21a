"""Runs strest at full speed for a long time and watches its private memory (RssAnon): it must not grow but for the series, whose cap is stated.

    script/soak [SECONDS [PROGRAM]]      600 seconds of build/faults/strest against its own target
    script/soak replay [RECORDS [PROGRAM]]      a log of 100 million records read again: bench/replaying.py

The program is one with faults built in, told to fill its series after 410 s (4,096 slots of 100 ms) instead of 68 minutes: from then on slots merge.
Prints the course. Exit status 1 if the memory at the end is above that at 10 s + the series' cap + 1 MB, if it moves by more than 1 MB while the
series is full, or if the books do not balance.
"""
import os
import pathlib
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import measure  # noqa: E402
import replaying  # noqa: E402
import tools  # noqa: E402

SERIES_CAP = 8 << 20  # SERIES_CAP_BYTES of src/stats/series.h
SLACK = 1000000
SETTLED = 10  # seconds after which nothing but the series may grow
FULL = 420  # seconds after which the series is full
LINES = 20  # of the course


def watch(process, seconds):
    """Samples once a second until the process ends (or far too late: then it is killed). Returns [(second, bytes)]."""
    course, start = [], time.monotonic()
    while process.poll() is None:
        at = time.monotonic() - start
        if at > seconds + 60:
            measure.end(process)
            raise measure.BenchError("strest did not end in time")
        got = measure.rss_anon(process.pid)
        if got and at < seconds - 0.5:  # at the very end it gathers its results
            course.append((at, got))
        time.sleep(1 - at % 1)
    return course


def show_course(course):
    step = max(1, len(course) // LINES)
    for at, got in [*course[::step], course[-1]]:
        print(f"  {at:6.0f} s  {got / 1e6:7.3f} MB")


def judge(course, seconds):
    """Prints the verdict; True if the memory stayed within its bounds."""
    settled = min(SETTLED, seconds / 2)
    base = next(got for at, got in course if at >= settled - 0.5)
    last = course[-1][1]
    highest = max(got for at, got in course if at >= settled - 0.5)
    half = next(got for at, got in course if at >= seconds / 2 - 0.5)
    bound = base + SERIES_CAP + SLACK
    fine = highest <= bound
    print(f"{'ok    ' if fine else 'MISSED'}  at {settled:g} s {base / 1e6:.3f} MB, highest after that {highest / 1e6:.3f} MB, asked <= {bound / 1e6:.3f} MB")
    print(f"        the last half: {(last - half) / 1e6:+.3f} MB ({(last - half) / (seconds / 2):+.0f} bytes/s); at the end {last / 1e6:.3f} MB")
    full = [got for at, got in course if at >= FULL]
    if full:
        spread = max(full) - min(full)
        fine = fine and spread <= SLACK
        print(f"{'ok    ' if spread <= SLACK else 'MISSED'}  with the series full: within {spread / 1e6:.3f} MB, asked <= {SLACK / 1e6:.3f} MB")
    return fine


def main(seconds, program):
    os.environ["STREST_FAULT"] = "fast_series"
    strest = tools.Strest(program)
    with measure.Server(program) as server, tempfile.TemporaryFile() as output:
        command = strest.command(server.url(), 64, seconds)
        print(" ".join(str(word) for word in command), flush=True)
        process = measure.spawn(command, measure.cores()[1], stdout=output)
        try:
            course = watch(process, seconds)
        finally:
            measure.end(process)
        output.seek(0)
        result = strest.read(output.read().decode())
    if process.returncode != 0 or result["books"]["failed"] > 0:
        raise measure.BenchError(f"strest ended with {process.returncode}: {result['books']} {result['errors']}")
    if not course:
        raise measure.BenchError("too short a run")
    show_course(course)
    print(f"{result['books']['ok']} requests, {result['rate']['achieved_per_s']:.0f} per second")
    return judge(course, seconds)


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["replay"]:
            replaying.main(sys.argv[2:])
        length = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
        path = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else measure.TOP / "build" / "faults" / "strest").resolve()
        if length < 4 or not os.access(path, os.X_OK):
            raise measure.BenchError("SECONDS must be at least 4, and PROGRAM must be there (script/build makes it)")
        sys.exit(0 if main(length, path) else 1)
    except ValueError:
        sys.exit(__doc__)
    except measure.BenchError as error:
        sys.exit(f"soak: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
