"""Charts: which files there are, what kind of pictures they are, and what happens where they cannot be drawn."""

import os
import signal
import struct
import time
import zlib

import pytest

from conftest import check_result
from servers import always, answer, wait_for

NAMES = """average_response_time cumulative_successful_requests cumulative_error_rate cumulative_total_requests requests_per_second
latency_percentiles_P50 latency_percentiles_P90 latency_percentiles_P99 timeouts_per_second error_rate_breakdown status_code_distribution
inflight_requests latency_heatmap send_lateness""".split()
SIXTEENTH = {True: "Charts: enabled", False: "Charts: disabled"}


def picture(path):
    """The rows of a PNG file of 8-bit RGB (RFC 2083), after its checks; each a bytes object of three bytes a pixel."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    at, packed, kinds = 8, b"", []
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + body), (path, kind)
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert (width, height, depth, color, interlaced) == (1600, 600, 8, 2, 0), path
        if kind == b"IDAT":
            packed += body
        kinds.append(kind)
        at += 12 + size
    assert kinds[-1] == b"IEND"
    raw = zlib.decompress(packed)
    assert len(raw) == 600 * (1 + 3 * 1600)
    return raw


def drawn(folder):
    """What is in a folder, but for the record of the built-in server."""
    return sorted(name for name in os.listdir(folder) if not name.startswith("record"))


def all_good(folder):
    assert drawn(folder) == sorted(f"{name}.png" for name in NAMES)
    return {name: picture(folder / f"{name}.png") for name in NAMES}


def load(server, *args):
    return ["-u", server.url + "/", "-m", "4", "-r", "4", *args]


@pytest.mark.option("charts-path")
def test_a_run_leaves_fourteen_pictures(strest, target, tmp_path):
    folder = tmp_path / "deep" / "er"
    finished = strest.run(*load(target(), "-t", "1s", "--charts-path", folder))
    assert finished.code == 0
    pictures = all_good(folder)
    assert len(set(pictures.values())) == len(NAMES), "each shows something else"
    assert finished.out.splitlines()[-1] == SIXTEENTH[True]
    assert f"charts: 14 files in {folder}" in finished.err
    assert folder.stat().st_mode & 0o777 == 0o755 & ~current_umask()


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.option("charts-path")
def test_the_next_run_replaces_them(strest, target, tmp_path):
    server, folder = target(), tmp_path
    (folder / "inflight_requests.png").write_text("old")
    (folder / "mine.txt").write_text("kept")
    assert strest.run(*load(server, "--requests", "20", "-t", "20s", "-c", folder)).code == 0
    assert (folder / "mine.txt").read_text() == "kept"
    (folder / "mine.txt").unlink()
    all_good(folder)


@pytest.mark.option("charts-path")
@pytest.mark.parametrize("path, want", [("~/charts here", "charts here"), (None, ".strest/charts")])
def test_a_path_may_begin_at_home(strest, target, tmp_path, path, want):
    words = ["-c", path] if path else []
    assert strest.run(*load(target(), "--requests", "4", "-t", "20s", *words), env={"HOME": str(tmp_path)}, charts=True).code == 0
    all_good(tmp_path / want)


def test_a_home_that_takes_none_costs_a_warning(strest, target):
    """Nobody asked for them."""
    finished = strest.run(*load(target(), "--requests", "4", "-t", "20s"), env={"HOME": "/proc"}, charts=True)
    assert finished.code == 0 and "warning: charts: cannot make" in finished.err and "--charts-path FOLDER" in finished.err
    assert finished.out.splitlines()[-1] == SIXTEENTH[False]


@pytest.mark.option("charts-path")
def test_without_a_home_they_lie_in_the_working_directory(strest, target, tmp_path):
    words = load(target(), "--requests", "4", "-t", "20s")
    finished = strest.run(*words, charts=True, env={"HOME": ""}, prepare=lambda: os.chdir(tmp_path))
    assert finished.code == 0
    all_good(tmp_path / ".strest" / "charts")


@pytest.mark.option("no-charts")
@pytest.mark.parametrize("word", ["--no-charts", "-n"])
def test_no_charts_draws_none(strest, target, tmp_path, word):
    finished = strest.run(*load(target(), "--requests", "4", "-t", "20s", "-c", tmp_path / "charts", word))
    assert finished.code == 0
    assert not (tmp_path / "charts").exists()
    assert finished.out.splitlines()[-1] == SIXTEENTH[False]
    assert "charts:" not in finished.err


@pytest.mark.option("no-charts", "charts-path")
def test_a_file_says_the_same(strest, target, tmp_path):
    (tmp_path / "a.toml").write_text(f'charts_path = "{tmp_path}/one"\n')
    (tmp_path / "b.toml").write_text(f'charts_path = "{tmp_path}/two"\nno_charts = true\n')
    server = target()
    for name in "a", "b":
        assert strest.run(*load(server, "--requests", "4", "-t", "20s", "--config", tmp_path / f"{name}.toml"), charts=True).code == 0
    all_good(tmp_path / "one")
    assert not (tmp_path / "two").exists()


def test_json_draws_and_debug_does_not(strest, target, tmp_path):
    server = target()
    finished = strest.run("--json", *load(server, "--requests", "4", "-t", "20s", "-c", tmp_path / "json"))
    check_result(finished)
    all_good(tmp_path / "json")
    assert strest.run("-u", server.url + "/", "--debug", "-c", tmp_path / "debug").code == 0
    assert not (tmp_path / "debug").exists()


@pytest.mark.option("charts-path")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_folder_that_cannot_be_made_takes_no_result_with_it(strest, target, tmp_path, form):
    (tmp_path / "file").write_text("in the way")
    finished = strest.run(*form, *load(target(), "--requests", "40", "-t", "20s", "-c", tmp_path / "file" / "charts"))
    assert finished.code == 1
    errors = [line for line in finished.err.splitlines() if "error:" in line]
    assert len(errors) == 1 and "--charts-path: " in errors[0] and "Not a directory" in errors[0], finished
    if form:
        assert check_result(finished)["books"]["ok"] == 40
    else:
        assert "Total Requests: 40" in finished.out and finished.out.splitlines()[-1] == SIXTEENTH[False]


@pytest.mark.option("charts-path")
def test_a_file_that_cannot_be_written_leaves_the_others(strest, target, tmp_path):
    (tmp_path / "requests_per_second.png" / "full").mkdir(parents=True)
    finished = strest.run(*load(target(), "--requests", "4", "-t", "20s", "-c", tmp_path))
    assert finished.code == 1
    assert "--charts-path: cannot write" in finished.err and "requests_per_second.png" in finished.err
    assert "charts: 13 files" in finished.err
    assert finished.out.splitlines()[-1] == SIXTEENTH[True]
    assert drawn(tmp_path) == sorted(f"{name}.png" for name in NAMES), "and nothing half lies about"


def test_a_run_without_success_is_drawn_too(strest, scripted, tmp_path):
    server = scripted(always(answer(b"no", status=503)))
    finished = strest.run("-u", server.url, "-m", "2", "-r", "2", "-t", "1s", "-c", tmp_path)
    assert finished.code == 0, finished
    all_good(tmp_path)


def test_without_a_request_there_is_nothing_to_draw(strest, tmp_path):
    finished = strest.run("-u", "http://no-such-host.invalid/", "-t", "1s", "-c", tmp_path / "charts")
    assert finished.code == 3, finished
    assert not (tmp_path / "charts").exists()
    assert "--charts-path" not in finished.err


def test_where_there_is_no_font_there_is_no_text(strest, target, tmp_path):
    (tmp_path / "fonts.conf").write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>')
    words = load(target(), "--requests", "4", "-t", "20s", "-c", tmp_path / "charts")
    finished = strest.run(*words, env={"FONTCONFIG_FILE": str(tmp_path / "fonts.conf")})
    assert finished.code == 0, finished
    all_good(tmp_path / "charts")


@pytest.mark.parametrize("stopped", [False, True])
def test_a_second_signal_while_drawing_leaves_at_once(strest, target, tmp_path, stopped, has_tsan):
    """The drafts are pipes that nobody reads: drawing comes to no end."""
    if has_tsan:
        pytest.skip("ThreadSanitizer holds signals back while a thread waits for others")
    server = target()
    run = strest.start(*load(server, "-t", "40s" if stopped else "1s", "-c", tmp_path))
    for name in NAMES:
        os.mkfifo(tmp_path / f"{name}.png.{run.process.pid}.tmp")
    wait_for(lambda: server.counted() > 0)
    if stopped:
        run.signal(signal.SIGINT)
    time.sleep(2)
    assert run.alive()
    if not stopped:
        run.signal(signal.SIGINT)
        time.sleep(0.3)
        assert run.alive(), "the first one ends a run, and that is over"
    run.signal(signal.SIGINT)
    assert run.wait(20).code == 130
