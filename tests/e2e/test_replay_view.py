"""The interactive replay: strest --replay on a terminal, in a window of tmux so that what stands there can be read."""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from conftest import BINARY
from terminal import Window
from test_replay import figures, replayed, write

SECONDS = 20


@pytest.fixture
def window():
    window = Window()
    yield window
    window.close()


@pytest.fixture
def path(tmp_path):
    """Ten requests a second for 20 s, of 20 ms each; those at 5 s and 12 s are answered with 500."""
    lines = (f"{i * 100},20,{500 if i in (50, 120) else 200},0,0,100,0\n" for i in range(SECONDS * 10 + 1))
    return write(tmp_path / "requests.csv", "".join(lines))


def show(window, path, *args):
    """Starts a replay and pauses it at its beginning."""
    window.run(BINARY, "--replay", "--export-csv", path, *args, after="; echo status=$?")
    window.until("playing x1")
    window.press("r")
    window.until("paused x1 .* 0.00 s of 20.02 s")


def leave(window, status=0):
    window.press("q")
    window.until(f"status={status}")
    return window.text(history=True)


def test_it_plays_to_its_end_and_then_prints_the_results(window, path, strest):
    window.run(BINARY, "--replay", "--export-csv", path, after="; echo status=$?")
    window.until(r"playing x1 .* [1-9]\.\d\d s of 20\.02 s")
    window.press("+", "+", "+", "+", "+")
    text = window.until("paused x32 .*100 % · 20.02 s of 20.02 s")
    assert re.search(r"total +201\b", text) and re.search(r"status, asserts +2\b", text) and "Failures" in text
    after = leave(window)
    assert figures(replayed(strest, "--export-csv", path).out) == [line.rstrip() for line in after.splitlines() if line.strip()][-18:-2]


@pytest.mark.option("replay-step")
def test_keys_move_the_cursor(window, path):
    show(window, path, "--replay-step", "2500ms")
    for key, cursor in (("Right", "2.50"), ("l", "5.00"), ("n", "5.10"), ("n", "12.10"), ("n", "12.10"), ("Left", "9.60"), ("h", "7.10"), ("End", "20.02"),
                        ("Right", "20.02"), ("Home", "0.00"), ("Left", "0.00"), ("End", "20.02"), ("r", "0.00")):
        window.press(key)
        window.until(f"paused x1 .* {cursor} s of 20.02 s")
    window.press("n", "n", "n")
    assert re.search(r"total +121\b", window.until("no request fails behind the cursor"))
    for key, speed in [("-", "0.5"), ("-", "0.25"), ("-", "0.25")] + [("+", str(0.5 * 2 ** i).removesuffix(".0")) for i in range(8)] + [("+", "64")]:
        window.press(key)
        window.until(f"paused x{speed} ".replace(".", r"\."))
    window.press("Home", "-", "-", "Space")
    window.until(r"playing x16 .* [1-9]\d?\.\d\d s of")
    window.press("Space")
    window.until("paused x16")
    window.press("?")
    window.until("the next failure")
    window.press("Escape")
    window.until("Throughput")
    leave(window)


def test_other_keys_are_those_of_the_live_view(window, path):
    """The log has the times of all; its linear axis begins at 0, a logarithmic one cannot; the other plot's begins at 0 always."""
    show(window, path)
    window.press("End")
    for key, words in (("[", "all 5s"), ("[", "all 2s"), ("]", "all 5s"), ("]", "all 10s")):
        window.press(key)
        window.until(words)
    assert len(re.findall("│ +0 ├", window.text())) == 2
    for zeros in (1, 2):
        window.press("L")
        window.until(r"^(?:(?!│ +0 ├)[\s\S])*(?:│ +0 ├(?:(?!│ +0 ├)[\s\S])*){%d}$" % zeros)
    for page in ("P50 +P90 +P99 +max[^$]*How many took how long", "per min[^$]*Requests per second", "no stages, steps or scenarios", r"┌ Requests \(run\) ─"):
        window.press("Tab")
        window.until(page)
    for key in ("x", "1", "Enter", "F1", "F5", "M-q", "BTab", "Up", "Down", "PPage", "NPage", "ä", "C-s"):
        window.press(key)
    time.sleep(0.5)
    assert re.search("paused x1 .* 20.02 s of 20.02 s", window.text()) and "snapshot from - to -" in window.text()
    window.press("=")
    window.until("paused x2 ")
    window.press("-", "p")  # at the end playing begins anew
    window.until(r"playing x1 .* [1-9]\.\d\d s of")
    window.press("p")
    window.until("paused x1 ")
    window.press("Q")
    window.until("status=0")


def snapshots(folder):
    """The elapsed times of each snapshot, by its name without the moment of its writing."""
    return {re.sub(r"-\d+\.json$", "", p.name): [r["elapsed_ms"] for r in json.loads(p.read_text())["records"]] for p in Path(folder).iterdir()}


@pytest.mark.option("replay-snapshot-out", "replay-snapshot-start")
def test_snapshots_are_of_what_is_marked(window, path, tmp_path):
    out = tmp_path / "snapshots"
    show(window, path, "--replay-snapshot-out", out, "--replay-snapshot-start", "19s")
    assert not out.exists()
    for keys, marks, name in (
        (("Right", "s", "Right", "Right", "e"), "from 1.00 s to 3.00 s", "snapshot-1000ms-3000ms"),
        (("Right", "s", "Left", "Left"), "from 4.00 s to -", "snapshot-2000ms-4000ms"),
        (("e", "Left"), "from - to 2.00 s", "snapshot-1000ms-2000ms"),
        (("Home",), "from - to -", "snapshot-19000ms-20000ms"),
    ):
        for key in keys:
            window.press(key)
        window.until(re.escape(f"snapshot {marks}"))
        window.press("w")
        window.until(f"wrote {name}-.* in ")
        assert "snapshot from - to -" in window.text()
        first, last = map(int, re.findall(r"\d+(?=ms)", name))
        assert snapshots(out)[name] == list(range(first, last + 1, 100))
    after = leave(window)
    assert len(re.findall("strest: snapshot: ", after)) == 4 and "Charts: disabled" in after


def test_without_marks_a_snapshot_goes_from_the_start_to_the_cursor(window, path, tmp_path):
    show(window, path, "--replay-snapshot-out", tmp_path / "x.csv", "--replay-snapshot-format", "csv", "--replay-start", "min")
    window.press("Right", "Right", "w")
    window.until("wrote x-0ms-2000ms-.*.csv in ")
    assert len((next(tmp_path.glob("x-0ms-2000ms-*.csv"))).read_text().splitlines()) >= 22  # with the line of names
    leave(window)
    show(window, path, "--replay-snapshot-out", "/proc/none")
    window.press("Right", "w")
    window.until("--replay-snapshot-out: cannot make")
    assert "Charts: disabled" in leave(window, status=1)


@pytest.mark.option("replay-snapshot-interval")
def test_a_snapshot_is_written_for_each_interval_that_is_passed(window, path, tmp_path):
    out = tmp_path / "snapshots"
    show(window, path, "--replay-snapshot-out", out, "--replay-snapshot-interval", "5s", "--replay-step", "6s")
    window.press("Right")
    window.until("wrote snapshot-0ms-5000ms-")
    window.press("Left", "Right", "Right")  # once is enough
    window.until("wrote snapshot-5000ms-10000ms-")
    window.press("Left", "Right")
    window.until("paused x1 .* 12.00 s")
    leave(window)
    found = snapshots(out)
    assert len(list(out.iterdir())) == len(found) == 3
    assert found == {"snapshot-0ms-5000ms": list(range(0, 5000, 100)), "snapshot-5000ms-10000ms": list(range(5000, 10000, 100)),
                     "snapshot-10000ms-12000ms": list(range(10000, 12001, 100))}
    shutil.rmtree(out)
    show(window, path, "--replay-snapshot-out", out, "--replay-snapshot-interval", "5s")
    window.press("End")
    window.until("wrote 4 snapshots")
    leave(window)
    assert sorted(sum(snapshots(out).values(), [])) == list(range(0, 20001, 100))


def fits(text, columns, rows, panels):
    """Panels from one edge to the other, and the keys in the last row."""
    lines = text.splitlines()
    return (all(f"┌ {panel} ─" in text for panel in panels) and len(lines) == rows and "q leave" in lines[-1] and max(map(len, lines)) == columns)


def test_it_fits_any_terminal(window, path):
    show(window, path)
    window.press("n")
    for columns, rows, panels in ((60, 16, ["Requests (run)", "Response times"]), (200, 50, ["Throughput (1s)", "How many took how long", "Status codes (run)"])):
        window.resize(columns, rows)
        end = time.monotonic() + 15
        while not fits(text := window.text(), columns, rows, panels):
            assert time.monotonic() < end, text
            time.sleep(0.05)
    window.press("Home")
    window.until("0.00 s of")
    leave(window)


@pytest.mark.parametrize("way", ["q", "Escape", "C-c", signal.SIGTERM, signal.SIGHUP,
                                 pytest.param(signal.SIGSEGV, marks=pytest.mark.timing)])  # a sanitizer catches it itself
def test_the_terminal_is_left_as_it_was(window, path, tmp_path, way):
    pid, before, after = (tmp_path / name for name in ("pid", "before", "after"))
    script = write(tmp_path / "run.sh", f"trap : INT\nstty -g >{before}\nsh -c 'echo $$ >{pid}; exec {BINARY} --replay --export-csv {path}'\n"
                                        f"echo status=$?\nstty -g >{after}\n")
    window.run("sh", script)
    window.until("playing x1")
    if isinstance(way, str):
        window.press(way)
    else:
        os.kill(int(Path(pid).read_text()), way)
    text = window.until(r"status=\d+")
    fatal = way in (signal.SIGHUP, signal.SIGSEGV)
    assert f"status={128 + way if fatal else 0}" in text and ("Charts: disabled" in window.text(history=True)) != fatal
    assert "┌" not in text and before.read_text() == after.read_text() != ""


@pytest.mark.option("no-tui")
def test_who_wants_no_view_gets_none(window, path):
    for words, end in ((["--no-tui"], "Charts: disabled"), (["--json"], r"\}")):
        window.run("clear")
        window.run(BINARY, "--replay", "--export-csv", path, *words, after="; echo status=$?")
        text = window.until("status=0")
        assert re.search(end, text) and "playing" not in text
    window.run("clear")
    window.run("env", "TERM=dumb", BINARY, "--replay", "--export-csv", path, after="; echo status=$?")
    text = window.until("status=0")
    assert "no view: the terminal 'dumb' (TERM) cannot be drawn on" in window.text(history=True) and "Charts: disabled" in text


@pytest.mark.option("fps", "ui-window-ms")
def test_window_and_drawings_are_those_of_the_live_view(window, path):
    show(window, path, "--ui-window-ms", "5000", "--fps", "4")
    window.press("End")
    window.until(r"total +201\b")
    assert "all 5s" in window.text()
    window.press("]")
    window.until("all 10s")
    leave(window)


def test_a_part_of_the_time_is_a_run_of_its_own(window, path):
    window.run(BINARY, "--replay", "--export-csv", path, "--replay-start", "4s", "--replay-end", "6s", after="; echo status=$?")
    window.until("playing x1")
    window.press("r")
    window.until("paused x1 .* 4.00 s of 6.02 s")
    window.press("End")
    assert re.search(r"status, asserts +1\b", window.until(r"total +21\b"))
    assert "Total Requests: 21" in leave(window)
