"""What cannot be run is refused: one clear line on stderr, the right exit status, nothing on stdout, and no request is sent."""

import re
import socket
import threading

import pytest

from conftest import without_rights
from servers import always, answer, free_port

USAGE, CONFIG, UNREACHABLE = 2, 1, 3
URL = "http://127.0.0.1:9/"


def refused(finished, code, *words):
    assert finished.code == code, finished
    assert finished.out == "", finished
    lines = finished.err.splitlines()
    said = [line for line in lines if line.startswith("strest: error: ")]
    assert len(said) == 1, finished
    rest = [line for line in lines if line not in said]
    assert rest == (["try 'strest --help'"] if code == USAGE else []), finished
    assert len(said[0]) < 400, "one line that can be read"
    for word in words:
        assert word in said[0], (word, said[0])


URLS = [
    ([], ["URL", "--url", "--urls-from-file"]),
    (["-u", ""], ["empty", "http://"]),
    (["-u", "/path"], ["/path", "http://"]),
    (["-u", "path/to"], ["path/to", "http://"]),
    (["-u", "?q=1"], ["http://"]),
    (["-u", "localhost:3000"], ["'localhost:3000'", "http://localhost:3000"]),
    (["-u", "127.0.0.1:3000/x"], ["http://127.0.0.1:3000/x"]),
    (["-u", "example.org"], ["http://example.org"]),
    (["-u", "ftp://127.0.0.1/"], ["'ftp'", "http://"]),
    (["-u", "ws://127.0.0.1/"], ["'ws'"]),
    (["-u", "file:///etc/passwd"], ["'file'"]),
    (["-u", "httpx://127.0.0.1/"], ["httpx", "https://"]),
    (["-u", "http:/127.0.0.1/"], ["http://"]),
    (["-u", "http://"], ["host"]),
    (["-u", "http:///path"], ["host"]),
    (["-u", "http://:80/"], ["host"]),
    (["-u", "http://127.0.0.1:0/"], ["port", "65535"]),
    (["-u", "http://127.0.0.1:65536/"], ["port", "65535"]),
    (["-u", "http://127.0.0.1:99999999999999999999/"], ["port"]),
    (["-u", "http://127.0.0.1:abc/"], ["port"]),
    (["-u", "http://127.0.0.1:-1/"], ["port"]),
    (["-u", "http://[::1/"], ["http://[::1/"]),
    (["-u", "http://127.0.0.1/a b"], ["blank"]),
    (["-u", "http://127.0.0.1/\n"], ["control character"]),
]


@pytest.mark.parametrize("args, words", URLS)
def test_a_url_that_cannot_be_loaded_is_refused(strest, args, words):
    refused(strest.run(*(args or ["-t", "1s"])), CONFIG, *words)


VALUES = [
    (["-H", "no colon"], ["--headers", "header 1", "colon"]),
    (["-H", ": value"], ["--headers", "name"]),
    (["-H", "bad name: x"], ["--headers", "name"]),
    (["-H", "X-A: a\r\nX-B: b"], ["--headers"]),
    (["-A", "a\nb"], ["--accept"]),
    (["-T", "a\rb"], ["--content-type"]),
    (["--host", "a\nb"], ["--host"]),
    (["-t", "0"], ["--duration", "'0'"]),
    (["-t", "0s"], ["--duration"]),
    (["-t", "-1s"], ["--duration"]),
    (["-t", "abc"], ["--duration", "'abc'"]),
    (["-t", "1x"], ["--duration", "'1x'"]),
    (["-t", ""], ["--duration"]),
    (["--warmup", "0s"], ["--warmup"]),
    (["--timeout", "0"], ["--timeout"]),
    (["--connect-timeout", "0ms"], ["--connect-timeout"]),
    (["--requests", "0"], ["--requests"]),
    (["--requests", "-1"], ["--requests"]),
    (["--requests", "1.5"], ["--requests"]),
    (["-m", "0"], ["--max-tasks"]),
    (["-m", "99999999999999999999999"], ["--max-tasks"]),
    (["-r", "0"], ["--spawn-rate"]),
    (["-i", "0"], ["--spawn-interval"]),
    (["--threads", "0"], ["--threads"]),
    (["--threads", "257"], ["--threads"]),
    (["-q", "0"], ["--rate"]),
    (["-q", "-5"], ["--rate"]),
    (["-q", "fast"], ["--rate", "'fast'"]),
    (["-q", "1e9"], ["--rate"]),
    (["-q", "nan"], ["--rate"]),
    (["--stages", "30s"], ["--stages"]),
    (["--stages", "30s@"], ["--stages"]),
    (["--stages", "0s@5"], ["--stages"]),
    (["--stages", "1s@5,,1s@6"], ["--stages"]),
    (["--arrival", "odd"], ["--arrival", "'odd'", "even"]),
    (["--spin", "maybe"], ["--spin"]),
    (["-X", "fetch"], ["--method", "'fetch'"]),
    (["-s", "99"], ["--status"]),
    (["-s", "600"], ["--status"]),
    (["-s", "2x"], ["--status"]),
    (["-s", ""], ["--status"]),
    (["--retry-stale", "always"], ["--retry-stale"]),
    (["-F", "no sign"], ["--form"]),
    (["-F", "=value"], ["--form"]),
    (["-a", "secret"], ["--basic-auth", "USER:PASSWORD"]),
    (["-a", ":secret"], ["--basic-auth", "user"]),
    (["-a", "user:\x01"], ["--basic-auth", "control character"]),
    (["--bearer", ""], ["--bearer", "empty"]),
    (["--bearer", "a\nb"], ["--bearer", "control character"]),
    (["--redirect", "1001"], ["--redirect", "1000"]),
    (["--redirect", "-1"], ["--redirect"]),
    (["--proxy-header", "no colon"], ["--proxy-header", "colon"]),
    (["--connect-to", "a:1:b"], ["--connect-to", "four parts"]),
    (["--connect-to", "::1:80:a:1"], ["--connect-to", "brackets"]),
    (["--connect-to", "a:0:b:1"], ["--connect-to", "65535"]),
    (["--bind", "lo"], ["--bind", "'lo'", "127.0.1.0/28"]),
    (["--bind", "127.0.0.1,"], ["--bind", "empty"]),
    (["--bind", "10.0.0.7/24"], ["--bind", "10.0.0.0/24"]),
    (["--requests-per-connection", "0"], ["--requests-per-connection"]),
    (["--connection-pick", "best"], ["--connection-pick", "lru", "mru"]),
    (["--ipv4", "--ipv6"], ["--ipv4", "--ipv6"]),
    (["--proxy", "http://127.0.0.1:9", "--no-proxy"], ["--proxy", "--no-proxy"]),
    (["--unix-socket", "/x", "--bind", "127.0.0.1"], ["--unix-socket", "--bind"]),
    (["-a", "a:b", "--bearer", "c"], ["--basic-auth", "--bearer"]),
    (["-d", "a", "-F", "b=c"], ["--data", "--form"]),
    (["-T", "a/b", "-F", "b=c"], ["--content-type", "--form"]),
    (["--urls-from-file", "-"], ["--url", "--urls-from-file"]),
    (["--disable-keepalive", "--requests-per-connection", "5"], ["--disable-keepalive", "--requests-per-connection"]),
    (["--json", "--debug"], ["--json", "--debug"]),
    # the options themselves
    (["--wibble"], ["'--wibble'"]),
    (["--duratoin", "5s"], ["'--duratoin'", "did you mean", "--duration"]),
    (["--max-task", "5"], ["'--max-task'", "--max-tasks"]),
    (["--time", "5"], ["'--time'"]),
    (["--listen", "127.0.0.1:0"], ["--listen", "target"]),
    (["-Q"], ["'-Q'"]),
    (["-t", "1s", "-t", "2s"], ["--duration", "once"]),
    (["-m", "5", "--connections", "6"], ["--max-tasks", "once"]),
    (["--json", "--json"], ["--json", "once"]),
    (["-d"], ["--data", "missing"]),
    (["-d", "-x"], ["--data", "="]),
    (["-d", "a", "-D", "b"], ["--data", "--data-file"]),
    (["stray"], ["'stray'"]),
    (["http://127.0.0.1/"], ["--url"]),
    (["--", "word"], ["'word'"]),
]


@pytest.mark.parametrize("args, words", VALUES)
def test_a_wrong_command_line_is_refused(strest, args, words):
    refused(strest.run("-u", URL, *args), USAGE, *words)


RULES = [
    (["-t", "5s", "--warmup", "5s"], ["--warmup", "--duration"]),
    (["-t", "5s", "--warmup", "6s"], ["--warmup", "--duration"]),
    (["-m", "2", "--threads", "3"], ["--threads", "--max-tasks"]),
    (["-m", "2", "--rate", "5", "--preconnect", "3"], ["--preconnect", "--max-tasks"]),
    (["--arrival", "poisson"], ["--arrival", "--rate"]),
    (["--preconnect", "3"], ["--preconnect", "--rate"]),
    (["--spin", "on"], ["--spin", "--rate"]),
    (["--stages", "1s@0"], ["--stages"]),
    (["--connection-pick", "mru"], ["--connection-pick", "--rate"]),
    (["-p", "socks5://127.0.0.1:9"], ["--proxy", "'socks5' is not supported", "http:// or https://"]),
    (["-p", "proxy:3128"], ["--proxy", "http://proxy:3128"]),
    (["-p", "http://proxy:3128/path"], ["--proxy", "path", "http://proxy:3128"]),
    (["-p", ""], ["--proxy", "empty"]),
    (["--unix-socket", ""], ["--unix-socket", "empty"]),
    (["--unix-socket", "x" * 108], ["--unix-socket", "107"]),
    (["-a", "a:b", "-H", "Authorization: c"], ["--headers", "--basic-auth"]),
    (["--bearer", "a", "-H", "authorization: c"], ["--headers", "--bearer"]),
    (["-F", "a=b", "-H", "content-type: c/d"], ["--headers", "--form"]),
    (["--no-ua"], ["--no-ua", "--authorized"]),
    (["-D", "/nonexistent/body"], ["--data-file", "/nonexistent/body"]),
    (["-D", "/"], ["--data-file", "'/'"]),
    (["-D", ""], ["--data-file"]),
]


@pytest.mark.parametrize("args, words", RULES)
def test_options_that_do_not_go_together_are_refused(strest, args, words):
    refused(strest.run("-u", URL, *args), CONFIG, *words)


def test_a_unix_socket_is_for_plain_http(strest):
    refused(strest.run("-u", "https://127.0.0.1:9/", "--unix-socket", "/x"), CONFIG, "--unix-socket", "http://")


def test_a_body_that_may_not_be_read_is_refused(strest, tmp_path):
    path = tmp_path / "body"
    path.write_text("x")
    path.chmod(0)
    less = without_rights("dac_override", "dac_read_search")
    refused(strest.run("-u", URL, "-D", path, prefix=less), CONFIG, "--data-file", str(path), "Permission denied")


def test_nothing_is_sent_when_something_is_wrong(strest, scripted):
    server = scripted(always(answer()))
    refused(strest.run("-u", server.url, "--warmup", "9s", "-t", "5s"), CONFIG, "--warmup")
    assert server.peers == []


@pytest.mark.parametrize("name", ["no-such-host.invalid", "also.missing.test"])
def test_a_name_that_does_not_resolve_is_unreachable(strest, name):
    """Names that never exist: RFC 2606."""
    finished = strest.run("-u", f"http://{name}/", "-t", "2s", "--connect-timeout", "3s")
    refused(finished, UNREACHABLE, name)
    assert finished.seconds < 10


@pytest.mark.parametrize("load", [["-m", "4", "-r", "4"], ["--rate", "100"], ["--requests", "10", "-m", "1"], []])
def test_a_refused_connection_is_one_line_soon_and_no_page_of_zeros(strest, load):
    port = free_port()
    finished = strest.run("-u", f"http://127.0.0.1:{port}/", "-t", "30s", "--connect-timeout", "1s", *load)
    assert finished.code == UNREACHABLE, finished
    assert finished.out == ""
    said = [line for line in finished.err.splitlines() if line.startswith("strest: error: ")]
    assert len(said) == 1, finished
    assert f"http://127.0.0.1:{port}/" in said[0]
    assert "refused" in said[0]
    assert finished.seconds < 8


def test_a_refused_connection_is_told_in_json_too(strest):
    result = strest.measure("-u", f"http://127.0.0.1:{free_port()}/", "-t", "2s", "-m", "2", "-r", "2", code=UNREACHABLE)
    assert result["books"]["ok"] == 0 and result["books"]["attempts"] == 0
    assert list(result["errors"]) == ["connect"] and list(result["errors"]["connect"]) == ["refused"]


def test_a_server_that_comes_late_is_measured(strest, scripted):
    """Failures before the first answer end the run only when nothing else comes for 3 s."""
    port = free_port()
    run = strest.start("--json", "-u", f"http://127.0.0.1:{port}/", "-m", "2", "-r", "2", "-t", "2s")
    timer = threading.Timer(0.5, lambda: scripted(always(answer()), port=port))
    timer.start()
    finished = run.wait()
    timer.join()
    assert finished.code == 0, finished
    assert finished.json["books"]["ok"] > 0
    assert finished.json["errors"]["connect"]["refused"] > 0


def test_no_arguments_print_the_help(strest):
    finished = strest.run()
    assert finished.code == 0
    assert "Usage: strest" in finished.out
    assert finished.err == ""


def test_help_names_every_option_and_exit_code(strest):
    finished = strest.run("--help", "all")
    assert finished.code == 0
    for option in ("url method headers accept content-type data data-file host no-ua authorized timeout connect-timeout status max-tasks "
                   "spawn-rate spawn-interval requests duration warmup threads seed rate stages arrival preconnect spin json form basic-auth bearer compressed redirect urls-from-file proxy proxy-header no-proxy "
                   "connect-to unix-socket ipv4 ipv6 no-pre-lookup bind disable-keepalive requests-per-connection connection-pick debug").split():
        assert re.search(rf"--{option}\b", finished.out), option
    assert re.search(r"^\s+130\s", finished.out, re.M)
    assert max(map(len, finished.out.splitlines())) <= 100
    assert strest.run("help", "all").out == finished.out
    assert strest.run("-h").out == strest.run("help").out == strest.run("--help").out


def test_help_of_the_target_is_its_own(strest):
    one, other = strest.run("target", "--help"), strest.run("help", "target")
    assert one.code == 0
    assert "--stall" in one.out and "--url" not in one.out
    assert one.out == other.out


def test_version_is_one_line(strest):
    finished = strest.run("--version")
    assert finished.code == 0
    assert re.match(r"strest \d+\.\d+\.\d+\b", finished.out)
    assert strest.run("-V").out == finished.out


TARGET = [
    (["--stall", "1s/1s"], USAGE, ["--stall"]),
    (["--stall", "0s/1s"], USAGE, ["--stall"]),
    (["--stall", "200ms"], USAGE, ["--stall"]),
    (["--threads", "0"], USAGE, ["--threads"]),
    (["--url", URL], USAGE, ["--url"]),
    (["word"], USAGE, ["'word'"]),
    (["--listen", "nonsense"], CONFIG, ["nonsense"]),
    (["--listen", "127.0.0.1:65536"], CONFIG, ["127.0.0.1:65536"]),
    (["--listen", "127.0.0.1:0", "--record", "/nonexistent/record"], CONFIG, ["/nonexistent/record"]),
]


@pytest.mark.parametrize("args, code, words", TARGET)
def test_a_target_that_cannot_serve_says_why(strest, args, code, words):
    finished = strest.run("target", *args)
    assert finished.code == code, finished
    assert finished.out == ""
    lines = [line for line in finished.err.splitlines() if line.startswith("strest: error: ")]
    assert len(lines) == 1, finished
    assert all(word in lines[0] for word in words), lines


def test_a_target_on_a_port_in_use_says_so(strest):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        where = f"127.0.0.1:{s.getsockname()[1]}"
        finished = strest.run("target", "--listen", where)
    assert finished.code == CONFIG
    assert finished.out == ""
    assert where in finished.err
