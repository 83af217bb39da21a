"""The live view: a screen while a run lasts, the terminal as it was afterwards."""

import re
import signal
import time

import pytest

from conftest import BINARY
from flows import Flows
from terminal import OnTerminal, Window

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


# ---- in a window of tmux: what stands on the screen ----

@pytest.fixture
def window():
    window = Window()
    yield window
    window.close()


@pytest.fixture
def flow(target, tmp_path):
    """A scenario of thirty steps, so that the table has more rows than there is room for."""
    return Flows(tmp_path)(target().url, [{"name": f"step-{i:02d}", "path": "/delay/1ms"} for i in range(30)])


def show(window, flow, *args):
    window.run(BINARY, "--config", flow, "-m", 2, "-r", 2, "-t", "120s", "--no-charts", *args, after="; echo status=$?")
    return window.until("strest steady[^$]*step-")


def leave(window):
    window.press("q")
    window.until("status=0")


def titles(text):
    """Of the panels, without their scope: "Throughput (1s)" is "Throughput"."""
    return [re.sub(r" \(\w+\)$", "", title) for title in re.findall(r"┌ ([A-Z][^┐]*?) ─", text)]


PAGES = [["Requests", "Response times", "Throughput", "Response times by time", "Requests per second", "Stages, steps, scenarios"],
         ["Response times", "Response times by time", "How many took how long"],
         ["Throughput", "Requests per second", "In flight", "Failures", "Status codes"],
         ["Stages, steps, scenarios", "Failures"]]


def until_page(window, page):
    """All panels of a page are there, and none that is on others only."""
    end = time.monotonic() + 15
    while True:
        there = set(titles(window.text()))
        if set(PAGES[page]) <= there and (page == 0 or there <= set(PAGES[page])):
            return
        assert time.monotonic() < end, there
        time.sleep(0.05)


def test_keys_choose_what_is_shown(window, flow):
    window.resize(100, 40)
    text = show(window, flow)
    assert "q stop  ? help  p freeze  l log  + - window  Tab panels" in text
    for key, span in (("+", "20s"), ("=", "30s"), ("]", "60s"), ("-", "30s"), ("[", "20s"), ("-", "10s"), ("-", "5s"), ("-", "2s"), ("-", "1s")):
        window.press(key)
        window.until(rf"all {span} ")
    window.press("-", "+")
    window.until("all 2s ")
    for page in (1, 2, 3, 0):
        window.press("Tab")
        until_page(window, page)


def test_the_axis_of_times_is_linear_or_logarithmic(window, flow):
    """A linear axis of times begins at 0, a logarithmic one cannot; those of rates and of requests in flight begin at 0 always."""
    window.resize(100, 40)
    show(window, flow)
    for key, zeros in (("l", 2), ("l", 3), ("L", 2)):
        window.press(key)
        end = time.monotonic() + 15
        while len(re.findall(r"│ +0 ├", window.text())) != zeros:
            assert time.monotonic() < end, window.text()
            time.sleep(0.05)


def test_p_freezes_what_is_shown_and_not_the_run(window, flow):
    show(window, flow)
    window.press("p")
    frozen = window.until("strest frozen .* of 120s|strest frozen .* of 2m")
    time.sleep(1.5)
    assert window.text() == frozen
    window.press("p")
    text = window.until("strest steady")
    elapsed = [float(re.search(r"([\d.]+) s of", t).group(1)) for t in (frozen, text)]
    assert elapsed[1] > elapsed[0] + 1


def test_help_covers_the_panels_until_a_key_is_pressed(window, flow):
    show(window, flow)
    for key in ("x", "?", "Up", "Tab", "Escape"):
        window.press("?")
        text = window.until("Keys \\(any key closes this\\)")
        assert "Throughput" not in text and "freeze what is shown" in text
        window.press(key)
        text = window.until(r"┌ Throughput \(1s\) ─")
        assert "Keys (" not in text


def first_step(text):
    return re.search(r"step-\d\d", text).group()


def test_the_table_is_scrolled(window, flow):
    """Its rows are the scenario and its thirty steps, in their order."""
    show(window, flow)
    window.press("Tab", "Tab", "Tab")
    until_page(window, 3)
    assert first_step(window.until("step-00")) == "step-00"
    last = re.findall(r"step-\d\d", window.text())[-1]
    assert last < "step-29"
    window.press("Down", "Down", "Down", "Down")
    end = time.monotonic() + 10
    while first_step(window.text()) == "step-00":
        assert time.monotonic() < end
    time.sleep(0.5)
    moved = int(first_step(window.text())[-2:])
    assert 2 <= moved <= 4
    window.press("Up")
    window.until(f"│[^│]*step-{moved - 1:02d}")
    window.press("NPage")
    time.sleep(0.5)
    paged = int(first_step(window.text())[-2:])
    assert paged > moved + 3
    window.press("PPage", "PPage")
    window.until("step-00")
    for _ in range(6):
        window.press("NPage")
    window.until("step-29")
    for _ in range(6):
        window.press("PPage")
    window.until("step-00")
    leave(window)


def test_q_says_that_it_stops_and_q_again_leaves_at_once(window, target):
    window.run(BINARY, "-u", target().url + "/delay/60s", "--timeout", "100s", "-m", 2, "-r", 2, "-t", "100s", "--no-charts", after="; echo status=$?")
    window.until("strest steady")
    window.press("q")
    text = window.until("strest drain")
    assert "stopping: waiting for the requests in flight; q again leaves at once" in text and "Throughput" in text
    window.press("q")
    text = window.until("status=130")
    assert "┌" not in text and "Total Requests" not in window.text(history=True)


GARBAGE = ["x", "1", "Enter", "BSpace", "Escape", "F1", "F5", "F12", "C-Left", "BTab", "Delete", "M-q", "M-l", "M-p", "C-a", "C-v", "ä", "日", "😀"]


def test_other_keys_do_nothing(window, flow):
    window.resize(100, 40)
    show(window, flow)
    for key in GARBAGE:
        window.press(key)
        time.sleep(0.05)
    window.press("-H", "1b", "5b", "32", "30", "30", "7e", "80", "ff", "c3", "28", "1b", "5b", "3c", "30", "3b", "31", "3b", "31", "4d", "1b", "5d")
    time.sleep(1)
    text = window.until("strest steady")
    assert "all 10s" in text and "stopping" not in text and set(PAGES[0]) <= set(titles(text)) and len(re.findall(r"│ +0 ├", text)) == 3
    window.press("-l", "abcdefgh 0123456789 \\033[ !" * 40 + "]")  # a paste: of all that but "[" and "]" is a key, which undo one another
    window.press("x")
    time.sleep(1)
    assert "strest steady" in window.text()
    leave(window)


@pytest.mark.parametrize("key", ["\033[B", "\033OB", "\033[6~"])
def test_a_sequence_in_pieces_is_one_key(on_screen, key):
    """Taken for an Escape and letters, "[" would make the window shorter. Pieces that came too late belong to nothing: then the machine was busy, once more."""
    for _ in range(5):
        run = on_screen("-m", "2", "-t", "60s")
        take_until_begun(run)
        longest = 0
        for piece in key * 8:
            before = time.monotonic()
            run.terminal.type(piece)
            run.terminal.take(0.08)
            longest = max(longest, time.monotonic() - before)
        run.terminal.take(0.5)
        run.terminal.type("q")
        assert run.wait() == 0
        if longest < 0.15:
            break
    assert longest < 0.15, "it was busy five times"
    assert "10s" in shown(run) and not re.search(r"\b[125]s", shown(run).replace("10s", "").replace("(1s)", ""))


def fits(text, columns, rows, panels):
    """Head and foot stand in the first and the last row, and between them panels from one edge to the other."""
    lines = text.splitlines()
    return (len(lines) == rows and panels <= set(titles(text)) and lines[0].startswith("strest steady" if columns >= 72 else "steady") and lines[-1].startswith("q stop  ? help")
            and all(len(line) == columns and line[0] in "┌│└" and line[-1] in "┐│┘" for line in lines[1:-1]))


def test_the_view_fits_any_terminal_at_once(window, flow):
    show(window, flow)
    for columns, rows, panels in ((60, 16, {"Requests", "Response times"}), (200, 50, set(PAGES[0]) | {"Failures"}), (300, 100, set(PAGES[0]) | {"Failures"}),
                                  (80, 24, {"Requests", "Response times"})):
        window.resize(columns, rows)
        end = time.monotonic() + 10
        while not fits(text := window.text(), columns, rows, panels):
            assert time.monotonic() < end, text
            time.sleep(0.05)
    for columns, rows in ((30, 3), (10, 3), (2, 1)):
        window.resize(columns, rows)
        window.until(f"too small: {columns}x{rows}"[:columns] if columns > 20 else "too small"[:columns])
    window.resize(100, 30)
    window.until(r"┌ Throughput \(1s\) ─")
    leave(window)
