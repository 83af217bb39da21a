"""What the views do to the terminal: given back by whatever way they end, left to others on Ctrl-Z, never waited for."""

import os
import re
import signal
import time

import pytest

from conftest import BINARY, FAULTS_BINARY
from flows import Flows
from servers import free_port
from terminal import OnTerminal, Window, processor_time, state_of
from test_live_view import fits
from test_replay import write

ENTER, LEAVE = "\033[?1049h", "\033[?1049l"


@pytest.fixture
def window():
    window = Window()
    yield window
    window.close()


@pytest.fixture
def log(tmp_path):
    """Ten requests a second for 20 s, for a replay."""
    return write(tmp_path / "requests.csv", "".join(f"{i * 100},20,200,0,0,100,0\n" for i in range(201)))


@pytest.fixture
def views(window, target, log):
    """views[name]() starts a view in the window, and returns its words when it stands there."""
    server = target()

    def live(*args, path="/delay/2ms", limit="60s", binary=BINARY, ready="steady .* [1-9]\\d* */s"):
        window.run(binary, "-u", server.url + path, "-m", 2, "-t", limit, "--no-charts", *args, after="; echo status=$?")
        window.until(ready)
        return "steady|drain"

    def replay(*args):
        window.run(BINARY, "--replay", "--export-csv", log, *args, after="; echo status=$?")
        window.until("playing x1")
        return "playing|paused"

    return {"live": live, "replay": replay}


def wait_until(done, what, limit=15):
    end = time.monotonic() + limit
    while not done():
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(0.02)


# ---- every way out ----

WAYS = ["q", "C-c", signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT]
VIEWS = ["live", "replay"]


@pytest.mark.parametrize("view, way", [*[(view, way) for view in VIEWS for way in WAYS], ("live", "C-c C-c"), ("live", "q q"),
                                       *[pytest.param(view, signal.SIGSEGV, marks=pytest.mark.timing) for view in VIEWS]])  # a sanitizer catches it itself
def test_the_terminal_is_as_it_was_behind_every_way_out(window, views, view, way):
    before, twice = window.modes(), way in ("C-c C-c", "q q")
    assert before[1:] == ("0", "1")
    views[view](*["--timeout", "60s"] if view == "live" else [], **{"path": "/delay/30s", "ready": "steady"} if twice else {})
    during = window.modes()
    assert during[1:] == ("1", "0") and during[0] != before[0]
    if isinstance(way, str):
        for key in way.split():
            window.press(key)
            if twice:
                window.until("stopping|status=")
    else:
        os.kill(window.program(), way)
    text = window.until(r"status=\d+")
    fatal = way in (signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT)
    status = 128 + way if fatal else 130 if twice else 0
    assert f"status={status}" in text
    assert window.modes() == before
    assert ("Charts: disabled" in window.text(history=True)) == (status == 0)
    assert not re.search("[┌└]", text)


@pytest.mark.parametrize("ends", [(["--requests", "50"], 0), ([], 0), (["--threshold", "p50<1ms", "--threshold-abort"], 99), (["--output", "/dev/full", "--output-format", "csv"], 1),
                                  (["--connect-to", "127.0.0.1:1:127.0.0.1:1"], 0)], ids=["requests", "time", "threshold", "error", "warning"])
def test_the_terminal_is_as_it_was_when_the_run_ends_by_itself(window, target, ends):
    before = window.modes()
    words, status = ends
    window.run(BINARY, "-u", target().url + "/delay/20ms", "-m", 2, "-t", "3s", *words, "--no-charts", after="; echo status=$?")
    wait_until(lambda: window.modes()[1:] == ("1", "0"), "the view")
    window.until(f"status={status}", limit=30)
    assert window.modes() == before
    assert "Total Requests:" in window.text(history=True)


def test_the_terminal_is_as_it_was_when_nobody_answers(window):
    before = window.modes()
    window.run(BINARY, "-u", f"http://127.0.0.1:{free_port()}/", "-m", 2, "-t", "60s", "--no-charts", after="; echo status=$?")
    wait_until(lambda: window.modes()[1:] == ("1", "0"), "the view")
    text = window.until("status=3", limit=30)
    assert window.modes() == before and "no response at all" in text


def test_the_terminal_is_as_it_was_behind_a_crash(window, views):
    if not FAULTS_BINARY:
        pytest.skip("needs STREST_FAULTS_BIN")
    before = window.modes()
    window.run("export", "STREST_FAULT=crash")
    window.until("crash")
    views["live"]("--rate", "100", binary=os.path.abspath(FAULTS_BINARY), ready="strest (steady|ramp)")
    text = window.until(r"status=\d+")
    assert "status=139" in text and window.modes() == before and "┌" not in text


def test_what_is_said_meanwhile_is_shown_and_said_again_afterwards(window, target, tmp_path):
    flow = Flows(tmp_path)(target().url, ["/status/503", "/delay/4s"])  # the second step keeps the view up when the run is stopped
    window.run(BINARY, "--config", flow, "-m", 150, "-r", 150, "-t", "60s", "--no-charts", "--threshold", "errors<1%", "--threshold-abort", after="; echo status=$?")
    words = "stopping: the threshold 'errors<1%' is missed"
    text = window.until(f"! .*{words}")
    assert "┌" in text
    text = window.until("status=99")
    assert f"strest: {words}" in text or f"strest: {words}" in window.text(history=True)


# ---- Ctrl-Z ----

@pytest.mark.parametrize("way", ["C-z", "TSTP"])
@pytest.mark.parametrize("view", VIEWS)
def test_it_stops_and_comes_back(window, views, view, way):
    before = window.modes()
    shown = views[view]()
    pid = window.program()
    for columns, rows in ((60, 16), (120, 40)):
        if way == "C-z":
            window.press("C-z")
        else:
            os.kill(pid, signal.SIGTSTP)
        window.until(r"Stopped")
        assert state_of(pid) == "T" and window.modes() == before and "┌" not in window.text()
        window.resize(columns, rows)
        time.sleep(1)
        window.press("clear; fg", "Enter")
        text = window.until(rf"({shown}) [^$]*┘")
        assert max(map(len, text.splitlines())) == columns and window.modes()[1:] == ("1", "0")
        if view == "live":
            window.until("! strest: paused|! paused")
    window.press("q")
    window.until("Charts: disabled")
    wait_until(lambda: window.modes() == before, "the terminal as it was")
    text = " ".join(window.text(history=True).split())
    assert view == "replay" or re.search(r"limited by .*paused: strest, or its machine, stood still \d+ times, for up to [1-9]", text)


def test_in_the_background_the_run_goes_on_without_the_terminal(window, views, tmp_path):
    before = window.modes()
    views["live"]()
    pid = window.program()
    window.press("C-z")
    window.until("Stopped")
    window.press("clear; stty tostop; bg", "Enter")
    wait_until(lambda: "T" not in state_of(pid), "going on")
    time.sleep(1)
    used = processor_time(pid)
    time.sleep(1)
    assert processor_time(pid) - used < 0.8 and "T" not in state_of(pid), "neither spinning nor stopped"
    assert "┌" not in window.text() and window.modes()[1:] == ("0", "1")
    window.press("clear; stty -tostop", "Enter")
    os.kill(pid, signal.SIGTSTP)
    wait_until(lambda: state_of(pid) == "T", "standing still once more")
    window.press("clear; bg", "Enter")
    wait_until(lambda: "T" not in state_of(pid), "going on")
    window.press("fg", "Enter")
    window.until("strest steady[^$]*┘")
    window.press("C-z")
    window.until("Stopped")
    window.press("clear; bg", "Enter")
    wait_until(lambda: "T" not in state_of(pid), "going on")
    os.kill(pid, signal.SIGTERM)
    window.until("Total Requests: [1-9]")
    assert window.modes() == before


def test_a_stop_that_cannot_be_seen_coming_is_mended(window, views):
    before = window.modes()
    views["live"]()
    pid = window.program()
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state_of(pid) == "T", "standing still")
    window.press("stty sane; tput rmcup; clear; fg", "C-j")  # nothing makes a line feed of Enter now
    window.until("strest steady[^$]*┘")
    assert window.modes()[1] == "1"
    window.press("q")
    window.until("Charts: disabled")
    wait_until(lambda: window.modes() == before, "the terminal as it was")


@pytest.mark.parametrize("view", VIEWS)
def test_who_is_started_in_the_background_has_no_view(window, target, log, view):
    before = window.modes()
    words = ["-u", target().url + "/", "-m", 2, "-t", "2s", "--no-charts"] if view == "live" else ["--replay", "--export-csv", log]
    window.run(BINARY, *words, after=" &")
    window.until("Charts: disabled")
    assert re.search("no (live )?view: strest was started in the background", window.text(history=True)) and window.modes() == before


def test_without_a_view_ctrl_z_is_what_it_was(window, target):
    window.run(BINARY, "-u", target().url + "/delay/2ms", "-m", 2, "-t", "60s", "--no-charts", "--no-tui")
    window.until(r"\[#*-*\]")
    pid = window.program()
    for stop in (lambda: window.press("C-z"), lambda: os.kill(pid, signal.SIGTSTP)):
        stop()
        wait_until(lambda: state_of(pid) == "T", "standing still")
        window.press("clear; fg", "Enter")
        wait_until(lambda: "T" not in state_of(pid), "going on")
        window.until(r"\[#*-*\]")
    window.press("C-c")
    window.until("Total Requests: [1-9]")


# ---- a terminal that takes nothing ----

@pytest.fixture
def on_screen(strest, target):
    runs, server = [], target()

    def start(*args, path="/delay/2ms", url=None, env=None, size=(100, 30), prepare=None):
        runs.append(OnTerminal([strest.binary, "-u", url or server.url + path, "--no-charts", *args], columns=size[0], lines=size[1], everything=True,
                               env={"LC_ALL": "C.UTF-8", **(env or {})}, prepare=prepare))
        return runs[-1]

    yield start
    for run in runs:
        run.close()


def wait_unread(run, limit):
    """Waits for the end of a program while nobody reads what it writes."""
    wait_until(lambda: run.process.poll() is not None, f"its end; there is: {run.terminal.raw[-500:]!r}", limit)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_reader_that_has_stopped_holds_nobody_up(on_screen, number):
    """The terminal is full within the first seconds: 200 drawings of all of it would be 30 times what it takes in."""
    run = on_screen("--rate", "200", "-m", "20", "-t", "120s", "--fps", "50", size=(300, 100), env={"TERM": "xterm-256color"})
    run.terminal.take_until(lambda raw: "Throughput" in raw)
    time.sleep(5)
    run.process.send_signal(number)
    wait_unread(run, 20)
    assert run.process.returncode == 0
    raw = run.terminal.take(0.5)
    asked = int(re.search(r"Total Requests: (\d+)", raw[raw.index(LEAVE):]).group(1))
    assert asked >= 200 * 5, "it worked on meanwhile"


def test_two_signals_leave_at_once_although_the_reader_has_stopped(on_screen):
    run = on_screen("-m", "2", "-t", "120s", "--timeout", "100s", "--fps", "50", path="/delay/100s", size=(300, 100))
    run.terminal.take_until(lambda raw: "Throughput" in raw)
    time.sleep(2)
    for _ in range(2):
        run.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    wait_unread(run, 15)
    assert run.process.returncode == 130 and LEAVE in run.terminal.take(0.5)


def test_a_run_ends_in_time_although_the_reader_has_stopped(on_screen):
    run = on_screen("--rate", "200", "-m", "20", "-t", "6s", "--fps", "50", size=(300, 100), env={"TERM": "xterm-256color"})
    run.terminal.take_until(lambda raw: "Throughput" in raw)
    wait_unread(run, 25)
    raw = run.terminal.take(0.5)
    assert run.process.returncode == 0 and "Total Requests: 1200" in raw[raw.index(LEAVE):]


def test_a_reader_that_reads_on_gets_a_whole_screen(window, views):
    """tmux stands still for a while, and then shows what there is to see."""
    window.resize(300, 100)
    views["live"]("--fps", "50")
    server = int(window.tmux("display", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    try:
        time.sleep(3)
    finally:
        os.kill(server, signal.SIGCONT)
    window.press("Tab")
    wait_until(lambda: "Failures" not in (text := window.text()) and fits(text, 300, 100, {"Response times", "How many took how long"}), "the page of times")
    window.press("q")
    window.until("status=0")


def test_ctrl_s_is_a_key_that_does_nothing(window, views):
    views["live"]()
    window.press("C-s", "Tab")
    window.until("P50 +P90 +P99 +max")
    window.press("C-q", "q")
    window.until("status=0")


def test_a_terminal_that_is_gone_ends_no_run_that_ignores_it(on_screen, target):
    server = target()
    run = on_screen("-m", "2", "-t", "5s", url=server.url + "/delay/20ms", prepare=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    run.terminal.take_until(lambda raw: "Throughput" in raw)
    begun = server.counted()
    run.terminal.close()
    time.sleep(1)
    used = processor_time(run.process.pid)
    time.sleep(1)
    assert processor_time(run.process.pid) - used < 0.3, "it does not spin"
    assert server.counted() > begun
    assert run.process.wait(20) in (0, 1)


# ---- terminals that are none, or too small ----

@pytest.mark.parametrize("name, words", [("dumb", "the terminal 'dumb' (TERM) cannot be drawn on"), ("nonsense", "the terminal 'nonsense' (TERM) cannot be drawn on"),
                                         ("", "TERM is not set, so the terminal cannot be drawn on")])
def test_a_terminal_that_cannot_be_drawn_on_is_said(on_screen, name, words):
    run = on_screen("-m", "2", "-t", "500ms", env={"TERM": name})
    assert run.wait() == 0
    assert f"no live view: {words}; write --no-tui" in run.terminal.raw
    assert "Total Requests:" in run.terminal.raw and ENTER not in run.terminal.raw


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (10, 3), (300, 100), (2000, 1000)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_no_size_is_the_end_of_a_run(on_screen, size):
    run = on_screen("--rate", "100", "-m", "20", "-t", "2s", size=size)
    assert run.wait() == 0
    raw = run.terminal.raw
    assert raw.count(ENTER) == raw.count(LEAVE) == 1 and "Total Requests: 200" in raw[raw.index(LEAVE):]
    assert ("Throughput" in raw[:raw.index(LEAVE)]) == (size not in ((1, 1), (10, 3)))  # one that does not tell has 24 x 80


@pytest.mark.parametrize("name, env, wanted, unwanted", [
    ("xterm-256color", {}, r"\033\[[0-9;]*38;5;\d+", None),
    ("xterm", {}, r"\033\[[0-9;]*3[1-7]m", r"\033\[[0-9;]*38;5"),
    ("vt100", {}, "Throughput", r"\033\[[0-9;]*3[0-7]m"),
    ("xterm-256color", {"LC_ALL": "C"}, r"\+.{0,120}Throughput.{0,120}-", "[^\x00-\x7f]"),
    ("linux", {}, "Throughput", None),
])
def test_colours_and_letters_are_those_that_the_terminal_has(on_screen, name, env, wanted, unwanted):
    run = on_screen("-m", "2", "-t", "1s", env={"TERM": name, **env})
    assert run.wait() == 0
    screen = run.terminal.raw.split("Duration: ")[0]
    screen = screen[:screen.index("strest 0.1.0")] if "strest 0.1.0" in screen else screen
    assert re.search(wanted, screen) and not (unwanted and re.search(unwanted, screen))
