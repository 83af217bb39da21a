"""The live view: a screen while a run lasts, the terminal as it was afterwards."""

import re
import signal
import time

import pytest

from terminal import OnTerminal

ENTER, LEAVE = "\033[?1049h", "\033[?1049l"


@pytest.fixture
def on_screen(strest, target):
    """on_screen(args..., path=, env=) loads a target, with the terminal as everything."""
    runs = []
    server = target()

    def start(*args, path="/delay/2ms", env=None):
        env = {"LC_ALL": "C.UTF-8", **(env or {})}
        runs.append(OnTerminal([strest.binary, "-u", server.url + path, "--no-charts", *args], columns=100, everything=True, env=env))
        return runs[-1]

    yield start
    for run in runs:
        run.close()


def shown(run):
    """What was sent while the screen stood. Blanks may be sent as jumps over them, and what did not change is not sent."""
    return run.terminal.raw[run.terminal.raw.index(ENTER):run.terminal.raw.index(LEAVE)]


def take_until_begun(run):
    """Waits for the screen, and until some requests were made; what changes on it is sent in pieces."""
    run.terminal.take_until(lambda raw: "Throughput" in raw)
    run.terminal.take(1)


def test_a_terminal_gets_the_view_and_then_the_summary(on_screen):
    run = on_screen("--rate", "200", "-m", "20", "-t", "2s")
    assert run.wait() == 0
    raw = run.terminal.raw
    assert raw.count(ENTER) == 1 and raw.count(LEAVE) == 1
    assert "Throughput" in shown(run) and "Failures" in shown(run) and "200" in shown(run)
    assert "Total Requests: 400" in raw[raw.index(LEAVE):] and "Total Requests" not in shown(run)


def test_q_stops_a_run_and_a_second_q_leaves_at_once(on_screen):
    run = on_screen("-m", "2", "-t", "60s")
    take_until_begun(run)
    begun = time.monotonic()
    run.terminal.type("q")
    assert run.wait() == 0 and time.monotonic() - begun < 10
    assert "Total Requests:" in run.terminal.raw[run.terminal.raw.index(LEAVE):]
    run = on_screen("-m", "2", "-t", "60s", path="/delay/30s")
    take_until_begun(run)
    run.terminal.type("q")
    run.terminal.take_until(lambda raw: "stopping" in raw)
    run.terminal.type("q")
    assert run.wait() == 130
    assert LEAVE in run.terminal.raw and "Total Requests:" not in run.terminal.raw


def test_ctrl_c_stops_a_run(on_screen):
    run = on_screen("-m", "2", "-t", "60s")
    take_until_begun(run)
    run.process.send_signal(signal.SIGINT)
    assert run.wait() == 0
    assert "Total Requests:" in run.terminal.raw[run.terminal.raw.index(LEAVE):]


@pytest.mark.option("no-tui")
def test_without_the_view_there_is_the_progress_line(on_screen):
    run = on_screen("-m", "2", "-t", "1s", "--no-tui", "--no-color")
    assert run.wait() == 0
    assert ENTER not in run.terminal.raw and re.search(r"\[#+-*\] \d+\.\d%", run.terminal.raw)


@pytest.mark.parametrize("name", ["dumb", "nonsense"])
def test_a_terminal_that_cannot_be_drawn_on_is_said(on_screen, name):
    run = on_screen("-m", "2", "-t", "500ms", env={"TERM": name})
    assert run.wait() == 0
    assert f"no live view: the terminal '{name}' (TERM) cannot be drawn on" in run.terminal.raw
    assert "Total Requests:" in run.terminal.raw


@pytest.mark.option("ui-window-ms")
def test_the_window_is_said_beside_its_times(on_screen):
    run = on_screen("-m", "2", "-t", "1s", "--ui-window-ms", "20000")
    assert run.wait() == 0
    assert "20s" in shown(run) and "10s" not in shown(run)


@pytest.mark.option("fps")
def test_drawings_come_as_often_as_asked(on_screen):
    sizes = {}
    for per_s in ("1", "20"):
        run = on_screen("--rate", "200", "-m", "20", "-t", "3s", "--fps", per_s)
        assert run.wait() == 0
        sizes[per_s] = len(set(re.findall(r"\d\.\d s", shown(run)))) + len(shown(run))
    assert sizes["20"] > 1.5 * sizes["1"], sizes


@pytest.mark.parametrize("option, value, words", [("--fps", "0", "--fps"), ("--ui-window-ms", "x", "--ui-window-ms")])
def test_bad_values_are_refused(strest, option, value, words):
    finished = strest.run("-u", "http://127.0.0.1:9/", option, value)
    assert finished.code == 2 and words in finished.err


@pytest.mark.option("no-color")
def test_no_colour_is_sent_when_none_is_wanted(on_screen):
    run = on_screen("-m", "2", "-t", "1s", "--no-color", env={"TERM": "xterm-256color"})
    assert run.wait() == 0
    assert not re.search(r"\033\[[0-9;]*(3[0-7]|38;5;\d+)m", run.terminal.raw[:run.terminal.raw.index(LEAVE)])
