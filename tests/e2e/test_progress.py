"""The progress line: a bar on a terminal, plain lines in a file."""

import re
import signal

import pytest

from quiet import on_a_quiet_machine
from terminal import OnTerminal

BAR = re.compile(r"^\[#*-*\] \d+\.\d% \| ")


@pytest.fixture
def on_terminal(strest, target):
    """on_terminal(args..., columns=80) loads a target, with the terminal as stderr."""
    runs = []
    server = target()

    def start(*args, path="/delay/2ms", **more):
        runs.append(OnTerminal([strest.binary, "-u", server.url + path, *args], **more))
        return runs[-1]

    yield start
    for run in runs:
        run.close()


def frames(raw):
    """The line each time it was drawn, without colours."""
    return [re.sub(r"\033\[[0-9;]*m", "", frame) for frame in re.findall(r"\r([^\r\n]*?)\033\[K", raw) if frame]


def bars(rows):
    return [row for row in rows if BAR.match(row)]


def test_a_bar_moves_on_one_line_and_ends_at_the_end(on_terminal):
    run = on_terminal("--rate", "200", "-m", "20", "-t", "2s", columns=120)
    assert run.wait() == 0
    drawn = frames(run.terminal.raw)
    shares = [float(re.search(r"\] (\d+\.\d)%", frame)[1]) for frame in drawn]
    assert shares == sorted(shares)
    assert 5 <= len(drawn) <= 2 / 0.25 + 5, "every 250 ms, and at changes of phase"
    assert bars(run.terminal.rows()) == [drawn[-1]], "one line, written over"
    assert re.fullmatch(r"\[#{30}\] 100\.0% \| 2\.0s / 2s \| done \| \d+\.\d/s of 200/s \| errors 0 \| p90 [\d.]+ ms( \(last 10 s\))?", drawn[-1]), drawn[-1]


@pytest.mark.timing
@on_a_quiet_machine
def test_the_rate_shown_is_the_rate_sent(on_terminal):
    run = on_terminal("--rate", "500", "-m", "50", "-t", "3s", columns=120)
    assert run.wait() == 0
    shown = float(re.search(r"done \| (\d+\.\d)/s of 500/s", frames(run.terminal.raw)[-1])[1])
    assert abs(shown - 500) <= 10, frames(run.terminal.raw)[-1]


@pytest.mark.parametrize("columns", [20, 40, 80, 100])
def test_a_narrow_terminal_gets_a_line_that_does_not_wrap(on_terminal, columns):
    run = on_terminal("--rate", "200", "-m", "20", "-t", "1s", "--threshold", "p99<1h", columns=columns)
    assert run.wait() == 0
    drawn = frames(run.terminal.raw)
    assert drawn and max(map(len, drawn)) < columns
    assert len(bars(run.terminal.rows())) == 1 if columns >= 40 else True


@pytest.mark.parametrize("how", ["option", "variable", "neither"])
@pytest.mark.option("no-color")
def test_colors_are_left_out_when_asked(on_terminal, how):
    run = on_terminal("-m", "2", "-t", "500ms", *(["--no-color"] if how == "option" else []), env={"NO_COLOR": "1"} if how == "variable" else {})
    assert run.wait() == 0
    assert frames(run.terminal.raw)
    sequences = set(re.findall(r"\033\[[^a-zA-Z]*[a-zA-Z]", run.terminal.raw))
    if how == "neither":
        assert "\033[36m" in sequences and "\033[33m" in sequences
    else:
        assert sequences == {"\033[K"}


def test_failures_are_red_and_counted(on_terminal):
    run = on_terminal("-m", "2", "-r", "2", "--requests", "50", "-s", "404")
    assert run.wait() == 0
    assert "\033[31merrors 50\033[0m" in run.terminal.raw
    assert re.search(r"\] 100\.0% \| [\d.]+s, 50 of 50 \| ", frames(run.terminal.raw)[-1]), "it follows --requests"


def test_a_message_during_the_run_stands_on_a_line_of_its_own(on_terminal):
    run = on_terminal("-m", "4", "-r", "4", "-t", "30s", columns=100)
    run.terminal.take_until(lambda raw: len(frames(raw)) >= 3)
    run.process.send_signal(signal.SIGINT)
    assert run.wait() == 0
    rows = run.terminal.rows()
    assert "strest: stopping: waiting for the requests in flight; a second signal leaves at once" in rows
    last = bars(rows)
    assert len(last) == 1 and " | stopped" in last[0] and float(re.search(r"(\d+\.\d)%", last[0])[1]) < 50
    end = [row for row in rows if row]
    assert end[end.index(last[0]) + 1].startswith("strest: charts: 14 files in "), "the bar stays, and what is said later stands below it"


@pytest.mark.option("verbose")
def test_a_verbose_run_has_no_bar(on_terminal):
    run = on_terminal("-m", "2", "-t", "700ms", "--verbose")
    assert run.wait() == 0
    assert not frames(run.terminal.raw)


@pytest.mark.slow
def test_a_file_gets_a_plain_line_every_ten_seconds(strest, target):
    finished = strest.run("-u", target().url + "/delay/2ms", "--rate", "200", "-m", "20", "-t", "11s")
    assert finished.code == 0, finished
    lines = [line for line in finished.err.splitlines() if " / 11s" in line]
    assert len(lines) == 1, finished.err
    assert re.fullmatch(r"strest: 9\d\.\d% \| 10\.\ds / 11s \| steady \| \d+\.\d/s of 200/s \| errors 0 \| p99 [\d.]+ ms \(last 10 s\)", lines[0]), lines[0]
    assert "\033" not in finished.err and "\r" not in finished.err
