"""HTTP/2's options: what contradicts itself, what a config file says, what the run says of its protocol before it sends.

Sentences are checked by their words: the name of the option or key, the value, what to write instead.
"""

import re

import pytest

from conftest import says
from servers import always, answer, free_port

USAGE, CONFIG, UNREACHABLE = 2, 1, 3
URL = "http://127.0.0.1:9/"


WRONG_VALUES = [
    (["--http-version", "3"], ["--http-version", "'3'", "later version", "1.1 or 2"]),
    (["--http-version", "0.9"], ["'0.9'", "1.1 or 2"]),
    (["--http-version", "1.0"], ["'1.0'", "1.1", "--disable-keepalive"]),
    (["--http-version", "2.0"], ["'2.0'", "did you mean '2'?"]),
    (["--http-version", "http/2"], ["'http/2'", "did you mean '2'?"]),
    (["--http-version", "HTTP/1.1"], ["'HTTP/1.1'", "did you mean '1.1'?"]),
    (["--http-version=1"], ["'1'", "did you mean '1.1'?"]),
    (["--http-version", "latest"], ["'latest'", "no version of HTTP", "1.1 or 2"]),
    (["--http-version"], ["value is missing"]),
    (["--http-version", "2", "--http-version", "2"], ["only once"]),
    (["--http2", "--http2"], ["--http2", "only once"]),
    (["--http2=yes"], ["--http2", "'yes'", "true or false"]),
    (["--http2-parallel", "0"], ["--http2-parallel", "'0'", "at least 1"]),
    (["--http2-parallel", "1001"], ["'1001'", "at most 1000"]),
    (["--streams", "many"], ["--http2-parallel", "'many'", "whole number"]),
    (["--streams", "2", "--http2-parallel", "2"], ["--http2-parallel", "only once", "--streams"]),
    (["--alpn", "h3"], ["--alpn", "'h3'", "later version", "h2 or http/1.1"]),
    (["--alpn", "h3-29"], ["'h3-29'", "later version"]),
    (["--alpn", "h2c"], ["'h2c'", "h2 or http/1.1"]),
    (["--alpn", "spdy/3"], ["'spdy/3'", "h2 or http/1.1"]),
]


@pytest.mark.option("http2")
@pytest.mark.option("http2-parallel")
@pytest.mark.option("http-version")
@pytest.mark.option("alpn")
@pytest.mark.parametrize("args, words", WRONG_VALUES)
def test_a_wrong_value_is_refused_with_what_to_write(strest, args, words):
    says(strest.run("-u", URL, *args), USAGE, *words)


UNKNOWN = [
    ("--http3", "HTTP/3 comes with a later version"),
    ("--proxy-http2", "later version"),
    ("--http2-prior-knowledge", "write --http2"),
    ("--http1.1", "write --http-version 1.1"),
]


@pytest.mark.parametrize("option, words", UNKNOWN)
def test_options_that_are_called_otherwise_are_answered(strest, option, words):
    finished = strest.run("-u", URL, option)
    assert finished.code == USAGE and f"unknown option '{option}'; " in finished.err and words in finished.err, finished


CONTRADICTIONS = [
    (["--http-version", "1.1", "--http2"], ["--http-version", "1.1", "--http2", "leave one"]),
    (["--http-version", "1.1", "--alpn", "h2"], ["--http-version", "1.1", "h2", "--alpn", "leave one"]),
    (["--http-version", "2", "--alpn", "h2", "--alpn", "http/1.1"], ["--http-version", "http/1.1", "--alpn"]),
    (["--http2", "--alpn", "http/1.1"], ["--http2", "--alpn", "h2"]),
    (["--alpn", ""], ["--alpn", "blank", "--alpn h2"]),
    (["--alpn", " ", "--alpn", "\t", "--http2"], ["--alpn", "blank"]),
    (["--http2-parallel", "10"], ["--http2-parallel", "add --http2"]),
    (["--streams", "10", "--http-version", "1.1"], ["--http2-parallel", "--http-version", "leave one"]),
    (["--streams", "10", "--alpn", "http/1.1"], ["--http2-parallel", "--alpn", "leave one"]),
    (["--streams", "10", "--http2", "--disable-keepalive"], ["--http2-parallel", "--disable-keepalive", "leave one"]),
    (["--streams", "10", "--http2", "--connections", "100"], ["--connections", "10 streams", "--max-tasks 1000", "--max-tasks 100 "]),
    (["--http2", "--tls-max", "1.1"], ["--tls-max", "HTTP/2", "1.2 or 1.3"]),
    (["--http2", "--streams", "10", "-m", "100", "--rate", "5", "--preconnect", "11"], ["--preconnect", "11", "10 connections", "at most"]),
]


@pytest.mark.option("http2-parallel")
@pytest.mark.parametrize("args, words", CONTRADICTIONS)
def test_options_that_contradict_each_other_are_refused(strest, args, words):
    finished = strest.run("-u", URL, *args)
    says(finished, CONFIG, *words)
    assert len([line for line in finished.err.splitlines() if "error" in line]) == 1, finished


HARMLESS = [
    ["--http-version", "2", "--http2", "--alpn", "H2"],
    ["--http-version", "1.1", "--alpn", "HTTP/1.1", "--http2=false", "--http2-parallel", "1"],
    ["--http2", "--alpn", "http2", "--alpn", "", "--alpn", "http1"],
    ["--http2", "--concurrency", "20", "--streams", "10"],
    ["--http2", "--connections", "20"],
    ["--http2", "--disable-keepalive"],
    ["--http2", "--tls-max", "1.2"],
]


@pytest.mark.parametrize("args", HARMLESS)
def test_what_says_the_same_twice_is_taken(strest, args):
    """Nobody listens: taken means that the run began."""
    finished = strest.run("-u", f"http://127.0.0.1:{free_port()}/", "-t", "1s", *args)
    assert finished.code == UNREACHABLE and "no response at all; connection refused" in finished.err, finished
    assert "TLS options say nothing" not in finished.err, finished


# what a config file says


def page(finished):
    assert finished.code == 0, finished
    return finished.out


def test_a_file_has_the_keys_and_the_page_reads_back(strest, tmp_path):
    text = 'url = "http://127.0.0.1:9/"\nhttp2 = true\nhttp2_parallel = 7\nalpn = ["HTTP/2", "", "http1"]\nmax_tasks = 70\n'
    (tmp_path / "a.toml").write_text(text)
    first = page(strest.run("--config", tmp_path / "a.toml", "--print-config"))
    for line in ("http2 = true  # ", "http2_parallel = 7  # ", 'alpn = ["h2", "http/1.1"]  # ', "# http_version: not set"):
        assert re.search("^" + re.escape(line), first, re.M), (line, first)
    (tmp_path / "b.toml").write_text(first)
    again = page(strest.run("--config", tmp_path / "b.toml", "--print-config"))
    settings = [[line.split("  # ")[0] for line in text.splitlines() if not line.startswith("#")] for text in (first, again)]
    assert settings[0] == settings[1]


def test_the_command_line_is_on_the_page_too(strest):
    text = page(strest.run("-u", URL, "--http-version", "2", "--streams", "9", "--print-config"))
    assert 'http_version = "2"  # --http-version\n' in text and "http2_parallel = 9  # --http2-parallel\n" in text
    assert "http2 = false  # default\n" in text and "# alpn: not set\n" in text


FILES = [
    ('http_version = "1.1"\nhttp2 = true', "1:16", ["http_version", "http2"]),
    ("http_version = 2", "1:16", ['http_version = "2"']),
    ('http2 = true\nalpn = ["http/1.1"]', "1:9", ["http2", "alpn", "h2"]),
    ('alpn = ["", " "]', "1:8", ["alpn", "blank"]),
    ("http2_parallel = 5", "1:18", ["http2_parallel", "add http2 = true"]),
    ("http2 = true\nhttp2_parallel = 5\nconnections = 10", "3:15", ["connections", "max_tasks = 50"]),
    ("streams = 5\nhttp2_parallel = 5\nhttp2 = true", "2:1", ["http2_parallel", "streams"]),
]


@pytest.mark.parametrize("text, place, words", FILES)
def test_a_contradiction_in_a_file_is_told_with_its_place(strest, tmp_path, text, place, words):
    path = tmp_path / "a.toml"
    path.write_text(text + f'\nurl = "{URL}"\n')
    says(strest.run("--config", path), CONFIG, f"a.toml:{place}:", *words)
    checked = strest.run("config", "check", path)
    assert checked.code == 1 and f"a.toml:{place}:" in checked.out, checked


def test_http_3_in_a_file_is_left_out_with_a_warning(strest, tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(f'url = "{URL}"\nhttp3 = true\nalpn = ["h3", "h2"]\n')
    finished = strest.run("--config", path, "--print-config")
    assert 'alpn = ["h2"]' in page(finished)
    assert re.search(r"a\.toml:2:1: http3: .*later version", finished.err) and re.search(r"a\.toml:3:9: alpn: h3 .*later version", finished.err)


OVERRIDES = [
    ("http2 = true\nhttp2_parallel = 5", ["--http-version", "1.1"], None),
    ("http2 = true\nhttp2_parallel = 5", ["--http2=false"], None),
    ("http2 = true\nhttp2_parallel = 5", ["--alpn", "http/1.1"], "HTTP/1.1"),
    ('http_version = "1.1"', ["--http2"], "HTTP/2"),
    ('alpn = ["http/1.1"]', ["--http-version", "2"], "HTTP/2"),
]


@pytest.mark.parametrize("text, args, spoken", OVERRIDES)
def test_the_command_line_sets_the_files_protocol_aside(strest, tmp_path, text, args, spoken):
    path = tmp_path / "a.toml"
    path.write_text(text + f'\nurl = "http://127.0.0.1:{free_port()}/"\nduration = "1s"\n')
    finished = strest.run("--config", path, *args)
    assert finished.code == UNREACHABLE, finished
    assert ("HTTP/2 (h2c)" in finished.err.splitlines()[0]) == (spoken == "HTTP/2"), finished


# what the run says at its start


SAID = [
    ("http", ["--http2"], "HTTP/2 (h2c), for "),
    ("http", ["--http2", "-m", "100", "--streams", "10"], "HTTP/2 (h2c), 10 connections with up to 10 streams each, for "),
    ("http", ["--http-version", "2", "-m", "101", "--streams", "10"], "HTTP/2 (h2c), 11 connections with up to 10 streams each, for "),
    ("http", ["--alpn", "h2", "--alpn", "http/1.1", "--streams", "10"], "HTTP/1.1 (only https:// negotiates), for "),
    ("https", ["--http2", "--insecure"], "HTTP/2 if the server agrees (ALPN), else HTTP/1.1, for "),
    ("https", ["--http2", "--insecure", "-m", "20", "--streams", "20"],
     "HTTP/2 if the server agrees (ALPN), else HTTP/1.1; in HTTP/2, 1 connection with up to 20 streams each, for "),
    ("https", ["--http-version", "2", "--insecure"], "tasks, 1 new every 100 ms (11 by the end of the run), HTTP/2, for "),
]


@pytest.mark.option("http-version")
@pytest.mark.parametrize("scheme, args, words", SAID)
def test_the_first_line_says_which_http_is_spoken(strest, scheme, args, words):
    finished = strest.run("-u", f"{scheme}://127.0.0.1:{free_port()}/", "-t", "1s", "--threads", "1", *args)
    assert finished.code == UNREACHABLE and words in finished.err.splitlines()[0], finished


@pytest.mark.option("http-version")
def test_a_run_over_http_1_says_nothing_of_it(strest, scripted):
    server = scripted(always(answer()))
    for args in [], ["--http-version", "1.1"], ["--alpn", "http/1.1"]:
        finished = strest.run("-u", server.url, "-m", "2", "--requests", "4", *args)
        assert finished.code == 0 and "HTTP/" not in finished.err and "HTTP         " not in finished.out, finished
        result = strest.measure("-u", server.url, "-m", "2", "--requests", "4", *args)
        spoken = result["protocol"]
        assert (spoken["asked"], spoken["streams"], spoken["connections"]["h2"], spoken["fell_back"]) == ("http/1.1", 1, 0, 0)
        assert spoken["connections"]["http/1.1"] == result["connections"]["opened"] > 0
